"""Inspect: everything about a submitted notebook that its author should know before handing in."""

from pathlib import Path

from kit.course.submissions.findings import Finding
from kit.course.submissions.pysource import asks, magics, syntax_error
from kit.course.submissions.release import as_release
from kit.course.submissions.repair import study


def inspect(path, released):
    """list of Finding about the notebook file at `path`; it is not changed.

    released: Release, Path, JSON text or dict of the released notebook. The name of the file is
    looked at where the lab's name is known (Release or Path). KINDS in findings.py has the kinds.
    """
    path, release = Path(path), as_release(released)
    try:
        data = path.read_bytes()
    except OSError as error:
        text = f"The file {path.name} cannot be read: {error.strerror}."
        return [Finding("no-file", "", text, False)]
    findings = []
    if release.lab and path.name != f"{release.lab}.ipynb":
        text = f"The file is called {path.name}. It must be called {release.lab}.ipynb."
        findings.append(Finding("name", "", text, True))
    book, found, more = study(data, release)
    return findings + more + ([] if book is None else content(found))


def content(found):
    """Findings about the student's own code of a Match: how it reads and how it last ran."""
    homes = {j: i for i, j in found.homes.items()}
    task, out = "Introduction", []
    for j, cell in enumerate(found.cells):
        part, text = found.parts[homes[j]] if j in homes else None, found.texts[j]
        task = part.task or task if part else task
        if cell["cell_type"] != "code":
            continue
        if part:
            out += _ran(cell, part)
        if part is None and text.strip() and not found.copied(j):
            out += _code(text, f"{task}, a cell of your own", cell.get("id") or "")
        if part and part.role == "solution" and not part.open(text):
            out += _code(text, part.label, part.name)
    return out + _order(found)


def _code(text, label, name):
    if error := syntax_error(text):
        line, said = error
        sentence = f"{label}: Python cannot read line {line} of the cell ({said})."
        return [Finding("syntax", name, sentence, False)]
    out = []
    if asks(text):
        out.append(Finding("input", name, f"{label}: the cell waits for somebody to type. Nobody "
                   "does when it is graded; take input() and getpass() out.", False))  # fmt: skip
    if used := magics(text):
        out.append(Finding("magic", name, f"{label}: the line {used[0].strip()!r} may do nothing, "
                   "or fail, on the machine that grades.", False))  # fmt: skip
    if "raise NotImplementedError()" in text and "YOUR CODE HERE" in text:
        out.append(Finding("leftover", name, f"{label}: the line `raise NotImplementedError()` is "
                   "still there. If it is reached, the answer stops there.", False))  # fmt: skip
    return out


def _ran(cell, part):
    """How a cell ended when it last ran; the checks of open tasks are expected to fail."""
    errors = [
        o
        for o in cell.get("outputs", [])
        if isinstance(o, dict) and o.get("output_type") == "error"
    ]
    names = [str(o.get("ename")) for o in errors]
    if not names or names == ["NotImplementedError"]:
        return []
    if part.role == "check":
        text = f"{part.label}: the check did not pass when it last ran ({names[0]})."
        return [Finding("check-failed", part.name, text, False)]
    text = f"{part.label}: the cell ended with {names[0]} when it last ran."
    return [Finding("error", part.name, text, False)]


def _order(found):
    counts = [c.get("execution_count") for c in found.cells if c["cell_type"] == "code"]
    counts = [n for n in counts if isinstance(n, int)]
    if counts == sorted(set(counts)):
        return []
    text = (
        "The cells were run in another order than they stand. It is graded from top to "
        "bottom: restart the kernel, run all cells, see whether the checks still pass."
    )
    return [Finding("order", "", text, False)]
