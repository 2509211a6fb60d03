"""A spotter in service: measured once, kept on disk; and streams of events drawn from its rows."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

pytest.importorskip("torch")

from helpers import code

from kit.drift.inject import course
from kit.drift.inject_sound import COVARIATES
from kit.experiments import Scale, events, runs, served
from kit.experiments.events import KINDS, RATER_ERROR, SIZES, stream, words_of
from kit.experiments.served import INPUTS, NONE, OUTPUTS, VOICE, Served, inputs

RATE = 16_000
WORDS = ("one", "two", "three", "four", "five")
RECALL = (0.95, 0.6, 0.85, 0.9, 0.75)  # of WORDS: "two" is the rarest, "one" the usual
FEW = Scale(passes=64, tested=2, seeds=1, budget=6, parts=1)


def fake(clips=600, seed=0):
    """A Served without a training: every drift moves one input, and takes some right answers."""
    rng = np.random.default_rng(seed)
    word, luck = np.arange(clips) % len(WORDS), rng.random(clips)
    usual = rng.normal(size=(clips, len(INPUTS)))
    noise = rng.random((clips, 2))
    parts = [_rows(NONE, 0.0, word, luck, usual, noise, 0.0)]
    for number, (name, how) in enumerate(COVARIATES.items()):
        for step, size in enumerate(how.sizes, 1):
            moved = usual.copy()
            moved[:, number % len(INPUTS)] += step
            parts.append(_rows(name, size, word, luck, moved, noise, step / 10))
    half = clips // 2
    parts.append(_rows(VOICE, 100.0, word[:half], rng.random(half), usual[:half] + 1.5,
                       rng.random((half, 2)), 0.2, "newcomer"))  # fmt: skip
    return Served(pl.concat(parts), ("ann", "bob"), "newcomer")


def _rows(drift, size, word, luck, values, noise, worse, speaker=None):
    right = luck < np.array(RECALL)[word] - worse
    other = (word + 1 + (1000 * luck).astype(int) % (len(WORDS) - 1)) % len(WORDS)
    names = np.array(WORDS)
    n = len(word)
    found = pl.DataFrame({
        "drift": [drift] * n, "size": [float(size)] * n, "clip": np.arange(n),
        "speaker": [speaker or ("ann", "bob")[i % 2] for i in range(n)], "word": names[word],
        "said": names[np.where(right, word, other)], "right": right,
        **dict(zip(INPUTS, values.T, strict=True)),
        "confidence": noise[:, 0] ** (1 + worse) , "entropy_bits": noise[:, 1] + worse,
    })  # fmt: skip
    silent = pl.col("clip") % 20 == 0  # some clips have no ratio
    return found.with_columns(snr_db=pl.when(~silent).then("snr_db"))


def likely(hits, trials, share):
    """Within what luck does to a share of independent trials."""
    return stats.binomtest(int(hits), int(trials), share).pvalue > 1e-3


# --- measured once


@pytest.fixture(scope="module")
def spied(tones, tmp_path_factory):
    """(Served of the tones, speakers of each training, home it is kept in)."""
    from kit.kws import train as training

    home, trained, real = tmp_path_factory.mktemp("served"), [], training.train

    def spy(clips, labels, speakers=None, **how):
        trained.append(set(np.asarray(speakers).tolist()))
        return real(clips, labels, speakers, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_DATA_HOME", str(home))
        patch.setenv(runs.WORKERS, "1")
        patch.setattr(training, "train", spy)
        patch.setattr(served, "_EPOCHS", 1)
        found = served.served(tones, FEW)
    return found, trained, home


@pytest.fixture
def at_home(spied, monkeypatch):
    """The home of `spied`, and a list that grows with every measurement, which is a stand-in."""
    found, _, home = spied
    monkeypatch.setenv("KIT_DATA_HOME", str(home))
    monkeypatch.setattr(served, "_EPOCHS", 1)
    measured = []
    monkeypatch.setattr(served, "_measured", lambda *a: (measured.append(a), found.rows)[1])
    return home / "experiments", measured


def test_nobody_who_is_served_has_trained(spied):
    found, trained, _ = spied
    assert trained == [{"s0", "s1", "s2"}]
    assert (found.users, found.newcomer) == (("s4", "s5"), "s3")
    own = found.rows.filter(pl.col("drift") != VOICE)
    assert set(own["speaker"]) == {"s4", "s5"}
    assert set(found.of(VOICE, 100.0)["speaker"]) == {"s3"}


def test_the_same_clips_come_in_every_drift(spied, tones):
    found = spied[0]
    none = found.of(NONE)
    assert none.height == 2 * FEW.budget
    assert none["clip"].to_list() == list(range(12))
    assert found.of(VOICE, 100.0).height == FEW.budget
    for name, how in COVARIATES.items():
        assert found.sizes(name) == list(how.sizes)
        for size in how.sizes:
            rows = found.of(name, size)
            assert rows.select("clip", "speaker", "word").equals(
                none.select("clip", "speaker", "word")
            )
    assert set(found.rows["drift"]) == {NONE, VOICE, *COVARIATES}
    softer = found.of("level", -12)["level_db"] - none["level_db"]
    assert softer.to_list() == pytest.approx([-12] * 12, abs=0.1)
    own = tones.by(["s4", "s5"]).few(12)
    assert none.select(INPUTS).equals(inputs(own.clips))
    assert none["word"].to_list() == own.labels.tolist()


def test_rows_say_what_they_say(spied):
    rows = spied[0].rows
    assert rows.columns == ["drift", "size", "clip", "speaker", "word", "said", "right", *INPUTS,
                            *OUTPUTS]  # fmt: skip
    assert (rows["right"] == (rows["said"] == rows["word"])).all()
    assert set(rows["said"]) <= {"low", "middle", "high"}
    assert rows["confidence"].is_between(1 / 3 - 1e-6, 1 + 1e-6).all()
    assert rows["entropy_bits"].is_between(-1e-6, np.log2(3) + 1e-6).all()
    assert not any(rows[name].is_nan().any() for name in (*INPUTS, *OUTPUTS))


def test_a_measurement_is_kept_and_read_again(spied, tones, at_home):
    folder, measured = at_home
    assert served.served(tones, FEW).rows.equals(spied[0].rows)
    assert not measured
    assert len(list(folder.glob("served-*.parquet"))) == 1


@pytest.mark.parametrize("damage", ["empty", "cut", "garbage", "text", "gone"])
def test_a_damaged_file_is_measured_anew(spied, tones, at_home, damage):
    folder, measured = at_home
    (path,) = folder.glob("served-*.parquet")
    whole = path.read_bytes()
    broken = {"empty": b"", "cut": whole[: len(whole) // 2], "text": b"PAR1 is no table",
              "garbage": bytes(len(whole))}  # fmt: skip
    path.write_bytes(broken[damage]) if damage in broken else path.unlink()
    assert served.served(tones, FEW).rows.equals(spied[0].rows)
    assert len(measured) == 1
    assert pl.read_parquet(path).equals(spied[0].rows)
    served.served(tones, FEW)
    assert len(measured) == 1
    path.write_bytes(whole)


def test_anything_else_is_measured_anew(tones, at_home, monkeypatch):
    folder, measured = at_home
    before = set(folder.glob("*"))
    other = tones._replace(labels=tones.labels[::-1].copy())
    served.served(other, FEW)
    served.served(tones, Scale(passes=64, tested=2, seeds=1, budget=7, parts=1))
    monkeypatch.setattr(served, "_EPOCHS", 2)
    served.served(tones, FEW)
    assert len(measured) == 3
    for path in set(folder.glob("*")) - before:
        path.unlink()


def test_four_speakers_are_needed(tones):
    assert code(served.served, tones.by(["s0", "s1", "s2"]), FEW) == "no-honest-split"


@pytest.mark.parametrize("drift", ["rain", "noise"])
def test_rows_that_were_not_measured_are_refused(drift):
    assert code(fake(20).of, drift, 7.0) == "unknown"


# --- what a monitor can see of a clip


def tone(*parts, seconds=1.0):
    """int16[samples]: the sum of (amplitude, Hz)."""
    t = np.arange(round(seconds * RATE)) / RATE
    sound = sum(a * np.sin(2 * np.pi * hz * t + 0.1) for a, hz in parts)
    return np.rint(32_767 * sound).astype(np.int16)


@pytest.mark.parametrize("hz", [100, 440, 1234, 5000, 7900])
@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0])
def test_a_tone_has_its_frequency_and_two_crossings_a_period(hz, seconds):
    row = inputs(tone((0.5, hz), seconds=seconds)[None]).row(0, named=True)
    assert row["centroid_hz"] == pytest.approx(hz, abs=1)
    assert row["crossings_hz"] == pytest.approx(2 * hz, abs=1 / seconds + 1e-9)
    assert row["level_db"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)


def test_the_centroid_weighs_by_power():
    row = inputs(tone((0.4, 500), (0.2, 3000))[None]).row(0, named=True)
    assert row["centroid_hz"] == pytest.approx((4 * 500 + 1 * 3000) / 5, abs=1)


def test_each_clip_is_measured_alone_and_silence_has_no_frequency():
    clips = np.stack([tone((0.5, 700)), np.zeros(RATE, np.int16), tone((0.01, 90))])
    found = inputs(clips)
    assert found.columns == list(INPUTS)
    assert found["centroid_hz"].is_null().to_list() == [False, True, False]
    assert found["crossings_hz"].is_null().to_list() == [False, True, False]
    assert found["level_db"].is_null().to_list() == [False, True, False]
    assert not any((~found[name].is_finite()).any() for name in INPUTS)
    for row in range(3):
        assert_frame_equal(inputs(clips[row : row + 1]), found[row], rel_tol=1e-9)


# --- streams


@pytest.fixture(scope="module")
def pool():
    return fake()


def matched(found, rows):
    """bool[n]: which events are among the measured rows, by all that was measured."""
    keys = ["centroid_hz", "level_db", "bandwidth_hz", "confidence"]
    known = rows.select(*keys, there=True).unique()
    return found.join(known, on=keys, how="left", maintain_order="left")["there"].fill_null(False)


def test_words_are_ordered_by_how_well_they_are_heard(pool):
    assert words_of(pool) == ("two", "one", "four")
    two = pool.rows.filter(pl.col("word").is_in(["one", "two"]))
    assert code(words_of, pool._replace(rows=two)) == "one-category"


def test_events_come_in_order_and_arrive_later(pool):
    found = stream(pool, events=5000, seed=1)
    assert found["event"].to_list() == list(range(5000))
    assert found["time"].is_sorted()
    gaps = found["time"].diff().drop_nulls().dt.total_microseconds().to_numpy() / 1e6
    assert stats.kstest(gaps, stats.expon(scale=events.EVERY_S).cdf).pvalue > 1e-3
    late = (found["arrived"] - found["time"]).dt.total_microseconds().to_numpy() / 1e6
    assert (late > 0).all()
    spread = stats.norm(np.log(events._DELAY_S), events._DELAY_SPREAD)
    assert stats.kstest(np.log(late), spread.cdf).pvalue > 1e-3
    assert not found["arrived"].is_sorted()
    assert found.height == 5000
    assert stream(pool, events=1).height == 1


@pytest.mark.parametrize("drift", [NONE, *KINDS])
def test_streams_are_seeded_and_alike_until_the_drift(pool, drift):
    size = 0.0 if drift == NONE else (SIZES[drift][1] if drift in SIZES else pool.sizes(drift))[-1]
    found = stream(pool, drift, size, 800, seed=[2, 3])
    assert found.equals(stream(pool, drift, size, 800, seed=[2, 3]))
    assert not found.equals(stream(pool, drift, size, 800, seed=[2, 4]))
    assert found["drifted"].to_list() == [False] * 400 + [drift != NONE] * 400
    assert not any(found[name].is_nan().any() for name in (*INPUTS, *OUTPUTS))
    assert matched(found[:400], pool.of(NONE)).all()


@pytest.mark.parametrize("drift", [d for d, kind in KINDS.items() if kind == "covariate"])
def test_only_drifted_events_carry_drifted_rows(pool, drift):
    for size in pool.sizes(drift):
        found = stream(pool, drift, size, 1000, "recurring", start=0.2, period=0.2, seed=4)
        on = course("recurring", 1000, 0.2, period=0.2) == 1
        assert np.array_equal(found["drifted"].to_numpy(), on)
        assert matched(found.filter(on), pool.of(drift, size)).all()
        assert matched(found.filter(~on), pool.of(NONE)).all()
        changed = pool.of(drift, size).filter(pl.col("clip") >= 0)
        pairs = found.filter(on).join(changed, on=["centroid_hz", "level_db", "confidence"])
        assert (pairs["word"] == pairs["word_right"]).all()  # word is the truth
        assert (pairs["said"] == pairs["said_right"]).all()


def test_rows_are_drawn_evenly(pool):
    found = stream(pool, events=30_000, seed=5)
    counts = found.group_by("centroid_hz").len()["len"].to_numpy()
    assert len(counts) == 600
    assert stats.chisquare(counts).pvalue > 1e-3


def test_a_change_of_sound_meets_the_same_clips_and_a_voice_brings_its_own(pool):
    found, quiet = (stream(pool, *how, 1000, seed=11) for how in (("noise", 0), (NONE, 0.0)))
    assert found.select("word", "level_db").equals(quiet.select("word", "level_db"))
    voice = stream(pool, VOICE, 100.0, 15_000, start=0, seed=12)
    counts = voice.group_by("centroid_hz").len()["len"].to_numpy()
    assert len(counts) == 300
    assert stats.chisquare(counts).pvalue > 1e-3


def test_a_gradual_drift_reaches_the_share_of_its_course(pool):
    found = stream(pool, "noise", 0, 8000, "gradual", start=0.25, length=0.5, seed=6)
    wanted = course("gradual", 8000, 0.25, 0.5)
    on = found["drifted"].to_numpy()
    for first in range(0, 8000, 1000):
        part = slice(first, first + 1000)
        share = wanted[part].mean()
        assert likely(on[part].sum(), 1000, share) if share < 1 else on[part].all()
    assert not on[:2000].any()


def test_the_label_mix_moves_the_rarest_word_alone(pool):
    found = stream(pool, "label mix", 60.0, 10_000, seed=7)
    now, before = found["word"][5000:], found["word"][:5000]
    assert likely((now == "two").sum(), 5000, 0.6)
    assert likely((before == "two").sum(), 5000, 0.2)
    for word in ("one", "three", "four", "five"):
        assert likely((now == word).sum(), 5000, 0.1)
    assert matched(found, pool.of(NONE)).all()
    right = found[5000:].filter(pl.col("word") == "two")
    recall = pool.of(NONE).filter(pl.col("word") == "two")["right"].mean()
    assert likely((right["said"] == "two").sum(), right.height, recall)


def test_a_meaning_moves_for_the_usual_word_alone(pool):
    found, quiet = (stream(pool, *how, 10_000, seed=8) for how in (("meaning", 50.0), (NONE, 0.0)))
    measured = [*INPUTS, *OUTPUTS, "said"]
    assert found.select(measured).equals(quiet.select(measured))
    was = (quiet["word"] == "one").to_numpy()
    moved = (quiet["word"] != found["word"]).to_numpy()
    assert not moved[~was].any()
    assert not moved[:5000].any()
    assert set(found["word"].filter(moved)) == {"four"}
    assert likely(moved[5000:].sum(), was[5000:].sum(), 0.5)


def test_raters_err_as_often_as_they_are_tired(pool):
    found = stream(pool, "fatigue", 40.0, 12_000, seed=9)
    assert matched(found, pool.of(NONE)).all()
    place = np.arange(6000) % 200
    errors = []
    for name in ("label", "second"):
        wrong = (found[name] != found["word"]).to_numpy()
        errors.append(wrong)
        assert likely(wrong[:6000].sum(), 6000, RATER_ERROR)
        for low in (0, 90, 180):
            part = (place >= low) & (place < low + 20)
            mean = RATER_ERROR + (0.4 - RATER_ERROR) * np.arange(low, low + 20).mean() / 199
            assert likely(wrong[6000:][part].sum(), part.sum(), mean)
    early = errors[0][:6000] & errors[1][:6000]
    assert likely(early.sum(), 6000, RATER_ERROR**2)  # two raters err apart
    quiet = stream(pool, events=6000, seed=10)
    assert likely((quiet["label"] != quiet["word"]).sum(), 6000, RATER_ERROR)


@pytest.mark.parametrize(
    ("drift", "size", "events_", "word"),
    [
        ("rain", 1.0, 100, "unknown"),
        ("", 0.0, 100, "unknown"),
        ("label mix", 101.0, 100, "not-share"),
        ("label mix", float("nan"), 100, "not-share"),
        ("meaning", 150.0, 100, "not-share"),
        ("meaning", float("nan"), 100, "not-share"),
        ("fatigue", -1.0, 100, "not-share"),
        ("fatigue", float("nan"), 100, "not-share"),
        (NONE, 0.0, 0, "not-count"),
        (NONE, 0.0, None, "not-a-number"),
    ],
)
def test_impossible_streams_are_refused(pool, drift, size, events_, word):
    assert code(stream, pool, drift, size, events_) == word
    assert code(stream, pool, shape="slow") == "unknown"
    assert code(stream, pool, start=1.5) == "not-share"


@pytest.mark.parametrize("count", [-1, 2.5])
def test_impossible_numbers_of_events_are_refused(pool, count):
    assert code(stream, pool, events=count) == "not-count"
