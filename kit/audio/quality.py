"""Quality of clips by numbers: level, clipping, signal-to-noise ratio, speech span, bandwidth.

All work on int16[n, samples] and give one value a clip. Needs NumPy; `quality_table` polars.
"""

import numpy as np

from kit.audio.features import _check_array
from kit.errors import KitError

FRAME_S = 0.01
_FULL = 32_768
_QUIET_SHARE = 0.1  # of the frames that hold sound: taken for the noise between the words
_ABOVE_NOISE_DB, _BELOW_PEAK_DB = 6.0, 35.0  # what counts as speech: both must hold
_BAND_DB = 55.0  # a band this far below the loudest is empty: codecs and resamplers leave less
_CLIPPED_RUN = 3  # samples in a row at full scale; fewer happen in sound that is merely loud
_AT_ONCE = 256  # clips: keeps the work in memory small


def quality_table(clips, rate=16_000):
    """polars table, one row a clip of int16[n, samples] at `rate` Hz.

    level_db, peak_db: root mean square and largest sample below full scale, dB. dc: mean sample,
    share of full scale. clipped_share: samples in runs at full scale. zero_share: samples that
    are exactly 0. snr_db: see `snr`. speech_start_s, speech_s: see `speech_span`. bandwidth_hz:
    see `bandwidth`. A silent clip has the level -inf, and null where a value has no meaning.
    """
    import polars as pl

    _check(clips, rate)
    parts = [_measured(clips[i : i + _AT_ONCE], rate) for i in range(0, len(clips), _AT_ONCE)]
    columns = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    return pl.DataFrame(columns).with_columns(pl.selectors.float().fill_nan(None))


def snr(clips, rate=16_000):
    """float64[n]: signal-to-noise ratio of each clip in dB; NaN for one without sound.

    Noise is the power of the quietest tenth of the frames that hold sound; the signal is the
    power of the speech frames, less the noise. Digital silence is left out: it was added later.
    A clip cut so closely that nothing lies between the words has no quiet frames, and its ratio
    is underestimated. Below about 6 dB no frame stands out, and the ratio is NaN.
    """
    return _snr_of(_frame_power(clips, rate))


def _snr_of(power):
    noise, speech = _noise_power(power), _speech_frames(power)
    count = speech.sum(1)
    signal = np.divide((power * speech).sum(1), count, out=np.full(len(power), np.nan),
                       where=count > 0) - noise  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10 * np.log10(np.maximum(signal, 0) / noise)


def speech_span(clips, rate=16_000):
    """(start, length), float64[n] each: from the first to the last speech frame, s.

    A frame of 10 ms is speech if it lies 6 dB above the noise and less than 35 dB below the
    loudest frame. (NaN, 0) where there is none.
    """
    return _span_of(_frame_power(clips, rate))


def _span_of(power):
    speech = _speech_frames(power)
    some = speech.any(1)
    first = speech.argmax(1)
    last = speech.shape[1] - speech[:, ::-1].argmax(1)
    start = np.where(some, first * FRAME_S, np.nan)
    return start, np.where(some, (last - first) * FRAME_S, 0.0)


def bandwidth(clips, rate=16_000):
    """float64[n]: frequency in Hz below which everything lies that is not 55 dB under the peak.

    The mean spectrum over the clip, in bands of 100 Hz. A recording of 8 kHz that was resampled
    to 16 kHz shows 4 kHz. NaN for a silent clip.
    """
    size = int(rate * 0.02) // 2 * 2
    kept = clips[:, : clips.shape[1] // size * size].reshape(len(clips), -1, size)
    spectrum = np.abs(np.fft.rfft(kept * np.hanning(size), axis=2)) ** 2
    mean = spectrum.mean(1)
    width = max(1, round(100 / (rate / size)))
    usable = mean[:, 1 : 1 + (mean.shape[1] - 1) // width * width]
    bands = usable.reshape(len(clips), -1, width).mean(2)
    heard = bands > bands.max(1, keepdims=True) * 10 ** (-_BAND_DB / 10)
    top = bands.shape[1] - heard[:, ::-1].argmax(1)
    return np.where(bands.max(1) > 0, top * width * rate / size, np.nan)


def clipped_share(clips):
    """float64[n]: share of samples in runs of three or more at the clip's highest or lowest value.

    That is full scale, or a lower ceiling that a clipped recording keeps when it is made softer.
    """
    share = np.zeros(len(clips))
    for end in (clips.max(1, keepdims=True), clips.min(1, keepdims=True)):
        at_end = clips == end
        run = at_end[:, :-2] & at_end[:, 1:-1] & at_end[:, 2:]
        inside = np.zeros_like(at_end)
        for shift in range(_CLIPPED_RUN):
            inside[:, shift : shift + run.shape[1]] |= run
        share += inside.mean(1) * (end[:, 0] != 0)  # silence rests at 0 and is not clipped
    return share


def _measured(clips, rate):
    x = clips.astype(np.float64) / _FULL
    power = _frame_power(clips, rate)
    start, length = _span_of(power)
    with np.errstate(divide="ignore"):
        level = 10 * np.log10((x**2).mean(1))
        peak = 20 * np.log10(np.abs(x).max(1))
    return {
        "level_db": level, "peak_db": peak, "dc": x.mean(1), "clipped_share": clipped_share(clips),
        "zero_share": (clips == 0).mean(1), "snr_db": _snr_of(power), "speech_start_s": start,
        "speech_s": length, "bandwidth_hz": bandwidth(clips, rate),
    }  # fmt: skip


def _frame_power(clips, rate):
    """float64[n, frames]: mean square of frames of 10 ms, each without its mean.

    0 where more than half of a frame is exactly zero: digital silence, or the edge of it.
    """
    size = round(rate * FRAME_S)
    frames = clips[:, : clips.shape[1] // size * size].reshape(len(clips), -1, size)
    sounding = np.count_nonzero(frames, axis=2) * 2 >= size
    return np.where(sounding, frames.var(2, dtype=np.float64), 0.0)


def _noise_power(power):
    """float64[n]: mean power of the quietest tenth of the frames that hold sound; NaN for none."""
    ordered = np.sort(np.where(power > 0, power, np.inf), axis=1)
    sounding = np.isfinite(ordered).sum(1)
    quiet = np.maximum(1, (sounding * _QUIET_SHARE).astype(int))
    chosen = np.arange(power.shape[1]) < quiet[:, None]
    total = np.where(chosen & np.isfinite(ordered), ordered, 0).sum(1)
    return np.where(sounding > 0, total / quiet, np.nan)


def _speech_frames(power):
    """bool[n, frames]: which frames are speech."""
    noise = np.nan_to_num(_noise_power(power))[:, None] * 10 ** (_ABOVE_NOISE_DB / 10)
    near_peak = power.max(1, keepdims=True) * 10 ** (-_BELOW_PEAK_DB / 10)
    return (power > noise) & (power > near_peak)


def _check(clips, rate):
    _check_array(clips)
    if clips.dtype != np.int16:
        raise KitError(
            "clips are not int16",
            found=str(clips.dtype),
            allowed="int16[n, samples]",
            remedy="convert them with kit.audio.to_int16",
            code="audio",
        )
    if clips.shape[1] < rate * 0.1:
        raise KitError(
            "the clips are too short to judge",
            found=f"{clips.shape[1]} samples",
            allowed=f"{round(rate * 0.1)} or more",
            code="too-short",
        )
