"""Where things lie: the repository that the package was installed from, and the data cache."""

import os
from pathlib import Path

from kit.errors import KitError


def root():
    """Folder of the course repository, as Path: KIT_ROOT, or the folder that holds `kit/`."""
    found = Path(os.environ.get("KIT_ROOT") or Path(__file__).resolve().parents[1])
    if not (found / "notebooks" / "course.toml").exists():
        raise KitError(
            "the course files are not here",
            found=str(found),
            allowed="a folder with notebooks/course.toml",
            remedy="clone the repository and install with `pip install -e .`, or set KIT_ROOT",
            code="no-course",
        )
    return found


def data_home():
    """Folder for fetched data sets: KIT_DATA_HOME, else the user's cache folder."""
    import pooch

    return Path(os.environ.get("KIT_DATA_HOME") or pooch.os_cache("kit-data-engineering"))
