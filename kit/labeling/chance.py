"""Chance agreement in closed form, and the paradox that it brings into kappa. Needs NumPy."""

import numpy as np

from kit.errors import KitError
from kit.quantities import vectorised


def chance_agreement(shares_a, shares_b):
    """Share of items, 0 to 1, on which two raters agree if each labels at random.

    shares_a, shares_b: float[..., k], how often each rater says each of k labels, adding up to 1
    within 0.001; a single number p stands for two labels, p and 1 - p. Two raters who both say
    "not spam" 90 % of the time agree on 0.9 x 0.9 + 0.1 x 0.1 = 82 % (Cohen 1960).
    Raises KitError "not-share" or "shape".
    """
    a, b = _shares(shares_a, "shares_a"), _shares(shares_b, "shares_b")
    if a.shape[-1] != b.shape[-1]:
        raise KitError("the raters have different numbers of labels",
                       found=f"{a.shape[-1]} and {b.shape[-1]}", allowed="the same labels",
                       remedy="a label never said has a share of 0", code="shape")  # fmt: skip
    chance = (a * b).sum(-1)
    return float(chance) if np.ndim(chance) == 0 else chance


@vectorised(prevalence="share", agreement="share")
def kappa_at(prevalence, agreement):
    """Cohen's kappa of two raters who agree on a share of items and say "yes" equally often.

    prevalence: share of "yes", 0 to 1, of both. agreement: observed, 0 to 1. Shows the paradox of
    Feinstein and Cicchetti (1990): the rarer one label, the lower kappa at the same agreement.
    Raises KitError "not-possible" where the shares leave no such agreement, or no chance to err.
    """
    chance = prevalence**2 + (1 - prevalence) ** 2
    _possible(prevalence, agreement)
    return (agreement - chance) / (1 - chance)


@vectorised(prevalence="share", agreement="share")
def ac1_at(prevalence, agreement):
    """Gwet's AC1 (2008) at the same arguments as kappa_at: it hardly falls."""
    chance = 2 * prevalence * (1 - prevalence)
    _possible(prevalence, agreement)
    return (agreement - chance) / (1 - chance)


def _possible(prevalence, agreement):
    rare = np.minimum(prevalence, 1 - prevalence)
    # each disagreement takes a "yes" of one rater and a "no" of the other
    bad = (1 - agreement) / 2 > rare + 1e-12
    bad = bad | (rare == 0)
    if bad.any():
        p, q = (np.broadcast_to(x, bad.shape)[bad][0] for x in (prevalence, agreement))
        raise KitError("no two raters can have this prevalence and agreement",
                       found=f"prevalence {p:g}, agreement {q:g}",
                       allowed="a prevalence of (1 - agreement) / 2 or more on both sides, not 0",
                       code="not-possible")  # fmt: skip


def _shares(values, name):
    p = np.asarray(values, float)
    p = np.stack([p, 1 - p], -1) if p.ndim == 0 else p
    if not ((p >= 0) & (p <= 1)).all() or np.abs(p.sum(-1) - 1).max(initial=0) > 1e-3:
        raise KitError(f"{name} are no shares of 1", found=values, code="not-share",
                       allowed="0 to 1, adding up to 1")  # fmt: skip
    return p
