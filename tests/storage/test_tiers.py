"""Tiers against the chapter's figures, plans against every plan, and the moves between tiers."""

import dataclasses
import itertools
import math

import numpy as np
import polars as pl
import pytest
from helpers import code, finite

from kit.errors import KitError
from kit.kws.targets import MONTH_D
from kit.storage import lifecycle
from kit.storage.human import human_time
from kit.storage.placement import plan, price_of_latency
from kit.storage.tiers import Tier, archives, chapter_tiers, compare, cost
from kit.storage.workloads import Demand, ageing, supply_gbs

MSWC = Demand(736, reads=1)
NAMED = {t.name: t for t in chapter_tiers()}
STORE, NVME, DISK = (NAMED[n] for n in ("object store", "local NVMe", "hard disk"))
DEEP = archives()["deep"]


# --- money


def test_the_prices_of_claim_13():
    assert cost(STORE, MSWC).storage_usd == pytest.approx(0.736 * 23)
    low, high = ({t.name: t for t in chapter_tiers(dear)} for dear in (False, True))
    for name, usd in (("local NVMe", (73.6, 220.8)), ("data warehouse", (14.72, 29.44)),
                      ("in-memory cache", (368, 736))):  # fmt: skip
        found = [cost(end[name], MSWC).storage_usd for end in (low, high)]
        assert found == pytest.approx(usd)


def test_each_term_of_a_bill_by_hand():
    demand = Demand(1000, reads=2, lookups=500, object_mb=10, written_gb=50, egress=0.25)
    found = cost(STORE, demand)
    read = 2000 + 5  # GB
    assert found.storage_usd == pytest.approx(23)
    assert found.request_usd == pytest.approx(read / 0.01 * 4e-7 + 5000 * 5e-6)
    assert found.egress_usd == pytest.approx(read * 0.25 * 0.09)
    assert found.retrieval_usd == 0
    assert found.usd_month == pytest.approx(sum(found[:4]))
    assert cost(DEEP, demand).retrieval_usd == pytest.approx(read * 0.02)
    assert cost(NAMED["data warehouse"], Demand(2**40 / 1e9)).retrieval_usd == pytest.approx(6.25)


def test_an_archive_bills_its_shortest_time():
    half = dataclasses.replace(MSWC, reads=0, kept_days=90.0)
    assert cost(DEEP, half).storage_usd == pytest.approx(2 * 0.736)
    for days in (180.0, 400.0, math.inf):
        long = dataclasses.replace(half, kept_days=days)
        assert cost(DEEP, long).storage_usd == pytest.approx(0.736)
    assert cost(STORE, half).storage_usd == cost(STORE, MSWC).storage_usd


def test_small_objects_pay_more_for_requests_than_for_bytes():
    small, packed = (cost(STORE, Demand(736, object_mb=mb)) for mb in (0.032, 64))
    assert small.request_usd == pytest.approx(23e6 * 4e-7)
    assert small.request_usd / packed.request_usd == pytest.approx(2000)


# --- time


def test_claim_14_reading_mswc():
    assert cost(NVME, MSWC).full_read_s == pytest.approx(147.2, rel=1e-5)
    assert cost(STORE, MSWC).full_read_s == pytest.approx(7_360, rel=1e-4)
    fifty = dataclasses.replace(MSWC, connections=50)
    assert cost(STORE, fifty).throughput_gbs == pytest.approx(5)
    assert cost(STORE, dataclasses.replace(fifty, link_gbps=10)).throughput_gbs == 1.25
    assert cost(NVME, fifty).throughput_gbs == 5  # a device has its rate to share


def test_in_any_order_each_object_waits():
    clips = Demand(0.032, object_mb=0.032, random=True)  # 1000 clips
    assert cost(STORE, clips).throughput_gbs == pytest.approx(3.2e-5 / (0.05 + 3.2e-4))
    assert cost(STORE, clips).full_read_s == pytest.approx(0.05 + 50.32)
    many = dataclasses.replace(clips, connections=100)
    assert cost(STORE, many).throughput_gbs == pytest.approx(
        100 * cost(STORE, clips).throughput_gbs
    )
    assert cost(DISK, many) == cost(DISK, clips)  # one arm
    assert cost(NVME, many).throughput_gbs == 5


def test_a_lookup_is_first_byte_and_object():
    found = cost(STORE, Demand(100, object_mb=10))
    assert found.first_byte_s == 0.05
    assert found.lookup_s == pytest.approx(0.05 + 0.1)
    kinds = archives()
    hours = {name: round(t.first_byte_s / 3600, 3) for name, t in kinds.items()}
    assert hours == {
        "chapter": 5, "deep": 12, "standard": 5, "expedited": round(1 / 12, 3), "bulk": 12,
    }  # fmt: skip
    assert archives(fast=True)["expedited"].restore_s == 60
    assert [kinds[k].retrieval_usd_gb for k in ("standard", "expedited", "bulk")] == [0.01, 0.03, 0]


def test_the_better_end_is_never_slower_and_the_dear_end_never_cheaper():
    for slow, fast, dear in zip(
        chapter_tiers(), chapter_tiers(fast=True), chapter_tiers(dear=True), strict=True
    ):
        assert fast.first_byte_s <= slow.first_byte_s
        assert fast.stream_gbs >= slow.stream_gbs
        assert fast.month_usd_tb == slow.month_usd_tb <= dear.month_usd_tb
    waits = [t.first_byte_s for t in chapter_tiers()]
    assert waits == sorted(waits)


def test_supply_is_between_waiting_and_streaming():
    sizes = np.geomspace(1e3, 1e12, 30)
    found = supply_gbs(sizes, 0.1, 0.02)
    assert (np.diff(found) > 0).all()
    assert found[0] == pytest.approx(1e-6 / (0.02 + 1e-5))
    assert found[-1] == pytest.approx(0.1, rel=1e-3)
    assert supply_gbs(1e6, 0.1) == pytest.approx(0.1)
    assert supply_gbs(1e6, 0.1, 0, [1, 50, 200], 10).tolist() == pytest.approx([0.1, 5, 10])


# --- shapes, properties, errors


def test_columns_in_columns_out():
    sizes = pl.Series([100.0, 736.0])
    found = cost(DEEP, Demand(sizes, reads=[0.0, 1.0]))
    for name, column in found._asdict().items():
        assert column.shape == (2,), name
        one = cost(DEEP, Demand(736, reads=1.0))
        assert column[1] == pytest.approx(getattr(one, name))


@pytest.mark.parametrize("tier", chapter_tiers(), ids=lambda t: t.name)
def test_more_of_anything_never_costs_less(tier):
    base = {"size_gb": 100.0, "reads": 1.0, "lookups": 100.0, "written_gb": 10.0, "egress": 0.1}
    before = cost(tier, Demand(**base)).usd_month
    for name in base:
        assert cost(tier, Demand(**base | {name: base[name] * 2})).usd_month >= before, name
    twice = Demand(**base | {n: base[n] * 2 for n in ("size_gb", "lookups", "written_gb")})
    assert cost(tier, twice).usd_month == pytest.approx(2 * before)


def test_compare_has_a_row_for_each_tier():
    table = compare(MSWC)
    assert table["tier"].to_list() == list(NAMED)
    assert table["cheapest"].sum() == 1
    assert table.filter("cheapest")["tier"].item() == "archive"  # read once, it still is
    assert compare(dataclasses.replace(MSWC, reads=2)).filter("cheapest")["tier"].item() == (
        "object store"
    )
    assert finite(table)


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"size_gb": 0}, "not-positive"), ({"reads": -1}, "not-nonnegative"),
     ({"egress": 1.1}, "not-share"), ({"connections": 1.5}, "not-count"),
     ({"size_gb": "big"}, "not-a-number"), ({"object_mb": math.nan}, "not-positive"),
     ({"random": "yes"}, "not-bool"), ({"reads": math.inf}, "not-nonnegative")],
)  # fmt: skip
def test_impossible_demands(change, expected):
    assert code(lambda: Demand(**{"size_gb": 1.0} | change)) == expected


def test_impossible_tiers():
    good = {"name": "x", "heat": "hot", "month_usd_tb": 1, "stream_gbs": 1, "latency_s": 1}
    for change, expected in (({"heat": "mild"}, "unknown"), ({"stream_gbs": 0}, "not-positive"),
                             ({"get_usd": -1}, "not-nonnegative")):  # fmt: skip
        assert code(lambda change=change: Tier(**good | change)) == expected
    assert code(chapter_tiers, archive="tape") == "unknown"
    assert code(compare, MSWC, []) == "empty"
    assert code(compare, Demand([1.0, 2.0])) == "shape"
    assert code(compare, {"size_gb": 1}) == "not-demand"
    assert code(cost, STORE, Demand([1.0, 2.0], reads=[1.0, 2.0, 3.0])) == "shape"


# --- plans


def parts():
    cooling = ageing(100, written_gb=10, object_mb=8, kept_days=45.0)
    oldest = list(cooling)[-1]
    return cooling | {oldest: dataclasses.replace(cooling[oldest], random=True, egress=0.1)}


def every_plan(given, limits, choice):
    """(USD, plan) of all plans that keep to the limits, by looking at each."""
    usd = {(n, t.name): cost(t, d).usd_month for n, d in given.items() for t in choice}
    rows = []
    for picked in itertools.product(choice, repeat=len(given)):
        if all(t.first_byte_s <= limits[name] for t, name in zip(picked, given, strict=True)):
            names = [t.name for t in picked]
            rows.append((sum(usd[key] for key in zip(given, names, strict=True)), names))
    return rows


def test_parts_by_age():
    found = ageing(100)
    assert [d.size_gb for d in found.values()] == [700, 8300, 100_500]
    assert next(iter(found)) == "0 to 7 days"
    assert code(ageing, 1, (7, 7), (1, 1)) == "not-rising"
    assert code(ageing, 1, (7, 9), (1,)) == "shape"
    assert code(ageing, 0) == "not-positive"


@pytest.mark.parametrize("limit", [1e-4, 0.02, 1.0, 1e5])
def test_a_plan_is_the_cheapest_of_all(limit):
    given = parts()
    expected = min(every_plan(given, dict.fromkeys(given, limit), chapter_tiers()))
    found = plan(given, limit, 1e6)
    assert found.usd_month == pytest.approx(expected[0])
    assert found.table["tier"].to_list() == expected[1]
    assert found.table["usd_month"].sum() == pytest.approx(found.usd_month)
    assert (found.table["first_byte_s"] <= found.table["limit_s"]).all()
    assert found.limits["short_by"].to_list() == [0, 0]
    assert not found.limits["binds"].any()


def test_without_limits_every_part_lies_where_it_is_cheapest():
    given = parts()
    free = plan(given, math.inf, math.inf)
    assert free.usd_month == pytest.approx(plan(given, math.inf, 1e9).usd_month)
    assert free.limits["saves_usd"].to_list() == [None, 0]
    never = plan(given, 1e-9, math.inf)
    assert never.table is None
    assert never.limits.filter("binds")["limit"].to_list() == ["latency_limit_s"]


def test_limits_of_their_own():
    given = parts()
    limits = dict(zip(given, (1e-4, 1.0, math.inf), strict=True))
    found = plan(given, limits, 1e6)
    expected = min(every_plan(given, limits, chapter_tiers()))
    assert found.usd_month == pytest.approx(expected[0])
    assert found.table["heat"].to_list() == ["hot", "warm", "cold"]
    rows = {r["limit"]: r for r in found.limits.iter_rows(named=True)}
    for name in given:
        free = min(every_plan(given, limits | {name: math.inf}, chapter_tiers()))[0]
        saves = rows[f"latency_limit_s of {name}"]["saves_usd"]
        assert saves == pytest.approx(expected[0] - free), name


def test_a_budget_that_is_too_small():
    given = parts()
    limits = dict(zip(given, (1e-4, 1e-4, 1.0), strict=True))
    least = min(every_plan(given, limits, chapter_tiers()))[0]
    assert plan(given, limits, least).table is not None
    budget = least - 500
    found = plan(given, limits, budget)
    assert found.table is None
    assert found.usd_month is None
    rows = {r["limit"]: r for r in found.limits.iter_rows(named=True)}
    assert rows["budget_usd"]["needed"] == pytest.approx(least)
    assert rows["budget_usd"]["short_by"] == pytest.approx(500)
    for name in given:  # the wait that this part alone would have to allow
        row = rows[f"latency_limit_s of {name}"]
        ways = [
            max(w, limits[name]) for w in {t.first_byte_s for t in chapter_tiers()}
            if min(every_plan(given, limits | {name: max(w, limits[name])}, chapter_tiers()))[0]
            <= budget
        ]  # fmt: skip
        assert row["needed"] == (pytest.approx(min(ways)) if ways else None), name
        assert row["binds"] == bool(ways)
    assert rows["budget_usd"]["binds"]
    assert plan(given, limits, rows["budget_usd"]["needed"]).table is not None


def test_a_wait_that_no_tier_keeps():
    given = parts()
    found = plan(given, 1e-9, 1e6).limits
    latency = found.row(by_predicate=pl.col("limit") == "latency_limit_s", named=True)
    assert latency["binds"]
    assert latency["alone"] == 1e-5
    assert latency["needed"] == 1e-5
    assert plan(given, latency["needed"], 1e6).table is not None
    budget = found.row(by_predicate=pl.col("limit") == "budget_usd", named=True)
    assert (budget["binds"], budget["needed"], budget["short_by"]) == (False, None, None)


def test_both_limits_too_tight():
    found = plan(parts(), 1e-9, 0.01).limits
    assert found["needed"].to_list() == [None, None]
    assert found["binds"].to_list() == [True, True]
    assert (found["short_by"] > 0).all()


def test_the_price_of_latency_falls():
    table = price_of_latency(parts())
    assert (table["limit_s"].diff().drop_nulls() > 0).all()
    assert (table["usd_month"].diff().drop_nulls() < 0).all()
    for limit, usd, names in table.iter_rows():
        found = plan(parts(), limit, 1e9)
        assert found.usd_month == pytest.approx(usd)
        assert found.table["tier"].to_list() == names


def test_impossible_plans():
    assert code(plan, {}, 1, 1) == "empty"
    assert code(plan, {"a": 1}, 1, 1) == "not-demand"
    assert code(plan, {"a": MSWC}, {"b": 1}, 1) == "unknown"
    assert code(plan, {"a": MSWC}, 0, 1) == "not-positive"
    assert code(plan, {"a": MSWC}, 1, -1) == "not-nonnegative"
    assert code(plan, {"a": MSWC}, 1, 1, []) == "empty"


# --- moving to a colder tier


def total(tier, mb, days, reads, moved=False):
    """USD of an object that lies `days` in a tier, written term by term."""
    gb = mb / 1e3
    billed = max(days, tier.least_days if moved else 0)
    stored = gb / 1e3 * tier.month_usd_tb * billed / MONTH_D
    return stored + moved * tier.put_usd + reads * (tier.get_usd + gb * tier.retrieval_usd_gb)


@pytest.mark.parametrize("kind", ["deep", "standard", "expedited", "bulk"])
@pytest.mark.parametrize("mb", [0.5, 10, 1e5])
def test_break_even_is_where_both_cost_the_same(kind, mb):
    cold = archives()[kind]
    for reads in (0, 0.5, 1, 3):
        days = lifecycle.break_even_days(mb, STORE, cold, reads)
        both = [total(t, mb, days, reads, t is cold) for t in (STORE, cold)]
        assert both[0] == pytest.approx(both[1])
        for factor, cheaper in ((0.9, STORE), (1.1, cold)):
            near = {t.name: total(t, mb, days * factor, reads, t is cold) for t in (STORE, cold)}
            assert min(near, key=near.get) == cheaper.name
    for days in (100, 1000):
        reads = lifecycle.break_even_reads(mb, STORE, cold, days)
        if 0 < reads < math.inf:
            assert total(STORE, mb, days, reads) == pytest.approx(
                total(cold, mb, days, reads, True)
            )


def test_break_even_by_hand():
    # 1 TB, read once: 20 USD and six months of 1 USD against 23 USD a month
    assert lifecycle.break_even_days(1e6, STORE, DEEP) == pytest.approx(26 / 23 * 30, rel=1e-4)
    assert lifecycle.break_even_days(1e6, STORE, DEEP, 0) == pytest.approx(6 / 23 * 30, rel=1e-4)
    # a month saves 22 USD, a read costs 20
    assert lifecycle.break_even_reads(1e6, STORE, DEEP, 3600) == pytest.approx(132, rel=1e-4)
    assert lifecycle.break_even_days([1e6, 1e-3], STORE, DEEP).shape == (2,)


def test_a_clip_is_too_small_to_move():
    least = lifecycle.smallest_object_mb(STORE, DEEP, 365)
    assert least == pytest.approx(50 / (22 * 365 / 30), rel=1e-9)
    assert least > 0.032
    assert lifecycle.break_even_days(0.032, STORE, DEEP, 0) > 365
    assert lifecycle.break_even_days(least, STORE, DEEP, 0) == pytest.approx(365)
    assert lifecycle.smallest_object_mb(STORE, DEEP, 1) == math.inf


def test_data_that_cool_move_later_when_they_are_read_more():
    ages = lifecycle.cold_from_age_days([0.5, 2, 4, 8], 30, 1e6, STORE, DEEP)
    assert ages[0] == 0
    assert np.diff(ages)[1:] == pytest.approx(30)
    rate = 8 * 2 ** (-ages[3] / 30)
    assert rate * (20 + 1e-4 - 4e-7) == pytest.approx(22)
    assert lifecycle.cold_from_age_days(1, 30, 1, STORE, STORE) == 0
    assert lifecycle.cold_from_age_days(1, 30, 1, DEEP, NVME) == 0  # reads are free there
    assert code(lifecycle.break_even_days, 0, STORE, DEEP) == "not-positive"


def test_a_tier_that_is_not_cheaper_is_never_moved_to():
    assert lifecycle.break_even_days(1, STORE, dataclasses.replace(STORE, put_usd=1)) == math.inf
    assert lifecycle.break_even_reads(1, STORE, NVME, 30) == 0
    assert lifecycle.break_even_days(1, STORE, NVME, 1) == math.inf


# --- the ladder in human time


def test_claim_24_the_ladder():
    table = human_time()
    days = dict(zip(table["rung"], table["human_s"] / 86_400, strict=True))
    assert days["L1 cache"] * 86_400 == 1
    assert days["local SSD"] == pytest.approx(2.3148, abs=1e-4)
    assert days["network, same data centre"] == pytest.approx(11.574, abs=1e-3)
    assert days["SSD over the network"] == pytest.approx(46.296, abs=1e-3)
    assert days["object store"] / 365.25 == pytest.approx(1.2675, abs=1e-3)
    assert table["times"].to_list()[:4] == [None, *(pytest.approx(x) for x in (14, 100 / 7, 1000))]
    assert human_time(unit="main memory")["human_s"][2] == 1
    assert human_time(unit=1e-9)["human_s"][0] == pytest.approx(0.5)


def test_measured_latencies_on_the_same_scale():
    from kit.measure.ladder import latency_ladder
    from kit.measure.record import Measurement

    measured = {
        "L1 cache": Measurement.of("L1 cache", [1.0, 1.0, 1.0], "ns"),
        "local SSD": Measurement.of("local SSD", [50.0, 50.0, 50.0], "µs"),
    }
    table = human_time(measured)
    assert table["human_s"].to_list() == pytest.approx([2, 1e5])
    assert table["chapter_s"].to_list() == pytest.approx([5e-10, 1e-4])
    measured["local SSD"] = Measurement.of("local SSD", [5e4, 5e4], "ns")
    assert human_time(latency_ladder(measured)).equals(human_time(measured))
    assert human_time({"mine": 1.0})["chapter_s"].to_list() == [None]
    assert code(human_time, {}) == "empty"
    assert code(human_time, {"x": -1}) == "not-positive"
    assert code(human_time, None, "L9") == "unknown"
    with pytest.raises(KitError, match="not a time"):
        human_time({"x": Measurement.of("x", [1.0], "GB/s")})
