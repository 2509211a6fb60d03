"""Pictures of the keyword spotter's data show what the tables hold."""

import numpy as np
import polars as pl
import pytest

import kit
from kit.audio.align import Word
from kit.errors import KitError
from kit.kws import design, targets
from kit.views import kws as views


def by_name(figure):
    """dict of name -> trace."""
    return {trace.name: trace for trace in figure.data}


def test_false_wakes_draws_the_allowed_rate_and_marks_both_targets():
    seen = kit.explore("false-wakes", wakes_per_month=5.0, hop_ms=100.0, accuracy_percent=99.5)
    traces = by_name(seen.figure)
    line = traces["your target"]
    hops_s = np.array(line.x) / 1e3
    assert list(line.y) == pytest.approx([targets.allowed_fpr(5, 720, h) for h in hops_s])
    assert traces["you"].y[0] == pytest.approx(5 / 25_920_000)
    mark = traces["chapter's target"]
    assert (mark.x[0], mark.y[0]) == (1000, pytest.approx(1 / 2_592_000))
    wrong = np.unique(traces["right in 99.5 % of windows"].y)
    assert wrong == pytest.approx(0.005 / 0.999)
    assert "one in 5\u202f184\u202f000 windows" in seen.figure.layout.title.text


def test_false_wakes_says_what_accuracy_hides():
    seen = kit.explore("false-wakes", keyword_share=0.0)
    you = seen.table.row(by_predicate=pl.col("point") == "your target", named=True)
    assert you["spotter_wakes_per_day"] == pytest.approx(0.01 * 86_400)
    assert you["false_accepts_per_hour"] == pytest.approx(1 / 720)
    assert "99.999961 % must be rejected" in seen.summary
    assert "864 times a day; one that never wakes is right in 100 %" in seen.summary
    twice = kit.explore("false-wakes", hop_ms=500.0)
    assert "1\u202f730 times a day; one that never wakes is right in 99.9 %" in twice.summary
    strict = kit.explore("false-wakes", wakes_per_month=0.1, hop_ms=10.0)
    assert "99.999999961 %" in strict.summary


def test_hours_and_devices_scale_what_they_should():
    day, half = (kit.explore("false-wakes", hours_per_day=h, users=1e6) for h in (24.0, 12.0))
    target = pl.col("point") == "your target"
    a, b = (x.table.row(by_predicate=target, named=True) for x in (day, half))
    assert b["windows"] == a["windows"] / 2
    assert b["allowed_fpr"] == pytest.approx(2 * a["allowed_fpr"])
    assert a["fleet_wakes_per_day"] == b["fleet_wakes_per_day"] == pytest.approx(1e6 / 30)
    assert b["spotter_wakes_per_day"] == pytest.approx(a["spotter_wakes_per_day"] / 2)
    chapter = half.table.row(by_predicate=pl.col("point") == "chapter's target", named=True)
    assert chapter["windows"] == 2_592_000


def test_design_states_are_the_plain_search():
    limits = {"budget_kusd": 130.0, "memory_kb": 100.0, "accuracy_percent": 97.0}
    table = kit.explore("design", rule="shrink", network=True, **limits).table
    kept = design.feasible(design.designs("shrink"), 97.0, 130.0, 100.0, 200.0, network=True)
    names = design.designs().columns
    inside = table.filter(pl.col("state") != "over")
    assert 0 < inside.height < table.height
    assert inside.sort("rank").select(names).equals(kept)
    front = inside.filter(state="front").sort("rank")
    assert front.select(names).equals(design.pareto(kept))
    assert (table["breaks"] == "").to_list() == (table["state"] != "over").to_list()


def test_design_counts_what_each_limit_removes_alone():
    seen = kit.explore("design", budget_kusd=60.0, accuracy_percent=99.5)
    gone = design.eliminated(design.designs(), budget_kusd=60.0, accuracy=99.5)
    for word, limit in (("accuracy", "accuracy"), ("budget", "budget_kusd"), ("network",) * 2):
        assert f"{word} {gone[limit]}" in seen.summary
        assert seen.table["breaks"].str.contains(word).sum() == gone[limit] > 0


def test_design_draws_every_design_once_in_its_group():
    seen = kit.explore("design")
    traces = by_name(seen.figure)
    groups = [traces[n] for n in ("over a limit", "within all limits", "of these, beaten by none")]
    assert [len(g.x) for g in groups] == [96 - 11, 3, 8]
    front = groups[2]
    best = int(np.argmax(front.y))
    assert (front.x[best], front.y[best]) == (145_000, 113)
    assert front.error_y.array[best] == 5  # from 108 to 118 %
    assert "16 kHz, 13 coefficients" in front.text[best]
    assert set(traces["your budget"].x) == {150_000}
    assert "No spotter is always right" in seen.summary
    seen.set(rule="shrink", accuracy_percent=95.0)
    assert set(by_name(seen.figure)["your accuracy"].y) == {95}


def test_where_no_design_is_left_the_table_shows_what_came_nearest():
    seen = kit.explore("design", budget_kusd=20.0)
    assert (seen.table["state"] == "over").all()
    nearest = seen.explorer.fallback(seen.table)
    assert set(nearest["breaks"]) == {"budget"}
    assert "0 of 96 designs" in seen.figure.layout.title.text
    assert "the best" not in seen.figure.layout.title.text.lower()


@pytest.mark.parametrize(
    ("name", "settings", "text"),
    [
        ("design", {"network": "no"}, "True or False"),
        ("design", {"rule": "multiply"}, "add, shrink"),
        ("false-wakes", {"keyword_share": 1.0}, "below 1"),
        ("false-wakes", {"keyword_share": False}, "below 1"),
        ("false-wakes", {"wakes_per_month": 0}, "a million"),
    ],
)
def test_what_the_caller_gives_is_checked(name, settings, text):
    with pytest.raises(KitError, match=text):
        kit.explore(name, **settings)


def test_alignment_shades_words_and_dashes_marks():
    samples = (8000 * np.sin(np.arange(160_000) / 9)).astype(np.int16)
    words = [Word("one", 1.0, 2.0, -1.0), Word("two", 2.0, 4.5, -2.0)]
    figure = views.alignment(samples, words, (0.9, 4.7))
    wave, texts = figure.data
    assert len(wave.x) <= 2000
    assert max(wave.y) == samples.max()
    assert min(wave.y) == samples.min()
    assert max(wave.x) == pytest.approx(10, abs=0.02)
    assert list(texts.text) == ["one", "two"]
    assert list(texts.x) == [1.5, 3.25]
    rects = [(s.x0, s.x1) for s in figure.layout.shapes if s.type == "rect"]
    assert rects == [(1, 2), (2, 4.5)]
    dashes = [s.x0 for s in figure.layout.shapes if s.type == "line"]
    assert dashes == [0.9, 4.7]
    assert "100 and 200 ms" in figure.layout.title.text
    bare = views.alignment(samples, words)
    assert len(bare.layout.shapes) == 2
    assert "marks" not in bare.layout.title.text


def test_coverage_stacks_sources_and_names_the_thinnest_cohort():
    table = pl.DataFrame(
        {"cohort": ["a", "a", "b", "c"], "source": ["x", "y", "x", "y"], "clips": [5, 7, 20, 0]}
    )
    figure = views.coverage(table)
    traces = by_name(figure)
    assert dict(zip(traces["x"].y, traces["x"].x, strict=True)) == {"a": 5, "b": 20}
    assert dict(zip(traces["y"].y, traces["y"].x, strict=True)) == {"a": 7, "c": 0}
    assert list(figure.layout.yaxis.categoryarray) == ["c", "a", "b"]
    assert figure.layout.barmode == "stack"
    assert [t.strip() for t in traces[None].text] == ["0", "12", "20"]
    assert figure.layout.title.text == "Fewest clips: c with 0; most: b with 20"
    assert views.coverage(table.clear()).layout.title.text == "No clips at all"


def test_yields_shows_shares_in_per_cent_and_names_the_gate_that_took_most():
    table = pl.DataFrame(
        {"source": ["x", "x", "y"], "code": ["noisy", "faint", "noisy"], "clips": [30, 2, 5],
         "share": [0.3, 0.02, 0.5]}
    )  # fmt: skip
    figure = views.yields(table)
    traces = by_name(figure)
    assert [t.name for t in figure.data] == ["noisy", "faint"]
    shares = dict(zip(traces["noisy"].y, traces["noisy"].x, strict=True))
    assert shares == {"x": pytest.approx(30), "y": pytest.approx(50)}
    assert list(traces["noisy"].text) == ["30", "5"]
    assert list(traces["faint"].text) == [""]  # too narrow for a number; hover has it
    assert list(traces["faint"].customdata) == [2]
    assert figure.layout.title.text == "The gate noisy turned most away: 35 clips"
    assert views.yields(table.clear()).layout.title.text == "No clip was turned away"
