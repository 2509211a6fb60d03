"""Labs: from one master with solutions to nbgrader's source and release folders.

A master is labs/src/<lab>.py in percent format. A graded cell is marked on its `# %%` line:
`task="name" kind="solution"`, `kind="check" points=3`, or `kind="written" points=3`.
"""

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from kit.compiler.shards import write_file
from kit.course.cells import make_cell, notebook_text, read_source
from kit.errors import KitError
from kit.paths import data_home, root

_KINDS = {  # kind -> (grade, solution, locked)
    "solution": (False, True, False),
    "check": (True, False, True),
    "written": (True, True, False),
    "locked": (False, False, True),
}


def labs_folder():
    return root() / "labs"


def master(lab):
    """The file that people edit, as Path."""
    return labs_folder() / "src" / f"{lab}.py"


def checks_name(lab, kind="checks"):
    """Module of the visible checks of a lab; kind "hidden" for the instructor's."""
    return f"{kind}_{lab.split('_')[0]}"


def source_text(lab):
    """The notebook with solutions and all checks, as nbgrader's `source` wants it: JSON text."""
    cells, worth = [], points(lab)
    for i, (kind, text, marks) in enumerate(read_source(master(lab))):
        if "kind" in marks:
            grade = _nbgrader(marks)
            cells.append(
                make_cell(kind, text, grade["grade_id"], {"nbgrader": grade}, points=worth)
            )
        else:
            cells.append(make_cell(kind, text, f"text-{i:03d}", points=worth))
    return notebook_text(cells)


def points(lab):
    """dict of grade id -> points of the lab, in order."""
    marks = [m for _, _, m in read_source(master(lab)) if "points" in m]
    return {_grade_id(m): m["points"] for m in marks}


def write_source(lab, folder=None):
    """Write labs/source/<lab>/: notebook with solutions and the visible checks."""
    target = Path(folder or labs_folder() / "source") / lab
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{lab}.ipynb").write_text(source_text(lab), encoding="utf-8", newline="\n")
    checks = labs_folder() / "checks" / f"{checks_name(lab)}.py"
    shutil.copyfile(checks, target / checks.name)
    return target


def release_files(lab):
    """What students get, made by nbgrader itself: dict of Path below labs/release -> text."""
    checks = labs_folder() / "checks" / f"{checks_name(lab)}.py"
    made = _released(lab, source_text(lab), checks.read_text(encoding="utf-8"))
    return {labs_folder() / "release" / lab / name: text for name, text in made}


def _released(lab, source, checks):
    """Pairs of file name and text; nbgrader takes seconds, so equal sources are released once."""
    told = json.dumps([lab, source, checks, version("nbgrader")])
    kept = data_home() / "releases" / f"{hashlib.sha256(told.encode()).hexdigest()[:24]}.json"
    with contextlib.suppress(OSError, ValueError):
        return [(name, text) for name, text in json.loads(kept.read_text(encoding="utf-8"))]
    made = _made(lab, source, checks)
    with contextlib.suppress(KitError):  # a folder that cannot be written costs time alone
        write_file(kept, json.dumps(made).encode())
    return made


def _made(lab, source, checks):
    """What nbgrader releases of a source and its checks: list of (file name, text)."""
    with tempfile.TemporaryDirectory(prefix="kit-") as tmp:
        write_source(lab, Path(tmp, "source"))
        nbgrader("generate_assignment", lab, "--no-db", "--force", folder=tmp)
        made = Path(tmp, "release", lab)
        return [(path.name, path.read_text(encoding="utf-8")) for path in sorted(made.iterdir())]


def nbgrader(verb, *args, folder):
    """Run one nbgrader command in the course folder `folder`; return what it printed."""
    command = [sys.executable, "-m", "nbgrader", verb, *args]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise KitError(f"nbgrader {verb} failed", found=done.returncode, remedy=f"see: {tail}")
    return done.stdout + done.stderr


def released_files(lab):
    """Files in labs/release/<lab> that students get: list of Path, without what programs left."""
    folder = labs_folder() / "release" / lab
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    ]


def leaks(lab):
    """Places in labs/release/<lab> where a solution or hidden check shows: list of str."""
    source = master(lab).read_text(encoding="utf-8")
    parts = re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", source, re.DOTALL)
    cells = read_source(master(lab))
    parts += [text for _, text, marks in cells if marks.get("kind") == "written"]
    secret = {s for part in parts for line in part.splitlines() if len(s := line.strip("# ")) > 20}
    marks = {"BEGIN SOLUTION", "HIDDEN", checks_name(lab, "hidden")}
    found = []
    for path in released_files(lab):
        text = path.read_text(encoding="utf-8").replace('\\"', '"')
        wanted = marks | secret if path.suffix == ".ipynb" else marks
        found += [f"{path.name}: {s}" for s in sorted(wanted) if s in text]
    return found


def _nbgrader(marks):
    grade, solution, locked = _KINDS[marks["kind"]]
    mark = {
        "grade": grade,
        "grade_id": _grade_id(marks),
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    return mark | ({"points": marks["points"]} if grade else {})


def _grade_id(marks):
    return marks["task"] + ("-check" if marks["kind"] == "check" else "")
