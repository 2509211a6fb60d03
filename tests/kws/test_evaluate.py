"""Tables against plain counts."""

import numpy as np
import polars as pl
import pytest

from kit.errors import KitError
from kit.intervals import wilson
from kit.kws import evaluate

RNG = np.random.default_rng(0)


def test_accuracy_of_each_speaker_and_of_all():
    said = ["a", "b", "a", "a"]
    table = evaluate.accuracy(said, ["a", "a", "a", "a"], ["x", "x", "y", "y"])
    assert table["speaker"].to_list() == ["x", "y", "all"]
    assert table["accuracy_percent"].to_list() == [50, 100, 75]
    assert table["clips"].to_list() == [2, 2, 4]


def test_voices_that_differ_make_the_interval_wide():
    """Ten voices of 40 clips: some always understood, others half of the time."""
    speakers = np.repeat([f"s{i}" for i in range(10)], 40)
    chance = np.repeat([1.0] * 5 + [0.5] * 5, 40)
    said = np.where(np.random.default_rng(1).random(400) < chance, "a", "b")
    whole = evaluate.accuracy(said, ["a"] * 400, speakers).row(-1, named=True)
    width = whole["high_percent"] - whole["low_percent"]
    low, high = wilson((said == "a").sum(), 400)
    assert width > 1.8 * 100 * (high - low)
    assert whole["low_percent"] < 75 < whole["high_percent"]


def test_one_speaker_has_wilson_s_interval():
    table = evaluate.accuracy(["a", "b"], ["a", "a"], ["x", "x"])
    assert table.drop("speaker").row(0) == table.drop("speaker").row(1)


def test_confusion_and_cohorts_count():
    said, labels = ["a", "b", "b", "b"], ["a", "a", "b", "b"]
    assert evaluate.confusion(said, labels).rows() == [
        ("a", "b", 1, 0.5), ("b", "b", 2, 1.0), ("a", "a", 1, 0.5),
    ]  # fmt: skip
    table = pl.DataFrame({"label": labels, "voice": ["low", "low", "high", None]})
    found = evaluate.cohorts(said, table, ["voice"])
    assert found.select("voice", "clips", "accuracy_percent").rows() == [
        ("low", 2, 50), (None, 1, 100), ("high", 1, 100),
    ]  # fmt: skip


def test_what_does_not_go_together_is_refused():
    with pytest.raises(KitError, match="do not go together"):
        evaluate.accuracy(["a"], ["a", "b"], ["x", "x"])
    with pytest.raises(KitError, match="do not go together"):
        evaluate.accuracy([], [], [])
    with pytest.raises(KitError, match="no speaker"):
        evaluate.accuracy(["a"], ["a"], [None])
