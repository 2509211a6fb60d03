"""Weak supervision: many rough rules instead of labels by hand, weighed without knowing the truth.

Labeling functions vote or abstain. `label_model` finds by EM how often each votes and how often it
is right, from nothing but who agrees with whom (Ratner et al. 2016, "Data programming"). Needs
polars.
"""

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from kit.errors import KitError
from kit.intervals import wilson
from kit.labeling.aggregate import TIE, aggregate
from kit.labeling.dawid_skene import Prior
from kit.quantities import quantity

ABSTAIN = None


class LabelingFunction(NamedTuple):
    """A rule that votes: call it like the function it was made of.

    name: text. labels: tuple, all that it may return besides ABSTAIN. batch: whether it takes all
    items at once. call: the function.
    """

    name: str
    labels: tuple
    batch: bool
    call: Any

    def __call__(self, items):
        return self.call(items)


class Votes(NamedTuple):
    """codes: int64[items, functions], places in labels, -1 where a function abstained.

    functions: tuple of LabelingFunction, or of what has a name and labels. labels: tuple. faults:
    polars table function, item (place), message; one row for each abstention by accident.
    """

    codes: np.ndarray
    functions: tuple
    labels: tuple
    faults: Any = None

    def table(self):
        """polars table item (place), rater (function), label; null where it abstained."""
        item, rater = np.divmod(np.arange(self.codes.size), self.codes.shape[1])
        names = pl.Series("rater", [f.name for f in self.functions])
        labels = pl.Series("label", [*self.labels, None])
        return pl.DataFrame({"item": item, "rater": names.gather(rater),
                             "label": labels.gather(self.codes.ravel() % len(labels))})  # fmt: skip


class Labeled(NamedTuple):
    """What `label_model` gives back; n items, K labels; no NaN in any table.

    items: polars table item, label, confidence (0 to 1), votes, tie (bool), note; label and
    confidence are null where no function votes. functions: function, accuracy (of its votes),
    votes, propensity (share of items it votes on), note. posterior: float64[n, K], adding up to
    1, or zeros where no function votes. balance: float64[K], shares of the labels. converged:
    False where iterations ran out.
    """

    items: Any
    functions: Any
    posterior: np.ndarray
    balance: np.ndarray
    converged: bool


def labeling_function(name=None, *, labels, batch=False):
    """Decorator: LabelingFunction of a function of one item that returns a label or ABSTAIN.

    name: of the function by default. labels: all that it may return, text, whole numbers or true
    and false. batch: the function takes several items and returns a label for each, judging each
    by itself. Raises KitError "labels".
    """
    labels = (labels,) if isinstance(labels, str) or not np.iterable(labels) else tuple(labels)
    labels = tuple(_plain(x) for x in labels)
    kinds = {type(x) for x in labels}
    if len(set(labels)) < len(labels) or len(kinds) != 1 or not kinds <= {str, int, bool}:
        raise KitError("the labels of a function are not possible", found=labels, code="labels",
                       allowed="each once, all text, whole numbers, or booleans")  # fmt: skip
    return lambda call: LabelingFunction(name or call.__name__, labels, batch, call)


def apply(functions, items):
    """Votes of the functions on the items: a list, an array, a polars Series, or a table (a
    function then gets a row as dict, or with batch=True a table).

    A function that fails on an item, or returns a label that it did not declare (NaN is one),
    abstains there, and `faults` says so. A batch that fails is halved until the items at fault
    are found. Labels are in the order in which functions declare them. Raises KitError "empty",
    "type", "duplicate-name", "mixed-types".
    """
    functions, labels = _checked(functions)
    if not all(hasattr(items, x) for x in ("__len__", "__getitem__")) or isinstance(items, dict):
        raise KitError("items cannot be counted", found=type(items).__name__, code="type",
                       allowed="a list, an array, a polars Series or table")  # fmt: skip
    if not len(items):
        raise KitError("there are no items", allowed="one or more", code="empty")
    place, faults = {x: i for i, x in enumerate(labels)}, []
    codes = np.full((len(items), len(functions)), -1)
    single = list(items.iter_rows(named=True)) if isinstance(items, pl.DataFrame) else items
    for column, f in zip(codes.T, functions, strict=True):
        for i, x, fault in _answers(f, items if f.batch else single):
            known = any(type(x) is type(y) and x == y for y in f.labels)
            if known:
                column[i] = place[x]
            elif fault or x is not ABSTAIN:
                told = fault or f"returned {x!r}, which is none of its labels"
                faults.append((f.name, i, told[:200]))
    schema = {"function": pl.String, "item": pl.Int64, "message": pl.String}
    return Votes(codes, functions, labels, pl.DataFrame(faults, schema, orient="row"))


def coverage(votes, truth=None):
    """polars table, one row a function: what it votes on, and how well where the truth is known.

    function, votes; coverage, overlap, conflict: shares of all items on which it votes, on which
    another votes as well, and on which another votes otherwise. accuracy, low, high: share of its
    votes that are right, with Wilson's interval; known: votes with a known truth. faults: failures.
    note. truth: n labels, None where unknown; null columns without any. Raises KitError "shape",
    "mixed-types".
    """
    codes = _codes(votes)
    said = codes >= 0
    each = said.sum(1, keepdims=True)
    alike = (codes[:, :, None] == codes[:, None]).sum(2)
    failed = [] if votes.faults is None else votes.faults["function"].to_list()
    true = np.full(len(codes), -1) if truth is None else _truth(votes, truth)
    judged = said & (true != -1)[:, None]
    right = (codes == true[:, None]) & judged
    return pl.DataFrame({
        "function": [f.name for f in votes.functions], "votes": said.sum(0),
        "coverage": said.mean(0), "overlap": (said & (each > 1)).mean(0),
        "conflict": (said & (alike < each)).mean(0), **_shares(right.sum(0), judged.sum(0)),
        "known": judged.sum(0),
        "faults": [failed.count(f.name) for f in votes.functions],
        "note": ["" if n else "never votes" for n in said.sum(0)],
    })  # fmt: skip


def label_model(votes, balance=None, prior=None, iterations=500, tolerance=1e-6):
    """Labeled: probabilistic labels, and what the functions are worth, found without the truth.

    Functions err independently given the truth k. One that knows k (has it among its labels) votes
    with the chance b, then rightly with the chance a, else any other of its labels alike; one that
    does not know k votes with the chance c, any of its labels alike. So silence speaks too. a, b,
    c and the shares of the labels are modes found by EM with the pseudo-counts of `prior` and one
    imagined vote and silence each, from a smoothed majority. It stops when no probability changes
    by `tolerance` or more, or after `iterations`. Matrices of errors that differ by label, and no
    meaning of silence: aggregate(votes.table()).

    balance: K shares in the order of votes.labels, where they are known.
    A tie goes to the label that is more frequent among all votes, then to the first; "tie" and
    "note" say so. An item without votes gets no label. With fewer than three functions the priors
    decide whom to trust. Raises KitError "balance", "not-fraction", "no-votes", "shape",
    "unknown-label", "not-count".
    """
    codes, k = _codes(votes), len(votes.labels)
    shares = None if balance is None else quantity("balance", balance, "fraction")
    if shares is not None and (shares.shape != (k,) or abs(shares.sum() - 1) > 1e-6):
        raise KitError("the balance does not fit the labels", found=balance, code="balance",
                       allowed=f"{k} shares that add up to 1")  # fmt: skip
    iterations = int(quantity("iterations", iterations, "count"))
    if not (codes >= 0).any():
        raise KitError("no function votes on any item", found=f"{codes.shape[1]} functions",
                       remedy="look at the faults of these votes", code="no-votes")  # fmt: skip
    knows = np.array([[x in f.labels for x in votes.labels] for f in votes.functions])
    posterior, right, balance, done = _em(codes, knows, prior or Prior(), shares, iterations,
                                          tolerance)  # fmt: skip
    posterior *= (codes >= 0).any(1)[:, None]
    cast = (codes >= 0).sum(0)
    few = "fewer than three functions vote: the priors decide whom to trust"
    note = "one label only: any vote is right" if k == 1 else few if (cast > 0).sum() < 3 else ""
    functions = pl.DataFrame({
        "function": [f.name for f in votes.functions], "accuracy": right, "votes": cast,
        "propensity": cast / len(codes), "note": np.where(cast > 0, note, "never votes"),
    }).with_columns(pl.when(pl.col("votes") > 0).then("accuracy"))  # fmt: skip
    return Labeled(_items(votes, codes, posterior), functions, posterior, balance, done)


def compared(votes, truth, balance=None):
    """polars table method, labeled, accuracy, low, high: "majority", "dawid-skene", "generative".

    labeled: items that get a label and have a truth; accuracy: share right of them, with Wilson's
    interval, null where there are none. truth, balance: as in coverage and label_model.
    """
    true, rows = _truth(votes, truth), []
    for method in ("majority", "dawid-skene", "generative"):
        items = (label_model(votes, balance) if method == "generative" else
                 aggregate(votes.table(), method, labels=list(votes.labels))).items  # fmt: skip
        found = _truth(votes, items["label"])
        judged = np.array([((true != -1) & (found != -1)).sum()])
        right = np.array([((true == found) & (found != -1)).sum()])
        rows.append(pl.DataFrame({"method": [method], "labeled": judged,
                                  **_shares(right, judged)}))  # fmt: skip
    return pl.concat(rows)


def _em(codes, knows, prior, fixed, iterations, tolerance):
    """(posterior float64[items, K], accuracy float64[functions], balance, converged).

    knows: bool[functions, K]. fixed: balance that is known, or None. Works on distinct rows.
    """
    rows, back, times = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    k, converged = knows.shape[1], False
    every = np.append(np.arange(k), -1)[:, None]  # what can be said; silence is the last
    said = [(every == column).astype(float) for column in rows.T]
    votes = (rows[:, :, None] == np.arange(k)).sum(1) + 1 / k
    posterior = votes / votes.sum(1, keepdims=True)
    for _ in range(iterations):
        weight = posterior * times[:, None]
        a, b, c = _rates(np.array([x @ weight for x in said]), knows, prior)
        shares = weight.sum(0) + prior.classes
        balance = shares / shares.sum() if fixed is None else fixed
        with np.errstate(divide="ignore"):
            logs, score = np.log(_chances(a, b, c, knows)), np.log(balance)
        score = score + sum(t[column] for t, column in zip(logs, rows.T, strict=True))
        mass = np.exp(score - score.max(1, keepdims=True))
        before, posterior = posterior, mass / mass.sum(1, keepdims=True)
        if converged := np.abs(posterior - before).max() < tolerance:
            break
    share = (knows * balance).sum(1)
    right = share * b * a / (share * b + (1 - share) * c)
    return posterior[back.ravel()], right, balance, bool(converged)


def _rates(counts, knows, prior):
    """(a, b, c), float64[functions] each, of expected counts[functions, said, true]."""
    k, every = counts.shape[2], counts.sum(1)
    right, voted = np.trace(counts[:, :k], axis1=1, axis2=2), every - counts[:, k]
    known, extra = (knows * voted).sum(1), prior.right + prior.spread
    a = (right + extra * prior.accuracy(knows.sum(1))) / (known + extra)
    b = (known + 1) / ((knows * every).sum(1) + 2)
    c = ((~knows * voted).sum(1) + 1) / ((~knows * every).sum(1) + 2)
    return a, b, c


def _chances(a, b, c, knows):
    """float64[functions, said, true]: chance of a vote, or silence (last), given the truth."""
    a, b, c, n = (x[:, None, None] for x in (a, b, c, knows.sum(1)))
    true, wrong = knows[:, None, :], b * (1 - a) / np.maximum(n - 1, 1)
    vote = np.where(true, np.where(np.eye(knows.shape[1], dtype=bool), b * a, wrong), c / n)
    return np.concatenate([vote * knows[:, :, None], np.where(true, 1 - b, 1 - c)], axis=1)


def _plain(x):
    return x.item() if isinstance(x, np.generic) else x  # a label as Python has it


def _checked(functions):
    """(functions, all their labels)."""
    functions = tuple(functions)
    if not functions:
        raise KitError("there are no functions", allowed="one or more", code="empty")
    odd = [f for f in functions if not isinstance(f, LabelingFunction)]
    if odd:
        raise KitError("no labeling function: decorate it", found=odd[0], code="type")
    names = [f.name for f in functions]
    if len(set(names)) < len(names):
        raise KitError("two functions have one name", found=names, code="duplicate-name")
    labels = [x for f in functions for x in f.labels]
    kinds = sorted({type(x).__name__ for x in labels})
    if len(kinds) > 1:
        raise KitError("labels are of several types", found=kinds, code="mixed-types")
    return functions, tuple(dict.fromkeys(labels))


def _answers(f, items, first=0):
    """Yield (place, label, fault) of each item, the label None where there is a fault."""
    if not f.batch:
        yield from ((i, *_tried(f, item)) for i, item in enumerate(items))
        return
    found, fault = _tried(f, items)
    if not fault and not (hasattr(found, "__len__") and len(found) == len(items)):
        fault = f"did not return a label for each of {len(items)} items"
    if not fault:
        yield from ((first + i, _plain(x), "") for i, x in enumerate(found))
    elif len(items) == 1:
        yield first, None, fault
    else:
        half = len(items) // 2
        yield from _answers(f, items[:half], first)
        yield from _answers(f, items[half:], first + half)


def _tried(f, given):
    try:
        return _plain(f.call(given)), ""
    except Exception as error:  # whatever a rule of a user does wrong
        return None, f"{type(error).__name__}: {error}"


def _codes(votes):
    """votes.codes, checked."""
    codes, k = np.asarray(votes.codes), len(votes.labels)
    if codes.ndim != 2 or codes.shape[1] != len(votes.functions) or not codes.size:
        raise KitError("the votes have no shape that fits", found=codes.shape, code="shape",
                       allowed=f"[items, {len(votes.functions)} functions], not empty")  # fmt: skip
    own = np.array([[x in f.labels for x in votes.labels] + [True] for f in votes.functions])
    known = codes.dtype.kind == "i" and (codes >= -1).all() and (codes < k).all()
    if not known or not np.take_along_axis(own.T, codes % (k + 1), 0).all():
        raise KitError("a vote is for no label of its function", code="unknown-label",
                       allowed="whole numbers: places in labels, -1 to abstain")  # fmt: skip
    return codes


def _truth(votes, truth):
    """int64[items]: places in labels, -1 where unknown, -2 for a label that no function has."""
    truth = [_plain(x) for x in truth]
    if len(truth) != len(votes.codes):
        raise KitError("the truth is not one label an item", found=len(truth), code="shape",
                       allowed=str(len(votes.codes)))  # fmt: skip
    known = [x is not None and x == x for x in truth]
    kinds = {type(x).__name__ for x, y in zip(truth, known, strict=True) if y}
    if kinds - {type(votes.labels[0]).__name__}:
        raise KitError("the truth and the votes are of different types", code="mixed-types",
                       found=sorted(kinds), allowed=type(votes.labels[0]).__name__)  # fmt: skip
    place = {x: i for i, x in enumerate(votes.labels)}
    return np.array([place.get(x, -2) if y else -1 for x, y in zip(truth, known, strict=True)])


def _shares(right, known):
    """dict of columns accuracy, low, high; null where nothing is known."""
    low, high = wilson(right, np.maximum(known, 1))
    found = {"accuracy": right / np.maximum(known, 1), "low": low, "high": high}
    return {n: pl.Series(n, x).set(pl.Series(known == 0), None) for n, x in found.items()}


def _items(votes, codes, posterior):
    n, top = (codes >= 0).sum(1), posterior.max(1)
    close = posterior >= top[:, None] - TIE
    often = np.bincount(codes[codes >= 0], minlength=posterior.shape[1]) + 1
    tie = (close.sum(1) > 1) & (n > 0)
    table = pl.DataFrame({
        "item": np.arange(len(codes)), "label": pl.Series(votes.labels).gather(
            np.where(close, often, 0).argmax(1)),
        "confidence": top, "votes": n, "tie": tie,
        "note": np.select([n == 0, tie], ["no function votes", "tie: the label more "
                           "frequent among all votes, then the first"], ""),
    })  # fmt: skip
    silent = pl.col("votes") == 0
    return table.with_columns(pl.when(~silent).then(pl.col("label", "confidence")))
