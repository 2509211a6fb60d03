"""What a user asks of a monitor, looked at before it starts: each error says what to do instead.

Needs polars.
"""

from kit.drift.rules import Rules
from kit.drift.watch.intake import microseconds
from kit.drift.watch.windows import numbers
from kit.errors import KitError
from kit.quantities import quantity


def checked(reference, roles, columns, categories, streams, rules):
    """Raise KitError "rules", "names", "missing-column", "type", "range" if something cannot be."""
    if rules is not None and not isinstance(rules, Rules):
        raise KitError("rules are no Rules", found=type(rules).__name__, code="rules",
                       allowed="a kit.drift.Rules", remedy="give Rules(psi=...)")  # fmt: skip
    for name, value in (("columns", columns), ("categories", categories)):
        if isinstance(value, str):
            raise KitError(f"{name} is one name", found=value, allowed="a list of names",
                           code="names", remedy=f"give {name}=[{value!r}]")  # fmt: skip
    raters = roles["raters"]
    if raters is not None and (isinstance(raters, str) or len(raters) != 2):
        raise KitError("raters are not two columns", found=raters, allowed="two names of columns",
                       code="names", remedy='give raters=("first", "second")')  # fmt: skip
    _times(reference, roles, columns)
    _ranges(reference, roles)
    _streams(reference, streams)


def baseline_of(reference, time, baseline):
    """Events a second, None if nobody knows, False if throughput is not to be judged."""
    if baseline is False:
        return False
    if baseline is not None:
        return float(quantity("baseline", baseline, "positive"))
    if time not in reference.columns:
        return None
    t, missing, _ = microseconds(reference[time], time)
    t = t[~missing]
    span = (t.max() - t.min()) / 1e6 if len(t) > 1 else 0
    return len(t) / span if span > 0 else None


def _times(reference, roles, columns):
    """A name that was mistyped, or an arrival that nobody named, leaves a column of times over."""
    special = [roles[k] for k in ("time", "arrived", "id")]
    found = [c for c in reference.columns if c not in special and reference[c].dtype.is_temporal()]
    if found and roles["time"] not in reference.columns:
        raise KitError(f"the reference has no column {roles['time']} of event times",
                       found=roles["time"], allowed=", ".join(found), code="missing-column",
                       remedy="give time= the name of the column of event times")  # fmt: skip
    watched = [c for c in found if columns is None or c in columns]
    if watched:
        raise KitError(f"column {watched[0]} of the reference holds times", found=watched,
                       allowed="numbers, texts, booleans", code="type", remedy="leave it out with "
                       "columns=, or name it as time= or arrived=")  # fmt: skip


def _ranges(reference, roles):
    import polars as pl

    for role, allowed, remedy in (
        ("errors", "True or False, or 0 and 1", "give a comparison, such as code >= 500"),
        ("confidence", "from 0 to 1", "divide percent by 100"),
    ):
        name = roles[role]
        if name not in reference.columns:
            continue
        column = reference[name]
        _number(name, column, allowed, remedy)
        x = pl.Series(numbers(reference, name)).fill_nan(None).drop_nulls()
        bad = x.filter(~(x.is_in([0.0, 1.0]) if role == "errors" else x.is_between(0, 1)))
        if len(bad):
            raise KitError(f"column {name} of the reference holds no {role}", found=bad[0],
                           allowed=allowed, code="range", remedy=remedy)  # fmt: skip


def _streams(reference, streams):
    if streams is not None and not isinstance(streams, dict):
        raise KitError("streams are no dict", found=streams, allowed='{"column": "adwin"}',
                       code="names", remedy="name a detector for each column")  # fmt: skip
    for name in streams or ():
        if name not in reference.columns:
            raise KitError(f"the reference has no column {name} to stream", found=name,
                           allowed=", ".join(reference.columns), code="missing-column",
                           remedy="correct the name in streams=")  # fmt: skip
        remedy = "watch it as a category, with columns="
        _number(name, reference[name], "numbers or booleans in streams=", remedy)


def _number(name, column, allowed, remedy):
    if not (column.dtype.is_numeric() or str(column.dtype) in ("Boolean", "Null")):
        raise KitError(f"column {name} of the reference is of the wrong type", code="type",
                       found=str(column.dtype), allowed=allowed, remedy=remedy)  # fmt: skip
