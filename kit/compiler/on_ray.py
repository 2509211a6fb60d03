"""The engine for several machines: tasks as rows of a Ray data set.

Shards are files: on a cluster the folders of sources and data set must lie on a shared disk.
"""

import logging
import os
import pickle
import sys
import warnings

from kit.compiler.engine import lost_worker
from kit.errors import KitError


def run_on_ray(function, tasks, workers=None, gpu=False):
    """Yield function(task) for every task, as they are done; see kit.compiler.engine.Engine.

    Without a running cluster one is started on this machine, with `workers` processes. With `gpu`
    one actor holds the device and keeps what it compiled.
    """
    data = _started(workers)
    rows = [{"task": pickle.dumps((function, task))} for task in tasks]
    # without max_retries Ray Data starts a task whose worker died again and again, for ever
    stage = {"fn": _call, "fn_args": (sys.path,), "num_cpus": 1, "max_retries": 2}
    if gpu:
        pool = data.ActorPoolStrategy(size=1)
        stage = {"fn": _Holder, "fn_constructor_args": (sys.path,), "num_gpus": 1, "compute": pool}
    elif workers:
        stage["compute"] = data.TaskPoolStrategy(size=min(workers, len(rows)))
    # a block a task: else all of them would go to one process
    found = data.from_items(rows, override_num_blocks=len(rows))
    with warnings.catch_warnings(action="ignore"):  # Ray 2.60 calls max_retries old, and has no new
        found = found.map(**stage)
    for row in _told(found.iter_rows()):
        result = pickle.loads(row["result"])
        if isinstance(result, KitError):
            raise result
        yield result


class _Holder:
    """A stateful stage: the process that holds the device."""

    def __init__(self, path):
        self.path = path

    def __call__(self, row):
        return _call(row, self.path)


def _call(row, path):
    sys.path += [p for p in path if p not in sys.path]  # what the driver can import, as in a pool
    function, task = pickle.loads(row["task"])
    try:
        result = function(task)
    except KitError as fault:  # it travels as a value, so that it arrives as it was
        result = fault
    return {"result": pickle.dumps(result)}


def _told(rows):
    """`rows`, with a KitError for workers that Ray gave up."""
    from ray.exceptions import RayError, RayTaskError

    try:
        yield from rows
    except RayTaskError:  # the task itself failed
        raise
    except RayError as cause:
        raise lost_worker() from cause


def _started(workers):
    try:
        import ray
        import ray.data
    except ImportError as cause:
        raise KitError(
            "the engine ray needs Ray",
            found=str(cause),
            remedy='pip install "kit-data-engineering[ray]", or use --engine local',
            code="no-library",
        ) from cause
    if not ray.is_initialized():
        from kit.measure.machine import usable_cores

        cluster = os.environ.get("RAY_ADDRESS")
        size = {} if cluster else {"num_cpus": workers or usable_cores()}
        ray.init(**size, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray.data
