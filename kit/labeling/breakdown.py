"""Agreement taken apart: by label, by rater, over time. Needs polars."""

import numpy as np

from kit.errors import KitError
from kit.intervals import wilson
from kit.labeling.agreement import STATISTICS, measured, row, schema
from kit.labeling.ratings import read
from kit.labeling.resample import estimates, patterns


def per_class(ratings, labels=None, draws=1000, seed=0, certainty=0.95):
    """Which labels raters agree on: polars table, one row a label.

    Arguments as in kit.labeling.agreement. Columns: label, share (of the ratings), agreement (the
    chance that another rater of the item says this label if one does: specific agreement,
    Cicchetti and Feinstein 1990), low, high (of agreement, bootstrap over items), kappa (Fleiss
    1971, this label against all others), ratings, note. Null, with a note, for a label that is
    never or always used. Only items with two ratings or more count.
    Raises KitError "no-pairs" and those of read.
    """
    import polars as pl

    r, several = _paired(ratings, labels)
    counts, times = patterns(several.counts())
    n = counts.sum(1)
    same = counts * (counts - 1) / (n - 1)[:, None]  # expected equal others of a random rating
    found = estimates({k: _specific(same[:, k], counts[:, k]) for k in range(len(r.labels))},
                      times, draws, seed, certainty)  # fmt: skip
    used, rows = np.bincount(several.label, minlength=len(r.labels)), []
    for k, label in enumerate(r.labels):
        x, share = found[k], used[k] / len(several.item)
        if not used[k]:
            rows.append((label, 0.0, None, None, None, None, 0, "never used"))
            continue
        kappa = None if used[k] == len(several.item) else _against_rest(counts[:, k], n, times)
        note = "the only label: kappa is not defined" if kappa is None else x.note
        rows.append((label, share, x.value, x.low, x.high, kappa, int(used[k]), note))
    kinds = {"label": r.labels.dtype, "share": pl.Float64, "agreement": pl.Float64,
             "low": pl.Float64, "high": pl.Float64, "kappa": pl.Float64, "ratings": pl.Int64,
             "note": pl.String}  # fmt: skip
    return pl.DataFrame(rows, kinds, orient="row")


def per_rater(ratings, labels=None, certainty=0.95):
    """How far each rater agrees with the others: polars table, one row a rater.

    Columns: rater, agreement (mean over its items of the share of the other raters who said the
    same), low, high (of agreement), kappa (agreement beyond what its labels and those of the
    others give by chance), items (that others rated too), ratings, note.

    The interval is Wilson's (1927) as if each item were one other rater's word: too wide rather
    than too narrow where several rated. Null, with a note, where nobody else rated.
    Raises the KitErrors of read.
    """
    import polars as pl

    r = read(ratings, labels)
    everyone, k = len(r.raters), len(r.labels)
    votes = np.bincount(r.rater, minlength=everyone)
    counts = r.counts()
    kept = r.each[r.item] > 1
    item, rater, label = r.item[kept], r.rater[kept], r.label[kept]
    others = r.each[item] - 1
    share = (counts[item, label] - 1) / others
    items = np.bincount(rater, minlength=everyone)
    with np.errstate(invalid="ignore", divide="ignore"):
        agreed = np.bincount(rater, share, everyone)
        chance = _others_chance(counts, item, rater, label, others, (everyone, k)) / items**2
        kappa = (agreed / items - chance) / np.where(chance < 1 - 1e-12, 1 - chance, np.nan)
        low, high = wilson(agreed, items, certainty)
    note = np.select([votes == 0, items == 0, ~np.isfinite(kappa)],
                     ["no ratings", "nobody else rated its items",
                      "one label only: kappa is not defined"], "")  # fmt: skip
    numbers = {"agreement": agreed / np.maximum(items, 1), "low": low, "high": high, "kappa": kappa}
    columns = {name: pl.Series(np.where(items > 0, x, np.nan)).fill_nan(None)
               for name, x in numbers.items()}  # fmt: skip
    return pl.DataFrame({"rater": r.raters, **columns, "items": items, "ratings": votes,
                         "note": note})  # fmt: skip


def over_time(ratings, windows=10, statistic="krippendorff alpha (nominal)", labels=None,
              draws=1000, seed=0, certainty=0.95):  # fmt: skip
    """Agreement in windows of time: polars table, one row a window, in order.

    ratings: polars table (item, rater, label, time); time is a number, date or datetime. windows:
    how many, with equally many items each, so that intervals are alike in width. An item belongs
    to the window of its first rating, so that no pair is torn apart; items nobody rated have none.
    statistic: a name of kit.labeling.agreement.STATISTICS.

    Columns: start, end (first ratings of the first and last item), statistic, value, low, high,
    items, raters, ratings, note, as in `agreement`. Raises KitError "statistic", "not-count" and
    those of read.
    """
    import polars as pl

    if statistic not in STATISTICS:
        raise KitError("no such statistic", found=statistic, allowed=", ".join(STATISTICS),
                       code="statistic")  # fmt: skip
    r = read(ratings, labels, time=True)
    r = r.only(r.each > 0)
    if windows != int(windows) or not 1 <= windows <= len(r.items):
        raise KitError("windows is not possible", found=windows, code="not-count",
                       allowed=f"1 to the number of items, {len(r.items)}")  # fmt: skip
    times = pl.DataFrame({"item": r.item, "time": r.time})
    first = times.group_by("item").agg(pl.col("time").min()).sort("item")["time"]
    order = first.arg_sort().to_numpy()
    rows = []
    for part in np.array_split(order, int(windows)):
        keep = np.zeros(len(r.items), bool)
        keep[part] = True
        found, used = measured(r.only(keep), [statistic], draws, seed, certainty)[statistic]
        rows.append((first[int(part[0])], first[int(part[-1])], *row(statistic, found, used)))
    kind = {"start": first.dtype, "end": first.dtype}
    return pl.DataFrame(rows, kind | schema(), orient="row")


def _paired(ratings, labels):
    r = read(ratings, labels)
    several = r.only(r.each > 1)
    if not len(several.item):
        raise KitError("no item has two ratings", found=f"{len(r.item)} ratings",
                       allowed="an item that two raters rated", code="no-pairs")  # fmt: skip
    return r, several


def _specific(same, used):
    return lambda weights: (weights @ same) / (weights @ used)


def _against_rest(used, n, times):
    """Fleiss' kappa of one label against all others."""
    share = float((times * used / n).sum() / times.sum())
    apart = float((times * used * (n - used) / (n * (n - 1))).sum() / times.sum())
    return 1 - apart / (share * (1 - share))


def _others_chance(counts, item, rater, label, others, shape):
    """float64[raters]: items squared x the agreement of two independent draws of labels."""
    everyone, k = shape
    mine = np.bincount(rater * k + label, minlength=everyone * k).reshape(shape)
    said = np.zeros(shape)
    for c in range(k):
        theirs = (counts[item, c] - (label == c)) / others
        said[:, c] = np.bincount(rater, theirs, everyone)
    return (mine * said).sum(1)
