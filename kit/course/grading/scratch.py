"""Folders that a sandbox gets, and how they go away."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import kit


def add_compiled(folder):
    """Copy what numba compiled of the kit to where it looks in the sandbox; it saves seconds."""
    folder.mkdir()
    try:
        from numba.core.caching import _CacheLocator as locator
    except ImportError:  # another numba: it compiles anew
        return
    for path in Path(kit.__file__).parent.rglob("__pycache__/*.nb[ic]"):
        below = locator.get_suitable_cache_subpath(str(path.parents[1] / "module.py"))
        (folder / below).mkdir(exist_ok=True)
        shutil.copy2(path, folder / below / path.name)


def remove(folder):
    """Remove a folder that a student wrote in, whatever they did to its rights and depth."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        for tool in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*tool, "--", str(folder)], capture_output=True)


def copy_readable(source, target):
    """Copy a file or folder, readable by anybody; nothing is made of what is not there."""
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copyfile(source, target)
    for place, _, names in os.walk(target.parent):
        os.chmod(place, 0o755)
        for name in names:
            os.chmod(os.path.join(place, name), 0o644)
