"""How well a spotter does on speakers it never heard: the experiments behind the accuracy records.

Needs torch and polars.
"""

import math
import time

import numpy as np

from kit.audio import synthesize
from kit.audio.convert import fit, resample
from kit.errors import KitError
from kit.kws.train import train

_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS = {name: str(i) for i, name in enumerate(_NAMES)}  # text -> label
_ACCENTS = ("en-gb", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")
# Student's t for 95 % of the mean of 2 to 10 values (Fisher and Yates)
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def held_out_speakers(clips, labels, speakers, settings=None, seeds=(0,), real=None, extra=None,
                      tested=None):  # fmt: skip
    """Each speaker tested in turn by a model trained without a clip of theirs.

    clips: int16[n, samples], with n labels and n speakers. settings: dict of further arguments
    of `train`. real: how many clips of the others train, drawn by `few`; None for all. extra:
    (clips, labels, speakers) that train too, such as `spoken` words. tested: names of the speakers
    who test; by default all.
    polars table, one row a speaker and seed: speaker, seed, accuracy (0 to 1, on all clips of the
    speaker), seconds (training), clips (that trained).
    """
    import polars as pl

    labels, speakers = np.array(labels), np.array(speakers)
    if len(set(speakers.tolist())) < 3:
        raise KitError(
            "too few speakers to hold one out",
            found=sorted(set(speakers.tolist())),
            allowed="three or more: one tests, one chooses the epoch, one trains",
            code="no-honest-split",
        )
    rows = []
    for seed in seeds:
        for speaker in tested or sorted(set(speakers.tolist())):
            test, others = speakers == speaker, np.flatnonzero(speakers != speaker)
            if real is not None:
                others = others[few(labels[others], speakers[others], real, seed)]
            given = _with_extra((clips[others], labels[others], speakers[others]), extra)
            start = time.perf_counter()
            spotter = train(*given, seed=seed, **(settings or {}))
            seconds = time.perf_counter() - start
            rows.append({"speaker": speaker, "seed": seed,
                         "accuracy": spotter.accuracy(clips[test], labels[test].tolist()),
                         "seconds": seconds, "clips": len(given[0])})  # fmt: skip
    return pl.DataFrame(rows)


def few(labels, speakers, count, seed=0):
    """int[count]: rows drawn by `seed` so that words, and speakers of a word, come evenly.

    With 10 words, 5 speakers and a count of 50, each speaker says each word once.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    turn, seen = np.empty(len(labels), int), {}
    for row in order:  # how many of the same word and speaker came before
        cell = (labels[row], speakers[row])
        turn[row] = seen[cell] = seen.get(cell, -1) + 1
    if count > len(labels):
        raise KitError("there are not so many clips", found=count, allowed=f"{len(labels)} or less")
    return np.sort(order[np.argsort(turn[order], kind="stable")[:count]])


def spoken(count, words=DIGITS, seed=0, rate=16_000, band_hz=None):
    """(clips, labels, voices) of synthetic speech: `count` clips of one second, words in turn.

    words: dict of text for espeak-ng -> label. Accent, speaker variant, pitch, melody and speed
    are drawn by `seed`. band_hz: cut above it by going through twice that rate, as a telephone
    does; None keeps all.
    """
    rng, texts = np.random.default_rng(seed), list(words)
    variants = [v.identifier for v in synthesize.variants()]
    clips, voices = np.zeros((count, rate), np.int16), []
    for row in range(count):
        voice = f"{rng.choice(_ACCENTS)}+{rng.choice(variants)}"
        pitch, wide, speed = rng.integers((25, 20, 110), (75, 80, 260))
        sound = _said(texts[row % len(texts)], voice, int(speed), int(pitch), int(wide), rate)
        if band_hz is not None:
            sound = resample(resample(sound, rate, 2 * band_hz), 2 * band_hz, rate)
        clips[row] = fit(sound, rate)
        voices.append(voice)
    return clips, [words[texts[i % len(texts)]] for i in range(count)], voices


def _said(text, voice, speed, pitch, wide, rate):
    """int16: the word; a voice that would sink too low speaks a little higher."""
    while True:
        try:
            return synthesize.synthesize(text, voice, speed, pitch, wide, rate)
        except KitError as fault:
            if fault.code != "too-low" or pitch >= 100:
                raise
            pitch, wide = min(pitch + 15, 100), 50


def summary(table):
    """polars table from `held_out_speakers`: one row a speaker, and one for their mean.

    Columns speaker, accuracy (mean over seeds), low, high, seconds (median), runs. low to high:
    the seeds' range for a speaker; for "mean", the 95 % interval of Student's t with each speaker
    as one observation, for it is speakers that the next user differs from.
    """
    import polars as pl

    each = table.group_by("speaker").agg(
        pl.col("accuracy").mean(), low=pl.col("accuracy").min(), high=pl.col("accuracy").max(),
        seconds=pl.col("seconds").median(), runs=pl.len().cast(pl.Int64),
    ).sort("speaker")  # fmt: skip
    values = each["accuracy"].to_numpy()
    half = _T95[len(values) - 2] * values.std(ddof=1) / math.sqrt(len(values))
    middle = float(values.mean())
    mean = pl.DataFrame(
        {"speaker": ["mean"], "accuracy": [middle], "low": [middle - half],
         "high": [min(middle + half, 1.0)], "seconds": [table["seconds"].median()],
         "runs": [table.height]}, schema=each.schema,
    )  # fmt: skip
    return pl.concat([each, mean])


def _with_extra(own, extra):
    """Clips, labels and speakers of both, one after the other."""
    if extra is None:
        return own
    return tuple(
        np.concatenate([mine, np.asarray(more)]) for mine, more in zip(own, extra, strict=True)
    )
