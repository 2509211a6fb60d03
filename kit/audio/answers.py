"""Closed forms in the units that questions ask in; used by notebooks/questions/04.toml."""

import math

import numpy as np

from kit.audio import cost, tables
from kit.audio.spec import preset


def frames(seconds, window_ms, hop_ms):
    """Frames of a clip of `seconds` at 16 kHz without padding."""
    spec = preset("kws", window=round(16 * window_ms), hop=round(16 * hop_ms), fft=4096)
    return spec.frames(round(16_000 * seconds))


def feature_share(hop_ms, coeffs):
    """Bytes of float32 features in per cent of the bytes of a second of int16 at 16 kHz."""
    spec = preset("kws", hop=round(16 * hop_ms), coeffs=coeffs)
    read, written = cost.bytes_per_clip(spec, 16_000)
    return 100 * written / read


def bin_width_hz(fft):
    """Distance of two bins of an FFT of `fft` points at 16 kHz, Hz."""
    return 16_000 / fft


def mel_of(hz):
    """Mel value of a frequency (Hz) on the HTK scale."""
    return float(tables.hz_to_mel(hz, "htk"))


def gain_shift(db):
    """By how much a level change of `db` dB moves the natural logarithm of a mel energy."""
    return db / 10 * math.log(10)


def corpus_hours(million_clips, clips_per_s):
    """Hours to make the features of so many million clips."""
    return million_clips * 1e6 / clips_per_s / 3600


def roofline_rate(gflops, gbs, mflop_per_clip, kb_per_clip):
    """Thousand clips/s that a machine can do at most."""
    return min(gflops * 1e3 / mflop_per_clip, gbs * 1e6 / kb_per_clip) / 1e3


def bend(gflops, gbs):
    """Operations per byte where memory and arithmetic limit alike."""
    return gflops / gbs


def fft_share(fft, mels, coeffs):
    """Share of the FFT in the operations of the preset kws with these sizes, per cent."""
    spec = preset("kws", fft=fft, mels=mels, coeffs=coeffs)
    steps = cost.operations_per_clip(spec, 16_000)
    return 100 * steps["FFT"] / sum(steps.values())


def rms_db(gap_db, silent_percent):
    """Root mean square distance if frames differ by `gap_db` but for the silent ones, dB."""
    return gap_db * float(np.sqrt(1 - silent_percent / 100))
