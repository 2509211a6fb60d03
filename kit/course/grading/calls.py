"""A call whose function is in another process: arguments, value, error, and what was changed.

Both sides use it: the grader calls answers, and answers call functions that a check hands over.
"""

import builtins
import traceback

import numpy as np

from kit.course.grading.protocol import Unknown, decode, encode
from kit.errors import KitError

_TEXT = 2000  # letters of an error that are sent
_ENDS = (StopIteration, StopAsyncIteration, GeneratorExit)  # would end a loop in silence


class StudentError(Exception):
    """An error of the student's own that has no counterpart here."""


def packed(args, kwargs, stand=None):
    """dict of the arguments, each encoded by itself."""
    return {
        "args": [encode(x, stand) for x in args],
        "kwargs": {name: encode(x, stand) for name, x in kwargs.items()},
    }


def unpacked(told, stand=None, place=None, bounds=None):
    """(list of arguments, dict of arguments) of `packed`."""
    args = [decode(x, stand, place, bounds) for x in told["args"]]
    return args, {n: decode(x, stand, place, bounds) for n, x in told["kwargs"].items()}


def carried_out(function, told, args, kwargs, stand=None):
    """dict of value, or error, and the arguments that are not as they were in `told`."""
    reply = dict.fromkeys(("value", "same", "error", "cause", "trace"))
    try:
        value = function(*args, **kwargs)
        # a check may hand back the very row that it got
        reply["same"] = next((i for i, x in enumerate(args) if x is value and _held(x)), None)
        if reply["same"] is None:
            reply["value"] = encode(value, stand)
    except BaseException as error:
        reply |= {"error": _told(error), "trace": _trace(error)}
        chain = (error, error.__cause__, error.__context__)
        planted = [e.planted for e in chain if type(getattr(e, "planted", None)) is int]
        reply["cause"] = planted[0] if planted else None
    changed = {}
    for key, before in [*enumerate(told["args"]), *told["kwargs"].items()]:
        now = encode(args[key] if type(key) is int else kwargs[key], stand)
        if now != before and b'"stand"' not in before[:40]:
            changed[key] = now
    return reply | {"changed": changed}


def restore(old, new):
    """What stands for `old` once the other side made `new` of it: the same object, where it can be.

    Arrays, lists, dictionaries and sets are changed in place.
    """
    kind = type(old)
    if type(new) is not kind:
        return new
    if kind is np.ndarray and old.shape == new.shape and old.dtype == new.dtype:
        if old.flags.writeable:
            old[...] = new
            return old
    elif kind is list:
        old[:] = [restore(a, b) for a, b in zip(old, new, strict=False)] + new[len(old) :]
        return old
    elif kind is dict:
        made = {k: restore(old[k], v) if k in old else v for k, v in new.items()}
        old.clear()
        old.update(made)
        return old
    elif kind is set:
        old.intersection_update(new)
        old.update(new)
        return old
    return new


def error_of(told, allowed=()):
    """The exception that `told` describes: of the same built-in class, and called the same.

    allowed: names of classes that are no errors of a program, such as KeyboardInterrupt, or that
    end a loop; others of these become a StudentError.
    """
    name, base, args, text = told
    if not all(type(x) is str for x in (name, base, text)) or type(args) is not list:
        raise ValueError("no error")
    name = name if name.isidentifier() and len(name) <= 60 else "Exception"
    kind = KitError if base == "KitError" else getattr(builtins, base, None)
    real = isinstance(kind, type) and issubclass(kind, BaseException)
    if not real or ((not issubclass(kind, Exception) or kind in _ENDS) and base not in allowed):
        return StudentError(f"{name}: {text[:_TEXT]}")
    plain = not any(type(x) is Unknown for x in args)
    kind = kind if name == kind.__name__ else type(name, (kind,), {})
    for tried in ([args] if plain else []) + [[text[:_TEXT]]]:
        try:
            made = kind(*tried)
            if str(made) == text:
                return made
        except Exception:  # a constructor that wants something else
            continue
    return StudentError(f"{name}: {text[:_TEXT]}")


def unchanged_table(old, new):
    """True if two polars tables or columns hold the same, null and nan alike."""
    if type(old) is not type(new) or not old.equals(new, null_equal=True):
        return False
    return old.dtypes == new.dtypes if hasattr(old, "dtypes") else old.dtype == new.dtype


def _trace(error):
    """The last lines of the traceback, as text."""
    try:
        return "".join(traceback.format_exception(error, limit=-5))[-3000:]
    except Exception:  # of an error that cannot be shown
        return ""


def _held(value):
    return isinstance(value, list | dict | set | np.ndarray)


def _told(error):
    kinds = [k for k in type(error).__mro__ if k is KitError or k.__module__ == "builtins"]
    args = [x for x in error.args[:5] if type(x) in (str, int, float, bool, type(None))]
    whole = len(args) == len(error.args) and type(error) is kinds[0]
    try:
        text = str(error)
    except Exception as fault:  # of the student's own class
        text = f"its text cannot be had: {type(fault).__name__}"
    return [type(error).__name__, kinds[0].__name__, args if whole else [text], text[:_TEXT]]
