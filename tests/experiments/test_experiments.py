"""The five experiments compare what is comparable, and report what was measured."""

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch")

from kit.assumptions import value
from kit.audio.augment import add_noise, coloured_noise
from kit.errors import KitError
from kit.experiments import FULL, QUICK, Scale, gap, leak, mix, price, scale, treatments

SMALL = Scale(passes=64, tested=2, seeds=1, budget=48, parts=1)


@pytest.fixture
def tasks(monkeypatch):
    """What an experiment asks to be trained; answers are drawn from the tests' own speakers."""
    asked = []

    def answered(given, progress=None):
        asked.extend(given)
        return [{"accuracy": {name: len(t.train.clips) / 1000 for name in t.tests},
                 "seconds": 1.0, "clips": len(t.train.clips)} for t in given]  # fmt: skip

    for module in (mix, gap, leak, treatments, price):
        monkeypatch.setattr(module, "outcomes", answered)
    return asked


def honest(asked):
    """No speaker who tests is among those who train."""
    for task in asked:
        for test in task.tests.values():
            assert not set(test.speakers) & set(task.train.speakers)


def test_the_scale_follows_the_environment(monkeypatch):
    monkeypatch.delenv("KIT_FULL", raising=False)
    assert scale() is QUICK
    monkeypatch.setenv("KIT_FULL", "1")
    assert scale() is FULL


def test_every_mix_has_as_many_clips_and_as_many_passes(tones, tasks):
    table = mix.mix_by_clips(tones, SMALL)
    honest(tasks)
    assert {len(t.train.clips) for t in tasks} == {SMALL.budget}
    assert {t.how["passes"] for t in tasks} == {SMALL.passes}
    real = [np.isin(t.train.speakers, tones.speakers).sum() for t in tasks]
    assert sorted(set(real)) == [round(s * SMALL.budget) for s in mix.SHARES]
    assert (table["real"] + table["synthetic"] == SMALL.budget).all()
    assert set(table["condition"]) == {"clean", "noisy"}
    # pure sets with and without augmentation; all of them where all speakers test
    assert table.filter(augment="none")["real"].unique().sort().to_list() == [0, SMALL.budget]
    whole = mix.mix_by_clips(tones, Scale(64, 6, 1, 48, 1))
    assert whole.filter(augment="none").height == 2 * len(mix.SHARES)
    assert set(whole["ends"]) == {"interval"}
    honest(tasks)


def test_every_mix_for_dollars_costs_as_much(tones, tasks):
    table = mix.mix_by_dollars(tones, size=SMALL)
    honest(tasks)
    recorded, made = mix.prices()
    assert recorded == pytest.approx(value("kws_label") * 1.2)
    assert recorded / made == pytest.approx(value("synthetic_cheaper"))
    assert np.allclose(table["usd"], SMALL.budget / 5 * recorded, rtol=0.06)  # whole clips
    assert table.sort("real_share")["synthetic"].to_list()[-1] == 0


def test_the_grid_has_every_pair_but_the_empty_one(tones, tasks, monkeypatch):
    monkeypatch.setattr(mix, "GRID_REAL", (0, 12))
    monkeypatch.setattr(mix, "GRID_SYNTHETIC", (0, 10))
    table = mix.mix_grid(tones, SMALL)
    assert set(table.select("real", "synthetic").rows()) == {(12, 0), (0, 10), (12, 10)}
    assert table["accuracy_percent"].to_list() == pytest.approx([1.0, 1.2, 2.2])


def test_the_gap_is_seen_where_it_is_and_not_where_it_is_not(tones):
    rows = np.arange(len(tones.clips)) % 2 == 0
    half, other = tones.of(rows), tones.of(~rows)
    other = other._replace(speakers=np.array([f"o{s}" for s in other.speakers]))
    same = gap.two_sample_auc(half, other)
    assert same["low"] < 0.5 < same["high"] or abs(same["auc"] - 0.5) < 0.15
    noise = coloured_noise("white", 16_000, range(len(other.clips)))
    planted = other._replace(clips=add_noise(other.clips, noise, 5.0))
    assert gap.two_sample_auc(half, planted)["auc"] > 0.95
    with pytest.raises(KitError, match="learn a voice"):
        gap.two_sample_auc(half.by("s0"), other)


def test_the_area_is_the_share_of_pairs_in_order():
    low, high = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0])
    pairs = [(a < b) + 0.5 * (a == b) for a in low for b in high]
    assert gap._area(low, high) == pytest.approx(np.mean(pairs))


def test_the_gap_table_compares_with_as_many_recordings(tones, tasks):
    table = gap.gap(tones, SMALL)
    honest(tasks)
    assert table["treatment"].to_list() == list(gap.TREATMENTS)
    assert {len(t.train.clips) for t in tasks} == {SMALL.budget}
    assert np.allclose(table["points"], 0)  # the answers here depend on the number of clips alone
    assert (table["auc"] > 0.9).all()  # tones are no synthetic speech


def test_splits_keep_together_what_they_say(tones, tasks):
    copies, source = leak.siblings(tones.few(24))
    assert len(copies.clips) == 4 * 24
    assert len({c.tobytes() for c in copies.clips}) == len(copies.clips)
    for split, group in (("recording", source), ("speaker", copies.speakers)):
        part = leak.parts(copies, source, split)
        for name in np.unique(group):
            assert len(set(part[group == name])) == 1
    part = leak.parts(copies, source, "random")
    assert any(len(set(part[source == s])) > 1 for s in range(24))
    assert set(part) == {0, 1, 2, 3}
    with pytest.raises(KitError, match="random, recording, speaker"):
        leak.parts(copies, source, "date")
    table = leak.leak(tones, SMALL)
    assert table["split"].to_list() == ["random", "recording", "speaker"]
    assert (table["too_high_points"] == table["reported_percent"] - table["unseen_percent"]).all()
    for task in tasks:
        assert not set(task.tests["unseen"].speakers) & set(task.train.speakers)
    with pytest.raises(KitError, match="too few speakers"):
        leak.leak(tones.by(["s0", "s1", "s2", "s3"]), SMALL)


def test_a_leak_is_measured_for_real(tones):
    """Copies of a hundred clips in noise so loud that only having met the clip helps."""
    noise = coloured_noise("white", 16_000, range(len(tones.clips)))
    rng = np.random.default_rng(0)
    blurred = tones._replace(clips=add_noise(tones.clips, 4 * noise, 0.0),
                             labels=rng.permutation(tones.labels))  # fmt: skip
    size = Scale(passes=3000, tested=2, seeds=1, budget=96, parts=1)
    table = leak.leak(blurred, size)
    by = {r["split"]: r for r in table.to_dicts()}
    assert by["random"]["reported_percent"] > by["speaker"]["reported_percent"] + 15
    assert abs(by["speaker"]["unseen_percent"] - 100 / 3) < 20


def test_each_augmentation_is_alone_and_measured_against_none(tones, tasks):
    table = treatments.backfire(tones, SMALL)
    honest(tasks)
    assert table["treatment"].to_list() == list(treatments.TREATMENTS)
    assert table.row(0, named=True)["clean_points"] == 0
    hows = [t.how["augment"] for t in tasks]
    assert len({h.fingerprint for h in hows}) == len(treatments.TREATMENTS)
    assert hows[0].fingerprint == treatments.preset("none").fingerprint
    assert {tuple(t.tests) for t in tasks} == {
        ("s0, clean", "s0, device", "s1, clean", "s1, device")
    }


def test_a_price_is_stated_only_where_the_gain_is_sure(monkeypatch):
    gained = np.array([0.04, 0.05, 0.06, 0.05])
    sure = price._row("synthesise", 25.0, 0.5 + gained, gained)
    assert sure["points"] == pytest.approx(5)
    assert sure["usd_per_point"] == pytest.approx(5)
    unsure = price._row("record", 150.0, 0.5 + gained, gained - 0.045)
    assert unsure["low_points"] < 0 < unsure["high_points"]
    assert unsure["usd_per_point"] is None
    assert pl.DataFrame([sure, unsure])["usd_per_point"].null_count() == 1
