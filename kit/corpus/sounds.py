"""From files to one array of clips: mono, one rate, one length, int16; each step is a named one."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kit.audio import fit, resample, to_float, to_int16, to_mono
from kit.corpus.clips import decode, open_clip


def read_sound(path, rate=16_000):
    """int16[samples] of the sound file `path`, mixed to mono and resampled to `rate` Hz."""
    return _converted(decode(path), rate)


def waveforms(table, rate=16_000, seconds=1.0, where="centre"):
    """int16[rows, rate * seconds]: the clips of a clip table, in its order.

    Every clip is mixed to mono, resampled to `rate` (Hz), and cut or zero-padded to `seconds`;
    `where`: see kit.audio.fit. Nothing is normalised. Raises KitError "changed" if a file no
    longer fits its row.
    """
    length = round(rate * seconds)
    out = np.zeros((table.height, length), np.int16)

    def fill(numbered):
        number, row = numbered
        out[number] = fit(_converted(open_clip(row), rate), length, where)

    columns = table.select("path", "offset", "num_samples", "sample_rate")
    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, enumerate(columns.iter_rows(named=True))))
    return out


def _converted(sound, rate):
    samples = sound.samples
    if samples.dtype == np.int16 and samples.shape[1] == 1:
        return resample(samples[:, 0], sound.rate, rate)  # untouched where the rate fits
    return to_int16(resample(to_mono(to_float(samples, sound.bits)), sound.rate, rate))
