"""`kit course check`: generated files are current and clean, numbers in the text are computed."""

import json
import tomllib

from kit.course.build import labs_here, outputs
from kit.course.cells import read_source
from kit.course.labs import leaks, master
from kit.course.lessons import all_lessons
from kit.course.prose import typed_numbers
from kit.paths import root


def check():
    """All problems of the course files: list of str, one a problem; empty if all is well."""
    problems = [p for path, text in outputs().items() for p in _compare(path, text)]
    sources = [x.source for x in all_lessons() if x.source.parent.exists()]
    sources += [master(lab) for lab in labs_here()]
    problems += [p for path in sources for p in _prose(path)]
    problems += [p for path in sorted(_questions()) for p in _question_prose(path)]
    problems += [f"labs/release shows {leak}" for lab in labs_here() for leak in leaks(lab)]
    return problems


def dirt(text):
    """What a committed notebook must not hold, found in its JSON `text`: list of str."""
    book = json.loads(text)
    found = ["widget state"] if "widgets" in book["metadata"] else []
    cells = [c for c in book["cells"] if c["cell_type"] == "code"]
    if any(c["outputs"] for c in cells):
        found.append("outputs")
    if any(c["execution_count"] is not None for c in cells):
        found.append("execution counts")
    return found


def _compare(path, text):
    name = path.relative_to(root())
    if not path.exists():
        return [f"{name} is missing; run: kit course build"]
    there = path.read_text(encoding="utf-8")
    if there == text:
        return []
    held = dirt(there) if path.suffix == ".ipynb" else []
    why = f"holds {', '.join(held)}" if held else "differs from its source"
    return [f"{name} {why}; run: kit course build"]


def _prose(path):
    problems = []
    for i, (kind, text, _) in enumerate(read_source(path)):
        numbers = typed_numbers(text) if kind == "markdown" else []
        problems += [f"{path.name}, cell {i}: {n!r} is typed, not computed" for n in numbers]
    return problems


def _questions():
    return (root() / "notebooks" / "questions").glob("*.toml")


def _question_prose(path):
    with path.open("rb") as file:
        records = tomllib.load(file)["question"]
    problems = []
    for record in records:
        for field in ("text", "explanation"):
            text = record[field].replace("{", "{{").replace("}", "}}")
            numbers = typed_numbers(text)
            problems += [f"{path.name}, {record['id']}: {n!r} is typed" for n in numbers]
    return problems
