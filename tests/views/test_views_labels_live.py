"""Pictures of the explorers on labels show what their tables hold, and nothing impossible."""

import math

import polars as pl
import pytest

from kit.explorers import explore
from kit.views.labels import live as views
from kit.views.theme import PALE_ORANGE


def traces(figure):
    """dict of name -> trace, the first of each name."""
    return {t.name: t for t in reversed(figure.data)}


def judged():
    confidence = [i / 100 for i in range(100)]
    return pl.DataFrame({"confidence": confidence, "right": [c > 0.3 for c in confidence]})


def curves():
    rows = [("new speakers", s, n, min(0.2 + n / k, 0.9), 0.1, 0.95)
            for s, k in (("random", 400), ("margin", 200)) for n in (20, 60, 120)]  # fmt: skip
    names = ["task", "strategy", "labels", "accuracy", "low", "high"]
    return pl.DataFrame(rows, names, orient="row")


def test_a_right_label_has_two_panels_and_the_prices_of_more_are_dotted():
    seen = explore("correct-label")
    plain, tested, expert, usd, _, more, _, expert_usd = seen.figure.data
    table = seen.table.filter(how="no test")
    assert list(plain.x) == list(range(1, 10))
    assert list(plain.y) == pytest.approx(table["accuracy_percent"].to_list())
    assert list(usd.y) == pytest.approx(table["correct_usd"].to_list())
    assert (usd.yaxis, more.yaxis, plain.yaxis) == ("y2", "y2", None)
    assert list(more.x) == [3, 5, 7, 9]
    assert more.line.dash == "dot"
    assert list(expert.y) == pytest.approx([98, 98])
    assert list(expert_usd.y) == pytest.approx([2 / 0.98] * 2)
    assert plain.marker.symbol != tested.marker.symbol


def test_the_axis_of_accuracy_holds_every_point():
    for percent in (20.0, 60.0, 99.0):
        figure = explore("correct-label", accuracy_percent=percent).figure
        low, high = figure.layout.yaxis.range
        assert all(low < y < high for t in figure.data[:3] for y in t.y)


def test_a_plan_that_costs_nothing_is_drawn_at_the_left_edge():
    seen = explore("routing", judged=judged(), threshold_percent=0.0)
    you = traces(seen.figure)["yours"]
    assert list(you.x) == [views._LEAST_USD]
    assert you.text[0].endswith("USD 0")
    low, high = seen.figure.layout.xaxis.range
    assert low < math.log10(views._LEAST_USD)
    assert high > math.log10(20_000)
    assert seen.figure.layout.xaxis.ticktext[0] == "10 or less"


def test_the_bar_of_who_labels_is_whole():
    seen = explore("routing", judged=judged(), threshold_percent=60.0)
    bars = [t for t in seen.figure.data if t.type == "bar"]
    assert [b.name for b in bars] == ["model", "crowd", "experts"]
    assert sum(b.x[0] for b in bars) == pytest.approx(100)
    assert bars[0].x[0] == pytest.approx(40)
    assert "model 40 %" in seen.figure.layout.xaxis2.title.text
    assert bars[2].text[0] == ""  # too narrow for a word


def test_the_front_is_drawn_from_cheap_to_dear():
    front = traces(explore("routing", judged=judged()).figure)["best for its price"]
    assert list(front.x) == sorted(front.x)
    assert list(front.y) == sorted(front.y)


def test_both_counts_of_labels_stand_on_the_wanted_line():
    figure = explore("active-learning", table=curves(), wanted_percent=40.0).figure
    found = traces(figure)
    assert found["margin needs"].x[1] == pytest.approx(40)
    assert found["random needs"].x[1] == pytest.approx(80)
    assert found["margin needs"].y[1] == found["wanted"].y[0] == 40
    assert figure.layout.title.text == "Labels for 40 %: margin 40, random 80"
    band = found["margin, range"]
    assert list(band.x) == [20, 60, 120, 120, 60, 20]
    assert list(band.y) == pytest.approx([10] * 3 + [95] * 3)


def test_what_is_not_reached_has_no_mark():
    figure = explore("active-learning", table=curves(), wanted_percent=95.0).figure
    found = traces(figure)
    assert len(found["margin needs"].x) == len(found["random needs"].x) == 0
    assert figure.layout.yaxis.range[1] > 95


def test_what_cannot_be_is_shaded_and_has_no_curve():
    figure = explore("kappa-paradox", agreement_percent=80.0, rare_percent=2.0).figure
    found = traces(figure)
    assert list(found["not possible"].x) == pytest.approx([0.5, 10, 10, 0.5])
    assert found["not possible"].fillcolor == PALE_ORANGE
    assert min(found["Cohen's kappa"].x) == pytest.approx(10)
    marks = [t for t in figure.data[:-1] if t.mode == "markers"]
    assert [list(m.y) for m in marks] == [[None], [None]]
    assert {cell for row in figure.data[-1].text for cell in row} == {"–"}
    assert list(found["yours"].x) == [2, 2]


def test_the_bands_fill_the_axis_and_have_their_words():
    layout = explore("kappa-paradox").figure.layout
    bands = [y for b in layout.shapes for y in (b.y1, b.y0)]
    assert bands == pytest.approx([1, 0.8, 0.6, 0.4, 0.2, 0])
    assert [a.text for a in layout.annotations] == [
        "almost perfect", "substantial", "moderate", "fair", "slight", "poor"]  # fmt: skip


def test_the_four_cells_are_1000_items():
    cells = explore("kappa-paradox", agreement_percent=90.0, rare_percent=6.0).figure.data[-1]
    assert [list(row) for row in cells.text] == [["10", "50"], ["50", "890"]]
    assert sum(x for row in cells.z for x in row) == pytest.approx(1000)
