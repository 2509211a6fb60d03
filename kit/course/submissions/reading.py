"""Read a notebook file that somebody sent: all that can be read, and what is wrong with it."""

import json
import re

from kit.course.submissions.findings import Finding
from kit.course.submissions.release import source

LARGEST_MB = 20  # learning platforms refuse larger ones
LARGEST_OUTPUTS_MB = 1


def read(data):
    """(notebook as dict of nbformat 4 or None, findings) of bytes, text or a dict."""
    if isinstance(data, dict):
        return _shaped(data, [])
    findings = []
    if isinstance(data, bytes):
        if len(data) > LARGEST_MB * 1e6:
            findings.append(_found("large", f"The file has {len(data) / 1e6:.0f} MB. At most "
                            f"{LARGEST_MB} MB can be handed in.", True))  # fmt: skip
        data = _decoded(data, findings)
    if data.startswith("\ufeff"):
        data = data.lstrip("\ufeff")
        findings.append(_found("bom", "The file begins with an invisible mark (a BOM) that "
                        "Jupyter does not expect.", True))  # fmt: skip
    if re.search(r"(?m)^<{7}", data) and re.search(r"(?m)^>{7}", data):
        text = ("The file holds the marks of a merge (<<<<<<<, >>>>>>>): two versions are mixed. "
                "Take one of the two versions as a whole, then check again.")  # fmt: skip
        return None, [*findings, _found("conflict", text, False)]
    book = _parsed(data, findings)
    return (None, findings) if book is None else _shaped(book, findings)


def weight(book):
    """Findings about what makes a notebook heavy: stored widgets and long outputs."""
    findings, widgets = [], book["metadata"].get("widgets")
    if widgets:
        mb = len(json.dumps(widgets)) / 1e6
        findings.append(_found("widgets", f"The file stores the state of widgets ({mb:.1f} MB). "
                        "It is not needed.", True))  # fmt: skip
    mb = sum(len(json.dumps(c.get("outputs") or [])) for c in book["cells"]) / 1e6
    if mb > LARGEST_OUTPUTS_MB:
        findings.append(_found("outputs", f"The outputs of the cells take {mb:.1f} MB. They are "
                        "not needed.", True))  # fmt: skip
    return findings


def language(book):
    """Findings about the kernel that the notebook names."""
    spec = book["metadata"].get("kernelspec") or {}
    info = book["metadata"].get("language_info") or {}
    name = str(spec.get("language") or info.get("name") or "python")
    if name.lower() not in ("python", "ipython"):
        return [_found("language", f"The notebook says that its language is {name}. "
                       "This lab is in Python.", True)]  # fmt: skip
    if spec.get("name", "python3") != "python3":
        return [_found("kernel", f"The notebook names the kernel {spec['name']!r}, which others "
                       "may not have. It is graded with python3.", True)]  # fmt: skip
    return []


def _decoded(data, findings):
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        coding, name = "utf-16", "UTF-16"
    else:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            coding, name = "cp1252", "Windows-1252"
    findings.append(_found("encoding", f"The file is not written in UTF-8. It was read as {name}: "
                    "look at accents and signs in your texts.", True))  # fmt: skip
    return data.decode(coding, errors="replace")


def _parsed(text, findings):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # ValueError: also a number of 5000 digits
        cells = _salvaged(text)
    if not cells:
        findings.append(_found("not-json", "The file cannot be read as a notebook. Perhaps it was "
                        "saved by another program, or is empty. Save it in JupyterLab once "
                        "more.", False))  # fmt: skip
        return None
    findings.append(_found("truncated", f"The file is damaged or breaks off. {len(cells)} cells "
                    "could be read; what comes after them could not. Look for a better copy "
                    "first, such as one in .ipynb_checkpoints.", True))  # fmt: skip
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _salvaged(text):
    """The cells that are whole at the beginning of a file that breaks off."""
    start, cells = re.search(r'"cells"\s*:\s*\[', text), []
    place, decoder = start.end() if start else len(text), json.JSONDecoder()
    while begin := re.compile(r"[\s,]*(?=\{)").match(text, place):
        try:
            cell, place = decoder.raw_decode(text, begin.end())
        except (ValueError, RecursionError):
            break
        cells.append(cell)
    return cells


def _shaped(book, findings):
    book = _upgraded(book, findings) if isinstance(book, dict) else None
    if book is None or not isinstance(book.get("cells"), list):
        if not any(f.kind == "new-format" for f in findings):
            findings.append(_found("not-notebook", "The file is no notebook: it has no "
                            "cells.", False))  # fmt: skip
        return None, findings
    cells = [_cell(c) for c in book["cells"] if isinstance(c, dict)]
    meta = book.get("metadata") if isinstance(book.get("metadata"), dict) else {}
    meta = {k: v for k, v in meta.items() if isinstance(v, dict) or k not in _DICTS}
    if any(not c.get("id") for c in cells) and not any(f.kind == "old-format" for f in findings):
        findings.append(_found("no-ids", "The file was saved in an older format, in which cells "
                        "have no ids.", True))  # fmt: skip
    return {"cells": cells, "metadata": meta, "nbformat": 4, "nbformat_minor": 5}, findings


_DICTS = ("kernelspec", "language_info", "widgets")
_TYPES = {"id": str, "attachments": dict, "outputs": list}


def _cell(cell):
    kind = cell.get("cell_type")
    kind = kind if kind in ("code", "markdown", "raw") else "raw"
    meta = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    cell = {k: v for k, v in cell.items() if k not in _TYPES or isinstance(v, _TYPES[k])}
    return cell | {"cell_type": kind, "metadata": meta, "source": source(cell)}


def _upgraded(book, findings):
    major = book.get("nbformat", 4)
    if isinstance(major, int) and major > 4:
        findings.append(_found("new-format", f"The file is in notebook format {major}. "
                        "This course reads format 4.", False))  # fmt: skip
        return None
    if "worksheets" not in book:
        return book
    findings.append(_found("old-format", "The file was saved in an old notebook format, which "
                    "cannot be graded.", True))  # fmt: skip
    sheets = [s for s in book["worksheets"] if isinstance(s, dict)]
    cells = [c for sheet in sheets for c in sheet.get("cells", []) if isinstance(c, dict)]
    return book | {"cells": [_modern(c) for c in cells]}


def _modern(cell):
    """A cell of format 3: code lies in `input`, headings have a type of their own."""
    text = source(cell) or source({"source": cell.get("input")})
    if cell.get("cell_type") == "heading":
        marks = "#" * (cell["level"] if isinstance(cell.get("level"), int) else 1)
        return cell | {"cell_type": "markdown", "source": f"{marks} {text}"}
    return cell | {"source": text, "outputs": []}


def _found(kind, text, fixable):
    return Finding(kind, "", text, fixable)
