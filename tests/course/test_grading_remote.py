"""Answers of a student's program, called from the grader's: right ones pass, tricks do not."""

import json
import os
import re
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lab_checks import load

from kit.course.cells import read_source
from kit.course.grading import jail
from kit.course.grading.calls import StudentError
from kit.course.grading.outputs import read_outputs
from kit.course.grading.protocol import Unknown
from kit.course.grading.remote import DidNotAnswer, Student
from kit.course.grading.sandbox import Limits
from kit.course.labs import checks_name, labs_folder, master, source_text
from kit.course.lessons import all_lessons
from kit.errors import KitError

LABS = [x.lab for x in all_lessons() if x.lab]
TRAINS = ("accuracy",)  # checks that train for minutes
strong = pytest.mark.skipif(not jail.style(), reason="bubblewrap cannot be used here")
MODES = [pytest.param(False, id="bubblewrap", marks=strong), pytest.param(True, id="weak")]
QUICK = Limits(wall_s=60, cpu_s=30, memory_mb=1000, output_mb=2)


def notebook(folder, *cells):
    """Path of a notebook with these code cells, (text, metadata) or text."""
    told = [(x, {}) if type(x) is str else x for x in cells]
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": "code", "id": f"c{i}", "metadata": meta, "source": text.splitlines(True),
         "outputs": [], "execution_count": None}
        for i, (text, meta) in enumerate(told)]}  # fmt: skip
    path = Path(folder, "book.ipynb")
    path.write_text(json.dumps(book))
    return path


@pytest.fixture(params=MODES)
def student(request, tmp_path):
    """Function of cells -> a Student that ran them."""
    opened = []

    def start(*cells, **how):
        made = Student(notebook(tmp_path, *cells), **{"limits": QUICK, "call_s": 5.0} | how,
                       allow_weak=True, weak=request.param)  # fmt: skip
        opened.append(made)
        return made.__enter__()

    yield start
    for one in opened:
        one.__exit__()
        assert not one._root.exists()


def tasks(lab):
    """Pairs of a check and the name of the answer that it looks at."""
    text = "\n".join(t for _, t, m in read_source(master(lab)) if m.get("kind") == "check")
    found = re.findall(r"^checks\.(\w+)\((\w+)\)", text, re.MULTILINE)
    assert found
    return [pair for pair in found if pair[0] not in TRAINS]


def of_lab(lab, path):
    return Student(path, [labs_folder() / "checks" / f"{checks_name(lab)}.py"])


@strong
@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_the_master_passes_every_check_from_its_sandbox(lab, tmp_path):
    path = tmp_path / "book.ipynb"
    path.write_text(source_text(lab))
    with of_lab(lab, path) as one:
        assert not one.failed, one.outputs
        for task, name in tasks(lab):
            for module in load(lab):
                getattr(module, task)(one.answer(name))


@strong
@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_untouched_answers_are_not_written_yet(lab):
    with of_lab(lab, labs_folder() / "release" / lab / f"{lab}.ipynb") as one:
        for task, name in tasks(lab):
            for module in load(lab):
                with pytest.raises(NotImplementedError, match="not written yet"):
                    getattr(module, task)(one.answer(name))


@strong
@pytest.mark.slow
def test_conditions_of_a_check_reach_the_students_program(tmp_path):
    """A hash of another process, and a join of the kit that refuses."""
    text = """
import hashlib
import polars as pl
from kit.storage import as_of
def join_as_of(labels, facts, ttl):
    if ttl is not None and not ttl >= 0: raise ValueError
    return as_of(labels, facts, "user", ttl=ttl, known="known").drop("time_of_fact", "known")
def hashed(x): return hash("a") == x
first = hash("a")
"""
    with Student(notebook(tmp_path, text)) as one:
        with pytest.raises(AssertionError, match="should not call the kit"):
            load("lab07_storage")[0].as_of_join(one.answer("join_as_of"))
        first, hashed = one.answer("first"), one.answer("hashed")
        assert hashed(first)
        with hashed.meanwhile(hash_salt=77):
            assert not hashed(first)
        assert hashed(first)


def test_values_constants_and_names(student):
    one = student("import numpy as np\nLIMIT = 4.5\nt = (1, np.float32(2))\nclass A: pass",
                  "def twice(x, more=0):\n    return 2 * x + more")  # fmt: skip
    assert one.answer("LIMIT") == 4.5
    assert type(one.answer("t")[1]) is np.float32
    twice = one.answer("twice")
    assert twice.__name__ == "twice"
    assert callable(twice)
    assert twice(3) == 6
    assert twice(1.5, more=1) == 4.0
    assert twice(np.arange(3)).tolist() == [0, 2, 4]
    assert type(one.answer("A")) is Unknown
    assert {"LIMIT", "t", "A", "twice"} <= set(one.names())
    with pytest.raises(NameError, match="'nothing' is not defined"):
        one.answer("nothing")


def test_errors_are_those_of_the_function(student):
    one = student("from kit.errors import KitError\nimport sys\n"
                  "def f(kind):\n    raise kind_of[kind]\n"
                  "class Own(Exception): pass\n"
                  "kind_of = {'v': ValueError('no'), 'k': KitError('bad', found=1), 'o': Own('x'),"
                  " 'n': NotImplementedError(), 'e': SystemExit(), 'i': KeyboardInterrupt(),"
                  " 's': StopIteration(), 'a': AssertionError('said')}")  # fmt: skip
    f = one.answer("f")
    for key, kind in (("v", ValueError), ("k", KitError), ("n", NotImplementedError),
                      ("e", StudentError), ("i", StudentError), ("s", StudentError),
                      ("a", AssertionError), ("o", Exception)):  # fmt: skip
        with pytest.raises(kind) as fault:
            f(key)
        assert "raise kind_of[kind]" in one.trace, one.trace
    assert type(fault.value).__name__ == "Own"


def test_changed_arguments_are_changed_here(student):
    one = student("def f(a, rows, d):\n    a[0] = 7\n    rows[0]['x'] = 1\n    d['n'] = {1}\n"
                  "def g(table):\n    table.insert_column(0, table['a'].alias('b'))\n"
                  "def h(table):\n    return table.with_columns(b=1)")  # fmt: skip
    a, rows, d, table = np.zeros(3), [{"x": 0}], {}, pl.DataFrame({"a": [1, None]})
    inner = rows[0]
    one.answer("f")(a, rows, d)
    assert a[0] == 7
    assert rows[0] is inner
    assert inner == {"x": 1}
    assert d == {"n": {1}}
    with pytest.raises(AssertionError, match="must not change"):
        one.answer("g")(table)
    assert one.answer("h")(table).columns == ["a", "b"]
    assert table.columns == ["a"]


def test_functions_that_a_check_hands_over_run_here(student):
    one = student("def f(rows, check):\n    out = []\n    for row in rows:\n"
                  "        try: out.append(check(row))\n"
                  "        except Exception as e: out.append(f'{type(e).__name__}: {e}')\n"
                  "        out.append(dict(row))\n    return out")  # fmt: skip

    class Odd(Exception):
        pass

    def check(row):
        row["seen"] = True
        if row["n"] == 2:
            raise Odd("two")
        if row["n"] == 3:
            raise KeyboardInterrupt
        return row

    f = one.answer("f")
    seen = {"n": 1, "seen": True}
    assert f([{"n": 1}, {"n": 2}], check) == [seen, seen, "Odd: two", {"n": 2, "seen": True}]
    with pytest.raises(KeyboardInterrupt):
        f([{"n": 3}], check)
    assert f([{"n": 1}], check) == [seen, seen]


def test_files_are_shown_and_ours_stay_as_they_are(student, tmp_path):
    one = student("from pathlib import Path\ndef read(p): return p.read_text()\n"
                  "def spoil(p):\n    try: (p / 'x').write_text('changed')\n"
                  "    except OSError: pass\n    return sorted(q.name for q in p.iterdir())\n"
                  "def other(p): return Path(str(p).replace('a', 'b'))")  # fmt: skip
    folder = tmp_path / "given"
    folder.mkdir(mode=0o700)
    (folder / "x").write_text("told")
    read = one.answer("read")
    assert read(folder / "x") == "told"
    with pytest.raises(FileNotFoundError):
        read(folder / "gone")
    assert one.answer("spoil")(folder) == ["x"]
    assert (folder / "x").read_text() == "told"
    assert type(one.answer("other")(folder)) is Unknown
    assert not list(one._scratch.iterdir())


def test_outputs_of_cells_are_kept_as_a_notebook_keeps_them(student):
    check = {"nbgrader": {"grade": True, "solution": False, "locked": True, "grade_id": "x"}}
    one = student("print('hello')\n1 + 1", "%%capture\nprint('x')", ("boom = 1 / 0", check),
                  "import sys\nprint('bad', file=sys.stderr)\n1 / 0", "after = 5",
                  "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))",
                  "!echo from a shell", "await __import__('asyncio').sleep(0, 3)",
                  "raise SystemExit", "def talk(): print('said')")  # fmt: skip
    found = one.outputs
    assert found["c0"][0] == {"output_type": "stream", "name": "stdout", "text": "hello\n"}
    assert found["c0"][1]["data"]["text/plain"] == "2"
    assert found["c1"] == []
    assert "c2" not in found
    assert "boom" not in one.names()
    assert found["c3"][0]["name"] == "stderr"
    assert found["c3"][1]["ename"] == "ZeroDivisionError"
    assert one.failed[0] == "c3"
    assert one.answer("after") == 5
    assert found["c5"][0]["data"]["text/html"] == "<b>x</b>"
    assert "from a shell" in found["c6"][0]["text"]
    one.answer("talk")()
    assert "said" in "".join(one.printed)


def test_endless_output_and_a_long_cell_end(student):
    one = student("import time\ntime.sleep(60)", "x = 1", "print('y' * 10**6)", cell_s=1.0)
    assert one.failed == ["c0"]
    assert one.answer("x") == 1
    assert "TimeoutError" in str(one.outputs["c0"])
    assert "not kept" in str(one.outputs["c2"])
    two = student("while True: print('x' * 1000)")
    assert two.outcome.status == "output"


DEADLY = {
    "a loop": ("while True: pass", "did not answer within 2 s"),
    "a sleep": ("import time; time.sleep(100)", "did not answer within 2 s"),
    "os._exit": ("import os; os._exit(0)", "ended before it answered"),
    "a segmentation fault": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "a stop": ("import os; os.kill(os.getpid(), 19)", "did not answer within 2 s"),
    "memory": ("x = []\n    while True: x.append(b'x' * (2 * 10**8))", "memory|MemoryError|did not answer"),
    "closed pipes": ("import os; os.closerange(3, 99)", "ended|closed"),
    "other bytes": ("import os\n    for i in range(3, 1000):\n        try: os.write(i, b'x' * 99)\n"
                    "        except OSError: pass", "ended|too much|did not answer"),
    "endless callbacks": ("while True: check()", "did not answer within 2 s"),
}  # fmt: skip


@pytest.mark.parametrize("what", DEADLY)
def test_a_program_that_dies_fails_one_check_and_no_other(what, student):
    text, word = DEADLY[what]
    one = student(f"def bad(check):\n    {text}\ndef good(): return 1", call_s=2.0)
    good, bad, start = one.answer("good"), one.answer("bad"), time.monotonic()
    with pytest.raises((DidNotAnswer, MemoryError), match=word):
        bad(lambda: None)
    assert time.monotonic() - start < 12
    if what != "memory":
        with pytest.raises(DidNotAnswer, match="gone"):
            good()
    assert one.answer("good")() == 1


def test_a_dead_program_is_no_refusal(student):
    """Else an endless loop would pass the checks of input that cannot be."""
    refusal = load("lab01_data_gravity")[0].refusal
    one = student("def f(*_):\n    while True: pass", call_s=1.0, restarts=0)
    with pytest.raises(AssertionError, match="DidNotAnswer"):
        refusal(one.answer("f"))
    with pytest.raises(DidNotAnswer, match="did not answer within 1 s"):
        one.answer("f")
    assert not issubclass(DidNotAnswer, (ValueError, OSError))


TRICKS = {
    "always equal": """
class E(float):
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda s, o: True
    __ne__ = lambda s, o: False
    __hash__ = float.__hash__
def transfer_hours(*_): return E(1)
""",
    "patched builtins": """
import builtins, math
builtins.AssertionError = type("A", (Exception,), {})
builtins.isinstance = lambda *_: True
math.isclose = lambda *_, **__: True
def transfer_hours(*_): return 1.0
""",
    "patched checks": """
import sys, types, checks_lab01, kit.course.expect as expect
for m in (checks_lab01, expect):
    for n in list(vars(m)):
        if callable(getattr(m, n)): setattr(m, n, lambda *a, **k: None)
def transfer_hours(*_): return 1.0
""",
    "an input transformer": """
get_ipython().input_transformers_cleanup.append(lambda lines: [])
def transfer_hours(*_): return 1.0
""",
    "the notebook and the stack": """
import gc, glob, inspect, sys
def transfer_hours(*args):
    text = "".join(open(p, errors="replace").read() for p in glob.glob("*"))
    for frame in inspect.stack():
        found = {k: v for k, v in frame.frame.f_locals.items() if "wanted" in k}
        if found: return next(iter(found.values()))
    for thing in gc.get_objects():
        if getattr(thing, "__name__", "") == "hidden_lab01": return thing
    return 1.0
""",
    "its own pipe": """
import os
def transfer_hours(*_):
    for fd in range(3, 20):
        try: os.write(fd, b"\\x10\\0\\0\\0\\0\\0\\0\\0" + b"\\x08\\0\\0\\0[true,[]]    ")
        except OSError: pass
    return 1.0
""",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_earns_nothing(trick, tmp_path):
    checks = load("lab01_data_gravity")
    path = notebook(tmp_path, TRICKS[trick])
    files = [labs_folder() / "checks" / "checks_lab01.py"]
    how = {"allow_weak": True, "weak": not jail.style()}
    with Student(path, files, QUICK, call_s=5.0, restarts=9, **how) as one:
        for module in checks:
            with pytest.raises((AssertionError, DidNotAnswer, TypeError)):
                module.transfer(one.answer("transfer_hours"))
    checks[0].transfer(lambda v, r, e: v * 8 / (r * e) / 3600)  # nothing of ours was patched


@strong
def test_what_the_program_reads_holds_no_hidden_check(tmp_path):
    text = """
import os
hits = []
def seen():
    for place, _, names in os.walk("/"):
        if place.startswith(("/proc", "/usr", "/sys")): continue
        for n in names:
            if n.endswith((".py", ".ipynb")) and ("hidden_lab0" in n or "lab01_data" in n):
                hits.append(os.path.join(place, n))
    return hits
"""
    with Student(notebook(tmp_path, text), call_s=60) as one:
        assert one.answer("seen")() == []
        assert one.missing == ()


def test_outputs_are_read_from_a_plain_file_alone(tmp_path):
    secret = tmp_path / "secret"
    good = {"output_type": "stream", "name": "stdout", "text": "x"}
    secret.write_text(json.dumps({"id": "c0", "outputs": [good]}) + "\n")
    assert read_outputs(secret) == {"c0": [good]}
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(secret)
    os.mkfifo(pipe)
    for bad in (link, pipe, tmp_path, tmp_path / "gone"):
        assert read_outputs(bad) == {}
    for line in (b"\xff", b"[]", b"1", b'{"id": "a"}', b'{"id": [], "outputs": []}',
                 b'{"id": "a", "outputs": [1]}', b"[" * 10**5,
                 b'{"id": "a", "outputs": [{"output_type": "stream", "name": 1}]}'):  # fmt: skip
        secret.write_bytes(line)
        assert read_outputs(secret) == {}


def test_a_notebook_that_kills_its_program_is_told_once(student):
    one = student("import os\nos._exit(1)", "def f(): return 1")
    assert one.outcome.status == "died"
    with pytest.raises(DidNotAnswer, match="exit status 1"):
        one.answer("f")


def test_folders_without_rights_are_removed(student):
    student("import os\nos.makedirs('a/b')\nopen('a/b/c', 'w')\nos.chmod('a/b', 0)")


def test_deep_folders_are_removed(student):
    student("import os\nfor _ in range(1500):\n    os.mkdir('d')\n    os.chdir('d')")
