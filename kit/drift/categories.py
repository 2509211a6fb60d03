"""Statistics of categories: chi-square, new ones, the share that moved most.

Nulls are no category. Needs NumPy, SciPy and polars.
"""

from typing import NamedTuple

import numpy as np

from kit.drift.divergence import FEWEST, divergence
from kit.drift.inputs import Found, joined
from kit.errors import KitError
from kit.intervals import wilson

MOVE = 0.2  # relative change of a share that the chapter calls drift
ALL = ("chi-square", "psi", "kl", "js", "new categories", "share move")


class Counts(NamedTuple):
    """Rows of each category: names (str), int64 counts of both sides, nulls of both sides."""

    names: list
    reference: np.ndarray
    current: np.ndarray
    nulls: tuple


def chi_square(reference, current, certainty=0.95):
    """Found of Pearson's test that two columns of n and m categories have the same shares.

    value: chi-square, no correction for continuity. effect: Cramér's V (1946), 0 to 1, not
    corrected for its bias. low, high: V, from the noncentral chi-square turned around (Smithson
    2003). p: chi-square, None where a cell expects fewer than 5 rows (Cochran 1954).
    Raises KitError "empty".
    """
    return _chi_square(counted(reference, current), certainty)


def new_categories(reference, current, certainty=0.95):
    """Found: how many categories of `current` the reference does not have.

    effect: share of the current rows in them, with Wilson's interval (1927). No p: any row of a
    new category shows that the reference did not hold everything.
    """
    return _new(counted(reference, current), certainty)


def share_move(reference, current, limit=MOVE, certainty=0.95):
    """Found: the largest relative change of a share among the reference's categories.

    value: 0.25 for a share that went from 0.40 to 0.50, -1 for one that is gone. effect: change
    of that share, with Newcombe's interval (1998, method 10). p: z test of the two shares times
    the number of categories (Bonferroni), None where fewer than 5 rows are expected. note: the
    category, and whether it moved more than `limit`. A rare category moves that far by chance
    often: look at p as well.
    """
    return _move(counted(reference, current), limit, certainty)


def compare_counts(found, statistics=ALL, limit=MOVE, certainty=0.95):
    """dict of name -> Found for a Counts."""
    own = {
        "chi-square": lambda: _chi_square(found, certainty),
        "new categories": lambda: _new(found, certainty),
        "share move": lambda: _move(found, limit, certainty),
    }
    sides = found.reference, found.current
    return {
        name: own[name]() if name in own else divergence(name, *sides, certainty)
        for name in statistics
    }


def counted(reference, current):
    """Counts of two columns: arrays or polars Series of text, booleans, numbers; in name order.

    Numbers stand for themselves: 1 and 1.0 are one category. NaN is a null.
    """
    import polars as pl

    tables = [_value_counts(x) for x in (reference, current)]
    both = pl.concat([t.select("name") for t in tables], how="vertical_relaxed")
    both = both.drop_nulls().unique().sort("name")
    tables = [t.with_columns(t["name"].cast(both["name"].dtype)) for t in tables]
    sides = [both.join(t, on="name", how="left", maintain_order="left") for t in tables]
    p, q = (s["rows"].fill_null(0).to_numpy().astype(np.int64) for s in sides)
    nulls = tuple(int(t.filter(pl.col("name").is_null())["rows"].sum()) for t in tables)
    return Counts(both["name"].cast(pl.String).to_list(), p, q, nulls)


def difference(hits, trials, certainty=0.95):
    """(low, high) of share 1 less share 0, by Newcombe's hybrid score interval (1998)."""
    (low0, high0), (low1, high1) = (
        wilson(h, t, certainty) for h, t in zip(hits, trials, strict=True)
    )
    p0, p1 = (h / t for h, t in zip(hits, trials, strict=True))
    middle = p1 - p0
    return (float(middle - np.hypot(p1 - low1, high0 - p0)),
            float(middle + np.hypot(high1 - p1, p0 - low0)))  # fmt: skip


def _chi_square(found, certainty):
    table = _rows(found)
    total, k = table.sum(), table.shape[1]
    if k == 1:
        return Found(0.0, 0.0, note="one category: nothing to compare")
    value = pearson(table)
    whole, merged = pooled(table)
    few = whole is None
    ends = (np.sqrt(x / total) for x in _noncentral(value, k - 1, certainty))
    low, high = (float(min(x, 1.0)) for x in ends)
    from scipy.stats import chi2

    p = None if few else float(chi2.sf(pearson(whole), whole.shape[1] - 1))
    note = f"{merged} rare categories count as one for p" if merged else ""
    note = f"fewer than {FEWEST} rows expected in a cell: no p" if few else note
    return Found(value, float(np.sqrt(value / total)), low, high, p, note)


def pearson(table):
    """Pearson's chi-square (1900) of counts float64[2, k], no column of which is empty."""
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def pooled(table):
    """(table with its rarest categories as one, how many those are); (None, 0) if one is left.

    As many as it takes until FEWEST rows are expected everywhere. Chosen by the rows of both
    windows together, which say nothing about a change.
    """
    least = table.sum(1).min() / table.sum()
    order = np.argsort(table.sum(0), kind="stable")
    totals = table.sum(0)[order]
    if totals[0] * least >= FEWEST:
        return table, 0
    heap = np.cumsum(totals)
    for merged in range(2, len(order)):
        if heap[merged - 1] * least >= FEWEST and totals[merged] * least >= FEWEST:
            rare, rest = order[:merged], order[merged:]
            return np.column_stack([table[:, rare].sum(1), table[:, rest]]), merged
    return None, 0


def _noncentral(value, freedom, certainty):
    """(low, high) of the noncentrality of a chi-square that was found to be `value`."""
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    def solve(share):
        if chi2.cdf(value, freedom) <= share:
            return 0.0
        top = value + 20 + 20 * np.sqrt(value + freedom)
        return brentq(lambda x: ncx2.cdf(value, freedom, x) - share, 1e-12, top)

    tail = (1 - certainty) / 2
    return solve(1 - tail), solve(tail)


def _new(found, certainty):
    _rows(found)
    new = (found.reference == 0) & (found.current > 0)
    rows, total = int(found.current[new].sum()), int(found.current.sum())
    low, high = (float(x) for x in wilson(rows, total, certainty))
    names = [name for name, is_new in zip(found.names, new, strict=True) if is_new]
    note = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return Found(float(len(names)), rows / total, low, high, note=note)


def _move(found, limit, certainty):
    table = _rows(found)
    p, q = table[0] / table[0].sum(), table[1] / table[1].sum()
    known = np.flatnonzero(table[0])
    sure = known[table[:, known].sum(0) * table.sum(1).min() / table.sum() >= FEWEST]
    known = sure if len(sure) else known  # one row more or less doubles a rare share
    at = known[np.argmax(np.abs(q[known] / p[known] - 1))]
    trials = table.sum(1)
    low, high = difference(table[:, at], trials, certainty)
    value = float(q[at] / p[at] - 1)
    far = f"moved more than {limit:.0%}" if abs(value) > limit else f"no share beyond {limit:.0%}"
    note = f"{found.names[at]}: {p[at]:.1%} to {q[at]:.1%}, {far}"
    p_value = _z_test(table[:, at], trials)
    few = "fewer than 5 rows expected: no p" if p_value is None else ""
    p_value = None if few else min(1.0, p_value * len(known))
    return Found(value, float(q[at] - p[at]), low, high, p_value, joined(note, few))


def _z_test(hits, trials):
    """Two-sided p of the pooled z test; None with too few rows expected, 1 for no difference."""
    from scipy.stats import norm

    pooled = hits.sum() / trials.sum()
    gap = hits[1] / trials[1] - hits[0] / trials[0]
    if pooled == 1:
        return 1.0
    if min(pooled, 1 - pooled) * trials.min() < FEWEST:
        return None
    return float(2 * norm.sf(abs(gap) / np.sqrt(pooled * (1 - pooled) * (1 / trials).sum())))


def _rows(found):
    table = np.stack([found.reference, found.current]).astype(float)
    if not table.sum(1).all():
        raise KitError(
            "a window holds no values",
            found=f"{table[0].sum():.0f} and {table[1].sum():.0f} rows that are not null",
            allowed="one value or more",
            code="empty",
        )
    return table


def _listed(values):
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _value_counts(values):
    import polars as pl

    try:
        column = values if isinstance(values, pl.Series) else pl.Series(_listed(values))
    except (TypeError, pl.exceptions.PolarsError) as cause:
        raise KitError("the column mixes types", found=str(cause), code="type",
                       allowed="text, booleans or numbers, and nulls") from cause  # fmt: skip
    if column.dtype.is_float():
        column = column.fill_nan(None)
    elif not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
        column = column.cast(pl.String)
    return column.rename("name").value_counts(name="rows")
