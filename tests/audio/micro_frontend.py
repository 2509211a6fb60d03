"""The micro frontend of TensorFlow Lite Micro in float64: a second opinion on its integers.

Written from its sources (tensorflow/lite/experimental/microfrontend/lib, Apache-2.0) with the
settings that pymicro_features fixes. The gain control is PCEN: Wang et al. 2017, "Trainable
Frontend for Robust and Far-Field Keyword Spotting". Values have the units of TFLM's integers.

TFLM's int16 FFT adds noise that no float model has: 0.8 squared steps a bin, which is 63 to 79 dB
below a tone in the same frame, per channel. Gain control lifts it where the input has less.
"""

import numpy as np

RATE, FRAME, STEP, FFT = 16_000, 480, 160, 512
CHANNELS, LOW_HZ, HIGH_HZ = 40, 125.0, 7500.0

# FFT / 512, weights * 4096, hence the root * 64; the input shift cancels out
MAGNITUDE_SCALE = 1 / 8

# TFLM truncates these shares to 14 bits
SMOOTHING = np.where(np.arange(CHANNELS) % 2, int(0.06 * 2**14), int(0.025 * 2**14)) / 2**14
SIGNAL_KEPT = int(0.05 * 2**14) / 2**14
CORRECTION = 8  # log2(512) - 12 / 2 = 3 bits: back to the magnitudes of a plain FFT
PCAN_OFFSET, PCAN_STRENGTH = 80.0, 0.95
LOG_STEP, OUTPUT_FACTOR = 1 / 64, 0.0390625

# the least steps of: noise estimate, cleaned signal, signal-to-noise ratio, gain control's output
BITS = {"estimate": 10, "clean": 0, "snr": 12, "gained": 6}


def frontend_constants():
    """The tables: window float64[480] and mel weights float64[257, 40]; and the scale of both."""
    return {"window": _window(), "weights": _weights(), "scale": MAGNITUDE_SCALE}


def mel_magnitude(samples):
    """float64[frames, 40] from int16 samples: roots of weighted power, in TFLM's integer units."""
    if len(samples) < FRAME:
        return np.zeros((0, CHANNELS))
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, float), FRAME)[::STEP]
    power = np.abs(np.fft.rfft(frames * _window(), FFT)) ** 2
    return MAGNITUDE_SCALE * np.sqrt(power @ _weights())


def after_filterbank(mel, truncate=False):
    """float64[frames, 40]: noise reduction, gain control, logarithm, from mel_magnitude's values.

    truncate: cut off the bits that TFLM cuts off; its two lookup tables stay closed forms.
    """

    def cut(values, name):
        return np.floor(values * 2.0 ** BITS[name]) / 2.0 ** BITS[name] if truncate else values

    mel = np.floor(mel) if truncate else np.asarray(mel, float)
    estimate, out = np.zeros(CHANNELS), np.empty(mel.shape)
    for row, frame in enumerate(mel):
        estimate = cut(SMOOTHING * frame + (1 - SMOOTHING) * estimate, "estimate")
        rest = cut(np.maximum(frame - estimate, 0), "clean")
        clean = np.maximum(rest, cut(SIGNAL_KEPT * frame, "clean"))
        gain = (CORRECTION * estimate + PCAN_OFFSET) ** -PCAN_STRENGTH
        snr = cut(CORRECTION * clean * gain, "snr")
        gained = cut(np.where(snr < 2, snr**2 / 4, snr - 1), "gained")
        out[row] = np.log(np.maximum(2.0 ** BITS["gained"] * CORRECTION * gained, 1))
    steps = out / LOG_STEP
    return OUTPUT_FACTOR * (np.round(steps) if truncate else steps)


def _window():
    """Hann, at the midpoints between whole samples."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(FRAME) + 0.5) / FRAME)


def _weights():
    """Triangles of height 1, straight in mel, on 42 evenly spaced edges. Zero outside the band."""
    edges = np.linspace(_mel(LOW_HZ), _mel(HIGH_HZ), CHANNELS + 2)
    place = _mel(np.arange(FFT // 2 + 1) * RATE / FFT)[:, None]
    rising = (place - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - place) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None)


def _mel(hertz):
    return 1127.0 * np.log1p(np.asarray(hertz, float) / 700.0)
