"""The explorers of pipelines keep to the closed forms, and to what the chapter says."""

import itertools
import math
import random

import numpy as np
import plotly.graph_objects as go
import pytest

from kit.errors import KitError
from kit.explorers import explore
from kit.explorers.base import Panel, log_steps
from kit.explorers.storage import pipelines as mine
from kit.numbers import shown
from kit.storage import pipelines as pipe

NAMES = ("etl-elt", "batch-stream")
ETL, REDO, ELT = mine.ETL, mine.REDO, mine.ELT


# ETL or ELT


def terms(seen, way):
    return dict(seen.table.filter(part="bar", way=way).select("term", "usd").rows())


@pytest.mark.parametrize("days", [1.0, 30.0, 365.0])
def test_bills_are_those_of_the_pipelines(days):
    seen = explore("etl-elt", changes_month=5.0, wage_usd_h=40.0, keep_days=days)
    found = pipe.compare_pipelines(None, pipe.chapter_elt(days), 5, 40)
    for way, column in ((ETL, "etl_usd"), (ELT, "elt_usd")):
        wanted = dict(found.select("term", column).rows())
        assert mine.sums(seen.table)[way] == pytest.approx(wanted.pop("sum"))
        assert terms(seen, way) == pytest.approx(wanted)


def test_an_etl_that_keeps_raw_data_is_that_of_the_chapter_at_its_days():
    assert mine.ways(30.0)[REDO] == pipe.chapter_etl(keep_raw=True, rerun=True)
    assert mine.ways(30.0)[ETL] == pipe.chapter_etl()
    assert mine.ways(7.0)[ELT] == pipe.chapter_elt(7.0)
    redo = terms(explore("etl-elt", changes_month=2.0, wage_usd_h=10.0, keep_days=10.0), REDO)
    assert redo == pytest.approx({"storage": 106 * 23, "run": 1500, "query": 0, "work": 80,
                                  "rerun": 2 * 100 * 5})  # fmt: skip


def test_the_chapters_figures_are_there():
    seen = explore("etl-elt", changes_month=0.1, wage_usd_h=10.0)
    assert terms(seen, ELT)["storage"] - terms(seen, ETL)["storage"] == pytest.approx(6_762)
    assert (terms(seen, ETL)["run"], terms(seen, ELT)["query"]) == (1_500, 450)
    assert "which takes work at USD 1\u202f632 an hour" in seen.summary


@pytest.mark.parametrize("wage", [10.0, 50.0, 500.0])
def test_both_bills_are_equal_on_the_curve(wage):
    table = explore("etl-elt", wage_usd_h=wage, query_usd=60.0).table
    for way in (ETL, REDO):
        line = table.filter(part="curve", way=way)
        days, changes = line["days"].to_numpy(), line["changes"].to_numpy()
        found = mine.ways(days, 60.0)
        usd = [pipe.bill(found[w], changes, wage).usd_month for w in (way, ELT)]
        crossed = changes > 0
        assert crossed.sum() > 50
        assert usd[0][crossed] == pytest.approx(usd[1][crossed])


def test_the_curve_ends_where_the_plane_does():
    changes = explore("etl-elt").table.filter(part="curve", way=ETL)["changes"]
    assert any(c == pytest.approx(mine.CHANGES[0]) for c in changes)
    assert any(c == pytest.approx(mine.CHANGES[1]) for c in changes)


@pytest.mark.parametrize(("changes", "wage"), [(0.1, 10.0), (4.0, 50.0), (30.0, 500.0)])
def test_both_cost_the_same_at_the_break_even_of_days(changes, wage):
    row = explore("etl-elt", changes_month=changes, wage_usd_h=wage).table.row(0, named=True)
    usd = mine.sums(explore("etl-elt", changes_month=changes, wage_usd_h=wage,
                            keep_days=min(row["even_days"], 365.0)).table)  # fmt: skip
    assert usd[ETL] == pytest.approx(usd[ELT])
    plain = mine.break_even_days(pipe.chapter_etl(), pipe.chapter_elt(), 0.0, 50.0)
    assert plain == pipe.break_even_retention_days(pipe.chapter_etl())


def test_the_summary_says_which_is_cheaper_by_how_much_and_until_when():
    seen = explore("etl-elt", changes_month=4.0, wage_usd_h=50.0)
    etl, elt = (mine.sums(seen.table)[w] for w in (ETL, ELT))
    assert (etl, elt) == pytest.approx((138 + 1500 + 800, 6900 + 450 + 100))
    assert seen.summary.startswith(
        f"ETL is cheaper: USD {shown(etl)} a month, ELT USD {shown(elt)}, USD {shown(elt - etl)} "
        f"more. With 30 days of raw data and work at USD 50 an hour ELT becomes cheaper above "
        f"{shown(5_712 / 175)} changes a month; the chapter says 1, "
    )
    assert "This ETL keeps no raw data, so a change holds for new data only" in seen.summary
    redo = mine.sums(seen.table)[REDO]
    assert f"costs USD {shown(redo)}, USD {shown(redo - elt)} more than ELT." in seen.summary


def test_above_the_break_even_elt_is_cheaper():
    even = 5_712 / 175
    for changes, first in ((even - 1, "ETL"), (even + 1, "ELT")):
        seen = explore("etl-elt", changes_month=changes)
        assert seen.summary.startswith(f"{first} is cheaper: ")
        assert seen.figure.layout.title.text.startswith(f"{first} is cheaper by USD ")


def test_few_days_of_raw_data_leave_no_case_for_etl():
    seen = explore("etl-elt", keep_days=3.0, changes_month=1.0)
    days = (138 + 1500 + 200 - 450 - 25) / 230
    assert "ELT is cheaper at any number of changes" in seen.summary
    assert f"above {shown(days)} days." in seen.summary


def test_dear_queries_are_counted():
    seen = explore("etl-elt", query_usd=pipe.scan_usd(10), keep_days=1.0)
    assert terms(seen, ELT)["query"] == pytest.approx(90 * 56.843, rel=1e-4)
    assert "ETL is cheaper" in seen.summary
    assert "less than ELT." in explore("etl-elt", query_usd=500.0, changes_month=0.1).summary


def test_the_table_below_the_figure_adds_up():
    rows = explore("etl-elt").explorer.fallback(explore("etl-elt").table)
    assert rows["term"].to_list() == ["storage", "run", "query", "work", "rerun", "sum"]
    for column in rows.columns[1:]:
        assert rows[column][:-1].sum() == pytest.approx(rows[column][-1])


# batch or streaming


def row(seen, part="yours"):
    return seen.table.filter(part=part).row(0, named=True)


def test_without_start_up_the_chapters_3_times_come_out():
    seen = explore("batch-stream", start_min=0.0)
    chapter = pipe.chapter_rates()
    assert row(seen)["usd_day"] == pytest.approx(chapter["batch_usd"]) == pytest.approx(40)
    assert row(seen)["stream_usd"] == pytest.approx(chapter["stream_usd"]) == pytest.approx(120)
    assert row(seen)["age_min"] == pytest.approx(40)
    assert row(seen, "chapter")["usd_day"] == pytest.approx(40)
    assert seen.figure.layout.title.text == "Streaming costs 3 times as much as 24 runs a day"
    assert "3 times batch: 2 for backups x 1.5 for cores that are always on" in seen.summary
    assert "Batch is cheaper at any number of runs as starting takes no time." in seen.summary


@pytest.mark.parametrize(("runs", "start"), [(1.0, 15.0), (24.0, 2.0), (240.0, 5.0), (96.0, 0.5)])
def test_batch_follows_the_closed_forms(runs, start):
    seen = explore("batch-stream", runs_day=runs, start_min=start)
    own, work_min = row(seen), 240 / runs
    assert own["fits"]
    assert own["usd_day"] == pytest.approx(pipe.batch_usd_day(200, work_min, runs, 0.05, start))
    assert own["age_min"] == pytest.approx(pipe.batch_age_min(work_min, runs, start))
    line = seen.table.filter(part="curve")
    usd = 40 + 200 * start / 60 * 0.05 * line["runs_day"]
    assert line["usd_day"].to_list() == pytest.approx(usd.to_list())
    assert line["age_min"].is_sorted(descending=True)
    assert row(seen, "chapter")["usd_day"] == pytest.approx(40)  # has no start-up


@pytest.mark.parametrize(("start", "backups"), [(2.0, 50.0), (5.0, 0.0), (1.0, 70.0)])
def test_both_cost_the_same_at_the_break_even(start, backups):
    seen = explore("batch-stream", start_min=start, backups_percent=backups)
    stream = 50 / (1 - backups / 100)
    runs = pipe.break_even_runs(stream, 800, 200, start)
    even = row(seen, "even")
    assert even["runs_day"] == pytest.approx(runs)
    assert even["usd_day"] == pytest.approx(pipe.stream_usd_day(stream, 0.05))
    assert f"Streaming is cheaper above {shown(runs)} runs a day" in seen.summary
    for factor, dearer in (
        (0.95, "Streaming costs"),
        (1.05, f"{shown(1.05 * runs)} runs a day cost"),
    ):
        seen.set(runs_day=factor * runs)
        assert seen.figure.layout.title.text.startswith(dearer)


def test_the_summary_tells_prices_and_ages():
    seen = explore("batch-stream", runs_day=24.0, start_min=2.0)
    assert seen.summary.startswith(
        "24 runs a day cost USD 48 and give results 42 min old on average, 72 min at most; "
        "streaming costs USD 120, 2.5 times as much. Streaming is cheaper above 240 runs a day, "
        "where results are 6 min old."
    )
    assert seen.summary.endswith("the chapter's figures give 3, its text 10 or more.")


def test_runs_that_do_not_fit_are_said_not_to():
    most = (1440 - 240) / 5
    at, over = (explore("batch-stream", start_min=5.0, runs_day=r) for r in (most, most + 1))
    assert row(at)["fits"]
    assert not row(over)["fits"]
    assert f"so {shown(most)} are the most" in over.summary
    assert "do not fit into a day" in over.figure.layout.title.text
    assert "batch, yours" not in over.explorer.fallback(over.table)["way"]
    assert row(at)["usd_day"] == pytest.approx(240)  # all cores, round the clock
    with pytest.raises(KitError, match="do not fit"):
        pipe.batch_usd_day(200, 240 / (most + 1), most + 1, 0.05, 5)


def test_dear_streaming_is_never_cheaper_than_what_fits():
    seen = explore("batch-stream", backups_percent=90.0)
    assert "Batch is cheaper at any number of runs that fits into a day." in seen.summary
    assert row(seen)["stream_cores"] == pytest.approx(500)


def test_a_break_even_beyond_the_slider_has_no_age():
    seen = explore("batch-stream", start_min=0.5, backups_percent=70.0)
    assert seen.table["even_runs"][0] > 1440
    assert f"above {shown(seen.table['even_runs'][0])} runs a day. " in seen.summary


def test_a_price_of_cores_scales_all():
    one, ten = (explore("batch-stream", core_usd_h=p).table for p in (0.05, 0.5))
    assert (ten["usd_day"] / one["usd_day"]).to_list() == pytest.approx([10] * one.height)
    assert one["even_runs"][0] == ten["even_runs"][0]


# both


def _steps(control):
    if control.kind == "log":
        return log_steps(control.low, control.high, control.value)
    return [float(x) for x in np.arange(control.low, control.high + 1e-9, control.step)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_no_setting_draws_other_traces_or_says_nan(name):
    seen = explore(name)
    movable, rng = seen.explorer.movable, random.Random(0)
    first = [trace.type for trace in seen.figure.data]
    corners = itertools.product(*((c.low, c.high) for c in movable))
    drawn = [[rng.choice(_steps(c)) for c in movable] for _ in range(40)]
    for values in [*corners, *drawn]:
        seen.set(**{c.name: type(c.value)(v) for c, v in zip(movable, values, strict=True)})
        figure = seen.figure
        assert [trace.type for trace in figure.data] == first
        text = [str(t) for trace in figure.data if trace.text is not None for t in trace.text]
        for words in (seen.summary, seen.table_html(), figure.layout.title.text, *text):
            assert not {"nan", "inf", "None"} & set(words.replace(",", " ").split())
            assert ">None<" not in words
        numbers = [y for t in figure.data for y in t.y if isinstance(y, float)]
        assert all(map(math.isfinite, numbers))


@pytest.mark.parametrize("name", NAMES)
def test_controls_and_axes_have_units(name):
    seen = explore(name)
    assert len(seen.explorer.movable) == 3
    for control in seen.explorer.movable:
        assert control.unit
        assert len(control.title) * 7 <= 250
    axes = [*seen.figure.select_xaxes(), *seen.figure.select_yaxes()]
    assert all("," in a.title.text for a in axes if a.title.text)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("etl-elt", {"query_usd": -1}), ("etl-elt", {"query_usd": "much"}),
     ("etl-elt", {"changes_month": 0.0}), ("batch-stream", {"core_usd_h": 0}),
     ("batch-stream", {"core_usd_h": None}), ("batch-stream", {"backups_percent": 100.0})],
)  # fmt: skip
def test_what_cannot_be_is_refused(name, wrong):
    with pytest.raises(KitError):
        explore(name, **wrong)


@pytest.mark.parametrize("name", NAMES)
def test_a_live_figure_shows_what_a_fresh_one_would(name):
    seen = explore(name)
    seen.panel = Panel(seen)
    live = seen.panel.figure
    for control in seen.explorer.movable:
        seen.panel.inputs[control.name].value = control.high
    assert live.layout.title.text == seen.figure.layout.title.text
    fresh = go.Figure(seen.figure).to_dict()["data"]
    for old, new in zip(live.to_dict()["data"], fresh, strict=True):
        for key in {"x", "y", "text", "name"} & new.keys():
            assert np.array_equal(old[key], new[key])
