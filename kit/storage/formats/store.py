"""A store: a folder with columns in one layout, written whole or not at all, read or explained."""

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np

from kit.errors import KitError
from kit.storage.formats import databases, files, tables
from kit.storage.formats.corpus import SAMPLES, as_columns, key_column, raw_bytes
from kit.storage.formats.layout import Layout

_META = "layout.json"
_KINDS = {  # kind -> (writer, reader)
    "wav": (files.write_sounds, files.Sounds),
    "flac": (files.write_sounds, files.Sounds),
    "tar": (files.write_tar, files.Tar),
    "npy": (files.write_arrays, files.Arrays),
    "csv": (tables.write_csv, tables.Csv),
    "parquet": (tables.write_parquet, tables.Parquet),
    "arrow": (tables.write_arrow, tables.Arrow),
    "delta": (tables.write_delta, tables.Delta),
    "sqlite": (databases.write_sqlite, databases.Sqlite),
    "duckdb": (databases.write_duckdb, databases.Duckdb),
}
_FULL = re.compile(r"no space left|disk is full|disk full|os error 28|out of disk", re.IGNORECASE)


def write_store(corpus, folder, layout, rate=16_000):
    """Write a corpus to `folder` (Path or text) in a Layout; returns the folder.

    corpus: see kit.storage.formats.as_columns. rate: Hz, for sound files. What is in `folder`
    stays whole until the new files are complete and synced to the disk; then it is replaced.
    Raises KitError "disk-full", "disk", "layout".
    """
    columns, folder = as_columns(corpus), Path(folder)
    if not layout.holds(columns):
        raise KitError(f"these columns cannot lie as {layout.name}", found=list(columns)[:5],
                       allowed="clips for sound files; a label to partition by",
                       code="layout", remedy="choose another layout")  # fmt: skip
    with _replacing(folder, raw_bytes(columns)) as part:
        _KINDS[layout.kind][0](part, layout, columns, rate)
        (part / _META).write_text(json.dumps(_meta(part, layout, columns)), encoding="utf-8")
        with ThreadPoolExecutor(16) as pool:  # together, so that one journal commit serves many
            list(pool.map(_sync, _files(part)))
    return folder


def open_store(folder):
    """The Store in `folder`. Raises KitError "missing", "truncated", "damaged"."""
    return Store(folder)


class Store:
    """A store, open for reading; a context manager.

    folder: Path. meta: dict with layout, rows, samples, columns (name -> dtype), sorted, key and
    files (name -> bytes). Methods give dicts of columns, equal to those that were written. A file
    that is gone, short or spoiled becomes a KitError "missing", "truncated" or "damaged" that
    names it; what lies in other files can still be read.
    """

    def __init__(self, folder):
        self.folder = _recovered(Path(folder))
        try:
            self.meta = json.loads((self.folder / _META).read_text(encoding="utf-8"))
            self.layout = Layout(**self.meta["layout"])
        except (OSError, ValueError, KeyError, TypeError) as cause:
            code = "missing" if isinstance(cause, FileNotFoundError) else "damaged"
            raise KitError(f"there is no readable store in {folder}", found=str(cause),
                           allowed=f"a folder with {_META}", code=code,
                           remedy="write it with write_store") from cause  # fmt: skip
        with self._guarded():
            self._reader = _KINDS[self.layout.kind][1](self.folder, self.meta)

    @property
    def rows(self):
        """Number of records."""
        return self.meta["rows"]

    def read(self, names=None):
        """dict of columns, all or those in `names`, of all records."""
        with self._guarded():
            found = self._reader.read(self._names(names))
            _check_rows(found, self.rows)
            return found

    def where(self, column, low, high=None, names=None):
        """dict of columns of the records with low <= column <= high; equal to low if high is None.

        They come in the order in which they were written.
        """
        self._names([column])
        with self._guarded():
            high = low if high is None else high
            return self._reader.where(column, low, high, self._names(names))

    def take(self, rows, names=None):
        """dict of columns of the records at `rows`, int[m], in this order."""
        rows = np.asarray(rows)
        if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu":
            raise KitError("rows are no list of places", found=rows, allowed="int[m]", code="rows")
        if rows.min() < 0 or rows.max() >= self.rows:
            raise KitError("there is no such record", found=int(max(rows.max(), -rows.min())),
                           allowed=f"0 to {self.rows - 1}", code="rows")  # fmt: skip
        with self._guarded():
            found = self._reader.take(rows, self._names(names))
            _check_rows(found, len(rows))
            return found

    def groups(self, column, low, high=None):
        """(row groups that a filtered read looks at, all row groups); layouts without: (1, 1)."""
        if not hasattr(self._reader, "groups_with"):
            return 1, 1
        some = self._reader.groups_with(column, low, low if high is None else high)
        return len(some), len(self._reader.starts) - 1

    def close(self):
        """Let go of the files."""
        self._reader.close()

    def __enter__(self):
        return self

    def __exit__(self, *fault):
        self.close()

    def _names(self, names):
        known = list(self.meta["columns"])
        for name in names or ():
            if name not in known:
                raise KitError("no such column", found=name, allowed=", ".join(known[:12]),
                               code="unknown")  # fmt: skip
        return known if names is None else list(names)

    @contextlib.contextmanager
    def _guarded(self):
        try:
            yield
        except MemoryError:
            raise
        except Exception as cause:
            if isinstance(cause, KitError) and cause.code in ("unknown", "rows"):
                raise
            raise _explained(self.folder, self.meta, cause) from cause


def bytes_on_disk(folder):
    """(bytes of all files of a store, bytes of the blocks that they occupy).

    Blocks are st_blocks of 512 B (POSIX stat), of files and folders; where the system has none,
    the size of the files.
    """
    folder = Path(folder)
    stats = [path.stat() for path in _files(folder)]
    every = [*stats, folder.stat(), *(p.stat() for p in folder.rglob("*") if p.is_dir())]
    size = sum(s.st_size for s in stats)
    return size, sum(s.st_blocks * 512 for s in every) if hasattr(every[0], "st_blocks") else size


def store_files(folder):
    """list of Path of all files of a store."""
    return _files(Path(folder))


def _meta(part, layout, columns):
    types = {n: f"int16x{v.shape[1]}" if n == SAMPLES else str(v.dtype) for n, v in columns.items()}
    return {
        "layout": asdict(layout),
        "rows": len(next(iter(columns.values()))),
        "samples": columns[SAMPLES].shape[1] if SAMPLES in columns else 0,
        "columns": types,
        "sorted": files.sorted_columns(columns),
        "key": key_column(columns),
        "files": {p.relative_to(part).as_posix(): p.stat().st_size for p in _files(part)},
    }


def _files(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file())


def _sync(path):
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _replacing(folder, need):
    """A fresh folder to fill; it takes the place of `folder` once nothing more can fail."""
    part = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        part = Path(
            tempfile.mkdtemp(prefix=f"{folder.name}.part-{os.getpid()}-", dir=folder.parent)
        )
        yield part
        part.chmod(0o755)
        _swap(part, folder)
    except Exception as cause:
        if part:
            shutil.rmtree(part, ignore_errors=True)
        raise _write_fault(folder, need, cause) from cause
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _sweep(folder):
    """Remove what writers left that were killed."""
    import psutil

    for part in folder.parent.glob(f"{folder.name}.part-*-*"):
        if not psutil.pid_exists(int(part.name.rsplit("-", 2)[1])):
            shutil.rmtree(part, ignore_errors=True)


def _swap(part, folder):
    """Two renames; a kill between them is mended by `_recovered`."""
    old = _set_aside(_recovered(folder))
    if old.exists():
        shutil.rmtree(old)
    if folder.exists():
        folder.rename(old)
    try:
        part.rename(folder)
    except OSError:
        _recovered(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _set_aside(folder):
    return folder.with_name(f"{folder.name}.old")


def _recovered(folder):
    if not folder.exists() and _set_aside(folder).exists():
        _set_aside(folder).rename(folder)
    return folder


def _write_fault(folder, need, cause):
    if isinstance(cause, KitError):
        return cause
    free, number = shutil.disk_usage(folder.parent).free, getattr(cause, "errno", None)
    full = number in (errno.ENOSPC, errno.EDQUOT) or (number is None and free < need)
    kept = "what was there before is whole" if folder.exists() else "nothing was left behind"
    if full or _FULL.search(str(cause)):
        return KitError(
            f"the disk is full: {folder.name} could not be written, {kept}",
            found=f"{free / 1e6:.3g} MB free on the disk of {folder.parent}",
            allowed=f"room for {need / 1e6:.3g} MB of plain data beside the old files",
            remedy=f"free {max(need - free, need / 10) / 1e6:.3g} MB there, or give another folder",
            code="disk-full",
        )
    return KitError(f"{folder.name} could not be written, {kept}", found=str(cause)[:300],
                    allowed="a folder on a disk that can be written", code="disk",
                    remedy="check the folder and its rights")  # fmt: skip


def _explained(folder, meta, cause):
    """The KitError for a read that failed: which file, what it should be."""
    sizes = {name: _size(folder / name) for name in meta["files"]}
    gone = [n for n, size in sizes.items() if size is None]
    short = [n for n, size in sizes.items() if size is not None and size != meta["files"][n]]
    whole = f"{len(sizes) - len(gone) - len(short)} of {len(sizes)} files have their size"
    remedy = f"restore it or write the store again from its source; {whole}"
    if gone:
        return KitError(f"{folder.name}: a file is missing", found=f"no {gone[0]}", code="missing",
                        allowed=f"{meta['files'][gone[0]]} bytes", remedy=remedy)  # fmt: skip
    if short:
        return KitError(f"{folder.name}: {short[0]} has the wrong size", code="truncated",
                        found=f"{sizes[short[0]]} bytes", remedy=remedy,
                        allowed=f"{meta['files'][short[0]]} bytes")  # fmt: skip
    told = f"{type(cause).__name__}: {cause}"
    return KitError(f"{folder.name}: a file is damaged", found=told, code="damaged",
                    allowed="the bytes that were written", remedy=remedy)  # fmt: skip


def _size(path):
    return path.stat().st_size if path.exists() else None


def _check_rows(found, rows):
    for name, values in found.items():
        if len(values) != rows:
            raise KitError(f"column {name} has lost records", found=len(values), allowed=rows,
                           code="damaged")  # fmt: skip
