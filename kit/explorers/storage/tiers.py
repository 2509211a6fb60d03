"""The explorer of storage tiers: where each part of the data lies, and what limits cost."""

import numbers

import polars as pl

from kit.errors import KitError
from kit.explorers.base import Control, Explorer
from kit.numbers import human_time, shown
from kit.quantities import quantity
from kit.storage.lifecycle import break_even_reads
from kit.storage.placement import plan
from kit.storage.tiers import chapter_tiers, compare
from kit.storage.workloads import ageing
from kit.views.storage import tiers as views

_READS = (30.0, 1.0)  # of the week and of the quarter, times a month, as `ageing` has them
_GB_DAY = 10.0
_ARCHIVE, _USUAL = "archive", "object store"  # held against each other in the summary
_MONTH_D = 30.0
_COLUMNS = ("part", "tier", "first_byte_s", "keep_usd", "reads_usd", "month_usd")


def positive(name, value):
    """`value` as float, or a KitError: one finite number above 0, called `name` in the message."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise KitError(f"{name} is not a number", found=value, code="not-a-number",
                       allowed="a finite number above 0")  # fmt: skip
    return quantity(name, value, "positive").item()


def _added(value):
    """GB added in a day, as float."""
    return positive("gb_day", value)


def _parts(old_reads, gb_day):
    return ageing(gb_day, reads=(*_READS, old_reads))


def _tiers(wait_s, budget_usd, old_reads, gb_day):
    parts, tiers = _parts(old_reads, gb_day), chapter_tiers()
    placed = plan(parts, wait_s, budget_usd, tiers)
    in_time = placed.front.filter(pl.col("limit_s") <= wait_s * (1 + 1e-9))
    names = in_time["tiers"][-1].to_list() if in_time.height else [None] * len(parts)
    cells = [_cells(part, demand, tiers, name)
             for (part, demand), name in zip(parts.items(), names, strict=True)]  # fmt: skip
    front = placed.front.select(
        point=pl.lit("front"), first_byte_s="limit_s", month_usd="usd_month"
    )
    total = in_time["usd_month"][-1] if in_time.height else None
    return pl.concat([*cells, front], how="diagonal").with_columns(
        **_limits(placed.limits), total_usd=pl.lit(total, pl.Float64),
        found=pl.lit(placed.usd_month is not None), wait_s=pl.lit(float(wait_s)),
        budget_usd=pl.lit(float(budget_usd)), old_reads=pl.lit(float(old_reads)),
        even_reads=pl.lit(_even_reads(parts, tiers), pl.Float64),
        size_gb=pl.lit(sum(d.size_gb for d in parts.values())),
        in_time=pl.col("first_byte_s") <= wait_s * (1 + 1e-9),
    )  # fmt: skip


def _cells(part, demand, tiers, chosen):
    """One part in every tier: what it costs to keep and to read, and whether it is chosen."""
    return compare(demand, tiers).select(
        "tier", "first_byte_s", point=pl.lit("cell"), part=pl.lit(part),
        chosen=pl.col("tier").eq(pl.lit(chosen, pl.String)).fill_null(False),
        keep_usd="storage_usd", month_usd="usd_month",
        reads_usd=pl.sum_horizontal("request_usd", "retrieval_usd", "egress_usd"),
    )  # fmt: skip


def _limits(limits):
    """Columns of the limits: what would be needed, the best alone, and which of them binds."""
    rows = {"budget": (0, "usd"), "wait": (1, "s")}
    return {
        f"{name}_{column}_{unit}" if unit else f"{name}_{column}":
            pl.lit(limits[column][row], limits.schema[column])
        for name, (row, end) in rows.items()
        for column, unit in (("needed", end), ("alone", end), ("binds", ""))
    }  # fmt: skip


def _even_reads(parts, tiers):
    """Reads a month of the oldest part from which on the object store is the cheaper place."""
    there = {t.name: t for t in tiers}
    *_, (name, oldest) = parts.items()
    days = float(name.split()[2]) - float(name.split()[0])
    reads = break_even_reads(oldest.object_mb, there[_USUAL], there[_ARCHIVE], days)
    return reads / days * _MONTH_D


def _tiers_summary(table):
    row = table.row(0, named=True)
    wait, budget = human_time(row["wait_s"]), f"USD {shown(row['budget_usd'])}"
    if row["found"]:
        return (f"Within {wait} and {budget} a month {shown(row['size_gb'])} GB cost USD "
                f"{shown(row['total_usd'])}: {_places(table)}. {_archive(table)}")  # fmt: skip
    return f"No plan keeps to {wait} and {budget} a month: {_missing(row)} {_archive(table)}"


def _places(table):
    """The parts of each chosen tier, quickest first."""
    chosen = table.filter("chosen").sort("first_byte_s", maintain_order=True)
    groups = chosen.group_by("tier", maintain_order=True).agg("part").rows()
    if len(groups) == 1:
        return f"{groups[0][0]} for all"
    return "; ".join(f"{tier} for {joined(parts)}" for tier, parts in groups)


def joined(texts):
    """Texts as a list in a sentence: a, b and c."""
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


def _missing(row):
    """Which limits bind, why, and what either would have to be."""
    late = f"nothing answers before {human_time(row['wait_alone_s'])}"
    dear = f"without a limit of time the cheapest costs USD {shown(row['budget_alone_usd'])}"
    usd, wait = row["budget_needed_usd"], row["wait_needed_s"]
    if usd is None and wait is None:
        return f"the budget and the wait bind, each alone: {late}, and {dear}."
    if wait is None:
        return f"the budget binds, for even {dear}. USD {shown(usd)} a month would do."
    if usd is None:
        return f"the wait binds, for {late}. A wait of {human_time(wait)} would do."
    return (f"the budget and the wait bind together. USD {shown(usd)} a month would do, or a "
            f"wait of {human_time(wait)}.")  # fmt: skip


def _archive(table):
    """What reading makes of the archive's price, for the oldest part."""
    row = table.filter(point="cell", tier=_ARCHIVE).row(-1, named=True)
    return (f"Old data, read {_times(row['old_reads'])} a month, cost USD {shown(row['keep_usd'])} "
            f"to keep in the archive and USD {shown(row['reads_usd'])} to read there; from "
            f"{shown(row['even_reads'])} reads a month on the object store is the cheaper place."
            )  # fmt: skip


def _times(count):
    return "once" if count == 1 else f"{shown(count)} times"


def _tiers_rows(table):
    """Every part in every tier, with the chosen ones and those that are too slow."""
    state = pl.when("chosen").then(
        pl.when("found").then(pl.lit("chosen")).otherwise(pl.lit("over the budget"))
    )
    state = state.when(~pl.col("in_time")).then(pl.lit("too slow")).otherwise(pl.lit(""))
    return table.filter(point="cell").select(*_COLUMNS, state.alias("place"))  # fmt: skip


EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "tiers",
            "Where should each part of the data lie?",
            (
                Control("wait_s", "longest wait for the first byte", "s", 86_400.0, "log",
                        1e-6, 1e5),
                Control("budget_usd", "budget", "USD a month", 100.0, "log", 1, 1e5),
                Control("old_reads", "old data are read", "times a month", 0.01, "log", 1e-3, 30),
                Control("gb_day", "added a day", "GB", _GB_DAY, "given", options=(_added,)),
            ),
            _tiers, views.tiers, _tiers_summary, _tiers_rows,
        ),
    )
}  # fmt: skip
