"""Data sets: what exists, where it came from, and whether it is intact."""

from kit.corpus.datasets import DataSet, data_set, registry
from kit.corpus.source import Recordings, recordings
from kit.corpus.store import fetch, verify

__all__ = ["DataSet", "Recordings", "data_set", "fetch", "recordings", "registry", "verify"]
