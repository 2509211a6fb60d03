"""What instructors read is true: points, minutes, commands, sample answers and their numbers."""

import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from scipy.stats import chi2

from kit import assumptions
from kit.corpus import data_set
from kit.course.cells import read_source
from kit.course.labs import labs_folder, master, nbgrader, points, write_source
from kit.course.lessons import all_lessons, find_lesson
from kit.course.prose import render, typed_numbers
from kit.paths import root

DOCS = root() / "docs"
GUIDE = (DOCS / "instructor.md").read_text(encoding="utf-8")
LESSONS = [x for x in all_lessons() if x.lab]
IDS = [x.lab for x in LESSONS]
# words of the sample answers, so that counts in the text below them can be held to the rubric
WORTH = {"No": 0, "One": 1, "One and a half": 1.5, "Two": 2}


def page(lesson):
    return (DOCS / "labs" / f"lab{lesson.number}.md").read_text(encoding="utf-8")


def parts(lesson):
    """dict of heading -> text of the page of a lab."""
    return dict(re.findall(r"^## (.*?)\n\n(.*?)(?=^## |\Z)", page(lesson), re.M | re.S))


def computed(lesson):
    """(kind, text, marks) of the master's cells, with all numbers computed."""
    worth = points(lesson.lab)
    cells = read_source(master(lesson.lab))
    return [(k, render(t, points=worth) if k == "markdown" else t, m) for k, t, m in cells]


def answer(lesson):
    return next(t for _, t, marks in computed(lesson) if marks.get("kind") == "written")


def quoted(text):
    """The quoted answers of a section: list of str."""
    found = re.findall(r"(?:^>.*\n?)+", text, re.M)
    return [re.sub(r"^> ?", "", x, flags=re.M).strip() for x in found]


def rows(text, columns):
    """Rows of the Markdown tables with so many columns, without head and rule."""
    cells = [
        [c.strip() for c in x.strip("|").split("|")] for x in text.splitlines() if x[:1] == "|"
    ]
    return [row for row in cells if len(row) == columns and not set(row[0]) <= set("-")]


def plain(number):
    return number.replace("\u202f", "").replace(" ", "").rstrip(".,")


@pytest.mark.parametrize("lesson", LESSONS, ids=IDS)
def test_every_lab_has_a_page_with_all_sections(lesson):
    assert list(parts(lesson)) == ["Goals", "Points", "The written task", "Where students stumble",
                                   "For the discussion", "Variants"]  # fmt: skip
    assert 60 <= len(page(lesson).splitlines()) <= 90
    assert f"labs/lab{lesson.number}.md" in GUIDE


@pytest.mark.parametrize("lesson", LESSONS, ids=IDS)
def test_points_are_those_of_the_master(lesson):
    table = rows(parts(lesson)["Points"], 3)[1:]
    worth, cells, wanted = points(lesson.lab), computed(lesson), []
    for kind, text, marks in cells:
        if heading := re.match(r"## (Task \d: .*) \((\d+) points\)", text):
            wanted.append([heading.group(1), heading.group(2), []])
        if "points" in marks:
            words = (
                text.splitlines()[0][2:] if kind == "code" else "a written answer, marked by hand"
            )
            wanted[-1][2].append(f"{words} ({marks['points']})")
    assert table == [[title, total, "; ".join(checks)] for title, total, checks in wanted]
    assert sum(int(total) for _, total, _ in table) == sum(worth.values()) == 20


@pytest.mark.parametrize("lesson", LESSONS, ids=IDS)
def test_times_are_those_of_the_lab_and_the_lesson(lesson):
    told = re.search(r"^Time: (.*), after a lesson of (\d+) minutes\.$", page(lesson), re.M)
    assert f"points. {told.group(1)[0].upper()}{told.group(1)[1:]}." in computed(lesson)[0][1]
    assert int(told.group(2)) == lesson.minutes


@pytest.mark.parametrize("lesson", LESSONS, ids=IDS)
def test_the_rubric_is_the_one_that_students_see(lesson):
    task = next(t for _, t, _ in reversed(computed(lesson)) if t.startswith("## Task 6"))
    rubric = [x for x in task.splitlines() if x.startswith("|")]
    assert [x for x in parts(lesson)["The written task"].splitlines() if x[:1] == "|"] == rubric
    book = json.loads((labs_folder() / "release" / lesson.lab / f"{lesson.lab}.ipynb").read_text())
    assert "\n".join(rubric) in "\n".join("".join(c["source"]) for c in book["cells"])


@pytest.mark.parametrize("lesson", LESSONS, ids=IDS)
def test_there_are_three_answers_and_the_excellent_one_is_the_masters(lesson):
    text = parts(lesson)["The written task"]
    excellent, middling, insufficient = quoted(text)
    assert excellent == answer(lesson)
    assert 60 <= len(middling.split()) <= 150
    assert 40 <= len(insufficient.split()) <= 100
    written = next(n for name, n in points(lesson.lab).items() if not name.endswith("-check"))
    assert f"**Excellent**, {written} of {written} points:" in text
    # the marks under the answers add up as the rubric says
    under = text.split("**Middling**")[1]
    said = re.search(r"\b(One and a half|One|Two) of (\w+) points", under)
    assert said.group(2) == {2: "two", 3: "three", 4: "four"}[written]
    assert WORTH[said.group(1)] == written / 2
    assert "No point." in under.split("**Insufficient**")[1]


def known(lesson):
    """Numbers that may stand on the page of a lab: of the lab itself, and those computed here."""
    numbers = {n for kind, t, _ in computed(lesson) if kind == "markdown" for n in typed_numbers(t)}
    ours = {f"{lesson.minutes}", f"{assumptions.value('kws_accuracy'):g}"}
    return {plain(n) for n in numbers} | ours | EXTRA.get(lesson.number, set())


def _text(x, digits=0):
    return f"{x:.{digits}f}"


def _extra():
    """What the pages compute beyond the labs: dict of lab -> numbers as they are written."""
    egress, clip = (
        40e3 * assumptions.value("egress"),
        1.5 + assumptions.value("kws_label") * (1 + assumptions.value("kws_review")),
    )
    line_h = 40e3 * 8 / 10 / 3600
    return {
        "01": {_text(12 * 6 * 60 / 40e3, 3), _text(2 * line_h, 1), _text(2 * line_h * 4),
               _text(10 * line_h), _text(5 * 6 * 60), _text(egress)},
        "02": {_text((1 - 0.999) / (1 - 0.5) * 24 * 3600 / 0.1), "99.9",
               "7000",  # a choice of ours, above what all three cells cost
               "60", _text(2 * 1000 * clip / 0.6)},
        "03": {_text(chi2.ppf(0.95, 4) / 2 / 0.1), "0.5", _text(8000 / 80)},
        "04": {_text(math.log(10) * math.sqrt(40), 1)},
        "05": {_text(9 * (1 / 1000 + 1 / 100), 3),
               _text(100 * chi2.sf(0.1 / (1 / 1000 + 1 / 100), 9)), "0.1",
               _text(100 * (0.9 * 0.9 + 0.1 * 0.1)), _text(100 * 0.9 * 0.9)},
    }  # fmt: skip


EXTRA = _extra()


@pytest.mark.parametrize("lesson", LESSONS, ids=IDS)
def test_every_number_of_a_page_is_computed(lesson):
    text = re.sub(r"^\| Task.*$", "", page(lesson), flags=re.M)  # points, tested above
    text = re.sub(r"\*\*Excellent\*\*, \d of \d points", "", text)
    assert {plain(n) for n in typed_numbers(text)} <= known(lesson)


def test_what_the_variants_say_is_so():
    three = float(re.search(r"all three costs (\d+) USD", answer(find_lesson("02"))).group(1))
    assert three < 7000  # "all three empty cells can be recorded"
    assert assumptions.value("egress") * 40e3 / 2 == 5 * 6 * 60  # "half of the egress"
    assert chi2.ppf(0.95, 2) / 2 / 6 < 0.5  # "just suffices"
    assert chi2.ppf(0.95, 2) / 2 / 60 < 0.1  # "the second claim holds"
    text = answer(find_lesson("07"))
    bill, requests = re.search(r"archive: (\d+) USD a month, of which (\d+)", text).groups()
    assert float(requests) / float(bill) > 1 / 3  # "more than a third of the whole bill"


def test_the_eight_hears_many_a_six():
    spec = importlib.util.spec_from_file_location(
        "c6", labs_folder() / "checks" / "checks_lab06.py"
    )
    checks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checks)
    counts, words = checks.confusion_counts()
    six, eight = words.index("6"), words.index("8")
    assert all(eight in table[six].argsort()[-2:] for table in counts)


def test_the_timetables_add_up():
    weeks, day = rows(GUIDE, 5)[1:], rows(GUIDE, 4)[1:]
    for row in (*weeks, *day):
        wanted = sum(find_lesson(n).minutes for n in row[1].split(", "))
        assert int(row[2]) == wanted, row
    assert [n for row in weeks for n in row[1].split(", ")] == [x.number for x in all_lessons()]
    assert len(weeks) == 6
    labs = re.findall(r"\d\d", " ".join(row[3] for row in weeks))
    assert labs == [x.number for x in LESSONS]
    minutes = [int(row[2]) for row in weeks]
    assert minutes[-1] == max(minutes)  # "the last week is the longest"


def test_the_numbers_of_the_guide_are_known():
    minutes = {row[2] for row in (*rows(GUIDE, 5), *rows(GUIDE, 4))}
    sizes = {_text(data_set(name).total_bytes / 1e6, 1) for name in ("fsdd", "librivox")}
    own = {"3.11", "2", "4.5", "1", "20", "0"} | set("123456")
    text = re.sub(r"(?:^\||\|) *(?:\d\d(?:, | and | or )?)+ *\|", "|", GUIDE)  # lists of lessons
    text = re.sub(r"(?:lessons|labs)(?: \d\d,| \d\d| and| to)+", "", text)
    assert {plain(n) for n in typed_numbers(text)} <= minutes | sizes | own | {
        x.number for x in all_lessons()
    }
    assert not any(x.needs_gpu for x in all_lessons())  # "no lesson needs a GPU"


def test_links_lead_somewhere():
    for path in (DOCS / "instructor.md", *sorted((DOCS / "labs").glob("*.md"))):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), (path, target)


def test_the_commands_exist():
    from typer.main import get_command

    from kit.cli import app

    lines = set(re.findall(r"(?:^|`)(kit [a-z]+(?: [a-z]+)*)", GUIDE, re.M))
    assert {"kit course build", "kit course check", "kit course bundle", "kit course run"} <= lines
    for line in lines:
        command = get_command(app)
        for word in line.split()[1:]:
            if not hasattr(command, "commands"):
                break  # an argument, such as the name of a data set
            assert word in command.commands, line
            command = command.commands[word]
    told = {p.name: p.opts for p in get_command(app).commands["course"].commands["bundle"].params}
    assert {"--out", "--course-id"} <= {o for opts in told.values() for o in opts}
    usage = subprocess.run([sys.executable, "-m", "nbgrader", "--help"], capture_output=True,
                           text=True, check=True).stdout  # fmt: skip
    verbs = set(re.findall(r"(?:^|`)nbgrader ([a-z_]+)", GUIDE, re.M))
    assert len(verbs) >= 8
    assert verbs <= set(re.findall(r"^([a-z_]+)$", usage, re.M))
    makefile = (root() / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{t}:" in makefile for t in re.findall(r"^make (\w+)", GUIDE, re.M))
    for name in re.findall(r"\bKIT_[A-Z_]+", GUIDE):
        code = [*(root() / "kit").rglob("*.py")]
        assert any(name in p.read_text(encoding="utf-8") for p in code), name


def test_nobody_who_does_not_exist_and_no_place_of_one_machine():
    text = GUIDE + "".join(map(page, LESSONS))
    assert not re.search(r"/(?:work|tmp|root)\b|\bsession|\bissue #|TODO|FIXME", text)


@pytest.mark.parametrize("name", [
    "Some One_4711_assignsubmission_file_lab01_data_gravity.ipynb",
    "Some One_4711_assignsubmission_file/lab01_data_gravity.ipynb",
])  # fmt: skip
def test_the_pattern_reads_the_names_of_the_platform(name):
    pattern = re.search(r'named_regexp = \(\n\s+r"(.*)"\n\)', GUIDE).group(1)
    found = re.match(pattern, f"/a_1/labs/downloaded/lab01_data_gravity/extracted/{name}")
    assert found.groupdict() == {"student_id": "4711", "file_id": "lab01_data_gravity.ipynb"}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The folder `labs` of an instructor, with the lines of the guide in its config."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "exchange").mkdir(mode=0o777)
    os.chmod(tmp_path / "exchange", 0o777)  # whatever the umask
    labs = tmp_path / "labs"
    shutil.copytree(labs_folder() / "checks", labs / "checks")
    pattern = re.search(r"c\.FileNameCollectorPlugin.*?\n\)", GUIDE, re.S).group()
    config = (labs_folder() / "nbgrader_config.py").read_text(encoding="utf-8")
    shared = f'c.Exchange.root = "{tmp_path}/exchange"\n'
    (labs / "nbgrader_config.py").write_text(f"{config}\n{shared}{pattern}\n", encoding="utf-8")
    write_source(IDS[0], labs / "source")
    nbgrader("generate_assignment", IDS[0], "--force", folder=labs)
    return labs


@pytest.mark.slow
def test_work_comes_back_from_a_learning_platform(course):
    """One zip with both ways of naming; the checks are taken from the source."""
    archive = course / "downloaded" / IDS[0] / "archive"
    archive.mkdir(parents=True)
    file = course / "release" / IDS[0] / f"{IDS[0]}.ipynb"
    with zipfile.ZipFile(archive / "all.zip", "w") as made:
        made.write(file, f"Some One_4711_assignsubmission_file_{file.name}")
        made.write(file, f"Some One_4712_assignsubmission_file/{file.name}")
    nbgrader("zip_collect", IDS[0], "--force", folder=course)
    for student in ("4711", "4712"):
        assert (course / "submitted" / student / IDS[0] / file.name).exists()
    nbgrader("autograde", IDS[0], "--student", "4711", folder=course)
    assert (course / "autograded" / "4711" / IDS[0] / file.name).exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the exchange needs the rights of POSIX")
def test_work_goes_out_and_comes_back_through_the_exchange(course, tmp_path):
    lab, student = IDS[0], tmp_path / "student"
    student.mkdir()
    lines = re.search(r"^c = get_config.*?(?=```)", GUIDE, re.M | re.S).group()
    own = (course / "nbgrader_config.py").read_text(encoding="utf-8")
    name = re.search(r'course_id = "(.*)"', own).group(1)
    lines = lines.replace("/srv/nbgrader/exchange", f"{tmp_path}/exchange").replace("de-2030", name)
    (student / "nbgrader_config.py").write_text(lines, encoding="utf-8")
    nbgrader("release_assignment", lab, folder=course)
    nbgrader("fetch_assignment", lab, folder=student)
    assert {p.name for p in (student / lab).iterdir()} == {f"{lab}.ipynb", f"checks_{lab[:5]}.py"}
    nbgrader("submit", lab, folder=student)
    nbgrader("collect", lab, folder=course)
    assert len(list((course / "submitted").rglob(f"{lab}.ipynb"))) == 1
