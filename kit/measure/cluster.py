"""Real processes as the nodes of a cluster: the coordination tax and Amdahl's law."""

import multiprocessing
import socket
import struct
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import numpy as np

from kit.errors import KitError
from kit.measure.machine import memory_free, usable_cores
from kit.measure.network import check_loopback
from kit.measure.record import Measurement
from kit.measure.timing import time_runs
from kit.quantities import quantity

# "spawn" works from notebooks on every system and inherits no state by accident
_CONTEXT = multiprocessing.get_context("spawn")
_GATHER, _REDUCE, _STOP = b"g", b"r", b"s"
_PARTIAL = struct.Struct("!dq")  # sum and count: sixteen bytes a node


def coordination(nodes=4, megabytes=64, rounds=7):
    """Mean over data spread on `nodes` processes, two ways: (gather, reduce) Measurements in s.

    gather: every node sends its share (`megabytes` MB of float64) over a loopback TCP connection,
    and one process computes the mean. reduce: every node sums its own share and sends two
    numbers. Both means are compared; a difference is an error.
    """
    quantity("nodes", nodes, "count")
    quantity("megabytes", megabytes, "positive")
    if nodes * megabytes * 1e6 * 3 > memory_free():
        raise KitError(
            "too little memory for this many nodes",
            found=f"{nodes} x {megabytes} MB",
            remedy="ask for fewer nodes or megabytes",
            code="memory",
        )
    check_loopback()
    values = int(megabytes * 1e6 / 8)
    means, buffer = [], np.empty((nodes, values))
    with _cluster(nodes, values) as links:
        gathered = time_runs(lambda: means.append(_gather(links, buffer)), at_least=rounds)
        reduced = time_runs(lambda: means.append(_reduce(links)), at_least=rounds)
    if not np.allclose(means, means[0]):
        raise KitError("gather and reduce disagree", found=means, remedy="report this as a fault")
    return (
        Measurement.of(f"gather {nodes} x {megabytes} MB to one process, then mean", gathered, "s"),
        Measurement.of(f"mean on each of {nodes} processes, then combine", reduced, "s"),
    )


def scaling(task, items, workers=None):
    """Time `task` over `items` with growing numbers of processes: dict of count -> Measurement, s.

    task: module-level function of one item. items: list, handed out in eight chunks a worker, so
    that none waits long for the last.
    workers: list of process counts; by default 1, 2, 4 ... up to twice the usable cores.
    Every pool is started and warmed before the clock runs.
    """
    cores = usable_cores()
    counts = workers or sorted({2**i for i in range(6) if 2**i <= 2 * cores} | {1, 2, cores})
    return {n: _pool_time(task, items, n) for n in counts}


def scaling_table(times):
    """polars table of what `scaling` found: workers, seconds, speedup and its low and high."""
    import polars as pl

    first = times[min(times)]
    rows = []
    for workers, m in times.items():
        gain = first.over(m, "speed-up")
        low, high = gain.spread
        rows.append((workers, m.value, gain.value, low, high))
    return pl.DataFrame(rows, schema=["workers", "seconds", "speedup", "low", "high"], orient="row")


def _pool_time(task, items, workers):
    with ProcessPoolExecutor(workers, mp_context=_CONTEXT) as pool:
        list(pool.map(_warm, [task] * 4 * workers))
        chunk = -(-len(items) // (8 * workers))
        runs = time_runs(lambda: list(pool.map(task, items, chunksize=chunk)), at_most=20)
    return Measurement.of(f"{len(items)} items on {workers} processes", runs, "s")


def _warm(task):
    time.sleep(0.02)  # long enough that every worker process is started
    return task.__name__


@contextmanager
def _cluster(nodes, values):
    """Connections to `nodes` processes, each with float64[values] of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        address = server.getsockname()
        workers = [
            _CONTEXT.Process(target=_node, args=(address, seed, values), daemon=True)
            for seed in range(nodes)
        ]
        links = []
        try:
            for worker in workers:
                worker.start()
            links += [server.accept()[0] for _ in workers]
            yield links
            for link in links:
                link.sendall(_STOP)
        finally:
            for link in links:
                link.close()
            for worker in workers:
                worker.join(timeout=5)
                worker.kill()


def _node(address, seed, values):
    data = np.random.default_rng(seed).normal(seed, 1, values)
    with socket.create_connection(address) as link:
        while (order := link.recv(1)) not in (_STOP, b""):
            if order == _GATHER:
                link.sendall(data.view(np.uint8).data)
            else:
                link.sendall(_PARTIAL.pack(data.sum(), data.size))


def _gather(links, buffer):
    for link in links:
        link.sendall(_GATHER)
    for link, share in zip(links, buffer, strict=True):
        _receive(link, share.view(np.uint8).data)
    return buffer.mean()


def _reduce(links):
    for link in links:
        link.sendall(_REDUCE)
    parts = [_PARTIAL.unpack(_receive(link, bytearray(_PARTIAL.size))) for link in links]
    return sum(total for total, _ in parts) / sum(size for _, size in parts)


def _receive(link, buffer):
    view, got = memoryview(buffer), 0
    while got < len(view):
        size = link.recv_into(view[got:])
        if not size:
            raise KitError("a node of the experiment ended early", remedy="run it again")
        got += size
    return buffer
