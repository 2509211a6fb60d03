"""Takes: labelled clips to train on and to test with, of people and of a synthesiser.

Needs NumPy, and espeak-ng for what is synthesised.
"""

import functools
import hashlib
import io
import zipfile
from importlib.metadata import version
from typing import NamedTuple

import numpy as np

from kit.audio import synthesize
from kit.audio.convert import fit, resample
from kit.compiler.shards import write_file
from kit.errors import KitError
from kit.paths import data_home

_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS = {name: str(i) for i, name in enumerate(_NAMES)}  # text -> label
BAND_HZ = 4000  # FSDD was recorded at 8 kHz: synthesis above that would give itself away
_ACCENTS = ("en-gb", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")
# stand for people where no recordings can be had, and for nothing else
_STAND_INS = ("en-us+f4", "en-gb+Andy", "en-gb-x-rp+m7", "en-029+Annie", "en-us+Storm",
              "en-gb-scotland+klatt3")  # fmt: skip
_RATE = 16_000
_CODE = "takes 1"  # a change of what `spoken` makes gets a new number


class Takes(NamedTuple):
    """clips: int16[n, samples]. labels, speakers: n strings each, in NumPy arrays."""

    clips: np.ndarray
    labels: np.ndarray
    speakers: np.ndarray

    def of(self, rows):
        """The Takes in `rows`, int[m] or bool[n]."""
        return Takes(*(part[rows] for part in self))

    def by(self, speakers):
        """The Takes of these speakers, a name or several."""
        names = [speakers] if isinstance(speakers, str) else list(speakers)
        return self.of(np.isin(self.speakers, names))

    def without(self, speakers):
        """The Takes of all but these speakers."""
        names = [speakers] if isinstance(speakers, str) else list(speakers)
        return self.of(~np.isin(self.speakers, names))

    def few(self, count, seed=0):
        """`count` of them; see `few`."""
        return self.of(few(self.labels, self.speakers, count, seed))

    @property
    def digest(self):
        """Hash of all of it, as hexadecimal text."""
        found = hashlib.sha256(np.ascontiguousarray(self.clips).data)
        for part in (self.labels, self.speakers):
            found.update("\0".join(part.tolist()).encode())
        return found.hexdigest()


def takes(clips, labels, speakers):
    """Takes of int16[n, samples] and two sequences of n strings."""
    return Takes(clips, *(np.array([str(x) for x in part]) for part in (labels, speakers)))


def joined(*parts):
    """One Takes of several, in their order."""
    if len(parts) == 1:
        return parts[0]
    return Takes(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def people(progress=None):
    """(Takes, notice): digits spoken by people; without recordings by voices that stand for them.

    notice: text for the reader, "" where these are the people of the Free Spoken Digit Dataset.
    """
    from kit import corpus

    found = corpus.recordings("fsdd", progress)
    if found.notice:
        told = f"{found.notice.splitlines()[0]} Six synthetic voices stand for people."
        return stand_ins(), told
    table = corpus.load_clips("fsdd", found.folder, progress=progress).table
    return takes(corpus.waveforms(table), table["label"], table["speaker"]), ""


@functools.cache
def stand_ins(each=150):
    """Takes of six voices that `synthetic` never uses, with noise and a microphone of their own."""
    from kit.audio.augment import add_noise, coloured_noise, microphone

    parts = []
    for i, voice in enumerate(_STAND_INS):
        clips, labels, _ = spoken(each, seed=900 + i, band_hz=BAND_HZ, voices=(voice,))
        hiss = coloured_noise("pink", _RATE, range(each * i, each * (i + 1)))
        clips = add_noise(microphone(clips, "laptop"), hiss, 20.0 + i)
        parts.append(takes(clips, labels, [f"voice {i + 1}"] * each))
    return joined(*parts)


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


def synthetic(count, seed=0, band_hz=BAND_HZ):
    """Takes of `count` digits by espeak-ng, kept on disk; see `spoken`.

    A larger count with the same seed begins with the same clips.
    """
    about = (_CODE, version("espeakng-loader"), count, seed, band_hz)
    name = hashlib.sha256(repr(about).encode()).hexdigest()[:16]
    path = data_home() / "experiments" / f"spoken-{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return Takes(file["clips"], file["labels"], file["speakers"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # not there, not whole
        made = takes(*spoken(count, seed=seed, band_hz=band_hz))
    buffer = io.BytesIO()
    np.savez(buffer, **made._asdict())
    write_file(path, buffer.getbuffer())
    return made


def spoken(count, words=DIGITS, seed=0, rate=_RATE, band_hz=None, voices=None):
    """(clips, labels, voices) of synthetic speech: `count` clips of one second, words in turn.

    words: dict of text for espeak-ng -> label. Accent, speaker variant, pitch, melody and speed
    are drawn by `seed`; or the voice from `voices`, names of espeak-ng. band_hz: cut above it by
    going through twice that rate, as a telephone does; None keeps all.
    """
    rng, texts = np.random.default_rng(seed), list(words)
    drawn = voices or _all_voices()
    clips, told = np.zeros((count, rate), np.int16), []
    for row in range(count):
        voice = drawn[rng.integers(len(drawn))]
        pitch, wide, speed = rng.integers((25, 20, 110), (75, 80, 260))
        sound = _said(texts[row % len(texts)], voice, int(speed), int(pitch), int(wide), rate)
        if band_hz is not None:
            sound = resample(resample(sound, rate, 2 * band_hz), 2 * band_hz, rate)
        clips[row] = fit(sound, rate)
        told.append(voice)
    return clips, [words[texts[i % len(texts)]] for i in range(count)], told


@functools.cache
def _all_voices():
    """Every accent with every speaker variant, but those that stand for people."""
    variants = [v.identifier for v in synthesize.variants()]
    every = (f"{accent}+{variant}" for accent in _ACCENTS for variant in variants)
    return tuple(voice for voice in every if voice not in _STAND_INS)


def _said(text, voice, speed, pitch, wide, rate):
    """int16: the word; a voice that would sink too low speaks a little higher."""
    while True:
        try:
            return synthesize.synthesize(text, voice, speed, pitch, wide, rate)
        except KitError as fault:
            if fault.code != "too-low" or pitch >= 100:
                raise
            pitch, wide = min(pitch + 15, 100), 50
