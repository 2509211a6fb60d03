# %% [markdown]
# # Lab 01: data gravity
#
# {{sum(points.values())}} points. About an hour and a half. Do lesson 01 first.
#
# Write your answers where a cell says `YOUR CODE HERE` or `YOUR ANSWER HERE`; other cells stay as they are. Below each answer a cell checks it, with other numbers each time. It tells you what it expected. When you hand in, further checks of the same kind run on numbers you have not seen.
#
# A check that prints `Passed.` is passed. *Run All Cells* stops at the first task that is still open.

# %% kind="locked" task="setup"
import os
import time

import checks_lab01 as checks
import numpy as np
import polars as pl

# %% [markdown]
# ## Task 1: how long, and can it be at all? ({{points['transfer-check'] + points['refusal-check']}} points)
#
# Write `transfer_hours(volume_gb, link_gbps, efficiency)`: hours to move `volume_gb` gigabytes over a line of `link_gbps` gigabits a second, of which protocols leave the share `efficiency`.
#
# Raise a `ValueError` for input that cannot be: a negative volume, a rate of zero or less, an efficiency of zero or less or above one, or a value that is not a number (`nan`).

# %% kind="solution" task="transfer"
def transfer_hours(volume_gb, link_gbps, efficiency=1.0):
    """Hours to move volume_gb (GB) over link_gbps (Gbit/s) at efficiency (0 to 1)."""
    ### BEGIN SOLUTION
    if not (volume_gb >= 0 and link_gbps > 0 and 0 < efficiency <= 1):
        raise ValueError("volume, link or efficiency is impossible")
    return volume_gb * 8 / (link_gbps * efficiency) / 3600
    ### END SOLUTION

# %% kind="check" task="transfer" points=2
# correct hours for any volume, link and efficiency
checks.transfer(transfer_hours)
### BEGIN HIDDEN TESTS
import hidden_lab01

hidden_lab01.transfer(transfer_hours)
### END HIDDEN TESTS

# %% kind="check" task="refusal" points=1
# a ValueError for input that cannot be
checks.refusal(transfer_hours)
### BEGIN HIDDEN TESTS
import hidden_lab01

hidden_lab01.refusal(transfer_hours)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: a sweep over many data sets ({{points['sweep-check'] + points['large-check']}} points)
#
# `inventory` is a polars table with the columns `name`, `volume_gb` and `job_h`. Write `plan(inventory, link_gbps, usd_per_gb, extra_usd_per_h)` that returns the same rows in the same order with three more columns:
#
# - `hours`: time to move the data over the link at full rate;
# - `move_usd`: egress, plus `4` USD for every hour of waiting;
# - `choice`: `"data"` where `move_usd` is at most what the job costs more over there (`job_h` times `extra_usd_per_h`), else `"code"`.
#
# No loop over rows: the table may have millions. Inside an expression, text is written `pl.lit("data")`.

# %% kind="solution" task="sweep"
WAIT_USD_PER_H = 4.0


def plan(inventory, link_gbps, usd_per_gb, extra_usd_per_h):
    """inventory with columns hours, move_usd and choice."""
    ### BEGIN SOLUTION
    hours = pl.col("volume_gb") * 8 / link_gbps / 3600
    there = pl.col("job_h") * extra_usd_per_h
    return inventory.with_columns(hours=hours).with_columns(
        move_usd=pl.col("volume_gb") * usd_per_gb + pl.col("hours") * WAIT_USD_PER_H
    ).with_columns(
        choice=pl.when(pl.col("move_usd") <= there).then(pl.lit("data")).otherwise(pl.lit("code"))
    )
    ### END SOLUTION

# %% kind="check" task="sweep" points=3
# all columns, for any inventory
checks.sweep(plan)
### BEGIN HIDDEN TESTS
import hidden_lab01

hidden_lab01.sweep(plan)
### END HIDDEN TESTS

# %% kind="check" task="large" points=1
# a tie, and a million rows
checks.large(plan)
### BEGIN HIDDEN TESTS
import hidden_lab01

hidden_lab01.large(plan)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: who is waiting? ({{points['feeding-check']}} points)
#
# A device has `tflops` TFLOP/s and needs `gflop_per_sample` GFLOP for a sample of `bytes_per_sample` bytes. Storage delivers `storage_gbs` GB/s; a loader of `workers` workers decodes `per_worker` samples/s each.
#
# Write `bottleneck(...)` that returns the rate in samples/s at which the whole runs, and the name of what limits it: `"device"`, `"storage"` or `"loader"`.

# %% kind="solution" task="feeding"
def bottleneck(tflops, gflop_per_sample, bytes_per_sample, storage_gbs, workers, per_worker):
    """(samples/s, name of the slowest stage)."""
    ### BEGIN SOLUTION
    stages = {
        "device": tflops * 1e3 / gflop_per_sample,
        "storage": storage_gbs * 1e9 / bytes_per_sample,
        "loader": workers * per_worker,
    }
    name = min(stages, key=stages.get)
    return stages[name], name
    ### END SOLUTION

# %% kind="check" task="feeding" points=3
# each stage is the slowest in turn
checks.feeding(bottleneck)
### BEGIN HIDDEN TESTS
import hidden_lab01

hidden_lab01.feeding(bottleneck)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: measure it ({{points['measure-check']}} points)
#
# Write `read_rate(path, runs)`: read the file `path` from start to end `runs` times and return a dictionary with
#
# - `"gbs"`: the median rate in GB/s;
# - `"low"` and `"high"`: the slowest and the fastest run, in GB/s;
# - `"runs"`: how many runs were counted.
#
# Read the file once before the clock starts, so that every counted run finds it in the page cache. The check compares your figure with one measured in the same moment, and is generous: machines are noisy.

# %% kind="solution" task="measure"
def read_rate(path, runs=5):
    """Rate of reading path, page cache warm: dict with gbs, low, high (GB/s) and runs."""
    ### BEGIN SOLUTION
    size, rates = os.path.getsize(path), []
    for count in range(runs + 1):
        start = time.perf_counter()
        with open(path, "rb") as file:
            file.read()
        if count:
            rates.append(size / 1e9 / (time.perf_counter() - start))
    return {
        "gbs": float(np.median(rates)), "low": min(rates), "high": max(rates), "runs": len(rates)
    }
    ### END SOLUTION

# %% kind="check" task="measure" points=4
# your figure beside one of the check
checks.measure(read_rate)
### BEGIN HIDDEN TESTS
import hidden_lab01

hidden_lab01.measure(read_rate)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: what deduplication buys ({{points['gain-check']}} points)
#
# `records` is a list of `bytes`. Write `deduplicate(records)` that returns a tuple: the list of distinct records in the order of their first appearance, and the **selection gain**: total bytes over distinct bytes. An empty list has a gain of one.
#
# It must stay fast for a hundred thousand records, so do not compare each with each.

# %% kind="solution" task="gain"
def deduplicate(records):
    """(distinct records in order, total bytes / distinct bytes)."""
    ### BEGIN SOLUTION
    distinct = list(dict.fromkeys(records))
    kept = sum(map(len, distinct))
    return distinct, sum(map(len, records)) / kept if kept else 1.0
    ### END SOLUTION

# %% kind="check" task="gain" points=3
# order, gain, and a hundred thousand records
checks.gain(deduplicate)
### BEGIN HIDDEN TESTS
import hidden_lab01

hidden_lab01.gain(deduplicate)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: decide, and defend it ({{points['defence']}} points)
#
# Your team owns {{assume(40, 'a scenario of ours')}} TB of recordings in a cloud region. Your own accelerators stand idle elsewhere, behind a line of {{assume(10, 'a scenario of ours')}} Gbit/s that you share. Egress costs {{value('egress')}} USD/GB; waiting and storage at home cost nothing. Compute beside the data costs {{assume(6, 'a scenario of ours')}} USD/h more than at home. A training run takes {{assume(60, 'a scenario of ours')}} hours, and the team plans {{assume(12, 'a scenario of ours')}} runs on the same data. A job that removes duplicates beside the data would take {{assume(20, 'a scenario of ours')}} hours.
#
# Decide: move the data once, move the code every time, or thin the data first. Defend it in about two hundred words, with numbers from your own functions. The next cell is for your computations and is not graded.
#
# | | excellent: a point | sufficient: half a point | insufficient: none |
# |---|---|---|---|
# | numbers | every option computed, with units, and the break-even number of runs | one option computed | no computation |
# | assumptions | names the assumption that would turn the decision, and by how much | names some | none |
# | measurement | says what to measure before paying, and how | mentions measuring | none |

# %%
# your computations

# %% [markdown] kind="written" task="defence" points=3
# Moving once costs {{gravity.egress_cost_usd(40e3, value('egress'))}} USD of egress and {{gravity.transfer_time_s(40e3, 10)/3600|.1f}} h on an empty line; on half of a shared line it takes twice as long, and my accelerators are idle anyway. Running beside the data costs {{6*60}} USD more a run, {{6*60*12}} USD for twelve. So moving pays after {{gravity.egress_cost_usd(40e3, value('egress'))/(6*60)|.0f}} runs, and the plan of twelve is close to that.
#
# The number of runs turns the decision, and so does the duplicate share: without a third of its bytes the set moves for {{gravity.egress_cost_usd(40e3*2/3, value('egress'))|.0f}} USD, and moving pays after {{gravity.egress_cost_usd(40e3*2/3, value('egress'))/(6*60)|.1f}} runs.
#
# I would thin first, beside the data: the job costs {{6*20}} USD, and from {{100*6*20/gravity.egress_cost_usd(40e3, value('egress'))|.1f}} % of duplicates on it pays for itself in egress. Before paying I would measure two things: the duplicate share on a sample of a few thousand records, and the rate of the line at the hour when we would use it. Then I move the thinned set once.
