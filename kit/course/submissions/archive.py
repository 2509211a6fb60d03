"""Files that people sent: in folders and in zip files, none of which is trusted."""

import io
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

LARGEST_MB = 50  # of one file in a zip
LARGEST_ZIP_MB = 2000  # of all files in a zip together
MOST_FILES = 5000
MOST_RATIO = 200  # unpacked bytes to packed ones; notebooks reach some 20
SMALL_MB = 10  # a smaller file does no harm at any ratio
DEEPEST = 2  # a zip of a class holds the zips of students, and no more


@dataclass(frozen=True)
class Item:
    """One file. parts: its path below the inbox or zip; load: its bytes; when: its date;

    refused: why it is not read, or ""; place: where it lies, for people; depth: zips around it.
    """

    parts: tuple
    load: Callable
    when: datetime | None
    place: str
    refused: str = ""
    depth: int = 0

    @property
    def suffix(self):
        """Of its name, in small letters."""
        return PurePosixPath(self.parts[-1]).suffix.lower()


def folder_items(folder):
    """Items of the files below a folder, sorted; links are refused, hidden files left out."""
    out = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if hidden(parts) or (path.is_dir() and not path.is_symlink()):
            continue
        refused = "" if path.is_file() and not path.is_symlink() else "it is a link"
        when = datetime.fromtimestamp(path.lstat().st_mtime).astimezone()
        out.append(Item(parts, path.read_bytes, when, "/".join(parts), refused))
    return out


def zip_items(item):
    """(Items in the zip file `item`, why it is refused as a whole or "")."""
    if item.depth >= DEEPEST:
        return [], "it is a zip file in a zip file in a zip file"
    data = item.load()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            infos = [i for i in file.infolist() if not i.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError):
        return [], "it is damaged, or no zip file"
    if len(infos) > MOST_FILES:
        return [], f"it holds {len(infos)} files; at most {MOST_FILES} are read"
    total_mb = sum(i.file_size for i in infos) / 1e6
    if total_mb > LARGEST_ZIP_MB:
        return [], f"it would unpack to {total_mb:.0f} MB; at most {LARGEST_ZIP_MB} are read"
    made = [_member(item, data, info) for info in infos]
    return [m for m in sorted(made, key=lambda m: m.parts) if not hidden(m.parts)], ""


def hidden(parts):
    """Whether the path is what programs leave: checkpoints, caches, resource forks."""
    return any(p.startswith((".", "__")) and p != ".." for p in parts)


def _member(item, data, info):
    name = info.filename.replace("\\", "/")
    parts = tuple(p for p in name.split("/") if p not in ("", "."))
    refused = _refused(name, parts, info)
    when = datetime(*info.date_time).astimezone() if _dated(info) else item.when
    return Item(
        parts or ("?",), lambda: _load(data, info), when, f"{item.place}/{name}", refused,
        item.depth + 1,
    )  # fmt: skip


def _refused(name, parts, info):
    kind, mb = stat.S_IFMT(info.external_attr >> 16), info.file_size / 1e6
    if name.startswith("/") or ".." in parts or ":" in name or not parts or "\0" in name:
        return "its path leads out of the folder"
    if kind not in (0, stat.S_IFREG):
        return "it is a link or a device"
    if info.flag_bits & 1:
        return "it is locked by a password"
    if mb > LARGEST_MB:
        return f"it would unpack to {mb:.0f} MB; at most {LARGEST_MB} are read"
    if mb > SMALL_MB and info.file_size > MOST_RATIO * max(info.compress_size, 1):
        return "it unpacks to more than any notebook does (a zip bomb)"
    return ""


def _load(data, info):
    """The bytes of a member; zipfile reads no more of them than the size that was looked at."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return file.read(info)


def _dated(info):
    try:
        return bool(datetime(*info.date_time)) and info.date_time[0] > 1980
    except ValueError:
        return False
