"""Columns to Arrow and back, without a loop over samples."""

import numpy as np

from kit.errors import KitError
from kit.storage.formats.corpus import SAMPLES


def to_arrow(columns, as_list=False, row=None, signed=False):
    """pyarrow Table of columns; samples as binary of a fixed size, or as list<int16>.

    row: name of a column to add that counts the records. signed: widen unsigned integers, for
    formats that have none.
    """
    import pyarrow as pa

    made = {row: pa.array(np.arange(_height(columns)))} if row else {}
    for name, values in columns.items():
        if name == SAMPLES:
            made[name] = _waveforms(values, as_list)
        elif values.dtype == object:
            made[name] = pa.array(values, pa.string())
        else:
            made[name] = pa.array(values.astype(f"i{2 * values.itemsize}")
                                  if signed and values.dtype.kind == "u" else values)  # fmt: skip
    return pa.table(made)


def from_arrow(table, names, types):
    """dict of name -> array of the columns `names` of a pyarrow Table; types: name -> dtype."""
    return {name: _array(table[name], name, types[name]) for name in names}


def own(values):
    """The array itself, copied if its memory belongs to a file or to another library."""
    return values if values.flags.owndata and values.flags.writeable else np.array(values)


def _height(columns):
    return len(next(iter(columns.values())))


def _waveforms(clips, as_list):
    import pyarrow as pa

    if as_list:
        return pa.FixedSizeListArray.from_arrays(pa.array(clips.ravel()), clips.shape[1])
    size = 2 * clips.shape[1]
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(size), len(clips), [None, pa.py_buffer(clips)]
    )


def _array(chunked, name, dtype):
    if name == SAMPLES:
        width = int(dtype.split("x")[1])
        parts = [_decoded(chunk, width) for chunk in chunked.chunks if len(chunk)]
        none = np.empty((0, width), np.int16)
        return own(parts[0]) if len(parts) == 1 else np.concatenate([none, *parts])
    if dtype == "object":
        return chunked.to_numpy().astype(object)
    return own(chunked.to_numpy().astype(dtype, copy=False))


def _decoded(chunk, width):
    """int16[rows, width], a view of an Arrow array of fixed or variable binary, or of lists."""
    kind = str(chunk.type)
    if "list" in kind:
        values = chunk.flatten().to_numpy()
    elif kind.startswith("fixed_size_binary"):
        start = chunk.offset * 2 * width
        values = np.frombuffer(chunk.buffers()[1], np.int16, len(chunk) * width, start)
    else:
        wide = "int64" if kind.startswith("large") else "int32"
        ends = np.frombuffer(chunk.buffers()[1], wide)[chunk.offset : chunk.offset + len(chunk) + 1]
        values = np.frombuffer(chunk.buffers()[2], np.uint8)[ends[0] : ends[-1]].view(np.int16)
    if values.size != len(chunk) * width:
        raise KitError("clips have lost samples", found=values.size, allowed=len(chunk) * width,
                       code="damaged", remedy="write the store again from its source")  # fmt: skip
    return values.reshape(-1, width)
