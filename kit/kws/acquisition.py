"""Where clips come from and what they cost: price of a clip that is kept, and cohorts that lack.

The closed forms need NumPy alone; tables are polars.
"""

import itertools

import numpy as np

from kit.errors import KitError
from kit.quantities import vectorised


@vectorised(make_usd="nonnegative", label_usd="nonnegative", kept_share="share")
def usd_per_kept_clip(make_usd, label_usd, kept_share):
    """Price in USD of a clip that passes the gates: both prices are paid for rejected ones too.

    make_usd: to record or synthesise a clip; label_usd: to label it, review included. kept_share:
    0 to 1; nothing kept makes the price infinite.
    """
    price = np.asarray(make_usd + label_usd, float)
    price, share = np.broadcast_arrays(price, kept_share)
    return np.divide(price, share, out=np.full(price.shape, np.inf), where=share > 0)


@vectorised(wanted="nonnegative", kept_share="fraction")
def clips_to_collect(wanted, kept_share):
    """Clips to collect so that `wanted` are expected to be left after the gates."""
    return np.ceil(wanted / kept_share)


def coverage(table, by, least, expected=None):
    """polars table: a row for every combination of the values of the columns `by`.

    Columns: those of `by`, clips, speakers, lacking (clips below `least`). expected: dict of
    column -> values that must be covered, also where the table has none; the empty cells are
    what this is for. Rows of `table` with null in a column of `by` are not counted.
    """
    import polars as pl

    missing = sorted({*by, "speaker"} - set(table.columns))
    if missing or not by or least < 0:
        raise KitError(
            "coverage cannot be counted",
            found=f"without {', '.join(missing)}" if missing else f"by {by}, least {least}",
            allowed="columns of the table, and a number of clips from 0 up",
        )
    values = [
        sorted({*table[c].drop_nulls(), *(expected or {}).get(c, ())}, key=str) for c in by
    ]  # fmt: skip
    cells = pl.DataFrame(
        list(itertools.product(*values)), schema={c: table.schema[c] for c in by}, orient="row"
    )
    counts = table.group_by(*by).agg(clips=pl.len(), speakers=pl.col("speaker").n_unique())
    found = cells.join(counts, on=list(by), how="left", maintain_order="left")
    found = found.with_columns(pl.col("clips", "speakers").fill_null(0).cast(pl.Int64))
    return found.with_columns(lacking=(least - pl.col("clips")).clip(0).cast(pl.Int64))
