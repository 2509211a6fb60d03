"""Time a function: warm-up, several runs, bounded."""

import os
import time

REHEARSE = "KIT_REHEARSE"  # in the environment: by how much work is cut, to try pages quickly


def rehearsal():
    """By how much trainings and measurements are cut: 1, or what KIT_REHEARSE says.

    With 20 a page is done quickly, and its numbers mean nothing.
    """
    return float(os.environ.get(REHEARSE, 1))


PROBE_SECONDS = 2.0 / rehearsal()  # what a probe may take; see kit.measure


def time_runs(call, *, seconds=0.5, warmup=1, at_least=3, at_most=1000, before=None):
    """Run `call()` repeatedly; return the wall-clock seconds of each run, list of float.

    seconds: stop once this much was spent, s. warmup: runs that are not counted.
    at_least, at_most: bounds on the runs counted. before: called before each run, untimed.
    The slowest thing that is allowed is `at_least` runs, however long each one takes.
    """
    seconds /= rehearsal()
    for _ in range(warmup):
        if before:
            before()
        call()
    runs, spent = [], 0.0
    while len(runs) < at_least or (spent < seconds and len(runs) < at_most):
        if before:
            before()
        start = time.perf_counter()
        call()
        runs.append(time.perf_counter() - start)
        spent += runs[-1]
    return runs
