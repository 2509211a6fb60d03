"""What one flipped bit does to each layout: noticed, harmless, or other data without a word."""

import tempfile
from pathlib import Path

import numpy as np

from kit.errors import KitError
from kit.measure.disk import writable
from kit.quantities import quantity
from kit.storage.formats.corpus import as_columns, same
from kit.storage.formats.layout import layouts as usual
from kit.storage.formats.store import open_store, store_files, write_store


def flips(corpus, layouts=None, times=40, folder=None, seed=0):
    """Flip single bits of stores and read them: polars table, a row a layout.

    corpus: as in `measure`; some dozens of records will do. layouts: list of Layout; by default
    all that suit it. times: bits flipped in each, one at a time, every byte of the data files as
    likely as any other (layout.json is spared: it is not part of the layout). folder: for scratch.

    Columns: name, flips, noticed (KitError), silent (other data were returned), harmless (the same
    data), silent_share (0 to 1).
    """
    import polars as pl

    quantity("times", times, "count")
    columns = as_columns(corpus)
    chosen = usual(columns) if layouts is None else layouts
    with writable(folder) as root, tempfile.TemporaryDirectory(prefix="kit-", dir=root) as tmp:
        rows = []
        for layout in chosen:
            place = write_store(columns, Path(tmp, "store"), layout)
            rng = np.random.default_rng(seed)
            found = [_flip(place, columns, rng) for _ in range(times)]
            counts = {what: found.count(what) for what in ("noticed", "silent", "harmless")}
            share = counts["silent"] / times
            rows.append({"name": layout.name, "flips": times} | counts | {"silent_share": share})
    return pl.DataFrame(rows)


def _flip(place, columns, rng):
    """What became of one flipped bit; the file is mended afterwards."""
    files = [p for p in store_files(place) if p.name != "layout.json"]
    sizes = np.array([p.stat().st_size for p in files])
    path = files[rng.choice(len(files), p=sizes / sizes.sum())]
    data = path.read_bytes()
    spoiled = bytearray(data)
    spoiled[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    path.write_bytes(spoiled)
    try:
        with open_store(place) as store:
            return "harmless" if same(store.read(), columns) else "silent"
    except KitError:
        return "noticed"
    finally:
        path.write_bytes(data)
