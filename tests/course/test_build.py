"""Sources in, notebooks out: deterministic, clean, current."""

import json
import re
import shutil

import pytest

from kit.course import lessons
from kit.course.build import build, lesson_text
from kit.course.cells import make_cell, notebook_text
from kit.course.check import check, dirt
from kit.course.labs import labs_folder
from kit.course.lessons import all_lessons, find_lesson, lesson_map
from kit.errors import KitError
from kit.paths import root


def test_the_committed_course_is_current_clean_and_computed():
    assert check() == []


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda x: x.stem)
def test_building_twice_gives_the_same_bytes(lesson):
    assert lesson_text(lesson) == lesson_text(lesson)
    assert lesson.notebook.read_bytes() == lesson_text(lesson).encode()


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda x: x.stem)
def test_notebooks_follow_the_format(lesson):
    import nbformat

    book = nbformat.read(lesson.notebook, as_version=4)
    nbformat.validate(book)
    ids = [c.id for c in book.cells]
    assert len(set(ids)) == len(ids)
    assert ids[0] == re.sub(r"[^a-z0-9]+", "-", lesson.stem) + "-000"
    assert book.cells[0].source.startswith(f"# {lesson.title}\n")
    text = "".join(c.source for c in book.cells)
    assert "{{" not in text
    assert f'kit.lesson("{lesson.number}")' in text
    assert "kit.report()" in text


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda x: x.stem)
def test_code_cells_are_short(lesson):
    cells = json.loads(lesson.notebook.read_text())["cells"]
    sizes = [len(c["source"]) for c in cells if c["cell_type"] == "code"]
    assert max(sizes) <= 12
    assert sorted(sizes)[len(sizes) // 2] <= 5


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the course that a test may damage."""
    for name in ("notebooks", "labs", "kit"):
        ignore = shutil.ignore_patterns("reports", "__pycache__", "source", "*.db", ".ipynb*")
        shutil.copytree(root() / name, tmp_path / name, ignore=ignore)
    monkeypatch.setenv("KIT_ROOT", str(tmp_path))
    lessons.all_lessons.cache_clear()
    yield tmp_path
    lessons.all_lessons.cache_clear()


def test_check_finds_outputs_counts_and_widget_state(copy):
    path = copy / "notebooks" / "01_data_gravity.ipynb"
    book = json.loads(path.read_text())
    cell = next(c for c in book["cells"] if c["cell_type"] == "code")
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "hi"}]
    cell["execution_count"] = 1
    book["metadata"]["widgets"] = {"state": {}}
    path.write_text(json.dumps(book))
    assert dirt(path.read_text()) == ["widget state", "outputs", "execution counts"]
    assert any("01_data_gravity.ipynb holds widget state, outputs" in p for p in check())


def test_check_finds_an_edit_of_a_generated_file_and_build_undoes_it(copy):
    path = copy / "notebooks" / "00_start_here.ipynb"
    path.write_text(path.read_text().replace("Data has mass", "Data has no mass"))
    assert [p for p in check() if "differs" in p]
    assert build() == [path]
    assert check() == []
    assert build() == []


def test_check_finds_a_missing_file(copy):
    (copy / "notebooks" / "00_start_here.ipynb").unlink()
    assert any("is missing; run: kit course build" in p for p in check())


def test_check_finds_a_typed_number(copy):
    path = copy / "notebooks" / "src" / "01_data_gravity.py"
    path.write_text(path.read_text() + "\n# %% [markdown]\n# It takes 42 hours.\n")
    build()
    assert [p for p in check() if "'42' is typed" in p]


def test_check_finds_a_typed_number_in_a_question(copy):
    path = copy / "notebooks" / "questions" / "01.toml"
    path.write_text(path.read_text().replace("Gigabytes times price", "All 1000 times price"))
    assert [p for p in check() if "egress" in p and "'1000' is typed" in p]


def test_check_does_not_mind_what_programs_leave_behind(copy):
    folder = copy / "labs" / "release" / "lab01_data_gravity"
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "old.ipynb").write_text("{}")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "checks.pyc").write_bytes(b"\xff\x00")
    assert check() == []


def test_check_finds_a_leaked_solution(copy):
    folder = copy / "labs" / "release" / "lab01_data_gravity"
    path = folder / "lab01_data_gravity.ipynb"
    leak = "distinct = list(dict.fromkeys(records))"
    path.write_text(path.read_text().replace("# YOUR CODE HERE", leak, 1))
    assert [p for p in check() if leak in p]


def test_two_cells_with_one_id_are_refused():
    cells = [make_cell("code", "1", "same"), make_cell("code", "2", "same")]
    with pytest.raises(KitError, match="share an id"):
        notebook_text(cells)


def test_one_list_drives_the_lessons():
    files = sorted(p.stem for p in (root() / "notebooks" / "src").glob("*.py"))
    assert files == [x.stem for x in all_lessons()]
    labs = sorted(p.stem for p in (labs_folder() / "src").glob("*.py"))
    assert labs == sorted(x.lab for x in all_lessons() if x.lab)
    assert lesson_map().height == len(files)
    assert find_lesson("1").stem == "01_data_gravity"
    with pytest.raises(KitError, match="00, 01"):
        find_lesson("77")
