"""Cells: from a percent-format file to the JSON of a notebook."""

import json

from kit.course.prose import render
from kit.errors import KitError

_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read_source(path):
    """Cells of a percent-format file: list of (kind, text, metadata dict)."""
    import jupytext

    book = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    return [(c.cell_type, c.source, dict(c.metadata)) for c in book.cells]


def make_cell(kind, text, cell_id, metadata=None, **names):
    """One notebook cell, without outputs; placeholders of Markdown cells are computed.

    names: what placeholders may use beyond the common names.
    """
    cell = {"cell_type": kind, "id": cell_id, "metadata": metadata or {}}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell | {
        "source": (render(text, **names) if kind == "markdown" else text).splitlines(True)
    }


def notebook_text(cells):
    """JSON text of a notebook with these cells."""
    book = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    ids = [c["id"] for c in cells]
    if len(set(ids)) != len(ids):
        raise KitError("two cells share an id", found=sorted({i for i in ids if ids.count(i) > 1}))
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
