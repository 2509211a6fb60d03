"""Visible checks of lab 01. They draw new numbers on every run and say what they expected."""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from kit import gravity
from kit.course import expect

_IMPOSSIBLE = {
    "a negative volume": (-1.0, 10.0, 1.0),
    "a rate of zero": (1.0, 0.0, 1.0),
    "a negative rate": (1.0, -10.0, 1.0),
    "an efficiency of zero": (1.0, 10.0, 0.0),
    "an efficiency above one": (1.0, 10.0, 1.5),
    "a volume that is not a number": (float("nan"), 10.0, 1.0),
    "an efficiency that is not a number": (1.0, 10.0, float("nan")),
}


@expect.checked
def transfer(transfer_hours, seed=None):
    """Task 1: random transfers."""
    dice = expect.dice(seed)
    for _ in range(5):
        volume, link = round(dice.uniform(1, 1e6), 1), dice.choice([0.016, 1, 10, 25, 100, 400])
        share = round(dice.uniform(0.3, 1.0), 2)
        wanted = gravity.transfer_time_s(volume, link, share) / 3600
        found = transfer_hours(volume, link, share)
        hint = "a byte has eight bits, and only a share of the line is left"
        expect.near(found, wanted, f"transfer_hours({volume}, {link}, {share})", hint)


@expect.checked
def refusal(transfer_hours, seed=None):
    """Task 1: input that cannot be must be refused, in random order; the edges must pass."""
    expect.refuses_all(transfer_hours, "transfer_hours", _IMPOSSIBLE, expect.dice(seed))
    expect.near(transfer_hours(0.0, 10.0, 1.0), 0.0, "transfer_hours(0.0, 10.0, 1.0)")


@expect.checked
def sweep(plan, seed=None):
    """Task 2: a random inventory, every column, order and type of the result."""
    dice = expect.dice(seed)
    inventory = _inventory(dice, dice.randint(4, 9))
    link, price = dice.choice([1, 10, 100]), round(dice.uniform(0.02, 0.12), 3)
    extra = round(dice.uniform(1, 20), 1)
    got = plan(inventory, link, price, extra)
    call = f" in plan(inventory, {link}, {price}, {extra})"
    expect.true(type(got) is pl.DataFrame, "plan should return a polars DataFrame.")
    names = ["name", "volume_gb", "job_h", "hours", "move_usd", "choice"]
    expect.holds(got.columns, names, "plan's result")
    expect.same_list(
        got["name"].to_list(), inventory["name"].to_list(), "column name", "keep order"
    )
    hours, usd, choice = _reference(inventory, link, price, extra)
    expect.all_near(got["hours"], hours, f"column hours{call}", "GB to bits, seconds to hours")
    expect.all_near(got["move_usd"], usd, f"column move_usd{call}", "egress plus waiting")
    hint = 'compare with job_h x the extra price; text in an expression is pl.lit("data")'
    expect.same_list(got["choice"].to_list(), choice, f"column choice{call}", hint)


@expect.checked
def large(plan, seed=None, rows=1_000_000, limit_s=5.0):
    """Task 2: a tie goes to the data, and a table of a million rows takes seconds."""
    # 450 GB over 1 Gbit/s take one hour: at no egress price 4 USD, and 2 h at 2 USD/h the same
    tie = pl.DataFrame({"name": ["tie"], "volume_gb": [450.0], "job_h": [2.0]})
    found = plan(tie, 1, 0.0, 2.0)["choice"].to_list()
    expect.same_list(found, ["data"], "column choice at a tie", "at most means <=")
    inventory = _inventory(np.random.default_rng(seed), rows)
    start = time.perf_counter()
    got = plan(inventory, 10, 0.09, 5.0)
    seconds = time.perf_counter() - start
    expect.true(got.height == rows, f"A table of {rows} rows came back with {got.height}.")
    hint = "compute with whole columns, not with rows"
    expect.true(seconds < limit_s, f"A million rows took {seconds:.0f} s.", hint)


@expect.checked
def feeding(bottleneck, seed=None):
    """Task 3: each of the three stages is made the slowest in turn."""
    dice = expect.dice(seed)
    for slow in dice.sample(["device", "storage", "loader"], 3):
        rate = {k: dice.uniform(5e3, 5e4) for k in ("device", "storage", "loader")}
        rate[slow] = dice.uniform(100, 2000)
        work, size, workers = dice.uniform(0.1, 20), dice.uniform(1e3, 1e6), dice.randint(1, 16)
        given = {
            "tflops": rate["device"] * work / 1e3,
            "gflop_per_sample": work,
            "bytes_per_sample": size,
            "storage_gbs": gravity.required_rate_gbs(rate["storage"], size),
            "workers": workers,
            "per_worker": rate["loader"] / workers,
        }
        got = bottleneck(**given)
        call = "bottleneck(" + ", ".join(f"{k}={v:.4g}" for k, v in given.items()) + ")"
        expect.true(type(got) is tuple and len(got) == 2, f"{call} should return (rate, name).")
        hint = "compute the rate of each stage in samples/s and take the smallest"
        expect.near(got[0], rate[slow], f"the rate of {call}", hint)
        expect.same(got[1], slow, f"the name that {call} gives", hint)


@expect.checked
def measure(read_rate, seed=None, factor=6.0):
    """Task 4: a scratch file of random size, read by both in turn."""
    dice = expect.dice(seed)
    size, runs = dice.randint(20, 40) * 2**20, dice.randint(4, 7)
    with tempfile.TemporaryDirectory(prefix="lab-") as tmp:
        path = Path(tmp, "scratch.bin")
        path.write_bytes(os.urandom(2**20) * (size // 2**20))
        ours = _our_rates(path, size)
        got = read_rate(path, runs)
        ours += _our_rates(path, size)
    expect.true(type(got) is dict, "read_rate should return a dictionary.")
    expect.holds(got, ["gbs", "low", "high", "runs"], "read_rate's result")
    low, median, high = (expect.as_number(got[k], f'"{k}"') for k in ("low", "gbs", "high"))
    expect.near(got["runs"], runs, '"runs"', "the warm-up run is not counted")
    order = f'"low" {low:.3g}, "gbs" {median:.3g} and "high" {high:.3g} should rise.'
    expect.true(low <= median <= high, order, "the slowest run has the lowest rate")
    expect.true(low < high, "All runs took the same time to the last digit.", "time each run")
    least, most = min(ours), max(ours)
    near = least / factor < median < most * factor
    hint = "bytes over seconds over 1e9, and read to the end"
    seen = f"the check saw {least:.3g} to {most:.3g} GB/s"
    expect.true(near, f"read_rate says {median:.3g} GB/s; {seen}.", hint)


@expect.checked
def gain(deduplicate, seed=None):
    """Task 5: planted duplicates, an empty list, and a large list against the clock."""
    dice = expect.dice(seed)
    distinct = [dice.randbytes(dice.randint(1, 50)) + bytes([i]) for i in range(20)]
    records = distinct + [dice.choice(distinct) for _ in range(dice.randint(5, 60))]
    got = deduplicate(records)
    expect.true(type(got) is tuple and len(got) == 2, "deduplicate should return (records, gain).")
    hint = "keep the order of first appearance"
    expect.same_list(got[0], distinct, "the distinct records", hint)
    wanted = sum(map(len, records)) / sum(map(len, distinct))
    expect.near(got[1], wanted, "the gain", "total bytes over distinct bytes, not counts")
    expect.near(deduplicate([])[1], 1.0, "the gain of an empty list")
    many = [str(i // 2).encode() for i in range(100_000)]
    start = time.perf_counter()
    expect.true(len(deduplicate(many)[0]) == 50_000, "A large list lost or kept too many records.")
    slow = time.perf_counter() - start > 20
    expect.true(not slow, "A hundred thousand records took over 20 s.", "use a set or a dict")


def _inventory(dice, rows):
    names = [f"set-{i}" for i in range(rows)]
    drawn = min(rows, 1000)  # a large table repeats the first thousand rows
    columns = {
        name: np.resize([dice.uniform(1, top) for _ in range(drawn)], rows)
        for name, top in (("volume_gb", 1e5), ("job_h", 500))
    }
    return pl.DataFrame({"name": names} | columns)


def _reference(inventory, link, price, extra):
    volume, job = inventory["volume_gb"].to_numpy(), inventory["job_h"].to_numpy()
    hours = gravity.transfer_time_s(volume, link) / 3600
    usd = gravity.egress_cost_usd(volume, price) + 4.0 * hours
    return hours, usd, np.where(usd <= job * extra, "data", "code").tolist()


def _our_rates(path, size, runs=3):
    path.read_bytes()
    rates = []
    for _ in range(runs):
        start = time.perf_counter()
        path.read_bytes()
        rates.append(size / 1e9 / (time.perf_counter() - start))
    return rates
