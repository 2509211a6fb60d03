"""A run loses nothing, does nothing twice, and ends in the same bytes by every way."""

import importlib
import itertools
import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from filelock import FileLock

from kit import audio, corpus
from kit.compiler import lineage, link, passes, work
from kit.compiler.dataset import Compiled
from kit.compiler.engine import Engine
from kit.compiler.lineage import difference
from kit.compiler.report import report
from kit.compiler.shards import assign
from kit.errors import KitError

THIRDS = {"by": ["speaker"], "test_speakers": ["00a1"], "validation_speakers": ["00b2"]}


def softer(path, new):
    """A near-duplicate: the same recording at a quarter of its level."""
    samples, rate = soundfile.read(path, dtype="int16")
    soundfile.write(new, samples // 4, rate)


def ends(data):
    """list of the files that clips, duplicates and dead letters of a data set name."""
    return [*data.clips.filter(copy=0)["path"], *data.duplicates["path"], *data.letters["path"]]


def files(shop):
    return sorted(str(p) for p in shop.raw.rglob("*") if p.suffix == ".wav")


def make_room(shop):
    """Take files away until a shard has room: where they lie in full ones alone, none can come."""
    while all(len(group) == 6 for group in assign(files(shop), [1] * len(files(shop)), 6)):
        os.remove(files(shop)[-1])


def with_room(shop, word, voice):
    """Speak a word into a file whose shard has room for it, so that none must be parted."""
    old = files(shop)
    for number in itertools.count():
        path = shop.raw / word / f"0aaa_nohash_{number}.wav"
        groups = [assign(x, [1] * len(x), 6) for x in (old, [*old, str(path)])]
        if len(groups[0]) == len(groups[1]):
            return shop.speak(path.relative_to(shop.raw), word, voice)


def test_clips_and_features_are_those_of_the_corpus(shop):
    data = shop.compile().data
    plain = corpus.load_clips("speech-commands", shop.raw).table
    clips = data.clips.sort("path")
    assert clips.drop("split").select(plain.columns[:-1]).equals(plain.drop("split").sort("path"))
    waves = corpus.waveforms(clips)
    assert np.array_equal(data.waveforms(clips), waves)
    assert np.array_equal(data.features("kws", clips), audio.extract(waves, "kws"))
    assert np.array_equal(data.features(clips=clips[3:5]), audio.extract(waves[3:5], "kws"))
    with pytest.raises(KitError, match="features"):
        data.features(
            "mswc-micro" if "mswc-micro" in audio.PRESETS else audio.preset("kws", mels=20)
        )


def test_real_recordings_with_every_fault_end_in_one_place_each(fsdd, bare):
    raw = bare.raw / "recordings"
    raw.mkdir()
    for path in sorted((fsdd / "recordings").glob("*.wav"))[::70]:
        shutil.copy(path, raw)
    some = sorted(raw.iterdir())
    shutil.copy(some[0], raw / "9_nobody_1.wav")
    softer(some[5], raw / "9_nobody_2.wav")
    (raw / "9_nobody_3.wav").write_bytes(b"")
    (raw / "9_nobody_4.wav").write_bytes(some[7].read_bytes()[:2000])
    soundfile.write(raw / "9_nobody_5.wav", np.zeros(8000, np.int16), 8000)
    (raw / "no name.wav").write_bytes(some[3].read_bytes())
    data = bare.compile(source=[{"kind": "fsdd", "path": "raw"}], shard_clips=10,
                        gates={"speech_s": [0.1, 0.5]}).data  # fmt: skip
    assert sorted(ends(data)) == files(bare)
    kinds = dict(data.duplicates.select("path", "kind").iter_rows())
    assert kinds == {str(raw / "9_nobody_1.wav"): "exact", str(raw / "9_nobody_2.wav"): "near"}
    codes = {Path(p).stem: c for p, c in data.letters.select("path", "code").iter_rows()}
    assert codes.items() >= {"9_nobody_3": "not-wav", "9_nobody_4": "truncated",
                             "9_nobody_5": "silent", "no name": "bad-name"}.items()  # fmt: skip
    assert "speech-length" in codes.values()
    for part in data.record["counts"]:
        given = part["read"] + part.get("made", 0)
        assert given == part["written"] + part.get("duplicates", 0) + part.get("rejected", 0)
    assert data.record["counts"][0]["read"] == len(files(bare))


def test_nothing_changed_makes_no_version_and_reads_no_sound(shop):
    first = shop.compile()
    assert (first.changed, first.made) == (True, first.shards)
    before = shop.stored()
    path = sorted(shop.raw.rglob("*.wav"))[0]
    was = path.stat()
    path.write_bytes(b"x" * was.st_size)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    again = shop.compile()
    assert (again.changed, again.made, again.data.version) == (False, 0, 0)
    assert shop.stored() == before
    assert len(link.versions(shop.out)) == 1


def test_one_new_file_costs_one_shard_and_ends_in_the_bytes_of_a_fresh_build(shop):
    make_room(shop)
    first = shop.compile()
    before = shop.stored()
    with_room(shop, "seven", "en-gb")
    again = shop.compile()
    assert (again.changed, again.made) == (True, 2)  # one of each stage
    after = shop.stored()
    assert before.items() <= after.items()  # what was there stays as it was
    assert again.data.clips.height == first.data.clips.height + 1
    shop.compile(output=shop.home / "fresh")
    fresh = shop.stored("fresh")
    assert fresh.items() <= after.items()
    assert Compiled(shop.home / "fresh").clips.equals(again.data.clips)
    assert len(again.data.waveforms()) == len(first.data.waveforms()) + 1
    assert set(difference(first.data, again.data)["why"]) == {"in version 0 no source has the file"}


def test_a_file_less_and_a_file_changed(shop):
    first = shop.compile().data
    gone, other, *_ = sorted(shop.raw.rglob("*.wav"))
    gone.unlink()
    shop.speak(other.relative_to(shop.raw), "something else")
    second = shop.compile().data
    said = difference(first, second).select("path", "change", "why").rows()
    assert sorted(said) == [
        (str(gone), "removed", "in version 1 no source has the file"),
        (str(other), "added", "in version 0 another sound is at this place"),
        (str(other), "removed", "in version 1 another sound is at this place"),
    ]
    assert first.clips.height == 24  # the old version stays as it was
    assert len(first.waveforms()) == 24


def test_a_file_that_cannot_be_opened_is_told_by_the_next_run_and_forgotten_by_another(shop):
    first = shop.compile()
    (shop.raw / "yes" / "0aaa_nohash_0.wav").symlink_to("nowhere")
    run = shop.compile()
    assert (run.changed, run.made) == (True, 0)  # a letter more, and no shard touched
    assert run.data.letters["code"].to_list() == ["unreadable"]
    assert difference(first.data, run.data).is_empty()
    assert not shop.compile().changed
    (shop.raw / "yes" / "0aaa_nohash_0.wav").unlink()
    assert shop.compile().data.letters.is_empty()


def test_another_gate_makes_a_version_and_the_difference_says_why(shop):
    first = shop.compile().data
    run = shop.compile(gates={"speech_s": [0.35, 1.0]})
    assert run.changed
    said = difference(first, run.data)
    assert 0 < said.height < 24
    assert set(said["change"]) == {"removed"}
    assert all(w.startswith("in version 1 a dead letter of gates: speech") for w in said["why"])
    back = shop.compile()
    assert (back.changed, back.made, back.data.version) == (True, 0, 2)
    assert difference(first, back.data).is_empty()


def test_other_features_make_second_shards_alone(shop):
    first = shop.compile()
    run = shop.compile(features={"changes": {"mels": 20}})
    assert run.made == first.shards / 2
    assert run.data.spec == audio.preset("kws", mels=20)
    said = difference(first.data, run.data)
    assert said.height == 24
    assert set(said["change"]) == {"changed"}
    assert all(w.startswith("features ") for w in said["why"])


@pytest.mark.parametrize("name", ["ingest", "gates", "deduplicate", "split", "features"])
def test_other_code_of_a_pass_is_noticed(shop, monkeypatch, name):
    first = shop.compile()
    real = lineage.code_version
    monkeypatch.setattr(lineage, "code_version", lambda n: "new" if n == name else real(n))
    run = shop.compile()
    assert run.changed
    firsts = {"ingest", "gates", "deduplicate"}  # the signatures belong to the last one
    expected = run.shards if name in firsts else run.shards / 2 if name == "features" else 0
    assert run.made == expected
    assert difference(first.data, run.data).is_empty()
    assert not shop.compile().changed


def test_what_was_deleted_is_made_again(shop):
    run = shop.compile()
    before = shop.stored()
    shutil.rmtree(next((shop.out / "shards").iterdir()))
    for part in ("shards", "features"):
        (sorted((shop.out / part).iterdir())[-1] / "made.json").unlink()
    shutil.rmtree(shop.out / "cache")
    again = shop.compile()
    assert (again.changed, again.data.version) == (False, 0)
    assert 0 < again.made < run.made
    assert shop.stored() == before


def test_two_processes_make_the_same_bytes_as_one(shop):
    shop.compile(workers=2)
    shop.compile(workers=1, output=shop.home / "alone")
    assert shop.stored() == shop.stored("alone")
    assert shop.data.clips.equals(Compiled(shop.home / "alone").clips)


def test_two_runs_at_a_time_do_not_meet(shop):
    shop.out.mkdir()
    with FileLock(shop.out / ".lock"), pytest.raises(KitError, match="another run is at") as fault:
        shop.compile()
    assert fault.value.code == "busy"
    assert shop.compile().changed


def test_a_replay_brings_back_what_has_mended_itself(shop, monkeypatch):
    bad = str(sorted(shop.raw.rglob("*.wav"))[3])
    real, broken = passes.decode, {bad}

    def unsteady(path):
        if path in broken:
            raise KitError(f"{path} cannot be read", code="unreadable")
        return real(path)

    monkeypatch.setattr(passes, "decode", unsteady)
    first = shop.compile()
    assert first.data.letters["path"].to_list() == [bad]
    waves = first.data.waveforms()
    assert not shop.compile(replay=True).changed  # it is still broken
    broken.clear()
    assert not shop.compile().changed  # nobody asked for another try
    second = shop.compile(replay=True)
    assert (second.changed, second.made) == (True, 2)
    assert second.data.letters.is_empty()
    assert bad in set(second.data.clips["path"])
    assert set(difference(first.data, second.data)["why"]) == {
        f"in version 0 a dead letter of ingest: {bad} cannot be read."
    }
    assert np.array_equal(Compiled(shop.out, 0).waveforms(), waves)  # the old version is whole
    assert not shop.compile().changed
    assert not shop.compile(replay=True).changed


def test_equal_and_near_duplicates_are_told_with_their_original(shop):
    one, two = sorted((shop.raw / "yes").iterdir())[:2]
    shutil.copy(one, shop.raw / "yes" / "0f01_nohash_0.wav")
    softer(two, shop.raw / "no" / "0f02_nohash_0.wav")
    data = shop.compile().data
    told = {Path(r["path"]).name: r for r in data.duplicates.iter_rows(named=True)}
    id_of = dict(zip(data.clips["path"], data.clips["clip_id"], strict=True))
    assert set(told) == {"0f01_nohash_0.wav", two.name}  # no/ comes before yes/
    assert told["0f01_nohash_0.wav"]["of"] == id_of[str(one)]
    assert told[two.name]["kind"] == "near"
    assert told[two.name]["of_label"] == "no"
    assert told[two.name]["similarity"] > 0.955
    assert report(shop.compile())["duplicates"] == {"exact": 1, "near": 1, "other_label": 1}
    exact = shop.compile(deduplicate={"near": False}).data
    assert exact.duplicates["kind"].to_list() == ["exact"]


def test_no_pair_is_compared_twice_unless_its_sound_changed(shop, monkeypatch):
    compared = []
    real = link.compare
    monkeypatch.setattr(
        link, "compare", lambda task: compared.append(len(task["pairs"])) or real(task)
    )
    monkeypatch.setattr(link, "candidates", lambda found: np.argwhere(np.tri(len(found), k=-1).T))
    shop.compile()
    assert sum(compared) == 24 * 23 / 2
    compared.clear()
    shop.speak("seven/00aa_nohash_0.wav", "seven", "en-gb")
    shop.compile()
    assert sum(compared) == 24
    compared.clear()
    shop.compile(seconds=0.9)  # the same clips, cut otherwise
    assert sum(compared) == 25 * 24 / 2


def test_speakers_are_held_out(shop):
    data = shop.compile(split=THIRDS).data
    split = dict(data.clips.select("speaker", "split").unique().iter_rows())
    assert split.pop("00a1") == "test"
    assert split.pop("00b2") == "validation"
    assert set(split.values()) == {"train"}
    assert corpus.leaks(data.clips).is_empty()
    with pytest.raises(KitError, match="these speakers cannot be held out"):
        shop.compile(split=THIRDS | {"test_speakers": ["nobody"]})


def test_clips_that_cannot_be_held_apart_are_letters(shop, monkeypatch):
    """One recording of three speakers, one of them held out twice, and a clip of nobody."""
    real = passes._decoded

    def told(item, recipe):
        row, sound = real(item, recipe)
        word, speaker = Path(row["path"]).parent.name, row["speaker"]
        if word == "water":
            row["source_id"] = "a meeting" if speaker in ("00a1", "00b2", "00c3") else "a talk"
        if word == "yes" and speaker == "00f6":
            row["speaker"] = None
        return row, sound

    monkeypatch.setattr(passes, "_decoded", told)
    data = shop.compile(split=THIRDS).data
    assert sorted(data.letters.select("pass", "code", "label").rows()) == [
        ("split", "no-speaker", "yes"),
        ("split", "shared-recording", "water"),
        ("split", "shared-recording", "water"),
    ]
    assert sorted(ends(data)) == files(shop)
    assert corpus.leaks(data.clips).is_empty()


def test_splits_by_hash_share_no_speaker(shop):
    data = shop.compile(split={"shares": [0.5, 0.0, 0.5]}, seed="a").data
    assert set(data.clips["split"]) == {"train", "test"}
    assert corpus.leaks(data.clips).is_empty()


@pytest.fixture
def hook(tmp_path, monkeypatch):
    """A function: "module:change" of a module with the given text of `change(clip, rate, rng)`."""
    monkeypatch.syspath_prepend(tmp_path)

    def made(text):
        name = f"hook_{abs(hash(text))}"
        head = "import numpy as np\nfrom kit import audio\n\n\ndef change(clip, rate, rng):\n    "
        (tmp_path / f"{name}.py").write_text(head + text + "\n")
        return f"{name}:change"

    return made


def test_training_clips_get_seeded_copies(shop, hook):
    use = hook("return np.roll(clip, int(rng.integers(1, 100)))")
    augment = {"use": use, "copies": 2}
    data = shop.compile(augment=augment, split=THIRDS).data
    counts = dict(data.clips.group_by("copy").len().iter_rows())
    assert counts == {0: 24, 1: 16, 2: 16}
    made = data.clips.filter(pl.col("copy") > 0)
    assert set(made["split"]) == {"train"}
    assert made["level_db"].null_count() == made.height
    assert made["clip_id"].n_unique() == made.height
    plain = {r["path"]: i for i, r in enumerate(data.clips.iter_rows(named=True))}
    waves = data.waveforms()
    for row in made.iter_rows(named=True):
        path, number = row["path"].rsplit("#", 1)
        before, after = waves[plain[path]], waves[plain[row["path"]]]
        shifts = [s for s in range(1, 100) if np.array_equal(np.roll(before, s), after)]
        assert len(shifts) == 1, number
    assert np.array_equal(data.features(), audio.extract(waves, "kws"))
    assert corpus.leaks(data.clips).is_empty()
    again = shop.compile(augment=augment, split=THIRDS, output=shop.home / "again").data
    assert again.clips.equals(data.clips)
    other = shop.compile(augment=augment, split=THIRDS, seed="other").data
    assert not set(other.clips.filter(copy=1)["clip_id"]) & set(made["clip_id"])


def test_another_text_of_an_augmentation_is_noticed(shop, hook):
    """The name stays: whoever edits the function gets other copies, and no stale ones."""
    use = hook("return clip // 2")
    first = shop.compile(augment={"use": use, "copies": 1})
    file = shop.home / f"{use.split(':')[0]}.py"
    file.write_text(file.read_text().replace("// 2", "// 3"))
    later = file.stat().st_mtime + 10  # Python keeps bytecode by size and second
    os.utime(file, (later, later))
    importlib.reload(sys.modules[use.split(":")[0]])
    second = shop.compile(augment={"use": use, "copies": 1})
    assert second.made == first.shards / 2
    copies = [set(x.data.clips.filter(copy=1)["clip_id"]) for x in (first, second)]
    assert not copies[0] & copies[1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("return clip[:100]", "does not return a clip.*'int16.100,.'.*int16.16000"),
        ("return clip / 2", "does not return a clip.*float64"),
        ("return None", "does not return a clip"),
        ("return clip[10**9]", "the recipe's augmentation failed.*IndexError"),
        ("raise ValueError('of mine')", "the recipe's augmentation failed.*of mine"),
    ],
)
def test_a_wrong_augmentation_stops_the_run(shop, hook, text, says):
    with pytest.raises(KitError, match=says) as fault:
        shop.compile(augment={"use": hook(text), "copies": 1})
    assert fault.value.code == "recipe"
    assert link.versions(shop.out) == []


@pytest.mark.parametrize("use", ["no.such.module:f", "os:nothing", ":f", ".a:f", "os:sep", "bad:f"])
def test_an_augmentation_that_is_not_there_stops_before_the_work(shop, monkeypatch, use):
    (shop.home / "bad.py").write_text("this is no Python")
    monkeypatch.syspath_prepend(shop.home)
    with pytest.raises(KitError, match="the recipe's augmentation is not there") as fault:
        shop.compile(augment={"use": use, "copies": 1})
    assert fault.value.code == "recipe"
    assert not shop.out.exists()


def test_labels_that_move_are_told(shop):
    shares = {"yes": 0.25, "no": 0.25, "seven": 0.25, "water": 0.25}
    assert report(shop.compile(contract={"label_shares": shares}))["moves"] == []
    wrong = shop.compile(contract={"label_shares": {"yes": 0.9, "no": 0.1}})
    assert any("'yes' has a share of 0.25, 0.90 in the contract" in m
               for m in report(wrong)["moves"])  # fmt: skip
    shutil.rmtree(shop.raw / "water")
    shutil.rmtree(shop.raw / "seven")
    moved = shop.compile()
    said = report(moved)["moves"]
    assert "'water' has a share of 0.00, 0.25 in the last version" in said
    assert report(shop.compile())["moves"] == said  # until there is another version
    assert not shop.compile(replay=True).changed


def test_without_a_gpu_the_work_is_the_processors(shop, monkeypatch):
    from kit.audio import gpu

    monkeypatch.setattr(gpu, "available", lambda: False)
    data = shop.compile().data
    second = lineage._made(shop.out / "features" / data.clips["features"][0])
    assert second["passes"]["features"]["parameters"]["backend"] == "cpu"


def fall(task):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_is_told():
    with Engine("local", 2) as engine, pytest.raises(KitError, match="ended from outside") as fault:
        list(engine.run(fall, [1, 2, 3]))
    assert fault.value.code == "worker"


def test_an_engine_does_every_task_once():
    with Engine("local", 2) as engine:
        assert sorted(engine.run(abs, [-3, -2, -1])) == [1, 2, 3]
    with pytest.raises(KitError, match="workers must be 1 or more"):
        Engine("local", 0)


def test_a_worker_multiplies_on_one_thread_and_the_caller_as_before(monkeypatch):
    name = "OPENBLAS_NUM_THREADS"
    monkeypatch.delenv(name, raising=False)
    with Engine("local", 2) as engine:
        assert list(engine.run(os.getenv, [name, name])) == ["1", "1"]
    assert name not in os.environ


def test_a_pass_that_loses_a_clip_is_caught(shop, monkeypatch):
    def leaky(batch, recipe):
        found = passes.align(batch, recipe)
        return passes._taken(found, range(1, found.table.height), [])

    monkeypatch.setattr(passes, "PASSES", (passes.contract, leaky, passes.gates))
    with pytest.raises(KitError, match="the pass gates lost clips") as fault:
        shop.compile()
    assert fault.value.code == "lost"
    assert link.versions(shop.out) == []


def test_when_nothing_is_left_the_run_says_why(shop):
    with pytest.raises(KitError, match="no clip is left.*24 dead letters.*label-unknown") as fault:
        shop.compile(contract={"labels": ["nothing"]})
    assert fault.value.code == "empty"


@pytest.mark.parametrize("value", ["nan", "-inf"])
def test_a_limit_is_a_number(shop, value):
    with pytest.raises(KitError, match="line .*gates.snr_db: Input should be a finite number"):
        shop.compile(gates={"snr_db": float(value)})


def test_the_report_sums_up_the_run(shop):
    shutil.copytree(shop.raw, shop.home / "copy")
    sources = [{"kind": "speech-commands", "path": "raw"}, {"kind": "folder", "path": "copy"}]
    run = shop.compile(source=sources)
    found = report(run)
    assert {r["source"]: r["read"] for r in found["sources"]} == {"speech-commands": 24, "copy": 24}
    total = sum(r["written"] + r["duplicates"] + r["rejected"] for r in found["sources"])
    assert total == 48
    assert sum(r["clips"] for r in found["reasons"]) == run.data.letters.height
    assert sum(r["clips"] for r in found["labels"]) == found["clips"] == run.data.clips.height
    assert found["run"]["made"] == run.shards
    assert found["engines"]["local"] > 0


def test_work_is_not_called_for_what_is_there(shop, monkeypatch):
    shop.compile()
    monkeypatch.setattr(work, "extract", None)
    monkeypatch.setattr(passes, "decode", None)
    assert shop.compile(name="other").changed  # another record, the same shards
