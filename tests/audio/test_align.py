"""Forced alignment against marks made by hand, and against what it must refuse."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kit import corpus
from kit.audio import align as aligner
from kit.audio.align import Word, align, plain_words, word_clip
from kit.errors import KitError

pytest.importorskip("pocketsphinx")


@pytest.fixture(scope="module")
def sentences():
    """list of (samples, transcript, path) of the LibriVox sentences."""
    try:
        folder = corpus.fetch("librivox", progress=False)
    except KitError as error:
        pytest.skip(f"the LibriVox sentences cannot be had: {error}")
    rows = corpus.load_clips("librivox", folder, progress=False).table.iter_rows(named=True)
    return [(corpus.read_sound(r["path"]), r["label"], r["path"]) for r in rows]


def test_outer_ends_lie_within_60_ms_of_the_hand_marks(sentences):
    for samples, text, path in sentences:
        start, end = corpus.speech_span(path)
        words = align(samples, text)
        assert abs(words[0].start_s - start) <= 0.06, path
        assert abs(words[-1].end_s - end) <= 0.06, path


def test_words_come_in_order_without_overlap(sentences):
    for samples, text, _ in sentences:
        words = align(samples, text)
        assert [w.word for w in words] == text.split()
        assert all(a.end_s <= b.start_s + 1e-9 for a, b in itertools.pairwise(words))
        assert all(w.seconds > 0.03 for w in words)
        assert max(w.score for w in words) < 0


def test_scores_part_true_words_from_false_ones(sentences):
    true = [w.score for samples, text, _ in sentences for w in align(samples, text)]
    assert min(true) > -3.2
    samples, text, _ = sentences[1]
    false = align(samples, text.replace("young man", "old elephant"))
    assert min(w.score for w in false[-2:]) < -2.5
    assert np.mean([w.score for w in align(sentences[0][0], text)]) < -3.5


def test_the_same_again_and_from_threads(sentences):
    once = [align(s, t) for s, t, _ in sentences]
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda x: align(*x[:2]), sentences * 3))
    assert again == once * 3


def test_a_word_that_stands_in_its_place_again(sentences):
    """A sentence after half a second of silence moves every word by half a second."""
    samples, text, _ = sentences[1]
    late = align(np.concatenate([np.zeros(8000, np.int16), samples]), text)
    for a, b in zip(align(samples, text), late, strict=True):
        assert b.start_s - a.start_s == pytest.approx(0.5, abs=0.08)


def test_word_clips_hold_the_word_in_the_middle(sentences):
    samples, text, _ = sentences[0]
    for word in align(samples, text):
        clip = word_clip(samples, word)
        assert clip.shape == (16_000,)
        held = np.flatnonzero(clip)
        assert abs((held[0] + held[-1]) / 2 - 8000) < 900
        first, last = round(word.start_s * 16_000), round(word.end_s * 16_000)
        assert np.abs(clip.astype(int)).max() >= np.abs(samples[first:last].astype(int)).max()
    with pytest.raises(KitError, match="'long' does not fit: found '1.50 s'. Allowed: 1 s"):
        word_clip(samples, Word("long", 1.0, 2.5, -1.0))


def test_what_cannot_be_aligned_says_why(sentences):
    samples = sentences[1][0]
    with pytest.raises(KitError, match="lacks words.*'blorb, xyzzy'") as fault:
        align(samples, "he was xyzzy not blorb")
    assert fault.value.code == "unknown-word"
    with pytest.raises(KitError, match="cannot be these words") as fault:
        align(samples[:8000], sentences[0][1])
    assert fault.value.code == "no-alignment"
    with pytest.raises(KitError, match="no words"):
        align(samples, " 12 !? ")
    for bad in (samples.astype(float), samples[None], samples[:100], None):
        with pytest.raises(KitError, match="not sound to align"):
            align(bad, "hello")
    silence = np.zeros(48_000, np.int16)
    with pytest.raises(KitError):
        align(silence, sentences[0][1] * 2)


def test_plain_words():
    assert plain_words("“Don’t,” said Mr. O'Neil — no!") == ["don't", "said", "mr", "o'neil", "no"]


def test_without_the_library_the_error_says_what_to_do(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    aligner._decoder.cache_clear()
    with pytest.raises(KitError, match="needs pocketsphinx"):
        align(np.ones(16_000, np.int16), "hello")
