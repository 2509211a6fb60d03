"""Times as numbers that can be compared, from columns of moments, dates or plain numbers."""

from datetime import timedelta

import polars as pl

from kit.errors import KitError


def ticks(series):
    """polars Series of Int64, us (ns where the column has ns), or the numbers; NaN becomes null.

    series: Datetime, Date, or numbers. Raises KitError "type".
    """
    kind = series.dtype
    if isinstance(kind, pl.Datetime | pl.Date):
        unit = "ns" if _in_ns(kind) else "us"
        return series.cast(pl.Datetime(unit, getattr(kind, "time_zone", None))).to_physical()
    if kind.is_float():
        return series.cast(pl.Float64).fill_nan(None)
    if kind.is_integer():
        return series.cast(pl.Int64)
    raise KitError(f"{series.name} is no time", found=str(kind), code="type",
                   allowed="Datetime, Date or a number")  # fmt: skip


def moments(series, kind):
    """Ticks as the type `kind` they came from; a Date becomes a Datetime."""
    if kind == pl.Date:
        return series.cast(pl.Datetime("us"))
    if isinstance(kind, pl.Datetime):
        unit = "ns" if _in_ns(kind) else "us"
        return series.cast(pl.Int64).cast(pl.Datetime(unit, kind.time_zone))
    return series


def length(given, kind, name):
    """Ticks of a duration in a column of type `kind`; 0 for None. KitError "duration"."""
    if given is None:
        return 0
    dated = isinstance(kind, pl.Datetime | pl.Date)
    number = isinstance(given, int | float) and not isinstance(given, bool)
    fits = isinstance(given, timedelta) if dated else number
    if not fits or not given >= (timedelta(0) if dated else 0):
        raise KitError(f"{name} is no length of time here", found=given, code="duration",
                       allowed=f"{'timedelta' if dated else 'number'}, 0 or more")  # fmt: skip
    if not dated:
        return given
    return given // timedelta(microseconds=1) * (1000 if _in_ns(kind) else 1)


def kind_of(kind):
    """Text that is equal for types whose ticks can be compared."""
    if isinstance(kind, pl.Datetime):
        return f"moment in {kind.time_zone}{', ns' if _in_ns(kind) else ''}"
    return "number" if kind.is_numeric() else str(kind)


def need(table, columns, name):
    """Raises KitError "columns" if the polars table lacks some, "table" if it is none."""
    if not isinstance(table, pl.DataFrame):
        raise KitError(f"{name} must be a polars table", found=type(table).__name__, code="table",
                       remedy="convert with pl.DataFrame(...)")  # fmt: skip
    missing = [c for c in columns if c not in table.columns]
    if missing:
        raise KitError(f"{name} lacks columns", found=", ".join(map(str, missing)), code="columns",
                       allowed=", ".join(table.columns))  # fmt: skip


def _in_ns(kind):
    return isinstance(kind, pl.Datetime) and kind.time_unit == "ns"
