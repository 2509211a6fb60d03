"""Repair: the released notebook, cell for cell, with what the student wrote in its place."""

import copy
import hashlib
import json
import re
from dataclasses import dataclass

from kit.course.submissions.match import match
from kit.course.submissions.pysource import functions
from kit.course.submissions.reading import language, read, weight
from kit.course.submissions.release import as_release
from kit.course.submissions.sentences import open_tasks, structure
from kit.errors import KitError


@dataclass(frozen=True)
class Repaired:
    """A notebook that nbgrader can grade.

    notebook: dict of nbformat 4.5; findings: what was put right and what is left;
    answers: dict of grade id -> source of every cell that the student may answer in;
    extra: cells of the student's own that were kept, as dicts.
    """

    notebook: dict
    findings: list
    answers: dict
    extra: list

    @property
    def text(self):
        """JSON as Jupyter writes it."""
        return as_text(self.notebook)


def repair(submitted, released):
    """Repaired of a submitted notebook: dict, JSON text or bytes of the file.

    released: Release, Path, JSON text or dict of the released notebook. No answer is invented
    and no line of the student's is lost; what cannot be told apart stays where it is, and is
    reported. KitError (code "unreadable") if nothing can be read at all.
    """
    release = as_release(released)
    book, found, findings = study(submitted, release)
    if book is None:
        said = " ".join(f.text for f in findings if not f.fixable)
        raise KitError("the notebook cannot be read", remedy=said, code="unreadable")
    after = _kept(found)
    cells, extra, used = [], [], {p.cell.get("id") for p in release.parts}
    for i in range(-1, len(release.parts)):
        if i >= 0:
            cells.append(_released(found, i))
        own = [_own(cell, used) for cell in after.get(i, [])]
        cells += own
        extra += own
    book = copy.deepcopy({k: v for k, v in release.book.items() if k != "cells"}) | {"cells": cells}
    names = {c["id"]: c["source"] for c in cells}
    answers = {p.name: "".join(names[p.cell["id"]]) for p in release.parts if p.answered}
    return Repaired(book, findings, answers, extra)


def study(submitted, released):
    """(notebook as dict or None, Match or None, findings) of a submission; nothing is changed."""
    book, findings = read(submitted)
    if book is None:
        return None, None, findings
    found = match(book["cells"], as_release(released))
    findings = [*findings, *language(book), *weight(book), *structure(found), *open_tasks(found)]
    return book, found, findings


def as_text(book):
    """JSON text of a notebook, as Jupyter writes it; lone surrogates stay escaped."""
    shape = {"indent": 1, "sort_keys": True}
    text = json.dumps(book, ensure_ascii=False, **shape)
    if re.search("[\ud800-\udfff]", text):
        text = json.dumps(book, ensure_ascii=True, **shape)
    return text + "\n"


def _released(found, i):
    """The released cell of part i, with the student's answer or notes in it."""
    part = found.parts[i]
    cell = copy.deepcopy(part.cell)
    text = found.answer(i)
    if part.answered or part.role == "open":
        cell["source"] = (part.text if part.open(text) else text).splitlines(True)
        home = found.cells[found.homes[i]] if i in found.homes else {}
        if part.kind == "markdown" and home.get("attachments"):
            cell["attachments"] = copy.deepcopy(home["attachments"])
    return cell


def _kept(found):
    """dict of part -> the student's own cells that come after it; -1 for those before all."""
    after, last, homes = {}, -1, {j: i for i, j in found.homes.items()}
    for j, cell in enumerate(found.cells):
        last, kind = homes.get(j, last), cell["cell_type"]
        part = found.parts[last] if j in homes else None
        if part and (part.answered or part.role == "open"):
            continue
        if found.copied(j) or not _new(found.texts[j], [part] if part else []):
            continue
        if part and part.role == "check":
            kind = "raw"
        own = cell | {"cell_type": kind, "source": found.texts[j]}
        after.setdefault(_before(found, j, last), []).append(own)
    return after


def _before(found, j, last):
    """The part that cell j comes after: a copy that defines the same does not follow the answer."""
    for i, copied in found.copies:
        if copied == j and found.parts[i].names & functions(found.texts[j]):
            return min(last, i - 1)
    return last


def _new(text, parts):
    """Whether the text has a line that the parts do not have."""
    known = {line.strip() for p in parts for line in p.text.split("\n")} | {""}
    return any(line.strip() not in known for line in text.split("\n"))


def _own(cell, used):
    """A cell of the student's, without marks and outputs, with an id that nobody else has."""
    text, wanted = cell["source"], cell.get("id")
    if not (isinstance(wanted, str) and re.fullmatch(r"[\w-]{1,64}", wanted, re.ASCII)):
        wanted = None
    number = 0
    while wanted is None or wanted in used:
        digest = hashlib.sha256(f"{number}\n{text}".encode("utf-8", "replace")).hexdigest()
        wanted, number = f"own-{digest[:8]}", number + 1
    used.add(wanted)
    own = {"cell_type": cell["cell_type"], "id": wanted, "metadata": {}}
    if own["cell_type"] == "code":
        own |= {"execution_count": None, "outputs": []}
    elif cell.get("attachments"):
        own["attachments"] = copy.deepcopy(cell["attachments"])
    return own | {"source": text.splitlines(True)}
