"""False wakes as rates: by hand, by inversion, and by simulation."""

import numpy as np
import pytest

from kit.errors import KitError
from kit.kws import targets


def test_the_chapter_s_month():
    assert targets.windows(30 * 24) == 2_592_000
    assert targets.allowed_fpr(1) == pytest.approx(1 / 2_592_000)
    assert targets.allowed_fpr(1, hop_s=0.1) == pytest.approx(targets.allowed_fpr(1) / 10)


def test_a_rate_and_its_false_accepts_are_inverse():
    for hop in (0.1, 0.5, 1.0):
        fpr = targets.allowed_fpr(3, 24, hop)
        assert targets.false_accepts_per_hour(fpr, hop) * 24 == pytest.approx(3)


def test_ninety_nine_per_cent_accuracy_says_nothing():
    """A device that never wakes is right wherever nobody speaks; one that is 99 % right may
    wake 36 times an hour."""
    assert targets.implied_fpr(0.999, 0.001, recall=0.0) == pytest.approx(0)
    fpr = targets.implied_fpr(0.99, 0.0)
    assert targets.false_accepts_per_hour(fpr) == pytest.approx(36)


def test_implied_rate_by_simulation():
    rng = np.random.default_rng(0)
    keyword = rng.random(400_000) < 0.2
    wakes = np.where(keyword, rng.random(400_000) < 0.9, rng.random(400_000) < 0.03)
    accuracy = float((wakes == keyword).mean())
    found = targets.implied_fpr(accuracy, float(keyword.mean()), float(wakes[keyword].mean()))
    assert found == pytest.approx(wakes[~keyword].mean(), abs=1e-9)


def test_precision_of_a_rare_word():
    assert targets.precision(1, 0.9, 0.1) == pytest.approx(0.9)
    assert targets.precision(0, 0.9, 0) == 1
    assert targets.precision([1, 0], 1.0, [1, 2]).tolist() == [0.5, 0]


def test_hours_to_prove_by_simulation():
    """At the rate itself, a stream that long stays silent in one case of twenty."""
    rate = 0.05
    hours = targets.hours_to_prove(rate)
    silent = np.random.default_rng(0).poisson(rate * hours, 100_000) == 0
    assert silent.mean() == pytest.approx(0.05, abs=0.003)
    assert hours * rate == pytest.approx(3, abs=0.01)


def test_fleet_and_bad_input():
    assert targets.fleet_false_wakes(1 / 720, 1e6) == pytest.approx(1e6 / 30)
    with pytest.raises(KitError, match="hop_s is not possible"):
        targets.windows(24, 0)
    with pytest.raises(KitError, match="accuracy is not possible: found 99"):
        targets.implied_fpr(99, 0.1)
