"""Detectors that take one event at a time: ADWIN and Page-Hinkley of river.

ADWIN (Bifet and Gavaldà 2007) bounds the chance of a false alarm at each of its looks by delta,
for values in [0, 1]; river looks every 32 values. Page-Hinkley (Page 1954) states no rate. Both
lie outside the budget of a monitor. Needs river, imported when used.
"""

import base64

import numpy as np

from kit.drift.watch.measures import Measure
from kit.errors import KitError

KINDS = ("adwin", "page-hinkley")
_PAGE = ("_drift_detected", "_sum_increase", "_sum_decrease", "_min_increase", "_max_decrease")


class Stream:
    """A detector of river on one column. skipped: values that were null or infinite."""

    def __init__(self, column, kind, delta=0.002):
        """kind: one of KINDS. delta: of ADWIN. Raises KitError "stream"."""
        if kind not in KINDS:
            raise KitError(f"no such detector for column {column}", found=kind, code="stream",
                           allowed=", ".join(KINDS))  # fmt: skip
        from river import drift

        self.column, self.kind, self.skipped = column, kind, 0
        self.rate = delta if kind == "adwin" else None
        self.detector = drift.ADWIN(delta=delta) if kind == "adwin" else drift.PageHinkley()

    def feed(self, values, times):
        """list of (Measure, time) for values float64[n] in order of arrival, times int64[n]."""
        good = np.isfinite(values)
        self.skipped += int((~good).sum())
        found = []
        for x, t in zip(values[good].tolist(), times[good].tolist(), strict=True):
            self.detector.update(x)
            if self.detector.drift_detected:
                found.append((self._alarm(), t))
        return found

    def _alarm(self):
        adwin = self.kind == "adwin"
        seen = self.detector.width if adwin else self.detector._x_mean.n
        mean = self.detector.estimation if adwin else self.detector._x_mean.get()
        bound = f"delta {self.rate} bounds each look, for values in [0, 1]"
        return Measure(self.column, "stream", self.kind, int(seen), float(mean), status="alarm",
                       severity="warning", note=f"value: mean of the {seen:.0f} latest; "
                       f"{bound if adwin else 'no stated rate'}")  # fmt: skip

    def state(self):
        """What `restore` needs, as JSON holds it; no pickle, so a file can hold no code."""
        own = self.detector
        if self.kind == "adwin":
            kept = base64.b64encode(own._helper.__getstate__()).decode()
            found = {"helper": kept, "_drift_detected": bool(own._drift_detected)}
        else:
            found = {k: getattr(own, k) for k in _PAGE}
            found |= {"n": own._x_mean.n, "mean": own._x_mean._mean}
            found["_min_increase"] = min(found["_min_increase"], 1e308)  # JSON knows no infinity
        return {"column": self.column, "kind": self.kind, "delta": self.rate,
                "skipped": self.skipped, "found": found}  # fmt: skip

    @classmethod
    def restore(cls, state):
        """The Stream that `state` described."""
        made = cls(state["column"], state["kind"], state["delta"] or 0.002)
        made.skipped, found = state["skipped"], dict(state["found"])
        if made.kind == "adwin":
            made.detector._helper.__setstate__(base64.b64decode(found.pop("helper")))
        else:
            made.detector._x_mean.n = found.pop("n")
            made.detector._x_mean._mean = found.pop("mean")
        for name, value in found.items():
            setattr(made.detector, name, value)
        return made
