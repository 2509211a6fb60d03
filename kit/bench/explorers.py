"""How quickly an explorer answers a control."""

import time

import numpy as np

MOVES = 40


def explorers(moves=MOVES):
    """Move every control of every explorer; list of dict: name, moves, p50_ms, p95_ms, max_ms.

    A move is what a slider does: compute, draw, and hand the changed figure data over for
    sending; the way to the browser and its drawing are not in it. Seeded; the first move is a
    warm-up.
    """
    from kit.explorers import explorer_names

    return [_bench_one(name, moves) for name in explorer_names()]


def _bench_one(name, moves):
    from kit.explorers import explore
    from kit.explorers.base import Panel

    shown = explore(name)
    shown.panel = Panel(shown)
    rng = np.random.default_rng(0)
    times = []
    for i in range(moves + 1):
        control = shown.explorer.movable[i % len(shown.explorer.movable)]
        widget = shown.panel.inputs[control.name]
        value = _other_value(control, widget.value, rng)
        start = time.perf_counter()
        widget.value = value
        times.append(1e3 * (time.perf_counter() - start))
    p50, p95 = np.percentile(times[1:], [50, 95])
    return {"name": name, "moves": moves, "p50_ms": float(p50), "p95_ms": float(p95),
            "max_ms": max(times[1:])}  # fmt: skip


def _other_value(control, present, rng):
    from kit.explorers.base import log_steps

    if control.kind == "choice":
        return rng.choice([o for o in control.options if o != present]).item()
    if control.kind in ("whole", "play"):
        step = int(control.step) if control.kind == "play" else 1
        whole = range(int(control.low), int(control.high) + 1, step)
        return int(rng.choice([x for x in whole if x != present]))
    if control.kind == "linear":
        return float(rng.uniform(control.low, control.high))
    steps = log_steps(control.low, control.high, control.value)
    return float(rng.choice([s for s in steps if s != present]))
