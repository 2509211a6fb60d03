"""Prices and coverage of a collection, by hand and against plain loops."""

import math

import numpy as np
import polars as pl
import pytest

from kit.errors import KitError
from kit.kws import acquisition, answers


def test_rejected_clips_were_paid_for():
    assert acquisition.usd_per_kept_clip(0.3, 0.1, 0.5) == pytest.approx(0.8)
    assert acquisition.usd_per_kept_clip(0.3, 0.1, 1.0) == pytest.approx(0.4)
    assert acquisition.usd_per_kept_clip(0.3, 0.1, 0.0) == math.inf
    assert acquisition.usd_per_kept_clip([1.0, 2.0], 0.0, [0.5, 0.0]).tolist() == [2.0, math.inf]


def test_orders_are_rounded_up():
    assert acquisition.clips_to_collect(100, 0.4) == 250
    assert acquisition.clips_to_collect(1, 0.3) == 4
    assert acquisition.clips_to_collect(0, 0.3) == 0
    with pytest.raises(KitError, match="kept_share"):
        acquisition.clips_to_collect(1, 0.0)


TABLE = pl.DataFrame(
    {
        "language": ["en", "en", "en", "de", None],
        "voice": ["low", "low", "high", "low", "low"],
        "speaker": ["a", "b", "c", "d", "e"],
    }
)


def test_empty_cells_are_rows():
    found = acquisition.coverage(TABLE, ["language", "voice"], 2)
    assert found.rows() == [
        ("de", "high", 0, 0, 2), ("de", "low", 1, 1, 1), ("en", "high", 1, 1, 1),
        ("en", "low", 2, 2, 0),
    ]  # fmt: skip


def test_what_was_expected_and_is_absent_is_a_row_too():
    found = acquisition.coverage(TABLE, ["language"], 3, {"language": ["fr", "en"]})
    assert found.rows() == [("de", 1, 1, 2), ("en", 3, 3, 0), ("fr", 0, 0, 3)]


def test_coverage_of_nothing_is_refused():
    with pytest.raises(KitError, match="coverage"):
        acquisition.coverage(TABLE, ["accent"], 1)
    with pytest.raises(KitError, match="coverage"):
        acquisition.coverage(TABLE, [], 1)


def test_answers_by_hand():
    assert answers.allowed_per_million(1, 30, 1000) == pytest.approx(1e6 / 2_592_000)
    assert answers.wakes_per_day(1, 1000) == pytest.approx(0.0864)
    assert answers.wrong_per_thousand(99, 1000) == pytest.approx(10.01, rel=1e-3)
    assert answers.fleet_wakes(30, 30) == pytest.approx(1000)
    assert answers.hours_to_prove(1, 5) == pytest.approx(2.9957, rel=1e-4)
    assert answers.both_effects(90, 5, 5) == pytest.approx(97.5)
    assert answers.thousand_labels(150, 60, 10, 20) == pytest.approx(750)
    assert answers.labeling_years(23.4, 10, 2000) == pytest.approx(32.5)
    assert answers.kept_usd(0.3, 0.1, 50) == pytest.approx(0.8)
    assert answers.to_collect(100, 40) == 250
    assert answers.passing_both(10, 20) == pytest.approx(72)
    assert answers.dead_letters(10, 2, 7) == 1


def test_the_share_is_checked():
    with pytest.raises(KitError, match="kept_share"):
        acquisition.usd_per_kept_clip(1, 1, np.array([0.5, 1.5]))
