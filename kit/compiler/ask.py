"""Questions to a compiled data set, answered without compiling."""

import json

import polars as pl

from kit.compiler.dataset import Compiled
from kit.compiler.lineage import difference, explain


def answer(folder, clip="", versions=None, as_json=False):
    """Text about the data set in `folder`: one of three questions.

    clip: beginning of a clip_id whose lineage is wanted. versions: (old, new) to compare.
    Without either, the dead letters of the newest version. as_json: one JSON document instead.
    """
    if clip:
        said = explain(Compiled(folder), clip)
        return json.dumps({"explained": said.splitlines()}, indent=1) if as_json else said
    if versions:
        table = difference(*(Compiled(folder, v) for v in versions))
    else:
        table = Compiled(folder).letters
    return json.dumps(table.to_dicts(), indent=1, ensure_ascii=False) if as_json else _lines(table)


def _lines(table):
    """The whole table as text, a line a row: nothing is cut off."""
    if table.is_empty():
        return "nothing"
    shown = table.select(pl.all().cast(pl.String).fill_null("-"))
    return "\n".join("  ".join(row) for row in [tuple(shown.columns), *shown.iter_rows()])
