"""A model first, then the crowd, then experts: what is saved at equal quality.

Plans are chosen with what half of the clips showed, in closed form or by a rehearsal, and carried
out by other people on the other half. Tables are polars.
"""

import numpy as np

from kit.experiments.redundancy import CROWD, EXPERTS, crowd, experts

ITEMS = 10_000
WANTED = 0.95  # share of right labels
THRESHOLDS = (*np.round(np.arange(0.3, 1.0, 0.05), 2).tolist(), 0.98, 0.99, 0.995)
WAYS = ("experts", "crowd, experts", "model, crowd, experts")
_SURE = 0.8  # confidence of the model from which a clip counts as easy, for everybody
_LOOKS, _SOME = range(3, 10), (0.6, 0.7, 0.8, 0.9)  # of plans that are rehearsed
REHEARSALS = 12  # with another crew each time


def routing(table, wanted=WANTED, items=ITEMS, seed=0):
    """The cheapest plan of each way to label, and what it costs and gives when carried out.

    table: of `judges.judged`; its last judge is the model. wanted: least accuracy, 0 to 1.
    polars table, for each way of WAYS: the plan that the closed form finds, read by majority and
    by Dawid and Skene, and the cheapest that keeps its word with all of REHEARSALS crews, read by
    Dawid and Skene. Columns way, chosen ("closed form" or "rehearsal"), read, plan (text), usd and
    promised_percent, found_usd, found_percent with low_percent and high_percent (Wilson, over
    items; see `carried_out`), saved_percent (of the USD that experts alone cost).
    """
    import polars as pl

    tried, held = _halves(table)
    rows = []
    for way in WAYS:
        best = _best(tried, way, wanted, items)
        later = [held, best.plan, items, [seed, REHEARSALS]]
        rows.append(_row(way, "closed form", best.plan, best.priced, carried_out(*later)))
        if way == WAYS[0]:
            continue
        again = carried_out(*later, "dawid-skene")
        rows.append(_row(way, "closed form", best.plan, best.priced, again, "dawid-skene"))
        if found := _rehearsed(tried, way, wanted, items, seed):
            later[1] = found[0]
            trial = carried_out(*later, "dawid-skene")
            rows.append(_row(way, "rehearsal", *found, trial, "dawid-skene"))
    dear = rows[0]["found_usd"]
    return pl.DataFrame([r | {"saved_percent": 100 * (1 - r["found_usd"] / dear)} for r in rows])


def promise(table, wanted=WANTED, items=ITEMS, seed=0):
    """Why the closed form promises too much: accuracy of one plan, made real step by step.

    table: of `judges.judged`. The plan is the cheapest in closed form with a model. polars table
    step, accuracy_percent, usd.
    """
    import polars as pl

    tried, _ = _halves(table)
    best = _best(tried, WAYS[-1], wanted, items)
    steps = {
        "promised": best.priced,
        "all people alike, errors even": carried_out(tried, best.plan, items, seed, alike=True,
                                                     hard=False),
        "people and words as measured": carried_out(tried, best.plan, items, seed, hard=False),
        "hard items hard for all": carried_out(tried, best.plan, items, seed),
        "read by Dawid and Skene": carried_out(tried, best.plan, items, seed, "dawid-skene"),
    }  # fmt: skip
    return pl.DataFrame([{"step": name, "accuracy_percent": 100 * x.accuracy, "usd": x.usd}
                         for name, x in steps.items()])  # fmt: skip


def best_of(table, way=WAYS[-1], wanted=WANTED, items=ITEMS):
    """kit.labeling.plan.Best of one way to label, chosen with half of the clips; see `routing`."""
    return _best(_halves(table)[0], way, wanted, items)


def carried_out(part, plan, items=ITEMS, seed=0, method="majority", alike=False, hard=True):
    """kit.labeling.plan.Trial of a Plan on `items` clips drawn from rows of `judges.judged`.

    method: see kit.labeling.plan.simulate. alike: the crowd are all as good as their mean, on
    every word. hard: people have worse odds where the model is unsure, as its fellow judges had.
    """
    from kit.labeling.plan import simulate

    own = _model(part)
    drawn = own[np.random.default_rng(seed).integers(0, own.height, items)]
    sure = drawn["confidence"].to_numpy() >= _SURE
    ease = np.where(sure, *easier(part)) if hard else None
    people = crowd(part, CROWD, seed)
    return simulate(plan, drawn["word"].to_list(), _alike(people) if alike else people,
                    experts(part, EXPERTS, seed), (drawn["said"].to_list(),
                    drawn["confidence"].to_numpy()), seed, method, ease)  # fmt: skip


def easier(part, sure=None):
    """(odds where the model is sure, odds where it is not) over the odds of all: of the others.

    part: rows of `judges.judged`. Odds of the judges other than the last to be right on the clips
    where the last one's confidence reaches `sure`, by default 0.8, and on the rest.
    """
    import polars as pl

    model = part["judge"].to_list()[-1]
    sides = part.filter(pl.col("judge") == model).select(
        "clip", sure=pl.col("confidence") >= (_SURE if sure is None else sure)
    )
    others = part.filter(pl.col("judge") != model).join(sides, on="clip")
    whole = _odds(others["right"])
    return tuple(_odds(others.filter(pl.col("sure") == side)["right"]) / whole
                 for side in (True, False))  # fmt: skip


def told(plan):
    """A Plan in a few words."""
    parts = [f"model from {100 * plan.threshold:g} %"] if plan.threshold is not None else []
    if plan.raters:
        votes = f", experts below {plan.agree} votes" if plan.agree else ""
        parts.append(f"{plan.raters} of the crowd{votes}")
    if not plan.raters or plan.agree or plan.gold:
        parts.append(f"{plan.experts} expert" + "s" * (plan.experts > 1))
    if plan.golds:
        parts.append(f"out with fewer than {plan.least} of {plan.golds} golds")
    return "; ".join(parts)


def _halves(table):
    """Every second clip of each word to choose plans with, the others to try them."""
    import polars as pl

    turn = _model(table).select("clip", turn=pl.int_range(pl.len()).over("word") % 2)
    found = table.join(turn, on="clip", maintain_order="left")
    return tuple(found.filter(pl.col("turn") == i).drop("turn") for i in range(2))


def _resampled(part, seed):
    """The rows of as many clips of each word, drawn with replacement: what others might show."""
    import polars as pl

    rng, drawn = np.random.default_rng(seed), []
    for _, own in _model(part).group_by("word", maintain_order=True):
        drawn.append(rng.choice(own["clip"].to_numpy(), own.height))
    places = pl.DataFrame({"clip": np.concatenate(drawn)}).with_row_index("place")
    found = part.join(places, on="clip", maintain_order="left")
    return found.with_columns(clip=pl.col("place").cast(pl.Int64)).drop("place")


def _model(part):
    import polars as pl

    return part.filter(pl.col("judge") == part["judge"].to_list()[-1])


def _best(part, way, wanted, items):
    from kit.labeling.plan import best_plan, tier_of

    people, dear = crowd(part), experts(part)
    curve = _curve(_model(part), THRESHOLDS) if way.startswith("model") else None
    how = {"raters": (0,), "gold": (0.0,)} if way == "experts" else {}
    free = 100.0 * items * dear[0].usd  # no limit
    return best_plan(items, free, free, wanted, tier_of(people), tier_of(dear),
                     len(people[0].words), curve, **how)  # fmt: skip


def _rehearsed(part, way, wanted, items, seed):
    """(plan, its worst Trial) of the cheapest plan of a way that keeps its word every time."""
    for plan in _by_price(part, way, items):
        trials = []
        for crew in range(REHEARSALS):
            again = _resampled(part, [seed, crew])
            trials.append(carried_out(again, plan, items, [seed, crew], "dawid-skene"))
            if trials[-1].accuracy < wanted:
                break
        else:
            return plan, min(trials, key=lambda trial: trial.accuracy)
    return None


def _by_price(part, way, items):
    """Plans that are rehearsed, the cheapest first, in closed form: without golds."""
    from kit.labeling.plan import Plan, priced, tier_of

    own, curve = _model(part), None
    people = crowd(part)
    thresholds = [None]
    if way.startswith("model"):
        thresholds, curve = _SOME, _curve(own, _SOME)
    plans = [Plan(raters=n, agree=agree, threshold=t)
             for n in _LOOKS for agree in (0, 2, 3) for t in thresholds if agree <= n]  # fmt: skip
    tiers, words = (tier_of(people), tier_of(experts(part))), len(people[0].words)
    return sorted(plans, key=lambda plan: priced(plan, items, *tiers, words, curve).usd)


def _curve(own, thresholds):
    from kit.labeling.plan import model_curve

    return model_curve(own["confidence"].to_numpy(), own["right"].to_numpy(), thresholds)


def _alike(people):
    """The same people with the mean of their accuracies, and errors spread evenly."""
    from dataclasses import replace

    k = len(people[0].words)
    p = float(np.mean([r.accuracy for r in people]))
    said = np.full((k, k), (1 - p) / (k - 1)) + np.eye(k) * (p - (1 - p) / (k - 1))
    return [replace(r, said=said) for r in people]


def _row(way, chosen, plan, told_of, trial, read="majority"):
    """told_of: Priced or Trial that the promise comes from. trial: what was found."""
    from kit.intervals import wilson

    n = len(trial.labels)
    low, high = (100 * float(x) for x in wilson(round(trial.accuracy * n), n))
    return {"way": way, "chosen": chosen, "read": read, "plan": told(plan), "usd": told_of.usd,
            "promised_percent": 100 * told_of.accuracy, "found_usd": trial.usd,
            "found_percent": 100 * trial.accuracy, "low_percent": low,
            "high_percent": high}  # fmt: skip


def _odds(right):
    """Odds of a Boolean column, with half a case of each kind added."""
    return (right.sum() + 0.5) / ((~right).sum() + 0.5)
