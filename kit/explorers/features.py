"""The explorer of the lesson on feature extraction: from a clip to its coefficients."""

import functools

import numpy as np
import polars as pl

from kit.audio import cost, preset, reference
from kit.errors import KitError
from kit.explorers.base import Control, Explorer
from kit.numbers import plural, shown, si
from kit.views import features as views

_RATE = 16_000
_SHORTEST_S, _LONGEST_S = 0.1, 10.0


def _clip(value):
    """A clip to look at: int16[samples] at 16 kHz; None for a word of the committed sample."""
    if value is None:
        return _sample()
    good = isinstance(value, np.ndarray) and value.dtype == np.int16 and value.ndim == 1
    if not good or not _SHORTEST_S <= len(value) / _RATE <= _LONGEST_S:
        raise KitError(
            "clip is not a clip to look at",
            found=f"{type(value).__name__} {getattr(value, 'dtype', '')}"
            f"{getattr(value, 'shape', '')}",
            allowed=f"int16[samples] at 16 kHz, {_SHORTEST_S:g} to {_LONGEST_S:g} s",
            remedy="kit.corpus.read_sound(path) makes one of any file",
        )
    return value


@functools.cache
def _sample():
    from kit.audio import fit, read_wav, resample
    from kit.paths import root

    wav = read_wav(root() / "data" / "sample" / "7_en-us_0.wav")
    return fit(resample(wav.samples[:, 0], wav.rate, _RATE), _RATE)


def spec_of(window_ms, hop_ms, mels, coeffs):
    """The preset kws with these sizes; the FFT is the next power of two."""
    window, hop = round(window_ms * _RATE / 1000), round(hop_ms * _RATE / 1000)
    fft = max(64, 1 << (window - 1).bit_length())
    return preset("kws", window=window, hop=hop, fft=fft, mels=mels, coeffs=min(coeffs, mels))


def _steps(clip, window_ms, hop_ms, mels, coeffs):
    spec = spec_of(window_ms, hop_ms, mels, coeffs)
    seen = reference.stages(clip, spec)
    work = cost.operations_per_clip(spec, len(clip))
    rows = [  # step, array, bytes a value, operations
        ("samples", clip[None], 2, 0.0),
        ("frames", seen["windowed"], 4, work["window"]),
        ("power", seen["power"], 4, work["FFT"] + work["power"]),
        ("log mel", seen["log_mel"], 4, work["mel"] + work["log"]),
        ("MFCC", seen["coeffs"], 4, work["DCT"]),
    ]
    drawn = ("samples", "log mel", "MFCC")
    return pl.DataFrame(
        {
            "step": [name for name, *_ in rows],
            "rows": [len(x) for _, x, *_ in rows],
            "columns": [x.shape[1] for _, x, *_ in rows],
            "size_kb": [x.size * size / 1e3 for _, x, size, _ in rows],
            "work_mflop": [operations / 1e6 for *_, operations in rows],
            "hop_ms": [float(hop_ms)] * len(rows),
            "values": [_values(x if n in drawn else x[:0]) for n, x, *_ in rows],
        }
    )


def _values(array):
    return pl.Series(array.ravel().astype(np.float32))


def _summary(table):
    by = {row["step"]: row for row in table.iter_rows(named=True)}
    raw, features = by["samples"]["size_kb"], by["MFCC"]["size_kb"]
    work, moved = table["work_mflop"].sum(), raw + features
    return (
        f"{plural(by['MFCC']['rows'], 'frame')} of {plural(by['frames']['columns'], 'sample')}, "
        f"{plural(by['MFCC']['columns'], 'coefficient')} each. {shown(raw)} kB of sound become "
        f"{shown(features)} kB of features, {shown(100 * features / raw)} %. They take "
        f"{si(work * 1e6, 'FLOP')} a clip: {shown(work * 1e3 / moved)} operations for a byte moved."
    )


def _rows(table):
    return table.select("step", "rows", "columns", "size_kb", "work_mflop")


EXPLORERS = {
    "features": Explorer(
        "features",
        "From a clip to its features",
        (
            Control("window_ms", "window", "ms", 25.0, "linear", 5, 100, 1),
            Control("hop_ms", "hop", "ms", 10.0, "linear", 4, 50, 1),
            Control("mels", "mel bands", "", 40, "whole", 8, 96),
            Control("coeffs", "coefficients", "", 13, "whole", 4, 40),
            Control("clip", "clip", "", None, "given", options=(_clip,)),
        ),
        _steps, views.steps, _summary, _rows,
    ),
}  # fmt: skip
