"""FeatureSpec: the one definition of a feature, for training, serving and grading.

Needs NumPy alone.
"""

import hashlib
import json
import math
import numbers
from dataclasses import asdict, dataclass, fields, replace

from kit.errors import KitError

_DEFINITION = "kit features 1"  # a change of meaning gets a new number, and so new fingerprints
_CHOICES = {
    "window_function": ("hann", "hann-midpoint", "hamming", "povey", "rectangular"),
    "padding": ("none", "zero", "reflect"),
    "power": (1, 2),
    "mel_scale": ("htk", "slaney"),
    "mel_norm": ("none", "slaney"),
    "mel_triangle": ("hz", "mel"),
    "log": ("ln", "db", "micro"),
    "dct": ("ortho", "none"),
}
_RANGES = {  # field -> (least, greatest)
    "rate": (1000, 384_000),
    "window": (4, 8192),
    "hop": (1, 65_536),
    "fft": (16, 8192),
    "full_scale": (1e-6, 1e6),
    "pre_emphasis": (0.0, 0.999),
    "mels": (2, 512),
    "coeffs": (1, 512),
    "fmin": (0.0, 192_000.0),
    "fmax": (0.0, 192_000.0),
    "floor": (1e-30, 1e12),
    "top_db": (0.0, 400.0),
    "lifter": (0.0, 1000.0),
}


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """How a clip becomes an array of coefficients.

    rate: samples a second, Hz. window, hop, fft: samples; the window is at most as long as the
    FFT, which is an even product of 2, 3 and 5.
    window_function: hann and hamming are periodic; hann-midpoint takes (i + 1/2) / window
    (TensorFlow Lite Micro); povey is a symmetric Hann to the power 0.85 (Kaldi).
    full_scale: what a full-scale sample is worth, 1 or 32768.
    remove_dc, pre_emphasis: per frame, before the window (Kaldi).
    padding: "none" starts the first frame at the first sample; "zero" and "reflect" centre frame
    t on sample t * hop.
    power: exponent of the magnitude. mels, fmin, fmax (Hz): bands of the filter bank.
    Many bands and a short FFT leave low bands without a bin; they stay at the floor.
    mel_scale: htk (O'Shaughnessy 1987) or slaney (Auditory Toolbox, 1998). mel_norm: slaney gives
    every band the same area. mel_triangle: slopes straight in Hz, or in mel.
    log: ln, db (ten times the decimal logarithm) or micro (1.25 ln, as TensorFlow Lite Micro
    scales the logarithm of a root). floor: energies below are raised to it. top_db: raise what
    lies more than this below the loudest value of the same clip, dB; None for no such floor.
    dct: ortho (DCT-II) or none. coeffs: how many are kept. lifter: L of 1 + L/2 sin(pi n / L);
    0 for none.
    """

    rate: int = 16_000
    window: int = 400
    hop: int = 160
    fft: int = 512
    window_function: str = "hann"
    full_scale: float = 1.0
    remove_dc: bool = False
    pre_emphasis: float = 0.0
    padding: str = "none"
    power: int = 2
    mels: int = 40
    mel_scale: str = "htk"
    mel_norm: str = "none"
    mel_triangle: str = "hz"
    fmin: float = 20.0
    fmax: float = 7600.0
    log: str = "ln"
    floor: float = 1e-6
    top_db: float | None = None
    dct: str = "ortho"
    coeffs: int = 13
    lifter: float = 0.0

    def __post_init__(self):
        for field in fields(self):
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))
        self._check_sizes()
        self._check_bands()

    @property
    def bins(self):
        """Bins of the real FFT."""
        return self.fft // 2 + 1

    @property
    def lead(self):
        """Samples by which the first frame starts before the first sample."""
        centred = self.fft // 2 - (self.fft - self.window) // 2
        return 0 if self.padding == "none" else centred

    @property
    def log_scale(self):
        """Factor on the natural logarithm."""
        return {"ln": 1.0, "db": 10 / math.log(10), "micro": 1.25}[self.log]

    @property
    def clip_range(self):
        """How far below the clip's loudest value a value may lie, in units of the log; or None."""
        return None if self.top_db is None else self.top_db * math.log(10) / 10 * self.log_scale

    @property
    def fingerprint(self):
        """Short hash of all fields; equal fingerprints mean equal features."""
        text = json.dumps([_DEFINITION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def frames(self, samples):
        """Number of frames of a clip of `samples` samples."""
        least = {"none": self.window, "zero": 1, "reflect": self.lead + 1}[self.padding]
        if samples < least:
            raise KitError(
                "the clip is too short for the spec",
                found=f"{samples} samples",
                allowed=f"{least} samples or more",
                remedy="lengthen it with kit.audio.fit, or take a shorter window",
                code="too-short",
            )
        if self.padding != "none":
            return 1 + samples // self.hop
        return 1 + (samples - self.window) // self.hop

    def changed(self, **fields_):
        """This spec with other values in the fields named."""
        unknown = set(fields_) - set(asdict(self))
        if unknown:
            raise KitError(
                "a FeatureSpec has no such field",
                found=sorted(unknown),
                allowed=", ".join(asdict(self)),
                code="unknown",
            )
        return replace(self, **fields_)

    def difference(self, other):
        """dict of field -> (value here, value in `other`) for the fields that differ."""
        mine, theirs = asdict(self), asdict(other)
        return {k: (mine[k], theirs[k]) for k in mine if mine[k] != theirs[k]}

    def require(self, other, what="these features"):
        """Raise a KitError that names the differing fields unless `other` is the same spec."""
        if not isinstance(other, FeatureSpec):
            allowed = "a FeatureSpec, such as kit.audio.preset(name)"
            raise KitError("there is no spec to compare with", found=other, allowed=allowed)
        differs = self.difference(other)
        if differs:
            pairs = ", ".join(f"{k}: {b!r} instead of {a!r}" for k, (a, b) in differs.items())
            raise KitError(
                f"{what} were made under another spec ({pairs})",
                found=other.fingerprint,
                allowed=self.fingerprint,
                remedy="extract again under the spec of the model, or train again",
                code="fingerprint",
            )

    def _check_sizes(self):
        rest = self.fft
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest != 1 or self.fft % 2:
            raise _bad("fft", self.fft, "an even product of 2, 3 and 5, such as 400, 512 or 1024")
        if self.window > self.fft:
            raise _bad("window", self.window, f"at most fft, {self.fft}")
        if self.coeffs > self.mels:
            raise _bad("coeffs", self.coeffs, f"at most mels, {self.mels}")
        if self.dct == "none" and self.coeffs != self.mels:
            raise _bad("coeffs", self.coeffs, f"mels, {self.mels}, where dct is none")

    def _check_bands(self):
        least = self.fmin + self.rate / self.fft
        if not least <= self.fmax <= self.rate / 2:
            allowed = f"fmin and a bin or more, {least:g}, to half the rate, {self.rate / 2:g} Hz"
            raise _bad("fmax", self.fmax, allowed)


def _checked(field, value):
    """`value` in the plain type of its field, or a KitError."""
    name, kind = field.name, field.type
    if name in _CHOICES:
        known = [c for c in _CHOICES[name] if not isinstance(value, bool) and _equal(c, value)]
        if not known:
            raise _bad(name, value, ", ".join(str(c) for c in _CHOICES[name]))
        return known[0]  # 2.0 is 2: equal specs have equal fingerprints
    if kind is bool:
        if not isinstance(value, bool):
            raise _bad(name, value, "True or False")
        return value
    if name == "top_db" and value is None:
        return None
    least, greatest = _RANGES[name]
    whole = kind is int
    allowed = f"{'a whole number' if whole else 'a number'} from {least:g} to {greatest:g}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise _bad(name, value, allowed)
    if not least <= value <= greatest or (whole and value != int(value)):
        raise _bad(name, value, allowed)
    return int(value) if whole else float(value) + 0.0  # no negative zero


def _equal(choice, value):
    return isinstance(value, str | numbers.Real) and choice == value


def _bad(name, value, allowed):
    return KitError(f"FeatureSpec.{name} cannot be this", found=value, allowed=allowed, code="spec")


PRESETS = {
    # ours: no padding and no floor that depends on the clip, so that a stream gives the same
    "kws": FeatureSpec(),
    "librosa": FeatureSpec(
        window=2048, hop=512, fft=2048, padding="zero", mels=128, mel_scale="slaney",
        mel_norm="slaney", fmin=0.0, fmax=8000.0, log="db", floor=1e-10, top_db=80.0, coeffs=20,
    ),
    "torchaudio": FeatureSpec(
        window=400, hop=200, fft=400, padding="reflect", mels=128, fmin=0.0, fmax=8000.0,
        log="db", floor=1e-10, top_db=80.0, coeffs=40,
    ),
    "kaldi": FeatureSpec(
        window_function="povey", full_scale=32_768.0, remove_dc=True, pre_emphasis=0.97, mels=23,
        mel_triangle="mel", fmin=20.0, fmax=8000.0, floor=2.0**-23, lifter=22.0,
    ),
    # the filter bank alone: noise reduction and gain control of its front end keep a state, and
    # its int16 FFT adds noise of its own that no float program has
    "tflm-micro": FeatureSpec(
        window=480, hop=160, window_function="hann-midpoint", full_scale=32_768.0, mels=40,
        mel_triangle="mel", fmin=125.0, fmax=7500.0, log="micro", floor=1.0, dct="none", coeffs=40,
    ),
}  # fmt: skip


def preset(name, **changes):
    """The preset called `name`, with `changes` in its fields; or a KitError that lists names."""
    if not isinstance(name, str) or name not in PRESETS:
        raise KitError("no such preset", found=name, allowed=", ".join(PRESETS), code="unknown")
    return PRESETS[name].changed(**changes)
