"""Trainings, each kept by its content: the same data, settings and code are never trained twice.

Needs torch. A training runs in a process of its own, one a core, on one thread: networks this
small only wait for a second one.
"""

import atexit
import functools
import hashlib
import json
import os
import tempfile
import time
from dataclasses import asdict, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

import kit
from kit.compiler.engine import Engine
from kit.compiler.shards import write_file
from kit.experiments.takes import Takes
from kit.frontend import show_progress
from kit.kws.model import needed
from kit.kws.train import Settings
from kit.measure.timing import REHEARSE, rehearsal
from kit.paths import data_home

# modules whose text decides what a training gives
_CODE = ("kws/train.py", "kws/network.py", "kws/model.py", "audio/augment/*.py",
         "audio/features.py", "audio/cpu.py", "audio/fft.py", "audio/tables.py")  # fmt: skip
WORKERS = "KIT_EXPERIMENT_WORKERS"  # in the environment: processes, where not told
# few steps: small batches make more of them, and clips stay as they are
SHORT = Settings(batch=16, mix=0.0)
_RULE = 2  # a change of what a Task means gets a new number


class Task(NamedTuple):
    """One training and its tests.

    train: Takes. tests: dict of name -> Takes. how: dict of arguments of kit.kws.train.train;
    with "passes" in place of epochs, as many epochs as make that many clips, by the settings SHORT
    unless others are given.
    """

    train: Takes
    tests: dict
    how: dict


def outcomes(tasks, workers=None, progress=None):
    """What each of `tasks` gives, in their order: list of dict.

    accuracy: dict of test -> share, 0 to 1. seconds: of the training, when it was done. clips:
    that it learnt from. found: whether it was done before. workers: processes, one a core by
    default; one where there is a GPU. With KIT_REHEARSE=20 in the environment, trainings see a
    twentieth of the clips: pages can be tried quickly, and their numbers mean nothing.
    """
    if rehearsal() != 1:
        print(f"{REHEARSE} is set: trainings are cut short, and their numbers mean nothing")
    if needed().cuda.is_available():
        workers = int(os.environ.get(WORKERS, 1))
    with tempfile.TemporaryDirectory(prefix="kit-runs-") as folder:
        digests = {}
        jobs = [_job(task, digests, Path(folder)) for task in tasks]
        known = {job["key"]: _read(job["key"]) for job in jobs}
        found = {key for key, value in known.items() if value}
        todo = {job["key"]: job for job in jobs if not known[job["key"]]}
        done = spread(_work, list(todo.values()), workers)
        for key, value in _bar(done, len(todo), progress):
            write_file(_path(key), json.dumps(value).encode())
            known[key] = value
    return [known[job["key"]] | {"found": job["key"] in found} for job in jobs]


def spread(function, jobs, workers=None):
    """Yield function(job) of each job as it is done, in one process a core.

    workers: processes; by default what KIT_EXPERIMENT_WORKERS in the environment says.
    """
    if workers is None and WORKERS in os.environ:
        workers = int(os.environ[WORKERS])
    return _engine(workers).run(function, jobs)


@functools.cache
def _engine(workers):
    """Processes that stay: starting one takes longer than many a training."""
    engine = Engine(workers=workers)
    atexit.register(engine.__exit__)
    return engine


def _bar(done, total, progress):
    from tqdm.auto import tqdm

    shown = show_progress() if progress is None else progress
    return tqdm(done, total=total, unit="training", disable=not shown or not total, leave=False)


def _job(task, digests, folder):
    """dict for a worker: its key, the files of its arrays, its arguments."""
    names = {}
    for name, part in {"": task.train, **task.tests}.items():
        if id(part) not in digests:
            digests[id(part)] = part.digest
        names[name] = digests[id(part)]
        path = folder / f"{names[name]}.npz"
        if not path.exists():
            np.savez(path, **part._asdict())
    how = _rehearsed(task.how)
    told = {name: _told(value) for name, value in sorted(how.items())}
    text = json.dumps([surroundings(), names, told], sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    return {"key": key, "files": names, "folder": str(folder), "how": how}


def _rehearsed(how):
    """Arguments of a training, with the passes cut where KIT_REHEARSE is set."""
    cut = rehearsal()
    return how if cut == 1 or "passes" not in how else how | {"passes": how["passes"] / cut}


def _told(value):
    """A value of `how` as JSON can hold it."""
    if is_dataclass(value):
        return asdict(value)
    return list(value) if isinstance(value, tuple) else value


@functools.cache
def surroundings():
    """What decides a result beside data and arguments: code, libraries, kind of device."""
    torch, base = needed(), Path(kit.__file__).parent
    text = hashlib.sha256()
    for path in sorted(p for pattern in _CODE for p in base.glob(pattern)):
        text.update(path.read_bytes())
    libraries = [version(name) for name in ("numpy", "torch", "soxr", "pyroomacoustics")]
    return [_RULE, text.hexdigest(), libraries, "cuda" if torch.cuda.is_available() else "cpu"]


def _path(key):
    return data_home() / "experiments" / "runs" / f"{key}.json"


def _read(key):
    """What was kept under `key`; None if nothing was, or not all of it."""
    try:
        kept = json.loads(_path(key).read_text(encoding="utf-8"))
        return {name: kept[name] for name in ("accuracy", "seconds", "clips")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _work(job):
    """(key, dict) of one training: runs in a worker."""
    from kit.kws.train import train

    loaded = {name: _loaded(job["folder"], digest) for name, digest in job["files"].items()}
    own = loaded.pop("")
    how = {"validation": None, "progress": False} | job["how"]
    if "passes" in how:
        how["epochs"] = max(1, round(how.pop("passes") / len(own.clips)))
        how.setdefault("settings", SHORT)
    start = time.perf_counter()
    spotter = train(*own, **how)
    seconds = time.perf_counter() - start
    accuracy = {name: spotter.accuracy(x.clips, x.labels.tolist()) for name, x in loaded.items()}
    return job["key"], {"accuracy": accuracy, "seconds": seconds, "clips": len(own.clips)}


@functools.lru_cache(maxsize=8)
def _loaded(folder, digest):
    with np.load(os.path.join(folder, f"{digest}.npz"), allow_pickle=False) as file:
        return Takes(file["clips"], file["labels"], file["speakers"])
