"""The data set compiler: from raw recordings to a versioned, feature-ready set."""

from kit.lazy import lazy

_HOME = {  # name -> module that defines it, loaded on first use
    "Compiled": "dataset",
    "compile_recipe": "run",
    "data_card": "card",
    "difference": "lineage",
    "explain": "lineage",
    "read_recipe": "recipe",
}
__all__ = [*_HOME]
__getattr__, __dir__ = lazy(__name__, _HOME)
