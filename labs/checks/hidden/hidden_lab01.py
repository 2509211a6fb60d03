"""Hidden checks of lab 01: instances that the student has not seen. For instructors only."""

import os
import tempfile
from pathlib import Path

import checks_lab01 as visible
import polars as pl

from kit.course import expect

_SEEDS = (11, 12, 13)


def transfer(transfer_hours):
    """Task 1: other instances, an infinite rate of nothing, and the edges of what is allowed."""
    for seed in _SEEDS:
        visible.transfer(transfer_hours, seed)
    expect.near(transfer_hours(0, 10, 1.0), 0.0, "moving nothing")
    expect.near(transfer_hours(450, 1, 1.0), 1.0, "450 GB over 1 Gbit/s")
    expect.refuses(lambda: transfer_hours(1, float("nan"), 1), "a rate of nan")


def sweep(plan):
    """Task 2: other inventories, the tie, an empty table, and that the input stays unchanged."""
    for seed in _SEEDS:
        visible.sweep(plan, seed)
    # 100 GB for free over 80 Gbit/s wait 10 s: 4 x 10 / 3600 USD, exactly the extra price of 1 h
    tie = pl.DataFrame({"name": ["tie"], "volume_gb": [100.0], "job_h": [1.0]})
    before = tie.clone()
    expect.same(plan(tie, 80, 0.0, 4 * 10 / 3600)["choice"].to_list(), ["data"], "choice at a tie")
    expect.true(tie.equals(before), "plan must not change the table it is given.")
    expect.true(plan(tie.clear(), 10, 0.1, 1).height == 0, "An empty inventory stays empty.")


def feeding(bottleneck):
    """Task 3: other instances."""
    for seed in _SEEDS:
        visible.feeding(bottleneck, seed)


def measure(read_rate):
    """Task 4: another file, and that it is really read."""
    visible.measure(read_rate, seed=_SEEDS[0])
    with tempfile.TemporaryDirectory(prefix="lab-") as tmp:
        small, large = Path(tmp, "small"), Path(tmp, "large")
        small.write_bytes(os.urandom(2**20))
        large.write_bytes(bytes(128 * 2**20))
        for path in (small, large):
            rate = expect.as_number(read_rate(path, 3)["gbs"], '"gbs"')
            expect.true(0.01 < rate < 500, f"{rate:.3g} GB/s is no rate of reading a file.")
        missing = Path(tmp, "missing")
        expect.refuses(lambda: read_rate(missing, 3), "a missing file", error=OSError)


def gain(deduplicate):
    """Task 5: other instances, and records that only look alike."""
    for seed in _SEEDS:
        visible.gain(deduplicate, seed)
    pair = [b"ab", b"ba", b"ab ", b"ab"]
    expect.same(deduplicate(pair)[0], pair[:3], "records that only look alike")
    expect.near(deduplicate(pair)[1], 9 / 7, "their gain")
