"""Stories of stored data: the night that changed the past, and the feature that knew the future."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from kit import storage
from kit.errors import KitError
from kit.experiments import Scale
from kit.experiments.storing import codecs, layouts, leaking, nightly

pytest.importorskip("torch")

CHANGE = {"low": "high"}
SMALL = Scale(passes=64, tested=2, seeds=1, budget=48, parts=1)


# the night that changed the past


@pytest.fixture(scope="module")
def table(tones, tmp_path_factory):
    """(place, clips) of a table of six nights."""
    place = tmp_path_factory.mktemp("nights") / "clips"
    clips, _ = nightly.pool(tones, SMALL, CHANGE)
    return nightly.keep(clips, place, 6, CHANGE), clips


def test_every_night_but_the_last_only_adds(table):
    place, clips = table
    rows = storage.history(place)["rows"].to_list()
    assert rows == sorted(rows)
    assert rows[-1] == len(clips.clips)
    for night in range(1, 6):
        found = storage.diff(place, night - 1, night, key="clip")
        assert (found.removed.height, found.changed.height) == (0, 0)
        assert found.added.height == rows[night] - rows[night - 1] > 0


def test_the_last_night_renames_one_word_in_the_oldest_rows(table):
    place, clips = table
    found = storage.diff(place, 5, 6, key="clip")
    assert found.changed.select("word.old", "word.new").unique().rows() == [("low", "high")]
    before, after = storage.at(place, 5), storage.at(place, 6)
    old = before.filter(pl.col("night") == 0, pl.col("word") == "low")
    assert sorted(found.changed["clip"]) == sorted(old["clip"])
    assert 0 < old.height < (before["word"] == "low").sum()  # later ones keep their name
    assert after.height > before.height
    truth = clips.labels[before["clip"].to_numpy()]
    assert (before["word"].to_numpy() == truth).all()


def test_whoever_is_tested_is_in_no_table(tones):
    clips, tests = nightly.pool(tones, SMALL, CHANGE)
    assert set(clips.speakers) == {"s2", "s3", "s4", "s5"}
    assert set(tests["all"].speakers) == {"s0", "s1"}
    assert set(tests["low"].labels) == {"low"}
    assert len(clips.clips) == 2 * SMALL.budget


def test_versions_are_trained_on_what_they_say(table, tones, monkeypatch):
    place, clips = table
    seen = []

    def outcomes(tasks, progress=None):
        seen.extend(tasks)
        right = [(t.train.labels == "low").mean() + 0.01 * t.how["seed"] for t in tasks]
        return [{"accuracy": {"all": r, "low": r / 2}} for r in right]

    monkeypatch.setattr(nightly, "outcomes", outcomes)
    found = nightly.trained(clips, {"all": None, "low": None}, place, [5, 6], SMALL)
    assert [t.how for t in seen] == [{"seed": s, "passes": 64} for s in (0, 1, 2)] * 2
    words = [storage.at(place, v)["word"] for v in (5, 6)]
    for task, word in zip(seen[::3], words, strict=True):
        assert task.train.labels.tolist() == word.to_list()
    share = [100 * (w == "low").mean() for w in words]
    assert found["clips"].to_list() == [w.len() for w in words]
    assert found["all_percent"].to_list() == pytest.approx([s + 1 for s in share])
    assert found["all_low"].to_list() == pytest.approx(share)
    assert found["low_high"].to_list() == pytest.approx([(s + 2) / 2 for s in share])


# the feature that knew the future


@pytest.fixture(scope="module")
def fleet():
    return leaking.fleet(200, 40, seed=3)


def test_a_device_that_is_off_is_silent(fleet):
    events, owners = fleet
    both = events.join(owners, on="device")
    late = both.filter(pl.col("off").is_not_null() & (pl.col("time") >= pl.col("off")))
    assert late.is_empty()
    assert 0 < owners["off"].null_count() < owners.height
    end = leaking.BEGIN + timedelta(days=40)
    assert events["time"].is_between(leaking.BEGIN, end).all()


def test_noisy_devices_are_switched_off_sooner():
    events, owners = leaking.fleet(2000, 40, seed=1)
    early = events.filter(pl.col("time") < leaking.BEGIN + timedelta(days=7))
    counts = early.group_by("device").agg(n=pl.len())
    rows = owners.join(counts, on="device", how="left").with_columns(pl.col("n").fill_null(0))
    off = rows["off"].is_not_null()
    assert rows.filter(off)["n"].mean() > 1.5 * rows.filter(~off)["n"].mean()


def test_wakes_are_counted_over_a_week(fleet):
    events, owners = fleet
    times = [leaking.BEGIN + timedelta(days=d) for d in (9, 20)]
    found = leaking.counted(events, owners["device"], times)
    assert found.height == 2 * 200
    for device, wakes, time in found.sample(40, seed=0).iter_rows():
        own = events.filter(device=device)["time"]
        assert wakes == ((own > time - timedelta(days=7)) & (own <= time)).sum()


def test_labels_look_ahead_and_no_further(fleet):
    _, owners = fleet
    off = dict(owners.iter_rows())
    found = leaking.asked(owners, [10, 25])
    for device, time, gives_up in found.iter_rows():
        assert off[device] is None or off[device] > time
        assert gives_up == (off[device] is not None and off[device] <= time + timedelta(days=7))


@pytest.mark.parametrize("seed", range(4))
def test_what_leaks_promises_more_and_serves_worse(seed):
    quick, right = leaking.trials(seed).iter_rows(named=True)
    assert quick["promised"] > right["promised"] + 0.1
    assert quick["served"] < 0.5 < right["served"]
    assert abs(right["served"] - right["promised"]) < 0.1
    assert quick["leaked"] > 0.3 * quick["rows"]
    assert right["leaked"] == 0


def test_auc_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = rng.random(50) < 0.3
        scores = rng.integers(0, 6, 50)  # with ties
        assert leaking.auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))
    assert np.isnan(leaking.auc(scores, np.zeros(50, bool)))


def test_a_model_gives_the_share_of_its_bin():
    values, truth = np.repeat([0.0, 5.0], 50), np.r_[np.arange(50) < 10, np.arange(50) < 40]
    model = leaking.learnt(values, truth)
    assert model(np.array([0.0, 5.0, 99.0])) == pytest.approx([0.2, 0.8, 0.5])  # never seen: all


# layouts and codecs


def measured(**rates):
    rows = [{"name": n, "operation": o, "cache": c, "value": v, "unit": u, "low": 0.9 * v,
             "high": 1.1 * v, "runs": 5, "records": 10, "record_bytes": 100.0, "note": ""}
            for n, (scan, part, size) in rates.items()
            for o, c, v, u in (("scan", "cold", scan, "1/s"), ("columns", "warm", part, "1/s"),
                               ("blocks", "", size, "B"))]  # fmt: skip
    return pl.DataFrame(rows)


def test_factors_multiply_to_the_whole():
    table = measured(csv=(10.0, 100.0, 3000.0), parquet=(50.0, 4000.0, 1000.0))
    found = layouts.why_faster(table, "csv", "parquet", 0.2)
    assert list(found.values()) == pytest.approx([5, 3, 40 / 15])
    assert layouts.room(table, "csv") == 3
    assert layouts.gbs(table) == pytest.approx({"parquet": 5e-6, "csv": 1e-6})
    assert list(layouts.gbs(table)) == ["parquet", "csv"]


def test_a_value_comes_with_its_spread_or_an_error():
    table = measured(csv=(10.0, 100.0, 3000.0))
    found = layouts.one(table, "csv", "scan", "cold")
    assert (found.value, found.unit, found.spread, found.runs) == (10, "1/s", (9, 11), 5)
    with pytest.raises(KitError, match="flac, scan, warm"):
        layouts.one(table, "flac", "scan", "warm")


def test_clips_are_taken_from_all_words_and_sorted(tones):
    found = layouts.sorted_clips(tones, 12)
    assert found.labels.tolist() == sorted(found.labels)
    assert set(found.labels) == {"low", "middle", "high"}
    assert len(layouts.sorted_clips(tones, 10**6).clips) == len(tones.clips)


def test_the_lesson_s_layouts_can_be_measured(tones):
    found = layouts.clips(tones, 12, 0.1)
    assert set(found["name"]) == {x.name for x in layouts.CLIPS}
    assert 1.02 < layouts.room(found, "wav") < 1.2  # a header, and the rest of a block
    assert layouts.room(found, "flac") < layouts.room(found, "npy")


def test_codecs_are_measured_and_give_back_what_they_got(tones):
    parts = {"sound": tones.clips[:20], "noise": np.random.default_rng(0).random(40_000)}
    found = codecs.codecs(parts, budget_s=0.1)
    assert found.filter(part="sound")["codec"].to_list() == list(codecs.CODECS)
    assert found.filter(part="noise")["codec"].to_list() == list(codecs.CODECS[:-1])  # no sound
    assert (found["runs"] >= 3).all()
    assert (found["unpack_low"] <= found["unpack_gbs"]).all()
    ratio = dict(found.filter(part="noise").select("codec", "ratio").iter_rows())
    assert all(0.95 < r < 1.2 for r in ratio.values())  # noise cannot be packed
    import zlib

    block = tones.clips[:20].tobytes()
    other = len(block) / len(zlib.compress(block, 9))
    sound = dict(found.filter(part="sound").select("codec", "ratio").iter_rows())
    assert sound["gzip"] == pytest.approx(other, rel=0.02)
    assert sound["flac"] > sound["zstd"]


def test_a_codec_that_lies_is_told(monkeypatch):
    monkeypatch.setattr(codecs, "_sound", lambda data, _: b"\0" * 2000)
    with pytest.raises(KitError, match="sound, flac"):
        codecs.codecs({"sound": np.ones(1000, np.int16)}, ["flac"], budget_s=0)
