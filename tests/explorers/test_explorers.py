import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest

from kit.bench.explorers import explorers as bench
from kit.errors import KitError
from kit.explorers import explore, explorer, explorer_names
from kit.explorers.base import Panel, log_steps


@pytest.mark.parametrize("name", explorer_names())
def test_protocol(name):
    e = explorer(name)
    assert e.name == name
    # features has a chain of four sizes; design three limits, and how effects combine
    assert 1 <= len(e.movable) <= (4 if name in ("features", "design", "false-wakes") else 3)
    for control in e.movable:
        assert control.label
        assert control.unit or control.kind in ("choice", "whole")
        assert control.check(control.value) == control.value


@pytest.mark.parametrize("name", explorer_names())
def test_every_corner_of_every_control_draws_the_same_traces(name):
    seen = explore(name)
    first = [trace.type for trace in seen.figure.data]
    for control in seen.explorer.movable:
        ends = control.options or (control.low, control.high)
        for value in ends:
            seen.set(**{control.name: type(control.value)(value)})
            assert [trace.type for trace in seen.figure.data] == first
            assert seen.summary
            assert "nan" not in seen.summary
            assert seen.explorer.fallback(seen.table).height > 0


@pytest.mark.parametrize("name", explorer_names())
def test_figures_have_titles_with_units(name):
    figure = explore(name).figure
    assert figure.layout.title.text
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        text = axis.title.text or ""
        assert not text or text.endswith(("workers", "sample")) or "," in text or "/" in text, text


@pytest.mark.parametrize("name", explorer_names())
def test_a_moved_control_changes_the_figure_in_place(name):
    seen = explore(name)
    seen.panel = Panel(seen)
    figure, before = seen.panel.figure, seen.panel.figure.to_json()
    words = seen.panel.text.value + seen.panel.table.value
    control = seen.explorer.controls[0]
    widget = seen.panel.inputs[control.name]
    options = [o[1] if isinstance(o, tuple) else o for o in getattr(widget, "options", [1, 20])]
    widget.value = next(o for o in options if o != widget.value)
    assert seen.panel.figure is figure
    assert figure.to_json() != before
    assert seen.panel.text.value + seen.panel.table.value != words
    # what the live figure shows is what a fresh one would show
    assert figure.layout.title.text == seen.figure.layout.title.text
    assert figure.layout.xaxis.title.text == seen.figure.layout.xaxis.title.text
    assert figure.layout.xaxis.range == seen.figure.layout.xaxis.range
    fresh = go.Figure(seen.figure).to_dict()["data"]
    for live, new in zip(figure.to_dict()["data"], fresh, strict=True):
        for key in {"x", "y", "z"} & set(new):
            assert np.array_equal(live[key], new[key])


@pytest.mark.parametrize("name", explorer_names())
def test_every_control_is_labelled_with_its_unit(name):
    panel = Panel(explore(name))
    for control in explorer(name).movable:
        widget = panel.inputs[control.name]
        assert widget.description == control.title
        assert control.unit in widget.description
        # ipywidgets cuts a label that is wider than its column
        assert len(control.title) * 7 <= int(widget.style.description_width.removesuffix("px"))


def test_the_summary_is_announced_and_the_table_has_headers():
    panel = Panel(explore("gravity"))
    assert 'aria-live="polite"' in panel.text.value
    assert '<th scope="col">hours</th>' in panel.table.value or "scope" in panel.table.value


def test_headless_display_shows_figure_table_and_sentence(capsys):
    seen = explore("choke")
    seen._ipython_display_()
    assert "workers" in repr(seen)
    assert isinstance(seen.figure, go.Figure)
    assert isinstance(seen.table, pl.DataFrame)
    assert seen.panel is None


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"volume": 1}, "no such control"),
        ({"volume_gb": -1}, "out of range"),
        ({"volume_gb": "much"}, "out of range"),
        ({"volume_gb": float("nan")}, "out of range"),
        ({"volume_gb": True}, "out of range"),
    ],
)
def test_settings_are_checked(settings, word):
    with pytest.raises(KitError, match=word):
        explore("gravity", **settings)


def test_unknown_explorer_and_choice():
    with pytest.raises(KitError, match="gravity"):
        explore("nothing")
    with pytest.raises(KitError, match="32-bit word"):
        explore("energy", unit="byte")


def test_gravity_colours_follow_the_money():
    table = explore("gravity", volume_gb=2000.0).table
    cheaper = (table["data_usd"] <= table["code_usd"]).to_list()
    assert [c == "move the data" for c in table["cheaper"]] == cheaper
    below = (table["volume_gb"] < table["break_even_gb"]).to_list()
    assert below == cheaper


def test_choke_names_the_limit():
    row = explore("choke", workers=20, per_worker=250.0, consumer=30_000.0).table.filter("chosen")
    assert row["limit"].to_list() == ["disk"]
    assert explore("choke", workers=1).table.filter("chosen")["limit"][0] == "workers"
    assert explore("choke", workers=24).table.filter("chosen")["limit"][0] == "device"


def test_log_steps_are_round_sorted_and_hold_ends_and_value():
    steps = log_steps(0.1, 1000, 4.1)
    assert steps == sorted(set(steps))
    assert {0.1, 1000.0, 4.1, 2.5} <= set(steps)
    assert max(np.diff(np.log10(steps))) < 0.13


def test_bench_moves_every_explorer():
    rows = bench(moves=3)
    assert [r["name"] for r in rows] == explorer_names()
    assert all(0 < r["p50_ms"] <= r["p95_ms"] <= r["max_ms"] for r in rows)
