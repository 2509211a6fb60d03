"""Active learning: which items to label next, and what it saves. Needs polars and SciPy."""

import copy
import time

import numpy as np
import polars as pl

from kit.drift.inputs import joined, plain
from kit.errors import KitError
from kit.intervals import CERTAINTY, wilson
from kit.quantities import quantity


class Logistic:
    """Multinomial logistic regression by L-BFGS, started from where the last fit ended.

    fit(X float[n, d], y[n]) -> self; predict_proba(X) -> float64[n, K], in the order of classes_.
    Features are standardised as in the first fit. One class alone gets the probability 1. ridge:
    squared weights count ridge / 2 nats. warm: False starts every fit from zero.
    """

    def __init__(self, ridge=1.0, iterations=100, warm=True):
        self.ridge, self.iterations, self.warm = ridge, iterations, warm
        self.classes_ = self.weights = None

    def fit(self, x, y):
        from scipy.optimize import minimize

        x, classes, before = np.asarray(x, float), np.unique(y), {}
        if self.weights is not None and self.warm:
            before = dict(zip(self.classes_.tolist(), self.weights.T, strict=True))
        else:
            self.mean, self.scale = x.mean(0), np.where(x.std(0) > 1e-6, x.std(0), 1.0)
        zero, self.classes_ = np.zeros(x.shape[1] + 1), classes
        begin = np.stack([before.get(c, zero) for c in classes.tolist()], axis=1)
        x, wanted = self._with_one(x), np.asarray(y)[:, None] == classes

        def loss(flat):
            w = flat.reshape(begin.shape)
            p, logs = _softmax(x @ w)
            gradient = x.T @ (p - wanted)
            gradient[:-1] += self.ridge * w[:-1]
            return -logs[wanted].sum() + self.ridge / 2 * (w[:-1] ** 2).sum(), gradient.ravel()

        found = minimize(loss, begin.ravel(), jac=True, method="L-BFGS-B",
                         options={"maxiter": self.iterations})  # fmt: skip
        self.weights = found.x.reshape(begin.shape)
        return self

    def predict_proba(self, x):
        return _softmax(self._with_one(np.asarray(x, float)) @ self.weights)[0]

    def _with_one(self, x):
        return np.column_stack([(x - self.mean) / self.scale, np.ones(len(x))])


class Probe:
    """kit.kws.probe.LinearProbe as a learner: fit, predict_proba, classes_.

    Its scores, cut at 0 and made to add up to 1, keep their order and say little about certainty.
    """

    def __init__(self, ridge=300.0):
        self.ridge = ridge

    def fit(self, x, y):
        from kit.kws.probe import LinearProbe

        self.classes_ = np.unique(y)
        if len(self.classes_) > 1:
            self.probe = LinearProbe(np.asarray(x, float)[:, None, :], list(y), self.ridge)
        return self

    def predict_proba(self, x):
        if len(self.classes_) == 1:
            return np.ones((len(x), 1))
        p = self.probe
        scores = np.maximum((np.asarray(x) - p.mean) / p.scale @ p.weights + p.offset, 1e-6)
        return scores / scores.sum(1, keepdims=True)


def least_confidence(probabilities):
    """float64[n], larger is less certain: 1 less the largest probability."""
    return 1 - probabilities.max(1)


def margin(probabilities):
    """float64[n]: 1 less the lead of the first class over the second; 0 for one class."""
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities))
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    return 1 - (first - second)


def entropy(probabilities):
    """float64[n]: Shannon's entropy, nats."""
    return -(probabilities * np.log(np.maximum(probabilities, 1e-300))).sum(1)


UNCERTAINTY = {"least_confidence": least_confidence, "margin": margin, "entropy": entropy}
STRATEGIES = ("random", *UNCERTAINTY, "core_set", "badge")
SCORED = (*UNCERTAINTY, "badge")  # those that need the probabilities of the whole pool
EMBEDDED = ("core_set", "badge")
COLUMNS = ["strategy", "seed", "round", "labels", "accuracy", "low", "high", "selected", "fit_s",
           "score_s", "scored", "cost_usd", "note"]  # fmt: skip


def select(strategy, count, probabilities=None, embeddings=None, labeled=None, seed=0):
    """int64[min(count, n)]: which of n items to label next, the most wanted first.

    strategy: one of STRATEGIES. "random"; "least_confidence", "margin", "entropy": the least
    certain, equals in random order; "core_set": greedy k-centre (Sener and Savarese 2018), always
    the item farthest from all that are labeled or chosen; "badge": k-means++ on the gradients of
    the last layer at the likeliest class (Ash et al. 2020): uncertain and unlike each other.
    probabilities: float[n, K], rows adding up to 1; unused by random and core_set. embeddings:
    float[n, d]; needed by core_set and badge, and for n by random. labeled: float[m, d] or None.
    seed: int or Generator. Raises KitError "strategy", "not-count", "missing", "probabilities",
    "embeddings".
    """
    if strategy not in STRATEGIES:
        raise KitError("no such strategy", found=strategy, allowed=str(STRATEGIES), code="strategy")
    count, rng = int(quantity("count", count, "count")), np.random.default_rng(seed)
    p = None if probabilities is None else checked_probabilities(probabilities)
    x = None if embeddings is None else checked_matrix("embeddings", embeddings)
    if (p is None and (x is None or strategy in SCORED)) or (x is None and strategy in EMBEDDED):
        raise KitError(f"{strategy} lacks probabilities or embeddings", code="missing")
    n = len(x if p is None else p)
    if x is not None and len(x) != n:
        raise KitError("not one embedding an item", found=(n, len(x)), code="embeddings")
    count = min(count, n)
    if strategy not in EMBEDDED:
        doubt = UNCERTAINTY[strategy](p) if strategy in UNCERTAINTY else np.zeros(n)
        return np.lexsort((rng.random(n), -doubt))[:count]
    if strategy == "core_set":
        return _core_set(
            x, None if labeled is None else checked_matrix("embeddings", labeled), count, rng
        )
    return _badge(p, x, count, rng)


def _core_set(x, labeled, count, rng):
    squares = (x**2).sum(1)
    nearest, chosen = np.full(len(x), np.inf), []
    for i in range(0, 0 if labeled is None else len(labeled), 256):
        part = labeled[i : i + 256]
        apart = squares[:, None] + (part**2).sum(1) - 2 * x @ part.T
        nearest = np.minimum(nearest, apart.min(1))
    for _ in range(count):
        first = nearest.min() == np.inf
        far = int(rng.integers(len(x)) if first else nearest.argmax())
        chosen.append(far)
        nearest = np.minimum(nearest, squares + squares[far] - 2 * x @ x[far])
        nearest[chosen] = -np.inf
    return np.array(chosen)


def _badge(p, x, count, rng):
    """k-means++ (Arthur and Vassilvitskii 2007); distances from the factors, not the products."""
    a = p - np.eye(p.shape[1])[p.argmax(1)]  # the gradient is the product of a row of a and of x
    squares = (a**2).sum(1) * (x**2).sum(1)
    first = squares >= squares.max() * (1 - 1e-9)
    chosen, nearest = [int(rng.choice(np.flatnonzero(first)))], np.full(len(p), np.inf)
    while len(chosen) < count:
        at = chosen[-1]
        nearest = np.minimum(nearest, squares + squares[at] - 2 * (a @ a[at]) * (x @ x[at]))
        weight = np.maximum(nearest, 1e-12 * (1 + squares.max()))  # if the rest is alike
        weight[chosen] = 0
        chosen.append(int(rng.choice(len(p), p=weight / weight.sum())))
    return np.array(chosen)


def loop(learner, pool, labels, test, start=20, batch=20, rounds=10, strategy="margin", seed=0,
         stop=None, price_usd=0.0, embeddings=None):  # fmt: skip
    """polars table of active learning, one row a round; the first has the random start.

    learner: fit(X, y), predict_proba(X) and classes_ as scikit-learn has; a copy of it is fitted
    each round (a warm start is up to it). pool: float[n, d]. labels: n of them, or a function of
    int64[m] ids that asks for them. test: (float[t, d], t labels). start: how many at random, or
    their ids. batch: labels a round. strategy: see select. stop: None, or r: stop when r rounds
    gain no more accuracy than the 95 % half-width of that gain (paired on the test set, normal);
    then report accuracy on another set. price_usd: of scoring a clip. embeddings: float[n, e], the
    pool by default.

    Columns: strategy, seed, round, labels, accuracy, low, high (Wilson), selected (ids that came
    in), fit_s, score_s, scored (clips of the pool that the model had to judge for this round),
    cost_usd, note. A batch larger than what is left takes all of it and ends. Raises KitError
    "pool", "test", "shape", "start", "not-count", and those of select.
    """
    x, (tx, ty) = checked_matrix("pool", pool), _test(test, pool)
    y = _oracle(labels, len(x), embeddings)
    z, rng = np.asarray(x if embeddings is None else embeddings), np.random.default_rng(seed)
    batch, rounds, _ = _whole(batch=batch, rounds=rounds, stop=stop or 1)
    new, learner, rows, hits = _start(start, len(x), rng), copy.deepcopy(learner), [], []
    ids, known, scored, score_s = np.empty(0, int), [], 0, 0.0
    for turn in range(rounds + 1):
        ids, known = np.concatenate([ids, new]), [*known, *y(new)]
        begun = time.perf_counter()
        learner.fit(x[ids], np.array(known))
        fit_s = time.perf_counter() - begun
        hits.append(np.asarray(learner.classes_)[learner.predict_proba(tx).argmax(1)] == ty)
        left = np.setdiff1d(np.arange(len(x)), ids)
        note = _end(hits, stop, left, turn == rounds, learner)
        rows.append((strategy, seed, turn, len(ids), *_with_interval(hits[-1]), new.tolist(), fit_s,
                     score_s, scored, scored * price_usd, note))  # fmt: skip
        if note.startswith("stopped"):
            break
        begun = time.perf_counter()
        p = learner.predict_proba(x[left]) if strategy in SCORED else None
        new = left[select(strategy, batch, p, z[left], z[ids], rng)]
        score_s, scored = time.perf_counter() - begun, len(left) if p is not None else 0
    return pl.DataFrame(rows, COLUMNS, orient="row")


def multiplier(curve, random_curve, accuracies, draws=1000, seed=0):
    """polars table, one row an accuracy: how many times fewer labels than random.

    curve, random_curve: tables of loop, or lists of them, several seeds each. accuracies: numbers
    from 0 to 1. Columns: accuracy, labels, random_labels (where the mean curve over seeds first
    reaches the accuracy, straight lines between rounds), multiplier (random_labels / labels), low,
    high (95 %, percentile bootstrap over seeds, the same draw of seeds for both where they have
    the same seeds), note. Null where a curve does not get there, and for an infinite end of the
    interval. Label counts that not all seeds reach are left out. Raises KitError "curve",
    "not-share".
    """
    wanted = quantity("accuracies", np.atleast_1d(accuracies), "share")
    (at, ours, seeds), (random_at, theirs, others) = _grid(curve), _grid(random_curve)
    rng, several = np.random.default_rng(seed), min(len(ours), len(theirs)) > 1
    rows = rng.integers(0, len(ours), (draws * several, len(ours)))
    twins = rows if seeds == others else rng.integers(0, len(theirs), (len(rows), len(theirs)))
    drawn, random_drawn = ours[rows].mean(1), theirs[twins].mean(1)  # [draws, rounds]
    found = []
    for w in wanted:
        here = _reached(at, ours.mean(0)[None], w)[0]
        there = _reached(random_at, theirs.mean(0)[None], w)[0]
        both = _reached(at, drawn, w), _reached(random_at, random_drawn, w)
        found.append((w, *_ratio(here, there, *both, start=here == at[0])))
    names = ("accuracy", "labels", "random_labels", "multiplier", "low", "high")
    schema = dict.fromkeys(names, pl.Float64) | {"note": pl.String}
    return pl.DataFrame(found, schema, orient="row")


def checked_probabilities(p):
    """float64[n, K] whose rows add up to 1. Raises KitError "probabilities"."""
    p = checked_matrix("probabilities", p)
    if (p < 0).any() or np.abs(p.sum(1) - 1).max() > 1e-6:
        raise KitError("rows of probabilities do not add up to 1, or one is below 0",
                       found=float(p.sum(1).max()), code="probabilities")  # fmt: skip
    return p


def checked_matrix(name, x):
    """float64[n, d] without NaN. Raises KitError with the name as code."""
    x = np.asarray(x)
    if x.ndim != 2 or not x.size or x.dtype.kind not in "iuf" or not np.isfinite(x).all():
        raise KitError(f"{name} are no matrix of finite numbers", found=f"{x.dtype}{x.shape}",
                       allowed="float[n, d], not empty, no NaN", code=name)  # fmt: skip
    return x.astype(np.float64)


def _softmax(scores):
    """(probabilities, their logarithms)."""
    logs = scores - scores.max(1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(1, keepdims=True))
    return np.exp(logs), logs


def _whole(**counts):
    return [int(quantity(name, x, "count")) for name, x in counts.items()]


def _oracle(labels, n, embeddings):
    sizes = [len(x) for x in (labels, embeddings) if x is not None and not callable(x)]
    if set(sizes) - {n}:
        raise KitError("not one label or embedding an item", found=(n, *sizes), code="shape")
    return labels if callable(labels) else np.asarray(labels).__getitem__


def _test(test, pool):
    x, y = checked_matrix("test", test[0]), np.asarray(test[1])
    if len(x) != len(y) or x.shape[1] != np.shape(pool)[1]:
        raise KitError("the test set does not fit", found=(x.shape, y.shape), code="shape")
    return x, y


def _start(start, n, rng):
    """int64[m]: ids to begin with."""
    ids = np.asarray(start)
    if ids.ndim == 0:
        return rng.permutation(n)[: int(quantity("start", start, "count"))]
    good = ids.size and ids.dtype.kind in "iu" and len(set(ids.tolist())) == len(ids)
    if ids.ndim != 1 or not good or ids.min() < 0 or ids.max() >= n:
        raise KitError("the start is not possible", found=start, code="start",
                       allowed=f"how many, or different ids from 0 to {n - 1}")  # fmt: skip
    return ids.astype(np.int64)


def _end(hits, stop, left, last, learner):
    """A note: why the loop ends here, or what a reader must know."""
    change = hits[-1].astype(float) - hits[-1 - stop] if stop and len(hits) > stop else None
    if change is not None and change.mean() <= 1.96 * change.std() / np.sqrt(len(change)):
        return f"stopped: no gain over {stop} rounds beyond its interval"
    if not len(left):
        return "stopped: nothing is left to label"
    if last:
        return "stopped: all rounds done"
    return "one class so far: chosen at random" if len(learner.classes_) == 1 else ""


def _with_interval(hit):
    return float(hit.mean()), *map(float, wilson(hit.sum(), len(hit)))


def _grid(curve):
    """(label counts that all seeds have, accuracy float64[seeds, counts], seeds)."""
    table = curve if isinstance(curve, pl.DataFrame) else pl.concat(list(curve))
    if not len(table) or table.select("seed", "labels").is_duplicated().any():
        raise KitError("the curves are not one table for each of several seeds", code="curve")
    wide = table.pivot("seed", index="labels", values="accuracy").sort("labels").drop_nulls()
    if not len(wide):
        raise KitError("the seeds have no label count in common", code="curve")
    return wide["labels"].to_numpy(), wide.drop("labels").to_numpy().T, wide.columns[1:]


def _reached(at, curves, wanted):
    """float64[n]: labels where each of float64[n, counts] first reaches `wanted`, or infinity."""
    there = curves >= wanted
    i = there.argmax(1)
    high, low = (np.take_along_axis(curves, x[:, None], 1)[:, 0] for x in (i, np.maximum(i - 1, 0)))
    share = np.divide(wanted - low, high - low, out=np.ones(len(i)), where=high > low)
    labels = at[np.maximum(i - 1, 0)] * (1 - share) + share * at[i]
    return np.where(there.any(1), labels, np.inf)


def _ratio(here, there, drawn, random_drawn, start):
    """(labels, random_labels, multiplier, low, high, note) with None for what is infinite."""
    with np.errstate(invalid="ignore"):
        many = random_drawn / drawn
    many = many[~np.isnan(many)]  # a draw where neither gets there says nothing
    ends = ((1 - CERTAINTY) / 2, (1 + CERTAINTY) / 2) if len(many) and here < np.inf else ()
    low, high = [np.quantile(many, q, method="inverted_cdf") for q in ends] or (None, None)
    notes = (
        "not reached" if here == np.inf else "reached by the first labels" if start else "",
        "random does not get there" if there == np.inf else "",
        "one seed: no interval" if not len(drawn) else "",
        "not reached in some draws" if np.isinf([drawn, random_drawn]).any() else "",
    )
    value = there / here if np.isfinite([here, there]).all() else None
    return *(plain(x) for x in (here, there, value, low, high)), joined(*notes)
