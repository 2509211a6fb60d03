"""Reads of single records in a data set that is larger than the measured one."""

import numpy as np

from kit.storage.formats.turn import BATCH

_BATCH = f"batch of {BATCH}"


def rows_decoded(records, rows_a_group, count):
    """Mean count of rows in the groups that hold `count` random ones of `records`; float64[n].

    records, rows_a_group, count: 1 or more, single numbers or columns. A layout with groups reads
    whole ones, so a random batch costs more in a large data set: each record lies in a group of its
    own. Groups are taken as equally large: G of them, of which G (1 - (1 - 1/G)^count) are met.
    """
    groups = np.ceil(np.asarray(records, float) / rows_a_group)
    met = -np.expm1(count * np.log1p(-1 / np.maximum(groups, 1 + 1e-9)))
    return np.where(groups > 1, met, 1.0) * records


def at_scale(table, records):
    """`table` of `measure` with reads of single records and batches as among so many `records`.

    Grows with `rows_decoded`, which counts the opening of a store too: an upper estimate. Layouts
    without groups, and Arrow files that are mapped, stay as measured.
    """
    import polars as pl

    here, group = table["records"].to_numpy(), np.maximum(table["rows_a_group"].to_numpy(), 1)
    many = np.where(table["operation"] == _BATCH, BATCH, 1)
    factor = rows_decoded(records, group, many) / rows_decoded(here, group, many)
    reads = pl.col("operation").is_in([_BATCH, "single p50", "single p95"])
    mapped = (pl.col("layout") == "arrow") & (pl.col("codec") == "none")
    grows = reads & (pl.col("rows_a_group") > 0) & ~mapped
    return table.with_columns(
        pl.when(grows).then(pl.col(c) * pl.Series(factor)).otherwise(c).alias(c)
        for c in ("value", "low", "high")
    )
