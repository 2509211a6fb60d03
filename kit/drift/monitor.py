"""A monitor of a stream of events: rolling windows, calibrated alarms, what to do about them.

Needs NumPy, SciPy and polars; river where streams are watched.
"""

import functools

import numpy as np

from kit.drift.rules import Rules, budget, seconds, sizes
from kit.drift.watch import alerts as of_alerts
from kit.drift.watch import flow, intake, saved
from kit.drift.watch.asked import baseline_of, checked
from kit.drift.watch.describe import described
from kit.drift.watch.measures import Bench, measured
from kit.drift.watch.streaming import Stream
from kit.drift.watch.windows import add_ids, close, forget, numbers, remember
from kit.errors import KitError
from kit.quantities import quantity

COUNTS = ("events", "windowed", "sampled", "late", "expired", "out_of_order", "future", "no_time",
          "duplicates", "unchecked", "tests", "retests")  # fmt: skip
MOST_IDS = 65_536  # hashes kept of an open window, and of all closed ones together
MOST_WINDOWS = 1000  # in the report
_SECOND = 1_000_000


class Monitor:
    """Watches batches of events against a reference.

    An event belongs to the window of its event time. Windows are whole multiples of the smallest,
    which begins at a multiple of its size since 1970; each time that closes, every window that
    ends there is tested, if the stream is long enough to fill it. Windows merge by adding, as
    Sketch.merge does: memory depends on columns, bins and windows kept, not on rows.

    A copy, an id once more in the same base window, counts in `duplicates` and in throughput; its
    values count once. At most MOST_IDS hashes of ids are kept of each open base window, and of all
    closed ones together, the oldest lose theirs first. Where an id has none, nobody knows whether
    its event is a copy: it counts as new, and in `unchecked`; duplicates are then a fair sample.

    counts: dict. events = windowed + expired + future + no_time: in a window; too old for any
    window kept; beyond `now` or far ahead; without a time. late: after its window had closed, in
    it all the same or expired; out_of_order: older than one before. sampled: those looked at;
    duplicates: copies of an id, among them; unchecked: those whose id could not be looked up.
    tests, retests: statistics tested, and again.
    budget: dict, see kit.drift.rules.budget. It holds for rows that are independent, on average
    over references; streams, "expired", and gaps judged without a baseline, lie outside.
    """

    def __init__(self, reference, *, time="time", id=None, arrived=None, errors=None,
                 predictions=None, label=None, raters=None, confidence=None, columns=None,
                 categories=(), windows=("1h", "1d", "7d"), sample=1.0, seed=0, baseline=None,
                 lateness="5m", tolerance="1m", false_alarms=1.0, per="30d", streams=None,
                 rules=None):  # fmt: skip
        """reference: polars DataFrame of good events. time and the like: names of columns.

        time, arrived: event time and arrival, Datetime, all with a time zone or all without: give
        UTC, as an hour of local time comes twice or never when clocks change. errors: True where
        an event failed, or 1 and 0. predictions, label: classes. raters: two columns of labels.
        confidence: 0 to 1; other values of a batch, and of errors, count as its nulls. columns:
        those compared, by default all others of the reference. categories: columns of numbers that
        stand for names. windows: sizes, or one as a text. sample: share of the events, above 0 to
        1, that is looked at, chosen by a hash of the id, else of the row, and `seed`; stable within
        one version of polars. Throughput counts all. baseline: events a second, by default that of
        the reference if it has times; if unknown a gap is a warning; False: judge no throughput, no
        gaps. It is one constant rate, events come by chance around it (Poisson): where nights or
        weekends have far fewer, their gaps alarm, so give False. lateness: how long a window waits
        for events; tolerance: how far they may be in the future. false_alarms: expected in the time
        `per`, of all tests together. streams: dict of column -> "adwin" or
        "page-hinkley", fed with the sample in order of arrival. rules: Rules. Raises KitError.
        """
        self.windows = (windows,) if isinstance(windows, str) else tuple(windows)
        self.roles = {"time": time, "id": id, "arrived": arrived, "errors": errors,
                      "predictions": predictions, "label": label, "confidence": confidence,
                      "raters": raters or None}  # fmt: skip
        reference = intake.frame_of(reference)
        checked(reference, self.roles, columns, categories, streams, rules)
        self.rules = rules or Rules()
        self.layout, self.before, self.sums_before = described(
            reference, columns, list(categories), self.roles, self.rules)  # fmt: skip
        self.sample, self.seed = float(quantity("sample", sample, "fraction")), int(seed)
        self.baseline = baseline_of(reference, time, baseline)
        self.lateness = seconds("lateness", lateness) * _SECOND
        self.tolerance = seconds("tolerance", tolerance) * _SECOND
        kinds = [p.kind for p in self.layout.parts]
        self.budget = budget(kinds, sizes(self.windows), false_alarms, per)
        self.streams = [Stream(c, k, self.rules.adwin_delta) for c, k in (streams or {}).items()]
        self.counts = dict.fromkeys(COUNTS, 0)
        self.aware = self.start = self.newest = self.clock = None
        self.began, self.held = None, 0  # first clock; rows far ahead, held back since one was not
        self.first = self.closed = None  # base windows: the first tested, the first not closed
        self.panels, self.tested, self.found, self.runs = {}, {}, {}, []

    @property
    def base(self):
        """Length of a base window, microseconds."""
        return _lengths(tuple(self.windows))[0] * _SECOND

    @property
    def largest(self):
        """Length of the largest window, microseconds."""
        return _lengths(tuple(self.windows))[-1] * _SECOND

    @property
    def oldest(self):
        """The oldest base window that is kept: those of the largest, and some for throughput."""
        spare = int(self.rules.low_s * _SECOND // self.base) + 2
        return max(self.closed - self._steps(-1) - spare, self.first)

    @property
    def alerts(self):
        """polars table, one row a run of bad windows: kit.drift.watch.alerts.ALERTS, as in Alert.

        action: one of ACTIONS; advice: the same as a sentence.
        """
        rows = [run.row() for run in self.runs]
        return of_alerts.table(rows, of_alerts.ALERTS, "UTC" if self.aware else None)

    def add(self, batch, now=None):
        """Count a polars DataFrame of events, in any order; then close and test what is over.

        now: datetime; an event beyond it and the tolerance is in the future. Without it, one is
        that lies further than the largest window after all before it, until Rules.leap_rows such
        rows have come together, in a batch or with none in between that were not so; those before
        are lost, so where a stream often rests longer, give now. Windows close
        once the newest event is `lateness` past their end. More than half of 30 rows or more
        expired: an alert "expired". Raises KitError "missing-column", "type", "time-zone",
        "clock", "windows", "table", and then has counted nothing.
        """
        frame = intake.frame_of(batch)
        moment, aware = self._moment(now)
        if not frame.height:
            self._tick(moment, aware)
            return
        batch = intake.read(self, frame)
        aware = intake.same_zone(aware, batch.aware)
        kept, fates, held = intake.fates(self, batch, None if now is None else moment)
        entered = intake.counted(self, batch, kept) if kept.any() else None
        self._tick(moment, aware)
        self.held = held
        for name, count in fates.items():
            self.counts[name] += count
        self._expired(batch, fates["expired"])
        if entered:
            late = self._enter(batch.times[kept], *entered)
            due = self._due(late)
            self._advance((self.newest - self.lateness) // self.base)
            for end, w in due:
                if (end, w) in self.tested:
                    self._test(end, w)

    def check(self, now):
        """Close windows by the clock, look how old the newest event is; the table of alerts.

        Before the first event its age is the time since the first clock, of `add` or `check`.
        """
        self._tick(*self._moment(now))
        since = self.began if self.newest is None else self.newest
        if self.newest is not None:
            self._advance((self.clock - self.lateness) // self.base)
        if self.baseline is not False:
            age = max(self.clock - since, 0) / _SECOND
            found = flow.silence(age, self.base / _SECOND, self.baseline, self.rules, self.rate)
            self._record(found, [found], self.windows[0], since, self.clock)
        return self.alerts

    def flush(self):
        """Close every window that holds events, also the last, unfinished one; the alerts."""
        if self.panels:
            self._advance(max(self.panels) + 1)
        return self.alerts

    def freshness(self, now):
        """Age of the newest event, s, at a datetime; None before the first."""
        moment, _ = self._moment(now)
        return None if self.newest is None else max(moment - self.newest, 0) / _SECOND

    def report(self):
        """polars table: a row a window and statistic, of the latest MOST_WINDOWS windows.

        Columns: window, start, end, column, role, statistic, rows, value, effect, low, high (95 %
        interval of effect), p, threshold, rate, status ("ok", "alarm", "too few rows", "no
        reference", "no threshold"), severity, note. Null where a number would say nothing.
        """
        rows = [(self.windows[w], self._begins((end, w)) * self.base, end * self.base, *m[:10],
                 None if m.p is None else self.rate, *m[10:])
                for (end, w), found in sorted(self.found.items()) for m in found]  # fmt: skip
        return of_alerts.table(rows, of_alerts.REPORT, "UTC" if self.aware else None)

    @property
    def rate(self):
        """False-alarm rate of a single test."""
        return self.budget["rate"]

    def save(self, path):
        """Write all state to a file, whole or not at all; no code is in it."""
        saved.save(self, path)

    @classmethod
    def load(cls, path):
        """The monitor that `save` wrote, as if never stopped. Raises KitError "monitor-file"."""
        return saved.load(cls.__new__(cls), path)

    def _moment(self, now):
        """(microseconds, aware) of a clock that must not go back; those of before without one."""
        if now is None:
            return self.clock, self.aware
        moment, aware = intake.instant("now", now)
        aware = intake.same_zone(self.aware, aware)
        if self.clock is not None and moment < self.clock:
            raise KitError("the clock went back", found=str(now), code="clock",
                           allowed=f"{(self.clock - moment) / _SECOND:g} s later, or after",
                           remedy="give the time of one clock, in order")  # fmt: skip
        return moment, aware

    def _tick(self, moment, aware):
        self.clock, self.aware = moment, aware
        self.began = moment if self.began is None else self.began

    def _expired(self, batch, expired):
        """Note whether most of a batch came too late for any window kept."""
        times = batch.times[~batch.missing]
        if len(times) >= flow.FEWEST:
            found = flow.expired(expired, len(times))
            self._record(found, [found], "batch", int(times.min()), int(times.max()))

    def _enter(self, times, index, minutes, ids, rows, found):
        """Add what was counted to the panels; the base windows that had closed already."""
        place, hashes, sampled = ids
        own = intake.grouped(place, len(index))
        late = set()
        for i, at in enumerate(index.tolist()):
            panel = self.panels.setdefault(at, self.layout.empty(minutes.shape[1]))
            panel.minutes += minutes[i]
            panel.counts += found[0][i]
            panel.sums += found[1][i]
            over = self.closed is not None and at < self.closed
            if over and (found[0][i].any() or not len(own[i]) or self.rules.duplicates):
                late.add(at)  # copies alone need no second test
            self._remember(panel, hashes[own[i]], over)
        self.counts["sampled"] += sampled
        self._feed(*rows)
        ends = int(times.min()), int(times.max())
        self.newest = max(ends[1], self.newest if self.newest is not None else ends[1])
        if self.closed is None:
            self.start = min(ends[0], self.start if self.start is not None else ends[0])
        return late

    def _remember(self, panel, hashes, late):
        """Count the ids of a panel, and the copies among them."""
        if not len(hashes):
            return
        found = remember(panel, hashes, MOST_IDS)
        self.counts["unchecked"] += len(hashes) - int(found[0])
        self.counts["duplicates"] += int(found[1])
        if late:
            add_ids(panel, self.layout, found)

    def _feed(self, frame, when):
        for stream in self.streams:
            for found, t in stream.feed(numbers(frame, stream.column), when):
                for i, run in enumerate(self.runs):
                    over = run.window == "event" and t - run.last > self.base
                    self.runs[i] = run._replace(open=False) if over else run
                self._record(found, [found], "event", t, t, stream.rate)

    def _advance(self, target):
        """Close base windows before `target`, and test every window that ends with one."""
        if self.closed is None:
            if not self.panels or target <= min(self.panels):
                return
            self.first = self.closed = min(self.panels)
        while self.closed < target:
            near = min((k for k in self.panels if k >= self.oldest), default=target)
            if near > self.closed:  # nothing for as long as a window is kept
                self.closed = min(near, target)
                continue
            if self.closed in self.panels:
                close(self.panels[self.closed], self.layout)
            self.closed += 1
            forget([p for k, p in sorted(self.panels.items()) if k < self.closed], MOST_IDS)
            for w in range(len(self.windows)):
                if self._begins((self.closed, w)) >= self.first:
                    self._test(self.closed, w)
            for old in [k for k in self.panels if k < self.oldest]:
                del self.panels[old]
            for old in [k for k in self.tested if self._begins(k) < self.oldest]:
                del self.tested[old]
            for old in list(self.found)[:-MOST_WINDOWS]:
                del self.found[old]

    def _begins(self, key):
        """First base window of a window (end, place in windows)."""
        return key[0] - self._steps(key[1])

    def _steps(self, w):
        return _lengths(tuple(self.windows))[w] * _SECOND // self.base

    def _due(self, late):
        """Windows with late events to test once more; a third time is not in the budget."""
        return sorted(k for k, n in self.tested.items() if n == 1
                      and any(self._begins(k) <= at < k[0] for at in late))  # fmt: skip

    def _test(self, end, w):
        begin, end_us = self._begins((end, w)), end * self.base
        own = [self.panels[k] for k in range(begin, end) if k in self.panels]
        empty = self.layout.empty(0)
        counts = np.sum([p.counts for p in own] or [empty.counts], axis=0)
        sums = np.sum([p.sums for p in own] or [empty.sums], axis=0)
        bench = Bench(self.rules, self.rate, self.before, counts, self.sums_before, sums)
        found = measured(self.layout, bench) + ([] if w else self._throughput(end))
        again = self.tested.get((end, w), 0)
        self.tested[end, w] = again + 1
        self.counts["retests" if again else "tests"] += sum(m.p is not None for m in found)
        self.found[end, w] = found
        alarmed = [m for m in found if m.status == "alarm"]
        for m in found:
            self._record(m, alarmed, self.windows[w], begin * self.base, end_us)

    def _throughput(self, end):
        """Measures of the minutes of a base window; those before the first event do not count."""
        long = self.base // _SECOND // 60
        begin = max(end - 2 - int(self.rules.low_s // (long * 60)), self.oldest)
        none = np.zeros(long, np.int64)
        minutes = np.concatenate([self.panels[k].minutes if k in self.panels else none
                                  for k in range(begin, end)])  # fmt: skip
        over = self.clock is None or self.clock < end * self.base
        last = end * long - self.newest // _SECOND // 60 if over else 0  # unfinished: a flush
        minutes = minutes[: len(minutes) - last] if last > 0 else minutes
        skip = max(-(-self.start // _SECOND // 60) - begin * long, 0)
        own = min(long - max(last, 0), len(minutes) - skip)
        if own < 1 or self.baseline is False:
            return []
        return list(flow.throughput(minutes[skip:], own, self.baseline, self.rules, self.rate))

    def _record(self, measure, alarmed, window, start, end, rate=None):
        kind, inputs = None, sum(p.role == "input" for p in self.layout.parts)
        if measure.status == "alarm":
            kind = of_alerts.probable(measure, alarmed, inputs)
            rate = self.rate if measure.p is not None else rate
        of_alerts.record(self.runs, measure, window, start, end, kind, rate)


@functools.lru_cache(64)
def _lengths(windows):
    """Seconds of each window."""
    return tuple(sizes(windows))
