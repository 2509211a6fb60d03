"""`kit course bundle`: the zip that students get, with all they need and nothing they must not see.

What goes in is listed here by place and suffix; whatever else lies in the folders stays out.
"""

import functools
import io
import re
import zipfile
from pathlib import Path

from kit.course.build import labs_here
from kit.course.cells import read_source
from kit.course.labs import checks_name, labs_folder, leaks, master, points, released_files
from kit.course.lessons import all_lessons
from kit.course.prose import render
from kit.errors import KitError
from kit.paths import root

# folder -> suffixes of what is taken from it, subfolders included
_TAKEN = {
    "kit": {".py", ".toml", ".cu", ".json", ".css", ".js"},
    "data": {".py", ".toml", ".md", ".tsv", ".wav", ".lab", ".txt"},
    "docs/benchmarks": {".json", ".md"},  # the records that lessons compare with
    "notebooks/questions": {".toml"},
}
_SINGLE = ("LICENSE", "constraints.txt", "environment.yml", "pyproject.toml",
           "notebooks/course.toml")  # fmt: skip
_WHEN = (1980, 1, 1, 0, 0, 0)  # the first day that a zip knows: equal files give equal bytes
_LEAST = 20  # characters of a line that can give something away


def bundle(out=None, course_id=None):
    """Write the student zip; return its path, as Path.

    out: file, default build/<course_id>.zip. course_id: name of the folder inside, default that
    of labs/nbgrader_config.py. Equal files give equal bytes, with the same zlib. Raises KitError
    for an impossible course_id, a missing file, and text that gives away an answer.
    """
    course = course_id or configured_id()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", course):
        raise KitError("this is no course id", found=course, code="course-id",
                       allowed="letters, digits, - and _, such as de-2030")  # fmt: skip
    held = contents(course)
    if shown := given_away(held):
        raise KitError("students must not see this", found=shown[:3], code="leak",
                       remedy="run: kit course build, then kit course check")  # fmt: skip
    path = Path(out or root() / "build" / f"{course}.zip")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed(held, course))
    return path


def configured_id():
    """The course id in labs/nbgrader_config.py, as str."""
    path = labs_folder() / "nbgrader_config.py"
    if not path.exists():
        raise KitError("this folder holds no course to hand out", found=str(path), code="student",
                       remedy="use the instructor's repository")  # fmt: skip
    return re.search(r'course_id = "([^"]*)"', path.read_text(encoding="utf-8")).group(1)


def contents(course):
    """What the zip of `course` holds: dict of path in the folder -> bytes, in order."""
    paths = [root() / name for name in _SINGLE]
    paths += [p for folder, suffixes in _TAKEN.items() for p in _files(root() / folder, suffixes)]
    for lesson in all_lessons():
        paths.append(lesson.notebook)
        paths += _released(lesson.lab) if lesson.lab else []
    held = {p.relative_to(root()).as_posix(): _read(p) for p in paths}
    held["README.md"] = readme(course).encode()
    held["Makefile"] = makefile().encode()
    return dict(sorted(held.items()))


def packed(held, course):
    """bytes of a zip with the files `held` (dict of path -> bytes) in a folder `course`."""
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(held.items()):
            entry = zipfile.ZipInfo(f"{course}/{name}", _WHEN)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            entry.create_system = 3  # or Windows would write another byte
            archive.writestr(entry, content)
    return blob.getvalue()


def given_away(held):
    """Places in the files `held` (dict of path -> bytes) where an answer shows: list of str."""
    labs = labs_here()
    found = [f"labs/release: {leak}" for lab in labs for leak in leaks(lab)]
    texts = {name: _text(content) for name, content in held.items()}
    lines = {s for lab in labs for s in secrets(lab)}
    for name, text in texts.items():
        marks = () if name.startswith("kit/") else ("BEGIN SOLUTION", "HIDDEN TESTS", "hidden_lab")
        found += [f"{name}: {s}" for s in (*marks, *sorted(lines)) if s in text]
    return found


@functools.cache
def secrets(lab):
    """Lines of a lab's answers and hidden checks that stand in nothing public: set of str."""
    source = master(lab).read_text(encoding="utf-8")
    parts = re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", source, re.DOTALL)
    hidden = labs_folder() / "checks" / "hidden" / f"{checks_name(lab, 'hidden')}.py"
    parts.append(hidden.read_text(encoding="utf-8"))
    lines = {line.strip("# ") for part in parts for line in part.splitlines()}
    for text in _written(lab):
        lines |= set(re.split(r"(?<=[.?:]) |\n", text))
    public = _public()
    return {s for s in lines if len(s) >= _LEAST and s not in public}


def readme(course):
    """The README of the student zip, as Markdown."""
    rows = [f"| {x.number} | [{x.title}](notebooks/{x.stem}.ipynb) | {x.minutes} | {_lab(x)} |"
            for x in all_lessons()]  # fmt: skip
    whole = (root() / "README.md").read_text(encoding="utf-8")
    return _README.format(
        course=course, lessons="\n".join(rows), licences=whole[whole.index("Code is under") :]
    )


def makefile():
    """The Makefile without its target `test`, for there are no tests in the zip."""
    kept, skipped = [], False
    for line in (root() / "Makefile").read_text(encoding="utf-8").splitlines():
        skipped = line.startswith("test:") or (skipped and line.startswith("\t"))
        if not skipped and "make test " not in line:
            kept.append(line.replace(" test ", " "))
    kept[0] = "# `make lab` opens the course."
    return "\n".join(line for line in kept if line) + "\n"


def _released(lab):
    """The files of a released lab; a KitError if there are none."""
    found = released_files(lab)
    if not found:
        raise KitError(f"{lab} is not released", remedy="run: kit course build")
    return found


def _lab(lesson):
    return f"[lab {lesson.number}](labs/release/{lesson.lab}/{lesson.lab}.ipynb)" * bool(lesson.lab)


def _written(lab):
    """Texts of the written sample answers, as they stand and computed: list of str."""
    cells = [text for _, text, marks in read_source(master(lab)) if marks.get("kind") == "written"]
    return cells + [render(text, points=points(lab)) for text in cells]


def _public():
    """The text of everything that is public anyway: the package and the visible checks."""
    paths = [*_files(root() / "kit", {".py"}), *(labs_folder() / "checks").glob("*.py")]
    return "\n".join(p.read_text(encoding="utf-8") for p in paths)


def _files(folder, suffixes):
    """Files below `folder` with one of `suffixes`, without caches and hidden ones: list of Path."""
    return [
        p
        for p in sorted(folder.rglob("*"))
        if p.suffix in suffixes
        and p.is_file()
        and not any(x.startswith((".", "__pycache__")) for x in p.relative_to(folder).parts)
    ]


def _read(path):
    if not path.exists():
        raise KitError(f"{path.relative_to(root())} is missing", remedy="run: kit course build")
    return path.read_bytes()


def _text(content):
    """A file's text, as it stands and with what JSON escapes as it was typed; "" for sound."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text + "\n" + text.replace('\\"', '"').replace("\\\\", "\\")


_README = """# Data engineering for machine learning, measured: {course}

Every lesson asks you to **predict** a number, lets you **measure** it on your own machine, and
makes you **explain** the difference.

## Start

You need Python 3.11 or newer and `make`. In this folder:

```
make lab
```

It sets up `.venv` once, which needs a network, some minutes and about 2 GB of disk. Then it opens
JupyterLab at the first lesson. `make lab ARGS=--no-browser` prints the address only. With conda
use `environment.yml`; its first lines say how. Without a network the lessons run on a small sample
that is in this folder, and say so.

## Lessons

| | lesson | minutes | lab |
|---|---|---|---|
{lessons}

Do a lesson, then its lab. In a lab write where a cell says `YOUR CODE HERE` or `YOUR ANSWER HERE`;
the cell below checks it. A check that prints `Passed.` is passed.

## Hand in

Save the notebook of the lab and hand it in under its own name, where your instructor says. Do not
delete, copy or move cells: graded cells are found by their ids. Your predictions and explanations
are kept in `notebooks/reports`, on your own disk and nowhere else.

## Licences

{licences}"""
