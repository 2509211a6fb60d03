"""kit: data engineering for machine learning, measured on your own machine.

`import kit` loads nothing heavy: each name below is fetched on first use.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {  # name -> module that defines it
    "KitError": "errors",
    "Measurement": "measure",
    "after": "explorers.predict",
    "checkpoint": "explorers.checkpoint",
    "compare": "explorers.predict",
    "diagnose": "explorers.diagnose",
    "doctor": "measure.checkup",
    "explain": "explorers.predict",
    "explore": "explorers",
    "label": "explorers.labeler",
    "lesson": "course.lessons",
    "predict": "explorers.predict",
    "report": "course.report",
    "show": "views.html",
    "show_claims": "views.claims",
    "sound": "views.sound",
}
_MODULES = {
    "assumptions",
    "audio",
    "claims",
    "corpus",
    "course",
    "explorers",
    "gravity",
    "measure",
    "views",
}

__all__ = [*_HOME, *_MODULES]


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f"kit.{_HOME[name]}"), name)
    if name in _MODULES:
        return import_module(f"kit.{name}")
    raise AttributeError(f"module 'kit' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
