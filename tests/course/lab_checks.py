"""What the tests of every lab's checks share: the master's answers, a cheat, and a refused slip."""

import functools
import importlib
import os
import sys

import numpy as np
import pytest

from kit.course.cells import read_source
from kit.course.labs import checks_name, labs_folder, master


def load(lab):
    """(visible, hidden) modules of the checks of `lab`."""
    sys.path[:0] = [str(labs_folder() / "checks"), str(labs_folder() / "checks" / "hidden")]
    try:
        return tuple(importlib.import_module(checks_name(lab, k)) for k in ("checks", "hidden"))
    finally:
        del sys.path[:2]


@functools.cache
def solutions(lab):
    """dict of the names in the master: run its first cell and its answers."""
    load(lab)  # the first cell imports the checks
    names = {}
    for _, text, marks in read_source(master(lab)):
        if marks.get("kind") in ("locked", "solution"):
            exec(text, names)
    return names


def draws(count):
    """Seeds to try: all of `count` with KIT_FULL=1, else a quarter, two at least."""
    return range(count if os.environ.get("KIT_FULL") == "1" else max(count // 4, 2))


def accept(checks, task, answer):
    """Visible and hidden checks pass `answer`."""
    for module in checks:
        getattr(module, task)(answer)


def refuse_untouched(checks, task):
    """A function that is not written yet fails as such."""

    def untouched(*args):
        raise NotImplementedError

    for module in checks:
        with pytest.raises(NotImplementedError, match="not written yet"):
            getattr(module, task)(untouched)


def refuse(checks, task, attempt, word):
    """Visible and hidden checks fail `attempt`, and the sentence holds `word`."""
    for module in checks:
        with np.errstate(all="ignore"), pytest.raises(AssertionError, match=word) as fault:
            getattr(module, task)(attempt)
        assert len(str(fault.value)) < 400


class AlwaysEqual:
    """Claims to be whatever it is compared with."""

    shape = dtype = property(lambda self: self)

    def __eq__(self, other):
        return True

    __lt__ = __le__ = __gt__ = __ge__ = __ne__ = __eq__
    __hash__ = object.__hash__

    def __float__(self):
        return 1.0

    def __bool__(self):
        return True
