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
    name, title, url, licence, retrieved (date, "" if never), note: as in the file.
    archive: name of the archive at the end of `url`. prefix: its one top folder. Without an
    archive every file lies below `url` by itself.
    renamed: how file names begin here and at `url`, where these differ.
    files, total_bytes: expected count and size after extraction; 0 without a manifest.
    """

    name: str
    title: str
    url: str
    archive: str = ""
    prefix: str = ""
    licence: str = ""
    retrieved: str = ""
    files: int = 0
    total_bytes: int = 0
    note: str = ""
    renamed: tuple = ("", "")

    @property
    def folder(self):
        """Where the extracted files lie, as Path; it may not exist yet."""
        return data_home() / self.name

    @property
    def fetchable(self):
        """True if a manifest is there to check the files against."""
        return self._manifest_file.is_file()

    @property
    def manifest(self):
        """dict of relative path -> (SHA-256, size in bytes), from data/manifests.

        Raises KitError "no-manifest", which says how to use a copy of one's own.
        """
        if not self.fetchable:
            raise KitError(
                f"{self.name} has no manifest here, so it can be neither fetched nor verified",
                remedy=f"get it from {self.url} and load your copy with "
                f'kit.corpus.load_clips("{self.name}", folder)',
                code="no-manifest",
            )
        lines = self._manifest_file.read_text().splitlines()
        rows = (line.split("\t") for line in lines if not line.startswith("#"))
        return {path: (digest, int(size)) for digest, size, path in rows}

    @property
    def _manifest_file(self):
        return root() / "data" / "manifests" / f"{self.name}.tsv"

    def address(self, path):
        """Public address of the single file `path`."""
        here, there = self.renamed
        name = there + path.removeprefix(here) if path.startswith(here) else path
        return f"{self.url}/{name}"


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
