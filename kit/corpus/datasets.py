"""The registry of data sets: name, address, licence, and a SHA-256 for every file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from kit.errors import KitError
from kit.paths import data_home, root


@dataclass(frozen=True)
class DataSet:
    """One entry of data/registry.toml.

    Attributes
    ----------
    name, title, url, licence, retrieved (date), note: as in the file.
    archive: name of the archive at the end of `url`. prefix: its one top folder.
    files, total_bytes: expected count and size after extraction.
    """

    name: str
    title: str
    url: str
    archive: str
    prefix: str
    licence: str
    retrieved: str
    files: int
    total_bytes: int
    note: str = ""

    @property
    def folder(self):
        """Where the extracted files lie, as Path; it may not exist yet."""
        return data_home() / self.name

    @property
    def manifest(self):
        """dict of relative path -> (SHA-256, size in bytes), from data/manifests."""
        lines = (root() / "data" / "manifests" / f"{self.name}.tsv").read_text().splitlines()
        rows = (line.split("\t") for line in lines if not line.startswith("#"))
        return {path: (digest, int(size)) for digest, size, path in rows}


def registry():
    """All data sets: dict of name -> DataSet."""
    with Path(root() / "data" / "registry.toml").open("rb") as file:
        return {name: DataSet(name=name, **row) for name, row in tomllib.load(file).items()}


def data_set(name):
    """The DataSet called `name`, or a KitError that lists the names."""
    known = registry()
    if name not in known:
        raise KitError(
            "no such data set",
            found=name,
            allowed=", ".join(known),
            code="unknown",
            remedy="see them with: kit data list",
        )
    return known[name]
