"""Trainings are kept by content: found again, told apart, made anew when their file is broken."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from kit.audio.augment import preset
from kit.errors import KitError
from kit.experiments import accuracy, runs
from kit.experiments.conditions import CONDITIONS, heard
from kit.experiments.folds import averaged, folds, unseen
from kit.experiments.runs import Task, outcomes
from kit.kws.train import Settings

TINY = Settings(channels=8, blocks=1, batch=8, mix=0.0, warp=0.0)
HOW = {"seed": 0, "passes": 600, "augment": None, "settings": TINY}


def task(tones, **how):
    return Task(tones.without("s0"), {"s0, clean": tones.by("s0")}, HOW | how)


def test_a_training_is_found_again_and_anything_else_is_not(tones, own_home):
    first = outcomes([task(tones)])[0]
    assert first["clips"] == 120
    assert not first["found"]
    assert first["accuracy"]["s0, clean"] > 0.8
    again = outcomes([task(tones), task(tones, seed=1), task(tones, augment="light"),
                      task(tones, augment=preset("none", gain_db=(0.0, 1.0)))])  # fmt: skip
    assert [o["found"] for o in again] == [True, False, False, False]
    assert again[0]["accuracy"] == first["accuracy"]
    fewer = Task(tones.without(["s0", "s1"]), task(tones).tests, HOW)
    assert not outcomes([fewer])[0]["found"]
    assert len(list((own_home / "experiments" / "runs").glob("*.json"))) == 5


def test_the_same_training_twice_in_a_list_runs_once(tones, monkeypatch):
    done, real = [], runs._work
    monkeypatch.setattr(runs, "_work", lambda job: (done.append(job["key"]), real(job))[1])
    found = outcomes([task(tones), task(tones)])
    assert len(done) == 1
    assert found[0] == found[1]


def test_a_rehearsal_is_shorter_says_so_and_is_kept_apart(tones, monkeypatch, capsys):
    seen, real = [], runs._work
    monkeypatch.setattr(runs, "_work", lambda job: (seen.append(job["how"]), real(job))[1])
    monkeypatch.setenv("KIT_REHEARSE", "5")
    outcomes([task(tones)])
    assert "their numbers mean nothing" in capsys.readouterr().out
    monkeypatch.delenv("KIT_REHEARSE")
    assert not outcomes([task(tones)])[0]["found"]
    assert [how["passes"] for how in seen] == [120, 600]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", ["", "{", '{"accuracy": {}}', "[]", "\x00"])
def test_a_broken_file_is_made_anew(tones, own_home, content):
    first = outcomes([task(tones)])[0]
    (path,) = (own_home / "experiments" / "runs").glob("*.json")
    path.write_text(content)
    again = outcomes([task(tones)])[0]
    assert not again["found"]
    assert again["accuracy"] == first["accuracy"]
    assert json.loads(path.read_text())["clips"] == 120


def test_two_processes_give_what_one_gives(tones, monkeypatch, tmp_path):
    tasks = [task(tones, seed=seed) for seed in (0, 1)]
    alone = [o["accuracy"] for o in outcomes(tasks)]
    monkeypatch.delenv(runs.WORKERS)
    monkeypatch.setenv("KIT_DATA_HOME", str(tmp_path / "other"))
    assert [o["accuracy"] for o in outcomes(tasks, workers=2)] == alone


def test_passes_become_epochs(tones, monkeypatch):
    from kit.kws import train as training

    seen, real = [], training.train
    monkeypatch.setattr(training, "train", lambda *a, **k: (seen.append(k), real(*a, **k))[1])
    outcomes([task(tones, passes=240), task(tones, passes=1)])
    assert [k["epochs"] for k in seen] == [2, 1]
    assert all(k["validation"] is None for k in seen)


def test_nobody_is_tested_by_a_model_that_heard_them(tones):
    assert folds(tones, 6) == [(f"s{i}",) for i in range(6)]
    assert folds(tones, 2) == [("s0", "s1")]
    for tested in (0, 7):
        with pytest.raises(KitError, match="cannot be tested"):
            folds(tones, tested)
    with pytest.raises(KitError, match="too few speakers"):
        folds(tones.by("s0"), 1)


def test_every_speaker_is_tested_in_turn(tones, monkeypatch):
    heard_, real = [], accuracy.outcomes

    def spied(tasks, progress=None):
        heard_.extend((set(t.train.speakers), t.how["seed"], set(t.tests)) for t in tasks)
        return real(tasks, progress=progress)

    monkeypatch.setattr(accuracy, "outcomes", spied)
    how = {"epochs": 1, "augment": None, "settings": TINY}
    table = accuracy.held_out_speakers(tones, how, seeds=(0, 3))
    every = {f"s{i}" for i in range(6)}
    assert heard_ == [
        (every - {s}, seed, {f"{s}, clean"}) for seed in (0, 3) for s in sorted(every)
    ]
    assert table.columns == ["speaker", "seed", "accuracy", "seconds", "clips"]
    assert table["clips"].to_list() == [120] * 12
    extra = tones.by("s0")._replace(speakers=np.array(["voice"] * 24))
    table = accuracy.held_out_speakers(tones, how, real=6, extra=extra, tested=["s2"])
    assert table["clips"].to_list() == [30]
    assert "voice" in heard_[-1][0]
    with pytest.raises(KitError, match="too few speakers"):
        accuracy.held_out_speakers(tones.by("s0"), how)


def test_the_summary_takes_speakers_as_observations():
    import polars as pl

    accuracies = {"a": (0.8, 0.9), "b": (0.6, 0.6), "c": (0.7, 0.9), "d": (0.5, 0.5)}
    rows = [(s, seed, a) for s, pair in accuracies.items() for seed, a in enumerate(pair)]
    table = pl.DataFrame(rows, ["speaker", "seed", "accuracy"], orient="row")
    table = table.with_columns(seconds=pl.lit(2.0), clips=10)
    found = {row["speaker"]: row for row in accuracy.summary(table).to_dicts()}
    assert found["a"]["low_percent"] == pytest.approx(80)
    assert found["a"]["high_percent"] == pytest.approx(90)
    means = np.array([85, 60, 80, 50.0])
    half = 3.18245 * means.std(ddof=1) / 2
    assert found["mean"]["accuracy_percent"] == pytest.approx(means.mean())
    assert found["mean"]["low_percent"] == pytest.approx(means.mean() - half)
    assert found["mean"]["runs"] == 8
    few = averaged(table.filter(pl.col("speaker").is_in(["a", "b"])), [pl.lit("x").alias("k")])
    assert few["ends"].to_list() == ["range"]
    assert few.select("low_percent", "high_percent").row(0) == pytest.approx((60, 85))


def test_conditions_change_every_clip_in_the_same_way(tones):
    some = tones.of(np.arange(6))
    for name in CONDITIONS:
        one = heard(some, name)
        assert np.array_equal(one.clips[3:], heard(some.of(np.arange(3, 6)), name).clips)
        assert np.array_equal(one.labels, some.labels)
    noisy = heard(some, "noisy").clips - some.clips.astype(float)
    from kit.audio.augment import speech_power

    snr = 10 * np.log10(speech_power(some.clips) / (noisy**2).mean(1))
    assert np.allclose(snr, 10, atol=0.1)
    assert heard(some, "device").clips.std() < 0.5 * some.clips.std()
    with pytest.raises(KitError, match="clean, noisy, device"):
        heard(some, "underwater")
    assert set(unseen(tones, ("s0",), ("clean", "device"))) == {"s0, clean", "s0, device"}
