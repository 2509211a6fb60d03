"""Pictures of the explorers on layouts and pipelines show what their tables hold."""

import math

import polars as pl
import pytest

from kit.explorers import explore
from kit.views.storage import picker, pipelines

N = 1000


def measured(**layouts):
    """Layouts of N clips; each (bytes, scans a second, spread)."""
    rows = []
    for name, (size, scan, spread) in layouts.items():
        every = [("blocks", "", size, "B"), ("write", "", 900, "1/s")]
        every += [(o, c, v, u) for c in ("cold", "warm") for o, v, u in
                  (("scan", scan, "1/s"), ("columns", 9e3, "1/s"), ("batch of 64", 9, "ms"),
                   ("single p50", 1, "ms"), ("single p95", 2, "ms"))]  # fmt: skip
        rows += [{"name": name, "layout": "npy", "codec": "", "rows_a_group": 0, "records": N,
                  "operation": o, "cache": c, "value": float(v), "unit": u,
                  "low": v * (1 - spread * (o == "scan")), "high": v * (1 + spread * (o == "scan"))}
                 for o, c, v, u in every]  # fmt: skip
    return pl.DataFrame(rows)


THREE = measured(small=(8e6, 2000, 0.1), quick=(30e6, 9000, 0.1), slow=(31e6, 300, 0.1))


def traces(figure):
    return {t.name: t for t in figure.data}


# layouts


def test_bars_are_storage_and_machine_cheapest_first():
    seen = explore("formats", measured=THREE, often=20.0, clips=1e6)
    found, table = traces(seen.figure), seen.table
    assert list(found["storage"].x) == pytest.approx(table["storage_usd"].to_list())
    assert list(found["machine"].x) == pytest.approx(table["machine_usd"].to_list())
    assert list(found["out by a limit ✕"].x) == [None] * 3
    assert table["total_usd"].is_sorted()
    assert seen.figure.layout.yaxis.range[0] > seen.figure.layout.yaxis.range[1]  # first on top
    assert seen.figure.layout.barmode == "stack"
    assert found["machine"].marker.pattern.shape != found["storage"].marker.pattern.shape
    whiskers = found["10 to 90 % of rounds"]
    high = [x + e for x, e in zip(whiskers.x, whiskers.error_x.array, strict=True)]
    assert high == pytest.approx(table["high_usd"].to_list())
    low = [x - e for x, e in zip(whiskers.x, whiskers.error_x.arrayminus, strict=True)]
    assert low == pytest.approx(table["low_usd"].to_list())


def test_what_a_limit_excludes_is_grey_and_says_why():
    seen = explore("formats", measured=THREE, often=1000.0, clips=1e6)
    found = traces(seen.figure)
    assert seen.table["name"].to_list() == ["quick", "small", "slow"]
    assert found["storage"].x[2] is found["machine"].x[2] is None
    assert list(found["out by a limit ✕"].x[:2]) == [None] * 2
    assert found["USD a month"].text[2] == "926 h"
    assert seen.figure.layout.yaxis.ticktext == ("<b>quick</b>", "small", "✕ slow")


def test_near_ties_have_a_sign_of_their_own():
    near = measured(a=(1e6, 1000, 0.2), b=(1e6, 900, 0.2), c=(1e6, 100, 0.2))
    figure = explore("formats", measured=near, often=100.0, clips=1e5).figure
    assert figure.layout.yaxis.ticktext == ("<b>a</b>", "≈ b", "c")
    assert figure.layout.title.text.endswith(" a month, 1 near tie")


def test_a_long_bar_is_cut_with_an_arrow_and_its_true_number():
    long = measured(a=(1e6, 9000, 0), b=(40e6, 8000, 0))
    seen = explore("formats", measured=long, often=0.1, clips=1e6)
    found, top = traces(seen.figure), picker.CUT * seen.table["total_usd"][0]
    ends = [s + m for s, m in zip(found["storage"].x, found["machine"].x, strict=True)]
    assert ends == pytest.approx([top / picker.CUT, top])
    assert list(found["10 to 90 % of rounds"].marker.symbol) == ["line-ns", "triangle-right"]
    assert float(found["USD a month"].text[1]) == pytest.approx(
        seen.table["total_usd"][1], rel=5e-3
    )
    assert found["storage"].customdata[1] == pytest.approx(4)
    assert seen.figure.layout.xaxis.range[1] > top >= seen.figure.layout.xaxis.tickvals[-1]


def test_stacks_end_at_the_cut():
    assert picker.stacked([[1.0, 5.0], [2.0, 5.0]], 4.0) == [[1, 4], [2, 0]]
    assert picker.cut_at([0.0, 0.0], [0.0, 0.0]) == 1
    assert picker.cut_at([1.0, 100.0], [1.0, 120.0]) == picker.CUT


@pytest.mark.parametrize("top", [1e-4, 0.0137, 1.0, 4.99, 5.0, 88.0, 99.9, 12_345.0, 2e6])
def test_ticks_are_round_and_few(top):
    values = picker.ticks(top)["tickvals"]
    assert values[0] == 0
    assert 3 <= len(values) <= 6
    assert values[-1] <= top * (1 + 1e-9)
    assert f"{values[1]:e}"[0] in "125"
    assert len(set(picker.ticks(top)["ticktext"])) == len(values)


def test_layouts_that_cost_nothing_can_be_drawn():
    seen = explore("formats", measured=THREE, storage_usd_tb_month=0, machine_usd_h=0)
    assert seen.figure.layout.xaxis.range == (0, pytest.approx(1.42))
    assert "USD 0 a month" in seen.summary


# ETL and ELT


def test_three_bills_are_stacked_by_term():
    seen = explore("etl-elt")
    bars = [t for t in seen.figure.data if t.type == "bar"]
    assert [b.name for b in bars] == ["storage", "runs", "queries", "work", "redone"]
    assert len({b.marker.pattern.shape for b in bars}) == 5
    ends = [sum(x) for x in zip(*(b.x for b in bars), strict=True)]
    assert ends == pytest.approx([2_438, 15_338, 7_450])
    assert traces(seen.figure)["sum"].text == (" 2\u202f438", " 15\u202f338", " 7\u202f450")


def test_a_bill_far_above_the_others_is_cut():
    seen = explore("etl-elt", changes_month=100.0, keep_days=365.0)
    bars = [t for t in seen.figure.data if t.type == "bar"]
    ends = [sum(x) for x in zip(*(b.x for b in bars), strict=True)]
    assert ends[1] == pytest.approx(3 * ends[2])
    assert traces(seen.figure)["sum"].text[1].startswith("▸ ")
    assert bars[-1].customdata[1] == pytest.approx(100 * 3650 * 5)


def test_the_plane_has_both_points_and_both_sides():
    figure = explore("etl-elt", changes_month=60.0, keep_days=10.0).figure
    found = traces(figure)
    assert (found["yours"].x[0], found["yours"].y[0]) == (10, 60)
    assert (found["the chapter's"].x[0], found["the chapter's"].y[0]) == (30, 1)
    assert found["yours"].marker.symbol != found["the chapter's"].marker.symbol
    assert list(found["cheaper"].text) == ["ETL cheaper", "ELT cheaper"]
    below, above = found["ETL cheaper"], found["ELT cheaper"]
    assert list(below.y[-2:]) == [0.1, 0.1]  # down from the curve, and up from it
    assert list(above.y[-2:]) == [100, 100]
    assert below.y[:-2] == above.y[:-2]
    assert below.fillcolor != above.fillcolor
    curve = [(x, y) for x, y in zip(found["break-even"].x, found["break-even"].y, strict=True) if y]
    assert 0.09 < curve[0][1] < 0.11
    assert 99 < curve[-1][1] < 101
    assert {found[n].yaxis for n in ("yours", "break-even", "cheaper")} == {"y2"}


def test_a_side_that_has_no_corner_has_no_name():
    dear = explore("etl-elt", query_usd=500.0, wage_usd_h=10.0).figure  # ETL wins all of it
    assert list(traces(dear)["cheaper"].text) == ["ETL cheaper", ""]
    assert traces(dear)["with raw data kept"].showlegend
    assert not traces(explore("etl-elt").figure)["with raw data kept"].showlegend


# batch and streaming


def test_the_price_of_a_young_result():
    seen = explore("batch-stream", runs_day=24.0, start_min=2.0)
    found = traces(seen.figure)
    assert (found["yours"].x, found["yours"].y) == ((pytest.approx(42),), (pytest.approx(48),))
    assert list(found["streaming"].y) == pytest.approx([120, 120])
    assert (found["break-even"].x[0], found["break-even"].y[0]) == pytest.approx((6, 120))
    chapter = found["the chapter's batch"]
    assert (chapter.x[0], chapter.y[0]) == pytest.approx((40, 40))
    assert max(found["runs do not fit"].x) == pytest.approx(min(found["batch"].x)) == 3.6
    assert len(found["yours: falls behind"].x) == 0


def test_runs_that_do_not_fit_are_drawn_among_them():
    found = traces(explore("batch-stream", runs_day=600.0, start_min=5.0).figure)
    assert len(found["yours"].x) == 0
    lost = found["yours: falls behind"]
    assert lost.marker.symbol == "x"
    assert lost.x[0] == pytest.approx(1.2 + 0.4 + 5)
    assert lost.x[0] < max(found["runs do not fit"].x)
    assert lost.y[0] == pytest.approx(240)


@pytest.mark.parametrize("start", [0.0, 0.5])
def test_where_all_runs_of_the_slider_fit_nothing_is_shaded(start):
    found = traces(explore("batch-stream", start_min=start, backups_percent=90.0).figure)
    assert len(found["runs do not fit"].x) == 0
    assert len(found["break-even"].x) == 0


def test_the_axes_hold_every_point_at_every_price():
    for price in (0.001, 0.05, 7.0):
        for settings in (
            {"runs_day": 1.0, "start_min": 15.0},
            {"runs_day": 1440.0},
            {"backups_percent": 90.0},
            {"start_min": 0.0, "runs_day": 1440.0},
        ):
            figure = explore("batch-stream", core_usd_h=price, **settings).figure
            for trace in figure.data:
                for values, axis in (
                    (trace.x, figure.layout.xaxis),
                    (trace.y, figure.layout.yaxis),
                ):
                    low, high = (10**x for x in axis.range)
                    assert all(low * 0.999 <= v <= high * 1.001 for v in values)
            assert len(figure.layout.yaxis.tickvals) >= 3
    assert math.log10(pipelines._AGES[0]) == figure.layout.xaxis.range[0]
