"""What a monitor finds in one closed window: each statistic against its reference and its rate.

Tails at rates of 1 in 100 000 must be right, so shares are tested by exact binomial tails, and
categories by the likelihood-ratio chi-square with the correction of Williams (1976): Pearson's
has far too many alarms there. Rows are taken as independent. Needs NumPy and SciPy.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from kit.drift.categories import difference, pearson
from kit.drift.divergence import divergence
from kit.drift.inputs import plain
from kit.drift.labels import kappa
from kit.errors import KitError
from kit.intervals import wilson


class Measure(NamedTuple):
    """One statistic of one column in one window. None where a number would say nothing.

    status: "ok", "alarm", "too few rows", "no reference", "no threshold". p: chance of as much
    if nothing has changed. threshold: what |value| or value must pass. severity: of an alarm.
    """

    column: str
    role: str
    statistic: str
    rows: int
    value: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    threshold: float | None = None
    status: str = "ok"
    severity: str | None = None
    note: str = ""


class Bench(NamedTuple):
    """What every test needs: rules, rate of a test, and vectors of reference and window."""

    rules: object
    rate: float
    before: np.ndarray
    now: np.ndarray
    sums_before: np.ndarray
    sums: np.ndarray


def measured(layout, bench):
    """list of Measure of a window that was merged, all parts of a Layout."""
    return [m for part in layout.parts for m in _OF[part.kind](part, bench, layout)]


def _judged(part, statistic, rows, bench, far=True, severity="degraded", threshold=None, **found):
    """A Measure with its status: an alarm is far enough, and beyond chance."""
    numbers = {k: plain(found.get(k)) for k in ("value", "effect", "low", "high", "p")}
    alarm = bool(far) and numbers["p"] is not None and numbers["p"] <= bench.rate
    return Measure(part.column, part.role, statistic, int(rows), **numbers,
                   threshold=plain(threshold), status="alarm" if alarm else "ok",
                   severity=severity if alarm else None, note=found.get("note", ""))  # fmt: skip


def _nothing(part, statistic, rows, status="too few rows", note=""):
    return Measure(part.column, part.role, statistic, int(rows), status=status, note=note)


def _number(part, bench, layout):
    a, b = part.of(bench.before), part.of(bench.now)
    n = b[:-2].sum()
    yield _nulls(part, bench, a[-2], a.sum(), b[-2:].sum(), b.sum(), b[-1])
    if n < bench.rules.least_rows:
        yield from (_nothing(part, s, n) for s in ("ks", "mean"))
        return
    yield _ks(part, bench, a[:-2], b[:-2])
    if not part.sd:
        yield _nothing(part, "mean", n, "no reference", "the reference is constant")
        return
    (shift, half), m = _mean(bench.sums[layout.summed.index(part)], n), a[:-2].sum()
    p = 2 * special.ndtr(-abs(shift) / np.sqrt(1 / n + 1 / m))
    yield _judged(part, "mean", n, bench, abs(shift) > bench.rules.mean_sigma, p=p, effect=shift,
                  value=part.mean + shift * part.sd, low=shift - half, high=shift + half,
                  threshold=bench.rules.mean_sigma)  # fmt: skip


def _mean(sums, n):
    """(mean, half of its 95 % interval) of n values from their sum and sum of squares."""
    mean = sums[0] / n
    spread = np.sqrt(max(sums[1] / n - mean**2, 0) / max(n - 1, 1))
    return mean, special.ndtri(0.975) * spread


def _ks(part, bench, a, b):
    """K-S at the edges of the sketch: at most the gap of the full columns, so never too many."""
    m, n = a.sum(), b.sum()
    value = float(np.abs(np.cumsum(a) / m - np.cumsum(b) / n).max())
    scale = np.sqrt(1 / n + 1 / m)
    half = sum(np.sqrt(np.log(4 / 0.05) / (2 * k)) for k in (n, m))
    least = max(special.kolmogi(bench.rate) * scale, bench.rules.least_gap)
    psi = _psi(a, b)
    return _judged(part, "ks", n, bench, value >= bench.rules.least_gap, bench.rules.severity(psi),
                   least, value=value, effect=value, low=max(value - half, 0),
                   high=min(value + half, 1), p=special.kolmogorov(value / scale),
                   note=f"PSI {psi:.3f}")  # fmt: skip


def _psi(a, b):
    """PSI over ten groups of bins with about as many rows of the reference, bias taken off."""
    middle = (np.cumsum(a) - a / 2) / a.sum()
    group = np.minimum((middle * 10).astype(int), 9)
    return divergence("psi", *(np.bincount(group, x, 10) for x in (a, b))).effect


def _category(part, bench, layout):
    a, b = part.of(bench.before)[:-1].astype(float), part.of(bench.now)[:-1].astype(float)
    n, m = b.sum(), a.sum()
    lost = part.of(bench.before)[-1], part.of(bench.now)[-1]
    yield _nulls(part, bench, lost[0], m + lost[0], lost[1], n + lost[1])
    if n < bench.rules.least_rows:
        yield from (_nothing(part, s, n) for s in ("chi-square", "share move", "new categories"))
        return
    yield _chi_square(part, bench, a, b)
    yield _move(part, bench, a[:-1], b[:-1], m, n)
    once = ((a == 1).sum() + 1) / (m + 1)  # share of rows of kinds not yet seen (Good 1953)
    low, high = _wilson(b[-1], n)
    yield _judged(part, "new categories", n, bench, b[-1] > 0, "warning", 0, value=b[-1],
                  effect=b[-1] / n, low=low, high=high,
                  p=_tail(b[-1], n, min(once, 1.0)))  # fmt: skip


def _chi_square(part, bench, a, b):
    table = _pooled(a, b)
    n, moved = b.sum(), np.abs(a / a.sum() - b / b.sum()).sum() / 2
    if table.shape[1] < 2:
        one = "one category" if (a + b > 0).sum() == 1 else "few rows in all but one category"
        return _nothing(part, "chi-square", n, "no reference", one)
    value = float(_g(table, table.sum(1)))
    v = np.sqrt(pearson(table) / table.sum())
    psi = divergence("psi", *table).effect
    k = table.shape[1] - 1
    return _judged(part, "chi-square", n, bench, moved >= bench.rules.least_gap,
                   bench.rules.severity(psi), special.chdtri(k, bench.rate), value=value, effect=v,
                   p=special.chdtrc(k, value), note=f"PSI {psi:.3f}")  # fmt: skip


def _pooled(a, b):
    """float[2, k]: categories with fewer than 5 rows expected, by the reference, as one.

    Not `categories.pooled`: a window that is tested again and again keeps its columns.
    """
    total = a.sum() + b.sum()
    few = a * min(a.sum(), b.sum()) / total < 5
    table = np.stack([a, b])
    order = np.argsort(a, kind="stable")  # small ones first; new ones are among them
    few = few[order]
    table = table[:, order]
    rest = table[:, few].sum(1)
    table = table[:, ~few]
    if rest[0] * min(a.sum(), b.sum()) / total < 5 and table.shape[1]:
        rest, table = rest + table[:, 0], table[:, 1:]
    return np.column_stack([rest, table]) if rest.any() else table


def _g(table, rows):
    """Likelihood-ratio chi-square of counts [2, k], corrected after Williams (1976)."""
    total, columns = table.sum(), table.sum(0)
    value = 2 * special.xlogy(table, table * total / np.outer(rows, columns)).sum()
    spare = (total * (1 / rows).sum() - 1) * (total * (1 / columns).sum() - 1)
    return max(value, 0.0) / (1 + spare / (6 * total * (table.shape[1] - 1)))


def _move(part, bench, a, b, m, n):
    """The share that moved most surely among those that moved far, else the one farthest."""
    known = np.flatnonzero(a)
    moves = b[known] * m / (a[known] * n) - 1
    far = np.abs(moves) > bench.rules.share_move
    p = [_two(a[i], m, b[i], n) for i in known[far]]
    at = np.flatnonzero(far)[np.argmin(p)] if far.any() else np.argmax(np.abs(moves))
    i = known[at]
    low, high = difference((a[i], b[i]), (m, n))
    p = min(1.0, min(p) * len(known)) if far.any() else 1.0
    return _judged(part, "share move", n, bench, far.any(), "warning", bench.rules.share_move,
                   value=moves[at], effect=b[i] / n - a[i] / m, low=low, high=high, p=p,
                   note=f"{part.names[i]}: {a[i] / m:.1%} to {b[i] / n:.1%}")  # fmt: skip


def _two(hits, trials, hits_now, trials_now):
    """p of two shares being equal."""
    table = np.array([[hits, trials - hits], [hits_now, trials_now - hits_now]], float)
    if not table.sum(0).all():
        return 1.0
    return float(special.chdtrc(1, _g(table, table.sum(1))))


def _nulls(part, bench, lost_before, m, lost, n, infinite=0):
    rules, note = bench.rules, f"{infinite} of them infinite" if infinite else ""
    before = lost_before / max(m, 1)
    if n < rules.least_rows:
        return _nothing(part, "nulls", n)
    share, (low, high) = lost / n, _wilson(lost, n)
    clean = before < rules.nulls_before
    limit = rules.nulls if clean else min(before + rules.nulls, 1.0)
    far = share > limit or (lost == n and before < 1)
    p = _tail(lost, n, rules.nulls_before) if clean else _more(lost_before, m, lost, n)
    return _judged(part, "nulls", n, bench, far, "degraded", limit, value=share, note=note,
                   effect=share - before, low=low - before, high=high - before, p=p)  # fmt: skip


def _more(hits, trials, hits_now, trials_now):
    """p of at least as many hits now if both shares are equal: exact, hypergeometric (Fisher)."""
    total, both, n = trials + trials_now, hits + hits_now, trials_now
    last = min(both, n, hits_now + 50 + int(40 * np.sqrt(n)))  # 80 standard deviations
    k = np.arange(hits_now, last + 1)
    logs = _ways(both, k) + _ways(total - both, n - k) - _ways(total, n)
    return min(float(np.exp(special.logsumexp(logs))), 1.0)


def _ways(n, k):
    """Log of n over k."""
    k = np.asarray(k, float)
    return special.gammaln(n + 1.0) - special.gammaln(k + 1) - special.gammaln(n - k + 1)


def _failed(part, bench, layout):
    good, bad, lost = part.of(bench.now)
    before = part.of(bench.before)
    yield _nulls(part, bench, before[2], before.sum(), lost, good + bad + lost)
    yield _share(part, "error share", bench, bad, good + bad, bench.rules.errors)


def _ids(part, bench, layout):
    looked, extra = part.of(bench.now)
    yield _share(part, "duplicates", bench, extra, looked, bench.rules.duplicates)


def _share(part, statistic, bench, hits, n, limit):
    """A share against a limit: alarm if it is above, and a true share at the limit is refuted."""
    if n < bench.rules.least_rows:
        return _nothing(part, statistic, n)
    low, high = _wilson(hits, n)
    found = {"value": hits / n, "effect": hits / n, "low": low, "high": high}
    if limit is None:
        return _judged(part, statistic, n, bench, **found)._replace(status="no threshold")
    return _judged(part, statistic, n, bench, hits / n > limit, threshold=limit, **found,
                   p=_tail(hits, n, limit))  # fmt: skip


def _entropy(part, bench, layout):
    (m, lost_before), (n, lost) = part.of(bench.before), part.of(bench.now)
    yield _nulls(part, bench, lost_before, m + lost_before, lost, n + lost)
    at = layout.summed.index(part)
    if min(n, m) < bench.rules.least_rows:
        yield _nothing(part, "entropy", n)
        return
    (value, half), (before, half_before) = _mean(bench.sums[at], n), _mean(bench.sums_before[at], m)
    both = np.hypot(half, half_before)
    rise = value - before
    p = special.ndtr(-rise / both * special.ndtri(0.975)) if both else float(rise <= 0)
    yield _judged(part, "entropy", n, bench, rise >= bench.rules.entropy_rise, "warning",
                  before + bench.rules.entropy_rise, value=value, effect=rise, low=rise - both,
                  high=rise + both, p=p)  # fmt: skip


def _latency(part, bench, layout):
    counts, rules = part.of(bench.now)[:-2], bench.rules
    n = counts.sum()
    if n < rules.least_rows:
        yield from (_nothing(part, f"latency p{q}", n) for q in (50, 95, 99))
        return
    ends = np.array([0.0, *part.edges, part.edges[-1]])
    middle = np.sqrt(ends[:-1] * ends[1:])  # within 2.5 %; below 1 ms counts as 0
    at = np.searchsorted(np.cumsum(counts), np.array([0.5, 0.95, 0.99]) * n)
    late = counts[np.searchsorted(part.edges, rules.latency_agreed_s, "right") :].sum()
    for q, value in zip((50, 95, 99), middle[at], strict=True):
        if q != 95:
            yield _nothing(part, f"latency p{q}", n, "no threshold")._replace(value=float(value))
            continue
        share = f"{late / n:.1%} took longer than the {rules.latency_agreed_s:g} s agreed"
        yield _judged(part, "latency p95", n, bench, value > rules.latency_s, "degraded",
                      rules.latency_s, value=value, p=_tail(late, n, 0.05), note=share,
                      effect=value / rules.latency_agreed_s)  # fmt: skip


def _raters(part, bench, layout):
    rules, n = bench.rules, part.of(bench.now)[:-1].sum()
    if min(part.of(bench.before)[:-1].sum(), n) < rules.least_rows:
        yield _nothing(part, "kappa", n)
        return
    (before, error_before), (value, error) = (_kappa(part, x) for x in (bench.before, bench.now))
    if value is None:
        yield _nothing(part, "kappa", n, "no reference", "one label only: kappa is not defined")
        return
    fall = 0.0 if before is None else before - value
    p = [(value < rules.kappa, _below(value - rules.kappa, error)),
         (fall >= rules.kappa_fall, _below(-fall, np.hypot(error, error_before or 0)))]  # fmt: skip
    p = min([2 * x for far, x in p if far], default=1.0)  # two questions, so each p counts twice
    severity, half = "degraded" if value < rules.kappa else "warning", special.ndtri(0.975) * error
    yield _judged(part, "kappa", n, bench, True, severity, rules.kappa, value=value, effect=-fall,
                  low=max(value - half, -1), high=min(value + half, 1), p=min(p, 1.0),
                  note="low, high: of kappa")  # fmt: skip


def _kappa(part, vector):
    """(kappa, standard error) of the pairs of labels in a vector; (None, None) if undefined."""
    k = len(part.names) + 1
    pairs = np.repeat(np.arange(k * k), part.of(vector)[:-1])
    try:
        found = kappa(pairs // k, pairs % k)
    except KitError:  # one label only
        return None, None
    half = max(found.high - found.value, found.value - found.low)  # one of them may be cut off
    return found.value, half / special.ndtri(0.975)


def _below(gap, error):
    """p of a value this far below (gap is negative) what was expected."""
    return float(special.ndtr(gap / error)) if error else float(gap >= 0)


def _tail(hits, trials, share):
    """P(hits or more of trials) at a share: exact binomial."""
    return float(special.bdtrc(hits - 1, int(trials), share)) if hits else 1.0


def _wilson(hits, trials):
    return tuple(float(x) for x in wilson(int(hits), int(trials)))


_OF = {"number": _number, "category": _category, "failed": _failed, "ids": _ids,
       "entropy": _entropy, "latency": _latency, "raters": _raters}  # fmt: skip
