"""Every pass gives away as much as it gets, and says why it turned the rest away."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from kit import audio, corpus
from kit.audio.align import plain_words
from kit.audio.synthesize import synthesize
from kit.compiler import passes
from kit.compiler.inputs import gather
from kit.compiler.recipe import read_recipe
from kit.errors import KitError


@pytest.fixture
def batch(shop):
    """A function: (Batch after all passes, recipe) of the recipe with the given parts."""

    def made(**parts):
        recipe = read_recipe(shop.recipe(**parts))
        items, letters, _ = gather(recipe, shop.home, shop.out)
        assert letters == []
        found = passes.ingest(items.to_dicts(), recipe)
        for step in passes.PASSES:
            found = step(found, recipe)
        return found, recipe

    return made


def conserved(batch):
    """True if no pass lost a clip; align counts words, so it starts anew."""
    counts = list(batch.counts.items())
    for name, part in counts:
        assert part["read"] == part["written"] + part["rejected"], name
    for (_, a), (name, b) in itertools.pairwise(counts):
        assert name == "align" or b["read"] == a["written"], name
    assert batch.table.height == len(batch.sounds) == counts[-1][1]["written"]
    assert sum(x["clips"] for x in batch.letters) == sum(p["rejected"] for _, p in counts)
    return True


def test_good_clips_go_through_as_they_are(batch):
    found, _ = batch()
    assert conserved(found)
    assert found.letters == []
    assert list(found.counts) == ["ingest", "contract", "align", "gates"]
    plain = corpus.load_clips("speech-commands", Path(found.table["path"][0]).parents[1]).table
    assert found.table.select(plain.columns).equals(plain)
    assert np.array_equal(found.sounds, corpus.waveforms(plain))


def test_a_clip_that_breaks_the_contract_is_named_with_its_rule(batch, shop):
    shop.speak("yes/0aaa_nohash_0.wav", "yes " * 12)
    found, _ = batch(contract={"labels": ["yes", "no", "seven"], "seconds": [0.2, 2.0]})
    assert conserved(found)
    assert sorted({x["label"] for x in found.letters}) == ["water", "yes"]
    for letter in found.letters:
        assert letter["pass"] == "contract"
        wanted = "label-unknown" if letter["label"] == "water" else "too-long"
        assert letter["code"] == wanted
        assert "breaks " + wanted in letter["message"]
        assert len(letter["clip_id"]) == 24


def test_what_is_too_long_is_not_kept_in_memory(batch, shop, monkeypatch):
    shop.speak("yes/0aaa_nohash_0.wav", "yes " * 12)
    kept = []
    monkeypatch.setattr(passes, "mono", lambda sound, rate, path: kept.append(sound.seconds)
                        or corpus.sounds.mono(sound, rate, path))  # fmt: skip
    found, _ = batch(contract={"seconds": [0.2, 2.0]})
    assert conserved(found)
    assert [x["code"] for x in found.letters] == ["too-long"]
    assert max(kept) <= 2.0
    assert len(kept) == 24


def test_a_file_larger_than_any_recording_is_not_opened(batch, shop, monkeypatch):
    path = shop.raw / "yes" / "0aaa_nohash_0.wav"
    with open(path, "wb") as file:
        file.truncate(passes._BYTES_A_SECOND * 2 + 1)  # it takes no room on the disk
    opened = []
    real = passes.decode
    monkeypatch.setattr(passes, "decode", lambda p: opened.append(p) or real(p))
    found, _ = batch(contract={"seconds": [0.1, 2.0]})
    assert conserved(found)
    assert [x["code"] for x in found.letters] == ["too-large"]
    assert str(path) not in opened


def test_gates_name_what_was_found_and_wanted(batch):
    found, _ = batch(gates={"speech_s": [0.35, 1.0]})
    assert conserved(found)
    assert 0 < len(found.letters) < 24
    for letter in found.letters:
        assert letter["code"] == "speech-length"
        assert "wanted speech_s 0.35 to 1" in letter["message"]
    assert (found.table["speech_s"] >= 0.35).all()
    assert found.sounds.shape == (found.table.height, 16_000)


def test_a_shard_that_loses_everything_is_a_shard(batch):
    found, _ = batch(contract={"labels": ["nothing"]})
    assert conserved(found)
    assert found.table.is_empty()
    assert found.sounds.shape == (0, 16_000)


def test_spoken_clips_are_what_the_synthesizer_says(batch):
    source = {"kind": "synthesis", "words": ["seven", "yes"], "voices": ["en-us", "en-gb+f2"]}
    found, _ = batch(source=[source])
    assert conserved(found)
    for row, clip in zip(found.table.iter_rows(named=True), found.sounds, strict=True):
        voice = row["speaker"].removeprefix("espeak-ng ")
        alone = audio.fit(synthesize(row["label"], voice), 16_000)
        assert np.array_equal(clip, alone)


def test_a_word_that_cannot_be_said_is_a_letter_and_a_voice_that_is_not_there_stops(batch):
    source = {"kind": "synthesis", "words": ["yes", "\u200b"], "voices": ["en-us"]}
    found, _ = batch(source=[source])
    assert conserved(found)
    assert [(x["code"], x["label"]) for x in found.letters] == [("silent", "\u200b")]
    with pytest.raises(KitError, match="no such voice") as fault:
        batch(source=[source | {"voices": ["en-us", "nobody"]}])
    assert fault.value.code == "unknown-voice"


@pytest.fixture
def sentences(bare, librivox):
    """A function: the Batch of the LibriVox sentences in raw, which the test may change first."""
    for path in librivox.rglob("*"):
        if path.suffix in (".wav", ".flac", ".txt"):
            shutil.copy(path, bare.raw)

    def made(labels=(), **parts):
        source = {"kind": "librivox", "path": "raw", "align": True, "labels": list(labels)}
        recipe = read_recipe(bare.recipe(source=[source], **parts))
        items, made.lost, _ = gather(recipe, bare.home, bare.out)
        found = passes.ingest(items.to_dicts(), recipe)
        for step in passes.PASSES:
            found = step(found, recipe)
        assert conserved(found)
        return found

    made.texts = sorted(bare.raw.glob("*.txt"))
    return made


def test_every_word_of_a_sentence_is_a_clip_or_a_letter(sentences):
    found = sentences()
    said = [w for path in sentences.texts for w in plain_words(path.read_text())]
    words = found.table["label"].to_list() + [x["label"] for x in found.letters]
    assert sorted(words) == sorted(said)
    assert found.counts["align"]["read"] == len(said)
    assert found.counts["align"]["written"] > len(said) / 2
    assert set(found.table["source_id"]) == {"librivox/austen"}
    assert found.table["clip_id"].n_unique() == found.table.height
    for row, clip in zip(found.table.iter_rows(named=True), found.sounds, strict=True):
        alone = audio.fit(corpus.read_clip(row)[:, 0], 16_000)
        assert np.array_equal(clip, alone)
        assert row["score"] >= -3.0


def test_only_the_words_asked_for_are_cut(sentences):
    every = sentences()
    young = sentences(labels=["young", "man"])
    assert set(young.table["label"]) <= {"young", "man"}
    assert young.counts["align"]["read"] == 2
    same = every.table.filter(pl.col("label").is_in(["young", "man"]))
    assert young.table.equals(same)
    nothing = sentences(labels=["elephant"])
    assert nothing.counts["align"] == {"read": 0, "written": 0, "rejected": 0}


def test_a_label_that_the_contract_lacks_is_a_letter_of_its_word(sentences):
    found = sentences(contract={"labels": ["young", "man"]})
    assert set(found.table["label"]) <= {"young", "man"}
    codes = {x["code"] for x in found.letters}
    assert "label-unknown" in codes
    assert codes <= {"label-unknown", "unsure", "too-long", "speech-length", "noisy"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("he was not an ill disposed xyzzy man", "unknown-word"),
        ("1811 -- !?", "no-text"),
        ("the quick brown fox jumps over the lazy dog and then it sleeps for a while " * 4,
         "no-alignment"),
        (b"he was \xff\xfe", "unreadable"),
        (None, "null"),
    ],
)  # fmt: skip
def test_a_transcript_that_does_not_fit(sentences, text, code):
    path = sentences.texts[1]
    path.unlink() if text is None else path.write_bytes(
        text if isinstance(text, bytes) else text.encode()
    )
    found = sentences()
    mine = [x for x in [*sentences.lost, *found.letters] if Path(x["path"]).stem == path.stem]
    assert {x["code"] for x in mine} == {code}
    others = {Path(p).stem for p in found.table["path"]}
    assert len(others) == len(sentences.texts) - 1
    assert path.stem not in others


def test_a_wrong_transcript_scores_badly(sentences):
    path = sentences.texts[1]
    path.write_text(path.read_text().replace("young man", "old elephant"))
    found = sentences()
    unsure = [x["label"] for x in found.letters if x["code"] == "unsure"]
    assert {"old", "elephant"} & set(unsure)
    assert "scores -" in next(x["message"] for x in found.letters if x["code"] == "unsure")


def test_a_sentence_without_transcript_where_none_is_required(sentences):
    sentences.texts[1].unlink()
    found = sentences(contract={"label_required": False})
    assert [x["code"] for x in found.letters if x["label"] is None] == ["no-text"]


def test_stereo_and_other_rates_become_what_the_corpus_makes_of_them(bare):
    rng = np.random.default_rng(0)
    burst = (
        0.2 * rng.normal(size=(24_000, 1)) * [1, 0.5] * (np.arange(24_000) % 8000 > 3000)[:, None]
    )
    burst += rng.normal(size=(24_000, 2)) / 1000
    soundfile.write(bare.raw / "stereo.flac", np.clip(burst, -1, 1), 48_000)
    soundfile.write(bare.raw / "float.wav", np.clip(burst[:, 0], -1, 1), 44_100, subtype="FLOAT")
    recipe = read_recipe(bare.recipe(
        source=[{"kind": "folder", "path": "raw"}], contract={"label_required": False},
    ))  # fmt: skip
    items = gather(recipe, bare.home, bare.out)[0]
    found = passes.gates(passes.ingest(items.to_dicts(), recipe), recipe)
    assert found.letters == []
    plain = corpus.load_clips("folder", bare.raw).table
    assert np.array_equal(found.sounds, corpus.waveforms(plain))
