"""Level, place in time, tempo, pitch and coding of clips, each by a number a clip.

Clips are int16[n, samples], and so are the results, rounded and cut off at full scale. Needs
NumPy; `speed` soxr, `pitch_shift` and `tempo` python-stretch, `codec` soundfile.
"""

import io

import numpy as np

from kit.audio.augment.arrays import (
    array_module,
    bad,
    check_clips,
    check_rate,
    column,
    cut,
    per_clip,
    rounded,
    to_host,
)
from kit.audio.convert import fit, resample

CODECS = ("mulaw", "vorbis", "opus")
_TELEPHONE_HZ = 8000  # ITU-T G.711
_OPUS_HZ = (8000, 12_000, 16_000, 24_000, 48_000)
_SUBTYPES = {"mulaw": ("WAV", "ULAW"), "vorbis": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS")}


def gain(clips, db):
    """Clips `db` decibels louder, -120 to 120: a number, or one a clip."""
    check_clips(clips)
    factor = 10 ** (per_clip("db", db, clips, -120, 120) / 20)
    return rounded(clips * column(factor, clips))


def clip(clips, db):
    """Clips cut off `db` decibels below their own peak, 0 to 60: what an overdriven input does."""
    check_clips(clips)
    xp = array_module(clips)
    db = per_clip("db", db, clips, 0, 60)
    samples = clips.astype(np.float32)
    ceiling = xp.abs(samples).max(1, keepdims=True) * column(10 ** (-db / 20), clips)
    return rounded(xp.clip(samples, -ceiling, ceiling))


def time_shift(clips, seconds, rate=16_000):
    """Clips moved by whole samples: later for `seconds` above 0, earlier below; a number, or n.

    What comes in is silence, and what goes out is lost: nothing is wrapped round.
    """
    check_clips(clips)
    length = clips.shape[1] / check_rate(rate)
    by = np.rint(per_clip("seconds", seconds, clips, -length, length) * rate).astype(int)
    n, samples = clips.shape
    most = int(np.abs(by).max())
    wide = array_module(clips).zeros((n, samples + 2 * most), np.int16)
    wide[:, most : most + samples] = clips
    return cut(wide.reshape(-1), np.arange(n) * wide.shape[1] + most - by, samples)


def speed(clips, factor):
    """Clips played `factor` times as fast, 0.5 to 2: shorter and higher, or longer and lower.

    Resampled with soxr, high quality, on the CPU. The middle stays in the middle; the ends are
    filled with silence or cut off. A factor in whole hundredths is quickest: soxr designs a
    filter for each.
    """
    import soxr

    check_clips(clips)
    factor = np.round(100 * per_clip("factor", factor, clips, 0.5, 2), 6)
    out = to_host(clips).copy()
    for place in np.flatnonzero(factor != 100):
        samples = soxr.resample(out[place].astype(np.float32), factor[place], 100, quality="HQ")
        out[place] = fit(rounded(samples), out.shape[1])
    return array_module(clips).asarray(out)


def pitch_shift(clips, semitones, rate=16_000):
    """Clips with voices `semitones` higher, -12 to 12, at the same tempo; formants move along."""
    check_clips(clips)
    semitones = per_clip("semitones", semitones, clips, -12, 12)
    return _stretched(clips, check_rate(rate), semitones, np.ones(len(clips)))


def tempo(clips, factor, rate=16_000):
    """Clips spoken `factor` times as fast, 0.5 to 2, at the same pitch.

    The middle stays in the middle; the ends are filled with silence or cut off.
    """
    check_clips(clips)
    factor = per_clip("factor", factor, clips, 0.5, 2)
    return _stretched(clips, check_rate(rate), np.zeros(len(clips)), factor)


def codec(clips, kind, rate=16_000):
    """Clips coded and decoded: "mulaw" (telephone, 8 kHz, ITU-T G.711), "vorbis" or "opus" in Ogg.

    soundfile's usual quality: about 40 kbit/s for Vorbis, and 20 for Opus, which knows 8, 12, 16,
    24 and 48 kHz alone.
    """
    check_clips(clips)
    rate = check_rate(rate)
    if not isinstance(kind, str) or kind not in CODECS:
        raise bad("no such codec", kind, ", ".join(CODECS))
    if kind == "opus" and rate not in _OPUS_HZ:
        allowed = f"{', '.join(map(str, _OPUS_HZ))} Hz"
        raise bad("Opus does not know this rate", rate, allowed, "resample with kit.audio.resample")
    host = to_host(clips)
    return array_module(clips).asarray(np.stack([_coded(x, kind, rate) for x in host]))


def _coded(clip, kind, rate):
    import soundfile

    coded_at = _TELEPHONE_HZ if kind == "mulaw" else rate
    container, subtype = _SUBTYPES[kind]
    file = io.BytesIO()
    samples = resample(clip, rate, coded_at)
    soundfile.write(file, samples, coded_at, format=container, subtype=subtype)
    file.seek(0)
    decoded = soundfile.read(file, dtype="int16")[0]
    return fit(resample(decoded, coded_at, rate), len(clip), "start")


def _stretched(clips, rate, semitones, factor):
    """By Signalsmith Stretch, which keeps clips in place; on the CPU."""
    from python_stretch.Signalsmith import Stretch

    out = to_host(clips).copy()
    for place in np.flatnonzero((semitones != 0) | (factor != 1)):
        stretch = Stretch(0)  # a seed: it draws phases at random
        stretch.preset(1, rate)
        stretch.setTransposeSemitones(semitones[place])
        stretch.setTimeFactor(factor[place])
        samples = stretch.process(out[place].astype(np.float32)[None] / 32_768)[0]
        out[place] = fit(rounded(samples * 32_768), out.shape[1])
    return array_module(clips).asarray(out)
