"""Repair: the released cells in their order, the student's work in its place, nothing lost."""

import copy
import json

import damage as d
import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.course.labs import source_text
from kit.course.submissions.pysource import bare, cut, unix
from kit.course.submissions.release import as_release, source
from kit.course.submissions.repair import repair
from kit.errors import KitError

# damage -> (kinds of findings, cells of the student's own that are kept, answers that are lost)
EXPECTED = {
    d.nothing: (set(), 0, []),
    d.stub_after_the_answer: ({"duplicate"}, 0, []),
    d.stub_before_the_answer: ({"duplicate"}, 0, []),
    d.draft_before_the_answer: ({"duplicate"}, 1, []),
    d.cell_split_in_two: ({"duplicate"}, 1, []),
    d.check_twice: ({"duplicate"}, 0, []),
    d.solution_and_test_deleted: ({"missing", "untouched"}, 0, ["place"]),
    d.check_deleted: ({"missing"}, 0, []),
    d.setup_deleted: ({"missing"}, 0, []),
    d.texts_deleted: ({"text-missing"}, 0, []),
    d.marks_stripped: ({"marks"}, 0, []),
    d.one_mark_stripped: ({"marks"}, 0, []),
    d.ids_gone: ({"no-ids"}, 0, []),
    d.marks_and_ids_gone: ({"no-ids", "marks"}, 0, []),
    d.points_raised: ({"marks"}, 0, []),
    d.shuffled: ({"moved"}, 0, []),
    d.one_cell_moved: ({"moved"}, 0, []),
    d.solution_as_markdown: ({"retyped"}, 0, []),
    d.written_as_code: ({"retyped"}, 0, []),
    d.written_as_raw_without_marks: ({"retyped", "marks"}, 0, []),
    d.check_edited: ({"edited"}, 1, []),
    d.check_with_a_line_added: ({"edited"}, 1, []),
    d.setup_with_an_import: ({"edited"}, 1, []),
    d.text_edited: ({"text-edited"}, 1, []),
    d.answer_below_its_stub: ({"elsewhere"}, 0, []),
    d.answer_in_the_check: ({"elsewhere", "edited"}, 0, []),
    d.answer_in_another_answer: ({"merged"}, 0, []),
    d.all_code_in_one: ({"merged", "text-missing"}, 1, []),
    # prose without a border around it: the written answer stays in the rest, for people to find
    d.all_in_one: ({"merged", "missing", "text-missing", "untouched"}, 1, ["memo"]),
    d.saved_in_format_3: ({"old-format"}, 0, []),
    d.widgets_of_5_mb: ({"widgets"}, 0, []),
    d.outputs_of_2_mb: ({"outputs"}, 0, []),
    d.kernel_r: ({"language"}, 0, []),
    d.kernel_of_my_own: ({"kernel"}, 0, []),
    d.no_metadata_at_all: (set(), 0, []),
    d.windows_line_ends: (set(), 0, []),
    d.helper_before_its_use: (set(), 1, []),
    d.helper_with_the_id_of_a_text: (set(), 1, []),
    d.notes_filled_in: (set(), 0, []),
    d.odd_values: ({"marks", "no-ids"}, 1, []),
}


@pytest.mark.parametrize("damage", EXPECTED, ids=lambda f: f.__name__)
def test_damage_is_told_and_put_right(damage):
    kinds, own, lost = EXPECTED[damage]
    book = d.solved()
    damage(book)
    before = copy.deepcopy(book)
    made = repair(book, d.release())
    assert book == before
    assert {f.kind for f in made.findings} == kinds
    assert len(made.extra) == own
    wanted = d.answers() | {name: source(d.named(d.release().book, name)) for name in lost}
    assert made.answers == wanted
    assert d.graded(made.notebook) == d.graded(d.release().book)
    nbformat.validate(nbformat.from_dict(made.notebook))
    assert repair(made.notebook, d.release()).text == made.text


@pytest.mark.parametrize("lab", d.LABS)
def test_the_release_itself_is_repaired_to_itself(lab):
    text = json.dumps(d.release(lab).book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    made = repair(text, d.release(lab))
    assert made.text == text
    assert [f.kind for f in made.findings] == ["all-untouched"]


@pytest.mark.parametrize("lab", d.LABS)
@pytest.mark.parametrize(
    "damage", [d.nothing, d.marks_stripped, d.ids_gone, d.marks_and_ids_gone, d.shuffled,
               d.texts_deleted, d.saved_in_format_3, d.all_code_in_one],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_answers_of_every_lab_survive_byte_for_byte(lab, damage):
    book = d.solved(lab)
    damage(book)
    made = repair(book, d.release(lab))
    assert made.answers == d.answers(lab)
    assert d.graded(made.notebook) == d.graded(d.release(lab).book)


@pytest.mark.parametrize("lab", d.LABS)
def test_the_master_as_a_submission_keeps_its_answers(lab):
    made = repair(source_text(lab), d.release(lab))
    assert made.answers == d.answers(lab)
    assert {f.kind for f in made.findings} == {"edited"}


def test_released_cells_are_the_released_ones_but_for_the_answers():
    book = d.solved()
    for damage in (d.points_raised, d.check_edited, d.setup_with_an_import, d.text_edited):
        damage(book)
    made = repair(book, d.release()).notebook
    ours = {c["id"]: c for c in d.release().book["cells"]}
    for cell in made["cells"]:
        if cell["id"] in ours:
            same = {"source"} if cell["id"] in d.answers() else set()
            assert {k for k in cell if cell[k] != ours[cell["id"]][k]} <= same
    assert made["metadata"] == d.release().book["metadata"]


def test_an_edited_check_is_kept_as_a_note_and_not_run():
    book = d.solved()
    d.check_with_a_line_added(book)
    made = repair(book, d.release())
    assert [(c["cell_type"], source(c)) for c in made.extra] == [("raw", "print('mine')")]


def test_own_cells_stay_between_their_neighbours():
    book = d.solved()
    d.helper_before_its_use(book)
    d.draft_before_the_answer(book)
    cells = repair(book, d.release()).notebook["cells"]
    ids = [c["id"] for c in cells]
    at = ids.index("asof")
    assert ids[at - 2] == "helper"
    assert "a draft" in source(cells[at - 1])
    assert "nbgrader" not in cells[at - 1]["metadata"]


def test_two_cells_that_could_be_the_answer_are_left_alone():
    book = d.solved()
    d.named(book, "asof")["source"] = source(d.named(d.release().book, "asof"))
    for i in (1, 2):
        text = f"def join_as_of(labels, facts, ttl):\n    return labels[{i}:]"
        book["cells"].append(d.code(text, id=f"try-{i}"))
    made = repair(book, d.release())
    assert [(f.kind, f.cell, f.fixable) for f in made.findings] == [("ambiguous", "asof", False)]
    assert "NotImplementedError" in made.answers["asof"]
    assert len(made.extra) == 2


def test_a_function_with_a_typing_slip_is_found_by_likeness():
    book = d.solved()
    cell = d.named(book, "place")
    cell |= {"metadata": {}, "id": "x", "source": source(cell).replace("def place", "def plaice")}
    made = repair(book, d.release())
    assert made.answers["place"] == source(cell)


MARGIN = "def f():\n    s = '''\nat the margin\n'''\n    return s"
CUTS = [  # source, names, what is taken, what remains
    ("# why\n@cache\ndef f():\n    return 1\n    # end\n\nx = 1", {"f"},
     "# why\n@cache\ndef f():\n    return 1\n    # end", "x = 1"),
    ("def f():\n    return 1\n\n\ndef g():\n    pass\n\nK = 2", {"f", "K"},
     "def f():\n    return 1\n\n\nK = 2", "def g():\n    pass"),
    (f"# Some *prose*.\n\n{MARGIN}\nmore prose", {"f"}, MARGIN, "# Some *prose*. more prose"),
    ("%matplotlib inline\ndef f(): return 1\n!ls", {"f"}, "def f(): return 1",
     "%matplotlib inline\n!ls"),
    ("%%bash\ndef f(): return 1", {"f"}, "", "%%bash\ndef f(): return 1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "names", "taken", "rest"), CUTS)
def test_definitions_are_cut_out_with_their_comments(text, names, taken, rest):
    assert cut(text, names)[0] == taken
    assert bare(cut(text, names)[1]).split() == rest.split()


def test_two_cells_as_like_the_stub_are_left_alone():
    book = d.solved()
    cell = d.named(book, "place")
    for i, name in enumerate(("places", "plaice_two")):
        text = source(cell).replace("def place", f"def {name}")
        book["cells"].append(d.code(text, id=f"try-{i}"))
    book["cells"].remove(cell)
    made = repair(book, d.release())
    assert [(f.kind, f.cell) for f in made.findings] == [
        ("missing", "place"), ("ambiguous", "place")
    ]  # fmt: skip
    assert len(made.extra) == 2


def test_two_texts_that_could_be_the_written_answer_are_left_alone():
    book = d.solved()
    book["cells"].remove(d.named(book, "memo"))
    for i in (1, 2):
        cell = {"cell_type": "markdown", "id": f"t-{i}", "metadata": {}, "source": f"My memo {i}"}
        book["cells"].append(cell)
    made = repair(book, d.release())
    assert [(f.kind, f.cell) for f in made.findings] == [("missing", "memo"), ("ambiguous", "memo")]
    assert made.answers["memo"] == "YOUR ANSWER HERE"
    assert [source(c) for c in made.extra] == ["My memo 1", "My memo 2"]
    book["cells"][-1]["source"] = "YOUR ANSWER HERE\n\nMy memo 2"
    assert repair(book, d.release()).answers["memo"] == "YOUR ANSWER HERE\n\nMy memo 2"


def test_a_stub_with_a_comment_does_not_beat_an_answer_and_its_comment_stays():
    book = d.solved()
    later = copy.deepcopy(d.named(d.release().book, "place"))
    later["source"] = source(later).replace("# YOUR", "# an idea: tiers first\n    # YOUR")
    book["cells"].insert(d.place(book, "place") + 1, later)
    made = repair(book, d.release())
    assert made.answers == d.answers()
    assert "an idea" in source(made.extra[0])
    ids = [c["id"] for c in made.notebook["cells"]]
    assert ids.index(made.extra[0]["id"]) < ids.index("place")  # or it would replace the answer
    d.named(book, "place")["source"] = "\n"
    made = repair(book, d.release())
    assert "an idea" in made.answers["place"]
    assert {(f.kind, f.cell) for f in made.findings} == {
        ("duplicate", "place"), ("untouched", "place")
    }  # fmt: skip


def test_an_empty_answer_becomes_the_stub_that_says_so():
    book = d.solved()
    d.named(book, "place")["source"] = "  \n"
    made = repair(book, d.release())
    assert [(f.kind, f.cell) for f in made.findings] == [("empty", "place")]
    assert "NotImplementedError" in made.answers["place"]


def test_pictures_in_a_written_answer_stay():
    book = d.solved()
    d.named(book, "memo")["attachments"] = {"a.png": {"image/png": "AAAA"}}
    made = repair(book, d.release()).notebook
    assert d.named(made, "memo")["attachments"] == {"a.png": {"image/png": "AAAA"}}


@pytest.mark.parametrize("text", ["", "[]", "{}", "hello", '{"cells": 3}', "<<<<<<< a\n>>>>>>> b"])
def test_what_is_no_notebook_is_refused(text):
    with pytest.raises(KitError) as error:
        repair(text, d.release())
    assert error.value.code == "unreadable"


def test_a_file_that_breaks_off_gives_what_is_whole():
    text = json.dumps(d.solved())
    made = repair(text[: len(text) // 2], d.release())
    kinds = {f.kind for f in made.findings}
    assert {"truncated", "missing"} <= kinds
    assert made.answers["epoch"] == d.answers()["epoch"]


LINE = st.sampled_from([
    "x = 1", "y = [", "]", "def helper(a):", "    return a", "print('ü €')", "# a note", "%time x",
    "!ls", "'''", "def place(parts):", "    return {}", "def find_bad(place):", "    return None",
    "import math", "checks.place(place)", "## heading", "raise NotImplementedError()", "\u2028z",
    "class A:", "    # YOUR CODE HERE", "@cache", "\x0c", "\ud800", "a; b",
])  # fmt: skip
TEXT = st.lists(LINE, max_size=6).map("\n".join)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["write", "insert", "delete", "copy", "move", "strip", "rename", "retype", "merge",
             "stub"]
        ),
        st.integers(0, 60), st.integers(0, 60), TEXT,
    ),
    max_size=8,
)  # fmt: skip


def act(cells, what, i, k, text):
    """One thing that people do to a notebook."""
    if not cells:
        return
    i, k = i % len(cells), k % len(cells)
    cell = cells[i]
    if what == "write":
        cell["source"] = text
    elif what == "insert":
        cells.insert(i, d.code(text))
    elif what == "delete":
        del cells[i]
    elif what == "copy":
        cells.insert(k, copy.deepcopy(cell))
    elif what == "move":
        cells.insert(k, cells.pop(i))
    elif what == "strip":
        cell["metadata"] = {}
    elif what == "rename":
        cell["id"] = cells[k].get("id", "new")
    elif what == "retype":
        cell["cell_type"] = ("code", "markdown", "raw")[k % 3]
    elif what == "merge":
        cell["source"] = source(cell) + "\n\n" + "\n".join(source(c) for c in cells[i + 1 : i + 3])
        del cells[i + 1 : i + 3]
    elif what == "stub":
        names = {c["id"]: source(c) for c in d.release().book["cells"]}
        cell["source"] = names.get(cell.get("id"), source(cell))


def lines(book):
    return {s.strip() for c in book["cells"] for s in unix(source(c)).split("\n") if s.strip()}


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(ACTS, st.booleans())
def test_nothing_is_lost_and_twice_is_once(acts, strip):
    book = d.solved()
    if strip:
        d.marks_and_ids_gone(book)
    for one in acts:
        act(book["cells"], *one)
    made = repair(book, d.release())
    kept, ours, theirs = lines(made.notebook), lines(d.release().book), lines(book)
    assert theirs - ours <= kept
    assert d.graded(made.notebook) == d.graded(d.release().book)
    assert kept <= theirs | ours  # nothing is invented
    again = repair(made.text, d.release())
    assert again.text == made.text


def test_a_release_is_read_from_text_dict_and_path(tmp_path):
    path = tmp_path / f"{d.LAB}.ipynb"
    path.write_text(json.dumps(d.release().book), encoding="utf-8")
    wanted = [p.label for p in d.release().parts]
    for form in (path, path.read_text(encoding="utf-8"), d.release().book):
        assert [p.label for p in as_release(form).parts] == wanted
    assert as_release(path).lab == d.LAB
