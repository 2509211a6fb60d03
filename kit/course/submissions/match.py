"""Which submitted cell stands for which released one, and what the student wrote besides."""

from dataclasses import dataclass, field
from difflib import SequenceMatcher

from kit.course.submissions.pysource import bare, cut, functions, unix, without_block
from kit.course.submissions.release import grade_id, source

ALIKE = 0.6  # ratio of difflib from which a cell may be the answer to a stub
AHEAD = 0.1  # by which it must lead the next one


@dataclass
class Match:
    """homes: part -> submitted cell; texts: what is left of each cell; taken: answers cut out.

    Parts and cells are named by their index. copies: (part, cell) of further cells that claim
    to be the same; merged, elsewhere: parts found inside other cells; doubtful: part -> cells.
    """

    parts: tuple
    cells: list
    texts: list
    homes: dict = field(default_factory=dict)
    taken: dict = field(default_factory=dict)
    copies: list = field(default_factory=list)
    merged: list = field(default_factory=list)
    elsewhere: list = field(default_factory=list)
    doubtful: dict = field(default_factory=dict)

    def answer(self, i):
        """The submitted text for part i, or "" where there is none."""
        return self.taken.get(i, self.texts[self.homes[i]] if i in self.homes else "")

    def free(self):
        """Indices of submitted cells that stand for no released one."""
        used = set(self.homes.values())
        return [j for j in range(len(self.cells)) if j not in used]

    def copied(self, j):
        """Whether cell j is nothing but a copy of a released one."""
        text = bare(self.texts[j])
        return any(text == bare(p.text) for p in self.parts if p.marked or p.kind == "markdown")

    def missing(self):
        """Indices of released cells that no submitted one stands for."""
        return [i for i in range(len(self.parts)) if i not in self.homes and i not in self.taken]


def match(cells, release):
    """The Match of submitted cells (dicts of nbformat 4) with a Release."""
    found = Match(release.parts, cells, [unix(source(c)) for c in cells])
    marked = [i for i, p in enumerate(found.parts) if p.marked]
    _by_name(found, [grade_id(c) for c in cells], marked)
    _by_text(found, [i for i, p in enumerate(found.parts) if not p.marked])
    known = {p.name for p in release.parts if p.marked}
    stripped = [None if grade_id(c) in known else c.get("id") for c in cells]
    _by_name(found, stripped, range(len(found.parts)))
    _by_text(found, range(len(found.parts)))
    _written_by_place(found)
    _split_merged(found)
    _by_functions(found)
    _by_likeness(found)
    return found


def _by_name(found, names, wanted):
    """Cells whose grade id, or else cell id, is that of a wanted part; of several, one wins."""
    for i in [i for i in wanted if i not in found.homes]:
        part, free = found.parts[i], set(found.free())
        claims = [j for j, name in enumerate(names) if name == part.name and j in free]
        if not part.marked:
            claims = [j for j in claims if found.cells[j]["cell_type"] == part.kind]
        if claims:
            found.homes[i] = _winner(found, part, claims)
            found.copies += [(i, j) for j in claims if j != found.homes[i]]


def _winner(found, part, claims):
    """The copy that counts: an answer to the stub rather than not; of several the last."""
    if not part.answered:
        exact = [j for j in claims if bare(found.texts[j]) == bare(part.text)]
        return (exact or claims)[0]
    differ = [j for j in claims if not part.open(found.texts[j])]
    define = [j for j in differ if part.names and part.names <= functions(found.texts[j])]
    works = [j for j in define if not part.idle(found.texts[j])]
    return (works or define or differ or claims)[-1]


def _by_text(found, wanted):
    """Cells with the released text, whatever they are called; the one with the id first."""
    for i in [i for i in wanted if i not in found.homes]:
        part, copies = found.parts[i], {j for _, j in found.copies}
        same = [j for j in found.free()
                if j not in copies and bare(found.texts[j]) == bare(part.text)]  # fmt: skip
        if same:
            found.homes[i] = min(same, key=lambda j: found.cells[j].get("id") != part.name)


def _written_by_place(found):
    """A written answer without a name: the one Markdown cell between its neighbours, or at all."""
    for i, part in enumerate(found.parts):
        if part.role != "written" or i in found.homes:
            continue
        before = max((found.homes[k] for k in range(i) if k in found.homes), default=-1)
        after = [found.homes[k] for k in range(i + 1, len(found.parts)) if k in found.homes]
        end = min((j for j in after if j > before), default=len(found.cells))
        prose = [j for j in found.free() if _prose(found, j)]
        claims = [j for j in prose if before < j < end] or prose
        begun = [j for j in claims if bare(part.text) in found.texts[j]]
        if len(begun or claims) == 1:
            found.homes[i] = (begun or claims)[0]
        elif claims:
            found.doubtful[i] = claims


def _prose(found, j):
    return (
        found.cells[j]["cell_type"] == "markdown" and not found.copied(j) and found.texts[j].strip()
    )


def _split_merged(found):
    """Cut released cells that lie inside other cells out of these."""
    for i in found.missing():
        for j in sorted(range(len(found.cells)), key=lambda j: -len(found.texts[j])):
            if rest := _without(found.parts[i], found.texts[j]):
                found.texts[j] = rest
                found.merged.append(i)
                break
    for i, j in found.homes.items():
        part = found.parts[i]
        if part.role in ("check", "locked", "text"):
            rest = without_block(found.texts[j], part.text)
            found.texts[j] = found.texts[j] if rest is None else rest


def _without(part, text):
    """What is left of `text` once the part is cut out; None if it is not in there as a whole."""
    if part.role in ("open", "written"):
        return None
    if part.role == "solution":  # lines below an untouched stub may belong to it
        taken, rest = cut(text, part.owned)
        return rest if bare(taken) == bare(part.text) else None
    if part.role == "text" and part.kind == "code" and "\n" not in part.text:
        return None  # such a line may be the student's own
    return without_block(text, part.text)


def _by_functions(found):
    """Open tasks whose functions are defined in exactly one other cell."""
    for i, part in enumerate(found.parts):
        if not part.names or not part.open(found.answer(i)):
            continue
        holders = [j for j in range(len(found.cells)) if j != found.homes.get(i)
                   and _defines(found, part, j)]  # fmt: skip
        if len({bare(found.texts[j]) for j in holders}) == 1:
            _take(found, i, holders[-1])
        elif holders:
            found.doubtful[i] = holders


def _defines(found, part, j):
    text = found.texts[j]
    if not part.names <= functions(text):
        return False
    return not part.open(text) and bare(cut(text, part.owned)[0]) != bare(part.text)


def _take(found, i, j):
    """Make cell j, or the part of it that answers, the answer to part i."""
    part, text = found.parts[i], found.texts[j]
    others = set().union(*(p.names for k, p in enumerate(found.parts) if k != i))
    uncut = text == unix(source(found.cells[j]))
    whole = uncut and j in found.free() and not others & functions(text)
    if i in found.homes:
        found.elsewhere.append(i)
    elif not whole:
        found.merged.append(i)
    if whole:
        found.homes[i] = j
    else:
        found.taken[i], found.texts[j] = cut(text, part.owned)


def _by_likeness(found):
    """Tasks without a cell: the one free cell that looks like the stub, clearly before others."""
    for i in found.missing():
        part = found.parts[i]
        if part.role != "solution" or i in found.doubtful:
            continue
        free = [j for j in found.free() if found.cells[j]["cell_type"] == "code"]
        scored = sorted(((_ratio(part.text, found.texts[j]), j) for j in free), reverse=True)
        near = [j for ratio, j in scored if ratio >= max(ALIKE, scored[0][0] - AHEAD)]
        if len(near) == 1:
            found.homes[i] = near[0]
        elif near:
            found.doubtful[i] = near


def _ratio(stub, text):
    """How alike the stub and the beginning of the text are, 0 to 1; bodies are longer."""
    stub = stub.replace("# YOUR CODE HERE", "").replace("raise NotImplementedError()", "").strip()
    return SequenceMatcher(None, stub, text.strip()[: len(stub)], autojunk=False).ratio()
