"""Data sets: what exists, where it came from, whether it is intact, and the clips in it."""

from kit.corpus.datasets import DataSet, data_set, registry
from kit.corpus.source import Recordings, recordings
from kit.corpus.store import fetch, verify
from kit.lazy import lazy

_HOME = {  # name -> module that defines it, loaded on first use: these need polars and pandera
    "ClipTable": "clips",
    "Loaded": "loaders",
    "clip_id": "clips",
    "clip_table": "clips",
    "decode": "clips",
    "hold_out": "splits",
    "leaks": "splits",
    "load_clips": "loaders",
    "open_clip": "clips",
    "read_clip": "clips",
    "read_sound": "sounds",
    "share_report": "splits",
    "speech_span": "loaders",
    "split": "splits",
    "validate": "clips",
    "waveforms": "sounds",
}

__all__ = [
    "DataSet", "Recordings", "data_set", "fetch", "recordings", "registry", "verify", *_HOME,
]  # fmt: skip
__getattr__, __dir__ = lazy(__name__, _HOME)
