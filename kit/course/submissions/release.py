"""The released notebook of a lab: what each cell is for, and which task it belongs to."""

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

from kit.course.submissions.pysource import bare, functions, spans
from kit.errors import KitError
from kit.paths import root

PACKED = Path(__file__).with_name("released.json")


@dataclass(frozen=True)
class Part:
    """One released cell. role: solution, written, check, locked, open (for notes), or text."""

    name: str
    cell: dict
    role: str
    task: str
    label: str

    @property
    def kind(self):
        """Its cell type."""
        return self.cell["cell_type"]

    @property
    def marked(self):
        """Whether nbgrader keeps marks in it."""
        return "nbgrader" in self.cell["metadata"]

    @property
    def answered(self):
        """Whether the student writes in it, and it counts."""
        return self.role in ("solution", "written")

    @functools.cached_property
    def text(self):
        """Its source."""
        return source(self.cell)

    @functools.cached_property
    def names(self):
        """Functions that its released text defines: set of str."""
        return functions(self.text) if self.role == "solution" else set()

    @functools.cached_property
    def owned(self):
        """All names that its released text binds at the top: set of str."""
        return set(spans(self.text)) if self.role == "solution" else set()

    def open(self, text):
        """Whether `text` is no answer yet: blank, or what was released."""
        return not text.strip() or bare(text) == bare(self.text)

    def idle(self, text):
        """Whether `text` is no answer, or the released code with other comments in it."""
        return self.open(text) or (self.role == "solution" and _code(text) == _code(self.text))


@dataclass(frozen=True)
class Release:
    """A released notebook. lab is "" where it is not known."""

    lab: str
    book: dict
    parts: tuple

    @functools.cached_property
    def grade_ids(self):
        """dict of grade id -> index of the part."""
        return {p.name: i for i, p in enumerate(self.parts) if p.marked}


def as_release(released, lab=""):
    """A Release from a Release, a Path, the JSON text or the dict of a released notebook."""
    if isinstance(released, Release):
        return released
    if isinstance(released, Path):
        lab, released = released.stem, released.read_text(encoding="utf-8")
    book = released if isinstance(released, dict) else json.loads(released)
    return Release(lab, book, tuple(_parts(book["cells"])))


def releases():
    """Every lab: list of Release, by name.

    Students write their answers into labs/release itself, so what was released is taken from
    PACKED, which comes with the package; from labs/release only where PACKED has no such lab.
    """
    packed = _packed(PACKED) if PACKED.exists() else {}
    return [found for _, found in sorted((_on_disk(set(packed)) | packed).items())]


def packed_text(texts):
    """Text of PACKED: one lab a line. texts: dict of lab -> JSON text of its released notebook."""
    short = {"ensure_ascii": False, "sort_keys": True, "separators": (",", ":")}
    rows = [f"{json.dumps(k)}: {json.dumps(json.loads(v), **short)}" for k, v in texts.items()]
    return "{\n" + ",\n".join(sorted(rows)) + "\n}\n"


def release_of(lab):
    """The Release of a lab; KitError if there is none of this name."""
    found = {r.lab: r for r in releases()}
    if lab not in found:
        raise KitError("no such lab", found=lab, allowed=", ".join(found), code="no-lab")
    return found[lab]


def which_lab(book, among):
    """The Release that a submitted notebook belongs to, from its cells; None if it is not clear."""
    cells = [c for c in book.get("cells", []) if isinstance(c, dict)]
    scored = sorted(((likeness(cells, r), r.lab, r) for r in among), key=lambda row: row[:2])
    if not scored or scored[-1][0] < 0.1:
        return None
    return None if len(scored) > 1 and scored[-2][0] == scored[-1][0] else scored[-1][2]


def likeness(cells, release):
    """Share of released cells that can be recognised among `cells`, 0 to 1."""
    ids = {c.get("id") for c in cells} | {grade_id(c) for c in cells}
    texts = {bare(source(c)) for c in cells}
    defined = set(re.findall(r"(?m)^(?:def|class) (\w+)", "\n\n".join(texts)))
    whole = "\n".join(texts)
    parts = [p for p in release.parts if p.role not in ("open", "written")]
    found = [
        (p.marked and p.name in ids) + (p.names <= defined if p.names else bare(p.text) in whole)
        for p in parts
    ]
    return sum(found) / (2 * len(found) or 1)


def source(cell):
    """The text of a cell; "" where there is none."""
    text = cell.get("source") or ""
    return text if isinstance(text, str) else "".join(s for s in text if isinstance(s, str))


def grade_id(cell):
    """The grade id in a cell's marks, or None."""
    meta = cell.get("metadata")
    marks = meta.get("nbgrader") if isinstance(meta, dict) else None
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    return name if isinstance(name, str) else None


@functools.cache
def _packed(path):
    books = json.loads(path.read_text(encoding="utf-8"))
    return {lab: as_release(book, lab) for lab, book in books.items()}


def _on_disk(known):
    """dict of lab -> Release of labs that somebody added to labs/release and did not pack."""
    folder = root() / "labs" / "release"
    new = [f.name for f in folder.glob("*") if f.name not in known] if folder.exists() else []
    files = [folder / lab / f"{lab}.ipynb" for lab in new]
    return {f.stem: as_release(f) for f in files if f.exists()}


def _parts(cells):
    task, parts = "", []
    for i, cell in enumerate(cells):
        if heading := re.match(r"## (Task \d+)", source(cell)):
            task = heading.group(1)
        name = grade_id(cell) or cell.get("id") or f"cell-{i}"
        parts.append(Part(name, cell, _role(cell), task, task or "Introduction"))
    many = [t for t in {p.task for p in parts} if sum(p.task == t for p in parts if p.answered) > 1]
    for part in parts:
        if part.task in many and part.answered:
            shown = next(iter(sorted(functions(part.text))), part.name)
            part = Part(part.name, part.cell, part.role, part.task, f"{part.task}, {shown}")
        yield part


def _code(text):
    return [line for line in bare(text).split("\n") if line.strip() and line.lstrip()[0] != "#"]


def _role(cell):
    marks = cell["metadata"].get("nbgrader")
    if marks is None:
        lines = source(cell).split("\n")
        notes = cell["cell_type"] == "code" and all(s[:1] in ("#", "") for s in lines)
        return "open" if notes else "text"
    if marks["solution"]:
        return "written" if marks["grade"] else "solution"
    return "check" if marks["grade"] else "locked"
