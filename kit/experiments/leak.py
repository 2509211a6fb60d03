"""The leak: augmented copies of one recording on both sides of a split."""

import itertools

import numpy as np

from kit.audio.augment import preset
from kit.errors import KitError
from kit.experiments import scale
from kit.experiments.folds import folds
from kit.experiments.runs import Task, outcomes
from kit.experiments.takes import Takes

SPLITS = {
    "random": "any copy",
    "recording": "all copies of a recording together",
    "speaker": "all recordings of a speaker together",
}
COPIES = PARTS = 4


def leak(people, size=None, progress=None):
    """What a split reports, and what an unseen person finds, for three splits of augmented copies.

    people: Takes, of whom two folds test. size: Scale. Each split makes PARTS parts; `size.parts`
    of them test a model that learnt from the others. polars table, means over these: split (a
    name in SPLITS), train_clips, reported_percent (accuracy on the part), unseen_percent (on
    changed copies of people in no part), too_high_points.
    """
    import polars as pl

    size = size or scale()
    rows, tasks = [], []
    for fold in folds(people, size.tested)[:2]:
        others = _checked(people.without(fold))
        copies, source = siblings(others.few(min(size.budget // 2, len(others.clips))))
        strangers = siblings(people.by(fold), copies=1)[0]
        for name, number in itertools.product(SPLITS, range(size.parts)):
            test = parts(copies, source, name) == number
            tests = {"reported": copies.of(test), "unseen": strangers}
            how = {"seed": number, "passes": size.passes, "augment": "none"}
            tasks.append(Task(copies.of(~test), tests, how))
            rows.append({"split": name, "train_clips": int((~test).sum())})
    found = outcomes(tasks, progress=progress)
    each = pl.DataFrame([row | o["accuracy"] for row, o in zip(rows, found, strict=True)])
    reported, true = (100 * pl.col(name).mean() for name in ("reported", "unseen"))
    return each.group_by("split", maintain_order=True).agg(
        pl.col("train_clips").mean(), reported_percent=reported, unseen_percent=true,
        too_high_points=reported - true,
    )  # fmt: skip


def _checked(others):
    names = sorted(set(others.speakers.tolist()))
    if len(names) < PARTS:
        raise KitError(
            "too few speakers for a split by speaker",
            found=names,
            allowed=f"{PARTS} or more beside those tested",
            code="no-honest-split",
        )
    return others


def siblings(own, copies=COPIES):
    """(Takes, int[n]): changed copies of each clip, and the row of `own` that each came from."""
    source = np.repeat(np.arange(len(own.clips)), copies)
    ids = [f"{row} {number}" for row in range(len(own.clips)) for number in range(copies)]
    clips = preset("full")(own.clips[source], ids, seed="siblings")
    return Takes(clips, own.labels[source], own.speakers[source]), source


def parts(copies, source, split, seed=0):
    """int[n], 0 to PARTS - 1: the part of each copy, under a split named in SPLITS."""
    if split not in SPLITS:
        allowed = ", ".join(SPLITS)
        raise KitError("no such split", found=split, allowed=allowed, code="unknown")
    group = {"random": np.arange(len(source)), "recording": source, "speaker": copies.speakers}
    names, place = np.unique(group[split], return_inverse=True)
    return np.random.default_rng(seed).permutation(len(names))[place] % PARTS
