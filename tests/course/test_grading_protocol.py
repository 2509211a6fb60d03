"""Values as bytes: all of them come back, and no bytes do more than raise ProtocolError."""

import dataclasses
import datetime as dt
import json
import math
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn
from lab_checks import AlwaysEqual
from polars.testing.parametric import dataframes

from kit import audio
from kit.course import expect
from kit.course.grading.calls import StudentError, carried_out, error_of, packed, restore, unpacked
from kit.course.grading.protocol import Bounds, ProtocolError, Stand, Unknown, decode, encode
from kit.errors import KitError
from kit.labeling.plan import Plan, Rater
from kit.storage import Layout, Tier, ageing

zones = st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=5))])
keys = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(
    allow_nan=False)  # fmt: skip
leaves = keys | st.datetimes(timezones=zones) | st.timedeltas() | st.dates() | st.times() | (
    st.complex_numbers(allow_nan=False))  # fmt: skip
values = st.recursive(leaves, lambda x: st.lists(x) | st.dictionaries(keys, x) | st.tuples(x, x)
                      | st.sets(keys) | st.frozensets(keys), max_leaves=30)  # fmt: skip
dtypes = (hn.boolean_dtypes() | hn.integer_dtypes() | hn.unsigned_integer_dtypes()
          | hn.floating_dtypes(sizes=(16, 32, 64)) | hn.unicode_string_dtypes()
          | hn.byte_string_dtypes() | hn.datetime64_dtypes() | hn.timedelta64_dtypes())  # fmt: skip
arrays = hn.arrays(dtypes, hn.array_shapes(min_dims=0, min_side=0))
sendable = [pl.Int8, pl.Int64, pl.UInt16, pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Date,
            pl.Time, pl.Datetime, pl.Duration, pl.Binary, pl.Null]  # fmt: skip


def alike(a, b):
    """Equal, types and all, however deep."""
    if type(a) is not type(b):
        return False
    if type(a) in (list, tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    if type(a) is dict:
        return all(map(alike, [*a.items()], [*b.items()])) and len(a) == len(b)
    return a == b and repr(a) == repr(b) if type(a) is float else a == b


@given(values)
def test_plain_values_come_back(value):
    assert alike(decode(encode(value)), value)


def test_numbers_that_are_none_come_back():
    found = decode(encode([math.nan, math.inf, -math.inf, -0.0, 10**900]))
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf, 0.0, 10**900]
    assert math.copysign(1, found[3]) == -1


@given(arrays)
def test_arrays_come_back(array):
    found = decode(encode(array))
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == np.ascontiguousarray(array).tobytes()
    assert found.flags.writeable


@given(arrays.filter(lambda x: x.size))
def test_scalars_of_arrays_come_back(array):
    value = array.ravel()[0]
    found = decode(encode(value))
    assert type(found) is type(value)
    assert np.asarray(found).tobytes() == value.tobytes()


def test_objects_in_arrays_come_back():
    array = np.array([["a", None], [1, [2, 3]]], object)
    found = decode(encode(array))
    assert found.dtype == object
    assert found.tolist() == array.tolist()


@settings(deadline=None)
@given(dataframes(allowed_dtypes=sendable, max_cols=5, max_size=8))
def test_tables_come_back(table):
    found = decode(encode(table))
    assert found.schema == table.schema
    assert found.equals(table, null_equal=True)
    part = decode(encode(table[1:]))
    assert part.equals(table[1:], null_equal=True)


def test_columns_lists_categories_and_zones_come_back():
    table = pl.DataFrame({
        "deep": [[["a"], None], [], None], "when": [dt.datetime(2026, 1, 5, tzinfo=dt.UTC)] * 3,
        "kind": pl.Series(["x", None, "y"], dtype=pl.Categorical),
    })  # fmt: skip
    found = decode(encode(table))
    assert found.schema == table.schema
    assert found.rows() == table.rows()
    assert decode(encode(table["deep"])).to_list() == table["deep"].to_list()
    assert decode(encode(pl.DataFrame())).shape == (0, 0)


def test_records_come_back_through_their_constructors():
    spec = audio.preset("kws", mels=30)
    records = [Layout("parquet", "zstd", 512), Plan(raters=5, gold=0.1), spec,
               Tier("deep", "cold", 1.0, 0.1, 0.05), *ageing(10.0).values()]  # fmt: skip
    assert decode(encode(records)) == records
    rater = Rater("a", np.array([[3, 1], [2, 5]]), ("yes", "no"), 0.1, 5.0)
    found = decode(encode(rater))
    assert np.array_equal(found.said, rater.said)
    assert found.words == rater.words
    forged = encode(Layout("npy")).replace(b'"npy"', b'"xyz"')
    assert type(decode(forged)) is Unknown


class Sub(dict):
    pass


@dataclasses.dataclass
class Layouts:
    """A record that nobody knows."""

    kind: str


def like(name, base=object):
    return type(name, (base,), {})()


@pytest.mark.parametrize("value", [
    AlwaysEqual(), Sub(a=1), like("Layout"), like("DataFrame"), like("float", float), object(),
    like("int", int), like("str", str), like("ndarray"), Layouts("npy"), (x for x in [1]),
    pl.LazyFrame({"a": [1]}), np.ma.array([1.0]), np.longdouble(1), lambda: 1, int, Path("/etc"),
    np.array([(1, 2)], "i4,i4"), pl.DataFrame({"a": [{"b": 1}]}), range(3), ValueError("x"),
], ids=lambda x: type(x).__name__)  # fmt: skip
def test_what_is_not_known_is_unknown_and_passes_nothing(value):
    found = decode(encode(value))
    assert type(found) is Unknown
    checks = [
        lambda: expect.near(found, 1.0, "it"), lambda: expect.all_near(found, [1.0], "it"),
        lambda: expect.all_near(found, [], "it"), lambda: expect.same(found, 1, "it"),
        lambda: expect.same_list(found, [], "it"), lambda: expect.same_rows(found, [], "it"),
        lambda: expect.holds(found, ["a"], "it"), lambda: expect.true(found, "it is not true"),
        lambda: expect.as_number(found, "it"), lambda: expect.as_array(found, "it"),
        lambda: expect.refuses(lambda: found, "it"), lambda: expect.true(bool(found), "no"),
        lambda: expect.true(found.shape == (1,), "no"), lambda: len(found),
        lambda: expect.same_list([found], [1], "it"), lambda: float(found), lambda: found < 1,
    ]  # fmt: skip
    for check in checks:
        with pytest.raises(AssertionError):
            check()
    assert found != 1
    assert found not in (1, "a", None)


def test_nested_unknowns_keep_their_places():
    found = decode(encode([1, {"a": object()}, (lambda: 0,)]))
    assert found[0] == 1
    assert repr(found[1]["a"]) == "<object>"
    assert repr(found[2]) == "(<function>,)"


def test_what_goes_round_in_circles_ends():
    loop = []
    loop.append(loop)
    assert "too deep" in repr(decode(encode(loop)))


def message(tree, *buffers):
    text = json.dumps([tree, [len(b) for b in buffers]]).encode()
    return struct.pack("<I", len(text)) + text + b"".join(buffers)


TABLE = ["pl", "DataFrame", 2, [["a", "Int64", [2, 0, [None, 0], []]]]]
HOSTILE = [
    b"", b"\0", struct.pack("<I", 2**31), pickle.dumps(print), message(["a", "<f8", [2], 0], b"x"),
    message(["a", "O", [1], 0], b"x" * 8), message(["a", "|O8", [1], 0], b"x" * 8),
    message(["a", "<f8", [-1], 0], b""), message(["a", "<f8", [2**40], 0], b"x" * 8),
    message(["a", "<U0", [2**30], 0], b""), message(["a", "<f8,<f8", [1], 0], b"x" * 16),
    message(["a", "<U1", [1], 0], b"\xff" * 4), message(["a", "|b1", [1], 0], b"\x07"),
    message(["a", "<f8", [1], 5], b""), message(["n", "<f8", "abc"]), message(["zz", 1]),
    message(["k", "Layout", ["d", [["__class__", 1]]]]), message(["k", "os", ["d", []]]),
    message(["k", "Path", ["d", []]]), message(["d", [[["l", []], 1]]]), message({"a": 1}),
    message(["d", [[1]]]), message(["s", [["l", []]]]), message(["l"]), message(["l", 3]),
    message(["date", "x"]), message(["datetime", 5]), message(["delta", 10**12, 0, 0]),
    message(["i", "zz"]), message(["f", "1e400"]), b"\x09\0\0\0[NaN, []]", message([[], 1]),
    b"\x0b\0\0\0[1e999, []]", message(TABLE, b"x" * 15), message(["stand", 5, 5]),
    message(["s", [["i", hex(k * (2**61 - 1))] for k in range(20_000)]]),
    message(["d", [[["i", hex(k * (2**61 - 1))], 0] for k in range(20_000)]]),
    message(["pl", "DataFrame", -1, []]), message(["pl", "x", 0, []]),
    message(["pl", "DataFrame", 2, [["a", "Object", [2, 0, [None, 0], []]]]], b"x" * 16),
    message(["pl", "Series", 2, [["a", "String", [2, 0, [None, 0, 1], []]]]],
            struct.pack("<3q", 0, 10**6, 2), b"ab"),
    message(["pl", "Series", 1, [["a", "String", [1, 0, [None, 0, 1], []]]]],
            struct.pack("<2q", 0, 2), b"\xff\xfe"),
    message(["pl", "Series", 1, [["a", ["List", "Int64"], [1, 0, [None, 0], [[1, 0, [None, 1],
            []]]]]]], struct.pack("<2q", 0, 9), b"x" * 8),
    message(["pl", "Series", 2**30, [["a", "Int64", [2**30, 0, [None, 0], []]]]], b"x" * 8),
    message(["pl", "Series", 1, [["a", ["Datetime", "us", "No/Where"], [1, 0, [None, 0], []]]]],
            b"x" * 8),
    struct.pack("<I", 10**5) + b"[" * 10**5,
]  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bytes_only_raise(data):
    with pytest.raises(ProtocolError):
        decode(data)


@given(st.binary(max_size=300))
def test_any_bytes_only_raise(data):
    with pytest.raises(ProtocolError):
        decode(data)


WHOLE = encode([1, "a", np.arange(4.0), {"k": (2, None)}, Layout("npy"), {3}, b"x" * 99,
                pl.DataFrame({"a": [1, None], "b": ["x", "a longer text"]})])  # fmt: skip


@settings(deadline=None, max_examples=500)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.booleans())
def test_damaged_bytes_are_a_value_or_raise(place, byte, cut):
    bad = WHOLE[:place] if cut else WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    try:
        decode(bad)
    except ProtocolError:
        return
    assert not cut


def test_messages_beyond_the_bounds_are_refused():
    for bounds, value in ((Bounds(bytes=100), b"x" * 200), (Bounds(json_bytes=50), ["ab"] * 50),
                          (Bounds(depth=3), [[[[[[[1]]]]]]]),
                          (Bounds(hashed=2), {1, 2, 3})):  # fmt: skip
        with pytest.raises(ProtocolError):
            decode(encode(value), bounds=bounds)


def test_nothing_is_ever_unpickled():
    """Not by NumPy, Arrow or polars either."""
    text = ("import sys\nfrom kit.course.grading import protocol, columns\n"
            "import numpy, polars, pyarrow\nimport pickle, _pickle\n"
            "def no(*a, **k): print('UNPICKLED'); raise SystemExit\n"
            "pickle.loads = pickle.load = _pickle.loads = _pickle.load = no\n"
            "for line in sys.stdin:\n"
            "  try: protocol.decode(bytes.fromhex(line))\n"
            "  except protocol.ProtocolError: pass\n"
            "print('done')")  # fmt: skip
    lines = "\n".join(x.hex() for x in [*HOSTILE, WHOLE, encode(np.array(["a"], object))])
    done = subprocess.run([sys.executable, "-c", text], input=lines, text=True, capture_output=True)
    assert done.stdout.strip() == "done", done.stderr


def test_things_that_stay_are_asked_from_afar():
    seen = []
    data = encode([print, 1], lambda x: Stand("call", 7) if x is print else None)
    assert decode(data, lambda s: seen.append(s) or "here") == ["here", 1]
    assert seen == [Stand("call", 7)]
    assert type(decode(data)[0]) is Unknown


def call(function, *args):
    """(reply, arguments as the other side has them) of a call over the wire."""
    told = packed(args, {})
    theirs, named = unpacked(told)
    return carried_out(function, told, theirs, named), theirs


def test_arguments_that_were_changed_are_told_and_no_others():
    def change(a, b, c):
        a[0] = 9
        c["k"].append(1)
        return b

    given = np.zeros(3), [1, 2], {"k": []}
    reply, _ = call(change, *given)
    assert set(reply["changed"]) == {0, 2}
    assert reply["same"] == 1
    for key, new in reply["changed"].items():
        restore(given[key], decode(new))
    assert given[0].tolist() == [9, 0, 0]
    assert given[2] == {"k": [1]}


def test_restored_objects_are_the_same_objects():
    inner = {"a": 1}
    rows, numbers = [inner, 2], {1, 2}
    assert restore(rows, [{"a": 5, "b": 6}, 2, 3]) is rows
    assert rows == [{"a": 5, "b": 6}, 2, 3]
    assert rows[0] is inner
    assert restore(numbers, {2, 3}) is numbers
    assert numbers == {2, 3}


@pytest.mark.parametrize("error", [
    ValueError("no"), KeyError("label"), OSError(5, "cannot read"), ZeroDivisionError(),
    TypeError(), NotImplementedError(), FileNotFoundError(2, "gone"),
    KitError("bad", found=3, code="x"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "why"), AssertionError("said"),
], ids=lambda e: type(e).__name__)  # fmt: skip
def test_errors_come_back_as_they_are(error):
    def fail():
        raise error

    reply, _ = call(fail)
    found = error_of(decode(encode(reply))["error"])
    if type(error) is UnicodeDecodeError:  # whose arguments are bytes
        assert "why" in str(found)
        return
    assert type(found) is type(error)
    assert str(found) == str(error)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(0), StopIteration("x"),
                                   GeneratorExit()], ids=repr)  # fmt: skip
def test_errors_that_would_end_the_grader_are_errors_of_the_students(error):
    def fail():
        raise error

    told = call(fail)[0]["error"]
    assert type(error_of(told)) is StudentError
    assert type(error_of(told, [type(error).__name__])) is type(error)


def test_an_error_of_another_class_keeps_its_name_and_its_base():
    class Mine(LookupError):
        def __str__(self):
            return "mine"

    def fail():
        raise Mine

    found = error_of(call(fail)[0]["error"])
    assert isinstance(found, LookupError)
    assert type(found).__name__ == "Mine"
    assert str(found) == "mine"
    for told in (["x; y", "ValueError", [], "t"], ["A", "int", [], "t"], ["A", "exec", [], "t"],
                 ["A", "__import__", [], "t"], ["E", "ExceptionGroup", ["a"], "t"]):  # fmt: skip
        assert isinstance(error_of(told), Exception)
