"""Named steps from a decoded file to clips of one shape: to_mono, resample, fit, to_int16.

Nothing here happens unless it is asked for. Shapes: samples are [frames] or [frames, channels].
"""

import numbers

import numpy as np

from kit.errors import KitError

LOUDEST = 2.0  # of float samples in [-1, 1]: resampling may overshoot a little
MIN_RATE, MAX_RATE = 100, 1_000_000  # Hz, of what resample takes
_FULL = {"uint8": 128, "int16": 32_768, "int32": 2_147_483_648}


def to_float(samples, width=None):
    """float64 in [-1, 1) of stored samples, same shape.

    samples: uint8 (silence is 128), int16, int32, float32 or float64. width: bits that a stored
    number was wide where int32 hold narrower ones, such as 24 (`Wav.width`); default all. Floats
    are taken as they are.
    """
    samples = np.asarray(samples)
    if samples.dtype.kind == "f":
        return samples.astype(float)
    if samples.dtype.name not in _FULL:
        raise _bad("samples have a type that is not audio", samples.dtype.name, ", ".join(_FULL))
    full = _FULL[samples.dtype.name]
    if width is not None and samples.dtype == np.int32:
        full = 2 ** (width - 1)
    return (samples.astype(float) - (128 if samples.dtype == np.uint8 else 0)) / full


def to_int16(samples):
    """int16 of float samples in [-1, 1]: rounded to the nearest, and clipped at full scale.

    A little over full scale is clipped, as resampling makes it. NaN, infinity, integers and
    floats that were never scaled are refused: they would become sound that nobody recorded.
    """
    samples = np.asarray(samples)
    if samples.dtype.kind != "f":
        raise _bad("samples are not floats", samples.dtype.name, "floats, from kit.audio.to_float")
    code, span = float_fault(samples)
    if code == "not-finite":
        raise _bad("samples hold NaN or infinity", span, "finite values")
    if code:
        raise _bad("samples are not in [-1, 1]", span, "floats in [-1, 1]")
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)


def float_fault(samples):
    """(code, span) of what keeps float samples from being sound; ("", "") if nothing does.

    code: "not-finite" for NaN or infinity, "not-scaled" for values far outside [-1, 1], such as
    integers that were never scaled. span: "least to greatest".
    """
    if not samples.size:
        return "", ""
    low, high = float(samples.min()), float(samples.max())  # NaN wins in both
    span = f"{low:g} to {high:g}"
    if not np.isfinite(low + high):
        return "not-finite", span
    return ("not-scaled", span) if max(-low, high) > LOUDEST else ("", "")


def to_mono(samples):
    """float64[frames]: the mean of the channels of float64[frames, channels]."""
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2):
        raise _bad("samples have the wrong shape", samples.shape, "[frames] or [frames, channels]")
    if samples.dtype.kind != "f":
        raise _bad("samples are not floats", samples.dtype.name, "floats, from kit.audio.to_float")
    return samples.mean(1) if samples.ndim == 2 else samples


def resample(samples, rate, new_rate):
    """Samples at `new_rate` (Hz) of samples at `rate`: frames * new_rate / rate of them, rounded.

    samples: int16 or floats, [frames] or [frames, channels]: not a batch of clips.

    Band-limited, with soxr at its very high quality: flat to 91 % of the new band edge, and
    free of alias. int16 stay int16, rounded and clipped; floats keep their type.
    """
    import soxr

    samples = np.asarray(samples)
    if samples.dtype not in (np.int16, np.float32, np.float64) or samples.ndim not in (1, 2):
        found = f"{samples.dtype.name}{samples.shape}"
        raise _bad(
            "samples cannot be resampled", found, "int16 or floats, [frames] or [frames, channels]"
        )
    for name, value in (("rate", rate), ("new_rate", new_rate)):
        if not isinstance(value, numbers.Real) or not MIN_RATE <= value <= MAX_RATE:
            raise _bad(f"{name} is not a sample rate", value, f"{MIN_RATE} to {MAX_RATE} Hz")
    if rate == new_rate:
        return samples
    if samples.dtype == np.int16:
        return to_int16(resample(samples / 32_768, rate, new_rate))
    return soxr.resample(samples, rate, new_rate, quality="VHQ")


def fit(samples, length, where="centre"):
    """Samples cut or zero-padded to `length` frames.

    where: "centre" keeps or puts the middle in the middle, "start" keeps or puts the first sample
    first. uint8 is refused: its silence is not 0.
    """
    samples = np.asarray(samples)
    if where not in ("centre", "start"):
        raise _bad("where is not a place", where, "centre, start")
    if not isinstance(length, numbers.Real) or not 0 < length < 2**40 or length != int(length):
        raise _bad("length is not a number of samples", length, "a whole number above 0")
    if samples.dtype == np.uint8:
        raise _bad("samples are unsigned", "uint8", "floats or int16, from kit.audio.to_float")
    spare = int(length) - len(samples)
    first = abs(spare) // 2 if where == "centre" else 0
    if spare <= 0:
        return samples[first : first + int(length)]
    return np.pad(samples, [(first, spare - first)] + [(0, 0)] * (samples.ndim - 1))


def _bad(what, found, allowed):
    return KitError(what, found=found, allowed=allowed, code="audio")
