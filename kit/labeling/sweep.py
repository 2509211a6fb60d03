"""One pass of EM over a block of items, compiled: posteriors, log-likelihood, expected counts.

Needs NumPy and numba. What is compiled calls nothing of ours, so numba's cache sees every change.
"""

import numpy as np

from kit.jit import compiled


@compiled
def sweep(first, last, starts, rater, label, gold, log_share, log_said, posterior, counts):
    """Log-likelihood, in nats, of items first to last; fills posterior and adds to counts.

    starts: int64[items + 1]; rater, label: int64[n]; gold: int64[items], -1 for none.
    log_share: float64[K]. log_said: float64[raters, said K, true K], so that the innermost loop
    runs along memory; counts the same. posterior: float64[items, K]; zeros where nobody rated.
    """
    total, classes = 0.0, len(log_share)
    for i in range(first, last):
        p = posterior[i]
        p[:] = log_share
        for j in range(starts[i], starts[i + 1]):
            row = log_said[rater[j], label[j]]
            for k in range(classes):
                p[k] += row[k]
        if gold[i] >= 0:  # the truth is known: nothing to weigh
            total += p[gold[i]]
            p[:] = 0.0
            p[gold[i]] = 1.0
        elif starts[i] == starts[i + 1]:  # nothing is known
            p[:] = 0.0
        else:
            top = p.max()
            p[:] = np.exp(p - top)
            mass = p.sum()
            p /= mass
            total += top + np.log(mass)
        for j in range(starts[i], starts[i + 1]):
            row = counts[rater[j], label[j]]
            for k in range(classes):
                row[k] += p[k]
    return total


@compiled
def tally(starts, rater, label, posterior, counts):
    """Add the posterior of each item to counts[rater, said] of all who rated it."""
    for i in range(len(posterior)):
        for j in range(starts[i], starts[i + 1]):
            row = counts[rater[j], label[j]]
            for k in range(posterior.shape[1]):
                row[k] += posterior[i, k]
