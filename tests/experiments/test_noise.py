"""Wrong labels on purpose, and what the next dollar is best spent on."""

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch")

from kit.experiments import Scale, noise
from kit.experiments import runs as trainings

SMALL = Scale(passes=64, tested=2, seeds=1, budget=48, parts=1)


@pytest.mark.parametrize("share", [0, 0.1, 0.25, 1])
def test_the_share_is_exact_and_nothing_else_changes(tones, share):
    found = noise.mistaken(tones, share)
    changed = found.labels != tones.labels
    assert changed.sum() == round(share * len(tones.labels))
    assert found.clips is tones.clips
    assert set(found.labels) <= set(tones.labels)


def test_more_errors_keep_the_first_ones(tones):
    few, many = (noise.mistaken(tones, s).labels for s in (0.1, 0.3))
    wrong = few != tones.labels
    assert (many[wrong] == few[wrong]).all()


def test_words_are_confused_as_measured(tones):
    words = ["high", "low", "middle"]
    counts = np.array([[90, 10, 0], [0, 50, 50], [0, 0, 7]])
    found = noise.mistaken(tones, 1, (counts, words))
    pairs = set(zip(tones.labels.tolist(), found.labels.tolist(), strict=True))
    assert ("high", "low") in pairs
    assert ("high", "middle") not in pairs
    assert ("low", "middle") in pairs
    assert {b for a, b in pairs if a == "middle"} == {"high", "low"}  # never seen to err


def test_tests_keep_their_labels_and_trainings_do_not(tones, judged, monkeypatch):
    seen = []

    def spied(tasks, progress=None):
        seen.extend(tasks)
        return [{"accuracy": dict.fromkeys(t.tests, 0.5), "seconds": 0.0} for t in tasks]

    monkeypatch.setattr(noise, "outcomes", spied)
    renamed = judged.with_columns(pl.col("word", "said").replace_strict(
        {"w0": "low", "w1": "middle", "w2": "high", "w3": "high"}))  # fmt: skip
    table = noise.noisy(tones, renamed, SMALL)
    assert table.height == len(seen) == 2 * len(noise.WRONG) + len(noise.WRONG) - 1
    truth = {c.tobytes(): w for c, w in zip(tones.clips, tones.labels, strict=True)}
    shares = set()
    for task in seen:
        for part in task.tests.values():
            assert all(
                truth[c.tobytes()] == w for c, w in zip(part.clips, part.labels, strict=True)
            )
            assert not set(part.speakers) & set(task.train.speakers)
        right = [truth[c.tobytes()] == w for c, w in zip(task.train.clips, task.train.labels,
                                                         strict=True)]  # fmt: skip
        shares.add((len(right), round(1 - np.mean(right), 1)))
    assert {share for _, share in shares} == set(noise.WRONG)
    assert trainings.SHORT.mix == 0  # clips and labels are not blended in short trainings


def test_the_curve_runs_through_its_points_and_stops_at_the_edges():
    rows = [(noise.MISTAKES[0], n, 100 * w, 50 + 10 * np.log2(n / 100) - 40 * w)
            for n in (100, 400) for w in (0, 0.2, 0.4)]  # fmt: skip
    rows.append((noise.MISTAKES[1], 400, 20.0, 1.0))
    names = ["mistake", "clips", "wrong_percent", "accuracy_percent"]
    curve = noise.learning_curve(pl.DataFrame(rows, names, orient="row", strict=False))
    assert curve(100, 0) == pytest.approx(0.5)
    assert curve(200, 0.1) == pytest.approx(0.56)
    assert curve(10_000, 0.9) == pytest.approx(curve(400, 0.4))
    assert curve(1, 0) == pytest.approx(0.5)


def test_the_same_money_buys_many_looks_or_many_clips(tones, judged, monkeypatch):
    seen = []

    def spied(tasks, progress=None):
        seen.extend(tasks)
        return [{"accuracy": dict.fromkeys(t.tests, 0.5), "seconds": 0.0} for t in tasks]

    monkeypatch.setattr(noise, "outcomes", spied)
    renamed = judged.with_columns(pl.col("word", "said").replace_strict(
        {"w0": "low", "w1": "middle", "w2": "high", "w3": "high"}))  # fmt: skip
    table = noise.looks(tones, renamed, usd=48 * 0.05, per_clip=(1, 3), size=SMALL)
    assert table.select("looks", "clips").rows() == [(1, 48), (3, 16)]
    truth = {c.tobytes(): w for c, w in zip(tones.clips, tones.labels, strict=True)}
    for task, row in zip(seen, table.to_dicts(), strict=True):
        right = [truth[c.tobytes()] == w
                 for c, w in zip(task.train.clips, task.train.labels, strict=True)]  # fmt: skip
        assert row["label_percent"] == pytest.approx(100 * np.mean(right))
        assert row["label_percent"] < 100
