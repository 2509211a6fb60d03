"""Fetch a data set, unpack it safely, and verify every file."""

import contextlib
import hashlib
import os
import shutil
import tarfile
import tempfile
import urllib.error
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kit.corpus.datasets import data_set
from kit.errors import KitError
from kit.frontend import show_progress


@dataclass(frozen=True)
class Verdict:
    """Result of a check against the manifest: lists of relative paths, all empty if intact."""

    name: str
    checked: int
    missing: list
    changed: list
    extra: list

    @property
    def intact(self):
        return not (self.missing or self.changed or self.extra)

    def __str__(self):
        if self.intact:
            return f"{self.name}: {self.checked} files, all match their SHA-256"
        parts = [
            (len(paths), word, paths)
            for word, paths in (
                ("missing", self.missing),
                ("changed", self.changed),
                ("extra", self.extra),
            )
        ]
        found = "; ".join(f"{n} {word} (first: {paths[0]})" for n, word, paths in parts if n)
        return f"{self.name}: {found}"


def fetch(name, progress=None):
    """Make data set `name` available and return its folder (Path); nothing to do if intact.

    Tries KIT_DATA_MIRROR (a folder or a URL with <name>/<archive> in it), then the public
    address. A fetched set that fails its check is removed again.
    """
    wanted = data_set(name)
    if wanted.folder.exists() and verify(name).intact:
        return wanted.folder
    try:
        wanted.folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=wanted.folder.parent, prefix=f".{name}-") as tmp:
            archive = _get_archive(wanted, Path(tmp), progress)
            new = Path(tmp, "files")
            _unpack(archive, new, wanted)
            _check(name, new)
            _install(new, wanted.folder)
    except OSError as cause:
        raise KitError(
            f"could not store {name} in {wanted.folder.parent}",
            found=cause.strerror or str(cause),
            remedy="free some disk, or set KIT_DATA_HOME to a folder you may write",
            code="disk",
        ) from cause
    return wanted.folder


def verify(name, folder=None):
    """Compare every file of data set `name` with its manifest; return a Verdict.

    folder: where to look, by default where `fetch` puts it.
    """
    wanted, root = data_set(name), Path(folder or data_set(name).folder)
    if not root.is_dir():
        raise KitError(
            f"{name} is not here",
            found=str(root),
            remedy=f"run: kit data fetch {name}",
            code="not-fetched",
        )
    manifest = wanted.manifest
    present = {str(p.relative_to(root).as_posix()) for p in root.rglob("*") if not p.is_dir()}
    missing = sorted(set(manifest) - present)
    changed = [p for p in sorted(present & set(manifest)) if _differs(root / p, *manifest[p])]
    return Verdict(name, len(manifest), missing, changed, sorted(present - set(manifest)))


def _install(new, folder):
    """Move `new` to `folder`: whole or not at all, whoever else is fetching."""
    for attempt in range(10):
        try:
            return os.replace(new, folder)
        except OSError:  # another version is there: put it aside, it goes with the scratch folder
            with contextlib.suppress(FileNotFoundError):
                os.replace(folder, new.with_name(f"old-{attempt}"))
    raise OSError(f"{folder} is being changed by another program")


def _get_archive(wanted, tmp, progress):
    mirror = os.environ.get("KIT_DATA_MIRROR", "").rstrip("/")
    places = [f"{mirror}/{wanted.name}/{wanted.archive}"] if mirror else []
    reasons = []
    for place in [*places, wanted.url]:
        try:
            return _get(place, tmp / wanted.archive, progress)
        except (OSError, ValueError, urllib.error.URLError) as error:
            reasons.append(f"{place}: {str(error)[:120]}")
    raise KitError(
        f"could not fetch {wanted.name}",
        found="; ".join(reasons),
        code="download",
        remedy="check the network, or put the archive into a folder <mirror>/"
        f"{wanted.name}/ and set KIT_DATA_MIRROR to <mirror>",
    )


def _get(place, target, progress):
    progress = show_progress() if progress is None else progress
    if "://" not in place:
        shutil.copyfile(place, target)
        return target
    import pooch

    pooch.get_logger().setLevel("WARNING")
    loader = pooch.HTTPDownloader(progressbar=progress, timeout=30)
    # no hash of the archive: hosts repack them; every file inside is checked instead
    return Path(pooch.retrieve(place, None, target.name, target.parent, downloader=loader))


def _unpack(archive, target, wanted):
    """Extract the files of the manifest and nothing else; no link, no path outside."""
    expected = set(wanted.manifest)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = _safe_name(member, wanted.prefix)
                if name in expected:
                    _extract(tar, member, target / name)
    except (tarfile.TarError, EOFError, OSError) as cause:
        if isinstance(cause, OSError) and cause.errno is not None:
            raise  # the disk, not the archive
        raise KitError(
            f"the archive {archive.name} is broken",
            found=str(cause),
            code="broken-archive",
            remedy="fetch it again; if it stays broken, report the address",
        ) from cause


def _safe_name(member, prefix):
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name:
        raise _unsafe(member, f"paths below {prefix}/")
    return path.relative_to(prefix).as_posix() if path.is_relative_to(prefix) else None


def _extract(tar, member, path):
    if not member.isfile():
        raise _unsafe(member, "plain files, no links or devices")
    if path.exists():
        raise _unsafe(member, "every file once, not twice")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tar.extractfile(member) as source, open(path, "xb") as sink:
        shutil.copyfileobj(source, sink)


def _unsafe(member, allowed):
    return KitError(
        "the archive holds an entry that is not allowed",
        found=member.name,
        allowed=allowed,
        code="unsafe-archive",
        remedy="do not use this archive; fetch it from its public address",
    )


def _check(name, folder):
    verdict = verify(name, folder)
    if not verdict.intact:
        raise KitError(
            "the fetched files are not the published ones",
            found=str(verdict),
            allowed="files that match data/manifests",
            code="corrupt",
            remedy=f"nothing was kept; run again: kit data fetch {name}",
        )


def _differs(path, digest, size):
    if path.is_symlink() or path.stat().st_size != size:
        return True
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() != digest
