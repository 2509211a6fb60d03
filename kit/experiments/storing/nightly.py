"""A training set that grows every night, and the night on which somebody changed its past.

The table holds what a clip is said to be, not its sound: number, word, speaker, and the night it
came. Every night a job reads all of it, adds the new clips, and writes all of it.
"""

import numpy as np
import polars as pl

from kit import storage
from kit.experiments import scale
from kit.experiments.folds import folds
from kit.experiments.runs import Task, outcomes
from kit.experiments.takes import Takes

NIGHTS = 47  # versions after the first one; the last of them is the bad one
CHANGE = {"9": "5"}  # what the provider's new export calls a word
CODE = "4f2a9c1"  # the commit of every night: nobody touched the code
_OLD = 0.75  # share of the clips that are there from the start
_SEEDS = 3


def pool(people, size=None, change=CHANGE):
    """(Takes to train on, dict of name -> Takes to test on): the tested speakers are in no table.

    The tests are all words, and the words in `change` (dict of old -> new name) alone.
    """
    size = size or scale()
    tested = folds(people, size.tested)[0]
    others, heard = people.without(tested), people.by(tested)
    own = others.few(min(2 * size.budget, len(others.clips)), seed=8)
    mixed = np.random.default_rng(8).permutation(len(own.clips))  # they come in no order
    return own.of(mixed), {"all": heard} | {w: heard.of(heard.labels == w) for w in change}


def keep(clips, place, nights=NIGHTS, change=CHANGE):
    """Writes the versions 0 to `nights` of a Delta table of `clips` (Takes) at `place`.

    Most clips are there from the start, the others come in nights. With the last of them the
    provider of the first ones also delivers these anew: the words in `change` are renamed there. No
    row comes or goes that would not have come anyway.
    """
    first = round(_OLD * len(clips.clips))
    ends = np.linspace(first, len(clips.clips), nights + 1).round().astype(int)
    table = pl.DataFrame({
        "clip": np.arange(len(clips.clips)), "word": clips.labels.tolist(),
        "speaker": clips.speakers.tolist(),
        "night": np.searchsorted(ends, np.arange(len(clips.clips)), side="right"),
    })  # fmt: skip
    for night, end in enumerate(ends):
        if night == nights:
            old = pl.col("night") == 0
            renamed = pl.col("word").replace(change)
            table = table.with_columns(pl.when(old).then(renamed).otherwise("word").alias("word"))
        storage.snapshot(table.head(int(end)), place, note=f"night {night}", code=CODE)
    return place


def trained(clips, tests, place, versions, size=None, progress=None):
    """Spotters of the same code on other versions of the table: polars table, a row a version.

    clips, tests: of `pool`. Columns: version, clips, and for each test `<name>_percent`,
    `<name>_low`, `<name>_high`: right, the mean, the least and the greatest of the seeds.
    """
    size, tasks = size or scale(), []
    for version in versions:
        rows = storage.at(place, version)
        number = rows["clip"].to_numpy()
        train = Takes(clips.clips[number], rows["word"].to_numpy().astype(str),
                      clips.speakers[number])  # fmt: skip
        tasks += [Task(train, tests, {"seed": s, "passes": size.passes}) for s in range(_SEEDS)]
    found = outcomes(tasks, progress=progress)
    rows = []
    for i, version in enumerate(versions):
        own = slice(i * _SEEDS, (i + 1) * _SEEDS)
        row = {"version": version, "clips": len(tasks[own][0].train.clips)}
        for name in tests:
            right = [100 * one["accuracy"][name] for one in found[own]]
            row |= {f"{name}_percent": np.mean(right), f"{name}_low": min(right),
                    f"{name}_high": max(right)}  # fmt: skip
        rows.append(row)
    return pl.DataFrame(rows)
