"""One epoch over a real corpus: many files, one file, memory; predicted and measured."""

import io
import os
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from kit.errors import KitError
from kit.gravity import epoch_time_s
from kit.measure.disk import disk_random, disk_sequential, drop_cache, timed, writable
from kit.measure.machine import memory_free
from kit.measure.memory import memory_copy
from kit.measure.record import Measurement
from kit.measure.timing import time_runs
from kit.paths import data_home

LAYOUTS = ("files, cold", "files, cached", "one file, cold", "one file, cached", "memory")


@dataclass(frozen=True)
class EpochRates:
    """What the closed form needs, each a Measurement.

    open_us: open and read of one cached file. cold_us: one random read of a clip's size from
    the disk. cold_gbs, cached_gbs: sequential reads. memory_gbs: copies. decode_us: one clip.
    """

    open_us: Measurement
    cold_us: Measurement
    cold_gbs: Measurement
    cached_gbs: Measurement
    memory_gbs: Measurement
    decode_us: Measurement


def epoch_rates(paths, seconds=2.0):
    """Measure what an epoch over `paths` (list of WAV files) is made of: EpochRates.

    Files are opened and decoded on a sample of a hundred; the disk is probed with a scratch file
    on the disk that holds the recordings. Fixed costs are means, for they are multiplied.
    """
    paths, sizes = _corpus(paths)
    sample = paths[:: max(1, len(paths) // 100)]
    blobs = [path.read_bytes() for path in sample]
    opened = [timed(path.read_bytes) for path in sample]
    decode = time_runs(lambda: [_decode(b) for b in blobs], seconds=0.3)
    folder = _same_disk(paths[0])
    cold_gbs, cached_gbs = disk_sequential(folder, seconds)
    return EpochRates(
        Measurement.of("open and read one cached file", 1e6 * np.array(opened), "µs", total=True),
        disk_random(folder, seconds, size=int(np.mean(sizes)))[0],
        cold_gbs,
        cached_gbs,
        memory_copy(),
        Measurement.of("decode one clip", 1e6 * np.array(decode) / len(blobs), "µs", total=True),
    )


def _same_disk(path):
    """A scratch folder on the disk that holds `path`: the data folder if it is there, else None."""
    home = data_home()
    same = home.is_dir() and home.stat().st_dev == path.stat().st_dev
    return home if same and os.access(home, os.W_OK) else None


def predict_epochs(paths, rates):
    """Seconds that gravity.epoch_time_s gives for one epoch: dict of layout -> float.

    paths: list of WAV files, of which only count and sizes are used. rates: EpochRates.
    """
    _, sizes = _corpus(paths)
    warm_s, cold_s = rates.open_us.value * 1e-6, rates.cold_us.value * 1e-6
    terms = {  # layout -> (GB/s, fixed seconds a record)
        "files, cold": (rates.cold_gbs.value, warm_s + cold_s),
        "files, cached": (rates.cached_gbs.value, warm_s),
        "one file, cold": (rates.cold_gbs.value, 0.0),
        "one file, cached": (rates.cached_gbs.value, 0.0),
        "memory": (rates.memory_gbs.value, 0.0),
    }
    decode_s = rates.decode_us.value * 1e-6
    return {
        layout: epoch_time_s(len(sizes), float(np.mean(sizes)), gbs, fixed, decode_s)
        for layout, (gbs, fixed) in terms.items()
    }


def epoch_times(paths, runs=5):
    """Read and decode every clip once, in each of LAYOUTS: dict of layout -> Measurement in s.

    "Cold" means that the file contents were dropped from the page cache; names and inodes stay
    cached; where the system cannot drop them, a note says so. The single file is scratch and is
    removed. The recordings are held in memory once: give a sample of a corpus that is too large.
    """
    paths, sizes = _corpus(paths)
    _check_memory(sum(sizes))
    note = "" if drop_cache(paths[0]) else "the page cache could not be emptied: not really cold"
    notes = {name: note for name in LAYOUTS if "cold" in name}
    found = _measure_layouts(paths, sizes, runs)
    return {
        name: Measurement.of(f"epoch, {name}", s, "s", notes.get(name, ""))
        for name, s in found.items()
    }


def epoch_gap(paths, rates, times, runs=5):
    """Split what the closed form misses on cold files into its causes: dict of cause -> s.

    paths: the recordings. rates, times: from epoch_rates and epoch_times. Two interventions make
    the split: reading cold files without decoding, and decoding clips that lie in memory. The
    three parts add up to measured minus predicted.
    """
    paths, sizes = _corpus(paths)
    _check_memory(sum(sizes))
    blobs = [path.read_bytes() for path in paths]
    only = {"warmup": 1, "seconds": 0, "at_least": runs}
    read = time_runs(partial(_read_bytes, paths), before=partial(_drop_all, paths), **only)
    decode = time_runs(partial(_read_memory, blobs), **only)
    read, decode = float(np.median(read)), float(np.median(decode))
    model = predict_epochs(paths, rates)["files, cold"]
    decode_model = len(paths) * rates.decode_us.value * 1e-6
    return {
        "reading: a file costs more than one disk access": read - (model - decode_model),
        "decoding: a clip takes longer than the sample did": decode - decode_model,
        "both in turn: after a wait the decoder starts slowly": (
            times["files, cold"].value - read - decode
        ),
    }


def epoch_table(predicted, times):
    """polars table, one row a layout: predicted_s, measured_s, low_s, high_s, ratio."""
    import polars as pl

    rows = [
        {
            "layout": layout,
            "predicted_s": predicted[layout],
            "measured_s": m.value,
            "low_s": m.spread[0],
            "high_s": m.spread[1],
            "ratio": m.value / predicted[layout],
        }
        for layout, m in times.items()
    ]
    return pl.DataFrame(rows)


def clip_work(path, window=200, hop=80):
    """A CPU-bound job on one WAV file, for experiments on scaling: its mean magnitude spectrum.

    Frames of `window` samples every `hop` samples, Hann window, real FFT; returns the mean
    magnitude (float). It stands for feature extraction and touches little memory.
    """
    samples = _decode(Path(path).read_bytes()).astype(np.float32)
    shape = np.hanning(window).astype(np.float32)
    starts = range(0, max(samples.size - window, 1), hop)
    return float(np.mean([_magnitude(samples[at : at + window], shape) for at in starts]))


def _magnitude(frame, shape):
    return np.abs(np.fft.rfft(frame * shape[: frame.size], 512)).mean()


def _corpus(paths):
    """(list of Path, list of sizes in B); an empty list is refused."""
    paths = [Path(p) for p in paths]
    if not paths:
        raise KitError("no recordings to read", found=0, allowed="one WAV file or more")
    return paths, [path.stat().st_size for path in paths]


def _check_memory(size):
    if size > memory_free() // 3:
        raise KitError(
            "the recordings are too large to hold in memory",
            found=f"{size / 1e9:.1f} GB",
            allowed=f"{memory_free() / 3e9:.1f} GB",
            remedy="measure a sample, such as paths[::10]",
            code="memory",
        )


def _measure_layouts(paths, sizes, runs):
    blobs = [path.read_bytes() for path in paths]
    many = {"warmup": 1, "seconds": 0, "at_least": runs}
    with (
        writable(_same_disk(paths[0])) as folder,
        tempfile.TemporaryDirectory(prefix="kit-", dir=folder) as tmp,
    ):
        shard = Path(tmp, "shard.bin")
        with open(shard, "wb") as file:
            file.writelines(blobs)
        drop_files, drop_shard = partial(_drop_all, paths), partial(drop_cache, shard)
        files, one_file = partial(_read_files, paths), partial(_read_shard, shard, sizes)
        return {
            "files, cold": time_runs(files, before=drop_files, **many),
            "files, cached": time_runs(files, **many),
            "one file, cold": time_runs(one_file, before=drop_shard, **many),
            "one file, cached": time_runs(one_file, **many),
            "memory": time_runs(partial(_read_memory, blobs), **many),
        }


def _read_files(paths):
    for path in paths:
        _decode(path.read_bytes())


def _read_bytes(paths):
    for path in paths:
        path.read_bytes()


def _read_shard(shard, sizes):
    content, ends = memoryview(shard.read_bytes()), np.cumsum(sizes)
    for start, end in zip(ends - sizes, ends, strict=True):
        _decode(content[start:end])


def _read_memory(blobs):
    for blob in blobs:
        _decode(blob)


def _drop_all(paths):
    if hasattr(os, "posix_fadvise"):
        for path in paths:
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _decode(blob):
    import soundfile

    return soundfile.read(io.BytesIO(blob), dtype="int16")[0]
