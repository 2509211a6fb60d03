"""Run a program that nobody trusts: what it sees, how long it runs, how much it takes.

With bubblewrap the program has its own processes, network and folders. Without it only limits
are left, and what is missing has names. Start a Sandbox from a thread that stays: the program
ends with it.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from kit.course.grading import jail, watch
from kit.errors import KitError
from kit.quantities import quantity

NEVER = ("the program sees every file that you see, the gradebook and hidden checks as well",
         "the program may use the network",
         "the program may end processes of yours",
         "a process that hides well may outlive the program")  # fmt: skip
_KEPT = 20_000  # bytes of what a program prints
_POLL_S = 0.05
_THREADS = 192  # that a program may have beside its processes: libraries start some a core


@dataclass(frozen=True)
class Limits:
    """wall_s, cpu_s: seconds, the latter of all processes. memory_mb: of all processes.
    output_mb: printed. file_mb: of one file, of its folder, and of /tmp. processes: at a time.
    """

    wall_s: float = 600.0
    cpu_s: float = 600.0
    memory_mb: float = 4096.0
    output_mb: float = 10.0
    file_mb: float = 1024.0
    processes: int = 64

    def __post_init__(self):
        for name, value in asdict(self).items():
            quantity(name, value, "positive")


@dataclass(frozen=True)
class Outcome:
    """status: "ok", "timeout", "cpu", "memory", "output", "files", "processes", "ended" (by the
    caller) or "died". detail: a sentence. output: the first of what it printed.
    """

    status: str
    detail: str
    seconds: float
    cpu_s: float
    max_memory_mb: float
    output: str = ""


def missing():
    """What a sandbox cannot promise here: tuple of sentences, empty with bubblewrap."""
    return () if jail.style() else NEVER


def run(command, folder, limits=None, readable=(), allow_weak=False, env=None):
    """Outcome of a command, a list of str; see Sandbox."""
    with Sandbox(command, folder, limits, readable, allow_weak, env) as box:
        return box.wait()


class Sandbox:
    """A running program, to be used in a `with` statement, at whose end nothing of it runs.

    command: list of str; {requests} and {replies} stand for the numbers of two descriptors.
    folder: its own, the only one it may write. limits: Limits. readable: more paths it may read.
    env: dict of further variables. weak: use the weaker mode even where bubblewrap works.
    `requests` and `replies`: the other ends, to write to and to read from; neither blocks.
    Raises KitError "no-sandbox" without bubblewrap, unless allow_weak.
    """

    def __init__(self, command, folder, limits=None, readable=(), allow_weak=False, env=None,
                 weak=False):  # fmt: skip
        self.folder, self.limits = Path(folder).resolve(), limits or Limits()
        self.weak = weak or not jail.style()
        self.missing = NEVER if self.weak else ()
        if self.weak and (not allow_weak or os.name != "posix"):
            raise KitError("student code cannot be kept apart here", found="; ".join(NEVER),
                           allowed="Linux with bubblewrap", code="no-sandbox",
                           remedy="install bubblewrap, or allow the weaker mode")  # fmt: skip
        self._told, self._readable, self._env = list(command), tuple(readable), env or {}
        self._outcome, self._why, self._lock = None, None, threading.Lock()
        self._cpu_s = self._memory_mb = self._look_at = 0.0
        self._output, self._printed = bytearray(), 0

    def __enter__(self):
        theirs, self.requests = os.pipe()
        self.replies, answers = os.pipe()
        self._told = [x.format(requests=theirs, replies=answers)
                      if x in ("{requests}", "{replies}") else x for x in self._told]  # fmt: skip
        self._began = time.monotonic()
        try:
            self._process = self._started((theirs, answers))
        except BaseException:
            os.close(self.requests)
            os.close(self.replies)
            raise
        finally:
            os.close(theirs)
            os.close(answers)
        for end in (self.requests, self.replies):
            os.set_blocking(end, False)
        self._threads = [threading.Thread(target=x, daemon=True) for x in (self._drain, self._see)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end("ended", "It was no longer needed.")
        self.wait()
        os.close(self.requests)
        os.close(self.replies)

    def end(self, status, detail):
        """End the program, for this reason unless there is one already."""
        with self._lock:
            if self._process.returncode is None and self._why is None:
                self._why = (status, detail)

    def wait(self):
        """The Outcome, once the program has ended."""
        self._threads[1].join()
        return self._outcome

    @property
    def running(self):
        return self._outcome is None and self._why is None

    def _started(self, ends):
        told = {"limits": self._rlimits(), "folder": str(self.folder)}
        if self.weak:
            told["guard"] = True
            command, env = [], self._environment(self._place("home"), self._place("tmp"))
        else:
            env = self._environment(jail.HOME, "/tmp")
            command = jail.command(self.folder, self._readable, self.limits.file_mb, env)
            if jail.style() == "other user":
                told["uid"] = jail.owner(self.folder)
        enter = str(Path(__file__).with_name("enter.py"))
        command += [sys.executable, "-I", "-S", enter, json.dumps(told), *self._told]
        return subprocess.Popen(command, cwd=self.folder, env=env, pass_fds=ends,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip

    def _place(self, name):
        place = self.folder / f".{name}"
        place.mkdir(exist_ok=True)
        return str(place)

    def _environment(self, home, tmp):
        """No secret of ours. One thread a library: more would only wait for each other."""
        path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
        plain = {"PATH": path, "HOME": home, "TMPDIR": tmp, "USER": "student", "LANG": "C.UTF-8",
                 "KIT_HEADLESS": "1", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        libraries = ("OMP", "OPENBLAS", "MKL")
        return plain | {f"{x}_NUM_THREADS": "1" for x in libraries} | self._env

    def _rlimits(self):
        """dict of limit -> (soft, hard), for each process."""
        x = self.limits
        cpu, size, data = int(x.cpu_s) + 1, int(x.file_mb * 1e6), int(2e6 * x.memory_mb)
        found = {"CPU": (cpu, cpu + 2), "FSIZE": (size, size), "DATA": (data, data),
                 "NOFILE": (512, 512), "CORE": (0, 0)}  # fmt: skip
        if not self.weak:  # elsewhere it would count what the user runs beside it
            found["NPROC"] = (x.processes + _THREADS,) * 2
        return found

    def _drain(self):
        """Keep the first of what is printed, and count the rest."""
        most = self.limits.output_mb * 1e6
        with contextlib.suppress(OSError, ValueError):
            while part := os.read(self._process.stdout.fileno(), 65_536):
                self._printed += len(part)
                self._output += part[: _KEPT - len(self._output)] if self._room else b""
                if self._printed > most:
                    self.end("output", f"It printed more than {self.limits.output_mb:g} MB.")

    @property
    def _room(self):
        return len(self._output) < _KEPT

    def _see(self):
        """Look at the program until it ends, and end it where it goes beyond a limit."""
        seen = {}
        while self._process.poll() is None and self._why is None:
            pids = watch.below(self._process.pid)
            seen = {p: watch.born(p) for p in pids}
            self._judge(watch.used(pids))
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_POLL_S)
        if self._why:
            watch.end(self._process.pid)
        self._process.wait()
        watch.gone(seen, 10.0)  # the program may be gone before its last child
        self._threads[0].join(2.0)
        self._process.stdout.close()
        self._outcome = self._found()

    def _judge(self, use):
        x, seconds = self.limits, time.monotonic() - self._began
        self._cpu_s = max(self._cpu_s, use.cpu_s)
        self._memory_mb = max(self._memory_mb, use.memory_mb)
        own = use.processes - 2  # one that starts it, one that waits for it
        for status, value, most, what in (
            ("timeout", seconds, x.wall_s, "ran longer than {:g} s"),
            ("cpu", use.cpu_s, x.cpu_s, "used more than {:g} s of processor time"),
            ("memory", use.memory_mb, x.memory_mb, "took more than {:g} MB of memory"),
            ("processes", own, x.processes, "started more than {:g} processes"),
            ("files", self._size_mb(), x.file_mb, "wrote more than {:g} MB of files"),
        ):
            if value > most:
                self.end(status, f"It {what.format(most)}.")

    def _size_mb(self):
        """MB in its folder; looked at so rarely that looking takes a tenth of the time at most."""
        start = time.monotonic()
        if start < self._look_at:
            return 0.0
        size = watch.size_mb(self.folder)
        self._look_at = start + 10 * (time.monotonic() - start)
        return size

    def _found(self):
        status, detail = self._why or _ending(self._process.returncode)
        seconds = time.monotonic() - self._began
        text = self._output.decode("utf-8", "replace")
        return Outcome(status, detail, seconds, self._cpu_s, self._memory_mb, text)


def _ending(code):
    """(status, detail) of a program that ended by itself."""
    if code == 0:
        return "ok", "It ended by itself."
    number = -code if code < 0 else code - 128
    if number not in [*signal.Signals]:
        return "died", f"It ended with exit status {code}."
    name = signal.Signals(number).name
    if name == "SIGXCPU":
        return "cpu", "A process used up its processor time."
    return "died", f"It was ended by {name}."
