"""What `kit bench synthetic` records: every part at a small scale, on tones."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from kit.bench import synthetic as bench
from kit.errors import KitError
from kit.experiments import Scale, accuracy, budget, mix, runs
from kit.experiments.takes import takes

RATE = 16_000


@pytest.fixture(scope="module")
def tones():
    rng = np.random.default_rng(0)
    n = 6 * 40
    labels = np.array([str(i % 10) for i in range(n)])
    who = [f"s{i // 40}" for i in range(n)]
    hertz = 200 * 1.25 ** labels.astype(int) * rng.uniform(0.95, 1.05, n)
    t = np.arange(RATE) / RATE
    sound = 0.2 * np.sin(2 * np.pi * hertz[:, None] * t) * (abs(t - 0.5) < 0.2)
    sound += rng.normal(0, 0.003, sound.shape)
    return takes(np.rint(32_767 * sound).astype(np.int16), labels, who)


@pytest.fixture(autouse=True)
def small(tones, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_DATA_HOME", str(tmp_path))
    monkeypatch.setenv(runs.WORKERS, "1")
    monkeypatch.setattr(bench, "people", lambda: (tones, ""))
    monkeypatch.setattr(budget, "people", lambda progress=None: (tones, ""))
    monkeypatch.setattr(bench, "FULL", Scale(passes=16, tested=2, seeds=1, budget=20, parts=1))
    monkeypatch.setattr(mix, "GRID_REAL", (0, 10))
    monkeypatch.setattr(mix, "GRID_SYNTHETIC", (0, 10))
    monkeypatch.setattr(accuracy, "EPOCHS", 1)
    for name, value in {"SEEDS": (0,), "FEW": 10, "MADE": 10, "FEW_EPOCHS": 4, "SIZE_EPOCHS": 1,
                        "SIZES": ((16, 1, 5),), "SIZE_TESTED": ("s0", "s1"), "STREAM_H": 0.02,
                        "STREAM_TESTED": ("s0",)}.items():  # fmt: skip
        monkeypatch.setattr(bench, name, value)
    budget._market.cache_clear()
    yield
    budget._market.cache_clear()


@pytest.mark.parametrize("part", [p for p in bench.PARTS if p != "price"])
def test_every_part_makes_rows_that_a_record_can_hold(part):
    rows = bench.synthetic([part])
    assert rows
    assert rows[0]["kind"] == part
    assert json.loads(json.dumps(rows)) == rows
    assert part in bench.as_text(rows)
    shares = [r["accuracy"] for r in rows if "accuracy" in r]
    assert all(0 <= share <= 1 for share in shares)


def test_the_stream_is_a_kind_of_its_own():
    kinds = {r["kind"] for r in bench.synthetic(["spotter"])}
    assert kinds == {"spotter", "trade-off"}


def test_what_is_no_part_and_what_is_no_recording(monkeypatch, tones):
    with pytest.raises(KitError, match="held-out, few"):
        bench.synthetic(["everything"])
    monkeypatch.setattr(bench, "people", lambda: (tones, "NOTICE: a sample"))
    with pytest.raises(KitError, match="needs the recordings"):
        bench.synthetic(["gap"])
