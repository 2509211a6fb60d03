"""Changed copies of clips: level, place, noise, rooms, microphones, codecs, tempo, pitch, masks.

Every effect takes a batch and gives each clip what it would have got alone. `Augmenter` draws the
numbers from the clip's id, the epoch and a seed, so that any worker makes the same clip: the same
bytes with the same versions of NumPy, soxr and pyroomacoustics on processors of one kind. On others
a sample may be rounded the other way.
"""

from kit.lazy import lazy

_HOME = {  # name -> module that defines it
    "Augmenter": "augmenter",
    "PRESETS": "augmenter",
    "augment_clip": "augmenter",
    "preset": "augmenter",
    "clip": "effects",
    "codec": "effects",
    "gain": "effects",
    "pitch_shift": "effects",
    "speed": "effects",
    "tempo": "effects",
    "time_shift": "effects",
    "band_limit": "filters",
    "microphone": "filters",
    "reverberate": "filters",
    "spec_augment": "masks",
    "add_noise": "noise",
    "babble": "noise",
    "coloured_noise": "noise",
    "hum": "noise",
    "speech_power": "noise",
    "reverberation_time": "rooms",
    "room_impulse_response": "rooms",
    "sabine": "rooms",
    "walls_impulse_response": "rooms",
}
__all__ = [*_HOME]
__getattr__, __dir__ = lazy(__name__, _HOME)
