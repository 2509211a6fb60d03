"""`kit check` as a student runs it, in a copy of the release, without masters or hidden checks."""

import json
import os
import shutil
import subprocess
import sys

import damage as d
import pytest
from helpers import code as reason
from typer.testing import CliRunner

from kit.cli import app
from kit.course.labs import labs_folder
from kit.course.submissions.handin import check
from kit.course.submissions.release import PACKED, packed_text, source

NAME = f"{d.LAB}.ipynb"


def put(folder, book, name=NAME):
    path = folder / name
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


def damaged(*damages):
    book = d.solved()
    for damage in damages:
        damage(book)
    return book


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def run(*args):
    return CliRunner().invoke(app, ["check", *map(str, args)])


def test_a_good_lab_can_be_handed_in(tmp_path):
    done = run(put(tmp_path, d.solved()))
    assert done.exit_code == 0
    assert done.output == f"This is {d.LAB}.\n\nIt can be handed in as it is.\n"


def test_some_open_answers_can_be_handed_in_but_not_an_empty_lab(tmp_path):
    book = d.solved()
    d.named(book, "memo")["source"] = "YOUR ANSWER HERE"
    done = run(put(tmp_path, book))
    assert done.exit_code == 0
    assert "It can be handed in as it is, with one answer open." in done.output
    assert run(put(tmp_path, d.release().book)).exit_code == 1


def test_without_fix_nothing_is_written(tmp_path):
    path = put(tmp_path, damaged(d.marks_stripped), "my lab.ipynb")
    before = path.read_bytes()
    done = run(path)
    assert done.exit_code == 1
    assert f"It must be called {NAME}" in done.output
    assert 'kit check "my lab.ipynb" --fix' in done.output
    assert names(tmp_path) == ["my lab.ipynb"]
    assert path.read_bytes() == before


def test_fix_repairs_under_the_right_name_and_keeps_the_file(tmp_path):
    path = put(tmp_path, damaged(d.marks_and_ids_gone, d.shuffled), "my lab.ipynb")
    before = path.read_bytes()
    done = run(path, "--fix")
    assert done.exit_code == 0, done.output
    assert names(tmp_path) == [NAME, "my lab.backup-1.ipynb"]
    assert (tmp_path / "my lab.backup-1.ipynb").read_bytes() == before
    assert "Kept as it was before: my lab.backup-1.ipynb." in done.output
    fixed = json.loads((tmp_path / NAME).read_text(encoding="utf-8"))
    for name, answer in d.answers().items():
        assert source(d.named(fixed, name)) == answer
    assert run(tmp_path / NAME).exit_code == 0


def test_backups_are_never_overwritten(tmp_path):
    for n in (1, 2, 3):
        path = put(tmp_path, damaged(d.check_deleted))
        assert run(path, "--fix").exit_code == 0
        assert names(tmp_path)[:n] == [f"{d.LAB}.backup-{k}.ipynb" for k in range(1, n + 1)]


def test_another_file_of_the_right_name_is_kept_too(tmp_path):
    put(tmp_path, damaged(d.check_deleted))
    done = check(put(tmp_path, d.solved(), "copy.ipynb"), fix=True)
    assert [b.name for b in done.backups] == ["copy.backup-1.ipynb", f"{d.LAB}.backup-1.ipynb"]
    assert done.ready


def test_a_second_fix_has_nothing_to_do(tmp_path):
    path = put(tmp_path, damaged(d.marks_stripped, d.check_edited))
    assert run(path, "--fix").exit_code == 0
    before = path.read_bytes()
    assert run(path, "--fix").exit_code == 0
    assert path.read_bytes() == before
    assert len(names(tmp_path)) == 2


def test_what_needs_a_decision_is_left_and_said(tmp_path):
    book = damaged(d.check_deleted)
    d.named(book, "place")["source"] = "def place(:"
    done = run(put(tmp_path, book), "--fix")
    assert done.exit_code == 1
    fixed, left = done.output.split("Left for you:")
    assert "Task 1: the check cell is missing." in fixed
    assert "Task 4: Python cannot read line 1" in left
    assert source(d.named(json.loads((tmp_path / NAME).read_text()), "place")) == "def place(:"


def test_two_answers_stay_told_after_a_fix(tmp_path):
    book = damaged(d.check_deleted)
    d.named(book, "place")["source"] = ""
    for i in (1, 2):
        book["cells"].append(d.code(f"def place(parts):\n    return {i}", id=f"try-{i}"))
    done = check(put(tmp_path, book), fix=True)
    assert not done.ready
    assert [f.kind for f in done.left if f.stops] == ["ambiguous"]


def test_two_written_answers_stay_told_after_a_fix(tmp_path):
    book = d.solved()
    book["cells"].remove(d.named(book, "memo"))
    for i in (1, 2):
        cell = {"cell_type": "markdown", "id": f"t-{i}", "metadata": {}, "source": f"My memo {i}"}
        book["cells"].append(cell)
    done = check(put(tmp_path, book), fix=True)
    assert [f.kind for f in done.left if f.stops] == ["ambiguous"]


def test_json_is_one_document(tmp_path):
    done = run(put(tmp_path, damaged(d.check_deleted)), "--json")
    found = json.loads(done.output)
    assert done.exit_code == 1
    assert found["ready"] is False
    assert found["lab"] == d.LAB
    assert [(f["kind"], f["cell"], f["fixable"], f["stops"]) for f in found["findings"]] == [
        ("missing", "epoch-check", True, True)
    ]


def test_sentences_stand_by_task(tmp_path):
    book = damaged(d.one_cell_moved, d.check_deleted)
    d.named(book, "memo")["source"] = ""
    text = run(put(tmp_path, book)).output
    assert text.index("Task 1:") < text.index("Task 3:") < text.index("Task 6:")
    assert "\n\nTask 3:" in text


def test_what_cannot_be_read_is_said_and_left_alone(tmp_path):
    path = tmp_path / NAME
    path.write_text("<<<<<<< a\n{}\n>>>>>>> b\n")
    done = run(path, "--fix")
    assert done.exit_code == 1
    assert "two versions are mixed" in done.output
    assert names(tmp_path) == [NAME]


def test_no_file_and_no_lab(tmp_path):
    assert reason(check, tmp_path / NAME) == "no-file"
    assert reason(check, put(tmp_path, {"cells": [], "metadata": {}, "nbformat": 4})) == "no-lab"


def test_a_file_that_breaks_off_is_repaired_beside_its_backup(tmp_path):
    text = json.dumps(d.solved())
    path = tmp_path / NAME
    path.write_text(text[: len(text) // 2])
    done = check(path, fix=True)
    assert done.done[0].kind == "truncated"
    assert done.backups[0].read_text() == text[: len(text) // 2]
    assert source(d.named(json.loads(path.read_text()), "epoch")) == d.answers()["epoch"]


@pytest.mark.parametrize("lab", [d.LABS[0], d.LAB])
def test_a_students_machine_has_the_release_only(lab, tmp_path):
    """A folder with labs/release and notebooks/course.toml; the command as a process."""
    shutil.copytree(labs_folder() / "release", tmp_path / "labs" / "release")
    (tmp_path / "notebooks").mkdir()
    shutil.copy(labs_folder().parent / "notebooks" / "course.toml", tmp_path / "notebooks")
    book = d.solved(lab)
    d.marks_stripped(book)
    path = put(tmp_path, book, "x.ipynb")
    done = subprocess.run(
        [sys.executable, "-m", "kit", "check", str(path), "--fix"], capture_output=True, text=True,
        env=os.environ | {"KIT_ROOT": str(tmp_path)}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Put right in {lab}.ipynb" in done.stdout


def test_students_work_in_the_release_itself(tmp_path):
    """What was released is known although the released file now holds the answers."""
    (tmp_path / "notebooks").mkdir()
    shutil.copy(labs_folder().parent / "notebooks" / "course.toml", tmp_path / "notebooks")
    folder = tmp_path / "labs" / "release" / d.LAB
    folder.mkdir(parents=True)
    path = put(folder, damaged(d.solution_and_test_deleted, d.check_deleted))
    done = subprocess.run(
        [sys.executable, "-m", "kit", "check", NAME, "--fix"], capture_output=True, text=True,
        env=os.environ | {"KIT_ROOT": str(tmp_path)}, timeout=120, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert d.graded(json.loads(path.read_text())) == d.graded(d.release().book)
    assert "Task 4: the answer is still the released text." in done.stdout


def test_the_packed_release_is_current():
    """`kit course build` writes it."""
    folder = labs_folder() / "release"
    texts = {lab: (folder / lab / f"{lab}.ipynb").read_text(encoding="utf-8") for lab in d.LABS}
    assert PACKED.read_text(encoding="utf-8") == packed_text(texts)


def test_a_wrong_path_is_a_sentence(tmp_path):
    command = [sys.executable, "-m", "kit", "check", str(tmp_path / "none.ipynb")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "the notebook is not there" in done.stderr
    assert "Traceback" not in done.stderr
