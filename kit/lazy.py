"""Names of a package, fetched from their modules on first use: importing it stays quick."""

import sys
from importlib import import_module


def lazy(package, home):
    """(`__getattr__`, `__dir__`) for a package: `__getattr__, __dir__ = lazy(__name__, _HOME)`.

    package: its full name. home: dict of name -> module below the package that defines it. The
    package states `__all__` itself, so that tools can read it.
    """

    def fetch(name):
        if name in home:
            return getattr(import_module(f"{package}.{home[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names():
        own = vars(sys.modules[package])
        return sorted([*own, *own["__all__"]])

    return fetch, names
