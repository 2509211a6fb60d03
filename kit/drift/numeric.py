"""Statistics of numbers: Kolmogorov-Smirnov, PSI, KL, Jensen-Shannon, Wasserstein.

A column is sorted once; one merged pass gives K-S and Wasserstein, a search at the bin edges the
rest. Needs NumPy, SciPy and numba.
"""

import math

import numpy as np

from kit.drift.divergence import divergence
from kit.drift.inputs import Found, finite
from kit.errors import KitError

EXACT = 1_000_000  # n m up to which the two-sample p is counted, a few milliseconds
_MANY = 10_000  # effective rows up to which kstwo takes less than 10 ms
_GRID = 1024  # points of a column at which the interval of Wasserstein looks
FIVE = ("ks", "psi", "kl", "js", "wasserstein")


def ks(reference, current, certainty=0.95):
    """Found of the two-sample Kolmogorov-Smirnov test for columns of n and m numbers.

    value and effect: D, the largest gap of the distribution functions, 0 to 1. p: exact up to
    n m = EXACT (Viehmann 2021), then asymptotic, as if one sample had n m / (n + m) rows (see
    `ks_p`). With equal values it is an upper bound. low, high: D and the bands of Dvoretzky,
    Kiefer and Wolfowitz with Massart's constant (1990) around both sides; certain, and wide.
    Raises KitError "empty", "infinite", "not-a-number".
    """
    return numbers(*_pair(reference, current), ("ks",), certainty=certainty)["ks"]


def ks_against(values, cdf):
    """Found of the one-sample test of n numbers against `cdf`, a function of an array.

    p: Simard and L'Ecuyer (2011). Only for a distribution that is known, not measured: two
    windows need `ks`.
    """
    from scipy.stats import kstwo

    x = finite("values", values)
    n, f = len(x), np.asarray(cdf(x), float)
    if f.shape != x.shape or not ((f >= 0) & (f <= 1)).all():
        raise KitError(
            "cdf is no distribution function",
            found=f[:3].tolist(),
            allowed="a number from 0 to 1 for every value",
            code="not-share",
        )
    steps = np.arange(n + 1) / n
    value = float(max((steps[1:] - f).max(), (f - steps[:-1]).max()))
    return Found(value, value, p=float(np.clip(kstwo.sf(value, n), 0, 1)))


def psi(reference, current, bins=10, certainty=0.95):
    """Found of the population stability index over quantile bins of the reference, in nats.

    Bins, zero counts, bias and interval: see `edges` and kit.drift.divergence.
    """
    return numbers(*_pair(reference, current), ("psi",), bins, certainty)["psi"]


def kl(reference, current, bins=10, certainty=0.95):
    """Found of the Kullback-Leibler divergence of current from reference, as `psi`."""
    return numbers(*_pair(reference, current), ("kl",), bins, certainty)["kl"]


def jensen_shannon(reference, current, bins=10, certainty=0.95):
    """Found of the Jensen-Shannon divergence (Lin 1991), nats, at most ln 2; as `psi`."""
    return numbers(*_pair(reference, current), ("js",), bins, certainty)["js"]


def wasserstein(reference, current, certainty=0.95):
    """Found of the Wasserstein-1 distance, in units of the values.

    effect: the distance over the standard deviation of the reference, None where that is 0.
    low, high: effect and the pointwise normal band of the difference of the two distribution
    functions, integrated; wider than needed, for points of a band do not all err together.
    """
    return numbers(*_pair(reference, current), ("wasserstein",), certainty=certainty)["wasserstein"]


def numbers(reference, current, statistics=FIVE, bins=10, certainty=0.95):
    """dict of name -> Found for sorted columns, float[n] and float[m], of finite values."""
    found, n, m = {}, len(reference), len(current)
    if {"ks", "wasserstein"} & set(statistics):
        from kit.drift.merged import merged

        gap, area, distinct = merged(*_alike(reference, current))
        ties = "equal values: p is an upper bound" if distinct < n + m else ""
        found["ks"] = _ks(n, m, gap, certainty)._replace(note=ties)
        found["wasserstein"] = _wasserstein(reference, current, area, certainty)
    names = [name for name in statistics if name in ("psi", "kl", "js")]
    if names:
        at = edges(reference, bins)
        p, q = counts(reference, at), counts(current, at)
        found |= {name: divergence(name, p, q, certainty) for name in names}
    return {name: found[name] for name in statistics}


def edges(reference, bins):
    """Inner edges of the bins, ascending: quantiles of a sorted reference, linear between rows.

    A bin holds its lower edge. A value so frequent that several quantiles fall on it gets a bin
    of its own, between it and the next float; so a constant reference has three bins: below,
    equal, above. Raises KitError "not-several".
    """
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 2:
        raise KitError("bins is not possible", found=bins, allowed="a whole number, 2 or more",
                       code="not-several")  # fmt: skip
    at = np.arange(bins + 1) / bins * (len(reference) - 1)
    below = np.minimum(at.astype(np.int64), max(len(reference) - 2, 0))
    above = np.minimum(below + 1, len(reference) - 1)
    low, high = reference[below], reference[above]
    part = (at - below).astype(reference.dtype)  # low + part (high - low) might overflow
    points = np.where(low == high, low, low * (1 - part) + high * part)
    again = points[1:][points[1:] == points[:-1]]
    return np.unique(np.concatenate([points[1:-1], again, np.nextafter(again, np.inf)]))


def counts(values, at):
    """int64[len(at) + 1]: how many of the sorted `values` lie in each bin."""
    cuts = np.searchsorted(values, at.astype(values.dtype))
    return np.diff(np.concatenate([[0], cuts, [len(values)]]))


def ks_p(n, m, gap):
    """P of a gap of n and m rows: `gap` is D n m, a whole number.

    Exact up to n m = EXACT. Then kstwo of SciPy; above 10 000 rows, where that sums a term for
    each, small tails by Kolmogorov's limit with the correction of Vrbik (2018): within 0.3 % of
    kstwo where p is above 1e-8.
    """
    from scipy.special import kolmogorov
    from scipy.stats import kstwo

    if n * m <= EXACT:
        from kit.drift.merged import tail

        return float(tail(n, m, gap)) if gap else 1.0
    rows = round(n * m / (n + m))
    reach = gap / (n * m) * math.sqrt(rows)
    if rows <= _MANY or reach < 1.4:  # 1.4: up to there kstwo is quick for any number of rows
        return float(np.clip(kstwo.sf(gap / (n * m), rows), 0, 1))
    return float(kolmogorov(reach + 1 / (6 * math.sqrt(rows)) + (reach - 1) / (4 * rows)))


def _ks(n, m, gap, certainty):
    value = gap / (n * m)
    half = sum(math.sqrt(math.log(4 / (1 - certainty)) / (2 * k)) for k in (n, m))
    return Found(value, value, max(value - half, 0.0), min(value + half, 1.0), ks_p(n, m, gap))


def _wasserstein(reference, current, area, certainty):
    with np.errstate(over="ignore"):
        spread = float(reference.std(dtype=np.float64))
    if reference[0] == reference[-1]:  # its deviation is 0, or what rounding left of it
        return Found(area, note="the reference is constant: no effect size")
    low = high = None
    note = ""
    if not np.isfinite([area, spread]).all():
        return Found(None, note="the values are too large for a float")
    if min(len(reference), len(current)) > 1:
        half = _band(reference, current, certainty)
        low, high = max(area - half, 0) / spread, (area + half) / spread
    else:
        note = "one row: no interval"
    return Found(area, area / spread, low, high, note=note)


def _band(a, b, certainty):
    """z times the integral of the standard error of F - G, in units of the values."""
    from scipy.stats import norm

    picks = [x[np.linspace(0, len(x) - 1, min(len(x), _GRID)).astype(np.int64)] for x in (a, b)]
    grid = np.unique(np.concatenate(picks).astype(np.float64))
    shares = [np.searchsorted(x, grid, "right") / len(x) for x in (a, b)]
    error = np.sqrt(sum(f * (1 - f) / len(x) for f, x in zip(shares, (a, b), strict=True)))
    steps = np.maximum(error[1:], error[:-1]) * np.diff(grid)
    return float(norm.ppf(0.5 + certainty / 2) * steps.sum())


def _alike(a, b):
    return (a, b) if a.dtype == b.dtype else (a.astype(np.float64), b.astype(np.float64))


def _pair(reference, current):
    found = finite("reference", reference), finite("current", current)
    return _alike(*found) if found[0].dtype != found[1].dtype else found
