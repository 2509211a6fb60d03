"""The tables of a FeatureSpec: window, filter bank, DCT, and the plan of the FFT.

All backends take their numbers from here. Needs NumPy alone.
"""

from dataclasses import dataclass

import numpy as np


def window(spec):
    """float64[window]: the window function."""
    n = np.arange(spec.window)
    turn = 2 * np.pi / spec.window
    if spec.window_function == "hann":
        return 0.5 - 0.5 * np.cos(turn * n)
    if spec.window_function == "hann-midpoint":
        return 0.5 - 0.5 * np.cos(turn * (n + 0.5))
    if spec.window_function == "hamming":
        return 0.54 - 0.46 * np.cos(turn * n)
    if spec.window_function == "povey":
        return (0.5 - 0.5 * np.cos(2 * np.pi * n / (spec.window - 1))) ** 0.85
    return np.ones(spec.window)


def hz_to_mel(hz, scale):
    """Mel value of a frequency in Hz.

    htk: 2595 log10(1 + f/700), O'Shaughnessy 1987. slaney: straight below 1 kHz, then 27 steps
    for every factor of 6.4, Auditory Toolbox 1998.
    """
    hz = np.asarray(hz, float)
    if scale == "htk":
        return 2595 * np.log10(1 + hz / 700)
    above = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
    return np.where(hz < 1000, 3 * hz / 200, above)


def mel_to_hz(mel, scale):
    """Frequency in Hz of a mel value; the inverse of hz_to_mel."""
    mel = np.asarray(mel, float)
    if scale == "htk":
        return 700 * (10 ** (mel / 2595) - 1)
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def mel_weights(spec):
    """float64[mels, bins]: triangles, band m from edge m through edge m + 1 to edge m + 2."""
    low, high = hz_to_mel([spec.fmin, spec.fmax], spec.mel_scale)
    edges = np.linspace(low, high, spec.mels + 2)
    edges_hz = mel_to_hz(edges, spec.mel_scale)
    at = np.arange(spec.bins) * spec.rate / spec.fft
    if spec.mel_triangle == "mel":
        at = hz_to_mel(at, spec.mel_scale)
    else:
        edges = edges_hz
    left, centre, right = (edges[i : i + spec.mels, None] for i in range(3))
    weights = np.minimum((at - left) / (centre - left), (right - at) / (right - centre))
    weights = np.maximum(weights, 0.0)
    if spec.mel_norm == "slaney":
        weights *= (2 / (edges_hz[2:] - edges_hz[:-2]))[:, None]
    return weights


def band_edges(weights):
    """int32[mels], int32[mels]: first bin of each band with weight, and one past the last."""
    some = weights > 0
    first = np.where(some.any(1), some.argmax(1), 0)
    last = np.where(some.any(1), weights.shape[1] - some[:, ::-1].argmax(1), 0)
    return first.astype(np.int32), last.astype(np.int32)


def dct_matrix(spec):
    """float64[coeffs, mels]: orthonormal DCT-II with the lifter; the identity where dct is none."""
    if spec.dct == "none":
        return np.eye(spec.mels)
    k, m = np.arange(spec.coeffs)[:, None], np.arange(spec.mels)
    matrix = np.sqrt(2 / spec.mels) * np.cos(np.pi * k * (m + 0.5) / spec.mels)
    matrix[0] /= np.sqrt(2)
    if spec.lifter:
        matrix *= 1 + spec.lifter / 2 * np.sin(np.pi * k / spec.lifter)
    return matrix


@dataclass(frozen=True)
class FftPlan:
    """An in-place mixed-radix FFT of `size` complex points, decimation in frequency.

    radices: of the stages, first to last. twiddles: for each stage but the last, where all are
    one, complex128[step, radix - 1]: for each place in a block and each output but the first.
    order: int32[size]; X[k] ends at place order[k].
    """

    size: int
    radices: tuple
    twiddles: tuple
    order: np.ndarray


def fft_plan(size, allowed=(4, 5, 3, 2)):
    """FftPlan of `size` points with radices out of `allowed`, tried in that order."""
    radices = _factors(size, allowed)
    twiddles, block = [], size
    for radix in radices[:-1]:
        j, i = np.arange(block // radix)[:, None], np.arange(1, radix)
        twiddles.append(np.exp(-2j * np.pi * i * j / block))
        block //= radix
    order, rest, block = np.zeros(size, np.int32), np.arange(size), size
    for radix in radices:
        block //= radix
        order += (rest % radix * block).astype(np.int32)
        rest = rest // radix
    return FftPlan(size, radices, tuple(twiddles), order)


def real_turn(spec):
    """complex128[fft / 4 + 1]: turns of the odd half, where an FFT of pairs becomes a real one."""
    return np.exp(-2j * np.pi * np.arange(spec.fft // 4 + 1) / spec.fft)


def pack_bands(weights):
    """(first, last, packed): int32[mels] edges of each band, and its weights, one after another."""
    first, last = band_edges(weights)
    rows = zip(weights, first, last, strict=True)
    return first, last, np.concatenate([w[a:b] for w, a, b in rows])


def _factors(size, allowed):
    found = []
    for radix in allowed:
        while size % radix == 0 and size > 1:
            found.append(radix)
            size //= radix
    return tuple(found)
