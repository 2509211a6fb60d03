"""How good is a spotter? Accuracy with an interval that knows about speakers, and errors by kind.

Needs NumPy; tables are polars.
"""

import numpy as np

from kit.errors import KitError
from kit.intervals import CERTAINTY, wilson


def accuracy(said, labels, speakers, draws=2000, seed=0, certainty=CERTAINTY):
    """polars table: a row for each speaker and one for all, with intervals.

    said, labels, speakers: n strings each. Columns: speaker, clips, accuracy_percent, low_percent,
    high_percent. The interval of a speaker is Wilson's (1927). That of all is a bootstrap over
    speakers and the clips of each (Davison and Hinkley 1997): clips of one voice are no
    independent trials. With one speaker it can only tell about this one, and equals Wilson's.
    """
    import polars as pl

    right, who = _right(said, labels, speakers)
    names = sorted(set(who))
    rows = []
    for name in names:
        mine = right[who == name]
        rows.append((name, len(mine), mine.mean(), *wilson(mine.sum(), len(mine), certainty)))
    groups = [right[who == name] for name in names]
    several = len(groups) > 1
    ends = _bootstrap(groups, draws, seed, certainty) if several else rows[0][3:]
    rows.append(("all", len(right), right.mean(), *ends))
    table = pl.DataFrame(
        rows, ["speaker", "clips", "accuracy_percent", "low_percent", "high_percent"], orient="row"
    )
    return table.with_columns(pl.selectors.ends_with("_percent") * 100)


def confusion(said, labels):
    """polars table of label, said, clips, share (of the label), most frequent mistakes first.

    Right answers are rows too; pairs that do not occur are left out.
    """
    import polars as pl

    _right(said, labels, labels)
    table = pl.DataFrame({"label": list(labels), "said": list(said)})
    counts = table.group_by("label", "said").len("clips")
    share = pl.col("clips") / pl.col("clips").sum().over("label")
    wrong = pl.col("label") != pl.col("said")
    return counts.with_columns(share=share).sort(
        wrong, "share", "label", "said", descending=[True, True, False, False]
    )


def cohorts(said, table, by, certainty=CERTAINTY):
    """polars table of the columns `by`, clips, accuracy_percent, low_percent, high_percent.

    table: clip table with `label` and the columns `by`, in the order of `said`. The least
    accurate cohort comes first; null is a cohort of its own. Intervals are Wilson's.
    """
    import polars as pl

    right, _ = _right(said, table["label"], table["label"])
    counts = table.select(*by, right=pl.Series(right)).group_by(*by)
    counts = counts.agg(clips=pl.len(), hits=pl.col("right").sum())
    low, high = wilson(counts["hits"].to_numpy(), counts["clips"].to_numpy(), certainty)
    return counts.with_columns(
        accuracy_percent=100 * pl.col("hits") / pl.col("clips"),
        low_percent=pl.Series(100 * low),
        high_percent=pl.Series(100 * high),
    ).drop("hits").sort("accuracy_percent", *by)  # fmt: skip


def _bootstrap(groups, draws, seed, certainty):
    """(low, high) of the share of all, drawing speakers, then as many clips of each."""
    rng = np.random.default_rng(seed)
    sizes = np.array([len(g) for g in groups])
    shares = np.array([g.mean() for g in groups])
    chosen = rng.integers(len(groups), size=(draws, len(groups)))
    hits = rng.binomial(sizes[chosen], shares[chosen])
    means = hits.sum(1) / sizes[chosen].sum(1)
    tail = (1 - certainty) / 2
    return float(np.quantile(means, tail)), float(np.quantile(means, 1 - tail))


def _right(said, labels, speakers):
    said, labels, who = (np.array(list(x), dtype=object) for x in (said, labels, speakers))
    if not len(said) or not len(said) == len(labels) == len(who):
        raise KitError(
            "answers, labels and speakers do not go together",
            found=f"{len(said)}, {len(labels)}, {len(who)}",
            allowed="as many of each, one or more",
            code="labels",
        )
    if any(name is None for name in who):
        raise KitError("a clip names no speaker or label", found=None, code="labels",
                       remedy="leave it out: nobody can say whom it stands for")  # fmt: skip
    return (said == labels).astype(float), who
