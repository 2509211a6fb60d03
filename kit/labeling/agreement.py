"""How far raters agree, by chance taken off and with intervals. Needs NumPy, polars for tables.

Two raters with no missing ratings: Cohen's kappa. More: Fleiss' kappa, Gwet's AC1 where one label
is rare, Krippendorff's alpha where ratings are missing or labels have an order. They differ in
what they call chance, so the same ratings have several values; say which one you quote.
"""

from functools import partial

import numpy as np

from kit.drift.inputs import joined
from kit.drift.labels import BANDS
from kit.errors import KitError
from kit.labeling.ratings import read
from kit.labeling.resample import estimates, patterns

METRICS = ("nominal", "ordinal", "interval", "ratio")
WEIGHTS = (None, "linear", "quadratic")
STATISTICS = (
    "raw agreement",
    "cohen kappa",
    "weighted kappa (linear)",
    "weighted kappa (quadratic)",
    "fleiss kappa",
    "gwet ac1",
    "gwet ac2 (quadratic)",
    *(f"krippendorff alpha ({metric})" for metric in METRICS),
)


def agreement(ratings, statistics=None, labels=None, draws=1000, seed=0, certainty=0.95):
    """Every statistic of agreement that fits: polars table, one row a statistic.

    ratings: polars table (item, rater, label), or array (items, raters); null, None and NaN are
    missing. statistics: names of STATISTICS, all by default. labels: all labels in their order,
    used or not; text has an order only if given here or by an Enum. draws: of the bootstrap over
    items, 0 for none.

    Columns: statistic, value, low, high (percentile bootstrap at `certainty`), items, raters,
    ratings (those that entered), note. Null where a number would say nothing, never NaN; the note
    then says why. Raises the KitErrors of kit.labeling.ratings.read, "statistic", "not-fraction".
    """
    import polars as pl

    wanted = tuple(statistics or STATISTICS)
    for name in wanted:
        if name not in STATISTICS:
            raise KitError("no such statistic", found=name, allowed=", ".join(STATISTICS),
                           code="statistic")  # fmt: skip
    found = measured(read(ratings, labels), wanted, draws, seed, certainty)
    return pl.DataFrame([row(name, *found[name]) for name in wanted], schema(), orient="row")


def schema():
    """dict of column -> polars type of the table of `agreement`."""
    import polars as pl

    return {"statistic": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
            "items": pl.Int64, "raters": pl.Int64, "ratings": pl.Int64,
            "note": pl.String}  # fmt: skip


def row(name, found, used):
    """One row of the table of `agreement`: a Found or KitError and the Ratings that entered."""
    sizes = len(used.items), len(np.unique(used.rater)), len(used.item)
    if isinstance(found, KitError):
        return (name, None, None, None, *sizes, found.what)
    return (name, found.value, found.low, found.high, *sizes, found.note)


def measured(r, names, draws=1000, seed=0, certainty=0.95):
    """dict of name -> (Found or KitError, Ratings that entered) for names of STATISTICS."""
    r = r.only(r.each > 0)
    several = r.only(r.each > 1)
    found, jobs = {}, {"counts": {}, "pairs": {}}
    for name in names:
        try:
            kind, make = _recipe(name)
            used = _usable(name, r, several)
            jobs[kind][name] = (make, used)
        except KitError as cause:
            found[name] = (cause, several)
    for kind, rows in (("counts", _counts), ("pairs", _pairs)):
        if jobs[kind]:
            seen, times = rows(r)
            made = {name: make(seen, r.labels) for name, (make, _) in jobs[kind].items()}
            done = estimates(made, times, draws, seed, certainty)
            for name, (_, used) in jobs[kind].items():
                found[name] = (_noted(name, done[name], r, used), used)
    return found


def raw_agreement(ratings, labels=None, draws=1000, seed=0, certainty=0.95):
    """Found of the share of pairs of ratings of an item that are equal, averaged over items.

    Items with fewer than two ratings are left out. Arguments and errors as in `agreement`, and
    "no-pairs" where no item has two ratings.
    """
    return _one("raw agreement", read(ratings, labels), draws, seed, certainty)


def cohen_kappa(ratings, weights=None, labels=None, draws=1000, seed=0, certainty=0.95):
    """Found of Cohen's kappa (1960) of two raters, over the items that both rated.

    weights: None, or "linear" or "quadratic" (Cohen 1968) for labels with an order; the distance
    of two labels is that of their places in the order, as in scikit-learn, not of their values.
    kit.drift.kappa has the normal interval of Fleiss, Cohen and Everitt (1969) instead.
    Raises KitError "two-raters", "order", "weights", "one-category", "no-pairs" and those of read.
    """
    if weights not in WEIGHTS:
        raise KitError("no such weights", found=weights, allowed="None, linear, quadratic",
                       code="weights")  # fmt: skip
    name = f"weighted kappa ({weights})" if weights else "cohen kappa"
    return _one(name, read(ratings, labels), draws, seed, certainty)


def fleiss_kappa(ratings, labels=None, draws=1000, seed=0, certainty=0.95):
    """Found of Fleiss' kappa (1971) of any number of raters, who need not be the same ones.

    Where items have different numbers of ratings, Gwet's generalisation (2014, chapter 2), and
    the note says so. Raises KitError "one-category", "no-pairs" and those of read.
    """
    return _one("fleiss kappa", read(ratings, labels), draws, seed, certainty)


def gwet_ac1(ratings, labels=None, draws=1000, seed=0, certainty=0.95):
    """Found of Gwet's AC1 (2008), which stays up where one label is rare.

    Its chance agreement depends on how many labels there are: name them all with labels.
    Raises KitError "one-category", "no-pairs" and those of read.
    """
    return _one("gwet ac1", read(ratings, labels), draws, seed, certainty)


def gwet_ac2(ratings, labels=None, draws=1000, seed=0, certainty=0.95):
    """Found of Gwet's AC2 (2014) with quadratic weights, for labels with an order.

    Raises KitError "order", "one-category", "no-pairs" and those of read.
    """
    return _one("gwet ac2 (quadratic)", read(ratings, labels), draws, seed, certainty)


def krippendorff_alpha(ratings, metric="nominal", labels=None, draws=1000, seed=0, certainty=0.95):
    """Found of Krippendorff's alpha (2011), for any number of raters and missing ratings.

    metric: "nominal", "ordinal" (needs an order), "interval" (numbers), "ratio" (numbers, 0 or
    more). Items with one rating are left out. Source: "Computing Krippendorff's
    Alpha-Reliability". Raises KitError "metric", "order", "not-a-number", "negative",
    "one-category", "no-pairs" and those of read.
    """
    if metric not in METRICS:
        raise KitError("no such metric", found=metric, allowed=", ".join(METRICS), code="metric")
    name = f"krippendorff alpha ({metric})"
    return _one(name, read(ratings, labels), draws, seed, certainty)


def _one(name, r, draws, seed, certainty):
    found = measured(r, [name], draws, seed, certainty)[name][0]
    if isinstance(found, KitError):
        raise found
    return found


def _recipe(name):
    """(patterns that the statistic needs, function of them that makes it)."""
    return {
        "raw agreement": ("counts", _raw),
        "cohen kappa": ("pairs", partial(_kappa, kind=None)),
        "weighted kappa (linear)": ("pairs", partial(_kappa, kind="linear")),
        "weighted kappa (quadratic)": ("pairs", partial(_kappa, kind="quadratic")),
        "fleiss kappa": ("counts", partial(_corrected, chance=_fleiss_chance, kind=None)),
        "gwet ac1": ("counts", partial(_corrected, chance=_gwet_chance, kind=None)),
        "gwet ac2 (quadratic)": (
            "counts", partial(_corrected, chance=_gwet_chance, kind="quadratic")),
        **{f"krippendorff alpha ({m})": ("counts", partial(_alpha, metric=m)) for m in METRICS},
    }[name]  # fmt: skip


def _usable(name, r, several):
    """The Ratings that enter a statistic, or a KitError where it does not fit them."""
    if "kappa" in name and "fleiss" not in name and len(r.raters) != 2:
        raise KitError("Cohen's kappa is for two raters", found=len(r.raters), allowed="2",
                       remedy="use Fleiss' kappa or Krippendorff's alpha",
                       code="two-raters")  # fmt: skip
    if not len(several.item):
        raise KitError("no item has two ratings", found=f"{len(r.item)} ratings of "
                       f"{len(r.items)} items", allowed="an item that two raters rated",
                       code="no-pairs")  # fmt: skip
    ranked = any(word in name for word in ("weighted", "ac2", "ordinal"))
    if ranked and not r.ordered and len(r.labels) > 2:
        raise KitError("the labels have no order", found=r.labels.to_list(),
                       allowed="numbers, an Enum, or labels= in their order",
                       remedy="pass labels from low to high", code="order")  # fmt: skip
    if ("interval" in name or "ratio)" in name) and not r.numeric:
        raise KitError("the labels are no numbers", found=str(r.labels.dtype), allowed="numbers",
                       remedy="use the nominal or the ordinal metric",
                       code="not-a-number")  # fmt: skip
    if "ratio)" in name and r.labels.min() < 0:
        raise KitError("a ratio needs labels of 0 or more", found=r.labels.min(),
                       allowed="0 or more", remedy="use the interval metric",
                       code="negative")  # fmt: skip
    return several


def _counts(r):
    return patterns(r.counts())


def _pairs(r):
    """Patterns of items rated by both of two raters: one code a pair of labels."""
    both = r.only(r.each == 2)
    first, second = both.label.reshape(-1, 2).T
    return patterns((first * len(r.labels) + second)[:, None])


def _weights(k, kind):
    """float64[k, k]: 1 for equal labels, less the further apart they are in the order."""
    away = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / max(k - 1, 1)
    return {None: (away == 0).astype(float), "linear": 1 - away, "quadratic": 1 - away**2}[kind]


def _kappa(pairs, labels, kind):
    k = len(labels)
    apart = 1 - _weights(k, kind)

    def value(weights):
        table = np.zeros((len(weights), k * k))
        table[:, pairs[:, 0]] = weights
        table = table.reshape(-1, k, k)
        seen = (table * apart).sum((1, 2))
        chance = np.einsum("dc,ck,dk->d", table.sum(2), apart, table.sum(1))
        return 1 - seen * weights.sum(1) / chance

    return value


def _raw(counts, labels, kind=None):
    """Mean over items with two ratings or more; NaN in draws without such an item."""
    counts = counts.astype(float)
    n = counts.sum(1)
    near = counts @ _weights(len(labels), kind)
    share = (counts * (near - 1)).sum(1) / np.maximum(n * (n - 1), 1)  # n = 1: 0 pairs, share 0
    paired = (n > 1).astype(float)
    return lambda weights: (weights @ (share * paired)) / (weights @ paired)


def _corrected(counts, labels, chance, kind):
    """Agreement with what `chance` makes of the mean share of each label taken off."""
    seen = _raw(counts, labels, kind)
    shares = counts / counts.sum(1, keepdims=True)
    near = _weights(len(labels), kind)

    def value(weights):
        expected = chance((weights @ shares) / weights.sum(1, keepdims=True), near)
        # at 1 there is nothing left to be right about
        return (seen(weights) - expected) / np.where(expected < 1 - 1e-12, 1 - expected, np.nan)

    return value


def _fleiss_chance(shares, near):
    return ((shares @ near) * shares).sum(1)


def _gwet_chance(shares, near):
    k = len(near)
    if k == 1:
        return np.ones(len(shares))
    return near.sum() / (k * (k - 1)) * (shares * (1 - shares)).sum(1)


def _alpha(counts, labels, metric):
    counts = counts[counts.sum(1) > 1].astype(float), counts.sum(1) > 1
    return partial(_ordinal if metric == "ordinal" else _by_distance, *counts,
                   *([] if metric == "ordinal" else [_distance(labels, metric)]))  # fmt: skip


def _distance(labels, metric):
    """float64[k, k]: squared difference of two labels (Krippendorff 2011, section E)."""
    if metric == "nominal":
        return 1.0 - np.eye(len(labels))
    x = labels.cast(float).to_numpy()
    away = np.subtract.outer(x, x)
    if metric == "ratio":
        total = np.add.outer(x, x)
        away = away / np.where(total == 0, 1, total)  # 0 and 0 are equal
    return away**2


def _by_distance(counts, paired, apart, weights):
    weights = weights if paired.all() else weights[:, paired]
    seen = weights @ ((counts * (counts @ apart)).sum(1) / (counts.sum(1) - 1))
    totals = weights @ counts
    return _one_minus(seen, ((totals @ apart) * totals).sum(1), totals.sum(1))


def _ordinal(counts, paired, weights):
    """The distance of two labels is how many ratings lie between: a difference of mid-ranks."""
    weights = weights if paired.all() else weights[:, paired]
    totals = weights @ counts
    middle = (np.cumsum(totals, 1) - totals / 2) / totals.sum(1, keepdims=True) - 0.5  # small
    n = counts.sum(1)
    squares = counts @ (middle**2).T * n[:, None] - (counts @ middle.T) ** 2  # (P, draws)
    seen = 2 * (weights.T * squares / (n - 1)[:, None]).sum(0)
    first, second = (totals * middle).sum(1), (totals * middle**2).sum(1)
    expected = 2 * (totals.sum(1) * second - first**2)
    # two labels give n / 2 or more, one label a rest of rounding
    return _one_minus(seen, np.where(expected > 1e-6 * totals.sum(1), expected, 0), totals.sum(1))


def _one_minus(seen, expected, n):
    return 1 - (n - 1) * seen / np.where(expected > 0, expected, np.nan)


def _noted(name, found, r, used):
    if isinstance(found, KitError):
        return found
    lost = len(r.items) - len(used.items)
    word = ""
    if name in ("cohen kappa", "fleiss kappa"):
        word = next((w for least, w in BANDS if found.value > least), "poor")
        word += " (Landis and Koch 1977)"
    uneven = name == "fleiss kappa" and len(np.unique(used.each)) > 1
    return found._replace(note=joined(
        word,
        "items have different numbers of ratings: Gwet's generalisation (2014)" if uneven else "",
        f"items with one rating, without a pair: {lost}" if lost else "",
        found.note,
    ))  # fmt: skip
