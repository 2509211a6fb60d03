"""Disk: sequential and random reads, with the page cache out of the way and with it."""

import mmap
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kit.errors import KitError
from kit.measure.machine import filesystem, memory_free, probe_folder
from kit.measure.record import Measurement
from kit.measure.timing import PROBE_SECONDS
from kit.quantities import quantity

_MAX_BYTES = 2**30
_CHUNK = 2**20
_BLOCK = 64 * _CHUNK  # bytes read for one rate
_PAGE = 4096


def disk_sequential(folder=None, seconds=PROBE_SECONDS, max_bytes=_MAX_BYTES):
    """Sequential read rate without and with the page cache: two Measurements in GB/s.

    folder: where the scratch file goes; the system's scratch folder if None. At most `seconds`
    for writing and reading, at most `max_bytes` and a quarter of the free disk.
    """
    quantity("seconds", seconds, "positive")
    quantity("max_bytes", max_bytes, "positive")
    with _scratch(folder, seconds / 2, max_bytes) as path:
        note = _cold_note(path)
        cold = _block_rates(path, seconds / 4, before=lambda: drop_cache(path))
        _fill_cache(path)
        warm = _block_rates(path, seconds / 8)
        if not note and np.median(cold) > 0.5 * np.median(warm):
            note = "about as fast as the page cache: a layer below (host, controller) may cache too"
    return [
        Measurement.of("disk read, sequential, cold", cold, "GB/s", note),
        Measurement.of("disk read, sequential, page cache", warm, "GB/s"),
    ]


def disk_random(folder=None, seconds=PROBE_SECONDS, max_bytes=256 * 2**20, size=_PAGE):
    """Time of one read of `size` bytes at a random place, cold and cached: Measurements in µs.

    size: rounded up to whole pages of 4 KiB. The value is the mean, fit to be multiplied.
    """
    pages = -(-size // _PAGE)
    name = f"disk read, random {pages * _PAGE // 1024} KiB"
    quantity("seconds", seconds, "positive")
    quantity("max_bytes", max_bytes, "positive")
    with _scratch(folder, seconds / 2, max_bytes) as path:
        note = _cold_note(path)
        drop_cache(path)
        cold = _random_times(path, seconds / 4, pages)
        _fill_cache(path)
        warm = _random_times(path, seconds / 8, pages)
    return [
        Measurement.of(f"{name}, cold", 1e6 * cold, "µs", note, total=True),
        Measurement.of(f"{name}, page cache", 1e6 * warm, "µs", total=True),
    ]


def open_cost(folder=None, files=300, size=8192):
    """Fixed cost of a small file, cached: time of open, read and close, as a Measurement in µs."""
    with writable(folder) as root, tempfile.TemporaryDirectory(prefix="kit-", dir=root) as tmp:
        paths = [Path(tmp, f"{i}.bin") for i in range(files)]
        for path in paths:
            path.write_bytes(os.urandom(size))
        times = []
        for _ in range(2):  # the first round fills the cache and is not counted
            times = [timed(path.read_bytes) for path in paths]
    return Measurement.of(
        f"open and read a {size // 1024} kiB file, page cache", 1e6 * np.array(times), "µs"
    )


def drop_cache(path):
    """Ask the system to forget the cached pages of the file `path`; True if it has done so."""
    if not hasattr(os, "posix_fadvise"):
        return False
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return cached_share(path) < 0.05


def cached_share(path):
    """Share of the file's pages that the page cache holds, 0 to 1; 1.0 where nobody can tell."""
    import ctypes

    size = os.path.getsize(path)
    libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    if not size or libc is None or not hasattr(libc, "mincore"):
        return 1.0
    flags = np.zeros(-(-size // mmap.PAGESIZE), np.uint8)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as view:
        anchor = (ctypes.c_char * size).from_buffer(view)
        failed = libc.mincore(
            ctypes.c_void_p(ctypes.addressof(anchor)),
            ctypes.c_size_t(size),
            flags.ctypes.data_as(ctypes.c_void_p),
        )
        del anchor  # else the map could not be closed
    return 1.0 if failed else float((flags & 1).mean())


@contextmanager
def _scratch(folder, seconds, max_bytes):
    """A file of random bytes, synced to disk; written for `seconds` at the most, then removed."""
    with writable(folder) as root, tempfile.TemporaryDirectory(prefix="kit-", dir=root) as tmp:
        path = Path(tmp, "probe.bin")
        free = shutil.disk_usage(root).free
        limit = min(max_bytes, free // 4, memory_free() // 4)
        if free // 4 < 16 * _CHUNK:
            raise KitError(
                "too little free disk for a probe",
                found=f"{free / 1e6:.0f} MB free",
                allowed="64 MB or more",
                code="disk-full",
                remedy="free some space or set KIT_PROBE_DIR to another folder",
            )
        block = np.random.default_rng(0).bytes(_CHUNK)  # random, lest the disk compress it
        end, size = time.perf_counter() + seconds, 0
        with open(path, "wb", buffering=0) as file:
            while size < 16 * _CHUNK or (size + _CHUNK <= limit and time.perf_counter() < end):
                size += file.write(block)
                if size % (16 * _CHUNK) == 0:  # one sync at the end could take minutes
                    os.fsync(file.fileno())
            os.fsync(file.fileno())
        yield path


@contextmanager
def writable(folder):
    """The folder for scratch files; a fault of the disk inside becomes a KitError."""
    root = Path(folder) if folder else probe_folder()
    try:
        yield root
    except OSError as cause:
        raise KitError(
            f"cannot write and read a scratch file in {root}",
            found=cause.strerror or str(cause),
            allowed="a folder on a disk with room, writable",
            remedy="free some space or set KIT_PROBE_DIR to another folder",
            code="disk",
        ) from cause


def _cold_note(path):
    if drop_cache(path):
        return ""
    return f"the page cache could not be emptied on {filesystem(path)}: this is a cached figure"


def _fill_cache(path):
    """Read the whole file through a small buffer: pages in the cache, not in this process."""
    buffer = bytearray(_CHUNK)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def _block_rates(path, seconds, before=None):
    """GB/s of each block of a front-to-back read; starts again until `seconds` are spent.

    A block is many reads long: the system fetches ahead, so that single reads are either
    instant or wait for several, and only their sum means anything.
    """
    rates, buffer, end = [], bytearray(_CHUNK), time.perf_counter() + seconds
    while not rates or time.perf_counter() < end:
        if before:
            before()
        with open(path, "rb", buffering=0) as file:
            while (rate := _read_block(file, buffer)) is not None:
                rates.append(rate)
                if time.perf_counter() > end:
                    break
    return np.array(rates)


def _read_block(file, buffer):
    size, start = 0, time.perf_counter()
    while size < _BLOCK and (got := file.readinto(buffer)):
        size += got
    return size / 1e9 / (time.perf_counter() - start) if size else None


def _random_times(path, seconds, pages):
    places = os.path.getsize(path) // (pages * _PAGE)
    order = np.random.default_rng(1).permutation(places)[:20_000]
    times, end = [], time.perf_counter() + seconds
    with open(path, "rb", buffering=0) as file:
        if hasattr(os, "posix_fadvise"):  # no read-ahead: it would fetch the neighbours
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for place in order:
            start = time.perf_counter()
            file.seek(int(place) * pages * _PAGE)
            file.read(pages * _PAGE)
            times.append(time.perf_counter() - start)
            if start > end:
                break
    return np.array(times)


def timed(call):
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
