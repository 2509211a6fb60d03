"""Build notebooks from their percent-format sources; the same source gives the same bytes."""

import re

from kit.course.cells import make_cell, notebook_text, read_source
from kit.course.labs import master, release_files, write_source
from kit.course.lessons import all_lessons
from kit.course.submissions.release import PACKED, packed_text
from kit.paths import root


def lesson_text(lesson):
    """The notebook of `lesson` as JSON text. Cell ids: slug and running number."""
    slug = re.sub(r"[^a-z0-9]+", "-", lesson.stem)
    cells = read_source(lesson.source)
    return notebook_text(
        [make_cell(kind, text, f"{slug}-{i:03d}") for i, (kind, text, _) in enumerate(cells)]
    )


def outputs():
    """Every generated file that is committed: dict of Path -> text; students have no sources."""
    files = {x.notebook: lesson_text(x) for x in all_lessons() if x.source.parent.exists()}
    books = {}
    for lab in labs_here():
        made = release_files(lab)
        books[lab] = next(text for path, text in made.items() if path.suffix == ".ipynb")
        files |= made
    if books:  # what was released, for `kit check`: students answer in the released files
        files[root() / "kit" / "course" / "submissions" / PACKED.name] = packed_text(books)
    return files


def labs_here():
    """Labs whose masters are here, list of str; students have none."""
    return [x.lab for x in all_lessons() if x.lab and master(x.lab).parent.exists()]


def build():
    """Write all notebooks and labs; return the paths that changed, list of Path."""
    changed = []
    for path, text in outputs().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    for lab in labs_here():
        write_source(lab)
    return changed
