"""A store that names things by their content: what DVC and Git do, in a few lines to read.

objects/ab/cdef... holds bytes under their SHA-256; equal bytes are kept once. A folder becomes a
manifest: a list of paths, digests and sizes, itself named by its content, in manifests/. What no
manifest names is garbage. Every file is written under another name and renamed when whole.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from kit.errors import KitError

_CHUNK = 1 << 20
_MANIFEST = {"path": pl.String, "digest": pl.String, "size": pl.Int64}
_BESIDE = (
    ("keep a folder", "store.put(folder)", "dvc add data/"),
    ("its short name, for Git", "the digest that put returns", "data.dvc, with md5 and size"),
    ("what the name stands for", "store.manifest(digest)", ".dvc/cache/files/md5/..dir (JSON)"),
    ("bring it back", "store.get(digest, to)", "dvc checkout data.dvc"),
    ("another version", "store.get(older, to)", "git checkout REV data.dvc && dvc checkout"),
    ("is every byte still right", "store.verify()", "dvc status (by new time or size)"),
    ("forget a version", "store.forget(digest)", "git branch -D, git tag -d"),
    ("free the disk", "store.collect()", "dvc gc --workspace --all-commits"),
    ("copy to another place", "cp -r: no file ever changes", "dvc push / dvc pull"),
)


@dataclass(frozen=True)
class Collected:
    """Garbage that `collect` found. digests: of the objects. size_mb: 1e6 bytes. dry_run: kept."""

    digests: tuple
    size_mb: float
    dry_run: bool


class Content:
    """A content-addressed store in a folder, made on first use. Digests are 64 hex digits."""

    def __init__(self, place):
        self.place = Path(place)
        self.objects, self.manifests = self.place / "objects", self.place / "manifests"

    def put(self, thing):
        """Digest of bytes, of a file, or of the manifest of a folder, stored.

        A file is hashed while it is copied, so the name is that of what was stored. Empty folders
        and permissions are not kept, as in Git. Raises KitError "missing", "link" for a link or a
        special file in the folder, which would point elsewhere on another machine, "disk".
        """
        if isinstance(thing, bytes | bytearray | memoryview):
            return self._store([bytes(thing)])[0]
        thing = Path(thing)
        if thing.is_dir():
            return self._put_folder(thing)
        if not thing.is_file():
            raise KitError("nothing is here to store", found=str(thing), code="missing",
                           allowed="bytes, a file or a folder")  # fmt: skip
        return self._store(_chunks(thing))[0]

    def get(self, digest, to=None):
        """Bytes of an object; or Path `to`, where a file, or a whole folder, is written.

        to: must not exist; it appears when it is whole. Raises KitError "unknown", "corrupt" if
        bytes no longer fit their name, "exists".
        """
        if to is None:
            return self._read(digest)
        to = Path(to)
        if to.exists() or to.is_symlink():
            raise KitError("something is there already", found=str(to), code="exists",
                           remedy="choose another place, or move it away")  # fmt: skip
        to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=to.parent, prefix=".new-") as fresh:
            whole = Path(fresh) / "it"
            if self._manifest_file(digest).exists():
                self._fill(digest, whole)
            else:
                whole.write_bytes(self._read(digest))
            os.rename(whole, to)
        return to

    def manifest(self, digest):
        """polars table of path (relative, with /), digest, size (bytes) of a folder that was put.

        Raises KitError "unknown", "corrupt".
        """
        file = self._manifest_file(digest)
        if not file.exists():
            raise KitError("no such manifest", found=digest, code="unknown",
                           allowed=f"{len(self._names())} are here")  # fmt: skip
        return pl.DataFrame(json.loads(_verified(file, digest)), _MANIFEST, orient="row")

    def verify(self):
        """polars table of what is wrong: digest, kind (corrupt, missing), paths that need it.

        Every object and manifest is read and hashed. Empty is good.
        """
        wrong, needed = {}, {}
        for name in self._names():
            try:
                for path, digest, _ in self.manifest(name).iter_rows():
                    needed.setdefault(digest, []).append(path)
            except KitError:
                wrong[name] = "corrupt"
        for digest, file in self._all().items():
            if _digest(file) != digest:
                wrong[digest] = "corrupt"
            needed.setdefault(digest, [])
        wrong |= dict.fromkeys(needed.keys() - self._all().keys(), "missing")
        rows = [(d, kind, sorted(set(needed.get(d, [])))) for d, kind in sorted(wrong.items())]
        kinds = {"digest": pl.String, "kind": pl.String, "paths": pl.List(pl.String)}
        return pl.DataFrame(rows, kinds, orient="row")

    def forget(self, digest):
        """Removes the manifest `digest`; its objects go with the next `collect`."""
        self.manifest(digest)
        self._manifest_file(digest).unlink()

    def collect(self, dry_run=True, grace_s=3600):
        """Collected: objects that no manifest names, removed unless dry_run.

        grace_s: objects younger than this stay: a `put` at work stores them before its manifest.
        Raises KitError "corrupt" for a manifest that cannot be read: what it names is not known.
        """
        live = {d for name in self._names() for d in self.manifest(name)["digest"]}
        old = time.time() - grace_s
        dead = {d: f for d, f in self._all().items() if d not in live and f.stat().st_mtime <= old}
        size = sum(f.stat().st_size for f in dead.values())
        for file in dead.values() if not dry_run else ():
            file.unlink(missing_ok=True)
        return Collected(tuple(sorted(dead)), size / 1e6, dry_run)

    def _put_folder(self, folder):
        rows = []
        for file in sorted(folder.rglob("*")):
            if file.is_symlink() or not (file.is_dir() or file.is_file()):
                raise KitError("a folder to store holds a link or a special file", code="link",
                               found=str(file), remedy="replace it by a copy")  # fmt: skip
            if file.is_file():
                rows.append((file.relative_to(folder).as_posix(), *self._store(_chunks(file))))
        raw = json.dumps(sorted(rows)).encode()
        digest = hashlib.sha256(raw).hexdigest()
        with _writing(self._manifest_file(digest)) as out:
            out.write(raw)
        return digest

    def _store(self, chunks):
        """(digest, size) of bytes that came in chunks."""
        self.objects.mkdir(parents=True, exist_ok=True)
        known, size = hashlib.sha256(), 0
        with _disk(self.place), tempfile.NamedTemporaryFile(dir=self.objects, prefix=".new-",
                                                            delete=False) as out:  # fmt: skip
            try:
                for chunk in chunks:
                    out.write(chunk)
                    known.update(chunk)
                    size += len(chunk)
                out.flush()
                self._settle(Path(out.name), self._object_file(known.hexdigest()))
            finally:
                Path(out.name).unlink(missing_ok=True)
        return known.hexdigest(), size

    def _settle(self, fresh, file):
        file.parent.mkdir(exist_ok=True)
        os.replace(fresh, file)  # also over an equal one: it is young again, and whole

    def _fill(self, digest, folder):
        folder.mkdir()
        for path, name, _ in self.manifest(digest).iter_rows():
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                raise KitError("a manifest leaves its folder", found=path, code="path")
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(self._read(name))

    def _read(self, digest):
        file = self._object_file(digest)
        if not file.exists():
            raise KitError("no such object", found=digest, code="unknown",
                           allowed=f"{len(self._all())} are here")  # fmt: skip
        return _verified(file, digest)

    def _object_file(self, digest):
        return self.objects / _checked(digest)[:2] / digest[2:]

    def _manifest_file(self, digest):
        return self.manifests / f"{_checked(digest)}.json"

    def _names(self):
        return sorted(f.stem for f in self.manifests.glob("*.json"))

    def _all(self):
        """dict of digest -> file of every object."""
        return {f.parent.name + f.name: f for f in self.objects.glob("??/*")}


def dvc_beside():
    """polars table of operation, ours, dvc: the same deed here and on DVC's command line.

    DVC 3 user guide, dvc.org/doc/command-reference. It names objects by MD5.
    """
    return pl.DataFrame(_BESIDE, ["operation", "ours", "dvc"], orient="row")


def _checked(digest):
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise KitError("no digest", found=digest, allowed="64 hex digits, as put returns them",
                       code="digest")  # fmt: skip
    return digest


def _verified(file, digest):
    raw = file.read_bytes()
    if hashlib.sha256(raw).hexdigest() != digest:
        raise _corrupt(digest)
    return raw


def _corrupt(digest):
    return KitError("stored bytes no longer fit their name", found=digest, code="corrupt",
                    remedy="put the original again, or fetch it from a copy")  # fmt: skip


def _chunks(file):
    with open(file, "rb") as raw:
        while chunk := raw.read(_CHUNK):
            yield chunk


def _digest(file):
    known = hashlib.sha256()
    for chunk in _chunks(file):
        known.update(chunk)
    return known.hexdigest()


@contextlib.contextmanager
def _disk(place):
    try:
        yield
    except OSError as cause:
        raise KitError(f"{place} cannot be written", found=str(cause), code="disk",
                       remedy="free some disk, or choose another folder") from cause  # fmt: skip


@contextlib.contextmanager
def _writing(file):
    """Open file that becomes `file` when whole."""
    with _disk(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".new-") as fresh:
            with open(Path(fresh) / "it", "wb") as out:
                yield out
            shutil.move(Path(fresh) / "it", file)
