"""Intervals against SciPy and simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from kit.intervals import half_width, poisson, wilson

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 10), (10, 10), (450, 500)])
def test_wilson_is_scipy_s(hits, trials):
    ours = wilson(hits, trials)
    theirs = binomtest(hits, trials).proportion_ci(method="wilson")
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("rate", [0.5, 3.0, 20.0])
def test_the_poisson_interval_covers_what_it_promises(rate):
    counts = RNG.poisson(rate * 2.0, 4000)
    low, high = poisson(counts, 2.0)
    covered = ((low <= rate) & (rate <= high)).mean()
    assert covered >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert covered < 0.999


def test_no_event_is_the_rule_of_three():
    low, high = poisson(0, 100.0)
    assert (low, high) == (0, pytest.approx(-np.log(0.025) / 100))


def test_the_interval_of_a_mean_is_scipy_s():
    values = [3.0, 5.5, 4.0, 9.0]
    low, high = ttest_1samp(values, 0).confidence_interval(0.95)
    assert half_width(values) == pytest.approx((high - low) / 2)
    assert half_width([1.0, 3.0]) == pytest.approx(12.7062, rel=1e-5)
    assert np.isnan(half_width([3.0]))
