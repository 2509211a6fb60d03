"""What a monitor calls bad: thresholds with their sources, and the rate left for each test."""

import re
from dataclasses import dataclass, fields

from kit.errors import KitError
from kit.quantities import quantity

SEVERITIES = ("warning", "degraded", "critical")  # in order: look; act today; act now
TESTS = {"number": 3, "category": 4, "entropy": 2, "failed": 2, "latency": 1, "raters": 1, "ids": 1}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True)
class Rules:
    """Thresholds of a monitor. Shares are 0 to 1, times are seconds.

    Source of those marked *: "Data engineering" in "Machine Learning Systems" (mlsysbook), 2025.
    A threshold alone gives no alarm: the test must find it beyond chance as well.

    zero_s*: this long without an event is critical. low_share*, low_s*: throughput below this
    share of the baseline for this long is degraded. errors*: share of failed events, degraded.
    mean_sigma*: shift of a mean in standard deviations of the reference, degraded.
    nulls*, nulls_before*: share of nulls, degraded where the reference had less than the second;
    where it had as many or more, a rise by the first above its share (exact two-sample test). A
    column without any value left is degraded too if it had some, unless chance explains it. Of a
    confidence beyond 0 to 1 and an error that is neither 0 nor 1, the same.
    latency_s*, latency_agreed_s*: 95th percentile above the first where the second was agreed.
    share_move*: relative change of a category's share, warning.
    psi*: from here a drift is at least warning, degraded, critical; below, warning.
    kappa*: agreement below is degraded.
    kappa_fall: a fall by one of their bands, warning.
    Ours: least_gap, the least K-S gap, or total variation of categories, that gives an alarm;
    entropy_rise, in bits; least_rows, values below which nothing is tested; leap_rows, rows far
    ahead that move a monitor without a clock, see Monitor.add; duplicates, share that is degraded,
    None for no alarm; adwin_delta, bins and categories: see `Monitor`.
    """

    zero_s: float = 300.0
    low_share: float = 0.8
    low_s: float = 600.0
    errors: float = 0.05
    mean_sigma: float = 2.0
    nulls: float = 0.05
    nulls_before: float = 0.01
    latency_s: float = 30.0
    latency_agreed_s: float = 10.0
    share_move: float = 0.2
    psi: tuple = (0.1, 0.2, 0.25)
    kappa: float = 0.4
    kappa_fall: float = 0.2
    entropy_rise: float = 0.05
    least_gap: float = 0.05
    least_rows: int = 30
    leap_rows: int = 30
    duplicates: float | None = None
    adwin_delta: float = 0.002
    bins: int = 50
    categories: int = 1000

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ("psi", "duplicates"):
                quantity(field.name, value, "positive")
        bands = [float(quantity("psi", x, "positive")) for x in self.psi]
        if len(bands) != 3 or bands != sorted(bands):
            raise KitError("psi is not possible", found=self.psi, code="bands",
                           allowed="three numbers, ascending")  # fmt: skip
        for name in ("nulls", "errors", "adwin_delta"):
            quantity(name, getattr(self, name), "fraction")
        if self.duplicates is not None:
            quantity("duplicates", self.duplicates, "fraction")

    def severity(self, psi):
        """Severity of a drift that was found, by the size of its PSI."""
        return SEVERITIES[max(sum(psi >= band for band in self.psi[1:]), 0)]


def seconds(name, duration):
    """Seconds of a text such as "90s", "15m", "1h", "1d", "1w". Raises KitError "duration"."""
    found = re.fullmatch(r"(\d+)([smhdw])", duration) if isinstance(duration, str) else None
    if not found:
        raise KitError(f"{name} is no duration", found=duration, code="duration",
                       allowed='a whole number and s, m, h, d or w, such as "15m"')  # fmt: skip
    return int(found[1]) * _UNITS[found[2]]


def sizes(windows):
    """int list: seconds of each window. Raises KitError "windows"."""
    found = [seconds("windows", w) for w in windows]
    good = found and all(s >= 60 and s % 60 == 0 and s % found[0] == 0 for s in found)
    if not good or found != sorted(set(found)):
        raise KitError("windows do not go together", found=tuple(windows), code="windows",
                       allowed="ascending whole minutes, each a multiple of the first")  # fmt: skip
    return found


def budget(kinds, windows, false_alarms, per):
    """dict: what `false_alarms` in the time `per` leaves for one test.

    kinds: of the parts watched, keys of TESTS. windows: seconds. Every window is tested each time
    the smallest one closes, and may be tested once more after late events. tests = times closed x
    (tests of all parts x windows + 2 of throughput) x 2; rate = false_alarms / tests (Bonferroni).
    The expected number of false alarms is at most rate x tests however tests depend on another.
    """
    wanted = float(quantity("false_alarms", false_alarms, "positive"))
    closed = max(seconds("per", per) / windows[0], 1.0)
    each = sum(TESTS[k] for k in kinds) * len(windows) + 2
    tests = closed * each * 2
    return {"false_alarms": wanted, "per": per, "windows_closed": closed, "tests_each": each,
            "tests_with_late": tests, "rate": min(wanted / tests, 0.5)}  # fmt: skip
