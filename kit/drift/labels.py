"""Statistics of labels: how sure a model is, and how far two raters agree beyond chance.

Needs NumPy and SciPy.
"""

import numpy as np

from kit.drift.inputs import Found
from kit.errors import KitError

BANDS = ((0.8, "almost perfect"), (0.6, "substantial"), (0.4, "moderate"), (0.2, "fair"),
          (0.0, "slight"))  # fmt: skip


def confidence_entropy(confidences, certainty=0.95):
    """Found of the mean Shannon entropy (1948) of n label confidences, in bits.

    confidences: float[n, k], each row adding up to 1 within 0.001, or float[n], those of "yes".
    effect: entropy over its maximum, log2(k): 0 is sure, 1 is a guess. low, high: Student's
    interval of the effect; None for one row.
    Raises KitError "not-share", "shape" or "empty".
    """
    from scipy.special import entr
    from scipy.stats import t

    p = _confidences(confidences)
    n, k = p.shape
    bits = entr(p).sum(1) / np.log(2)
    value, most = float(bits.mean()), np.log2(k)
    if n == 1:
        return Found(value, value / most, note="one row: no interval")
    half = t.ppf(0.5 + certainty / 2, n - 1) * bits.std(ddof=1) / np.sqrt(n)
    low, high = (float(np.clip(x / most, 0, 1)) for x in (value - half, value + half))
    return Found(value, value / most, low, high)


def kappa(first, second, certainty=0.95):
    """Found of Cohen's kappa (1960) of two raters who each gave n labels.

    value and effect: kappa, at most 1. low, high: normal interval with the standard error of
    Fleiss, Cohen and Everitt (1969). note: the word of Landis and Koch (1977).
    Raises KitError "shape", "empty", or "one-category" where both always said the same label.
    """
    from scipy.stats import norm

    table = _agreement(first, second)
    n = table.sum()
    share = table / n
    rows, columns = share.sum(1), share.sum(0)
    chance = float(rows @ columns)
    if chance == 1:
        raise KitError("kappa is not defined: both raters gave one label only",
                       allowed="two labels or more", code="one-category")  # fmt: skip
    value = float((np.trace(share) - chance) / (1 - chance))
    same = (np.diag(share) * (1 - (rows + columns) * (1 - value)) ** 2).sum()
    crossed = share * (columns[:, None] + rows[None, :]) ** 2
    other = (1 - value) ** 2 * (crossed.sum() - np.trace(crossed))
    spare = (value - chance * (1 - value)) ** 2
    error = np.sqrt(max(same + other - spare, 0) / n) / (1 - chance)
    half = float(norm.ppf(0.5 + certainty / 2) * error)
    word = next((w for least, w in BANDS if value > least), "poor")
    return Found(value, value, max(value - half, -1.0), min(value + half, 1.0), None,
                 f"{word} (Landis and Koch 1977)")  # fmt: skip


def _confidences(values):
    p = np.asarray(values, float)
    p = np.stack([p, 1 - p], 1) if p.ndim == 1 else p
    if p.ndim != 2 or p.shape[1] < 2:
        raise KitError("confidences have no shape that fits", found=p.shape,
                       allowed="(n, k) with k of 2 or more, or (n,)", code="shape")  # fmt: skip
    if not len(p):
        raise KitError("there are no confidences", allowed="one row or more", code="empty")
    if not ((p >= 0) & (p <= 1)).all() or np.abs(p.sum(1) - 1).max() > 1e-3:
        raise KitError("confidences are no shares of 1", code="not-share", found=p[0].tolist(),
                       allowed="0 to 1, each row adding up to 1")  # fmt: skip
    return p


def _agreement(first, second):
    """float[k, k]: how often the raters gave each pair of labels."""
    first, second = (list(x) for x in (first, second))
    if len(first) != len(second):
        raise KitError(
            "the raters gave different numbers of labels",
            found=f"{len(first)} and {len(second)}",
            allowed="one each an item",
            code="shape",
        )
    if not first or any(x is None or x != x for x in (*first, *second)):
        raise KitError("a label is missing", allowed="a label of both raters for every item",
                       remedy="leave out items that one did not label", code="empty")  # fmt: skip
    names = {name: i for i, name in enumerate(dict.fromkeys([*first, *second]))}
    table = np.zeros((len(names), len(names)))
    np.add.at(table, ([names[x] for x in first], [names[x] for x in second]), 1)
    return table
