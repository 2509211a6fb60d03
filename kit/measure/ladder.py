"""The latency ladder of this machine beside the chapter's."""

import contextlib
import functools
import time

import numpy as np

from kit import assumptions
from kit.errors import KitError
from kit.measure.disk import disk_random
from kit.measure.machine import memory_free
from kit.measure.network import loopback_latency
from kit.measure.record import Measurement

_LINE = 64  # bytes in a cache line, on x86 and most Arm processors

RUNGS = (  # label, assumption
    ("L1 cache", "latency_l1"),
    ("L2 cache", "latency_l2"),
    ("main memory", "latency_dram"),
    ("local SSD", "latency_nvme"),
    ("network, same data centre", "latency_datacentre"),
    ("SSD over the network", "latency_remote_ssd"),
    ("object store", "latency_object_store"),
    ("across a continent", "latency_wan"),
)

RATES = (  # label, assumptions of the chapter's band, probe that measures it here
    ("main memory", "ram_slow", "ram_fast", "memory read, one core"),
    ("network, same data centre", "ethernet_slow", "ethernet_fast", "loopback TCP, one stream"),
    ("local NVMe SSD", "nvme", "nvme_fast", "disk read, sequential, cold"),
    ("SATA SSD", "sata", "sata", None),
    ("object store, one connection", "object_store_stream", "object_store_fast", None),
    ("hard disk", "hdd_slow", "hdd_fast", None),
)


def bandwidth_ladder(measurements):
    """This machine's rates beside the chapter's: polars table, one row a rung.

    measurements: list of Measurement, as `doctor` makes them. Columns: rung, chapter_low_gbs,
    chapter_high_gbs, measured_gbs, low_gbs, high_gbs (null where not measured here), note.
    """
    import polars as pl

    found = {m.name: m for m in measurements}
    rows = []
    for rung, low, high, probe in RATES:
        m = found.get(probe)
        rows.append(
            {
                "rung": rung,
                "chapter_low_gbs": _in_gbs(low),
                "chapter_high_gbs": _in_gbs(high),
                **_columns(m, "gbs"),
                "note": m.note if m else "not measured here",
            }
        )
    return pl.DataFrame(rows)


def _columns(m, unit):
    """Value and spread of a Measurement as columns that end in `unit`; null if there is none."""
    low, high = m.spread if m else (None, None)
    return {f"measured_{unit}": m.value if m else None, f"low_{unit}": low, f"high_{unit}": high}


def _in_gbs(name):
    stated = assumptions.get(name)
    return stated.value / 8 if stated.unit == "Gbit/s" else stated.value


def memory_latency(size, name, hops=400_000, rounds=7):
    """Time of one dependent load in a working set of `size` bytes, as a Measurement in ns.

    A pointer chase through one random cycle over all cache lines: every load waits for the one
    before it, and no prefetcher can guess the next. Compiled with numba.
    """
    chase = _chaser()
    cycle = _cycle(max(size // _LINE, 2))
    at = chase(cycle, 0, cycle.size)  # compiles, and brings the lines into the cache
    runs = []
    for _ in range(rounds):
        start = time.perf_counter()
        at = chase(cycle, at, hops)  # goes on where it was: the same lines again would be cached
        runs.append((time.perf_counter() - start) / hops * 1e9)
    return Measurement.of(name, runs, "ns")


def latency_ladder(measured=None):
    """This machine's ladder beside the chapter's: polars table, one row a rung.

    measured: what ladder_measurements found; measured now if None.
    Columns: rung, chapter_ns, measured_ns, low_ns, high_ns (null where this machine cannot
    measure it), ratio (measured / chapter), chapter_human_s and measured_human_s (the scale on
    which the chapter's L1 access takes one second), note.
    """
    import polars as pl

    measured = ladder_measurements() if measured is None else measured
    scale = assumptions.value("latency_l1")
    rows = []
    for rung, name in RUNGS:
        m = measured.get(rung)
        chapter = assumptions.value(name)
        rows.append(
            {
                "rung": rung,
                "chapter_ns": chapter,
                **_columns(m, "ns"),
                "ratio": m.value / chapter if m else None,
                "chapter_human_s": chapter / scale,
                "measured_human_s": m.value / scale if m else None,
                "note": m.note if m else "not measured here",
            }
        )
    return pl.DataFrame(rows)


def ladder_measurements(folder=None):
    """Latency of every rung that one machine can measure: dict of rung -> Measurement in ns.

    folder: where the disk rung writes its scratch file; the system's scratch folder if None.
    A rung whose probe fails (no disk to write on, no network) is left out.
    """
    large = 256 * 2**20 if memory_free() > 2 * 2**30 else 64 * 2**20
    found = {
        "L1 cache": memory_latency(16 * 2**10, "L1 cache"),
        "L2 cache": memory_latency(192 * 2**10, "L2 cache"),
        "main memory": memory_latency(large, "main memory", hops=150_000, rounds=5),
    }
    with contextlib.suppress(KitError):
        disk = disk_random(folder, seconds=1.0)[0]
        found["local SSD"] = _in_ns(disk, disk.note)
    with contextlib.suppress(KitError):
        note = "loopback: the software path without a wire"
        found["network, same data centre"] = _in_ns(loopback_latency(), note)
    return found


def _in_ns(m, note):
    low, high = m.spread
    return Measurement(m.name, m.value * 1e3, "ns", (low * 1e3, high * 1e3), m.runs, note=note)


def _cycle(lines):
    """uint64[lines * 8]: jumping from entry to entry visits all lines once, in random order."""
    step = _LINE // 8
    order = np.random.default_rng(0).permutation(lines).astype(np.uint64) * np.uint64(step)
    cycle = np.zeros(lines * step, np.uint64)
    cycle[order] = np.roll(order, -1)
    return cycle


@functools.cache
def _chaser():
    import numba

    @numba.njit
    def chase(cycle, start, hops):
        at = cycle[start]  # unsigned, so that numba adds no test for negative indices
        for _ in range(hops):
            at = cycle[at]
        return at

    return chase
