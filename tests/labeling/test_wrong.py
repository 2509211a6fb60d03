"""Wrong labels are found as cleanlab finds them, and nothing is learnt from who is judged."""

import numpy as np
import pytest
from helpers import code, finite

from kit.labeling.assisted.active import Logistic
from kit.labeling.assisted.wrong import find_wrong, out_of_fold


def blobs(n=600, k=4, seed=0, spread=1.5):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    x = 2 * np.random.default_rng(99).normal(size=(k, 6))[y] + spread * rng.normal(size=(n, 6))
    return x, y


def flipped(y, share, seed=0):
    """(labels, bool[n] which are wrong): each wrong one the next label."""
    wrong = np.random.default_rng(seed).random(len(y)) < share
    return np.where(wrong, (y + 1) % (y.max() + 1), y), wrong


@pytest.fixture(scope="module")
def noisy():
    x, y = blobs(spread=0.8)
    labels, wrong = flipped(y, 0.15)
    return labels, wrong, out_of_fold(x, labels)[0]


@pytest.mark.parametrize("seed", range(4))
def test_the_joint_and_the_list_are_cleanlabs(seed):
    count, filters = pytest.importorskip("cleanlab.count"), pytest.importorskip("cleanlab.filter")
    x, y = blobs(seed=seed, spread=4.0, n=400)
    labels, _ = flipped(y, 0.2, seed)
    p, _ = out_of_fold(x, labels)
    found = find_wrong(labels, p)
    assert found.thresholds == pytest.approx(count.get_confident_thresholds(labels, p))
    joint, off = count.compute_confident_joint(
        labels, p, calibrate=False, return_indices_of_off_diagonals=True)  # fmt: skip
    assert found.confident.tolist() == joint.tolist()
    wrong = found.items.filter("wrong")["item"].to_list()
    assert found.items["item"].to_list()[: len(wrong)] == wrong  # they lead the list
    assert found.items["lead"].is_sorted(descending=True) is False
    assert sorted(wrong) == sorted(off)
    assert found.joint == pytest.approx(
        count.estimate_joint(labels, p, confident_joint=joint), abs=2 / 400)  # fmt: skip
    # theirs leaves out items whose label is the likeliest
    theirs = filters.find_label_issues(labels, p, filter_by="confident_learning")
    assert set(np.flatnonzero(theirs)) == {i for i in wrong if p[i].argmax() != labels[i]}


def test_by_hand():
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.5, 0.5], [0.3, 0.7]])
    found = find_wrong(["a", "a", "a", "b", "b", "b"], p)
    assert found.thresholds == pytest.approx([0.6, 0.7])
    # item 4 reaches neither threshold
    assert found.confident.tolist() == [[2, 1], [0, 2]]
    assert found.joint == pytest.approx(np.array([[2, 1], [0, 3]]) / 6)
    assert found.items.row(0) == (2, "a", "b", 0.2, pytest.approx(0.6), True)
    assert found.items["wrong"].sum() == 1
    assert found.classes["judged"].to_list() == [3, 2]
    assert found.classes["wrong_share"].to_list() == pytest.approx([1 / 3, 0])
    assert found.classes["low"][0] < 1 / 3 < found.classes["high"][0]
    # after those called wrong, the most suspicious come first
    assert found.items["item"].to_list()[1] == 4


def test_wrong_labels_are_found_and_counted(noisy):
    labels, wrong, p = noisy
    found = find_wrong(labels, p)
    called = np.zeros(len(labels), bool)
    called[found.items["item"].filter(found.items["wrong"]).to_numpy()] = True
    assert wrong[called].mean() > 0.8
    assert called[wrong].mean() > 0.65
    assert 1 - np.trace(found.joint) == pytest.approx(wrong.mean(), abs=0.04)
    assert found.joint.sum() == pytest.approx(1)
    assert found.joint.sum(1) == pytest.approx(np.bincount(labels) / len(labels))
    first = found.items["item"].to_numpy()[:40]
    assert wrong[first].mean() > 0.95  # the list begins with the surest
    assert finite(found.items)
    assert finite(found.classes)


def test_clean_labels_stay(noisy):
    x, y = blobs(spread=0.3)
    found = find_wrong(y, out_of_fold(x, y)[0])
    assert found.items["wrong"].sum() == 0
    assert found.classes["wrong_share"].to_list() == [0] * 4
    assert (found.classes["high"] > 0).all()


class Memory:
    """Knows by heart what it saw, and says class 0 of anything else; its classes run backwards."""

    def fit(self, x, y):
        self.seen, self.classes_ = dict(zip(map(tuple, x), y, strict=True)), np.unique(y)[::-1]

    def predict_proba(self, x):
        said = [self.seen.get(tuple(row), self.classes_[-1]) for row in x]
        return (np.array(said)[:, None] == self.classes_).astype(float)


def test_nobody_is_judged_by_a_model_that_saw_it():
    x, y = blobs(60)
    p, names = out_of_fold(x, y, learner=Memory())
    assert names == [0, 1, 2, 3]
    assert (p.argmax(1) == 0).all()
    # nor by one that saw its group: doubles of a speaker stay together
    twice, groups = np.repeat(x, 2, axis=0), np.arange(120) // 2
    p, _ = out_of_fold(twice, np.repeat(y, 2), groups, Memory())
    assert (p.argmax(1) == 0).all()
    leaks, _ = out_of_fold(twice, np.repeat(y, 2), None, Memory())
    assert (leaks.argmax(1) != 0).any()
    learner = Logistic()  # nor by one that goes on from a fold before
    out_of_fold(x, y, learner=learner)
    assert learner.weights is None


def test_folds_are_even_and_by_seed():
    x, y = blobs(103, k=3)
    sizes = []

    class Count(Memory):
        def predict_proba(self, x):
            sizes.append(len(x))
            return super().predict_proba(x)

    out_of_fold(x, y, learner=Count())
    assert max(sizes) - min(sizes) <= 1
    sizes.clear()
    out_of_fold(x, y, np.arange(103) // 10, Count(), folds=5)
    assert len(sizes) == 5
    assert max(sizes) <= 30
    same = [out_of_fold(x, y, seed=s)[0] for s in (3, 3, 4)]
    assert (same[0] == same[1]).all()
    assert (same[0] != same[2]).any()


def test_columns_follow_the_labels():
    """Text labels, any order of coming: column k is the k-th sorted label."""
    x, y = blobs(spread=0.8)
    words = np.array(["d", "a", "c", "b"])[y]
    p, names = out_of_fold(x, words, learner=Logistic())
    assert names == ["a", "b", "c", "d"]
    assert (np.array(names)[p.argmax(1)] == words).mean() > 0.9
    assert p.sum(1) == pytest.approx(1)


def test_a_label_in_one_fold_only_is_refused():
    x, y = blobs(40)
    y[0] = 9
    assert code(out_of_fold, x, y) == "class-absent"
    groups = np.where(np.arange(40) % 4 == 1, "g1", np.array(["a", "b"])[np.arange(40) % 2])
    assert code(out_of_fold, x, np.arange(40) % 4, groups) == "class-absent"


def test_a_label_without_items_is_stated():
    p = np.array([[0.8, 0.2, 0.0], [0.3, 0.7, 0.0], [0.1, 0.1, 0.8]])
    found = find_wrong([0, 1, 1], p, classes=[0, 1, 2])
    assert found.classes.row(2)[:2] == (2, 0)
    assert found.classes["note"][2] == "no items"
    assert found.classes["wrong_share"][2] is None
    assert found.joint.sum() == pytest.approx(1)
    assert finite(found.classes)
    assert not found.items["wrong"].any()  # nothing counts as what nobody was given


def test_what_cannot_be_judged_is_refused(noisy):
    labels, _, p = noisy
    x, y = blobs(40)
    assert code(find_wrong, labels, p * 1.01) == "probabilities"
    assert code(find_wrong, labels, np.where(p > 0.5, np.nan, p)) == "probabilities"
    assert code(find_wrong, labels[:9], p) == "shape"
    assert code(find_wrong, labels, np.full((600, 5), 0.2)) == "shape"
    assert code(find_wrong, labels, p, classes=[0, 1, 2, 7]) == "unknown-label"
    assert code(find_wrong, labels, p, classes=[0, 1, 2, 3, 3]) == "unknown-label"
    assert code(find_wrong, [], p[:0]) == "probabilities"
    assert code(find_wrong, ["a"] * 600, p) == "one-class"
    assert code(find_wrong, [None] * 600, p) == "null"
    assert code(find_wrong, [float("nan")] * 600, p) == "null"
    assert code(out_of_fold, x * np.nan, y) == "features"
    assert code(out_of_fold, x, y * 0) == "one-class"
    assert code(out_of_fold, x, y, ["a"] * 40) == "groups"
    assert code(out_of_fold, x, y, ["a", "b"]) == "groups"
    assert code(out_of_fold, x, y, folds=1) == "not-several"
