"""What the reader's machine makes of the course's clips in many layouts, asked in small questions.

Tables are those of `kit.storage.formats.measure`.
"""

import operator

import numpy as np
import polars as pl

from kit.errors import KitError
from kit.measure.record import Measurement
from kit.measure.timing import rehearsal
from kit.storage.formats import Layout, measure, wide_table

CLIPS = (
    Layout("wav"), Layout("flac"), Layout("tar"), Layout("npy"), Layout("parquet", "none", 256),
    Layout("parquet", "zstd", 256), Layout("arrow", "none", 256), Layout("sqlite"),
    Layout("duckdb", "auto", 2048), Layout("delta", "snappy", 256),
)  # fmt: skip
GROUPS = tuple(Layout("parquet", "none", rows) for rows in (8, 64, 512))
TABLES = (Layout("csv"), Layout("parquet", "none", 4096), Layout("parquet", "zstd", 4096))


def sorted_clips(people, count):
    """`count` of the Takes, spread over all, in the order of their words and speakers."""
    order = np.lexsort((people.speakers, people.labels))
    picked = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return people.of(order[picked])


def clips(people, count=600, budget_s=24, chosen=CLIPS, folder=None):
    """`count` clips in each of the layouts `chosen`, measured for about `budget_s` seconds."""
    return measure(
        sorted_clips(people, count), list(chosen), folder, budget_s / rehearsal(), processes=False
    )


def wide(rows=20_000, columns=100, budget_s=8, folder=None):
    """A wide table of noise, as CSV and as Parquet."""
    return measure(
        wide_table(rows, columns), list(TABLES), folder, budget_s / rehearsal(), processes=False
    )


def one(table, name, operation, cache=""):
    """Measurement of one operation of a layout. Raises KitError "not-measured"."""
    rows = table.filter(name=name, operation=operation, cache=cache)
    if rows.height != 1:
        raise KitError("this was not measured", found=f"{name}, {operation}, {cache}".rstrip(", "),
                       allowed=", ".join(table["name"].unique(maintain_order=True)),
                       code="not-measured")  # fmt: skip
    row = rows.row(0, named=True)
    told = " ".join(filter(None, (name, operation, cache)))
    return Measurement(told, row["value"], row["unit"], (row["low"], row["high"]), row["runs"],
                       note=row["note"])  # fmt: skip


def room(table, name):
    """Bytes of the blocks that a layout occupies, over the bytes of the records alone."""
    rows = table.filter(name=name, operation="blocks")
    return one(table, name, "blocks").value / (rows["records"][0] * rows["record_bytes"][0])


def gbs(table, operation="scan", cache="cold"):
    """dict of layout name -> GB/s of plain records in an operation of unit 1/s, quickest first."""
    rows = table.filter(operation=operation, cache=cache, unit="1/s").sort(
        pl.col("value") * pl.col("record_bytes"), descending=True
    )
    rates = rows.select("name", pl.col("value") * pl.col("record_bytes") / 1e9)
    return dict(rates.iter_rows())


def why_faster(table, slow, quick, share):
    """What together makes `quick` faster than `slow` where a share of the columns is read: dict of
    cause -> factor. share: 0 to 1."""
    rates = (one(table, name, "columns", "warm").value for name in (quick, slow))
    all_, size = operator.truediv(*rates), room(table, slow) / room(table, quick)
    return {"columns that are not read": 1 / share, "bytes of a value": size,
            "time for a byte": all_ * share / size}  # fmt: skip
