"""`kit bench features`: peers compute the same, rows are measured, a missing peer is said."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from kit import audio
from kit.audio import preset
from kit.bench import features as bench
from kit.bench import peers, recorded
from kit.views import features as views


@pytest.mark.parametrize("name", [n for n in peers.CPU if not n.startswith("kaldi")])
def test_a_peer_makes_the_features_of_the_reference(name, speech_like):
    make, batch = peers.CPU[name]
    found = bench._in_batches(make(), batch, speech_like)
    wanted = audio.extract(speech_like, "kws", "reference")
    assert np.abs(np.asarray(found) - wanted).max() < 2e-3


def test_kaldi_does_the_same_amount_of_work(speech_like):
    assert peers.kaldi()(speech_like).shape == (len(speech_like), 98, 13)


@pytest.fixture
def speech_like():
    rng = np.random.default_rng(0)
    loud = np.repeat(10 ** rng.uniform(0, 4, (30, 40)), 400, axis=1)
    return np.clip(rng.normal(0, loud), -32_768, 32_767).astype(np.int16)


@pytest.mark.slow
def test_the_command_measures_everything_in_one_run():
    command = [sys.executable, "-m", "kit", "bench", "features", "--json", "--clips", "200",
               "--rounds", "1"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    rows = {r["name"]: r for r in found["rows"]}
    assert set(rows) | {m["name"] for m in found["missing"]} == {bench.OURS, *peers.CPU}
    best = max(r["clips_per_s"] for name, r in rows.items() if name != bench.OURS)
    for name, row in rows.items():
        assert row["low"] <= row["clips_per_s"] <= row["high"]
        assert row["ratio_to_best_peer"] == pytest.approx(row["clips_per_s"] / best)
        assert name.startswith("kaldi") or row["largest_gap"] < 1e-2
        assert 0 < row["roofline_share"] < 1.5
    assert found["ceilings"]["gflops"] > 1
    assert found["machine"]
    assert bench.OURS in bench.as_text(found, found["rows"])


def test_a_peer_that_is_not_installed_is_said(monkeypatch):
    def nothing():
        raise ImportError("no module named nothing")

    code = "from kit.bench import features, peers\nimport sys\nsys.modules['librosa'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "features.serve('librosa, batched', 100)"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "librosa" in done.stderr.splitlines()[-1]
    monkeypatch.setattr(bench, "_Worker", lambda name, clips: name == bench.OURS or nothing())
    workers, missing = bench._start(100)
    assert (len(workers), len(missing)) == (1, len(peers.CPU))


def test_the_kept_record_is_newest_first_and_can_be_drawn():
    import polars as pl

    records = recorded("features")
    assert records == sorted(records, key=lambda r: r["when"], reverse=True)
    assert records[0]["machine"]
    figure = views.rates(pl.DataFrame(records[0]["rows"]))
    assert list(figure.data[0].y)[-1] == bench.OURS
    assert recorded("nothing") == []


def test_a_record_is_kept_under_its_benchmark_and_machine(tmp_path, monkeypatch):
    import kit.bench

    (tmp_path / "docs" / "benchmarks").mkdir(parents=True)
    monkeypatch.setattr(kit.bench, "root", lambda: tmp_path)
    made = kit.bench.record("features-gpu", [{"name": "x"}]) | {"device": "NVIDIA H200 (141 GB)"}
    path = kit.bench.keep(made)
    assert path.name == "features-gpu-nvidia-h200-141-gb.json"
    assert kit.bench.recorded("features-gpu") == [made]
    assert kit.bench.keep({**made, "device": None}).name != path.name


def test_the_record_meets_the_target():
    """A kept record below the promised ratio must not be kept."""
    ours = next(r for r in recorded("features")[0]["rows"] if r["name"] == bench.OURS)
    assert ours["ratio_to_best_peer"] >= 2
    assert preset("kws").fingerprint == peers.SPEC.fingerprint


def test_the_unfused_gpu_peer_computes_the_same(monkeypatch):
    """Its code runs on any array library with NumPy's names; here on NumPy itself."""
    from kit.bench import gpu

    monkeypatch.setattr(gpu, "_PEER_CLIPS", 4)
    np.random.seed(0)  # noqa: NPY002 - CuPy has this interface
    run = gpu._cufft(np)
    np.random.seed(0)  # noqa: NPY002
    clips = gpu._noise(np, 4)
    assert np.abs(run() - audio.extract(clips, "kws", "reference")).max() < 1e-3


def test_without_a_device_the_gpu_bench_says_so():
    from kit.audio import gpu

    if gpu.available():
        pytest.skip("a CUDA device is here")
    command = [sys.executable, "-m", "kit", "bench", "features", "--gpu"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.search("needs CuPy|no CUDA device", done.stderr)


@pytest.mark.gpu
def test_the_gpu_bench_measures_every_size():
    from kit.audio import gpu
    from kit.bench.gpu import features_gpu

    if not gpu.available():
        pytest.skip("no CUDA device")
    found = features_gpu(rounds=1, sizes=(1, 1000))
    ours = [(r["name"], r["clips"]) for r in found["rows"] if r["name"].startswith("kit")]
    resident = "kit, device resident"
    assert ours == [(resident, 1), (resident, 1000), ("kit, streamed", 1000)]
    assert all(r["clips_per_s"] > 0 for r in found["rows"])
    assert found["ceilings"]["gbs"] > 10
