"""Inside the sandbox: run a student's notebook, then answer what the grader asks of it.

    python -P -m kit.course.grading.serve NOTEBOOK REQUESTS REPLIES CELL_S

REQUESTS, REPLIES: numbers of descriptors, other than those that print. What the student's code
does to this process it does to its own answers alone: the grader judges plain values.
"""

import builtins
import contextlib
import importlib
import os
import sys
from pathlib import Path

OUTPUTS = "outputs.jsonl"
KEPT = "KIT_DATA_KEPT"  # in the environment: folder of data sets that may be read
_COPIED = "experiments"  # a folder that programs add files to


def main(notebook, requests, replies, cell_s):
    """Run the notebook and serve until the grader hangs up."""
    _link_data()
    sys.path.insert(0, os.getcwd())
    from kit.course.grading.shell import make_shell, run_cells
    from kit.course.grading.wire import Closed, Wire

    wire, shell = Wire(int(requests), int(replies)), make_shell()
    for end in (wire.reads, wire.writes):
        os.set_inheritable(end, False)
    failed = run_cells(shell, notebook, OUTPUTS, float(cell_s))
    desk = Desk(wire, shell)
    with contextlib.suppress(Closed):
        desk.send({"ready": True, "failed": failed})
        while True:
            desk.serve()


class Desk:
    """Answers requests, one after another."""

    def __init__(self, wire, shell):
        self.wire, self.shell, self.schemas = wire, shell, []

    def send(self, told):
        from kit.course.grading.protocol import encode

        self.wire.send(encode(told))

    def serve(self):
        """Answer one request."""
        from kit.course.grading.protocol import decode

        told = decode(self.wire.receive())
        self.shell.sink.begin()
        reply = getattr(self, f"do_{told['do']}")(told)
        printed = [x.get("text", "") for x in self.shell.sink.begin()]
        self.send(reply | {"printed": "".join(printed)[:5000]})

    def do_names(self, _):
        """Names that the notebook defines."""
        known = self.shell.user_ns_hidden
        names = [n for n in self.shell.user_ns if type(n) is str and n not in known]
        return {"names": [n for n in names if not n.startswith("_")]}

    def do_get(self, told):
        """A constant, or the word that it is a function."""
        from kit.course.grading.protocol import encode

        if told["name"] not in self.shell.user_ns:
            return {"kind": "none"}
        value = self.shell.user_ns[told["name"]]
        if callable(value) and not isinstance(value, type):
            return {"kind": "function"}
        return {"kind": "value", "value": encode(value, self._stand)}

    def do_call(self, told):
        """Call a function of the notebook."""
        from kit.course.grading.calls import carried_out, unpacked

        args, kwargs = unpacked(told, self._callback, Path)
        function = self.shell.user_ns.get(told["name"])
        with _conditions(told["meanwhile"]):
            return carried_out(function, told, args, kwargs, self._stand)

    def do_validate(self, told):
        """Validate a table with a schema that a function returned before."""
        from kit.course.grading.calls import carried_out, unpacked
        from kit.course.grading.protocol import encode

        cases, (args, kwargs) = [], unpacked(told)

        def validate(table, **how):
            try:
                return self.schemas[told["number"]].validate(table, **how)
            except Exception as error:
                cases.append(getattr(error, "failure_cases", None))
                raise

        reply = carried_out(validate, told, args, kwargs)
        return reply | {"cases": encode(cases[0] if cases else None)}

    def _stand(self, value):
        """A pandera schema stays here and is asked."""
        from kit.course.grading.protocol import Stand

        module = sys.modules.get("pandera.polars")
        if module is None or type(value) is not module.DataFrameSchema:
            return None
        self.schemas.append(value)
        return Stand("schema", len(self.schemas) - 1)

    def _callback(self, stand):
        """A function that the grader carries out."""
        from kit.course.grading.calls import error_of, packed, restore
        from kit.course.grading.protocol import decode

        def ask(*args, **kwargs):
            self.send({"callback": stand.number, **packed(args, kwargs)})
            reply = decode(self.wire.receive())
            for key, new in reply["changed"].items():
                restore(args[key] if type(key) is int else kwargs[key], decode(new))
            if reply["error"] is not None:
                error = error_of(reply["error"], (reply["error"][1],))
                error.planted = reply["number"]
                raise error
            return decode(reply["value"]) if reply["same"] is None else args[reply["same"]]

        return ask


@contextlib.contextmanager
def _conditions(told):
    """What a check wants to be different during a call.

    hash_salt: Python's hash gives the numbers of another process. bar: (module, name, sentence):
    this function of the kit refuses, and says why.
    """
    with contextlib.ExitStack() as stack:
        if told.get("hash_salt") is not None:
            usual, salt = builtins.hash, told["hash_salt"]
            stack.callback(setattr, builtins, "hash", usual)
            builtins.hash = lambda thing: usual((salt, usual(thing)))
        if told.get("bar") is not None:
            module, name, sentence = told["bar"]
            home = importlib.import_module(module)
            stack.callback(setattr, home, name, getattr(home, name))
            setattr(home, name, lambda *_, **__: _refuse(sentence))
        yield


def _refuse(sentence):
    raise AssertionError(sentence)


def _link_data():
    """A folder for data sets that can be written, with links to all that is there already."""
    kept, home = os.environ.get(KEPT), Path(os.environ["HOME"], "data")
    os.environ["KIT_DATA_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    if not kept or not os.path.isdir(kept):
        return
    for entry in os.scandir(kept):
        if entry.name != _COPIED:
            os.symlink(entry.path, home / entry.name)
            continue
        for place, _, names in os.walk(entry.path):
            below = home / entry.name / os.path.relpath(place, entry.path)
            below.mkdir(parents=True, exist_ok=True)
            for name in names:
                os.symlink(os.path.join(place, name), below / name)


if __name__ == "__main__":
    main(*sys.argv[1:])
