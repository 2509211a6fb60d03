"""Who can be trusted: accuracy, kappa against the truth as estimated, and a word. Needs polars."""

import numpy as np

from kit.drift.inputs import joined
from kit.labeling.votes import accuracy

CERTAINTY = 0.99  # of the interval that decides: one honest rater in 200 is called an adversary
SLIGHT = 0.1  # kappa of a spammer is below
MODERATE = 0.4  # and surely below this, where "moderate" begins (Landis and Koch 1977)


def standing(r, counts, prior, gold):
    """polars table: rater, accuracy, kappa, ratings, kind, note; one row a rater.

    counts: float64[raters, true, said], expected. gold: int64[items], -1 for none.

    accuracy: share right, 0 to 1, with the imagined ratings of the prior. kappa: of the rater
    against the estimated truth, chance agreement taken off, so that always saying the frequent
    label earns 0. kind: "adversary" if kappa is surely below 0; "spammer" if it is below SLIGHT
    and surely below MODERATE: constant or random labels; else "ok". Null, with a note, where
    nothing can be said.
    """
    import polars as pl

    votes, n = (np.bincount(r.rater, x, len(r.raters)).astype(int)
                for x in (None, (r.each > 1)[r.item] | (gold >= 0)[r.item]))  # fmt: skip
    kappa, low, high = (np.where(n > 0, x, np.nan) for x in _kappa(counts))
    told = np.isfinite(kappa)
    with np.errstate(invalid="ignore"):
        adversary = told & (high < 0)
        spammer = told & ~adversary & (kappa < SLIGHT) & (high < MODERATE)
        unsure = told & ~adversary & ~spammer & (low < 0)
    notes = [
        joined(
            "no ratings" if not v else "nobody else rated its items" if not m else "",
            "one label only: kappa is not defined" if m and not t else "",
            "too few ratings to tell it from a spammer" if u else "",
        )
        for v, m, t, u in zip(votes, n, told, unsure, strict=True)
    ]
    return pl.DataFrame({
        "rater": r.raters,
        "accuracy": pl.Series(accuracy(counts, prior)).set(pl.Series(n == 0), None),
        "kappa": pl.Series(kappa).fill_nan(None), "ratings": votes,
        "kind": np.select([adversary, spammer], ["adversary", "spammer"], "ok"), "note": notes,
    })  # fmt: skip


def _kappa(counts):
    """(kappa, low, high), float64[raters]; NaN where chance alone is always right.

    The interval is that of the share right (Agresti and Coull 1998), chance agreement held fixed.
    """
    from scipy.stats import norm

    z = norm.ppf(0.5 + CERTAINTY / 2)
    n = counts.sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        right = np.trace(counts, axis1=1, axis2=2)
        chance = (counts.sum(1) * counts.sum(2)).sum(1) / n**2
        middle = (right + z**2 / 2) / (n + z**2)
        half = z * np.sqrt(middle * (1 - middle) / (n + z**2))
        spare = np.where(chance < 1 - 1e-9, 1 - chance, np.nan)
        return tuple((x - chance) / spare for x in (right / n, middle - half, middle + half))
