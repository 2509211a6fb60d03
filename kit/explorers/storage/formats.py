"""Explorer of layouts: which one costs least for a work, from what was measured."""

import math
from typing import NamedTuple

import polars as pl

from kit import bench
from kit.assumptions import value as _value
from kit.errors import KitError
from kit.explorers.base import Control, Explorer
from kit.explorers.synthetic import checked_table
from kit.numbers import plural, shown
from kit.quantities import quantity
from kit.storage.formats import Workload, recommend
from kit.storage.formats.turn import BATCH
from kit.views.storage import picker as views

CORES = 2  # of the machine whose hours are paid, as of those that measure
MONTH_H = 730
_MANY_H = 100_000  # more hours need not be told apart
_PART = 1e9  # the month's work over this: it fits into a month whatever is measured
_NUMBERS = {"value": "positive", "low": "positive", "high": "positive", "records": "count",
            "rows_a_group": "nonnegative"}  # fmt: skip
_TEXTS = ("name", "layout", "codec", "operation", "cache", "unit")


class Use(NamedTuple):
    """A kind of work. field: of Workload. clips: read at a time, None for all. noun, rest: text."""

    field: str
    clips: int | None
    noun: str
    rest: str = ""


USES = {
    "train: scans in order": Use("scans", None, "full scan"),
    "train: random batches": Use("batch_reads", BATCH, "round",
                                 f" in random batches of {BATCH}"),
    "serve single clips": Use("random_reads", 1, "read", " of each clip alone"),
    "archive: written, not read": Use("writes", None, "writing", " of all"),
    "query few columns": Use("column_reads", None, "read", " of few columns"),
}  # fmt: skip


class Measured(NamedTuple):
    """A checked table of layouts; made once, so that a move of a slider need not check it."""

    table: pl.DataFrame


def _measured(value):
    """What `kit.storage.formats.measure` returned; None for the kept record of clips."""
    if isinstance(value, Measured):
        return value
    table, what = (
        bench.recorded_table("storage", "clips") if value is None else value,
        "table of measured layouts",
    )
    missing = {*_TEXTS, *_NUMBERS} - set(getattr(table, "columns", ()))
    if missing:
        raise KitError(f"this is no {what}", found=f"no {', '.join(sorted(missing))}",
                       code="columns",
                       allowed="what kit.storage.formats.measure returns")  # fmt: skip
    table = checked_table(table, _NUMBERS, what)
    key = table.select("name", "operation", "cache")
    crossed = (table["low"] > table["value"]) | (table["value"] > table["high"])
    if key.is_duplicated().any() or crossed.any():
        twice = key.filter(key.is_duplicated()).rows()
        raise KitError(f"the {what} contradicts itself", code="twice" if twice else "spread",
                       found=twice[0] if twice else key.filter(crossed).row(0),
                       allowed="an operation of a layout once, low <= value <= high",
                       remedy="give one corpus, measured once")  # fmt: skip
    for use in USES:  # raises "not-measured" now, not when a slider moves
        _bills(table, use, _work(use, 1.0, 1000, 1.0, 1.0, (0.0, math.inf), "cold"))
    return Measured(table)


def _number(name, rule, unlimited=False):
    def check(value):
        return quantity(name, value, rule, unlimited).item()

    return check


def _cache(value):
    if value not in ("cold", "warm"):
        raise KitError("no such cache", found=value, allowed="cold, warm", code="unknown")
    return value


def _work(use, often, clips, storage_usd_tb_month, machine_usd_h, limits, cache):
    """Workload of a month: each clip is used `often` times; limits: clips/s wanted, ms wanted."""
    kind = USES[use]
    times = often * clips / kind.clips if kind.clips else often
    return Workload(storage_usd_tb_month, machine_usd_h, records=clips, wanted_per_s=limits[0],
                    wanted_ms=limits[1], cache=cache, **{kind.field: times})  # fmt: skip


def _bills(table, use, work):
    """What `recommend` says; where no layout keeps the limits, the bills with a null rank."""
    try:
        return recommend(table, work)
    except KitError as error:
        if error.code != "impossible":
            raise
    field, usd = USES[use].field, ("total_usd", "low_usd", "high_usd")
    part = work._replace(wanted_per_s=0, wanted_ms=math.inf,
                         **{field: getattr(work, field) / _PART})  # fmt: skip
    whole = [(_PART * (pl.col(c) - pl.col("storage_usd")) + pl.col("storage_usd")).alias(c)
             for c in usd]  # fmt: skip
    whole.append(pl.col("machine_usd", "machine_h") * _PART)
    return (
        recommend(table, part)
        .with_columns(*whole, reason=pl.lit(""), rank=pl.lit(None, pl.Int64))
        .sort("total_usd")
    )


def _formats(use, often, clips, measured, storage_usd_tb_month, machine_usd_h, wanted_per_s,
             wanted_ms, cache):  # fmt: skip
    limits, clips = (wanted_per_s, wanted_ms), round(clips)
    work = _work(use, often, clips, storage_usd_tb_month, machine_usd_h, limits, cache)
    found = _bills(measured.table, use, work)
    first = found["high_usd"][0] if found["rank"][0] == 1 else -math.inf
    return found.with_columns(
        near=(pl.col("rank") > 1) & (pl.col("low_usd") <= first),
        out=pl.Series([_out(row, *limits) for row in found.iter_rows(named=True)], dtype=pl.Utf8),
        use=pl.lit(use), often=pl.lit(float(often)), clips=pl.lit(clips), cache=pl.lit(cache),
        storage_usd_tb_month=pl.lit(storage_usd_tb_month), usd_h=pl.lit(machine_usd_h),
        wanted_per_s=pl.lit(wanted_per_s), wanted_ms=pl.lit(wanted_ms),
    )  # fmt: skip


def _out(row, wanted_per_s, wanted_ms):
    """Which limits a layout misses, in few words; "" for none."""
    missed = [f"{shown(row['scan_per_s'])} clips/s"] * (row["scan_per_s"] < wanted_per_s)
    missed += [f"{shown(row['single_ms'])} ms"] * (row["single_ms"] > wanted_ms)
    hours = min(row["machine_h"], _MANY_H)
    told = f"{'> ' * (hours == _MANY_H)}{shown(hours)} h"
    missed += [told] * (row["machine_h"] > MONTH_H)
    return ", ".join(missed)


def _summary(table):
    row = table.row(0, named=True)
    storage, hour = shown(row["storage_usd_tb_month"]), shown(row["usd_h"])
    state = "" if row["use"].startswith("archive") else f", {row['cache']}"
    use = USES[row["use"]]
    work = (f"{plural(row['often'], use.noun)} a month{use.rest}, {shown(row['clips'])} clips"
            f"{state}, at USD {storage} a TB and month and USD {hour} "
            "an hour of the machine")  # fmt: skip
    out = table.filter(pl.col("rank").is_null())
    if row["rank"] is None:
        least = table.row(table["machine_h"].arg_min(), named=True)
        return (f"{work}: no layout keeps the limits. {least['name']} takes the fewest hours, but "
                f"is out ({least['out']}); {_limits(row)}. Read less, or with several "
                "machines.")  # fmt: skip
    parts = [f"{work}: {row['name']} costs least, {_bill(row)}; {_most(row)}. {_next(table)}"]
    if out.height:
        named = ", ".join(f"{r['name']} ({r['out']})" for r in out.head(3).iter_rows(named=True))
        more = f" and {out.height - 3} more" if out.height > 3 else ""
        parts.append(f"Out by a limit: {named}{more}; {_limits(row)}.")
    return " ".join(parts)


def _limits(row):
    limits = [f"a month has {MONTH_H} h"]
    if row["wanted_per_s"]:
        limits.append(f"a scan must give {shown(row['wanted_per_s'])} clips/s")
    if row["wanted_ms"] < math.inf:
        limits.append(f"a single clip may take {shown(row['wanted_ms'])} ms")
    return ", ".join(limits)


def _bill(row):
    low, high = shown(row["low_usd"]), shown(row["high_usd"])
    return f"USD {shown(row['total_usd'])} a month ({low} to {high})"


def _most(row):
    share = 100 * row["storage_usd"] / row["total_usd"] if row["total_usd"] else 100
    return f"{shown(share)} % of it for storage"


def _next(table):
    """The runner-up, and whether it can be told from the first."""
    if table.filter(rank=2).is_empty():
        return "No other layout keeps the limits."
    second, near = table.row(1, named=True), table["near"].sum()
    told = f"Then comes {second['name']}, {_bill(second)}"
    if not second["near"]:
        wide = f", but {near} more with a wide spread would" if near else ""
        return f"{told}: its spread does not reach the first{wide}."
    return f"{told}: the spreads overlap, a near tie" + (f" of {near + 1}." if near > 1 else ".")


def _rows(table):
    return table.select(
        "rank", "name", pl.col("total_usd").alias("a month (USD)"), "low_usd", "high_usd",
        "storage_usd", "machine_usd", "machine_h", pl.col("scan_per_s").alias("scan (clips/s)"),
        pl.col("single_ms").alias("single, 95 % (ms)"), "reason",
    )  # fmt: skip


EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "formats",
            "Which layout for which work?",
            (
                Control("use", "the work", "", "train: scans in order", "choice",
                        options=tuple(USES)),
                Control("often", "how often", "times a month", 30.0, "log", 0.1, 1000),
                Control("clips", "clips of 1 s", "clips", _value("mswc_clips"), "log", 1e4, 1e8),
                Control("measured", "measured layouts", "", None, "given", options=(_measured,)),
                Control("storage_usd_tb_month", "a TB of the disk that was measured",
                        "USD/month", _value("nvme_month_low"), "given",
                        options=(_number("storage_usd_tb_month", "nonnegative"),)),
                Control("machine_usd_h", "the machine that was measured", "USD/h",
                        CORES * _value("core_hour"), "given",
                        options=(_number("machine_usd_h", "nonnegative"),)),
                Control("wanted_per_s", "wanted in a scan", "clips/s", 0.0, "given",
                        options=(_number("wanted_per_s", "nonnegative"),)),
                Control("wanted_ms", "most for a single clip, 95 %", "ms", math.inf, "given",
                        options=(_number("wanted_ms", "positive", unlimited=True),)),
                Control("cache", "contents of the files", "", "cold", "given",
                        options=(_cache,)),
            ),
            _formats, views.formats, _summary, _rows,
        ),
    )
}  # fmt: skip
