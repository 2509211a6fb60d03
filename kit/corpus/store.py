"""Fetch a data set, unpack it safely, and verify every file."""

import contextlib
import errno
import hashlib
import os
import shutil
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kit.corpus.datasets import data_set
from kit.errors import KitError
from kit.frontend import show_progress


@dataclass(frozen=True)
class Verdict:
    """Result of a check against the manifest: lists of relative paths.

    Intact means that every published file is there, unchanged. `extra` files are the reader's
    own; they are named, never removed.
    """

    name: str
    checked: int
    missing: list
    changed: list
    extra: list

    @property
    def intact(self):
        return not (self.missing or self.changed)

    def __str__(self):
        parts = (
            ("missing", self.missing),
            ("changed", self.changed),
            ("not of the set", self.extra),
        )
        found = "; ".join(f"{len(p)} {word} (first: {p[0]})" for word, p in parts if p)
        if self.intact:
            found = f"{self.checked} files, all match their SHA-256" + ("; " + found) * bool(found)
        return f"{self.name}: {found}"


def fetch(name, progress=None):
    """Make data set `name` available and return its folder (Path); nothing to do if intact.

    Tries KIT_DATA_MIRROR, a folder or a URL with <name>/<archive> in it, or <name>/<file> for a
    set of single files, then the public address; a place whose files fail the check is passed
    over. Nothing is kept of a failed fetch, and files of the reader's own in the folder stay.
    """
    wanted = data_set(name)
    _ = wanted.manifest  # raises where there is none
    if is_intact(name):
        return wanted.folder
    try:
        wanted.folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(wanted)
        with tempfile.TemporaryDirectory(dir=wanted.folder.parent, prefix=f".{name}-") as tmp:
            _install(_first_good(wanted, Path(tmp), progress), wanted)
    except OSError as cause:
        raise KitError(
            f"could not store {name} in {wanted.folder.parent}",
            found=cause.strerror or str(cause),
            remedy="free some disk, or set KIT_DATA_HOME to a folder you may write",
            code="disk",
        ) from cause
    return wanted.folder


def is_intact(name):
    """True if data set `name` is here and every published file matches."""
    return data_set(name).folder.is_dir() and verify(name).intact


def verify(name, folder=None):
    """Compare every file of data set `name` with its manifest; return a Verdict.

    folder: where to look, by default where `fetch` puts it.
    """
    wanted, root = data_set(name), Path(folder or data_set(name).folder)
    manifest = wanted.manifest
    if not root.is_dir():
        raise KitError(
            f"{name} is not here",
            found=str(root),
            remedy=f"run: kit data fetch {name}",
            code="not-fetched",
        )
    present = {str(p.relative_to(root).as_posix()) for p in root.rglob("*") if not p.is_dir()}
    missing = sorted(set(manifest) - present)
    changed = [p for p in sorted(present & set(manifest)) if _differs(root / p, *manifest[p])]
    return Verdict(name, len(manifest), missing, changed, sorted(present - set(manifest)))


def _first_good(wanted, tmp, progress):
    """Folder with the verified files, from the first place that has them."""
    mirror = os.environ.get("KIT_DATA_MIRROR", "").removeprefix("file://").rstrip("/")
    places = [f"{mirror}/{wanted.name}"] if mirror else []
    reasons = []
    for number, place in enumerate([*places, wanted.url]):
        new = tmp / f"files-{number}"
        try:
            _bring(place, new, wanted, progress)
            _check(wanted.name, new)
            return new
        except (OSError, ValueError) as error:  # KitError is a ValueError
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise
            reasons.append(f"{place}: {error}")
    raise KitError(
        f"could not fetch {wanted.name}. " + " | ".join(reasons),
        code="download",
        remedy=f"check the network, or put the {'archive' if wanted.archive else 'files'} into "
        f"a folder <mirror>/{wanted.name}/ and set KIT_DATA_MIRROR to <mirror>",
    )


def _bring(place, new, wanted, progress):
    """Fill the folder `new` from `place`: the public address, or the set's folder in a mirror."""
    public = place == wanted.url
    if wanted.archive:
        source = place if public else f"{place}/{wanted.archive}"
        archive = _get(source, new.with_name(f"{new.name}-{wanted.archive}"), progress)
        return _unpack(archive, new, wanted)
    for path in wanted.manifest:
        (new / path).parent.mkdir(parents=True, exist_ok=True)
        _get(wanted.address(path) if public else f"{place}/{path}", new / path, False)


def _install(new, wanted):
    """Move `new` into place: whole or not at all, whoever else is fetching."""
    for attempt in range(10):
        try:
            return os.replace(new, wanted.folder)
        except OSError:
            if is_intact(wanted.name):  # another program was quicker
                return None
        with contextlib.suppress(FileNotFoundError):
            old = new.with_name(f"old-{attempt}")
            os.replace(wanted.folder, old)
            _keep_extra(old, new, wanted.manifest)
    raise OSError(f"{wanted.folder} is being changed by another program")


def _keep_extra(old, new, manifest):
    """Carry the reader's own files over from a folder that is about to go."""
    for path in old.rglob("*"):
        name = path.relative_to(old).as_posix()
        if path.is_file() and name not in manifest:
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, new / name)


def _sweep(wanted, age_s=86_400):
    """Remove what a killed fetch left behind more than a day ago."""
    for path in wanted.folder.parent.glob(f".{wanted.name}-*"):
        with contextlib.suppress(FileNotFoundError):  # another fetch ended and took its own away
            if time.time() - path.stat().st_mtime > age_s:
                shutil.rmtree(path, ignore_errors=True)


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
    manifest = wanted.manifest
    target.mkdir()
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = _safe_name(member, wanted.prefix)
                if name in manifest:
                    _extract(tar, member, target / name, manifest[name][1])
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


def _extract(tar, member, path, size):
    if not member.isfile():
        raise _unsafe(member, "plain files, no links or devices")
    if member.size != size:  # before a byte is written: it might fill the disk
        raise _unsafe(member, f"{size} bytes, and it has {member.size}")
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
    try:
        if path.is_symlink() or path.stat().st_size != size:
            return True
    except FileNotFoundError:  # removed while we look
        return True
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() != digest
