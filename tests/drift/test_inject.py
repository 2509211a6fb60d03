"""Drift made on purpose is what was asked for: its course, its size, and nothing else changed."""

import numpy as np
import polars as pl
import pytest
from helpers import code
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kit.audio import quality
from kit.audio.augment import microphone, speech_power
from kit.drift import inject
from kit.drift.inject import Drift, course, into
from kit.drift.inject_sound import COVARIATES, covariate

RATE = 16_000
EVERY = [(kind, size) for kind, how in COVARIATES.items() for size in how.sizes]


def likely(hits, trials, share):
    """Within what luck does to a share of independent trials."""
    return stats.binomtest(int(hits), int(trials), share).pvalue > 1e-3


def rng(seed=0):
    return np.random.default_rng(seed)


# --- course


def test_a_sudden_course_is_0_then_1():
    assert course("sudden", 10, 0.3).tolist() == [0] * 3 + [1] * 7
    assert course("sudden", 4, 0).tolist() == [1] * 4
    assert course("sudden", 4, 1).tolist() == [0] * 4
    assert course("sudden", 1, 0.5).tolist() == [0]


def test_a_gradual_course_is_a_straight_line_up_to_1():
    found = course("gradual", 100, start=0.2, length=0.4)
    assert found[:20].tolist() == [0] * 20
    assert np.diff(found[19:60]) == pytest.approx(1 / 40)
    assert found[60:] == pytest.approx(1)
    assert found.max() <= 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.floats(0, 1), st.floats(0.01, 1))
def test_a_gradual_course_never_falls(events, start, length):
    found = course("gradual", events, start, length)
    assert found.shape == (events,)
    assert (np.diff(found) >= 0).all()
    assert (found[: int(start * events)] == 0).all()
    assert 0 <= found.min() <= found.max() <= 1
    if start + length <= 1 - 1 / events:
        assert found[-1] == pytest.approx(1)


def test_a_season_swings_to_1_and_back_to_0():
    found = course("seasonal", 400, start=0.25, period=0.25)
    assert (found[:100] == 0).all()
    assert found[[100, 200, 300]] == pytest.approx(0, abs=1e-12)
    assert found[[150, 250, 350]] == pytest.approx(1)
    assert found[[125, 175]] == pytest.approx(0.5)
    assert found[100:200] == pytest.approx(found[200:300], abs=1e-12)
    assert found[100:].mean() == pytest.approx(0.5)


def test_what_recurs_is_on_for_half_of_each_period():
    found = course("recurring", 200, start=0.2, period=0.2)
    assert found.tolist() == [0] * 40 + ([1] * 20 + [0] * 20) * 4


@pytest.mark.parametrize("shape", inject.SHAPES)
def test_every_course_stays_between_0_and_1(shape):
    for events in (1, 2, 7, 100):
        for start in (0, 0.33, 1):
            found = course(shape, events, start, 0.1, 0.3)
            assert found.shape == (events,)
            assert ((found >= 0) & (found <= 1)).all()
            assert (found[np.arange(events) < start * events] == 0).all()


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"shape": "slow"}, "unknown"),
        ({"shape": None}, "unknown"),
        ({"events": 0}, "not-count"),
        ({"events": 2.5}, "not-count"),
        ({"events": "many"}, "not-a-number"),
        ({"start": -0.1}, "not-share"),
        ({"start": float("nan")}, "not-share"),
        ({"length": 0}, "not-fraction"),
        ({"length": 1.5}, "not-fraction"),
        ({"period": 0}, "not-fraction"),
        ({"period": None}, "not-a-number"),
    ],
)
def test_impossible_courses_are_refused(how, word):
    assert code(course, **{"shape": "sudden", "events": 10} | how) == word


# --- clips


@pytest.fixture(scope="module")
def clips():
    """int16[8, 16000]: loud hiss for 0.4 s in faint hiss, eight levels; the last is silent."""
    draw = rng()
    sound = draw.normal(0, 1, (8, RATE)) * 300 * 1.25 ** np.arange(8)[:, None]
    sound[:, 10_000:] *= 0.002
    sound[:, :4000] *= 0.002
    sound[-1] = 0
    return np.rint(sound).astype(np.int16)


@pytest.mark.parametrize(("kind", "size"), EVERY)
def test_a_clip_is_changed_alike_in_every_batch(clips, kind, size):
    found = covariate(clips, kind, size)
    assert found.shape == clips.shape
    assert found.dtype == np.int16
    assert not found[-1].any()
    order = [7, 2, 5]
    assert np.array_equal(covariate(clips[order], kind, size), found[order])
    assert np.array_equal(covariate(clips[2:3], kind, size), found[2:3])
    assert kind == "microphone" or (found[:-1] != clips[:-1]).any(1).all()


def test_a_change_leaves_the_clips_it_was_given(clips):
    before = clips.copy()
    for kind, how in COVARIATES.items():
        covariate(clips, kind, how.sizes[-1])
        assert np.array_equal(clips, before)


@pytest.mark.parametrize("db", COVARIATES["level"].sizes)
def test_a_level_falls_by_exactly_so_many_db(clips, db):
    found = covariate(clips, "level", db)
    assert np.abs(found - clips * 10 ** (db / 20)).max() <= 0.51
    levels = [10 * np.log10((x[3:7].astype(float) ** 2).mean(1)) for x in (clips, found)]
    assert levels[1] - levels[0] == pytest.approx(db, abs=0.05)


@pytest.mark.parametrize("snr_db", COVARIATES["noise"].sizes)
def test_noise_has_the_wanted_ratio_to_the_speech(clips, snr_db):
    noise = covariate(clips, "noise", snr_db)[:-1].astype(float) - clips[:-1]
    found = 10 * np.log10(speech_power(clips[:-1]) / (noise**2).mean(1))
    assert found[2:] == pytest.approx(snr_db, abs=0.1)
    assert np.abs(np.corrcoef(noise) - np.eye(7)).max() < 0.1  # each clip has its own
    power = (np.abs(np.fft.rfft(noise[2:])) ** 2).sum(0)
    assert power[200:400].sum() == pytest.approx(power[2000:4000].sum(), rel=0.2)  # pink


@pytest.mark.parametrize("khz", COVARIATES["narrow band"].sizes)
def test_a_narrow_band_holds_nothing_above_and_all_below(clips, khz):
    found = covariate(clips, "narrow band", khz)
    loud = slice(3, 7)
    before, after = (np.abs(np.fft.rfft(x[loud].astype(float))) ** 2 for x in (clips, found))
    above, below = slice(int(1000 * khz) + 300, None), slice(100, int(1000 * khz) - 300)
    assert after[:, above].sum() < 1e-5 * before[:, above].sum()
    assert after[:, below].sum() == pytest.approx(before[:, below].sum(), rel=0.01)
    assert quality.bandwidth(found[loud]) == pytest.approx(1000 * khz, abs=300)


def test_a_room_rings_longer_the_more_it_reverberates(clips):
    tails = []
    for seconds in COVARIATES["room"].sizes:
        found = covariate(clips, "room", seconds)[:-1].astype(float)
        before = clips[:-1].astype(float)
        assert (found**2).mean(1) == pytest.approx((before**2).mean(1), rel=0.02)
        tails.append((found[:, 11_000:] ** 2).sum() / (found**2).sum())
    assert tails[0] > 2 * (before[:, 11_000:] ** 2).sum() / (before**2).sum()
    assert (np.diff(tails) > 0).all()


def test_a_stated_share_of_devices_gets_the_other_microphone():
    many = rng(1).normal(0, 3000, (2000, 1600)).astype(np.int16)
    other, before = microphone(many, "pocket"), np.zeros(2000, bool)
    for percent in COVARIATES["microphone"].sizes:
        found = covariate(many, "microphone", percent)
        changed = (found != many).any(1)
        assert np.array_equal(found[changed], other[changed])
        assert likely(changed.sum(), 2000, percent / 100)
        assert not (before & ~changed).any()  # who had it keeps it
        before = changed
    assert before.all()
    assert np.array_equal(covariate(many, "microphone", 0), many)


@pytest.mark.parametrize(
    ("kind", "size", "word"),
    [
        ("wind", 1, "unknown"),
        ("microphone", 101, "not-share"),
        ("microphone", -1, "not-share"),
        ("microphone", float("nan"), "not-share"),
        ("room", 0, "augment"),
        ("room", float("nan"), "augment"),
        ("noise", 200, "augment"),
        ("noise", None, "augment"),
        ("level", float("inf"), "augment"),
        ("narrow band", 9, "augment"),
    ],
)
def test_impossible_changes_of_sound_are_refused(clips, kind, size, word):
    assert code(covariate, clips, kind, size) == word


@pytest.mark.parametrize("kind", ["level", "narrow band", "microphone", "noise"])
def test_sound_of_another_type_is_refused(clips, kind):
    assert code(covariate, clips.astype(float), kind, COVARIATES[kind].sizes[-1]) == "audio"


def test_noise_refuses_a_clip_that_is_no_batch(clips):
    assert code(covariate, clips[0], "noise", 10) == "audio"


# --- labels


def test_a_label_takes_the_wanted_share_and_the_rest_stays():
    labels = np.array(["a"] * 10 + ["b"] * 30 + ["c"] * 60)
    rows = inject.label_mix(labels, "a", 0.7, 30_000, rng(2))
    assert rows.shape == (30_000,)
    drawn = labels[rows]
    assert likely((drawn == "a").sum(), 30_000, 0.7)
    others = drawn[drawn != "a"]
    assert likely((others == "c").sum(), len(others), 60 / 90)
    for label in "abc":  # P(row | label): each row as often as the next
        counts = np.bincount(rows, minlength=100)[labels == label]
        assert stats.chisquare(counts).pvalue > 1e-3
    again = inject.label_mix(labels, "a", 0.7, 30_000, rng(2))
    assert np.array_equal(rows, again)


@pytest.mark.parametrize("share", [0, 1])
def test_a_label_can_vanish_or_be_all_there_is(share):
    labels = np.array(["a", "b", "b"])
    assert ((labels[inject.label_mix(labels, "a", share, 50, rng())] == "a") == share).all()


def test_impossible_mixes_are_refused():
    labels = ["a", "b"]
    assert code(inject.label_mix, labels, "z", 0.5, 5, rng()) == "unknown"
    assert code(inject.label_mix, ["a", "a"], "a", 0.5, 5, rng()) == "unknown"
    assert code(inject.label_mix, [], "a", 0.5, 5, rng()) == "unknown"
    assert code(inject.label_mix, labels, "a", 1.1, 5, rng()) == "not-share"
    assert code(inject.label_mix, labels, "a", float("nan"), 5, rng()) == "not-share"
    assert code(inject.label_mix, labels, "a", 0.5, 0, rng()) == "not-count"


def test_a_meaning_moves_for_the_stated_share_of_one_word():
    labels = np.array(["old", "new", "x"] * 4000)
    found = inject.meaning(labels, "old", "renamed", 0.3, rng(3))
    was = labels == "old"
    assert np.array_equal(found[~was], labels[~was])
    assert set(found[was]) == {"old", "renamed"}  # a longer word is not cut off
    assert likely((found[was] == "renamed").sum(), was.sum(), 0.3)
    assert np.array_equal(inject.meaning(labels, "old", "new", 0, rng()), labels)
    each = inject.meaning(labels, "old", "renamed", (np.arange(12_000) >= 6000) * 1.0, rng())
    assert (each[6000:][was[6000:]] == "renamed").all()
    assert (each[:6000] == labels[:6000]).all()
    assert code(inject.meaning, labels, "old", "new", 1.2, rng()) == "not-share"
    assert code(inject.meaning, labels, "old", "new", float("nan"), rng()) == "not-share"


def test_a_rater_errs_as_often_as_stated_and_evenly():
    words = ["b", "d", "a", "c"]
    labels = np.array(words * 5000)
    found = inject.rated(labels, 0.3, words, rng(4))
    wrong = found != labels
    assert likely(wrong.sum(), 20_000, 0.3)
    for word in words:
        said = found[wrong & (labels == word)]
        counts = [(said == other).sum() for other in words if other != word]
        assert stats.chisquare(counts).pvalue > 1e-3
        assert sum(counts) == len(said)
    assert (inject.rated(labels, 1, words, rng()) != labels).all()  # wrong is never right
    assert np.array_equal(inject.rated(labels, 0, words, rng()), labels)
    each = inject.rated(labels, np.arange(20_000) % 2, words, rng())
    assert np.array_equal(each != labels, np.arange(20_000) % 2 == 1)


def test_impossible_raters_are_refused():
    assert code(inject.rated, ["a"], 0.1, ["a"], rng()) == "one-category"
    assert code(inject.rated, ["a"], 0.1, [], rng()) == "one-category"
    assert code(inject.rated, ["a", "z"], 0.1, ["a", "b"], rng()) == "unknown"
    assert code(inject.rated, ["a"], 1.5, ["a", "b"], rng()) == "not-share"
    assert code(inject.rated, ["a"], float("nan"), ["a", "b"], rng()) == "not-share"
    assert len(inject.rated([], 0.1, ["a", "b"], rng())) == 0


def test_fatigue_grows_over_a_shift_and_is_slept_off():
    found = inject.fatigue(450, 0.1, 0.5, shift=200)
    assert found[[0, 199, 200, 399, 400]] == pytest.approx([0.1, 0.5, 0.1, 0.5, 0.1])
    assert np.diff(found[:200]) == pytest.approx(0.4 / 199)
    assert found[:200] == pytest.approx(found[200:400])
    assert inject.fatigue(3, 0.1, 0.5, shift=1) == pytest.approx(0.1)
    tired = np.where(np.arange(400) < 200, 0.1, 0.9)
    worse = inject.fatigue(400, 0.1, tired)
    assert worse[:200] == pytest.approx(0.1)
    assert worse[399] == pytest.approx(0.9)
    for how, word in (({"fresh": -1}, "not-share"), ({"tired": 2}, "not-share"),
                      ({"tired": float("nan")}, "not-share"), ({"shift": 0}, "not-count"),
                      ({"events": 0}, "not-count")):  # fmt: skip
        assert code(inject.fatigue, **{"events": 10} | how) == word


# --- tables


def table(rows=4000, seed=5):
    draw = rng(seed)
    x = draw.normal(10, 2, rows)
    return pl.DataFrame({
        "x": x, "count": draw.integers(0, 9, rows), "word": draw.choice(["a", "b", "c"], rows),
        "over": x > 11,
    }).with_columns(gap=pl.when(pl.int_range(rows) % 7 > 0).then("x"),
                    said=pl.when(pl.int_range(rows) % 5 > 0).then("word"))  # fmt: skip


def same(found, before, but=()):
    names = [n for n in before.columns if n not in but]
    return found.select(names).equals(before.select(names))


LATE = np.arange(4000) >= 2000


def test_a_shift_counts_in_standard_deviations():
    before = table()
    found = into(before, Drift("x", "shift", 1.5), Drift("gap", "shift", -2.0, start=0))
    assert same(found, before, ("x", "gap"))
    moved = (found["x"] - before["x"]).to_numpy()
    assert moved[~LATE] == pytest.approx(0)
    assert moved[LATE] == pytest.approx(1.5 * np.std(before["x"].to_numpy(), ddof=1))
    gap = before["gap"].drop_nulls()
    known = (found["gap"] - before["gap"]).drop_nulls().to_numpy()
    assert known == pytest.approx(-2 * np.std(gap.to_numpy(), ddof=1))
    assert found["gap"].is_null().equals(before["gap"].is_null())
    assert (found["drifted"] == 1).all()
    assert found.columns == [*before.columns, "drifted"]


def test_a_scale_multiplies_the_distance_to_the_mean():
    before = table()
    found = into(before, Drift("x", "scale", 3.0), Drift("count", "scale", 0.0, start=0))
    x, mean = before["x"].to_numpy(), before["x"].mean()
    assert found["x"].to_numpy() == pytest.approx(np.where(LATE, mean + 3 * (x - mean), x))
    assert found["count"].to_numpy() == pytest.approx(before["count"].mean())


@pytest.mark.parametrize(("column", "to"), [("word", "c"), ("count", 99), ("over", True)])
def test_a_share_of_rows_gets_another_category(column, to):
    before = table()
    found = into(before, Drift(column, "category", 0.3, to=to), seed=1)
    assert same(found, before, (column,))
    assert found[column].dtype == before[column].dtype
    assert found[column][:2000].equals(before[column][:2000])
    other = LATE & (before[column] != to).to_numpy()
    changed = (found[column] != before[column]).to_numpy()
    assert not changed[~other].any()
    assert likely(changed.sum(), other.sum(), 0.3)
    assert (found[column].filter(changed) == to).all()


def test_a_share_of_rows_is_lost():
    before = table()
    for column in before.columns:
        found = into(before, Drift(column, "nulls", 0.4), seed=2)
        was, now = (t[column].is_null().to_numpy() for t in (before, found))
        assert np.array_equal(was[~LATE], now[~LATE])
        assert (now | ~was).all()
        assert likely((now & ~was).sum(), (LATE & ~was).sum(), 0.4)
        kept = before[column].zip_with(pl.Series(~now), before[column].clear(4000))
        assert found[column].equals(kept, null_equal=True)
        assert same(found, before, (column,))


def test_a_word_changes_its_meaning_in_a_share_of_its_rows():
    before = table()
    found = into(before, Drift("said", "meaning", 0.6, was="a", to="b"), seed=3)
    old = LATE & (before["said"] == "a").fill_null(False).to_numpy()
    changed = found["said"].ne_missing(before["said"]).to_numpy()
    assert not changed[~old].any()
    assert set(found["said"].filter(changed)) == {"b"}
    assert likely(changed.sum(), old.sum(), 0.6)
    assert found["said"].null_count() == before["said"].null_count()


def test_a_threshold_moves_in_units_of_its_source():
    before = table()
    found = into(before, Drift("over", "threshold", 0.75, source="x"))
    middle = (before.filter("over")["x"].min() + before.filter(~pl.col("over"))["x"].max()) / 2
    x = before["x"].to_numpy()
    wanted = np.where(LATE, x > middle + 0.75, x > middle)
    assert np.array_equal(found["over"].to_numpy(), wanted)
    assert same(found, before, ("over",))


def test_a_tired_rater_writes_ever_more_wrong_words():
    before = table(8000)
    found = into(before, Drift("said", "fatigue", 0.8, start=0), seed=4)
    assert found["said"].is_null().equals(before["said"].is_null())
    assert set(found["said"].drop_nulls()) == {"a", "b", "c"}
    known = before["said"].is_not_null().to_numpy()
    wrong = found["said"].ne_missing(before["said"]).to_numpy()
    place = np.arange(8000) % 200
    for low, high in ((0, 40), (80, 120), (160, 200)):
        part = known & (place >= low) & (place < high)
        mean = 0.8 * np.arange(low, high).mean() / 199
        assert likely(wrong[part].sum(), part.sum(), mean)
    assert same(found, before, ("said",))
    for column in ("count", "over"):
        other = into(before, Drift(column, "fatigue", 0.8, start=0))
        assert other[column].dtype == before[column].dtype
        assert 0.2 < (other[column] != before[column]).mean() < 0.6


def test_a_course_makes_the_change_by_chance():
    before = table(8000)
    found = into(before, Drift("x", "shift", 1.0, "gradual", start=0.25, length=0.5), seed=5)
    wanted = course("gradual", 8000, 0.25, 0.5)
    assert found["drifted"].to_numpy() == pytest.approx(wanted)
    moved = (found["x"] != before["x"]).to_numpy()
    assert not moved[:2000].any()
    assert moved[6000:].all()
    assert likely(moved[3000:5000].sum(), 2000, wanted[3000:5000].mean())


def test_several_drifts_are_independent_and_seeded():
    before = table(8000)
    drifts = [
        Drift("x", "shift", 1.0, "seasonal", 0.0),
        Drift("count", "shift", 1.0, "seasonal", 0),
    ]
    found = into(before, *drifts, seed=6)
    assert into(before, *drifts, seed=6).equals(found)
    assert not into(before, *drifts, seed=7).equals(found)
    assert found["x"].equals(into(before, drifts[0], seed=6)["x"])
    moved = [(found[n] != before[n]).to_numpy() for n in ("x", "count")]
    swing = course("seasonal", 8000, 0)
    half = (swing > 0.3) & (swing < 0.7)
    both, apart = (moved[0] & moved[1])[half].sum(), (swing**2)[half].mean()
    assert likely(both, half.sum(), apart)
    late = into(before, Drift("x", "shift", 1.0, start=0.9),
                Drift("count", "shift", 1.0, "seasonal", 0.0))  # fmt: skip
    assert late["drifted"].to_numpy() == pytest.approx(np.maximum(swing, np.arange(8000) >= 7200))


def test_a_column_may_drift_twice_in_turn():
    before = table()
    found = into(before, Drift("word", "meaning", 1.0, start=0, was="a", to="b"),
                 Drift("word", "meaning", 1.0, start=0, was="b", to="c"))  # fmt: skip
    assert set(found["word"]) == {"c"}


def test_odd_tables_drift_too():
    before = table()
    every = [Drift("x", "shift", 1.0, start=0), Drift("count", "scale", 2.0, start=0),
             Drift("word", "category", 1.0, start=0, to="c"),
             Drift("said", "nulls", 1.0, start=0)]  # fmt: skip
    empty = into(before[:0], *every)
    assert empty.height == 0
    assert empty.columns == [*before.columns, "drifted"]
    assert empty["drifted"].dtype == pl.Float64
    one = into(before[:1], *every).row(0, named=True)
    assert one["x"] == before["x"][0]  # one value does not spread
    assert one["count"] == before["count"][0]
    assert (one["word"], one["said"], one["drifted"]) == ("c", None, 1)
    constant = before.with_columns(x=pl.lit(3.0))
    found = into(constant, Drift("x", "shift", 5.0), Drift("x", "scale", 5.0))
    assert (found["x"] == 3).all()
    lost = before.with_columns(x=pl.lit(None, pl.Float64), word=pl.lit(None, pl.String))
    found = into(lost, Drift("x", "shift", 1.0, start=0), Drift("x", "scale", 2.0, start=0),
                 Drift("word", "category", 1.0, start=0, to="a"),
                 Drift("word", "fatigue", 1.0, start=0))  # fmt: skip
    assert found["x"].null_count() == found["word"].null_count() == 4000
    plain = into(before)
    assert same(plain, before)
    assert (plain["drifted"] == 0).all()


@pytest.mark.parametrize(
    ("drift", "word"),
    [
        (Drift("z", "shift", 1.0), "missing-column"),
        (Drift("x", "twist", 1.0), "unknown"),
        (Drift("word", "shift", 1.0), "type"),
        (Drift("over", "scale", 1.0), "type"),
        (Drift("x", "nulls", 1.5), "not-share"),
        (Drift("x", "nulls", float("nan")), "not-share"),
        (Drift("word", "category", -0.1, to="a"), "not-share"),
        (Drift("word", "meaning", 2.0, was="a", to="b"), "not-share"),
        (Drift("word", "fatigue", 1.1), "not-share"),
        (Drift("over", "threshold", 1.0), "missing-column"),
        (Drift("over", "threshold", 1.0, source="z"), "missing-column"),
        (Drift("over", "threshold", 1.0, source="count"), "type"),
        (Drift("x", "shift", 1.0, shape="slow"), "unknown"),
        (Drift("x", "shift", 1.0, start=2), "not-share"),
    ],
)
def test_impossible_drifts_are_refused(drift, word):
    assert code(into, table(), drift) == word


def test_one_category_cannot_be_mistaken():
    single = table().with_columns(word=pl.lit("a"))
    assert code(into, single, Drift("word", "fatigue", 0.5)) == "one-category"
    found = into(single, Drift("word", "category", 1.0, to="b"))
    assert found["word"].to_list() == ["a"] * 2000 + ["b"] * 2000


def test_no_column_and_no_change_are_refused_without_rows_too():
    assert code(into, table()[:0], Drift("z", "shift", 1.0)) == "missing-column"
    assert code(into, table()[:0], Drift("x", "twist", 1.0)) == "unknown"


# --- what the module does not do yet


@pytest.mark.parametrize("change", ["shift", "scale"])
@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_odd_value_does_not_spread_over_the_column(change, odd):
    before = table(40).with_columns(x=pl.when(pl.int_range(40) == 3).then(odd).otherwise("x"))
    found = into(before, Drift("x", change, 2.0))
    assert found["x"].is_nan().sum() <= 1


@pytest.mark.parametrize(
    "drift",
    [
        Drift("x", "shift", float("nan")),
        Drift("x", "scale", float("inf")),
        Drift("over", "threshold", float("nan"), source="x"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_size_that_is_no_number_is_refused(drift):
    assert code(into, table(40), drift)


def test_nulls_of_a_threshold_stay():
    before = table().with_columns(over=pl.when(pl.int_range(4000) % 3 > 0).then("over"))
    found = into(before, Drift("over", "threshold", 0.5, source="x"))
    assert found["over"].is_null().equals(before["over"].is_null())


@pytest.mark.parametrize("column", ["word", "count"])
def test_a_threshold_of_something_else_is_refused(column):
    assert code(into, table(40), Drift(column, "threshold", 0.5, source="x")) == "type"


def test_whole_numbers_with_nulls_can_be_rated():
    before = table().with_columns(count=pl.when(pl.int_range(4000) % 3 > 0).then("count"))
    found = into(before, Drift("count", "fatigue", 0.5))
    assert found["count"].is_null().equals(before["count"].is_null())


@pytest.mark.parametrize("drift", [Drift("word", "category", 1.0, to=3),
                                   Drift("count", "meaning", 1.0, was=1, to="a")])  # fmt: skip
def test_a_category_of_another_type_is_refused(drift):
    assert code(into, table(40), drift) == "type"
