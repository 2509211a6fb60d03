"""The model of Dawid and Skene (1979): every rater has a confusion matrix, found by EM.

Given the truth k of an item, rater r says l with probability said[r, k, l], independently of the
others. Dirichlet priors keep rare cells away from 0 and settle which class is which: the model
alone cannot tell a crowd of good raters from a crowd that swaps two labels. Needs NumPy and numba.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from kit.errors import KitError

CELLS = 2**24  # raters x labels x labels: 128 MiB of float64
BLOCKS = 8  # of items, whatever the number of cores: the same sums on every machine


class Prior(NamedTuple):
    """Ratings imagined beforehand, as pseudo-counts (Dirichlet parameters less 1).

    spread: for each rater and true class, shared by all labels. right: on the right label as
    well. classes: for each class. A rater of whom nothing is known is thus right with
    (right + spread / k) / (right + spread): 0.64 for two labels. Numbers above 0. Smaller ones
    cost no accuracy, but make confidences too high where cells hold few ratings.
    """

    spread: float = 5.0
    right: float = 2.0
    classes: float = 1.0

    def said(self, k):
        """float64[k, k], true x said: pseudo-counts of one rater."""
        return np.full((k, k), self.spread / k) + self.right * np.eye(k)

    def accuracy(self, k):
        """Share right of a rater of whom nothing is known."""
        return (self.right + self.spread / k) / (self.right + self.spread)


class Fitted(NamedTuple):
    """posterior: float64[items, K], zeros where nobody rated. said: float64[raters, true, said].

    counts: float64[raters, true, said], expected. log_likelihood: float64[iterations], penalised
    by the priors, in nats, of the parameters that each iteration began with. converged: whether
    the last step gained less than the tolerance.
    """

    posterior: np.ndarray
    said: np.ndarray
    counts: np.ndarray
    log_likelihood: np.ndarray
    converged: bool


def fit(r, gold, prior, iterations, tolerance):
    """Fitted of Ratings r, started from a smoothed majority.

    gold: int64[items], code of the known truth, -1 for none. tolerance: gain of the
    log-likelihood per rating, in nats, below which EM stops. Raises KitError "too-large".

    An item with one rating and no gold says nothing about who errs, and many of them would draw
    EM to a single class, which explains them best. So they get their label from the matrices that
    the other items show.
    """
    room(len(r.raters), len(r.labels))
    told = (r.each > 1) | (gold >= 0)
    if told.all():
        return _em(r, gold, prior, iterations, tolerance)
    k, posterior = len(r.labels), np.zeros((len(r.items), len(r.labels)))
    if told.any():
        found = _em(r.only(told), gold[told], prior, iterations, tolerance)
        posterior[told], share = found.posterior, found.posterior.sum(0) + prior.classes
    else:
        said = prior.said(k) / prior.said(k).sum(1, keepdims=True)
        found = Fitted(
            posterior, np.tile(said, (len(r.raters), 1, 1)), posterior, np.zeros(1), True
        )
        share = np.ones(k)
    once = (r.each == 1) & ~told
    at = r.starts[:-1][once]
    p = share * found.said[r.rater[at], :, r.label[at]]
    posterior[once] = p / p.sum(1, keepdims=True)
    return found._replace(posterior=posterior, counts=tallied(r, posterior))


def _em(r, gold, prior, iterations, tolerance):
    from kit.labeling.sweep import sweep

    posterior = start(r, gold)
    counts = tallied(r, posterior)
    blocks = BLOCKS if counts.size <= 2**20 else 1
    edges = np.linspace(0, len(r.items), blocks + 1).astype(int)
    history, converged = [], False
    with ThreadPoolExecutor(min(blocks, os.cpu_count() or 1)) as pool:
        for _ in range(iterations):
            log_share, log_said = _maximise(posterior, counts, prior)
            laid = np.ascontiguousarray(log_said.transpose(0, 2, 1))
            parts = [np.zeros_like(laid) for _ in range(blocks)]
            jobs = [pool.submit(sweep, a, b, r.starts, r.rater, r.label, gold, log_share, laid,
                                posterior, part)
                    for a, b, part in zip(edges[:-1], edges[1:], parts, strict=True)]  # fmt: skip
            likely = sum(job.result() for job in jobs)
            history.append(likely + _penalty(log_share, log_said, prior))
            counts = sum(parts[1:], parts[0]).transpose(0, 2, 1)
            if len(history) > 1 and history[-1] - history[-2] < tolerance * len(r.item):
                converged = True
                break
    said = np.exp(_maximise(posterior, counts, prior)[1])
    return Fitted(posterior, said, counts, np.array(history), converged)


def start(r, gold):
    """float64[items, K]: shares of the votes with one more vote spread over all labels."""
    votes = r.counts() + 1 / len(r.labels)
    shares = votes / votes.sum(1, keepdims=True)
    shares[r.each == 0] = 0
    known = gold >= 0
    shares[known] = np.eye(len(r.labels))[gold[known]]
    return shares


def tallied(r, posterior):
    """float64[raters, true, said]: expected counts of what was said of which truth."""
    from kit.labeling.sweep import tally

    k = posterior.shape[1]
    counts = np.zeros((len(r.raters), k, k))
    tally(r.starts, r.rater, r.label, posterior, counts)
    return counts.transpose(0, 2, 1)


def room(raters, k):
    """Refuse matrices that would not fit."""
    if raters * k * k > CELLS:
        raise KitError("there are too many raters and labels for a matrix each",
                       found=f"{raters} raters, {k} labels", code="too-large",
                       allowed=f"raters x labels x labels of at most {CELLS}",
                       remedy="merge rare labels, or aggregate by parts")  # fmt: skip


def _maximise(posterior, counts, prior):
    """(log shares float64[K], log said float64[raters, true, said]): modes of their Dirichlets."""
    k = counts.shape[1]
    shares = posterior.sum(0) + prior.classes
    said = counts + prior.said(k)
    return np.log(shares / shares.sum()), np.log(said / said.sum(2, keepdims=True))


def _penalty(log_share, log_said, prior):
    return prior.classes * log_share.sum() + (log_said * prior.said(len(log_share))).sum()
