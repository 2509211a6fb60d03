"""Visible checks of lab 05. They draw new numbers on every run and say what they expected."""

import math

import numpy as np
import polars as pl
from scipy import stats

from kit import drift
from kit.course import expect
from kit.drift import numeric
from kit.errors import KitError
from kit.experiments.served import INPUTS, OUTPUTS

_NAN, _INF = float("nan"), float("inf")
_BINS = 10  # of the PSI of a monitor
_REFERENCE, _EVENTS = 8000, 4000
_NEAR = 400  # events that a start may be off
_RIGHT = 9  # streams of ten that a diagnosis must get right
_LARGE = 0.3  # K-S gap from which a drift of the input is large
_LEAST, _MOST = 0.1, 2.5  # of the budget that a plan must use, and may use by chance
_SHOUT = 10  # budgets: whoever cries more often sees nothing
_SEEN = 0.9  # of the windows with a drift
KINDS = ("none", "covariate", "label", "concept", "label quality")
_SILENT = {  # drifts that no sound shows, at the sizes of the lab
    "none": [("none", 0.0)],
    "label": [("label mix", 40.0), ("label mix", 60.0)],
    "concept": [("meaning", 100.0)],
    "label quality": [("fatigue", 40.0)],
}
_BAD_COLUMNS = {
    "a column without values": [],
    "a column with nan": [1.0, _NAN, 2.0],
    "a column with an infinite value": [1.0, 2.0, _INF],
}


@expect.checked
def psi(psi, seed=None):
    """Task 1: normal, skewed, tied and constant columns, empty bins, and input that cannot be."""
    dice = expect.dice(seed)
    rng = np.random.default_rng(dice.randrange(2**32))
    for what, (a, b), bins in _columns(dice, rng):
        before = a.copy(), b.copy()
        call = f"psi of {what}, {len(a)} and {len(b)} rows, {bins} bins,"
        got = psi(a, b, bins)
        same = np.array_equal(a, before[0]) and np.array_equal(b, before[1])
        expect.true(same, "psi must not change the columns.", "work on copies")
        number = expect.as_number(got, call)
        wanted = drift.psi(a, b, bins).value
        if not math.isclose(number, wanted, rel_tol=1e-9, abs_tol=1e-12):
            told = f"{call} should be {wanted:.6g}, but is {number:.6g}."
            expect.fail(told, _psi_slip(number, a, b, bins))
    good = rng.normal(size=50)
    bad = {what: (np.array(x), good, 5) for what, x in _BAD_COLUMNS.items()}
    bad |= {f"{what} as current window": (good, np.array(x), 5) for what, x in _BAD_COLUMNS.items()}
    bad |= {"one bin": (good, good, 1), "no bins": (good, good, 0)}
    _refuse(psi, "psi", bad, dice)


@expect.checked
def chance(psi_by_chance, seed=None):
    """Task 1: random windows and bands; the share of false alarms is counted as well."""
    dice = expect.dice(seed)
    for _ in range(6):
        n, m, bins = dice.randint(200, 5000), dice.randint(200, 5000), dice.randint(5, 20)
        mean = (bins - 1) * (1 / n + 1 / m)
        band = float(f"{mean * dice.uniform(0.7, 1.8):.3g}")
        call = f"psi_by_chance({n}, {m}, {bins}, {band})"
        got = psi_by_chance(n, m, bins, band)
        shape = type(got) is tuple and len(got) == 2
        expect.true(shape, f"{call} should return a tuple of the mean and the share.")
        hint = "chi-square has bins - 1 on average; 1 / n + 1 / m stretches it"
        expect.near(got[0], mean, f"the mean of {call}", hint)
        share = stats.chi2.sf(band / (1 / n + 1 / m), bins - 1)
        hint = "chi2.sf(band / (1 / n + 1 / m), bins - 1)"
        expect.near(got[1], share, f"the share of {call}", hint)


@expect.checked
def gap(ks, seed=None):
    """Task 2: columns with ties and without, in any order, and columns that cannot be compared."""
    dice = expect.dice(seed)
    rng = np.random.default_rng(dice.randrange(2**32))
    for kind in ("no ties", "no ties", "many ties", "many ties", "a few values", "one value"):
        n, m = dice.randint(1, 300), dice.randint(1, 300)
        a, b = (_tied(rng, kind, size) for size in (n, m))
        if kind == "many ties":  # one column alone: equal values lie within it and across
            b = b + dice.choice([0.0, 1.0])
        before, hint = (a.copy(), b.copy()), "count all values up to x on both sides, then the gap"
        for pair in ((a, b), (b, a)):
            got = ks(*pair)
            same = np.array_equal(a, before[0]) and np.array_equal(b, before[1])
            expect.true(same, "ks must not change the columns.", "work on copies")
            call = f"ks of {len(pair[0])} and {len(pair[1])} rows with {kind}"
            expect.near(got, _gap(a, b), call, hint, tolerance=1e-9)
    for a, b, wanted in (([1.0, 2.0], [3.0, 4.0], 1.0), ([2.0, 1.0], [1.0, 2.0], 0.0)):
        expect.near(ks(np.array(a), np.array(b)), wanted, f"ks({a}, {b})")
    good = rng.normal(size=50)
    bad = {what: (np.array(x), good) for what, x in _BAD_COLUMNS.items()}
    bad |= {f"{what} on the right": (good, np.array(x)) for what, x in _BAD_COLUMNS.items()}
    _refuse(ks, "ks", bad, dice)


@expect.checked
def threshold(ks_threshold, seed=None):
    """Task 2: random windows and rates; false alarms are counted, and it must be Kolmogorov's."""
    dice = expect.dice(seed)
    for n, m in ((1000, 1000), (dice.randint(300, 900), dice.randint(1000, 4000)),
                 (dice.randint(10**5, 10**6), dice.randint(200, 900))):  # fmt: skip
        rate = float(f"{math.exp(dice.uniform(math.log(0.002), math.log(0.2))):.2g}")
        call = f"ks_threshold({n}, {m}, {rate})"
        got = expect.as_number(ks_threshold(n, m, rate), call)
        wanted = stats.kstwobign.isf(rate) * math.sqrt(1 / n + 1 / m)
        if not abs(got - wanted) <= 2e-3 * wanted:
            found = stats.kstwobign.sf(got / math.sqrt(1 / n + 1 / m)) if got >= 0 else 1.0
            told = f"{call} should be {wanted:.5g}, but is {got:.5g}: that gives false alarm in"
            told += f" {100 * found:.2g} % of the windows, not in {100 * rate:.2g} %."
            expect.fail(told, "both windows scatter: sqrt(1 / n + 1 / m)")
    _counted(ks_threshold, dice)
    bad = {f"a reference of {x} rows": (x, 100, 0.05) for x in (0, -5, _NAN)}
    bad |= {f"a window of {x} rows": (100, x, 0.05) for x in (0, -5, _NAN)}
    bad |= {f"a rate of {x}": (100, 100, x) for x in (0.0, 1.0, -0.1, 1.5, _NAN)}
    _refuse(ks_threshold, "ks_threshold", bad, dice)


@expect.checked
def budget(plan, seed=None, pool=None):
    """Task 3: false alarms in months without a drift, against a budget; and no budget at all."""
    dice, pool = expect.dice(seed), pool or _pool()
    rng = np.random.default_rng(dice.randrange(2**32))
    none = shown(pool.of("none"))
    alarms = allowed = 0
    for _ in range(6):
        window, windows = dice.randint(200, 320), dice.randint(500, 900)
        wanted, months = dice.randint(4, 9), 4
        monitors, columns = _planned(plan, _reference(pool, dice), window, windows, wanted)
        places = rng.integers(none.height, size=(months * windows, window))
        alarms += int(_alarms(monitors, columns, none, places).sum())
        allowed += months * wanted
    told = f"Your plans gave {alarms} false alarms where the budgets were {allowed} in all"
    hint = "all monitors and all windows share the budget: divide it by both"
    most = f"{told}; with chance and approximate thresholds, {_MOST * allowed:.0f} would do."
    expect.true(alarms <= _MOST * allowed, most, hint)
    hint = "a budget that is not used is drift that is not seen: lower the thresholds"
    expect.true(alarms >= _LEAST * allowed, f"{told}.", hint)
    reference = _reference(pool, dice)
    for no in (0, -3.0, _NAN):
        what = f"plan with a budget of {no}"
        expect.refuses(lambda no=no: plan(reference.clone(), 250, 345, no), what)


@expect.checked
def sight(plan, seed=None, pool=None):
    """Task 3: large drifts, each of which some monitor must see."""
    dice, pool = expect.dice(seed), pool or _pool()
    window, windows, wanted = dice.randint(250, 400), dice.randint(300, 700), dice.randint(4, 12)
    monitors, columns = _planned(plan, _reference(pool, dice), window, windows, wanted)
    none = shown(pool.of("none"))
    rng = np.random.default_rng(dice.randrange(2**32))
    places = rng.integers(none.height, size=(4 * windows, window))
    cries = int(_alarms(monitors, columns, none, places).sum()) / 4
    told = f"Your monitors cry wolf {cries:.0f} times a month; the budget is {wanted}."
    expect.true(cries <= _SHOUT * wanted, told, "mind the budget first, then what you see")
    count, missed = 40, []
    for name, size in _sights(pool):
        now = _stream(pool, name, size, count * window, 0.0, dice)
        places = np.arange(now.height).reshape(count, window)
        seen = (_alarms(monitors, columns, now, places) > 0).mean()
        missed += [f"{name} {size:g} in {100 * seen:.0f} %"] if seen < _SEEN else []
    told = f"Your monitors see too little: {', '.join(missed[:4])} of the windows."
    hint = "each kind of drift moves other columns: watch more of them, or lower the thresholds"
    expect.true(not missed, told, hint)


@expect.checked
def kappa(kappa_windows, seed=None):
    """Task 4: raters who agree, get tired, differ in what they prefer, or know one label only."""
    dice = expect.dice(seed)
    one, other = ["no"] * 90 + ["yes"] * 10, (["no"] * 9 + ["yes"]) * 10
    hint = "chance is the sum over all labels: 82 % here, not 81 %"
    _kappas(kappa_windows, one, other, 100, hint)
    for _ in range(6):
        window, count = dice.randint(20, 60), dice.randint(2, 6)
        _kappas(kappa_windows, *_raters(dice, window, count), window)
    window = dice.randint(5, 20)
    first, second = _raters(dice, window, 2)
    ends = (["up"] * 2 * window, ["up"] * window + ["down"] * window)
    _kappas(kappa_windows, first[:window] + ends[0], second[:window] + ends[1], window)
    _kappas(kappa_windows, first[: window - 1], second[: window - 1], window)
    _kappas(kappa_windows, [], [], window)
    bad = {
        "lists of different lengths": (first, second[:-1], 2),
        "a second list that is longer": (first, [*second, "yes"], 2),
        "a window of zero": (first, second, 0),
        "a negative window": (first, second, -3),
    }
    _refuse(kappa_windows, "kappa_windows", bad, dice)


@expect.checked
def diagnosis(diagnose, seed=None, pool=None):
    """Task 5: ten streams, two of each kind, in any order."""
    dice, pool = expect.dice(seed), pool or _pool()
    reference = _reference(pool, dice, 2000)
    wrong = []
    for kind in dice.sample([*KINDS, *KINDS], 10):
        events, start = _mystery(pool, kind, dice)
        got, first = _answer(diagnose(reference.clone(), events))
        truth = kind if start is None else f"{kind} from {start} on"
        if got != kind or (start is not None and not abs(first - start) <= _NEAR):
            since = "" if first is None else f" from {first:.0f} on"
            wrong.append(f"{truth} was called {got}{since}")
    told = f"{10 - len(wrong)} of ten streams are right, {_RIGHT} are asked for: "
    hint = "which columns does each kind move, and which does it leave alone?"
    expect.true(10 - len(wrong) >= _RIGHT, f"{told}{'; '.join(wrong[:3])}.", hint)


def shown(table):
    """Events as a monitor sees them: without the truth, and null where a measure is infinite."""
    clean = [pl.when(pl.col(c).is_finite()).then(pl.col(c)).alias(c) for c in (*INPUTS, *OUTPUTS)]
    return table.with_columns(clean).drop("word", "drifted", "right", strict=False)


def mysteries(pool):
    """(reference, list of three tables): streams whose drift nobody tells you."""
    dice = expect.dice("three streams")
    reference = _reference(pool, dice, 2000)
    return reference, [_mystery(pool, kind, dice)[0] for kind in dice.sample(KINDS[1:], 3)]


def incident(pool):
    """(reference, table): the stream of the incident, a change of sound that costs much."""
    wanted = pool.of("none")["right"].mean() - 0.3  # close to this many are right after it
    name, size = min(
        _covariates(pool), key=lambda case: abs(pool.of(*case)["right"].mean() - wanted)
    )
    dice = expect.dice("an incident")
    reference = _reference(pool, dice)
    return reference, _stream(pool, name, size, 5 * _EVENTS, dice.uniform(0.4, 0.6), dice)


def _pool():
    from kit.experiments import served

    return served.kept()[0]


def _stream(pool, name, size, events, start, dice):
    from kit.experiments.events import stream

    seed = dice.randrange(2**32)
    return shown(stream(pool, name, size, events, start=start, seed=seed))


def _reference(pool, dice, events=_REFERENCE):
    return _stream(pool, "none", 0.0, events, 0.5, dice)


def _covariates(pool):
    """list of (drift, size): changes of sound that move a column of the inputs far."""
    from kit.experiments.events import KINDS as drifts

    none = shown(pool.of("none"))
    heard = [(d, s) for d, kind in drifts.items() if kind == "covariate" for s in pool.sizes(d)]
    return [case for case in heard if _largest(none, shown(pool.of(*case))) >= _LARGE]


def _largest(before, now):
    pairs = [(before[c].drop_nulls().to_numpy(), now[c].drop_nulls().to_numpy()) for c in INPUTS]
    return max(_gap(a, b) for a, b in pairs if len(a) and len(b))


def _sights(pool):
    """list of (drift, size): the least of the large sizes of each, and many more of one word."""
    first = {}
    for name, size in _covariates(pool):
        first.setdefault(name, size)
    return [*first.items(), ("label mix", 60.0)]


def _mystery(pool, kind, dice):
    """(events without the truth, first event that drifted or None)."""
    cases = _SILENT.get(kind) or _covariates(pool)
    start = dice.uniform(0.26, 0.74)
    events = _stream(pool, *dice.choice(cases), _EVENTS, start, dice)
    return events, None if kind == "none" else math.ceil(start * _EVENTS)


def _answer(got):
    """(kind, first event as float, or None), once it is one."""
    call = "diagnose"
    good = type(got) is tuple and len(got) == 2
    expect.true(good, f"{call} should return a tuple of the kind and the first event.")
    kind, first = got
    known = type(kind) is str and kind in KINDS
    expect.true(known, f"The kind of {call} should be one of {', '.join(KINDS)}.")
    if kind == "none":
        expect.true(first is None, f'{call} should return ("none", None) where nothing drifts.')
        return kind, None
    return kind, expect.as_number(first, f"the first event of {call} for {kind}")


def _columns(dice, rng):
    """list of (what, (reference, current), bins); no quantile falls on one row of many values."""
    found = []
    for what in ("normal values", "normal values", "skewed values", "values far apart"):
        bins = dice.randint(4, 20)
        n, m = bins * dice.randint(5, 60) + 2, dice.randint(30, 900)  # n - 1 is no multiple
        draw = rng.normal if "normal" in what else rng.exponential
        a, b = draw(size=n), draw(size=m) * dice.uniform(0.8, 1.3) + dice.uniform(-0.3, 0.3)
        found.append((what, (a, b + 9 if "apart" in what else b), bins))
    for p in (0.05, 0.3):
        bins = dice.randint(5, 12)
        a, b = (rng.geometric(q, bins * 50 + 2).astype(float) for q in (p, dice.uniform(0.05, 0.3)))
        found.append(("whole numbers with ties", (a, b), bins))
    zeros = np.where(rng.random(402) < 0.6, 0.0, rng.normal(size=402))
    found.append(("values of which many are 0", (zeros, rng.normal(size=300)), 10))
    same = np.full(dice.randint(20, 90), 3.5)
    moved = np.array([2.0, *[3.5] * 20, *[5.0] * 12])
    found.append(("a constant reference", (same, moved), 10))
    found.append(("two constant columns", (same, same.copy()), 10))
    return dice.sample(found, len(found))


def _psi_slip(number, a, b, bins):
    """What may have gone wrong where PSI came out as `number`."""

    def form(edges, base=math.e, fill=0.5, always=False):
        cells = [np.searchsorted(edges, x, "right") for x in (a, b)]
        p, q = (np.bincount(x, minlength=len(edges) + 1) for x in cells)
        p, q = p[p + q > 0], q[p + q > 0]
        if always or (p * q == 0).any():
            p, q = p + fill, q + fill
        p, q = p / p.sum(), q / q.sum()
        with np.errstate(all="ignore"):
            return float(((q - p) * np.log(q / p)).sum() / math.log(base))

    points = np.quantile(a, np.arange(bins + 1) / bins)
    inner = np.unique(points[1:-1])
    often = points[1:][points[1:] == points[:-1]]
    right = np.unique([*inner, *often, *np.nextafter(often, np.inf)])
    slips = {
        "a frequent value gets a bin of its own": form(inner),
        "the edges are quantiles of the reference, not equal steps":
            form(np.linspace(a.min(), a.max(), bins + 1)[1:-1]),
        "the quantiles are those of the reference alone":
            form(np.unique(np.quantile(b, np.arange(1, bins) / bins))),
        "nats are of the natural logarithm": form(right, base=2),
        "add half a row only where a bin is empty on one side": form(right, always=True),
        "add half a row, not a whole one": form(right, fill=1.0),
    }  # fmt: skip
    for hint, value in slips.items():
        if math.isclose(number, value, rel_tol=1e-6):
            return hint
    if not math.isfinite(number):
        return "add half a row to every bin of both sides where a bin is empty on one side"
    return "open outer bins, half a row where a bin is empty, (q - p) log(q / p)"


def _tied(rng, kind, size):
    draws = {
        "no ties": lambda: rng.normal(size=size),
        "many ties": lambda: rng.geometric(0.2, size).astype(float),
        "a few values": lambda: rng.integers(0, 3, size).astype(float),
        "one value": lambda: np.full(size, 2.5),
    }
    return draws[kind]()


def _gap(a, b):
    at = np.concatenate([a, b])
    p, q = (np.searchsorted(np.sort(x), at, "right") / len(x) for x in (a, b))
    return float(np.abs(p - q).max())


def _counted(ks_threshold, dice):
    """False alarms of a threshold on pairs of windows that are drawn alike."""
    n, m, pairs, rate = 400, 300, 2000, 0.1
    limit = expect.as_number(ks_threshold(n, m, rate), f"ks_threshold({n}, {m}, {rate})")
    rng = np.random.default_rng(5)  # always the same pairs, so that nobody fails by chance
    order = rng.random((pairs, n + m)).argsort(1) < n  # which of the sorted rows are of the first
    gaps = np.abs(np.cumsum(np.where(order, 1 / n, -1 / m), 1)).max(1)
    share = float((gaps > limit).mean())
    told = f"{100 * share:.1f} % of {pairs} pairs of windows without a change exceed"
    told += f" ks_threshold({n}, {m}, {rate}); {100 * rate:.0f} % were wanted."
    expect.true(0.05 < share < 0.13, told, "both windows scatter: sqrt(1 / n + 1 / m)")


def _refuse(function, name, cases, dice):
    for what, case in dice.sample(list(cases.items()), len(cases)):
        hint = "every comparison with nan is False, so test for what is allowed"
        hint = hint if "nan" in what else ""
        expect.refuses(lambda case=case: function(*case), f"{name} with {what}", hint)


def _planned(plan, reference, window, windows, wanted):
    """(list of (column, statistic, threshold), dict of column -> values of the reference)."""
    call = f"plan for {windows} windows of {window} and {wanted} false alarms a month"
    given = reference.clone()
    got = plan(given, window, windows, wanted)
    expect.true(given.equals(reference), "plan must not change the reference.")
    expect.true(type(got) is list and len(got) > 0, f"{call} should return a list of monitors.")
    monitors = [_monitor(one, call) for one in got]
    return monitors, {c: reference[c] for c, _, _ in monitors}


def _monitor(one, call):
    expect.true(type(one) is dict, f"{call}: every monitor should be a dictionary.")
    expect.holds(one, ("column", "statistic", "threshold"), f"a monitor of the {call}")
    column, statistic = one["column"], one["statistic"]
    told = f"{call}: a monitor cannot watch {str(column)[:30]!r} with {str(statistic)[:30]!r}."
    numbers = type(column) is str and column in (*INPUTS, *OUTPUTS)
    fits = type(statistic) is str and (
        statistic in ("ks", "psi") if numbers else statistic in ("chi-square", "psi")
    )
    hint = "ks or psi for INPUTS and OUTPUTS, chi-square or psi for said"
    expect.true(fits and (numbers or (type(column) is str and column == "said")), told, hint)
    what = f"the threshold of {statistic} of {column}"
    limit = expect.as_number(one["threshold"], what)
    expect.true(limit == limit, f"{what} is not a number.")
    return column, statistic, limit


def _alarms(monitors, columns, now, places):
    """int[windows]: how many monitors give alarm in each window; places: int[windows, rows]."""
    found = np.zeros(len(places), int)
    for column, statistic, limit in monitors:
        first, second, size = _cells(columns[column], now[column], statistic)
        second = np.where(second < 0, size, second)  # a cell more for what is missing
        rows = (second[places] + (size + 1) * np.arange(len(places))[:, None]).ravel()
        windows = np.bincount(rows, minlength=(size + 1) * len(places))
        windows = windows.reshape(len(places), -1)[:, :size]
        before = np.bincount(first[first >= 0], minlength=size)
        found += np.nan_to_num(_FORMS[statistic](before.astype(float), windows)) > limit
    return found


def _cells(before, now, statistic):
    """(int[n], int[m], number of cells): in which cell each value lies, -1 where it is missing."""
    if before.dtype == pl.String:
        names = sorted({*before.drop_nulls(), *now.drop_nulls()})
        place = {name: i for i, name in enumerate(names)}
        sides = (np.array([place.get(x, -1) for x in side]) for side in (before, now))
        return *sides, len(names)
    a, b = (x.cast(pl.Float64).fill_null(_NAN).to_numpy() for x in (before, now))
    known = np.sort(a[~np.isnan(a)])
    bins = statistic == "psi"
    at = numeric.edges(known, _BINS) if bins else np.unique(np.concatenate([known, b]))
    cells = (np.where(np.isnan(x), -1, np.searchsorted(at, x, "right" if bins else "left"))
             for x in (a, b))  # fmt: skip
    return *cells, len(at) + 1


def _ks_values(before, windows):
    with np.errstate(all="ignore"):
        shares = windows.cumsum(1) / windows.sum(1, keepdims=True)
    return np.abs(shares - before.cumsum() / before.sum()).max(1)


def _psi_values(before, windows):
    p = np.broadcast_to(before, windows.shape)
    used = p + windows > 0
    empty = (used & (p * windows == 0)).any(1, keepdims=True)
    p, q = (np.where(used, x + 0.5 * empty, 0.0) for x in (p, windows))
    with np.errstate(all="ignore"):
        p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
        return np.where(used, (q - p) * np.log(q / p), 0.0).sum(1)


def _chi_square_values(before, windows):
    n, m = before.sum(), windows.sum(1, keepdims=True)
    both = before + windows
    with np.errstate(all="ignore"):
        parts = [(x - both * size / (n + m)) ** 2 / (both * size / (n + m))
                 for x, size in ((before, n), (windows, m))]  # fmt: skip
    return np.nan_to_num(parts[0] + parts[1]).sum(1)


_FORMS = {"ks": _ks_values, "psi": _psi_values, "chi-square": _chi_square_values}


def _raters(dice, window, count):
    """(first, second): labels of `count` windows and a rest, by raters who err more and more."""
    words = dice.sample(["yes", "no", "up", "down", "left"], dice.randint(2, 4))
    weights = [dice.randint(1, 6) for _ in words]
    total = window * count + dice.randint(0, window - 1)
    first = dice.choices(words, weights, k=total)
    tired = [dice.random() < i / total for i in range(total)]
    second = [dice.choice(words) if t else x for t, x in zip(tired, first, strict=True)]
    return first, second


def _kappas(kappa_windows, first, second, window, hint=""):
    call = f"kappa_windows of {len(first)} events, windows of {window},"
    got = kappa_windows(list(first), list(second), window)
    expect.true(type(got) is list, f"{call} should return a list.")
    count = len(first) // window
    hint_ = "a rest that fills no window is left out"
    expect.true(len(got) == count, f"{call} should have {count} values, not {len(got)}.", hint_)
    for i, value in enumerate(got):
        pair = first[i * window : (i + 1) * window], second[i * window : (i + 1) * window]
        what = f"value {i} of {call}"
        try:
            wanted = drift.kappa(*pair).value
        except KitError:  # one label only
            told = f"{what} should be None: both raters gave one label only."
            expect.true(value is None, told)
            continue
        expect.true(value is not None, f"{what} should be {wanted:.6g}, but is None.")
        expect.near(value, wanted, what, hint or "(agreement - chance) / (1 - chance)", 1e-9)
