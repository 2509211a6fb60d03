"""One turn of a layout: every operation once, with wall time, processor time and bytes read."""

import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.measure.disk import cached_share
from kit.storage.formats.store import open_store, store_files, write_store

BATCH = 64
_SINGLES = {"cold": (3, 8), "warm": (5, 40)}  # least and most single reads in a turn
_SINGLES_S = 0.1  # after which the least will do
READERS = 2


class Run(NamedTuple):
    """What one run took: seconds float[m] (one value, or one a single read), cpu_share, bytes."""

    seconds: np.ndarray
    cpu_share: float
    read_bytes: float


class Plan(NamedTuple):
    """What is asked of every store.

    subset: names of the columns of a partial read. key, low, high: the filtered read.
    rows: int[...], places of single records and of the batch are drawn from it.
    """

    subset: list
    key: str
    low: object
    high: object


def turn(columns, folder, layout, plan, rng, pool=None):
    """dict of (operation, cache) -> Run: writes the store anew, then reads it cold and warm.

    pool: executor of two processes, or None. "cold": contents of all files dropped from the page
    cache (POSIX_FADV_DONTNEED) and the store opened within the time; names and inodes stay cached.
    "warm": contents cached; scans open the store within the time, single reads find it open.
    """
    found = {("write", ""): timed(lambda: write_store(columns, folder, layout))}
    found |= _questions(folder, plan, rng, "cold", lambda: drop(folder))
    _fill(folder)
    found |= _questions(folder, plan, rng, "warm", lambda: None)
    found["scan, 2 threads", "warm"] = timed(lambda: _threads(folder))
    if pool:
        found["scan, 2 processes", "warm"] = _processes(folder, pool)
    return found


def timed(call):
    """Run of one call."""
    read, cpu, start = bytes_read(), time.process_time(), time.perf_counter()
    call()
    wall = time.perf_counter() - start
    cpu = time.process_time() - cpu
    return Run(np.array([wall]), cpu / wall, bytes_read() - read)


def bytes_read():
    """Bytes that this process had fetched from a disk so far; nan where the system does not tell.

    Linux, /proc/self/io read_bytes: read-ahead and page faults of mapped files included, what the
    page cache answers not.
    """
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return float("nan")
    return float(next(line.split()[1] for line in lines if line.startswith("read_bytes")))


def drop(folder):
    """Ask the system to forget the contents of all files of a store."""
    if hasattr(os, "posix_fadvise"):
        for path in store_files(folder):
            handle = os.open(path, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def cold_note(folder):
    """ "" if the contents of a store can be dropped from the page cache; else why "cold" is not."""
    drop(folder)
    largest = sorted(store_files(folder), key=lambda p: -p.stat().st_size)[:8]
    if max(map(cached_share, largest)) < 0.05:
        return ""
    return "the page cache could not be emptied here: cold is not cold"


def scan(folder):
    """Open a store and read all of it: number of records."""
    with open_store(folder) as store:
        store.read()
        return store.rows


def _questions(folder, plan, rng, cache, before):
    def ask(question):
        before()
        return timed(lambda: _opened(folder, question))

    found = {
        "scan": ask(lambda s: s.read()),
        "columns": ask(lambda s: s.read(plan.subset)),
        "filter": ask(lambda s: s.where(plan.key, plan.low, plan.high)),
        "batch": ask(lambda s: s.take(_places(s, rng, BATCH))),
        "single": _cold_singles(folder, rng, before) if cache == "cold" else _singles(folder, rng),
    }
    return {(operation, cache): run for operation, run in found.items()}


def _opened(folder, question):
    with open_store(folder) as store:
        question(store)


def _places(store, rng, count):
    return rng.integers(0, store.rows, count)


def _cold_singles(folder, rng, before):
    def once():
        before()
        return timed(lambda: _opened(folder, lambda s: s.take(_places(s, rng, 1))))

    return _several(once, *_SINGLES["cold"])


def _singles(folder, rng):
    with open_store(folder) as store:
        store.take(_places(store, rng, 1))

        def once():
            places = _places(store, rng, 1)
            return timed(lambda: store.take(places))

        return _several(once, *_SINGLES["warm"])


def _several(once, least, most):
    runs, spent = [], 0.0
    while len(runs) < least or (len(runs) < most and spent < _SINGLES_S):
        runs.append(once())
        spent += runs[-1].seconds[0]
    return _joined(runs)


def _joined(runs):
    seconds = np.concatenate([r.seconds for r in runs])
    share = float(np.dot(seconds, [r.cpu_share for r in runs]) / seconds.sum())
    return Run(seconds, share, float(np.mean([r.read_bytes for r in runs])))


def _fill(folder):
    for path in store_files(folder):
        path.read_bytes()


def _threads(folder):
    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(scan, [folder] * READERS))


_barrier = None


def join_in(barrier):
    """Initialiser of a reading process: all wait for each other before every scan."""
    global _barrier
    _barrier = barrier


def scan_together(folder):
    """Inside a reading process: processor seconds of one scan."""
    _barrier.wait(60)
    before = time.process_time()
    scan(folder)
    return time.process_time() - before


def _processes(folder, pool):
    start = time.perf_counter()
    cpu = sum(pool.map(scan_together, [folder] * READERS))
    wall = time.perf_counter() - start
    return Run(np.array([wall]), cpu / wall, float("nan"))


@contextlib.contextmanager
def reading_processes():
    """Executor of two processes that have loaded what readers need."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(READERS)
    with ProcessPoolExecutor(READERS, context, join_in, (barrier,)) as pool:
        yield pool
