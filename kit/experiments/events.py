"""Streams of events, drawn from what was measured: a spotter in service while something drifts.

Needs NumPy; tables are polars.
"""

from datetime import datetime

import numpy as np

from kit.drift.inject import course, fatigue, label_mix, meaning, rated
from kit.drift.inject_sound import COVARIATES
from kit.errors import KitError
from kit.experiments.served import INPUTS, NONE, OUTPUTS, VOICE
from kit.quantities import quantity

KINDS = dict.fromkeys(COVARIATES, "covariate") | {
    VOICE: "covariate", "label mix": "label", "meaning": "concept", "fatigue": "label quality",
}  # fmt: skip
SIZES = {  # of the drifts that no sound shows
    "label mix": ("% of the events", (20.0, 40.0, 60.0)),
    "meaning": ("% of the word", (25.0, 50.0, 100.0)),
    "fatigue": ("% wrong when tired", (10.0, 20.0, 40.0)),
}
SHARES = tuple(SIZES)
RATER_ERROR = 0.05  # our choice: a rater who is awake
EVERY_S = 30.0  # our choice: 120 events an hour, 2 880 a day
_START = datetime(2026, 1, 5)  # a Monday
_DELAY_S, _DELAY_SPREAD = 2.0, 0.5  # median and log-deviation of the way to the server


def words_of(served):
    """(rarest, usual, other): the word heard worst, the one heard best, the next best."""
    import polars as pl

    recall = served.of(NONE).group_by("word").agg(pl.col("right").mean()).sort("right", "word")
    if recall.height < 3:
        raise KitError("too few words", found=recall["word"].to_list(), allowed="three or more",
                       code="one-category")  # fmt: skip
    words = recall["word"].to_list()
    return words[0], words[-1], words[-2]


def stream(served, drift=NONE, size=0.0, events=4000, shape="sudden", start=0.5, seed=0,
           length=0.25, period=0.25):  # fmt: skip
    """polars table of `events` events, in time order, with a drift injected into them.

    served: Served. drift: NONE or a name in KINDS. size: one that was measured, or in SIZES.
    shape, start, length, period: see kit.drift.inject.course; at an event where the course is c,
    it has drifted with a chance of c.

    event (number), time and arrived (naive datetimes), INPUTS, said, confidence, entropy_bits,
    word (the truth), label (by one rater), second (by another), drifted (bool). A row is a clip
    that was measured, drawn with replacement. Raises KitError "unknown", "one-category".
    """
    rng, chance = np.random.default_rng(seed), course(shape, events, start, length, period)
    drifted = rng.random(events) < chance
    drifted &= drift != NONE
    rows, truth = _drawn(served, drift, size, drifted, rng)
    words = served.of(NONE)["word"].unique().to_list()
    error = _errors(drift, size, drifted)
    seconds = np.cumsum(rng.exponential(EVERY_S, events))
    delay = _DELAY_S * np.exp(_DELAY_SPREAD * rng.standard_normal(events))
    return _table(rows, truth, seconds, delay, drifted,
                  *(rated(truth, error, words, rng) for _ in range(2)))  # fmt: skip


def _drawn(served, drift, size, drifted, rng):
    """(polars rows, truth): what was measured for each event."""
    import polars as pl

    none = served.of(NONE)
    places = rng.integers(none.height, size=len(drifted))
    rarest, usual, other = words_of(served)
    if drift == "label mix":
        share = quantity("size", size / 100, "share")
        drawn = label_mix(none["word"].to_numpy(), rarest, share, len(drifted), rng)
        places = np.where(drifted, drawn, places)
    both = none
    if KINDS.get(drift, "") == "covariate":
        changed = served.of(drift, size)
        own = places if drift != VOICE else rng.integers(changed.height, size=len(drifted))
        both, places = pl.concat([none, changed]), np.where(drifted, none.height + own, places)
    elif drift not in (NONE, *SHARES):
        allowed = ", ".join([NONE, *KINDS])
        raise KitError("no such drift", found=drift, allowed=allowed, code="unknown")
    rows = both[places]
    truth = rows["word"].to_numpy()
    if drift == "meaning":
        truth = meaning(truth, usual, other, drifted * size / 100, rng)
    return rows, truth


def _errors(drift, size, drifted):
    """float[events]: chance that a rater errs."""
    if drift != "fatigue":
        return RATER_ERROR
    return fatigue(len(drifted), RATER_ERROR, np.where(drifted, size / 100, RATER_ERROR))


def _table(rows, truth, seconds, delay, drifted, first, second):
    import polars as pl

    time, delay = (np.round(1e6 * x).astype("timedelta64[us]") for x in (seconds, delay))
    time = np.datetime64(_START, "us") + time
    return rows.select(
        pl.int_range(pl.len()).alias("event"), pl.Series("time", time),
        pl.Series("arrived", time + delay), *INPUTS, "said", *OUTPUTS,
        pl.Series("word", truth), pl.Series("label", first), pl.Series("second", second),
        pl.Series("drifted", drifted),
    )  # fmt: skip
