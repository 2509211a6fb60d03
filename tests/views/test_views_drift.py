"""Pictures of drift show what their tables hold, and a detector that cries wolf looks bad."""

import polars as pl
import pytest

from kit.errors import KitError
from kit.views import drift as views
from kit.views.theme import BLUE, GREY, RED

ALL = "inputs, predictions, confidence, errors"


def costs(draws=1):
    """Rows as kit.experiments.degradation.curves makes them."""
    rows = [  # drift, kind, size, unit, ks, seen, lost, low, high
        ("none", "none", 0.0, "", 0.05, "", 0.0, 0.0, 0.0),
        ("noise", "covariate", 30.0, "dB SNR", 0.98, "inputs", -1.0, -2.5, 0.5),
        ("noise", "covariate", 0.0, "dB SNR", 1.0, ALL, 50.0, 46.0, 54.0),
        ("level", "covariate", -6.0, "dB", 0.5, "inputs", 0.0, -1.0, 1.0),
        ("meaning", "concept", 25.0, "% of the word", 0.06, "", 2.5, 2.0, 3.0),
        ("meaning", "concept", 100.0, "% of the word", 0.07, "errors", 10.0, 8.0, 12.0),
        ("fatigue", "label quality", 40.0, "% wrong", 0.04, "errors, raters", 0.0, 0.0, 0.0),
    ]
    names = ["drift", "drift_kind", "size", "unit", "ks", "seen", "lost_points", "lost_low",
             "lost_high"]  # fmt: skip
    one = pl.DataFrame(rows, names, orient="row")
    later = [one.with_columns(seen=pl.lit(""), ks=pl.col("ks") / 2)] * (draws - 1)
    return pl.concat([one, *later])


def boards():
    """(hits, wolves) of three detectors: a good one, a wolf, one that promises nothing."""
    caught = {  # detector -> drift -> (caught %, median delay)
        "always": {"none": (90.0, 500.0), "noise": (100.0, 250.0), "meaning": (95.0, 250.0)},
        "good": {"none": (5.0, 750.0), "noise": (100.0, 250.0), "meaning": (49.9, 1000.0)},
        "silent": {"none": (0.0, None), "noise": (50.0, 1550.0)},
    }
    hits = [
        {
            "detector": d,
            "watches": "inputs",
            "drift": k,
            "size": 1.0,
            "caught_percent": c,
            "delay_events": late,
        }
        for d, row in caught.items()
        for k, (c, late) in row.items()
    ]
    wolves = [("always", 250, 1000, 25.0, 23.0, 27.0, 5.0), ("good", 7, 1000, 0.7, 0.4, 1.0, 2.0),
              ("silent", 0, 1000, 0.0, 0.0, 0.09, None)]  # fmt: skip
    names = ["detector", "false_alarms", "windows", "per_100_windows", "low", "high", "promised"]
    return pl.DataFrame(hits), pl.DataFrame(wolves, names, orient="row")


def texts(figure):
    """Every text of a figure, joined."""
    return str(figure.to_plotly_json()).lower()


def test_cases_average_the_draws_and_keep_their_order():
    found = views.cases(costs(draws=4))
    assert found["drift"].to_list() == costs()["drift"].to_list()
    assert found["draws"].to_list() == [4] * 7
    worst = found.row(2, named=True)
    assert worst["ks"] == pytest.approx((1 + 3 * 0.5) / 4)
    assert worst["errors"] == 0.25
    assert worst["raters"] == 0
    assert found.row(-1, named=True)["raters"] == 0.25


def test_curves_start_at_no_drift_and_hold_every_size():
    figure = views.curves(costs())
    lines = {t.name: t for t in figure.data}
    assert list(lines) == ["noise", "level", "meaning", "fatigue"]
    noise = lines["noise"]
    assert list(noise.x) == [0.05, 0.98, 1.0]
    assert list(noise.y) == [0, -1, 50]
    assert list(noise.error_y.array) == [0, 1.5, 4]
    assert list(noise.error_y.arrayminus) == [0, 1.5, 4]
    assert list(noise.text) == ["no drift", "noise, 30 dB SNR", "noise, 0 dB SNR"]
    low, high = figure.layout.yaxis.range
    assert low < -2.5
    assert high > 54


def test_curves_tell_the_largest_move_without_a_loss_and_the_smallest_with_one():
    first, second = views.curves(costs()).layout.title.text.split("<br>")
    assert first == "D 0.98 and no loss to be seen: noise, 30 dB SNR"
    assert second == "D 0.06 and 2.5 points lost: meaning, 25 % of the word"


def test_no_two_drifts_look_alike():
    data = views.curves(costs()).data
    assert len({t.line.color for t in data}) == len({t.marker.symbol for t in data}) == 4
    assert len(set(views.LOOKS)) == 9


def test_visibility_shows_the_largest_size_and_who_sees_it():
    figure = views.visibility(costs())
    heat, bars, numbers = figure.data
    assert list(heat.x) == list(views.WATCHES)
    assert list(heat.y) == ["no drift", "noise, 0 dB SNR", "level, -6 dB",
                            "meaning, 100 % of the word", "fatigue, 40 % wrong"]  # fmt: skip
    assert [list(r) for r in heat.z] == [
        [0, 0, 0, 0, 0], [1, 1, 1, 1, 0], [1, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 1],
    ]  # fmt: skip
    assert heat.text[1][0] == "sees it"
    assert heat.text[1][4] == "–"
    assert list(bars.marker.color) == [GREY, RED, GREY, RED, GREY]
    assert [t.strip() for t in numbers.text] == ["0.0", "50.0", "0.0", "10.0", "0.0"]
    assert figure.layout.title.text == "The inputs do not show meaning, 10 points lost"


def test_visibility_at_all_sizes_counts_the_draws():
    figure = views.visibility(costs(draws=4), "all")
    heat, _, numbers = figure.data
    assert len(heat.y) == 7
    assert heat.text[2][3] == "1 of 4"
    assert min(numbers.x) == 0  # a gain is told beside its bar, not in the matrix
    assert "-0.0" not in texts(figure)


def test_when_the_inputs_show_every_loss_the_title_says_so():
    table = costs().with_columns(seen=pl.lit("inputs"))
    assert "none of 2" in views.visibility(table).layout.title.text


def test_a_cell_tells_the_delay_only_where_half_are_caught():
    none, drifts, *_ = views.scoreboard(*boards()).data
    by = dict(zip(("good", "silent", "always"), drifts.text, strict=True))
    assert list(by["good"]) == ["250", "50 %"]
    assert list(by["silent"]) == ["1550", "–"]
    assert [row[0] for row in none.text] == ["5 %", "0 %", "500"]


def test_who_always_gives_alarm_stays_pale_and_comes_last_in_red():
    figure = views.scoreboard(*boards())
    none, drifts, dots, promised = figure.data
    labels = figure.layout.yaxis.ticktext
    assert list(labels[:2]) == ["good", "silent"]
    assert "always" in labels[2]
    assert RED in labels[2]
    assert [list(r) for r in drifts.z] == [[95, pytest.approx(44.9)], [50, 0], [10, 5]]
    assert [r[0] for r in none.z] == [5, 0, 90]
    assert list(dots.marker.color) == [BLUE, BLUE, RED]
    assert list(promised.x) == [2, None, 5]
    assert figure.layout.title.text == "Cries wolf more than promised: always"


def test_no_false_alarm_is_drawn_as_at_most():
    dots = views.scoreboard(*boards()).data[2]
    assert list(dots.x) == [0.7, 0.09, 25]
    assert dots.marker.symbol[1] == "triangle-left-open"
    assert dots.customdata[1] == "at most 0.09"
    assert dots.error_x.arrayminus[1] == 0
    assert dots.error_x.array[0] == pytest.approx(0.3)


def rates(**more):
    columns = {"name": ["one", "forty", "band"], "rate": [0.05, 0.87, 0.02],
               "low": [0.04, 0.84, 0.01], "high": [0.06, 0.9, 0.03],
               "promised": [0.05, 0.05, None]}  # fmt: skip
    return pl.DataFrame(columns | more)


def test_false_alarms_are_held_against_the_promise():
    figure = views.false_alarms(rates())
    dots, promised = figure.data
    assert list(dots.x) == pytest.approx([5, 87, 2])
    assert list(dots.marker.color) == [BLUE, RED, BLUE]
    assert list(promised.x) == pytest.approx([5, 5, None], nan_ok=True)
    assert figure.layout.title.text == "forty:<br>87 % false alarms, 5 % promised"
    assert figure.layout.xaxis.range[1] > 90
    kept = views.false_alarms(rates(low=[0.04, 0.04, 0.0]))
    assert kept.layout.title.text == "No detector breaks its promise"


@pytest.mark.parametrize("figure", [
    views.curves(costs()), views.visibility(costs(2), "all"), views.scoreboard(*boards()),
    views.false_alarms(rates()),
])  # fmt: skip
def test_nothing_reads_nan(figure):
    assert "nan" not in texts(figure)


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (lambda: views.curves(costs().drop("ks")), "no table of what drifts cost"),
        (lambda: views.curves(costs().clear()), "no row"),
        (lambda: views.curves(costs().rows()), "no table"),
        (lambda: views.visibility(costs(), "some"), "no such choice"),
        (lambda: views.scoreboard(boards()[1], boards()[1]), "what detectors caught"),
        (lambda: views.scoreboard(boards()[0], boards()[0]), "table of false alarms"),
        (lambda: views.false_alarms(rates().drop("promised")), "false alarm rates"),
    ],
)
def test_what_is_no_such_table_is_refused(draw, text):
    with pytest.raises(KitError, match=text):
        draw()
