"""What differs between two versions of a table: rows that came, went, or changed unannounced."""

from dataclasses import dataclass

import polars as pl

from kit.errors import KitError
from kit.storage.versions import told_table, version_at


@dataclass(frozen=True)
class Diff:
    """From version `old` to version `new`, by `key`.

    rows: (before, after). added, removed: whole rows, as polars tables. changed: key, `columns`
    (list of those that differ) and, for every column that differs anywhere, its values as
    `<name>.old` and `<name>.new`. columns: table of column, changed, to_null, from_null (counts of
    rows), share of the rows that both versions have. schema: table of column, what (added,
    removed, retyped), old, new.
    """

    old: int
    new: int
    key: tuple
    rows: tuple
    added: pl.DataFrame
    removed: pl.DataFrame
    changed: pl.DataFrame
    columns: pl.DataFrame
    schema: pl.DataFrame

    @property
    def silent(self):
        """True for a backfill that no count shows: rows changed, none came or went."""
        return bool(self.changed.height) and not (self.added.height or self.removed.height)

    def __str__(self):
        parts = [f"version {self.old} to {self.new}: {self.rows[0]} to {self.rows[1]} rows"]
        parts.append(f"{self.added.height} added, {self.removed.height} removed, "
                     f"{self.changed.height} changed")  # fmt: skip
        parts += [f"{c}: {n} rows" for c, n in self.columns.select("column", "changed").iter_rows()]
        parts += [f"{c} {what}" for c, what in self.schema.select("column", "what").iter_rows()]
        return "; ".join(parts)


def diff(place, old, new=None, key="id"):
    """Diff of two versions of the table at `place`; `new` is the newest if None.

    key: column, or columns, that name a row. Null equals null and NaN equals NaN. A column whose
    type changed is compared by value if both are numbers, else as text.
    Raises KitError "key" if the key is missing, null or not unique in a version, and those of `at`.
    """
    old, new = version_at(place, old), version_at(place, new)
    return compare(told_table(place, old), told_table(place, new), key, old, new)


def compare(before, after, key, old=0, new=1):
    """Diff of two polars tables, called versions `old` and `new`. Errors as in `diff`."""
    key = (key,) if isinstance(key, str) else tuple(key)
    for version, table in ((old, before), (new, after)):
        _keyed(table, key, version)
    common = [c for c in before.columns if c in after.columns and c not in key]
    left = before.select(*key, pl.col(common).name.suffix(".old"))
    right = after.select(*key, pl.col(common).name.suffix(".new"))
    both = left.join(right, on=key, how="inner", maintain_order="left")
    off = {c: unlike(both[f"{c}.old"], both[f"{c}.new"]) for c in common}
    columns = _counts(both, off)
    names = columns["column"].to_list()
    shown = [f"{c}.{end}" for c in names for end in ("old", "new")]
    which, rows = _which({c: off[c] for c in names}, both.height)
    changed = both.filter(rows).select(*key, which, *shown)
    return Diff(
        old, new, key, (before.height, after.height), after.join(before, on=key, how="anti"),
        before.join(after, on=key, how="anti"), changed, columns, _schema(before, after),
    )  # fmt: skip


def _keyed(table, key, version):
    missing = [c for c in key if c not in table.columns]
    said = f"lacks {', '.join(missing)}" if missing else ""
    if not missing and (nulls := sum(table[c].null_count() for c in key)):
        said = f"{nulls} nulls"
    if not missing and not said:
        again = table.height - table.select(key).n_unique() if table.height else 0
        said = f"{again} rows have the key of another" if again else ""
    if said or not key:
        raise KitError(f"the key does not name the rows of version {version}",
                       found=f"{', '.join(key)}: {said}", code="key",
                       allowed="columns without nulls, unique together")  # fmt: skip


def unlike(a, b):
    """bool a row: where two polars columns differ, as in `diff`."""
    if a.dtype != b.dtype and not (a.dtype.is_numeric() and b.dtype.is_numeric()):
        a, b = (s.cast(pl.String, strict=False) for s in (a, b))
    return a.ne_missing(b)


def _which(masks, height):
    """(list of names a row, for rows where any mask is true; bool a row)."""
    if not masks:
        return pl.lit(None, pl.List(pl.String)).alias("columns"), pl.repeat(
            False, height, eager=True
        )
    flags = pl.DataFrame(masks)
    rows = flags.select(pl.any_horizontal(pl.all())).to_series()
    names = pl.concat_list(pl.when(c).then(pl.lit(c)) for c in masks).list.drop_nulls()
    return flags.filter(rows).select(columns=names).to_series(), rows


def _counts(both, off):
    rows = []
    for name, mask in off.items():
        if n := int(mask.sum()):
            a, b = both[f"{name}.old"].filter(mask), both[f"{name}.new"].filter(mask)
            rows.append((name, n, b.null_count(), a.null_count(), n / both.height))
    kinds = {"column": pl.String, "changed": pl.Int64, "to_null": pl.Int64, "from_null": pl.Int64,
             "share": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, kinds, orient="row").sort("changed", descending=True)


def _schema(before, after):
    a, b = before.schema, after.schema
    rows = [(c, "removed", str(a[c]), None) for c in a if c not in b]
    rows += [(c, "added", None, str(b[c])) for c in b if c not in a]
    rows += [(c, "retyped", str(a[c]), str(b[c])) for c in a if c in b and a[c] != b[c]]
    return pl.DataFrame(rows, dict.fromkeys(("column", "what", "old", "new"), pl.String),
                        orient="row")  # fmt: skip
