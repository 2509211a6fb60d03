"""One label from many: held to a slow Dawid and Skene, to simulated crowds, and to odd input."""

import math
import time

import numpy as np
import polars as pl
import pytest
from helpers import code
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kit import labeling
from kit.labeling import dawid_skene
from kit.labeling.aggregate import METHODS

rating = st.tuples(st.integers(0, 7), st.integers(0, 4), st.integers(0, 2))
some_ratings = st.lists(rating, min_size=1, max_size=40, unique_by=lambda x: x[:2])


def frame(ratings):
    return pl.DataFrame(ratings, ["item", "rater", "label"], orient="row")


def crowd(items, each, confusions, seed=0, shares=None):
    """(truth int[items], table of ratings): every item rated by `each` raters of the model."""
    rng = np.random.default_rng(seed)
    raters, k = len(confusions), confusions.shape[1]
    truth = rng.choice(k, items, p=shares)
    who = rng.random((items, raters)).argsort(1)[:, :each]
    steps = confusions.cumsum(2)[who, truth[:, None]]
    said = (rng.random((items, each, 1)) > steps).sum(2).clip(max=k - 1)
    table = {"item": np.repeat(np.arange(items), each), "rater": who.ravel(), "label": said.ravel()}
    return truth, pl.DataFrame(table)


def coins(accuracies, k):
    """float[raters, k, k]: right with the accuracy, other labels equally often."""
    a = np.array(accuracies)[:, None, None]
    return np.where(np.eye(k), a, (1 - a) / (k - 1))


def right(truth, found):
    return float((found.items["label"].to_numpy() == truth[found.items["item"].to_numpy()]).mean())


def slow(ratings, k, prior, iterations, gold=()):
    """Dawid and Skene 1979 with Dirichlet priors, in dicts and loops.

    (posterior by item, confusion by rater, penalised log-likelihoods).
    """
    gold = dict(gold)
    items, raters = sorted({i for i, _, _ in ratings}), sorted({r for _, r, _ in ratings})
    posterior = {}
    for i in items:
        votes = [sum(x == i and z == c for x, _, z in ratings) + 1 / k for c in range(k)]
        posterior[i] = [v / sum(votes) for v in votes]
        if i in gold:
            posterior[i] = [float(c == gold[i]) for c in range(k)]

    def extra(true, said):
        return prior.spread / k + (prior.right if true == said else 0)

    def maximise():
        share = [sum(posterior[i][c] for i in items) + prior.classes for c in range(k)]
        share = [x / sum(share) for x in share]
        said = {}
        for r in raters:
            for c in range(k):
                row = [
                    sum(posterior[i][c] for i, x, z in ratings if x == r and z == w) + extra(c, w)
                    for w in range(k)
                ]
                said[r, c] = [x / sum(row) for x in row]
        return share, said

    history = []
    for _ in range(iterations):
        share, said = maximise()
        total = sum(prior.classes * math.log(x) for x in share)
        total += sum(extra(c, w) * math.log(said[r, c][w])
                     for r in raters for c in range(k) for w in range(k))  # fmt: skip
        for i in items:
            joint = list(share)
            for x, r, z in ratings:
                if x == i:
                    joint = [p * said[r, c][z] for c, p in enumerate(joint)]
            if i in gold:
                total += math.log(joint[gold[i]])
            else:
                total += math.log(sum(joint))
                posterior[i] = [p / sum(joint) for p in joint]
        history.append(total)
    return posterior, maximise()[1], history


@settings(max_examples=60, deadline=None)
@given(some_ratings, st.integers(1, 6), st.booleans())
def test_em_is_that_of_the_slow_one(ratings, iterations, with_gold):
    gold = {ratings[0][0]: 2} if with_gold else {}
    items = [item for item, _, _ in ratings]  # an item that is rated once tells nothing of raters
    ratings = [x for x in ratings if items.count(x[0]) > 1 or x[0] in gold]
    assume(ratings)
    prior = labeling.Prior(1.5, 0.7, 2.0)
    found = labeling.aggregate(
        frame(ratings), gold=gold, labels=[0, 1, 2], prior=prior,
        iterations=iterations, tolerance=0,
    )  # fmt: skip
    posterior, said, history = slow(ratings, 3, prior, len(found.log_likelihood), gold)
    assert found.log_likelihood == pytest.approx(history, rel=1e-9)
    for i, item in enumerate(found.items["item"]):
        assert found.posterior[i] == pytest.approx(posterior[item], abs=1e-9)
    for rater, true, label, share in found.confusion.select(pl.all().exclude("expected")).rows():
        assert share == pytest.approx(said[rater, true][label], abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(some_ratings, st.floats(0.01, 5), st.floats(0.01, 5), st.booleans())
def test_the_likelihood_never_falls(ratings, spread, diagonal, with_gold):
    gold = {ratings[0][0]: ratings[0][2]} if with_gold else None
    found = labeling.aggregate(
        frame(ratings), gold=gold, prior=(spread, diagonal, 0.5), tolerance=0, iterations=60
    )
    assert np.diff(found.log_likelihood).min(initial=0) >= -1e-9 * abs(found.log_likelihood[0])


def test_the_sums_do_not_depend_on_blocks(monkeypatch):
    _, table = crowd(500, 4, coins(np.linspace(0.5, 0.95, 12), 3))
    wanted = labeling.aggregate(table)
    monkeypatch.setattr(dawid_skene, "BLOCKS", 1)
    found = labeling.aggregate(table)
    assert np.allclose(found.posterior, wanted.posterior, atol=1e-12)
    assert found.log_likelihood == pytest.approx(wanted.log_likelihood)


def test_good_raters_make_all_methods_good():
    truth, table = crowd(5000, 5, coins(np.linspace(0.55, 0.95, 20), 4))
    majority, weighted, skene = (right(truth, labeling.aggregate(table, m)) for m in METHODS)
    assert majority > 0.9
    assert weighted > majority + 0.01
    assert skene > majority + 0.01


def test_spammers_and_adversaries_are_found_and_do_no_harm():
    """Of ten raters, three lie by a rule and two say anything: only majority fails."""
    k = 3
    good = coins([0.8, 0.85, 0.75, 0.8, 0.9], k)
    liar = 0.9 * np.roll(np.eye(k), 1, axis=1) + 0.1 / k  # true c, said c + 1
    constant, random = np.eye(k)[[0, 0, 0]], np.full((k, k), 1 / k)
    confusions = np.stack([*good, liar, liar, liar, constant, random])
    truth, table = crowd(6000, 7, confusions, shares=[0.5, 0.3, 0.2])
    majority, found = (labeling.aggregate(table, m) for m in ("majority", "dawid-skene"))
    assert right(truth, majority) < 0.8
    assert right(truth, found) > 0.95
    kinds = ["ok"] * 5 + ["adversary"] * 3 + ["spammer"] * 2
    raters = found.raters.sort("rater")
    assert raters["kind"].to_list() == kinds
    # the share of right ratings, from the confusions and the shares of the classes
    wanted = np.einsum("rcc,c->r", confusions, [0.5, 0.3, 0.2])
    assert raters["accuracy"].to_list() == pytest.approx(wanted, abs=0.03)
    said = found.confusion.sort("rater", maintain_order=True)["probability"].to_numpy()
    assert said.reshape(10, k, k) == pytest.approx(confusions, abs=0.05)
    by_votes = labeling.aggregate(table, "weighted")
    assert right(truth, by_votes) > right(truth, majority)
    assert by_votes.raters.sort("rater")["kind"].to_list()[5:8] == ["adversary"] * 3


def test_always_the_frequent_label_is_spam_though_mostly_right():
    spammer = np.array([[1.0, 0.0], [1.0, 0.0]])
    confusions = np.stack([*coins([0.9] * 5, 2), spammer])
    _, table = crowd(4000, 4, confusions, shares=[0.9, 0.1])
    last = labeling.aggregate(table).raters.sort("rater").row(5, named=True)
    assert last["accuracy"] > 0.85
    assert last["kind"] == "spammer"
    assert abs(last["kappa"]) < 0.1


def test_few_ratings_make_nobody_a_spammer():
    truth, table = crowd(12, 2, coins([0.9] * 8, 2), seed=3)
    found = labeling.aggregate(table)
    assert set(found.raters["kind"]) == {"ok"}
    assert any("too few" in note for note in found.raters["note"])
    assert right(truth, found) > 0.5


@pytest.mark.parametrize(("k", "shares"), [(2, [0.7, 0.3]), (4, [0.4, 0.3, 0.2, 0.1])])
def test_confidence_is_the_share_that_is_right(k, shares):
    """When the model holds: items of confidence about 0.9 are right about 9 times in 10."""
    confusions = np.random.default_rng(k).dirichlet(np.ones(k), (15, k)) * 0.5 + 0.5 * np.eye(k)
    truth, table = crowd(40_000, 3, confusions, seed=k, shares=shares)
    found = labeling.aggregate(table)
    sure = found.items["confidence"].to_numpy()
    good = found.items["label"].to_numpy() == truth[found.items["item"].to_numpy()]
    assert sure.mean() == pytest.approx(good.mean(), abs=0.01)
    for low in np.arange(0.5, 1, 0.1):
        part = (sure >= low) & (sure < low + 0.1)
        assert part.sum() > 300
        assert good[part].mean() == pytest.approx(sure[part].mean(), abs=0.035)


def test_the_weights_are_log_odds_of_agreement_with_the_others():
    truth, table = crowd(300, 3, coins([0.9, 0.8, 0.6, 0.3], 3), seed=1)
    found = labeling.aggregate(table, "weighted")
    rows, prior, score = table.rows(), labeling.Prior(), np.zeros((300, 3))
    weight = {}
    for r in range(4):
        hits = total = 0.0
        for i, _, z in [x for x in rows if x[1] == r]:
            others = [x[2] for x in rows if x[0] == i and x[1] != r]
            top = max(others.count(c) for c in others)
            best = [c for c in range(3) if others.count(c) == top]
            hits += (z in best) / len(best)
            total += 1
        a = (hits + prior.right + prior.spread / 3) / (total + prior.right + prior.spread)
        weight[r] = math.log(a * 2 / (1 - a))
        assert found.raters.filter(pl.col("rater") == r)["accuracy"][0] == pytest.approx(a)
    for i, r, z in rows:
        score[i, z] += weight[r]
    wanted = np.exp(score) / np.exp(score).sum(1, keepdims=True)
    assert found.posterior == pytest.approx(wanted[found.items["item"].to_numpy()])
    assert weight[3] < 0 < weight[0]
    # what nobody else rated says nothing about its rater
    alone = pl.DataFrame({"item": range(300, 400), "rater": [0] * 100, "label": [0] * 100})
    more = labeling.aggregate(pl.concat([table, alone]), "weighted")
    assert more.raters["accuracy"].to_list() == found.raters["accuracy"].to_list()
    assert right(truth, found) > right(truth, labeling.aggregate(table, "majority"))


def test_ties_are_said_and_broken_by_the_stated_rule():
    rows = [["b", "c"], ["c", "b"], ["c", "c"], ["a", "b"], ["a", "d"], ["a", "a"]]
    items = labeling.aggregate(rows, "majority").items
    assert items["label"].to_list() == ["c", "c", "c", "a", "a", "a"]  # a 4, b 3, c 4, d 1
    assert items["tie"].to_list() == [True, True, False, True, True, False]
    assert items["confidence"].to_list() == [0.5, 0.5, 1, 0.5, 0.5, 1]
    assert all(note.startswith("tie") for note in items.filter("tie")["note"])
    equal = labeling.aggregate([["b", "a"]], "majority", labels=["b", "a"]).items
    assert equal["label"][0] == "b"  # equally frequent: the first in the order of labels
    for method in METHODS:
        assert labeling.aggregate([["x", "y"]], method).items["tie"][0]


@pytest.mark.parametrize("method", METHODS)
def test_gold_is_kept_and_shows_who_is_right(method):
    """Half of the raters swap two labels: without gold nobody can know which half."""
    swap = coins([0.9] * 4 + [0.1] * 4, 2)
    truth, table = crowd(800, 4, swap, seed=5)
    gold = {i: int(truth[i]) for i in range(200)}
    found = labeling.aggregate(table, method, gold=gold)
    known = found.items.filter(pl.col("note") == "gold")
    assert dict(known.select("item", "label").rows()) == gold
    assert set(known["confidence"]) == {1.0}
    assert len(known) == 200
    # pairs and a table are the same gold
    pairs = labeling.aggregate(table, method, gold=list(gold.items()))
    sheet = pl.DataFrame({"item": list(gold), "label": list(gold.values())})
    assert pairs.items.equals(found.items)
    assert labeling.aggregate(table, method, gold=sheet).items.equals(found.items)
    if method == "dawid-skene":
        assert right(truth, found) > 0.9
        kinds = found.raters.sort("rater")["kind"].to_list()
        assert kinds == ["ok"] * 4 + ["adversary"] * 4


def test_bad_gold_is_named():
    rows = [["a", "b"], ["a", "a"]]
    for gold, wanted in (
        ([(0, "a"), (0, "b")], "contradictory-gold"),
        ({0: "z"}, "unknown-label"),
        ({7: "a"}, "unknown-item"),
        ({0: 1}, "mixed-types"),
        ({"0": "a"}, "mixed-types"),
        ({0: None}, "null"),
        (pl.DataFrame({"item": [0], "truth": ["a"]}), "missing-column"),
    ):
        assert code(labeling.aggregate, rows, gold=gold) == wanted, gold
    assert labeling.aggregate(rows, gold=[(0, "a"), (0, "a")]).items["note"][0] == "gold"
    assert labeling.aggregate(rows, gold={}).items["note"][1] == ""
    unused = labeling.aggregate(rows, gold={0: "z"}, labels=["a", "b", "z"]).items
    assert unused["label"].to_list() == ["z", "a"]


def test_bad_arguments_are_named():
    rows = [["a", "b"], ["a", "a"]]
    assert code(labeling.aggregate, rows, "mean") == "method"
    assert code(labeling.aggregate, rows, prior=(0, 1, 1)) == "prior"
    assert code(labeling.aggregate, rows, prior=(1, 1)) == "prior"
    assert code(labeling.aggregate, rows, iterations=0) == "not-count"
    assert code(labeling.aggregate, rows, tolerance=math.nan) == "not-nonnegative"
    assert code(labeling.aggregate, rows, labels=["a"]) == "unknown-label"
    assert code(labeling.aggregate, frame([(0, 0, 1), (0, 0, 2)])) == "duplicate-rating"
    assert code(labeling.aggregate, frame([(0, 0, 1)]).head(0)) == "empty"
    assert code(labeling.aggregate, frame([(0, 0, 1)]).drop("rater")) == "missing-column"
    assert code(labeling.aggregate, [["a", 1]]) == "mixed-types"
    many = pl.DataFrame({"item": [0] * 300, "rater": range(300), "label": range(300)})
    assert code(labeling.aggregate, many) == "too-large"


def test_items_that_nobody_rated_stay_without_a_label():
    for method in METHODS:
        found = labeling.aggregate([["a", "b", "a"], [None] * 3, ["b", "b", None]], method)
        row = found.items.row(1, named=True)
        assert (row["label"], row["confidence"], row["ratings"]) == (None, None, 0)
        assert row["note"] == "nobody rated it"
        assert not row["tie"]
        assert not found.posterior[1].any()
        assert labeling.aggregate([["a"], [None]], method, gold={1: "a"}).items["label"][1] == "a"


ODD = [
    [["a", "a"]] * 4,  # one label, all alike
    [["a", "b"]],  # one item
    [["a"], ["b"], ["a"]],  # one rater
    [["a", None], [None, "b"]],  # nobody shares an item
    [["a", "b"], ["a", "a"], ["a", "b"], ["a", "a"]],  # a rater with one label
    [[1, 1], [2, 2], [3, 3]] * 10,  # all raters identical
    [[True, False, None], [True, True, None]],  # a rater without ratings
    [[math.nan, 1.5], [2.5, 1.5], [1.5, 1.5]],
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rows", ODD, ids=range(len(ODD)))
def test_odd_ratings_give_typed_tables_without_nan(rows, method):
    found = labeling.aggregate(rows, method)
    for table in found.items, found.raters, found.confusion:
        for column in table:
            if column.dtype.is_float() and column.name not in ("label", "true", "said"):
                assert not column.is_nan().any()
    names = ["item", "label", "confidence", "ratings", "tie", "note"]
    assert found.items.columns == names
    assert found.items["confidence"].is_between(0, 1 + 1e-12).all()
    assert found.raters.columns == ["rater", "accuracy", "kappa", "ratings", "kind", "note"]
    shares = found.confusion.group_by("rater", "true").agg(pl.col("probability").sum())
    assert shares["probability"].to_list() == pytest.approx([1] * len(shares))
    silent = found.raters.filter(pl.col("kappa").is_null())
    assert all(silent["note"])
    if rows == ODD[2]:
        assert found.items["label"].to_list() == ["a", "b", "a"]
        assert found.raters["note"][0] == "nobody else rated its items"
    if rows == ODD[5]:
        assert found.items["label"].to_list() == [1, 2, 3] * 10
        assert set(found.raters["kind"]) == {"ok"}


def test_a_class_that_is_never_used_gets_little():
    _, table = crowd(300, 3, coins([0.8] * 5, 2))
    found = labeling.aggregate(table, labels=[0, 1, 2])
    assert 2 not in found.items["label"]
    assert found.posterior[:, 2].max() < 0.05
    assert found.confusion.filter(pl.col("said") == 2)["expected"].sum() == 0


def test_running_out_of_iterations_is_said():
    _, table = crowd(300, 3, coins([0.6] * 6, 3))
    assert labeling.aggregate(table).converged
    short = labeling.aggregate(table, iterations=3)
    assert not short.converged
    assert len(short.log_likelihood) == 3


def test_the_order_of_rows_and_names_does_not_matter():
    _, table = crowd(200, 3, coins([0.9, 0.8, 0.7, 0.6], 3))
    named = table.with_columns(pl.format("clip-{}", "item").alias("item"),
                               pl.format("rater-{}", "rater").alias("rater"))  # fmt: skip
    shuffled = named.sample(fraction=1, shuffle=True, seed=1)
    for method in METHODS:
        first, second = (
            labeling.aggregate(x, method).items.sort("item") for x in (named, shuffled)
        )
        assert first["label"].equals(second["label"])
        assert first["confidence"].to_list() == pytest.approx(second["confidence"].to_list())


def test_a_hundred_thousand_ratings_are_quick():
    _, table = crowd(20_000, 5, coins(np.linspace(0.5, 0.9, 50), 10))
    labeling.aggregate(table.head(1000))  # compiles
    start = time.process_time()
    labeling.aggregate(table)
    assert time.process_time() - start < 2  # 0.15 s measured


def test_items_rated_once_keep_their_label():
    """EM would explain them best by a single class."""
    rng = np.random.default_rng(0)
    said = pl.DataFrame({"item": range(300), "rater": rng.integers(6, size=300),
                         "label": rng.integers(4, size=300)})  # fmt: skip
    found = labeling.aggregate(said, "dawid-skene").items.sort("item")
    assert found["label"].to_list() == said["label"].to_list()
    assert found["confidence"].is_between(0.25, 1).all()


def test_few_items_rated_often_tell_who_is_right_on_the_rest():
    rng = np.random.default_rng(1)
    truth = rng.integers(4, size=2000)
    rows = []
    for item, true in enumerate(truth):
        each = 5 if item < 400 else 1
        for rater in rng.choice(10, each, replace=False):
            right = rng.random() < (0.9 if rater < 7 else 0.25)
            rows.append((item, rater, true if right else rng.integers(4)))
    table = pl.DataFrame(rows, ["item", "rater", "label"], orient="row")
    got = {m: labeling.aggregate(table, m).items.sort("item")["label"].to_numpy() for m in
           ("majority", "dawid-skene")}  # fmt: skip
    often, once = slice(None, 400), slice(400, None)
    assert (got["dawid-skene"][often] == truth[often]).mean() > 0.97
    alone = [(got[m][once] == truth[once]).mean() for m in ("majority", "dawid-skene")]
    assert alone[1] >= alone[0] - 0.01
