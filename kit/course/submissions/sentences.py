"""A Match in sentences: what happened to the cells of a lab, and which answers are open."""

from bisect import bisect_left

from kit.course.submissions.findings import Finding
from kit.course.submissions.pysource import bare
from kit.course.submissions.release import grade_id, source

FEW = 3  # so many cells are named one by one; more are counted
_WHAT = {
    "solution": "the cell for your answer", "written": "the cell for your answer",
    "check": "the check cell", "locked": "the setup cell", "open": "the cell for notes",
    "text": "a cell with text or an example",
}  # fmt: skip
_WHICH = (
    "The one with an answer counts, the last if there are several. "
    "Repairing keeps what you wrote in the others beside it."
)


def structure(found):
    """Findings about missing, copied, moved, changed and merged cells."""
    return [
        *_missing(found), *_copies(found), *_moved(found), *_retyped(found), *_marks(found),
        *_edited(found), *_found_again(found),
    ]  # fmt: skip


def open_tasks(found):
    """Findings about answers that are not there yet."""
    tasks = [i for i, p in enumerate(found.parts) if p.answered]
    still = [i for i in tasks if found.parts[i].idle(found.answer(i))]
    if still == tasks and not found.doubtful:
        text = "No task has an answer yet: all cells are still as they were released."
        return [Finding("all-untouched", "", text, False)]
    out = []
    for i in [i for i in still if i not in found.doubtful]:
        part, empty = found.parts[i], i in found.homes and not found.answer(i).strip()
        text = "the answer is empty." if empty else "the answer is still the released text."
        kind = "empty" if empty else "untouched"
        out.append(Finding(kind, part.name, f"{part.label}: {text}", False))
    return out


def _missing(found):
    gone = [i for i in found.missing() if i not in found.merged]
    marked = [i for i in gone if found.parts[i].marked]
    text = [i for i in gone if not found.parts[i].marked]
    yield from _say(found, "missing", marked, "{what} is missing.",
                    "{n} cells that count are missing.")  # fmt: skip
    if text:
        yield Finding("text-missing", "", f"{_cells(len(text))} with text or examples of the lab "
                      f"{_is(len(text))} missing.", True)  # fmt: skip


def _copies(found):
    for i in sorted({i for i, _ in found.copies}):
        part, times = found.parts[i], 1 + sum(i == k for k, _ in found.copies)
        text = f"{part.label}: {_WHAT[part.role]} is there {times} times. "
        text += _WHICH if part.answered else "One is enough."
        yield Finding("duplicate", part.name, text, True)


def _moved(found):
    order = [i for _, i in sorted((j, i) for i, j in found.homes.items())]
    stay = _longest_rise(order)
    tasks = {found.parts[i].task for i in order if i not in stay}
    for task in sorted(tasks):
        text = f"{task or 'Introduction'}: cells are not where they belong."
        yield Finding("moved", "", text, True)


def _retyped(found):
    names = {"code": "code", "markdown": "Markdown", "raw": "raw"}
    for i, j in sorted(found.homes.items()):
        part, now = found.parts[i], found.cells[j]["cell_type"]
        if now != part.kind:
            text = (f"{part.label}: {_WHAT[part.role]} has become a {names[now]} cell. "
                    f"It must be a {names[part.kind]} cell.")  # fmt: skip
            yield Finding("retyped", part.name, text, True)


def _marks(found):
    lost = [i for i, j in sorted(found.homes.items())
            if found.parts[i].marked and i not in found.elsewhere
            and not _same_marks(found.parts[i].cell, found.cells[j])]  # fmt: skip
    yield from _say(found, "marks", lost, "{what} has lost the marks that grading needs.",
                    "{n} cells have lost the marks that grading needs.")  # fmt: skip


def _same_marks(released, cell):
    if grade_id(cell) is None:
        return False
    ours, theirs = released["metadata"]["nbgrader"], cell["metadata"]["nbgrader"]
    return all(ours.get(k) == theirs.get(k) for k in ("grade_id", "grade", "solution", "locked",
                                                      "points"))  # fmt: skip


def _edited(found):
    changed = [i for i, j in sorted(found.homes.items())
               if bare(source(found.cells[j])) != bare(found.parts[i].text)]  # fmt: skip
    texts = [i for i in changed if found.parts[i].role == "text"]
    kept = " Repairing puts the released one back and keeps lines of your own below it"
    for i in [i for i in changed if found.parts[i].role in ("check", "locked")]:
        part = found.parts[i]
        end = ", as a note that is not run." if part.role == "check" else "."
        text = f"{part.label}: {_WHAT[part.role]} was changed.{kept}{end}"
        yield Finding("edited", part.name, text, True)
    if texts:
        where = ", ".join(dict.fromkeys(found.parts[i].label for i in texts))
        text = f"{where}: the text or an example of the lab was changed.{kept}."
        yield Finding("text-edited", "", text, True)


def _found_again(found):
    if n := len(found.merged):
        text = f"{_cells(n)} of the lab {_is(n)} stuck to another cell, as after a merge."
        yield Finding("merged", "", text, True)
    for i in sorted(set(found.elsewhere)):
        part = found.parts[i]
        yield Finding("elsewhere", part.name, f"{part.label}: your answer stands in another cell. "
                      "Repairing moves it to its place.", True)  # fmt: skip
    for i, cells in sorted(found.doubtful.items()):
        part = found.parts[i]
        yield Finding("ambiguous", part.name, f"{part.label}: {len(cells)} cells could be your "
                      "answer. Copy the right one into the cell of the task.", False)  # fmt: skip


def _say(found, kind, which, one, many):
    """A finding for each of a few parts, or one that counts them."""
    if len(which) > FEW:
        yield Finding(kind, "", many.format(n=len(which)), True)
        return
    for i in which:
        part = found.parts[i]
        text = f"{part.label}: {one.format(what=_WHAT[part.role])}"
        yield Finding(kind, part.name, text, True)


def _cells(n):
    return "One cell" if n == 1 else f"{n} cells"


def _is(n):
    return "is" if n == 1 else "are"


def _longest_rise(order):
    """The largest set of numbers that already rise: the fewest are called moved."""
    ends, rows, before = [], [], {}
    for i in order:
        k = bisect_left(ends, i)
        ends[k : k + 1], rows[k : k + 1] = [i], [i]
        before[i] = rows[k - 1] if k else None
    stay, i = set(), rows[-1] if rows else None
    while i is not None:
        stay.add(i)
        i = before[i]
    return stay
