"""How a batch of events enters a monitor: times, fates, sampling, counts.

Needs NumPy and, when used, polars.
"""

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from kit.drift.watch import windows
from kit.drift.watch.describe import with_mistakes
from kit.errors import KitError

_MOST = 10_000  # base windows that one batch may touch
_MINUTE = 60_000_000


class Batch(NamedTuple):
    """A batch that was checked: table, times int64[n] in microseconds, whether they are missing,
    and whether they have a time zone (None without any)."""

    frame: object
    times: np.ndarray
    missing: np.ndarray
    aware: bool | None


def frame_of(table):
    """The polars DataFrame. Raises KitError "table"."""
    import polars as pl

    if not isinstance(table, pl.DataFrame):
        raise KitError("this is no table", found=type(table).__name__, code="table",
                       allowed="a polars DataFrame")  # fmt: skip
    return table


def microseconds(column, name):
    """(int64[n], missing bool[n], aware) of a column of times. Raises KitError "type"."""
    import polars as pl

    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("us"))
    if column.dtype == pl.Null:
        n = len(column)
        return np.zeros(n, np.int64), np.ones(n, bool), None
    if not isinstance(column.dtype, pl.Datetime):
        raise KitError(f"column {name} holds no times", found=str(column.dtype), code="type",
                       allowed="Datetime", remedy="parse it, as str.to_datetime does")  # fmt: skip
    aware = column.dtype.time_zone is not None
    found = column.dt.cast_time_unit("us").to_physical()
    return found.fill_null(0).to_numpy(), found.is_null().to_numpy(), aware


def instant(name, moment):
    """(microseconds since 1970, aware) of a datetime. Raises KitError "type"."""
    if not isinstance(moment, datetime):
        raise KitError(f"{name} is no time", found=moment, allowed="a datetime", code="type")
    aware = moment.tzinfo is not None
    gap = (moment if aware else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds, aware


def same_zone(known, aware):
    """The one that is known. Raises KitError "time-zone" if times with and without one meet."""
    if None not in (known, aware) and known != aware:
        raise KitError("times with and without a time zone do not go together", code="time-zone",
                       found="a time " + ("with" if aware else "without") + " a zone",
                       allowed="times " + ("with" if known else "without") + " one, as before",
                       remedy="use dt.replace_time_zone")  # fmt: skip
    return aware if known is None else known


def read(monitor, frame):
    """Batch of a table. Raises KitError "missing-column", "type", "time-zone"; changes nothing."""
    roles, parts = monitor.roles, monitor.layout.parts
    windows.check_columns(frame, [p for p in parts if p.role != "mistakes"])
    _present(frame, [roles[k] for k in ("time", "id", "arrived") if roles[k]])
    frame = with_mistakes(frame, roles)
    for stream in monitor.streams:
        _present(frame, [stream.column])
        kind = frame[stream.column].dtype
        if not (kind.is_numeric() or str(kind) in ("Boolean", "Null")):
            raise KitError(f"column {stream.column} cannot be streamed", found=str(kind),
                           allowed="numbers, booleans", code="type")  # fmt: skip
    times, missing, aware = microseconds(frame[roles["time"]], roles["time"])
    aware = same_zone(monitor.aware, aware)
    if roles["arrived"]:
        frame = _with_latency(frame, roles["arrived"], times, missing, aware)
    return Batch(frame, times, missing, aware)


def fates(monitor, batch, now):
    """(which rows go into a window, bool[n], what to add to the counts, rows held back by now)."""
    t, valid, held = batch.times, ~batch.missing, 0
    if now is not None:
        valid = valid & (t <= now + monitor.tolerance)
    elif valid.any():
        end, held = _leap(monitor, np.sort(t[valid]))
        valid = valid & (t <= end)
    index = t // monitor.base
    own = t[valid]
    before = np.maximum.accumulate(np.append(own[:1] if monitor.newest is None
                                             else [monitor.newest], own))[:-1]  # fmt: skip
    closed = expired = np.zeros_like(valid)
    if monitor.closed is not None:
        closed = valid & (index < monitor.closed)
        expired = closed & (index < monitor.oldest)
    no_time = int(batch.missing.sum())
    return valid & ~expired, {
        "events": len(t), "no_time": no_time, "late": int(closed.sum()),
        "future": len(t) - no_time - int(valid.sum()), "expired": int(expired.sum()),
        "out_of_order": int((own < before).sum()), "windowed": int((valid & ~expired).sum()),
    }, held  # fmt: skip


def _leap(monitor, times):
    """(the latest of sorted times that is believed without a clock, rows held back by now).

    Times fall into groups with gaps above the largest window. Believed: what joins the newest
    event, else the group with most rows, and any group that has Rules.leap_rows or more, and all
    before. Rows held back earlier count with the first group, if none has come since that was not.
    """
    first = monitor.newest is None
    start = times[0] if first else monitor.newest
    cuts = np.flatnonzero(np.diff(times, prepend=start) > monitor.largest)
    cuts = np.unique(np.append(0, cuts))
    rows = np.diff(np.append(cuts, len(times)))
    near = first or times[0] - start <= monitor.largest
    enough = rows >= monitor.rules.leap_rows
    enough[0] |= near or rows[0] + monitor.held >= monitor.rules.leap_rows
    if first:
        enough[np.argmax(rows)] = True
    believed = (
        int(np.append(cuts, len(times))[np.flatnonzero(enough)[-1] + 1]) if enough.any() else 0
    )
    held = len(times) - believed
    if not believed:
        return start, monitor.held + held
    return times[believed - 1], held


def counted(monitor, batch, kept):
    """(base windows int64[W], minutes [W, M], ids, rows, (counts, sums)) of the rows kept.

    ids: window and hash of each row sampled that has an id, and how many rows were sampled. rows:
    those sampled and their times; copies of an id that its base window has are left out here and
    in counts and sums.
    """
    times = batch.times[kept]
    index, place = np.unique(times // monitor.base, return_inverse=True)
    if len(index) > _MOST:
        raise KitError("a batch touches too many windows", found=len(index), code="windows",
                       allowed=f"up to {_MOST}", remedy="give smaller batches")  # fmt: skip
    long = monitor.base // _MINUTE
    minute = (times - index[place] * monitor.base) // _MINUTE
    minutes = np.bincount(place * long + minute, minlength=len(index) * long).reshape(-1, long)
    frame = batch.frame.filter(kept) if not kept.all() else batch.frame
    hashes, named = _hashes(frame, monitor.roles["id"], monitor.seed)
    chosen = hashes < monitor.sample * 2.0**64
    if not chosen.all():
        frame, place = frame.filter(chosen), place[chosen]
        hashes, named, times = hashes[chosen], named[chosen], times[chosen]
    copies = _copies(monitor, index, place, hashes, named)
    ids = place[named], hashes[named], frame.height
    if copies.any():
        frame, place, times = frame.filter(~copies), place[~copies], times[~copies]
    return index, minutes, ids, (frame, times), monitor.layout.count(frame, place, len(index))


def _copies(monitor, index, place, hashes, named):
    """Which of the rows sampled are copies of an id counted in the same base window, bool[n]."""
    found = np.zeros(len(place), bool)
    for own, at in zip(grouped(place, len(index)), index.tolist(), strict=True):
        own = own[named[own]]
        if len(own):
            panel = monitor.panels.get(at) or monitor.layout.empty(0)
            found[own] = windows.copied(panel, hashes[own])[0]
    return found


def grouped(place, n):
    """list of n arrays: the rows of each place, in their order."""
    order = np.argsort(place, kind="stable")
    return np.split(order, np.searchsorted(place[order], np.arange(1, n)))


def _hashes(frame, name, seed):
    """(uint64[n], which rows have an id): hash of the id as text, of the whole row without one."""
    import polars as pl

    if name and frame[name].null_count() == 0:
        return frame[name].cast(pl.String).hash(seed).to_numpy(), np.ones(frame.height, bool)
    rows = frame.select(sorted(frame.columns)).hash_rows(seed).to_numpy()
    if not name:
        return rows, np.zeros(frame.height, bool)
    named = frame[name].is_not_null().to_numpy()
    return np.where(named, frame[name].cast(pl.String).hash(seed).to_numpy(), rows), named


def _with_latency(frame, name, times, missing, aware):
    """The table with arrival less event time, s, in place of the arrival."""
    import polars as pl

    arrived, none, zone = microseconds(frame[name], name)
    same_zone(aware, zone)
    late = np.where(none | missing, np.nan, (arrived - times) / 1e6)
    return frame.with_columns(pl.Series(name, late, pl.Float64))


def _present(frame, names):
    for name in names:
        if name not in frame.columns:
            raise KitError("the batch lacks a column", found=name, code="missing-column",
                           allowed=", ".join(frame.columns) or "none")  # fmt: skip
