"""How well the spotter does on speakers it never heard: each of them tested in turn."""

from kit.experiments.folds import averaged, names_of, tested_rows
from kit.experiments.runs import Task, outcomes
from kit.experiments.takes import joined

EPOCHS = 60  # chosen on pairs of speakers, see docs/benchmarks/kws-accuracy-notes.md


def held_out_speakers(people, how=None, seeds=(0,), real=None, extra=None, tested=None,
                      progress=None):  # fmt: skip
    """Each speaker tested in turn by a model trained without a clip of theirs.

    people: Takes. how: dict of arguments of kit.kws.train.train; by default EPOCHS epochs, all
    speakers train, and the last epoch counts, so that nothing is chosen by a test. real: how many
    clips of the others train, drawn evenly; None for all. extra: Takes that train too. tested:
    names of the speakers who test; by default all.
    polars table, one row a speaker and seed: speaker, seed, accuracy (0 to 1, on all clips of the
    speaker), seconds (training), clips (that trained).
    """
    import polars as pl

    names = names_of(people, 2, "one tests, the others train")
    tasks, about = [], []
    for seed in seeds:
        for name in tested or names:
            own = people.without(name)
            own = own if real is None else own.few(real, seed)
            train = own if extra is None else joined(own, extra)
            how_ = {"epochs": EPOCHS, "seed": seed} | (how or {})
            tasks.append(Task(train, {f"{name}, clean": people.by(name)}, how_))
            about.append({"seed": seed})
    rows = []
    for a, o in zip(about, outcomes(tasks, progress=progress), strict=True):
        rows += tested_rows(a | {"seconds": o["seconds"], "clips": o["clips"]}, o)
    return pl.DataFrame(rows).select("speaker", "seed", "accuracy", "seconds", "clips")


def summary(table):
    """polars table of `held_out_speakers`: a row for each speaker, and one for their mean.

    Columns speaker, accuracy_percent (mean over seeds), low_percent, high_percent, seconds
    (median), runs. low to high: the seeds' range for a speaker, and for "mean" see
    `folds.averaged`.
    """
    import polars as pl

    percent = 100 * pl.col("accuracy")
    each = table.group_by("speaker").agg(
        accuracy_percent=percent.mean(), low_percent=percent.min(), high_percent=percent.max(),
        seconds=pl.col("seconds").median(), runs=pl.len().cast(pl.Int64),
    ).sort("speaker")  # fmt: skip
    mean = averaged(table.with_columns(all=pl.lit("mean")), ["all"])
    last = mean.select(
        pl.col("all").alias("speaker"), "accuracy_percent", "low_percent", "high_percent",
        seconds=pl.lit(float(table["seconds"].median())), runs=pl.lit(table.height, pl.Int64),
    )  # fmt: skip
    return pl.concat([each, last])
