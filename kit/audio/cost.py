"""What features cost: bytes moved and floating-point operations of one clip, in closed form.

The roofline of Williams, Waterman and Patterson 2009: a machine computes at most
min(operations/s, bytes/s x operations per byte). Needs NumPy alone.
"""

import numpy as np

from kit.audio import tables


def bytes_per_clip(spec, samples, dtype=np.int16):
    """(read, written): bytes of the samples of a clip and of its features, float32.

    What a perfect program moves: every sample once, every coefficient once, nothing between.
    """
    return samples * np.dtype(dtype).itemsize, 4 * spec.frames(samples) * spec.coeffs


def operations_per_clip(spec, samples):
    """dict of step -> floating-point operations of one clip of `samples` samples.

    A multiply-add counts as two, a logarithm as one. FFT: 2.5 N log2 N for a real transform of N
    points, the count by which FFTs are compared (Frigo and Johnson 1998).
    """
    weights = tables.mel_weights(spec)
    frame = {
        "window": spec.window * (1 + 2 * bool(spec.pre_emphasis) + 2 * spec.remove_dc),
        "FFT": 2.5 * spec.fft * np.log2(spec.fft),
        "power": (3 if spec.power == 2 else 4) * spec.bins,
        "mel": 2 * np.count_nonzero(weights),
        "log": 2 * spec.mels,
        "DCT": 2 * spec.mels * spec.coeffs if spec.dct == "ortho" else 0,
    }
    frames = spec.frames(samples)
    return {step: frames * float(count) for step, count in frame.items()}


def roofline(spec, samples, gflops, gbs, dtype=np.int16):
    """(clips/s, what limits): the most that a machine of `gflops` GFLOP/s and `gbs` GB/s can do.

    what limits: "memory" or "arithmetic".
    """
    by_memory = gbs * 1e9 / sum(bytes_per_clip(spec, samples, dtype))
    by_arithmetic = gflops * 1e9 / sum(operations_per_clip(spec, samples).values())
    return min((by_memory, "memory"), (by_arithmetic, "arithmetic"))
