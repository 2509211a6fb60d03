"""Who is tested, and what a table of tests says about people who were not.

Tables are polars.
"""

from kit.errors import KitError
from kit.intervals import half_width

FEWEST = 4  # speakers for an interval


def folds(people, tested):
    """list of tuples of speakers: each tuple is tested by models that heard none of them.

    people: Takes. tested: how many speakers in all. All of them: one after the other, so that
    each model hears as many people as can be. Fewer: the first ones, together in one fold.
    Raises KitError "no-honest-split" if nobody would be left to train on.
    """
    names = names_of(people, 2, "one tests, the others train")
    if not 1 <= tested <= len(names):
        raise KitError("that many speakers cannot be tested", found=tested,
                       allowed=f"1 to {len(names)}", code="no-honest-split")  # fmt: skip
    return [(name,) for name in names] if tested == len(names) else [tuple(names[:tested])]


def names_of(people, fewest, why):
    """Speakers of a Takes in alphabetical order. Raises KitError "no-honest-split" below `fewest`.

    why: who needs them, such as "one tests, the others train".
    """
    names = sorted(set(people.speakers.tolist()))
    if len(names) < fewest:
        raise KitError("too few speakers", found=names, allowed=f"{fewest} or more: {why}",
                       remedy="add clips of another speaker", code="no-honest-split")  # fmt: skip
    return names


def seeds_of(number, size):
    """The seeds of fold `number`: others for each, so that intervals hold chance as well."""
    return range(number * size.seeds, (number + 1) * size.seeds)


def unseen(people, names, conditions=("clean",)):
    """dict of "speaker, condition" -> Takes, for a Task."""
    from kit.experiments.conditions import heard

    return {
        f"{name}, {condition}": heard(people.by(name), condition)
        for name in names
        for condition in conditions
    }


def tested_rows(about, outcome):
    """list of dict, one a test: `about` the training, with speaker, condition, accuracy."""
    rows = []
    for test, accuracy in outcome["accuracy"].items():
        speaker, condition = test.rsplit(", ", 1)
        rows.append(about | {"speaker": speaker, "condition": condition, "accuracy": accuracy})
    return rows


def tested_table(about, found):
    """polars table: `tested_rows` of each training and its outcome, one below the other."""
    import polars as pl

    return pl.DataFrame([row for a, o in zip(about, found, strict=True)
                         for row in tested_rows(a, o)])  # fmt: skip


def averaged(table, by):
    """Means of accuracy: `by`, accuracy_percent, low_percent, high_percent, speakers, ends.

    table: with accuracy (0 to 1), speaker, seed. Each speaker counts as one observation, for it
    is in the speaker that the next user differs. low to high: the 95 % interval of the mean after
    Student; where fewer than FEWEST speakers were tested that would be as wide as the scale, so
    it is the lowest and highest of them. ends: "interval" or "range".
    """
    import polars as pl

    wide = table["speaker"].n_unique() < FEWEST
    each = table.group_by(*by, "speaker", maintain_order=True).agg(pl.col("accuracy").mean())
    mean, lists = 100 * pl.col("accuracy").mean(), 100 * pl.col("accuracy")
    found = each.group_by(by, maintain_order=True).agg(
        accuracy_percent=mean,
        half=lists.map_batches(half_width, pl.Float64, returns_scalar=True),
        least=lists.min(), most=lists.max(),
        speakers=pl.col("speaker").n_unique().cast(pl.Int64),
    )  # fmt: skip
    middle, half = pl.col("accuracy_percent"), pl.col("half")
    low, high = ("least", "most") if wide else (middle - half, middle + half)
    ends = {"low_percent": low, "high_percent": high}
    ends = {name: (pl.col(x) if wide else x).clip(0, 100) for name, x in ends.items()}
    kind = pl.lit("range" if wide else "interval")
    return found.select(*by, middle, **ends, speakers="speakers", ends=kind)
