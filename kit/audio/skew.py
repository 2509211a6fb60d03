"""Training-serving skew: how far features move when one switch is set differently.

Training makes features under one spec; a device or another team serves them under a spec that
differs in one place, or hears the sound otherwise. Needs NumPy; soxr for the sample rate.
"""

import numpy as np

from kit.audio.convert import fit, resample, to_int16
from kit.audio.features import extract

SPEC_SWITCHES = {  # what differs -> fields
    "mel scale: slaney for htk": {"mel_scale": "slaney"},
    "mel norm: equal areas": {"mel_norm": "slaney"},
    "window: povey for hann": {"window_function": "povey"},
    "window length: 32 ms for 25 ms": {"window": 512},
    "frames centred, zeros around": {"padding": "zero"},
    "magnitude for power": {"power": 1},
    "decibels for natural log": {"log": "db"},
    "log floor: 1e-10 for 1e-6": {"floor": 1e-10},
    "20 coefficients for 13": {"coeffs": 20},
    "samples as integers, not in [-1, 1]": {"full_scale": 32_768.0},
    "pre-emphasis 0.97": {"pre_emphasis": 0.97},
}
SOUND_SWITCHES = {  # what differs -> what happens to the sound
    "a recording of 8 kHz, resampled": lambda x: resample(resample(x, 16_000, 8000), 8000, 16_000),
    "8 kHz, every sample twice": lambda x: np.repeat(resample(x, 16_000, 8000), 2)[: len(x)],
    "8 kHz taken for 16 kHz": lambda x: fit(resample(x, 16_000, 8000), len(x)),
    "level 6 dB lower": lambda x: to_int16(x / 32_768 * 10 ** (-6 / 20)),
    "level 20 dB lower": lambda x: to_int16(x / 32_768 * 10 ** (-20 / 20)),
}


def distance_db(features, others, spec):
    """Root mean square difference of two feature arrays [..., frames, coeffs], in dB per band.

    The DCT is orthonormal, so the sum over coefficients is the sum over bands of the log-mel
    values that they stand for. Frames are compared in turn as far as both go; coefficients that
    only one has count as they are, against zero.
    """
    frames = min(features.shape[-2], others.shape[-2])
    width = max(features.shape[-1], others.shape[-1])
    a, b = (_widened(x[..., :frames, :], width) for x in (features, others))
    per_band = ((a - b) ** 2).sum(-1).mean() / spec.mels
    return float(np.sqrt(per_band) / spec.log_scale * 10 / np.log(10))


def served(clips, spec, switch):
    """Features of `clips`, int16[n, samples], with one switch set differently: float32 array."""
    if switch in SPEC_SWITCHES:
        return extract(clips, spec.changed(**SPEC_SWITCHES[switch]))
    return extract(np.stack([SOUND_SWITCHES[switch](clip) for clip in clips]), spec)


def skew_table(clips, spec, judge=None):
    """polars table, one row a switch: switch, where, distance_db, caught, and accuracy_percent.

    clips: int16[n, samples] at 16 kHz. where: "spec" or "sound". caught: True where the
    fingerprint of the spec differs. judge: function of features [n, frames, coeffs] to the share
    of these clips that a model gets right, 0 to 1; without it there is no accuracy.
    """
    import polars as pl

    trained = extract(clips, spec)
    rows = []
    for switch in (*SPEC_SWITCHES, *SOUND_SWITCHES):
        found = served(clips, spec, switch)
        known = switch in SPEC_SWITCHES
        row = {"switch": switch, "where": "spec" if known else "sound",
               "distance_db": distance_db(trained, found, spec), "caught": known}  # fmt: skip
        rows.append(row | ({"accuracy_percent": 100 * judge(found)} if judge else {}))
    return pl.DataFrame(rows).sort("distance_db", descending=True)


def _widened(x, width):
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, width - x.shape[-1])])
