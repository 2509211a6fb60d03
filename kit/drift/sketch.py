"""A summary of a stream that can be merged, and the distances of two of them with their error.

A Sketch counts rows between fixed edges, quantiles of the reference. Its size depends on the
number of edges alone. Only whole numbers are added, so parts merge in any order to the same
sketch, whoever counted them. Needs NumPy.
"""

import json
from dataclasses import dataclass, replace

import numpy as np

from kit.drift.divergence import divergence
from kit.drift.inputs import Found, finite, side
from kit.drift.numeric import counts as count_sorted
from kit.drift.numeric import edges as quantile_edges
from kit.errors import KitError

BINS = 200
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Sketch:
    """Counts of a stream of numbers.

    edges: float64[B - 1], ascending; a bin holds its lower edge. counts: int64[B].
    low, high: least and greatest finite value, None before the first. nulls, infinite: rows that
    are in no bin. Two sketches can be merged or compared if their edges are equal.
    """

    edges: np.ndarray
    counts: np.ndarray
    low: float | None = None
    high: float | None = None
    nulls: int = 0
    infinite: int = 0

    @classmethod
    def of(cls, reference, bins=BINS):
        """The sketch of a reference column of n numbers, with its quantiles as edges.

        Raises KitError "empty", "infinite", "not-a-number", "not-several".
        """
        at = quantile_edges(finite("reference", reference).astype(np.float64), bins)
        return cls(at, np.zeros(len(at) + 1, np.int64)).add(reference)

    def empty(self):
        """A sketch with the same edges and no rows, for a worker or a new window."""
        return Sketch(self.edges, np.zeros_like(self.counts))

    def add(self, values):
        """A new sketch that has seen `values` as well: array or polars Series of n numbers."""
        part = side("values", values)
        x = part.values.astype(np.float64, copy=False)
        ends = (float(x[0]), float(x[-1])) if len(x) else (None, None)
        counts = count_sorted(x, self.edges)
        return self.merge(Sketch(self.edges, counts, *ends, part.nulls, part.infinite))

    def merge(self, other):
        """A new sketch of the rows of both. Raises KitError "edges"."""
        _same_edges(self, other)
        return replace(
            self,
            counts=self.counts + other.counts,
            low=min((x.low for x in (self, other) if x.low is not None), default=None),
            high=max((x.high for x in (self, other) if x.high is not None), default=None),
            nulls=self.nulls + other.nulls,
            infinite=self.infinite + other.infinite,
        )

    __add__ = merge

    def __eq__(self, other):
        return isinstance(other, Sketch) and self.to_json() == other.to_json()

    __hash__ = None

    @property
    def n(self):
        """Rows in the bins: neither null nor infinite."""
        return int(self.counts.sum())

    @property
    def resolution(self):
        """Share of rows in the fullest bin: K-S of sketches errs by no more than that."""
        return float(self.counts.max() / max(self.n, 1))

    def to_json(self):
        """The sketch as text, a few kB; floats keep every digit."""
        return json.dumps({"format": _FORMAT, "edges": self.edges.tolist(),
                           "counts": self.counts.tolist(), "low": self.low, "high": self.high,
                           "nulls": self.nulls, "infinite": self.infinite})  # fmt: skip

    @classmethod
    def from_json(cls, text):
        """The sketch that `to_json` wrote. Raises KitError "sketch-file"."""
        try:
            found = json.loads(text)
            if found.pop("format") != _FORMAT:
                raise ValueError("another format")
            at, counts = np.array(found.pop("edges"), float), found.pop("counts")
            made = cls(at, np.array(counts, np.int64), **found)
            good = (np.diff(at) > 0).all() and len(made.counts) == len(at) + 1
            if not good or (made.counts < 0).any() or (made.low is None) != (made.n == 0):
                raise ValueError("edges, counts and ends do not go together")
        except (ValueError, KeyError, TypeError) as cause:
            raise KitError("this is no sketch", found=str(cause), code="sketch-file",
                           allowed="text that Sketch.to_json wrote") from cause  # fmt: skip
        return made


def sketch_compare(reference, current, certainty=0.95):
    """dict of "ks", "wasserstein", "psi", "kl", "js" -> Found for two sketches with equal edges.

    ks: value is the gap at the edges; low and high hold the D of the full columns for certain,
    and are no further apart than the fuller of the largest bins (`resolution`).
    wasserstein: value takes rows as spread evenly in their bin; low and high hold the distance of
    the full columns for certain. Both in these two rows are about the sketch, not about chance:
    add the interval of kit.drift.ks for that. effect is the value; p is None.
    psi, kl, js: exact, as from the full columns with these bins. Raises "edges" or "empty".
    """
    _same_edges(reference, current)
    for which, sketch in (("reference", reference), ("current", current)):
        if not sketch.n:
            raise KitError(f"the {which} sketch holds no values", code="empty",
                           allowed="one value or more")  # fmt: skip
    f, g = (np.concatenate([[0], np.cumsum(x.counts)]) / x.n for x in (reference, current))
    found = {"ks": _ks(f, g), "wasserstein": _wasserstein(f, g, _ends(reference, current))}
    both = reference.counts, current.counts
    return found | {name: divergence(name, *both, certainty) for name in ("psi", "kl", "js")}


def _ks(f, g):
    """Inside a bin f and g lie between their values at its edges, so their gap does as well."""
    value = float(np.abs(f - g).max())
    most = np.maximum(f[1:] - g[:-1], g[1:] - f[:-1]).max()
    return Found(value, value, value, float(min(max(value, most), 1.0)),
                 note="low, high: what the bins leave open")  # fmt: skip


def _wasserstein(f, g, at):
    """Area between lines through the edges; at least where f and g cannot meet, at most apart."""
    width, gap = np.diff(at), f - g
    a, b = gap[:-1], gap[1:]
    crossed = a * b < 0
    size = np.abs(a) + np.abs(b)
    with np.errstate(invalid="ignore"):
        middle = np.where(crossed, (a**2 + b**2) / (2 * size), size / 2)
    most = np.maximum(f[1:] - g[:-1], g[1:] - f[:-1])
    least = np.maximum(np.maximum(f[:-1] - g[1:], g[:-1] - f[1:]), 0)
    value, low, high = (float((width * x).sum()) for x in (middle, least, most))
    return Found(value, value, low, high, note="low, high: what the bins leave open")


def _ends(reference, current):
    """float64[B + 1]: the edges, with the least and greatest value of both around them.

    Where no row lies outside, the outer bin gets no width.
    """
    low, high = min(reference.low, current.low), max(reference.high, current.high)
    return np.clip(np.concatenate([[low], reference.edges, [high]]), low, high)


def _same_edges(a, b):
    if not np.array_equal(a.edges, b.edges):
        raise KitError(
            "the sketches have other edges",
            found=f"{len(a.edges)} and {len(b.edges)} edges",
            allowed="sketches that come from one reference",
            remedy="start each part with reference.empty()",
            code="edges",
        )
