"""Pitch of the voice in a clip: the fundamental frequency, by autocorrelation.

Needs NumPy alone.
"""

import numpy as np

from kit.audio.quality import _check

LOWEST_HZ, HIGHEST_HZ = 60.0, 400.0  # of adults who speak
_RATE = 8000  # enough for the harmonics that matter, and a quarter of the work
_FRAME_S, _HOP_S = 0.04, 0.02
_LEAST = 0.5  # correlation of a voiced frame with itself, one period later
_NEAR_BEST = 0.9  # of the peak: an octave below correlates as well, so the shortest such lag wins
_BELOW_PEAK_DB = 25.0
_FEWEST = 4  # voiced frames
_AT_ONCE = 256


def pitch(clips, rate=16_000):
    """float64[n]: median fundamental frequency of int16[n, samples] over the voiced frames, Hz.

    A frame of 40 ms is voiced if its normalised autocorrelation (Boersma 1993) reaches 0.5 at a
    lag of 2.5 to 17 ms, and it is not far below the loudest. NaN for a clip with less than four
    such frames, such as a whisper or silence. rate: a multiple of 8000 Hz.
    """
    _check(clips, rate)
    parts = [_of_some(clips[i : i + _AT_ONCE], rate) for i in range(0, len(clips), _AT_ONCE)]
    return np.concatenate(parts)


def _of_some(clips, rate):
    step = max(1, round(rate / _RATE))
    length = clips.shape[1] // step * step
    slow = clips[:, :length].reshape(len(clips), -1, step).mean(2, dtype=np.float32)
    frames = _frames(slow, rate / step)
    hertz, strength = _periods(frames, rate / step)
    power = (frames**2).mean(2)
    loud = power > power.max(1, keepdims=True) * 10 ** (-_BELOW_PEAK_DB / 10)
    voiced = loud & (strength >= _LEAST)
    few = voiced.sum(1) < _FEWEST
    voiced[few, 0] = True  # so that the median of a row without any is no warning
    found = np.nanmedian(np.where(voiced, hertz, np.nan), axis=1)
    return np.where(few, np.nan, found)


def _frames(clips, rate):
    """float32[n, frames, samples], faded in and out, each without its mean."""
    size, hop = round(_FRAME_S * rate), round(_HOP_S * rate)
    frames = np.lib.stride_tricks.sliding_window_view(clips, size, 1)[:, ::hop]
    return (frames - frames.mean(2, keepdims=True)) * np.hanning(size).astype(np.float32)


def _periods(frames, rate):
    """(Hz, correlation) of the best period of every frame."""
    size = frames.shape[2]
    own = _autocorrelation(frames)
    # a faded frame has less in common with itself the farther it is moved
    fading = _autocorrelation(np.hanning(size))
    own = own / np.maximum(own[..., :1], 1e-9) / (fading / fading[0])
    shortest, longest = int(rate / HIGHEST_HZ), int(rate / LOWEST_HZ)
    lags = own[..., shortest : longest + 1]
    middle = lags[..., 1:-1]
    good = (middle >= lags[..., :-2]) & (middle >= lags[..., 2:])
    good &= middle >= _NEAR_BEST * lags.max(-1, keepdims=True)
    first = good.argmax(-1)
    strength = np.where(good.any(-1), np.take_along_axis(middle, first[..., None], -1)[..., 0], 0)
    return rate / (first + 1 + shortest), strength


def _autocorrelation(frames):
    size = frames.shape[-1]
    spectrum = np.abs(np.fft.rfft(frames, 1 << (2 * size - 1).bit_length())) ** 2
    # without the high harmonics no peak falls between two lags
    spectrum *= np.cos(np.linspace(0, np.pi / 2, spectrum.shape[-1])) ** 8
    return np.fft.irfft(spectrum)[..., :size]
