"""Where shards are worked on: in processes of this machine, or on a Ray cluster.

A pass is written once, as a function of a task; the engine decides where it runs. Results come in
the order in which they are done.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from kit.errors import KitError

ENGINES = ("local", "ray")
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Engine:
    """Runs a function over tasks; use it in a `with` statement, for it holds processes.

    name: "local" or "ray". workers: processes at a time; default one for each core.
    """

    def __init__(self, name="local", workers=None):
        if name not in ENGINES:
            found = {"found": name, "allowed": ", ".join(ENGINES)}
            raise KitError("no such engine", **found, code="unknown")
        if workers is not None and workers < 1:
            raise KitError("workers must be 1 or more", found=workers)
        self.name, self.workers, self.pool = name, workers, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pool:
            self.pool.shutdown(wait=True, cancel_futures=True)

    def run(self, function, tasks, gpu=False):
        """Yield function(task) for every task of a list, as they are done.

        function: one that a process can import. gpu: it uses one, so that all tasks go to the
        one worker that holds it. A KitError of a task ends the run.
        """
        if self.name == "ray" and tasks:
            from kit.compiler.on_ray import run_on_ray

            return run_on_ray(function, tasks, self.workers, gpu)
        if gpu or len(tasks) < 2 or self.count == 1:
            return map(function, tasks)
        return self._in_processes(function, tasks)

    def _in_processes(self, function, tasks):
        if not self.pool:
            # spawn: a fork would copy locks that threads of polars and numba hold
            spawn = multiprocessing.get_context("spawn")
            self.pool = ProcessPoolExecutor(self.count, spawn, _follow_parent)
        with _one_thread_each():
            jobs = [self.pool.submit(function, task) for task in tasks]
        try:
            for done in as_completed(jobs):
                yield done.result()
        except BrokenProcessPool as cause:
            raise lost_worker() from cause

    @property
    def count(self):
        """Processes at a time."""
        from kit.measure.machine import usable_cores

        return self.workers or usable_cores()


@contextlib.contextmanager
def _one_thread_each():
    """Processes that begin meanwhile get one thread for matrix products, unless told otherwise.

    With a process a core, more threads would only wait for each other.
    """
    new = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(new, "1"))
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


def lost_worker():
    """The KitError "worker"."""
    return KitError(
        "a worker process was ended from outside",
        found="memory ran out, or it was killed",
        remedy="run the same command again, finished shards are kept; for less memory give the "
        "recipe a smaller shard_clips, or use --workers 1; in a script of your own, begin below "
        "if __name__ == '__main__':",
        code="worker",
    )


def _follow_parent():
    """A worker whose parent was killed would wait for ever: it leaves with it.

    Ctrl-C is for the parent alone; workers finish their shard.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process().sentinel
    threading.Thread(target=lambda: (wait([parent]), os._exit(1)), daemon=True).start()
