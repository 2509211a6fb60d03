"""Every layout against every other in one run: rounds in which each has its turn."""

import contextlib
import itertools
import shutil
import tempfile
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from kit.errors import KitError
from kit.measure import Measurement
from kit.measure.disk import writable
from kit.quantities import quantity
from kit.storage.formats import turn
from kit.storage.formats.corpus import SAMPLES, as_columns, key_column, raw_bytes, same
from kit.storage.formats.layout import layouts as usual
from kit.storage.formats.store import bytes_on_disk, open_store, write_store

_ROUNDS, _MOST, _LEAST = 5, 15, 2
_SHARE = 0.02  # of the records that a filtered read of a table finds
_COLUMNS = ["name", "layout", "codec", "rows_a_group", "operation", "cache", "value", "unit", "low",
            "high", "runs", "bytes", "cpu_share", "records", "record_bytes", "note"]  # fmt: skip
_RATES = ("write", "scan", "columns", "scan, 2 threads", "scan, 2 processes")


def measure(corpus, layouts=None, folder=None, budget_s=60, seed=0, processes=True):
    """Measure how layouts hold one corpus: polars table, a row an operation of a layout.

    corpus: clips or a table, see kit.storage.formats.as_columns. layouts: list of Layout; by
    default all that suit it. folder: where scratch stores go and are removed; by default the
    probe folder (KIT_PROBE_DIR). budget_s: rounds go on until it is spent, 5 or more wanted, 15
    at most, never under 2. seed: of the records that are asked for. processes: also two of them.

    A round gives each layout one turn, in an order drawn anew, so that a busy moment hits all.
    Before that every layout gave back every array exactly, or KitError "differs" is raised.

    Columns: name, layout, codec, rows_a_group, operation, cache ("cold", "warm", "" for none),
    value (median of rounds), unit, low, high (10 to 90 % of rounds), runs, bytes (fetched from the
    disk in a cold run, the mean; null where unknown; for sizes the bytes), cpu_share (processor
    time of this process / wall time; above 1 with threads), records, record_bytes (without any
    layout), note. Operations: size, blocks (B); write (synced to the disk), scan, columns (a
    fifth of them; of clips the label), scan, 2 threads, scan, 2 processes (1/s); filter (records
    of one label, or 2 % of a table by its sorted column), batch of 64, single p50, single p95 (ms;
    of the 3 to 8 cold and 5 to 40 warm reads of single records that a round makes).
    """
    quantity("budget_s", budget_s, "positive")
    columns = as_columns(corpus)
    chosen = [x for x in usual(columns) if x.holds(columns)] if layouts is None else list(layouts)
    if not chosen or len({x.name for x in chosen}) < len(chosen):
        raise KitError("no layouts to measure, or one of them twice", code="unknown",
                       found=[x.name for x in chosen], allowed="Layouts that differ")  # fmt: skip
    plan, rng, end = _plan(columns, seed), np.random.default_rng(seed), time.monotonic() + budget_s
    with writable(folder) as root, tempfile.TemporaryDirectory(prefix="kit-", dir=root) as tmp:
        _check_room(tmp, raw_bytes(columns) * (len(chosen) + 1))
        stores = {x: Path(tmp, str(i)) for i, x in enumerate(chosen)}
        with turn.reading_processes() if processes else contextlib.nullcontext() as pool:
            for layout, place in stores.items():
                _rehearse(columns, place, layout, plan, pool)
            notes = {x: turn.cold_note(place) for x, place in stores.items()}
            runs = _rounds(columns, stores, plan, rng, end, pool)
        rows = [r for x in chosen for r in _rows(x, stores[x], runs[x], notes[x], columns)]
    return _table(rows)


def _plan(columns, seed):
    key = key_column(columns)
    if SAMPLES in columns:
        subset = ["label"] if "label" in columns else [n for n in columns if n != SAMPLES][:1]
        subset = subset or [SAMPLES]
        key = key or subset[0]
    else:
        plain = [n for n in columns if n != key]
        subset = plain[: max(1, len(columns) // 5)] or [key]
    if key is None or key == SAMPLES:
        raise KitError("nothing to look for", found=list(columns), code="key",
                       allowed="a label, or a column of numbers")  # fmt: skip
    values = columns[key]
    if values.dtype == object:
        found = values[np.random.default_rng(seed).integers(len(values))]
        return turn.Plan(subset, key, found, found)
    ordered = np.sort(values)
    start = int(np.random.default_rng(seed).integers(max(1, int(len(values) * (1 - _SHARE)))))
    stop = min(start + max(1, int(len(values) * _SHARE)), len(values)) - 1
    return turn.Plan(subset, key, ordered[start], ordered[stop])


def _rehearse(columns, place, layout, plan, pool):
    """Write and read once, uncounted: libraries get loaded, and every array is compared."""
    write_store(columns, place, layout)
    wanted = (columns[plan.key] >= plan.low) & (columns[plan.key] <= plan.high)
    rows = np.arange(len(wanted))[:: -max(1, len(wanted) // 7)]
    with open_store(place) as store:
        exact = (
            same(store.read(), columns)
            and same(store.where(plan.key, plan.low, plan.high), _part(columns, wanted))
            and same(store.take(rows), _part(columns, rows))
        )
    if not exact:
        raise KitError(f"{layout.name} does not give back what was written", code="differs",
                       remedy="report this as a fault")  # fmt: skip
    if not pool:
        return
    try:
        list(pool.map(turn.scan_together, [place] * turn.READERS))
    except BrokenProcessPool as cause:
        raise KitError("the reading processes could not start", found=str(cause), code="processes",
                       allowed="a notebook, or a script that can be imported without running",
                       remedy='call it below `if __name__ == "__main__":`, or give '
                       "processes=False") from cause  # fmt: skip


def _part(columns, rows):
    return {n: v[rows] for n, v in columns.items()}


def _rounds(columns, stores, plan, rng, end, pool):
    """dict of Layout -> list of turns."""
    runs, last = {x: [] for x in stores}, 0.0
    for number in itertools.count():
        late = time.monotonic() + last > end
        if number >= _MOST or (late and number >= _LEAST):
            return runs
        start = time.monotonic()
        for i in rng.permutation(len(stores)):
            layout, place = list(stores.items())[i]
            runs[layout].append(turn.turn(columns, place, layout, plan, rng, pool))
        last = time.monotonic() - start


def _rows(layout, place, turns, note, columns):
    records = len(next(iter(columns.values())))
    same_for_all = {
        "name": layout.name, "layout": layout.kind, "codec": layout.codec,
        "rows_a_group": layout.rows_a_group, "records": records,
        "record_bytes": raw_bytes(columns) / records,
    }  # fmt: skip
    rows = [
        {"operation": what, "cache": "", "value": float(size), "unit": "B", "low": float(size),
         "high": float(size), "runs": 1, "bytes": float(size), "cpu_share": None, "note": ""}
        for what, size in zip(("size", "blocks"), bytes_on_disk(place), strict=True)
    ]  # fmt: skip
    for operation, cache in turns[0]:
        runs = [t[operation, cache] for t in turns]
        for m in _measurements(operation, runs, records, note if cache == "cold" else ""):
            rows.append(_row(m, cache, runs))
    return [same_for_all | row for row in rows]


def _measurements(operation, runs, records, note):
    if operation == "single":
        for p in (50, 95):
            each = [1e3 * np.percentile(r.seconds, p) for r in runs]
            yield Measurement.of(f"single p{p}", each, "ms", note)
        return
    seconds = np.array([r.seconds[0] for r in runs])
    if operation in _RATES:
        many = turn.READERS if "2" in operation else 1
        yield Measurement.of(operation, many * records / seconds, "1/s", note)
    else:
        name = f"batch of {turn.BATCH}" if operation == "batch" else operation
        yield Measurement.of(name, 1e3 * seconds, "ms", note)


def _row(m, cache, runs):
    read = np.mean([r.read_bytes for r in runs]) if cache == "cold" else np.nan
    return {"operation": m.name, "cache": cache, "value": m.value, "unit": m.unit,
            "low": m.spread[0], "high": m.spread[1], "runs": m.runs,
            "bytes": None if np.isnan(read) else float(read),
            "cpu_share": float(np.median([r.cpu_share for r in runs])), "note": m.note}  # fmt: skip


def _table(rows):
    import polars as pl

    return pl.DataFrame(rows, infer_schema_length=None).select(_COLUMNS)


def _check_room(folder, need):
    free = shutil.disk_usage(folder).free
    if need > 0.8 * free:
        raise KitError("too little free disk to write every layout", found=f"{free / 1e9:.3g} GB",
                       allowed=f"{need / 0.8e9:.3g} GB", code="disk-full",
                       remedy="free some space, or measure fewer records or layouts")  # fmt: skip
