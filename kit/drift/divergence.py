"""PSI, Kullback-Leibler and Jensen-Shannon of two lists of counts, with the bias taken off.

With s = 1/n + 1/m and B bins, k D / s is chi-square with B - 1 degrees of freedom where nothing
has changed: k = 1 for PSI, 2 for KL, 8 for JS (second-order expansion; Yurdakul 2018 for PSI).
So the plug-in value is (B - 1) s / k too high on average, the Miller-Madow term (Miller 1955).
With a change the bias differs a little; it is then small beside the value. Units: nats.

Zero counts: if a bin that one side has is empty on the other, PSI and KL add half a row to every
bin of both sides (Krichevsky and Trofimov 1981). JS needs no such rule. Bins empty on both sides
are left out. Needs NumPy and SciPy.
"""

import numpy as np
from scipy import special, stats

from kit.drift.inputs import Found, joined
from kit.errors import KitError

NULL = {"psi": 1, "kl": 2, "js": 8}  # the k above
FEWEST = 5  # rows expected in each bin, for a p after chi-square (Cochran 1954)


def bias(name, n, m, bins):
    """Mean of the plug-in value on unchanged data, nats: (bins - 1)(1/n + 1/m) / k."""
    return (bins - 1) * (1 / n + 1 / m) / NULL[name]


def divergence(name, reference, current, certainty=0.95):
    """Found of "psi", "kl" or "js" for counts int[B] of a reference and a current window.

    value: plug-in. effect: value less its bias, not below 0. low, high: normal interval of the
    effect, variance by the delta method, at least that of the chi-square without a change; near
    0 it holds the truth more often than it says.
    kl is that of the current window from the reference. Raises KitError "shape" or "empty".
    """
    p, q = _counts(reference, current)
    n, m, bins = int(p.sum()), int(q.sum()), len(p)
    few = np.min((p + q) / (n + m)) * min(n, m) < FEWEST
    notes = ["half a row added to every bin"] * bool(name != "js" and (p * q == 0).any())
    notes += [f"fewer than {FEWEST} rows expected in a bin: no p"] * bool(few)
    if bins == 1:
        return Found(0.0, 0.0, note="one bin: nothing to compare")
    value, slope_p, slope_q, p, q = _FORMS[name](*_shares(p, q, name != "js"))
    scale = (1 / n + 1 / m) / NULL[name]
    variance = _variance(slope_p, p) / n + _variance(slope_q, q) / m
    variance = max(variance, 2 * (bins - 1) * scale**2)  # windows equal by luck are not certain
    half = stats.norm.ppf(0.5 + certainty / 2) * np.sqrt(variance)
    middle = value - (bins - 1) * scale
    p_value = None if few else float(stats.chi2.sf(value / scale, bins - 1))
    effect, low = max(float(middle), 0.0), max(float(middle - half), 0.0)
    return Found(float(value), effect, low, effect + float(half), p_value, joined(*notes))


def plug_in(name, reference, current):
    """The value of `divergence` alone, as float: for those who need many."""
    p, q = _counts(reference, current)
    return float(_FORMS[name](*_shares(p, q, name != "js"))[0])


def _psi(p, q):
    with np.errstate(all="ignore"):
        ratio = np.log(q / p)
        return ((q - p) * ratio).sum(), 1 - q / p - ratio, 1 - p / q + ratio, p, q


def _kl(p, q):
    ratio = np.log(q / p)
    return (q * ratio).sum(), -q / p, ratio + 1, p, q


def _js(p, q):
    mix = (p + q) / 2
    value = (special.rel_entr(p, mix) + special.rel_entr(q, mix)).sum() / 2
    slopes = (np.log(np.where(x > 0, x, mix) / mix) / 2 for x in (p, q))
    return value, *slopes, p, q


_FORMS = {"psi": _psi, "kl": _kl, "js": _js}


def _variance(slope, shares):
    return (shares * slope**2).sum() - (shares * slope).sum() ** 2


def _shares(p, q, fill):
    if fill and (p * q == 0).any():
        p, q = p + 0.5, q + 0.5
    return p / p.sum(), q / q.sum()


def _counts(reference, current):
    p, q = np.asarray(reference, float), np.asarray(current, float)
    if p.shape != q.shape or p.ndim != 1:
        raise KitError("counts do not go together", found=f"{p.shape}, {q.shape}",
                       allowed="as many bins on both sides", code="shape")  # fmt: skip
    if not p.sum() or not q.sum():
        raise KitError("a window holds no values", found=f"{p.sum():.0f} and {q.sum():.0f} rows",
                       allowed="one value or more", code="empty")  # fmt: skip
    used = p + q > 0
    return p[used], q[used]
