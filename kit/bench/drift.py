"""How fast two windows are compared: K-S, PSI, KL, JS and Wasserstein, ours against SciPy's."""

import functools
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kit.drift import compare
from kit.drift.numeric import FIVE
from kit.measure.machine import usable_cores

LOOP = "SciPy, one column after the other"
_FEW = 8  # columns for the loops: a column costs them the same whatever the others are
_STEADY = 1.5  # most that the rounds of one may differ
_BINS = 10


def drift(columns=50, rows=1_000_000, rounds=3, seed=0):
    """Time the five statistics for `columns` columns of float64 in two windows of `rows` rows.

    dict with rows, columns, rows_each, rounds, loop_columns, cores. A round gives everyone a turn,
    so that a busy moment of the machine hits all. The loops get the first 8 columns and tell
    their rate on those. Nothing drifts: small p-values cost SciPy more.

    Rows: name, threads, columns_per_s (median of the rounds), low, high (10-90 %), ratio_to_loop
    (median over the rounds, to the loop in one thread), ratio_low, ratio_high (10-90 %),
    largest_gap (of the five values, to that loop; relative, or absolute below 1).
    """
    windows = _windows(columns, rows, seed)
    few = min(columns, _FEW)
    cores = usable_cores()
    runs = {
        ("kit", cores): (columns, functools.partial(ours, *windows, cores)),
        ("kit", 1): (columns, functools.partial(ours, *windows, 1)),
        (LOOP, 1): (few, functools.partial(loop, *windows, few, 1)),
        (LOOP, cores): (few, functools.partial(loop, *windows, few, cores)),
    }
    ours(*({"0": w["0"]} for w in windows), 1)  # compile, import, first pages of memory
    rates, values = {who: [] for who in runs}, {}
    for _ in range(rounds):
        for who, (count, run) in runs.items():
            start = time.perf_counter()
            values[who] = run()
            rates[who].append(count / (time.perf_counter() - start))
    found = [_row(who, rates, values, few) for who in runs]
    return {"rows": found, "columns": columns, "rows_each": rows, "rounds": rounds,
            "loop_columns": few, "cores": cores}  # fmt: skip


def ours(reference, current, threads):
    """float64[columns, 5]: the five values by kit.drift.compare, intervals and p included."""
    table = compare(reference, current, statistics=FIVE, bins=_BINS, workers=threads)
    return table["value"].to_numpy().reshape(-1, len(FIVE))


def loop(reference, current, columns, threads):
    """float64[columns, 5]: the five values as one would write them with SciPy and NumPy."""
    pairs = [(reference[str(i)], current[str(i)]) for i in range(columns)]
    if threads == 1:
        return np.array([_by_scipy(*pair) for pair in pairs])
    with ThreadPoolExecutor(threads) as pool:
        return np.array(list(pool.map(lambda pair: _by_scipy(*pair), pairs)))


def as_text(found):
    """The table of `kit bench drift` for a terminal."""
    lines = [
        f"{r['name']}, {r['threads']} threads: {r['columns_per_s']:,.1f} columns/s "
        f"({r['low']:,.1f} to {r['high']:,.1f}), {r['ratio_to_loop']:.1f} x the loop "
        f"({r['ratio_low']:.1f} to {r['ratio_high']:.1f}), gap {r['largest_gap']:.0e}"
        for r in found["rows"]
    ]
    lines += [f"{found['columns']} columns, {found['rows_each']:,} rows in each window"]
    unsteady = any(r["high"] > _STEADY * r["low"] for r in found["rows"])
    lines += ["the machine was busy: run it again before you quote a figure"] * unsteady
    return "\n".join(lines)


def _windows(columns, rows, seed):
    """Two dicts of name -> float64[rows], from one distribution."""
    rng = np.random.default_rng(seed)
    return [{str(i): rng.standard_normal(rows) for i in range(columns)} for _ in range(2)]


def _by_scipy(a, b):
    from scipy import stats
    from scipy.spatial.distance import jensenshannon

    edges = np.quantile(a, np.linspace(0, 1, _BINS + 1))
    edges[0], edges[-1] = -np.inf, np.inf
    p, q = (np.histogram(x, edges)[0] / len(x) for x in (a, b))
    psi = ((q - p) * np.log(q / p)).sum()
    return (stats.ks_2samp(a, b).statistic, psi, stats.entropy(q, p), jensenshannon(p, q) ** 2,
            stats.wasserstein_distance(a, b))  # fmt: skip


def _row(who, rates, values, few):
    low, middle, high = (float(x) for x in np.percentile(rates[who], [10, 50, 90]))
    ratios = np.array(rates[who]) / np.array(rates[LOOP, 1])
    ratio_low, ratio, ratio_high = (float(x) for x in np.percentile(ratios, [10, 50, 90]))
    wanted = values[LOOP, 1]
    gap = np.abs(values[who][:few] - wanted) / np.maximum(np.abs(wanted), 1)
    return {"name": who[0], "threads": who[1], "columns_per_s": middle, "low": low, "high": high,
            "ratio_to_loop": ratio, "ratio_low": ratio_low, "ratio_high": ratio_high,
            "largest_gap": float(gap.max())}  # fmt: skip
