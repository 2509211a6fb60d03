"""Detectors held against each other: what they see, how late, and how often they cry wolf.

All of them watch the same streams, drawn from measured rows. Needs river; tables are polars.
"""

import math
from typing import NamedTuple

import numpy as np

from kit.drift import calibrate, categories, numeric
from kit.drift.divergence import plug_in
from kit.drift.inputs import side
from kit.drift.watch.streaming import Stream
from kit.errors import KitError
from kit.experiments.events import KINDS, stream
from kit.experiments.served import INPUTS, NONE
from kit.intervals import poisson
from kit.quantities import quantity

WINDOW, EVENTS, REFERENCE = 250, 4000, 1000  # events: of a window, a stream, the launch
WANTED = 0.02  # false alarms a window that the calibrated detectors promise, all columns together
LABELLED = 10  # every tenth event is labelled twice: the chapter's upper end
BANDS = (0.1, 0.2, 0.25)  # the chapter's PSI: warning, review, critical
CASES = ((NONE, 0.0), ("microphone", 100.0), ("room", 0.6), ("noise", 10.0), ("level", -12.0),
         ("narrow band", 3.0), ("voice", 100.0), ("label mix", 40.0), ("meaning", 100.0),
         ("fatigue", 40.0))  # fmt: skip
_BINS = 10
_ALPHA = 0.05  # of the chapter's K-S test, for each column


class Detector(NamedTuple):
    """name; watches: "inputs", "predictions", "confidence", "errors" or "raters"; promised: false
    alarms a window that it states, None where it states none; alarms: function of a Seen to the
    events, in order, at which it gives alarm.
    """

    name: str
    watches: str
    promised: float | None
    alarms: object


class Seen(NamedTuple):
    """One stream beside the launch. windows: polars tables of WINDOW events. ks, psi, m:
    float[windows, inputs], m the values that count.
    """

    reference: object
    events: object
    windows: list
    ks: np.ndarray
    psi: np.ndarray
    m: np.ndarray


def scoreboard(served, cases=CASES, streams=12, quiet=40, start=0.5, spread=WINDOW, seed=0,
               detectors=None):  # fmt: skip
    """Every detector on streams of each case, and on quiet ones.

    served: Served. cases: (drift, size) each; that of NONE says what is caught by luck. streams,
    quiet: how many with a drift, and how many without one, to count false alarms. A drift sets in
    at `start`, a share of the stream, or at any of the next `spread` events: no detector is to
    know when to look. detectors: names, all by default.

    (hits, wolves), polars tables. hits, one row a detector and case: detector, watches, drift,
    size, caught, streams, caught_percent, delay_events (median over the caught, from the start
    of the drift to the alarm; null for none). wolves, one row a detector: detector, watches,
    false_alarms, windows, per_100_windows with low and high (exact Poisson, 95 %), promised.
    An alarm in the same window as another of the same detector counts once.
    """
    import polars as pl

    streams, quiet = (int(quantity(k, n, "count")) for k, n in (("streams", streams),
                                                                ("quiet", quiet)))  # fmt: skip
    chosen = _chosen(detectors)
    hits = []
    for number, (drift, size) in enumerate(cases):
        delays = {d.name: [] for d in chosen}
        for i in range(streams):
            named = [seed, 1 + number, i]
            crossed = round(start * EVENTS) + int(np.random.default_rng(named).integers(spread))
            one = _drawn(served, named, drift, size, crossed / EVENTS)
            for d in chosen:
                late = [x for x in d.alarms(one) if x >= crossed]
                delays[d.name] += [late[0] + 1 - crossed] if late else []
        hits += [_hit(d, drift, size, delays[d.name], streams) for d in chosen]
    silent = [_drawn(served, [seed, 0, i]) for i in range(quiet)]
    wolves = [_wolf(d, silent) for d in chosen]
    return (
        pl.DataFrame(hits, schema_overrides={"delay_events": pl.Float64}, infer_schema_length=None),
        pl.DataFrame(wolves, schema_overrides={"promised": pl.Float64}, infer_schema_length=None),
    )


def _chosen(names):
    known = every_detector()
    if unknown := set(names or ()) - {d.name for d in known}:
        raise KitError("no such detector", found=sorted(unknown), code="unknown",
                       allowed=", ".join(d.name for d in known))  # fmt: skip
    return [d for d in known if names is None or d.name in names]


def every_detector():
    """list of Detector: calibrated ones, the chapter's, and river's."""
    each = WANTED / len(INPUTS)
    quiet = [
        Detector("K-S, calibrated", "inputs", WANTED, lambda s: _over(
            s.ks, calibrate.threshold("ks", _n(s), s.m, each))),
        Detector("PSI, calibrated", "inputs", WANTED, lambda s: _over(
            s.psi, _psi_limits(s, each))),
        Detector("chi-square of predictions", "predictions", WANTED, _predictions),
        Detector("K-S of confidence", "confidence", WANTED, _confidence),
        Detector("errors on a tenth", "errors", WANTED, lambda s: _shares(s, _wrong)),
        Detector("agreement on a tenth", "raters", WANTED, lambda s: _shares(s, _apart)),
        Detector("K-S, chapter", "inputs", _ALPHA, lambda s: _over(
            s.ks, calibrate.threshold("ks-one", WINDOW, rate=_ALPHA))),
    ]  # fmt: skip
    bands = [Detector(f"PSI above {band:g}", "inputs", None, _banded(band)) for band in BANDS]
    return quiet + bands + [
        Detector("ADWIN of confidence", "confidence", None, lambda s: _river(s, "adwin")),
        Detector("Page-Hinkley of confidence", "confidence", None,
                 lambda s: _river(s, "page-hinkley")),
        Detector("ADWIN of inputs", "inputs", None, _river_inputs),
        Detector("ADWIN of errors", "errors", None, _river_errors),
    ]  # fmt: skip


def seen(reference, events):
    """Seen of a stream beside the launch, polars tables of kit.experiments.events.stream."""
    windows = [events[i : i + WINDOW] for i in range(0, events.height, WINDOW)]
    shape = len(windows), len(INPUTS)
    ks, psi, m = np.zeros(shape), np.zeros(shape), np.ones(shape)
    for column, name in enumerate(INPUTS):
        known = side(name, reference[name]).values
        at = numeric.edges(known, _BINS)
        before = numeric.counts(known, at)
        for row, window in enumerate(windows):
            now = side(name, window[name]).values
            if len(now):
                m[row, column] = len(now)
                ks[row, column] = _gap(known, now)
                psi[row, column] = plug_in("psi", before, numeric.counts(now, at))
    return Seen(reference, events, windows, ks, psi, m)


def _drawn(served, seed, drift=NONE, size=0.0, start=0.5):
    """Seen of a stream and a launch of its own: one launch for all would be luck for all."""
    launch = stream(served, events=REFERENCE, seed=[*seed, 0])
    return seen(launch, stream(served, drift, size, EVENTS, start=start, seed=[*seed, 1]))


def _gap(known, now):
    from kit.drift.merged import merged

    return merged(known, now)[0] / (len(known) * len(now))


def _n(seen):
    return float(seen.reference.height)


def _over(values, limits):
    """Last events of the windows where any column is over its limit."""
    return _ends((values > limits).any(1))


def _ends(alarmed):
    return [(i + 1) * WINDOW - 1 for i in np.flatnonzero(alarmed)]


def _psi_limits(seen, rate):
    """float[windows, inputs]: simulated for a full window, scaled where values are null."""
    n = seen.reference.height
    full = calibrate.simulated_threshold("psi", n, WINDOW, rate, _BINS)
    return full * (1 / n + 1 / seen.m) / (1 / n + 1 / WINDOW)


def _banded(band):
    return lambda s: _over(s.psi, band)


def _predictions(seen):
    p = [categories.chi_square(seen.reference["said"], w["said"]).p for w in seen.windows]
    return _ends([x is not None and x < WANTED for x in p])


def _confidence(seen):
    known = side("confidence", seen.reference["confidence"]).values
    gaps = [_gap(known, side("confidence", w["confidence"]).values) for w in seen.windows]
    return _ends(np.array(gaps) > calibrate.threshold("ks", _n(seen), WINDOW, WANTED))


def _wrong(table):
    return (table["said"] != table["label"]).to_numpy()


def _apart(table):
    return (table["label"] != table["second"]).to_numpy()


def _shares(seen, failed):
    """Where more fail than at the launch, by the one-sided exact test of Fisher (1935)."""
    from scipy.stats import hypergeom

    before = failed(seen.reference)
    alarmed = []
    for window in seen.windows:
        now = failed(window)[::LABELLED]
        both = len(before) + len(now), int(before.sum() + now.sum()), len(now)
        alarmed.append(hypergeom.sf(int(now.sum()) - 1, *both) < WANTED)
    return _ends(alarmed)


def _river(seen, kind):
    return _fed(kind, seen.events["confidence"].to_numpy())


def _river_inputs(seen):
    """Each input in standard deviations of the launch; alarms of any."""
    found = set()
    for name in INPUTS:
        known = side(name, seen.reference[name]).values
        middle, spread = known.mean(), known.std() or 1.0
        x = seen.events[name].fill_null(middle).fill_nan(middle).to_numpy()
        found |= set(_fed("adwin", np.clip((x - middle) / spread, -5, 5)))
    return sorted(found)


def _river_errors(seen):
    places = np.arange(0, seen.events.height, LABELLED)
    return places[_fed("adwin", _wrong(seen.events)[places].astype(float))].tolist()


def _fed(kind, values):
    """list of int: places at which river's detector reports a drift, with its own defaults."""
    return [place for _, place in Stream("", kind).feed(values, np.arange(len(values)))]


def _hit(detector, drift, size, delays, streams):
    return {"detector": detector.name, "watches": detector.watches, "drift": drift,
            "drift_kind": KINDS.get(drift, NONE), "size": float(size), "caught": len(delays),
            "streams": streams, "caught_percent": 100 * len(delays) / streams,
            "delay_events": float(np.median(delays)) if delays else None}  # fmt: skip


def _wolf(detector, quiet):
    windows = sum(len(s.windows) for s in quiet)
    count = sum(len({x // WINDOW for x in detector.alarms(s)}) for s in quiet)
    low, high = (100 * float(x) / windows for x in poisson(count))
    promised = math.nan if detector.promised is None else 100 * detector.promised
    return {"detector": detector.name, "watches": detector.watches, "false_alarms": count,
            "windows": windows, "per_100_windows": 100 * count / windows, "low": low,
            "high": high, "promised": None if math.isnan(promised) else promised}  # fmt: skip
