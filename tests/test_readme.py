"""The README: short, true, and its numbers are recomputed."""

import re
import subprocess
import sys

from kit import assumptions
from kit.course.labs import points
from kit.course.lessons import all_lessons
from kit.course.prose import typed_numbers
from kit.paths import root

TEXT = (root() / "README.md").read_text(encoding="utf-8")


def test_every_number_is_known():
    known = {
        f"{assumptions.value('kws_accuracy'):g}", f"{assumptions.value('kws_latency'):g}",
        f"{assumptions.value('kws_memory'):g}", "3.11", "00", "01", "20", "4.0", "2.0",
    }  # fmt: skip
    assert set(typed_numbers(TEXT)) <= known
    assert sum(points("lab01_data_gravity").values()) == 20
    master = (root() / "labs" / "src" / "lab01_data_gravity.py").read_text(encoding="utf-8")
    assert len(re.findall("^# ## Task", master, re.MULTILINE)) == 6  # "six tasks"


def test_links_and_pictures_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT):
        assert (root() / target).exists(), target


def test_every_lesson_is_on_the_map():
    for lesson in all_lessons():
        assert f"notebooks/{lesson.stem}.ipynb" in TEXT
        if lesson.lab:
            assert lesson.lab in TEXT


def test_the_engineers_lines_run():
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL).group(1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 <= float(done.stdout) <= 1


def test_the_commands_of_the_text_exist():
    makefile = (root() / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", TEXT, re.MULTILINE):
        assert f"\n{target}:" in makefile
    for words in re.findall(r"`kit ([a-z ]+)`", TEXT):
        done = subprocess.run(
            [sys.executable, "-m", "kit", *words.split(), "--help"], capture_output=True
        )
        assert done.returncode == 0, words


def test_it_fits_a_screen():
    assert len(TEXT.splitlines()) < 75


def test_only_the_asked_for_folders_at_the_top():
    tracked = subprocess.run(["git", "ls-files"], cwd=root(), capture_output=True, text=True)
    top = {line.split("/")[0] for line in tracked.stdout.splitlines()}
    wanted = {"notebooks", "labs", "kit", "data", "tests", "environment.yml", "README.md"}
    others = {
        "docs", "pyproject.toml", "constraints.txt", "Makefile", "CONTRIBUTING.md", "LICENSE",
        ".ci", ".gitignore", ".gitattributes",
    }  # fmt: skip
    assert not top or wanted <= top <= wanted | others


def test_the_data_readme_states_the_counts_of_the_registry():
    from kit.corpus import data_set

    text = (root() / "data" / "README.md").read_text(encoding="utf-8")
    recordings = [p for p in data_set("fsdd").manifest if p.endswith(".wav")]
    assert f"{len(recordings):,}".replace(",", " ") + " recordings" in text
    assert len({p.split("_")[1] for p in recordings}) == 6  # "six speakers"
    assert len(list((root() / "data" / "sample").glob("*.wav"))) == 30  # "thirty"
    assert set(typed_numbers(text)) <= {"3 000", "8", "16", "4.0"}
