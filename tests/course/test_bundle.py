"""The zip for students: all they need, nothing they must not see, and it works on its own."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile

import pytest

from kit.course import bundle as made
from kit.course.labs import labs_folder, points, read_source
from kit.course.lessons import all_lessons
from kit.errors import KitError
from kit.paths import root

LABS = [x.lab for x in all_lessons() if x.lab]


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The zip as the command writes it, for a course "de-2030"."""
    path = tmp_path_factory.mktemp("zip") / "out" / "students.zip"
    command = [sys.executable, "-m", "kit", "course", "bundle", "--out", str(path),
               "--course-id", "de-2030"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(path)
    return path


@pytest.fixture(scope="module")
def held(packed):
    """dict of path in the course folder -> bytes."""
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        return {name.removeprefix("de-2030/"): archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def unpacked(packed, tmp_path_factory):
    """The folder that a student has."""
    folder = tmp_path_factory.mktemp("student")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    return folder / "de-2030"


def run(folder, *args, **more):
    """A command of the unpacked package, in its own folder: CompletedProcess."""
    command = [sys.executable, "-m", "kit", *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=inside(folder),
                          timeout=120, **more)  # fmt: skip


def inside(folder):
    return os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def text_of(content):
    """Text of a file; of JSON, such as a notebook, also the texts in it as they were typed."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    if text.startswith("{"):
        text += "\n" + "\n".join(strings(json.loads(text)))
    return text


def strings(part):
    """All texts in what a JSON file holds, as they were typed; lists of lines as one."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        yield "".join(x for x in part if isinstance(x, str))
        for value in part:
            yield from strings(value)
    elif isinstance(part, dict):
        for value in part.values():
            yield from strings(value)


def public():
    """Text that every student may read: the package, and the checks below the tasks."""
    paths = [*(root() / "kit").rglob("*.py"), *(labs_folder() / "checks").glob("*.py")]
    return "\n".join(p.read_text(encoding="utf-8") for p in paths)


def test_equal_files_give_equal_bytes(packed, held, tmp_path):
    first = hashlib.sha256(packed.read_bytes()).hexdigest()
    backwards = dict(reversed(list(held.items())))
    assert hashlib.sha256(made.packed(backwards, "de-2030")).hexdigest() == first
    with zipfile.ZipFile(packed) as archive:
        entries = archive.infolist()
    assert [e.filename for e in entries] == sorted(e.filename for e in entries)
    assert {e.date_time for e in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {e.external_attr >> 16 for e in entries} == {0o644}


def test_no_line_of_an_answer_or_a_hidden_check_is_in_any_file(held):
    """Found anew here, without the code that the command itself looks with."""
    allowed, texts = public(), {name: text_of(content) for name, content in held.items()}
    seen = 0
    for lab in LABS:
        source = (labs_folder() / "src" / f"{lab}.py").read_text(encoding="utf-8")
        parts = re.findall(r"BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", source, re.DOTALL)
        hidden = labs_folder() / "checks" / "hidden" / f"hidden_{lab[:5]}.py"
        parts.append(hidden.read_text(encoding="utf-8"))
        parts += [t for _, t, marks in read_source(labs_folder() / "src" / f"{lab}.py")
                  if marks.get("kind") == "written"]  # fmt: skip
        lines = {line.strip("# ") for part in parts for line in part.splitlines()}
        lines = {x for x in lines if len(x) >= 20 and x not in allowed}
        assert len(lines) >= 20, "the search itself is broken"
        seen += len(lines)
        found = [(name, x) for name, text in texts.items() for x in lines if x in text]
        assert found == []
    assert seen > 500
    for name, text in texts.items():
        if not name.startswith("kit/"):
            assert not re.search("BEGIN SOLUTION|HIDDEN TESTS|hidden_lab", text), name


@pytest.mark.parametrize("lab", LABS)
def test_every_kind_of_leak_stops_the_command(lab, held):
    """A line of code, of a hidden check, a computed sentence, in any file, quoted or not."""
    secrets = made.secrets(lab)
    assert len(secrets) >= 30
    sentences = [t for t in made._written(lab) if "{{" not in t]
    assert any(s in t for t in sentences for s in secrets)
    line = max((s for s in secrets if '"' in s), key=len)
    for name in ("notebooks/x.ipynb", "data/README.md", "kit/new.py"):
        content = json.dumps({"source": [line]}, ensure_ascii=False).encode()
        assert made.given_away({name: content}) == [f"{name}: {line}"]


def test_a_leak_is_an_error_and_writes_no_file(monkeypatch, tmp_path):
    monkeypatch.setattr(made, "given_away", lambda held: ["kit/x.py: return the answer"])
    with pytest.raises(KitError, match="students must not see"):
        made.bundle(tmp_path / "x.zip", "x")
    assert not (tmp_path / "x.zip").exists()


def test_it_holds_what_students_need_and_nothing_else(held):
    tops = {"kit", "data", "docs/benchmarks", "labs/release", "notebooks"}
    single = {"LICENSE", "Makefile", "README.md", "constraints.txt", "environment.yml",
              "pyproject.toml"}  # fmt: skip
    assert single <= set(held)
    assert all(name in single or name.startswith(tuple(f"{t}/" for t in tops)) for name in held)
    for lesson in all_lessons():
        assert f"notebooks/{lesson.stem}.ipynb" in held
    for lab in LABS:
        folder = f"labs/release/{lab}/"
        names = {name for name in held if name.startswith(folder)}
        assert names == {f"{folder}{lab}.ipynb", f"{folder}checks_{lab[:5]}.py"}
    wrong = re.compile(r"(^|/)(\.|__pycache__|tests?/|src/|source/|hidden|reports?/|build/)|\.pyc$")
    assert not [name for name in held if wrong.search(name)]
    assert not [name for name in held if "instructor" in name or name.startswith("docs/labs")]


@pytest.mark.parametrize("folder", ["kit", "data", "docs/benchmarks", "notebooks/questions"])
def test_no_file_of_the_repository_is_forgotten(folder, held):
    """A new kind of file in the package needs its suffix in the list."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", folder],
                            cwd=root(), capture_output=True, text=True)  # fmt: skip
    if listed.returncode or not listed.stdout:
        pytest.skip("no git repository here")
    there = {x for x in listed.stdout.splitlines() if (root() / x).exists()}
    assert {name for name in held if name.startswith(f"{folder}/")} == there


def test_what_lies_about_stays_out(tmp_path):
    for name in ("a.py", "__pycache__/a.py", ".ipynb_checkpoints/a.py", ".b.py", "c.pyc", "d.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [p.name for p in made._files(tmp_path, {".py"})] == ["a.py"]


def test_the_readme_is_for_students(held):
    text = held["README.md"].decode()
    assert "de-2030" in text
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert target in held, target
    assert "nbgrader" not in text
    assert "make test" not in text
    assert "Apache License 2.0" in text
    assert "CC BY 4.0" in text
    for lesson in all_lessons():
        assert f"| {lesson.minutes} |" in text
    assert len(text.splitlines()) < 60


def test_the_makefile_knows_what_works_here(held):
    text = held["Makefile"].decode()
    assert re.findall(r"^(\w+):", text, re.MULTILINE) == ["help", "lab", "clean"]
    assert "test" not in text
    assert "\t@$(BOOT) lab $(ARGS)" in text


def test_the_name_is_that_of_the_course(monkeypatch, tmp_path):
    config = (labs_folder() / "nbgrader_config.py").read_text(encoding="utf-8")
    assert f'course_id = "{made.configured_id()}"' in config
    for bad in (" ", "../x", "a/b", "-x", "ä"):
        with pytest.raises(KitError, match="no course id") as error:
            made.bundle(tmp_path / "x.zip", bad)
        assert error.value.code == "course-id"


def test_the_labs_are_the_released_ones(held):
    for lab in LABS:
        book = json.loads(held[f"labs/release/{lab}/{lab}.ipynb"])
        marks = [c["metadata"].get("nbgrader", {}) for c in book["cells"]]
        assert sum(m.get("points", 0) for m in marks) == sum(points(lab).values())


def test_building_and_checking_do_no_harm_in_the_unpacked_folder(unpacked):
    before = {p: p.read_bytes() for p in unpacked.rglob("*") if p.is_file()}
    for command in ("build", "check"):
        done = run(unpacked, "course", command)
        assert done.returncode == 0, done.stderr
    assert {p: p.read_bytes() for p in unpacked.rglob("*") if p.is_file()} == before
    done = run(unpacked, "course", "bundle")
    assert done.returncode == 1
    assert "instructor's repository" in done.stderr


def test_a_lab_runs_in_the_unpacked_folder_up_to_the_first_open_task(unpacked, monkeypatch):
    from kit.course.run import execute

    for name, content in inside(unpacked).items():
        monkeypatch.setenv(name, content)
    lab = LABS[0]
    book, error = execute(unpacked / "labs" / "release" / lab / f"{lab}.ipynb")
    assert error == "NotImplementedError: This task is not written yet."
    assert any("code" in c.cell_type and c.get("execution_count") for c in book.cells)


@pytest.mark.slow
def test_jupyterlab_starts_in_the_unpacked_folder(unpacked):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "kit", "lab", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command, cwd=unpacked, env=inside(unpacked), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              start_new_session=True)  # fmt: skip
    try:
        assert "version" in answer(f"http://127.0.0.1:{port}/api", server)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        told = server.communicate(timeout=30)[0]
    assert f"{port}/lab/tree/notebooks/00_start_here.ipynb" in told


def answer(address, server, seconds=90):
    """The JSON that `address` gives once the server answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as reply:
                return json.load(reply)
        except OSError:
            time.sleep(0.3)
    raise AssertionError("JupyterLab did not answer")


def test_it_is_small_enough_to_be_mailed(packed):
    assert packed.stat().st_size < 5e6
