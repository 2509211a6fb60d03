"""Judges of different strength: nobody they judge taught them, and their mistakes add up."""

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch")

from kit.errors import KitError
from kit.experiments import Scale, judges
from kit.kws import train as training

SMALL = Scale(passes=64, tested=2, seeds=1, budget=48, parts=1)


@pytest.fixture
def taught(monkeypatch):
    """Speakers of each training."""
    asked, real = [], training.train

    def spied(clips, labels, speakers, *args, **kwargs):
        asked.append(sorted(set(speakers.tolist())))
        return real(clips, labels, speakers, *args, **kwargs)

    monkeypatch.setattr(training, "train", spied)
    return asked


def test_judges_never_heard_whom_they_judge_and_are_asked_once(tones, taught):
    found = judges.judged(tones, (12, 48), SMALL)
    assert found["judge"].unique(maintain_order=True).to_list() == ["12 clips", "48 clips"]
    assert set(found["speaker"]) == {"s4", "s5"}
    assert len(taught) == 2
    assert not {"s4", "s5"} & {name for names in taught for name in names}
    again = judges.judged(tones, (12, 48), SMALL)
    assert len(taught) == 2
    assert again.equals(found)
    judges.judged(tones, (12, 48), SMALL, seed=1)
    assert len(taught) == 4


def test_confusions_count_every_clip_in_the_row_of_its_word(tones):
    found = judges.judged(tones, (12, 48), SMALL)
    counts, words = judges.confusions(found)
    assert words == sorted(set(tones.labels.tolist()))
    for judge, table in counts.items():
        part = found.filter(judge=judge)
        assert table.sum(1).tolist() == [(part["word"] == w).sum() for w in words]
        assert np.trace(table) == part["right"].sum()
        pair = (pl.col("word") == words[0]) & (pl.col("said") == words[1])
        assert table[0, 1] == part.filter(pair).height


def test_two_speakers_leave_nobody_to_train(tones):
    with pytest.raises(KitError) as caught:
        judges.judged(tones.by(["s0", "s1"]), (12,), SMALL)
    assert caught.value.code == "no-honest-split"
