"""Explorers of the lesson on labels: what to label next, and when kappa misleads."""

import numpy as np
import polars as pl

from kit.assumptions import value as _value
from kit.bench import recorded_table
from kit.drift.labels import BANDS
from kit.errors import KitError
from kit.explorers.base import Control, Explorer
from kit.explorers.synthetic import checked_table
from kit.labeling.assisted.active import STRATEGIES, multiplier
from kit.labeling.chance import ac1_at, chance_agreement, kappa_at
from kit.numbers import shown
from kit.views.labels import live as views

TASKS = ("new speakers", "same speakers")
_CURVE = {"labels": "positive", "accuracy": "share", "low": "share", "high": "share"}
_RARE = (0.5, 50.0)  # %
_ITEMS = 1000


# what to label next


def _curves(value):
    """Mean accuracy against labels, by task and strategy, with random in each; None for the kept.

    value: polars table task, strategy, labels, accuracy, low, high (0 to 1).
    """
    table = recorded_table("labels", "curve") if value is None else value
    what = "table of curves of active learning"
    if not {"task", "strategy"} <= set(getattr(table, "columns", ())):
        raise KitError(f"this is no {what}", found=getattr(table, "columns", type(table).__name__),
                       allowed=f"columns task, strategy, {', '.join(_CURVE)}")  # fmt: skip
    table = checked_table(table, _CURVE, what)
    twice = table.select("task", "strategy", "labels").is_duplicated().any()
    bare = set(table["task"]) - set(table.filter(strategy="random")["task"])
    if twice or bare:
        raise KitError("the curves cannot be held against random", code="curve",
                       found="a count of labels twice" if twice else f"no random: {sorted(bare)}",
                       allowed="one mean curve a strategy and task, with random")  # fmt: skip
    return table


def _active(task, strategy, wanted_percent, table):
    here = table.filter(pl.col("task") == task).sort("labels")
    if here.is_empty():
        raise KitError("the table has no such task", found=task, code="unknown",
                       allowed=", ".join(table["task"].unique(maintain_order=True)))  # fmt: skip
    parts = {who: here.filter(pl.col("strategy") == name)
             for who, name in (("chosen", strategy), ("random", "random"))}  # fmt: skip
    needed = {who: _needed(rows, wanted_percent / 100) for who, rows in parts.items()}
    usd = _value("kws_label")
    rows = pl.concat([rows.with_columns(who=pl.lit(who)) for who, rows in parts.items()])
    return rows.select(
        "who", "labels", *((100 * pl.col(c)).alias(f"{c}_percent") for c in list(_CURVE)[1:]),
        chosen=pl.lit(strategy), task=pl.lit(task), wanted_percent=pl.lit(float(wanted_percent)),
        needed_labels=pl.lit(needed["chosen"], pl.Float64),
        random_labels=pl.lit(needed["random"], pl.Float64), label_usd=pl.lit(usd),
        measured=pl.lit(bool(parts["chosen"].height)),
    )  # fmt: skip


def _needed(rows, wanted):
    """Labels where the mean curve first reaches `wanted`, or None: a curve against itself."""
    if rows.is_empty():
        return None
    one = rows.with_columns(seed=pl.lit(0))
    return multiplier(one, one, [wanted], draws=1)["labels"][0]


def _active_summary(table):
    row = table.row(0, named=True)
    name, ours, theirs = (row["chosen"].replace("_", " "), row["needed_labels"],
                          row["random_labels"])  # fmt: skip
    if not row["measured"]:
        return f"{name} was not measured for {row['task']}."
    goal = f"{row['wanted_percent']:g} % on {row['task']}"
    if ours is None or theirs is None:
        best = dict(table.group_by("who").agg(pl.col("accuracy_percent").max()).rows())
        told = [f"{who} {f'needs {_count(x)}' if x is not None else f'reaches {top:.1f} % at most'}"
                for who, top, x in ((name, best["chosen"], ours),
                                    ("random", best["random"], theirs))]  # fmt: skip
        return f"For {goal}: {', '.join(told)}."
    first = f"For {goal} {name} needs {_count(ours)} where random needs {shown(round(theirs))}: "
    usd = (theirs - ours) * row["label_usd"]
    each = f"USD {shown(abs(usd))} {'saved' if usd >= 0 else 'lost'} at USD {row['label_usd']:g} "
    return f"{first}{_times(theirs / ours)}, {each}a label."


def _count(labels):
    return f"{shown(round(labels))} labels"


def _times(ratio):
    if abs(ratio - 1) < 0.005:
        return "as many"
    return f"{shown(ratio)} times fewer" if ratio > 1 else f"{shown(1 / ratio)} times more"


def _active_rows(table):
    row = table.row(0, named=True)
    name = pl.when(pl.col("who") == "random").then(pl.lit("random")).otherwise("chosen")
    return table.select(
        name.str.replace("_", " ").alias("strategy"), "labels", "accuracy_percent", "low_percent",
        "high_percent", (pl.col("labels") * row["label_usd"]).alias("labels_usd"),
    )  # fmt: skip


# kappa's paradox


def _paradox(agreement_percent, rare_percent):
    agreement = agreement_percent / 100
    least = (1 - agreement) / 2  # each disagreement takes one rater's rare label
    low, high = max(_RARE[0] / 100, least), _RARE[1] / 100
    line = np.unique(np.clip(np.r_[np.geomspace(low, high, 121), low, high], low, high))
    at = np.append(line, rare_percent / 100)
    possible = at >= least - 1e-12
    found = {name: np.full(len(at), np.nan) for name in ("kappa", "ac1")}
    for name, form in (("kappa", kappa_at), ("ac1", ac1_at)):
        found[name][possible] = form(at[possible], agreement)
    both = np.maximum(at - least, 0)
    table = pl.DataFrame({
        "point": ["line"] * len(line) + ["yours"], "rare_percent": 100 * at, **found,
        "chance": chance_agreement(*[np.stack([at, 1 - at], 1)] * 2),
        "both_rare": _ITEMS * both, "one": np.full(len(at), _ITEMS * least),
        "both_common": _ITEMS * np.maximum(1 - at - least, 0),
    })  # fmt: skip
    return table.with_columns(
        pl.when(pl.Series(possible)).then(pl.col("kappa", "ac1", "both_rare", "one", "both_common"))
    ).with_columns(
        agreement_percent=pl.lit(float(agreement_percent)), least_percent=pl.lit(100 * least)
    )  # fmt: skip


def _paradox_summary(table):
    row, even = (table.filter(point=p).row(-1, named=True) for p in ("yours", "line"))
    rare, agreed = shown(row["rare_percent"]), f"{row['agreement_percent']:g} %"
    if row["kappa"] is None:
        return (f"Two raters who agree on {agreed} cannot both say a label in {rare} %: each "
                f"disagreement takes a rare label of one of them, so it comes in "
                f"{shown(row['least_percent'])} % or more.")  # fmt: skip
    return (
        f"Two raters agree on {agreed} of the items; with a label of {rare} % chance alone gives "
        f"{100 * row['chance']:.1f} %. Kappa {row['kappa']:.2f} is {word(row['kappa'])}, AC1 "
        f"{row['ac1']:.2f} is {word(row['ac1'])}; were both labels as frequent, both would be "
        f"{even['kappa']:.2f}."
    )


def word(kappa):
    """The word of Landis and Koch (1977) for an agreement beyond chance."""
    return next((name for least, name in BANDS if kappa > least), "poor")


def _paradox_rows(table):
    """The reader's point, then some of the line."""
    line = table.filter(point="line")
    near = [(line["rare_percent"] - p).abs().arg_min() for p in (0.5, 1, 2, 5, 10, 20, 50)]
    rows = pl.concat([table.filter(point="yours"), line[sorted(set(near))]])
    return rows.select(
        pl.col("point").replace("line", ""), pl.col("rare_percent").alias("rare label (%)"),
        pl.col("kappa"), pl.col("ac1").alias("AC1"), (100 * pl.col("chance")).alias("chance (%)"),
        pl.col("both_rare").alias("both rare, of 1000"), pl.col("one").alias("one alone, each"),
        pl.col("both_common").alias("both common"),
    )  # fmt: skip


EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "active-learning",
            "How many labels does a clever choice save?",
            (
                Control("task", "tested on", "", TASKS[0], "choice", options=TASKS),
                Control("strategy", "what to label next", "", "margin", "choice",
                        options=STRATEGIES[1:]),
                Control("wanted_percent", "accuracy wanted", "%", 60.0, "linear", 30, 99, 1),
                Control("table", "measured curves", "", None, "given", options=(_curves,)),
            ),
            _active, views.active_learning, _active_summary, _active_rows,
        ),
        Explorer(
            "kappa-paradox",
            "Why is kappa low where raters agree?",
            (
                Control("agreement_percent", "agreement of two raters", "%", 90.0, "linear",
                        50, 100, 1),
                Control("rare_percent", "the rare label", "% of the items", 6.0, "log", *_RARE),
            ),
            _paradox, views.kappa_paradox, _paradox_summary, _paradox_rows,
        ),
    )
}  # fmt: skip
