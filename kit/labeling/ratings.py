"""What raters said, read once: a table or an array becomes sorted codes. Needs polars."""

from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError

CELLS = 2**28  # items x labels that a matrix may have: 2 GiB of float64
_ARRAY = "a table with columns item, rater, label, or an array of shape (items, raters)"


class Ratings(NamedTuple):
    """n ratings in codes, sorted by item and then by rater; nobody rates an item twice.

    item, rater, label: int64[n], codes into items, raters and labels. starts: int64[items + 1],
    ratings of item i are starts[i] to starts[i + 1]. items, raters, labels: polars Series of the
    names, items and raters as they first appear, labels in order. ordered: whether that order
    means something (numbers, an Enum, or an order that was given). numeric: labels are numbers.
    time: polars Series[n], or None.
    """

    item: np.ndarray
    rater: np.ndarray
    label: np.ndarray
    starts: np.ndarray
    items: Any
    raters: Any
    labels: Any
    ordered: bool
    numeric: bool
    time: Any = None

    @property
    def each(self):
        """int64[items]: ratings of each item, 0 where nobody rated it."""
        return np.diff(self.starts)

    def counts(self):
        """int32[items, labels]: how many raters gave each item each label."""
        n, k = len(self.items), len(self.labels)
        flat = np.bincount(self.item * k + self.label, minlength=n * k)
        return flat.astype(np.int32).reshape(n, k)

    def only(self, keep):
        """Ratings of the items marked in bool[items]; names and codes of labels, raters stay."""
        mask, new = keep[self.item], np.cumsum(keep) - 1
        starts = np.concatenate([[0], np.cumsum(self.each[keep])])
        return self._replace(
            item=new[self.item[mask]], rater=self.rater[mask], label=self.label[mask],
            starts=starts, items=self.items.filter(keep),
            time=None if self.time is None else self.time.filter(mask),
        )  # fmt: skip


def read(ratings, labels=None, time=False):
    """Ratings of a polars table (item, rater, label, other columns ignored) or of an array.

    ratings: the array has shape (items, raters), numbers or text; items and raters are then named
    by their place. None, null and NaN are missing ratings; an item or rater with nothing else
    stays, with no ratings. labels: all labels in their order, used or not; those used, sorted,
    by default. time: keep the column "time" as well; rows without a rating need none.
    Raises KitError "type", "shape", "missing-column", "empty", "null", "label-type",
    "mixed-types", "infinite", "unknown-label", "duplicate-label", "duplicate-rating", "too-large".
    """
    table = _table(ratings, ("item", "rater", "label") + ("time",) * time)
    said, names, ordered = _labels(table["label"], labels)
    (item, items), (rater, raters) = (_named(table[c]) for c in ("item", "rater"))
    if len(items) * len(names) > CELLS:
        raise KitError("there are too many items and labels for a matrix of them",
                       found=f"{len(items)} x {len(names)}", allowed=f"{CELLS} cells",
                       remedy="merge rare labels, or read by parts", code="too-large")  # fmt: skip
    there = np.flatnonzero(said >= 0)
    key = item[there] * len(raters) + rater[there]
    if (np.diff(key) < 0).any():
        order = np.argsort(key, kind="stable")
        there, key = there[order], key[order]
    item, rater, said = item[there], rater[there], said[there]
    _once(key, items, raters)
    when = table["time"][there] if time else None
    if when is not None and when.null_count():
        raise KitError("a rating has no time", found=f"{when.null_count()} of {len(when)}",
                       allowed="a time for every rating", code="null")  # fmt: skip
    starts = np.searchsorted(item, np.arange(len(items) + 1))
    return Ratings(item, rater, said, starts, items, raters, names, ordered,
                   names.dtype.is_numeric(), when)  # fmt: skip


def gold_codes(gold, ratings):
    """int64[items]: code of the true label where it is known, -1 elsewhere.

    gold: dict of item -> label, pairs (item, label), or a table with these columns; None for none.
    Raises KitError "contradictory-gold", "unknown-label", "unknown-item", "mixed-types", "null",
    "missing-column".
    """
    codes = np.full(len(ratings.items), -1)
    if gold is None or not len(gold):
        return codes
    item, label = _pairs(gold)
    which = _codes(_cast(item, ratings.items, "gold items"), ratings.items)
    what = _codes(_cast(label, ratings.labels, "gold labels"), ratings.labels)
    for known, given, name, code in ((which, item, "item", "unknown-item"),
                                     (what, label, "label", "unknown-label")):  # fmt: skip
        if (known < 0).any():
            raise KitError(f"gold names an {name} that the ratings do not have",
                           found=given[int(np.argmin(known))], code=code,
                           allowed=f"an {name} of the ratings, or of labels=",
                           remedy="leave it out of gold, or name all labels")  # fmt: skip
    codes[which] = what
    if (codes[which] != what).any():
        odd = item[int(np.argmax(codes[which] != what))]
        raise KitError("gold contradicts itself: two labels for one item", found=odd,
                       allowed="one label an item", code="contradictory-gold",
                       remedy="decide which one is right")  # fmt: skip
    return codes


def _table(ratings, needed):
    """polars table with the needed columns and at least one row."""
    import polars as pl

    if not isinstance(ratings, pl.DataFrame):
        ratings = _from_array(ratings)
    absent = [c for c in needed if c not in ratings.columns]
    if absent:
        raise KitError(f"the table has no column {absent[0]}", found=ratings.columns,
                       allowed=", ".join(needed), remedy="rename the columns",
                       code="missing-column")  # fmt: skip
    if not len(ratings):
        raise KitError("there are no ratings", allowed="one or more", code="empty")
    for name in ("item", "rater"):
        if ratings[name].null_count():
            raise KitError(f"a rating has no {name}", found=f"{ratings[name].null_count()} nulls",
                           allowed="no nulls", remedy="drop these rows", code="null")  # fmt: skip
    return ratings.select(needed)


def _from_array(values):
    import polars as pl

    if isinstance(values, str | dict) or not hasattr(values, "__len__"):
        raise KitError("these are no ratings", found=type(values).__name__, allowed=_ARRAY,
                       code="type")  # fmt: skip
    rows = values if isinstance(values, np.ndarray) else [list(row) for row in values]
    if not len(rows):
        raise KitError("there are no ratings", allowed="one or more", code="empty")
    # widths are compared here because NumPy calls a ragged list by another error
    shape = rows.shape if isinstance(rows, np.ndarray) else {(len(rows), len(r)) for r in rows}
    if isinstance(shape, set):
        shape = shape.pop() if len(shape) == 1 else (len(rows), "several")
    if len(shape) != 2 or shape[1] in (0, "several"):
        raise KitError("the array of ratings has no shape that fits", found=shape, allowed=_ARRAY,
                       code="shape")  # fmt: skip
    if isinstance(rows, np.ndarray) and rows.dtype != object:
        label = pl.Series("label", rows.ravel())
    else:
        label = _series("labels", [x for row in rows for x in row])
    item, rater = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    return pl.DataFrame({"item": item, "rater": rater, "label": label})


def _series(name, values):
    """polars Series of Python values of one kind: text, booleans or numbers."""
    import polars as pl

    values = [None if x is None or x != x else x for x in values]
    kinds = {_kind(x) for x in values} - {"none"}
    if len(kinds) > 1:
        raise KitError(f"{name} are of several types", found=sorted(kinds), code="mixed-types",
                       allowed="all text, all numbers, or all true and false",
                       remedy="turn them all into text")  # fmt: skip
    whole = all(x is None or isinstance(x, int | np.integer) for x in values)
    number = pl.Int64 if whole else pl.Float64
    kind = {"number": number, "text": pl.String, "bool": pl.Boolean}.get(*kinds or [None])
    return pl.Series("label", values, dtype=kind)


def _kind(x):
    if x is None:
        return "none"
    if isinstance(x, bool | np.bool_):
        return "bool"
    if isinstance(x, int | float | np.integer | np.floating):
        return "number"
    return "text" if isinstance(x, str) else type(x).__name__


def _labels(column, given):
    """(int64[rows] codes, -1 for a missing rating; Series of names; whether they have order)."""
    import polars as pl

    column = _label_column(column)
    ordered = column.dtype.is_numeric() or isinstance(column.dtype, pl.Enum) or given is not None
    if given is not None:
        column = column.cast(pl.String) if isinstance(column.dtype, pl.Enum) else column
        names = _cast(given, column, "labels")
        if names.n_unique() < len(names) or names.null_count():
            raise KitError("a label is named twice, or is null", found=list(given),
                           allowed="each label once", code="duplicate-label")  # fmt: skip
    elif isinstance(column.dtype, pl.Enum):
        names = column.dtype.categories
        column = column.cast(pl.String)
    else:
        names = column.drop_nulls().unique().sort()
    codes = _codes(column, names)
    if column.null_count() == len(column):
        raise KitError("there are no ratings", found=f"{len(column)} nulls", allowed="one or more",
                       code="empty")  # fmt: skip
    lost = (codes < 0) & column.is_not_null().to_numpy()
    if lost.any():
        raise KitError("a label is not among labels", found=column[int(np.argmax(lost))],
                       allowed=", ".join(map(str, names)), remedy="name all labels",
                       code="unknown-label")  # fmt: skip
    return codes, names, ordered


def _label_column(column):
    """The column with NaN as null, of a type that we can take."""
    import polars as pl

    kind = column.dtype
    if kind == pl.Object:
        return _series("labels", column.to_list())
    if isinstance(kind, pl.Categorical):
        return column.cast(pl.String)
    if isinstance(kind, pl.Decimal):
        column = column.cast(pl.Float64)
    if column.dtype.is_float():
        column = column.fill_nan(None)
        if column.is_infinite().any():
            raise KitError("a label is infinite", allowed="finite numbers", code="infinite",
                           remedy="give it a name or leave the rating out")  # fmt: skip
    good = column.dtype.is_numeric() or isinstance(kind, pl.Enum)
    if not good and kind not in (pl.String, pl.Boolean, pl.Null):
        raise KitError("labels are of a type that we do not take", found=str(kind),
                       allowed="text, Enum, Categorical, booleans, numbers",
                       remedy="cast them to text", code="label-type")  # fmt: skip
    return column


def _cast(values, like, name):
    """Series of `values` with the type of `like`, which text and numbers never share."""
    import polars as pl

    mine = values if isinstance(values, pl.Series) else _series(name, list(values))
    wanted = pl.String if isinstance(like.dtype, pl.Enum | pl.Categorical) else like.dtype
    if isinstance(mine.dtype, pl.Enum | pl.Categorical):
        mine = mine.cast(pl.String)
    same = mine.dtype == wanted or (mine.dtype.is_numeric() and wanted.is_numeric())
    if not same and pl.Null not in (mine.dtype, wanted):
        raise KitError(f"{name} and the ratings are of different types",
                       found=f"{mine.dtype} and {wanted}", allowed="one type", code="mixed-types",
                       remedy="turn both into text")  # fmt: skip
    if mine.dtype.is_float() and not wanted.is_float():
        return mine  # 1.5 is no label of whole numbers: left for the caller to find
    return mine if wanted == pl.Null else mine.cast(wanted, strict=False)


def _codes(column, names):
    """int64[rows]: place of each value in names, -1 where it is not among them."""
    import polars as pl

    plain = [x.cast(pl.String) if isinstance(x.dtype, pl.Enum | pl.Categorical) else x
             for x in (column, names)]  # fmt: skip
    if plain[0].dtype != plain[1].dtype and all(x.dtype.is_numeric() for x in plain):
        plain = [x.cast(pl.Float64) for x in plain]
    known = pl.DataFrame({"name": plain[1], "code": np.arange(len(names))})
    found = plain[0].to_frame("name").join(known, on="name", how="left", maintain_order="left")
    return found["code"].fill_null(-1).to_numpy()


def _named(column):
    names = column.unique(maintain_order=True)
    return _codes(column, names), names


def _once(key, items, raters):
    twice = np.flatnonzero(np.diff(key) == 0)
    if len(twice):
        item, rater = divmod(int(key[twice[0]]), len(raters))
        raise KitError("a rater rated an item more than once",
                       found=f"item {items[item]!r}, rater {raters[rater]!r}, {len(twice)} such",
                       allowed="one rating an item and rater", code="duplicate-rating",
                       remedy="keep one, or name the second round another rater")  # fmt: skip


def _pairs(gold):
    import polars as pl

    if not isinstance(gold, pl.DataFrame):
        pairs = list(gold.items()) if isinstance(gold, dict) else list(gold)
        item, label = (list(x) for x in zip(*pairs, strict=True))
        gold = pl.DataFrame({"item": _series("gold items", item).alias("item"),
                             "label": _series("gold labels", label)})  # fmt: skip
    for name in ("item", "label"):
        if name not in gold.columns:
            raise KitError(f"gold has no column {name}", found=gold.columns,
                           allowed="item, label", code="missing-column")  # fmt: skip
        if gold[name].null_count():
            raise KitError(f"an {name} of gold is null", found=gold[name].null_count(),
                           allowed="no nulls", code="null")  # fmt: skip
    return gold["item"], gold["label"]
