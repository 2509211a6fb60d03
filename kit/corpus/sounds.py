"""From files to one array of clips: mono, one rate, one length, int16; each step is a named one."""

import numbers
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kit.audio import fit, resample, to_float, to_int16, to_mono
from kit.corpus.clips import cut_clip, decode
from kit.errors import KitError


def read_sound(path, rate=16_000):
    """int16[samples] of the sound file `path`, mixed to mono and resampled to `rate` Hz."""
    return mono(decode(path), rate, path)


def waveforms(table, rate=16_000, seconds=1.0, where="centre"):
    """int16[rows, rate * seconds]: the clips of a clip table, in its order.

    Every clip is mixed to mono, resampled to `rate` (Hz), and cut or zero-padded to `seconds`;
    `where`: see kit.audio.fit. Nothing is normalised. A file with many clips is decoded once.
    Raises KitError "changed" if a file no longer fits its rows.
    """
    _check(table, rate, seconds)
    out = np.zeros((table.height, round(rate * seconds)), np.int16)
    columns = table.select("path", "offset", "num_samples", "sample_rate").with_row_index("place")
    files = columns.partition_by("path", maintain_order=True)

    def fill(rows):
        sound = decode(rows["path"][0])
        for row in rows.iter_rows(named=True):
            clip = mono(cut_clip(sound, row), rate, row["path"])
            out[row["place"]] = fit(clip, out.shape[1], where)

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, files))
    return out


def mono(sound, rate, path):
    """int16[samples] at `rate` Hz of a decoded Wav; int16 mono at that rate stay untouched.

    path: for the message, should it not be possible.
    """
    samples = sound.samples
    try:
        if samples.dtype == np.int16 and samples.shape[1] == 1:
            return resample(samples[:, 0], sound.rate, rate)
        return to_int16(resample(to_mono(to_float(samples, sound.width)), sound.rate, rate))
    except KitError as fault:
        raise KitError(
            f"{path} cannot be converted",
            found=str(fault),
            remedy="load the table again: kit.corpus.load_clips rejects such files",
            code=fault.code,
        ) from fault


def _check(table, rate, seconds):
    if not hasattr(table, "partition_by"):
        raise KitError(
            "table is not a clip table",
            found=type(table).__name__,
            allowed="the table of kit.corpus.load_clips(...)",
            remedy="hand over its .table",
            code="bad-table",
        )
    missing = {"path", "offset", "num_samples", "sample_rate"} - set(table.columns)
    if missing:
        raise KitError("the clip table lacks columns", found=sorted(missing), code="bad-table")
    good = isinstance(rate, numbers.Real) and isinstance(seconds, numbers.Real)
    if not good or not 0 < rate * seconds < 2**31:
        raise KitError(
            "rate and seconds make no clip",
            found=f"{rate} Hz, {seconds} s",
            allowed="numbers above 0",
        )
