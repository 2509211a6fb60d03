"""What goes in: one row for every file of a source and every clip to synthesise, and its digest.

A digest names the bytes of a file. It is kept with the file's size and time of change, so that a
second run looks at the file system only.
"""

import hashlib
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from kit.compiler.letters import letter
from kit.compiler.shards import write_table
from kit.corpus.datasets import registry
from kit.corpus.loaders import scan
from kit.corpus.store import fetch
from kit.errors import KitError

SYNTHESIS = "synthesis"
SPOKEN = f"{SYNTHESIS}:"  # begins what stands for a path: rate/pitch/voice:word
COLUMNS = {
    "number": pl.Int64, "path": pl.String, "digest": pl.String, "label": pl.String,
    "speaker": pl.String, "source": pl.String, "source_id": pl.String, "language": pl.String,
    "licence": pl.String, "split": pl.String,
}  # fmt: skip
_STAT = {"path": pl.String, "size": pl.Int64, "mtime_ns": pl.Int64, "digest": pl.String}


def gather(recipe, home, folder, progress=None):
    """(items, letters, ignored) of all sources of a recipe.

    home: folder of the recipe, to which its paths are relative. folder: of the data set. items:
    polars table of COLUMNS in the order of the sources; number is the source's place in the
    recipe. letters: list of dict, what cannot be read at all. ignored: dict of suffix -> files.
    """
    rows, letters, ignored = [], [], {}
    known = _Digests(folder / "cache" / "inputs.parquet")
    for number, source in enumerate(recipe.source):
        if source.kind == SYNTHESIS:
            rows += _spoken(number, source, recipe.rename)
            continue
        if source.kind == "http":
            place, here, lost, name = _mirrored(number, source, folder, progress)
            letters += lost
            if not here:
                continue
        else:
            place, here, name = _folder(source, home, known, progress), None, ""
        files, dead, others = _files(number, source, place, here, name, known)
        if not source.align:  # else the words are renamed once they are cut
            files = [
                row | {"label": recipe.rename.get(row["label"], row["label"])} for row in files
            ]
        rows, letters = rows + files, letters + dead
        ignored = {k: ignored.get(k, 0) + others.get(k, 0) for k in {*ignored, *others}}
    known.save()
    return pl.DataFrame(rows, schema=COLUMNS, orient="row"), letters, ignored


def _mirrored(number, source, folder, progress):
    """(folder, files in it that are right, letters of the others, name) of a server."""
    from kit.corpus.client import shown
    from kit.corpus.remote import mirror

    place = folder / "downloads" / str(number)
    found = mirror(source.url, place, progress=progress)
    lost = [
        letter("gather", shown(source.url), row["path"], row["code"], row["message"])
        for row in found.letters.iter_rows(named=True)
    ]
    return place, set(found.files), lost, shown(source.url)


def _folder(source, home, known, progress):
    if source.path:
        return (home / Path(source.path).expanduser()).resolve()
    place = registry()[source.kind].folder
    # a look at size and time is enough, once every hash was checked
    if not (place.is_dir() and known.all_of(place)):
        fetch(source.kind, progress)
    return place


def _files(number, source, place, here, name, known):
    """(rows, letters, ignored) of a folder; of the files `here` alone, if that is not None."""
    found = scan("folder" if source.kind == "http" else source.kind, place)
    name = name or found.source
    shared = {"number": number, "source": name, "licence": found.licence, "split": None}
    rows, letters, root = [], [], os.path.realpath(place)
    for path in found.paths if here is None else sorted(here.intersection(found.paths)):
        try:
            said = found.describe(path)
            _stay(path, root)
        except KitError as fault:
            letters.append(letter("ingest", name, path, fault.code, str(fault)))
            continue
        if source.align or not source.labels or said["label"] in source.labels:
            rows.append(shared | said | {"path": str(path)})
    return _with_digests(rows, letters, known), letters, found.ignored


def _with_digests(rows, letters, known):
    kept = []
    with ThreadPoolExecutor() as pool:
        found = pool.map(known.digest, [row["path"] for row in rows])
        for row, digest in zip(rows, found, strict=True):
            if isinstance(digest, KitError):
                fault = letter("ingest", row["source"], row["path"], digest.code, str(digest))
                letters.append(fault)
            else:
                kept.append(row | {"digest": digest})
    return kept


def _stay(path, root):
    """A link may not lead out of `root`: what lies there was never part of the source."""
    real = os.path.realpath(path)
    if os.path.commonpath([real, root]) != root:
        raise KitError(
            f"{path} leads out of its folder",
            found=real,
            remedy="copy the file into the folder, if it belongs to the source",
            code="outside",
        )


def _spoken(number, source, rename):
    """A row for every clip that a synthesis source asks for; what it names twice comes once."""
    settings = itertools.product(source.voices, source.rates_wpm, source.pitches, source.words)
    for voice, rate, pitch, word in dict.fromkeys(settings):
        path = f"{SPOKEN}{rate}/{pitch}/{voice}:{word}"
        yield {
            "number": number, "path": path, "digest": "", "label": rename.get(word, word),
            "speaker": f"espeak-ng {voice}", "source": SYNTHESIS, "source_id": path,
            "language": voice.split("+")[0], "licence": None, "split": None,
        }  # fmt: skip


class _Digests:
    """Digests of files, known by size and time of change."""

    def __init__(self, file):
        self.file, self.changed = file, False
        table = pl.read_parquet(file) if file.exists() else pl.DataFrame(schema=_STAT)
        self.known = {row[0]: row[1:] for row in table.iter_rows()}

    def all_of(self, place):
        """True if files below `place` are known and none of them has changed or gone."""
        mine = [p for p in self.known if Path(p).is_relative_to(place)]
        try:
            return bool(mine) and all(_stat(p) == self.known[p][:2] for p in mine)
        except OSError:
            return False

    def digest(self, path):
        """24 hex digits of the file's bytes, or the KitError that says why there are none."""
        try:
            now = _stat(path)
            if self.known.get(path, ())[:2] == now:
                return self.known[path][2]
            with open(path, "rb") as file:
                found = hashlib.file_digest(file, _digest).hexdigest()
        except OSError as cause:
            reason = cause.strerror or str(cause)
            return KitError(f"{path} cannot be read", found=reason, code="unreadable")
        self.known[path], self.changed = (*now, found), True
        return found

    def save(self):
        if not self.changed:
            return
        rows = [(path, *facts) for path, facts in sorted(self.known.items())]
        write_table(self.file, pl.DataFrame(rows, schema=_STAT, orient="row"))


def _stat(path):
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


def _digest():
    return hashlib.blake2b(digest_size=12)
