"""Alarms that state what they cost: thresholds, permutation, many columns, sample sizes.

Needs NumPy and SciPy.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from kit.drift.divergence import NULL
from kit.errors import KitError
from kit.intervals import wilson
from kit.quantities import quantity, vectorised

STATISTICS = ("ks", "ks-one", "chi-square", *NULL)
METHODS = ("bh", "holm", "bonferroni", "none")


class Rate(NamedTuple):
    """How often a detector gave alarm: rate with its Wilson interval (1927), counts."""

    rate: float
    low: float
    high: float
    alarms: int
    windows: int


def threshold(statistic, n, m=None, rate=0.05, bins=10):
    """The value that `statistic` exceeds in a share `rate` of windows without a change.

    ks: Kolmogorov's distribution (1933) times sqrt((n + m) / (n m)) for windows of n and m rows.
    ks-one: over sqrt(n), for one window against a known distribution. psi, kl, js: chi-square
    with bins - 1 degrees of freedom, scaled (kit.drift.divergence). chi-square: bins is the
    number of categories, n and m do not matter. n, m, rate: numbers or arrays. All hold for large
    windows of continuous values; for small ones, or a rate below 1 %, use `simulated_threshold` or
    `permutation_threshold`. At n = m = 1000 and 5 %, ks keeps 4.84 % (exact).
    Raises KitError "statistic", "not-count", "not-several", "not-fraction".
    """
    n, m = quantity("n", n, "count"), quantity("m", n if m is None else m, "count")
    rate = quantity("rate", rate, "fraction")
    freedom = quantity("bins", bins, "several") - 1
    if statistic == "ks":
        return (stats.kstwobign.isf(rate) * np.sqrt(1 / n + 1 / m))[()]
    if statistic == "ks-one":
        return (stats.kstwobign.isf(rate) / np.sqrt(n))[()]
    scale = 1.0 if statistic == "chi-square" else (1 / n + 1 / m) / _k(statistic)
    return (stats.chi2.isf(rate, freedom) * scale)[()]


@functools.lru_cache(maxsize=256)
def simulated_threshold(statistic, n, m, rate=0.05, bins=10, draws=100_000, seed=0):
    """`threshold` of psi, kl or js without the limit of large windows: by simulation.

    Between the quantiles of n continuous values the next value falls by a Dirichlet law with n /
    bins for each bin, whatever the distribution (Wilks 1962): so counts of windows without a
    change can be drawn. Zero counts as in kit.drift.divergence.
    Raises KitError "statistic", "few-draws", "not-count", "not-several", "not-fraction".
    """
    n, m = (int(quantity(k, x, "count")) for k, x in (("n", n), ("m", m)))
    bins, draws = int(quantity("bins", bins, "several")), int(quantity("draws", draws, "count"))
    _k(statistic)
    rng = np.random.default_rng(seed)
    now = rng.multinomial(m, rng.dirichlet(np.full(bins, n / bins), draws)).astype(float)
    known = np.diff(np.round(np.arange(bins + 1) * n / bins))
    rule = 0.5 * ((now == 0) | (known == 0)).any(1, keepdims=True) * (statistic != "js")
    p, q = np.broadcast_to(known, now.shape) + rule, now + rule
    values = _plug_in(statistic, p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True))
    return _upper(values, rate)


def permutation_p(statistic, reference, current, draws=999, seed=0):
    """P of statistic(reference, current) if rows were dealt to the windows by chance.

    statistic: function of two arrays to a number or a Found; large speaks for drift. reference,
    current: arrays with n and m rows. p is (1 + draws at least as large) / (1 + draws) (Phipson
    and Smyth 2010): never 0, and below alpha in at most a share alpha of windows without a change.
    """
    seen = _value(statistic(np.asarray(reference), np.asarray(current)))
    found = _permuted(statistic, reference, current, draws, seed)
    return float((1 + (found >= seen - 1e-12 * abs(seen)).sum()) / (1 + len(found)))


def permutation_threshold(statistic, reference, current, rate=0.05, draws=999, seed=0):
    """The value to exceed for an alarm in at most a share `rate` of windows without a change.

    As `permutation_p`: an alarm is statistic > threshold. Raises KitError "few-draws" if the
    draws cannot tell a rate as small.
    """
    quantity("rate", rate, "fraction")
    return _upper(_permuted(statistic, reference, current, draws, seed), rate)


def adjusted(p_values, method="bh"):
    """p-values corrected for their number, in the same order: float64[k], NaN stays NaN.

    "bonferroni": times k. "holm": the same protection, never weaker (Holm 1979). Both bound the
    chance of one false alarm or more. "bh": bounds the expected share of false ones among the
    alarms, for independent or positively dependent columns (Benjamini and Hochberg 1995).
    "none": as they are. NaN or None: no test was made, it does not count.
    """
    if method not in METHODS:
        raise KitError("no such method", found=method, allowed=", ".join(METHODS), code="method")
    p = np.array(p_values, float).ravel()
    tested = np.flatnonzero(~np.isnan(p))
    quantity("p_values", p[tested], "share")
    order = tested[np.argsort(p[tested])]
    k, rank = len(order), np.arange(1, len(order) + 1)
    found = p.copy()
    if method == "bh":
        found[order] = np.minimum.accumulate((p[order] * k / rank)[::-1])[::-1]
    elif method == "holm":
        found[order] = np.maximum.accumulate(p[order] * (k + 1 - rank))
    elif method == "bonferroni":
        found[order] = p[order] * k
    return np.minimum(found, 1)


def alarms(table, rate=0.05, method="bh", statistics=("ks", "chi-square"), least_effect=0.0):
    """The rows of `kit.drift.compare` with one test a column, p_adjusted and alarm added.

    rate: wanted rate of false alarms, of the kind that `method` bounds (see `adjusted`).
    statistics: rows to keep; two for one column would count it twice. least_effect: a change
    whose effect_size is smaller gives no alarm, however sure it is.
    Rows without a p-value stay, with p_adjusted and alarm null. A column that had values and has
    none gives alarm. Raises KitError "statistic", "missing-column".
    """
    import polars as pl

    statistics = [statistics] if isinstance(statistics, str) else list(statistics)
    _check_compared(table, statistics)
    rate = float(quantity("rate", rate, "fraction"))
    kept = table.filter(pl.col("statistic").is_in(statistics))
    p = adjusted(kept["p_value"].fill_null(math.nan).to_numpy(), method)
    p = pl.Series("p_adjusted", p).fill_nan(None)
    large = pl.col("effect_size").abs() >= least_effect
    gone = (pl.col("n_current") == 0) & (pl.col("n_reference") > 0)
    found = pl.when(gone).then(True).otherwise((pl.col("p_adjusted") <= rate) & large)
    return kept.with_columns(p).with_columns(alarm=found)


def _check_compared(table, statistics):
    needed = {"statistic", "p_value", "effect_size", "n_current", "n_reference"}
    if missing := sorted(needed - set(getattr(table, "columns", ()))):
        raise KitError("this is no table of kit.drift.compare", found=f"without {missing[0]}",
                       allowed=", ".join(sorted(needed)), code="missing-column")  # fmt: skip
    known = table["statistic"].unique().to_list()
    if unknown := [s for s in statistics if s not in (*known, "ks", "chi-square")]:
        raise KitError("no such statistic in the table", found=unknown, code="statistic",
                       allowed=", ".join(sorted(known)))  # fmt: skip


@vectorised(rate="share", features="count")
def family_rate(rate, features):
    """Share of windows with a false alarm or more: 1 - (1 - rate)^features, independent columns.

    rate: of one column, 0 to 1. features: columns tested. Forty at 5 %: 0.87.
    """
    return -np.expm1(features * np.log1p(-np.minimum(rate, 1 - 1e-16)))


def sample_size(statistic, effect, rate=0.05, power=0.8, bins=10):
    """Fewest rows, in each of two windows, to find a change of `effect` with chance `power`.

    ks: effect is D; enough, by the normal law at the place of the largest gap, for the hardest
    change with this D, mass that crosses one point. A shift needs about half as many.
    psi, kl, js: effect is the true value, nats, over `bins` bins; chi-square: effect is Cramér's
    V of `bins` categories. These from the noncentral chi-square (Cohen 1988), for small changes.
    Raises KitError "statistic", "not-fraction", "not-several".
    """
    effect, rate = (float(quantity(k, v, "fraction"))
                    for k, v in (("effect", effect), ("rate", rate)))  # fmt: skip
    power = float(quantity("power", power, "fraction"))
    if not rate < power < 1:
        raise KitError("power is not possible", found=power, allowed=f"above the rate, {rate:g}, "
                       "and below 1", code="power")  # fmt: skip
    if statistic == "ks":
        reach = math.sqrt(2) * stats.kstwobign.isf(rate) + stats.norm.ppf(power) / math.sqrt(2)
        return math.ceil((reach / effect) ** 2)
    freedom = int(quantity("bins", bins, "several")) - 1
    need = _noncentrality(freedom, rate, power)
    per_row = 2 * effect**2 if statistic == "chi-square" else _k(statistic) * effect / 2
    return math.ceil(need / per_row)


def false_alarm_rate(detector, draw, windows=1000, seed=0, certainty=0.95):
    """Rate of a detector on windows without a change.

    detector: function of (reference, current) to True for an alarm. draw: function of a NumPy
    generator to (reference, current), both from one distribution. Every window has a generator
    of its own, spawned from `seed`. Raises KitError "not-count".
    """
    windows = int(quantity("windows", windows, "count"))
    rngs = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(windows))
    found = sum(bool(detector(*draw(rng))) for rng in rngs)
    low, high = wilson(found, windows, certainty)
    return Rate(found / windows, float(low), float(high), found, windows)


def _upper(values, rate):
    """The value that at most a share `rate` of windows exceeds, judged by these."""
    rate = float(quantity("rate", rate, "fraction"))
    spare = math.floor(rate * (len(values) + 1) + 1e-9)
    if spare < 1:
        raise KitError("too few draws for this rate", found=len(values), code="few-draws",
                       allowed=f"{math.ceil(1 / rate) - 1} or more")  # fmt: skip
    return float(np.sort(values)[max(len(values) - spare, 0)])


def _plug_in(statistic, p, q):
    """float64[draws]: psi, kl (of q from p) or js of shares float64[draws, bins], in nats."""
    if statistic == "js":
        mix = (p + q) / 2
        return (special.rel_entr(p, mix) + special.rel_entr(q, mix)).sum(1) / 2
    ratio = np.log(q / p)
    return ((q - p) * ratio if statistic == "psi" else q * ratio).sum(1)


def _permuted(statistic, reference, current, draws, seed):
    """float64[draws]: the statistic of windows dealt anew from the rows of both."""
    draws = int(quantity("draws", draws, "count"))
    rows, n = np.concatenate([reference, current]), len(reference)
    rng = np.random.default_rng(seed)
    found = np.empty(draws)
    for i in range(draws):
        rows = rng.permutation(rows)
        found[i] = _value(statistic(rows[:n], rows[n:]))
    return found


def _value(found):
    """The number that a statistic gave, be it a Found or a number."""
    return float(getattr(found, "value", found))


def _noncentrality(freedom, rate, power):
    from scipy.optimize import brentq

    critical = stats.chi2.isf(rate, freedom)
    return brentq(lambda x: stats.ncx2.sf(critical, freedom, x) - power, 1e-9, 1e4)


def _k(statistic):
    if statistic not in NULL:
        raise KitError("no such statistic", found=statistic, allowed=", ".join(STATISTICS),
                       code="statistic")  # fmt: skip
    return NULL[statistic]
