"""Versions of a table, kept as a Delta table: who wrote what, when, from which code and spec.

deltalake does the work; here are the questions that a course asks of it. All is said of folders
on a local disk. Delta protocol: github.com/delta-io/delta/blob/master/PROTOCOL.md.
"""

import contextlib
import hashlib
import json
import uuid
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from kit.errors import KitError
from kit.storage.deltalog import files_by_version, log, plain, told

_OURS = ("note", "code", "spec")
_RESERVED = frozenset({
    "timestamp", "operation", "operationParameters", "operationMetrics", "engineInfo", "version",
    "clientVersion", "readVersion", "isolationLevel", "isBlindAppend", "userMetadata", "commit",
})  # fmt: skip
_HISTORY = {
    "version": pl.Int64, "when": pl.Datetime("us", "UTC"), "since": pl.Datetime("us", "UTC"),
    "operation": pl.String, "rows": pl.Int64, "added": pl.Int64, "removed": pl.Int64,
    "note": pl.String, "code": pl.String, "spec": pl.String, "about": pl.String,
    "readable": pl.Boolean,
}  # fmt: skip


def snapshot(table, place, note="", spec="", code=None, mode="overwrite", after=None, **about):
    """Version number of the Delta table at `place` that holds `table` from now on.

    table: polars table. note, spec (a FeatureSpec or its fingerprint), code (the commit of the
    code; that of this repository if None) and `about`, text or numbers, are kept with the version.
    mode: "overwrite" or "append". after: the version that this one was made from, -1 for none:
    KitError "conflict" if another is newest. Enum and Categorical come back as String, Array as
    List, a moment in any zone in UTC, and moments in us.

    Two writers at once: appends both land; of two overwrites, of an overwrite and an append, or of
    two that make the table, one gets KitError "conflict", and nothing of the other is lost.
    Raises KitError "type" for what Delta cannot hold unchanged, "schema" if an append does not
    fit, "conflict", "newer-protocol".
    """
    from deltalake import CommitProperties, DeltaTable, write_deltalake

    if mode not in ("overwrite", "append"):
        raise KitError("no such mode", found=mode, allowed="overwrite, append", code="mode")
    data, place = plain(table).to_arrow(), Path(place)
    name = uuid.uuid4().hex[:16]
    kept = told_with(note, spec, code, about) | {"commit": name}
    with told(place):
        there = DeltaTable.is_deltatable(str(place))
        target = DeltaTable(str(place)) if there else str(place)
        _is_newest(place, target.version() if there else -1, after)
        write_deltalake(
            target, data, mode=mode if there else "error",
            schema_mode="overwrite" if mode == "overwrite" and there else None,
            commit_properties=CommitProperties(
                custom_metadata=kept, max_commit_retries=None if there and after is None else 0),
        )  # fmt: skip
        return version_of(place, name)


def history(place):
    """polars table, one row a version, oldest first.

    version. when: UTC, what the writer's clock said. since: the greatest `when` so far, which time
    travel goes by. operation. rows: after it. added, removed: rows in files that came and went,
    without those copied; an overwrite counts every row, `diff` says what differs. note, code,
    spec. about: JSON of all else that was given. readable: all its files are there. Null where a
    writer said nothing. Raises KitError "no-table", "newer-protocol".
    """
    place = Path(place)
    files = files_by_version(place)
    there = {p for active in files.values() for p in active if _exists(place, p)}
    rows, since = [], None
    for version, actions in log(place):
        info = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
        when = _moment(info.get("timestamp"))
        since = max(filter(None, (since, when)), default=None)
        active = files[version]
        sizes = (_total(active.values()), *_moved(actions, info, files.get(version - 1, {})))
        texts = [_text(info.get(name)) for name in _OURS]
        about = {k: v for k, v in info.items() if k not in _RESERVED and k not in _OURS}
        rows.append((version, when, since, info.get("operation"), *sizes, *texts,
                     json.dumps(about) if about else None, active.keys() <= there))  # fmt: skip
    return pl.DataFrame(rows, _HISTORY, orient="row")


def at(place, version=None, when=None, columns=None):
    """polars table as it was in `version`, or at `when`; the newest if neither is given.

    when: datetime or ISO text, UTC unless it says otherwise. It follows versions, not clocks:
    where a clock went back, a version counts from the latest time that any version up to it
    states (`since` in `history`), as in the Delta protocol. deltalake itself goes by the times of
    the log files, which a copy changes, and answers a time before the first version with the
    first one. Raises KitError "unknown" for a version that is not there, "too-early" for a time
    before the first, "vacuumed" if files of it are gone, "no-table", "newer-protocol".
    """
    return told_table(place, version_at(place, version, when), columns)


def version_at(place, version=None, when=None):
    """The version that `at` would read: int."""
    if version is not None and when is not None:
        raise KitError("both a version and a time are given", found=(version, when),
                       allowed="one of them", code="version")  # fmt: skip
    known = [v for v, _ in log(place)]
    if when is not None:
        return _by_time(place, _as_moment(when))
    if version is None:
        return known[-1]
    if isinstance(version, bool) or not isinstance(version, int) or version not in known:
        raise KitError("no such version", found=version, code="unknown",
                       allowed=f"{known[0]} to {known[-1]}")  # fmt: skip
    return version


def told_table(place, version, columns=None):
    """polars table of a version that is known to be in the log."""
    from deltalake import DeltaTable

    with told(place, version):
        opened = DeltaTable(str(place), version=version)
        held = [f.name for f in opened.schema().fields]
        if columns is not None and set(columns) - set(held):
            raise KitError("no such columns", found=sorted(set(columns) - set(held)),
                           allowed=", ".join(held), code="column")  # fmt: skip
        return pl.from_arrow(opened.to_pyarrow_table(columns=columns))


@dataclass(frozen=True)
class Link:
    """What a model was made from. table: id of the Delta table. version: of it. files: 16 hex
    digits of the names of its files. spec: fingerprint. code: commit. `str` gives one line."""

    table: str
    version: int
    files: str
    spec: str
    code: str

    def __post_init__(self):
        odd = [x for x in (self.spec, self.code) if set(x) & set(" \t\n\r")]
        if odd:
            raise KitError("a fingerprint or commit has no spaces", found=odd[0], code="link")

    def __str__(self):
        return " ".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))

    @classmethod
    def of(cls, text):
        """The Link that `str` wrote. Raises KitError "link"."""
        said = dict(part.partition("=")[::2] for part in str(text).split())
        if set(said) != {f.name for f in fields(cls)} or not said["version"].isdigit():
            raise KitError("no link to a version", found=text, code="link",
                           allowed="table=... version=3 files=... spec=... code=...")  # fmt: skip
        return cls(**said | {"version": int(said["version"])})

    def check(self, place, spec=None, code=None):
        """Self, if the version at `place` is the one linked, made with `spec` and `code`.

        spec: FeatureSpec or fingerprint; neither it nor code is compared if None. Raises KitError
        "mismatch", which names the fields that differ, "unknown", "no-table".
        """
        here = link(place, self.version, self.spec if spec is None else spec,
                    self.code if code is None else code)  # fmt: skip
        off = [f.name for f in fields(self) if getattr(self, f.name) != getattr(here, f.name)]
        if off:
            show = "; ".join(f"{n}: {getattr(here, n)}" for n in off)
            raise KitError(
                f"this is not what the link names: {', '.join(off)}", found=show,
                allowed="; ".join(f"{n}: {getattr(self, n)}" for n in off), code="mismatch",
                remedy="load the version, the spec and the commit that the link names",
            )  # fmt: skip
        return self


def link(place, version=None, spec="", code=None):
    """Link of a model to a version of the table, the FeatureSpec (or fingerprint) and the code.

    version: the newest if None. code: commit of the code, that of this repository if None.
    """
    from deltalake import DeltaTable

    version = version_at(place, version)
    names = "\n".join(sorted(files_by_version(place)[version]))
    with told(place, version):
        table = str(DeltaTable(str(place), version=version).metadata().id)
    digest = hashlib.blake2b(names.encode(), digest_size=8).hexdigest()
    kept = told_with("", spec, code, {})
    return Link(table, version, digest, kept.get("spec", ""), kept.get("code", ""))


def told_with(note, spec, code, about):
    """dict of what is kept with a commit. KitError "name", "about"."""
    from kit.measure.machine import commit

    taken = sorted(set(about) & (_RESERVED | set(_OURS)))
    if taken:
        raise KitError("these names are taken", found=", ".join(taken), code="name",
                       remedy="choose others")  # fmt: skip
    odd = [k for k, v in about.items() if not isinstance(v, str | int | float)]
    if odd:
        raise KitError("this cannot be kept with a version", found=", ".join(odd),
                       allowed="text and numbers", code="about")  # fmt: skip
    said = {"note": str(note), "spec": str(getattr(spec, "fingerprint", spec) or ""),
            "code": commit() if code is None else str(code)}  # fmt: skip
    return {k: v for k, v in (said | about).items() if v != ""}


def _is_newest(place, newest, after):
    if after is not None and newest != after:
        raise KitError(
            f"{place} has moved on", found=f"newest version {newest}", allowed=f"version {after}",
            remedy=f"read version {newest}, make yours from it and commit again", code="conflict",
        )  # fmt: skip


def version_of(place, name):
    """The version that a commit named so made: others may have come since."""
    return next(v for v, actions in reversed(log(place))
                if any(a.get("commitInfo", {}).get("commit") == name for a in actions))  # fmt: skip


def _by_time(place, when):
    past = history(place).filter(pl.col("since") <= when)
    if not past.height:
        raise KitError("no version is so old", found=when.isoformat(), code="too-early",
                       allowed=f"{history(place)['since'].min()} or later")  # fmt: skip
    return past["version"].max()


def _as_moment(when):
    if isinstance(when, str):
        with contextlib.suppress(ValueError):
            when = datetime.fromisoformat(when)
    if not isinstance(when, datetime):
        raise KitError("no point in time", found=when, code="time",
                       allowed="a datetime, or text such as 2026-01-31T12:00:00Z")  # fmt: skip
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _moment(milliseconds):
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1e3, UTC)


def _moved(actions, info, before):
    """(added, removed) rows of a version."""
    adds = [a["add"] for a in actions if "add" in a]
    gone = [a["remove"] for a in actions if "remove" in a]
    if not any(a.get("dataChange", True) for a in adds + gone):
        return 0, 0
    metrics = info.get("operationMetrics") or {}
    copied = metrics.get("num_copied_rows", metrics.get("num_target_rows_copied", 0)) or 0
    came = _total(json.loads(a.get("stats") or "{}").get("numRecords") for a in adds)
    went = _total(before.get(r["path"]) for r in gone)
    return tuple(None if n is None else n - int(copied) for n in (came, went))


def _total(numbers):
    numbers = list(numbers)
    return None if None in numbers else sum(numbers)


def _text(value):
    return None if value is None else str(value)


def _exists(place, path):
    from urllib.parse import unquote

    return (place / unquote(path)).exists()
