"""Compiled loops over two sorted columns: K-S and Wasserstein in one pass, exact K-S tails.

Needs NumPy and numba. What is compiled calls nothing of ours, so numba's cache sees every change.
"""

import numpy as np

from kit.jit import compiled


@compiled
def merged(a, b):
    """(largest gap, area, distinct) of the distribution functions of a[n] and b[m], both sorted.

    The gap is |i m - j n| as a whole number, so that ties with a critical value are exact; the
    area is the integral of |F - G| in units of the values. n m must stay below 2**63. Without
    branches on the data: on shuffled values a processor guesses every second one wrong.
    """
    n, m = len(a), len(b)
    i, j, gap, area, distinct = 0, 0, 0, 0.0, 0
    x = min(a[0], b[0])
    while i < n and j < m:
        mine = a[i] <= b[j]
        here = a[i] if mine else b[j]
        now = abs(i * m - j * n)
        moved = here > x  # only behind a group of equal values do both functions count
        area += now * (np.float64(here) - np.float64(x))
        gap = max(gap, now if moved else 0)
        distinct += moved
        i += mine
        j += not mine
        x = here
    rest, first, each = (a, i, m) if i < n else (b, j, n)
    for k in range(first, len(rest)):  # the other side is through; its function is 1
        now = (len(rest) - k) * each
        area += now * (np.float64(rest[k]) - np.float64(x))
        if rest[k] > x:
            gap = max(gap, now)
            distinct += 1
        x = rest[k]
    return gap, area / (np.float64(n) * np.float64(m)), distinct + 1


@compiled
def tail(n, m, gap):
    """P(gap of `merged` >= gap) for n and m values of one continuous distribution, exact.

    Counts paths by the chance that one has reached the gap (Viehmann 2021): only sums of
    positive terms, so small tails keep their digits. Takes n m steps.
    """
    reached = np.zeros(m + 1)
    for j in range(1, m + 1):
        reached[j] = 1.0 if j * n >= gap else 0.0
    for i in range(1, n + 1):
        if i * m >= gap:
            reached[0] = 1.0
        for j in range(1, m + 1):
            if abs(i * m - j * n) >= gap:
                reached[j] = 1.0
            else:
                reached[j] = (i * reached[j] + j * reached[j - 1]) / (i + j)
    return reached[m]
