"""The explorer of a stream: inject a drift, and watch the windows fill.

Streams are drawn from measured rows, with a seed; each is made once, and its windows looked at
once. The slider of events only decides how many of them are shown.
"""

import functools

import numpy as np
import polars as pl
from scipy.stats import hypergeom

from kit.bench import recorded_rows
from kit.bench.monitoring import unpacked
from kit.drift import calibrate
from kit.drift.categories import pearson, pooled
from kit.drift.inject import SHAPES, course
from kit.errors import KitError
from kit.experiments.events import KINDS, SIZES, stream
from kit.experiments.scoreboard import (
    CASES,
    EVENTS,
    LABELLED,
    REFERENCE,
    WANTED,
    WINDOW,
    seen,
)
from kit.experiments.served import INPUTS, NONE, UNITS, Served
from kit.explorers.base import Control, Explorer
from kit.explorers.drift import upper
from kit.numbers import plural, shown
from kit.views import drift_live as views
from kit.views.drift import case_name

_START = 0.5  # of the events: where the drift sets in
_SEED = 0
_MONITORS = tuple(name for name, *_ in views.MONITORS)
_COLUMNS = ("drift", "size", "word", "said", "right", *INPUTS)


class Pool:
    """A Served, the launch drawn from it, and the streams drawn so far."""

    def __init__(self, found):
        self.served = found
        self.launch = stream(found, events=REFERENCE, seed=[_SEED, 0])
        self.windows = functools.lru_cache(64)(self._windows)

    def size(self, drift):
        """The size of CASES, or the largest that was measured."""
        size = dict(CASES)[drift]
        measured = (size,) if drift in SIZES else self.served.sizes(drift)
        if not measured:
            known = self.served.rows["drift"].unique(maintain_order=True)
            raise KitError("these rows hold no such drift", found=drift, code="unknown",
                           allowed=", ".join([*known, *SIZES]))  # fmt: skip
        return size if size in measured else measured[-1]

    def _windows(self, drift, shape):
        """polars table, one row a window: see `_stream`."""
        size = self.size(drift)
        events = stream(self.served, drift, size, EVENTS, shape, _START, [_SEED, 1])
        looked = seen(self.launch, events)
        limits = calibrate.threshold("ks", float(REFERENCE), looked.m, WANTED / len(INPUTS))
        moved = looked.ks / limits
        ratios = {
            "inputs": moved.max(1), "predictions": _words(self.launch, events),
            "errors": _failed(self.launch, events, "said", "label"),
            "raters": _failed(self.launch, events, "label", "second"),
        }  # fmt: skip
        right = (events["said"] == events["word"]).to_numpy().reshape(-1, WINDOW)
        return pl.DataFrame(ratios | {
            "window": np.arange(1, len(moved) + 1), "end": WINDOW * np.arange(1, len(moved) + 1),
            "column": [INPUTS[i] for i in moved.argmax(1)],
            "course": _course(drift, shape), "accuracy_percent": 100 * right.mean(1),
        }).with_columns(
            # a count gives alarm when it reaches its threshold, a distance when it is beyond
            inputs_alarm=pl.col("inputs") > 1,
            predictions_alarm=(pl.col("predictions") > 1).fill_null(False),
            errors_alarm=pl.col("errors") >= 1, raters_alarm=pl.col("raters") >= 1,
            drift=pl.lit(drift), size=pl.lit(float(size)), unit=pl.lit(_unit(drift)),
            shape=pl.lit(shape), set_in=pl.lit(round(_START * EVENTS)),
            events_a_window=pl.lit(WINDOW),
        )  # fmt: skip


def _unit(drift):
    return SIZES[drift][0] if drift in SIZES else UNITS[drift]


def _course(drift, shape):
    """float64[windows]: share of the events that drift, as planned."""
    each = course(shape, EVENTS, _START).reshape(-1, WINDOW).mean(1)
    return each * (drift != NONE)


def _words(launch, events):
    """list a window: chi-square of what was said, over its threshold; None where all are rare.

    As in kit.drift.chi_square, without the interval that takes long.
    """
    words = np.union1d(launch["said"], events["said"])
    before = _counts(launch["said"], words)
    found = []
    for i in range(0, events.height, WINDOW):
        both = np.stack([before, _counts(events["said"][i : i + WINDOW], words)])
        table, _ = pooled(both[:, both.any(0)].astype(float))
        found.append(None if table is None else pearson(table) / _limit(table.shape[1]))
    return found


@functools.cache
def _limit(words):
    return calibrate.threshold("chi-square", REFERENCE, rate=WANTED, bins=words)


def _counts(column, words):
    return np.bincount(np.searchsorted(words, column.to_numpy()), minlength=len(words))


def _failed(launch, events, one, other):
    """float64[windows]: how often two columns differ among the labelled, over what gives alarm."""
    before = int((launch[one] != launch[other]).sum())
    each = (events[one] != events[other]).to_numpy().reshape(-1, WINDOW)[:, ::LABELLED]
    return each.sum(1) / fewest_alarming(before, launch.height, each.shape[1])


def fewest_alarming(before, rows, labelled):
    """Failures among `labelled` events that give alarm, `before` of `rows` having failed.

    One-sided exact test of Fisher (1935) at the rate WANTED; one more than all where none does.
    """
    counts = np.arange(labelled + 1)
    p = hypergeom.sf(counts - 1, rows + labelled, before + counts, labelled)
    return int(np.argmax(p < WANTED)) if (p < WANTED).any() else labelled + 1


def _pool(value):
    """The Served to draw from, as Pool; None for the one that is kept."""
    if isinstance(value, Pool):
        return value
    if value is None:
        value = unpacked(recorded_rows("monitoring", "pool"))
    rows = getattr(value, "rows", None)
    if not isinstance(value, Served) or not set(_COLUMNS) <= set(getattr(rows, "columns", ())):
        raise KitError("this is no spotter in service", found=type(value).__name__,
                       allowed="what kit.experiments.served.served gives")  # fmt: skip
    return Pool(value)


def _stream(drift, shape, events, pool):
    """One row a window; what monitors say is null until the window is full."""
    told = [*_MONITORS, *(f"{n}_alarm" for n in _MONITORS), "column", "accuracy_percent"]
    full = pl.col("end") <= events
    shape = shape if drift != NONE else SHAPES[0]
    return pool.windows(drift, shape).with_columns(
        full.alias("full"), *(pl.when(full).then(c).alias(c) for c in told),
        events=pl.lit(int(events)),
    )  # fmt: skip


def _summary(table):
    first, full = table.row(0, named=True), table.filter("full")
    if full.is_empty():
        return f"{_what(first)} The first window is full after {shown(WINDOW)} events."
    monitors = [_first_alarm(full, name, first["set_in"]) for name in _MONITORS]
    if first["drift"] == NONE:
        count = sum(int(full[f"{n}_alarm"].sum()) for n in _MONITORS)
        return f"{_what(first)} {plural(count, 'false alarm')} in {plural(full.height, 'window')}."
    before, since = full.filter(pl.col("end") <= first["set_in"]), full.filter(
        pl.col("end") > first["set_in"])  # fmt: skip
    wrong = sum(int(before[f"{n}_alarm"].sum()) for n in _MONITORS)
    parts = [_what(first)]
    if wrong:
        parts.append(f"Before that {plural(wrong, 'false alarm')}.")
    if since.is_empty():
        return " ".join([*parts, "No window with the drift is full yet."])
    told = [_alarm_text(monitors), _untested(full), _lost_text(before, since)]
    return " ".join([*parts, *(x for x in told if x)])


def _what(row):
    if row["drift"] == NONE:
        return "Nothing drifts, so that every alarm is false."
    return f"{upper(case_name(row))}, sets in at event {shown(row['set_in'])}, {row['shape']}."


def _first_alarm(full, name, set_in):
    """(monitor, event of its first alarm after the drift set in or None, events after it)."""
    found = full.filter(pl.col(f"{name}_alarm"), pl.col("end") > set_in)["end"]
    return name, *((found[0], found[0] - set_in) if found.len() else (None, None))


def _alarm_text(monitors):
    gave = [f"{name} at event {shown(at)}, {shown(late)} later"
            for name, at, late in monitors if at]  # fmt: skip
    quiet = [name for name, at, _ in monitors if not at]
    if not gave:
        return "No monitor has given alarm since."
    text = f"First alarms: {'; '.join(gave)}."
    return f"{text} None from {', '.join(quiet)}." if quiet else text


def _untested(full):
    count = full["predictions"].null_count()
    windows = plural(count, "window")
    return f"In {windows} a word was too rare to test the predictions." if count else ""


def _lost_text(before, since):
    ends = [x["accuracy_percent"].mean() for x in (before, since)]
    return f"Right before: {ends[0]:.1f} %, since: {ends[1]:.1f} %."


def _rows(table):
    return table.select(
        "window", pl.col("end").alias("events"), pl.col("course").round(3).alias("drifted share"),
        *_MONITORS, pl.col("column").fill_null("–").alias("largest input"), "accuracy_percent",
    )  # fmt: skip


EXPLORERS = {
    "stream": Explorer(
        "stream",
        "Inject a drift and watch the windows fill",
        (
            Control("drift", "drift", "", "noise", "choice", options=(NONE, *KINDS)),
            Control("shape", "how it comes", "", SHAPES[0], "choice", options=SHAPES),
            Control("events", "events so far", "events", 3000, "play", 0, EVENTS, WINDOW),
            Control("pool", "measured rows", "", None, "given", options=(_pool,)),
        ),
        _stream, views.stream, _summary, _rows,
    ),
}  # fmt: skip
