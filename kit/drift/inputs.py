"""What every statistic takes and gives back: sorted numbers with nulls apart, and a Found.

Needs NumPy.
"""

from typing import NamedTuple

import numpy as np

from kit.errors import KitError


class Found(NamedTuple):
    """One statistic of two windows.

    value: the statistic. effect: how large the change is, on a scale that does not grow with the
    number of rows. low, high: interval of the effect. p: chance of a value as large if nothing
    has changed. note: what a reader must know. None where a number would say nothing.
    """

    value: float | None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    note: str = ""


class Side(NamedTuple):
    """A column of one window: finite values in order (float32 or float64), the others counted."""

    values: np.ndarray
    nulls: int
    infinite: int

    @property
    def rows(self):
        """All rows: values, nulls and infinities."""
        return len(self.values) + self.nulls + self.infinite


def side(name, values):
    """Side of `values`: array or polars Series of n numbers; null and NaN both count as null.

    Whole numbers and float16 become float64 and float32; those above 2**53 lose their last digits.
    Raises KitError "not-a-number" or "shape".
    """
    x = np.sort(_array(name, values))  # NaN goes last
    full = int(np.searchsorted(x, np.nan))
    low, high = np.searchsorted(x[:full], -np.inf, "right"), np.searchsorted(x[:full], np.inf)
    return Side(x[low:high], len(x) - full, full - int(high - low))


def finite(name, values):
    """Sorted values without nulls. Raises KitError "empty" or "infinite" as well."""
    found = side(name, values)
    if found.infinite:
        raise KitError(
            f"{name} holds infinite values",
            found=f"{found.infinite} of {found.rows}",
            allowed="finite numbers and nulls",
            remedy="clip them, or use compare, which counts them apart",
            code="infinite",
        )
    if not len(found.values):
        raise KitError(
            f"{name} holds no values",
            found=f"{found.rows} rows, {found.nulls} of them null",
            allowed="one value or more",
            remedy="look at the share of nulls instead",
            code="empty",
        )
    return found.values


def plain(value):
    """A float that a table may hold: None instead of NaN or infinity."""
    return None if value is None or not np.isfinite(value) else float(value)


def joined(*notes):
    """Notes as one text, without the empty ones."""
    return "; ".join(n for n in notes if n)


def _array(name, values):
    if str(getattr(values, "dtype", "")).startswith(("Null", "Decimal", "Int128", "UInt128")):
        values = values.cast(float)  # types of polars that NumPy would take for objects
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), np.nan)
    x = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    if x.dtype.kind not in "iuf":
        raise KitError(
            f"{name} is not a column of numbers",
            found=str(getattr(values, "dtype", x.dtype)),
            allowed="whole numbers or floats",
            remedy="cast it to a number, or compare it as categories",
            code="not-a-number",
        )
    if x.ndim != 1:
        raise KitError(f"{name} is not one column", found=x.shape, allowed="shape (n,)",
                       code="shape")  # fmt: skip
    if x.dtype.kind != "f" or x.dtype.itemsize not in (4, 8):
        return x.astype(np.float32 if x.dtype.itemsize == 2 and x.dtype.kind == "f" else np.float64)
    return x
