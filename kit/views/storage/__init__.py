"""Pictures of storage: tables in, figures out. Those of the explorers have modules of their own."""

from kit.lazy import lazy

_HOME = {"codecs": "figures", "layouts": "figures"}  # name -> module that defines it
__all__ = list(_HOME)
__getattr__, __dir__ = lazy(__name__, _HOME)
