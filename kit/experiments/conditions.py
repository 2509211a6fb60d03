"""Where a clip is heard: as it was recorded, in noise, or by a device across a room.

Each condition changes every clip in the same way whenever it is asked: seeds are the clips' own
samples.
"""

from kit.audio.augment import add_noise, gain, microphone, reverberate
from kit.audio.augment.rooms import room_impulse_response
from kit.drift.inject_sound import noise_for
from kit.errors import KitError
from kit.experiments.takes import Takes

NOISE_DB = 10.0
DEVICE_DB = 15.0
ROOM_M, RT60_S, DISTANCE_M = (4.0, 3.0, 2.5), 0.4, 1.5
DEVICE_GAIN_DB = -12.0


def heard(takes, condition):
    """The Takes under a condition, a name in CONDITIONS."""
    if condition not in CONDITIONS:
        allowed = ", ".join(CONDITIONS)
        raise KitError("no such condition", found=condition, allowed=allowed, code="unknown")
    return Takes(CONDITIONS[condition](takes.clips), takes.labels, takes.speakers)


def _clean(clips):
    return clips


def _noisy(clips):
    """Pink noise, NOISE_DB below the speech."""
    return add_noise(clips, noise_for(clips, "pink"), NOISE_DB)


def _device(clips):
    """A laptop across a small room: echo, its microphone, its fan, and a lower level."""
    room = room_impulse_response(ROOM_M, RT60_S, DISTANCE_M)
    near = add_noise(reverberate(clips, room), noise_for(clips, "brown"), DEVICE_DB)
    return gain(microphone(near, "laptop"), DEVICE_GAIN_DB)


CONDITIONS = {"clean": _clean, "noisy": _noisy, "device": _device}
