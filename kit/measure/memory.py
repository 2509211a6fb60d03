"""Memory: copy and read rates."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kit.measure.machine import memory_free
from kit.measure.record import Measurement
from kit.measure.timing import PROBE_SECONDS, time_runs
from kit.quantities import quantity

_SIZE = 256 * 2**20  # beyond the last-level cache of common processors


def memory_copy(size=_SIZE, threads=1):
    """Rate at which `threads` cores copy `size` bytes, as a Measurement in GB/s of bytes copied.

    Every copied byte is read once and written once, so the traffic is twice the figure.
    """
    size, note = _affordable(size)
    quantity("threads", threads, "count")
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:

        def copy():
            list(pool.map(lambda pair: np.copyto(*pair), parts))

        runs = time_runs(copy, seconds=PROBE_SECONDS / 4, at_most=50)
    cores = "one core" if threads == 1 else f"{threads} cores"
    return Measurement.of(f"memory copy, {cores}", size / 1e9 / np.array(runs), "GB/s", note)


def memory_read(size=_SIZE):
    """Rate at which one core sums float64 values from memory, as a Measurement in GB/s."""
    size, note = _affordable(size)
    data = np.ones(size // 8)
    runs = time_runs(data.sum, seconds=PROBE_SECONDS / 4, at_most=50)
    return Measurement.of("memory read, one core", data.nbytes / 1e9 / np.array(runs), "GB/s", note)


def _affordable(size):
    quantity("size", size, "count")
    room = memory_free() // 8
    if size <= room:
        return size, ""
    return max(room, 2**20), f"only {max(room, 2**20) / 2**20:.0f} MiB tested: memory is short"
