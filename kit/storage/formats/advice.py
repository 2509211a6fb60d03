"""Which layout for which work: a bill a month for each, from the reader's own measurements."""

import math
from typing import NamedTuple

from kit.errors import KitError
from kit.numbers import shown, significant
from kit.quantities import quantity
from kit.storage.formats.scaled import at_scale
from kit.storage.formats.turn import BATCH

_MONTH_H = 730  # hours, a twelfth of 8 760
_WORK = {  # field of Workload -> (operation, has a cache, grows with the records)
    "scans": ("scan", True, True),
    "column_reads": ("columns", True, True),
    "filtered_reads": ("filter", True, True),
    "random_reads": ("single p50", True, False),
    "batch_reads": (f"batch of {BATCH}", True, False),
    "writes": ("write", False, True),
}
_WORDS = {"scans": "full scans", "column_reads": "reads of some columns",
          "filtered_reads": "filtered reads", "random_reads": "single records",
          "batch_reads": "random batches", "writes": "writes", "storage": "storage"}  # fmt: skip


class Workload(NamedTuple):
    """What is done with a data set in a month, at what prices, within what limits.

    storage_usd_tb_month: USD for 1 TB (decimal) a month. machine_usd_h: USD for an hour of the
    machine that was measured, or one like it. scans, column_reads, filtered_reads, writes: how
    often all of it is; random_reads, batch_reads: how many single records, and batches of 64 random
    ones. records: in the data set; as many as were measured if None. wanted_per_s: records/s that
    one reader must reach in a full scan. wanted_ms: the 95th percentile that a single record may
    take. cache: "cold" or "warm".
    """

    storage_usd_tb_month: float
    machine_usd_h: float
    scans: float = 0
    column_reads: float = 0
    filtered_reads: float = 0
    random_reads: float = 0
    batch_reads: float = 0
    writes: float = 0
    records: float | None = None
    wanted_per_s: float = 0
    wanted_ms: float = math.inf
    cache: str = "cold"


def recommend(table, workload):
    """polars table, a row a layout, the cheapest that keeps the limits first.

    table: what `measure` returned. workload: Workload. Bytes are those of the blocks on the disk;
    time, size and filtered reads grow with the records; a single read does with the rows that are
    unpacked for it, see `scaled.at_scale`.

    Columns: rank (from 1; null if excluded), name, total_usd, low_usd, high_usd (all operations at
    the ends of their spreads), storage_usd, machine_usd (both a month), machine_h, scan_per_s,
    single_ms (95th percentile), excluded (the limit that is missed, or ""), reason.
    Raises KitError "impossible" if no layout keeps the limits, "not-measured", "no-work",
    "unknown", and those of kit.quantities for prices and counts that cannot be.
    """
    import polars as pl

    _check(workload)
    if workload.records:
        table = at_scale(table, workload.records)
    rows = [_bill(name[0], part, workload) for name, part in
            table.group_by("name", maintain_order=True)]  # fmt: skip
    kept = sorted((r for r in rows if not r["excluded"]), key=lambda r: r["total_usd"])
    if not kept:
        raise _impossible(rows, workload)
    for rank, row in enumerate(kept, 1):
        row |= {"rank": rank, "reason": _reason(row, kept)}
    out = sorted((r for r in rows if r["excluded"]), key=lambda r: r["total_usd"])
    order = ["rank", "name", "total_usd", "low_usd", "high_usd", "storage_usd", "machine_usd",
             "machine_h", "scan_per_s", "single_ms", "excluded", "reason"]  # fmt: skip
    made = [row | {"rank": row.get("rank"), "reason": row.get("reason", f"out: {row['excluded']}")}
            for row in kept + out]  # fmt: skip
    return pl.DataFrame(made, schema_overrides={"rank": pl.Int64}).select(order)


def _check(workload):
    if not isinstance(workload, Workload):
        raise KitError("this is no workload", found=type(workload).__name__, allowed="a Workload",
                       code="unknown")  # fmt: skip
    for name in ("storage_usd_tb_month", "machine_usd_h", *_WORK, "wanted_per_s"):
        quantity(name, getattr(workload, name), "nonnegative")
    quantity("wanted_ms", workload.wanted_ms, "positive", unlimited=True)
    if workload.records is not None:
        quantity("records", workload.records, "count")
    if workload.cache not in ("cold", "warm"):
        raise KitError("no such cache", found=workload.cache, allowed="cold, warm", code="unknown")
    if not any(getattr(workload, name) for name in (*_WORK, "storage_usd_tb_month")):
        raise KitError("this workload costs nothing in any layout", found=0, code="no-work",
                       allowed="something that is read, written or paid for",
                       remedy="say how often the data set is scanned, read or written")  # fmt: skip


def _bill(name, part, workload):
    """What a layout costs in a month, and which limit it misses."""
    found = {(o, c): row for row in part.iter_rows(named=True)
             for o, c in [(row["operation"], row["cache"])]}  # fmt: skip
    measured = part["records"][0]
    records = workload.records or measured
    usd_s = workload.machine_usd_h / 3600
    hours, ends = {}, [0.0, 0.0]
    for field, (operation, cached, grows) in _WORK.items():
        if times := getattr(workload, field):
            row = _look(found, operation, workload.cache if cached else "", name)
            scale = times * (records / measured if grows else 1)
            low, middle, high = (scale * s for s in _seconds(row, measured))
            hours[field] = middle / 3600
            ends = [ends[0] + low * usd_s, ends[1] + high * usd_s]
    blocks = _look(found, "blocks", "", name)["value"] * records / measured
    storage = blocks / 1e12 * workload.storage_usd_tb_month
    total_h = sum(hours.values())
    costs = {f: h * workload.machine_usd_h for f, h in hours.items()} | {"storage": storage}
    scan = _look(found, "scan", workload.cache, name)["value"]
    single = _look(found, "single p95", workload.cache, name)["value"]
    return {"name": name, "total_usd": sum(costs.values()), "low_usd": storage + ends[0],
            "high_usd": storage + ends[1], "storage_usd": storage, "costs": costs,
            "machine_usd": total_h * workload.machine_usd_h, "machine_h": total_h,
            "scan_per_s": scan, "single_ms": single,
            "excluded": _missed(scan, single, total_h, workload)}  # fmt: skip


def _look(found, operation, cache, name):
    if (operation, cache) not in found:
        raise KitError(f"{operation} of {name} was not measured", found=cache or operation,
                       allowed=", ".join(sorted({f"{o} {c}".strip() for o, c in found})),
                       remedy="measure it first", code="not-measured")  # fmt: skip
    return found[operation, cache]


def _seconds(row, records):
    """(least, median, most) seconds of one operation on all measured records."""
    values = row["low"], row["value"], row["high"]
    if row["unit"] == "ms":
        return tuple(v / 1e3 for v in values)
    return tuple(records / v for v in reversed(values))


def _missed(scan, single, hours, workload):
    missed = []
    if scan < workload.wanted_per_s:
        wanted = significant(workload.wanted_per_s)
        missed.append(f"a scan gives {significant(scan)} records/s, wanted {wanted}")
    if single > workload.wanted_ms:
        missed.append(f"a single record takes {significant(single)} ms (95 %), at most "
                      f"{significant(workload.wanted_ms)} wanted")  # fmt: skip
    if hours > _MONTH_H:
        missed.append(f"the work takes {significant(hours)} h, a month has {_MONTH_H}")
    return "; ".join(missed)


def _reason(row, kept):
    first, costs = kept[0], row["costs"]
    if row is first:
        most = max(costs, key=costs.get)
        share = 100 * costs[most] / row["total_usd"] if row["total_usd"] else 100
        tied = sum(r["low_usd"] <= first["high_usd"] for r in kept[1:])
        also = f"; {tied} more cannot be told from it within the spread" if tied else ""
        return f"cheapest; {shown(share)} % of its bill is for {_WORDS[most]}{also}"
    more = {f: costs[f] - first["costs"][f] for f in costs}
    worst = max(more, key=more.get)
    near = row["low_usd"] <= first["high_usd"]
    if near:
        return f"not told from {first['name']} within the spread"
    times = (
        f"{shown(row['total_usd'] / first['total_usd'])} times" if first["total_usd"] else "above"
    )
    return f"{times} the bill of {first['name']}, most of the difference for {_WORDS[worst]}"


def _impossible(rows, workload):
    fastest = max(rows, key=lambda r: r["scan_per_s"])
    quickest = min(rows, key=lambda r: r["single_ms"])
    return KitError(
        "no measured layout keeps these limits",
        found=f"{workload.wanted_per_s:g} records/s and {workload.wanted_ms:g} ms wanted, "
        f"{workload.cache}; {min(r['machine_h'] for r in rows):.3g} h of work a month",
        allowed=f"up to {significant(fastest['scan_per_s'])} records/s ({fastest['name']}), from "
        f"{significant(quickest['single_ms'])} ms ({quickest['name']}), {_MONTH_H} h",
        remedy="ask for less, read with several machines, or hold the data set in memory",
        code="impossible",
    )
