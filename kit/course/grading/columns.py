"""polars columns as Arrow buffers without Arrow's file format: nothing in them is unpacked."""

import math

from kit.errors import KitError

_PLAIN = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32",
          "Float64", "Boolean", "String", "Binary", "Date", "Time", "Null")  # fmt: skip
_UNITS = ("ms", "us", "ns")
_MOST = 2**31


def told(value, keep):
    """JSON of a DataFrame or Series, its buffers handed to `keep`; None if it cannot be sent."""
    import polars as pl

    if type(value) not in (pl.DataFrame, pl.Series):
        return None
    series = value.get_columns() if type(value) is pl.DataFrame else [value]
    kinds = [_kind(s.dtype) for s in series]
    if None in kinds:
        return None
    parts = [[s.name, kind, _column(s, keep)] for s, kind in zip(series, kinds, strict=True)]
    return type(value).__name__, len(value), parts


def table(told, parts):
    """The DataFrame or Series of `told`. Raises ValueError where the buffers are none."""
    import polars as pl

    kind, height, columns = told
    if kind not in ("DataFrame", "Series") or type(height) is not int or not 0 <= height < _MOST:
        raise ValueError("no table")
    found = []
    for name, dtype, node in columns:
        series = _series(name, dtype, node, parts)
        if len(series) != height:
            raise ValueError("columns differ in length")
        found.append(series)
    if kind == "Series":
        return found[0] if len(found) == 1 else _bad("not one column")
    try:
        made = pl.DataFrame(found)
    except pl.exceptions.PolarsError as cause:  # two columns of one name
        raise ValueError(str(cause)) from None
    return made if found or not height else _bad("rows without columns")


def _kind(dtype):
    """JSON of a dtype, or None for one that is not sent."""
    import polars as pl

    if isinstance(dtype, pl.List):
        inner = _kind(dtype.inner)
        return inner and ["List", inner]
    if isinstance(dtype, pl.Datetime):
        return ["Datetime", dtype.time_unit, dtype.time_zone]
    if isinstance(dtype, pl.Duration):
        return ["Duration", dtype.time_unit]
    if dtype == pl.Categorical:
        return "Categorical"
    return str(dtype) if str(dtype) in _PLAIN else None


def _dtype(kind, depth=0):
    import polars as pl

    if type(kind) is str:
        return getattr(pl, kind) if kind in (*_PLAIN, "Categorical") else _bad("no type")
    if type(kind) is not list or depth > 4:
        raise ValueError("no type")
    if kind[0] == "List":
        return pl.List(_dtype(kind[1], depth + 1))
    if kind[1] not in _UNITS:
        raise ValueError("no unit")
    if kind[0] == "Duration":
        return pl.Duration(kind[1])
    zone = kind[2]
    if zone is not None and (type(zone) is not str or len(zone) > 60):
        raise ValueError("no zone")
    return pl.Datetime(kind[1], zone)


def _column(series, keep):
    import polars as pl

    if series.dtype == pl.Categorical:
        series = series.cast(pl.String)
    array = series.rechunk().to_arrow()
    array = array.combine_chunks() if hasattr(array, "combine_chunks") else array
    return _array(_large(array), keep)


def _large(array):
    """Arrow's text and lists in the one form that is read below."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_string_view(kind):
        return array.cast(pa.large_string())
    if pa.types.is_binary(kind) or pa.types.is_binary_view(kind):
        return array.cast(pa.large_binary())
    return array


def _array(array, keep):
    """[length, offset, buffers, children] of an Arrow array."""
    import pyarrow as pa

    own, children = array.buffers(), []
    if pa.types.is_large_list(array.type):
        values = _large(array.values)
        own, children = own[:2], [_array(values, keep)]
    held = [None if b is None else keep(b.to_pybytes()) for b in own]
    return [len(array), array.offset, held, children]


def _series(name, kind, node, parts):
    import polars as pl
    import pyarrow as pa

    dtype = _dtype(kind)
    if type(name) is not str:
        raise ValueError("no name")
    plain = pl.String if dtype == pl.Categorical else dtype
    try:
        array = _read(_arrow(plain), node, parts, 0)
        series = pl.Series(name, pl.from_arrow(array), dtype=plain)
        return series.cast(dtype)
    except (pa.ArrowException, pl.exceptions.PolarsError, KitError) as cause:
        raise ValueError(str(cause)) from None
    except BaseException as cause:  # a panic of Rust is no Exception
        if type(cause).__name__ != "PanicException":
            raise
        raise ValueError("a panic") from None


def _arrow(dtype):
    """Arrow's type for a dtype, with long offsets."""
    import polars as pl
    import pyarrow as pa

    if isinstance(dtype, pl.List):
        return pa.large_list(_arrow(dtype.inner))
    if isinstance(dtype, pl.Datetime):
        return pa.timestamp(dtype.time_unit, dtype.time_zone)
    if isinstance(dtype, pl.Duration):
        return pa.duration(dtype.time_unit)
    named = {"String": pa.large_string(), "Binary": pa.large_binary(), "Boolean": pa.bool_(),
             "Date": pa.date32(), "Time": pa.time64("ns"), "Null": pa.null(),
             "Float32": pa.float32(), "Float64": pa.float64()}  # fmt: skip
    text = str(dtype)
    return named[text] if text in named else getattr(pa, text.lower())()


def _read(kind, node, parts, depth):
    """Arrow array from buffers, each of which is as long as it must be, and fully validated."""
    import pyarrow as pa

    length, offset, held, children = node
    if any(type(n) is not int or not 0 <= n < _MOST for n in (length, offset)) or depth > 5:
        raise ValueError("no length")
    nested = pa.types.is_large_list(kind)
    if len(children) != nested or (pa.types.is_null(kind) and held not in ([], [None])):
        raise ValueError("no children asked for")
    wanted = _sizes(kind, length + offset)
    if len(held) != len(wanted):
        raise ValueError("another number of buffers")
    buffers = [None if n is None else pa.py_buffer(parts[n]) for n in held]
    for place, (buffer, size) in enumerate(zip(buffers, wanted, strict=True)):
        if (buffer is None and place > 0 and size) or (buffer is not None and buffer.size < size):
            raise ValueError("a buffer is too short")
    below = [_read(kind.value_type, children[0], parts, depth + 1)] if nested else None
    array = pa.Array.from_buffers(kind, length, buffers, -1, offset, below)
    array.validate(full=True)
    return array


def _sizes(kind, rows):
    """Least bytes of each buffer of an Arrow array, the first for what is null."""
    import pyarrow as pa

    bits = math.ceil(rows / 8)
    if pa.types.is_null(kind):
        return [0]
    if pa.types.is_large_list(kind):
        return [bits, 8 * (rows + 1)]
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return [bits, 8 * (rows + 1) if rows else 0, 0]
    return [bits, bits if pa.types.is_boolean(kind) else rows * kind.bit_width // 8]


def _bad(what):
    raise ValueError(what)
