"""Explorers of the lesson on labels: the price of a correct one, and who should give it."""

import math
import numbers
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from kit.assumptions import value as _value
from kit.bench import recorded_table
from kit.errors import KitError
from kit.experiments.redundancy import STRENGTH
from kit.explorers.base import Control, Explorer
from kit.explorers.synthetic import checked_table
from kit.labeling.plan import economics as eco
from kit.labeling.plan.plans import ModelCurve, Plan, Tier, model_curve, price_all
from kit.labeling.plan.search import pareto
from kit.numbers import shown
from kit.views.labels import live as views

ITEMS = 10_000
WORDS = 10
PEOPLE = (50, 5)  # of the crowd, experts
GOLD, GOLDS = 0.05, 10  # share of gold items; how many of them decide about a rater
RATERS = 9  # at most, of "correct-label"
VOTES = {"always": 0, "2 of 3 agree": 2, "3 of 3 agree": 3}  # text -> Plan.agree
_CROWD, _EXPERT = 85.0, 98.0  # % right of one rater, where the caller says nothing
_HOUR_S = 3600
_THRESHOLDS = np.arange(101) / 100


def _percent(value):
    """A share in %, from 0 to 100; None for what is not said."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if value is not None and not (real and 0 <= value <= 100):
        raise KitError("this is no share in %", found=value, allowed="a number from 0 to 100")
    return value if value is None else float(value)


def _columns(**columns):
    """dict of float64[plans] as price_all takes it; what is not named is as Plan has it."""
    found = vars(Plan(agree=0)) | {"threshold": -1} | columns
    arrays = np.broadcast_arrays(*(np.asarray(x, float) for x in found.values()))
    return dict(zip(found, arrays, strict=True))


# a correct label


def pass_mark(accuracy, truth):
    """Golds of GOLDS that a rater must get right: halfway between a listener and a spammer.

    accuracy: of one who listens, 0 to 1. truth: accuracy of the gold labels.
    """
    listener = eco.matches(accuracy, truth, WORDS)
    return max(1, math.ceil(GOLDS * (listener + 1 / WORDS) / 2))


def _correct(accuracy_percent, wage_usd_h, spammers_percent, expert_percent):
    seconds, accuracy = _value("label_seconds"), accuracy_percent / 100
    truth = (_EXPERT if expert_percent is None else expert_percent) / 100
    label_usd = eco.usd_per_label(wage_usd_h, _HOUR_S / seconds)
    crowd = Tier(accuracy, label_usd, seconds, PEOPLE[0], spammers=spammers_percent / 100)
    expert = Tier(truth, _value("expert_label_high"), seconds, PEOPLE[1])
    test, n = np.array([0] * RATERS + [1] * RATERS + [0]), [*range(1, RATERS + 1)] * 2 + [0]
    least = pass_mark(accuracy, truth)
    found, faults = price_all(
        _columns(raters=n, gold=GOLD * test, golds=GOLDS * test, least=least * test),
        ITEMS, crowd, expert, WORDS, None,
    )  # fmt: skip
    possible = ~np.logical_or.reduce([bad | np.zeros(len(n), bool) for bad, *_ in faults.values()])
    table = pl.DataFrame({
        "how": ["no test"] * RATERS + ["gold test"] * RATERS + ["experts"], "raters": n,
        "possible": possible, "accuracy_percent": 100 * found.accuracy,
        "item_usd": found.usd / ITEMS, "correct_usd": found.usd_correct,
        "thrown_percent": 100 * found.thrown_out, "least": least, "label_usd": label_usd,
        "rater_percent": float(accuracy_percent), "spammers_percent": float(spammers_percent),
    })  # fmt: skip
    out = ("accuracy_percent", "item_usd", "correct_usd", "thrown_percent")
    gained = pl.col("accuracy_percent").diff(2).over("how") / 100
    odd = (pl.col("raters") % 2 == 1) & (gained > 1e-6)
    return table.with_columns(pl.when("possible").then(pl.col(*out))).with_columns(
        more_usd=pl.when(odd).then(pl.col("item_usd").diff(2).over("how") / gained)
    )


def _correct_summary(table):
    rows = {(r["how"], r["raters"]): r for r in table.iter_rows(named=True)}
    plain, tested, experts = rows["no test", 3], rows["gold test", 3], rows["experts", 0]
    test = f"with a gold test {_bought(tested)}" if tested["possible"] else "no test is possible"
    return (
        f"3 raters of {plain['rater_percent']:g} %, {plain['spammers_percent']:g} % of the crowd "
        f"spammers: {_bought(plain)} a right label; {test}, by an expert {_bought(experts)}. "
        f"From 3 to 5 raters one more right label costs {_more(rows['no test', 5])}, with the "
        f"test {_more(rows['gold test', 5])}."
    )


def _bought(row):
    return f"{row['accuracy_percent']:.1f} % right at USD {shown(row['correct_usd'])}"


def _more(row):
    price = row["more_usd"]
    return f"USD {shown(price)}" if price is not None else "any sum: none comes"


def _correct_rows(table):
    return table.filter((pl.col("raters") % 2 == 1) | (pl.col("how") == "experts")).select(
        "how", "raters", "accuracy_percent", pl.col("item_usd").alias("an item (USD)"),
        pl.col("correct_usd").alias("a right label (USD)"),
        pl.col("more_usd").alias("one more right (USD)"),
        pl.col("thrown_percent").alias("raters thrown out (%)"),
    )  # fmt: skip


# who labels what


class Judged(NamedTuple):
    """A model held against the truth: its ModelCurve at each percent, and people to go with it.

    crowd_percent, expert_percent: right labels of a rater and of an expert. clips: judged. name:
    of the judge who is the model, or None.
    """

    curve: ModelCurve
    clips: int
    crowd_percent: float = _CROWD
    expert_percent: float = _EXPERT
    name: Any = None


def _judged(value):
    """What a model says of clips that it did not learn from; None for what is kept.

    value: polars table confidence (0 to 1), right (bool). With several judges, as of
    kit.experiments.judges, the strongest is the model, a rater is as good as all of them on
    average, and an expert has STRENGTH times the odds of the strongest (redundancy there).
    """
    if isinstance(value, Judged):
        return value
    if value is None:
        value = recorded_table("labels", "judged").explode("confidence", "right")
        value = value.with_columns(pl.col("right").cast(pl.Boolean))
    what = "table of what a model said of clips, and whether it was right"
    table = checked_table(value, {"confidence": "share"}, what)
    if table.schema.get("right") != pl.Boolean or table["right"].null_count():
        raise KitError(f"this is no {what}", found=table.columns, allowed="right: true or false")
    if "judge" not in table.columns:
        return Judged(_curve(table), table.height)
    means = table.group_by("judge", maintain_order=True).agg(pl.col("right").mean())
    name, best = means.sort("right", descending=True, maintain_order=True).row(0)
    model = table.filter(pl.col("judge") == name)
    if means.height == 1:
        return Judged(_curve(model), model.height, name=name)
    expert = STRENGTH * best / (STRENGTH * best + 1 - best)
    return Judged(_curve(model), model.height, 100 * means["right"].mean(), 100 * expert, name)


def _curve(table):
    return model_curve(table["confidence"].to_numpy(), table["right"].to_numpy(), _THRESHOLDS)


def _routing(threshold_percent, votes, expert_usd, judged, crowd_percent, expert_percent):
    people = [own if said is None else said for said, own in
              ((crowd_percent, judged.crowd_percent),
               (expert_percent, judged.expert_percent))]  # fmt: skip
    usd = _value("crowd_label_high"), float(expert_usd)
    crowd, expert = (Tier(right / 100, price, _value("label_seconds"), n)
                     for right, price, n in zip(people, usd, PEOPLE, strict=True))  # fmt: skip
    step = [-1, *range(len(_THRESHOLDS))]  # each vote without a model, then with
    agree = np.repeat([*VOTES.values()], len(step))
    found, _ = price_all(
        _columns(raters=[3] * len(agree) + [0], agree=[*agree, 0],
                 threshold=step * len(VOTES) + [-1]),
        ITEMS, crowd, expert, WORDS, judged.curve,
    )  # fmt: skip
    table = pl.DataFrame({
        "votes": [t for t in VOTES for _ in step] + [None],
        "threshold_percent": [None, *range(len(_THRESHOLDS))] * len(VOTES) + [None],
        "usd": found.usd, "accuracy_percent": 100 * found.accuracy,
        "model_percent": 100 * found.model_share, "experts_percent": 100 * found.expert_share,
        "crowd_percent": 100 * (1 - found.model_share - found.expert_share).clip(0),
        "front": pareto(found.usd, found.accuracy), "rater_percent": people[0],
        "an_expert_percent": people[1],
    })  # fmt: skip
    return _pointed(table, votes, round(threshold_percent))


def _pointed(table, votes, threshold):
    """The plans with what each is, and the reader's once more."""
    mine = pl.col("votes") == votes
    kind = (
        pl.when(pl.col("votes").is_null()).then(pl.lit("experts"))
        .when(pl.col("threshold_percent").is_null()).then(pl.lit("crowd"))
        .when(mine).then(pl.lit("line")).otherwise(pl.lit("other"))
    )  # fmt: skip
    yours = table.filter(mine & (pl.col("threshold_percent") == threshold))
    yours = yours.with_columns(point=pl.lit("yours"), front=False)  # it is there already
    return pl.concat([table.with_columns(point=kind), yours], how="diagonal")


def _routing_summary(table):
    you = table.filter(point="yours").row(0, named=True)
    experts = table.filter(point="experts").row(0, named=True)
    crowd = table.filter(point="crowd", votes="always").row(0, named=True)
    first = (
        f"USD {shown(you['usd'])} for {shown(ITEMS)} clips, {you['accuracy_percent']:.1f} % right: "
        f"the model labels {you['model_percent']:.0f} %, the crowd (raters of "
        f"{shown(you['rater_percent'])} %) {you['crowd_percent']:.0f} %, experts (of "
        f"{shown(you['an_expert_percent'])} %) {you['experts_percent']:.0f} %."
    )
    beside = f"{_beside(you, experts, 'experts alone')}; {_beside(you, crowd, 'the crowd alone')}."
    as_right = table.filter(pl.col("accuracy_percent") >= you["accuracy_percent"] - 1e-9)
    best = as_right.sort("usd").row(0, named=True)
    better = ""
    if best["usd"] < 0.995 * you["usd"]:
        better = f" As right or better for USD {shown(best['usd'])}: {_called(best)}."
    return f"{first} {beside[0].upper()}{beside[1:]}{better}"


def _beside(you, other, name):
    """What the reader's plan saves against another, if it is right as often."""
    points = you["accuracy_percent"] - other["accuracy_percent"]
    usd = other["usd"] - you["usd"]
    money = f"USD {shown(abs(usd))} {'less' if usd >= 0 else 'more'} than {name}"
    gap = f"{abs(points):.1f} points"
    if points >= 0:
        return f"{money}, and {gap} better" if points >= 0.05 else f"{money}, and as right"
    return f"{money}, but {gap} worse"


def _called(row):
    model = row["threshold_percent"]
    first = "no model" if model is None else f"model from {model:g} %"
    return first + (", then experts" if row["votes"] is None else f", crowd {row['votes']}")


def _routing_rows(table):
    """The reader's plan, those without a model, and every tenth threshold of the best plans."""
    best = table.filter("front").sort("usd")
    some = best.gather_every(max(1, best.height // 8)).with_columns(point=pl.lit("best"))
    given = pl.col("point").is_in(["yours", "experts", "crowd"])
    return pl.concat([table.reverse().filter(given), some]).select(
        "point", pl.col("threshold_percent").alias("model from (%)"),
        pl.col("votes").alias("crowd label stands"), "usd", "accuracy_percent", "model_percent",
        "crowd_percent", "experts_percent",
    )  # fmt: skip


EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "correct-label",
            "What does a correct label cost?",
            (
                Control("accuracy_percent", "accuracy of one who listens", "%", 80.0, "linear",
                        20, 99, 1),
                Control("wage_usd_h", "wage of a rater", "USD/h", 18.0, "log", 1, 60),
                Control("spammers_percent", "spammers in the crowd", "%", 20.0, "linear",
                        0, 60, 1),
                Control("expert_percent", "accuracy of an expert", "%", None, "given",
                        options=(_percent,)),
            ),
            _correct, views.correct_label, _correct_summary, _correct_rows,
        ),
        Explorer(
            "routing",
            "Who should label which clip?",
            (
                Control("threshold_percent", "model labels from confidence", "%", 90.0,
                        "linear", 0, 100, 1),
                Control("votes", "crowd label stands", "", "2 of 3 agree", "choice",
                        options=tuple(VOTES)),
                Control("expert_usd", "an expert's label", "USD", _value("expert_label_high"),
                        "log", 0.1, 20),
                Control("judged", "a model held against the truth", "", None, "given",
                        options=(_judged,)),
                Control("crowd_percent", "accuracy of a crowd rater", "%", None, "given",
                        options=(_percent,)),
                Control("expert_percent", "accuracy of an expert", "%", None, "given",
                        options=(_percent,)),
            ),
            _routing, views.routing, _routing_summary, _routing_rows,
        ),
    )
}  # fmt: skip
