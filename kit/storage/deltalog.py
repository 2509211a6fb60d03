"""The log of a Delta table: JSON lines, a file a version; and what may stand in such a table."""

import contextlib
import json
import re
from pathlib import Path

import polars as pl

from kit.errors import KitError

_NEWER = re.compile(r"unsupported|not yet supported|is not supported", re.IGNORECASE)
_HELD = (
    pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Float32, pl.Float64, pl.Boolean, pl.String,
    pl.Binary, pl.Date, pl.Decimal, pl.Categorical, pl.Enum,
)  # fmt: skip


@contextlib.contextmanager
def told(place, version=None):
    """Turns what deltalake raises inside into a KitError that says what to do about it."""
    try:
        yield
    except KitError:
        raise
    except Exception as cause:  # deltalake raises bare Exceptions as well
        raise _fault(Path(place), version, cause) from cause


def _fault(place, version, cause):
    lines = [x for x in str(cause).splitlines() if x.strip()] or [type(cause).__name__]
    what, name = lines[0][:300], type(cause).__name__
    if name == "TableNotFoundError" or not (place / "_delta_log").is_dir():
        return _no_table(place)
    if isinstance(cause, FileNotFoundError) or "missing file" in str(cause):
        which = "the table" if version is None else f"version {version}"
        return KitError(f"files of {which} are gone", found=what, code="vacuumed",
                        remedy="read a version that is `readable` in the history")  # fmt: skip
    if name == "DeltaProtocolError" or _NEWER.search(str(cause)):
        return KitError(
            f"{place} was written by a newer protocol", found=what, code="newer-protocol",
            remedy="install a newer deltalake, or let the writer drop the feature from the table",
        )  # fmt: skip
    if name == "CommitFailedError" or "already exists" in str(cause):
        return KitError(
            f"another writer changed {place} meanwhile", found=what, code="conflict",
            remedy="nothing was written: read the newest version and commit again",
        )  # fmt: skip
    if name == "SchemaMismatchError":
        return KitError(f"the rows do not fit {place}", found=what, code="schema",
                        remedy='cast or rename them, or commit with mode="overwrite"')  # fmt: skip
    return KitError(f"{place} cannot be used", found=f"{name}: {what}", code="table",
                    remedy="mend the folder, or restore it from a copy")  # fmt: skip


def _no_table(place):
    return KitError("no versioned table is here", found=str(place), code="no-table",
                    remedy="make one with kit.storage.snapshot(table, place)")  # fmt: skip


def log(place):
    """list of (version, list of actions as dict), oldest first, of the table's folder.

    Raises KitError "no-table", or "broken-log" where a line is no JSON.
    """
    folder = Path(place) / "_delta_log"
    files = sorted(f for f in folder.glob("*.json") if re.fullmatch(r"\d{20}\.json", f.name))
    if not files:
        raise _no_table(place)
    return [(int(f.stem), _actions(f)) for f in files]


def files_by_version(place):
    """dict of version -> dict of file -> rows in it (None if nobody counted them)."""
    entries = log(place)
    active = {} if entries[0][0] == 0 else _begun(place, entries[0][0])
    found = {}
    for version, actions in entries:
        active = dict(active)
        for action in actions:
            if "remove" in action:
                active.pop(action["remove"]["path"], None)
        for action in actions:
            if "add" in action:
                stats = json.loads(action["add"].get("stats") or "{}")
                active[action["add"]["path"]] = stats.get("numRecords")
        found[version] = active
    return found


def plain(table):
    """`table` in types that Delta holds. Raises KitError "type" for the others, "empty"."""
    if not isinstance(table, pl.DataFrame):
        raise KitError("no polars table", found=type(table).__name__, code="table",
                       allowed="polars.DataFrame")  # fmt: skip
    if not table.width:
        raise KitError("a table needs a column", found="none", code="empty")
    odd = {c: kind for c, kind in table.schema.items() if not _fits(kind)}
    if odd:
        raise KitError(
            "Delta has no such types", found=", ".join(f"{c}: {k}" for c, k in odd.items()),
            allowed="signed integers, floats, text, bytes, dates, moments, lists and structs",
            remedy="cast them: unsigned to Int64, durations to seconds", code="type",
        )  # fmt: skip
    moments = {c: k for c, k in table.schema.items() if isinstance(k, pl.Datetime)}
    fine = [c for c, k in moments.items() if k.time_unit == "ns"]
    lossy = [c for c in fine if (table[c].to_physical() % 1000 != 0).any()]
    if lossy:
        raise KitError("Delta keeps microseconds", found=f"nanoseconds in {', '.join(lossy)}",
                       remedy='round with .dt.cast_time_unit("us")', code="type")  # fmt: skip
    return table.with_columns(pl.col(c).dt.cast_time_unit("us") for c in fine)


def _fits(kind):
    if isinstance(kind, pl.List | pl.Array):
        return _fits(kind.inner)
    if isinstance(kind, pl.Struct):
        return all(_fits(f.dtype) for f in kind.fields)
    return isinstance(kind, pl.Datetime) or kind in _HELD


def _actions(file):
    try:
        return [json.loads(x) for x in file.read_text(encoding="utf-8").splitlines() if x.strip()]
    except (ValueError, OSError) as cause:
        raise KitError(
            f"the log of {file.parent.parent} is broken", found=f"{file.name}: {cause}",
            remedy="restore the file from a copy", code="broken-log",
        ) from cause  # fmt: skip


def _begun(place, version):
    """Files of the oldest version whose log is still there, before its own actions."""
    from deltalake import DeltaTable

    with told(place, version):
        found = pl.from_arrow(DeltaTable(str(place), version=version).get_add_actions())
    return dict(zip(found["path"], found["num_records"], strict=True))
