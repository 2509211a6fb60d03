"""Drift that is made on purpose, so that what a monitor finds can be held against what was done.

Four kinds: covariate (what comes in; of sound: `inject_sound`), label (how often each answer is
right), concept (what is the right answer), label quality (how well people say so). Everything
follows from a seed. Needs NumPy; what works on tables polars.
"""

from dataclasses import dataclass

import numpy as np

from kit.errors import KitError
from kit.quantities import quantity

SHAPES = ("sudden", "gradual", "seasonal", "recurring")


def course(shape, events, start=0.5, length=0.25, period=0.25):
    """float64[events], 0 to 1: how far a drift has come at each event.

    start: where it begins, as share of the events. sudden: 0, then 1. gradual: a straight line up
    over `length` (share of the events), then 1. seasonal: a sine that swings from 0 to 1 and back
    once in `period`. recurring: on and off in turn, each for half a `period`.
    Raises KitError "unknown", "not-share", "not-fraction", "not-count".
    """
    events = int(quantity("events", events, "count"))
    first = float(quantity("start", start, "share")) * events
    length = float(quantity("length", length, "fraction")) * events
    period = float(quantity("period", period, "fraction")) * events
    since = np.arange(events) - first
    if shape not in SHAPES:
        raise KitError("no such shape", found=shape, allowed=", ".join(SHAPES), code="unknown")
    found = {
        "sudden": np.ones(events),
        "gradual": np.clip((since + 1) / length, 0, 1),
        "seasonal": (1 - np.cos(2 * np.pi * since / period)) / 2,
        "recurring": (since % period < period / 2).astype(float),
    }[shape]
    return np.where(since >= 0, found, 0.0)


def label_mix(labels, word, share, count, rng):
    """int64[count]: rows drawn with replacement so that `word` comes with a chance of `share`.

    labels: n of them. The others keep their proportions, and rows of a label stay as likely
    among themselves: P(label) changes, P(sound | label) does not. Raises "unknown", "not-share".
    """
    labels, share = np.asarray(labels), float(quantity("share", share, "share"))
    mine = labels == word
    if mine.all() or not mine.any():
        raise KitError("this label cannot change its share", found=word, code="unknown",
                       allowed="a label that some rows have and some have not")  # fmt: skip
    weight = np.where(mine, share / mine.sum(), (1 - share) / (~mine).sum())
    return rng.choice(len(labels), int(quantity("count", count, "count")), p=weight)


def meaning(labels, old, new, share, rng):
    """Labels with what was `old` now called `new`, each with a chance of `share`: concept drift.

    share: a number, or float[n], one an event. Raises KitError "not-share".
    """
    labels = np.asarray(labels)
    moved = (labels == old) & (rng.random(len(labels)) < quantity("share", share, "share"))
    return np.where(moved, new, labels)


def fatigue(events, fresh=0.05, tired=0.4, shift=200):
    """float64[events]: chance that a rater errs, from `fresh` to `tired` over a shift, then rested.

    A straight line over `shift` events. tired: also float[events], one an event, for raters who
    get worse. Raises KitError "not-share", "not-count".
    """
    ends = (quantity(name, x, "share") for name, x in (("fresh", fresh), ("tired", tired)))
    shift = int(quantity("shift", shift, "count"))
    low, high = ends
    return low + (high - low) * (np.arange(int(quantity("events", events, "count"))) % shift
                                 / max(shift - 1, 1))  # fmt: skip


def rated(labels, error, words, rng):
    """What a rater says of n labels: a wrong one of `words` with a chance of `error`.

    error: a number, or float[n]. Wrong words are equally likely. Raises KitError "not-share", and
    "one-category" where there is no wrong word to say.
    """
    labels, words = np.asarray(labels), np.array(sorted(set(words)))
    if len(words) < 2:
        raise KitError("a rater who errs needs another word", found=words.tolist(),
                       allowed="two words or more", code="one-category")  # fmt: skip
    place = np.searchsorted(words, labels).clip(max=len(words) - 1)
    if not (words[place] == labels).all():
        raise KitError("a label is no word", found=str(labels[words[place] != labels][0]),
                       allowed=", ".join(words.tolist()), code="unknown")  # fmt: skip
    wrong = rng.random(len(labels)) < quantity("error", error, "share")
    step = rng.integers(1, len(words), len(labels))
    return words[np.where(wrong, (place + step) % len(words), place)]


@dataclass(frozen=True)
class Drift:
    """A drift of one column of a table.

    change: "shift" (size in standard deviations), "scale" (factor of the distance to the mean),
    "nulls" (share), "category" (share of rows that become `to`), "meaning" (share of the rows
    that say `was` which say `to`), "threshold" (a column of true and false that was `source` > t
    for some t, with t moved by size, in units of `source`), "fatigue" (largest share of wrong
    labels).
    shape, start, length, period: see `course`; at an event where it gives c, the change is made
    with a chance of c.
    """

    column: str
    change: str
    size: float
    shape: str = "sudden"
    start: float = 0.5
    length: float = 0.25
    period: float = 0.25
    was: object = None
    to: object = None
    source: str | None = None


def into(table, *drifts, seed=0):
    """A polars table with `drifts` made, in turn, and float64 "drifted" added.

    table: events in their order. drifted: largest course of all drifts at the event, 0 to 1.
    Columns that have no drift stay as they are, and so do nulls. Raises KitError
    "missing-column", "unknown", "type", "not-share".
    """
    import polars as pl

    found, most = table, np.zeros(table.height)
    for number, drift in enumerate(drifts):
        if drift.column not in table.columns:
            raise KitError("no such column", found=drift.column, code="missing-column",
                           allowed=", ".join(table.columns))  # fmt: skip
        if drift.change not in _CHANGES:
            raise KitError("no such change", found=drift.change, allowed=", ".join(_CHANGES),
                           code="unknown")  # fmt: skip
        rng = np.random.default_rng([seed, number])
        if table.height:
            chance = course(drift.shape, table.height, drift.start, drift.length, drift.period)
            where = rng.random(table.height) < chance
            changed = _CHANGES[drift.change](found, drift, where, rng)
            found = found.with_columns(changed.alias(drift.column))
            most = np.maximum(most, chance)
    return found.with_columns(pl.Series("drifted", most))


def _numbers(table, drift):
    """(column as float64, its mean, its standard deviation): of finite values; 0 for none."""
    import polars as pl

    column = table[drift.column]
    if not column.dtype.is_numeric():
        raise KitError(f"{drift.column} is not a column of numbers", found=str(column.dtype),
                       allowed="numbers, to shift or scale", code="type")  # fmt: skip
    x = column.cast(pl.Float64)
    finite = x.filter(x.is_finite().fill_null(False))
    return x, finite.mean() or 0.0, finite.std() or 0.0


def _finite_size(drift):
    size = np.asarray(drift.size)
    if size.dtype.kind not in "iuf" or size.ndim or not np.isfinite(size):
        raise KitError(f"size of a {drift.change} is not possible", found=drift.size,
                       allowed="a finite number", code="not-a-number")  # fmt: skip
    return float(size)


def _shift(table, drift, where, rng):
    x, _, spread = _numbers(table, drift)
    return (x + _finite_size(drift) * spread).zip_with(_mask(where), x)


def _scale(table, drift, where, rng):
    x, mean, _ = _numbers(table, drift)
    return (mean + _finite_size(drift) * (x - mean)).zip_with(_mask(where), x)


def _mask(where):
    import polars as pl

    return pl.Series(where, dtype=pl.Boolean)


def _some(table, drift, where, rng):
    """bool Series: the drifted rows, each with the chance that is the size."""
    import polars as pl

    return pl.Series(where & (rng.random(table.height) < quantity("size", drift.size, "share")))


def _nulls(table, drift, where, rng):
    return table[drift.column].zip_with(~_some(table, drift, where, rng),
                                        table[drift.column].clear(table.height))  # fmt: skip


def _category(table, drift, where, rng):
    column, to = table[drift.column], _constant(table, drift)
    return to.zip_with(_some(table, drift, where, rng) & column.is_not_null(), column)


def _constant(table, drift):
    """A Series that says `to` everywhere."""
    import polars as pl

    column = table[drift.column]
    if drift.to is None:
        raise KitError(f"a {drift.change} needs a value to change to", found=drift.to,
                       allowed="`to`, a value of the column", code="type")  # fmt: skip
    try:
        return pl.Series(column.name, [drift.to], dtype=column.dtype).new_from_index(
            0, table.height)  # fmt: skip
    except (TypeError, pl.exceptions.PolarsError, OverflowError) as cause:
        raise KitError(f"{drift.column} cannot hold this value", found=drift.to,
                       allowed=str(column.dtype), code="type") from cause  # fmt: skip


def _meaning(table, drift, where, rng):
    import polars as pl

    column, to = table[drift.column], _constant(table, drift)
    try:
        mine = (column == drift.was).fill_null(False)
    except (TypeError, pl.exceptions.PolarsError) as cause:
        raise KitError(f"{drift.column} cannot hold this value", found=drift.was,
                       allowed=str(column.dtype), code="type") from cause  # fmt: skip
    return to.zip_with(_some(table, drift, where, rng) & mine, column)


def _threshold(table, drift, where, rng):
    """The old threshold lies between the largest false and the smallest true value."""
    if drift.source not in table.columns:
        raise KitError("a threshold needs the column that it cuts", found=drift.source,
                       allowed=", ".join(table.columns), code="missing-column")  # fmt: skip
    column, source = table[drift.column], table[drift.source]
    if str(column.dtype) != "Boolean":
        raise KitError(f"{drift.column} is no column of true and false", found=str(column.dtype),
                       allowed="Boolean", code="type")  # fmt: skip
    below, above = source.filter(~column).max(), source.filter(column).min()
    if below is None or above is None or not below < above:
        raise KitError(f"{drift.column} is no threshold of {drift.source}", found=[below, above],
                       allowed="every false below every true", code="type")  # fmt: skip
    moved = source > (below + above) / 2 + _finite_size(drift)
    return moved.zip_with(_mask(where) & source.is_not_null() & column.is_not_null(), column)


def _fatigue(table, drift, where, rng):
    import polars as pl

    column = table[drift.column]
    error = where * fatigue(table.height, 0.0, drift.size)
    known = np.flatnonzero(column.is_not_null())
    labels, said = column.to_list(), column.drop_nulls()
    if len(known):
        tired = rated(said.to_numpy(), error[known], said.unique().to_list(), rng)
        for place, label in zip(known, tired.tolist(), strict=True):
            labels[place] = label
    return pl.Series(column.name, labels, dtype=column.dtype)


_CHANGES = {
    "shift": _shift, "scale": _scale, "nulls": _nulls, "category": _category,
    "meaning": _meaning, "threshold": _threshold, "fatigue": _fatigue,
}  # fmt: skip
