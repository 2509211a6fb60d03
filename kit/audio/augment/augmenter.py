"""Augmenter: the one description of how clips are changed in training, and its presets.

Needs NumPy and soxr; rooms need pyroomacoustics.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from kit.audio.augment import chain, masks
from kit.audio.augment.arrays import array_module, bad, check_clips, number
from kit.audio.quality import _check

_DEFINITION = "kit augmentation 1"  # a change of meaning gets a new number, and new fingerprints
# what is drawn for each clip; new names go to the end, so that the draws of the others stay
_DRAWS = ("speed", "room", "which_room", "shift", "noise", "kind", "place", "snr", "band", "hertz",
          "gain", "voices", "masks")  # fmt: skip
_PAIRS = {  # field -> (least, greatest) of both ends
    "shift_s": (-10.0, 10.0),
    "gain_db": (-60.0, 40.0),
    "speed": (0.5, 2.0),
    "snr_db": (-20.0, 100.0),
    "rt60_s": (0.1, 0.8),
    "band_hz": (200.0, 192_000.0),
}
_NUMBERS = {
    "rate": (1000, 384_000), "voices": (1, 100), "noise_share": (0.0, 1.0),
    "room_share": (0.0, 1.0), "band_share": (0.0, 1.0), "time_masks": (0, 20),
    "time_width": (0, 10_000), "frequency_masks": (0, 20), "frequency_width": (0, 512),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Augmenter:
    """How clips are changed: a range is (least, greatest), and drawn from evenly for each clip.

    The order is that of sound: the speaker, the room, the noise, the microphone.

    rate: of the clips, Hz. speed: factor, rounded to hundredths; see `speed`.
    room_share: of the clips, 0 to 1, that are heard in one of 12 rooms, whose reverberation times
    fill rt60_s; see `room_impulse_response`. shift_s: later by so much; see `time_shift`.
    noise_share: of the clips with noise, of one of the kinds `noises` (names in NOISES), at snr_db
    below the speech before it is shifted; see `add_noise`. voices: in babble.
    band_share: of the clips that end at band_hz, or at 0.45 of the rate where that is lower.
    gain_db: louder by so much; what exceeds full scale is cut off.
    time_masks, time_width, frequency_masks, frequency_width: of `mask`; see `spec_augment`.

    The defaults change nothing.
    """

    rate: int = 16_000
    speed: tuple = (1.0, 1.0)
    room_share: float = 0.0
    rt60_s: tuple = (0.2, 0.5)
    shift_s: tuple = (0.0, 0.0)
    noise_share: float = 0.0
    noises: tuple = ("white", "pink", "brown", "hum50")
    snr_db: tuple = (5.0, 30.0)
    voices: int = 5
    band_share: float = 0.0
    band_hz: tuple = (3000.0, 7000.0)
    gain_db: tuple = (0.0, 0.0)
    time_masks: int = 0
    time_width: int = 20
    frequency_masks: int = 0
    frequency_width: int = 4

    def __post_init__(self):
        for field in fields(self):
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))

    @property
    def fingerprint(self):
        """Short hash of all fields; with equal ids, epoch and seed it stands for equal clips."""
        text = json.dumps([_DEFINITION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def changed(self, **fields_):
        """This description with other values in the fields named."""
        unknown = set(fields_) - set(asdict(self))
        if unknown:
            raise bad("an Augmenter has no such field", sorted(unknown), ", ".join(asdict(self)))
        return replace(self, **fields_)

    def __call__(self, clips, ids, epoch=0, seed="kit", voices=None, workers=None):
        """int16[n, samples] of changed clips.

        Parameters
        ----------
        clips: int16[n, samples] on the CPU, with sound in each where noise is added.
        ids: n clip ids. epoch: whole number from 0. seed: str or whole number. What happens to a
        clip is drawn from these three and nothing else: it is the same in any batch, in any order
        and on any worker.
        voices: int16[m, samples] that babble is mixed from, if it is among the noises; the same
        on every worker.
        workers: threads; all usable cores by default.
        """
        self._check(clips, ids, voices)
        return chain.augmented(self, clips, _drawn(ids, epoch, seed), voices, workers)

    def mask(self, features, ids, epoch=0, seed="kit"):
        """float32[n, frames, coeffs] of masked features; see `spec_augment` and the call."""
        masks.check_features(features)
        _check_ids(ids, features)
        rngs = chain.seeds(_drawn(ids, epoch, seed)["masks"])
        return masks.spec_augment(
            features, rngs, self.time_masks, self.time_width, self.frequency_masks,
            self.frequency_width,
        )  # fmt: skip

    def _check(self, clips, ids, voices):
        check_clips(clips)
        if array_module(clips) is not np:
            raise bad("clips lie on the GPU", type(clips).__name__, "NumPy arrays", "clips.get()")
        _check_ids(ids, clips)
        if not self.noise_share:
            return
        _check(clips, self.rate)
        silent = ~clips.any(1)
        if silent.any():
            first = ids[int(silent.argmax())]
            remedy = "leave silent clips out: noise has no level beside them"
            raise bad("a clip is silent", first, "sound in every clip", remedy, "silent")
        if "babble" in self.noises:
            _check_voices(voices, self.voices, clips)


def _checked(field, value):
    """`value` in the plain type of its field, or a KitError."""
    name = f"Augmenter.{field.name}"
    if field.name == "noises":
        names = tuple(value) if isinstance(value, list | tuple) else ()
        if not names or not all(isinstance(n, str) and n in chain.NOISES for n in names):
            raise bad(f"{name} cannot be this", value, f"one or more of {', '.join(chain.NOISES)}")
        return names
    if field.name in _NUMBERS:
        return field.type(number(name, value, *_NUMBERS[field.name], whole=field.type is int))
    least, greatest = _PAIRS[field.name]
    pair = list(value) if isinstance(value, list | tuple) else []
    if len(pair) != 2 or not number(name, pair[0], least, greatest) <= number(
        name, pair[1], least, greatest
    ):
        allowed = f"(least, greatest) from {least:g} to {greatest:g}"
        raise bad(f"{name} cannot be this", value, allowed)
    return tuple(float(v) + 0.0 for v in pair)  # no negative zero


def _check_ids(ids, clips):
    if isinstance(ids, str) or not hasattr(ids, "__len__") or len(ids) != len(clips):
        found = f"{len(ids)} ids" if hasattr(ids, "__len__") else type(ids).__name__
        raise bad("ids are not one for each clip", found, f"{len(clips)} ids")


def _check_voices(voices, count, clips):
    allowed = f"int16[{count} or more, {clips.shape[1]}]"
    if voices is None:
        raise bad("babble needs voices", voices, allowed, "hand over clips of other speakers")
    check_clips(voices)
    if voices.shape[1] != clips.shape[1] or len(voices) < count:
        raise bad("voices cannot be mixed to babble for these clips", voices.shape, allowed)


def _drawn(ids, epoch, seed):
    """dict of what is drawn -> float64[n] in [0, 1): the bits of a hash, the same everywhere."""
    epoch = int(number("epoch", epoch, 0, 2**53, whole=True))
    if not isinstance(seed, str):
        seed = int(number("seed", seed, 0, 2**53, whole=True))
    text = [f"{seed}\0{epoch}\0{name}".encode() for name in ids]
    bits = b"".join(hashlib.blake2b(t, person=p).digest() for t in text for p in (b"1", b"2"))
    share = (np.frombuffer(bits, "<u8").reshape(len(ids), -1) >> np.uint64(11)) * 2.0**-53
    return dict(zip(_DRAWS, share.T, strict=False))


_LIGHT = Augmenter(
    shift_s=(-0.1, 0.1), noise_share=0.8, snr_db=(5.0, 30.0), gain_db=(-12.0, 6.0),
)  # fmt: skip
PRESETS = {
    "none": Augmenter(),
    "light": _LIGHT,
    # speeds: Ko et al. 2015
    "full": _LIGHT.changed(
        speed=(0.9, 1.1), room_share=0.3, band_share=0.2, time_masks=2, frequency_masks=2
    ),
}


def preset(name, **changes):
    """The Augmenter called `name`, with `changes` in its fields; or a KitError that lists names."""
    if not isinstance(name, str) or name not in PRESETS:
        raise bad("no such preset", name, ", ".join(PRESETS), code="unknown")
    return PRESETS[name].changed(**changes)


def augment_clip(clip, rate, rng):
    """A changed copy of int16[samples] by the preset "full": a function for a compiler's recipe.

    use = "kit.audio.augment:augment_clip". rng: NumPy Generator, from which all is drawn.
    """
    if getattr(clip, "ndim", None) != 1 or not isinstance(rng, np.random.Generator):
        found = f"{getattr(clip, 'shape', type(clip).__name__)}, {type(rng).__name__}"
        raise bad("a clip and a Generator are needed", found, "int16[samples], numpy Generator")
    how, clips = preset("full", rate=rate), clip[None]
    how._check(clips, ["this clip"], None)
    draws = {name: rng.random(1) for name in _DRAWS}
    return chain.augmented(how, clips, draws, None, 1)[0]
