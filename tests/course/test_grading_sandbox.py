"""The sandbox: every way to misbehave ends in its time, and nothing of it is left."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import code

from kit.course.grading import jail, watch
from kit.course.grading.sandbox import NEVER, Limits, Sandbox, missing, run
from kit.paths import root

LIMITS = Limits(wall_s=5, cpu_s=2, memory_mb=250, output_mb=2, file_mb=20, processes=20)
strong = pytest.mark.skipif(not jail.style(), reason="bubblewrap cannot be used here")
MODES = [pytest.param(False, id="bubblewrap", marks=strong), pytest.param(True, id="weak")]
ENDINGS = {
    "nothing": ("pass", "ok"),
    "an endless loop": ("while True: pass", "cpu timeout"),
    "a long sleep": ("import time; time.sleep(60)", "timeout"),
    "endless output": ("while True: print('x' * 10_000)", "output"),
    "one large file": ("f = open('x', 'wb')\nwhile True: f.write(bytes(10**6))", "died files"),
    "many files": ("import time\ni = 0\nwhile True:\n i += 1; time.sleep(0.005)\n"
                   " open(str(i), 'wb').write(b'x' * 10**6)", "files"),
    "os._exit": ("import os; os._exit(3)", "died"),
    "a segmentation fault": ("import ctypes; ctypes.string_at(0)", "died"),
    "a process that stops itself": ("import os; os.kill(os.getpid(), 19)", "timeout"),
    "a memory hog": ("x = []\nwhile True: x.append(b'x' * 10**7)", "memory died"),
    "closed output": ("import os; os.close(1); os.close(2)", "ok"),
    "a survivor": ("import os, time\nif not os.fork():\n os.setsid()\n if not os.fork():"
                   " time.sleep(77.7)", "ok"),
}  # fmt: skip


def python(text):
    return [sys.executable, "-S", "-c", text]


def carried_out(text, folder, weak, limits=LIMITS, readable=()):
    with Sandbox(python(text), folder, limits, readable, allow_weak=True, weak=weak) as box:
        return box.wait()


def running(mark):
    """Processes of this machine whose command holds `mark`."""
    lines = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True).stdout
    return [x for x in lines.splitlines() if mark in x and "enter.py" not in x]


@pytest.mark.parametrize("weak", MODES)
@pytest.mark.parametrize("what", ENDINGS)
def test_each_ends_in_its_time_with_one_outcome(what, weak, tmp_path):
    text, wanted = ENDINGS[what]
    mark, start = f"mark-{os.getpid()}-{time.time_ns()}", time.monotonic()
    found = carried_out(f"{text}  # {mark}" if "\n" not in text else f"#{mark}\n{text}",
                        tmp_path, weak)  # fmt: skip
    assert found.status in wanted.split(), found  # which limit is met first is a race
    assert time.monotonic() - start < LIMITS.wall_s + 15
    assert not running(mark)
    assert len(found.output) <= 20_000
    assert watch.size_mb(tmp_path) < 5 * LIMITS.file_mb


@strong
def test_a_fork_bomb_is_held_and_ended(tmp_path):
    mark = f"mark-{os.getpid()}-{time.time_ns()}"
    text = f"# {mark}\nimport os\nwhile True:\n try: os.fork()\n except OSError: pass"
    found = carried_out(text, tmp_path, False)
    assert found.status in ("processes", "memory", "cpu")
    assert not running(mark)


def test_a_slow_fork_bomb_is_ended_in_the_weak_mode(tmp_path):
    text = "import os, time\nwhile True:\n os.fork() or time.sleep(60)\n time.sleep(0.05)"
    found = carried_out(text, tmp_path, True)
    assert found.status in ("processes", "memory", "timeout")


@pytest.mark.parametrize("weak", MODES)
def test_what_it_used_is_told(weak, tmp_path):
    text = (
        "import time\nx = b'x' * 10**8\n"
        "stop = time.process_time() + 0.6\nwhile time.process_time() < stop: pass"
    )
    found = carried_out(text, tmp_path, weak)
    assert found.status == "ok"
    assert 0.4 < found.cpu_s < 2
    assert 90 < found.max_memory_mb < 250
    assert found.seconds > 0.5


def secrets(tmp_path):
    """Paths that must be out of reach."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "answer.ipynb").write_text("{}")
    (tmp_path / "grades-of-all.db").write_text("grades")
    labs = [root() / "labs" / x for x in ("src", "checks/hidden", "source", "checks")]
    return [other / "answer.ipynb", tmp_path / "grades-of-all.db", *labs, root() / ".git",
            Path.home() / ".ssh", Path("/etc/shadow"), Path("/root/.bashrc")]  # fmt: skip


@strong
def test_labs_gradebook_and_other_students_are_out_of_reach(tmp_path):
    hidden, own = secrets(tmp_path), tmp_path / "own"
    own.mkdir()
    text = f"""
import os
print([p for p in {[str(p) for p in hidden]} if os.path.exists(p)])
found = []
for place, folders, files in os.walk("/"):
    if place in ("/proc", "/usr", "/sys"): folders.clear()
    marks = "hidden_lab0", "checks_lab0", "grades-of-all"
    found += [f for f in files if any(mark in f for mark in marks)]
print(found)
"""
    found = carried_out(text, own, False, Limits(wall_s=60))
    assert found.output.split("\n")[:2] == ["[]", "[]"], found.output


@strong
def test_only_its_own_folder_can_be_written(tmp_path):
    own, shown = tmp_path / "own", tmp_path / "shown"
    own.mkdir()
    shown.mkdir()
    (shown / "told").write_text("read me")
    os.chmod(tmp_path, 0o755)
    places = [str(shown / "x"), "/x", "/dev/x", "/usr/x", str(Path(jail.kit.__file__).parent / "x"),
              str(Path(sys.prefix) / "x"), str(tmp_path / "x"), "/etc/x"]  # fmt: skip
    text = f"""
print(open({str(shown / "told")!r}).read())
for path in {places}:
    try: open(path, "w"); print("wrote", path)
    except OSError: pass
open("mine", "w").write("x"); open("/tmp/mine", "w").write("x")
"""
    found = carried_out(text, own, False, readable=[shown])
    assert (found.status, found.output) == ("ok", "read me\n")
    assert [p.name for p in own.iterdir()] == ["mine"]


@strong
def test_no_network_no_secrets_no_other_processes_no_rights(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_GRADING_SEED", "secret")
    text = """
import os, socket
print("secret" in str(os.environ))
try: socket.create_connection(("127.0.0.1", 22), 1); print("connected")
except OSError as e: print(type(e).__name__)
print(socket.if_nameindex())
print(max(int(p) for p in os.listdir("/proc") if p.isdigit()) < 20)
status = open("/proc/self/status").read()
print([x.split()[1] for x in status.splitlines() if x.startswith(("CapEff", "CapPrm", "NoNew"))])
try: os.kill(1, 9); print(os.path.exists("/proc/1"))
except PermissionError: print(True)
print(os.getuid() != 0 or os.environ.get("X"))
"""
    lines = carried_out(text, tmp_path, False).output.splitlines()
    assert lines[0] == "False"
    assert "Error" in lines[1]
    assert lines[2].count("(") == 1
    assert lines[3] == "True"
    assert lines[4] == "['0000000000000000', '0000000000000000', '1']"
    assert lines[5] == "True"


@strong
def test_an_ordinary_user_gets_a_sandbox_as_well():
    """As nobody, who cannot read our folders: bubblewrap alone is tried."""
    command = [shutil.which("bwrap"), *jail._ALONE, *jail._STYLES["own namespace"],
               *jail._system(), "--proc", "/proc", "--dev", "/dev", "id", "-u"]  # fmt: skip
    other = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, **other)
    assert done.stdout.strip() == str(other.get("user", os.geteuid())), done.stderr


def test_without_bubblewrap_nothing_runs_unless_that_is_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(jail, "style", lambda: "")
    assert missing() == NEVER
    assert code(run, ["true"], tmp_path) == "no-sandbox"
    assert not list(tmp_path.iterdir())
    with Sandbox(["true"], tmp_path, LIMITS, allow_weak=True) as box:
        assert box.wait().status == "ok"
        assert box.missing == NEVER


@strong
def test_a_namespace_of_users_holds_as_well(tmp_path, monkeypatch):
    """The way of those who are not root."""
    monkeypatch.setattr(jail, "style", lambda: "own namespace")
    for what in ("nothing", "an endless loop", "a survivor", "os._exit"):
        text, wanted = ENDINGS[what]
        assert carried_out(text, tmp_path, False).status in wanted.split()
    text = f"import os; print(os.path.exists({str(root() / 'labs')!r}), os.listdir('/proc/1'))"
    assert carried_out(text, tmp_path, False).output.startswith("False")


@pytest.mark.parametrize("weak", MODES)
def test_a_program_ends_with_its_grader(weak, tmp_path):
    mark = f"mark-{os.getpid()}-{time.time_ns()}"
    text = f"""
import sys, time
from kit.course.grading.sandbox import Limits, Sandbox
command = [sys.executable, "-S", "-c", "import time; time.sleep(50) # {mark}"]
with Sandbox(command, {str(tmp_path)!r}, Limits(), allow_weak=True, weak={weak}):
    time.sleep(50)
"""
    grader = subprocess.Popen([sys.executable, "-c", text])
    until = time.monotonic() + 30
    while not any("-S -c" in x and "Limits" not in x for x in running(mark)):
        assert time.monotonic() < until
        time.sleep(0.1)
    grader.kill()
    grader.wait()
    while running(mark) and time.monotonic() < until:
        time.sleep(0.1)
    assert not running(mark)


@strong
def test_nothing_is_missing_with_bubblewrap():
    assert missing() == ()


@strong
def test_a_path_that_holds_the_labs_is_refused(tmp_path):
    for bad in (root(), root() / "labs", "/"):
        assert code(run, ["true"], tmp_path, LIMITS, [bad]) == "exposed"


def test_limits_are_above_zero():
    for name in ("wall_s", "cpu_s", "memory_mb", "output_mb", "file_mb", "processes"):
        assert code(Limits, **{name: 0})
        assert code(Limits, **{name: float("nan")})


@pytest.mark.parametrize("weak", MODES)
def test_leaving_the_block_ends_the_program(weak, tmp_path):
    mark = f"mark-{os.getpid()}-{time.time_ns()}"
    text = f"# {mark}\nimport time; time.sleep(60)"
    with Sandbox(python(text), tmp_path, LIMITS, allow_weak=True, weak=weak) as box:
        assert box.running
    assert box.wait().status == "ended"
    assert not running(mark)
