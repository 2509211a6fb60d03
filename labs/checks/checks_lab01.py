"""Visible checks of lab 01. They draw new numbers on every run and say what they expected."""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from kit.course import expect


def transfer(transfer_hours, seed=None):
    """Task 1: random transfers, then input that must be refused."""
    dice = expect.dice(seed)
    for _ in range(5):
        volume, link = dice.uniform(1, 1e6), dice.choice([0.016, 1, 10, 25, 100, 400])
        share = dice.uniform(0.3, 1.0)
        what = f"transfer_hours({volume:.1f}, {link}, {share:.2f})"
        hint = "a byte has eight bits, an hour 3600 seconds, and only a share of the line is left"
        expect.near(
            transfer_hours(volume, link, share), volume * 8 / link / share / 3600, what, hint
        )
    for bad in ((-1, 10, 1), (1, 0, 1), (1, 10, 0), (1, 10, 1.5), (float("nan"), 10, 1)):
        hint = "nan compares False with everything, so test for what is allowed"
        expect.refuses(lambda bad=bad: transfer_hours(*bad), f"transfer_hours{bad}", hint)


def sweep(plan, seed=None):
    """Task 2: a random inventory, every column, order and type of the result."""
    dice = expect.dice(seed)
    rows = dice.randint(4, 9)
    inventory = pl.DataFrame(
        {
            "name": [f"set-{i}" for i in range(rows)],
            "volume_gb": [dice.uniform(1, 1e5) for _ in range(rows)],
            "job_h": [dice.uniform(1, 500) for _ in range(rows)],
        }
    )
    link, price, extra = dice.choice([1, 10, 100]), dice.uniform(0.02, 0.12), dice.uniform(1, 20)
    got = plan(inventory, link, price, extra)
    expect.true(type(got) is pl.DataFrame, "plan should return a polars DataFrame.")
    missing = {"name", "volume_gb", "job_h", "hours", "move_usd", "choice"} - set(got.columns)
    expect.true(not missing, f"plan's result lacks the columns {sorted(missing)}.")
    expect.same(got["name"].to_list(), inventory["name"].to_list(), "the order of the rows")
    volume = inventory["volume_gb"].to_numpy()
    hours = volume * 8 / link / 3600
    usd = volume * price + 4 * hours
    expect.all_near(got["hours"], hours, "column hours", "GB to bit, seconds to hours")
    expect.all_near(got["move_usd"], usd, "column move_usd", "egress plus 4 USD an hour of waiting")
    choice = np.where(usd <= inventory["job_h"].to_numpy() * extra, "data", "code").tolist()
    expect.same(
        got["choice"].to_list(), choice, "column choice", "compare with job_h x extra price"
    )


def feeding(bottleneck, seed=None):
    """Task 3: each of the three stages is made the slowest in turn."""
    dice = expect.dice(seed)
    for slow in ("device", "storage", "loader"):
        rates = {k: dice.uniform(5e3, 5e4) for k in ("device", "storage", "loader")}
        rates[slow] = dice.uniform(100, 2000)
        work, size, workers = dice.uniform(0.1, 20), dice.uniform(1e3, 1e6), dice.randint(1, 16)
        got = bottleneck(
            rates["device"] * work / 1e3, work, size, rates["storage"] * size / 1e9,
            workers, rates["loader"] / workers,
        )  # fmt: skip
        expect.true(type(got) is tuple and len(got) == 2, "bottleneck should return (rate, name).")
        hint = "compute the rate of each stage in samples/s and take the smallest"
        expect.near(got[0], rates[slow], "the rate in samples/s", hint)
        expect.same(got[1], slow, "the name of the slowest stage", hint)


def measure(read_rate, seed=None, factor=6.0):
    """Task 4: a scratch file of random size, read by both in turn."""
    dice = expect.dice(seed)
    size, runs = dice.randint(20, 40) * 2**20, dice.randint(4, 7)
    with tempfile.TemporaryDirectory(prefix="lab-") as tmp:
        path = Path(tmp, "scratch.bin")
        path.write_bytes(os.urandom(2**20) * (size // 2**20))
        got, ours = read_rate(path, runs), _our_rate(path, size)
    expect.true(type(got) is dict, "read_rate should return a dictionary.")
    missing = {"gbs", "low", "high", "runs"} - set(got)
    expect.true(not missing, f"read_rate's result lacks {sorted(missing)}.")
    low, median, high = (expect.as_number(got[k], f'"{k}"') for k in ("low", "gbs", "high"))
    expect.near(got["runs"], runs, '"runs"', "the warm-up run is not counted")
    expect.true(low <= median <= high, f"low {low:.3g}, gbs {median:.3g}, high {high:.3g}: order.")
    expect.true(low < high, "All runs took the same time to the last digit.", "time each run")
    near = ours / factor < median < ours * factor
    hint = "bytes over seconds over 1e9, and read to the end"
    expect.true(near, f"read_rate says {median:.3g} GB/s; the check saw {ours:.3g} GB/s.", hint)


def gain(deduplicate, seed=None):
    """Task 5: planted duplicates, an empty list, and a large list against the clock."""
    dice = expect.dice(seed)
    distinct = [dice.randbytes(dice.randint(1, 50)) + bytes([i]) for i in range(20)]
    records = distinct + [dice.choice(distinct) for _ in range(dice.randint(5, 60))]
    got = deduplicate(records)
    expect.true(type(got) is tuple and len(got) == 2, "deduplicate should return (records, gain).")
    expect.same(got[0], distinct, "the distinct records", "keep the order of first appearance")
    wanted = sum(map(len, records)) / sum(map(len, distinct))
    expect.near(got[1], wanted, "the gain", "total bytes over distinct bytes, not counts")
    expect.near(deduplicate([])[1], 1.0, "the gain of an empty list")
    many = [str(i // 2).encode() for i in range(100_000)]
    start = time.perf_counter()
    expect.true(len(deduplicate(many)[0]) == 50_000, "A large list lost or kept too many records.")
    slow = time.perf_counter() - start > 20
    expect.true(not slow, "A hundred thousand records took over 20 s.", "use a set or a dict")


def _our_rate(path, size):
    path.read_bytes()
    start = time.perf_counter()
    path.read_bytes()
    return size / 1e9 / (time.perf_counter() - start)
