"""Pictures of the explorers of tiers and of bandwidth show what their tables hold."""

import itertools
import math

import polars as pl
import pytest

from kit.explorers import explore
from kit.explorers.storage.bandwidth import ORDERS
from kit.storage import ageing, compare, plan
from kit.views.storage import bandwidth as fed
from kit.views.storage import tiers as views

INFERENCE = "A100, inference, decoded FP32"


def traces(figure):
    """dict of name -> trace, the first of each name."""
    return {t.name: t for t in reversed(figure.data)}


def inside(axis, values):
    """Whether all values lie on a logarithmic axis."""
    low, high = axis.range
    return all(low <= math.log10(v) <= high for v in values if v is not None)


# tiers


def test_a_line_leads_from_keeping_to_keeping_and_reading():
    found = traces(explore("tiers").figure)
    for part, demand in ageing(10).items():
        told = compare(demand)
        assert list(found[part].x[0::3]) == pytest.approx(told["usd_month"].to_list())
        assert list(found[part].x[1::3]) == pytest.approx(told["storage_usd"].to_list())
        assert set(found[part].x[2::3]) == {None}
        assert [round(y) for y in found[part].y[0::3]] == list(range(7))
        assert found[part].y[0::3] == found[part].y[1::3]
        filled, bare = found[part].marker.symbol[:2]
        assert bare == f"{filled}-open"
    symbols = {found[part].marker.symbol[0] for part in ageing(10)}
    assert len(symbols) == 3
    tops = [found[part].y[0] for part in ageing(10)]
    assert tops == sorted(set(tops))


def test_rings_stand_around_the_chosen_places():
    seen = explore("tiers")
    found = traces(seen.figure)
    ring = found["chosen"]
    for part, x, y in zip(ageing(10), ring.x, ring.y, strict=True):
        points = list(zip(found[part].x[0::3], found[part].y[0::3], strict=True))
        assert (x, y) in points
        assert x == min(p[0] for p in points)
    assert ring.marker.symbol == "circle-open"


def test_the_rows_go_from_quick_to_slow_and_late_ones_are_shaded():
    figure = explore("tiers", wait_s=0.02).figure
    rows = figure.layout.yaxis.ticktext
    assert [r.split("<br>")[0] for r in rows[3:5]] == ["hard disk", "object store"]
    assert "wait 12 h" in rows[-1]
    assert sorted(set(traces(figure)["too slow"].y)) == [3.5, 6.5]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    calm = traces(explore("tiers", wait_s=1e5).figure)["too slow"].y
    assert set(calm) == {6.5}  # of no height


def test_the_plan_lies_on_the_line_of_the_cheapest():
    for wait_s in (1e-5, 0.02, 7.0, 1e5):
        figure = explore("tiers", wait_s=wait_s, budget_usd=1e5).figure
        found = traces(figure)
        line = found["cheapest plan"]
        assert line.line.shape == "hv"
        pairs = itertools.pairwise(zip(line.x, line.y, strict=True))
        here = [y for (x, y), (then, _) in pairs if x <= wait_s < then]
        assert found["yours"].y[0] == pytest.approx(here[0])
        assert found["yours"].x[0] == wait_s
        assert len(found["would do"].x) == 0
        assert all(a >= b for a, b in itertools.pairwise(line.y))


def test_no_plan_is_crossed_and_what_would_do_lies_on_the_line():
    figure = explore("tiers", wait_s=1.0, budget_usd=100.0).figure
    found = traces(figure)
    cross = found["yours, no plan"]
    assert (cross.x[0], cross.y[0], cross.marker.symbol) == (1.0, 100.0, "x")
    usd, wait = plan(ageing(10), 1.0, 100.0).limits["needed"]
    star = found["would do"]
    assert (star.x[1], star.y[1]) == (1.0, usd)
    assert (star.x[4], star.y[4]) == (wait, 100.0)
    assert [t for t in star.text if t] == ["USD 222 would do", "12 h would do"]
    assert len(star.textposition) == len(star.x)
    assert "over the budget" in found
    assert found["over the budget"].marker.symbol == "circle-x-open"
    assert figure.layout.title.text == "No plan: 1 s costs USD 222, not 100"


def test_where_nothing_is_quick_enough_nothing_is_ringed():
    figure = explore("tiers", wait_s=1e-6, budget_usd=1e5).figure
    found = traces(figure)
    assert len(found["over the budget"].x) == 0
    assert figure.layout.title.text == "No plan: nothing answers within 1 µs"
    star = found["would do"]
    assert list(star.y[:2]) == [1e5, 1e5]
    assert list(star.textposition) == ["bottom right"] * 3


@pytest.mark.parametrize("gb_day", [1e-6, 10, 1e12])
def test_the_axes_of_prices_hold_every_point(gb_day):
    for settings in ({}, {"wait_s": 1e-6, "budget_usd": 1.0}, {"budget_usd": 1e5}):
        figure = explore("tiers", gb_day=gb_day, **settings).figure
        layout = figure.layout
        for trace in figure.data:
            if trace.xaxis is None:
                assert inside(layout.xaxis, trace.x)
            elif trace.mode != "text":
                assert inside(layout.yaxis2, trace.y)
                assert inside(layout.xaxis2, trace.x)
        assert len(layout.xaxis.tickvals) >= 3
        assert len(layout.yaxis2.tickvals) >= 2


# bandwidth


def test_bars_are_what_each_storage_brings_and_keep_up_or_not():
    seen = explore("bandwidth", measured={"wav files": 0.05})
    found = traces(seen.figure)
    quick, slow = (found[name] for _, name, *_ in fed._BOUND)
    bars = dict(zip([*quick.y, *slow.y], [*quick.x, *slow.x], strict=True))
    assert [bars[i] for i in range(8)] == pytest.approx(seen.table["have_gbs"].to_list())
    need = found["needed"].x[0]
    assert min(quick.x) >= need == pytest.approx(3.805, abs=1e-3)
    assert max(slow.x) < need
    assert slow.marker.pattern.shape != quick.marker.pattern.shape
    assert inside(seen.figure.layout.xaxis, [*bars.values(), need])


def test_both_ways_of_loading_are_marked_and_joined():
    seen = explore("bandwidth", units=4)
    found = traces(seen.figure)
    ahead, turn = (found[f"waits, loading {how}"] for how in ("ahead", "in turn"))
    assert list(ahead.x) == seen.table["ahead_percent"].to_list()
    assert list(turn.x) == seen.table["turn_percent"].to_list()
    assert all(a <= t for a, t in zip(ahead.x, turn.x, strict=True))
    assert list(found["hidden"].x[0::3]) == list(turn.x)
    assert list(found["hidden"].x[1::3]) == list(ahead.x)
    assert list(found["told"].text)[:3] == ["0 %", "0 %", "47 %"]
    assert ahead.marker.symbol != turn.marker.symbol


def test_a_row_tells_its_rate_and_how_many_would_do():
    rows = explore("bandwidth", consumer=INFERENCE).figure.layout.yaxis.ticktext
    names = {r.split("<br>")[0]: r for r in rows}
    assert "500 MB/s, needs 92" in names["SATA SSD"]
    assert "100 MB/s, never enough" in names["object store"]
    assert "10 MB/s" in names["archive, after 12 h"]
    quick = explore("bandwidth", consumer=INFERENCE, units=3).figure.layout
    assert "60 GB/s</span>" in quick.yaxis.ticktext[0]
    assert quick.title.text.endswith("45.8 GB/s needed: 1 of 7 keeps up, 3 of each")


def test_own_names_are_bold_short_and_harmless():
    measured = {"<script>": 0.1, "a name of a long layout": 1.0}
    figure = explore("bandwidth", measured=measured).figure
    first, second, third = figure.layout.yaxis.ticktext[:3]
    assert first.startswith("<b>&lt;script&gt;</b><br>")
    assert second.startswith("<b>a name of a long …</b>")
    assert not third.startswith("<b>")
    assert not any("<script" in t for trace in figure.data for t in trace.customdata or ())


def test_the_order_of_reading_stands_on_the_axis():
    titles = [explore("bandwidth", order=o).figure.layout.xaxis.title.text for o in ORDERS]
    assert titles == ["brings in order, per second", "brings in any order, per second"]


@pytest.mark.parametrize(
    ("gbs", "told"),
    [(45.82, "45.8 GB/s"), (1.0, "1 GB/s"), (0.1, "100 MB/s"), (32e-6, "32 kB/s"),
     (1e-7, "100 B/s")],
)  # fmt: skip
def test_rates_are_told_in_short_units(gbs, told):
    assert fed.rate(gbs) == told


def test_the_colours_of_parts_are_not_alone():
    assert len({symbol for _, symbol in views.PARTS}) == len(views.PARTS)
    cells = explore("tiers").table.filter(point="cell")
    assert cells["part"].n_unique() == len(views.PARTS)
    assert cells.filter(pl.col("chosen")).height == 3
