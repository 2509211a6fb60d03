"""The explorers of the lesson on drift keep to closed forms, and to what was measured."""

import subprocess
import sys

import ipywidgets
import numpy as np
import polars as pl
import pytest
from scipy import stats

import kit.bench
from kit.drift import calibrate, categories, numeric
from kit.drift.inject import course
from kit.errors import KitError
from kit.experiments import scoreboard
from kit.experiments.events import stream
from kit.experiments.served import INPUTS, Served
from kit.explorers import drift, drift_stream, explore
from kit.explorers.base import Control, Panel
from kit.explorers.play import PlayButton
from kit.numbers import shown

NAMES = ("alarms", "size-and-sense", "degradation", "stream")


# alarms


def by_rule(**settings):
    """dict of rule -> row of the explorer "alarms"."""
    return {r["rule"]: r for r in explore("alarms", **settings).table.iter_rows(named=True)}


def test_the_chapters_constant_alarms_in_a_third_of_unchanged_windows():
    few, many = (by_rule(rows=n, columns=1)["K-S, chapter"] for n in (100.0, 10_000.0))
    expected = 100 * stats.kstwobign.sf(1.36 / np.sqrt(2))
    assert few["per_window_percent"] == many["per_window_percent"] == pytest.approx(expected)
    assert expected == pytest.approx(31, abs=1)
    assert many["threshold"] == pytest.approx(0.0136)


def test_many_columns_multiply_false_alarms_unless_corrected():
    rows = by_rule(columns=40)
    plain, corrected = rows["K-S, 5 % a column"], rows["K-S, corrected"]
    assert plain["per_window_percent"] == pytest.approx(100 * (1 - 0.95**40))
    assert plain["hours_apart"] == pytest.approx(1 / (1 - 0.95**40))
    assert corrected["per_column_percent"] == pytest.approx(5 / 40)
    assert 4.8 < corrected["per_window_percent"] <= 5
    assert rows["PSI, corrected"]["per_column_percent"] == pytest.approx(5 / 40)


@pytest.mark.parametrize(("rows", "bins"), [(200, 10), (2000, 30)])
def test_the_rate_of_a_band_is_that_of_unchanged_windows(rows, bins):
    row = by_rule(rows=float(rows), columns=1, bins=bins)["PSI above 0.1"]
    found = calibrate.false_alarm_rate(
        lambda a, b: numeric.psi(a, b, bins=bins).value > 0.1,
        lambda rng: rng.standard_normal((2, rows)), windows=400,
    )  # fmt: skip
    assert found.low - 0.03 < row["per_window_percent"] / 100 < found.high + 0.03


def test_psi_without_drift_is_told_with_its_bins():
    seen = explore("alarms", rows=100.0, bins=50)
    assert "PSI is 0.98 on average, from 50 bins alone" in seen.summary
    assert "A bin expects 2 rows: too few" in seen.summary
    assert "too few" not in explore("alarms", rows=1000.0, bins=50).summary


def test_times_between_false_alarms_are_told_in_a_fitting_unit():
    told = [drift._apart({"hours_apart": h}) for h in (1.0, 1.5, 24, 48, 1e7, None)]
    assert told[:4] == ["every hour", "every 1.5 h", "every 24 h", "every 2 days"]
    assert told[4] == told[5] == "less than once in a hundred years"


def test_the_bars_are_red_above_what_is_wanted():
    seen = explore("alarms")
    bars = seen.figure.data[0]
    red = [c for c, x in zip(bars.marker.color, bars.x, strict=True) if x > 5]
    assert len(set(red)) == 1
    assert bars.marker.color.count(red[0]) == len(red)


# size and sense


def test_at_the_smallest_shift_d_is_the_threshold():
    least = drift.smallest_shift(5000, columns=7)
    move = 2 * stats.norm.cdf(least / 2) - 1
    assert move == pytest.approx(calibrate.threshold("ks", 5000, rate=0.05 / 7))
    assert drift.smallest_shift(5000, columns=8) > least > drift.smallest_shift(6000, columns=7)


def test_k_s_finds_the_smallest_shift_in_half_of_the_windows_or_more():
    rows, rng = 1000, np.random.default_rng(0)
    limit, shift = calibrate.threshold("ks", rows), drift.smallest_shift(rows)
    gaps = [stats.ks_2samp(rng.standard_normal(rows), shift + rng.standard_normal(rows),
                           method="asymp").statistic for _ in range(200)]  # fmt: skip
    assert 0.5 < np.mean(np.array(gaps) > limit) < 0.85
    below = [stats.ks_2samp(rng.standard_normal(rows), shift / 3 + rng.standard_normal(rows),
                            method="asymp").statistic for _ in range(200)]  # fmt: skip
    assert np.mean(np.array(below) > limit) < 0.3


def test_a_million_rows_show_a_hundredth_of_a_deviation():
    seen = explore("size-and-sense", rows=1e6, columns=1, shift=0.01)
    assert seen.table.filter(point="yours")["alarm"].item()
    assert "K-S gives alarm" in seen.summary
    assert "lies below the chapter's bands" in seen.summary
    assert not explore("size-and-sense", rows=1e5).table.filter(point="yours")["alarm"].item()


def test_from_the_rows_told_on_it_gives_alarm():
    need = int(np.ceil(drift._rows_for(2 * stats.norm.cdf(0.05) - 1, 3)))
    for rows, alarm in ((need, True), (need - 1, False)):
        table = explore("size-and-sense", rows=float(rows), columns=3, shift=0.1).table
        assert table.filter(point="yours")["alarm"].item() is alarm
    assert f"From {shown(need)} rows on" in explore("size-and-sense", columns=3, shift=0.1).summary


def test_psi_of_a_shift_is_its_square():
    x = np.linspace(-12, 13, 200_001)
    p, q = stats.norm.pdf(x), stats.norm.pdf(x, 0.4)
    area = np.trapezoid((p - q) * (stats.norm.logpdf(x) - stats.norm.logpdf(x, 0.4)), x)
    you = explore("size-and-sense", shift=0.4).table.filter(point="yours").row(0, named=True)
    assert you["psi"] == pytest.approx(area, rel=1e-6) == pytest.approx(0.16)
    assert you["psi_01_shift"] ** 2 == pytest.approx(0.1)


# degradation


def costs(**more):
    rows = [  # drift, kind, size, unit, ks, p_inputs, seen, lost, low, high
        ("none", "none", 0.0, "", 0.05, 0.9, "", 0.0, 0.0, 0.0),
        ("noise", "covariate", 30.0, "dB SNR", 0.9, 1e-9, "inputs", -1.0, -2.5, 0.5),
        ("noise", "covariate", 0.0, "dB SNR", 1.0, 1e-9, "inputs, errors", 50.0, 46.0, 54.0),
        ("meaning", "concept", 50.0, "% of the word", 0.06, 0.7, "", 5.0, 0.0, 8.0),
        ("meaning", "concept", 100.0, "% of the word", 0.07, 0.6, "errors", 10.0, 8.0, 12.0),
    ]
    names = ["drift", "drift_kind", "size", "unit", "ks", "p_inputs", "seen", "lost_points",
             "lost_low", "lost_high"]  # fmt: skip
    return pl.DataFrame(rows, names, orient="row").with_columns(**more)


def test_the_line_is_the_threshold_of_this_window_over_all_inputs():
    seen = explore("degradation", events=300.0, rate_percent=2.0, table=costs())
    expected = stats.kstwobign.isf(0.02 / 6) * np.sqrt(1 / 300 + 1 / 2000)
    assert seen.table["threshold"].unique().item() == pytest.approx(expected)
    assert seen.figure.data[-1].x[0] == pytest.approx(expected)
    assert f"must move by D {shown(expected)}" in seen.summary


def test_every_drift_gets_its_verdict():
    seen = explore("degradation", drift="meaning", table=costs())
    assert seen.table["verdict"].to_list() == ["needless alarm", "rightly seen", "rightly quiet",
                                               "silent loss"]  # fmt: skip
    assert "Of 4 cases, losses that the inputs show: 1; that they do not: 1 (meaning)." in (
        seen.summary)  # fmt: skip
    assert "Alarms with no loss to be seen: 1 (noise)." in seen.summary
    assert "Meaning, 100 % of the word: D 0.07, 10.0 points lost (8.0 to 12.0)" in seen.summary
    assert "it was seen by errors" in seen.summary
    assert seen.figure.layout.title.text.startswith("Losses that the inputs do not show: 1.")


def test_what_was_within_chance_is_not_called_seen():
    seen = explore("degradation", events=10_000.0, rate_percent=50.0, table=costs())
    assert seen.table["threshold"][0] < 0.06
    assert seen.table["verdict"].to_list()[2:] == ["open", "open"]
    assert "Within chance where it was measured: 2." in seen.summary
    assert "Within chance" not in explore("degradation", table=costs()).summary


def test_a_drift_that_nobody_saw_is_told_so():
    seen = explore("degradation", table=costs(seen=pl.lit("")))
    assert "was seen by no monitor" in seen.summary


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"table": costs().drop("p_inputs")}, "this is no table"),
        ({"table": costs().drop("seen")}, "this is no table"),
        ({"table": costs().clear()}, "no row"),
        ({"table": costs(ks=pl.lit(float("nan")))}, "ks is not possible"),
        ({"table": costs(lost_low=pl.lit(None, pl.Float64))}, "no number"),
        ({"table": costs(), "drift": "voice"}, "no such drift"),
        ({"drift": "silence"}, "out of range"),
        ({"table": costs(), "events": 0}, "out of range"),
    ],
)
def test_what_is_no_cost_is_refused(given, text):
    with pytest.raises(KitError, match=text):
        explore("degradation", **given)


# stream


@pytest.fixture(scope="module")
def served():
    """A spotter of three words that hears nine of ten; noise shifts all inputs by one deviation."""
    rng, parts = np.random.default_rng(0), []
    for name, size, shift, right in (("none", 0.0, 0, 0.9), ("noise", 10.0, 1, 0.6)):
        words = np.tile(["no", "one", "yes"], 100)
        good = rng.random(300) < right
        said = np.where(good, words, np.roll(words, 1))
        parts.append(pl.DataFrame({
            "drift": name, "size": size, "clip": np.arange(300), "speaker": "ann", "word": words,
            "said": said, "right": good,
            **{c: shift + rng.standard_normal(300) for c in INPUTS},
            "confidence": rng.random(300), "entropy_bits": rng.random(300),
        }))  # fmt: skip
    return Served(pl.concat(parts), ("ann",), "bob")


@pytest.mark.parametrize("how", ["sudden", "recurring"])
@pytest.mark.parametrize("what", ["none", "noise", "label mix", "fatigue"])
def test_alarms_are_those_of_the_detectors(served, what, how):
    seen = explore("stream", drift=what, shape=how, events=4000, pool=served)
    pool = seen.settings["pool"]
    how = how if what != "none" else "sudden"
    events = stream(served, what, pool.size(what), 4000, how, 0.5, [drift_stream._SEED, 1])
    looked = scoreboard.seen(pool.launch, events)
    detectors = {d.name: d for d in scoreboard.every_detector()}
    for column, name in (("inputs", "K-S, calibrated"), ("errors", "errors on a tenth"),
                         ("predictions", "chi-square of predictions"),
                         ("raters", "agreement on a tenth")):  # fmt: skip
        mine = seen.table.filter(pl.col(f"{column}_alarm"))["end"] - 1
        assert mine.to_list() == detectors[name].alarms(looked), column
    right = (events["said"] == events["word"]).to_numpy()
    expected = [100 * right[i : i + 250].mean() for i in range(0, 4000, 250)]
    assert seen.table["accuracy_percent"].to_list() == pytest.approx(expected)


def test_predictions_are_held_against_the_chi_square(served):
    pool = drift_stream.Pool(served)
    events = stream(served, "label mix", 40.0, 500, "sudden", 0.0, 3)
    found = drift_stream._words(pool.launch, events)
    for i in range(2):
        value = categories.chi_square(pool.launch["said"], events["said"][250 * i :][:250]).value
        assert found[i] == pytest.approx(value / stats.chi2.isf(0.02, 2))


def test_a_word_too_rare_is_tested_together_with_others(served):
    pool = drift_stream.Pool(served)
    events = stream(served, events=250, seed=1)
    odd = events.with_columns(
        said=pl.when(pl.col("event") < 3).then(pl.lit("new")).otherwise("said")
    )
    (ratio,) = drift_stream._words(pool.launch, odd)
    found = categories.chi_square(pool.launch["said"], odd["said"])
    assert "rare" in found.note
    assert (ratio > 1) == (found.p < scoreboard.WANTED)
    words = len(set(pool.launch["said"])) + 1 - int(found.note.split()[0])  # kept beside the rest
    assert stats.chi2.sf(ratio * drift_stream._limit(words + 1), words) == pytest.approx(found.p)


def test_fewest_alarming_is_the_first_with_a_small_p():
    for before, rows in ((50, 1000), (0, 200), (900, 1000)):
        count = drift_stream.fewest_alarming(before, rows, 25)
        p = [stats.fisher_exact([[k, 25 - k], [before, rows - before]], "greater").pvalue
             for k in (count - 1, min(count, 25))]  # fmt: skip
        assert p[0] >= scoreboard.WANTED
        assert count == 26 or p[1] < scoreboard.WANTED


def test_windows_fill_and_say_nothing_before_they_are_full(served):
    seen = explore("stream", drift="noise", events=2250, pool=served)
    assert seen.table["full"].to_list() == [True] * 9 + [False] * 7
    assert seen.table["inputs"].null_count() == seen.table["accuracy_percent"].null_count() == 7
    assert seen.table["course"].to_list() == [0.0] * 8 + [1.0] * 8
    assert "sets in at event 2\u202f000" in seen.summary
    assert "inputs at event 2\u202f250, 250 later" in seen.summary
    seen.set(events=2000)
    assert "No window with the drift is full yet" in seen.summary
    seen.set(events=249)
    assert "first window is full after 250 events" in seen.summary
    assert seen.figure.layout.title.text == "No window is full yet"


def test_the_accuracy_told_is_that_before_and_since(served):
    seen = explore("stream", drift="noise", events=4000, pool=served)
    accuracy = seen.table["accuracy_percent"].to_numpy()
    assert f"Right before: {accuracy[:8].mean():.1f} %, since: {accuracy[8:].mean():.1f} %" in (
        seen.summary)  # fmt: skip


def test_alarms_before_the_drift_are_false_and_no_detection():
    full = pl.DataFrame({"end": [250, 500, 750], "inputs_alarm": [True, False, True]})
    assert drift_stream._first_alarm(full, "inputs", 500) == ("inputs", 750, 250)
    assert drift_stream._first_alarm(full[:2], "inputs", 500) == ("inputs", None, None)


@pytest.mark.parametrize("how", ["gradual", "seasonal"])
def test_the_shaded_course_is_that_of_the_drift(served, how):
    seen = explore("stream", drift="noise", shape=how, events=4000, pool=served)
    planned = course(how, 4000, 0.5).reshape(16, 250).mean(1)
    assert seen.table["course"].to_list() == pytest.approx(planned)
    assert list(seen.figure.data[0].y)[1:] == pytest.approx(planned)


def test_a_move_of_the_slider_draws_no_new_stream(served, monkeypatch):
    seen = explore("stream", drift="noise", pool=served)
    pool = seen.settings["pool"]
    monkeypatch.setattr(drift_stream, "stream", None)
    seen.set(events=500)
    assert seen.settings["pool"] is pool
    with pytest.raises(TypeError):
        seen.set(drift="meaning")


def test_a_drift_that_was_not_measured_is_refused(served):
    with pytest.raises(KitError, match="hold no such drift"):
        explore("stream", drift="voice", pool=served)
    other = served.rows.with_columns(
        size=pl.when(pl.col("drift") == "noise").then(20.0).otherwise("size"))  # fmt: skip
    assert explore("stream", drift="noise", pool=served._replace(rows=other)).table["size"][0] == 20


@pytest.mark.parametrize("pool", [3, "noise", pl.DataFrame({"drift": ["none"]}),
                                  Served(pl.DataFrame({"drift": ["none"]}), (), "")])  # fmt: skip
def test_what_is_no_spotter_is_refused(pool):
    with pytest.raises(KitError, match="no spotter in service"):
        explore("stream", pool=pool)


# the control that plays


def test_a_control_that_plays_has_a_slider_and_a_button(served):
    panel = Panel(explore("stream", pool=served))
    row = panel.box.children[0].children[2]
    slider, play = row.children
    assert slider is panel.inputs["events"]
    assert isinstance(slider, ipywidgets.IntSlider)
    assert isinstance(play, PlayButton)
    assert (slider.min, slider.max, slider.step, slider.value) == (0, 4000, 250, 3000)
    assert (play.low, play.high, play.step, play.value) == (0, 4000, 250, 3000)
    assert play.label == "events so far"
    play.value = 3250  # as the button does
    assert slider.value == 3250
    slider.value = 500
    assert play.value == 500
    assert panel.box.children[0].children[0] is panel.inputs["drift"]


@pytest.mark.parametrize("value", [0.5, -250, 4250, float("nan"), float("inf"), "all", True])
def test_what_a_playing_control_cannot_take_is_refused(value):
    control = Control("events", "events", "events", 0, "play", 0, 4000, 250)
    assert control.check(1000.0) == 1000
    with pytest.raises(KitError, match="whole"):
        control.check(value)


# all of them


@pytest.mark.parametrize("name", ["curve", "pool"])
def test_without_a_record_the_kind_is_named(monkeypatch, name):
    monkeypatch.setattr(kit.bench, "recorded", lambda _: [{"rows": [{"kind": "wolf"}]}])
    with pytest.raises(KitError, match=f"the kind {name}") as caught:
        explore({"curve": "degradation", "pool": "stream"}[name])
    assert caught.value.code == "no-record"


@pytest.mark.parametrize("name", NAMES)
def test_no_label_reads_nan_or_none(name):
    seen = explore(name)
    for control in seen.explorer.movable:
        for value in control.options or (control.low, control.high):
            seen.set(**{control.name: type(control.value)(value)})
            words = f"{seen.summary} {seen.table_html()}"
            labels = [seen.figure.layout.title.text, *(t.name for t in seen.figure.data)]
            text = [str(x) for t in seen.figure.data if t.text is not None for x in t.text]
            for found in (words, *labels, *text):
                assert "nan" not in found.lower()
                assert "None" not in found.replace("None from", "")


def test_none_of_them_loads_torch_or_river():
    code = (
        "import sys; from kit.explorers import explore\n"
        f"for name in {NAMES}: assert explore(name).figure.data\n"
        "assert not {'torch', 'river'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
