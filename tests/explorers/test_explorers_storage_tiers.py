"""The explorers of tiers and of bandwidth keep to the closed forms of kit.storage."""

import math
import warnings

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest

import kit.explorers.storage.bandwidth as band
from kit.errors import KitError
from kit.explorers import explore
from kit.explorers.base import Panel, log_steps
from kit.explorers.storage.tiers import joined
from kit.numbers import shown
from kit.storage import ageing, bandwidth_budget, chapter_tiers, compare, plan
from kit.storage.feeding import chapter_consumers
from kit.storage.tiers import Tier

NAMES = ("tiers", "bandwidth")
TRAINING, INFERENCE = "A100, training, JPEG", "A100, inference, decoded FP32"
OWN = {"parquet zstd": 0.4, "wav files": 0.05}


def limits(seen):
    return seen.table.row(0, named=True)


def storage(seen, name):
    return seen.table.row(by_predicate=pl.col("tier") == name, named=True)


def corners(explorer):
    """Every combination of the ends of the controls: list of dict."""
    found = [{}]
    for c in explorer.movable:
        ends = c.options or (c.low, c.high)
        found = [f | {c.name: type(c.value)(v)} for f in found for v in ends]
    return found


def anywhere(explorer, rng):
    """One setting of the controls, at random: dict."""
    found = {}
    for c in explorer.movable:
        if c.kind == "log":
            found[c.name] = float(rng.choice(log_steps(c.low, c.high, c.value)))
        else:
            options = c.options or range(int(c.low), int(c.high) + 1)
            found[c.name] = options[rng.integers(len(options))]
    return found


# where each part lies


@pytest.mark.parametrize("reads", [0.01, 0.9, 30.0])
@pytest.mark.parametrize("wait_s", [1e-5, 0.02, 1.0, 1e5])
def test_the_chosen_places_are_those_of_the_plan(wait_s, reads):
    seen = explore("tiers", wait_s=wait_s, budget_usd=1e5, old_reads=reads, gb_day=20)
    placed = plan(ageing(20, reads=(30.0, 1.0, reads)), wait_s, 1e5)
    chosen = seen.table.filter("chosen")
    assert chosen["part"].to_list() == placed.table["part"].to_list()
    assert chosen["tier"].to_list() == placed.table["tier"].to_list()
    assert chosen["month_usd"].to_list() == pytest.approx(placed.table["usd_month"].to_list())
    assert limits(seen)["found"]
    assert limits(seen)["total_usd"] == pytest.approx(placed.usd_month)


def test_each_part_costs_in_each_tier_what_compare_says():
    seen = explore("tiers", old_reads=2.0)
    for part, demand in ageing(10, reads=(30.0, 1.0, 2.0)).items():
        rows = seen.table.filter(point="cell", part=part)
        told = compare(demand)
        assert rows["tier"].to_list() == told["tier"].to_list()
        assert rows["keep_usd"].to_list() == pytest.approx(told["storage_usd"].to_list())
        assert rows["month_usd"].to_list() == pytest.approx(told["usd_month"].to_list())
        both = rows["keep_usd"] + rows["reads_usd"]
        assert both.to_list() == pytest.approx(rows["month_usd"].to_list())


def test_the_front_is_the_price_of_latency():
    found = plan(ageing(10, reads=(30.0, 1.0, 0.5)), 1.0, 1.0).front
    front = explore("tiers", old_reads=0.5).table.filter(point="front")
    assert front["first_byte_s"].to_list() == found["limit_s"].to_list()
    assert front["month_usd"].to_list() == found["usd_month"].to_list()


@pytest.mark.parametrize("budget_usd", [1.0, 40.0, 300.0])
@pytest.mark.parametrize("wait_s", [1e-6, 1.0, 1e5])
def test_what_would_be_needed_is_what_the_plan_says(wait_s, budget_usd):
    row = limits(explore("tiers", wait_s=wait_s, budget_usd=budget_usd))
    usd, wait = plan(ageing(10), wait_s, budget_usd).limits.rows(named=True)
    for name, unit, told in (("budget", "usd", usd), ("wait", "s", wait)):
        assert row[f"{name}_needed_{unit}"] == told["needed"]
        assert row[f"{name}_alone_{unit}"] == told["alone"]
        assert row[f"{name}_binds"] == told["binds"]


def test_the_summary_of_a_plan_tells_places_and_price():
    seen = explore("tiers")
    parts = ageing(10)
    week, quarter, years = (compare(d) for d in parts.values())
    total = sum(t["usd_month"].min() for t in (week, quarter, years))
    assert seen.summary.startswith("Within 1 d and USD 100 a month 10\u202f950 GB cost USD ")
    assert f" cost USD {shown(total)}: object store for 0 to 7 days; archive for " in seen.summary
    assert "7 to 90 days and 90 to 1095 days. " in seen.summary
    archive = years.row(by_predicate=pl.col("tier") == "archive", named=True)
    assert f"cost USD {shown(archive['storage_usd'])} to keep in the archive" in seen.summary
    reads = archive["request_usd"] + archive["retrieval_usd"]
    assert f"USD {shown(reads)} to read there" in seen.summary


def test_from_the_told_reads_on_the_object_store_is_cheaper_than_the_archive():
    even = limits(explore("tiers"))["even_reads"]
    for reads, cheaper in ((0.98 * even, "archive"), (1.02 * even, "object store")):
        table = explore("tiers", old_reads=reads).table.filter(part="90 to 1095 days")
        usd = dict(table.select("tier", "month_usd").iter_rows())
        assert min(("archive", "object store"), key=usd.get) == cheaper
    seen = explore("tiers", old_reads=1.0)
    assert f"from {shown(even)} reads a month on the object store" in seen.summary
    assert "read once a month" in seen.summary


def test_a_budget_that_is_too_small_says_what_would_do():
    seen = explore("tiers", wait_s=1.0, budget_usd=100.0)
    need = sum(compare(d).filter(pl.col("first_byte_s") <= 1)["usd_month"].min()
               for d in ageing(10).values())  # fmt: skip
    assert "No plan keeps to 1 s and USD 100 a month: the budget and the wait bind" in seen.summary
    assert f"USD {shown(need)} a month would do, or a wait of 12 h." in seen.summary
    assert not limits(seen)["found"]


@pytest.mark.parametrize(
    ("wait_s", "budget_usd", "text"),
    [
        (1e-6, 1e5, "the wait binds, for nothing answers before 10 µs. A wait of 10 µs would do."),
        (1e-6, 300.0, "the wait binds, for nothing answers before 10 µs. A wait of 50 ms would"),
        (1.0, 10.0, "the budget binds, for even without a limit of time the cheapest costs USD "),
        (1e-6, 10.0, "the budget and the wait bind, each alone: nothing answers before 10 µs"),
    ],
)
def test_the_limit_that_binds_is_named(wait_s, budget_usd, text):
    summary = explore("tiers", wait_s=wait_s, budget_usd=budget_usd).summary
    assert text in summary
    assert " would do" in summary or "each alone" in summary


def test_the_table_marks_what_is_chosen_and_what_is_late():
    seen = explore("tiers", wait_s=1.0, budget_usd=1e4)
    rows = seen.explorer.fallback(seen.table)
    assert rows.height == 21
    assert rows.filter(place="chosen").height == 3
    assert set(rows.filter(place="too slow")["tier"]) == {"archive"}
    seen.set(budget_usd=1.0)
    assert seen.explorer.fallback(seen.table).filter(place="over the budget").height == 3


def test_ten_times_the_data_cost_ten_times_as_much():
    one, ten = (limits(explore("tiers", gb_day=x)) for x in (3, 30))
    assert ten["total_usd"] == pytest.approx(10 * one["total_usd"])
    assert ten["size_gb"] == pytest.approx(30 * 1095)


@pytest.mark.parametrize("value", [0, -1, "much", None, math.inf, True, [1, 2]])
def test_what_is_added_a_day_is_a_number_above_0(value):
    with pytest.raises(KitError):
        explore("tiers", gb_day=value)


@pytest.mark.parametrize(("texts", "told"), [("a", "a"), ("ab", "a and b"), ("abc", "a, b and c")])
def test_lists_are_joined(texts, told):
    assert joined(list(texts)) == told


# what keeps the device fed


@pytest.mark.parametrize("order", band.ORDERS)
@pytest.mark.parametrize("units", [1, 38, 100])
def test_the_rows_are_those_of_the_budget(units, order):
    for name, consumer in chapter_consumers().items():
        seen = explore("bandwidth", consumer=name, units=units, order=order)
        told = bandwidth_budget(consumer, units=units, random=order == band.ORDERS[1],
                                link_gbps=100)  # fmt: skip
        for column in ("tier", "have_gbs", "samples_per_s", "bound_by", "units_needed"):
            assert seen.table[column].to_list() == told[column].to_list()
        ahead, turn = (100 * told[c] for c in ("waits_overlapped", "waits_serial"))
        assert seen.table["ahead_percent"].to_list() == pytest.approx(ahead.to_list())
        assert seen.table["turn_percent"].to_list() == pytest.approx(turn.to_list())


def test_claims_6_and_7_can_be_read_off():
    seen = explore("bandwidth", consumer=TRAINING)
    assert 100 - storage(seen, "SATA SSD")["ahead_percent"] == pytest.approx(13.14, abs=0.01)
    assert storage(seen, "object store")["units_needed"] == 39
    assert "SATA SSD: with 1 the device waits 86.9 % of the time, 88.4 % when loading in turn; " \
        "8 would do, or 39 connections to an object store." in seen.summary  # fmt: skip
    seen.set(units=38)
    assert storage(seen, "object store")["ahead_percent"] == pytest.approx(0.13, abs=0.01)
    seen.set(units=39)
    assert storage(seen, "object store")["bound_by"] == "device"


@pytest.mark.parametrize("name", [TRAINING, INFERENCE])
def test_claims_4_and_5_are_told_to_differ(name):
    summary = explore("bandwidth", consumer=name).summary
    assert ("Claims 4 and 5 ask the same GPU for 45.8 GB/s and for 3.8 GB/s: 3 times the images, "
            "each of 4.01 times the bytes, are 12 times.") in summary  # fmt: skip


def test_other_consumers_do_not_tell_of_claims_4_and_5():
    for name in set(band.CONSUMERS) - {TRAINING, INFERENCE}:
        summary = explore("bandwidth", consumer=name).summary
        assert "Claims 4" not in summary
        assert ("12 times that (claim 25)" in summary) == (name == "eight GPUs, decoded bytes")


def test_a_network_can_be_too_slow_for_any_number_of_connections():
    seen = explore("bandwidth", consumer=INFERENCE, units=100)
    row = storage(seen, "object store")
    assert row["units_needed"] is None
    assert row["have_gbs"] == pytest.approx(10)
    assert "no number of connections to an object store behind 12.5 GB/s" in seen.summary


def test_keyword_spotters_eat_clips_of_32_kb(monkeypatch):
    seen = explore("bandwidth", consumer=band._MICROPHONE)
    assert seen.table["need_gbs"][0] == pytest.approx(32e-6)
    assert "1 sample/s of 32 kB need 32 kB/s; all keep up." in seen.summary
    seen = explore("bandwidth", consumer=band._FEATURES, clips_per_s=50_000)
    assert seen.table["need_gbs"][0] == pytest.approx(1.6)
    rows = [{"name": "peer", "clips_per_s": 9.0}, {"name": "kit, cpu", "clips_per_s": 2e4}]
    monkeypatch.setattr(band, "recorded", lambda name: [{"rows": rows}] * (name == "features"))
    assert explore("bandwidth", consumer=band._FEATURES).table["need_gbs"][0] == pytest.approx(0.64)


def test_without_a_record_only_the_features_are_missing(monkeypatch):
    monkeypatch.setattr(band, "recorded", lambda _: [])
    seen = explore("bandwidth")
    with pytest.raises(KitError) as caught:
        seen.set(consumer=band._FEATURES)
    assert caught.value.code == "no-record"


def test_own_rates_are_rows_and_the_slowest_is_told():
    seen = explore("bandwidth", measured=OWN, units=2, order=band.ORDERS[1])
    assert seen.table.filter("own")["tier"].to_list() == list(OWN)
    for name, rate in OWN.items():
        row = storage(seen, name)
        assert row["have_gbs"] == pytest.approx(2 * rate)
        need = chapter_consumers()[TRAINING].need_gbs
        assert row["ahead_percent"] == pytest.approx(100 * (1 - 2 * rate / need))
        assert row["units_needed"] == math.ceil(need / rate)
    assert "Slowest of yours, wav files: with 2 the device waits 97.4 %" in seen.summary
    assert "; 77 would do." in seen.summary
    assert seen.table.height == explore("bandwidth").table.height + 2


def test_own_rates_are_as_a_tier_without_latency():
    own = Tier("mine", "hot", 1.0, 0.4, 1e-12)
    told = bandwidth_budget(chapter_consumers()[TRAINING], [own, *chapter_tiers()])
    seen = explore("bandwidth", measured={"mine": 0.4})
    assert seen.table["have_gbs"].to_list() == pytest.approx(told["have_gbs"].to_list())


@pytest.mark.parametrize(
    "value",
    [
        3, "fast", [0.4], {1: 0.4}, {"": 0.4}, {" ": 0.4}, {"x" * 31: 0.4}, {"SATA SSD": 0.4},
        {"a": 0}, {"a": -1}, {"a": math.nan}, {"a": math.inf}, {"a": "fast"}, {"a": None},
        {"a": [1.0, 2.0]}, {"a": True}, {str(i): 1.0 for i in range(9)},
    ],
)  # fmt: skip
def test_what_is_no_rate_is_refused(value):
    with pytest.raises(KitError) as caught:
        explore("bandwidth", measured=value)
    assert caught.value.found is not ...
    assert caught.value.allowed


@pytest.mark.parametrize("value", [0, -3, math.nan, "many", True])
def test_what_is_no_rate_of_features_is_refused(value):
    with pytest.raises(KitError):
        explore("bandwidth", clips_per_s=value)


def test_a_move_looks_at_no_record(monkeypatch):
    seen = explore("bandwidth", measured={})
    monkeypatch.setattr(band, "recorded", None)
    seen.set(units=3)
    assert seen.settings["clips_per_s"] > 0


# both


def texts(seen):
    """All that can be read: list of str."""
    figure = seen.figure
    found = [seen.summary, seen.table_html(), figure.layout.title.text]
    found += [t for axis in (figure.layout.yaxis, figure.layout.xaxis) for t in axis.ticktext]
    for trace in figure.data:
        found += [trace.name, *(t for t in trace.text or ())]
    return [str(x) for x in found]


def check(seen, first):
    assert [trace.type for trace in seen.figure.data] == first
    for text in texts(seen):
        assert "nan" not in text.lower()
        assert "inf" not in text.lower().replace("inference", "")
        assert "None" not in text
    assert seen.explorer.fallback(seen.table).height > 0


@pytest.mark.parametrize("name", NAMES)
def test_every_corner_draws_the_same_traces_and_no_nan(name):
    seen = explore(name)
    first = [trace.type for trace in seen.figure.data]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for settings in corners(seen.explorer):
            seen.set(**settings)
            check(seen, first)


@pytest.mark.parametrize(("name", "given"), [("tiers", {"gb_day": 1000}),
                                             ("bandwidth", {"measured": OWN})])  # fmt: skip
def test_any_setting_draws_the_same_traces_and_no_nan(name, given):
    seen, rng = explore(name, **given), np.random.default_rng(1)
    first = [trace.type for trace in explore(name).figure.data]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(30):
            seen.set(**anywhere(seen.explorer, rng))
            check(seen, first)


@pytest.mark.parametrize("name", NAMES)
def test_controls_and_axes_have_units(name):
    seen = explore(name)
    assert len(seen.explorer.movable) <= 3
    for control in seen.explorer.movable:
        assert control.unit or control.kind == "choice"
        assert len(control.title) * 7 <= 290
    for axis in (seen.figure.layout.xaxis, seen.figure.layout.xaxis2):
        assert "," in axis.title.text


@pytest.mark.parametrize("name", NAMES)
def test_a_live_figure_shows_what_a_fresh_one_would(name):
    seen = explore(name)
    seen.panel = Panel(seen)
    live = seen.panel.figure
    for control in seen.explorer.movable:
        value = control.options[-1] if control.options else control.low
        seen.panel.inputs[control.name].value = type(control.value)(value)
    assert live.layout.title.text == seen.figure.layout.title.text
    for old, new in zip(live.to_dict()["data"], go.Figure(seen.figure).to_dict()["data"],
                        strict=True):  # fmt: skip
        for key in {"x", "y", "text", "name"} & new.keys():
            assert np.array_equal(old[key], new[key])
