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


def verdicts(accuracies, clips=400, words=4, seed=0, shared=0.0):
    """A table as of `judges.judged`: judges who err evenly, on hard clips together by `shared`."""
    import polars as pl

    rng = np.random.default_rng(seed)
    names = np.array([f"w{i}" for i in range(words)])
    true = np.arange(clips) % words
    common = rng.random(clips)
    parts = []
    for number, accuracy in enumerate(accuracies):
        own = np.where(rng.random(clips) < shared, common, rng.random(clips))
        right = own < accuracy
        said = np.where(right, true, (true + rng.integers(1, words, clips)) % words)
        sure = np.clip(rng.normal(np.where(right, 0.8, 0.45), 0.12), 0.26, 1)
        parts.append(pl.DataFrame({
            "judge": [f"{number} clips"] * clips, "clip": np.arange(clips),
            "speaker": ["x"] * clips, "word": names[true], "said": names[said],
            "right": right, "confidence": sure,
        }))  # fmt: skip
    return pl.concat(parts)


@pytest.fixture(scope="session")
def judged():
    """Verdicts of three judges, right in 60, 75 and 85 % of 400 clips of four words."""
    return verdicts((0.60, 0.75, 0.85))


@pytest.fixture(scope="session")
def together():
    """The same judges, most of whose errors fall on the same clips."""
    return verdicts((0.60, 0.75, 0.85), shared=0.8)
