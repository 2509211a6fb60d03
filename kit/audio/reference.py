"""Features in float64, step by step and plainly: the truth that other backends are held to.

Needs NumPy alone.
"""

import numpy as np

from kit.audio import tables

INT16_SCALE = 32_768


def extract(audio, spec):
    """float64[n, frames, coeffs] of `audio`, int16 or float[n, samples]; see kit.audio.extract."""
    return np.stack([stages(clip, spec)["coeffs"] for clip in audio])


def stages(clip, spec):
    """Every step from one clip, int16 or float[samples], to its features: dict of arrays.

    frames, windowed: [frames, window], in units of full_scale. power: [frames, bins].
    mel, log_mel: [frames, mels]. coeffs: [frames, coeffs]. All float64.
    """
    frames = cut(samples_of(clip, spec), spec)
    windowed = shape_frames(frames, spec)
    power = np.abs(np.fft.rfft(windowed, spec.fft)) ** spec.power
    mel = power @ tables.mel_weights(spec).T
    log_mel = spec.log_scale * np.log(np.maximum(mel, spec.floor))
    if spec.clip_range is not None:
        log_mel = np.maximum(log_mel, log_mel.max() - spec.clip_range)
    coeffs = log_mel @ tables.dct_matrix(spec).T
    return {
        "frames": frames, "windowed": windowed, "power": power, "mel": mel,
        "log_mel": log_mel, "coeffs": coeffs,
    }  # fmt: skip


def samples_of(clip, spec):
    """float64[samples] in units of full_scale, from int16 or from float in [-1, 1]."""
    unit = INT16_SCALE if clip.dtype == np.int16 else 1
    return clip.astype(float) * (spec.full_scale / unit)


def cut(samples, spec):
    """float64[frames, window]: overlapping frames, padded as the spec says."""
    count = spec.frames(len(samples))
    at = np.arange(count)[:, None] * spec.hop - spec.lead + np.arange(spec.window)
    if spec.padding == "reflect":
        last = len(samples) - 1
        return samples[last - np.abs(last - np.abs(at))]
    inside = (at >= 0) & (at < len(samples))
    return np.where(inside, samples[np.clip(at, 0, len(samples) - 1)], 0.0)


def shape_frames(frames, spec):
    """Frames without their mean, pre-emphasised and windowed, as far as the spec asks for it."""
    if spec.remove_dc:
        frames = frames - frames.mean(1, keepdims=True)
    if spec.pre_emphasis:
        before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)  # Kaldi repeats the first
        frames = frames - spec.pre_emphasis * before
    return frames * tables.window(spec)
