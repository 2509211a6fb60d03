"""Upkeep of a Delta table: an old version made new, small files put together, old files removed."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from kit.errors import KitError
from kit.storage.deltalog import files_by_version, told
from kit.storage.versions import history, told_with, version_at, version_of

WEEK_H = 168  # what Delta keeps for readers and writers that are still at work


def restore(place, version, note=""):
    """Number of a new version with the rows of `version`; those between stay in the history.

    Raises KitError "unknown", "vacuumed", "conflict".
    """
    from deltalake import CommitProperties, DeltaTable

    version = version_at(place, version)
    name = uuid.uuid4().hex[:16]
    kept = told_with(note or f"as version {version}", "", None, {}) | {"commit": name}
    with told(place, version):
        properties = CommitProperties(custom_metadata=kept)
        DeltaTable(str(place)).restore(version, commit_properties=properties)
        return version_of(place, name)


def compact(place, note=""):
    """(files before, files after): small files put together, as a version with the same rows.

    Readers of older versions go on: their files stay until `vacuum`. Raises KitError "conflict"
    if another writer rewrote the table meanwhile; it is safe to call again.
    """
    from deltalake import CommitProperties, DeltaTable

    with told(place):
        table = DeltaTable(str(place))
        before = len(table.file_uris())
        kept = CommitProperties(custom_metadata=told_with(note, "", None, {}))
        table.optimize.compact(commit_properties=kept)
        return before, len(DeltaTable(str(place)).file_uris())


@dataclass(frozen=True)
class Vacuumed:
    """What `vacuum` found. files: names of files no kept version needs, removed unless dry_run.

    size_mb: what they take, 1e6 bytes. lost: versions that cannot be read without them.
    """

    files: tuple
    size_mb: float
    lost: tuple
    dry_run: bool


def vacuum(place, retention_h=WEEK_H, keep=(), lose=(), dry_run=True, alone=False):
    """Vacuumed: removes files that left the table more than `retention_h` hours ago. Dry run first.

    keep: versions or Links to leave readable. lose: the versions whose loss is agreed to, as the
    dry run names them: KitError "still-needed" if it would take others. alone: nobody else reads
    or writes now; without it, KitError "too-short" for less than a week, since the files of
    readers and of writers that have not yet committed would go.
    """
    from deltalake import DeltaTable

    place = Path(place)
    if not retention_h >= 0:
        raise KitError("hours to keep are not right", found=retention_h, allowed="0 or more",
                       code="retention")  # fmt: skip
    if retention_h < WEEK_H and not (alone or dry_run):
        raise KitError(
            "files of readers and writers at work could be removed", found=f"{retention_h} h",
            allowed=f"{WEEK_H} h or more", remedy="keep more, or say alone=True if nobody else "
            "reads or writes", code="too-short")  # fmt: skip
    kept = sorted({version_at(place, getattr(v, "version", v)) for v in keep})
    how = {"retention_hours": int(retention_h), "enforce_retention_duration": False,
           "keep_versions": kept or None, "full": True}  # fmt: skip
    with told(place):
        found = tuple(sorted(DeltaTable(str(place)).vacuum(dry_run=True, **how)))
    done = _sized(place, found, dry_run)
    if not dry_run:
        _agreed(done.lost, lose)
        with told(place):
            DeltaTable(str(place)).vacuum(dry_run=False, **how)
    return done


def _sized(place, found, dry_run):
    gone = set(found)
    now = history(place)
    readable = set(now.filter("readable")["version"])
    files = files_by_version(place)
    lost = tuple(v for v, active in files.items() if v in readable and gone & active.keys())
    size = sum((place / f).stat().st_size for f in found if (place / f).is_file())
    return Vacuumed(found, size / 1e6, lost, dry_run)


def _agreed(lost, lose):
    others = sorted(set(lost) - set(lose))
    if others:
        raise KitError(
            "versions would be lost that nobody gave up", found=", ".join(map(str, others)),
            remedy=f"keep them with keep={others}, or agree with lose={sorted(lost)}",
            code="still-needed",
        )  # fmt: skip
