"""How good a spotter gets from real and synthetic clips: read between measured mixes.

Needs NumPy and polars.
"""

import numpy as np

from kit.errors import KitError
from kit.quantities import quantity

_SHARES = ("accuracy", "low", "high")
COLUMNS = ("real", "synthetic", *_SHARES)


def accuracy_at(grid, real, synthetic):
    """polars table of real, synthetic, accuracy, low, high, inside: a row for each mix asked for.

    Parameters
    ----------
    grid: polars table of measured mixes, with these columns but the last: every pair of some
    counts of real and of synthetic clips once; only the mix without any clip may be missing.
    accuracy, with its interval from low to high, is a share, 0 to 1.
    real, synthetic: clips, 0 or more: numbers, or one-dimensional arrays of one length.

    Between mixes it is bilinear in the logarithm of one more than the clips, and exact where a
    mix was measured. Nothing is extrapolated: a mix beyond the grid, or nearer to no clip at all
    than any, gets what the nearest one on the edge has, and `inside` is false. Raises KitError.
    """
    import polars as pl

    counts, sizes = check_grid(grid)
    wanted = [np.atleast_1d(quantity(name, value, "nonnegative"))
              for name, value in (("real", real), ("synthetic", synthetic))]  # fmt: skip
    if wanted[0].ndim > 1 or wanted[0].shape != wanted[1].shape:
        found = " and ".join(str(x.shape) for x in wanted)
        raise KitError("the clips of the mixes differ in shape", found=found,
                       allowed="two numbers, or two columns of one length")  # fmt: skip
    (rows, right, in_rows), (columns, up, in_columns) = map(_place, counts, wanted)
    corner, right, up = _off_corner(sizes[0], rows, columns, right, up)
    found = [_between(values, rows, columns, right, up) for values in sizes]
    return pl.DataFrame(
        dict(zip(("real", "synthetic", *_SHARES), (*wanted, *found), strict=True))
        | {"inside": in_rows & in_columns & ~corner}
    )


def check_grid(grid):
    """((real, synthetic), values) of a table of mixes, or a KitError that says what is wrong.

    real, synthetic: float64 counts in order. values: float64[3, real, synthetic] of accuracy, low
    and high; NaN for the mix without any clip where that is missing.
    """
    import polars as pl

    names = ", ".join(COLUMNS)
    if not isinstance(grid, pl.DataFrame) or not set(COLUMNS) <= set(grid.columns):
        found = getattr(grid, "columns", type(grid).__name__)
        raise KitError("this is no table of mixes", found=found, allowed=f"columns {names}")
    for name in COLUMNS:
        quantity(name, grid[name], "share" if name in _SHARES else "nonnegative")
    counts = [np.unique(grid[name].to_numpy()).astype(float) for name in COLUMNS[:2]]
    places = [np.searchsorted(c, grid[n].to_numpy()) for c, n in zip(counts, COLUMNS, strict=False)]
    values = np.full((3, *map(len, counts)), np.nan)
    values[:, places[0], places[1]] = [grid[name].to_numpy() for name in _SHARES]
    _check_whole(grid, counts, np.isnan(values[0]))
    return counts, values


def _check_whole(grid, counts, missing):
    allowed = "every pair of two or more counts of each kind, once"
    if min(map(len, counts)) < 2 or grid.select(COLUMNS[:2]).is_duplicated().any():
        what, found = "the mixes are too few, or one comes twice", f"{grid.height} rows"
        raise KitError(what, found=found, allowed=allowed)
    none = counts[0][0] == counts[1][0] == 0
    gaps = np.argwhere(missing)[1 if none and missing[0, 0] else 0 :]
    if len(gaps):
        real, made = (c[i] for c, i in zip(counts, gaps[0], strict=True))
        what = f"{real:g} real and {made:g} synthetic clips"
        raise KitError("a mix was not measured", found=what, allowed=allowed)


def _place(counts, wanted):
    """(cell, share of the way through it, whether it is in the grid) of each count."""
    marks, at = np.log1p(counts), np.log1p(wanted)
    inside = (at >= marks[0]) & (at <= marks[-1])
    at = np.clip(at, marks[0], marks[-1])
    cell = np.clip(np.searchsorted(marks, at, side="right") - 1, 0, len(marks) - 2)
    return cell, (at - marks[cell]) / (marks[cell + 1] - marks[cell]), inside


def _off_corner(values, rows, columns, right, up):
    """(moved, right, up): mixes nearer to the missing one go straight to the line that cuts it off.

    Its cell has three measured corners, a triangle, and what lies in no triangle is unknown.
    """
    corner = np.isnan(values[rows, columns]) & (right + up < 1)
    short = np.where(corner, (1 - right - up) / 2, 0)
    return corner, right + short, up + short


def _between(values, rows, columns, right, up):
    near, far = values[rows, columns], values[rows + 1, columns + 1]
    more_real, more_made = values[rows + 1, columns], values[rows, columns + 1]
    near = np.where(np.isnan(near), more_real + more_made - far, near)  # a plane through three
    low = near + right * (more_real - near)
    high = more_made + right * (far - more_made)
    return low + up * (high - low)
