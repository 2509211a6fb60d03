"""What to label next: each strategy against a slow one, the loop's bookkeeping, the saving."""

import numpy as np
import polars as pl
import pytest
from helpers import code, finite

from kit.labeling.assisted.active import (
    STRATEGIES,
    Logistic,
    Probe,
    entropy,
    least_confidence,
    loop,
    margin,
    multiplier,
    select,
)


def blobs(n=300, k=4, d=6, seed=0, spread=1.0):
    """(float[n, d], int[n]): k classes around their centres."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    return 2 * np.random.default_rng(99).normal(size=(k, d))[y] + spread * rng.normal(
        size=(n, d)), y  # fmt: skip


def dirichlet(n=50, k=4, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(k), n)


# --- learners


def test_logistic_is_scikit_learns():
    from sklearn.linear_model import LogisticRegression

    x, y = blobs(spread=3.0)
    mine = Logistic(ridge=2.0, iterations=1000).fit(x, y)
    z = (x - x.mean(0)) / x.std(0)
    theirs = LogisticRegression(C=1 / 2.0, tol=1e-8, max_iter=2000).fit(z, y)
    assert mine.predict_proba(x) == pytest.approx(theirs.predict_proba(z), abs=2e-3)


def test_a_warm_start_ends_where_a_cold_one_does():
    x, y = blobs(spread=3.0)
    first = y < 3  # the fourth class comes later
    warm = Logistic(iterations=1000).fit(x[first], y[first])
    assert warm.predict_proba(x).shape == (300, 3)
    warm.fit(x, y)
    cold = Logistic(iterations=1000).fit(x, y)
    assert warm.classes_.tolist() == [0, 1, 2, 3]
    assert (warm.predict_proba(x).argmax(1) == cold.predict_proba(x).argmax(1)).mean() > 0.97
    quick = Logistic(iterations=1).fit(x, y)
    begun = quick.weights.copy()
    quick.fit(x, y)
    assert np.abs(quick.weights - begun).max() > 0  # goes on, does not start again
    start = Logistic(iterations=1, warm=False).fit(x, y)
    assert start.fit(x, y).weights == pytest.approx(begun)


@pytest.mark.parametrize("learner", [Logistic(), Probe()])
def test_learners_give_probabilities(learner):
    x, y = blobs()
    p = learner.fit(x, y).predict_proba(x)
    assert p.sum(1) == pytest.approx(1)
    assert (p >= 0).all()
    assert (learner.classes_[p.argmax(1)] == y).mean() > 0.9
    alone = type(learner)().fit(x[y == 2], y[y == 2])  # one class
    assert alone.predict_proba(x).tolist() == [[1.0]] * 300
    assert alone.classes_.tolist() == [2]


def test_the_probe_says_what_the_linear_probe_says():
    from kit.kws.probe import LinearProbe

    x, y = blobs(spread=4.0)
    mine = Probe().fit(x, y)
    said = mine.classes_[mine.predict_proba(x).argmax(1)]
    assert said.tolist() == LinearProbe(x[:, None, :], list(y)).says(x[:, None, :])


# --- strategies


def test_uncertainty_by_hand():
    p = np.array([[0.5, 0.5, 0.0], [0.4, 0.3, 0.3], [1.0, 0.0, 0.0], [0.6, 0.2, 0.2]])
    assert least_confidence(p) == pytest.approx([0.5, 0.6, 0, 0.4])
    assert margin(p) == pytest.approx([1, 0.9, 0, 0.6])
    assert entropy(p[:3]) == pytest.approx([np.log(2), 1.0889, 0], abs=1e-4)
    assert select("least_confidence", 2, p).tolist() == [1, 0]
    assert select("margin", 2, p).tolist() == [0, 1]
    assert select("entropy", 3, p).tolist() == [1, 3, 0]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_choice_is_different_items_by_seed(strategy):
    p, x = dirichlet(), np.random.default_rng(1).normal(size=(50, 3))
    found = [select(strategy, 20, p, x, x[:3], seed=s).tolist() for s in (0, 0, 1)]
    assert len(set(found[0])) == 20
    assert set(found[0]) <= set(range(50))
    assert found[0] == found[1]
    assert sorted(select(strategy, 99, p, x, x[:3]).tolist()) == list(range(50))  # all there are


@pytest.mark.parametrize("strategy", ["least_confidence", "margin", "entropy", "badge", "core_set"])
def test_equals_are_chosen_at_random(strategy):
    """With one class, or with items all alike, no strategy may fall back on their order."""
    p, x = np.ones((40, 1)), np.ones((40, 2))
    drawn = {tuple(select(strategy, 3, p, x, seed=s).tolist()) for s in range(20)}
    assert len({row[0] for row in drawn}) > 5
    assert all(len(set(row)) == 3 for row in drawn)


def test_core_set_is_farthest_first():
    rng = np.random.default_rng(5)
    x, labeled = rng.normal(size=(60, 4)), rng.normal(size=(300, 4))
    centres, wanted = list(labeled), []
    for _ in range(10):
        far = [min(np.linalg.norm(a - c) for c in centres) for a in x]
        wanted.append(int(np.argmax(far)))
        centres.append(x[wanted[-1]])
    assert select("core_set", 10, embeddings=x, labeled=labeled).tolist() == wanted
    free = select("core_set", 10, embeddings=x)
    centres = [x[free[0]]]
    for i in free[1:]:
        assert i == np.argmax([min(np.linalg.norm(a - c) for c in centres) for a in x])
        centres.append(x[i])


def test_badge_draws_by_the_distance_of_gradients():
    """The chance of the second choice, over many seeds, is that of k-means++ on full gradients."""
    p, x = dirichlet(6, 3), np.random.default_rng(2).normal(size=(6, 4))
    gradients = np.array([np.outer(a - np.eye(3)[a.argmax()], b).ravel()
                          for a, b in zip(p, x, strict=True)])  # fmt: skip
    first = int(np.linalg.norm(gradients, axis=1).argmax())
    chance = ((gradients - gradients[first]) ** 2).sum(1)
    drawn = np.array([select("badge", 2, p, x, seed=s) for s in range(3000)])
    assert set(drawn[:, 0]) == {first}
    seen = np.bincount(drawn[:, 1], minlength=6) / 3000
    assert seen == pytest.approx(chance / chance.sum(), abs=0.035)
    third = select("badge", 6, p, np.repeat(x[:1], 6, axis=0))
    assert sorted(third.tolist()) == list(range(6))


def test_what_cannot_be_chosen_from_is_refused():
    p, x = dirichlet(), np.zeros((50, 2))
    assert code(select, "best", 1, p) == "strategy"
    assert code(select, "margin", 0, p) == "not-count"
    assert code(select, "margin", 1, embeddings=x) == "missing"
    assert code(select, "core_set", 1, p) == "missing"
    assert code(select, "random", 1) == "missing"
    for bad in (p * 1.1, -p, p * np.nan, p[0], p[:0]):
        assert code(select, "entropy", 1, bad) == "probabilities"
    for bad in (x * np.nan, x + np.inf, x[:0]):
        assert code(select, "core_set", 1, embeddings=bad) == "embeddings"
    assert code(select, "core_set", 1, embeddings=x, labeled=x * np.nan) == "embeddings"
    assert code(select, "badge", 1, p, x[:9]) == "embeddings"


# --- the loop


@pytest.fixture(scope="module")
def data():
    (x, y), (tx, ty) = blobs(200, spread=2.5), blobs(400, seed=1, spread=2.5)
    return x, y, (tx, ty)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_loop_keeps_its_books(data, strategy):
    x, y, test = data
    t = loop(Logistic(), x, y, test, start=10, batch=15, rounds=3, strategy=strategy, price_usd=0.5)
    assert t["labels"].to_list() == [10, 25, 40, 55]
    assert t["round"].to_list() == [0, 1, 2, 3]
    ids = t["selected"].explode().to_list()
    assert len(set(ids)) == 55
    scored = [0, 0, 0, 0] if strategy in ("random", "core_set") else [0, 190, 175, 160]
    assert t["scored"].to_list() == scored
    assert t["cost_usd"].to_list() == [n * 0.5 for n in scored]
    assert (t["low"] < t["accuracy"]).all()
    assert (t["accuracy"] < t["high"]).all()
    assert t["note"][-1] == "stopped: all rounds done"
    assert finite(t)
    # the last row is the model of all these labels
    model = Logistic(warm=False).fit(x[ids], y[ids])
    said = model.classes_[model.predict_proba(test[0]).argmax(1)]
    assert t["accuracy"][-1] == pytest.approx((said == test[1]).mean(), abs=0.04)


def test_an_oracle_is_asked_for_what_was_chosen_and_nothing_else(data):
    x, y, test = data
    asked = []

    def oracle(ids):
        asked.append(ids.tolist())
        return y[ids]

    t = loop(Logistic(), x, oracle, test, start=[3, 4, 5], batch=7, rounds=2, seed=4)
    assert asked == t["selected"].to_list()
    assert asked[0] == [3, 4, 5]
    drop = ("fit_s", "score_s")
    again = loop(Logistic(), x, y, test, start=[3, 4, 5], batch=7, rounds=2, seed=4)
    assert t.drop(drop).equals(again.drop(drop))


def test_core_set_in_the_loop_keeps_away_from_what_is_labeled(data):
    x, y, test = data
    t = loop(Logistic(), x, y, test, start=list(range(100)), batch=9, rounds=1, strategy="core_set")
    wanted = 100 + select("core_set", 9, embeddings=x[100:], labeled=x[:100])
    assert t["selected"][1].to_list() == wanted.tolist()
    flat = loop(Logistic(), x, y, test, start=list(range(100)), batch=9, rounds=1,
                strategy="core_set", embeddings=x[:, :1])  # fmt: skip
    assert flat["selected"][1].to_list() != wanted.tolist()


def test_runs_do_not_share_their_learner(data):
    x, y, test = data
    learner = Logistic(iterations=2)
    drop = ("fit_s", "score_s")
    first, second = (loop(learner, x, y, test, rounds=2).drop(drop) for _ in range(2))
    assert learner.weights is None
    assert first.equals(second)


def test_a_pool_smaller_than_the_batch_is_used_up(data):
    x, y, test = data
    t = loop(Logistic(), x[:30], y[:30], test, start=20, batch=50, rounds=5)
    assert t["labels"].to_list() == [20, 30]
    assert t["note"][-1] == "stopped: nothing is left to label"
    assert loop(Logistic(), x[:5], y[:5], test, start=20)["labels"].to_list() == [5]


def test_one_class_so_far_is_stated(data):
    x, y, test = data
    t = loop(Logistic(), x, y, test, start=np.flatnonzero(y == 1)[:5], batch=20, rounds=1)
    assert t["note"][0] == "one class so far: chosen at random"
    assert t["accuracy"][0] == pytest.approx((test[1] == 1).mean())
    assert finite(loop(Logistic(), x, np.zeros(200), test, rounds=2))


def test_it_stops_where_nothing_is_gained(data):
    x, y, (tx, _) = data
    noise = np.random.default_rng(0).integers(0, 4, len(tx))  # nothing to be learnt
    t = loop(Logistic(), x, y, (tx, noise), batch=5, rounds=30, stop=3)
    assert t.height == 4
    assert t["note"][-1] == "stopped: no gain over 3 rounds beyond its interval"
    one_class = np.flatnonzero(y == 0)[:10]  # the first round brings the others
    gains = loop(Logistic(), x, y, data[2], start=one_class, batch=40, rounds=2, stop=1)
    assert gains.height == 3


def test_what_the_loop_cannot_use_is_refused(data):
    x, y, test = data
    assert code(loop, Logistic(), x, y[:9], test) == "shape"
    assert code(loop, Logistic(), x, y, (test[0][:, :2], test[1])) == "shape"
    assert code(loop, Logistic(), x, y, (test[0], test[1][:3])) == "shape"
    assert code(loop, Logistic(), x * np.nan, y, test) == "pool"
    for start in ([], [1, 1], [-1], [200], [0.5]):
        assert code(loop, Logistic(), x, y, test, start=start) == "start"
    assert code(loop, Logistic(), x, y, test, start=0) == "not-count"
    assert code(loop, Logistic(), x, y, test, batch=0) == "not-count"
    assert code(loop, Logistic(), x, y, test, stop=-1) == "not-count"
    assert code(loop, Logistic(), x, y, test, embeddings=x[:5]) == "shape"
    nan = np.where(np.arange(200)[:, None] == 150, np.nan, x)
    assert code(loop, Logistic(), x, y, test, strategy="badge", embeddings=nan) == "embeddings"
    assert code(loop, Logistic(), x, y, test, strategy="best") == "strategy"


# --- how many times fewer labels


def curve(values, seed=0, step=100):
    return pl.DataFrame({"seed": seed, "labels": [step * (i + 1) for i in range(len(values))],
                         "accuracy": values})  # fmt: skip


def test_the_multiplier_by_hand():
    ours, theirs = curve([0.5, 0.7, 0.9]), curve([0.4, 0.5, 0.6, 0.7, 0.8])
    t = multiplier(ours, theirs, [0.3, 0.5, 0.6, 0.7, 0.85, 0.95])
    assert t["labels"].to_list() == pytest.approx([100, 100, 150, 200, 275, None])
    assert t["random_labels"].to_list() == pytest.approx([100, 200, 300, 400, None, None])
    assert t["multiplier"].to_list() == pytest.approx([1, 2, 2, 2, None, None])
    assert t["low"].null_count() == 6
    assert "one seed: no interval" in t["note"][0]
    assert "reached by the first labels" in t["note"][1]
    assert "random does not get there" in t["note"][4]
    assert t["note"][5].startswith("not reached")
    assert finite(t)
    assert multiplier(ours, theirs, 0.6).height == 1


def test_the_interval_is_over_seeds():
    rng, steps, inside = np.random.default_rng(0), np.arange(1, 41), 0

    def runs(speed, n=8):
        return [curve((1 - np.exp(-steps * speed * rng.normal(1, 0.1))).tolist(), s)
                for s in range(n)]  # fmt: skip

    for _ in range(40):
        slow, fast = runs(0.025), runs(0.05)
        value, low, high = multiplier(fast, slow, 0.5, draws=200).row(0)[3:6]
        assert low < value < high
        inside += low < 2 < high  # twice as fast
    assert 30 <= inside < 40
    assert multiplier(fast, fast, 0.5).row(0)[3:6] == (1, 1, 1)  # the same seeds are drawn for both
    shifted = [x.with_columns(seed=x["seed"] + 50) for x in fast]
    loose = multiplier(fast, shifted, 0.5).row(0)
    assert loose[3] == 1
    assert loose[4] < 1 < loose[5]


def test_an_end_that_is_infinite_is_null():
    ours = [curve([0.6, 0.9], s) for s in range(4)]
    theirs = [curve([0.3, 0.72 if s else 0.3], s) for s in range(4)]
    t = multiplier(ours, theirs, [0.6])
    assert t["multiplier"][0] is not None
    assert t["high"][0] is None
    assert "not reached in some draws" in t["note"][0]
    never = multiplier([curve([0.1, 0.2], s) for s in range(3)], theirs, [0.8])
    assert never.row(0)[1:6] == (None,) * 5
    slower = multiplier([curve([0.1, 0.2], s) for s in range(3)], theirs, [0.3])
    assert slower.row(0)[3:6] == (None,) * 3  # random gets there, the strategy does not
    assert finite(t)


def test_curves_that_do_not_fit_are_refused():
    one = curve([0.5, 0.6])
    assert code(multiplier, [one, one], one, 0.5) == "curve"
    assert code(multiplier, one.clear(), one, 0.5) == "curve"
    assert code(multiplier, [one, curve([0.5], 1, 7)], one, 0.5) == "curve"
    assert code(multiplier, one, one, 1.5) == "not-share"
    short = multiplier([one, curve([0.5], 1)], one, 0.6)  # the second stopped early
    assert short["labels"][0] is None
