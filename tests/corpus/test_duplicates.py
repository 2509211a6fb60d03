"""Near-duplicates planted in real speech are found, and words said again are left alone."""

import numpy as np
import polars as pl
import pytest

from kit import corpus
from kit.corpus import duplicates
from kit.corpus import planted as planting

RATE = 16_000


@pytest.fixture(scope="module")
def planted(fsdd):
    """(clips, origin, kind): 600 recordings, many of them one word by one speaker, and variants."""
    table = corpus.load_clips("fsdd", fsdd, progress=False).table[::5]
    return planting.planted(corpus.waveforms(table))


@pytest.fixture(scope="module")
def found(planted):
    return duplicates.near_duplicates(planted[0])


def test_recall_of_every_kind_and_precision(planted, found, capsys):
    _, origin, kind = planted
    table = planting.scores(found, origin, kind)
    with capsys.disabled():
        print(f"\n{table}", end=" ")
    assert table["kind"].to_list()[:-1] == list(planting.VARIANTS)
    assert (table["found_percent"][:-1] >= 90).all()
    assert table["found_percent"][-1] >= 95
    assert table["clips"][-1] > 100


def test_the_score_counts_by_hand():
    """Clips 0 and 1, copies 2 of 0 and 3 of 1: one right pair, one wrong, one missed."""
    pairs = pl.DataFrame({"first": [0, 0], "second": [2, 1]})
    kind = np.array(["original", "original", "softer", "moved"])
    table = planting.scores(pairs, np.array([0, 1, 0, 1]), kind)
    assert table.rows() == [
        ("softer", 1, 100.0), ("moved", 1, 0.0), ("right, of all pairs found", 2, 50.0),
    ]  # fmt: skip


def test_similarity_is_one_for_equal_clips_and_symmetric(planted):
    clips = planted[0]
    pairs = np.array([[3, 3], [0, 1], [1, 0], [5, 90], [90, 5]])
    match = duplicates.similarity(clips, pairs)
    assert match[0] == pytest.approx(1, abs=1e-4)
    assert match[1] == pytest.approx(match[2], abs=1e-4)
    assert match[3] == pytest.approx(match[4], abs=1e-4)
    assert (match <= 1 + 1e-4).all()


def test_signatures_do_not_see_gain_or_place(planted):
    clips = planted[0][:600:10]
    moved_clips = np.stack([np.roll(x // 2, 2560) for x in clips])  # ten steps of the spectrogram
    both = duplicates.signatures(np.concatenate([clips, moved_clips]))
    cosine = both[:60] @ both[60:].T
    assert (cosine.argmax(1) == np.arange(60)).all()  # its own copy is the nearest
    assert np.median(np.diag(cosine)) > 0.9


def test_banding_finds_equal_rows_and_bounds_a_crowd():
    rng = np.random.default_rng(0)
    found = rng.normal(size=(60, 30)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    found[40:] = found[0]
    pairs = duplicates.candidates(found, most=99)
    wanted = {(a, b) for a in (0, *range(40, 60)) for b in range(40, 60) if a < b}
    assert wanted == set(map(tuple, pairs.tolist()))
    thin = duplicates.candidates(found, crowd=5)
    assert len(thin) == 20  # a chain still joins them
    few = duplicates.candidates(found, most=3)
    assert np.bincount(few[:, 1]).max() == 3
    assert (duplicates.originals(60, few)[40:] == 0).all()


def test_parts_of_the_work_change_nothing(monkeypatch):
    found = np.random.default_rng(1).normal(size=(300, 8)).astype(np.float32)
    whole = duplicates.candidates(found, bits=4, least=0.5)
    monkeypatch.setattr(duplicates, "_PAIRS_AT_ONCE", 7)
    assert np.array_equal(duplicates.candidates(found, bits=4, least=0.5), whole)
    assert len(whole) > 300


def test_the_nearest_are_kept_when_there_are_too_many():
    found = np.random.default_rng(2).normal(size=(200, 6)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    every = duplicates.candidates(found, bits=2, least=0.3, most=999)
    few = set(map(tuple, duplicates.candidates(found, bits=2, least=0.3, most=4).tolist()))
    for b in range(200):
        mine = every[every[:, 1] == b]
        best = mine[np.argsort(-(found[mine[:, 0]] @ found[b]))][:4]
        assert {tuple(p) for p in best.tolist()} == {p for p in few if p[1] == b}


def test_originals_follow_chains_to_the_first():
    found = duplicates.originals(7, [(1, 2), (2, 5), (4, 6), (5, 0)])
    assert found.tolist() == [0, 0, 0, 3, 4, 0, 4]


def test_silence_and_too_few_clips_stop_nothing():
    silent = np.zeros((3, RATE), np.int16)
    assert np.isfinite(duplicates.signatures(silent)).all()
    assert duplicates.near_duplicates(silent).is_empty()
    assert duplicates.near_duplicates(silent[:1]).is_empty()
    assert duplicates.near_duplicates(silent[:0]).is_empty()
