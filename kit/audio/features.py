"""extract: the one entry point from clips to features. Needs NumPy, and what the backend needs."""

import numbers

import numpy as np

from kit.audio.convert import float_fault
from kit.audio.spec import FeatureSpec
from kit.errors import KitError

BACKENDS = ("auto", "cpu", "gpu", "reference")


def extract(audio, spec, backend="auto", rate=None):
    """Features of a batch of clips: float32[n, frames, coeffs].

    Parameters
    ----------
    audio: int16, or float32 in [-1, 1], of shape [n, samples]: n clips of one length, mono. A CuPy
    array on the GPU gives a CuPy array.
    spec: FeatureSpec, or the name of a preset.
    backend: "reference" (float64, slow, the truth), "cpu" (float32, all cores), "gpu" (float32,
    CUDA), or "auto": the GPU where there is one, else the CPU.
    rate: sample rate of `audio` in Hz, compared with the spec if given.

    A clip gives the same bytes alone, in any batch and in any process, on one backend of one
    machine; backends differ by rounding. Raises KitError on anything it cannot compute rightly.
    """
    spec = as_spec(spec)
    on_gpu = hasattr(audio, "__cuda_array_interface__")
    _check_array(audio)
    _check_rate(spec, rate)
    spec.frames(audio.shape[1])
    backend = _choose(backend, on_gpu, spec, audio)
    if not on_gpu:
        _check_values(audio)
    if backend == "gpu":
        from kit.audio import gpu

        return gpu.extract(audio, spec)
    if backend == "reference":
        from kit.audio import reference

        return reference.extract(audio, spec).astype(np.float32)
    return _cpu().extract(np.ascontiguousarray(audio), spec)


def as_spec(spec):
    """A FeatureSpec from a FeatureSpec or from the name of a preset."""
    from kit.audio.spec import preset

    if isinstance(spec, str):
        return preset(spec)
    if not isinstance(spec, FeatureSpec):
        raise KitError(
            "spec is not a FeatureSpec",
            found=type(spec).__name__,
            allowed="a FeatureSpec or the name of a preset",
            remedy='take one with kit.audio.preset("kws")',
            code="spec",
        )
    return spec


def _check_array(audio):
    shape, dtype = getattr(audio, "shape", None), getattr(audio, "dtype", None)
    if shape is None or dtype is None:
        raise _bad("is not an array", type(audio).__name__, "an array of clips", "np.stack(clips)")
    if not isinstance(dtype, np.dtype):  # a tensor of another library
        raise _bad("is not a NumPy array", type(audio).__name__, "NumPy or CuPy", "np.asarray(x)")
    if dtype not in (np.int16, np.float32):
        raise _bad(
            "has a type that is not audio",
            str(dtype),
            "int16, or float32 in [-1, 1]",
            _conversion(dtype),
        )
    if len(shape) != 2:
        remedy = {1: "add an axis: audio[None]", 3: "mix each clip first: to_mono(to_float(clip))"}
        raise _bad(
            "has the wrong shape",
            shape,
            "[n, samples]: clips of one length, mono",
            remedy.get(len(shape), "give clips as rows"),
        )
    if not shape[0]:
        raise _bad("is empty", shape, "one clip or more", "check the filter that chose the clips")


def _conversion(dtype):
    """What turns samples of `dtype` into int16 without changing the sound."""
    if dtype.newbyteorder() == np.dtype(np.int16):
        return "audio.astype(np.int16) brings the bytes into order"
    if dtype.kind == "f":
        return "kit.audio.to_int16(audio) if it lies in [-1, 1]"
    return "kit.audio.to_int16(kit.audio.to_float(audio))"


def _check_rate(spec, rate):
    if rate is not None and not isinstance(rate, numbers.Real):
        raise _bad("has a rate that is no number", rate, f"{spec.rate}, in Hz", "give it in Hz")
    if rate is not None and rate != spec.rate:
        raise _bad(
            "has another sample rate than the spec",
            f"{rate:g} Hz",
            f"{spec.rate} Hz",
            f"np.stack([kit.audio.resample(x, {rate:g}, {spec.rate}) for x in audio])",
        )


def _check_values(audio):
    """NaN, infinity, and integers that were turned into floats without scaling."""
    if audio.dtype == np.int16:
        return
    code, span = float_fault(audio)
    if code == "not-finite":
        row = int(np.argmin([np.isfinite(clip).all() for clip in audio]))
        raise _bad("holds NaN or infinity", f"clip {row}", "finite values", f"drop clip {row}")
    if code:
        allowed, remedy = "float32 in [-1, 1]", "divide by 32768, or hand over int16"
        raise _bad("is not in [-1, 1]", span, allowed, remedy)


def _choose(backend, on_gpu, spec, audio):
    from kit.audio import gpu

    if backend not in BACKENDS:
        raise KitError(
            "no such backend", found=backend, allowed=", ".join(BACKENDS), code="backend"
        )
    if on_gpu and backend in ("cpu", "reference"):
        raise _bad("lies on the GPU", backend, "backend gpu or auto", "audio.get()")
    fits = backend == "auto" and gpu.available() and gpu.fits(spec, audio.dtype, audio.shape[1])
    if on_gpu or fits:
        return "gpu"
    return "cpu" if backend == "auto" else backend


def _cpu():
    try:
        from kit.audio import cpu
    except ImportError as cause:
        raise KitError(
            "the CPU backend needs numba",
            found=str(cause),
            remedy='install numba, or use backend="reference"',
            code="backend",
        ) from cause
    return cpu


def _bad(fault, found, allowed, remedy):
    return KitError(f"audio {fault}", found=found, allowed=allowed, remedy=remedy, code="audio")
