"""Labels that rough rules give: what they are worth to a spotter, beside labels by hand."""

import numpy as np

from kit.assumptions import value
from kit.experiments import scale
from kit.experiments.folds import averaged, folds, seeds_of, tested_table, unseen
from kit.experiments.runs import Task, outcomes
from kit.experiments.takes import Takes, few, joined

EXAMPLES = 2  # recordings of each word, by one speaker, that the rules may look at
SURE = 0.8  # confidence from which a label of the rules is believed


def weakly(others, seed=0):
    """(hand, rest, votes): Takes of the examples and of all other clips, and Votes on the latter.

    others: Takes; the first speaker gives the examples, drawn by `seed`.
    """
    from kit.labeling.assisted import apply
    from kit.labeling.assisted.weak_audio import RULES, by_template

    own = np.flatnonzero(others.speakers == min(others.speakers.tolist()))
    count = EXAMPLES * len(set(others.labels[own].tolist()))
    chosen = np.isin(np.arange(len(others.labels)),
                     own[few(others.labels[own], others.speakers[own], count, seed)])  # fmt: skip
    hand, rest = others.of(chosen), others.of(~chosen)
    votes = apply([*RULES, by_template(hand.clips, hand.labels)], rest.clips)
    return hand, rest, votes


def rules(people, size=None, seed=0):
    """What the rules are right about: polars table, one row a rule and one a way to combine them.

    people: Takes. Columns: rule, covered_percent (of the clips that it votes on), right_percent
    (of its votes), believed_percent (what the generative model thinks that is, without a label).
    """
    import polars as pl

    from kit.labeling.assisted import label_model

    size = size or scale()
    _, rest, votes = weakly(people.without(folds(people, size.tested)[0]), seed)
    model, truth = label_model(votes), rest.labels
    rows = [_rule(f.name, np.array([votes.labels[c] if c >= 0 else None for c in column], object),
                  truth, believed)
            for f, column, believed in zip(votes.functions, votes.codes.T,
                                           model.functions["accuracy"], strict=True)]  # fmt: skip
    items = model.items.sort("item")
    for name, least in (("all rules together", 0.0), (f"where sure by {SURE:g}", SURE)):
        said = np.where((items["confidence"].fill_null(-1) >= least).to_numpy(),
                        items["label"].to_numpy(), None)  # fmt: skip
        sure = items.filter(pl.col("confidence") >= least)["confidence"].mean()
        rows.append(_rule(name, said, truth, sure))
    return pl.DataFrame(rows, schema_overrides={"believed_percent": pl.Float64})


def prelabelled(people, size=None, progress=None):
    """Accuracy on unseen people of spotters that learnt from labels of rules, by hand, or both.

    people: Takes. size: Scale. polars table, see `folds.averaged`: how, hand_labels, usd (a label
    by hand at kit.assumptions "kws_label"), accuracy_percent, low_percent, high_percent, ends.
    """
    import polars as pl

    size = size or scale()
    tasks, about = [], []
    for number, fold in enumerate(folds(people, size.tested)):
        tests, others = unseen(people, fold), people.without(fold)
        for seed in seeds_of(number, size):
            for how, (train, hand) in _ways(others, size, seed).items():
                tasks.append(Task(train, tests, {"seed": seed, "passes": size.passes}))
                about.append({"how": how, "hand_labels": hand, "seed": seed})
    found = outcomes(tasks, progress=progress)
    by = ["how", "hand_labels"]
    table = averaged(tested_table(about, found), by).sort("accuracy_percent")
    return table.with_columns(usd=pl.col("hand_labels") * value("kws_label"))


def _ways(others, size, seed):
    """dict of how -> (Takes to learn from, labels by hand)."""
    from kit.labeling.assisted import label_model

    hand, rest, votes = weakly(others, seed)
    items = label_model(votes).items.sort("item")
    sure = (items["confidence"].fill_null(0.0) >= SURE).to_numpy()
    by_rules = Takes(rest.clips, items["label"].fill_null("").to_numpy().astype(str),
                     rest.speakers)  # fmt: skip
    some, most = len(hand.clips) * 5, min(size.budget, len(rest.clips))
    bought = rest.few(some, seed)
    believed, guessed = by_rules.of(sure), by_rules.of(by_rules.labels != "")
    times = max(1, round(min(most, int(sure.sum())) / (len(hand.clips) + some)))
    taken = [part.few(min(most, len(part.clips)), seed) for part in (believed, guessed)]
    return {
        "examples alone": (hand, len(hand.clips)),
        "rules where sure": (joined(hand, taken[0]), len(hand.clips)),
        "rules wherever they vote": (joined(hand, taken[1]), len(hand.clips)),
        "some by hand": (joined(hand, bought), len(hand.clips) + some),
        "some by hand, rules where sure": (joined(hand, bought, taken[0]), len(hand.clips) + some),
        "some by hand, as often as rules": (joined(*[hand, bought] * times, taken[0]),
                                            len(hand.clips) + some),
        "all by hand": (joined(hand, rest.few(most, seed)), len(hand.clips) + most),
    }  # fmt: skip


def _rule(name, said, truth, believed):
    voted = np.array([x is not None for x in said])
    right = 100 * float((said[voted] == truth[voted]).mean()) if voted.any() else None
    believed = None if believed is None else 100 * float(believed)
    return {"rule": name, "covered_percent": 100 * float(voted.mean()), "right_percent": right,
            "believed_percent": believed}  # fmt: skip
