"""What bubblewrap is told: which folders a program sees, and which user it is."""

import contextlib
import functools
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import kit
from kit.errors import KitError
from kit.paths import root

HOME = "/tmp/home"
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt/conda")
_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime", "/etc/alternatives",
          "/etc/mime.types", "/etc/fonts")  # fmt: skip
_ALONE = ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
          "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
          "--clearenv", "--hostname", "sandbox")  # fmt: skip
_STYLES = {  # name -> what it needs beyond _ALONE
    "other user": ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"),
    "own namespace": ("--unshare-user",),
}
_FIRST_UID, _UIDS = 200_000, 1_000_000  # users that no system has


@functools.cache
def style():
    """How bubblewrap can be used here: a key of _STYLES, or "" if it cannot. Found by trying.

    As root the program becomes a user that nobody else is; limits of processes bind it. Others
    get a namespace of users.
    """
    tool = shutil.which("bwrap")
    names = [*_STYLES] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["own namespace"]
    for name in names if tool else ():
        command = [tool, *_ALONE, *_STYLES[name], *_system(), "--proc", "/proc", "--dev", "/dev"]
        try:
            done = subprocess.run([*command, "true"], capture_output=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return name
    return ""


def command(folder, readable, tmp_mb, env):
    """Arguments of bubblewrap, up to the program to run: list of str.

    folder: the only one that can be written, beside a /tmp of tmp_mb MB in memory. readable: more
    paths to see, at the same place. env: dict, the whole environment.
    Raises KitError "exposed" if a path shows what must stay hidden.
    """
    seen = dict.fromkeys(str(Path(p)) for p in (*_python(), *readable))
    _guard([*seen, str(folder)])
    size = str(int(tmp_mb * 1e6))
    args = [shutil.which("bwrap"), *_ALONE, *_STYLES[style()], *_system(), "--proc", "/proc"]
    args += ["--dev", "/dev", "--size", size, "--perms", "1777", "--tmpfs", "/dev/shm"]
    args += ["--remount-ro", "/dev", "--size", size, "--perms", "1777", "--tmpfs", "/tmp"]
    args += ["--perms", "1777", "--dir", HOME]
    shown = [p for p in sorted(seen) if not _is_system(p)]
    for parent in _parents([*shown, str(folder)]):
        args += ["--perms", "0755", "--dir", parent]
    for path in shown:
        args += ["--ro-bind", path, path]
    args += ["--bind", str(folder), str(folder), "--remount-ro", "/", "--chdir", "/"]
    for name, value in env.items():
        args += ["--setenv", name, value]
    return args


def owner(folder):
    """The uid that the program gets where it becomes another user; `folder` is given to it."""
    uid = Path(folder).stat().st_uid
    if uid < _FIRST_UID:
        uid = _FIRST_UID + secrets.randbelow(_UIDS)
    for place, _, names in os.walk(folder):
        for path in (place, *(os.path.join(place, name) for name in names)):
            os.chown(path, uid, uid, follow_symlinks=False)
    return uid


def _system():
    args = []
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            args += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            args += ["--ro-bind", str(path), str(path)]
    for path in filter(os.path.exists, _FILES):
        args += ["--ro-bind", path, path]
    return args


def _python():
    """Paths that hold Python, its packages and the kit."""
    found = {sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parents[1])}
    found.add(str(Path(kit.__file__).parent))
    with contextlib.suppress(KitError):  # installed without the course
        found |= {str(root() / "data"), str(root() / "notebooks" / "course.toml")}
    return sorted(found)


def _is_system(path):
    return any(Path(path).is_relative_to(x) for x in _SYSTEM)


def _parents(paths):
    """Folders above these paths, outermost first, but for those that are there in any case."""
    found = {str(p) for path in paths for p in Path(path).parents}
    return sorted(p for p in found if p not in ("/", "/tmp") and not _is_system(p))


def _guard(paths):
    """Raise KitError if one of the paths holds the labs, which hold solutions and grades."""
    try:
        hidden = (root() / "labs").resolve()
    except KitError:
        return
    for path in map(Path, paths):
        if hidden.is_relative_to(path.resolve()):
            raise KitError("this path shows the labs to a student", found=str(path),
                           allowed="folders that do not hold labs/", code="exposed",
                           remedy="keep Python in a folder of its own, such as .venv")  # fmt: skip
