"""Hidden checks of lab 01: instances that the student has not seen. For instructors only.

KIT_GRADING_SEED draws another set of instances for each course.
"""

import os
import tempfile
from pathlib import Path

import checks_lab01 as visible
import polars as pl

from kit.course import expect

_SEEDS = expect.hidden_seeds("lab01")


@expect.checked
def transfer(transfer_hours):
    """Task 1: other instances."""
    expect.again(visible.transfer, transfer_hours, _SEEDS)
    expect.near(transfer_hours(450, 1, 1.0), 1.0, "transfer_hours(450, 1, 1.0)")


@expect.checked
def refusal(transfer_hours):
    """Task 1: the same faults, and a rate that is not a number."""
    expect.again(visible.refusal, transfer_hours, _SEEDS)
    expect.refuses(lambda: transfer_hours(1, float("nan"), 1), "a rate of nan")


@expect.checked
def sweep(plan):
    """Task 2: other inventories, an empty one, and that the input stays unchanged."""
    expect.again(visible.sweep, plan, _SEEDS)
    table = pl.DataFrame({"name": ["a"], "volume_gb": [1.0], "job_h": [1.0]})
    before = table.clone()
    plan(table, 10, 0.1, 1.0)
    expect.true(table.equals(before), "plan must not change the table it is given.")
    expect.true(plan(table.clear(), 10, 0.1, 1).height == 0, "An empty inventory stays empty.")


@expect.checked
def large(plan):
    """Task 2: the tie and the million rows once more."""
    expect.again(visible.large, plan, _SEEDS[:1])


@expect.checked
def feeding(bottleneck):
    """Task 3: other instances."""
    expect.again(visible.feeding, bottleneck, _SEEDS)


@expect.checked
def measure(read_rate):
    """Task 4: another file, and that it is really read."""
    expect.again(visible.measure, read_rate, _SEEDS[:1])
    with tempfile.TemporaryDirectory(prefix="lab-") as tmp:
        small, large_file = Path(tmp, "small"), Path(tmp, "large")
        small.write_bytes(os.urandom(2**20))
        large_file.write_bytes(bytes(128 * 2**20))
        for path in (small, large_file):
            rate = expect.as_number(read_rate(path, 3)["gbs"], '"gbs"')
            expect.true(0.01 < rate < 500, f"{rate:.3g} GB/s is no rate of reading a file.")
        missing = Path(tmp, "missing")
        expect.refuses(lambda: read_rate(missing, 3), "a missing file", error=OSError)


@expect.checked
def gain(deduplicate):
    """Task 5: other instances, and records that only look alike."""
    expect.again(visible.gain, deduplicate, _SEEDS)
    pair = [b"ab", b"ba", b"ab ", b"ab"]
    expect.same_list(deduplicate(pair)[0], pair[:3], "records that only look alike")
    expect.near(deduplicate(pair)[1], 9 / 7, "their gain")
