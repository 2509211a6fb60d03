"""Labs end to end with the real nbgrader, as an instructor runs it."""

import json
import os
import re
import shutil
import sys

import pytest

from kit.course import labs as course_labs
from kit.course.labs import (
    labs_folder,
    leaks,
    nbgrader,
    points,
    released_files,
    source_text,
    write_source,
)
from kit.course.lessons import all_lessons
from kit.paths import root

LABS = [x.lab for x in all_lessons() if x.lab]
# a usual slip in each lab: what the student wrote instead, the check it costs, one it does not,
# and what the feedback says
SLIPS = {
    "lab01_data_gravity": (
        ("volume_gb * 8", "volume_gb"), "transfer-check", "feeding-check", "a byte has eight bits",
    ),
    "lab02_kws_acquisition": (
        ("check(dict(row))", "check(row)"), "account-check", "budget-check", "give check a copy",
    ),
    "lab03_synthetic_audio": (
        ("speech[spoken] ** 2", "speech ** 2"), "noise-check", "rt60-check",
        "the speech counts where spoken is True",
    ),
    "lab04_feature_extraction": (
        ("/ window)", "/ (window - 1))"), "bands-check", "frames-check", "the periodic one",
    ),
    "lab05_drift": (
        ("np.sqrt(1 / n + 1 / m)", "np.sqrt(1 / m)"), "threshold-check", "gap-check",
        "both windows scatter",
    ),
    "lab06_labels": (
        ("(agreement - chance) / (1 - chance)", "agreement"), "kappa-check", "majority-check",
        "chance is a sum over all labels",
    ),
    "lab07_storage": (
        ("tight[1] * cores / quick[0]", "tight[1] / quick[0]"), "even-check", "epoch-check",
        "all cores unpack",
    ),
}  # fmt: skip


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def released(lab):
    return labs_folder() / "release" / lab / f"{lab}.ipynb"


def grade_marks(cell):
    return cell["metadata"].get("nbgrader", {})


@pytest.mark.parametrize("lab", LABS)
def test_twenty_points_and_headings_that_agree(lab):
    assert sum(points(lab).values()) == 20
    worth = []  # [points in the heading, points of the cells below it]
    for cell in cells(released(lab)):
        if heading := re.match(r"## .*\((\d+) points\)", "".join(cell["source"])):
            worth.append([int(heading.group(1)), 0])
        if grade_marks(cell).get("grade"):
            worth[-1][1] += grade_marks(cell)["points"]
    assert len(worth) == 6
    assert all(said == given for said, given in worth), worth


@pytest.mark.parametrize("lab", LABS)
def test_nothing_of_a_solution_or_hidden_check_is_released(lab):
    assert leaks(lab) == []
    files = released_files(lab)
    assert {p.name for p in files} == {f"{lab}.ipynb", f"checks_{lab.split('_')[0]}.py"}
    text = "".join(p.read_text(encoding="utf-8") for p in files)
    for secret in ("BEGIN SOLUTION", "HIDDEN TESTS", "hidden_"):
        assert secret not in text


@pytest.mark.parametrize("lab", LABS)
def test_ids_are_stable_and_equal_the_grade_ids(lab):
    for c in cells(released(lab)):
        if grade_marks(c):
            assert c["id"] == grade_marks(c)["grade_id"]
    assert source_text(lab) == source_text(lab)


@pytest.fixture
def course(tmp_path):
    """A course folder with nbgrader's layout: config, hidden checks, source."""
    shutil.copy(labs_folder() / "nbgrader_config.py", tmp_path)
    shutil.copytree(labs_folder() / "checks", tmp_path / "checks")
    for lab in LABS:
        write_source(lab, tmp_path / "source")
    return tmp_path


def submit(course, student, lab, notebook):
    folder = course / "submitted" / student / lab
    folder.mkdir(parents=True)
    (folder / f"{lab}.ipynb").write_text(notebook, encoding="utf-8")
    checks = f"checks_{lab.split('_')[0]}.py"
    shutil.copy(course / "release" / lab / checks, folder)


def with_answers(lab, change=lambda text: text):
    """The released notebook with the master's answers filled in, as a good student would."""
    book = json.loads(released(lab).read_text(encoding="utf-8"))
    master = {c["id"]: c for c in json.loads(source_text(lab))["cells"]}
    for cell in book["cells"]:
        if grade_marks(cell).get("solution"):
            answer = "".join(master[cell["id"]]["source"])
            cell["source"] = change(re.sub(r" *### (BEGIN|END) SOLUTION\n?", "", answer))
    return json.dumps(book)


def scores(course, lab, student):
    """(score, dict of grade id -> score), after the instructor marked written answers in full."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "data-engineering") as book:
        found = book.find_submission(lab, student)
        grades = {g.name: g for n in found.notebooks for g in n.grades}
        return found.score, {name: (g.score, g.max_score) for name, g in grades.items()}


def mark_written(course, lab, student):
    """Give full points for the written answers, as an instructor does in formgrader."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "data-engineering") as book:
        for name in [n for n in points(lab) if not n.endswith("-check")]:
            grade = book.find_grade(name, lab, lab, student)
            assert grade.needs_manual_grade
            grade.manual_score, grade.needs_manual_grade = grade.max_score, False
        book.db.commit()


def autograded(course, lab, student):
    """Cells of the notebook that nbgrader ran."""
    return cells(course / "autograded" / student / lab / f"{lab}.ipynb")


def errors(cell):
    """Names of the exceptions among the outputs of a cell."""
    return [o["ename"] for o in cell["outputs"] if o["output_type"] == "error"]


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_real_grading_from_release_to_feedback(lab, course):
    nbgrader("generate_assignment", lab, folder=course)
    assert (course / "release" / lab / f"{lab}.ipynb").read_bytes() == released(lab).read_bytes()
    submit(course, "good", lab, with_answers(lab))
    submit(course, "untouched", lab, released(lab).read_text(encoding="utf-8"))
    slip, lost, kept, said = SLIPS[lab]
    wrong = with_answers(lab, lambda text: text.replace(*slip))
    assert wrong != with_answers(lab)
    submit(course, "one-slip", lab, wrong)
    nbgrader("autograde", lab, folder=course)
    checked = [c for c in autograded(course, lab, "untouched")
               if grade_marks(c).get("grade") and c["cell_type"] == "code"]  # fmt: skip
    assert len(checked) >= 4
    assert {tuple(errors(c)) for c in checked} == {("NotImplementedError",)}
    assert any("hidden_" in "".join(c["source"]) for c in autograded(course, lab, "good"))
    mark_written(course, lab, "good")
    total, parts = scores(course, lab, "good")
    assert total == 20, parts
    assert scores(course, lab, "untouched")[0] == 0
    _, parts = scores(course, lab, "one-slip")
    assert parts[lost][0] == 0
    assert parts[kept][0] == parts[kept][1] > 0
    nbgrader("generate_feedback", lab, folder=course)
    pages = sorted((course / "feedback").rglob("*.html"))
    assert len(pages) == 3
    page = next(p for p in pages if "one-slip" in str(p)).read_text(encoding="utf-8")
    assert said in page


@pytest.mark.slow
def test_the_commands_of_the_readme_grade_a_class(tmp_path):
    """The instructor's lines, to the letter, in a copy of the repository's labs folder."""
    text = (root() / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(kit course build.*?)```", text, re.DOTALL).group(1)
    lines = [line.split("#")[0].split() for line in block.splitlines() if line[:1] != "#"]
    assert lines[:2] == [["kit", "course", "build"], ["cd", "labs"]]
    ignore = shutil.ignore_patterns("source", "*.db", "autograded", "feedback", "__pycache__")
    labs = shutil.copytree(labs_folder(), tmp_path / "labs", ignore=ignore)
    for lab in LABS:
        write_source(lab, labs / "source")
    for _, verb, *words in lines[2:]:
        if verb == "autograde":
            submit(labs, "good", LABS[0], with_answers(LABS[0]))
        nbgrader(verb, *words, folder=labs)
    grades = (labs / "grades.csv").read_text()
    assert f"{LABS[0]}" in grades
    assert "good" in grades
    assert list((labs / "feedback" / "good").rglob("*.html"))


def test_a_failing_nbgrader_command_is_an_error(course):
    from kit.errors import KitError

    with pytest.raises(KitError, match="nbgrader generate_assignment failed"):
        nbgrader("generate_assignment", "lab99_missing", folder=course)
    assert os.path.exists(sys.executable)


def test_a_release_is_kept_by_its_source(monkeypatch, tmp_path):
    monkeypatch.setenv("KIT_DATA_HOME", str(tmp_path))
    runs = []

    def made(lab, source, checks):
        runs.append(lab)
        return [[f"{lab}.ipynb", source.upper()]]

    monkeypatch.setattr(course_labs, "_made", made)
    first = course_labs.release_files(LABS[0])
    assert course_labs.release_files(LABS[0]) == first
    assert len(runs) == 1
    (kept,) = (tmp_path / "releases").iterdir()
    kept.write_text("[[")  # cut off
    assert course_labs.release_files(LABS[0]) == first
    assert len(runs) == 2
    monkeypatch.setattr(course_labs, "source_text", lambda lab: "another source")
    assert list(course_labs.release_files(LABS[0]).values()) == ["ANOTHER SOURCE"]
    monkeypatch.setenv("KIT_DATA_HOME", "/proc/nowhere")
    assert list(course_labs.release_files(LABS[0]).values()) == ["ANOTHER SOURCE"]
    assert len(runs) == 4
