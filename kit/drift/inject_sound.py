"""Drift of sound, made on purpose: microphone, room, noise, level, a narrow band.

Noise and the choice of clips follow from the samples of each clip, so that it is always changed
alike. Needs NumPy.
"""

import functools
import hashlib
from typing import NamedTuple

import numpy as np

from kit.errors import KitError
from kit.quantities import quantity

_ROOM_M, _DISTANCE_M = (4.0, 3.0, 2.5), 1.5
_MILLION = 1_000_000


class Covariate(NamedTuple):
    """One way in which sound changes: what its size counts, sizes from least to most, and how."""

    unit: str
    sizes: tuple
    apply: object


def covariate(clips, kind, size):
    """Clips int16[n, samples] at 16 kHz as they would come in after a drift of `kind`.

    kind: a name in COVARIATES. size: how much, in its unit; 0 of a share changes nothing.
    Raises KitError "unknown", "not-share", "augment", "audio".
    """
    from kit.audio.augment.arrays import check_clips

    if kind not in COVARIATES:
        allowed = ", ".join(COVARIATES)
        raise KitError("no such drift of the input", found=kind, allowed=allowed, code="unknown")
    check_clips(clips)
    return COVARIATES[kind].apply(clips, size)


def noise_for(clips, kind):
    """float[n, samples]: noise of a colour for clips int16[n, samples], alike for like clips."""
    from kit.audio.augment import coloured_noise

    return coloured_noise(kind, clips.shape[1], _seeds(clips))


def _seeds(clips):
    """list of int, one a clip of int16[n, samples]: a hash of its samples."""
    return [int.from_bytes(hashlib.blake2b(c.tobytes(), digest_size=8).digest()) for c in clips]


def _changed_clips(clips, changed, share):
    """`changed(clips)` for a share of clips, in percent, picked by their samples."""
    part = float(quantity("size", np.asarray(share) / 100, "share"))
    picked = np.array([s % _MILLION < part * _MILLION for s in _seeds(clips)], bool)
    if not picked.any():
        return clips
    found = clips.copy()
    found[picked] = changed(clips[picked])
    return found


def _microphone(clips, share):
    from kit.audio.augment import microphone

    return _changed_clips(clips, functools.partial(microphone, response="pocket"), share)


def _room(clips, rt60_s):
    from kit.audio.augment import reverberate, room_impulse_response

    return reverberate(clips, room_impulse_response(_ROOM_M, rt60_s, _DISTANCE_M))


def _noise(clips, snr_db):
    from kit.audio.augment import add_noise

    loud = clips.any(1)  # a silent clip has no speech: it stays as it is
    found = clips.copy()
    if loud.any():
        found[loud] = add_noise(clips[loud], noise_for(clips[loud], "pink"), snr_db)
    return found


def _level(clips, db):
    from kit.audio.augment import gain

    return gain(clips, db)


def _band(clips, khz):
    from kit.audio.augment import band_limit

    return band_limit(clips, 1e3 * khz)


COVARIATES = {
    "microphone": Covariate("% of devices", (25, 50, 75, 100), _microphone),
    "room": Covariate("s RT60", (0.2, 0.3, 0.4, 0.6), _room),
    "noise": Covariate("dB SNR", (30, 20, 10, 0), _noise),
    "level": Covariate("dB", (-6, -12, -24, -36), _level),
    "narrow band": Covariate("kHz", (4, 3, 2, 1.5), _band),
}
