"""Detectors keep their promises on quiet streams, see what is there, and are counted right."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

pytest.importorskip("torch")
pytest.importorskip("river")

from test_served import fake

from kit.drift import psi, simulated_threshold
from kit.errors import KitError
from kit.experiments import scoreboard as board
from kit.experiments.events import stream
from kit.experiments.scoreboard import CASES, EVENTS, WANTED, WINDOW, Detector, scoreboard, seen
from kit.experiments.served import INPUTS, NONE

WINDOWS = EVENTS // WINDOW


@pytest.fixture(scope="module")
def pool():
    return fake()


def by_name(table):
    return {row["detector"]: row for row in table.to_dicts()}


def test_promises_are_kept_on_quiet_streams_and_the_chapters_is_not():
    """A pool so large that hardly two values are equal."""
    quiet = 60
    _, wolves = scoreboard(fake(5000, seed=1), cases=(), quiet=quiet, seed=2)
    found, windows = by_name(wolves), quiet * WINDOWS
    calibrated = [d for d in board.every_detector() if d.promised == WANTED]
    assert len(calibrated) == 6
    for detector in calibrated:
        row = found[detector.name]
        assert row["windows"] == windows
        assert row["false_alarms"] <= stats.poisson.ppf(0.999, WANTED * windows), row
        assert row["low"] <= row["promised"] == 100 * WANTED
    for name in ("K-S, calibrated", "PSI, calibrated", "K-S of confidence",
                 "chi-square of predictions"):  # fmt: skip
        assert found[name]["false_alarms"] >= stats.poisson.ppf(0.01, WANTED * windows / 2), name
    assert found["K-S, chapter"]["promised"] == 5
    assert found["K-S, chapter"]["low"] > 10  # six columns, and a launch taken for the truth
    bands = [found[f"PSI above {band:g}"]["false_alarms"] for band in board.BANDS]
    assert bands == sorted(bands, reverse=True)


def test_a_huge_drift_is_caught_in_the_first_window(pool):
    cases = (("microphone", 100.0), ("voice", 100.0))
    inputs = [d.name for d in board.every_detector() if d.watches == "inputs"]
    assert len(inputs) == 7
    hits, _ = scoreboard(pool, cases, streams=4, quiet=1, spread=1, detectors=inputs, seed=3)
    assert hits.height == 14
    for row in hits.to_dicts():
        assert (row["caught"], row["caught_percent"]) == (4, 100)
        assert 1 <= row["delay_events"] <= WINDOW
        if "ADWIN" not in row["detector"]:
            assert row["delay_events"] == WINDOW


def test_delays_count_from_the_drift_on(pool):
    """It sets in at event 2400, in the middle of a window that ends after event 2499."""
    hits, _ = scoreboard(pool, (("microphone", 100.0),), 3, 1, start=0.6, spread=1, seed=4,
                         detectors=["K-S, calibrated", "PSI, calibrated"])  # fmt: skip
    assert hits["delay_events"].to_list() == [100, 100]


def test_each_detector_sees_what_it_watches(pool):
    cases = (("meaning", 100.0), ("fatigue", 40.0), ("label mix", 60.0))
    hits, _ = scoreboard(pool, cases, streams=6, quiet=1, seed=5)
    caught = {(row["detector"], row["drift"]): row["caught"] for row in hits.to_dicts()}
    assert caught["errors on a tenth", "meaning"] == 6
    assert caught["agreement on a tenth", "fatigue"] == 6
    assert caught["chi-square of predictions", "label mix"] == 6
    for drift in ("meaning", "fatigue"):  # nothing can be heard
        for name in ("PSI above 0.2", "PSI above 0.25", "ADWIN of inputs"):
            assert caught[name, drift] == 0
        assert caught["K-S, calibrated", drift] <= 3
    assert caught["agreement on a tenth", "meaning"] <= 3
    assert caught["chi-square of predictions", "fatigue"] <= 3


# --- how alarms are counted


@pytest.fixture
def stub(monkeypatch):
    """A function that sets the detectors: name -> events of their alarms in every stream."""

    def set_to(alarms, promised=0.25):
        found = [Detector(name, "inputs", promised, a if callable(a) else lambda s, a=a: a)
                 for name, a in alarms.items()]  # fmt: skip
        monkeypatch.setattr(board, "every_detector", lambda: found)

    return set_to


def test_who_always_alarms_catches_all_and_cries_wolf(pool, stub):
    ends = [(i + 1) * WINDOW - 1 for i in range(WINDOWS)]
    stub({"always": ends, "never": []})
    cases = ((NONE, 0.0), ("noise", 10.0))
    hits, wolves = scoreboard(pool, cases, streams=3, quiet=2, spread=1)
    assert hits["detector"].to_list() == ["always", "never"] * 2
    assert hits.select("drift", "size", "drift_kind").rows() == [
        (NONE, 0.0, NONE), (NONE, 0.0, NONE), ("noise", 10.0, "covariate"),
        ("noise", 10.0, "covariate"),
    ]  # fmt: skip
    assert hits["caught"].to_list() == [3, 0, 3, 0]  # by luck on a stream without a drift
    assert hits["streams"].to_list() == [3] * 4
    assert hits["caught_percent"].to_list() == [100, 0, 100, 0]
    assert hits["delay_events"].to_list() == [WINDOW, None, WINDOW, None]
    windows = 2 * WINDOWS
    assert wolves["false_alarms"].to_list() == [windows, 0]
    assert wolves["windows"].to_list() == [windows] * 2
    assert wolves["per_100_windows"].to_list() == [100, 0]
    assert wolves["promised"].to_list() == [25, 25]
    low, high = stats.chi2.ppf(0.025, 2 * windows) / 2, stats.chi2.ppf(0.975, 2 * windows + 2) / 2
    assert wolves["low"].to_list() == pytest.approx([100 * low / windows, 0])
    assert wolves["high"].to_list() == pytest.approx(
        [100 * high / windows, -100 * np.log(0.025) / windows]
    )


def test_alarms_before_the_drift_catch_nothing(pool, stub):
    stub({"early": [249, 1999], "at once": [1999, 2000], "later": [100, 2100, 2110, 3000]})
    hits, wolves = scoreboard(pool, (("noise", 10.0),), streams=2, quiet=3, spread=1)
    assert hits["caught"].to_list() == [0, 2, 2]
    assert hits["delay_events"].to_list() == [None, 1, 101]
    assert wolves["false_alarms"].to_list() == [6, 6, 9]  # 2100 and 2110 lie in one window
    late, _ = scoreboard(pool, (("noise", 10.0),), streams=1, quiet=1, start=0.75,
                         spread=1)  # fmt: skip
    assert late["delay_events"].to_list() == [None, None, 1]


def test_starts_are_spread_and_delays_follow_them(pool, stub):
    """Who alarms at the same event always, is late by another time in each stream."""
    stub({"at 2300": [2300]})
    found = [scoreboard(pool, (("noise", 10.0),), 1, 1, seed=s)[0]["delay_events"][0]
             for s in range(12)]  # fmt: skip
    assert len(set(found)) > 6
    assert min(found) >= 2301 - 2000 - WINDOW
    assert max(found) <= 2301 - 2000


def test_the_delay_is_the_median_over_the_streams_that_were_caught(pool, stub):
    turns = iter([[2009], [], [2000], [3999], [], []])
    stub({"sometimes": lambda s: next(turns)})
    hits, _ = scoreboard(pool, (("noise", 10.0),), streams=5, quiet=1, spread=1)
    assert hits.select("caught", "caught_percent", "delay_events").row(0) == (3, 60, 10)


def test_who_promises_nothing_has_none(pool, stub):
    stub({"x": []}, promised=None)
    _, wolves = scoreboard(pool, (), quiet=1)
    assert wolves["promised"].to_list() == [None]


def test_the_board_follows_from_its_seed_and_its_names(pool):
    how = {"streams": 2, "quiet": 2, "detectors": ["K-S, chapter", "K-S of confidence"]}
    cases = (("room", 0.2), (NONE, 0.0))
    one, two = scoreboard(pool, cases, seed=6, **how), scoreboard(pool, cases, seed=6, **how)
    assert all(a.equals(b) for a, b in zip(one, two, strict=True))
    assert one[0]["detector"].to_list() == ["K-S of confidence", "K-S, chapter"] * 2
    other = scoreboard(pool, cases, seed=7, **how)
    assert not all(a.equals(b) for a, b in zip(one, other, strict=True))
    assert [d.name for d in board.every_detector()] == list(
        dict.fromkeys(d.name for d in board.every_detector())
    )
    assert CASES[0] == (NONE, 0.0)


# --- what detectors look at


@pytest.fixture(scope="module")
def one(pool):
    return seen(stream(pool, events=700, seed=8), stream(pool, "noise", 20, 1000, seed=9))


def test_windows_are_compared_as_scipy_would(one):
    assert len(one.windows) == 4
    for row, window in enumerate(one.windows):
        for column, name in enumerate(INPUTS):
            a, b = one.reference[name].drop_nulls(), window[name].drop_nulls()
            assert one.m[row, column] == len(b)
            assert one.ks[row, column] == pytest.approx(stats.ks_2samp(a, b).statistic)
            assert one.psi[row, column] == pytest.approx(psi(a, b).value)
    assert one.m[:, INPUTS.index("snr_db")].max() < WINDOW  # some have no ratio


def test_columns_without_values_give_no_alarm(one):
    lost = one.events.with_columns(
        snr_db=pl.when(pl.col("event") >= WINDOW).then("snr_db"),
        level_db=pl.when(pl.col("event") == 3).then(-np.inf).otherwise("level_db"),
    )
    found = seen(one.reference, lost)
    at = INPUTS.index("snr_db")
    assert (found.ks[0, at], found.psi[0, at], found.m[0, at]) == (0, 0, 1)
    assert np.array_equal(found.ks[1:, at], one.ks[1:, at])
    assert found.m[0, INPUTS.index("level_db")] == WINDOW - 1
    assert np.isfinite(found.ks).all()
    assert np.isfinite(found.psi).all()
    for detector in board.every_detector():
        assert all(0 <= x < 1000 for x in detector.alarms(found))


def test_a_column_with_few_values_has_a_higher_limit(one):
    few = one.m.copy()
    few[:, 1] = 100
    found = board._psi_limits(one._replace(m=few), 0.01)
    for column, m in ((0, WINDOW), (1, 100)):
        wanted = simulated_threshold("psi", 700, m, 0.01)
        assert found[:, column] == pytest.approx(wanted, rel=0.1)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5, 1.0])
def test_shares_are_tested_as_fisher_would(share):
    rng = np.random.default_rng(10)

    def labels(n, wrong):
        bad = rng.random(n) < wrong
        return pl.DataFrame({"said": ["a"] * n, "label": np.where(bad, "b", "a"),
                             "second": ["a"] * n})  # fmt: skip

    launch, now = labels(1000, 0.1), labels(20 * WINDOW, share)
    windows = [now[i : i + WINDOW] for i in range(0, now.height, WINDOW)]
    one = board.Seen(launch, now, windows, *[np.zeros((20, 6))] * 3)
    before = int((launch["label"] == "b").sum())
    wanted = []
    for row, window in enumerate(windows):
        k = int((window["label"][::10] == "b").sum())
        cells = [[k, 25 - k], [before, 1000 - before]]
        if stats.fisher_exact(cells, alternative="greater").pvalue < WANTED:
            wanted.append((row + 1) * WINDOW - 1)
    found = {d.name: d.alarms(one) for d in board.every_detector() if "tenth" in d.name}
    assert found["errors on a tenth"] == wanted
    assert found["agreement on a tenth"] == wanted
    assert len(wanted) <= 2 if share < 0.1 else share < 0.5 or len(wanted) >= 19


def test_adwin_of_errors_counts_in_events(one):
    bad = np.arange(4000) >= 2000
    events = pl.DataFrame({"said": ["a"] * 4000, "label": np.where(bad, "b", "a")})
    (detector,) = (d for d in board.every_detector() if d.name == "ADWIN of errors")
    found = detector.alarms(one._replace(events=events))
    assert found
    assert 2000 <= found[0] < 3000
    assert all(x % board.LABELLED == 0 for x in found)
    assert found == sorted(found)


# --- what the module does not do yet


def test_an_unknown_detector_is_refused(pool):
    with pytest.raises(KitError):
        scoreboard(pool, (), quiet=1, detectors=["K-S"])


def test_no_quiet_stream_is_refused(pool):
    with pytest.raises(KitError):
        scoreboard(pool, (), quiet=0)
