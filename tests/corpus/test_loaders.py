"""Every layout gives the clip table that its names promise, and no file vanishes."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from kit.corpus import clip_id, fetch, load_clips, loaders, read_clip, speech_span, validate
from kit.errors import KitError

RATE = 16_000
SPEAKERS = ("0a7c2a8d", "1b4c9b89")


def write(path, seed=0, rate=RATE, frames=None, **how):
    """One second of tone and noise that differs with `seed`, into a file of the type of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(rate if frames is None else frames) / rate
    sound = 0.3 * np.sin(2 * np.pi * (300 + 10 * seed) * time)
    sound += 0.01 * np.random.default_rng(seed).standard_normal(len(time))
    if path.suffix == ".opus":
        how |= {"format": "OGG", "subtype": "OPUS"}
    soundfile.write(path, sound, rate, **how)
    return path


@pytest.fixture
def commands(tmp_path):
    """Speech Commands in small: two words, two speakers, two takes, and background noise."""
    for seed in range(8):
        word, speaker, take = ("yes", "no")[seed % 2], SPEAKERS[seed // 2 % 2], seed // 4
        write(tmp_path / word / f"{speaker}_nohash_{take}.wav", seed)
    write(tmp_path / "_background_noise_" / "running_tap.wav", 99)
    (tmp_path / "README.md").write_text("not a sound")
    return tmp_path


@pytest.fixture
def words(tmp_path):
    """MSWC in small: two languages; two of the German words come from one sentence."""
    lines = {"de": [], "cy": []}
    for seed, (language, word, sentence, kind, speaker) in enumerate(
        [
            ("de", "haus", 7, "TRAIN", "aa"),
            ("de", "baum", 7, "TRAIN", "aa"),
            ("de", "haus", 8, "DEV", "NA"),
            ("cy", "ci", 9, "TEST", "bb"),
        ]
    ):
        link = f"{word}/common_voice_{language}_{sentence}.opus"
        write(tmp_path / language / "clips" / link, seed, 48_000)
        lines[language].append(f"{kind},{link},{word},True,{speaker},NAN")
    for language, rows in lines.items():
        listed = "\n".join(["SET,LINK,WORD,VALID,SPEAKER,GENDER", *rows])
        (tmp_path / language / f"{language}_splits.csv").write_text(listed + "\n")
    return tmp_path


def test_fsdd_is_whole(fsdd):
    table, rejects, read, _ = load_clips("fsdd", fsdd)
    assert (table.height, rejects.height, read) == (3000, 0, 3000)
    counts = table.group_by("speaker", "label").len()
    assert counts.height == 60
    assert set(counts["len"]) == {50}
    assert set(table["sample_rate"]) == {8000}
    assert table["source_id"].n_unique() == 3000
    assert table["clip_id"].n_unique() == 3000
    assert set(table["licence"]) == {"CC BY-SA 4.0"}
    assert table["split"].null_count() == 3000


def test_a_row_leads_back_to_its_sound(fsdd):
    row = load_clips("fsdd", fsdd, labels=["7"]).table.row(5, named=True)
    samples = read_clip(row)
    assert row["label"] == "7"
    assert samples.dtype == np.int16
    assert samples.shape == (row["num_samples"], 1)
    assert clip_id(samples, row["sample_rate"]) == row["clip_id"]


def test_librivox_sentences_with_transcripts_and_marks():
    try:
        fetch("librivox", progress=False)
    except KitError as error:
        pytest.skip(f"the LibriVox sentences cannot be had: {error}")
    table, rejects, read, _ = load_clips("librivox")
    assert (table.height, rejects.height, read) == (3, 0, 3)
    assert table["label"][1] == "he was not an ill disposed young man"
    assert set(table["source_id"]) == {"librivox/austen"}  # one chapter, so never split apart
    assert set(table["sample_rate"]) == {16_000}
    for row in table.iter_rows(named=True):
        start, end = speech_span(row["path"])
        assert 0 < start < end < row["num_samples"] / row["sample_rate"]


def test_a_sentence_without_its_transcript_has_no_label(tmp_path):
    write(tmp_path / "emma-0001.flac")
    row = load_clips("librivox", tmp_path).table.row(0, named=True)
    assert row["label"] is None
    assert row["source_id"] == "librivox/emma"
    with pytest.raises(KitError, match=r"\.lab"):
        speech_span(row["path"])
    (tmp_path / "emma-0001.lab").write_text("0.1\t0.1\tspeech\n")
    with pytest.raises(KitError, match="marks cannot be read"):
        speech_span(row["path"])


def test_speech_commands_without_lists_have_no_split(commands):
    table, rejects, read, _ = load_clips("speech-commands", commands)
    assert (table.height, rejects.height, read) == (8, 0, 8)
    assert set(table["label"]) == {"yes", "no"}
    assert set(table["speaker"]) == set(SPEAKERS)
    assert table["source_id"].n_unique() == 8
    assert "speech-commands/no/0a7c2a8d_nohash_0" in set(table["source_id"])
    assert table["split"].null_count() == 8


def test_speech_commands_with_lists(commands):
    (commands / "validation_list.txt").write_text("yes/0a7c2a8d_nohash_0.wav\n")
    (commands / "testing_list.txt").write_text(
        "no/1b4c9b89_nohash_0.wav\nno/1b4c9b89_nohash_1.wav\n"
    )
    table = load_clips("speech-commands", commands).table
    found = table.filter(pl.col("split") != "train").select("source_id", "split").rows()
    assert sorted(found) == [
        ("speech-commands/no/1b4c9b89_nohash_0", "test"),
        ("speech-commands/no/1b4c9b89_nohash_1", "test"),
        ("speech-commands/yes/0a7c2a8d_nohash_0", "validation"),
    ]
    assert table["split"].null_count() == 0


def test_mswc_with_two_languages(words):
    table, rejects, read, _ = load_clips("mswc", words)
    assert (table.height, rejects.height, read) == (4, 0, 4)
    columns = ("language", "label", "source_id", "speaker", "split")
    assert sorted(table.select(columns).rows(), key=str) == [
        ("cy", "ci", "mswc/common_voice_cy_9", "bb", "test"),
        ("de", "baum", "mswc/common_voice_de_7", "aa", "train"),
        ("de", "haus", "mswc/common_voice_de_7", "aa", "train"),
        ("de", "haus", "mswc/common_voice_de_8", None, "validation"),
    ]
    assert set(table["sample_rate"]) == {48_000}
    assert set(table["num_samples"]) == {48_000}


def test_mswc_one_language_as_wav_with_its_list_outside(words):
    (words / "de" / "de_splits.csv").rename(words / "de_splits.csv")
    write(words / "de" / "clips" / "ja" / "common_voice_de_7.wav", 20)
    with open(words / "de_splits.csv", "a") as file:
        file.write("TEST,ja/common_voice_de_7.opus,ja,True,aa,MALE\n")
    assert load_clips("mswc", words).table.filter(label="ja")["split"].to_list() == ["test"]
    alone = load_clips("mswc", words / "cy").table
    assert alone["language"].to_list() == ["cy"]
    assert alone["split"].to_list() == ["test"]


def test_mswc_without_a_list_has_neither_speaker_nor_split(words):
    (words / "cy" / "cy_splits.csv").unlink()
    row = load_clips("mswc", words).table.filter(language="cy").row(0, named=True)
    assert (row["speaker"], row["split"], row["label"]) == (None, None, "ci")


def test_mswc_clips_that_the_list_refuses_are_rejects(words):
    listed = words / "de" / "de_splits.csv"
    text = listed.read_text().replace("baum,True", "baum,False")
    listed.write_text(text.replace("DEV,", "OTHER,"))
    table, rejects, read, _ = load_clips("mswc", words)
    assert sorted(rejects["code"]) == ["not-valid", "unlisted"]
    assert read == table.height + rejects.height == 4
    listed.write_text("a,b\n1,2\n")
    with pytest.raises(KitError, match="de_splits"):
        load_clips("mswc", words)


def test_any_folder(tmp_path):
    top = tmp_path / "mine"
    write(top / "a.wav", 1)
    write(top / "dogs" / "b.FLAC", 2, format="FLAC")
    write(top / "dogs" / "young" / "c.ogg", 3)
    (top / "notes.txt").write_text("not a sound")
    table, rejects, read, _ = load_clips("folder", top)
    assert (table.height, rejects.height, read) == (3, 0, 3)
    assert dict(table.select("source_id", "label").iter_rows()) == {
        "mine/a": None, "mine/dogs/b": "dogs", "mine/dogs/young/c": "young",
    }  # fmt: skip
    assert set(table["source"]) == {"mine"}
    assert table["licence"].null_count() == table["speaker"].null_count() == 3


def broken(kind, path):
    """Make the file `path` bad in one way; returns where the bad file lies."""
    good = path.read_bytes() if path.exists() else b""
    if kind == "link":
        path.symlink_to(path.parent / "nowhere")
    elif kind == "name":
        path = path.parent.parent / os.fsdecode(b"yes\xff") / path.name
        path.parent.mkdir()
        path.write_bytes((path.parents[1] / "yes/0a7c2a8d_nohash_0.wav").read_bytes())
    elif kind == "folder":
        return path  # it lies in the wrong place
    else:
        path.write_bytes({
            "empty": b"", "text": b"<html>404</html>", "half": good[: len(good) // 2],
            "noise": good[:48] + np.random.default_rng(5).bytes(4000),
        }[kind])  # fmt: skip
    return path


@pytest.mark.parametrize(
    ("kind", "name", "codes"),
    [
        ("empty", "yes/00ff_nohash_0.wav", {"not-wav"}),
        ("text", "yes/00ff_nohash_0.wav", {"not-wav"}),
        ("half", "yes/0a7c2a8d_nohash_0.wav", {"truncated"}),
        ("link", "yes/00ff_nohash_0.wav", {"unreadable"}),
        ("folder", "yes/deep/00ff_nohash_0.wav", {"bad-name"}),
        ("folder", "yes/someone_0.wav", {"bad-name"}),
        ("folder", "yes/0a7c2a8d_nohash_0.flac", {"bad-name"}),
        ("name", "yes/00ff_nohash_0.wav", {"bad-name"}),
    ],
)
def test_bad_files_are_rejects_and_the_rest_is_loaded(commands, kind, name, codes):
    path = commands / name
    if kind == "folder":
        write(path)
    try:
        path = broken(kind, path)
    except OSError as error:
        pytest.skip(f"this file system refuses such a file: {error}")
    table, rejects, read, _ = load_clips("speech-commands", commands)
    assert set(rejects["code"]) == codes
    assert read == table.height + rejects.height == (8 if kind == "half" else 9)
    assert f"/{path.parent.name[:3]}" in rejects["path"][0]
    assert rejects["message"][0]
    assert validate(table).height == table.height


@pytest.mark.parametrize("kind", ["empty", "text", "half", "noise", "link"])
@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".opus", ".mp3", ".aiff"])
def test_no_broken_sound_stops_the_load(tmp_path, kind, suffix):
    write(tmp_path / "good.wav", 1)
    bad = tmp_path / f"bad{suffix}"
    if kind != "link":
        write(bad, 2, 48_000, 200_000)
    broken(kind, bad)
    table, rejects, read, _ = load_clips("folder", tmp_path)
    assert read == table.height + rejects.height == 2
    assert "good.wav" in table["path"][0]
    codes = {"undecodable"} | ({"truncated"} if kind in ("half", "noise") else set())
    assert set(rejects["code"]) <= ({"unreadable"} if kind == "link" else codes)


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_a_compressed_file_cut_anywhere_is_a_reject(tmp_path, suffix):
    whole = write(tmp_path / f"whole{suffix}", 2, 48_000, 100_000).read_bytes()
    for part in range(1, 20):
        (tmp_path / f"{part}{suffix}").write_bytes(whole[: len(whole) * part // 20])
    (tmp_path / f"almost{suffix}").write_bytes(whole[:-1])
    (tmp_path / f"pages{suffix}").write_bytes(whole[: whole.rfind(b"OggS")])
    table, rejects, _, _ = load_clips("folder", tmp_path)
    assert table["source_id"].str.ends_with("/whole").to_list() == [True]
    assert rejects.height == 21


def test_a_header_that_promises_too_much_is_a_reject(tmp_path):
    content = bytearray(write(tmp_path / "bad.flac").read_bytes())
    content[21] |= 0x0F  # the length in STREAMINFO: 36 bits, all set
    content[22:26] = b"\xff" * 4
    (tmp_path / "bad.flac").write_bytes(content)
    assert load_clips("folder", tmp_path).rejects["code"][0] in ("truncated", "undecodable")


def test_a_sound_of_no_samples_is_a_reject(tmp_path):
    write(tmp_path / "none.wav", frames=0)
    assert load_clips("folder", tmp_path).rejects["code"].to_list() == ["empty"]


def test_only_the_labels_asked_for_are_opened(commands, monkeypatch):
    opened = []
    decode = loaders.decode
    monkeypatch.setattr(loaders, "decode", lambda path: opened.append(path) or decode(path))
    table, _, read, _ = load_clips("speech-commands", commands, labels=["no"])
    assert set(table["label"]) == {"no"}
    assert len(opened) == read == table.height == 4
    assert load_clips("speech-commands", commands, labels="no").table.equals(table)
    assert load_clips("speech-commands", commands, labels="nothing").table.height == 0


def test_two_loads_agree_row_for_row(commands):
    first, second = (load_clips("speech-commands", commands).table for _ in range(2))
    assert first.equals(second)
    assert first["path"].is_sorted()


@pytest.mark.parametrize(
    ("name", "folder", "word"),
    [
        ("speech-commands", None, "load_clips"),
        ("mswc", None, "no manifest"),
        ("folder", None, "folder is missing"),
        ("fsdd", "/no/such/folder", "not a folder"),
        ("imagenet", None, "speech-commands, mswc, folder"),
    ],
)
def test_what_cannot_be_loaded_says_why(name, folder, word):
    with pytest.raises(KitError, match=word):
        load_clips(name, folder)


def test_a_folder_without_sounds_names_the_layout(tmp_path):
    with pytest.raises(KitError, match="<word>/<speaker>_nohash_<take>.wav"):
        load_clips("speech-commands", tmp_path)


def test_floats_that_are_no_sound_are_rejects(tmp_path):
    tone = np.sin(np.arange(4000) / 9).astype(np.float32) / 2
    for name, samples in (
        ("good", tone), ("nan", np.where(np.arange(4000) == 9, np.nan, tone)),
        ("inf", np.where(np.arange(4000) == 9, np.inf, tone)), ("unscaled", tone * 20_000),
    ):  # fmt: skip
        soundfile.write(tmp_path / f"{name}.wav", samples, 44_100, subtype="FLOAT")
    soundfile.write(tmp_path / "slow.wav", tone, 50)
    found = load_clips("folder", tmp_path)
    assert [Path(p).stem for p in found.table["path"]] == ["good"]
    codes = {Path(r["path"]).stem: r["code"] for r in found.rejects.iter_rows(named=True)}
    assert codes == {"nan": "not-finite", "inf": "not-finite", "unscaled": "not-scaled",
                     "slow": "bad-rate"}  # fmt: skip


def test_nothing_in_a_folder_vanishes(tmp_path):
    """Linked folders are entered once, closed ones and pipes are rejects, the rest is counted."""
    tone = (np.sin(np.arange(4000) / 9) * 9000).astype(np.int16)
    inside, outside = tmp_path / "set", tmp_path / "elsewhere"
    (inside / "yes").mkdir(parents=True)
    outside.mkdir()
    soundfile.write(inside / "yes" / "a.wav", tone, 16_000)
    soundfile.write(outside / "b.wav", tone, 16_000)
    (inside / "no").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    os.mkfifo(inside / "pipe.wav")
    (inside / "notes.txt").write_text("seven")
    (inside / "c.m4a").write_bytes(b"x")
    found = load_clips("folder", inside)
    assert sorted(found.table["label"]) == ["no", "yes"]
    assert found.rejects["code"].to_list() == ["unreadable"]
    assert found.read == 3
    assert found.ignored == {".txt": 1, ".m4a": 1}


def test_a_closed_folder_is_a_reject(tmp_path, monkeypatch):
    """Permissions do not bind the superuser, so the system's answer is played back here."""
    tone, listed = np.ones(4000, np.int16), os.scandir
    (tmp_path / "closed").mkdir()
    soundfile.write(tmp_path / "a.wav", tone, 16_000)
    soundfile.write(tmp_path / "closed" / "b.wav", tone, 16_000)

    def refusing(path="."):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = load_clips("folder", tmp_path)
    assert found.table.height == 1
    assert found.rejects["code"].to_list() == ["unreadable"]
    assert found.rejects["path"][0].endswith("closed")


def test_the_content_tells_the_format_not_the_name(tmp_path):
    tone = (np.sin(np.arange(4000) / 9) * 9000).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", tone, 16_000)
    (tmp_path / "a.wav").rename(tmp_path / "a.flac")
    soundfile.write(tmp_path / "phone.wav", tone, 8000, subtype="ALAW")
    found = load_clips("folder", tmp_path)
    assert found.rejects.is_empty()
    assert sorted(found.table["sample_rate"]) == [8000, 16_000]
