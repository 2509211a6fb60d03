"""Throughput: minutes without events, ten minutes with too few, and whether chance explains it.

The baseline is one rate for all hours, and events come by chance (Poisson): a stream with days
and nights is judged wrongly by it, and needs baseline=False. Needs NumPy and SciPy.
"""

import numpy as np
from scipy import special

from kit.drift.inputs import plain
from kit.drift.watch.measures import Measure
from kit.intervals import wilson

FEWEST = 30  # rows of a batch that can say that most of it expired


def throughput(minutes, own, baseline, rules, rate):
    """(Measure "zero throughput", Measure "throughput") of a base window.

    minutes: int64[k], events of each minute, the last `own` of which are the window; those before
    let a run that began earlier be seen. baseline: events a second, None if unknown: then five
    empty minutes are a warning without a rate, and low throughput is not judged.
    """
    long = max(_longest(minutes, own), 0) * 60
    p = None if baseline is None else min(1.0, baseline * own * 60 * np.exp(-baseline * long))
    zero = _measure("zero throughput", minutes[-own:].sum(), long, rules.zero_s,
                    long >= rules.zero_s, p, rate, _gap(p), "value: longest gap, s")  # fmt: skip
    wide = max(int(rules.low_s // 60), 1)
    if baseline is None or len(minutes) < wide:
        low = Measure("", "events", "throughput", int(minutes[-own:].sum()), status="no reference")
        return zero, low
    sums = np.convolve(minutes, np.ones(wide, np.int64), "valid")[-own:]
    least, wanted = int(sums.min()), baseline * wide * 60
    p = min(1.0, len(sums) * float(special.pdtr(least, wanted)))
    return zero, _measure("throughput", minutes[-own:].sum(), least / wanted, rules.low_share,
                          least < rules.low_share * wanted, p, rate, "degraded",
                          f"value: share of the baseline, worst {wide} minutes")  # fmt: skip


def silence(age_s, base_s, baseline, rules, rate):
    """Measure "zero throughput" for the time, s, since the newest event."""
    p = None if baseline is None else min(1.0, baseline * base_s * np.exp(-baseline * age_s))
    return _measure("zero throughput", 0, age_s, rules.zero_s, age_s >= rules.zero_s, p, rate,
                    _gap(p), "value: age of the newest event, s")  # fmt: skip


def expired(lost, n):
    """Measure "expired": share of the n rows of a batch that came too late for any window."""
    low, high = wilson(int(lost), int(n))
    alarm = lost > n / 2
    return Measure("", "events", "expired", int(n), lost / n, lost / n, float(low), float(high),
                   threshold=0.5, status="alarm" if alarm else "ok",
                   severity="critical" if alarm else None)  # fmt: skip


def _gap(p):
    """Severity of a gap: without a baseline nobody knows whether chance explains it."""
    return "warning" if p is None else "critical"


def _measure(statistic, rows, value, limit, far, p, rate, severity, note):
    alarm = bool(far and (p is None or p <= rate))
    return Measure("", "events", statistic, int(rows), plain(value), plain(value), p=plain(p),
                   threshold=limit, status="alarm" if alarm else "ok",
                   severity=severity if alarm else None, note=note)  # fmt: skip


def _longest(minutes, own):
    """Longest run of empty minutes that ends among the last `own`."""
    run, longest = 0, 0
    for at, count in enumerate(minutes.tolist()):
        run = 0 if count else run + 1
        longest = max(longest, run if at >= len(minutes) - own else 0)
    return longest
