"""Recordings for a lesson: the real set where it can be had, else the committed sample."""

import os
from dataclasses import dataclass
from pathlib import Path

from kit.corpus.datasets import data_set
from kit.corpus.store import fetch, is_intact
from kit.errors import KitError
from kit.paths import root


@dataclass(frozen=True)
class Recordings:
    """A folder of WAV files. notice: what the reader must know, "" for the full set."""

    name: str
    folder: Path
    notice: str = ""

    @property
    def paths(self):
        """All WAV files, sorted, as list of Path."""
        return sorted(self.folder.rglob("*.wav"))

    def __str__(self):
        size = sum(p.stat().st_size for p in self.paths) / 1e6
        notice = f"\n{self.notice}" if self.notice else ""
        return f"{self.name}: {len(self.paths)} WAV files, {size:.1f} MB{notice}"

    __repr__ = __str__


def recordings(name="fsdd", progress=None):
    """Recordings of data set `name`, fetched and verified; without a network the committed sample.

    The sample of librivox is a sentence with its transcript, that of all others thirty words.

    KIT_OFFLINE=1 skips the attempt to fetch.
    """
    wanted = data_set(name)
    if is_intact(name):
        return Recordings(wanted.title, wanted.folder)
    if os.environ.get("KIT_OFFLINE") == "1":
        return _sample(name, f"{wanted.title} is not here and KIT_OFFLINE=1 forbids to fetch it.")
    try:
        return Recordings(wanted.title, fetch(name, progress))
    except KitError as error:
        return _sample(name, str(error))


def _sample(name, reason):
    return Recordings(
        "the committed sample",
        root() / "data" / ("sentences" if name == "librivox" else "sample"),
        f"NOTICE: this is a small synthetic sample, and its figures are not those of the real "
        f"set. Reason: {reason}",
    )
