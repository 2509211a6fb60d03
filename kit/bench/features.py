"""How fast features are made: our backends and their peers, in one run, against the roofline."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from kit import audio
from kit.audio import cost, cpu
from kit.bench import peers
from kit.bench.peers import SECOND
from kit.measure import time_runs

OURS = "kit, cpu"
_TURN_S = 0.5
_STEADY = 1.5  # most that the turns of a backend may differ
_FEW = 300  # clips for the peers: slower by an order, they tell their rate on fewer


def features(clips=2000, rounds=7):
    """Time the preset kws on `clips` clips of one second: dict with ceilings, rows and missing.

    Every backend lives in a process of its own, so that no library meets the threads of another.
    A round gives each of them a turn of half a second, one after another, so that a busy moment of
    the machine hits all; a turn counts with its fastest run, which is kind to all.

    Rows: name, clips_per_s (median of the turns), low, high (10-90 %), gb_per_s of samples read
    and features written, roofline_share, peak_mb beyond libraries and input, largest_gap (to the
    float64 reference on noise; None where the definition differs), ratio_to_best_peer (medians).
    missing: peers whose library is not installed.
    """
    workers, missing = _start(clips)
    ceilings = machine_ceilings()
    try:
        rates = {w.name: [] for w in workers}
        for _ in range(rounds):
            for worker in workers:
                rates[worker.name].append(worker.ask()["clips_per_s"])
    finally:
        for worker in workers:
            worker.stop()
    again = machine_ceilings()  # the higher of two: a busy moment lowers a ceiling, not raises it
    ceilings = {name: max(value, again[name]) for name, value in ceilings.items()}
    best = max((np.median(r) for name, r in rates.items() if name != OURS), default=np.nan)
    rows = [_row(w, np.array(rates[w.name]), ceilings, best) for w in workers]
    return {"clips": clips, "rounds": rounds, "ceilings": ceilings,
            "rows": sorted(rows, key=lambda r: -r["clips_per_s"]), "missing": missing}  # fmt: skip


def noise(clips, seed=0):
    """int16[clips, 16000]: noise; the work does not depend on what is said."""
    return np.random.default_rng(seed).integers(-9000, 9000, (clips, SECOND), np.int16)


def machine_ceilings():
    """dict on all cores: gflops (float32 matrix product) and gbs (memory copy, both ways)."""
    from kit.measure import matrix_product, memory_copy
    from kit.measure.machine import usable_cores

    copied = memory_copy(threads=usable_cores()).value
    return {"gflops": matrix_product().value, "gbs": 2 * copied}


def as_text(found, rows):
    """The table of `kit bench features` for a terminal."""
    lines = [
        f"{r['name']:26} {r['clips_per_s']:>9,.0f} clips/s ({r['low']:,.0f} to {r['high']:,.0f}), "
        f"{r['gb_per_s']:.2f} GB/s, {100 * r['roofline_share']:.0f} % of the roofline, "
        f"{r['ratio_to_best_peer']:.2f} x the best peer, {_mb(r['peak_mb'])}"
        for r in rows
    ]
    top = found["ceilings"]
    lines += [f"{m['name']:26} not installed: {m['missing']}" for m in found["missing"]]
    lines += [f"ceilings: {top['gflops']:.0f} GFLOP/s, {top['gbs']:.0f} GB/s, both measured"]
    unsteady = any(r["high"] > _STEADY * r["low"] or r["roofline_share"] > 1 for r in rows)
    lines += ["the machine was busy: run it again before you quote a figure"] * unsteady
    return "\n".join(lines)


def serve(name, clips):
    """The inside of a worker: say what was found at the start, then a rate for every line read."""
    run = _runner(name)
    x = noise(clips if name == OURS else min(clips, _FEW))
    few = noise(5, seed=1)
    gap = np.abs(run(few) - audio.extract(few, peers.SPEC, "reference")).max()
    before = _high_water()
    run(x)  # the first time: plans, pools, caches
    peak = None if before is None else _high_water() - before
    _say({"gap": None if name.startswith("kaldi") else float(gap), "peak_mb": peak})
    for _ in sys.stdin:
        runs = time_runs(lambda: run(x), seconds=_TURN_S, warmup=1)
        _say({"clips_per_s": len(x) / min(runs)})


class _Worker:
    """A backend in a process of its own."""

    def __init__(self, name, clips):
        self.name = name
        code = f"from kit.bench import features; features.serve({name!r}, {clips})"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen([sys.executable, "-c", code], text=True, **pipes)
        self.found = self._read()

    def ask(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise ImportError(self.process.stderr.read().strip().splitlines()[-1])
        return json.loads(line)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


def _start(clips):
    """Workers that are ready, and list of dict for the peers that cannot be."""
    workers, missing = [_Worker(OURS, clips)], []
    for name in peers.CPU:
        try:
            workers.append(_Worker(name, clips))
        except ImportError as error:
            missing.append({"name": name, "missing": str(error)})
    return workers, missing


def _runner(name):
    """Function of clips to features."""
    if name == OURS:
        return functools.partial(cpu.extract, spec=peers.SPEC)
    make, batch = peers.CPU[name]
    return functools.partial(_in_batches, make(), batch)


def _in_batches(run, batch, clips):
    parts = [np.asarray(run(clips[i : i + batch])) for i in range(0, len(clips), batch)]
    return np.concatenate(parts)


def _row(worker, rates, ceilings, best):
    moved = sum(cost.bytes_per_clip(peers.SPEC, SECOND)) / 1e9
    most, _ = cost.roofline(peers.SPEC, SECOND, ceilings["gflops"], ceilings["gbs"])
    low, middle, high = (float(x) for x in np.percentile(rates, [10, 50, 90]))
    return {
        "name": worker.name, "clips_per_s": middle, "low": low, "high": high,
        "gb_per_s": middle * moved, "roofline_share": middle / most,
        "peak_mb": worker.found["peak_mb"], "largest_gap": worker.found["gap"],
        "ratio_to_best_peer": float(middle / best),
    }  # fmt: skip


def _high_water():
    """MB of memory that this process ever held; None where the system does not tell.

    Not ru_maxrss: a new process inherits that from its parent.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next(int(x.split()[1]) * 1024 / 1e6 for x in lines if x.startswith("VmHWM"))


def _say(answer):
    print(json.dumps(answer), flush=True)


def _mb(value):
    return "memory not told" if value is None else f"{value:.0f} MB beyond the input"
