"""Submissions as they arrive: a solved lab, and what people and programs do to it."""

import copy
import functools
import json

from kit.course.labs import labs_folder, source_text
from kit.course.lessons import all_lessons
from kit.course.submissions.release import as_release, grade_id, source

LABS = [x.lab for x in all_lessons() if x.lab]
LAB = "lab07_storage"
LINES_OF_CHECKS = "print('mine')"


@functools.cache
def release(lab=LAB):
    return as_release(labs_folder() / "release" / lab / f"{lab}.ipynb")


@functools.cache
def _solved(lab):
    master = {c["id"]: c for c in json.loads(source_text(lab))["cells"]}
    book = copy.deepcopy(release(lab).book)
    for cell in book["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = source(master[cell["id"]])
    return json.dumps(book)


def solved(lab=LAB):
    """The released notebook with the master's answers, as a fresh dict."""
    return json.loads(_solved(lab))


def answers(lab=LAB):
    """dict of grade id -> the master's answer."""
    return {c["id"]: source(c) for c in solved(lab)["cells"]
            if c["metadata"].get("nbgrader", {}).get("solution")}  # fmt: skip


def named(book, name):
    return next(c for c in book["cells"] if name in (c.get("id"), grade_id(c)))


def place(book, name):
    return book["cells"].index(named(book, name))


def code(text, **more):
    return {"cell_type": "code", "metadata": {}, "source": text, "outputs": [],
            "execution_count": None} | more  # fmt: skip


def graded(book):
    """Names of the cells that nbgrader knows, in order."""
    return [grade_id(c) for c in book["cells"] if grade_id(c)]


def graded_cells(book):
    return [c for c in book["cells"] if grade_id(c)]


# Each of these damages a solved lab07 in place. ------------------------------------------------


def nothing(book):
    pass


def stub_after_the_answer(book):
    book["cells"].insert(place(book, "asof") + 1, copy.deepcopy(named(release().book, "asof")))


def stub_before_the_answer(book):
    book["cells"].insert(place(book, "asof"), copy.deepcopy(named(release().book, "asof")))


def draft_before_the_answer(book):
    draft = copy.deepcopy(named(book, "asof"))
    draft["source"] = "def join_as_of(labels, facts, ttl):\n    return labels  # a draft"
    book["cells"].insert(place(book, "asof"), draft)


def cell_split_in_two(book):
    """JupyterLab gives both halves the same metadata."""
    cell = named(book, "bad")
    half = copy.deepcopy(cell)
    half["source"], half["id"] = "def helper_of_bad():\n    return 1", "half"
    book["cells"].insert(place(book, "bad"), half)


def check_twice(book):
    book["cells"].append(copy.deepcopy(named(book, "bad-check")))


def solution_and_test_deleted(book):
    book["cells"] = [c for c in book["cells"] if c["id"] not in ("place", "place-check")]


def check_deleted(book):
    book["cells"].remove(named(book, "epoch-check"))


def setup_deleted(book):
    book["cells"].remove(named(book, "setup"))


def texts_deleted(book):
    book["cells"] = [c for c in book["cells"] if grade_id(c)]


def marks_stripped(book):
    for cell in book["cells"]:
        cell["metadata"] = {}


def one_mark_stripped(book):
    named(book, "even")["metadata"] = {}


def ids_gone(book):
    book["nbformat_minor"] = 4
    for cell in book["cells"]:
        del cell["id"]


def marks_and_ids_gone(book):
    marks_stripped(book)
    ids_gone(book)


def points_raised(book):
    named(book, "epoch-check")["metadata"]["nbgrader"]["points"] = 100


def shuffled(book):
    book["cells"] = book["cells"][::-1]


def one_cell_moved(book):
    book["cells"].append(book["cells"].pop(place(book, "asof")))


def solution_as_markdown(book):
    cell = named(book, "layout")
    cell["cell_type"] = "markdown"
    del cell["outputs"], cell["execution_count"]


def written_as_code(book):
    cell = named(book, "memo")
    cell |= {"cell_type": "code", "outputs": [], "execution_count": None}


def written_as_raw_without_marks(book):
    named(book, "memo").update(cell_type="raw", metadata={})


def check_edited(book):
    named(book, "place-check")["source"] = "pass  # checks.place(place)"


def check_with_a_line_added(book):
    named(book, "place-check")["source"] = source(named(book, "place-check")) + "\nprint('mine')"


def setup_with_an_import(book):
    named(book, "setup")["source"] = source(named(book, "setup")) + "\nimport scipy"


def text_edited(book):
    named(book, "text-002")["source"] = "my notes on task 1"


def answer_below_its_stub(book):
    answer = source(named(book, "asof"))
    named(book, "asof")["source"] = source(named(release().book, "asof"))
    book["cells"].insert(place(book, "asof") + 1, code(answer, id="below"))


def answer_in_the_check(book):
    check, answer = named(book, "asof-check"), source(named(book, "asof"))
    named(book, "asof")["source"] = source(named(release().book, "asof"))
    check["source"] = answer + "\n\n" + source(check)


def answer_in_another_answer(book):
    first, second = named(book, "epoch"), named(book, "even")
    first["source"] = source(first) + "\n\n\n" + source(second)
    book["cells"].remove(second)


def all_code_in_one(book):
    cells = [c for c in book["cells"] if c["cell_type"] == "code"]
    text = "\n\n".join(source(c) for c in cells)
    prose = [c for c in book["cells"] if c["cell_type"] == "markdown"]
    book["cells"] = [code(text, id="all"), *prose]


def all_in_one(book):
    first, *others = book["cells"]
    first["source"] = "\n\n".join(source(c) for c in [first, *others])
    first["cell_type"] = "code"
    book["cells"] = [first]


def saved_in_format_3(book):
    import nbformat

    for cell in book["cells"]:
        cell["source"] = source(cell)
    old = nbformat.convert(nbformat.from_dict(copy.deepcopy(book)), 3)
    book.clear()
    book.update(json.loads(json.dumps(old)))


def widgets_of_5_mb(book):
    book["metadata"]["widgets"] = {"state": "x" * 5_000_000}


def outputs_of_2_mb(book):
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 2_000_000}
    named(book, "asof")["outputs"] = [output]


def kernel_r(book):
    book["metadata"] = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}


def kernel_of_my_own(book):
    book["metadata"]["kernelspec"] |= {"name": "venv311", "display_name": "my venv"}


def no_metadata_at_all(book):
    book["metadata"] = {}


def windows_line_ends(book):
    for cell in book["cells"]:
        cell["source"] = source(cell).replace("\n", "\r\n")


def helper_before_its_use(book):
    book["cells"].insert(place(book, "asof"), code("def helper():\n    return 1", id="helper"))


def helper_with_the_id_of_a_text(book):
    book["cells"].insert(place(book, "asof"), code("def helper():\n    return 1", id="text-016"))


def notes_filled_in(book):
    named(book, "text-024")["source"] = "# your computations\nprice = 3"


def odd_values(book):
    named(book, "asof")["metadata"]["nbgrader"] = ["odd"]
    book["cells"] += [None, {"cell_type": "code"}, {"cell_type": 7, "source": [1, "a line"]}]
    book["metadata"]["kernelspec"] = "python"
