"""Measure this machine: facts, timing with spread, and probes that return Measurements.

Every probe stops after about 2 s and 1 GiB of disk, and removes what it wrote.
"""

from kit.measure.checkup import doctor, probe_all
from kit.measure.cluster import coordination, scaling, scaling_table
from kit.measure.compute import matrix_product
from kit.measure.decode import parquet_decode, wav_decode
from kit.measure.disk import disk_random, disk_sequential, drop_cache, open_cost
from kit.measure.epoch import (
    LAYOUTS,
    clip_work,
    epoch_gap,
    epoch_rates,
    epoch_table,
    epoch_times,
    predict_epochs,
)
from kit.measure.ladder import (
    bandwidth_ladder,
    ladder_measurements,
    latency_ladder,
    memory_latency,
)
from kit.measure.machine import machine_facts
from kit.measure.memory import memory_copy, memory_read
from kit.measure.network import loopback_latency, loopback_throughput
from kit.measure.record import Measurement, measurement_table
from kit.measure.timing import time_runs

__all__ = [
    "LAYOUTS",
    "Measurement",
    "bandwidth_ladder",
    "clip_work",
    "coordination",
    "disk_random",
    "disk_sequential",
    "doctor",
    "drop_cache",
    "epoch_gap",
    "epoch_rates",
    "epoch_table",
    "epoch_times",
    "ladder_measurements",
    "latency_ladder",
    "loopback_latency",
    "loopback_throughput",
    "machine_facts",
    "matrix_product",
    "measurement_table",
    "memory_copy",
    "memory_latency",
    "memory_read",
    "open_cost",
    "parquet_decode",
    "predict_epochs",
    "probe_all",
    "scaling",
    "scaling_table",
    "time_runs",
    "wav_decode",
]  # fmt: skip
