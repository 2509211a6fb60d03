"""`kit check`: what a student should know before handing in, and a repair on request."""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kit.course.submissions.findings import Finding
from kit.course.submissions.inspect import inspect
from kit.course.submissions.reading import read
from kit.course.submissions.release import releases, which_lab
from kit.course.submissions.repair import repair
from kit.errors import KitError


@dataclass(frozen=True)
class Checked:
    """What was found and done. lab: "" where nothing could be read; left: findings that remain.

    written: Path of the repaired notebook, or None; backups: Paths of files as they were.
    """

    name: str
    lab: str
    left: list
    done: list
    written: Path | None
    backups: list

    @property
    def ready(self):
        """Whether it can be handed in as it is."""
        return not any(f.stops for f in self.left)

    def as_dict(self):
        """For JSON."""
        return {
            "notebook": self.name, "lab": self.lab, "ready": self.ready,
            "findings": [f.as_dict() for f in self.left], "done": [f.as_dict() for f in self.done],
            "written": self.written and str(self.written),
            "backups": [str(b) for b in self.backups],
        }  # fmt: skip

    def __str__(self):
        return "\n".join(_lines(self))


def check(path, fix=False):
    """Checked of the notebook at `path`. With fix, it is repaired, after a backup beside it.

    The lab is deduced from the cells. KitError if there is no file (code "no-file"), or if the
    notebook belongs to none of the labs in labs/release (code "no-lab").
    """
    path = Path(path)
    if not path.is_file():
        raise KitError("the notebook is not there", found=str(path), code="no-file",
                       allowed="a file such as lab01_data_gravity.ipynb")  # fmt: skip
    book, findings = read(path.read_bytes())
    if book is None:
        return Checked(path.name, "", findings, [], None, [])
    release = which_lab(book, known := releases())
    if release is None:
        raise KitError("the notebook belongs to no lab that is here", found=path.name,
                       allowed=", ".join(r.lab for r in known), code="no-lab",
                       remedy="open the lab that you were given, and copy your answers there",
                       )  # fmt: skip
    found = inspect(path, release)
    done = [f for f in found if f.fixable]
    if not fix or not done:
        return Checked(path.name, release.lab, found, [], None, [])
    written, backups = _write(path.resolve(), release, repair(path.read_bytes(), release).text)
    left = inspect(written, release) + [f for f in found if f.kind == "ambiguous"]
    return Checked(path.name, release.lab, list(dict.fromkeys(left)), done, written, backups)


def _write(path, release, text):
    """Write the repaired notebook under the lab's name: (its Path, Paths of the backups)."""
    target = path.with_name(f"{release.lab}.ipynb")
    old = [path] if not target.exists() or target.samefile(path) else [path, target]
    backups = [_back_up(p) for p in old]
    handle, half = tempfile.mkstemp(prefix=".kit-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
        os.chmod(half, path.stat().st_mode & 0o777)
        os.replace(half, target)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise
    if not target.samefile(path):
        path.unlink()  # its backup lies beside it; two notebooks would be one too many
    return target, backups


def _back_up(path):
    """Copy a file to the first NAME.backup-N.ipynb that is free; return its Path."""
    stem, number = re.sub(r"\.backup-\d+$", "", path.stem), 1
    while True:
        backup = path.with_name(f"{stem}.backup-{number}{path.suffix}")
        try:
            with backup.open("xb") as file:
                file.write(path.read_bytes())
            return backup
        except FileExistsError:
            number += 1


def _lines(checked):
    if checked.lab:
        yield f"This is {checked.lab}."
    if checked.done:
        yield f"\nPut right in {checked.written.name}:"
        yield from _grouped(checked.done)
        yield f"\nKept as it was before: {', '.join(b.name for b in checked.backups)}."
    if checked.done and checked.left:
        yield "\nLeft for you:"
    yield from _grouped(checked.left)
    yield f"\n{_verdict(checked)}"


def _grouped(findings):
    """Sentences by task, with an empty line before each task."""
    last = None
    for finding in sorted(findings, key=_task):
        if _task(finding) != last:
            yield ""
        last = _task(finding)
        yield finding.text


def _task(finding: Finding):
    found = re.match(r"Task (\d+)", finding.text)
    return int(found.group(1)) if found else finding.text.startswith("Introduction") - 1


def _verdict(checked):
    stops = [f for f in checked.left if f.stops]
    if not stops:
        still = sum(f.kind in ("untouched", "empty") for f in checked.left)
        answers = "one answer" if still == 1 else f"{still} answers"
        again = " Run all cells once more and save." if checked.done else ""
        return f"It can be handed in as it is{f', with {answers} open' if still else ''}.{again}"
    if any(f.fixable for f in stops):
        return (
            f"It cannot be handed in as it is. `kit check {_quoted(checked.name)} --fix` puts "
            "right what needs no decision of yours, and keeps a copy of the file."
        )
    if [f.kind for f in stops] == ["all-untouched"]:
        return "There is nothing to hand in yet."
    return "It cannot be handed in as it is. Please look at the sentences above."


def _quoted(name):
    return name if re.fullmatch(r"[\w.-]+", name) else f'"{name}"'
