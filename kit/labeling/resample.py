"""Bootstrap over items by patterns: items rated alike are counted, not drawn one by one.

Needs NumPy.
"""

import numpy as np

from kit.drift.inputs import Found, joined
from kit.errors import KitError

BLOCK = 2**22  # cells (draws x patterns) at a time: 32 MiB of float64
FEW = 30  # items; below, percentile intervals are too narrow


def patterns(rows):
    """(the distinct rows, int64 how often each occurs) of int[n, k]."""
    if rows.shape[1] == 1:
        found, times = np.unique(rows[:, 0], return_counts=True)
        return found[:, None], times
    order = np.lexsort(rows.T)
    new = np.concatenate([[True], (np.diff(rows[order], axis=0) != 0).any(1)])
    first = np.flatnonzero(new)
    return rows[order[first]], np.diff(np.append(first, len(rows)))


def resampled(times, draws, seed):
    """Yield float64[some draws, P]: how often each pattern comes when the items are drawn anew.

    times: int[P], how many items have each pattern. Equal seeds give equal draws.
    """
    rng, items = np.random.default_rng(seed), int(times.sum())
    step = max(1, BLOCK // len(times))
    last = np.cumsum(times)
    owner = None if len(times) * 8 < items else np.searchsorted(last, np.arange(items), "right")
    for start in range(0, draws, step):
        n = min(step, draws - start)
        if owner is None:  # few patterns: one multinomial draw each
            yield rng.multinomial(items, times / items, size=n).astype(float)
            continue
        block = np.empty((n, len(times)))
        for row in block:  # many: drawing items one by one is cheaper
            row[:] = np.bincount(owner[rng.integers(0, items, items)], minlength=len(times))
        yield block


def estimates(statistics, times, draws=1000, seed=0, certainty=0.95):
    """dict of name -> Found, or KitError where a statistic is not defined.

    statistics: name -> function of float64[d, P] (how often each pattern occurs) to float64[d],
    NaN where chance alone would always agree. low, high: percentile bootstrap (Efron 1979) over
    items; None for one item.
    """
    if not 0 < certainty < 1:
        raise KitError("certainty is not possible", found=certainty, code="not-fraction",
                       allowed="above 0 and below 1, such as 0.95")  # fmt: skip
    if draws < 0 or draws != int(draws):
        raise KitError("draws is not possible", found=draws, allowed="0 (no interval) or more",
                       code="not-count")  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {name: f(times[None].astype(float))[0] for name, f in statistics.items()}
        live = [name for name in values if np.isfinite(values[name])]
        drawn = {name: [] for name in live}
        items = int(times.sum())
        for weights in resampled(times, draws if items > 1 else 0, seed) if live else ():
            for name in live:
                drawn[name].append(statistics[name](weights))
    return {name: _found(values[name], drawn.get(name), items, certainty) for name in values}


def _found(value, drawn, items, certainty):
    if not np.isfinite(value):
        return KitError("not defined: one label only, so chance alone always agrees",
                        allowed="two labels or more", code="one-category",
                        remedy="look at the raw agreement")  # fmt: skip
    value = float(value)
    if not drawn:
        return Found(value, value, note="one item: no interval" if items == 1 else "no interval")
    drawn = np.concatenate(drawn)
    good = drawn[np.isfinite(drawn)]
    if not len(good):
        return Found(value, value, note="no interval: not defined in any draw")
    low, high = np.quantile(good, [0.5 - certainty / 2, 0.5 + certainty / 2])
    note = joined(
        f"only {items} items: the interval is rough" if items < FEW else "",
        f"not defined in {len(drawn) - len(good)} of {len(drawn)} draws, left out"
        if len(good) < len(drawn) else "",
        "all draws alike: the interval cannot show what was never seen" if low == high else "",
    )  # fmt: skip
    return Found(value, value, float(low), float(high), None, note)
