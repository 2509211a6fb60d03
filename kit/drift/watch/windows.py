"""The state of a window: counts of all columns side by side in one vector, which merge by adding.

A column of numbers holds the counts of a Sketch (edges: quantiles of the reference), then nulls
and infinite values; a column of categories its names, then new ones and nulls. Needs NumPy and,
when used, polars.
"""

from dataclasses import dataclass, field

import numpy as np

from kit.drift.sketch import Sketch
from kit.errors import KitError

_FAR = 1e9  # deviations beyond which a mean takes a value as this far; keeps squares finite
LATENCY_EDGES = np.unique([*np.geomspace(1e-3, 1e6, 426), 10.0, 30.0])  # s, 5 % apart


@dataclass(frozen=True, eq=False)
class Part:
    """One column of a monitor: kind (key of TESTS), role, cells of the vector from `at` on.

    edges: float64 of a number or latency. names: of categories or raters. mean, sd: of the
    reference, for sums of deviations. source: "number" or "category", what batches must hold.
    takes: columns it is made from, its own name by default.
    """

    column: str
    kind: str
    role: str
    at: int
    cells: int
    edges: list = field(default_factory=list)
    names: list = field(default_factory=list)
    mean: float = 0.0
    sd: float = 0.0
    source: str | None = None
    takes: list = field(default_factory=list)

    def of(self, counts):
        """The cells of this part in a vector."""
        return counts[self.at : self.at + self.cells]

    def sketch(self, counts):
        """Sketch of a column of numbers; its least and greatest value are not kept."""
        own = self.of(counts)
        return Sketch(np.array(self.edges), own[:-2], nulls=int(own[-2]), infinite=int(own[-1]))


@dataclass
class Panel:
    """A base window: counts int64[K], sums float64[S, 2] of deviations and their squares, minutes
    int64[M] (all events, sampled or not), and hashes of ids seen with how often, those
    below `cut`.
    """

    counts: np.ndarray
    sums: np.ndarray
    minutes: np.ndarray
    ids: np.ndarray
    copies: np.ndarray
    cut: float = 2.0**64


class Layout:
    """Where each part lies in the vector, and how a batch is counted into it."""

    def __init__(self, parts):
        self.parts = list(parts)
        self.size = sum(p.cells for p in self.parts)
        self.summed = [p for p in self.parts if p.kind in ("number", "entropy")]

    def empty(self, minutes):
        """A Panel with no rows."""
        none = np.zeros(0, np.uint64)
        return Panel(np.zeros(self.size, np.int64), np.zeros((len(self.summed), 2)),
                     np.zeros(minutes, np.int64), none, none.astype(np.int64))  # fmt: skip

    def count(self, frame, window, windows):
        """(int64[windows, K], float64[windows, S, 2]) of a table whose rows lie in `window`."""
        counts = np.zeros((windows, self.size), np.int64)
        sums = np.zeros((windows, len(self.summed), 2))
        for part in self.parts:
            if part.kind == "ids":
                continue
            cells, values = _CELLS[part.kind](part, frame)
            flat = np.bincount(window * part.cells + cells, minlength=windows * part.cells)
            counts[:, part.at : part.at + part.cells] = flat.reshape(windows, -1)
            if values is not None:
                good = np.isfinite(values)
                z = np.clip((values[good] - part.mean) / (part.sd or 1.0), -_FAR, _FAR)
                own = sums[:, self.summed.index(part)]
                own[:, 0] = np.bincount(window[good], z, windows)
                own[:, 1] = np.bincount(window[good], z * z, windows)
        return counts, sums


def copied(panel, hashes):
    """(which of hashes, uint64[n], are copies, how many the panel cannot know); changes nothing.

    A copy: an id seen before in this panel, or earlier in `hashes`.
    """
    known = np.flatnonzero(hashes < panel.cut)
    found = np.zeros(len(hashes), bool)
    ids, first = np.unique(hashes[known], return_index=True)
    found[known] = True
    found[known[first[~np.isin(ids, panel.ids)]]] = False
    return found, len(hashes) - len(known)


def remember(panel, hashes, most):
    """Add hashes, uint64[n], of ids to a panel: at most `most` are kept. (looked at, copies).

    Beyond that, those above a cut that is halved: a fair sample of the ids, with all their copies
    (Bar-Yossef and others 2002).
    """
    copies = int(copied(panel, hashes)[0].sum())
    hashes = hashes[hashes < panel.cut]
    both = np.concatenate([panel.ids, hashes])
    often = np.concatenate([panel.copies, np.ones(len(hashes), np.int64)])
    panel.ids, place = np.unique(both, return_inverse=True)
    panel.copies = np.bincount(place, often, len(panel.ids)).astype(np.int64)
    while len(panel.ids) > most:
        panel.cut /= 2
        kept = panel.ids < panel.cut
        panel.ids, panel.copies = panel.ids[kept], panel.copies[kept]
    return np.array([len(hashes), copies], np.int64)


def close(panel, layout):
    """Write the ids of a panel down as two counts: looked at, and extra copies."""
    looked = panel.copies.sum()
    add_ids(panel, layout, np.array([looked, looked - len(panel.ids)], np.int64))


def add_ids(panel, layout, counts):
    """Add ids looked at and extra copies, int64[2], to the vector of a closed panel."""
    for part in layout.parts:
        if part.kind == "ids":
            part.of(panel.counts)[:] += counts


def forget(panels, most):
    """Keep at most `most` ids in closed panels, a list from old to new: the oldest lose theirs."""
    total = sum(len(p.ids) for p in panels)
    for panel in panels:
        if total <= most:
            return
        total -= len(panel.ids)
        panel.ids, panel.copies = panel.ids[:0], panel.copies[:0]
        panel.cut = 0.0


def numbers(frame, name):
    """float64[n] of a column: null is NaN."""
    import polars as pl

    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def named(series):
    """A column as text: numbers by their value, so that 1 and 1.0 are one category."""
    import polars as pl

    if series.dtype.is_numeric():
        series = series.cast(pl.Float64).fill_nan(None)
    return series.cast(pl.String)


def _codes(series, names):
    """int64[n]: place in names; len(names) for another, len(names) + 1 for null."""
    import polars as pl

    text, n = named(series), len(names)
    known = pl.DataFrame({"name": pl.Series(names, dtype=pl.String), "code": np.arange(n)})
    found = text.to_frame("name").join(known, on="name", how="left", maintain_order="left")
    codes = found["code"].fill_null(n).to_numpy().astype(np.int64)
    return np.where(text.is_null().to_numpy(), n + 1, codes)


def _number(part, frame):
    x = numbers(frame, part.column)
    at, n = np.array(part.edges), len(part.edges) + 1
    cells = np.searchsorted(at, x, "right")  # a bin holds its lower edge
    cells = np.where(np.isnan(x), n, np.where(np.isinf(x), n + 1, cells))
    return cells, x if part.kind == "number" else None


def _category(part, frame):
    return _codes(frame[part.column], part.names), None


def _entropy(part, frame):
    """cells: rows that have a confidence from 0 to 1, others. values: bits of a yes or no."""
    from scipy.special import entr

    p = numbers(frame, part.column)
    p = np.where((p >= 0) & (p <= 1), p, np.nan)
    return np.isnan(p).astype(np.int64), (entr(p) + entr(1 - p)) / np.log(2)


def _failed(part, frame):
    """cells: rows that went well, that failed, and those that say neither."""
    x = numbers(frame, part.column)
    return np.where((x == 0) | (x == 1), x, 2).astype(np.int64), None


def _raters(part, frame):
    """cells: pairs of labels, those unknown to the reference as one more, then missing ones."""
    n = len(part.names) + 1
    a, b = (_codes(frame[x], part.names) for x in part.takes)
    return np.where((a == n) | (b == n), n * n, a * n + b), None


_CELLS = {"number": _number, "latency": _number, "category": _category, "entropy": _entropy,
          "failed": _failed, "raters": _raters}  # fmt: skip


def check_columns(frame, parts):
    """Raise KitError "missing-column" or "type" if a batch does not fit, before it is counted."""
    from kit.drift.table import _kind_of

    pairs = [(name, p.source) for p in parts for name in p.takes or [p.column]]
    for name, source in pairs:
        if name not in frame.columns:
            raise KitError("the batch lacks a column", found=name, code="missing-column",
                           allowed=", ".join(frame.columns) or "none")  # fmt: skip
        kind = _kind_of(name, frame[name]) if source else None
        if kind not in (None, source) and str(frame[name].dtype) != "Boolean":
            raise KitError(f"column {name} changed its type", found=str(frame[name].dtype),
                           allowed=f"a {source}, and nulls", code="type",
                           remedy="cast it, or look at the schema")  # fmt: skip
