"""The engine for several machines: tasks as rows of a Ray data set.

Shards are files: on a cluster the folders of sources and data set must lie on a shared disk.
"""

import logging
import os
import pickle

from kit.errors import KitError


def run_on_ray(function, tasks, workers=None, gpu=False):
    """Yield function(task) for every task, as they are done; see kit.compiler.engine.Engine.

    Without a running cluster one is started on this machine, with `workers` processes. With `gpu`
    one actor holds the device and keeps what it compiled.
    """
    data = _started(workers)
    rows = [{"task": pickle.dumps(task)} for task in tasks]
    stage = {"fn": _call, "fn_args": (function,), "num_cpus": 1}
    if gpu:
        pool = data.ActorPoolStrategy(size=1)
        stage = {"fn": _Holder, "fn_constructor_args": (function,), "num_gpus": 1, "compute": pool}
    elif workers:
        stage["compute"] = data.TaskPoolStrategy(size=workers)
    # a block a task: else all of them would go to one process
    for row in data.from_items(rows, override_num_blocks=len(rows)).map(**stage).iter_rows():
        result = pickle.loads(row["result"])
        if isinstance(result, KitError):
            raise result
        yield result


class _Holder:
    """A stateful stage: the process that holds the device."""

    def __init__(self, function):
        self.function = function

    def __call__(self, row):
        return _call(row, self.function)


def _call(row, function):
    # a KitError travels as a value, so that it arrives as it was
    try:
        result = function(pickle.loads(row["task"]))
    except KitError as fault:
        result = fault
    return {"result": pickle.dumps(result)}


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
