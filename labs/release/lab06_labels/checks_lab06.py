"""Visible checks of lab 06. They draw new numbers on every run and say what they expected."""

import functools
import itertools
import math

import numpy as np

from kit.course import expect
from kit.errors import KitError
from kit.labeling.plan import (
    Plan,
    majority_accuracy,
    priced,
    rate,
    rater_pool,
    simulate,
    tier_of,
)

_NAN, _INF = float("nan"), float("inf")
KINDS = ("honest", "spammer", "adversary")
WORDS = tuple("0123456789")
# What three spotters said of 100 clips of each digit, spoken by two people whom none of them had
# heard; true x said. They had learnt from 25, 100 and 400 recordings of other people. Measured by
# kit.experiments.judges.confusions(judged(experiments.people()[0])) on 2026-11-21,
# as in docs/benchmarks/labels-*.json.
_COUNTS = (
    ((5, 3, 3, 0, 32, 7, 2, 0, 0, 48), (0, 48, 9, 0, 0, 29, 0, 0, 0, 14),
     (0, 0, 70, 0, 0, 0, 29, 0, 0, 1), (0, 0, 37, 8, 0, 0, 12, 0, 40, 3),
     (0, 1, 1, 0, 86, 12, 0, 0, 0, 0), (0, 1, 0, 0, 0, 52, 0, 0, 0, 47),
     (0, 0, 0, 0, 0, 0, 55, 0, 40, 5), (0, 21, 55, 1, 0, 0, 0, 0, 0, 23),
     (0, 0, 3, 0, 0, 0, 19, 0, 77, 1), (1, 15, 14, 0, 0, 23, 0, 0, 0, 47)),
    ((63, 1, 13, 0, 23, 0, 0, 0, 0, 0), (0, 88, 9, 0, 0, 3, 0, 0, 0, 0),
     (1, 0, 93, 0, 0, 0, 0, 1, 5, 0), (0, 0, 17, 54, 0, 0, 0, 0, 29, 0),
     (0, 20, 8, 0, 72, 0, 0, 0, 0, 0), (1, 2, 4, 0, 0, 89, 0, 0, 0, 4),
     (0, 0, 0, 0, 0, 0, 48, 0, 52, 0), (1, 0, 6, 0, 0, 0, 10, 83, 0, 0),
     (0, 0, 0, 0, 0, 0, 3, 0, 97, 0), (1, 6, 13, 0, 0, 0, 3, 6, 0, 71)),
    ((86, 1, 8, 0, 5, 0, 0, 0, 0, 0), (0, 98, 1, 0, 0, 0, 0, 0, 0, 1),
     (1, 0, 75, 5, 0, 0, 14, 3, 2, 0), (0, 0, 3, 78, 0, 0, 2, 0, 17, 0),
     (0, 22, 3, 0, 75, 0, 0, 0, 0, 0), (1, 0, 3, 0, 0, 79, 0, 0, 0, 17),
     (0, 0, 0, 5, 0, 0, 68, 0, 27, 0), (0, 0, 1, 0, 0, 0, 1, 96, 0, 2),
     (0, 0, 0, 0, 0, 0, 9, 0, 91, 0), (4, 1, 1, 0, 0, 0, 0, 1, 0, 93)),
)  # fmt: skip
_POOLS, _RIGHT = 8, 0.95  # crowds of a check of raters, and the share that must be named rightly
_GAIN = 1e-12  # of accuracy: less is none
_MANY = 2000  # raters of an item: a product of their shares is 0
_ITEMS, _CROWD = 10_000, 100
_ORDERS = 3  # of a check
_SPARE = 0.005  # of accuracy, that the plan has which we hold others to
_SHORT, _OVER, _DEARER = 0.005, 1.1, 1.2  # accuracy, limits, price: what other people explain
_RATERS, _GOLD = (0, 2, 3, 4, 5, 7), (0.02, 0.05, 0.1)
_TESTS = ((0, 0), (5, 4), (10, 7))


def confusion_counts():
    """(int64[3, 10, 10] true x said, tuple of 10 words): what three spotters said of the digits."""
    return np.array(_COUNTS), WORDS


@expect.checked
def kappa(cohen_kappa, seed=None):
    """Task 1: raters with gaps, raters who never agree, and ratings that have no kappa."""
    dice = expect.dice(seed)
    one, other = ["no"] * 90 + ["yes"] * 10, (["no"] * 9 + ["yes"]) * 10
    _kappa(cohen_kappa, one, other, ["yes", "no"], "chance is a sum over all labels: 0.82 here")
    for kind in (["yes", "no", "maybe", "silence"], [0, 1, 2, 3], ["", "a", "b"], [True, False]):
        _kappa(cohen_kappa, *_two(dice, kind), kind)
    _kappa(cohen_kappa, ["a", "b", None, "a"], ["b", "a", "a", None], ["a", "b"])
    _kappa(cohen_kappa, ["a"] * 4, ["a", "b", "a", None], ["a", "b"])
    first, second = _two(dice, ["yes", "no"])
    gone = len(first) * [None]
    bad = {
        "lists of different lengths": (first, second[:-1], ["yes", "no"]),
        "a second list that is longer": (first, [*second, "no"], ["yes", "no"]),
        "a label that is not among labels": ([*first, "mute"], [*second, "no"], ["yes", "no"]),
        "a label, beside a gap, that is not among labels":
            ([*first, None], [*second, "mute"], ["yes", "no"]),
        "no item that both rated": (first, gone, ["yes", "no"]),
        "no items": ([], [], ["yes", "no"]),
        "one label all the time": (["no"] * 9, ["no"] * 9, ["yes", "no"]),
        "one label on all items that both rated":
            (["no", "no", "yes"], ["no", "no", None], ["yes", "no"]),
    }  # fmt: skip
    _refuse(cohen_kappa, "cohen_kappa", bad, dice)


@expect.checked
def majority(majority_accuracy, seed=None):
    """Task 2: random raters and labels, the ends, and input that cannot be."""
    dice = expect.dice(seed)
    cases = [(0.8, 3, 2), (0.7, 2, 10), (0.0, 3, 4), (1.0, 4, 3)]
    cases += [(round(dice.uniform(0.05, 0.98), 3), n, dice.randint(2, 10))
              for n in (1, 2, 3, 4, 5, 7, 9)]  # fmt: skip
    for case in dice.sample(cases, len(cases)):
        call = f"majority_accuracy{case}"
        got = expect.as_number(majority_accuracy(*case), call)
        wanted = _majority(*case)
        if not math.isclose(got, wanted, rel_tol=1e-8, abs_tol=1e-10):
            told = f"{call} should be {wanted:.8g}, but is {got:.8g}."
            expect.fail(told, _majority_slip(got, *case))
    bad = {f"an accuracy of {x}": (x, 3, 4) for x in (-0.1, 1.2, _NAN)}
    bad |= {f"{n} raters": (0.8, n, 4) for n in (0, -3)}
    bad |= {f"{k} classes": (0.8, 3, k) for k in (1, 0)}
    _refuse(majority_accuracy, "majority_accuracy", bad, dice)


@expect.checked
def price(usd_per_more, seed=None):
    """Task 2: random prices, raters who add nothing, and input that cannot be."""
    dice = expect.dice(seed)
    for few, many in ((1, 3), (1, 2), (3, 5), (5, 9), (1, dice.randint(4, 9)), (2, 3)):
        accuracy, classes = round(dice.uniform(0.55, 0.9), 2), dice.randint(2, 10)
        usd = dice.choice([0.01, 0.02, 0.05, 0.5])
        _price(usd_per_more, accuracy, few, many, usd, classes)
    _price(usd_per_more, 0.3, 1, 3, 0.05, 2)
    bad = {f"{many} raters instead of {few}": (0.8, few, many, 0.05, 4)
           for few, many in ((3, 3), (5, 3), (0, 3))}  # fmt: skip
    bad |= {f"a label at {usd} USD": (0.8, 1, 3, usd, 4) for usd in (-0.1, _NAN)}
    _refuse(usd_per_more, "usd_per_more", bad, dice)


@expect.checked
def step(em_step, seed=None):
    """Task 3: steps on random ratings, one with gaps, one with many raters, and what cannot be."""
    dice = expect.dice(seed)
    rng = np.random.default_rng(dice.randrange(2**32))
    for raters, steps in ((dice.randint(3, 6), 6), (_MANY, 2)):
        k, items = dice.randint(2, 5), dice.randint(20, 40) if raters < _MANY else 5
        ratings, extra = _said(rng, items, raters, k), round(dice.uniform(0.05, 2.0), 2)
        posterior, last = rng.dirichlet(np.ones(k), items), -_INF
        for number in range(1, steps + 1):
            call = f"step {number} of em_step, {items} items, {raters} raters, {k} labels,"
            got = _stepped(em_step, ratings, posterior, extra, call)
            told = f"{call} took the log-likelihood from {last:.8g} down to {got[3]:.8g}."
            rises = got[3] >= last - 1e-9 * abs(got[3])
            hint = "M first, then E with what M found; the imagined ratings count as well"
            expect.true(rises, told, hint)
            _alike(got, _slow_step(ratings, posterior, extra), call)
            posterior, last = got[2], got[3]
    some, p = _said(rng, 8, 3, 2), rng.dirichlet(np.ones(2), 8)
    bad = {f"extra of {x}": (some, p, x) for x in (0.0, -1.0, _NAN)}
    bad |= {"fewer rows of posterior than items": (some, p[:-1], 0.5)}
    for code in (2, -2):
        lost = some.copy()
        lost[3, 1] = code
        bad |= {f"a rating of {code}, with two labels": (lost, p, 0.5)}
    _refuse(em_step, "em_step", bad, dice)


@expect.checked
def judge(judge, seed=None):
    """Task 4: crowds with spammers and adversaries, some items with a known label."""
    dice = expect.dice(seed)
    wrong, count = [], 0
    for number in range(_POOLS):
        people, ratings, gold = _crowd(dice, number)
        given, known = ratings.clone(), dict(gold)
        got = judge(given, known)
        same = given.equals(ratings) and known == gold
        expect.true(same, "judge must not change the ratings or the gold.", "work on copies")
        call = f"judge of {len(people)} raters"
        expect.true(type(got) is dict, f"{call} should return a dictionary.")
        names = {r.name for r in people}
        keys = all(type(x) is str for x in got) and set(got) == names
        expect.true(keys, f"{call} should name every rater once, and nobody else.")
        for rater in people:
            kind = got[rater.name]
            told = f"{call} should say {', '.join(KINDS)} of everybody, not {str(kind)[:30]!r}."
            expect.true(type(kind) is str and kind in KINDS, told)
            wrong += [f"{rater.kind} was called {kind}"] if kind != rater.kind else []
        count += len(people)
    right = count - len(wrong)
    often = sorted({(wrong.count(x), x) for x in wrong}, reverse=True)[:3]
    told = f"{right} of {count} raters are named rightly, {math.ceil(_RIGHT * count)} are asked for"
    told += f" ({', '.join(f'{n} times {x}' for n, x in often)})."
    hint = "whoever does not listen says the same of every word; whoever lies does not"
    expect.true(right >= _RIGHT * count, told, hint)


@expect.checked
def limits(buy, seed=None):
    """Task 5: three orders that can be filled and one that cannot, carried out by other people."""
    dice = expect.dice(seed)
    for number in _orders(dice, _ORDERS):
        _filled(buy, _order(number))
    order = _order(_orders(dice, 1)[0])
    job = order["job"] | {"budget_usd": round(order["least_usd"] / 2, 2)}
    got = buy(dict(job), list(order["crowd"]), list(order["experts"]))
    told = f"{_told(job)}: no plan keeps these limits, so buy should return None."
    expect.true(got is None, told, "None, if no plan that you try keeps all limits")


@expect.checked
def cheap(buy, seed=None):
    """Task 5: the limits, and the price for three orders against the cheapest that we found."""
    dice = expect.dice(seed)
    try:
        _cheap(buy, dice)
    except AssertionError:  # right plans miss once in a while: other people are other people
        _cheap(buy, dice)


def _cheap(buy, dice):
    paid = least = 0.0
    for number in _orders(dice, _ORDERS):
        order = _order(number)
        paid, least = paid + _filled(buy, order)["usd"], least + order["usd"]
    told = f"Your plans for {_ORDERS} orders cost {paid:.0f} USD, the cheapest that we found"
    told += f" {least:.0f} USD; {_DEARER * least:.0f} USD would pass."
    hint = "try all numbers of raters and of votes, tests of several lengths, cheapest first"
    expect.true(paid <= _DEARER * least, told, hint)


def crowd():
    """(ratings, gold): a crowd in which not everybody listens."""
    _, ratings, gold = _crowd(expect.dice("a crowd"), 0)
    return ratings, gold


def job(spammers=0.0):
    """(job, crowd, experts): the order of tasks 5 and 6; spammers: share of the crowd."""
    market = {"crowd_usd": 0.03, "strength": 1.6, "spammers": spammers, "experts": 4,
              "expert_usd": 0.5}  # fmt: skip
    wanted = {"items": _ITEMS, "accuracy": 0.95, "budget_usd": 2500.0, "days": 1.5,
              "test_share": 0.05}  # fmt: skip
    return wanted, *_people(market, 6)


def _slow_step(ratings, posterior, extra):
    """(shares, confusion, posterior, log-likelihood) of a step of EM, one cell at a time."""
    items, raters = ratings.shape
    k = posterior.shape[1]
    shares = np.array([extra + sum(posterior[i, t] for i in range(items)) for t in range(k)])
    shares /= shares.sum()
    confusion = np.full((raters, k, k), float(extra))
    for i in range(items):
        for r in range(raters):
            if ratings[i, r] >= 0:
                for t in range(k):
                    confusion[r, t, ratings[i, r]] += posterior[i, t]
    for r in range(raters):
        for t in range(k):
            confusion[r, t] /= confusion[r, t].sum()
    likely = extra * (np.log(shares).sum() + np.log(confusion).sum())
    after = np.zeros((items, k))
    for i in range(items):
        logs = [math.log(shares[t]) + sum(math.log(confusion[r, t, ratings[i, r]])
                for r in range(raters) if ratings[i, r] >= 0) for t in range(k)]  # fmt: skip
        top = max(logs)
        whole = sum(math.exp(x - top) for x in logs)
        after[i] = [math.exp(x - top) / whole for x in logs]
        likely += top + math.log(whole)
    return shares, confusion, after, likely


def _two(dice, labels):
    """(first, second): labels of two raters with gaps, at least two of them used by both."""
    n = dice.randint(12, 60)
    weights = [dice.randint(1, 5) for _ in labels]
    first = dice.choices(labels, weights, k=n)
    second = [x if dice.random() < 0.6 else dice.choice(labels) for x in first]
    first, second = ([None if dice.random() < 0.2 else x for x in side] for side in (first, second))
    return [*first, labels[0], labels[1]], [*second, labels[0], labels[1]]


def _kappa(cohen_kappa, first, second, labels, hint=""):
    call = f"cohen_kappa of {len(first)} items, labels {labels},"
    given = list(first), list(second), list(labels)
    wanted = _closed_kappa(first, second)
    try:
        got = expect.as_number(cohen_kappa(*given), call)
    except ValueError:
        expect.fail(f"{call} should be {wanted:.6g}, but raised ValueError.")
    expect.true(given == (first, second, labels), "cohen_kappa must not change the lists.")
    if not abs(got - wanted) <= 1e-9:
        told = f"{call} should be {wanted:.6g}, but is {got:.6g}."
        expect.fail(told, hint or _kappa_slip(got, first, second, labels))


def _closed_kappa(first, second):
    """Cohen's kappa (1960) over the items that both rated."""
    pairs = [(x, y) for x, y in zip(first, second, strict=True) if x is not None and y is not None]
    n = len(pairs)
    a, b = ([x[side] for x in pairs] for side in (0, 1))
    agreement = sum(x == y for x, y in pairs) / n
    chance = sum(a.count(x) * b.count(x) for x in {*a, *b}) / n**2
    return (agreement - chance) / (1 - chance)


def _kappa_slip(got, first, second, labels):
    """What may have gone wrong where kappa came out as `got`."""
    pairs = [(x, y) for x, y in zip(first, second, strict=True) if x is not None and y is not None]
    n = len(pairs)
    agreement = sum(x == y for x, y in pairs) / n
    slips = {
        "take the agreement by chance off": agreement,
        "chance comes from what each rater says, not from the number of labels":
            (agreement - 1 / len(labels)) / (1 - 1 / len(labels)),
        "only items that both rated count": _closed_kappa([str(x) for x in first],
                                                         [str(x) for x in second]),
    }  # fmt: skip
    for hint, value in slips.items():
        if abs(got - value) < 1e-9:
            return hint
    return "over items that both rated: (agreement - chance) / (1 - chance)"


def _majority(accuracy, raters, classes):
    return float(majority_accuracy(accuracy, raters, classes))


def _majority_slip(got, accuracy, raters, classes):
    """What may have gone wrong where a majority came out as `got`."""
    x = range(raters + 1)
    chance = [math.comb(raters, i) * accuracy**i * (1 - accuracy) ** (raters - i) for i in x]
    half = sum(p for i, p in enumerate(chance) if 2 * i > raters)
    if math.isclose(got, half, rel_tol=1e-6) and not math.isclose(half, accuracy):
        return "the right label may lead with fewer than half of the votes, or tie"
    if math.isclose(got, accuracy, rel_tol=1e-6):
        return "several raters are more than one"
    return "deal the wrong votes to the other labels; a tie of t labels is won once in t times"


def _price(usd_per_more, accuracy, few, many, usd, classes):
    call = f"usd_per_more({accuracy}, {few}, {many}, {usd}, {classes})"
    gain = _majority(accuracy, many, classes) - _majority(accuracy, few, classes)
    got = expect.as_number(usd_per_more(accuracy, few, many, usd, classes), call)
    if gain <= _GAIN:
        told = f"{call} should be infinite, but is {got:.6g}."
        expect.true(got == _INF, told, "more raters who are right no more often have no price")
        return
    hint = "USD of the labels that come on top, over the right labels that come on top"
    expect.near(got, (many - few) * usd / gain, call, hint)


def _said(rng, items, raters, k):
    """int64[items, raters]: ratings of raters who listen more or less, -1 for none."""
    truth = rng.integers(k, size=items)
    heard = rng.random((items, raters)) < rng.uniform(0.3, 0.9, raters)
    said = np.where(heard, truth[:, None], rng.integers(k, size=(items, raters)))
    said[rng.random((items, raters)) < 0.25] = -1
    said[rng.integers(items)] = -1  # an item that nobody rated
    return said


def _stepped(em_step, ratings, posterior, extra, call):
    """The four results of a step, once they have the right form."""
    given = ratings.copy(), posterior.copy()
    got = em_step(*given, extra)
    same = np.array_equal(given[0], ratings) and np.array_equal(given[1], posterior)
    expect.true(same, "em_step must not change what it is given.", "work on copies")
    good = type(got) is tuple and len(got) == 4
    hint = "shares, confusion, posterior, log_likelihood"
    expect.true(good, f"{call} should return a tuple of four.", hint)
    (items, k), raters = posterior.shape, ratings.shape[1]
    shapes = {"shares": (k,), "confusion": (raters, k, k), "posterior": (items, k)}
    for (name, shape), array in zip(shapes.items(), got[:3], strict=True):
        fits = type(array) is np.ndarray and array.dtype.kind == "f" and array.shape == shape
        expect.true(fits, f"{call} {name} should be a float array of shape {shape}.")
        whole = np.isfinite(array).all() and np.abs(array.sum(-1) - 1).max() < 1e-9
        hint = "add logarithms and take the largest off before exp: products of many shares are 0"
        told = f"{call} every row of {name} should add up to one."
        expect.true(bool(whole), told, hint if raters == _MANY else "divide by the sum of the row")
    return *got[:3], expect.as_number(got[3], f"{call} log_likelihood")


def _alike(got, wanted, call):
    hints = (
        "the sum of posterior over all items, and extra for each label",
        "confusion[r, k, l]: posterior[i, k] over the items that r called l, extra in every cell",
        "the new shares times the new confusion of each rating; a gap changes nothing",
        "sum of log(row before it is divided), and extra times the logs of all shares and cells",
    )
    names = ("shares", "confusion", "posterior", "log_likelihood")
    for name, a, b, hint in zip(names, got, wanted, hints, strict=True):
        far = np.abs(np.asarray(a) - b)
        if not (far <= 1e-8 + 1e-8 * np.abs(b)).all():
            at = np.unravel_index(int(np.argmax(far)), np.shape(b))
            place = f"[{', '.join(map(str, at))}]" if at else ""
            values = f"should be {np.asarray(b)[at]:.6g}, but is {np.asarray(a)[at]:.6g}."
            expect.fail(f"{call} {name}{place} {values}", hint)


def _crowd(dice, number):
    """(list of Rater, ratings, gold): every second crowd rates words of which one is frequent."""
    counts, words = confusion_counts()
    seed, people = dice.randrange(2**32), dice.randint(16, 24)
    spammers, adversaries = dice.uniform(0.1, 0.35), dice.uniform(0.1, 0.25)
    pool = rater_pool(counts, words, people, 0.02, 10.0, strength=1.5, spread=0.3, lean=0.1,
                      spammers=spammers, adversaries=adversaries, seed=seed)  # fmt: skip
    rng = np.random.default_rng(seed)
    weights = np.ones(len(words))
    weights[rng.integers(len(words))] = 12 if number % 2 else 1
    truth = rng.choice(words, 24 * people, p=weights / weights.sum())
    ratings = rate(truth, pool, 5, seed=seed).select("item", "rater", "label")
    known = rng.permutation(len(truth))[: len(truth) // 12]
    gold = {int(i): str(truth[i]) for i in known}
    return pool, ratings.sample(fraction=1.0, shuffle=True, seed=seed % 2**31), gold


def _orders(dice, count):
    return [dice.randrange(2**32) for _ in range(count)]


@functools.lru_cache(maxsize=64)
def _order(number):
    """dict of an order: job, crowd and experts of the pilot, others, truth, seed, usd.

    others: (crowd, experts) who do the work. usd: of the cheapest plan that we found for them.
    """
    dice = expect.dice(number)
    market = {"crowd_usd": dice.choice([0.01, 0.02, 0.03, 0.05]), "experts": dice.randint(3, 8),
              "strength": dice.uniform(1.0, 2.5), "spammers": dice.choice([0.0, 0.1, 0.2, 0.3]),
              "expert_usd": dice.choice([0.2, 0.4, 0.8])}  # fmt: skip
    job = {"items": _ITEMS, "accuracy": dice.choice([0.92, 0.94, 0.95, 0.96]),
           "budget_usd": _INF, "days": _INF, "test_share": dice.choice([0.02, 0.05])}  # fmt: skip
    crowd, experts = _people(market, number)
    others = _people(market, number + 1)
    truth = np.random.default_rng(number).choice(WORDS, _ITEMS)
    best = _cheapest(job, *others, truth, number)
    quick = _cheapest(job | {"days": 0.6 * best.days}, *others, truth, number)
    tight = quick is not None and dice.random() < 0.6
    usd = quick.usd if tight else best.usd
    job |= {"budget_usd": round(dice.uniform(1.4, 1.6) * usd, 2),
            "days": round((0.75 if tight else 1.5) * best.days, 3)}  # fmt: skip
    return {"job": job, "crowd": crowd, "experts": experts, "others": others, "truth": truth,
            "seed": number, "usd": usd, "least_usd": best.usd}  # fmt: skip


def _people(market, seed):
    """(crowd, experts): lists of Rater."""
    counts, words = confusion_counts()
    crowd = rater_pool(counts[1:], words, _CROWD, market["crowd_usd"], 10.0, spread=0.3, lean=0.05,
                       strength=market["strength"], spammers=market["spammers"],
                       seed=seed)  # fmt: skip
    experts = rater_pool(counts[2], words, market["experts"], market["expert_usd"], 40.0,
                         name="expert", strength=40.0, spread=0.2, seed=seed)  # fmt: skip
    return crowd, experts


def _cheapest(job, crowd, experts, truth, seed):
    """Trial of the cheapest plan that keeps the limits with these people, accuracy to spare."""
    tiers, options = (tier_of(crowd), tier_of(experts)), []
    for plan in _options(job["test_share"]):
        try:
            paper = priced(plan, job["items"], *tiers, len(WORDS))
        except KitError:  # nobody can carry it out
            continue
        if paper.accuracy > job["accuracy"] - 0.01 and paper.days < 1.2 * job["days"]:
            options.append((paper.usd, len(options), plan))
    for _, _, plan in sorted(options):
        done = simulate(plan, truth, crowd, experts, seed=seed)
        if done.accuracy >= job["accuracy"] + _SPARE and done.days <= job["days"]:
            return done
    return None


def _options(test_share):
    """list of Plan: the plans that we look at."""
    found = []
    for raters, (golds, least), gold in itertools.product(_RATERS, _TESTS, _GOLD):
        tested = raters > 0 and golds > 0 and gold >= test_share
        if tested or (golds == 0 and gold == test_share):
            votes = (0, *range(2, raters + 1))
            found += [Plan(raters, n, 1, gold, golds, least) for n in votes]
    return found


def _short(plan):
    """The fields of a plan that are not as they come."""
    fields = {n: x for n, x in vars(plan).items() if x != getattr(Plan(), n) or n == "raters"}
    return f"Plan({', '.join(f'{n}={x}' for n, x in fields.items())})"


def _told(job):
    numbers = f"{job['budget_usd']:.5g} USD, {job['days']:.3g} days, accuracy {job['accuracy']}"
    return f"An order of {numbers}, test share {job['test_share']}"


def _filled(buy, order):
    """dict of accuracy, usd, days of the student's plan, which kept all limits."""
    job, (plan, done) = order["job"], _carried_out(buy, order)
    told = f"{_told(job)}, {_short(plan)}: "
    gives = f"accuracy {done['accuracy']:.3f} with other people."
    hint = "try plans with simulate: the formulas do not know which words are confused"
    expect.true(done["accuracy"] >= job["accuracy"] - _SHORT, told + gives, hint)
    for name, value in (("budget_usd", done["usd"]), ("days", done["days"])):
        gives = f"{value:.5g} where {name} is {job[name]:.5g}."
        hint = f"look at {name.split('_')[-1]} of what simulate returns"
        expect.true(value <= _OVER * job[name], told + gives, hint)
    return done


def _carried_out(buy, order):
    """(Plan, dict of accuracy, usd, days): the student's plan, done twice by other people."""
    job = order["job"]
    given = dict(job), list(order["crowd"]), list(order["experts"])
    plan = _plan(buy(*given), job)
    same = given == (job, order["crowd"], order["experts"])
    expect.true(same, "buy must not change what it is given.", "work on copies")
    try:
        done = [simulate(plan, order["truth"], *order["others"], seed=order["seed"] + i)
                for i in (0, 1)]  # fmt: skip
    except KitError as fault:
        return expect.fail(f"{_told(job)}: {_short(plan)} cannot be carried out: {fault.what}.")
    return plan, {x: sum(getattr(d, x) for d in done) / 2 for x in ("accuracy", "usd", "days")}


def _plan(got, job):
    """The Plan that was returned, as plain numbers."""
    told = f"{_told(job)}: buy should return a Plan"
    expect.true(got is not None, f"{told}, there is one.", "try more plans before you give up")
    expect.true(type(got) is Plan, f"{told} or None.")
    expect.true(got.threshold is None and type(got.review) in (int, float) and got.review == 0,
                f"{told} with review 0 and no threshold.")  # fmt: skip
    whole = {}
    for name in ("raters", "agree", "experts", "golds", "least"):
        x = expect.as_number(getattr(got, name), f"{name} of the plan")
        expect.true(0 <= x < 100 and x == int(x), f"{name} of the plan cannot be {x}.")
        whole[name] = int(x)
    gold = expect.as_number(got.gold, "gold of the plan")
    hint = "gold: the share that experts label in any case"
    enough = job["test_share"] - 1e-12 <= gold <= 1
    expect.true(enough, f"{_told(job)}: gold of the plan is {gold:g}.", hint)
    return Plan(**whole, gold=gold)


def _refuse(function, name, cases, dice):
    for what, case in dice.sample(list(cases.items()), len(cases)):
        hint = "every comparison with nan is False, so test for what is allowed"
        hint = hint if "nan" in what else ""
        expect.refuses(lambda case=case: function(*case), f"{name} with {what}", hint)
