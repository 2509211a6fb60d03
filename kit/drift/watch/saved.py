"""A monitor as a file: JSON with a digest, written whole or not at all; no code is in it."""

import base64
import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from kit.drift.rules import Rules
from kit.drift.watch.alerts import Alert
from kit.drift.watch.measures import Measure
from kit.drift.watch.streaming import Stream
from kit.drift.watch.windows import Layout, Panel, Part
from kit.errors import KitError

_FORMAT = 2
_PLAIN = ("roles", "sample", "seed", "baseline", "lateness", "tolerance", "budget", "counts",
          "aware", "start", "newest", "clock", "first", "closed", "windows", "began",
          "held")  # fmt: skip
_OWN = ("before", "sums_before", "rules", "streams", "runs")


def save(monitor, path):
    """Write a monitor to `path`. Raises KitError "disk"."""
    state = {name: getattr(monitor, name) for name in (*_PLAIN, *_OWN)}
    state |= {name: list(getattr(monitor, name).items()) for name in ("panels", "tested", "found")}
    text = json.dumps(state | {"layout": monitor.layout.parts}, default=_packed)
    whole = json.dumps({"format": _FORMAT, "sha256": _digest(text), "state": text})
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(whole)
            os.replace(fresh, path)
        finally:
            Path(fresh).unlink(missing_ok=True)
    except OSError as cause:
        raise KitError("the monitor cannot be written", found=str(cause), code="disk",
                       allowed="a folder with room to write") from cause  # fmt: skip


def load(made, path):
    """Fill a bare monitor from a file. Raises KitError "monitor-file"."""
    try:
        whole = json.loads(Path(path).read_text(encoding="utf-8"))
        if whole["format"] != _FORMAT or whole["sha256"] != _digest(whole["state"]):
            raise ValueError("another format, or changed since")
        return _filled(made, json.loads(whole["state"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as cause:
        raise KitError("this is no monitor", found=str(cause), code="monitor-file",
                       allowed="a file that Monitor.save wrote",
                       remedy="start a new monitor from the reference") from cause  # fmt: skip


def _filled(made, state):
    for name in _PLAIN:
        setattr(made, name, state[name])
    made.before, made.sums_before = _array(state["before"]), _array(state["sums_before"])
    made.rules = Rules(**state["rules"] | {"psi": tuple(state["rules"]["psi"])})
    made.layout = Layout(Part(**p) for p in state["layout"])
    made.runs = [Alert(*x[:-1], Measure(*x[-1])) for x in state["runs"]]
    made.streams = [Stream.restore(x) for x in state["streams"]]
    made.panels = {k: Panel(**{n: x if n == "cut" else _array(x) for n, x in v.items()})
                   for k, v in state["panels"]}  # fmt: skip
    made.tested = {tuple(k): n for k, n in state["tested"]}
    made.found = {tuple(k): [Measure(*m) for m in v] for k, v in state["found"]}
    return made


def _packed(value):
    if isinstance(value, np.ndarray):
        return [value.dtype.str, value.shape, base64.b64encode(value.tobytes()).decode()]
    return value.state() if isinstance(value, Stream) else asdict(value)


def _array(packed):
    kind, shape, text = packed
    return np.frombuffer(base64.b64decode(text), kind).reshape(shape).copy()


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()
