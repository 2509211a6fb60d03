"""Columns in one SQLite or DuckDB file."""

import sqlite3
from contextlib import closing

import numpy as np

from kit.storage.formats.arrays import from_arrow, to_arrow
from kit.storage.formats.corpus import ROW, SAMPLES, key_column

# never fetch an extension: there may be no network, and it would be other people's code
_OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def quoted(name):
    """A name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def write_sqlite(folder, layout, columns, rate):
    """data.sqlite: a record a row, a clip a BLOB, an index on the column that is looked for."""
    names, key = ", ".join(map(quoted, columns)), key_column(columns)
    values = [_plain(name, v) for name, v in columns.items()]
    marks = ", ".join("?" * (len(columns) + 1))
    with closing(sqlite3.connect(folder / "data.sqlite")) as base, base:
        base.execute(f"CREATE TABLE data ({ROW} INTEGER PRIMARY KEY, {names})")
        rows = range(len(values[0]))
        base.executemany(f"INSERT INTO data VALUES ({marks})", zip(rows, *values, strict=True))
        if key:
            base.execute(f"CREATE INDEX lookup ON data ({quoted(key)})")


def _plain(name, values):
    return [clip.tobytes() for clip in values] if name == SAMPLES else values.tolist()


class Sqlite:
    """Reader of a SQLite file."""

    def __init__(self, folder, meta):
        self.types, self.width = meta["columns"], meta["samples"]
        path = (folder / "data.sqlite").resolve().as_uri()
        self.base = sqlite3.connect(f"{path}?mode=ro", uri=True, check_same_thread=False)
        self.base.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def _ask(self, names, rest="", values=()):
        what = ", ".join(map(quoted, names))
        found = self.base.execute(f"SELECT {what} FROM data {rest}", values).fetchall()
        columns = zip(*found, strict=True) if found else ([] for _ in names)
        return {n: self._array(n, c) for n, c in zip(names, columns, strict=True)}

    def _array(self, name, values):
        if name == SAMPLES:
            return np.frombuffer(bytearray(b"".join(values)), np.int16).reshape(-1, self.width)
        if self.types[name] == "object":
            out = np.empty(len(values), object)
            out[:] = values
            return out
        if self.types[name].startswith("float"):  # SQLite has no NaN and stores null
            return np.array(values, float).astype(self.types[name])
        return np.array(values, self.types[name])

    def read(self, names):
        """As files.Sounds.read."""
        return self._ask(names, f"ORDER BY {ROW}")

    def where(self, column, low, high, names):
        """As files.Sounds.where."""
        low, high = (x.item() if hasattr(x, "item") else x for x in (low, high))
        rest = f"WHERE {quoted(column)} BETWEEN ? AND ? ORDER BY {ROW}"
        return self._ask(names, rest, (low, high))

    def take(self, rows, names):
        """As files.Sounds.take."""
        rows = np.asarray(rows)
        wanted, back = np.unique(rows, return_inverse=True)
        listed = ", ".join(map(str, wanted.tolist()))
        found = self._ask(names, f"WHERE {ROW} IN ({listed}) ORDER BY {ROW}")
        return {n: v[back] for n, v in found.items()}

    def close(self):
        """Close the file."""
        self.base.close()


def write_duckdb(folder, layout, columns, rate):
    """data.duckdb: one table, checkpointed, so that no log is left beside it."""
    import duckdb

    given = to_arrow(columns, layout.as_list, ROW)
    with duckdb.connect(config=_OFFLINE) as base:
        path = str(folder / "data.duckdb").replace("'", "''")
        if layout.codec == "none":
            base.execute("SET force_compression = 'uncompressed'")
        base.execute(f"ATTACH '{path}' AS file (ROW_GROUP_SIZE {layout.rows_a_group})")
        base.register("given", given)
        base.execute("CREATE TABLE file.data AS SELECT * FROM given")
        base.execute("CHECKPOINT file")
        base.execute("DETACH file")


class Duckdb:
    """Reader of a DuckDB file; scans keep the order of insertion (preserve_insertion_order)."""

    def __init__(self, folder, meta):
        import duckdb

        self.types = meta["columns"]
        self.base = duckdb.connect(str(folder / "data.duckdb"), read_only=True, config=_OFFLINE)

    def _ask(self, names, rest="", values=()):
        what = ", ".join([ROW, *map(quoted, names)])
        # a cursor of its own: threads may ask at once
        found = self.base.cursor().sql(f"SELECT {what} FROM data {rest}", params=list(values))
        return found.to_arrow_table()

    def read(self, names):
        """As files.Sounds.read."""
        return from_arrow(self._ask(names), names, self.types)

    def where(self, column, low, high, names):
        """As files.Sounds.where."""
        low, high = (x.item() if hasattr(x, "item") else x for x in (low, high))
        rest = f"WHERE {quoted(column)} BETWEEN ? AND ?"
        return from_arrow(self._ask(names, rest, (low, high)), names, self.types)

    def take(self, rows, names):
        """As files.Sounds.take."""
        rows = np.asarray(rows)
        listed = ", ".join(map(str, np.unique(rows).tolist()))
        table = self._ask(names, f"WHERE {ROW} IN ({listed}) ORDER BY {ROW}")
        table = table.take(np.searchsorted(table[ROW].to_numpy(), rows)).combine_chunks()
        return from_arrow(table, names, self.types)

    def close(self):
        """Close the file."""
        self.base.close()
