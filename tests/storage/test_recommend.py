"""The recommendation follows from the figures: made-up tables, whose answer is known."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import KitError
from kit.storage.formats import Workload, recommend, scaled

N = 1000


def row(name, operation, cache, value, unit, spread=0.0):
    return {"name": name, "operation": operation, "cache": cache, "value": float(value),
            "unit": unit, "low": value * (1 - spread), "high": value * (1 + spread),
            "records": N, "layout": "tar", "codec": "none", "rows_a_group": 0}  # fmt: skip


def layout(name, size=1e9, scan=1000, columns=1000, find=10, single=1, write=1000, spread=0.0,
           **kind):  # fmt: skip
    """Rows of one layout; scan, columns, write in 1/s, find and single in ms; a batch takes ten
    single reads. kind: layout, codec, rows_a_group."""
    made = [row(name, "blocks", "", size, "B"), row(name, "write", "", write, "1/s", spread)]
    for cache, slower in (("cold", 2), ("warm", 1)):
        made += [row(name, "scan", cache, scan / slower, "1/s", spread),
                 row(name, "columns", cache, columns / slower, "1/s", spread),
                 row(name, "filter", cache, find * slower, "ms", spread),
                 row(name, "single p50", cache, single * slower, "ms", spread),
                 row(name, "batch of 64", cache, 10 * single * slower, "ms", spread),
                 row(name, "single p95", cache, single * slower * 3, "ms", spread)]  # fmt: skip
    return [r | kind for r in made]


def table(*layouts):
    return pl.DataFrame([r for x in layouts for r in x])


TWO = table(layout("small", size=1e8, scan=100, single=9), layout("quick", size=9e8, single=0.1))


def test_the_bill_is_storage_and_machine_hours():
    found = recommend(table(layout("a")), Workload(23, 3.6, scans=10, cache="warm"))
    (one,) = found.to_dicts()
    assert one["storage_usd"] == pytest.approx(23e-3)  # 1 GB
    assert one["machine_h"] == pytest.approx(10 / 3600)  # ten scans of a second
    assert one["machine_usd"] == pytest.approx(0.01)
    assert one["total_usd"] == pytest.approx(0.033)
    assert (one["rank"], one["excluded"]) == (1, "")


def test_all_parts_of_the_work_are_counted():
    reads = {"scans": 1, "column_reads": 2, "filtered_reads": 300, "random_reads": 4000,
             "batch_reads": 600}  # fmt: skip
    work = Workload(0, 1, **reads, writes=5, cache="warm")
    (one,) = recommend(table(layout("a")), work).to_dicts()
    assert one["machine_h"] * 3600 == pytest.approx(1 + 2 + 3 + 4 + 5 + 6)
    (cold,) = recommend(table(layout("a")), work._replace(cache="cold")).to_dicts()
    assert cold["machine_h"] * 3600 == pytest.approx(2 * (1 + 2 + 3 + 4 + 6) + 5)


def test_more_records_cost_more_and_a_single_read_only_by_its_group():
    work = Workload(23, 1, scans=1, random_reads=1000, cache="warm", records=10 * N)
    (one,) = recommend(table(layout("a")), work).to_dicts()
    assert one["machine_h"] * 3600 == pytest.approx(10 + 1)
    assert one["storage_usd"] == pytest.approx(0.23)
    grouped = table(layout("a", layout="parquet", rows_a_group=5 * N))
    (one,) = recommend(grouped, work).to_dicts()
    assert one["machine_h"] * 3600 == pytest.approx(10 + 5)  # the file was smaller than a group


def test_rows_that_a_read_decodes():
    assert scaled.rows_decoded(1000, 1000, 64) == 1000  # one group holds all
    assert scaled.rows_decoded(1000, 4096, 1) == 1000
    assert scaled.rows_decoded(512e6, 512, 1) == pytest.approx(512)
    assert scaled.rows_decoded(512e6, 512, 64) == pytest.approx(64 * 512, rel=1e-4)
    assert scaled.rows_decoded(512_000, 512, 100_000) == pytest.approx(512_000)
    rng = np.random.default_rng(0)
    drawn = [len(np.unique(rng.integers(0, 10_240, 64) // 512)) for _ in range(4000)]
    assert scaled.rows_decoded(10_240, 512, 64) == pytest.approx(512 * np.mean(drawn), rel=0.01)


def test_a_batch_of_many_groups_costs_more_in_a_large_data_set():
    parquet = {"layout": "parquet", "codec": "zstd"}
    given = table(layout("whole", rows_a_group=500, **parquet), layout("flat"),
                  layout("mapped", layout="arrow", rows_a_group=500),
                  layout("large", rows_a_group=5000, **parquet))  # fmt: skip
    found = scaled.at_scale(given, 10_000_000)

    def grew(name, operation):
        both = (t.filter(name=name, operation=operation, cache="warm") for t in (found, given))
        return np.divide(*[t["value"][0] for t in both])

    met = 2 * (1 - 0.5**64), 20_000 * (1 - (1 - 1 / 20_000) ** 64)
    assert grew("whole", "batch of 64") == pytest.approx(met[1] / met[0])
    assert grew("whole", "single p50") == pytest.approx(1)
    assert grew("large", "single p50") == pytest.approx(5)
    assert [grew(name, "batch of 64") for name in ("flat", "mapped")] == [1, 1]
    assert grew("whole", "scan") == 1
    assert scaled.at_scale(given, N).equals(given)


def test_what_is_kept_is_small_and_what_is_read_is_quick():
    kept = recommend(TWO, Workload(1000, 0.1, scans=1))
    read = recommend(TWO, Workload(1, 10, scans=1000))
    assert kept["name"].to_list() == ["small", "quick"]
    assert read["name"].to_list() == ["quick", "small"]
    assert "for storage" in kept["reason"][0]
    assert "for full scans" in read["reason"][0]
    assert read["reason"][1] == "10 times the bill of quick, most of the difference for full scans"
    assert "storage" in kept["reason"][1]


def test_limits_exclude_and_say_which():
    found = recommend(TWO, Workload(1000, 0.1, scans=1, wanted_per_s=200))
    assert found["rank"].to_list() == [1, None]
    assert found["name"].to_list() == ["quick", "small"]
    assert "50.0 records/s, wanted 200" in found["excluded"][1]
    found = recommend(TWO, Workload(1000, 0.1, scans=1, wanted_ms=5))
    assert "54.0 ms" in found["excluded"][1]
    busy = recommend(TWO, Workload(1000, 0, scans=730 * 3600 / 20 + 1))
    assert "h, a month has 730" in busy["excluded"][1]


def test_layouts_within_the_spread_are_said_to_be_alike():
    rates = {"a": 1000, "b": 950, "c": 500}
    both = table(*(layout(name, scan=rate, spread=0.1) for name, rate in rates.items()))
    found = recommend(both, Workload(0, 1, scans=10))
    assert "1 more cannot be told from it" in found["reason"][0]
    assert found["reason"][1] == "not told from a within the spread"
    assert "2 times the bill" in found["reason"][2]


@pytest.mark.parametrize(("wrong", "code"), [
    ({"scans": -1}, "not-nonnegative"), ({"machine_usd_h": float("nan")}, "not-nonnegative"),
    ({"scans": "x"}, "not-a-number"), ({"records": 0}, "not-count"),
    ({"wanted_ms": 0}, "not-positive"), ({"cache": "hot"}, "unknown"),
    ({"storage_usd_tb_month": 0, "scans": 0}, "no-work"),
    ({"wanted_per_s": 1e9}, "impossible"), ({"wanted_ms": 1e-6}, "impossible"),
    ({"scans": 1e9}, "impossible"),
])  # fmt: skip
def test_impossible_workloads_are_refused(wrong, code):
    with pytest.raises(KitError) as told:
        recommend(TWO, Workload(23, 1, scans=1)._replace(**wrong))
    assert told.value.code == code


def test_an_impossible_limit_names_what_comes_nearest():
    with pytest.raises(KitError, match=r"500 records/s \(quick\)"):
        recommend(TWO, Workload(23, 1, scans=1, wanted_per_s=1e9))


def test_what_was_not_measured_is_not_guessed():
    some = TWO.filter(pl.col("operation") != "filter")
    recommend(some, Workload(23, 1, scans=1))
    with pytest.raises(KitError) as told:
        recommend(some, Workload(23, 1, filtered_reads=1))
    assert told.value.code == "not-measured"
    with pytest.raises(KitError, match="no workload"):
        recommend(TWO, {"scans": 1})


figures = st.fixed_dictionaries({
    "size": st.floats(1e6, 1e12), "scan": st.floats(10, 1e6), "columns": st.floats(10, 1e6),
    "find": st.floats(0.01, 1e3), "single": st.floats(0.01, 1e3), "write": st.floats(10, 1e6),
    "spread": st.floats(0, 0.5),
})  # fmt: skip
counts = [st.integers(0, most) for most in (50, 50, 50, 1000, 50)]
work = st.tuples(st.floats(1, 500), st.floats(0, 10), *counts).map(lambda x: Workload(*x))


@given(st.lists(figures, min_size=2, max_size=5), work)
def test_ranks_follow_the_bills(layouts, workload):
    made = table(*(layout(f"l{i}", **x) for i, x in enumerate(layouts)))
    found = recommend(made, workload)
    kept = found.filter(pl.col("rank").is_not_null())
    assert kept["rank"].to_list() == list(range(1, kept.height + 1))
    assert all(a <= b for a, b in itertools.pairwise(kept["total_usd"]))
    assert found.height == len(layouts)
    assert (found["low_usd"] <= found["total_usd"] + 1e-9).all()
    assert (found["total_usd"] <= found["high_usd"] + 1e-9).all()
    total = found["storage_usd"] + found["machine_usd"] - found["total_usd"]
    assert (total.abs() <= 1e-9 * found["total_usd"]).all()


@given(figures, st.floats(1.01, 10), work)
def test_a_layout_that_is_better_at_everything_is_first(x, factor, workload):
    up = {"scan": factor, "columns": factor, "write": factor, "spread": 1}
    better = {k: v * up.get(k, 1 / factor) for k, v in x.items()}
    made = table(layout("worse", **x), layout("better", **better))
    assert recommend(made, workload)["name"][0] == "better"
