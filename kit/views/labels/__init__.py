"""Pictures of what labels cost: tables in, figures out; those of the explorers are in `live`."""

from kit.lazy import lazy

_HOME = {  # name -> module that defines it
    "curves": "figures",
    "noisy": "figures",
    "raters": "people",
    "redundancy": "figures",
    "routing": "figures",
    "weak": "people",
}
__all__ = list(_HOME)
__getattr__, __dir__ = lazy(__name__, _HOME)
