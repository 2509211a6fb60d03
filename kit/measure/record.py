"""Measurement: a value that cannot be shown without its spread and where it came from."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import numpy as np

from kit.errors import KitError
from kit.measure.machine import commit, machine_name
from kit.numbers import significant


@dataclass(frozen=True, repr=False)
class Measurement:
    """One measured quantity.

    Attributes
    ----------
    name: what was measured. value: in `unit`, the median of the runs; their mean where it is made
    to be multiplied by a count.
    spread: (10th, 90th percentile) of the runs, same unit. runs: how many; 0 if computed.
    machine: short description of the machine. commit: version of the code, "" if unknown.
    when: UTC time, ISO 8601. note: what limits the figure, "" if nothing does.
    """

    name: str
    value: float
    unit: str
    spread: tuple[float, float]
    runs: int
    machine: str = field(default_factory=machine_name)
    commit: str = field(default_factory=commit)
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    note: str = ""

    @classmethod
    def of(cls, name, samples, unit, note="", total=False):
        """Measurement from `samples`, float[runs] in `unit`: median and 10-90 % spread.

        total: take the mean instead, for a value that will be multiplied by a count: a sum is
        the count times the mean, and rare slow runs belong to it.
        """
        samples = np.asarray(samples, dtype=float)
        if not samples.size or not np.isfinite(samples).all():
            raise KitError(
                f"no usable runs of {name}",
                found=samples.tolist(),
                code="no-runs",
                allowed="at least one finite value",
                remedy="run it again",
            )
        low, high = map(float, np.percentile(samples, [10, 90]))
        middle = float(np.mean(samples) if total else np.median(samples))
        return cls(name, middle, unit, (low, high), samples.size, note=note)

    def over(self, other, name):
        """Ratio self / other as a Measurement; its spread takes the worst ends of both."""
        low, high = self.spread[0] / other.spread[1], self.spread[1] / other.spread[0]
        runs = min(self.runs, other.runs)
        return Measurement(name, self.value / other.value, "x", (low, high), runs)

    @property
    def spread_text(self):
        """The spread for tables, such as "1.2 to 1.4, 5 runs"; empty for a computed value."""
        if self.runs < 2:
            return "one run" if self.runs else ""
        low, high = (significant(x) for x in self.spread)
        return f"{low} to {high}, {self.runs} runs"

    def __repr__(self):
        return str(self)

    def __str__(self):
        note = f"  [{self.note}]" if self.note else ""
        return f"{self.name}: {significant(self.value)} {self.unit} ({self.spread_text}){note}"

    def as_dict(self):
        """Plain dict for JSON."""
        return asdict(self) | {"spread": list(self.spread)}


def measurement_table(measurements):
    """polars DataFrame of Measurements: what, value, unit, low, high, runs, note."""
    import polars as pl

    return pl.DataFrame(
        [
            {
                "what": m.name,
                "value": m.value,
                "unit": m.unit,
                "low": m.spread[0],
                "high": m.spread[1],
                "runs": m.runs,
                "note": m.note,
            }
            for m in measurements
        ],
        schema={
            "what": pl.String,
            "value": pl.Float64,
            "unit": pl.String,
            "low": pl.Float64,
            "high": pl.Float64,
            "runs": pl.Int64,
            "note": pl.String,
        },
    )
