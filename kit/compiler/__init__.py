"""The data set compiler: from raw recordings to a versioned, feature-ready set."""

from importlib import import_module

_HOME = {  # name -> module that defines it, loaded on first use
    "Compiled": "dataset",
    "compile_recipe": "run",
    "data_card": "card",
    "difference": "lineage",
    "explain": "lineage",
    "read_recipe": "recipe",
}
__all__ = [*_HOME]


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f"kit.compiler.{_HOME[name]}"), name)
    raise AttributeError(f"module 'kit.compiler' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
