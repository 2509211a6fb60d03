"""A small feature store: a feature is defined once, as a function, for training and for serving.

Offline, every value that was ever computed lies in a Delta table, for `training` as of a time.
Online, the newest lies where a model finds it in microseconds (`kit.storage.serving`).
"""

import ast
import hashlib
import inspect
import json
import textwrap
import time as clocks
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from kit.errors import KitError
from kit.storage.clock import need
from kit.storage.deltalog import log
from kit.storage.differences import unlike
from kit.storage.point_in_time import as_of
from kit.storage.serving import open_online
from kit.storage.versions import at, snapshot

_MOMENT = pl.Datetime("us", "UTC")
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Feature:
    """A feature: call it with events, polars table, to get a table of `key` and `name`. Counts
    become Int64.

    ttl: timedelta, greatest age of a value in use; None for any. definition: 16 hex digits of the
    text of the function, without comments, docstring and decorator; what it calls is not in it.
    """

    name: str
    key: str
    ttl: timedelta | None
    compute: Callable
    definition: str

    def __call__(self, events):
        found = self.compute(events)
        need(found, [self.key, self.name], f"what {self.name} returns")
        found = found.select(self.key, self.name)
        keys = found[self.key]
        if keys.null_count() or keys.n_unique() < keys.len():
            raise KitError(f"{self.name} needs one row a {self.key}", code="feature",
                           found=f"{keys.len()} rows, {keys.drop_nulls().n_unique()} keys",
                           remedy=f'aggregate with group_by("{self.key}")')  # fmt: skip
        kind = found[self.name].dtype
        if kind.is_temporal() or kind.is_decimal() or kind.is_nested() or kind == pl.Binary:
            raise KitError(f"{self.name} has a type that is not served", found=str(kind),
                           allowed="numbers, text, truth values", code="type")  # fmt: skip
        whole = kind.is_unsigned_integer()  # Delta has none
        return found.cast({self.name: pl.Int64}) if whole else found


def feature(name, key, ttl=None):
    """Decorator: makes a Feature of a function from events to a table of `key` and `name`.

    Raises KitError "name", "duration", "no-source" where the text of the function is not kept.
    """
    if not isinstance(name, str) or not name.isidentifier() or name == key:
        raise KitError("no name for a feature", found=name, code="name",
                       allowed="letters, digits and _, not the key")  # fmt: skip
    if ttl is not None and not (isinstance(ttl, timedelta) and ttl > timedelta(0)):
        raise KitError("ttl is no length of time", found=ttl, allowed="timedelta above 0, or None",
                       code="duration")  # fmt: skip
    return lambda function: Feature(name, key, ttl, function, _definition(function))


class FeatureStore:
    """Features of one key, their history below `place` and their newest values online.

    events: polars table, or function from a time to one; `time` is when an event happened, and
    `known`, if named, when it became known. online: redis:// address, or "" for SQLite in
    `place`; KIT_ONLINE_URL if None. Raises KitError "features", and those of open_online.
    """

    def __init__(self, place, features, events, time="time", known=None, online=None):
        self.place, self.events, self.time, self.known = Path(place), events, time, known
        self.features = {f.name: f for f in features}
        self.key = next((f.key for f in features), None)
        if len(self.features) < len(features) or {f.key for f in features} != {self.key}:
            raise KitError("features of a store have one key and a name each", code="features",
                           found=", ".join(f"{f.name} by {f.key}" for f in features),
                           remedy="open a store for each key")  # fmt: skip
        self.online = open_online(online, self.place, self.place.name)

    def known_at(self, when):
        """polars table of the events that had happened and were known at `when`."""
        events = self.events(when) if callable(self.events) else self.events
        times = [self.time, *([self.known] if self.known else [])]
        need(events, times, "the events")
        odd = [c for c in times if not isinstance(events[c].dtype, pl.Datetime)
               or not events[c].dtype.time_zone]  # fmt: skip
        if odd:
            raise KitError("times of events need a time zone", found=", ".join(odd), code="type",
                           remedy='use .dt.replace_time_zone("UTC")')  # fmt: skip
        return events.filter(pl.all_horizontal(pl.col(times) <= when))

    def history(self, name):
        """polars table of key, value, time and definition of every value ever computed."""
        return at(self.place / "offline" / _one_of(name, self.features))

    def write_offline(self, found, one, when):
        """True if the values of Feature `one` at `when` are new; False if they were there."""
        place = self.place / "offline" / one.name
        done, newest = _done(place)
        if (when.isoformat(), one.definition) in done:
            return False
        made = found.with_columns(time=pl.lit(when, _MOMENT), definition=pl.lit(one.definition))
        snapshot(made, place, note=f"{one.name} at {when.isoformat()}", spec=one.definition,
                 mode="append", after=newest, moment=when.isoformat())  # fmt: skip
        return True


def materialise(store, when):
    """polars table of feature, keys, new: computes every feature from what was known at `when`.

    when: datetime with a time zone. The history first, then the online store: after a kill, the
    same call completes it, and nothing is there twice. Raises KitError "time", "conflict" if
    another process did the same meanwhile (call again), and those of Feature and the stores.
    """
    when = _moment(when)
    events = store.known_at(when)
    rows = []
    for one in store.features.values():
        found = one(events)
        new = store.write_offline(found, one, when)
        values = zip(found[store.key], found[one.name], strict=True)
        stamp = _us(when)
        ready = [(_key(key), stamp, json.dumps(value)) for key, value in values]
        store.online.write(one.name, one.definition, ready)
        rows.append((one.name, found.height, new))
    kinds = {"feature": pl.String, "keys": pl.Int64, "new": pl.Boolean}
    return pl.DataFrame(rows, kinds, orient="row")


def serve(store, key, when=None):
    """dict of feature -> (value or None, age in s or None, reason or None) for one key.

    The reasons are those of `lookup`. This is the quick path, without a table.
    """
    answers = _answers(store, [key], list(store.features), _moment(when))
    return dict(zip(store.features, answers[0], strict=True))


def lookup(store, keys, names=None, when=None):
    """polars table, one row a key in the order given: the key and, for each feature, its value,
    `<name>_age_s` and `<name>_why`.

    when: the time it is, now if None. A value is null where why says so: "never" computed for the
    key, "stale" (older than the ttl), "changed" (made by another definition), "future" (made
    after `when`). Raises KitError "unknown", "key", "online-down", "busy".
    """
    names = list(store.features) if names is None else [_one_of(n, store.features) for n in names]
    keys = pl.Series(store.key, keys)
    answers = _answers(store, keys.to_list(), names, _moment(when))
    columns = [keys]
    for place, name in enumerate(names):
        value, age, why = ([row[place][i] for row in answers] for i in range(3))
        columns.append(pl.Series(name, value, strict=False))
        columns.append(pl.Series(f"{name}_age_s", age, pl.Float64))
        columns.append(pl.Series(f"{name}_why", why, pl.String))
    return pl.DataFrame(columns)


def training(store, labels, by="time", gap=None):
    """`labels` with each feature as it was served at the time of each label, null where it was
    stale or unknown. labels: polars table with the key and `by`. Arguments as in `as_of`."""
    for one in store.features.values():
        past = _past(store, one)
        past = past.rename({"time": by})
        joined = as_of(labels, past, store.key, by=by, ttl=one.ttl, gap=gap)
        labels = joined.drop(f"{by}_of_fact")
    return labels


def parity(store, keys=None, when=None):
    """Where offline and online differ: table of key, feature, offline, online (text), why.

    keys: all in the history if None. when: as in `lookup`; a time before the last materialise
    finds "future" values online. Empty is good.
    """
    when, parts = _moment(when), []
    for one in store.features.values():
        past = _past(store, one)
        asked = past[store.key].unique().sort() if keys is None else pl.Series(store.key, keys)
        asked = asked.cast(past[store.key].dtype)
        labels = pl.DataFrame({store.key: asked}).with_columns(time=pl.lit(when, _MOMENT))
        right = as_of(labels, past, store.key, ttl=one.ttl)[one.name]
        found = lookup(store, asked, [one.name], when)
        table = found.select(
            pl.col(store.key).cast(pl.String).alias("key"),
            pl.lit(one.name).alias("feature"),
            right.cast(pl.String).alias("offline"),
            pl.col(one.name).cast(pl.String).alias("online"),
            pl.col(f"{one.name}_why").alias("why"),
        )
        parts.append(table.filter(unlike(right, found[one.name])))
    return pl.concat(parts)


def latency(store, keys, n=1000):
    """polars table of backend, what, reads, p50_us, p99_us, most_us: time of a lookup of all
    features, for one key at a time and for all `keys` at once. n: reads of one key."""
    keys = pl.Series(store.key, keys).to_list()
    if not keys or isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise KitError("nothing to look up", found=f"{len(keys)} keys, n = {n}",
                       allowed="a key and a read, or more", code="not-positive")  # fmt: skip
    names, when = list(store.features), _moment(None)
    few = max(n // 20, 1)
    plans = [("one key", [[keys[i % len(keys)]] for i in range(n)]),
             (f"{len(keys)} keys", [keys] * few)]  # fmt: skip
    rows = []
    for what, asked in plans:
        _answers(store, asked[0], names, when)  # connects
        took = [_timed(store, part, names, when) for part in asked]
        p50, p99, most = np.quantile(took, [0.5, 0.99, 1]) * 1e6
        rows.append((store.online.kind, what, len(took), p50, p99, most))
    names = ["backend", "what", "reads", "p50_us", "p99_us", "most_us"]
    return pl.DataFrame(rows, names, orient="row")


def _answers(store, keys, names, when):
    """list a key of list a feature of (value, age_s, why)."""
    now = _us(when)
    found = store.online.read(names, [_key(k) for k in keys])
    plans = [store.features[n] for n in names]
    return [[_answer(held, one, now) for held, one in zip(row, plans, strict=True)]
            for row in found]  # fmt: skip


def _answer(held, one, now):
    if held is None:
        return None, None, "never"
    stamp, definition, value = held
    age = (now - stamp) / 1e6
    if definition != one.definition:
        return None, age, "changed"
    if age < 0:
        return None, age, "future"
    if one.ttl is not None and now - stamp > one.ttl // timedelta(microseconds=1):
        return None, age, "stale"
    return value, age, None


def _past(store, one):
    """key, value and time of what the present definition of a Feature gave."""
    past = store.history(one.name).filter(pl.col("definition") == one.definition)
    return past.select(store.key, one.name, "time")


def _done(place):
    """(set of (moment, definition) in the history of a feature, its newest version or -1)."""
    if not any((place / "_delta_log").glob("*.json")):
        return set(), -1
    entries = log(place)
    infos = [a["commitInfo"] for _, actions in entries for a in actions if "commitInfo" in a]
    return {(i.get("moment"), i.get("spec")) for i in infos}, entries[-1][0]


def _definition(function):
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError) as cause:
        tree = cause
    if not isinstance(tree, ast.FunctionDef):
        raise KitError("the text of the function cannot be read", found=repr(function),
                       allowed="a function made with def, in a file or a notebook",
                       code="no-source")  # fmt: skip
    tree.decorator_list = []
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:] or [ast.Pass()]
    return hashlib.blake2b(ast.unparse(tree).encode(), digest_size=8).hexdigest()


def _moment(when):
    when = datetime.now(UTC) if when is None else when
    if not isinstance(when, datetime) or when.tzinfo is None:
        raise KitError("no point in time", found=when, allowed="a datetime with a time zone",
                       code="time", remedy="datetime(..., tzinfo=UTC)")  # fmt: skip
    return when.astimezone(UTC)


def _us(when):
    return (when - _ZERO) // timedelta(microseconds=1)


def _key(key):
    if key is None or not isinstance(key, str | int):
        raise KitError("no key", found=key, allowed="text or a whole number", code="key")
    return json.dumps(key)


def _one_of(name, features):
    if name not in features:
        raise KitError("no such feature", found=name, allowed=", ".join(features), code="unknown")
    return name


def _timed(store, keys, names, when):
    begun = clocks.perf_counter()
    _answers(store, keys, names, when)
    return clocks.perf_counter() - begun
