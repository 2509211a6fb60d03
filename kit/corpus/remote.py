"""A mirror of a remote folder of sound files: every file is here and right, or has its reason.

The SHA-256 of the manifest decides, whatever a server says. A file appears under its name whole
or not at all.
"""

import contextlib
import errno
import hashlib
import os
import re
import uuid
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import polars as pl

from kit.corpus.client import Breaker, Client, Fault, Retry, chunks, shown
from kit.errors import KitError
from kit.frontend import show_progress

__all__ = ["Breaker", "Mirrored", "Retry", "mirror"]

_USUAL = Retry()
_LETTERS = {"path": pl.String, "code": pl.String, "message": pl.String}
_MANIFEST_BYTES = 64 * 2**20  # half a million lines; a server may send for ever
_PREFIX, _SUFFIX = ".mirror-", ".part"  # of temporary names
_NO_PLACE = {  # the path cannot be made; all else means that the disk cannot be written
    errno.EEXIST, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG,
    errno.ENOTDIR,
}  # fmt: skip


class Mirrored(NamedTuple):
    """What `mirror` returns: lines of the manifest = files + letters.

    files: list of Path, here and right, in the order of the manifest. letters: table of path,
    code and message, one row a file that could not be had. attempts: requests tried.
    """

    files: list
    letters: pl.DataFrame
    attempts: int


def mirror(url, folder, manifest="manifest.tsv", retry=_USUAL, progress=None):
    """Fetch the files that `url`/`manifest` names into `folder`; return Mirrored.

    url: http or https address of the remote folder. manifest: lines of SHA-256, size in bytes and
    relative path, with tabs between; a line that starts with # is a comment. A file that is here
    and right is kept and not asked for; no other file is touched. Run again for what is missing.
    progress: show a bar; default where a person looks on.

    Codes of letters: unreachable, timeout, truncated, too-long, corrupt, circuit-open (not asked
    for), unsafe-path, and bad-manifest, where the path is the number of the line.
    Raises KitError "unreachable" or "bad-manifest" if there is no manifest to go by, "disk" if
    nothing can be written.
    """
    root, files, letters = Path(folder), [], []
    with Client(url, retry) as client, _disk(root):
        rows = _manifest(client, manifest)
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        for row in _bar(rows, progress):
            try:
                files.append(_bring(client, row, root))
            except Fault as fault:
                letters.append({"path": row.path, "code": fault.code, "message": str(fault)})
    return Mirrored(files, pl.DataFrame(letters, schema=_LETTERS), client.requests)


class _Row(NamedTuple):
    """A line of the manifest. fault: why it names no file; path is then its number."""

    path: str
    digest: str = ""
    size: int = 0
    fault: Fault | None = None


def _manifest(client, name):
    """list of _Row, one a line that is neither empty nor a comment."""

    def body(response):
        return b"".join(chunks(name, response, _MANIFEST_BYTES))

    code = "bad-manifest"
    try:
        rows = _rows(client.ask(name, body).decode("utf-8-sig"))
        if any(row.fault is None for row in rows):
            return rows
        found = "no line that names a file"
    except UnicodeDecodeError as cause:
        found = str(cause)
    except Fault as fault:
        found, code = fault.found, code if fault.code == "too-long" else "unreachable"
    raise KitError(
        f"there is no manifest to go by at {shown(client.base)}/{name}",
        found=found,
        allowed="UTF-8 text with lines of SHA-256, bytes and path, tabs between",
        remedy="check address and network, then run again; files that are here are kept",
        code=code,
    )


def _rows(text):
    lines, seen = enumerate(text.split("\n"), 1), {}  # splitlines would cut a name at U+2028
    return [
        _row(number, line.removesuffix("\r"), seen)
        for number, line in lines
        if line.strip() and not line.startswith("#")
    ]


def _row(number, line, seen):
    """_Row of a line. seen: dict of path -> number of its line, filled here."""
    name = f"line {number}"
    parts = re.fullmatch(r"([0-9a-fA-F]{64})\t([0-9]{1,15})\t([^\t]+)", line)
    if not parts:
        allowed = "SHA-256, bytes and path, tabs between"
        return _Row(name, fault=Fault("bad-manifest", name, line, allowed))
    path = str(PurePosixPath(parts[3]))  # ./a and a//b are a and a/b
    if seen.setdefault(path, number) != number:
        allowed = f"every path once; line {seen[path]} has it too"
        return _Row(name, fault=Fault("bad-manifest", name, path, allowed))
    return _Row(path, parts[1].lower(), int(parts[2]))


def _bring(client, row, root):
    """Path of the file of `row`, fetched unless it is here and right."""
    if row.fault:
        raise row.fault
    try:
        target = _place(root, row.path)
        if not _is_right(target, row):
            client.ask(row.path, partial(_save, row, root, target))
    except OSError as cause:
        if cause.errno not in _NO_PLACE:
            raise
        raise Fault("unsafe-path", row.path, cause.strerror) from cause
    return target


def _place(root, path):
    """Path below `root`, by whatever links; Fault "unsafe-path" otherwise."""
    plain = PurePosixPath(path)
    fault = Fault("unsafe-path", path, allowed="a relative path of a file below the folder")
    ours = plain.name.startswith(_PREFIX) and plain.name.endswith(_SUFFIX)
    if not plain.parts or plain.is_absolute() or ".." in plain.parts or "\\" in path or ours:
        raise fault
    target = root / plain
    try:
        inside = target.resolve().is_relative_to(root.resolve())
    except (RuntimeError, ValueError) as cause:  # a circle of links; a zero byte
        raise fault from cause
    if not inside or target.is_dir():
        raise fault
    return target


def _is_right(target, row):
    if target.is_symlink() or not target.is_file() or target.stat().st_size != row.size:
        return False
    with open(target, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == row.digest


def _save(row, root, target, response):
    """Body of the response to `target`, by way of a temporary file; raises Fault."""
    digest, size = hashlib.sha256(), 0
    with _scratch(root) as scratch:
        with open(scratch, "xb") as file:
            _is_free(file)  # locks it
            for chunk in chunks(row.path, response, row.size):
                digest.update(chunk)
                size += file.write(chunk)
        if digest.hexdigest() != row.digest:
            coding = response.headers.get("Content-Encoding")
            found = f"{size} bytes" + f", sent as {coding} unasked" * bool(coding)
            code = "truncated" if size < row.size else "corrupt"
            raise Fault(code, row.path, found, f"{row.size} bytes of its SHA-256", again=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(scratch, target)


@contextlib.contextmanager
def _scratch(root):
    """Path of a new temporary file, gone at the end."""
    path = root / f"{_PREFIX}{uuid.uuid4().hex}{_SUFFIX}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _sweep(root):
    """Remove what a killed run left, not what another run is writing now."""
    for path in root.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            with open(path, "rb") as file:
                free = _is_free(file)
            if free:
                path.unlink()


def _is_free(file):
    """True if no other run holds the lock of the open `file`; it is held now. A kill frees it."""
    try:
        import fcntl
    except ImportError:  # Windows, where an open file cannot be removed anyway
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _disk(root):
    try:
        yield
    except OSError as cause:
        raise KitError(
            f"cannot write to {root}",
            found=cause.strerror or str(cause),
            remedy="free some disk, or give a folder that you may write; then run again",
            code="disk",
        ) from cause


def _bar(rows, progress):
    from tqdm.auto import tqdm

    hidden = not (show_progress() if progress is None else progress)
    return tqdm(rows, unit="file", disable=hidden, leave=False)
