"""A spotter in service: what it is given, what it says, and how both change under each drift.

Every row is measured: real clips, changed, looked at and judged by one trained spotter. Streams
of events are drawn from these rows. Needs torch; tables are polars.
"""

import functools
from typing import NamedTuple

import numpy as np

from kit.drift.inject_sound import COVARIATES, covariate
from kit.errors import KitError
from kit.experiments import scale
from kit.experiments.folds import names_of
from kit.experiments.kept import kept_table
from kit.experiments.runs import surroundings

INPUTS = ("level_db", "snr_db", "speech_s", "bandwidth_hz", "centroid_hz", "crossings_hz")
OUTPUTS = ("confidence", "entropy_bits")
VOICE = "voice"  # the drift that nobody injects: another person speaks
NONE = "none"
UNITS = {name: c.unit for name, c in COVARIATES.items()} | {VOICE: "% of events", NONE: ""}
_FORMAT = "served 2"  # a change of what a row means gets a new number
_RATE = 16_000
_EPOCHS = 12


class Served(NamedTuple):
    """rows: polars table, see `served`. users: who speaks. newcomer: who comes with "voice"."""

    rows: object
    users: tuple
    newcomer: str

    def of(self, drift, size=0.0):
        """The rows of one drift at one size, in the order of the clips; NONE has size 0."""
        import polars as pl

        found = self.rows.filter(pl.col("drift") == drift, pl.col("size") == size)
        if found.is_empty():
            known = self.rows.select("drift", "size").unique().sort("drift", "size").rows()
            raise KitError("no rows of this drift", found=(drift, size), code="unknown",
                           allowed=", ".join(f"{d} {s:g}" for d, s in known))  # fmt: skip
        return found

    def sizes(self, drift):
        """Sizes measured, from least to most."""
        import polars as pl

        return self.rows.filter(pl.col("drift") == drift)["size"].unique(
            maintain_order=True).to_list()  # fmt: skip


def served(people, size=None):
    """Served: a spotter trained on all but three speakers, and its rows for two of them.

    people: Takes of four speakers or more. size: Scale. rows: drift, size (unit in UNITS), clip
    (number), speaker, word (what was said), said (by the spotter), right, INPUTS and OUTPUTS of
    each clip; null where a measure has no meaning. Levels are in dB below full scale, confidence
    is the largest score. The same clips come in every drift but "voice". Kept on disk.
    Raises KitError "no-honest-split".
    """
    names = names_of(people, 4, "one trains, two are served, one comes later")
    size = size or scale()
    about = [_FORMAT, surroundings(), people.digest, size.budget, _EPOCHS]
    rows = kept_table("served", about, lambda: _measured(people, names, size))
    return Served(rows, tuple(names[-2:]), names[-3])


def inputs(clips):
    """polars table of INPUTS, one row a clip of int16[n, samples] at 16 kHz.

    centroid_hz: mean frequency, weighted by power. crossings_hz: changes of sign a second.
    The others: see kit.audio.quality. All null for a silent clip.
    """
    import polars as pl

    from kit.audio.quality import quality_table

    table = quality_table(clips, _RATE)
    sound = clips.any(1)
    power = np.abs(np.fft.rfft(clips.astype(np.float32), axis=1)) ** 2
    hertz = np.fft.rfftfreq(clips.shape[1], 1 / _RATE)
    total = np.where(sound, power.sum(1), 1)
    seconds = clips.shape[1] / _RATE
    crossings = ((clips[:, 1:] < 0) != (clips[:, :-1] < 0)).sum(1) / seconds
    more = {"centroid_hz": power @ hertz / total, "crossings_hz": crossings}
    whole = table.with_columns(**{name: pl.Series(x) for name, x in more.items()})
    heard = pl.Series(sound)
    return whole.select(pl.when(heard).then(pl.col(INPUTS)).fill_nan(None))


def _measured(people, names, size):
    import polars as pl

    from kit.kws.train import train

    away = names[-3:]
    spotter = train(*people.without(away), epochs=_EPOCHS, validation=None, progress=False)
    users = people.by(names[-2:])
    own = users.few(min(2 * size.budget, len(users.clips)))
    parts = [_rows(spotter, own, own.clips, NONE, 0.0)]
    for name, how in COVARIATES.items():
        for amount in how.sizes:
            changed = covariate(own.clips, name, amount)
            parts.append(_rows(spotter, own, changed, name, amount))
    other = people.by(names[-3])
    other = other.few(min(size.budget, len(other.clips)))
    fresh = _rows(spotter, other, other.clips, VOICE, 100.0)
    return pl.concat([*parts, fresh])


def _rows(spotter, takes, clips, drift, amount):
    import polars as pl
    from scipy.special import entr

    scores = spotter.scores(clips)
    said = np.array(spotter.words)[scores.argmax(1)]
    return pl.DataFrame({
        "drift": [drift] * len(clips), "size": [float(amount)] * len(clips),
        "clip": np.arange(len(clips)), "speaker": takes.speakers, "word": takes.labels,
        "said": said, "right": said == takes.labels, **inputs(clips).to_dict(),
        "confidence": scores.max(1).astype(float),
        "entropy_bits": entr(scores.astype(float)).sum(1) / np.log(2),
    })  # fmt: skip


@functools.cache
def kept(size=None):
    """(Served, notice) of `people()`, read once."""
    from kit.experiments.takes import people

    everybody, notice = people()
    return served(everybody, size), notice
