"""Inside the sandbox: the cells of a notebook in one namespace, and what they show."""

import io
import json
import signal
import sys
import time
from pathlib import Path

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type

CELL_BYTES, BOOK_BYTES = 500_000, 10_000_000  # of outputs that are kept
_FULL = "... more was printed, and not kept ...\n"


class Sink:
    """Outputs of the cell that runs, in the order in which they came."""

    def __init__(self):
        self.total, self.cell = 0, []
        self.begin()

    def begin(self):
        """Forget the last cell; returns its outputs."""
        done, self.cell, self.size, self.full = self.cell, [], 0, False
        return done

    def stream(self, name, text):
        """Keep text that was printed; what is too much goes to the real output and is counted."""
        if self._fits(len(text)):
            last = self.cell[-1] if self.cell else {}
            if last.get("name") == name:
                last["text"] += text
            else:
                self.cell.append({"output_type": "stream", "name": name, "text": text})
        else:
            sys.__stdout__.write(text)
            self._close(name)

    def add(self, kind, data, metadata=None, **more):
        """Keep a rich output, if it can be written as JSON and is not too large."""
        try:
            text = json.dumps([data, metadata or {}])
        except (TypeError, ValueError):
            return
        if self._fits(len(text)):
            data, metadata = json.loads(text)
            self.cell.append({"output_type": kind, "data": data, "metadata": metadata} | more)

    def error(self, name, text, trace):
        """Keep an error; it is always kept, cut short."""
        trace = [str(x)[:5000] for x in trace[:60]]
        self.cell.append({"output_type": "error", "ename": str(name)[:200],
                          "evalue": str(text)[:5000], "traceback": trace})  # fmt: skip

    def _fits(self, size):
        self.size, self.total = self.size + size, self.total + size
        return self.size <= CELL_BYTES and self.total <= BOOK_BYTES

    def _close(self, name):
        if not self.full:
            self.full = True
            self.cell.append({"output_type": "stream", "name": name, "text": _FULL})


class Stream(io.TextIOBase):
    """What sys.stdout and sys.stderr are while student code runs."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, sink, name, number):
        super().__init__()
        self.sink, self.called, self.number = sink, name, number

    def write(self, text):
        self.sink.stream(self.called, str(text))
        return len(text)

    def writable(self):
        return True

    def fileno(self):
        return self.number


class _Hook(DisplayHook):
    def __call__(self, result=None):
        if result is None or self.quiet():
            return
        self.update_user_ns(result)
        data, metadata = self.compute_format_data(result)
        self.shell.sink.add("execute_result", data, metadata,
                            execution_count=self.shell.execution_count)  # fmt: skip
        self.log_output(data)


class _Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, **_):
        self.shell.sink.add("display_data", data, metadata)

    def clear_output(self, wait=False):
        self.shell.sink.cell.clear()


class Shell(InteractiveShell):
    """IPython without a front end: outputs go to `sink`."""

    displayhook_class, display_pub_class = Type(_Hook), Type(_Publisher)
    sink = Sink()

    def _showtraceback(self, kind, value, trace):
        self.sink.error(kind.__name__, value, trace)

    def enable_gui(self, gui=None):
        pass


def make_shell():
    """Shell, with nothing kept of its history."""
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = Shell.instance(config=config)
    sys.stdout, sys.stderr = Stream(shell.sink, "stdout", 1), Stream(shell.sink, "stderr", 2)
    return shell


def run_cells(shell, path, target, cell_s):
    """Run the code cells of the notebook `path`, but for checks; the list of cells with an error.

    target: JSON lines, one a cell: id, outputs, seconds, error. cell_s: seconds a cell may take.
    """
    signal.signal(signal.SIGALRM, _late)
    failed = []
    with open(target, "w", encoding="utf-8") as file:
        for number, cell in enumerate(json.loads(Path(path).read_text("utf-8"))["cells"]):
            if cell.get("cell_type") != "code" or _is_check(cell):
                continue
            told = _run(shell, cell, cell_s) | {"id": str(cell.get("id", number))}
            failed += [told["id"]] if told["error"] else []
            file.write(json.dumps(told) + "\n")
            file.flush()
    return failed


def _run(shell, cell, cell_s):
    source, start = cell.get("source", ""), time.perf_counter()
    source = source if isinstance(source, str) else "".join(source)
    shell.sink.begin()
    signal.setitimer(signal.ITIMER_REAL, cell_s)
    try:
        done = shell.run_cell(source, store_history=True)
        error = done.error_before_exec or done.error_in_exec
    except BaseException as cause:  # SystemExit in a thread's way, an alarm between two lines
        error = cause
        shell.sink.error(type(cause).__name__, cause, [])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    name = type(error).__name__ if error is not None else ""
    return {"outputs": shell.sink.begin(), "seconds": time.perf_counter() - start, "error": name}


def _is_check(cell):
    grade = cell.get("metadata", {}).get("nbgrader", {})
    return bool(grade.get("grade")) and not grade.get("solution")


def _late(*_):
    raise TimeoutError("This cell took too long.")
