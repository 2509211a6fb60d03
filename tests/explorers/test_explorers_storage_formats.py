"""The explorer of layouts keeps to `recommend`, and says what can and cannot be told apart."""

import math
import random

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest

import kit.bench
from kit.errors import KitError
from kit.explorers import explore
from kit.explorers.base import Panel, log_steps
from kit.explorers.storage import formats
from kit.numbers import shown
from kit.storage.formats import Layout, Workload, measure, recommend

N = 1000
SCANS, BATCHES, SINGLE, ARCHIVE, QUERY = formats.USES


def layout(name, kind="npy", codec="", group=0, size=32e6, scan=1000, columns=9000, batch=20,
           single=1, write=1000, spread=0.0):  # fmt: skip
    """Rows of one layout of N clips; scan, columns, write in 1/s, batch and single in ms."""
    same = {"name": name, "layout": kind, "codec": codec, "rows_a_group": group, "records": N}
    made = [("blocks", "", size, "B", 0), ("write", "", write, "1/s", spread)]
    for cache, slower in (("cold", 2), ("warm", 1)):
        made += [("scan", cache, scan / slower, "1/s", spread),
                 ("columns", cache, columns / slower, "1/s", spread),
                 ("batch of 64", cache, batch * slower, "ms", spread),
                 ("single p50", cache, single * slower, "ms", spread),
                 ("single p95", cache, single * slower * 3, "ms", spread)]  # fmt: skip
    return [same | {"operation": o, "cache": c, "value": float(v), "unit": u,
                    "low": v * (1 - s), "high": v * (1 + s)} for o, c, v, u, s in made]  # fmt: skip


def table(*parts):
    return pl.DataFrame([r for x in parts for r in x])


FLAT = table(layout("small", "flac", size=8e6, scan=500, single=4, batch=80, spread=0.05),
             layout("quick", size=32e6, scan=20_000, single=0.1, batch=2, spread=0.05),
             layout("middle", "tar", size=30e6, scan=5000, columns=90_000, spread=0.05),
             )  # fmt: skip


@pytest.fixture
def record(monkeypatch):
    """A record of the benchmark "storage", as kit.bench keeps it."""
    wide = table(layout("wide")).with_columns(kind=pl.lit("wide"))
    rows = [*wide.to_dicts(), *FLAT.with_columns(kind=pl.lit("clips")).to_dicts()]
    monkeypatch.setattr(kit.bench, "recorded", lambda name: [{"rows": rows}] * (name == "storage"))


def asked(use, often, clips):
    """The Workload that a use means."""
    field = {SCANS: {"scans": often}, SINGLE: {"random_reads": often * clips},
             BATCHES: {"batch_reads": often * clips / 64}, ARCHIVE: {"writes": often},
             QUERY: {"column_reads": often}}[use]  # fmt: skip
    return Workload(100, 0.1, records=clips, **field)


@pytest.mark.parametrize("use", formats.USES)
def test_bills_are_those_of_recommend(use):
    seen = explore("formats", measured=FLAT, use=use, often=4.0, clips=1e5)
    found = recommend(FLAT, asked(use, 4, 100_000))
    for column in ("name", "rank", "total_usd", "low_usd", "high_usd", "storage_usd", "machine_h"):
        assert seen.table[column].to_list() == pytest.approx(found[column].to_list()), column
    assert seen.table["reason"].to_list() == found["reason"].to_list()


def test_a_bill_by_hand():
    row = explore("formats", measured=FLAT, use=BATCHES, often=2.0, clips=64_000.0).table
    quick = row.filter(name="quick").row(0, named=True)
    assert quick["machine_h"] == pytest.approx(2 * 1000 * 4e-3 / 3600)  # 1000 batches of 4 ms, cold
    assert quick["storage_usd"] == pytest.approx(64 * 32e6 / 1e12 * 100)


def test_what_is_read_often_should_be_quick_and_what_is_kept_small():
    seen = explore("formats", measured=FLAT, use=ARCHIVE, often=0.1)
    assert seen.table["name"][0] == "small"
    assert "small is cheapest" in seen.figure.layout.title.text
    seen.set(use=SINGLE, often=100.0, clips=1e5)
    assert seen.table["name"][0] == "quick"
    seen.set(use=QUERY, often=1000.0, clips=1e6)
    assert seen.table["name"][0] == "middle"


def test_the_summary_tells_the_first_the_second_and_their_spreads():
    seen = explore("formats", measured=FLAT, use=ARCHIVE, often=0.1, clips=1e6)
    first, second = seen.table.head(2).to_dicts()
    assert seen.summary.startswith("0.1 writings a month of all, 1\u202f000\u202f000 clips,")
    assert f"small costs least, USD {shown(first['total_usd'])} a month (" in seen.summary
    assert f"Then comes middle, USD {shown(second['total_usd'])} a month (" in seen.summary
    assert seen.summary.endswith("its spread does not reach the first.")
    assert "near" not in seen.figure.layout.title.text


def test_near_ties_are_called_so():
    alike = table(*(layout(n, scan=s, spread=0.1) for n, s in
                    (("a", 1000), ("b", 950), ("c", 930), ("d", 300))))  # fmt: skip
    seen = explore("formats", measured=alike, often=1000.0, clips=1e6, storage_usd_tb_month=0)
    assert seen.table["near"].to_list() == [False, True, True, False]
    assert seen.summary.count("the spreads overlap, a near tie of 3.") == 1
    assert seen.figure.layout.title.text.endswith("2 near ties")
    seen = explore("formats", measured=alike.filter(pl.col("name").is_in(["a", "b"])))
    assert seen.summary.endswith("a near tie.")


def test_a_wide_spread_behind_the_second_is_told():
    odd = table(layout("a", scan=1000), layout("b", scan=900), layout("c", scan=800, spread=0.5))
    seen = explore("formats", measured=odd, often=1000.0, clips=1e5, storage_usd_tb_month=0)
    assert seen.table["near"].to_list() == [False, False, True]
    assert "does not reach the first, but 1 more with a wide spread would." in seen.summary


def test_a_limit_excludes_and_is_named():
    seen = explore("formats", measured=FLAT, use=SINGLE, often=400.0, clips=1e6)
    assert seen.table["name"].to_list() == ["quick", "middle", "small"]
    assert seen.table["rank"].to_list() == [1, 2, None]
    small = 400 * 1e6 * 8e-3 / 3600
    assert seen.table["out"].to_list() == ["", "", f"{shown(small)} h"]
    assert seen.table["machine_h"][2] == pytest.approx(small)
    assert f"Out by a limit: small ({shown(small)} h); a month has 730 h." in seen.summary


def test_limits_of_the_reader_exclude():
    seen = explore("formats", measured=FLAT, often=10.0, wanted_per_s=1000, wanted_ms=5)
    out = dict(seen.table.select("name", "out").rows())
    assert out == {"quick": "", "middle": "6 ms", "small": "250 clips/s, 24 ms"}
    assert "a scan must give 1\u202f000 clips/s, a single clip may take 5 ms." in seen.summary
    assert "No other layout keeps the limits." in seen.summary
    excluded = recommend(
        FLAT, asked(SCANS, 10, 23_400_000)._replace(wanted_per_s=1000, wanted_ms=5)
    )
    assert {n for n, e in excluded.select("name", "excluded").rows() if e} == {"small", "middle"}


@pytest.mark.parametrize("limit", [{"wanted_ms": 1e-3}, {"often": 1000.0, "clips": 1e8}])
def test_where_no_layout_keeps_the_limits_all_are_shown_as_excluded(limit):
    seen = explore("formats", measured=FLAT, use=SINGLE, **limit)
    assert seen.table["rank"].null_count() == seen.table.height == 3
    assert all(seen.table["out"])
    assert all(len(text) < 40 for text in seen.table["out"])
    assert "no layout keeps the limits. quick takes the fewest hours" in seen.summary
    assert seen.figure.layout.title.text == "No layout keeps the limits"
    often, clips = seen.settings["often"], seen.settings["clips"]
    quick = seen.table.filter(name="quick").row(0, named=True)
    assert quick["machine_h"] == pytest.approx(often * clips * 0.2e-3 / 3600)
    assert quick["total_usd"] == pytest.approx(clips * 32e3 / 1e12 * 100 + quick["machine_h"] / 10)
    assert quick["high_usd"] - quick["storage_usd"] == pytest.approx(1.05 * quick["machine_usd"])


# what is measured


def test_what_measure_returns_can_be_given(tmp_path):
    clips = {"samples": np.zeros((70, 8), np.int16), "label": np.array(["a", "b"] * 35)}
    few = [Layout("npy"), Layout("parquet", "zstd", 32)]
    found = measure(clips, few, tmp_path, budget_s=0.1, processes=False)
    seen = explore("formats", measured=found)
    assert sorted(seen.table["name"]) == ["npy", "parquet zstd 32"]


def test_the_clips_of_the_record_are_taken(record):
    kept = explore("formats")
    assert kept.table.equals(explore("formats", measured=FLAT).table)


def test_without_a_record_it_is_said_how_to_make_one(monkeypatch):
    monkeypatch.setattr(kit.bench, "recorded", lambda _: [{"rows": [{"kind": "wide"}]}])
    with pytest.raises(KitError, match="kit bench storage --save") as caught:
        explore("formats")
    assert caught.value.code == "no-record"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (3, "columns"),
        (FLAT.drop("rows_a_group"), "columns"),
        (FLAT.clear(), "invalid"),
        (FLAT.with_columns(value=pl.lit(0.0)), "not-positive"),
        (FLAT.with_columns(low=pl.lit(None, pl.Float64)), "not-positive"),
        (FLAT.vstack(FLAT), "twice"),
        (FLAT.with_columns(low=pl.col("value") * 2), "spread"),
        (FLAT.filter(pl.col("operation") != "batch of 64"), "not-measured"),
        (FLAT.filter(pl.col("operation") != "write"), "not-measured"),
        (FLAT.filter(~((pl.col("name") == "quick") & (pl.col("cache") == "cold"))), "not-measured"),
    ],
)
def test_what_is_no_table_of_layouts_is_refused(wrong, code):
    with pytest.raises(KitError) as caught:
        explore("formats", measured=wrong)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "wrong",
    [{"cache": "hot"}, {"machine_usd_h": -1}, {"storage_usd_tb_month": math.nan},
     {"wanted_ms": 0}, {"wanted_per_s": "much"}, {"often": 0.0}, {"use": "sing"}],
)  # fmt: skip
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(KitError):
        explore("formats", measured=FLAT, **wrong)


def test_a_move_checks_the_measurements_no_more(monkeypatch):
    seen = explore("formats", measured=FLAT)
    monkeypatch.setattr(formats, "checked_table", None)
    seen.set(often=2.0)
    assert isinstance(seen.settings["measured"], formats.Measured)


def test_warm_reads_take_the_warm_figures():
    cold, warm = (explore("formats", measured=FLAT, cache=c) for c in ("cold", "warm"))
    assert cold.table["machine_h"].sum() == pytest.approx(2 * warm.table["machine_h"].sum())
    assert " clips, warm, at " in warm.summary


# all settings


def _settings(explorer, seed):
    rng = random.Random(seed)
    for c in explorer.movable:
        steps = c.options or log_steps(c.low, c.high, c.value)
        yield c.name, rng.choice(steps)


@pytest.mark.filterwarnings("error")
def test_no_setting_draws_other_traces_or_says_nan():
    seen = explore("formats", measured=FLAT)
    first = [trace.type for trace in seen.figure.data]
    corners = [{"use": u, "often": o, "clips": c} for u in formats.USES
               for o in (0.1, 1000.0) for c in (1e4, 1e8)]  # fmt: skip
    for settings in corners + [dict(_settings(seen.explorer, s)) for s in range(30)]:
        seen.set(**settings)
        figure = seen.figure
        assert [trace.type for trace in figure.data] == first
        text = [str(t) for trace in figure.data if trace.text is not None for t in trace.text]
        words = [seen.summary, seen.table_html(), figure.layout.title.text, *text]
        for found in words:
            assert not {"nan", "inf", "None"} & set(found.replace(",", " ").split())
            assert "nan" not in found
        total = seen.table["storage_usd"] + seen.table["machine_usd"] - seen.table["total_usd"]
        assert (total.abs() <= 1e-6 * seen.table["total_usd"]).all()
        assert (seen.table["low_usd"] <= seen.table["total_usd"] * (1 + 1e-9)).all()
        assert (seen.table["out"] == "").to_list() == seen.table["rank"].is_not_null().to_list()


def test_controls_have_units_and_fit_their_column():
    seen = explore("formats", measured=FLAT)
    assert len(seen.explorer.movable) == 3
    for control in seen.explorer.movable:
        assert control.unit or control.kind == "choice"
        assert len(control.title) * 7 <= 250


def test_a_live_figure_shows_what_a_fresh_one_would():
    seen = explore("formats", measured=FLAT)
    seen.panel = Panel(seen)
    live = seen.panel.figure
    seen.panel.inputs["use"].value = SINGLE
    seen.panel.inputs["clips"].value = 1e8
    assert live.layout.title.text == seen.figure.layout.title.text
    assert live.layout.yaxis.ticktext == seen.figure.layout.yaxis.ticktext
    fresh = go.Figure(seen.figure).to_dict()["data"]
    for old, new in zip(live.to_dict()["data"], fresh, strict=True):
        for key in {"x", "y", "text", "name"} & new.keys():
            assert np.array_equal(old[key], new[key])
