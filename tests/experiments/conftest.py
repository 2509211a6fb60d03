import numpy as np
import pytest

from kit.experiments import Scale, runs
from kit.experiments.takes import takes

RATE = 16_000
SMALL = Scale(passes=64, tested=2, seeds=1, budget=48, parts=1)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """A cache of its own for each test, and trainings in this process."""
    monkeypatch.setenv("KIT_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(runs.WORKERS, "1")
    return tmp_path / "home"


@pytest.fixture(scope="session")
def tones():
    """Takes of six speakers who "say" a low, a middle or a high tone in noise."""
    rng = np.random.default_rng(0)
    n = 6 * 24
    labels = np.array(["low", "middle", "high"] * (n // 3))
    hertz = np.select([labels == "low", labels == "middle"], [300, 900], 2500)
    who = np.array([f"s{i // 24}" for i in range(n)])
    hertz = hertz * rng.uniform(0.8, 1.25, n)
    t = np.arange(RATE) / RATE
    sound = 0.2 * np.sin(2 * np.pi * hertz[:, None] * t) * (abs(t - 0.5) < 0.2)
    sound += rng.normal(0, 0.003, sound.shape)
    return takes(np.rint(32_767 * sound).astype(np.int16), labels, who)
