"""Splits in the order of time, with a gap between the parts, and what they share."""

from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from kit.errors import KitError
from kit.storage.clock import length, need, ticks

_PARTS = ("train", "validation", "test")
_OTHERS = ("gap", "before", "after", "no time")


@dataclass(frozen=True)
class TemporalSplit:
    """Parts of a table in the order of time. counts: table of part (train, validation, test, gap,
    before, after, no time), rows, begin and end of each part."""

    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame
    counts: pl.DataFrame

    def shared(self, key):
        """Keys that lie in several parts: table of `key`, parts (list), rows. Empty is good where
        a key, such as a recording or a speaker, must not be on both sides."""
        both = [getattr(self, p).with_columns(part=pl.lit(p)) for p in _PARTS]
        key = [key] if isinstance(key, str) else list(key)
        need(self.train, key, "the table")
        seen = pl.concat(both).drop_nulls(key).group_by(key)
        found = seen.agg(parts=pl.col("part").unique(maintain_order=True), rows=pl.len())
        return found.filter(pl.col("parts").list.len() > 1).sort(key)


def temporal_split(table, time, ends, gap=None):
    """TemporalSplit: train [T1, T2 - gap), validation [T2, T3 - gap), test [T3, T4).

    ends: (T1, T2, T3, T4), of the type of the column `time`, each later than the one before. The
    earlier part gives way to the gap: a label made from the days after it must not look into the
    next part. Every row is in one part or in `counts`. Raises KitError "columns", "ends", "gap",
    "empty-split", "type".
    """
    need(table, [time], "the table")
    ends, gap, clock = _ends(table[time], ends, gap)
    at = ticks(table[time])
    t1, t2, t3, t4 = clock
    part = (
        pl.when(at.is_null()).then(pl.lit("no time"))
        .when(at < t1).then(pl.lit("before"))
        .when(at >= t4).then(pl.lit("after"))
        .when(at >= t3).then(pl.lit("test"))
        .when(at >= t3 - gap).then(pl.lit("gap"))
        .when(at >= t2).then(pl.lit("validation"))
        .when(at >= t2 - gap).then(pl.lit("gap"))
        .otherwise(pl.lit("train"))
    )  # fmt: skip
    part = pl.select(part.alias("part")).to_series() if table.height else at.cast(pl.String)
    counts = _part_counts(part, ends, table[time].dtype)
    lacking = [p for p in _PARTS if not (part == p).any()]
    if lacking:
        raise KitError(f"no row falls into {' and '.join(lacking)}", found=f"ends {ends}",
                       allowed=f"{time} runs from {table[time].min()} to {table[time].max()}",
                       code="empty-split")  # fmt: skip
    return TemporalSplit(*(table.filter(part == p) for p in _PARTS), counts)


def _ends(column, ends, gap):
    """(ends of the column's type, ticks of the gap, ticks of the ends)."""
    kind, ends = column.dtype, tuple(ends)
    zones = {getattr(e, "tzinfo", None) is not None for e in ends}
    try:
        found = pl.Series(column.name, ends, kind)
        clock = ticks(found).to_list()
    except KitError:
        raise
    except Exception:  # whatever polars says about values of another type
        clock = []
    aware = getattr(kind, "time_zone", None) is not None
    dated = isinstance(kind, pl.Datetime)
    right = len(clock) == 4 and None not in clock and all(a < b for a, b in pairwise(clock))
    if not right or (dated and zones != {aware}):
        raise KitError("these are no ends of three parts", found=ends, code="ends",
                       allowed=f"four times of type {kind}, each after the last")  # fmt: skip
    least = length(gap, kind, "gap")
    if least >= min(clock[1] - clock[0], clock[2] - clock[1]):
        raise KitError("the gap leaves nothing of a part", found=gap, code="gap",
                       allowed="less than train and validation are long")  # fmt: skip
    return found.to_list(), least, clock


def _part_counts(part, ends, kind):
    spans = dict(zip(_PARTS, pairwise(ends), strict=True))
    rows = [(p, int((part == p).sum()), *spans.get(p, (None, None))) for p in (*_PARTS, *_OTHERS)]
    kinds = {"part": pl.String, "rows": pl.Int64, "begin": kind, "end": kind}
    return pl.DataFrame(rows, kinds, orient="row")
