"""Plain values as bytes, for two processes of which one is not trusted. No pickle.

A message is a length, JSON, and buffers that the JSON numbers. Types are exact: whatever is not
known here, a subclass of a known type as well, arrives as Unknown. Needs NumPy and, for tables,
polars and pyarrow.
"""

import dataclasses
import json
import math
import re
import struct
from datetime import date, datetime, time, timedelta, timezone
from importlib import import_module
from pathlib import PosixPath, WindowsPath
from typing import NamedTuple

import numpy as np

RECORDS = {  # name on the way -> module: rebuilt by their constructors, which check the values
    "Layout": "kit.storage.formats.layout",
    "Tier": "kit.storage.tiers",
    "Demand": "kit.storage.workloads",
    "FeatureSpec": "kit.audio.spec",
    "Plan": "kit.labeling.plan.plans",
    "Rater": "kit.labeling.plan.raters",
}
_DTYPES = "biufcUSmM"
_CODE = r"[<>|][biufcUSmM]\d{0,7}(\[\d{0,4}[a-zA-Z]{1,7}\])?"
_DIGITS = 3400  # hexadecimal: Python writes no longer ones as text
_INLINE = 64  # bytes that stand in the JSON itself
_PARSED = (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError,
           AttributeError, MemoryError, struct.error)  # fmt: skip


class Bounds(NamedTuple):
    """Of a message. hashed: entries of a set, or of a dict with keys other than text: such keys
    can be made to collide."""

    json_bytes: int = 16 * 2**20
    bytes: int = 2**29
    depth: int = 40
    hashed: int = 10_000


class ProtocolError(Exception):
    """Bytes that are no message."""


class Unknown:
    """Stands for a value of a type that cannot be sent; no use of it passes a check."""

    def __init__(self, name):
        self.name = "".join(c for c in str(name)[:60] if c.isprintable())

    def __repr__(self):
        return f"<{self.name}>"

    def _refuse(self, *_):
        raise AssertionError(f"The answer holds a value of type {self.name}, which is not asked "
                             "for. Hint: give numbers, text, lists, arrays or tables.")  # fmt: skip

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self._refuse()

    __iter__ = __len__ = __getitem__ = __contains__ = __bool__ = __float__ = __int__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __call__ = _refuse


class Stand(NamedTuple):
    """A thing that stays where it is and is asked from afar: a callable, a schema."""

    kind: str
    number: int


def encode(value, stand=None):
    """bytes of a value. stand: function of a value that may stay where it is -> Stand or None."""
    writer = _Writer(stand)
    tree = writer.node(value, 0)
    text = json.dumps([tree, [len(b) for b in writer.buffers]], separators=(",", ":")).encode()
    return b"".join([struct.pack("<I", len(text)), text, *writer.buffers])


def decode(data, stand=None, place=None, bounds=None):
    """The value in `data`. Raises ProtocolError, and nothing else, for bytes that are none.

    stand: function of a Stand -> what stands for it here; without it a Stand is Unknown. place:
    function of a path as text -> Path, or ValueError if it may not come; without it Unknown.
    """
    bounds = bounds or Bounds()
    try:
        if len(data) > bounds.bytes:
            raise ValueError("too long")
        (size,) = struct.unpack_from("<I", data)
        if size > bounds.json_bytes or size + 4 > len(data):
            raise ValueError("too long")
        tree, sizes = json.loads(bytes(data[4 : 4 + size]), parse_constant=_no_constant)
        return _Reader(data, 4 + size, sizes, bounds, stand, place).node(tree, 0)
    except _PARSED as cause:
        raise ProtocolError(f"no message: {type(cause).__name__}: {cause}"[:200]) from None


class _Writer:
    def __init__(self, stand):
        self.buffers, self.stand = [], stand

    def node(self, value, depth):
        """JSON of one value; the type decides, exactly."""
        kind = type(value)
        if value is None or kind in (bool, str):
            return value
        write = _WRITERS.get(kind)
        if depth > Bounds().depth:
            return ["?", "something too deep"]
        if write is None and isinstance(value, np.generic) and kind.__module__ == "numpy":
            write = _Writer.scalar
        if write is None and kind.__name__ in RECORDS and kind is _record(kind.__name__):
            write = _Writer.record
        if write is None and kind.__module__.startswith("polars."):
            write = _Writer.table
        if write is None:
            held = self.stand(value) if self.stand else None
            return ["stand", *held] if held else ["?", kind.__name__]
        return write(self, value, depth)

    def number(self, value, _):
        if type(value) is int:
            if abs(value) < 2**53:
                return value
            return ["i", hex(value)] if value.bit_length() < 4 * _DIGITS else ["?", "huge int"]
        return value if math.isfinite(value) else ["f", repr(value)]

    def raw(self, value, _):
        if len(value) <= _INLINE:
            return ["b", value.decode("latin-1")]
        return ["B", self.keep(value)]

    def keep(self, data):
        self.buffers.append(data)
        return len(self.buffers) - 1

    def many(self, value, depth):
        return [_MANY[type(value)], [self.node(x, depth + 1) for x in value]]

    def mapping(self, value, depth):
        return ["d", [[self.node(k, depth + 1), self.node(v, depth + 1)]
                      for k, v in value.items()]]  # fmt: skip

    def moment(self, value, _):
        if isinstance(value, timedelta):
            return ["delta", value.days, value.seconds, value.microseconds]
        if getattr(value, "tzinfo", None) is not None and type(value.tzinfo) is not timezone:
            return ["?", f"{type(value).__name__} with a zone"]
        return [type(value).__name__, value.isoformat()]

    def array(self, value, depth):
        if value.dtype.kind == "O":
            return ["o", list(value.shape), [self.node(x, depth + 1) for x in value.ravel()]]
        if value.dtype.kind not in _DTYPES or value.dtype.itemsize > _widest(value.dtype):
            return ["?", f"ndarray of {value.dtype}"]
        data = np.ascontiguousarray(value).tobytes()
        return ["a", value.dtype.str, list(value.shape), self.keep(data)]

    def scalar(self, value, _):
        if value.dtype.kind not in _DTYPES or value.dtype.itemsize > _widest(value.dtype):
            return ["?", f"{type(value).__name__}"]
        array = np.array(value)  # an empty text has no size, its array has
        return ["n", array.dtype.str, array.tobytes().decode("latin-1")]

    def record(self, value, depth):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return ["k", type(value).__name__, self.node(fields, depth + 1)]

    def table(self, value, depth):
        from kit.course.grading import columns

        told = columns.told(value, self.keep)
        return ["?", type(value).__name__] if told is None else ["pl", *told]

    def complex(self, value, depth):
        return ["c", self.number(value.real, depth), self.number(value.imag, depth)]

    def path(self, value, _):
        return ["p", str(value)]


_MANY = {list: "l", tuple: "t", set: "s", frozenset: "z"}
_WRITERS = {
    int: _Writer.number, float: _Writer.number, bytes: _Writer.raw, dict: _Writer.mapping,
    np.ndarray: _Writer.array, complex: _Writer.complex, PosixPath: _Writer.path,
    WindowsPath: _Writer.path, **dict.fromkeys(_MANY, _Writer.many),
    **dict.fromkeys((datetime, date, time, timedelta), _Writer.moment),
}  # fmt: skip


class _Reader:
    def __init__(self, data, start, sizes, bounds, stand, place):
        self.bounds, self.stand, self.place, self.parts = bounds, stand, place, []
        if type(sizes) is not list or any(type(n) is not int or n < 0 for n in sizes):
            raise ValueError("no sizes")
        if start + sum(sizes) != len(data):
            raise ValueError("the buffers have another size")
        for size in sizes:
            self.parts.append(bytes(data[start : start + size]))
            start += size

    def node(self, tree, depth):
        """The value of one node of the JSON."""
        if tree is None or type(tree) in (bool, int, str):
            return tree
        if type(tree) is float:
            return tree if math.isfinite(tree) else _bad("a float beyond all")
        if type(tree) is not list or not tree or depth > self.bounds.depth + 2:
            raise ValueError("no node")
        return _READERS[tree[0]](self, depth, *tree[1:])

    def all(self, trees, depth, most=None):
        if type(trees) is not list or (most is not None and len(trees) > most):
            raise ValueError("no list, or too many")
        return [self.node(x, depth + 1) for x in trees]

    def hashed(self, trees, depth):
        return self.all(trees, depth, self.bounds.hashed)

    def mapping(self, depth, pairs):
        found = [self.all(pair, depth, 2) for pair in pairs]
        if len(found) > self.bounds.hashed and any(type(k) is not str for k, _ in found):
            raise ValueError("too many keys")
        return dict(found)

    def array(self, _, code, shape, number):
        dtype, shape = _dtype(code), _shape(shape)
        data = self.parts[number]
        if math.prod(shape) * dtype.itemsize != len(data) or not dtype.itemsize:
            if dtype.itemsize or data or math.prod(shape) > 10**6:
                raise ValueError("shape and bytes differ")
            return np.zeros(shape, dtype)
        return _whole(np.frombuffer(data, dtype).reshape(shape).copy())

    def objects(self, depth, shape, trees):
        shape, found = _shape(shape), self.all(trees, depth)
        if math.prod(shape) != len(found):
            raise ValueError("shape and values differ")
        array = np.empty(len(found), object)
        for i, value in enumerate(found):
            array[i] = value
        return array.reshape(shape)

    def scalar(self, _, code, text):
        data = np.frombuffer(text.encode("latin-1"), _dtype(code))
        return _whole(data)[0] if data.size == 1 else _bad("no scalar")

    def record(self, depth, name, tree):
        fields, kind = self.node(tree, depth + 1), _record(name)
        if type(fields) is not dict or set(fields) - {f.name for f in dataclasses.fields(kind)}:
            raise ValueError("other fields")
        try:
            made = kind(**fields)
        except Exception:  # its constructor refused the values, whatever it raised
            return Unknown(f"{name} that cannot be")
        return _exact(made, fields)

    def table(self, _, *told):
        from kit.course.grading import columns

        return columns.table(told, self.parts)

    def path(self, _, text):
        return self.place(text) if self.place else Unknown("Path")

    def standing(self, _, kind, number):
        if type(kind) is not str or type(number) is not int:
            raise ValueError("no stand")
        return self.stand(Stand(kind, number)) if self.stand else Unknown(kind)


_READERS = {
    "i": lambda r, d, x: int(x, 16) if len(x) < _DIGITS + 9 else Unknown("huge int"),
    "f": lambda r, d, x: {"nan": math.nan, "inf": math.inf,
                                                           "-inf": -math.inf}[x],
    "b": lambda r, d, x: x.encode("latin-1"), "B": lambda r, d, x: r.parts[x],
    "l": lambda r, d, x: r.all(x, d), "t": lambda r, d, x: tuple(r.all(x, d)),
    "s": lambda r, d, x: set(r.hashed(x, d)), "z": lambda r, d, x: frozenset(r.hashed(x, d)),
    "c": lambda r, d, x, y: complex(r.node(x, d), r.node(y, d)),
    "d": _Reader.mapping, "a": _Reader.array, "o": _Reader.objects, "n": _Reader.scalar,
    "k": _Reader.record, "pl": _Reader.table, "p": _Reader.path, "stand": _Reader.standing,
    "?": lambda r, d, x: Unknown(x), "delta": lambda r, d, *x: timedelta(*x),
    "date": lambda r, d, x: date.fromisoformat(x), "time": lambda r, d, x: time.fromisoformat(x),
    "datetime": lambda r, d, x: datetime.fromisoformat(x),
}  # fmt: skip


def _record(name):
    return getattr(import_module(RECORDS[name]), name)


def _exact(made, fields):
    """The record with the values that were sent, not what its constructor computed anew.

    A constructor that divides by a sum changes the last digit of what it has divided before.
    """
    for name, value in fields.items():
        built = getattr(made, name)
        if type(built) is np.ndarray and type(value) is np.ndarray and built.shape == value.shape:
            if not np.allclose(built, value, rtol=1e-9, atol=1e-12):
                return made
            object.__setattr__(made, name, value.astype(built.dtype))
    return made


def _dtype(code):
    if type(code) is not str or not re.fullmatch(_CODE, code):
        raise ValueError("no dtype")
    dtype = np.dtype(code)
    known = dtype.kind in _DTYPES and dtype.fields is None and dtype.subdtype is None
    return dtype if known and dtype.itemsize <= _widest(dtype) else _bad("no plain dtype")


def _widest(dtype):
    return {"c": 16, "U": 2**20, "S": 2**20}.get(dtype.kind, 8)


def _whole(array):
    """The array; text and truth values in it are what they claim to be."""
    if array.dtype.kind == "U" and array.size:
        codes = np.ascontiguousarray(array).reshape(-1).view(f"{array.dtype.str[0]}u4")
        if codes.size and codes.max() > 0x10FFFF:
            raise ValueError("no text")
    if array.dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise ValueError("no truth value")
    return array


def _shape(shape):
    good = type(shape) is list and len(shape) <= 16
    if not good or any(type(n) is not int or not 0 <= n < 2**31 for n in shape):
        raise ValueError("no shape")
    return tuple(shape)


def _no_constant(name):
    raise ValueError(f"{name} is not written so")


def _bad(what):
    raise ValueError(what)
