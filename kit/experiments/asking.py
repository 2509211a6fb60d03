"""Active learning on spoken digits: which clips to label next, and how many labels that saves.

A linear learner on features of whole clips stands for the spotter: it is fitted anew after each
batch, hundreds of times. Tables are polars.
"""

import numpy as np

from kit.experiments import FULL, scale
from kit.experiments.kept import kept_table
from kit.experiments.runs import spread

TASKS = ("new speakers", "same speakers")
STRATEGIES = ("random", "margin")
_EVERY = ("random", "least_confidence", "margin", "entropy", "core_set", "badge")
_FORMAT = "asking 1"  # a change of what a row means gets a new number
_RIDGE = 3.0
_START, _MOST = 20, 500  # labels: at random, and when to stop
_STEPS = 12  # of time in the features of a clip
_TESTED = 2  # speakers who test, or as large a part of all clips


def curves(people, strategies=None, seeds=None, batch=None, size=None):
    """Accuracy against labels, one row a task, strategy, seed and round. Kept on disk.

    people: Takes of three speakers or more. strategies: of kit.labeling.assisted.select; "random"
    is what others are held against. seeds, batch: by size of the Scale. Columns: task (of TASKS:
    tested on two speakers who are not in the pool, or on clips of speakers who are), and those of
    kit.labeling.assisted.loop that are no lists.
    """
    size = size or scale()
    long = size == FULL
    strategies = tuple(strategies or (_EVERY if long else STRATEGIES))
    seeds, batch = seeds or (6 if long else 3), batch or (20 if long else 30)
    about = [_FORMAT, people.digest, strategies, seeds, batch, _MOST]
    return kept_table("asking", about, lambda: _curves(people, strategies, seeds, batch))


def mean_curves(table):
    """Means of `curves` over seeds: task, strategy, labels, accuracy, low, high (0 to 1).

    low, high: the 95 % interval of the mean after Student, over seeds; clipped to 0 and 1.
    """
    import polars as pl

    from kit.intervals import half_width

    half = pl.col("accuracy").map_batches(half_width, pl.Float64, returns_scalar=True)
    found = table.group_by("task", "strategy", "labels", maintain_order=True).agg(
        accuracy=pl.col("accuracy").mean(), half=half
    )
    ends = {"low": pl.col("accuracy") - pl.col("half"), "high": pl.col("accuracy") + pl.col("half")}
    found = found.with_columns(**{name: end.clip(0, 1) for name, end in ends.items()})
    return found.drop("half").sort("task", "strategy", "labels")


def multipliers(table, accuracies=(0.6, 0.65, 0.7, 0.8, 0.85, 0.9)):
    """How many times fewer labels a strategy needs than random: one row each, with interval.

    table: of `curves`. Columns: task, strategy, and those of kit.labeling.assisted.multiplier;
    rows that neither reaches are left out.
    """
    import polars as pl

    from kit.labeling.assisted import multiplier

    parts = []
    for (task, strategy), part in table.group_by("task", "strategy", maintain_order=True):
        if strategy == "random":
            continue
        plain = table.filter(pl.col("task") == task, pl.col("strategy") == "random")
        found = multiplier(part, plain, accuracies)
        reached = found.filter(pl.col("labels").is_not_null()
                               | pl.col("random_labels").is_not_null())  # fmt: skip
        about = (pl.lit(task).alias("task"), pl.lit(strategy).alias("strategy"))
        parts.append(reached.select(*about, pl.all()))
    return pl.concat(parts)


def embedded(clips):
    """float64[n, 182] of int16[n, samples] at 16 kHz: the speech in 12 steps of 13 MFCC, less
    their mean over the clip, and mean and standard deviation of each over the clip.
    """
    from kit.audio import extract
    from kit.labeling.assisted.weak_audio import templates

    steps, _ = templates(clips)
    steps = steps.reshape(len(steps), _STEPS, -1, steps.shape[2]).mean(2)
    whole = extract(clips, "kws").astype(np.float64)
    return np.hstack([steps.reshape(len(steps), -1), whole.mean(1), whole.std(1)])


def _curves(people, strategies, seeds, batch):
    import polars as pl

    x, y = embedded(people.clips), people.labels
    jobs = []
    for task, test in _tests(people).items():
        middle, wide = x[~test].mean(0), x[~test].std(0)
        z = (x - middle) / np.where(wide > 0, wide, 1.0)
        how = {"start": _START, "batch": batch, "rounds": max(1, (_MOST - _START) // batch)}
        jobs += [(task, z[~test], y[~test], (z[test], y[test]), how | {"strategy": name, "seed": i})
                 for name in strategies for i in range(seeds)]  # fmt: skip
    order = {task: i for i, task in enumerate(TASKS)}
    found = pl.concat(list(spread(_looped, jobs)))
    return found.sort(pl.col("task").replace_strict(order), "strategy", "seed", "round")


def _looped(job):
    """One loop, as a worker runs it: its table with the task in front, without lists."""
    import polars as pl

    from kit.labeling.assisted import Logistic, loop

    task, pool, labels, test, how = job
    table = loop(Logistic(ridge=_RIDGE), pool, labels, test, **how).drop("selected")
    return table.select(pl.lit(task).alias("task"), pl.all())


def _tests(people):
    """dict of task -> bool[n]: who tests."""
    from kit.experiments.folds import names_of

    names = names_of(people, _TESTED + 1, "two test, the others are asked about")
    strangers = np.isin(people.speakers, names[-_TESTED:])
    order = np.random.default_rng(0).permutation(len(strangers))
    return dict(zip(TASKS, (strangers, order < strangers.sum()), strict=True))
