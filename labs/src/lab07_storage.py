# %% [markdown]
# # Lab 07: storage
#
# {{sum(points.values())}} points. About two and a half hours. Do lesson 07 first.
#
# Write your answers where a cell says `YOUR CODE HERE` or `YOUR ANSWER HERE`; other cells stay as they are. Below each answer a cell checks it, with other numbers each time. It tells you what it expected. When you hand in, further checks of the same kind run on numbers you have not seen.
#
# A check that prints `Passed.` is passed. *Run All Cells* stops at the first task that is still open.
#
# All files of this lab lie in temporary folders, and are removed. Nothing is downloaded.

# %% kind="locked" task="setup"
import math
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import checks_lab07 as checks
import numpy as np
import polars as pl

from kit.storage import Layout, bytes_on_disk, cost, diff, history, open_store, write_store

# %% [markdown]
# ## Task 1: when is the tighter codec the quicker one? ({{points['epoch-check'] + points['even-check']}} points)
#
# An epoch reads all packed data once and unpacks them. Write `epoch_s(raw_gb, ratio, read_gbs, unpack_gbs, cores, overlapped)`, the seconds that it takes:
#
# - `raw_gb`: GB of the data once they are unpacked. `ratio`: bytes unpacked over bytes packed;
# - `read_gbs`: GB that storage delivers in a second, packed as they lie there;
# - `unpack_gbs`: GB that one core unpacks in a second, counted as they come out. `math.inf` where nothing is packed. All `cores` unpack;
# - `overlapped`: `True` if the next part is read while this one is unpacked, so that the slower of the two decides; `False` if one follows the other.
#
# Raise a `ValueError` for `raw_gb` below zero, for a ratio or a rate that is not above zero, for less than one core, and for `nan`.


# %% kind="solution" task="epoch"
def epoch_s(raw_gb, ratio, read_gbs, unpack_gbs, cores, overlapped):
    """Seconds to read packed data once and unpack them."""
    ### BEGIN SOLUTION
    if not (raw_gb >= 0 and ratio > 0 and read_gbs > 0 and unpack_gbs > 0 and cores >= 1):
        raise ValueError("data, codec, storage or cores cannot be")
    read, unpack = raw_gb / ratio / read_gbs, raw_gb / (unpack_gbs * cores)
    return max(read, unpack) if overlapped else read + unpack
    ### END SOLUTION


# %% kind="check" task="epoch" points=1
# random data and codecs, and input that cannot be
checks.epoch(epoch_s)
### BEGIN HIDDEN TESTS
import hidden_lab07

hidden_lab07.epoch(epoch_s)
### END HIDDEN TESTS

# %% [markdown]
# A tight codec leaves less to read and takes longer to unpack. On a slow disk it wins, on a quick one it loses. Write `tight_wins_below(tight, quick, cores, overlapped)`: the GB that storage delivers in a second when both epochs take equally long. Below it the tight codec wins.
#
# - `tight`, `quick`: tuples `(ratio, unpack_gbs)` of two codecs. The ratio of `tight` is the larger one. `quick` may be `(1.0, math.inf)`, no codec at all;
# - return `math.inf` where `tight` unpacks as quickly as `quick`, or more so.
#
# Raise a `ValueError` where the ratio of `tight` is not larger, for a ratio or a rate that is not above zero, for less than one core, and for `nan`. Solve the equation on paper, once for each value of `overlapped`. Then ask your `epoch_s` whether you are right.


# %% kind="solution" task="even"
def tight_wins_below(tight, quick, cores, overlapped):
    """GB/s of storage below which the tight codec gives the shorter epoch."""
    ### BEGIN SOLUTION
    if not (tight[0] > quick[0] > 0 and tight[1] > 0 and quick[1] > 0 and cores >= 1):
        raise ValueError("no tight codec, or one that cannot be")
    if tight[1] >= quick[1]:
        return math.inf
    if overlapped:  # the quick codec waits for storage, the tight one for the cores
        return tight[1] * cores / quick[0]
    return (1 / quick[0] - 1 / tight[0]) / (1 / tight[1] - 1 / quick[1]) * cores
    ### END SOLUTION


# %% kind="check" task="even" points=2
# random pairs of codecs, no codec at all, and input that cannot be
checks.break_even(tight_wins_below)
### BEGIN HIDDEN TESTS
import hidden_lab07

hidden_lab07.break_even(tight_wins_below)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: a layout for a workload ({{points['archive-check'] + points['reader-check']}} points)
#
# The same columns can lie in many layouts: `help(Layout)` names them. `write_store(columns, folder, layout)` writes one, and `open_store(folder)` reads it. The cell below shows how. Write `choose(columns, workload)`, which returns a `Layout`:
#
# - `columns`: a dictionary of NumPy arrays, clips or a table. `layout.holds(columns)` says whether they can lie so;
# - `workload`: a dictionary with `"asks"`, `"names"` and `"most_bytes"`.
#
# | `"asks"` | what is done | what you look for |
# |---|---|---|
# | `"archive"` | written once, read once a year at most | the fewest bytes |
# | `"one"` | any single record, again and again: `store.take([row])`, from a store that is open | the least time |
# | `"some"` | the columns `"names"` of all records: a store is opened, then `store.read(names)` | the least time |
#
# The files may take `"most_bytes"` together, the first number of `bytes_on_disk(folder)`. It is `math.inf` where nobody limits them.
#
# Your choice is measured. The check writes the layout that you return, and some that we took, in the same run. An archive may be {{assume(8, 'our choice')}} % larger than the smallest of ours. A reader may take three times as long as the quickest of ours within the limit: the median of several rounds in which each store has its turn, and if that fails, of more rounds. The page cache is warm, as it is for data that are read again and again.
#
# How you choose is your affair: by a rule, or by writing candidates to a `TemporaryDirectory` and trying them. Rules have surprised people who did not try. A call may take some ten seconds. A layout may make up to a thousand groups, so that nobody waits for the writing of each row by itself. The dictionary and its arrays must not change.

# %%
columns = checks.sample()
with TemporaryDirectory() as folder:
    write_store(columns, Path(folder, "store"), Layout("parquet", "snappy", 4096))
    size, blocks = bytes_on_disk(Path(folder, "store"))
    with open_store(Path(folder, "store")) as store:
        record = store.take([store.rows - 1])
size, record


# %% kind="solution" task="layout"
def choose(columns, workload):
    """The Layout that suits the workload best."""
    ### BEGIN SOLUTION
    kinds = [Layout("parquet", "zstd", n, dictionary=d)
             for n in (512, 10**6) for d in (False, True)]  # fmt: skip
    kinds += [Layout("npy"), Layout("flac"), Layout("arrow", "zstd", 10**6)]
    rows, rng, spent = len(next(iter(columns.values()))), np.random.default_rng(0), {}

    def ask(folder, store):
        start = time.perf_counter()
        if workload["asks"] == "one":
            store.take([int(rng.integers(rows))])
        else:
            with open_store(folder) as fresh:
                fresh.read(workload["names"])
        return time.perf_counter() - start

    with TemporaryDirectory() as tmp:
        for layout in kinds:
            if not layout.holds(columns):
                continue
            folder = write_store(columns, Path(tmp, layout.name), layout)
            size = bytes_on_disk(folder)[0]
            if workload["asks"] == "archive":
                spent[layout] = size
            elif size <= workload["most_bytes"]:
                with open_store(folder) as store:
                    spent[layout] = median(ask(folder, store) for _ in range(9))
    return min(spent, key=spent.get)
    ### END SOLUTION


# %% kind="check" task="archive" points=2
# clips, events and noise for the archive, weighed
checks.archive(choose)
### BEGIN HIDDEN TESTS
import hidden_lab07

hidden_lab07.archive(choose)
### END HIDDEN TESTS

# %% kind="check" task="reader" points=2
# four readers, three of them with a limit of bytes, timed beside other layouts
checks.reader(choose)
### BEGIN HIDDEN TESTS
import hidden_lab07

hidden_lab07.reader(choose)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: what was known at the time ({{points['asof-check']}} points)
#
# A label may only see what was known when it was made. Write `join_as_of(labels, facts, ttl)`:
#
# - `labels`: a polars table `user`, `label`, `time`;
# - `facts`: a polars table `user`, `time` (when it happened), `known` (when it reached the database), and the values `pulse` and `mode`. Times are whole minutes;
# - `ttl`: the greatest age of a fact in minutes, from when it happened to the label. `None` is no limit;
# - return `labels` with two more columns, `pulse` and `mode`, of the fact that the label may see, and null where there is none.
#
# A label sees the facts of its user that had happened and were known by its time; a fact at the very minute counts, and so does one that is as old as `ttl`. Among them the fact that happened last is used. Of several that happened then, it is the one known last, and of these the last in the table. It is used as a whole: where its pulse is null, the answer is null.
#
# The tables come in any order, and the labels keep theirs. Any cell of `user`, `time` and `known` may be null. A fact with such a gap is used nowhere, and a label with one gets nulls. A fact may be known before it happens, as a forecast is. The tables must not change. Raise a `ValueError` for a `ttl` below zero, or `nan`.
#
# Use polars or NumPy, but neither `as_of` nor `leaks` of the kit: the check compares with them.


# %% kind="solution" task="asof"
def join_as_of(labels, facts, ttl):
    """labels with pulse and mode, as they were known at the time of each."""
    ### BEGIN SOLUTION
    if ttl is not None and not ttl >= 0:
        raise ValueError("an age cannot be below zero")
    usable = facts.with_row_index("place").drop_nulls(["user", "time", "known"])
    usable = usable.rename({"time": "happened"})
    asked = labels.with_row_index("row")
    seen = asked.join(usable, on="user").filter(
        pl.max_horizontal("happened", "known") <= pl.col("time")
    )
    if ttl is not None:
        seen = seen.filter(pl.col("time") - pl.col("happened") <= ttl)
    best = seen.sort("happened", "known", "place").group_by("row").last()
    found = asked.join(best.select("row", "pulse", "mode"), on="row", how="left")
    return found.sort("row").drop("row")
    ### END SOLUTION


# %% kind="check" task="asof" points=3
# late facts, ties, gaps, several ages, and tables without a row
checks.as_of_join(join_as_of)
### BEGIN HIDDEN TESTS
import hidden_lab07

hidden_lab07.as_of_join(join_as_of)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: where do data grow old? ({{points['place-check']}} points)
#
# Data are read less and less as they age. `parts` holds them by age, youngest first. Every month `flow_gb` GB are added to the first part, and as much moves on from each part to the next. At which age should data go to another tier? Write `place(parts, tiers, flow_gb, limits_s, budget_usd)`:
#
# - `parts`: a dictionary of name and `Demand`, at most five. `object_mb` is the same in all of them;
# - `tiers`: a list of `Tier`, at most seven, in any order. Names are unique;
# - `limits_s`: a dictionary of part and seconds. The `first_byte_s` of its tier may be as long, and no longer;
# - `budget_usd`: the most that all of it may cost in a month. `math.inf` is no limit;
# - return a dictionary of part and name of its tier, the cheapest within the limits, or `None` where there is none.
#
# A month costs
#
# - for each part, `cost(tier, demand).usd_month`;
# - for the first part, a request to write (`put_usd`) for each object that is added;
# - for every part that lies elsewhere than the one before: a request to read (`get_usd`) from the old tier and one to write (`put_usd`) to the new tier for each object that moves on, and `retrieval_usd_gb` of the old tier for each GB.
#
# An object has `object_mb` MB, so `flow_gb * 1000 / object_mb` of them move in a month. `plan` of the kit finds the cheapest tier for each part by itself and moves data for nothing. Shortest times of storage are not counted here.
#
# The bill may be {{assume(1, 'our choice')}} % above the cheapest. The budget may not be broken.


# %% kind="solution" task="place"
def place(parts, tiers, flow_gb, limits_s, budget_usd):
    """dict of part -> name of its tier: the cheapest plan, moves included, or None."""
    ### BEGIN SOLUTION
    objects = flow_gb * 1000 / next(iter(parts.values())).object_mb
    plans = {None: (0.0, [])}  # tier of the youngest parts' end -> (USD, tiers so far)
    for name, demand in parts.items():
        found = {}
        for tier in tiers:
            if tier.first_byte_s > limits_s[name]:
                continue
            ways = []
            for old, (usd, way) in plans.items():
                move = objects * tier.put_usd if tier is not old else 0.0
                if old not in (None, tier):
                    move += objects * old.get_usd + flow_gb * old.retrieval_usd_gb
                ways.append((usd + move, way))
            usd, way = min(ways, key=lambda pair: pair[0])
            found[tier] = usd + cost(tier, demand).usd_month, [*way, tier.name]
        plans = found
    usd, way = min(plans.values(), default=(math.inf, []), key=lambda pair: pair[0])
    return dict(zip(parts, way, strict=True)) if way and usd <= budget_usd else None
    ### END SOLUTION


# %% kind="check" task="place" points=3
# four plans within limits, one beyond the budget, one beyond the wait
checks.place(place)
### BEGIN HIDDEN TESTS
import hidden_lab07

hidden_lab07.place(place)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: the version that said nothing ({{points['bad-check']}} points)
#
# A Delta table keeps its versions. In one of them somebody changed values of rows that were there before, and the note does not say so. Models were trained since. Write `find_bad(place)` for the folder of such a table:
#
# - rows are named by the column `id`. A version may add rows or remove them, add a column, give a column another type, sort the rows anew, or put small files together. None of this changes a value;
# - a version whose note begins with `correction` may change values, and is honest;
# - at most one version is bad. It changed one column, and may have added rows as well. Its note says what the notes of others say;
# - return a tuple `(version, column, rows, carried)`: the number of the bad version; the name of the column; in how many rows the value changed; and a list of all versions, rising, in which at least one of these rows has the value that the bad version gave it. A correction may have put all of them right. Return `None` where no version is bad.
#
# `history(place)`, `at(place, version)` and `diff(place, old, new)` of `kit.storage` may be used. `carried` tells which models to train again. The table must not change.

# %%
with TemporaryDirectory() as folder:
    place_of = checks.versions(Path(folder, "table"))
    told, changes = history(place_of), diff(place_of, 0, 2)
print(changes)
told.select("version", "operation", "rows", "added", "removed", "note")


# %% kind="solution" task="bad"
def find_bad(place):
    """(version, column, rows, carried) of the bad version, or None."""
    ### BEGIN SOLUTION
    notes = dict(history(place).select("version", "note").rows())
    for old, new in pairwise(notes):
        found = diff(place, old, new)
        if found.changed.height and not (notes[new] or "").startswith("correction"):
            break
    else:
        return None
    column, bad, carried = found.columns["column"][0], set(found.changed["id"]), []
    for version in (v for v in notes if v >= new):
        later = diff(place, new, version)
        other = later.changed.filter(pl.col("columns").list.contains(column))
        if bad - set(other["id"]) - set(later.removed["id"]):
            carried.append(version)
    return new, column, len(bad), carried
    ### END SOLUTION


# %% kind="check" task="bad" points=3
# four tables with many versions: which one, which column, how many rows, how long
checks.bad_version(find_bad)
### BEGIN HIDDEN TESTS
import hidden_lab07

hidden_lab07.bad_version(find_bad)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: a memo about storage ({{points['memo']}} points)
#
# A firm logs events such as those of `checks.sample()`, {{assume(120, 'checks.case')}} GB a day, and keeps them for three years. `checks.case()` gives what it knows: the arguments of `place`, with objects of {{assume(0.2, 'checks.case')}} MB; two codecs and the machine that trains on the last week every night, `week_gb` unpacked, and reads the next part while it unpacks this one; `table_gb`, the size of a table of labels that is overwritten every night, each version whole. A colleague has a single record of the last week shown to a customer, a few times a second. The network limits reading, whatever the tier, and next year it will be twice as fast. `checks.case(64)` is the same firm with objects of {{assume(64, 'checks.case')}} MB.
#
# Write a memo of about two hundred words to whoever pays, with numbers from your own functions. Say
#
# - which layout and codec the last week and the archive get, and at which read rate you would change the codec;
# - in which tier each part lies, what a month costs, and what one change to the data would save;
# - how many versions of the table of labels you keep and what that costs, and how a version that changes values in silence, and a join that sees the future, are found before a model learns from them;
# - when the plan changes: which number, measured how often, beyond which limit, and what is done then.
#
# The next cell is for your computations and is not graded.
#
# | | excellent: a point | sufficient: half a point | insufficient: none |
# |---|---|---|---|
# | the layout | two layouts of the sample compared by bytes and by time, each for its reader, and the codec with the rate at which it changes | bytes or times of one | "Parquet is standard" |
# | the tiers | the bill by part and by move, against another plan, and what a change of the objects saves | a plan within the budget and its bill | a tier without a price |
# | the past | versions with their price, a test for silent changes and one for leaks, who stops what when they fail | versions kept, without a test | "Delta has time travel" |
# | the change | a number, how often, a limit that follows from the computations, and what is done | a number without a limit | "if it gets slow" |

# %%
# your computations

# %% [markdown] kind="written" task="memo" points=4
# *Layout.* I wrote the sample in two ways. Parquet with zstd and {{assume(512, 'a run of this lab')}} rows a group takes {{assume(0.58, 'a run of this lab')}} MB and gives a single record in {{assume(0.8, 'a run of this lab')}} ms. One group with a dictionary takes {{assume(0.39, 'a run of this lab')}} MB and {{assume(4.2, 'a run of this lab')}} ms. So the last week gets small groups, for the colleague, and the archive one group: {{100*(1-0.394/0.580)|.0f}} % less. Times and ratios are those of my machine; I repeat the run on the one that serves. For the nightly epoch zstd wins below {{0.5*4/2.4|.2f}} GB/s; we read {{assume(0.8, 'checks.case')}}. With a network twice as fast lz4 takes {{840/2.4/1.6|.0f}} s instead of {{840/(0.5*4)|.0f}} s.
#
# *Tiers.* Hard disks for a month, the warehouse for a year, then the archive: {{assume(2489, 'a run of this lab')|.0f}} USD a month, of which {{assume(920, 'a run of this lab')|.0f}} are requests for the move into the archive. `plan` by part alone, with its moves paid, costs {{assume(2565, 'a run of this lab')|.0f}} USD. Packed into objects of {{assume(64, 'checks.case')}} MB the cheapest plan costs {{assume(1058, 'a run of this lab')|.0f}} USD, and a move {{assume(23, 'a run of this lab')|.0f}}. I pack first: it saves {{2489-1058|.0f}} USD, and the first quarter of a year then lies in the object store.
#
# *Past.* I keep {{assume(90, 'our choice')}} versions of the labels, in the object store for {{90*20/1000*value('object_store_month')|.0f}} USD a month; models older than that are not trained again. After each load `find_bad` runs over the last two versions, and `leaks` over the whole training table. If either finds a row, the training of that night stops, and the owner of the load is called; `carried` names the models to train again.
#
# *Change.* I measure the read rate in every epoch. Above {{0.5*4/2.4|.2f}} GB/s on five nights in a row I rewrite the last week with lz4. Once a month I compare the bill with the plan, part by part. More than {{100*(2600/2489-1)|.0f}} % above the plan of today would break the budget; then I run `place` with the reads that were counted.
