"""Real processes as the nodes of a cluster: the coordination tax and Amdahl's law."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from kit.errors import KitError
from kit.measure.machine import memory_free, usable_cores
from kit.measure.record import Measurement
from kit.measure.timing import time_runs

# "spawn" works from notebooks on every system and inherits no state by accident
_CONTEXT = multiprocessing.get_context("spawn")


def coordination(nodes=4, megabytes=64, rounds=5):
    """Mean over data spread on `nodes` processes, two ways: (gather, reduce) Measurements in s.

    gather: every node sends its share (`megabytes` MB of float64) over a local socket, and
    one process computes the mean. reduce: every node sums its own share and sends two numbers.
    Both means are compared; a difference is an error.
    """
    if nodes * megabytes * 1e6 * 3 > memory_free():
        raise KitError(
            "too little memory for this many nodes",
            found=f"{nodes} x {megabytes} MB",
            remedy="ask for fewer nodes or megabytes",
            code="memory",
        )
    means, (links, workers) = [], _start(nodes, megabytes)
    try:
        gathered = time_runs(lambda: means.append(_gather(links)), seconds=0, at_least=rounds)
        reduced = time_runs(lambda: means.append(_reduce(links)), seconds=0, at_least=rounds)
    finally:
        _stop(links, workers)
    if not np.allclose(means, means[0]):
        raise KitError("gather and reduce disagree", found=means, remedy="report this as a fault")
    return (
        Measurement.of(f"gather {nodes} x {megabytes} MB to one process, then mean", gathered, "s"),
        Measurement.of(f"mean on each of {nodes} processes, then combine", reduced, "s"),
    )


def scaling(task, items, workers=None):
    """Time `task` over `items` with growing numbers of processes: polars table.

    task: module-level function of one item. items: list, cut in as many chunks as workers.
    workers: list of process counts, default 1 up to the usable cores and one beyond.
    Columns: workers, seconds, speedup (against the first row). The pool is started and warmed
    before the clock runs.
    """
    import polars as pl

    cores = usable_cores()
    counts = workers or sorted({1, *(2**i for i in range(1, 6) if 2**i <= cores), cores, 2 * cores})
    rows = [{"workers": n, "seconds": _pool_seconds(task, items, n)} for n in counts]
    return pl.DataFrame(rows).with_columns(speedup=rows[0]["seconds"] / pl.col("seconds"))


def _pool_seconds(task, items, workers):
    with ProcessPoolExecutor(workers, mp_context=_CONTEXT) as pool:
        list(pool.map(_warm, range(4 * workers), [task] * 4 * workers))
        chunk = -(-len(items) // workers)
        return float(
            np.median(
                time_runs(
                    lambda: list(pool.map(task, items, chunksize=chunk)), seconds=0.5, warmup=1
                )
            )
        )


def _warm(_, task):
    time.sleep(0.02)  # long enough that every worker process is started
    return task.__name__


def _start(nodes, megabytes):
    links, workers = [], []
    for seed in range(nodes):
        ours, theirs = _CONTEXT.Pipe()
        worker = _CONTEXT.Process(target=_node, args=(theirs, seed, megabytes), daemon=True)
        worker.start()
        links.append(ours)
        workers.append(worker)
    for link in links:
        link.recv()  # the node has made its data
    return links, workers


def _stop(links, workers):
    for link in links:
        link.send("stop")
    for worker in workers:
        worker.join(timeout=5)
        if worker.is_alive():
            worker.kill()


def _node(link, seed, megabytes):
    data = np.random.default_rng(seed).normal(seed, 1, int(megabytes * 1e6 / 8))
    link.send("ready")
    while (order := link.recv()) != "stop":
        if order == "gather":
            link.send_bytes(data.view(np.uint8).data)
        else:
            link.send((float(data.sum()), data.size))


def _gather(links):
    for link in links:
        link.send("gather")
    shares = [np.frombuffer(link.recv_bytes()) for link in links]
    return sum(s.sum() for s in shares) / sum(s.size for s in shares)


def _reduce(links):
    for link in links:
        link.send("reduce")
    parts = [link.recv() for link in links]
    return sum(total for total, _ in parts) / sum(size for _, size in parts)
