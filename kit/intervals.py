"""Intervals of what was counted or averaged: shares, rates, means. Needs NumPy and SciPy."""

import math

import numpy as np

CERTAINTY = 0.95


def wilson(hits, trials, certainty=CERTAINTY):
    """(low, high) of a share, 0 to 1, by Wilson's score interval (1927); arrays or numbers."""
    from scipy.stats import norm

    hits, trials = np.asarray(hits, float), np.asarray(trials, float)
    z = norm.ppf(0.5 + certainty / 2)
    share = hits / trials
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def poisson(count, exposure=1.0, certainty=CERTAINTY):
    """(low, high) of a rate after `count` events in `exposure`, exact (Garwood 1936)."""
    from scipy.stats import chi2

    count, tail = np.asarray(count, float), (1 - certainty) / 2
    low = np.where(count > 0, chi2.ppf(tail, 2 * np.maximum(count, 1)) / 2, 0.0)
    return low / exposure, chi2.ppf(1 - tail, 2 * count + 2) / 2 / exposure


def half_width(values, certainty=CERTAINTY):
    """Half of the interval of a mean of `values`, by Student's t (1908); nan for one value."""
    from scipy.stats import t

    values = np.asarray(values, float)
    if len(values) < 2:
        return math.nan
    reach = t.ppf(0.5 + certainty / 2, len(values) - 1)
    return float(reach * values.std(ddof=1) / math.sqrt(len(values)))
