"""Noise of several kinds, and its addition to clips at an exact signal-to-noise ratio.

Needs NumPy, or CuPy for clips on the GPU; noise is drawn on the CPU.
"""

import numbers

import numpy as np

from kit.audio import quality
from kit.audio.augment.arrays import (
    array_module,
    bad,
    check_clips,
    check_rate,
    column,
    generators,
    mean_square,
    number,
    per_clip,
    rounded,
    to_host,
)
from kit.audio.quality import _check

COLOURS = {"white": 0, "pink": -1, "brown": -2, "blue": 1, "violet": 2}  # x 3 dB an octave
MAINS_HZ = (50, 60)
_LOWEST_HZ = 50.0  # of coloured noise: brown noise would lie where no loudspeaker plays
_HARMONICS = 10


def add_noise(clips, noise, snr_db, rate=16_000):
    """Clips with noise at a signal-to-noise ratio of `snr_db`, -30 to 100 dB: a number, or n.

    Parameters
    ----------
    clips: int16[n, samples] of 0.1 s or more, with sound in each.
    noise: float or int16, [m] or [n, m], of any level: the first `samples` are taken of m. On the
    GPU where the clips are.

    The signal is the power of the speech frames, as `kit.audio.quality.snr` finds them; see
    `speech_power`. The noise is the mean square of what is added, over the whole clip. So
    `quality.snr` of the result finds `snr_db` again where the noise is white, the clip was clean
    and there is a pause in it; hum and brown noise it underrates, as it looks at 10 ms at a time.
    Samples are rounded, so noise of less than about two steps of int16 is not exact; and cut off
    at full scale, so that very loud noise is not, either.
    """
    power = speech_power(clips, rate)
    snr_db = per_clip("snr_db", snr_db, clips, -30, 100)
    return mixed(clips, _checked(noise, clips), snr_db, power)


def mixed(clips, noise, snr_db, power):
    """`add_noise` for checked float32 noise and clips of known speech power, float64[n]."""
    factor = np.sqrt(power * 10 ** (-snr_db / 10) / mean_square(noise))
    return rounded(noise * column(factor, clips) + clips)


def speech_power(clips, rate=16_000):
    """float64[n]: mean power of the speech frames of int16[n, samples], less the clip's own noise.

    Frames of 10 ms, speech and noise as in `kit.audio.quality.snr`. Where no frame stands out, as
    in a steady tone or in a word cut off closely, all frames that hold sound. On the scale of
    int16 squared. Raises KitError for a clip that holds no sound.
    """
    _check(clips, check_rate(rate))
    power = power_of(clips, rate)
    if not power.all():
        place = int(np.argmin(power))
        remedy = f"drop clip {place}: noise has no level beside it"
        raise bad("a clip is silent", f"clip {place}", "sound in every clip", remedy, "silent")
    return power


def power_of(clips, rate):
    """`speech_power` of checked clips, 0 for a silent one."""
    power = to_host(quality._frame_power(clips, rate))
    speech = quality._speech_frames(power)
    some = speech.any(1)
    used = np.where(some[:, None], speech, power > 0)
    own = np.where(some, quality._noise_power(power), 0)
    return (power * used).sum(1) / np.maximum(used.sum(1), 1) - own


def _checked(noise, clips):
    """float32[n, samples] of noise for these clips, where they lie; or a KitError."""
    xp, (n, samples) = array_module(clips), clips.shape
    allowed = f"float or int16, [m] or [{n}, m], m at least {samples}"
    if not hasattr(noise, "dtype") or array_module(noise) is not xp:
        raise bad("noise does not lie with the clips", type(noise).__name__, allowed)
    good = noise.dtype.kind == "f" or noise.dtype == np.int16
    if not good or noise.shape[:-1] not in ((), (n,)):
        raise bad("noise is none", f"{noise.dtype}{noise.shape}", allowed)
    if noise.shape[-1] < samples:
        remedy = "make it longer, or repeat a recording with np.tile"
        raise bad("noise is shorter than the clips", noise.shape[-1], allowed, remedy, "too-short")
    found = noise[..., :samples].astype(np.float32)
    level = mean_square(found.reshape(-1, samples))
    if not (np.isfinite(level) & (level > 0)).all():
        row = int(np.argmin(np.isfinite(level) & (level > 0)))
        remedy = "take another part of the recording, or coloured_noise"
        raise bad("noise is silent, or not finite", f"row {row}", allowed, remedy, "silent")
    return xp.broadcast_to(found, (n, samples))


def coloured_noise(kind, samples, rngs, rate=16_000):
    """float32[rows, samples] of noise, each row of mean square 1, from 50 Hz up.

    kind: white (equal power in each Hz), pink (3 dB less with each octave up), brown (6 dB less),
    blue (3 dB more) or violet (6 dB more). rngs: a NumPy Generator or a seed for each row.
    """
    if not isinstance(kind, str) or kind not in COLOURS:
        raise bad("no such noise", kind, ", ".join(COLOURS))
    rate, samples = check_rate(rate), _length(samples)
    rows = np.stack([rng.standard_normal(samples, np.float32) for rng in generators(rngs)])
    hertz = np.fft.rfftfreq(samples, 1 / rate)
    shape = np.maximum(hertz, _LOWEST_HZ) ** (COLOURS[kind] / 2) * (hertz >= _LOWEST_HZ)
    return normed(np.fft.irfft(np.fft.rfft(rows) * shape.astype(np.float32), samples))


def hum(hz, samples, rngs, rate=16_000):
    """float32[rows, samples]: ten harmonics of the mains, 50 or 60 Hz; mean square 1 each.

    The k-th has 1/k of the amplitude of the first, and a phase drawn from the row's Generator or
    seed; those above half the rate are left out.
    """
    if not isinstance(hz, numbers.Real) or hz not in MAINS_HZ:
        raise bad("no mains have this frequency", hz, "50 or 60 Hz")
    rate, samples = check_rate(rate), _length(samples)
    time = np.arange(samples) / rate
    phases = np.stack([rng.uniform(0, 2 * np.pi, _HARMONICS) for rng in generators(rngs)])
    rows = np.zeros((len(phases), samples))
    for k in range(1, _HARMONICS + 1):
        if k * hz < rate / 2:
            rows += np.sin(2 * np.pi * k * hz * time + phases[:, k - 1 : k]) / k
    return normed(rows)


def babble(clips, voices, rngs):
    """float32[rows, samples]: `voices` different clips at once, equally loud; mean square 1 each.

    clips: int16[m, samples], of which each row's Generator or seed draws, and which it turns round
    so that their pauses do not fall together. Silent ones are refused.
    """
    check_clips(clips)
    voices = int(number("voices", voices, 1, len(clips), whole=True))
    return mixed_voices(normed(clips), voices, generators(rngs))


def mixed_voices(pool, voices, rngs):
    """`babble` from float32[m, samples] of mean square 1, by Generators."""
    rows = np.zeros((len(rngs), pool.shape[1]), np.float32)
    for row, rng in zip(rows, rngs, strict=True):
        for place in rng.choice(len(pool), voices, replace=False):
            row += np.roll(pool[place], rng.integers(pool.shape[1]))
    return normed(rows)


def normed(rows):
    """float32 rows of mean square 1."""
    rows = rows.astype(np.float32)
    level = mean_square(rows)
    if not level.all():
        place = int(np.argmin(level))
        raise bad("a clip is silent", f"clip {place}", "sound in every clip", code="silent")
    return rows * column(1 / np.sqrt(level), rows)


def _length(samples):
    return int(number("samples", samples, 16, 2**31, whole=True))
