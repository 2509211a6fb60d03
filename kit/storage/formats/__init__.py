"""One corpus in every layout: written, read back exactly, measured, and chosen between."""

from kit.lazy import lazy

_HOME = {  # name -> module that defines it
    "Layout": "layout",
    "Store": "store",
    "Workload": "advice",
    "as_columns": "corpus",
    "bytes_on_disk": "store",
    "events_table": "corpus",
    "flips": "flip",
    "layouts": "layout",
    "measure": "race",
    "open_store": "store",
    "recommend": "advice",
    "same": "corpus",
    "wide_table": "corpus",
    "write_store": "store",
}
__all__ = [*_HOME]
__getattr__, __dir__ = lazy(__name__, _HOME)
