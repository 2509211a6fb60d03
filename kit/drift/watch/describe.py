"""What a monitor takes from its reference: the columns to watch, their bins, names and counts.

Needs NumPy and, when used, polars.
"""

import numpy as np

from kit.drift.inputs import side
from kit.drift.numeric import edges
from kit.drift.table import _kind_of
from kit.drift.watch import windows
from kit.errors import KitError


def described(reference, columns, categories, roles, rules):
    """(Layout, counts int64[K], sums float64[S, 2]) of a reference, polars DataFrame.

    roles: dict of "id", "arrived", "errors", "predictions", "label", "confidence" -> column or
    None, "raters" -> two columns or None. columns: those watched, None for all others.
    Raises KitError "missing-column", "type", "empty", "infinite", "categories".
    """
    special = {roles[k] for k in ("id", "time", "arrived", "errors", "confidence")}
    special |= set(roles["raters"] or ())
    if columns is None:
        columns = [c for c in reference.columns if c not in special]
    own = [roles[k] for k in ("predictions", "label") if roles[k]]
    names = list(dict.fromkeys([*columns, *own]))
    _present(reference, [*names, *categories, *(roles["raters"] or ())])
    reference = with_mistakes(reference, roles)
    found = [_column(reference, name, name in categories, roles, rules) for name in names]
    found += list(_special(reference, roles, rules))
    at, parts = 0, []
    for part in found:
        parts.append(windows.Part(at=at, **part))
        at += part["cells"]
    layout = windows.Layout(parts)
    if roles["arrived"]:  # a reference need not have come late
        reference = reference.with_columns(_nulls(reference.height).alias(roles["arrived"]))
    known = windows.Layout(p for p in parts if p.column in reference.columns or p.kind == "raters")
    known.size = layout.size
    counts, sums = known.count(reference, np.zeros(reference.height, np.int64), 1)
    full = np.zeros((len(layout.summed), 2))
    full[[layout.summed.index(p) for p in known.summed]] = sums[0]
    return layout, counts[0], full


def with_mistakes(frame, roles):
    """The table with a column of mistakes, where it has predictions and labels."""
    import polars as pl

    said, label = roles["predictions"], roles["label"]
    if not (said and label and {said, label} <= set(frame.columns)):
        return frame
    wrong = windows.named(frame[said]) != windows.named(frame[label])
    return frame.with_columns(wrong.cast(pl.String).alias(mistakes(roles)))


def mistakes(roles):
    """Name of the column of mistakes."""
    return f"{roles['predictions']} != {roles['label']}"


def _column(reference, name, as_category, roles, rules):
    """dict for a Part: a column of numbers or of categories."""
    source = _kind_of(name, reference[name])
    role = {roles["predictions"]: "predictions", roles["label"]: "label"}.get(name, "input")
    part = {"column": name, "role": role, "source": source}
    as_category = as_category or (role != "input" and reference[name].dtype.is_integer())
    if source == "number" and not as_category:
        found = side(f"column {name} of the reference", reference[name])
        if not len(found.values):
            raise KitError(f"column {name} of the reference holds no values", code="empty",
                           found=f"{found.rows} rows", allowed="one finite number or more",
                           remedy="leave the column out")  # fmt: skip
        x = found.values.astype(np.float64)
        at = edges(x, int(rules.bins)).tolist()
        with np.errstate(over="ignore"):
            mean, sd = float(x.mean()), float(x.std()) if x[0] < x[-1] else 0.0
        if not np.isfinite([mean, sd]).all():
            raise KitError(f"column {name} of the reference is too large for a float",
                           found=float(np.abs(x).max()), code="infinite")  # fmt: skip
        return part | {"kind": "number", "edges": at, "cells": len(at) + 3, "mean": mean, "sd": sd}
    names = _names(name, reference[name], rules)
    return part | {"kind": "category", "names": names, "cells": len(names) + 2}


def _special(reference, roles, rules):
    """dicts for the Parts of what is measured in its own way."""
    edges = windows.LATENCY_EDGES.tolist()
    if roles["predictions"] and roles["label"]:
        yield {"column": mistakes(roles), "kind": "category", "role": "mistakes", "cells": 4,
               "names": ["false", "true"], "source": "category"}  # fmt: skip
    if roles["errors"]:
        yield {"column": roles["errors"], "kind": "failed", "role": "errors", "cells": 3,
               "source": "number"}  # fmt: skip
    if roles["confidence"]:
        _present(reference, [roles["confidence"]])
        yield {"column": roles["confidence"], "kind": "entropy", "role": "confidence", "cells": 2,
               "sd": 1.0, "source": "number"}  # fmt: skip
    if roles["arrived"]:
        yield {"column": roles["arrived"], "kind": "latency", "role": "arrived",
               "edges": edges, "cells": len(edges) + 3}  # fmt: skip
    if roles["raters"]:
        both = [_names(r, reference[r], rules) for r in roles["raters"]]
        names = sorted({*both[0], *both[1]})
        yield {"column": " and ".join(roles["raters"]), "kind": "raters", "role": "raters",
               "takes": roles["raters"], "names": names,
               "cells": (len(names) + 1) ** 2 + 1}  # fmt: skip
    if roles["id"]:
        yield {"column": roles["id"], "kind": "ids", "role": "id", "cells": 2}


def _names(name, column, rules):
    names = windows.named(column).drop_nulls().unique().sort().to_list()
    if not 1 <= len(names) <= rules.categories:
        raise KitError(f"column {name} of the reference has no fitting number of categories",
                       found=len(names), allowed=f"1 to {rules.categories}", code="categories",
                       remedy="leave the column out, or group its values; is it the id? give "
                       "id=")  # fmt: skip
    return names


def _nulls(n):
    import polars as pl

    return pl.repeat(None, n, dtype=pl.Float64, eager=True)


def _present(reference, names):
    missing = [n for n in names if n not in reference.columns]
    if missing:
        raise KitError("the reference lacks a column", found=missing, code="missing-column",
                       allowed=", ".join(reference.columns))  # fmt: skip
