"""Arithmetic: how many float32 operations a second this machine really does."""

import numpy as np

from kit.measure.record import Measurement
from kit.measure.timing import PROBE_SECONDS, time_runs
from kit.quantities import quantity


def matrix_product(size=1536):
    """Rate of a float32 matrix product on all cores, as a Measurement in GFLOP/s.

    size: rows and columns. It is the customary ceiling: little else comes as close to the peak.
    """
    quantity("size", size, "count")
    a = np.random.default_rng(0).random((size, size), np.float32)
    out = np.empty_like(a)
    runs = time_runs(lambda: np.matmul(a, a, out=out), seconds=PROBE_SECONDS / 4)
    operations = 2 * size**3 / 1e9
    return Measurement.of(
        "float32 matrix product, all cores", operations / np.array(runs), "GFLOP/s"
    )
