"""Wrong labels: found by models that never saw them (confident learning, Northcutt et al. 2021).

"Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70. Needs polars.
"""

import copy
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from kit.errors import KitError
from kit.intervals import wilson
from kit.labeling.assisted.active import Logistic, checked_matrix, checked_probabilities
from kit.quantities import quantity

_SLACK = 1e-6  # of a comparison with a threshold


class Wrong(NamedTuple):
    """What `find_wrong` gives back; n items, K labels; no NaN in any table.

    items: polars table, most suspicious first: item (place), given, suggested (what it counts as
    if wrong, else the likeliest), self_confidence (probability of the given label), lead (of the
    suggested label over it), wrong (bool: off the diagonal of the confident joint). classes: label,
    items, judged (which reach a threshold), wrong_share, low, high, note. joint: float64[K, K],
    given x true, estimated shares of all items. confident: int64[K, K], the counts behind it.
    thresholds: float64[K]. labels: list of K.
    """

    items: Any
    classes: Any
    joint: np.ndarray
    confident: np.ndarray
    thresholds: np.ndarray
    labels: list


def find_wrong(labels, probabilities, classes=None):
    """Wrong: which labels are wrong, ranked, and how many of each are.

    labels: n given labels. probabilities: float[n, K], rows adding up to 1, of models that did not
    see the item (`out_of_fold`). classes: the K labels in the order of the columns; by default the
    sorted labels. The threshold of a class is the mean probability of it among items that are
    given it. An item counts as the likeliest of the classes whose threshold it reaches; if that is
    not its label, it is called wrong. wrong_share is the share of such items among those of a label
    that reach a threshold, with Wilson's interval: of luck alone, not of what the model gets wrong.
    The joint is the counts, each row brought to the number of items of its label. Where the model
    is weak, as on speakers it never heard, its own errors count as wrong labels.

    Raises KitError "shape", "null", "unknown-label", "one-class", "probabilities".
    """
    p = checked_probabilities(probabilities)
    given, names = _given(labels, classes, p)
    n, k = p.shape
    if len(names) != k:
        raise KitError("labels and columns differ in number", found=(len(names), k), code="shape",
                       allowed="one column a label", remedy="name all classes")  # fmt: skip
    of_class = np.bincount(given, minlength=k)
    own = p[np.arange(n), given]
    thresholds = np.bincount(given, own, k) / np.maximum(of_class, 1)
    thresholds[of_class == 0] = np.inf  # no label to learn it from: nothing counts as it
    reached = np.where(p >= thresholds - _SLACK, p, -1.0)
    guess, sure = reached.argmax(1), reached.max(1) >= 0
    confident = np.bincount(given[sure] * k + guess[sure], minlength=k * k).reshape(k, k)
    wrong = sure & (guess != given)
    rows = confident + np.eye(k, dtype=int) * (confident.sum(1) == 0)[:, None]
    joint = rows / rows.sum(1, keepdims=True) * of_class[:, None] / n
    suggested = np.where(wrong, guess, p.argmax(1))
    lead = p[np.arange(n), suggested] - own
    order = np.lexsort((own, -lead, ~wrong))
    items = pl.DataFrame({
        "item": np.arange(n), "given": pl.Series(names).gather(given),
        "suggested": pl.Series(names).gather(suggested), "self_confidence": own, "lead": lead,
        "wrong": wrong,
    })[order]  # fmt: skip
    return Wrong(items, _classes(names, of_class, confident), joint, confident, thresholds, names)


def out_of_fold(features, labels, groups=None, learner=None, folds=5, seed=0):
    """(float64[n, K], list of K labels): probabilities of models that did not see the item.

    features: float[n, d]. labels: n, K of them different. groups: n names, such as speakers; no
    group is in training and in the fold at once, and there are at most as many folds as groups.
    Without groups each label is spread evenly over the folds. learner: fit, predict_proba and
    classes_; Logistic by default; copied for every fold. Each training part needs every label.
    Raises KitError "features", "shape", "null", "one-class", "not-several", "groups",
    "class-absent".
    """
    x, learner = checked_matrix("features", features), learner or Logistic(ridge=10.0)
    given, names = _given(labels, None, x)
    fold = _folds(given, groups, int(quantity("folds", folds, "several")), seed)
    p = np.zeros((len(x), len(names)))
    for i in np.unique(fold):
        train = fold != i
        absent = np.setdiff1d(given, given[train])
        if len(absent):
            raise KitError("a label is in one fold only, so nothing can be learnt of it for there",
                           found=f"{names[absent[0]]!r}, fold {i}", code="class-absent",
                           allowed="each label in two folds or more",
                           remedy="fewer folds or groups, or leave this label out")  # fmt: skip
        model = copy.deepcopy(learner)
        model.fit(x[train], given[train])
        p[np.ix_(~train, np.asarray(model.classes_))] = model.predict_proba(x[~train])
    return p, names


def _folds(given, groups, folds, seed):
    """int64[n]: the fold of each item; groups, or items of a label, are dealt in turn."""
    rng, n = np.random.default_rng(seed), len(given)
    if groups is None:
        order = rng.permutation(n)
        order = order[np.argsort(given[order], kind="stable")]
        fold = np.empty(n, int)
        fold[order] = np.arange(n) % folds
        return fold
    found, group, size = np.unique(_texts(groups), return_inverse=True, return_counts=True)
    if len(group) != n or len(found) < 2:
        raise KitError("the groups do not fit", found=f"{len(found)} groups of {len(group)} items",
                       allowed=f"two groups or more, one for each of {n} items",
                       code="groups")  # fmt: skip
    fold, full = np.empty(len(found), int), np.zeros(min(folds, len(found)))
    shuffled = rng.permutation(len(found))
    for g in shuffled[np.argsort(-size[shuffled], kind="stable")]:  # the largest first
        fold[g] = full.argmin()
        full[fold[g]] += size[g]
    return fold[group]


def _texts(values):
    return np.array([str(x) for x in values])


def _given(labels, classes, p):
    """(int64[n] places, list of labels)."""
    given = [x.item() if isinstance(x, np.generic) else x for x in labels]
    if len(given) != len(p):
        raise KitError("there is not one label an item", found=(len(given), len(p)),
                       allowed="as many labels as rows", code="shape")  # fmt: skip
    if any(x is None or x != x for x in given):
        raise KitError("a label is missing", allowed="no None, no NaN", code="null",
                       remedy="leave these items out")  # fmt: skip
    names = sorted(set(given)) if classes is None else list(classes)
    if len(names) < 2:
        raise KitError("there is one label only: nothing to confuse it with", found=names,
                       allowed="two or more", code="one-class")  # fmt: skip
    if classes is not None and (set(given) - set(names) or len(set(names)) < len(names)):
        raise KitError("a label is not among classes, or is there twice", found=names,
                       allowed="each label once", code="unknown-label")  # fmt: skip
    place = {x: i for i, x in enumerate(names)}
    return np.array([place[x] for x in given]), names


def _classes(names, items, confident):
    judged = confident.sum(1)
    off = judged - np.diag(confident)
    low, high = wilson(off, np.maximum(judged, 1))
    shares = {"wrong_share": off / np.maximum(judged, 1), "low": low, "high": high}
    note = np.select([items == 0, judged == 0], ["no items", "no item reaches a threshold"], "")
    return pl.DataFrame({
        "label": names, "items": items, "judged": judged,
        **{n: pl.Series(x).set(pl.Series(judged == 0), None) for n, x in shares.items()},
        "note": note,
    })  # fmt: skip
