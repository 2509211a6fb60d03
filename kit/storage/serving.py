"""Where features are looked up while a model answers: SQLite in a file, or a Redis server.

Both keep, for a key and a feature, its newest value, when it is of, and what defined it. An older
value never replaces a newer one, whoever comes last.
"""

import contextlib
import json
import os
import sqlite3
import threading
from pathlib import Path

from kit.errors import KitError

_AT_ONCE = 500  # keys of one question; SQLite takes 32 766 parameters at most
_WAIT_S = 10.0
_TABLE = """CREATE TABLE IF NOT EXISTS online (
    key TEXT, feature TEXT, time INTEGER, definition TEXT, value TEXT,
    PRIMARY KEY (key, feature)) WITHOUT ROWID"""
_UPSERT = """INSERT INTO online VALUES (?, ?, ?, ?, ?) ON CONFLICT (key, feature) DO UPDATE
    SET time = excluded.time, definition = excluded.definition, value = excluded.value
    WHERE excluded.time >= time"""
_LUA = """local old = redis.call('HGET', KEYS[1], ARGV[1])
if old and tonumber(string.match(old, '^%[(%-?%d+)')) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1"""


def open_online(url, place, name):
    """SqliteOnline or RedisOnline for `url`: redis://host:port/0, or "" for SQLite in `place`.

    url: that of KIT_ONLINE_URL if None. name: what the keys of this store begin with in Redis.
    Raises KitError "online-url", "no-redis".
    """
    url = os.environ.get("KIT_ONLINE_URL", "") if url is None else url
    if not url:
        return SqliteOnline(Path(place) / "online.sqlite")
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise KitError("no such online store", found=url, code="online-url",
                       allowed="redis://host:6379/0, or nothing for SQLite")  # fmt: skip
    return RedisOnline(url, name)


class SqliteOnline:
    """A table in one file. A write is one transaction: after a kill all of it is there, or none.

    Readers do not wait for writers; a second writer waits up to 10 s, then KitError "busy".
    """

    kind = "sqlite"

    def __init__(self, file):
        self.file, self._own = Path(file), threading.local()

    def write(self, feature, definition, rows):
        """Keeps rows, (key, time in us, value as JSON) each, of a feature. Raises KitError "busy",
        "online-broken"."""
        full = [(key, feature, time, definition, value) for key, time, value in rows]
        with self._base() as base:
            base.execute("BEGIN IMMEDIATE")
            base.executemany(_UPSERT, full)
            base.execute("COMMIT")

    def read(self, features, keys):
        """list a key of list a feature of (time in us, definition, value), or None."""
        marks = ", ".join("?" * len(features))
        found = {}
        with self._base() as base:
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                sql = f"""SELECT key, feature, time, definition, value FROM online
                    WHERE key IN ({", ".join("?" * len(part))}) AND feature IN ({marks})"""
                for key, feature, time, definition, value in base.execute(sql, (*part, *features)):
                    found[key, feature] = time, definition, json.loads(value)
        return [[found.get((key, feature)) for feature in features] for key in keys]

    @contextlib.contextmanager
    def _base(self):
        """This thread's connection; what SQLite raises inside becomes a KitError."""
        try:
            if getattr(self._own, "process", None) != os.getpid():  # also after a fork
                self._own.base, self._own.process = self._connected(), os.getpid()
            yield self._own.base
        except sqlite3.OperationalError as cause:
            self._undo()
            raise KitError(
                f"{self.file} is in use or cannot be written", found=str(cause), code="busy",
                remedy="wait for the other writer, free some disk, and call again",
            ) from cause  # fmt: skip
        except sqlite3.DatabaseError as cause:
            self._undo()
            raise KitError(
                f"{self.file} is no online store", found=str(cause), code="online-broken",
                remedy="remove the file and materialise again: the offline history has all of it",
            ) from cause  # fmt: skip

    def _connected(self):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        base = sqlite3.connect(self.file, timeout=_WAIT_S, isolation_level=None)
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")
        base.execute(_TABLE)
        return base

    def _undo(self):
        if getattr(self._own, "base", None) and self._own.base.in_transaction:
            self._own.base.execute("ROLLBACK")


class RedisOnline:
    """Hashes on a Redis server, one a key. A write is atomic for each key, not for all of them:
    after a kill some keys are newer than others, and writing again makes them agree."""

    kind = "redis"

    def __init__(self, url, name):
        try:
            import redis
        except ImportError as cause:
            raise KitError("the Redis client is not installed", found=url, code="no-redis",
                           remedy="install redis, or unset KIT_ONLINE_URL") from cause  # fmt: skip
        try:
            self.base = redis.Redis.from_url(
                url, decode_responses=True, socket_timeout=_WAIT_S, socket_connect_timeout=_WAIT_S
            )
        except ValueError as cause:
            raise KitError("no address of a Redis server", found=url, code="online-url",
                           allowed="redis://host:6379/0") from cause  # fmt: skip
        self.name, self._put = name, self.base.register_script(_LUA)

    def write(self, feature, definition, rows):
        """As SqliteOnline.write. Raises KitError "online-down"."""
        rows = list(rows)
        for start in range(0, len(rows), _AT_ONCE):
            with self._reached(), self.base.pipeline(transaction=False) as batch:
                for key, time, value in rows[start : start + _AT_ONCE]:
                    text = f"[{time},{json.dumps(definition)},{value}]"
                    self._put(keys=[self._key(key)], args=[feature, time, text], client=batch)
                batch.execute()

    def read(self, features, keys):
        """As SqliteOnline.read."""
        with self._reached():
            if len(keys) == 1:
                found = [self.base.hmget(self._key(keys[0]), features)]
            else:
                with self.base.pipeline(transaction=False) as batch:
                    for key in keys:
                        batch.hmget(self._key(key), features)
                    found = batch.execute()
        return [[_parts(text) for text in row] for row in found]

    def _key(self, key):
        return f"kit:{self.name}:{key}"

    @contextlib.contextmanager
    def _reached(self):
        import redis

        try:
            yield
        except redis.exceptions.RedisError as cause:
            raise KitError(
                "the Redis server cannot be used", found=str(cause), code="online-down",
                remedy="start it, or unset KIT_ONLINE_URL to serve from SQLite",
            ) from cause  # fmt: skip


def _parts(text):
    if text is None:
        return None
    return tuple(json.loads(text))
