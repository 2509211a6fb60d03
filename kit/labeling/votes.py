"""Majorities, plain and weighted by the accuracy of the raters. Needs NumPy."""

import numpy as np

BLOCK = 2**17  # ratings at a time when each is held against the votes of the others


def majority(r, counts, prior, gold):
    """float64[items, K]: share of the votes; 1 for gold, 0 where nobody rated.

    counts, prior: unused; `weighted` needs them.
    """
    votes = r.counts()
    return pinned(votes / np.maximum(r.each, 1)[:, None], r, gold)


def weighted(r, counts, prior, gold):
    """float64[items, K]: posterior when a rater errs equally often towards every other label.

    counts: float64[raters, true, said] of against_others. The vote of a rater with accuracy a
    counts ln(a (K - 1) / (1 - a)) (Nitzan and Paroush 1982 for K = 2); below chance it counts
    against the label.
    """
    n, k = len(r.items), len(r.labels)
    if k == 1:  # no other label to be weighed against
        return majority(r, counts, prior, gold)
    weight = log_odds(accuracy(counts, prior), k)
    score = np.bincount(r.item * k + r.label, weight[r.rater], n * k).reshape(n, k)
    score = np.exp(score - score.max(1, keepdims=True))
    return pinned(score / score.sum(1, keepdims=True), r, gold)


def accuracy(counts, prior):
    """float64[raters]: share right, with the imagined ratings of the prior."""
    k = counts.shape[1]
    right = np.trace(counts, axis1=1, axis2=2)
    extra = prior.right + prior.spread
    return (right + extra * prior.accuracy(k)) / (counts.sum((1, 2)) + extra)


def log_odds(share, k):
    """What a vote is worth, in nats: 0 for a rater who guesses among k labels."""
    return np.log(share * (k - 1) / (1 - share))


def pinned(posterior, r, gold):
    """The posterior with gold as certain, and zeros where there is neither rating nor gold."""
    posterior[r.each == 0] = 0
    known = gold >= 0
    posterior[known] = np.eye(posterior.shape[1])[gold[known]]
    return posterior


def against_others(r, gold):
    """float64[raters, true, said]: each rating against the majority of the item's other raters.

    Their tied labels share the rating; gold is the truth where it is known; an item without
    others counts nothing. Who is judged has no vote, or one would look right by agreeing with
    oneself.
    """
    k, votes = len(r.labels), r.counts()
    table = np.zeros(len(r.raters) * k * k)
    for a in range(0, len(r.item), BLOCK):
        item, rater, label = (x[a : a + BLOCK] for x in (r.item, r.rater, r.label))
        others = votes[item]
        others[np.arange(len(item)), label] -= 1
        top = others.max(1)
        best = (others == top[:, None]) & (top > 0)[:, None]
        known = gold[item] >= 0
        best[known] = np.arange(k) == gold[item][known, None]
        share = best / np.maximum(best.sum(1), 1)[:, None]
        for true in range(k):
            cell = (rater * k + true) * k + label
            table += np.bincount(cell, share[:, true], len(table))
    return table.reshape(-1, k, k)
