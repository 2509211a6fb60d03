"""Inspect: what a student is told about a file, in plain sentences."""

import json

import damage as d
import pytest

from kit.course.labs import labs_folder
from kit.course.submissions.findings import KINDS
from kit.course.submissions.inspect import inspect
from kit.course.submissions.release import as_release, releases, source, which_lab

STUB = "raise NotImplementedError()"


def bom(text):
    return b"\xef\xbb\xbf" + text.encode()


def windows_1252(text):
    return text.replace("a byte", "ein Stück").replace("Seconds", "Größe").encode("cp1252")


def utf_16(text):
    return text.encode("utf-16")


def crlf(text):
    return text.replace("\n", "\r\n").encode()


def cut_short(text):
    return text[: int(len(text) * 0.7)].encode()


def cut_at_once(text):
    return text[:20].encode()


def conflict(text):
    return ("<<<<<<< HEAD\n" + text + "=======\n" + text + ">>>>>>> theirs\n").encode()


def html(text):
    return b"<html><body>The link has expired</body></html>"


def empty(text):
    return b""


def format_9(text):
    return json.dumps(json.loads(text) | {"nbformat": 9}).encode()


def huge(text):
    return text.encode() + b" " * 21_000_000


# what happens to the file -> kinds that are told, and whether all of them can be put right
FILES = {
    bom: ({"bom"}, True),
    windows_1252: ({"encoding"}, True),
    utf_16: ({"encoding", "bom"}, True),
    crlf: (set(), True),
    conflict: ({"conflict"}, False),
    html: ({"not-json"}, False),
    empty: ({"not-json"}, False),
    cut_at_once: ({"not-json"}, False),
    format_9: ({"new-format"}, False),
    huge: ({"large"}, True),
}


def told(tmp_path, data, name=f"{d.LAB}.ipynb"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return inspect(path, d.release())


@pytest.mark.parametrize("change", FILES, ids=lambda f: f.__name__)
def test_damaged_files(change, tmp_path):
    kinds, fixable = FILES[change]
    text = json.dumps(d.solved(), indent=1, ensure_ascii=False) + "\n"
    found = told(tmp_path, change(text))
    assert {f.kind for f in found} - {"bom"} == kinds - {"bom"}
    assert all(f.fixable for f in found) == fixable
    assert all(f.kind in KINDS for f in found)


def test_a_file_that_breaks_off_says_how_much_is_there(tmp_path):
    text = json.dumps(d.solved())
    first, *_ = told(tmp_path, cut_short(text))
    assert first.kind == "truncated"
    assert 10 < int(first.text.split("off. ")[1].split()[0]) < len(d.solved()["cells"])


def test_a_good_solution_raises_nothing(tmp_path):
    assert told(tmp_path, d.solved()) == []


@pytest.mark.parametrize("lab", d.LABS)
def test_good_solutions_of_every_lab_raise_nothing(lab, tmp_path):
    path = tmp_path / f"{lab}.ipynb"
    path.write_text(json.dumps(d.solved(lab)), encoding="utf-8")
    assert inspect(path, labs_folder() / "release" / lab / f"{lab}.ipynb") == []


def test_a_file_that_is_not_there(tmp_path):
    (found,) = inspect(tmp_path / "none.ipynb", d.release())
    assert found.kind == "no-file"


def changed(name, text, **more):
    def change(book):
        d.named(book, name).update(source=text, **more)

    change.__name__ = f"{name}: {text[:20]!r}"
    return change


def own_cell(text):
    def change(book):
        book["cells"].append(d.code(text, id="own"))

    change.__name__ = f"own: {text[:20]!r}"
    return change


def error(name, kind):
    def change(book):
        output = {"output_type": "error", "ename": kind, "evalue": "", "traceback": []}
        d.named(book, name)["outputs"] = [output]

    change.__name__ = f"{name}: {kind}"
    return change


def counts(*numbers):
    def change(book):
        cells = [c for c in book["cells"] if c["cell_type"] == "code"]
        for cell, n in zip(cells, numbers, strict=False):
            cell["execution_count"] = n

    change.__name__ = f"counts {numbers}"
    return change


PLACE = source(d.named(d.solved(), "place"))
SENTENCES = [
    (changed("place", source(d.named(d.release().book, "place"))), "untouched",
     "Task 4: the answer is still the released text."),
    (changed("even", source(d.named(d.release().book, "even"))), "untouched",
     "Task 1, tight_wins_below: the answer is still the released text."),
    (changed("memo", "YOUR ANSWER HERE\n"), "untouched",
     "Task 6: the answer is still the released text."),
    (changed("memo", ""), "empty", "Task 6: the answer is empty."),
    (changed("place", "def place(parts):\n    return (\n"), "syntax",
     "Task 4: Python cannot read line 2 of the cell ('(' was never closed)."),
    (changed("place", "return 3"), "syntax",
     "Task 4: Python cannot read line 1 of the cell ('return' outside function)."),
    (own_cell("for x in y"), "syntax",
     "Task 6, a cell of your own: Python cannot read line 1 of the cell (expected ':')."),
    (changed("place", PLACE + "\nn = int(input('n?'))"), "input",
     "Task 4: the cell waits for somebody to type. Nobody does when it is graded; "
     "take input() and getpass() out."),
    (own_cell("!pip install foo"), "magic",
     "Task 6, a cell of your own: the line '!pip install foo' may do nothing, or fail, "
     "on the machine that grades."),
    (own_cell("%%bash\nls | wc"), "magic",
     "Task 6, a cell of your own: the line '%%bash' may do nothing, or fail, "
     "on the machine that grades."),
    (changed("place", PLACE + "\n    # YOUR CODE HERE\n    " + STUB), "leftover",
     f"Task 4: the line `{STUB}` is still there. If it is reached, the answer stops there."),
    (error("place", "NameError"), "error",
     "Task 4: the cell ended with NameError when it last ran."),
    (error("place-check", "AssertionError"), "check-failed",
     "Task 4: the check did not pass when it last ran (AssertionError)."),
    (counts(1, 3, 2), "order",
     "The cells were run in another order than they stand. It is graded from top to bottom: "
     "restart the kernel, run all cells, see whether the checks still pass."),
]  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "text"), SENTENCES, ids=lambda x: getattr(
    x, "__name__", ""))  # fmt: skip
def test_sentences_to_the_letter(change, kind, text, tmp_path):
    book = d.solved()
    change(book)
    assert [(f.kind, f.text) for f in told(tmp_path, book)] == [(kind, text)]


def test_copies_to_the_letter(tmp_path):
    book = d.solved()
    d.check_twice(book)
    d.stub_after_the_answer(book)
    assert [f.text for f in told(tmp_path, book)] == [
        "Task 3: the cell for your answer is there 2 times. The one with an answer counts, the "
        "last if there are several. Repairing keeps what you wrote in the others beside it.",
        "Task 5: the check cell is there 2 times. One is enough.",
    ]


QUIET = [
    own_cell("%time x = 1"),
    own_cell("%%time\nx = 1"),
    own_cell("help?"),
    own_cell("x = (7\n% 3)"),
    own_cell("await something()"),
    own_cell(r"pattern = '\d'"),
    counts(1, None, 5, 9),
    error("place-check", "NotImplementedError"),
    changed("place", PLACE + "\ninput_gb = 3"),
]


@pytest.mark.parametrize("change", QUIET, ids=lambda f: f.__name__)
def test_what_is_no_fault_is_not_told(change, tmp_path):
    book = d.solved()
    change(book)
    assert told(tmp_path, book) == []


def test_a_wrong_name_and_a_wrong_lab(tmp_path):
    (found,) = told(tmp_path, d.solved(), "lab07 (1).ipynb")
    assert (found.kind, found.fixable) == ("name", True)
    assert found.text == f"The file is called lab07 (1).ipynb. It must be called {d.LAB}.ipynb."


def test_an_untouched_lab_gets_one_sentence(tmp_path):
    (found,) = told(tmp_path, d.release().book)
    assert found.kind == "all-untouched"
    assert found.stops


@pytest.mark.parametrize("lab", d.LABS)
@pytest.mark.parametrize(
    "damage", [d.nothing, d.marks_and_ids_gone, d.shuffled, d.texts_deleted, d.all_code_in_one,
               d.all_in_one], ids=lambda f: f.__name__,
)  # fmt: skip
def test_the_lab_is_known_by_its_cells(lab, damage):
    book = d.solved(lab)
    damage(book)
    assert which_lab(book, releases()).lab == lab


def test_another_notebook_belongs_to_no_lab():
    assert which_lab({"cells": [d.code("print(1)")]}, releases()) is None
    assert which_lab({"cells": []}, releases()) is None
    twin = as_release(d.release().book, "twin")
    assert which_lab(d.solved(), [d.release(), twin]) is None


def test_a_lab_that_is_not_packed_is_read_from_the_folder(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "course.toml").write_text("")
    folder = tmp_path / "labs" / "release" / "lab99_new"
    folder.mkdir(parents=True)
    (folder / "lab99_new.ipynb").write_text(json.dumps(d.release().book))
    monkeypatch.setenv("KIT_ROOT", str(tmp_path))
    assert [r.lab for r in releases()] == [*d.LABS, "lab99_new"]


def test_every_task_has_a_label():
    for release in releases():
        labels = [p.label for p in release.parts if p.answered]
        assert len(set(labels)) == len(labels)
        assert all(label.startswith("Task ") for label in labels)
    assert as_release(json.dumps(d.release().book)).lab == ""


def test_sentences_are_sentences(tmp_path):
    """Every damage at once: each text begins with a capital and ends with a full stop."""
    for damage in (d.marks_stripped, d.check_edited, d.text_edited, d.shuffled, d.check_twice,
                   d.solution_as_markdown, d.kernel_r, d.widgets_of_5_mb):  # fmt: skip
        book = d.solved()
        damage(book)
        for f in told(tmp_path, book):
            assert f.text[0].isupper() or f.text[0].isdigit()
            assert f.text.endswith(".")
            assert "None" not in f.text
