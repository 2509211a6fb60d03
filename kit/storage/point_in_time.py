"""What was known at the time: as-of joins, and leaks from the future in those of others.

A training row may use a fact only if it had happened, and was known, when its label was made.
"""

import polars as pl

from kit.errors import KitError
from kit.storage.clock import kind_of, length, moments, need, ticks
from kit.storage.differences import unlike

BACKENDS = ("polars", "duckdb")


def as_of(labels, features, on, by="time", ttl=None, gap=None, known=None, backend="polars"):
    """`labels` with the features that were known at the time of each: same rows, same order.

    labels: polars table with the column or columns `on` and the time `by`. features: table of
    facts with `on`, `by` (when it happened) and values. known: its column that says when a fact
    became known; late ones are not used before. ttl: greatest age of a fact; gap: least age, both
    in time and since known; timedelta, or numbers where time is a number. backend: BACKENDS.

    Of the facts that happened and were known at the label's time less `gap`, the one that happened
    last is used, as a whole row: its nulls stay null. Of equal times the one known last wins, then
    the last in the table. A fact at the very time of the label counts; gap excludes it. The
    age for `ttl` runs from when it happened, and may equal it. Rows without key or time get
    nulls; facts without key, time or known time are never used.

    Adds the columns of values, `<by>_of_fact`, and `known` if named. Raises KitError "columns",
    "clash", "type", "duration", "backend".
    """
    on = (on,) if isinstance(on, str) else tuple(on)
    if backend not in BACKENDS:
        raise KitError("no such backend", found=backend, allowed=", ".join(BACKENDS),
                       code="backend")  # fmt: skip
    names = _values(labels, features, on, by, known)
    place = _place(labels, features, on, by, ttl, gap, known, backend)
    chosen = features.select(*names, pl.col(by).alias(f"{by}_of_fact"),
                             *([known] if known else []))  # fmt: skip
    return pl.concat([labels, chosen[place]], how="horizontal")


def leaks(joined, features, on, by="time", ttl=None, gap=None, known=None):
    """Values in a table joined by somebody else that `as_of` would not give, one row a value.

    joined: labels with values under the names they have in `features`; other arguments as in
    `as_of`. Columns: row (of joined), column, kind, found and right (as text), known_from (when
    this value first held for the key), ahead (how long after the label's cut-off). kind: "future"
    if the key never had the value until later, a proven leak; "stale" if it had it once; "never"
    if it is nowhere in `features`; "missing" if it is null and `as_of` has a value. Empty is good.
    A value that the future shares with the past hides: look at all rows, not at one. Lists and
    structs are not compared.
    """
    on = (on,) if isinstance(on, str) else tuple(on)
    names = [c for c in _values(joined, features, on, by, known, clash=False)
             if c in joined.columns and not features[c].dtype.is_nested()]  # fmt: skip
    if not names:
        raise KitError("no value is in both tables", found=", ".join(joined.columns),
                       allowed=", ".join(features.columns), code="columns")  # fmt: skip
    bare = joined.select(*on, by)
    right = features[_place(bare, features, on, by, ttl, gap, known, "polars")]
    cut, born = _times(joined, features, by, gap, known)
    parts = [_wrong(c, joined, features, right[c], on, cut, born) for c in names]
    found = pl.concat(parts).sort("row", "column")
    known_from, since = (moments(found[c], joined[by].dtype) for c in ("_born", "cut"))
    return found.drop("_born", "cut").with_columns(known_from=known_from, ahead=known_from - since)


def _place(labels, features, on, by, ttl, gap, known, backend):
    """UInt32 or null for each label: the row of `features` that it gets."""
    cut, _ = _times(labels, features, by, gap, known)
    facts = _facts(features, on, by, known)
    wanted = labels.select(_keys(on)).with_columns(cut=cut).with_row_index("row")
    join = _join_polars if backend == "polars" else _join_duckdb
    best = join(wanted.drop_nulls(), facts, [f"key{n}" for n in range(len(on))], known is not None)
    rows = wanted.select("row").join(best, on="row", how="left", maintain_order="left")
    place = facts["place"][rows["best"]]  # ranks count the rows of facts
    if ttl is not None:
        age = ticks(labels[by]) - ticks(features[by])[place]
        place = pl.select(pl.when(age <= length(ttl, labels[by].dtype, "ttl")).then(place))
        place = place.to_series()
    return place


def _keys(on):
    return [pl.col(name).alias(f"key{n}") for n, name in enumerate(on)]


def _facts(features, on, by, known):
    """Usable facts: key0 and so on, `since` (ticks from which a fact may be used), `rank`
    (greater is better: later, known later, further down), `place` in the table; by rank."""
    at = ticks(features[by])
    heard = at if known is None else ticks(features[known])
    place = pl.int_range(features.height, dtype=pl.UInt32, eager=True)
    facts = features.select(_keys(on)).with_columns(at=at, heard=heard, place=place).drop_nulls()
    facts = facts.sort("at", "heard", "place")
    rank = pl.int_range(pl.len(), dtype=pl.UInt32)
    return facts.with_columns(rank=rank, since=pl.max_horizontal("at", "heard")).drop("at", "heard")


def _join_polars(wanted, facts, keys, late):
    """Table of row, best: the greatest rank among the facts that may be used at `cut`."""
    if late:  # facts may be heard of in another order than they happened in
        best = pl.col("rank").cum_max().over(*keys)
        facts = facts.sort("since", "rank").with_columns(rank=best)
    return wanted.sort("cut").join_asof(
        facts.select(*keys, "since", best="rank"), left_on="cut", right_on="since", by=keys,
        strategy="backward", check_sortedness=False,
    ).select("row", "best")  # fmt: skip


def _join_duckdb(wanted, facts, keys, late):
    """The same in SQL. Rows of equal `since` are peers of the window, so which of them ASOF meets
    is all one; `late` makes no difference."""
    import duckdb

    names = ", ".join(keys)
    same = " AND ".join(f"w.{key} = f.{key}" for key in keys)
    sql = f"""
        WITH f AS (SELECT {names}, since,
                   max(rank) OVER (PARTITION BY {names} ORDER BY since) AS best FROM facts)
        SELECT w.row, f.best FROM wanted w ASOF LEFT JOIN f ON {same} AND w.cut >= f.since"""
    with duckdb.connect() as base:
        base.register("wanted", wanted.to_arrow())
        base.register("facts", facts.to_arrow())
        return base.sql(sql).pl().cast({"row": pl.UInt32, "best": pl.UInt32})


def _times(labels, features, by, gap, known):
    """(cut-off of each label, tick from which each fact may be used)."""
    kinds = {labels[by].dtype, features[by].dtype, *([features[known].dtype] if known else [])}
    if len({kind_of(k) for k in kinds}) > 1:
        raise KitError(
            "times are not of one kind", found=", ".join(sorted(map(str, kinds))), code="type",
            remedy="cast them, and give moments the same time zone with .dt.convert_time_zone",
        )  # fmt: skip
    cut = ticks(labels[by]) - length(gap, labels[by].dtype, "gap")
    born = ticks(features[by])
    if known:
        heard = ticks(features[known])
        both = born.is_not_null() & heard.is_not_null()
        born = pl.select(pl.when(both).then(pl.max_horizontal(born, heard)))
        born = born.to_series()
    return cut, born


def _values(labels, features, on, by, known, clash=True):
    """Columns of `features` that are values. KitError "columns", "clash", "type"."""
    need(labels, [*on, by], "the labels")
    need(features, [*on, by, *([known] if known else [])], "the features")
    if by in on or not on:
        raise KitError("key and time must be columns of their own", found=f"{on}, {by}",
                       code="columns")  # fmt: skip
    for name in on:
        kinds = labels[name].dtype, features[name].dtype
        if kinds[0] != kinds[1] or kinds[0].is_nested() or kinds[0].is_float():
            raise KitError(f"the key {name} cannot be compared", found=f"{kinds[0]} and {kinds[1]}",
                           allowed="text, integers, dates, of one type", code="type",
                           remedy=f'cast with pl.col("{name}").cast(...)')  # fmt: skip
    names = [c for c in features.columns if c not in (*on, by, known)]
    made = [*names, f"{by}_of_fact", *([known] if known else [])]
    if clash and (both := [c for c in made if c in labels.columns]):
        raise KitError("the labels have these columns already", found=", ".join(both),
                       remedy="rename or drop them", code="clash")  # fmt: skip
    return names


def _wrong(name, joined, features, right, on, cut, born):
    """Rows of the table of `leaks` for one column."""
    kinds = joined[name].dtype, right.dtype
    alike = kinds[0] == kinds[1] or all(k.is_numeric() for k in kinds)
    kind = right.dtype if alike else pl.String
    found, facts = (t[name].cast(kind, strict=False) for t in (joined, features))
    off = unlike(joined[name], right)
    keys = [f"key{n}" for n in range(len(on))]
    rows = joined.select(_keys(on)).with_columns(
        row=pl.int_range(joined.height, dtype=pl.Int64, eager=True), _value=found, cut=cut,
        found=joined[name].cast(pl.String), right=right.cast(pl.String),
    ).filter(off)  # fmt: skip
    first = features.select(_keys(on)).with_columns(_value=facts, _born=born).drop_nulls()
    first = first.group_by(*keys, "_value").agg(pl.col("_born").min())
    rows = rows.join(first, on=[*keys, "_value"], how="left", maintain_order="left")
    said = (
        pl.when(pl.col("_value").is_null()).then(pl.lit("missing"))
        .when(pl.col("_born").is_null()).then(pl.lit("never"))
        .when(pl.col("_born") > pl.col("cut")).then(pl.lit("future"))
        .otherwise(pl.lit("stale"))
    )  # fmt: skip
    return rows.select(
        "row", pl.lit(name).alias("column"), said.alias("kind"), "found", "right", "_born", "cut"
    )
