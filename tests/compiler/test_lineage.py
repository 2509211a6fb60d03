"""Every clip leads back to its file, and every change between versions has its reason."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from kit.compiler import link
from kit.compiler.dataset import Compiled
from kit.compiler.lineage import CODE, LIBRARIES, difference, explain
from kit.errors import KitError
from kit.paths import root

HALF = {"by": ["speaker"], "test_speakers": ["00a1"]}


@pytest.fixture
def roll(tmp_path, monkeypatch):
    """An augmentation that moves a clip by a tenth of a second."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "rolling.py").write_text(
        "import numpy as np\ndef change(clip, rate, rng):\n    return np.roll(clip, rate // 10)\n"
    )
    return {"use": "rolling:change", "copies": 1}


def reasons(old, new):
    """dict of (change, why) -> clips of the difference."""
    counts = difference(old, new).group_by("change", "why").len()
    return {(change, why): n for change, why, n in counts.iter_rows()}


def test_every_clip_can_be_explained(shop, roll):
    data = shop.compile(split=HALF, augment=roll).data
    for row in data.clips.iter_rows(named=True):
        said = explain(data, row["clip_id"])
        assert said.startswith(f"clip {row['clip_id']}, {row['label']!r}, version 0 of test")
        for word in (row["path"], row["speaker"], f"copy {row['copy']}", row["features"],
                     f"split: {row['split']}", data.record["fingerprint"], "commit "):  # fmt: skip
            assert word in said, word
        for name in CODE:
            assert f"- pass {name}, code " in said
        for name in LIBRARIES:
            assert f"{name} " in said
    assert "snr_db 3" in said  # a limit of the gates
    assert explain(data, row["clip_id"][:12]) == said


def test_duplicates_and_dead_letters_can_be_explained_too(shop):
    one = sorted((shop.raw / "water").iterdir())[0]
    shutil.copy(one, shop.raw / "yes" / "0f00_nohash_0.wav")
    (shop.raw / "yes" / "0f01_nohash_0.wav").write_bytes(b"")
    twin = shop.compile().data.duplicates.row(0, named=True)
    assert "stands for 1 duplicates" in explain(shop.data, twin["clip_id"])
    data = shop.compile(gates={"speech_s": [0.35, 1.0]}).data
    lost = data.letters.filter(pl.col("clip_id").is_not_null()).row(0, named=True)
    said = explain(data, lost["clip_id"])
    assert "is a dead letter of version 1" in said
    assert lost["message"] in said
    with pytest.raises(KitError, match="no such clip in this version: found 'xyz'"):
        explain(data, "xyz")
    with pytest.raises(KitError, match="several clips begin so"):
        explain(data, "")


def test_a_near_duplicate_is_explained_by_its_original(shop):
    import soundfile

    one = sorted((shop.raw / "yes").iterdir())[0]
    samples, rate = soundfile.read(one, dtype="int16")
    soundfile.write(one.with_name("0f00_nohash_0.wav"), samples // 4, rate)
    data = shop.compile().data
    twin = data.duplicates.row(0, named=True)
    said = explain(data, twin["clip_id"])
    assert f"- of: {twin['of']}" in said
    assert "kind: near" in said


def test_a_version_and_itself_do_not_differ(shop):
    data = shop.compile().data
    assert difference(data, data).is_empty()


def test_what_is_added_one_way_is_removed_the_other_way(shop, roll):
    first = shop.compile(split=HALF).data
    one = sorted((shop.raw / "yes").iterdir())[0]
    shutil.copy(one, shop.raw / "no" / "0000_nohash_0.wav")  # sorts first: one becomes the copy
    shop.speak("seven/0abc_nohash_0.wav", "seven", "en-gb+f5")
    second = shop.compile(split=HALF | {"test_speakers": ["00b2"]}, augment=roll,
                          gates={"speech_s": [0.3, 1.0]}).data  # fmt: skip
    there, back = difference(first, second), difference(second, first)
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert sorted((c, turned[x]) for c, x in there.select("clip_id", "change").rows()) == sorted(
        back.select("clip_id", "change").rows()
    )
    ids = [set(d.clips["clip_id"]) for d in (first, second)]
    moved = set(there.filter(pl.col("change") != "changed")["clip_id"])
    assert moved >= ids[0] ^ ids[1]
    assert there["why"].null_count() == 0


def test_reasons_of_duplicates_splits_and_copies(shop, roll):
    plain = {"split": HALF, "augment": roll}
    first = shop.compile(**plain).data
    one = sorted((shop.raw / "yes").glob("00b2*"))[0]
    shutil.copy(one, shop.raw / "no" / "0000_nohash_0.wav")
    second = shop.compile(**plain).data
    name = first.clips.filter(path=str(one))["clip_id"][0]
    assert reasons(first, second) == {
        ("removed", f"in version 1 a duplicate (exact) of {name}"): 2,
        ("added", "in version 0 no source has the file"): 2,
    }
    (shop.raw / "no" / "0000_nohash_0.wav").unlink()
    third = shop.compile(split=HALF | {"test_speakers": ["00b2"]}, augment=roll).data
    assert reasons(first, third) == {
        ("changed", "split 'test' became 'train'"): 4,
        ("changed", "split 'train' became 'test'"): 4,
        ("added", "in version 0 no such copy is made"): 4,
        ("removed", "in version 2 no such copy is made"): 4,
    }
    other = shop.compile(seed="other", **plain).data  # the same sounds: this change draws nothing
    assert reasons(first, other) == {}


def test_a_label_that_changed(shop):
    first = shop.compile(source=[{"kind": "folder", "path": "raw"}]).data
    (shop.raw / "yes" / "00a1_nohash_0.wav").rename(shop.raw / "no" / "00aa_nohash_0.wav")
    second = shop.compile(source=[{"kind": "folder", "path": "raw"}]).data
    found = difference(first, second)
    assert found["clip_id"].n_unique() == 1
    assert sorted(found["change"]) == ["added", "removed"]


def test_words_of_a_sentence_have_their_own_reasons(bare, librivox):
    for path in librivox.rglob("*"):
        if path.suffix in (".wav", ".flac", ".txt"):
            shutil.copy(path, bare.raw)
    source = [{"kind": "librivox", "path": "raw", "align": True}]
    first = bare.compile(source=source, deduplicate={"near": False}).data
    strict = bare.compile(source=source, deduplicate={"near": False}, align={"score": -2.0}).data
    said = difference(first, strict)
    scores = dict(first.clips.select("clip_id", "score").iter_rows())
    assert said.height > 0
    for row in said.iter_rows(named=True):
        assert row["change"] == "removed"
        assert f"scores {scores[row['clip_id']]:.2f}, below -2" in row["why"]


def test_versions_are_named_by_their_records(shop):
    shop.compile()
    shop.compile(gates={"speech_s": [0.35, 1.0]})
    known = link.versions(shop.out)
    assert [v["version"] for v in known] == [0, 1]
    for version in known:
        data = Compiled(shop.out, version["version"])
        assert data.place.name == version["record"]
        assert data.is_whole()
    assert data.before.version == 0
    assert data.before.before is None
    with pytest.raises(KitError, match="no such version: found 7. Allowed: 0, 1"):
        Compiled(shop.out, 7)
    with pytest.raises(KitError, match="no data set is here"):
        Compiled(shop.home / "nowhere")


def test_the_code_of_every_pass_is_there():
    for modules in CODE.values():
        for module in modules:
            assert (root() / "kit" / f"{module.replace('.', '/')}.py").exists(), module


def test_two_folders_with_the_same_recordings_differ_in_paths_alone(shop):
    first = shop.compile().data
    shutil.copytree(shop.raw, shop.home / "raw2")
    moved = [{"kind": "speech-commands", "path": "raw2"}]
    second = shop.compile(source=moved, output=shop.home / "other").data
    assert first.clips["clip_id"].sort().equals(second.clips["clip_id"].sort())
    names = [sorted(Path(p).name for p in d.clips["path"]) for d in (first, second)]
    assert names[0] == names[1]
