"""Explorers of the lesson on drift: false alarms, significance against size, what drifts cost."""

import math

import numpy as np
import polars as pl
from scipy import stats

from kit.bench import recorded_table
from kit.drift import calibrate
from kit.drift.divergence import FEWEST, bias
from kit.errors import KitError
from kit.experiments.events import KINDS
from kit.experiments.served import INPUTS
from kit.explorers.base import Control, Explorer
from kit.explorers.synthetic import checked_table
from kit.numbers import plural, shown
from kit.views import drift_live as views
from kit.views.drift import case_name, cases

BANDS = (0.1, 0.2, 0.25)  # the chapter's PSI: warning, review, critical
CHAPTER = 1.36  # over the root of the rows: the chapter's threshold of K-S, for 5 %
RATE = 0.05  # of false alarms, all columns together
REFERENCE = 2000  # events of the launch, as kit.experiments.degradation draws them
_DAY_H = 24
_ROWS = (100, 10_000_000)
_COST = {"ks": "share", "p_inputs": "share"}


# alarms


def _alarms(rows, columns, bins):
    rows, columns, bins = round(rows), int(columns), int(bins)
    each = RATE / columns  # Bonferroni: holds whether columns go together or not
    limits = {name: float(calibrate.threshold(name, rows, rate=each, bins=bins))
              for name in ("ks", "psi")}  # fmt: skip
    plain = float(calibrate.threshold("ks", rows, rate=RATE))
    found = [(f"PSI above {band:g}", "psi", band, None) for band in BANDS] + [
        ("K-S, chapter", "ks", CHAPTER / math.sqrt(rows), RATE),
        ("K-S, 5 % a column", "ks", plain, RATE),
        ("K-S, corrected", "ks", limits["ks"], RATE),
        ("PSI, corrected", "psi", limits["psi"], RATE),
    ]
    one = np.array([_tail(kind, limit, rows, bins) for _, kind, limit, _ in found])
    family = calibrate.family_rate(one, columns)
    return pl.DataFrame({
        "rule": [x[0] for x in found], "statistic": [x[1] for x in found],
        "threshold": [x[2] for x in found], "per_column_percent": 100 * one,
        "per_window_percent": 100 * family,
        "hours_apart": [1 / f if f else None for f in family.tolist()],
        "promised_percent": [x[3] and 100 * x[3] for x in found], "wanted_percent": 100 * RATE,
        "rows": rows, "columns": columns, "bins": bins, "mean_psi": bias("psi", rows, rows, bins),
    })  # fmt: skip


def _tail(kind, limit, rows, bins):
    """Chance that one unchanged column exceeds `limit`; windows and reference of `rows`."""
    if kind == "ks":
        return stats.kstwobign.sf(limit / math.sqrt(2 / rows))
    return stats.chi2.sf(limit * rows / 2, bins - 1)


def _alarms_summary(table):
    by = {row["rule"]: row for row in table.iter_rows(named=True)}
    row = by["PSI above 0.1"]
    limits = by["PSI, corrected"]["threshold"], by["K-S, corrected"]["threshold"]
    parts = [
        f"Without any drift PSI is {shown(row['mean_psi'])} on average, from {row['bins']} bins "
        "alone.",
        f"With a window an hour and {plural(row['columns'], 'independent column')}, PSI above "
        f"0.1 gives a false alarm {_apart(row)}, the chapter's K-S {_apart(by['K-S, chapter'])}, "
        f"K-S at 5 % a column {_apart(by['K-S, 5 % a column'])}.",
        f"Thresholds that promise one in {shown(1 / RATE)} windows at most: PSI "
        f"{shown(limits[0])}, D {shown(limits[1])}.",
    ]
    expected = row["rows"] / row["bins"]
    if expected < FEWEST:
        parts.append(f"A bin expects {plural(expected, 'row')}: too few for PSI's closed form.")
    return " ".join(parts)


def _apart(row):
    hours = row["hours_apart"]
    if hours is None or hours > 100 * 365 * _DAY_H:
        return "less than once in a hundred years"
    if hours < 1.05:
        return "every hour"
    if hours <= _DAY_H:
        return f"every {shown(hours, 2)} h"
    return f"every {shown(hours / _DAY_H, 2)} days"


def _alarms_rows(table):
    return table.select(
        "rule", "threshold", "per_column_percent", "per_window_percent", "promised_percent",
        pl.col("hours_apart").alias("hours between false alarms"),
    )  # fmt: skip


# size and sense


def smallest_shift(rows, columns=1, rate=RATE):
    """The smallest shift of a normal column, in standard deviations, that gives an alarm.

    rows: of the window and of the reference, number or array. columns: tested together, after
    Bonferroni. The shift whose D, 2 Phi(shift / 2) - 1, is the threshold: K-S gives alarm in half
    of such windows or more. None is as large where the threshold is 1 or more: infinite.
    """
    limit = calibrate.threshold("ks", rows, rate=rate / columns)
    return 2 * stats.norm.ppf((1 + np.minimum(limit, 1)) / 2)


def _sense(rows, columns, shift):
    line = np.round(np.logspace(*np.log10(_ROWS), 61))
    at = np.append(line, round(rows))
    least = smallest_shift(at, columns)
    shifts = np.append(least[:-1], shift)
    move = 2 * stats.norm.cdf(shifts / 2) - 1
    return pl.DataFrame({
        "point": ["line"] * len(line) + ["yours"], "rows": at, "shift": shifts, "smallest": least,
        "ks": move, "threshold": calibrate.threshold("ks", at, rate=RATE / columns),
        "p": stats.kstwobign.sf(move / np.sqrt(2 / at)) * columns,
        "alarm": shifts >= least, "columns": int(columns),
        "psi": shifts**2,  # of two normal distributions with one spread, without bins
        "psi_01_shift": math.sqrt(BANDS[0]), "psi_025_shift": math.sqrt(BANDS[-1]),
    }).with_columns(pl.col("p").clip(0, 1))  # fmt: skip


def _sense_summary(table):
    you = table.filter(point="yours").row(0, named=True)
    found = "K-S gives alarm" if you["alarm"] else "K-S gives no alarm"
    size = "below" if you["psi"] < BANDS[0] else "above" if you["psi"] > BANDS[-1] else "within"
    bands = f"the chapter's bands of {BANDS[0]:g} to {BANDS[-1]:g}"
    need = math.ceil(_rows_for(you["ks"], you["columns"]))
    return (
        f"With {shown(you['rows'])} rows and {plural(you['columns'], 'column')} the smallest "
        f"shift that gives an alarm is {shown(you['smallest'])} standard deviations. A shift of "
        f"{shown(you['shift'])} moves {shown(100 * you['ks'])} % of the rows across a point "
        f"(D {shown(you['ks'])}): {found}. Its PSI of {shown(you['psi'])} lies {size} {bands}, "
        f"however many rows there are. From {shown(need)} rows on this shift gives an alarm."
    )


def _rows_for(move, columns):
    return 2 * (stats.kstwobign.isf(RATE / columns) / move) ** 2


def _sense_rows(table):
    """The reader's point, and the smallest shift at each decade."""
    decade = (pl.col("rows").log10().round(9) % 1) == 0
    return table.reverse().filter((pl.col("point") == "yours") | decade).select(
        pl.col("point").replace("line", ""), "rows",
        pl.col("shift").alias("shift (σ)"), pl.col("smallest").alias("smallest with alarm (σ)"),
        pl.col("ks").alias("D"), pl.col("threshold").alias("threshold of D"),
        pl.col("psi").alias("PSI"), "alarm",
    )  # fmt: skip


# degradation


def _costs(value):
    """What drifts cost, by drift and size; None for what is kept."""
    if value is None:
        value = recorded_table("monitoring", "curve")
    table = checked_table(value, _COST, "table of kit.experiments.degradation.curves")
    found = cases(table) if "draws" not in table.columns else table
    numbers = found.select("size", "lost_points", "lost_low", "lost_high")
    numbers = numbers.cast(pl.Float64, strict=False).fill_null(math.nan)
    if not np.isfinite(numbers.to_numpy()).all():
        raise KitError("a size or a loss is no number", found=numbers.rows()[:3],
                       allowed="finite numbers")  # fmt: skip
    return found


def _degradation(drift, events, rate_percent, table):
    rate = rate_percent / 100
    line = float(calibrate.threshold("ks", REFERENCE, round(events), rate / len(INPUTS)))
    lost, over = pl.col("lost_low") > 0, pl.col("ks") > line
    chance = pl.col("p_inputs") > RATE  # where it was measured, the move was within chance
    verdict = (
        pl.when(over & chance).then(pl.lit("open"))
        .when(lost & over).then(pl.lit("rightly seen")).when(lost).then(pl.lit("silent loss"))
        .when(over).then(pl.lit("needless alarm")).otherwise(pl.lit("rightly quiet"))
    )  # fmt: skip
    drifts = table.filter(pl.col("drift") != "none")
    if not (drifts["drift"] == drift).any():
        raise KitError("the table has no such drift", found=drift, code="unknown",
                       allowed=", ".join(drifts["drift"].unique(maintain_order=True)))  # fmt: skip
    return drifts.with_columns(
        verdict=verdict, chosen=pl.col("drift") == drift, threshold=pl.lit(line),
        events=pl.lit(float(events)), rate_percent=pl.lit(float(rate_percent)),
    )  # fmt: skip


def _degradation_summary(table):
    first = table.row(0, named=True)
    groups = {v: table.filter(verdict=v) for v, *_ in views.VERDICTS}
    count = {v: rows.height for v, rows in groups.items()}
    parts = [
        f"With {shown(first['events'])} events in a window and {shown(first['rate_percent'])} % "
        f"false alarms, an input must move by D {shown(first['threshold'])}.",
        f"Of {table.height} cases, losses that the inputs show: {count['rightly seen']}; that they "
        f"do not: {count['silent loss']}{_named(groups['silent loss'])}. Alarms with no loss to "
        f"be seen: {count['needless alarm']}{_named(groups['needless alarm'])}.",
    ]
    if count["open"]:
        parts.append(f"Within chance where it was measured: {count['open']}.")
    row = table.filter("chosen").row(-1, named=True)
    return " ".join([*parts, _told(row)])


def _named(rows):
    names = rows["drift"].unique(maintain_order=True).to_list()
    return f" ({', '.join(names)})" if names else ""


def _told(row):
    saw = ", ".join(name for name in ("inputs", "predictions", "confidence", "errors", "raters")
                    if row[name] >= 0.5)  # fmt: skip
    return (
        f"{upper(case_name(row))}: D {row['ks']:.2f}, {row['lost_points']:.1f} points lost "
        f"({row['lost_low']:.1f} to {row['lost_high']:.1f}). In the window that was measured it "
        f"was seen by {saw or 'no monitor'}."
    )


def upper(text):
    """`text` with a large first letter, the others as they are."""
    return text[:1].upper() + text[1:]


def _degradation_rows(table):
    """The drift that is shown first, then the others."""
    ordered = table.sort("chosen", descending=True, maintain_order=True)
    names = [case_name(r) for r in ordered.iter_rows(named=True)]
    return ordered.select(
        pl.Series("drift", names), pl.col("ks").alias("D"),
        pl.col("lost_points").alias("points lost"), pl.col("lost_low").alias("least"),
        pl.col("lost_high").alias("most"), "verdict",
    )  # fmt: skip


EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "alarms",
            "How often does a monitor cry wolf?",
            (
                Control("rows", "rows in a window", "rows", 500.0, "log", 50, 100_000),
                Control("columns", "columns watched", "", 20, "whole", 1, 100),
                Control("bins", "bins of PSI", "", 10, "whole", 4, 50),
            ),
            _alarms, views.alarms, _alarms_summary, _alarms_rows,
        ),
        Explorer(
            "size-and-sense",
            "Significant, or large?",
            (
                Control("rows", "rows in a window", "rows", 1_000_000.0, "log", *_ROWS),
                Control("columns", "columns watched", "", 1, "whole", 1, 100),
                Control("shift", "shift of the mean", "σ", 0.01, "log", 0.001, 1),
            ),
            _sense, views.smallest_shift, _sense_summary, _sense_rows,
        ),
        Explorer(
            "degradation",
            "What does this drift cost, and who sees it?",
            (
                Control("drift", "drift", "", "meaning", "choice", options=tuple(KINDS)),
                Control("events", "events in a window", "events", 500.0, "log", 50, 10_000),
                Control("rate_percent", "false alarms wanted", "% of windows", 5.0, "log", 0.1, 50),
                Control("table", "measured costs", "", None, "given", options=(_costs,)),
            ),
            _degradation, views.degradation, _degradation_summary, _degradation_rows,
        ),
    )
}  # fmt: skip
