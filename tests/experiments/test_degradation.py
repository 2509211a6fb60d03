"""What a drift costs is what a count over the same rows says, and a quiet row stays quiet."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

pytest.importorskip("torch")

from test_served import fake

from kit.drift import psi
from kit.errors import KitError
from kit.experiments import degradation
from kit.experiments.degradation import MONITORS, RATE, cases, curves, lost_points, watched
from kit.experiments.events import KINDS, SIZES, stream
from kit.experiments.served import INPUTS, NONE, OUTPUTS, UNITS, VOICE


@pytest.fixture(scope="module")
def pool():
    return fake()


@pytest.fixture(scope="module")
def table(pool):
    return curves(pool)


@pytest.fixture
def only(monkeypatch):
    """A function that leaves one case to `curves`."""
    return lambda *case: monkeypatch.setattr(degradation, "cases", lambda served: [case])


def right(pool, drift=NONE, size=0.0):
    return pool.of(drift, size)["right"].to_numpy().astype(float)


def test_every_case_has_a_row(pool, table):
    assert table.select("drift", "size").rows() == cases(pool)
    wanted = [(NONE, 0.0)]
    for drift in KINDS:
        sizes = SIZES[drift][1] if drift in SIZES else pool.sizes(drift)
        wanted += [(drift, size) for size in sizes]
    assert cases(pool) == wanted
    for row in table.to_dicts():
        assert row["drift_kind"] == KINDS.get(row["drift"], NONE)
        assert row["unit"] == (SIZES.get(row["drift"]) or [UNITS.get(row["drift"])])[0]
        assert row["column"] in INPUTS
        assert 0 <= row["ks_low"] <= row["ks"] <= row["ks_high"] <= 1
        assert row["psi"] >= 0
        assert row["lost_low"] <= row["lost_points"] <= row["lost_high"]
        p = {name: row[f"p_{name}"] for name in MONITORS}
        assert all(0 <= x <= 1 for x in p.values())
        assert row["seen"] == ", ".join(name for name, x in p.items() if x <= RATE)


def test_no_number_of_the_table_is_missing(table):
    assert not any(table[name].is_nan().any() for name in table.columns
                   if table[name].dtype == pl.Float64)  # fmt: skip
    assert table.null_count().sum_horizontal().item() == 0


def test_rows_follow_from_the_seed(pool, only):
    only("room", 0.3)
    assert curves(pool, seed=3).equals(curves(pool, seed=3))
    assert not curves(pool, seed=3).equals(curves(pool, seed=4))


def test_a_row_is_what_its_streams_say(pool, only):
    only("level", -12)
    row = curves(pool, window=400, reference=900, seed=5).row(0, named=True)
    launch = stream(pool, events=900, seed=[5, 0])
    now = stream(pool, "level", -12, 400, start=0.0, seed=[5, 1])
    ks = {name: stats.ks_2samp(launch[name].drop_nulls(), now[name].drop_nulls())
          for name in INPUTS}  # fmt: skip
    most = max(ks, key=lambda name: ks[name].statistic)
    assert (row["column"], row["ks"]) == (most, pytest.approx(ks[most].statistic))
    assert row["psi"] == pytest.approx(
        max(psi(launch[n].drop_nulls(), now[n].drop_nulls()).effect for n in INPUTS)
    )
    assert row["p_inputs"] == pytest.approx(6 * ks[most].pvalue, rel=0.05)  # Holm of six
    pair = [stats.ks_2samp(launch[n], now[n]).pvalue for n in OUTPUTS]
    assert row["p_confidence"] == pytest.approx(min(1, 2 * min(pair)), rel=0.05)
    for name, columns in (("errors", ("said", "label")), ("raters", ("label", "second"))):
        failed = [[int((t[columns[0]] != t[columns[1]]).sum()), t.height] for t in (launch, now)]
        cells = [[k, n - k] for k, n in failed]
        wanted = stats.chi2_contingency(cells, correction=False).pvalue
        assert row[f"p_{name}"] == pytest.approx(wanted)
        if name == "errors":
            shares = [k / n for k, n in failed]
            assert row["seems_points"] == pytest.approx(100 * (shares[1] - shares[0]))


def test_what_is_watched():
    events = pl.DataFrame({name: [0.5] * 3 for name in (*INPUTS, *OUTPUTS)}).with_columns(
        said=pl.Series(["a", "a", "b"]), label=pl.Series(["a", "b", "b"]),
        second=pl.Series(["a", "b", "a"]), word=pl.Series(["b", "b", "b"]),
    )  # fmt: skip
    found = watched(events)
    assert found["wrong"].to_list() == ["no", "yes", "no"]
    assert found["agree"].to_list() == ["yes", "yes", "no"]
    assert found.columns == [*INPUTS, *OUTPUTS, "said", "wrong", "agree"]


def seen_in(pool, seeds):
    found = [curves(pool, seed=seed)["seen"][0].split(", ") for seed in range(seeds)]
    return {name: sum(name in seen for seen in found) for name in MONITORS}


def test_a_quiet_window_is_not_seen_more_often_than_the_rate(pool, only):
    only(NONE, 0.0)
    found = pl.concat([curves(pool, seed=seed) for seed in range(100)])
    for rate in (RATE, 0.2):
        counts = [(found[f"p_{name}"] <= rate).sum() for name in MONITORS]
        assert max(counts) <= stats.binom.ppf(0.999, 100, rate), rate
    assert sum(counts) > 0.2 * rate * 100 * len(MONITORS)  # and not never


def test_the_rate_decides_what_is_seen(pool, only):
    only("microphone", 25.0)
    row = curves(pool, rate=0.5).row(0, named=True)
    assert row["seen"] == ", ".join(n for n in MONITORS if row[f"p_{n}"] <= 0.5)
    assert row["seen"] != curves(pool, rate=1e-9)["seen"][0]


def test_tired_raters_are_seen_by_raters_alone(pool, only):
    only("fatigue", 40.0)
    found = seen_in(pool, 20)
    blind = stats.binom.ppf(0.999, 20, RATE)
    assert found["raters"] == found["errors"] == 20
    assert all(found[name] <= blind for name in ("inputs", "predictions", "confidence"))
    row = curves(pool).row(0, named=True)
    assert row["lost_points"] == row["lost_low"] == row["lost_high"] == 0
    assert row["seems_points"] > 5  # it seems worse, and is not


def test_a_new_meaning_is_seen_by_errors_and_not_by_inputs(pool, only):
    only("meaning", 100.0)
    found = seen_in(pool, 20)
    blind = stats.binom.ppf(0.999, 20, RATE)
    assert found["errors"] == 20
    assert all(found[n] <= blind for n in ("inputs", "predictions", "confidence", "raters"))


def test_another_mix_is_seen_by_predictions(pool, only):
    only("label mix", 60.0)
    assert seen_in(pool, 10)["predictions"] == 10


# --- points of accuracy


@pytest.mark.parametrize(("drift", "size"), [("microphone", 25), ("noise", 0), ("room", 0.4)])
def test_what_a_change_of_sound_takes_is_paired_by_clip(pool, drift, size):
    lost = 100 * (right(pool) - right(pool, drift, size))
    ends = stats.ttest_1samp(lost, 0).confidence_interval(0.95)
    assert lost_points(pool, drift, size) == pytest.approx((lost.mean(), ends.low, ends.high))
    assert lost.mean() > 0


def test_what_another_voice_takes_is_not_paired(pool):
    none, voice = right(pool), right(pool, VOICE, 100.0)
    found = lost_points(pool, VOICE, 100.0)
    lost = none.mean() - voice.mean()
    assert found[0] == pytest.approx(100 * lost)
    a, b = (stats.binomtest(int(x.sum()), len(x)).proportion_ci(method="wilson")
            for x in (none, voice))  # fmt: skip
    p, q = none.mean(), voice.mean()
    low = lost - np.hypot(p - a.low, b.high - q)
    high = lost + np.hypot(a.high - p, q - b.low)
    assert found[1:] == pytest.approx((100 * low, 100 * high))


@pytest.mark.parametrize("percent", [0, 5, 20, 40, 60, 100])
def test_what_a_mix_takes_is_the_recall_weighed_anew(pool, percent):
    none = pool.of(NONE)
    mine = (none["word"] == "two").to_numpy()
    share = percent / 100
    weight = np.where(mine, share / mine.sum(), (1 - share) / (~mine).sum())
    wanted = 100 * (right(pool).mean() - np.average(right(pool), weights=weight))
    lost, low, high = lost_points(pool, "label mix", percent)
    assert lost == pytest.approx(wanted, abs=1e-9)
    assert low <= lost <= high
    if percent != 20:  # that is the share it has
        assert low < lost < high
        assert (lost > 0) == (percent > 20)


@pytest.mark.parametrize("percent", [25.0, 50.0, 100.0])
def test_what_a_meaning_takes_is_what_the_word_got_right(pool, percent):
    none = pool.of(NONE)
    word, said = none["word"].to_numpy(), none["said"].to_numpy()
    after = np.where(word == "one", "four", word)
    lost = 100 * percent / 100 * ((said == word).astype(float) - (said == after))
    ends = stats.ttest_1samp(lost, 0).confidence_interval(0.95)
    assert lost_points(pool, "meaning", percent) == pytest.approx((lost.mean(), *ends))


def test_raters_who_err_take_nothing(pool):
    assert lost_points(pool, "fatigue", 40.0) == (0, 0, 0)
    assert lost_points(pool, NONE, 0.0) == (0, 0, 0)


def test_what_was_not_measured_has_no_cost(pool):
    with pytest.raises(KitError) as error:
        lost_points(pool, "rain", 1.0)
    assert error.value.code == "unknown"


def test_streams_lose_what_the_table_says(pool, table):
    """The same number by another way: events drawn, and counted right or wrong by their truth."""
    before = right(pool).mean()
    for row in table.to_dicts():
        events = stream(pool, row["drift"], row["size"], 5000, start=0.0, seed=[6])
        now = (events["said"] == events["word"]).mean()
        error = 100 * np.sqrt(now * (1 - now) / 5000)
        assert 100 * (before - now) == pytest.approx(row["lost_points"], abs=3.5 * error), row


# --- what the module does not do yet


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_small_window_has_no_p_rather_than_nan(pool, only):
    only(NONE, 0.0)
    row = curves(pool, window=30, reference=200).row(0, named=True)
    assert not any(np.isnan(row[f"p_{name}"]) for name in MONITORS if row[f"p_{name}"] is not None)


def test_an_impossible_rate_is_refused(pool, only):
    only(NONE, 0.0)
    with pytest.raises(KitError):
        curves(pool, rate=2.0)
