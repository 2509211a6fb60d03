"""Figures of the experiments show what their tables say."""

import itertools

import polars as pl
import pytest

from kit.views import experiments as views


def mixed(**more):
    cells = itertools.product(("none", "light"), ("clean", "noisy"), (0.0, 0.5, 1.0))
    rows = [
        (a, c, s, round(300 * s), round(300 * (1 - s)), *(x + 20 * s for x in (40, 30, 55)), 2,
         "range") for a, c, s in cells
    ]  # fmt: skip
    names = ["augment", "condition", "real_share", "real", "synthetic", "accuracy_percent",
             "low_percent", "high_percent", "speakers", "ends"]  # fmt: skip
    return pl.DataFrame(rows, names, orient="row").with_columns(**more)


def test_the_mix_has_a_line_for_each_augmentation_and_test():
    drawn = views.mix(mixed())
    assert [t.name for t in drawn.data] == [
        "not augmented, clean test", "not augmented, noisy test",
        "augmented: light, clean test", "augmented: light, noisy test",
    ]  # fmt: skip
    line = drawn.data[0]
    assert list(line.x) == [0, 50, 100]
    assert list(line.y) == [40, 50, 60]
    assert list(line.error_y.array) == [15] * 3
    assert list(line.error_y.arrayminus) == [10] * 3
    assert "speaker" in drawn.layout.xaxis.title.text
    assert "100 % recorded, 60 %" in drawn.layout.title.text
    assert "USD 7.2" in views.mix(mixed(usd=pl.lit(7.2))).layout.title.text


def test_the_gap_names_the_treatment_that_helps_most():
    table = pl.DataFrame({"treatment": ["raw", "cut", "noise"], "auc": [0.99, 0.8, 0.9],
                          "low": [0.98, 0.75, 0.85], "high": [1.0, 0.85, 0.95],
                          "accuracy_percent": [30.0, 45.0, 40.0],
                          "points": [25.0, 10.0, 15.0]})  # fmt: skip
    drawn = views.gap(table)
    assert drawn.layout.title.text == "From 25 points lost to 10: cut"
    assert list(drawn.data[0].x) == [0.9, 0.8, 0.99]  # from below
    assert list(drawn.data[1].x) == [15, 10, 25]


def test_the_leak_is_named():
    table = pl.DataFrame({"split": ["random", "speaker"], "train_clips": [450.0, 450.0],
                          "reported_percent": [88.0, 60.0], "unseen_percent": [55.0, 54.0],
                          "too_high_points": [33.0, 6.0]})  # fmt: skip
    drawn = views.leak(table)
    assert drawn.layout.title.text == "A random split promises 33 points too much"
    assert [list(bar.y) for bar in drawn.data] == [[88, 60], [55, 54]]


@pytest.mark.parametrize(("device", "title"), [(-3.0, "speed"), (-0.5, "none"), (3.0, "none")])
def test_what_backfires_is_named(device, title):
    table = pl.DataFrame({"treatment": ["none", "noise", "speed"], "clean_points": [0.0, -8.0, 2.0],
                          "device_points": [0.0, 15.0, device]})  # fmt: skip
    drawn = views.backfire(table)
    assert drawn.layout.title.text.endswith(f": {title}")
    assert list(drawn.data[0].text) == ["noise", "speed"]
    low, high = drawn.layout.xaxis.range
    assert low < -8
    assert high > 2


def test_a_price_is_told_where_it_is_known():
    table = pl.DataFrame({"measure": ["50 recorded clips", "synthesise", "record"],
                          "usd": [0.0, 25.0, 150.0], "accuracy_percent": [57.0, 62.0, 60.0],
                          "points": [None, 5.0, 3.0], "low_points": [None, 2.0, -1.0],
                          "high_points": [None, 8.0, 7.0],
                          "usd_per_point": [None, 5.0, None]})  # fmt: skip
    drawn = views.price(table)
    texts = [note.text for note in drawn.layout.annotations]
    assert texts == ["+3.0 points for USD 150", "+5.0 points for USD 25: USD 5 a point"]
    assert [note.y for note in drawn.layout.annotations] == [0.4, 1.4]
    assert "57 %" in drawn.layout.title.text


def test_the_worst_speaker_is_named():
    table = pl.DataFrame({"speaker": ["a", "b", "mean"], "accuracy_percent": [90.0, 70.0, 80.0],
                          "low_percent": [88.0, 60.0, 65.0],
                          "high_percent": [92.0, 80.0, 95.0]})  # fmt: skip
    drawn = views.accuracy(table)
    assert "b: 70 %" in drawn.layout.title.text
    assert list(drawn.data[0].y) == ["mean", "b", "a"]


def test_the_most_frequent_mistake_is_named():
    table = pl.DataFrame({"label": ["6", "7", "7"], "said": ["6", "6", "7"],
                          "clips": [10, 3, 7], "share": [1.0, 0.3, 0.7]})  # fmt: skip
    drawn = views.confusion(table)
    assert "7 heard as 6" in drawn.layout.title.text
    assert [list(row) for row in drawn.data[0].z] == [[100, 0], [30, 70]]
    right = table.filter(pl.col("label") == pl.col("said"))
    assert views.confusion(right).layout.title.text == "No mistake at all"
