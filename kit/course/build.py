"""Build notebooks from their percent-format sources; the same source gives the same bytes."""

import re

from kit.course.cells import make_cell, notebook_text, read_source
from kit.course.labs import release_files, write_source
from kit.course.lessons import all_lessons


def lesson_text(lesson):
    """The notebook of `lesson` as JSON text. Cell ids: slug and running number."""
    slug = re.sub(r"[^a-z0-9]+", "-", lesson.stem)
    cells = read_source(lesson.source)
    return notebook_text(
        [make_cell(kind, text, f"{slug}-{i:03d}") for i, (kind, text, _) in enumerate(cells)]
    )


def outputs():
    """Every generated file that is committed: dict of Path -> text."""
    files = {lesson.notebook: lesson_text(lesson) for lesson in all_lessons()}
    for lesson in all_lessons():
        if lesson.lab:
            files |= release_files(lesson.lab)
    return files


def build():
    """Write all notebooks and labs; return the paths that changed, list of Path."""
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
