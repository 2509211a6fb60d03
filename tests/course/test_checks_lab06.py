"""The checks of lab 06 accept the right work, reject the usual slips, and say why."""

import dataclasses
import itertools
import math
import random

import numpy as np
import polars as pl
import pytest
from lab_checks import AlwaysEqual, accept, draws, refuse, refuse_untouched, solutions
from sklearn.metrics import cohen_kappa_score

from kit import labeling
from kit.course import expect
from kit.errors import KitError
from kit.labeling import plan as plans
from kit.labeling.plan import Plan

LAB = "lab06_labels"
TASKS = {
    "kappa": "cohen_kappa", "majority": "majority_accuracy", "price": "usd_per_more",
    "step": "em_step", "judge": "judge", "limits": "buy", "cheap": "buy",
}  # fmt: skip
DRAWN = {"step": 20, "judge": 2, "limits": 1, "cheap": 1}  # seeds of the slow ones


@pytest.fixture(scope="module")
def master():
    return solutions(LAB)


@pytest.fixture
def same_draws(monkeypatch):
    """Orders and crowds are drawn once for all: it saves time, and luck has no say in slips."""
    fixed = lambda seed=None: random.Random(12 if seed is None else seed)  # noqa: E731
    monkeypatch.setattr(expect, "dice", fixed)


@pytest.mark.parametrize("task", TASKS)
def test_the_master_passes_visible_and_hidden(checks, master, task, request):
    if task in ("limits", "cheap"):
        request.getfixturevalue("same_draws")
    accept(checks, task, master[TASKS[task]])


@pytest.mark.parametrize("task", TASKS)
def test_the_master_passes_whatever_is_drawn(checks, master, task):
    """A check that fails right work once in a hundred draws fails somebody in every class."""
    for seed in draws(DRAWN.get(task, 200)):
        getattr(checks[0], task).__wrapped__(master[TASKS[task]], seed)


@pytest.mark.parametrize("task", TASKS)
def test_untouched_work_is_not_implemented(checks, task):
    refuse_untouched(checks, task)


# task 1


def kappa(a, b, labels, *, by_luck=None, both=True, gap=lambda x: x is None, known=True,
          lengths=True, one=None, after=lambda x: x):  # fmt: skip
    """Kappa with one thing changed."""
    if lengths and len(a) != len(b):
        raise ValueError
    seen = [(x, y) for x, y in zip(a, b, strict=False) if not both or not (gap(x) or gap(y))]
    told = [*a, *b] if known is True else [x for pair in seen for x in pair] if known else []
    if not seen or {*told} - {*labels, None}:
        raise ValueError
    n = len(seen)
    agreement = sum(x == y for x, y in seen) / n
    shares = {x: [sum(pair[i] == x for pair in seen) / n for i in (0, 1)]
              for x in {x for pair in seen for x in pair}}  # fmt: skip
    chance = by_luck(shares, a, b, labels) if by_luck else sum(p * q for p, q in shares.values())
    if chance == 1 and one is not None:
        return one
    if chance == 1:
        raise ValueError
    return after((agreement - chance) / (1 - chance))


def of_each(shares, a, b, labels):
    """Shares of all that each rater said, whether or not the other rated it."""
    first, second = ([x for x in side if x is not None] for side in (a, b))
    return sum(first.count(x) * second.count(x) for x in {*labels}) / len(first) / len(second)


def by_sklearn(a, b, labels):
    if len(a) != len(b) or {*a, *b} - {*labels, None}:
        raise ValueError
    seen = [(labels.index(x), labels.index(y)) for x, y in zip(a, b, strict=True)
            if x is not None and y is not None]  # fmt: skip
    if len({x for pair in seen for x in pair}) < 2:
        raise ValueError
    return cohen_kappa_score(*zip(*seen, strict=True))


def spoils(a, b, labels):
    found = kappa(a, b, labels)
    a.append(labels[0])
    return found


def no_constant_rater(a, b, labels):
    found = kappa(a, b, labels)
    seen = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    if min(len(set(side)) for side in zip(*seen, strict=True)) < 2:
        raise ValueError
    return found


# task 2


def vote(accuracy, raters, classes, *, tie=lambda leaders: 1 / leaders, check=True):
    """The majority, by all ways to share out the votes, with one thing changed."""
    if check and not (0 <= accuracy <= 1 and raters > 0 and classes > 1):
        raise ValueError
    logs, found = [math.lgamma(n + 1) for n in range(raters + 1)], 0.0
    for right in range(1, raters + 1):
        for wrong in partitions(raters - right, classes - 1, right):
            times = math.factorial(classes - 1) / math.prod(
                math.factorial(wrong.count(x)) for x in {*wrong}
            )
            ways = math.exp(logs[raters] - logs[right] - sum(logs[x] for x in wrong))
            each = ((1 - accuracy) / (classes - 1)) ** (raters - right)
            found += times * ways * accuracy**right * each * tie(1 + wrong.count(right))
    return found


def partitions(total, parts, most):
    """Ways to write total as `parts` numbers of at most `most`, larger ones first."""
    if parts == 0:
        return [()] if total == 0 else []
    return [(x, *rest) for x in range(min(total, most), -1, -1)
            for rest in partitions(total - x, parts - 1, x)]  # fmt: skip


def more_than_half(accuracy, raters, classes):
    vote(accuracy, raters, classes)
    return sum(math.comb(raters, x) * accuracy**x * (1 - accuracy) ** (raters - x)
               for x in range(raters // 2 + 1, raters + 1))  # fmt: skip


def as_two_labels(accuracy, raters, classes):
    vote(accuracy, raters, classes)
    return vote(accuracy, raters, 2)


def drawn(accuracy, raters, classes):
    vote(accuracy, raters, classes)
    rng = np.random.default_rng(0)
    said = np.where(rng.random((20000, raters)) < accuracy, 0,
                    rng.integers(1, classes, (20000, raters)))  # fmt: skip
    votes = (said[:, :, None] == np.arange(classes)).sum(1) + rng.random((20000, classes)) / 2
    return (votes.argmax(1) == 0).mean()


def more(accuracy, few, many, usd, classes, *, form=None, check=True, least=1e-12):
    """The price of one more right label, with one thing changed."""
    if check and not (many > few >= 1 and usd >= 0):
        raise ValueError
    if min(few, many) < 1:
        raise ValueError
    before, after = (plans.majority_accuracy(accuracy, n, classes) for n in (few, many))
    if after - before <= least:
        return math.inf
    return form(before, after) if form else (many - few) * usd / (after - before)


# task 3


def em(ratings, posterior, extra, *, check=True, shares_extra=1.0, axis=2, missing=True,
       old_shares=False, hard=False, imagined=True, logs=True, cells=True, gap=None, norm=True,
       kind=tuple):  # fmt: skip
    """A step with one thing changed."""
    k = posterior.shape[1]
    if check and (not extra > 0 or len(ratings) != len(posterior)
                  or not np.isin(ratings, range(-1, k)).all()):  # fmt: skip
        raise ValueError
    said = np.eye(k + 1)[ratings][:, :, :k] if missing else np.eye(k)[ratings]
    before = posterior.sum(0) / posterior.sum()
    p = np.eye(k)[posterior.argmax(1)] if hard else posterior
    shares = p.sum(0) + shares_extra * extra
    shares = shares / shares.sum()
    confusion = np.einsum("ik,irl->rkl", p, said) + (extra if cells else extra / k)
    confusion = confusion / confusion.sum(axis, keepdims=True)
    used = before if old_shares else shares
    if logs:
        score = np.log(used) + np.einsum("irl,rkl->ik", said, np.log(confusion))
        top = score.max(1, keepdims=True)
        rows, offset = np.exp(score - top), top.sum()
    else:
        each = np.where(said[..., None] > 0, confusion.transpose(0, 2, 1), 1).prod((1, 2))
        rows, offset = used * each, 0.0
    whole = rows.sum(1, keepdims=True)
    after = rows / whole if norm else rows
    if gap is not None:
        after = np.where((ratings < 0).all(1)[:, None], gap(k), after)
    likely = offset + np.log(whole).sum()
    likely += imagined * extra * (np.log(shares).sum() + np.log(confusion).sum())
    return kind((shares, confusion, after, float(likely)))


def in_place(ratings, posterior, extra):
    found = em(ratings, posterior, extra)
    posterior[:] = found[2]
    return found


def counts_gaps(ratings, posterior, extra):
    em(ratings, posterior, extra)
    return em(ratings % posterior.shape[1], posterior, extra)


# task 4


def tables(ratings, gold, steps=15, by="em"):
    """dict of rater -> float[K, K], true x said; the truth by EM, majority, or gold alone."""
    labels, raters = sorted({*ratings["label"], *gold.values()}), sorted({*ratings["rater"]})
    items = sorted({*ratings["item"]})
    k, at = len(labels), [{x: i for i, x in enumerate(y)} for y in (items, raters, labels)]
    said = np.full((len(items), len(raters)), -1)
    for item, rater, label in ratings.select("item", "rater", "label").rows():
        said[at[0][item], at[1][rater]] = at[2][label]
    known = np.array([at[0][x] for x in gold], int)
    true = np.eye(k)[np.array([at[2][x] for x in gold.values()], int)]
    p = (said[:, :, None] == np.arange(k)).sum(1) + 1 / k
    p /= p.sum(1, keepdims=True)
    for _ in range(steps if by == "em" else 0):
        p[known] = true
        p = em(said, p, 0.1)[2]
    p[known] = true
    best, found = p.argmax(1), {}
    used = np.isin(np.arange(len(items)), known) if by == "gold" else np.ones(len(items), bool)
    for rater, number in at[1].items():
        mine = used & (said[:, number] >= 0)
        found[rater] = np.zeros((k, k))
        np.add.at(found[rater], (best[mine], said[mine, number]), 1)
    return found


def beyond_chance(table):
    n = max(table.sum(), 1)
    chance = table.sum(0) @ table.sum(1) / n**2
    return (np.trace(table) / n - chance) / (1 - chance) if chance < 1 else 0.0


def depends(table):
    """How far what is said depends on the truth: deviations beyond what shuffled labels give."""
    rng = np.random.default_rng(0)
    true, said = (np.repeat(np.indices(table.shape)[i], table.astype(int).ravel()) for i in (0, 1))

    def strength(said):
        cells = np.bincount(true * len(table) + said, minlength=table.size)
        return (cells.astype(float) ** 2).sum()

    luck = [strength(rng.permutation(said)) for _ in range(30)]
    return (strength(said) - np.mean(luck)) / max(np.std(luck), 1e-9)


def by_shuffles(ratings, gold):
    """Right work of another style."""
    return {
        rater: "honest" if beyond_chance(t) > 0.2 else "spammer" if depends(t) < 12 else "adversary"
        for rater, t in tables(ratings, gold).items()
    }  # fmt: skip


def by_gold(ratings, gold):
    return {
        rater: "honest" if beyond_chance(t) > 0.2 else "spammer" if depends(t) < 2
        else "adversary" for rater, t in tables(ratings, gold, by="gold").items()
    }  # fmt: skip


def share_right(table):
    return np.trace(table) / max(table.sum(), 1)


def by_half(ratings, gold):
    return {rater: "honest" if share_right(t) >= 0.5 else "spammer"
            for rater, t in tables(ratings, {}, by="majority").items()}  # fmt: skip


def by_kit(ratings, gold):
    found = labeling.aggregate(ratings, gold=gold).raters
    return {r: {"ok": "honest"}.get(kind, kind) for r, kind in found.select("rater", "kind").rows()}


def all_of(kind):
    return lambda ratings, gold: dict.fromkeys(ratings["rater"].to_list(), kind)


def renamed(**kinds):
    return lambda *given: {r: kinds.get(kind, kind) for r, kind in by_shuffles(*given).items()}


def takes_gold(ratings, gold):
    found = by_half(ratings, gold)
    gold.clear()
    return found


# task 5


def tried(job, crowd, experts, dearest=False):
    """Right work of another style: own search with `priced`, cheapest first."""
    tiers = plans.tier_of(crowd), plans.tier_of(experts)
    found = []
    for n, agree, (golds, least) in itertools.product(
        (0, 2, 3, 4, 5, 7), (0, 2, 3, 4, 5), ((0, 0), (5, 4), (10, 7))
    ):
        gold = max(job["test_share"], 0.05 if golds else 0)
        one = Plan(n, agree if n else 0, 1, gold, golds if n else 0, least if n else 0)
        if agree > n > 0:
            continue
        try:
            told = plans.priced(one, job["items"], *tiers, 10)
        except KitError:
            continue
        if told.accuracy > job["accuracy"] and told.usd < 1.1 * job["budget_usd"]:
            found.append((told.usd, one))
    truth = np.random.default_rng(3).choice([*crowd[0].words], job["items"])
    for _, one in sorted(found, key=lambda pair: pair[0], reverse=dearest):
        done = plans.simulate(one, truth, crowd, experts, seed=8)
        kept = done.usd <= job["budget_usd"] and done.days <= job["days"]
        if kept and done.accuracy >= job["accuracy"] + 0.005:
            return one
    return None


def on_paper(job, crowd, experts):
    gold = [x for x in (0.02, 0.05, 0.1) if x >= job["test_share"]]
    tiers = plans.tier_of(crowd), plans.tier_of(experts)
    limits = job["budget_usd"], job["days"], job["accuracy"]
    return plans.best_plan(job["items"], *limits, *tiers, 10, gold=gold).plan


def always(**fields):
    return lambda job, crowd, experts: Plan(**({"gold": job["test_share"]} | fields))


def changed(**fields):
    def attempt(job, crowd, experts):
        found = always(raters=5, agree=4, golds=0)(job, crowd, experts)
        return dataclasses.replace(found, **fields)

    return attempt


def cheats(job, crowd, experts):
    job["accuracy"] = 0.1
    return Plan(gold=job["test_share"])


def never_none(job, crowd, experts):
    return tried(job, crowd, experts) or Plan(raters=0, gold=job["test_share"])


RIGHT = [
    ("kappa", kappa),
    ("kappa", by_sklearn),
    ("kappa", lambda *a: np.float64(kappa(*a))),
    ("majority", vote),
    ("price", more),
    ("step", em),
    ("judge", by_shuffles),
    ("limits", tried),
    ("cheap", tried),
]


@pytest.mark.parametrize(("task", "attempt"), RIGHT)
def test_right_work_of_another_kind_passes(checks, task, attempt):
    for seed in range({"step": 3, "judge": 1, "limits": 1, "cheap": 1}.get(task, 20)):
        getattr(checks[0], task).__wrapped__(attempt, seed)
    if task not in ("judge", "limits", "cheap"):
        getattr(checks[1], task)(attempt)


WRONG = [
    ("kappa", lambda *a: kappa(*a, by_luck=lambda s, *_: 0.0), "take the agreement by chance off|"
     "0.82 here"),
    ("kappa", lambda *a: kappa(*a, by_luck=lambda s, a, b, labels: 1 / len(labels)), "should be"),
    ("kappa", lambda *a: kappa(*a, by_luck=lambda s, *_: max(p * q for p, q in s.values())),
     "0.82 here"),
    ("kappa", lambda *a: kappa(*a, by_luck=lambda s, *_: sum((p + q) ** 2 / 4
                                                             for p, q in s.values())),
     "should be"),
    ("kappa", lambda *a: kappa(*a, by_luck=of_each), "should be"),
    ("kappa", lambda *a: kappa(*a, both=False), "only items that both rated|should"),
    ("kappa", lambda *a: kappa(*a, gap=lambda x: not x), "should"),
    ("kappa", lambda *a: kappa(*a, known=False), "should raise"),
    ("kappa", lambda *a: kappa(*a, known="pairs"), "should raise"),
    ("kappa", lambda *a: kappa(*a, lengths=False), "should raise"),
    ("kappa", lambda *a: kappa(*a, one=0.0), "should raise"),
    ("kappa", lambda *a: kappa(*a, one=1.0), "should raise"),
    ("kappa", lambda *a: kappa(*a, one=math.nan), "should raise"),
    ("kappa", no_constant_rater, "but raised ValueError"),
    ("kappa", lambda *a: kappa(*a, after=lambda x: round(x, 2)), "should be"),
    ("kappa", lambda *a: kappa(*a, after=abs), "should be"),
    ("kappa", spoils, "must not change"),
    ("kappa", lambda *a: math.nan, "should be"),
    ("kappa", lambda *a: None, "should be a number"),
    ("kappa", lambda *a: AlwaysEqual(), "should be a number"),
    ("majority", more_than_half, "fewer than half|should be"),
    ("majority", as_two_labels, "should be"),
    ("majority", lambda *a: vote(*a, tie=lambda leaders: leaders == 1), "a tie of t labels|half"),
    ("majority", lambda *a: vote(*a, tie=lambda leaders: 1), "a tie of t labels|should be"),
    ("majority", lambda *a: vote(*a, tie=lambda leaders: 1 if leaders == 1 else 0.5), "a tie of"),
    ("majority", lambda *a: a[0] * vote(*a) / vote(*a) if a[0] else vote(*a), "more than one"),
    ("majority", drawn, "should be"),
    ("majority", lambda *a: round(vote(*a), 3), "should be"),
    ("majority", lambda *a: vote(*a, check=False) if a[2] > 1 else 0.0, "should raise"),
    ("majority", lambda *a: vote(*a) if a[0] == a[0] else a[0], "should raise"),
    ("majority", lambda *a: math.nan, "should be"),
    ("majority", lambda *a: None, "should be a number"),
    ("majority", lambda *a: AlwaysEqual(), "should be a number"),
    ("price", lambda p, few, many, usd, k: more(p, few, many, usd, k,
                                                form=lambda a, b: many * usd / b), "on top"),
    ("price", lambda p, few, many, usd, k: more(p, few, many, usd, k,
                                                form=lambda a, b: many * usd / (b - a)), "on top"),
    ("price", lambda p, few, many, usd, k: more(p, few, many, usd, k,
                                                form=lambda a, b: usd / (b - a)), "on top|infin"),
    ("price", lambda p, few, many, usd, k: more(p, few, many, usd, k, least=-0.5,
                                                form=lambda a, b: usd / ((b - a) or 1e-18)),
     "should be infinite|on top"),
    ("price", lambda *a: min(more(*a), 1e9), "should be infinite"),
    ("price", lambda *a: more(*a, check=False), "should raise"),
    ("price", lambda *a: more(*a) if a[3] == a[3] else a[3], "should raise"),
    ("price", lambda *a: math.nan, "should be"),
    ("price", lambda *a: None, "should be a number"),
    ("price", lambda *a: AlwaysEqual(), "should be a number"),
    ("step", lambda *a: em(*a, shares_extra=0.0), "shares"),
    ("step", lambda *a: em(*a, cells=False), "confusion"),
    ("step", lambda *a: em(*a, axis=1), "row of confusion"),
    ("step", lambda *a: em(*a, missing=False), "confusion"),
    ("step", counts_gaps, "confusion"),
    ("step", lambda *a: em(*a, old_shares=True), "posterior"),
    ("step", lambda *a: em(*a, hard=True), "shares"),
    ("step", lambda *a: em(*a, imagined=False), "log"),
    ("step", lambda *a: em(*a, logs=False), "add logarithms|should be a number|log_like"),
    ("step", lambda *a: em(*a, norm=False), "add up to one"),
    ("step", lambda *a: em(*a, gap=lambda k: 1 / k), "posterior"),
    ("step", lambda *a: em(*a, gap=lambda k: 0.0), "add up to one"),
    ("step", lambda *a: (*em(*a)[:3], -1e9), "log_likelihood"),
    ("step", lambda *a: (*em(*a)[:3], math.nan), "log-likelihood|log_likelihood"),
    ("step", lambda *a: (*em(*a)[:3], AlwaysEqual()), "should be a number"),
    ("step", lambda *a: (*em(*a)[:2], a[1].copy(), em(*a)[3]), "posterior"),
    ("step", lambda *a: em(*a, check=False), "should raise"),
    ("step", lambda *a: em(*a, kind=list), "a tuple of four"),
    ("step", lambda *a: em(*a)[:3], "a tuple of four"),
    ("step", lambda *a: tuple(x.tolist() if i < 3 else x for i, x in enumerate(em(*a))),
     "a float array"),
    ("step", lambda *a: tuple(x.T if i == 1 else x for i, x in enumerate(em(*a))), "confusion"),
    ("step", lambda *a: tuple(x * math.nan for x in em(*a)), "add up to one"),
    ("step", lambda *a: (AlwaysEqual(),) * 4, "a float array"),
    ("step", lambda *a: AlwaysEqual(), "a tuple of four"),
    ("step", lambda *a: None, "a tuple of four"),
    ("step", in_place, "must not change"),
    ("judge", all_of("honest"), "are asked for"),
    ("judge", all_of("spammer"), "are asked for"),
    ("judge", by_half, "are asked for"),
    ("judge", by_gold, "are asked for"),
    ("judge", by_kit, "are asked for"),
    ("judge", renamed(adversary="spammer"), "are asked for"),
    ("judge", renamed(spammer="adversary"), "are asked for"),
    ("judge", takes_gold, "must not change"),
    ("judge", lambda *a: [*all_of("honest")(*a)], "a dictionary"),
    ("judge", lambda *a: all_of("honest")(*a) | {"me": "honest"}, "every rater once"),
    ("judge", lambda *a: dict([*all_of("honest")(*a).items()][1:]), "every rater once"),
    ("judge", all_of("ok"), "should say honest"),
    ("judge", all_of(AlwaysEqual()), "should say honest"),
    ("judge", all_of(None), "should say honest"),
    ("judge", lambda *a: AlwaysEqual(), "a dictionary"),
    ("judge", lambda *a: None, "a dictionary"),
    ("limits", on_paper, "with other people"),
    ("limits", always(), "with other people"),
    ("limits", always(raters=7), "with other people|where budget_usd"),
    ("limits", always(raters=0), "where"),
    ("limits", always(agree=3), "where"),
    ("limits", always(raters=5, agree=4, golds=10, least=7, gold=0.05), "where|None"),
    ("limits", never_none, "should return None"),
    ("limits", lambda *a: None, "there is one"),
    ("limits", always(gold=0.0), "label in any case|gold of the plan"),
    ("limits", always(golds=9999, least=5), "cannot be"),
    ("limits", always(golds=5, least=7), "cannot be carried out"),
    ("limits", always(golds=90, least=5), "cannot be carried out"),
    ("limits", changed(threshold=0.5), "no threshold"),
    ("limits", changed(review=0.2), "review 0"),
    ("limits", changed(raters=AlwaysEqual()), "should be a number"),
    ("limits", changed(gold=math.nan), "gold of the plan"),
    ("limits", changed(agree=2.5), "cannot be"),
    ("limits", cheats, "must not change"),
    ("limits", lambda *a: {"raters": 3}, "return a Plan"),
    ("limits", lambda *a: AlwaysEqual(), "return a Plan"),
    ("cheap", lambda *a: tried(*a, dearest=True), "would pass"),
    ("cheap", always(raters=0), "where budget_usd"),
    ("cheap", always(), "with other people"),
    ("cheap", on_paper, "with other people"),
    ("cheap", lambda *a: None, "there is one"),
    ("cheap", changed(gold=AlwaysEqual()), "should be a number"),
    ("cheap", lambda *a: AlwaysEqual(), "return a Plan"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "attempt", "word"), WRONG)
def test_usual_slips_fail_with_a_hint(checks, task, attempt, word, request):
    if task in DRAWN:
        request.getfixturevalue("same_draws")
    refuse(checks, task, attempt, word)


def test_the_oracles_of_the_checks_agree_with_the_kit(checks):
    visible = checks[0]
    first, second = ["a", "b", None, "b", "a", "b"], ["a", "a", "b", "b", None, "b"]
    table = [list(pair) for pair in zip(first, second, strict=True)]
    wanted = labeling.cohen_kappa(table, labels=["a", "b"], draws=0).value
    assert visible._closed_kappa(first, second) == pytest.approx(wanted)
    rng = np.random.default_rng(4)
    ratings, posterior = visible._said(rng, 30, 5, 3), rng.dirichlet(np.ones(3), 30)
    for a, b in zip(visible._slow_step(ratings, posterior, 0.7), em(ratings, posterior, 0.7),
                    strict=True):  # fmt: skip
        np.testing.assert_allclose(a, b)


@pytest.mark.parametrize("extra", [0.01, 0.5, 3.0])
def test_what_the_lab_says_of_the_log_likelihood(extra):
    """With the imagined ratings it never falls; without them it sometimes does."""
    fell = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        posterior, ratings = rng.dirichlet(np.ones(3), 12), rng.integers(-1, 3, (12, 3))
        last, plain = -math.inf, -math.inf
        for _ in range(20):
            _, _, after, likely = em(ratings, posterior, extra)
            assert likely >= last - 1e-9
            alone = em(ratings, posterior, extra, imagined=False)[3]
            fell += alone < plain - 1e-6
            posterior, last, plain = after, likely, alone
    assert fell > 0


def test_the_majority_of_the_lab_is_that_of_the_kit(master):
    for case in [(0.7, 4, 3), (0.55, 7, 2), (0.9, 3, 10)]:
        assert master["majority_accuracy"](*case) == pytest.approx(
            float(plans.majority_accuracy(*case))
        )


def test_the_confusions_are_of_a_hundred_clips_each(checks):
    counts, words = checks[0].confusion_counts()
    assert counts.shape == (3, 10, 10)
    assert (counts.sum(2) == 100).all()
    assert np.trace(counts, axis1=1, axis2=2).tolist() == [448, 758, 839]
    assert words == tuple("0123456789")


def test_the_crowd_tells_nothing_by_order_or_name(checks):
    ratings, gold = checks[0].crowd()
    assert ratings.columns == ["item", "rater", "label"]
    assert len(gold) == ratings["item"].n_unique() // 12
    again, same = checks[0].crowd()
    assert ratings.equals(again)
    assert gold == same
    each = ratings.group_by("item").len()["len"]
    assert each.unique().to_list() == [5]


def test_the_order_of_the_defence_can_be_filled(checks, master):
    job, crowd, experts = checks[0].job()
    assert isinstance(master["buy"](job, crowd, experts), Plan)
    spammed = checks[0].job(0.2)[1]
    assert sum(r.kind == "spammer" for r in spammed) == 20
    assert {r.usd for r in crowd} == {r.usd for r in spammed}


def test_checks_draw_new_numbers_each_time(checks):
    seen = []

    def spy(*case):
        seen.append(case)
        return vote(*case)

    for _ in range(2):
        checks[0].majority(spy)
    assert len({c for c in seen if c[0] == c[0]}) > 20


def test_an_error_of_the_students_own_is_shown_as_it_is(checks):
    def misspelt(ratings, gold):
        return ratings["ratter"]

    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="ratter"):
        checks[0].judge(misspelt)
