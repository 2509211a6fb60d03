"""Joins as of a time, held to a slow loop; leaks in joins of others; splits in time."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from helpers import code
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.storage.point_in_time import BACKENDS, as_of, leaks
from kit.storage.time_split import temporal_split

DAY = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = {"k": pl.String, "time": pl.Int64}
WHEN = pl.Datetime("us", "UTC")


def labels_of(rows):
    return pl.DataFrame(rows, KEYS, orient="row")


def facts_of(rows):
    return pl.DataFrame(rows, KEYS | {"known": pl.Int64, "x": pl.Int64}, orient="row")


def slow(labels, facts, ttl, gap, known):
    """list of the row of `facts` that each label gets, or None."""
    found = []
    for key, time in labels.iter_rows():
        best = None
        for place, (other, at, heard, _) in enumerate(facts.iter_rows()):
            if key is None or time is None or other != key or at is None:
                continue
            if known and (heard is None or heard > time - (gap or 0)):
                continue
            if at > time - (gap or 0):
                continue
            rank = (at, heard if known else 0, place)
            best = max(best, rank) if best else rank
        if best and ttl is not None and time - best[0] > ttl:
            best = None
        found.append(best and best[-1])
    return found


some_key = st.sampled_from(["a", "b", None])
some_time = st.none() | st.integers(0, 12)
labels = st.lists(st.tuples(some_key, some_time), max_size=12).map(labels_of)
facts = st.lists(st.tuples(some_key, some_time, some_time, st.none() | st.integers(0, 5)),
                 max_size=12).map(facts_of)  # fmt: skip


lengths = st.none() | st.integers(0, 6), st.none() | st.integers(0, 4)


@settings(max_examples=150, deadline=None)
@given(labels, facts, *lengths, st.booleans())
def test_joins_agree_with_a_slow_loop(labels, facts, ttl, gap, known):
    agrees("polars", labels, facts, ttl, gap, known)


@settings(max_examples=50, deadline=None)
@given(labels, facts, *lengths, st.booleans())
def test_joins_of_duckdb_agree_as_well(labels, facts, ttl, gap, known):
    agrees("duckdb", labels, facts, ttl, gap, known)


def agrees(backend, labels, facts, ttl, gap, known):
    name = "known" if known else None
    if not known:
        facts = facts.drop("known").with_columns(known=None).select("k", "time", "known", "x")
    given = facts if known else facts.drop("known")
    found = as_of(labels, given, "k", ttl=ttl, gap=gap, known=name, backend=backend)
    places = slow(labels, facts, ttl, gap, known)
    pick = lambda c: [None if p is None else facts[c][p] for p in places]  # noqa: E731
    assert found.select("k", "time").equals(labels)
    assert found["x"].to_list() == pick("x")
    assert found["time_of_fact"].to_list() == pick("time")
    late = found.filter(pl.col("time_of_fact") > pl.col("time") - (gap or 0))
    assert not late.height, "a fact from the future"


@settings(max_examples=40, deadline=None)
@given(labels, facts)
def test_a_right_join_has_no_leak_and_one_on_the_latest_has(labels, facts):
    right = as_of(labels, facts, "k", known="known")
    assert not leaks(right.drop("known"), facts, "k", known="known").height
    for found in leaks(
        labels.join(facts.drop("time", "known").unique("k", keep="last"), "k", "left"),
        facts, "k", known="known",
    ).iter_rows(named=True):  # fmt: skip
        key, time = labels.row(found["row"])
        held = [
            max(a, h) for k, a, h, x in facts.iter_rows()
            if k == key and None not in (a, h) and str(x) == found["found"]
        ]  # fmt: skip
        if found["kind"] == "future":
            assert min(held) > time
            assert (found["known_from"], found["ahead"]) == (min(held), min(held) - time)
        elif found["kind"] == "stale":
            assert time is None or min(held) <= time
        else:
            assert not held


def table(rows, *names):
    return pl.DataFrame(rows, list(names), orient="row").with_columns(
        pl.col(n).cast(WHEN) for n in names if n in ("time", "known")
    )


def at(hours):
    return DAY + timedelta(hours=hours)


@pytest.mark.parametrize("backend", BACKENDS)
def test_ties_nulls_and_late_facts_are_as_stated(backend):
    asked = table([("a", at(5)), ("b", at(5)), (None, at(5)), ("a", None)], "k", "time")
    facts = table([("a", at(5), 1), ("a", at(5), 2), ("b", at(4), 7), ("b", at(5), None)],
                  "k", "time", "x")  # fmt: skip
    found = as_of(asked, facts, "k", backend=backend)
    assert found["x"].to_list() == [2, None, None, None], "the last in the table; a null is a value"
    assert found["time_of_fact"].to_list() == [at(5), at(5), None, None]
    strict = as_of(asked, facts, "k", gap=timedelta(microseconds=1), backend=backend)
    assert strict["x"].to_list() == [None, 7, None, None]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_late_fact_is_used_from_when_it_was_known(backend):
    facts = table([("a", at(1), at(1), 10), ("a", at(2), at(8), 20), ("a", at(3), at(4), 30),
                   ("a", at(1), at(6), 11)], "k", "time", "known", "x")  # fmt: skip
    asked = table([("a", at(h)) for h in (0, 1, 3, 4, 6, 9)], "k", "time")
    found = as_of(asked, facts, "k", known="known", backend=backend)
    assert found["x"].to_list() == [None, 10, 10, 30, 30, 30]
    fixed = table([("a", at(1), at(1), 10), ("a", at(1), at(6), 11)], "k", "time", "known", "x")
    again = as_of(asked, fixed, "k", known="known", backend=backend)
    assert again["x"].to_list() == [None, 10, 10, 10, 11, 11], "a correction wins once it is known"
    assert again["known"].to_list()[-1] == at(6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_ttl_and_gap_count_their_ends(backend):
    facts = table([("a", at(0), 1)], "k", "time", "x")
    asked = table([("a", at(h)) for h in (1, 2, 3, 4)], "k", "time")
    hours = timedelta(hours=3), timedelta(hours=2)
    found = as_of(asked, facts, "k", ttl=hours[0], gap=hours[1], backend=backend)
    assert found["x"].to_list() == [None, 1, 1, None]


@pytest.mark.parametrize("backend", BACKENDS)
def test_days_floats_and_several_keys(backend):
    days = pl.DataFrame({"k": [1, 1], "j": ["x", "y"], "d": [date(2026, 1, 5)] * 2})
    facts = pl.DataFrame({"j": ["x", "x"], "k": [1, 1], "d": [date(2026, 1, 4), date(2026, 1, 6)],
                          "list": [[1.0], [2.0]], "text": ["é", "f"]})  # fmt: skip
    found = as_of(days, facts, ["k", "j"], by="d", ttl=timedelta(days=1), backend=backend)
    assert found["list"].to_list() == [[1.0], None]
    assert found["text"].to_list() == ["é", None]
    nan = float("nan")
    clock = pl.DataFrame({"k": [1, 1, 1], "s": [0.5, nan, 2.0]})
    facts = pl.DataFrame({"k": [1, 1, 1], "s": [0.25, nan, 1.5], "x": [1, 2, 3]})
    found = as_of(clock, facts, "k", by="s", gap=0.25, backend=backend)
    assert found["x"].to_list() == [1, None, 3]


@pytest.mark.parametrize("backend", BACKENDS)
def test_times_in_nanoseconds_keep_their_order(backend):
    ns = pl.Datetime("ns")
    asked = pl.DataFrame({"k": [1, 1], "t": pl.Series([1001, 1002], dtype=ns)})
    facts = pl.DataFrame({"k": [1, 1], "t": pl.Series([1001, 1002], dtype=ns), "x": [1, 2]})
    assert as_of(asked, facts, "k", by="t", backend=backend)["x"].to_list() == [1, 2]
    micro = facts.with_columns(pl.col("t").dt.cast_time_unit("us"))
    assert code(as_of, asked, micro, "k", by="t", backend=backend) == "type"


@pytest.mark.parametrize("backend", BACKENDS)
def test_tables_without_rows(backend):
    none = as_of(labels_of([]), facts_of([("a", 1, 1, 1)]), "k", backend=backend, known="known")
    assert none.height == 0
    bare = as_of(labels_of([("a", 1)]), facts_of([]), "k", backend=backend, known="known")
    assert bare["x"].to_list() == [None]


def test_keys_and_values_may_have_any_name():
    names = ["cut", "row", "since", "rank", 'a "quoted" name', "key0", "found", "_value", "best"]
    asked = pl.DataFrame({n: [1] for n in names[:5]} | {"time": [5]})
    facts = asked.with_columns(time=3).with_columns(pl.lit(7).alias(n) for n in names[5:])
    for backend in BACKENDS:
        found = as_of(asked, facts, names[:5], backend=backend)
        assert found.select(names[5:]).row(0) == (7, 7, 7, 7)
    assert not leaks(found, facts, names[:5]).height
    assert leaks(found.with_columns(best=8), facts, names[:5])["column"].to_list() == ["best"]


def test_a_join_on_the_latest_value_is_found_out():
    asked = table([("a", at(2)), ("a", at(20)), ("b", at(9))], "k", "time")
    facts = table([("a", at(1), 1), ("a", at(10), 2), ("b", at(1), 5), ("b", at(8), 6)],
                  "k", "time", "x")  # fmt: skip
    naive = asked.with_columns(x=pl.Series([2, 2, 6]))
    found = leaks(naive, facts, "k")
    assert found.select("row", "column", "kind", "found", "right").rows() == [
        (0, "x", "future", "2", "1")
    ]
    assert found["known_from"][0] == at(10)
    assert found["ahead"][0] == timedelta(hours=8)
    odd = asked.with_columns(x=pl.Series([1, 1, None]), y=pl.lit("z"))
    assert leaks(odd, facts, "k").select("row", "kind").rows() == [(1, "stale"), (2, "missing")]
    assert leaks(asked.with_columns(x=pl.Series([99, 2, 6])), facts, "k")["kind"][0] == "never"
    tied = table([("b", at(9), 6), ("b", at(9), 7)], "k", "time", "x")
    assert leaks(naive, tied, "k").filter(row=2)["kind"].to_list() == ["stale"], "known just then"
    assert not leaks(as_of(asked, facts, "k"), facts, "k").height
    strict = leaks(as_of(asked, facts, "k"), facts, "k", gap=timedelta(hours=2))
    assert strict.select("row", "kind").rows() == [(0, "future"), (2, "future")]


def test_a_value_read_before_it_was_known_is_a_leak():
    asked = table([("a", at(5))], "k", "time")
    facts = table([("a", at(1), at(1), 1), ("a", at(4), at(9), 2)], "k", "time", "known", "x")
    by_event = as_of(asked, facts.drop("known"), "k")
    found = leaks(by_event, facts, "k", known="known")
    assert found.select("kind", "known_from").rows() == [("future", at(9))]


def test_a_bad_join_says_what_is_wrong():
    asked, facts = labels_of([("a", 1)]), facts_of([("a", 1, 1, 1)])
    assert code(as_of, asked, facts, "z") == "columns"
    assert code(as_of, asked, facts, "k", by="z") == "columns"
    assert code(as_of, asked, facts, "k", known="z") == "columns"
    assert code(as_of, asked, facts, ["k", "time"]) == "columns"
    assert code(as_of, asked, facts, []) == "columns"
    assert code(as_of, asked.with_columns(x=1), facts, "k") == "clash"
    assert code(as_of, asked.with_columns(time_of_fact=1), facts, "k") == "clash"
    assert code(as_of, asked, facts, "k", backend="pandas") == "backend"
    assert code(as_of, asked.to_dict(), facts, "k") == "table"
    for bad in (-1, timedelta(1), "1d", float("nan"), True):
        assert code(as_of, asked, facts, "k", ttl=bad) == "duration"
        assert code(as_of, asked, facts, "k", gap=bad) == "duration"
    moments = asked.with_columns(time=pl.lit(DAY))
    assert code(as_of, moments, facts, "k") == "type"
    late = facts.with_columns(time=pl.lit(DAY), known=pl.lit(DAY))
    assert code(as_of, moments, late, "k", ttl=3) == "duration"
    naive = late.with_columns(pl.col("time").dt.replace_time_zone(None))
    assert code(as_of, moments, naive, "k") == "type"
    assert code(as_of, asked.with_columns(time=pl.lit("x")), facts, "k") == "type"
    assert code(as_of, asked.with_columns(k=1), facts, "k") == "type"
    assert code(leaks, asked, facts, "k") == "columns"


def daily(days):
    return pl.DataFrame({"time": [DAY + timedelta(days=d) for d in days], "speaker": days})


ENDS = [DAY + timedelta(days=d) for d in (1, 5, 8, 10)]


def test_a_split_in_time_puts_every_row_somewhere():
    whole = daily(range(12)).vstack(
        pl.DataFrame({"time": [None], "speaker": [99]}, schema=daily([1]).schema)
    )
    done = temporal_split(whole, "time", ENDS, gap=timedelta(days=1))
    parts = [getattr(done, p)["speaker"].to_list() for p in ("train", "validation", "test")]
    assert parts == [[1, 2, 3], [5, 6], [8, 9]]
    counts = dict(done.counts.select("part", "rows").iter_rows())
    assert counts == {"train": 3, "validation": 2, "test": 2, "gap": 2, "before": 1, "after": 2,
                      "no time": 1}  # fmt: skip
    assert sum(counts.values()) == whole.height
    assert done.counts["begin"].to_list()[:3] == ENDS[:3]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.integers(0, 40), min_size=1, max_size=40), st.integers(0, 4))
def test_parts_of_a_split_lie_apart_by_the_gap(times, gap):
    whole = pl.DataFrame({"t": [*times, 12, 21, 30]}, schema={"t": pl.Int64})
    done = temporal_split(whole, "t", (10, 20, 30, 38), gap=gap)
    assert done.counts["rows"].sum() == whole.height
    assert done.validation["t"].min() - done.train["t"].max() > gap
    assert done.test["t"].min() - done.validation["t"].max() > gap
    assert done.test["t"].max() < 38
    plain = temporal_split(whole, "t", (10, 20, 30, 38))
    assert dict(plain.counts.select("part", "rows").iter_rows())["gap"] == 0


def test_keys_on_both_sides_of_a_split_are_named():
    whole = daily(range(12)).with_columns(speaker=pl.Series([1, 1, 2, 3, 4, 2, 5, 6, 2, 6, 7, 8]))
    done = temporal_split(whole, "time", ENDS)
    found = done.shared("speaker")
    assert found.rows() == [(2, ["train", "validation", "test"], 3), (6, ["validation", "test"], 2)]
    assert code(done.shared, "recording") == "columns"


def test_a_bad_split_says_what_is_wrong():
    whole = daily(range(12))
    assert code(temporal_split, whole, "when", ENDS) == "columns"
    assert code(temporal_split, whole, "time", ENDS[:3]) == "ends"
    assert code(temporal_split, whole, "time", ENDS[::-1]) == "ends"
    assert code(temporal_split, whole, "time", (1, 2, 3, 4)) == "ends"
    assert code(temporal_split, whole, "time", ("a", "b", "c", "d")) == "ends"
    assert code(temporal_split, whole, "time", [e.replace(tzinfo=None) for e in ENDS]) == "ends"
    assert code(temporal_split, whole, "time", ENDS, gap=timedelta(days=3)) == "gap"
    assert code(temporal_split, whole, "time", ENDS, gap=timedelta(days=-1)) == "duration"
    assert code(temporal_split, whole, "time", ENDS, gap=1) == "duration"
    assert code(temporal_split, whole.filter(pl.col("speaker") < 7), "time", ENDS) == "empty-split"
    assert code(temporal_split, whole.clear(), "time", ENDS) == "empty-split"
