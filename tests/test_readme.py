"""The README: short, true, and its numbers are recomputed."""

import re
import subprocess
import sys

from kit import assumptions
from kit.bench import recorded
from kit.course.labs import points
from kit.course.lessons import all_lessons
from kit.course.prose import typed_numbers
from kit.paths import root

TEXT = (root() / "README.md").read_text(encoding="utf-8")


def test_every_number_is_known():
    known = {
        f"{assumptions.value('kws_accuracy'):g}", f"{assumptions.value('kws_latency'):g}",
        f"{assumptions.value('kws_memory'):g}", "3.11", "20",
        "00", "01", "02", "03", "04", "05", "06", "07",
        "4.0", "2.0", "3.0", _best_ratio(), _held_out(),
    }  # fmt: skip
    assert set(typed_numbers(TEXT)) <= known
    for lab in (x.lab for x in all_lessons() if x.lab):
        assert sum(points(lab).values()) == 20
        master = (root() / "labs" / "src" / f"{lab}.py").read_text(encoding="utf-8")
        assert len(re.findall("^# ## Task", master, re.MULTILINE)) == 6  # "six tasks"


def _best_ratio():
    """Our CPU rate over the best peer's in the kept record, as the text gives it."""
    rows = recorded("features")[0]["rows"]
    ours = next(r for r in rows if r["name"] == "kit, cpu")
    assert rows[1]["name"].startswith("torch")  # "a tuned PyTorch pipeline"
    return f"{ours['ratio_to_best_peer']:.1f}"


def _held_out():
    """Mean accuracy over held-out speakers in the kept record, as the text gives it."""
    rows = [r for r in recorded("synthetic")[0]["rows"] if r["kind"] == "held-out"]
    assert len({r["speaker"] for r in rows}) == 6
    return f"{100 * sum(r['accuracy'] for r in rows) / len(rows):.0f}"


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
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root()
    )
    assert done.stdout.startswith("(30, 98, 13) ")


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
    assert len(TEXT.splitlines()) < 80  # a line for each lesson


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
