"""Build notebooks from their percent-format sources; the same source gives the same bytes."""

import json
import re

from kit.course.lessons import all_lessons
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


def lesson_text(lesson):
    """The notebook of `lesson` as JSON text. Cell ids: slug and running number."""
    slug = re.sub(r"[^a-z0-9]+", "-", lesson.stem)
    cells = read_source(lesson.source)
    return notebook_text(
        [make_cell(kind, text, f"{slug}-{i:03d}") for i, (kind, text, _) in enumerate(cells)]
    )


def outputs():
    """Every generated file that is committed: dict of Path -> text."""
    from kit.course.labs import release_files

    files = {lesson.notebook: lesson_text(lesson) for lesson in all_lessons()}
    for lesson in all_lessons():
        if lesson.lab:
            files |= release_files(lesson.lab)
    return files


def build():
    """Write all notebooks and labs; return the paths that changed, list of Path."""
    from kit.course.labs import write_source

    changed = []
    for path, text in outputs().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    for lesson in all_lessons():
        if lesson.lab:
            write_source(lesson.lab)
    return changed
