"""Label by ear: what the browser gets, what comes back, and what is made of it."""

import io
import wave

import numpy as np
import polars as pl
import pytest
from anywidget import AnyWidget
from helpers import code

import kit
from kit.explorers.labeler import keys_of
from kit.labeling import agreement, cohen_kappa

WORDS = ["yes", "no", "stop"]
TRUTH = ["yes", "no", "stop", "no", "yes", "stop"]


def clips(n=6, samples=80):
    """int16[n, samples]; clip i holds i + 1 throughout, so that it can be told from the others."""
    return np.repeat(np.arange(1, n + 1, dtype=np.int16)[:, None], samples, 1)


def heard(sound):
    """(samples, rate) of WAV bytes."""
    with wave.open(io.BytesIO(sound)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()


def answered(mine, said):
    """`mine` after a listener said `said`: dict of clip -> word, or None for a skip."""
    panel = mine.live_box()
    panel.answers = [
        {
            "clip": place,
            "label": None if said[clip] is None else mine.words.index(said[clip]),
            "seconds": 1 + place / 2 if place else 1,  # JSON has one kind of number
            "replays": place % 2,
        }
        for place, clip in enumerate(mine.order.tolist())
        if clip in said
    ]
    return mine


def test_each_clip_is_played_once_whatever_the_order():
    mine = kit.label(clips(), WORDS, rate=8000)
    played = [heard(sound) for sound in mine.live_box().sounds]
    assert [x[0] - 1 for x, _ in played] == mine.order.tolist()
    assert {rate for _, rate in played} == {8000}
    assert all(len(x) == 80 for x, _ in played)


def test_the_seed_shuffles():
    def order(seed):
        return kit.label(clips(20), WORDS, seed=seed).order.tolist()

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(3)) == list(range(20)) != order(3)


def test_captions_stay_with_their_clips():
    mine = kit.label(clips(), WORDS, captions=[f"clip {i}" for i in range(6)])
    assert mine.live_box().captions == [f"clip {i}" for i in mine.order]


def test_the_browser_gets_sounds_words_and_keys_alone():
    """Neither a truth nor the places of the clips, from which sorted clips could be guessed."""
    panel = kit.label(clips(), WORDS).live_box()
    own = set(panel.traits(sync=True)) - set(AnyWidget().traits(sync=True))
    assert own - {"_css"} == {"words", "hotkeys", "skips", "sounds", "captions", "answers"}
    assert panel.answers == []


def test_the_table_says_who_said_what_and_when():
    mine = answered(kit.label(clips(), WORDS), {0: "yes", 2: None, 3: "stop"})
    table = mine.table()
    assert table.schema == {"clip": pl.Int64, "rater": pl.String, "label": pl.String,
                            "seconds": pl.Float64, "replays": pl.Int64,
                            "order": pl.Int64}  # fmt: skip
    assert table["clip"].to_list() == list(range(6))
    assert set(table["rater"]) == {"you"}
    assert table["label"].to_list() == ["yes", None, None, "stop", None, None]
    place = np.argsort(mine.order)
    assert table["order"].to_list() == place.tolist()
    times = [1 + place[i] / 2 if i in (0, 2, 3) else None for i in range(6)]
    assert table["seconds"].to_list() == times, "a skip takes time, too"
    assert table["replays"][3] == place[3] % 2
    assert not mine.done
    assert repr(mine).startswith("2 of 6 clips labelled, 1 skipped; median ")


def test_done_means_that_every_clip_was_answered():
    said = dict(enumerate(TRUTH)) | {4: None}
    mine = answered(kit.label(clips(), WORDS), said)
    assert mine.done
    assert mine.item.tolist() == [0, 1, 2, 3, 5]
    assert mine.label == ["yes", "no", "stop", "no", "stop"]


def test_your_labels_beside_the_truth_give_kappa():
    said = dict(enumerate(TRUTH)) | {3: "yes", 4: None}
    mine = answered(kit.label(clips(), WORDS), said)
    table = mine.beside(truth=TRUTH, machine=np.array(["no"] * 6))
    assert table.columns == ["item", "rater", "label"]
    assert table["item"].unique(maintain_order=True).to_list() == [0, 1, 2, 3, 5]
    assert table.filter(rater="truth")["label"].to_list() == ["yes", "no", "stop", "no", "stop"]
    assert set(table.filter(rater="machine")["label"]) == {"no"}
    kappa = cohen_kappa(mine.beside(truth=TRUTH)).value
    seen, chance = 4 / 5, (2 * 1 + 1 * 2 + 2 * 2) / 25  # yes, no, stop
    assert kappa == pytest.approx((seen - chance) / (1 - chance))
    assert agreement(table, ["raw agreement"])["raters"].item() == 3


def test_a_label_may_be_missing_beside_yours():
    mine = answered(kit.label(clips(), WORDS), {0: "yes", 1: "no"})
    table = mine.beside(other=[None, "no", float("nan"), None, None, None])
    assert table.filter(rater="other")["label"].to_list() == [None, "no"]


def test_nothing_labelled_gives_empty_tables():
    mine = kit.label(clips(), WORDS)
    assert mine.beside(truth=TRUTH).schema == {"item": pl.Int64, "rater": pl.String,
                                               "label": pl.String}  # fmt: skip
    assert mine.beside(truth=TRUTH).is_empty()
    assert mine.table()["label"].null_count() == 6
    assert code(cohen_kappa, mine.beside(truth=TRUTH)) == "empty"
    assert repr(mine) == "0 of 6 clips labelled."


@pytest.mark.parametrize(
    ("others", "wanted"),
    [
        ({"you": TRUTH}, "names"),
        ({"truth": TRUTH[1:]}, "shape"),
        ({"truth": [0, 1, 2, 3, 4, 5]}, "type"),
        ({"truth": ["JA", "NEIN"] * 3}, "unknown-label"),
    ],
)
def test_labels_of_others_must_fit(others, wanted):
    assert code(kit.label(clips(), WORDS).beside, **others) == wanted


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (list("0123456789"), "0123456789"),
        (["nine", "zero", "two"], "902"),
        (["yes", "no"], "12"),
        (["b", "a"], "ba"),
        ([f"word {i}" for i in range(12)], "1234567890ab"),
    ],
)
def test_each_word_has_a_key(words, keys):
    assert keys_of(words) == list(keys)
    assert len(set(keys_of([f"word {i}" for i in range(36)]))) == 36


def test_no_key_both_chooses_and_skips():
    def skips(words):
        return kit.label(clips(), words).live_box().skips

    assert skips(WORDS) == ["s", ".", "Delete"]
    assert skips(["s", "f"]) == [".", "Delete"]
    assert skips(["s", "."]) == ["Delete"]


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"clips": clips().tolist()}, "type"),
        ({"clips": clips().astype(np.float32)}, "type"),
        ({"clips": clips()[0]}, "shape"),
        ({"clips": clips()[:0]}, "empty"),
        ({"clips": clips()[:, :0]}, "empty"),
        ({"rate": 0}, "range"),
        ({"rate": 16e3}, "range"),
        ({"words": "yes"}, "type"),
        ({"words": 3}, "type"),
        ({"words": ["yes", 1]}, "type"),
        ({"words": ["yes"]}, "words"),
        ({"words": ["yes", "no", "yes"]}, "words"),
        ({"words": ["yes", " "]}, "words"),
        ({"words": [f"word {i}" for i in range(37)]}, "words"),
        ({"captions": ["one"]}, "captions"),
        ({"captions": [None] * 6}, "type"),
    ],
)
def test_what_cannot_be_labelled_is_refused(changed, wanted):
    assert code(kit.label, **{"clips": clips(), "words": WORDS} | changed) == wanted


def test_where_nobody_listens_there_is_a_note(capsys):
    mine = kit.label(clips(), WORDS)
    mine._ipython_display_()
    assert "6 clips to label by ear" in capsys.readouterr().out
    assert mine._panel is None, "no widget is made"
    assert mine.table().height == 6


def test_a_listener_sees_one_task_however_often_it_is_shown(person, capsys):
    mine = kit.label(clips(), WORDS)
    mine._ipython_display_()
    assert "Panel" in capsys.readouterr().out
    assert mine.live_box() is mine.live_box()
