"""Splits share nothing, never drift, and say how far they are off."""

import hashlib
import os
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.corpus import hold_out, leaks, load_clips, share_report, split
from kit.errors import KitError

BOTH = ("speaker", "source_id")
SCHEMA = {"speaker": pl.String, "source_id": pl.String}
people = st.sampled_from(["ann", "bob", "cy", "dee", "eve", None])
sources = st.sampled_from([f"r{i}" for i in range(8)])
clips = st.lists(st.tuples(people, sources), max_size=30)


def table(rows, fillers=80):
    """Rows of (speaker, source_id), and enough speakers of their own to fill every split."""
    extra = [(f"filler{i}", f"filler{i}/{k}") for i in range(fillers) for k in range(2)]
    found = pl.DataFrame([*rows, *extra], schema=SCHEMA, orient="row")
    return found.with_columns(clip_id=pl.int_range(pl.len()).cast(pl.String))


def groups(rows):
    """Sets of values linked through rows, grown one by one: slow and plain."""
    found = []
    for row in rows:
        values = {(kind, v) for kind, v in zip(BOTH, row, strict=True) if v is not None}
        touched = [g for g in found if g & values]
        found = [g for g in found if not g & values] + [values.union(*touched)]
    return found


@given(clips)
@settings(max_examples=150, deadline=None)
def test_nothing_is_shared_between_splits(rows):
    done = split(table(rows))
    assert done["split"].null_count() == 0
    assert leaks(done).height == 0
    split_of = {}
    for speaker, source, _, where in done.head(len(rows)).rows():
        split_of |= {("speaker", speaker): where, ("source_id", source): where}
    for group in groups(rows):
        assert len({split_of[value] for value in group}) == 1


@given(clips, st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_of_rows_does_not_matter(rows, random):
    before = split(table(rows))
    order = list(range(before.height))
    random.shuffle(order)
    assert split(table(rows)[order]).equals(before[order])


@given(clips, st.lists(st.tuples(people, sources), max_size=10))
@settings(max_examples=100, deadline=None)
def test_new_speakers_and_new_recordings_move_nobody(rows, new):
    before = split(table(rows))
    new = [(f"a new {speaker}", f"a new {source}") for speaker, source in new]
    more = [(speaker, f"{speaker} again") for speaker, _ in rows if speaker]
    after = split(table([*rows, *new, *more]))
    assert after["split"][: len(rows)].equals(before["split"][: len(rows)])


def test_a_split_is_the_stated_hash():
    done = split(table([]), seed="s")
    for speaker, where in done.select("speaker", "split").iter_rows():
        digest = hashlib.blake2b(f"s\x000 {speaker}".encode(), digest_size=8).digest()
        place = int.from_bytes(digest, "big") / 2**64
        assert where == ("train" if place < 0.8 else "validation" if place < 0.9 else "test")


def test_every_interpreter_agrees():
    code = (
        "import polars as pl; from kit.corpus import split\n"
        "t = pl.DataFrame({'speaker': [str(i) for i in range(60)]})\n"
        "print(*split(t.with_columns(source_id='speaker'))['split'])"
    )
    command = [sys.executable, "-c", code]
    runs = [
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stdout.split()[:5].count(b"train") >= 2


def test_the_shares_are_met_with_many_speakers():
    done = split(table([], 4000), (0.5, 0.2, 0.3))
    report = share_report(done, (0.5, 0.2, 0.3))
    assert report["off"].abs().max() < 0.03  # about four standard errors
    assert report["clips"].sum() == done.height
    assert report["speakers"].sum() == 4000
    assert report["share"].sum() == pytest.approx(1)
    assert (report["share"] - report["wanted"]).equals(report["off"], check_names=False)


def test_another_seed_gives_another_split():
    assert not split(table([]), seed="a")["split"].equals(split(table([]), seed="b")["split"])


def test_a_chain_of_links_is_one_group():
    rows = [(f"s{i // 2}", f"r{(i + 1) // 2}") for i in range(400)]
    done = split(table(rows))
    assert done["split"].head(400).n_unique() == 1


def test_a_share_of_nothing_stays_empty():
    done = split(table([]), (0.9, 0, 0.1))
    assert set(done["split"]) == {"train", "test"}
    assert set(split(table([]), (1, 0, 0))["split"]) == {"train"}


def test_by_source_alone_lets_a_voice_be_heard_on_both_sides():
    rows = [("ann", f"r{i}") for i in range(300)] + [("ann", f"r{i}") for i in range(300)]
    done = split(table(rows, 0), by="source_id")
    found = leaks(done)
    assert found.select("kind", "value").rows() == [("speaker", "ann")]
    assert found["splits"][0] == "test, train, validation"
    assert found["clips"][0] == 600


def test_by_speaker_alone_places_clips_without_one_by_their_source():
    rows = [(None, f"r{i // 2}") for i in range(200)]
    done = split(table(rows), by="speaker")
    nameless = done.head(200)
    assert nameless["split"].n_unique() == 3
    assert leaks(nameless).height == 0


def test_by_equal_sound_keeps_copies_together():
    copies = table([]).with_columns(clip_id=pl.lit("a") + (pl.int_range(pl.len()) // 4).cast(str))
    assert leaks(split(copies))["kind"].to_list().count("clip_id") > 0
    assert leaks(split(copies, by=("speaker", "clip_id"))).height == 0


def test_few_speakers_are_told_what_to_do(fsdd):
    found = load_clips("fsdd", fsdd).table
    with pytest.raises(KitError, match="hold_out") as caught:
        split(found)
    assert "6 groups" in str(caught.value)
    done = hold_out(found, ["theo"], validation=["lucas"])
    assert leaks(done).height == 0
    assert share_report(done).select("split", "clips").rows() == [
        ("train", 2000), ("validation", 500), ("test", 500),
    ]  # fmt: skip
    assert set(done.filter(split="test")["speaker"]) == {"theo"}
    assert hold_out(found, "theo")["split"].value_counts().height == 2


@pytest.mark.parametrize(
    ("speakers", "validation", "word"),
    [
        ([], [], "cannot be held out"),
        (["zoe"], [], "'zoe'"),
        (["ann"], ["ann"], "'ann'"),
        (["ann"], [], "1 recordings, first shared: test, train"),
    ],
)
def test_a_hold_out_that_cannot_be(speakers, validation, word):
    rows = [("ann", "shared"), ("bob", "shared"), ("cy", "own")]
    with pytest.raises(KitError, match=word):
        hold_out(table(rows, 0), speakers, validation)


def test_clips_without_a_speaker_cannot_be_held_out():
    with pytest.raises(KitError, match="found '1 clips'"):
        hold_out(table([("ann", "a"), (None, "b")], 0), ["ann"])


def test_leaks_names_what_is_shared():
    found = table([("ann", "a"), ("ann", "b"), ("bob", "b"), (None, "c"), (None, "d")], 0)
    found = found.with_columns(
        split=pl.Series(["train", "test", "test", "train", "test"]),
        clip_id=pl.Series(["1", "2", "3", "4", "4"]),
    )
    assert leaks(found).rows() == [
        ("speaker", "ann", "test, train", 2),
        ("clip_id", "4", "test, train", 2),
    ]
    assert leaks(found.with_columns(split=pl.lit(None, pl.String))).height == 0


@pytest.mark.parametrize("shares", [(0.8, 0.2), (0.8, 0.1, 0.2), (1.2, -0.1, -0.1)])
def test_shares_must_add_up(shares):
    with pytest.raises(KitError, match="add up to 1"):
        split(table([]), shares)


@pytest.mark.parametrize("by", ["label", (), ("speaker", "path")])
def test_by_must_be_known(by):
    with pytest.raises(KitError, match="speaker, source_id, clip_id"):
        split(table([]), by=by)


def test_a_table_without_the_columns_is_refused():
    with pytest.raises(KitError, match="found 'speaker'"):
        split(table([]).drop("speaker"))
