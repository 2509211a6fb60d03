"""Shared fixtures. KIT_REQUIRE_ALL=1 turns a skip for a missing tool or data set into a failure."""

# ruff: noqa: E402 - threads are set before NumPy is imported
import os

# test processes run side by side, one a core: threads for matrix products would only wait for
# each other, in our kernels and servers as well. Read when NumPy or torch are imported.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import shutil

import pytest

from kit.corpus import fetch
from kit.errors import KitError
from kit.paths import root

os.environ["KIT_HEADLESS"] = "1"


# files whose tests take longest: begun first, so that no process is left alone with one at the end
_LONGEST = ("test_labs.py", "test_jupyterlab.py", "test_run.py", "test_checks_lab05.py",
            "test_ray.py", "test_kill.py")  # fmt: skip


def pytest_collection_modifyitems(items):
    place = {name: i for i, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(_LONGEST)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    strict = os.environ.get("KIT_REQUIRE_ALL") == "1" and "gpu" not in item.keywords
    if report.skipped and strict and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"must not be skipped here: {report.longrepr[2]}"
    return report


@pytest.fixture(scope="session")
def fsdd():
    """Folder of the Free Spoken Digit Dataset, fetched and verified."""
    try:
        return fetch("fsdd", progress=False)
    except KitError as error:
        pytest.skip(f"the Free Spoken Digit Dataset cannot be had: {error}")


@pytest.fixture(scope="session")
def chromium():
    """Path of a Chromium or Chrome on this system."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return pytest.skip("no Chromium or Chrome on PATH")


@pytest.fixture
def sample():
    """The committed WAV files, list of Path."""
    return sorted((root() / "data" / "sample").glob("*.wav"))


@pytest.fixture(autouse=True)
def scratch_ledger(monkeypatch):
    """No test sees another's predictions."""
    from kit.course import ledger

    monkeypatch.setattr(ledger, "_current", None)


@pytest.fixture
def person(monkeypatch, tmp_path):
    """A front end listens; the lesson is "99_test", and reports go to the folder returned."""
    from kit.course.ledger import Ledger, set_current

    monkeypatch.delenv("KIT_HEADLESS")
    monkeypatch.setenv("KIT_LIVE", "1")
    monkeypatch.chdir(tmp_path)
    set_current(Ledger("99_test"))
    return tmp_path / "reports"
