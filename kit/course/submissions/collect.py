"""Collect: whatever lies in an inbox, as one notebook a student, with the originals kept."""

import math
import os
import re
import shutil
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from kit.course.submissions.archive import Item, folder_items, zip_items
from kit.course.submissions.findings import Finding
from kit.course.submissions.match import match
from kit.course.submissions.reading import read
from kit.course.submissions.release import likeness, release_of, releases, which_lab
from kit.errors import KitError

_PLATFORM = [  # file and folder names as learning platforms make them
    re.compile(r"^(?P<who>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)$"),
    re.compile(r"^(?P<who>[^\W\d_]+)(?:_LATE)?_(?P<number>\d+)_\d+_(?P<rest>.+)$"),
]


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    student: name for nbgrader; path: the notebook below submitted_original, or None; found:
    where it lay; late_days: begun days after the due time; findings: list of Finding.
    """

    student: str
    path: Path | None
    found: str
    late_days: int
    findings: list


@dataclass
class _Group:
    """Files of one sender."""

    who: str
    number: str
    files: list = field(default_factory=list)  # pairs of (path as tuple, Item)
    findings: list = field(default_factory=list)


def collect(inbox, lab, course, due=None):
    """list of Submission, by student, for a lab.

    inbox: folder with nbgrader's <student>/<lab>/, with files or folders as learning platforms
    name them, with zip files; or one zip file. Originals go to course/submitted_original, as they
    are; an original that is there is never changed. due: datetime or ISO text. What a student's
    files lack is a Finding of that student; KitError only if there is no inbox or no such lab.
    """
    inbox, release, due = Path(inbox), release_of(lab), _moment(due)
    if not inbox.exists():
        raise KitError("the inbox is not there", found=str(inbox), code="no-inbox",
                       allowed="a folder or a zip file")  # fmt: skip
    groups = {}
    for item in _top(inbox):
        _sort_in(groups, item, lab)
    named = _named(list(groups.values()))
    return [_submission(named[name], name, release, Path(course), due) for name in sorted(named)]


def student_name(who):
    """`who` as a folder name that nbgrader takes: letters, digits, `_`, `-` and `.`."""
    plain = unicodedata.normalize("NFKC", who).strip()
    return re.sub(r"[^\w.-]+", "_", plain).strip("._-")[:80] or "unnamed"


def _top(inbox):
    if inbox.is_dir():
        return folder_items(inbox)
    when = datetime.fromtimestamp(inbox.stat().st_mtime).astimezone()
    return [Item((inbox.name,), inbox.read_bytes, when, inbox.name)]


def _sort_in(groups, item, lab):
    """Put an Item, or what is in it if it is a zip file, into the group of its sender."""
    who, number, rest = _sender(item.parts)
    other = len(item.parts) > 2 and item.parts[1] != lab
    if other and item.parts[1] in {r.lab for r in releases()}:
        return  # nbgrader's folder of another lab
    alone = len(item.parts) == 1 and not number
    if item.suffix == ".zip" and not item.refused and alone:
        inside, _ = zip_items(item)
        if _of_a_class(inside, lab):
            for member in inside:
                _sort_in(groups, member, lab)
            return
    if alone and item.suffix not in (".zip", ".ipynb"):
        return  # a list or a note of the platform
    group = groups.setdefault((who, number), _Group(who, number))
    _add(group, rest, item)


def _sender(parts):
    """(who, number of the platform or "", path below the sender) of a path in the inbox."""
    first = unicodedata.normalize("NFC", parts[0])
    for pattern in _PLATFORM:
        if found := pattern.match(first):
            rest = (found["rest"], *parts[1:]) if found["rest"] else parts[1:]
            return found["who"], found["number"], rest or parts
    if len(parts) == 1:
        return Path(first).stem, "", parts
    return first, "", parts[1:]


def _of_a_class(items, lab):
    """Whether a zip file holds several senders' files rather than one's."""
    if any(_sender(m.parts)[1] for m in items):
        return True
    books = [m for m in items if m.suffix in (".ipynb", ".zip")]
    short = lab.split("_")[0]
    if any(short in m.parts[0].lower() for m in books):
        return False
    return len({m.parts[0] for m in books}) > 1


def _add(group, rest, item):
    """Add a file to a group, and what is in it if it is a zip file."""
    if item.refused:
        kind = "link" if item.depth == 0 else "zip-part"
        text = f"{item.place} was not read: {item.refused}."
        group.findings.append(Finding(kind, "", text, False))
        return
    group.files.append((rest, item))
    if item.suffix != ".zip":
        return
    inside, why = zip_items(item)
    if why:
        text = f"{item.place} was not unpacked: {why}."
        group.findings.append(Finding("zip", "", text, False))
    for member in inside:
        _add(group, rest[:-1] + member.parts, member)


def _named(groups):
    """dict of student name -> group; names that clash get an ending, and both are told."""
    named, taken = {}, {}
    for group in sorted(groups, key=lambda g: (student_name(g.who), g.who, g.number)):
        plain = student_name(group.who)
        name, first = plain, taken.get(plain.casefold())
        for ending in [group.number, *range(2, 10_000)] if first else []:
            name = f"{plain}-{ending}"
            if ending and name.casefold() not in taken:
                break
        if first:
            text = (f"Two senders have the name {plain}: {_called(first)} and {_called(group)}. "
                    f"The second one is called {name} here. Are they one person?")  # fmt: skip
            for one in (first, group):
                one.findings.append(Finding("same-student", "", text, False))
        taken[name.casefold()] = named[name] = group
    return named


def _called(group):
    return f"{group.who!r}" + (f" (number {group.number})" if group.number else "")


def _submission(group, student, release, course, due):
    files, findings = _loaded(group), list(group.findings)
    folder = course / "submitted_original" / student / release.lab
    best = _best(files, release, findings)
    kept, again = _keep(folder, {"/".join(rest): data for rest, data, _ in files})
    if again:
        text = f"Other files were collected before. They are kept in {folder.name}, these in "
        findings.append(Finding("again", "", f"{text}{kept.name}.", False))
    if len(group.who) == 0 or student_name(group.who) == release.lab:
        text = f"Whose is {release.lab}.ipynb? The file says no name."
        findings.append(Finding("no-student", "", text, False))
    if best is None:
        return Submission(student, None, "", 0, findings)
    rest, _, item = best
    when = _stamp(files) or item.when
    return Submission(student, kept.joinpath(*rest), item.place, _late(when, due), findings)


def _loaded(group):
    """Triples of (path, bytes, Item); a file that cannot be read is a finding."""
    out, used = [], {}  # used: path -> whether it is a folder
    for rest, item in group.files:
        try:
            data = item.load()
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError,
                RuntimeError) as error:  # fmt: skip
            text = f"{item.place} cannot be read: {error}."
            group.findings.append(Finding("zip-part", "", text, False))
            continue
        out.append((_place(rest, used), data, item))
    return out


def _place(path, used):
    """The path, changed where the file system could not hold it beside those in `used`."""
    path = tuple(f"{Path(p).stem[:60]}{Path(p).suffix[:20]}" for p in path)
    number, name = 2, path
    while any(used.get(_key(name[:n]), n < len(name)) != (n < len(name))
              for n in range(1, len(name) + 1)) or _key(name) in used:  # fmt: skip
        last = Path(path[-1])
        name = (f"{last.stem}-{number}{last.suffix}",)
        number += 1
    used |= {_key(name[:n]): n < len(name) for n in range(1, len(name) + 1)}
    return name


def _key(parts):
    return unicodedata.normalize("NFC", "/".join(parts)).casefold()


def _best(files, release, findings):
    """The triple of the notebook to grade, or None: the most like the lab, then most answered."""
    books = [f for f in files if f[2].suffix == ".ipynb"]
    scored = sorted(((_worth(f, release), f[0], f) for f in books), key=lambda row: row[:2])
    if not scored:
        findings.append(Finding("no-notebook", "", "There is no notebook.", False))
        return None
    best = scored[-1][2]
    if len(books) > 1:
        others = ", ".join("/".join(f[0]) for f in books if f is not best)
        text = f"There are {len(books)} notebooks. {'/'.join(best[0])} is graded, not {others}."
        findings.append(Finding("several", "", text, False))
    book, _ = read(best[1])
    if book and (lab := which_lab(book, releases())) and lab.lab != release.lab:
        text = f"The notebook belongs to {lab.lab}, not to {release.lab}."
        findings.append(Finding("other-lab", "", text, False))
    return best


def _worth(file, release):
    """(likeness, number of answers, whether the name is right) of a notebook."""
    rest, data, _ = file
    book, _ = read(data)
    if book is None:
        return -1.0, 0, False
    found = match(book["cells"], release)
    answers = [not p.open(found.answer(i)) for i, p in enumerate(release.parts) if p.answered]
    alike = round(likeness(book["cells"], release), 1)
    return alike, sum(answers), rest[-1] == f"{release.lab}.ipynb"


def _keep(folder, files):
    """(folder with exactly these files, whether it is not the first); made in one move."""
    number, target = 1, folder
    while target.exists():
        if _held(target) == files:
            return target, number > 1
        number += 1
        target = folder.with_name(f"{folder.name}.{number}")
    half = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    for name, data in files.items():
        (half / name).parent.mkdir(parents=True, exist_ok=True)
        (half / name).write_bytes(data)
    os.replace(half, target)
    return target, number > 1


def _held(folder):
    paths = [p for p in folder.rglob("*") if p.is_file()]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}


def _stamp(files):
    """The moment that nbgrader wrote down, or None."""
    from nbgrader.utils import parse_utc

    for rest, data, _ in files:
        if rest[-1] == "timestamp.txt":
            try:
                return _moment(f"{parse_utc(data.decode()).isoformat()}+00:00")
            except (ValueError, OverflowError, TypeError):
                return None
    return None


def _moment(when):
    """An aware datetime of a datetime or ISO text; without a zone it is local. KitError if not."""
    if when is None:
        return None
    try:
        found = datetime.fromisoformat(when) if isinstance(when, str) else when
    except ValueError:
        raise KitError("no such time", found=when, allowed="as in 2026-11-30 23:59",
                       code="bad-time") from None  # fmt: skip
    return found if found.tzinfo else found.astimezone()


def _late(when, due):
    seconds = (when - due).total_seconds() if when and due else 0
    return max(0, math.ceil(seconds / 86400))
