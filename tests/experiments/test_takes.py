"""Takes: drawn evenly, synthesised the same every time, and stand-ins that synthesis never uses."""

import numpy as np
import pytest

from kit.errors import KitError
from kit.experiments import takes
from kit.experiments.takes import joined, synthetic

RATE = 16_000


def test_few_clips_are_drawn_evenly():
    labels = np.array(["a", "b", "c"] * 40)
    who = np.array(["x"] * 30 + ["y"] * 90)
    rows = takes.few(labels, who, 12, seed=2)
    cells = list(zip(labels[rows], who[rows], strict=True))
    assert {cells.count(cell) for cell in cells} == {2}
    assert np.array_equal(rows, takes.few(labels, who, 12, seed=2))
    assert not np.array_equal(rows, takes.few(labels, who, 12, seed=3))
    with pytest.raises(KitError, match="not so many"):
        takes.few(labels, who, 121)


def test_spoken_words_are_many_voices_and_the_same_every_time():
    clips, labels, voices = takes.spoken(12, {"yes": "yes", "no": "no"}, seed=1)
    assert clips.shape == (12, RATE)
    assert labels == ["yes", "no"] * 6
    assert len(set(voices)) > 8
    assert not set(voices) & set(takes._STAND_INS)
    assert np.array_equal(takes.spoken(12, {"yes": "yes", "no": "no"}, seed=1)[0], clips)
    narrow = takes.spoken(4, seed=1, band_hz=4000)
    assert narrow[1] == ["0", "1", "2", "3"]
    power = np.abs(np.fft.rfft(narrow[0])) ** 2
    assert power[:, 4200:].sum() < 1e-4 * power.sum()


def test_synthesis_is_kept_and_a_broken_file_is_made_anew(own_home, monkeypatch):
    first = synthetic(12, seed=3)
    (path,) = (own_home / "experiments").glob("*.npz")
    monkeypatch.setattr(takes, "spoken", lambda *a, **k: pytest.fail("was kept"))
    assert np.array_equal(synthetic(12, seed=3).clips, first.clips)
    monkeypatch.undo()
    monkeypatch.setenv("KIT_DATA_HOME", str(own_home))
    path.write_bytes(path.read_bytes()[:500])
    again = synthetic(12, seed=3)
    assert again.digest == first.digest
    assert np.array_equal(synthetic(20, seed=3).clips[:12], first.clips)
    assert synthetic(12, seed=4).digest != first.digest


def test_takes_are_chosen_by_speaker_and_told_apart_by_content(tones):
    assert set(tones.by("s1").speakers) == {"s1"}
    assert set(tones.without(["s1", "s2"]).speakers) == {"s0", "s3", "s4", "s5"}
    both = joined(tones.by("s1"), tones.without("s1"))
    assert len(both.clips) == len(tones.clips)
    assert both.digest != tones.digest  # another order is another training
    relabelled = tones._replace(labels=tones.labels[::-1].copy())
    assert relabelled.digest != tones.digest
    assert len(tones.few(10).clips) == 10


def test_without_recordings_voices_stand_for_people(monkeypatch):
    monkeypatch.setenv("KIT_OFFLINE", "1")
    monkeypatch.delenv("KIT_DATA_MIRROR", raising=False)
    monkeypatch.setattr(takes, "_STAND_INS", takes._STAND_INS[:2])
    takes.stand_ins.cache_clear()
    people, notice = takes.people()
    takes.stand_ins.cache_clear()
    assert "stand for people" in notice
    assert set(people.speakers) == {"voice 1", "voice 2"}
    assert set(people.labels) == set("0123456789")
