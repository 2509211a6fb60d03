"""The grader's side: answers of a student's notebook as functions that run in their process.

with Student(notebook, files=[checks]) as student:
    hidden_lab07.epoch(student.answer("epoch_s"))
"""

import contextlib
import shutil
import sys
import tempfile
import time
from pathlib import Path

from kit.course.grading.calls import (
    StudentError,
    carried_out,
    error_of,
    packed,
    restore,
    unchanged_table,
    unpacked,
)
from kit.course.grading.outputs import read_outputs
from kit.course.grading.protocol import Bounds, ProtocolError, Stand, Unknown, decode, encode
from kit.course.grading.sandbox import Limits, Sandbox
from kit.course.grading.scratch import add_compiled, copy_readable, remove
from kit.course.grading.serve import KEPT, OUTPUTS
from kit.course.grading.wire import Closed, Late, Wire
from kit.paths import data_home

_BOOK, _COMPILED = "notebook.ipynb", ".compiled"
_CALL = {"value", "same", "error", "cause", "trace", "changed", "printed"}
_ASKED = {"call": _CALL, "validate": _CALL | {"cases"},
          "get": {"kind", "printed"}, "names": {"names", "printed"}}  # fmt: skip


class DidNotAnswer(Exception):
    """A student's program that is too late or gone; no check takes it for a refusal."""


class Student:
    """A notebook that ran alone in a sandbox and now answers; use it in a `with` statement.

    notebook: path of the .ipynb. files: paths of more files that lie beside it. limits: Limits of
    the whole program. call_s: seconds of one call. start_s: of all cells. cell_s: of one cell.
    restarts: how often a program that died may begin anew, for the next answer. allow_weak, weak:
    see Sandbox. outputs: dict of cell id -> outputs in the form of nbformat. failed: ids of cells
    that raised. outcome: Outcome, once the program ended. printed: list of str, what calls printed
    since the last `answer`; trace: the traceback of the last error in one.
    """

    def __init__(self, notebook, files=(), limits=None, call_s=60.0, start_s=600.0, cell_s=120.0,
                 restarts=3, allow_weak=False, weak=False):  # fmt: skip
        self._notebook, self._files = Path(notebook), [Path(x) for x in files]
        self._limits = limits or Limits(wall_s=3600.0, cpu_s=3600.0)
        self._seconds = {"call": call_s, "start": start_s, "cell": cell_s}
        self._weak = {"allow_weak": allow_weak, "weak": weak}
        self._left, self._starts, self._box = restarts, 0, None
        self.printed, self.trace, self.outcome, self.failed, self.outputs = [], "", None, [], {}

    def __enter__(self):
        self._root = Path(tempfile.mkdtemp(prefix="kit-student-"))
        self._scratch = self._root / "scratch"
        self._scratch.mkdir()
        try:
            self._start()
        except DidNotAnswer:  # `answer` says it again
            self._left = 0
        except BaseException:
            remove(self._root)
            raise
        return self

    def __exit__(self, *_):
        self._stop("ended", "It was no longer needed.")
        remove(self._root)

    @property
    def missing(self):
        """What the sandbox could not promise: tuple of sentences."""
        return self._box.missing if self._box else ()

    def names(self):
        """Names that the notebook defines: list of str."""
        found = self._ask("names", {})["names"]
        return [x for x in found if type(x) is str] if type(found) is list else []

    def answer(self, name):
        """The function called `name`, to be called like the student's own, or a constant.

        Raises NameError if there is none, DidNotAnswer if the program is gone for good.
        """
        self.printed, self.trace = [], ""
        if self.outcome is not None:
            if not self._left:
                raise DidNotAnswer(f"Your program is gone. {self.outcome.detail}")
            self._left -= 1
            self._start()
        reply = self._ask("get", {"name": name})
        if reply["kind"] == "function":
            return Answer(self, name, self._starts)
        if reply["kind"] != "value":
            raise NameError(f"name {name!r} is not defined", name=name)
        return self._decoded(reply.get("value"), "get")

    def _start(self):
        self._starts += 1
        folder = self._new_folder()
        data = data_home()
        seen = [x for x in (self._scratch, data) if x.is_dir()]
        command = [sys.executable, "-P", "-m", "kit.course.grading.serve", _BOOK,
                   "{requests}", "{replies}", str(self._seconds["cell"])]  # fmt: skip
        env = {KEPT: str(data), "NUMBA_CACHE_DIR": str(folder / _COMPILED)}
        self._box = Sandbox(command, folder, self._limits, seen, env=env, **self._weak)
        self._box.__enter__()
        self._wire = Wire(self._box.replies, self._box.requests, Bounds().bytes)
        self.outcome = None
        told = self._received("start", time.monotonic() + self._seconds["start"])
        self.outputs = read_outputs(folder / OUTPUTS)
        failed = told.get("failed") if type(told) is dict else None
        self.failed = [str(x) for x in failed] if type(failed) is list else []

    def _new_folder(self):
        folder = self._root / f"run-{self._starts}"
        folder.mkdir()
        shutil.copyfile(self._notebook, folder / _BOOK)
        for path in self._files:
            shutil.copyfile(path, folder / path.name)
        add_compiled(folder / _COMPILED)
        return folder

    def _stop(self, status, detail):
        if self._box is None or self.outcome is not None:
            return
        self._box.end(status, detail)
        self.outcome = self._box.wait()
        self._box.__exit__()
        folder = self._box.folder
        if not self.outputs:
            self.outputs = read_outputs(folder / OUTPUTS)
        remove(folder)

    def _ask(self, what, told, planted=None, functions=()):
        """The reply to a request; callbacks are carried out meanwhile."""
        if self._box is None or self.outcome is not None:
            raise DidNotAnswer("Your program is gone." + self._why())
        until = time.monotonic() + self._seconds["call"]
        self._sent({"do": what, **told}, what, until)
        while True:
            reply = self._received(what, until)
            if type(reply) is dict and "callback" in reply:
                self._sent(self._called_back(reply, functions, planted), what, until)
                continue
            if type(reply) is not dict or not _ASKED[what] <= set(reply):
                raise self._lost("output", "It answered something else than was asked.")
            self.printed += [reply["printed"]] if type(reply["printed"]) is str else []
            return reply

    def _called_back(self, told, functions, planted):
        """What a function of a check gives that the student's code called."""
        number = told.get("callback")
        fits = type(number) is int and 0 <= number < len(functions)
        if not fits or type(told.get("args")) is not list or type(told.get("kwargs")) is not dict:
            raise self._lost("output", "It called a function that it was not given.")
        try:
            args, kwargs = unpacked(told)
        except (ProtocolError, TypeError):
            raise self._lost("output", "It called a function with something else.") from None

        def noted(*args, **kwargs):
            try:
                return functions[number](*args, **kwargs)
            except BaseException as error:
                planted.append(error)
                raise

        reply = carried_out(noted, told, args, kwargs)
        return reply | {"number": len(planted) - 1}

    def _sent(self, told, what, until):
        try:
            self._wire.send(encode(told), until)
        except (Closed, Late) as cause:
            raise self._gone(what, cause) from None

    def _received(self, what, until):
        try:
            return self._decoded(self._wire.receive(until), what)
        except ValueError:
            raise self._lost("output", "It sent too much.") from None
        except (Closed, Late) as cause:
            raise self._gone(what, cause) from None

    def _decoded(self, data, what, stand=None):
        try:
            return decode(data, stand)
        except (ProtocolError, TypeError):
            raise self._lost("output", f"It sent no answer that can be read ({what}).") from None

    def _gone(self, what, cause):
        """The DidNotAnswer for a program that is late, or ended."""
        if type(cause) is Late:
            seconds = self._seconds["start" if what == "start" else "call"]
            who = "notebook" if what == "start" else "function"
            self._stop("timeout", f"Your {who} did not answer within {seconds:g} s.")
            return DidNotAnswer(self.outcome.detail)
        ended = time.monotonic() + 5  # a program that closed its pipe may still run
        while self._box.running and time.monotonic() < ended:
            time.sleep(0.02)
        self._stop("died", "It closed its pipe.")
        return DidNotAnswer("Your program ended before it answered." + self._why())

    def _lost(self, status, detail):
        self._stop(status, detail)
        return DidNotAnswer(f"Your program was ended. {detail}")

    def _why(self):
        return f" {self.outcome.detail}" if self.outcome else ""

    def _call(self, name, args, kwargs, meanwhile):
        """What the student's function returns or raises; changed arguments are changed here."""
        functions, planted = [], []

        def stand(value):
            if not callable(value):
                return None
            functions.append(value)
            return Stand("call", len(functions) - 1)

        with self._shared() as share:
            sent = packed([share(x) for x in args], {n: share(x) for n, x in kwargs.items()}, stand)
            told = {"name": name, "meanwhile": meanwhile, **sent}
            reply = self._ask("call", told, planted, functions)
        return self._result(reply, args, kwargs, planted)

    def _result(self, reply, args, kwargs, planted):
        if type(reply["changed"]) is not dict:
            raise self._lost("output", "It sent no answer that can be read.")
        for key, new in reply["changed"].items():
            known = (type(key) is int and 0 <= key < len(args)) or key in kwargs
            old = (args[key] if type(key) is int else kwargs[key]) if known else None
            if known:
                self._restore(old, self._decoded(new, "call"))
        if reply["error"] is not None:
            self.trace = reply["trace"] if type(reply["trace"]) is str else ""
            raise self._error(reply, planted)
        if type(reply["same"]) is int and 0 <= reply["same"] < len(args):
            return args[reply["same"]]
        return self._decoded(reply["value"], "call", self._stand)

    def _restore(self, old, new):
        if type(old).__module__.startswith("polars."):
            if not unchanged_table(old, new):  # what a check computes afterwards must be of its own
                raise AssertionError("A table that you were given must not change. "
                                     "Hint: work on copies.")  # fmt: skip
        elif not isinstance(old, Path):
            restore(old, new)

    def _error(self, reply, planted):
        """The error of the student's function; one that a check planted is that very object."""
        try:
            names = [type(e).__name__ for e in planted]
            error = error_of(reply["error"], names)
        except (ValueError, TypeError):
            return StudentError("an error that cannot be read")
        cause = reply["cause"]
        if type(cause) is not int or not 0 <= cause < len(planted):
            return error
        if type(error).__name__ == names[cause]:
            return planted[cause]
        error.__cause__ = planted[cause]
        return error

    def _stand(self, stand):
        """A pandera schema whose tables are validated by the student's own."""
        if stand.kind != "schema":
            return Unknown(stand.kind)
        import pandera.polars as pa

        schema = pa.DataFrameSchema({})
        schema.validate = lambda table, **how: self._validated(stand.number, table, how)
        return schema

    def _validated(self, number, table, how):
        import pandera.polars as pa

        sent = packed([table], how)
        reply = self._ask("validate", {"number": number, **sent})
        cases = self._decoded(reply["cases"], "validate")
        if reply["error"] is not None and type(cases).__name__ == "DataFrame":
            fault = pa.errors.SchemaErrors.__new__(pa.errors.SchemaErrors)
            fault.failure_cases = cases
            raise fault
        return self._result(reply, [table], how, [])

    @contextlib.contextmanager
    def _shared(self):
        """Function of an argument: a path becomes that of a copy which the student can read."""
        copies = []

        def share(value):
            if not isinstance(value, Path):
                return value
            target = self._scratch / str(len(copies)) / value.name
            copies.append(target.parent)
            target.parent.mkdir()
            copy_readable(value, target)
            return target

        try:
            yield share
        finally:
            for folder in copies:
                remove(folder)


class Answer:
    """A function of the student's, called from here."""

    def __init__(self, student, name, start):
        self._student, self._start, self._meanwhile = student, start, {}
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args, **kwargs):
        if self._start != self._student._starts:
            raise DidNotAnswer("Your program is gone.")
        return self._student._call(self.__name__, args, kwargs, self._meanwhile)

    @contextlib.contextmanager
    def meanwhile(self, **what):
        """Calls in this block run under conditions; see kit.course.grading.serve."""
        before, self._meanwhile = self._meanwhile, self._meanwhile | what
        try:
            yield
        finally:
            self._meanwhile = before
