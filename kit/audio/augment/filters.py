"""Rooms, microphones and narrow bands: convolution of whole batches, by FFT.

Clips are int16[n, samples], and so are the results. Needs NumPy, or CuPy for clips on the GPU.
"""

import functools

import numpy as np

from kit.audio.augment.arrays import (
    array_module,
    bad,
    check_clips,
    check_rate,
    column,
    cut,
    mean_square,
    per_clip,
    rounded,
    to_host,
)

# (Hz, dB at that frequency), straight in between over the logarithm of the frequency. The
# telephone is the band of ITU-T G.712; the others show what data sheets of such parts show, and
# are measurements of none
RESPONSES = {
    "telephone": ((100, -50), (200, -25), (300, -1), (400, 0), (3000, 0), (3400, -1), (4000, -40)),
    "mems": ((20, -12), (60, -3), (150, 0), (4000, 0), (8000, 3), (12_000, 8)),
    "laptop": ((50, -30), (100, -15), (250, -3), (800, 0), (2500, 5), (4000, -3), (8000, -9)),
    "dynamic": ((50, -12), (100, -5), (200, -1), (1500, 0), (5000, 6), (8000, 3), (15_000, -10)),
    "pocket": ((300, 0), (1000, -4), (2000, -12), (4000, -24), (8000, -36)),
}
_TAPS = 511  # of a microphone: 31 Hz between its points, at 16 kHz
_BAND_TAPS, _BETA = 255, 8.0  # Kaiser window: 80 dB down, 320 Hz beyond the edge at 16 kHz


def reverberate(clips, impulse_response):
    """Clips as heard in a room, each at the level (mean square) that it had.

    impulse_response: float[taps], or float[n, taps], one a clip, at the rate of the clips, such as
    `room_impulse_response` makes or a recording. The direct sound, which is the first tap of at
    least half the height of the highest, keeps its place: the delay before it is removed.
    """
    check_clips(clips)
    response = _checked(impulse_response, clips)
    height = abs(response)
    direct = to_host((height >= 0.5 * height.max(1, keepdims=True)).argmax(1))
    samples = clips.astype(np.float32)
    heard = _convolved(samples, response, direct)
    before, after = mean_square(samples), mean_square(heard)
    kept = np.sqrt(np.divide(before, after, out=np.zeros(len(clips)), where=after > 0))
    return rounded(heard * column(kept, heard))


def microphone(clips, response, rate=16_000):
    """Clips through the microphone `response`, a name in RESPONSES; nothing is delayed."""
    check_clips(clips)
    if not isinstance(response, str) or response not in RESPONSES:
        raise bad("no such microphone", response, ", ".join(RESPONSES))
    return _filtered(clips, _microphone(response, check_rate(rate))[None])


def band_limit(clips, hz, rate=16_000):
    """Clips without what lies above `hz`, a number or one a clip; nothing is delayed.

    hz: where half of the amplitude is left, 200 to half the rate. Linear phase, 80 dB.
    """
    check_clips(clips)
    rate = check_rate(rate)
    edge = 2 * per_clip("hz", hz, clips, 200, rate / 2)[:, None] / rate
    taps = edge * np.sinc(edge * (np.arange(_BAND_TAPS) - _BAND_TAPS // 2))
    taps *= np.kaiser(_BAND_TAPS, _BETA)
    return _filtered(clips, taps / taps.sum(1, keepdims=True))


def _filtered(clips, taps):
    taps = array_module(clips).asarray(taps.astype(np.float32))
    middle = np.full(len(taps), taps.shape[1] // 2)
    return rounded(_convolved(clips.astype(np.float32), taps, middle))


def _convolved(samples, responses, first):
    """float32[n, samples]: rows convolved with responses, one or n; `first`: what becomes row 0."""
    xp = array_module(samples)
    n, length = samples.shape
    size = fast_length(length + responses.shape[1] - 1)
    spectrum = xp.fft.rfft(samples, size) * xp.fft.rfft(responses, size)
    whole = xp.fft.irfft(spectrum, size)
    return cut(whole.reshape(-1), np.arange(n) * size + first, length)


@functools.cache
def fast_length(least):
    """The smallest even product of 2, 3 and 5 from `least` up: FFTs of such lengths are quick."""
    powers = [3**a * 5**b for a in range(12) for b in range(8) if 3**a * 5**b < 2 * least]
    return min(p << max(1, (-(-least // p) - 1).bit_length()) for p in powers)


@functools.lru_cache(64)
def _microphone(name, rate):
    """float64[taps], symmetric: the response sampled, and faded out at both ends."""
    hertz, db = np.array(RESPONSES[name], float).T
    wanted = np.fft.rfftfreq(2 * _TAPS, 1 / rate)
    level = np.interp(np.log(np.maximum(wanted, 1)), np.log(hertz), db)
    taps = np.roll(np.fft.irfft(10 ** (level / 20)), _TAPS // 2)[:_TAPS]
    return taps * np.hanning(_TAPS + 2)[1:-1]


def _checked(response, clips):
    """float32[1 or n, taps] where the clips lie."""
    xp = array_module(clips)
    allowed = f"finite floats[taps] or [{len(clips)}, taps], none of them silent"
    if not hasattr(response, "dtype") or array_module(response) is not xp:
        raise bad("impulse_response does not lie with the clips", type(response).__name__, allowed)
    found = response[None] if response.ndim == 1 else response
    if found.dtype.kind != "f" or found.ndim != 2 or len(found) not in (1, len(clips)):
        raise bad("impulse_response is none", f"{response.dtype}{response.shape}", allowed)
    peak = to_host(abs(found).max(1)) if found.shape[1] else np.zeros(1)  # NaN wins
    if not (np.isfinite(peak) & (peak > 0)).all():
        raise bad("impulse_response is silent, or not finite", f"peaks {peak[:3]}", allowed)
    return found.astype(np.float32)
