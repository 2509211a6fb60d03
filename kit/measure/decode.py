"""Decode rates: from stored bytes to an array that a model can read."""

import io

import numpy as np

from kit.measure.record import Measurement
from kit.measure.timing import PROBE_SECONDS, time_runs
from kit.quantities import quantity

_RATE_HZ = 16_000


def wav_decode(clips=200, seconds=1.0):
    """Rate at which WAV clips held in memory become int16 arrays: Measurement in clips/s.

    clips: how many clips of `seconds` length at 16 kHz, 16 bit, mono, one decode pass each.
    """
    import soundfile

    quantity("clips", clips, "count")
    quantity("seconds", seconds, "positive")
    blob = io.BytesIO()
    soundfile.write(blob, _noise(int(seconds * _RATE_HZ)), _RATE_HZ, format="WAV")
    data = blob.getvalue()

    def one_pass():
        for _ in range(clips):
            soundfile.read(io.BytesIO(data), dtype="int16")

    runs = time_runs(one_pass, seconds=PROBE_SECONDS / 4)
    return Measurement.of("WAV decode, one core", clips / np.array(runs), "clips/s")


def parquet_decode(rows=200_000, columns=10):
    """Rate at which a Parquet table held in memory becomes columns: Measurement in GB/s.

    The table has `rows` x `columns` float32 values, Zstandard, decoded size counted.
    """
    import polars as pl

    rng = np.random.default_rng(0)
    table = pl.DataFrame(
        {f"c{i}": rng.normal(size=rows).round(2).astype(np.float32) for i in range(columns)}
    )
    blob = io.BytesIO()
    table.write_parquet(blob, compression="zstd")
    data = blob.getvalue()
    runs = time_runs(lambda: pl.read_parquet(io.BytesIO(data)), seconds=PROBE_SECONDS / 4)
    size = rows * columns * 4 / 1e9
    return Measurement.of("Parquet decode, zstd, all cores", size / np.array(runs), "GB/s")


def _noise(samples):
    return np.random.default_rng(0).integers(-3000, 3000, samples).astype(np.int16)
