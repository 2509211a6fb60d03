"""Interactive figures. The only package that imports ipywidgets."""

from importlib import import_module

from kit.errors import KitError

_HOME = {  # name -> module of kit.explorers with an Explorer of that name in EXPLORERS
    "gravity": "gravity",
    "feeding": "gravity",
    "choke": "gravity",
    "energy": "gravity",
    "false-wakes": "kws",
    "design": "kws",
    "features": "features",
    "room": "synthetic",
    "mix": "synthetic",
    "trade-off": "spotter",
    "size": "spotter",
    "alarms": "drift",
    "size-and-sense": "drift",
    "degradation": "drift",
    "stream": "drift_stream",
    "correct-label": "labels.prices",
    "routing": "labels.prices",
    "active-learning": "labels.learning",
    "kappa-paradox": "labels.learning",
    "formats": "storage.formats",
    "etl-elt": "storage.pipelines",
    "batch-stream": "storage.pipelines",
    "tiers": "storage.tiers",
    "bandwidth": "storage.bandwidth",
}

__all__ = ["explore", "explorer", "explorer_names"]


def explorer_names():
    """Names that `explore` knows, as list."""
    return list(_HOME)


def explorer(name):
    """The Explorer called `name`, or a KitError that lists the names."""
    if name not in _HOME:
        raise KitError("no such explorer", found=name, allowed=", ".join(_HOME), code="unknown")
    return import_module(f"kit.explorers.{_HOME[name]}").EXPLORERS[name]


def explore(name, **settings):
    """Show the explorer `name`, with controls set to `settings`.

    In JupyterLab it is live. Where no front end listens (execution, grading, export) it is the
    same figure, its table and a sentence. Either way `.table`, `.figure` and `.summary` are
    there to compute with.
    """
    from kit.explorers.base import Exploration

    return Exploration(explorer(name), settings)
