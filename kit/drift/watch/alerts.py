"""What an alarm probably means, what to do about it, and one alert for a run of bad windows."""

from typing import NamedTuple

from kit.drift.rules import SEVERITIES
from kit.drift.watch.measures import Measure

ACTIONS = ("retrain", "fix the source", "look")
_FOUND = ("value", "effect", "low", "high", "p", "threshold", "rate")
REPORT = ("window", "start", "end", "column", "role", "statistic", "rows", *_FOUND, "status",
          "severity", "note")  # fmt: skip
ALERTS = ("column", "statistic", "severity", "kind", "action", "advice", "since", "last",
          "windows", "window", *_FOUND, "open", "note")  # fmt: skip
_WHOLE = ("start", "end", "since", "last", "rows", "windows")
_TYPES = dict.fromkeys(_WHOLE, "Int64") | dict.fromkeys(_FOUND, "Float64") | {"open": "Boolean"}
_DRIFT = ("ks", "mean", "chi-square", "share move", "new categories")
_ADVICE = {  # kind -> (place in ACTIONS, sentence)
    "source: no events": (1, "Events stay away: look at the sender and the queue."),
    "source: nulls": (1, "Values are missing: find the step that lost them."),
    "source: errors": (1, "Events fail: read the log of the step that fails."),
    "source: duplicates": (1, "Events come twice: make the retry keep its ids."),
    "source: many columns": (1, "Many inputs moved, values are missing: look for a new schema."),
    "late source": (1, "Events arrive late: look for a queue that grows."),
    "clock": (
        1,
        "Most events are too old for any window: one may have run ahead with a wrong "
        "clock, so give now= and start anew; or old events come again.",
    ),
    "covariate drift": (2, "Inputs moved: label a sample; if it costs accuracy, train with it."),
    "label shift": (0, "Classes moved, inputs did not: check their shares, then train anew."),
    "concept drift": (0, "Mistakes moved, inputs did not: train with new labels."),
    "label quality": (2, "Raters agree less: look at the guide and at a sample of labels."),
    "unsure model": (2, "Confidences fell: look at what the model is unsure about."),
    "new categories": (2, "Unknown names came: add them, or correct the source."),
    "change in a stream": (2, "The mean of the stream changed here: look at the events."),
}
_KINDS = {
    "zero throughput": "source: no events", "throughput": "source: no events",
    "error share": "source: errors", "duplicates": "source: duplicates",
    "latency p95": "late source", "kappa": "label quality", "entropy": "unsure model",
    "adwin": "change in a stream", "page-hinkley": "change in a stream", "nulls": "source: nulls",
    "expired": "clock",
}  # fmt: skip


class Alert(NamedTuple):
    """A run of bad windows of one statistic of one column; times in microseconds since 1970.

    window: size, "event" for a stream, "batch" for "expired". since: start of the first bad
    window; last: end of the last; windows: how many. severity: the worst. kind: probable cause.
    rate: false-alarm rate that one test was made at, None where none is known. open: not yet ok.
    measure: the latest.
    """

    window: str
    since: int
    last: int
    windows: int
    severity: str
    kind: str
    rate: float | None
    open: bool
    measure: Measure

    @property
    def key(self):
        """What alarms of one run share."""
        return self.measure.column, self.measure.statistic, self.window

    def row(self):
        """The values of ALERTS."""
        m, (action, advice) = self.measure, _ADVICE[self.kind]
        probable = self.severity, self.kind, ACTIONS[action], advice
        span = self.since, self.last, self.windows, self.window
        return *self.key[:2], *probable, *span, *m[4:10], self.rate, self.open, m.note


def probable(measure, alarmed, inputs):
    """Probable kind of an alarm. alarmed: all alarms of the window; inputs: columns watched."""
    drifted = [m for m in alarmed if m.statistic in _DRIFT]
    moved = {m.column for m in drifted if m.role == "input"}
    nulls = any(m.statistic == "nulls" for m in alarmed)
    own = measure.statistic in (*_DRIFT, "nulls")
    if own and nulls and len(moved) >= max(2, inputs / 2):
        return "source: many columns"
    if measure.statistic in _KINDS:
        return _KINDS[measure.statistic]
    if measure.role == "mistakes" and not any(m.role in ("input", "predictions") for m in drifted):
        return "concept drift"
    if measure.statistic == "new categories":
        return "new categories"
    classes = measure.role in ("predictions", "label")
    return "label shift" if classes and not moved else "covariate drift"


def record(alerts, measure, window, start, end, kind, rate):
    """Note a measure of one window in the list of alerts: a new run, a longer one, or its end."""
    fresh = Alert(window, start, end, 1, measure.severity, kind, rate, True, measure)
    at = next((i for i in range(len(alerts) - 1, -1, -1) if alerts[i].key == fresh.key), None)
    run = None if at is None else alerts[at]
    newer = run is not None and run.open and end > run.last
    if newer and measure.status == "ok":
        alerts[at] = run._replace(open=False)
    if measure.status != "alarm":
        return
    if not newer and not (run and run.since <= start and end <= run.last):
        alerts.append(fresh)
        return
    worst = max(run.severity, measure.severity, key=SEVERITIES.index)
    alerts[at] = fresh._replace(since=run.since, last=max(end, run.last), open=run.open,
                                windows=run.windows + newer, severity=worst)  # fmt: skip


def table(rows, names, zone):
    """polars table with the columns of REPORT or ALERTS; zone: of its times."""
    import polars as pl

    schema = {name: getattr(pl, _TYPES.get(name, "String")) for name in names}
    times = [name for name in ("since", "last", "start", "end") if name in names]
    made = pl.DataFrame(rows, schema, orient="row")
    return made.with_columns(pl.col(times).cast(pl.Datetime("us", zone)))
