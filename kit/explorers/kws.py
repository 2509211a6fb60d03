"""Explorers of the lesson on the keyword spotter's data: false wakes, and the space of designs."""

import functools
import math
import numbers

import polars as pl

from kit.assumptions import value as _value
from kit.errors import KitError
from kit.explorers.base import Control, Explorer
from kit.kws import design, targets
from kit.numbers import plural, shown
from kit.views import kws as views

_HOPS_MS = (10, 20, 30, 50, 100, 200, 500, 1000, 2000)
_LIMITS = {  # of a design -> in words
    "accuracy": "accuracy", "budget_kusd": "budget", "memory_kb": "memory",
    "latency_ms": "latency", "network": "network",
}  # fmt: skip
_LOOSE = {"accuracy": 0.0, "budget_kusd": math.inf, "memory_kb": math.inf, "latency_ms": math.inf,
          "network": True}  # fmt: skip


def _share(value):
    """Share of windows that hold the keyword: a number, 0 or more and below 1."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not 0 <= value < 1:
        allowed = "a number, 0 or more and below 1"
        raise KitError("keyword_share is out of range", found=value, allowed=allowed)
    return float(value)


def _wakes(value):
    """False wakes a month that a user bears: a number above 0."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not 0 < value <= 1e6:
        raise KitError("wakes_per_month is out of range", found=value, allowed="0 to a million")
    return float(value)


def _yes_no(value):
    """True or False: whether a design may need a network."""
    if not isinstance(value, bool):
        raise KitError("network is neither yes nor no", found=value, allowed="True or False")
    return value


def _points(hop_ms, hours_per_day, wakes_per_month):
    """Rows to compute: the line over all hops, the reader's target, the chapter's."""
    line, day_h = len(_HOPS_MS), targets.DAY_H  # the chapter's device listens all day
    return pl.DataFrame(
        {
            "point": [""] * line + ["your target", "chapter's target"],
            "wakes_per_month": [wakes_per_month] * (line + 1) + [_value("kws_false_wakes")],
            "hop_ms": [*map(float, _HOPS_MS), float(hop_ms), 1e3 * _value("kws_clip")],
            "month_h": [targets.MONTH_D * h for h in [hours_per_day] * (line + 1) + [day_h]],
        }
    )


def _false_wakes(hop_ms, hours_per_day, users, accuracy_percent, wakes_per_month, keyword_share):
    table = _points(hop_ms, hours_per_day, wakes_per_month)
    hop_s, month_h = table["hop_ms"] / 1e3, table["month_h"]
    allowed = targets.allowed_fpr(table["wakes_per_month"], month_h, hop_s)
    implied = targets.implied_fpr(accuracy_percent / 100, keyword_share)
    return table.with_columns(
        windows=targets.windows(month_h, hop_s),
        allowed_fpr=allowed,
        allowed_per_million=1e6 * allowed,
        rejection_percent=100 * (1 - allowed),
        false_accepts_per_hour=targets.false_accepts_per_hour(allowed, hop_s),
        accuracy_percent=pl.lit(float(accuracy_percent)),
        implied_fpr=pl.lit(implied),
        spotter_wakes_per_day=hours_per_day * targets.false_accepts_per_hour(implied, hop_s),
        users=pl.lit(int(users)),
        fleet_wakes_per_day=pl.lit(users * wakes_per_month / targets.MONTH_D),
        keyword_share=pl.lit(keyword_share),
    )


def _false_wakes_summary(table):
    you = table.row(by_predicate=pl.col("point") == "your target", named=True)
    idle = 100 * (1 - you["keyword_share"])
    return (
        f"In {shown(you['windows'])} windows a month, {shown(you['allowed_per_million'])} in a "
        f"million may wake the device by mistake: {_near_100(you['allowed_fpr'])} % must be "
        f"rejected, {shown(you['false_accepts_per_hour'])} false accepts an hour are allowed. "
        f"{plural(you['users'], 'device')} that keep to it wake "
        f"{shown(you['fleet_wakes_per_day'])} times a day by mistake, all together. A "
        f"spotter that is right in {you['accuracy_percent']:g} % of windows may wake it "
        f"{shown(you['spotter_wakes_per_day'])} times a day; one that never wakes is right in "
        f"{idle:.4g} %. Accuracy does not tell the two apart: count false accepts an hour."
    )


def _near_100(rest):
    """100 less `rest`, a share, with two digits of what is missing: 4e-7 -> '99.999960'."""
    digits = max(0, 1 - math.floor(math.log10(100 * rest)))
    return f"{100 * (1 - rest):.{digits}f}"


def _false_wakes_rows(table):
    return table.select(
        "point", "wakes_per_month", "hop_ms", "windows", "allowed_per_million",
        "false_accepts_per_hour", "spotter_wakes_per_day",
    )  # fmt: skip


@functools.cache
def _all_designs(rule):
    """`design.designs(rule)` with the row number, and the options as one text."""
    table = design.designs(rule)
    options = [
        pl.col("sampling"), pl.format("{} coefficients", "coefficients"),
        pl.format("{} examples", "examples"), pl.format("{} recordings", "recordings"),
        pl.format("{} inference", "inference"), pl.format("{} synthetic data", "synthetic"),
    ]  # fmt: skip
    text = pl.concat_str(options, separator=", ").str.replace("none synthetic", "no synthetic")
    return table.with_columns(design=text).with_row_index("row")


def _design(budget_kusd, memory_kb, accuracy_percent, rule, network):
    table = _all_designs(rule)
    limits = {"accuracy": accuracy_percent, "budget_kusd": budget_kusd, "memory_kb": memory_kb,
              "latency_ms": _value("kws_latency"), "network": network}  # fmt: skip
    kept = design.feasible(table, **limits)
    front = design.pareto(kept)["row"]
    rank = {row: i for i, row in enumerate(kept["row"])}
    within = {name: set(design.feasible(table, **(_LOOSE | {name: limit}))["row"])
              for name, limit in limits.items()}  # fmt: skip
    breaks = [", ".join(w for n, w in _LIMITS.items() if row not in within[n])
              for row in table["row"]]  # fmt: skip
    return table.with_columns(
        breaks=pl.Series(breaks, dtype=pl.String),
        rank=pl.Series([rank.get(row) for row in table["row"]], dtype=pl.Int64),
        state=pl.when(pl.col("row").is_in(front.to_list())).then(pl.lit("front"))
        .when(pl.col("row").is_in(kept["row"].to_list())).then(pl.lit("within"))
        .otherwise(pl.lit("over")),
        budget_kusd=pl.lit(float(budget_kusd)),
        least_accuracy=pl.lit(float(accuracy_percent)),
    )  # fmt: skip


def _design_summary(table):
    kept = table.filter(pl.col("state") != "over").sort("rank")
    parts = [f"Within all limits: {kept.height} of {plural(table.height, 'design')}."]
    if not kept.is_empty():
        best = kept.row(0, named=True)
        accuracy = views.span(best["accuracy_low"], best["accuracy_high"])
        parts.append(
            f"The best: {best['design']}; {accuracy} for USD "
            f"{shown(best['cost_kusd'])} thousand in {shown(best['memory_kb'])} kB."
        )
        if best["accuracy_high"] >= 100:
            parts.append("No spotter is always right: these effects have no common base.")
    gone = {word: table["breaks"].str.contains(word).sum() for word in _LIMITS.values()}
    told = ", ".join(f"{word} {n}" for word, n in gone.items())
    return " ".join([*parts, f"Each limit alone removes: {told}."])


def _design_rows(table):
    """The front; where no design is left, those that break the fewest limits."""
    front = table.filter(state="front").sort("rank")
    if front.is_empty():
        broken = pl.col("breaks").str.count_matches(",")
        front = table.filter(broken == broken.min()).sort("cost_kusd").head(8)
    return front.select(
        "sampling", "coefficients", "examples", "recordings", "inference", "synthetic",
        pl.col("accuracy_low").alias("least_percent"),
        pl.col("accuracy_high").alias("most_percent"),
        (1e3 * pl.col("cost_kusd")).alias("cost_usd"), "memory_kb", "breaks",
    )  # fmt: skip


EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "false-wakes",
            "How rarely may it wake by mistake?",
            (
                Control("hop_ms", "a window every", "ms", 1e3 * _value("kws_clip"), "log", 10,
                        2000),
                Control("hours_per_day", "listening", "h/day", targets.DAY_H, "linear", 1, 24, 1),
                Control("users", "in use", "devices", 1e5, "log", 1, 1e8),
                Control("accuracy_percent", "windows judged rightly", "%", 99.0, "linear", 90,
                        99.99, 0.01),
                Control("wakes_per_month", "false wakes", "1/month", _value("kws_false_wakes"),
                        "given", options=(_wakes,)),
                Control("keyword_share", "windows with the keyword", "", 0.001, "given",
                        options=(_share,)),
            ),
            _false_wakes, views.false_wakes, _false_wakes_summary, _false_wakes_rows,
        ),
        Explorer(
            "design",
            "Which designs keep to the limits?",
            (
                Control("budget_kusd", "budget", "kUSD", _value("kws_budget") / 1e3, "log", 20,
                        2000),
                Control("memory_kb", "memory", "kB", _value("kws_memory"), "log", 16, 256),
                Control("accuracy_percent", "accuracy, at best", "%", _value("kws_accuracy"),
                        "linear", 88, 100, 0.5),
                Control("rule", "effects: add, or shrink errors", "", "add", "choice",
                        options=design.RULES),
                Control("network", "a network is allowed", "", False, "given",
                        options=(_yes_no,)),
            ),
            _design, views.design_front, _design_summary, _design_rows,
        ),
    )
}  # fmt: skip
