"""Named steps from a decoded file to clips of one shape: to_mono, resample, fit, to_int16.

Nothing here happens unless it is asked for. Shapes: samples are [frames] or [frames, channels].
"""

import numpy as np

from kit.errors import KitError

_FULL = {"uint8": 128, "int16": 32_768, "int32": 2_147_483_648}


def to_float(samples, bits=None):
    """float64 in [-1, 1) of stored samples, same shape.

    samples: uint8 (silence is 128), int16, int32, float32 or float64. bits: significant bits of
    int32 that hold fewer, such as 24; default all. Floats are taken as they are.
    """
    samples = np.asarray(samples)
    if samples.dtype.kind == "f":
        return samples.astype(float)
    if samples.dtype.name not in _FULL:
        raise _bad("samples have a type that is not audio", samples.dtype.name, ", ".join(_FULL))
    full = (
        _FULL[samples.dtype.name] if bits is None or samples.dtype != np.int32 else 2 ** (bits - 1)
    )
    return (samples.astype(float) - (128 if samples.dtype == np.uint8 else 0)) / full


def to_int16(samples):
    """int16 of float samples in [-1, 1]: rounded to the nearest, and clipped at full scale."""
    return np.clip(np.rint(np.asarray(samples) * 32_768), -32_768, 32_767).astype(np.int16)


def to_mono(samples):
    """float64[frames]: the mean of the channels of float64[frames, channels]."""
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2):
        raise _bad("samples have the wrong shape", samples.shape, "[frames] or [frames, channels]")
    if samples.dtype.kind != "f":
        raise _bad("samples are not floats", samples.dtype.name, "floats, from kit.audio.to_float")
    return samples.mean(1) if samples.ndim == 2 else samples


def resample(samples, rate, new_rate):
    """Samples at `new_rate` (Hz) of samples at `rate`: round(frames * new_rate / rate) frames.

    Band-limited, with soxr at its very high quality: flat to 91 % of the new band edge, and
    free of alias. int16 stay int16, rounded and clipped; floats keep their type.
    """
    import soxr

    samples = np.asarray(samples)
    for name, value in (("rate", rate), ("new_rate", new_rate)):
        if not 100 <= value <= 1_000_000:
            raise _bad(f"{name} is not a sample rate", value, "100 to 1000000 Hz")
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
    if not length > 0 or length != int(length):
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
