"""Shards: clips that travel together, named by all that they were made from.

A shard is a folder, written under another name and renamed when whole, so it is there or it is
not. Its name is a hash of the items, of the parameters of the passes and of their code: a second
run finds it, and a run with any other input does not.
"""

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from kit.errors import KitError


def digest(value):
    """24 hex digits of a value that JSON can hold; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def assign(names, weights, most):
    """list of lists of places: groups of items whose weights add up to `most` at most.

    names: list of str, all different. Items are grouped by the first bits of a hash of the name,
    as many bits as it takes: a new item changes its own group only. An item heavier than `most`
    gets a group of its own.
    """
    bits = [_bits(name) for name in names]
    groups, waiting = [], [(list(range(len(names))), 0)]
    while waiting:
        places, depth = waiting.pop()
        if sum(weights[p] for p in places) <= most or len(places) == 1:
            groups.append(places)
            continue
        for bit in (1, 0):  # so that 0 comes off the stack first
            waiting.append(([p for p in places if bits[p] >> (63 - depth) & 1 == bit], depth + 1))
    return [g for g in groups if g]


def _bits(name):
    raw = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(raw, "big")


@contextlib.contextmanager
def writing(folder):
    """Gives a fresh folder (Path) to fill; it becomes `folder` if nothing was raised.

    Raises KitError "disk" for an OSError inside, such as a full disk.
    """
    folder = Path(folder)
    with on_disk(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    try:
        with on_disk(folder):
            yield fresh
            fresh.chmod(0o755)
            _place(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _place(fresh, folder):
    try:
        os.rename(fresh, folder)
    except OSError as cause:
        if cause.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise  # else another worker made the same shard: equal name, equal content


@contextlib.contextmanager
def on_disk(place):
    """Turns an OSError, as of a disk that is full, read-only or gone, into a KitError "disk"."""
    try:
        yield
    except OSError as cause:  # NumPy tells of a full disk without an errno
        raise KitError(
            f"{place} cannot be written",
            found=str(cause),
            remedy="free some disk or choose another output, and run the same command again: "
            "finished shards are kept",
            code="disk",
        ) from cause


def write_file(path, content):
    """Write str or bytes to `path`, whole or not at all."""
    path, data = Path(path), content.encode() if isinstance(content, str) else content
    with on_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with open(handle, "wb") as file:
                file.write(data)
            os.chmod(fresh, 0o644)  # a temporary file is for its owner alone
            os.replace(fresh, path)
        finally:
            Path(fresh).unlink(missing_ok=True)


def write_table(path, table, **how):
    """Write a polars table as Parquet to `path`, whole or not at all; how: see write_parquet."""
    buffer = io.BytesIO()  # polars itself tells of a full disk as if the computation had failed
    table.write_parquet(buffer, **how)
    write_file(path, buffer.getbuffer())


def remove(folder):
    """Remove a shard, if it is there; a kill leaves nothing that looks like one."""
    if folder.exists():
        gone = folder.rename(folder.with_name(f".new-{folder.name}"))
        shutil.rmtree(gone)


def sweep(folder):
    """Remove what a killed run left half written below `folder`; call it under the lock."""
    for left in [*Path(folder).glob("**/.new-*")]:
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


class Waveforms:
    """Clips in several .npy files, read when asked for: waves[places] is int16[n, samples].

    files: list of paths. rows: list of (number of the file, row in it), one a clip. A memory map
    would count every page it touches; this reads the rows alone.
    """

    def __init__(self, files, rows):
        self.files, self.rows = files, np.asarray(rows, np.int64).reshape(-1, 2)
        self.heads = {}

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, places):
        wanted = self.rows[places]
        out = None
        for number in np.unique(wanted[:, 0]):
            start, samples = self._head(number)
            mine = np.flatnonzero(wanted[:, 0] == number)
            if out is None:
                out = np.zeros((len(wanted), samples), np.int16)
            with open(self.files[number], "rb") as file:
                for place in mine:
                    file.seek(start + int(wanted[place, 1]) * samples * 2)
                    out[place] = np.fromfile(file, "<i2", samples)
        return np.zeros((0, 0), np.int16) if out is None else out

    def _head(self, number):
        """(first byte, samples a clip) of a file."""
        if number not in self.heads:
            with open(self.files[number], "rb") as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0
                if version != (1, 0):
                    raise KitError(f"{self.files[number]} is not of this compiler", code="changed")
                shape, _, kind = read(file)
                if kind != np.dtype("<i2") or len(shape) != 2:
                    raise KitError(f"{self.files[number]} holds no clips", found=shape)
                self.heads[number] = file.tell(), shape[1]
        return self.heads[number]
