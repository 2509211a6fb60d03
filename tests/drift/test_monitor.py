"""The monitor: windows, fates of events, calibrated alarms, causes, and a file to go on from."""

import itertools
import json
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from helpers import code
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kit.drift import Monitor, Rules, Sketch, compare, kappa
from kit.drift.monitor import MOST_IDS
from kit.errors import KitError

DAY = datetime(2025, 1, 1)
HOUR = 3_600_000_000


def events(n, seed=0, hours=24, at=0, **columns):
    """n events over some hours, in order of time; `columns` take the place of what is made."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, hours * HOUR, n)) + at * HOUR
    made = {"time": pl.Series(np.datetime64(DAY, "us") + t), "id": np.arange(n) + seed * 10**8,
            "x": rng.normal(size=n), "y": rng.exponential(size=n),
            "k": rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])}  # fmt: skip
    return pl.DataFrame(made | columns)


REFERENCE = events(4000, 1)


def watch(reference=REFERENCE, **how):
    return Monitor(reference, **{"id": "id", "windows": ("1h", "6h"), "baseline": 1 / 9, **how})


def run(batches, **how):
    monitor = watch(**how)
    for batch in batches:
        monitor.add(batch)
    monitor.flush()
    sane(monitor)
    return monitor


def sane(monitor):
    """No NaN or infinity anywhere, and every event has one fate."""
    for table in (monitor.report(), monitor.alerts):
        for column in table.select(pl.col(pl.Float64)).iter_columns():
            assert column.drop_nulls().is_finite().all(), column.name
    ks = monitor.report().filter(pl.col("threshold").is_not_null(), statistic="ks")
    beyond = (ks["value"] >= ks["threshold"]) | ((ks["value"] - ks["threshold"]).abs() < 1e-9)
    assert (beyond == (ks["status"] == "alarm")).all()
    c = monitor.counts
    assert c["events"] == c["windowed"] + c["expired"] + c["future"] + c["no_time"]
    assert c["sampled"] <= c["windowed"]
    assert c["expired"] <= c["late"] <= c["out_of_order"]
    assert min(c.values()) >= 0


def alarms(monitor, window="1h"):
    """set of (column, statistic)."""
    found = monitor.alerts.filter(window=window)
    return set(zip(found["column"], found["statistic"], strict=True))


# --- windows ---


def test_a_window_holds_the_events_of_its_time_and_large_ones_merge_small_ones():
    batch = events(3000, 2, 12)
    monitor = run([batch[::2], batch[1::2]], lateness="1d")
    sketch = Sketch.of(REFERENCE["x"], 50).empty()
    for hours, window in ((1, "1h"), (6, "6h")):
        rows = monitor.report().filter(window=window, column="x", statistic="ks")
        for row in rows.iter_rows(named=True):
            assert row["end"] - row["start"] == timedelta(hours=hours)
            own = batch.filter(pl.col("time").is_between(row["start"], row["end"], closed="left"))
            assert row["rows"] == own.height
            found = sketch.add(own["x"])
            f, g = (np.cumsum(s.counts) / s.n for s in (Sketch.of(REFERENCE["x"], 50), found))
            assert row["value"] == pytest.approx(np.abs(f - g).max())
            mean = monitor.report().filter(window=window, column="x", statistic="mean",
                                           start=row["start"])  # fmt: skip
            assert mean["value"].item() == pytest.approx(own["x"].mean())
    assert monitor.report().filter(window="1h", column="x", statistic="ks").height == 12
    assert monitor.report().filter(window="6h", column="x", statistic="ks").height == 7


def test_the_sketch_of_a_panel_is_that_of_its_rows():
    batch = events(200, 2, 1, x=REFERENCE["x"].sort()[::20])  # some lie on an edge
    batch = batch.with_columns(
        pl.when(pl.col("y") < 1)
        .then("x")
        .otherwise(Sketch.of(REFERENCE["x"], 50).edges[7])
        .alias("x")
    )
    monitor = watch()
    monitor.add(batch)
    part = next(p for p in monitor.layout.parts if p.column == "x")
    kept = next(iter(monitor.panels.values())).counts
    whole = Sketch.of(REFERENCE["x"], 50).empty().add(batch["x"])
    assert (part.sketch(kept).counts == whole.counts).all()


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(6)), st.integers(1, 5))
def test_the_order_of_events_does_not_matter(order, seed):
    parts = [events(200, seed, 3, k) for k in range(6)]
    a, b = run(parts, lateness="1d"), run([parts[i] for i in order], lateness="1d")
    ours, theirs = a.report(), b.report()
    assert ours.drop(pl.col(pl.Float64)).equals(theirs.drop(pl.col(pl.Float64)))
    for name in ours.select(pl.col(pl.Float64)).columns:
        assert np.allclose(ours[name].to_numpy(), theirs[name].to_numpy(), equal_nan=True)


def test_memory_does_not_grow_with_rows():
    def size(n):
        monitor = watch()
        monitor.add(events(n, 3, 30))
        arrays = [x for p in monitor.panels.values() for x in (p.counts, p.sums, p.minutes)]
        assert max(len(p.ids) for p in monitor.panels.values()) <= MOST_IDS
        return sum(x.nbytes for x in arrays), len(monitor.panels)

    assert size(3000) == size(60_000)
    monitor = watch()
    monitor.add(events(200_000, 3, 1))
    assert len(next(iter(monitor.panels.values())).ids) <= MOST_IDS


def test_panels_do_not_pile_up_with_time():
    monitor = watch()
    kept = []
    for day in range(4):
        monitor.add(events(2000, day, 24, 24 * day))
        kept.append((len(monitor.panels), len(monitor.tested)))
    assert kept[1] == kept[-1]
    assert kept[-1][0] < 12


def test_sampling_is_a_fixed_choice():
    big = events(20_000, 4)
    whole, tenth = run([big]), run([big], sample=0.1)
    assert whole.counts["sampled"] == 20_000
    assert abs(tenth.counts["sampled"] - 2000) < 5 * math.sqrt(1800)
    assert tenth.counts["windowed"] == 20_000
    parts = [big.sample(fraction=1, shuffle=True, seed=1)[i::7] for i in range(7)]
    again = run(parts, sample=0.1, lateness="2d")
    assert again.counts["sampled"] == tenth.counts["sampled"]
    other = run([big], sample=0.1, seed=1)
    assert other.counts["sampled"] != tenth.counts["sampled"]
    twice = run([pl.concat([big, big])], sample=0.1, lateness="2d")
    assert twice.counts["sampled"] == 2 * tenth.counts["sampled"]
    assert twice.counts["duplicates"] == tenth.counts["sampled"]
    no_id = [run(p, sample=0.1, id=None, lateness="2d").counts["sampled"] for p in ([big], parts)]
    assert no_id[0] == no_id[1]
    assert 0 < no_id[0] < 4000


def test_throughput_counts_all_events_even_in_a_sample():
    found = run([events(9600, 5)], sample=0.05)
    assert not alarms(found)
    flow = found.report().filter(statistic="zero throughput", window="1h")
    assert flow["rows"].sum() == 9600 - flow_cut(found)


def flow_cut(monitor):
    """Events in the minutes that are not whole, at the two ends of the stream."""
    batch = events(9600, 5)["time"].dt.truncate("1m")
    return int(batch.is_in([batch.min(), batch.max()]).sum())


# --- fates ---


times = st.lists(st.none() | st.integers(-30, 30), max_size=25)


@settings(max_examples=60, deadline=None)
@given(st.lists(times, max_size=5), st.sampled_from(["0s", "5m", "3h"]), st.booleans())
def test_counts_add_up_whatever_comes(batches, lateness, clocked):
    monitor = watch(lateness=lateness)
    total = 0
    for hours in batches:
        t = [None if h is None else DAY + timedelta(hours=h) for h in hours]
        batch = events(len(t), 1, time=pl.Series(t, dtype=pl.Datetime("us")))
        monitor.add(batch, now=DAY + timedelta(hours=5) if clocked else None)
        total += len(t)
        sane(monitor)
        assert monitor.counts["events"] == total
        future = sum(h is not None and h > 5 for hours in batches for h in hours)
        assert monitor.counts["future"] <= (future if clocked else total)
    monitor.flush()
    sane(monitor)


def test_late_events_still_count_and_are_tested_once_more():
    whole = events(1200, 6, 4)
    hour = whole.filter(pl.col("time") < DAY + timedelta(hours=1))
    rest = whole.filter(pl.col("time") >= DAY + timedelta(hours=1))
    monitor = watch()
    monitor.add(hour[:100])
    monitor.add(rest)

    def rows():
        return monitor.report().filter(window="1h", column="x", statistic="ks")["rows"][0]

    assert rows() == 100
    tests = monitor.counts["tests"]
    monitor.add(hour[100:150])
    assert rows() == 150
    assert monitor.counts["late"] == monitor.counts["out_of_order"] == 50
    assert monitor.counts["tests"] == tests
    once = monitor.counts["retests"]
    assert once > 0
    monitor.add(hour[150:])
    assert monitor.counts["retests"] == once
    assert rows() == 150
    assert monitor.counts["windowed"] == 1200
    monitor.add(events(900, 7, 30, 4))
    monitor.add(hour[:10].with_columns(id=pl.lit(5)))
    assert monitor.counts["expired"] == 10
    sane(monitor)


def test_the_future_and_the_clock():
    monitor = watch(tolerance="1m")
    now = DAY + timedelta(hours=2)
    monitor.add(
        events(3, time=[DAY, now + timedelta(seconds=59), now + timedelta(seconds=61)]), now
    )
    assert monitor.counts["future"] == 1
    assert monitor.freshness(now + timedelta(seconds=60)) == 1
    assert code(monitor.check, now - timedelta(seconds=1)) == "clock"
    assert code(monitor.add, events(3), now - timedelta(seconds=1)) == "clock"
    assert code(monitor.check, "now") == "type"
    assert monitor.counts["events"] == 3
    assert watch().freshness(now) is None


def test_zones_are_not_mixed():
    aware = events(5).with_columns(pl.col("time").dt.replace_time_zone("Europe/Berlin"))
    monitor = watch()
    monitor.add(events(5))
    assert code(monitor.add, aware) == "time-zone"
    assert code(monitor.check, DAY.replace(tzinfo=UTC)) == "time-zone"
    monitor = watch()
    monitor.add(aware, DAY.replace(tzinfo=UTC) + timedelta(days=2))
    assert code(monitor.add, events(5)) == "time-zone"
    monitor.flush()
    start = monitor.report()["start"]
    assert start.dtype == pl.Datetime("us", "UTC")
    own = aware["time"].dt.convert_time_zone("UTC").min()
    assert start.min() == own.replace(minute=0, second=0, microsecond=0)


def test_a_jump_of_years_ends_soon():
    monitor = watch()
    monitor.add(events(500, 2, 3))
    monitor.add(events(1, at=24 * 365 * 100))
    monitor.add(events(500, 3, 3, 24 * 365 * 100))
    monitor.flush()
    assert len(monitor.found) < 60
    sane(monitor)


# --- bad input ---


def test_what_does_not_fit_is_refused_and_changes_nothing():
    monitor = watch()
    before = dict(monitor.counts)
    good = events(50)
    for bad, reason in (
        (good.drop("x"), "missing-column"), (good.drop("time"), "missing-column"),
        (good.drop("id"), "missing-column"), (good.with_columns(x=pl.lit("1")), "type"),
        (good.with_columns(k=pl.lit(1)), "type"), (good.with_columns(time=pl.lit(1)), "type"),
        (good.with_columns(x=pl.lit([1])), "type"), ({"x": [1]}, "table"),
    ):  # fmt: skip
        assert code(monitor.add, bad) == reason, reason
    assert monitor.counts == before
    monitor.add(good.clear())
    monitor.add(pl.DataFrame())
    assert monitor.counts == before
    assert monitor.report().is_empty()
    assert monitor.flush().is_empty()
    assert monitor.alerts.schema["since"] == pl.Datetime("us")


def test_what_cannot_be_watched_is_refused():
    bad = {"windows": [("2h", "3h"), ("30s",), (), ("1d", "1h"), ("1 h",)], "sample": [0, 2],
           "false_alarms": [0], "per": ["month"], "columns": [["nothing"]],
           "streams": [{"x": "kswin"}], "raters": [("k", "nobody")], "baseline": [-1],
           "confidence": ["nobody"], "lateness": [5]}  # fmt: skip
    for name, values in bad.items():
        for value in values:
            assert code(watch, **{name: value}), name
    assert code(watch, REFERENCE.with_columns(x=pl.lit(None, pl.Float64))) == "empty"
    names = pl.Series([str(i) for i in range(4000)])
    assert code(watch, REFERENCE.with_columns(k=names)) == "categories"
    for how in ({"psi": (1, 2)}, {"nulls": 2}, {"least_rows": 0}, {"duplicates": 3}):
        assert code(Rules, **how)


@pytest.mark.parametrize("bad", [None, math.nan, math.inf, -math.inf])
def test_windows_without_a_usable_number(bad):
    monitor = run([events(2000, 2, 4, x=[bad] * 2000)])
    assert ("x", "nulls") in alarms(monitor)
    row = monitor.report().filter(column="x", statistic="ks")
    assert set(row["status"]) == {"too few rows"}
    assert row["value"].null_count() == row.height
    found = monitor.alerts.filter(column="x")
    assert set(found["kind"]) == {"source: nulls"}
    assert set(found["action"]) == {"fix the source"}


def test_constant_columns_one_category_and_one_row():
    same = REFERENCE.with_columns(x=pl.lit(3.0), k=pl.lit("a"))
    monitor = run([events(2000, 2, 4, x=[3.0] * 2000, k=["a"] * 2000)], reference=same)
    assert not alarms(monitor)
    status = monitor.report().filter(statistic=pl.lit("mean"), column=pl.lit("x"))["status"]
    assert set(status) == {"no reference"}
    moved = run([events(2000, 2, 4, x=[3.1] * 2000, k=["b"] * 2000)], reference=same)
    assert {("x", "ks"), ("k", "new categories")} <= alarms(moved)
    one = run([events(1, 2)])
    assert set(one.report().filter(role="input")["status"]) == {"too few rows"}
    lone = Monitor(REFERENCE[:1], windows=("1h",), columns=["x", "k"])
    lone.add(events(100, 2, 1))
    lone.flush()
    sane(lone)


# --- rules ---


def shares(bad, n=2000):
    return pl.Series(np.arange(n) * 37 % 100 < bad * 100)


def test_rules_of_single_columns():
    n = 2000
    base = events(n, 8, 4)
    cases = {
        ("x", "mean"): base.with_columns(pl.col("x") + 2.2),
        ("x", "nulls"): base.with_columns(x=pl.when(shares(0.08)).then(None).otherwise("x")),
        ("k", "nulls"): base.with_columns(k=pl.when(shares(0.08)).then(None).otherwise("k")),
        ("k", "new categories"): base.with_columns(k=pl.when(shares(0.02)).then(pl.lit("new"))
                                                   .otherwise("k")),
        ("k", "share move"): base.with_columns(k=pl.when(shares(0.25)).then(pl.lit("c"))
                                               .otherwise("k")),
    }  # fmt: skip
    assert not alarms(run([base]))
    for key, batch in cases.items():
        monitor = run([batch])
        assert key in alarms(monitor), key
        row = monitor.alerts.filter(column=key[0], statistic=key[1], window="1h").row(0, named=True)
        assert row["since"] == DAY
        assert row["last"] == DAY + timedelta(hours=4)
        assert row["windows"] == 4
        assert row["rate"] == monitor.budget["rate"]
    many = events(20_000, 8, 4)
    held = run([many.with_columns(x=pl.when(shares(0.03, 20_000)).then(None).otherwise("x"))])
    assert not alarms(held)  # significant, and below 5 %


def test_errors_duplicates_latency():
    n = 4000
    rng = np.random.default_rng(1)
    late = (rng.exponential(2, n) * 1e6).astype("timedelta64[us]")
    base = events(n, 9, 4)
    base = base.with_columns(failed=shares(0.04, n), arrived=base["time"] + late)
    how = {"errors": "failed", "arrived": "arrived", "rules": Rules(duplicates=0.01)}
    good = run([base], **how)
    assert not alarms(good)
    seen = good.report().filter(window="1h", statistic="latency p95")["value"].to_numpy()
    assert np.allclose(seen, -2 * math.log(0.05), rtol=0.15)
    bad = run([base.with_columns(failed=shares(0.1, n))], **how)
    assert alarms(bad) == {("failed", "error share")}
    slow = run([base.with_columns(arrived=base["time"] + late * 8)], **how)
    assert alarms(slow) == {("arrived", "latency p95")}
    assert set(slow.alerts["kind"]) == {"late source"}
    twice = run([base, base[::10]], **how, lateness="1d")
    assert ("id", "duplicates") in alarms(twice)
    assert twice.counts["duplicates"] == 400


def test_duplicates_of_more_ids_than_are_kept_are_a_fair_sample():
    batch = events(150_000, 3, 1)
    monitor = run([batch, batch[::10]], lateness="1d", baseline=50)
    row = monitor.report().filter(statistic="duplicates")
    assert row["rows"].item() < 2 * MOST_IDS
    assert row["value"].item() == pytest.approx(1 / 11, rel=0.03)


def test_throughput():
    rate = 4000 / 86_400
    steady = run([events(4000, 4)], baseline=rate)
    assert not alarms(steady)
    gap = (DAY + timedelta(hours=3, minutes=m) for m in (5, 20))
    hole = events(40_000, 4).filter(~pl.col("time").is_between(*gap))
    monitor = run([hole], baseline=10 * rate)
    found = monitor.alerts.filter(statistic="zero throughput").row(0, named=True)
    assert found["severity"] == "critical"
    assert found["since"] == DAY + timedelta(hours=3)
    assert 840 <= found["value"] <= 900
    slow = run([events(40_000, 4)], baseline=15 * rate)
    assert ("", "throughput") in alarms(slow)
    assert slow.alerts["severity"].to_list() == ["degraded"]
    live = watch(baseline=10 * rate)
    live.add(events(40_000, 4), DAY + timedelta(days=1))
    assert not live.check(DAY + timedelta(days=1, minutes=4)).height
    found = live.check(DAY + timedelta(days=1, minutes=9)).row(0, named=True)
    assert found["open"]
    assert found["statistic"] == "zero throughput"
    live.add(events(100, 5, 1, 24), DAY + timedelta(days=1, minutes=60))
    assert not live.check(DAY + timedelta(days=1, minutes=60))["open"].any()


def test_raters_and_confidence():
    n, rng = 4000, np.random.default_rng(2)
    label = rng.choice(["yes", "no", "bird"], n)

    def rated(noise, sure, seed):
        rng = np.random.default_rng(seed)
        other = np.where(rng.random(n) < noise, rng.choice(["yes", "no", "bird"], n), label)
        return events(n, seed, 4, a=label, b=other, sure=rng.beta(sure, 1, n))

    how = {"reference": rated(0.2, 9, 3), "raters": ("a", "b"), "confidence": "sure"}
    good = run([rated(0.2, 9, 4)], **how)
    assert not alarms(good)
    row = good.report().filter(statistic="kappa", window="1h").row(0, named=True)
    own = rated(0.2, 9, 4).filter(
        pl.col("time").is_between(row["start"], row["end"], closed="left")
    )
    truth = kappa(own["a"], own["b"])
    assert [row["value"], row["low"], row["high"]] == pytest.approx(
        [truth.value, truth.low, truth.high]
    )
    bad = run([rated(0.9, 2, 5)], **how)
    assert alarms(bad) == {("a and b", "kappa"), ("sure", "entropy")}
    kinds = dict(bad.alerts.select("statistic", "kind").iter_rows())
    assert kinds == {"kappa": "label quality", "entropy": "unsure model"}
    only = run([events(n, 6, 4, a=["yes"] * n, b=["yes"] * n, sure=[2.0] * n)], **how)
    assert set(only.report().filter(statistic="kappa")["status"]) == {"no reference"}
    assert set(only.report().filter(statistic="entropy")["status"]) == {"too few rows"}


def model(seed, x=0.0, yes=0.3, wrong=0.05, n=4000, nulls=0.0):
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(n) < yes, "yes", "no")
    flip = rng.random(n) < wrong
    label = np.where(flip, np.where(said == "yes", "no", "yes"), said)
    lost = rng.random(n) < nulls
    return events(n, seed, 4, said=said, label=label, x=rng.normal(x, 1, n),
                  y=np.where(lost, np.nan, rng.exponential(1, n) + x))  # fmt: skip


def test_the_probable_kind_looks_at_all_columns():
    how = {"reference": model(1), "predictions": "said", "label": "label"}
    assert not alarms(run([model(2)], **how))
    cases = (({"x": 1}, "x", "covariate drift"), ({"x": 1, "yes": 0.6}, "said", "covariate drift"),
             ({"yes": 0.6}, "said", "label shift"), ({"x": 1, "nulls": 0.2}, "x",
             "source: many columns"))  # fmt: skip
    for changed, column, kind in cases:
        found = run([model(3, **changed)], **how).alerts.filter(column=column)
        assert set(found["kind"]) == {kind}, changed
    found = run([model(3, wrong=0.12)], **how).alerts
    assert set(found.filter(column="said != label")["kind"]) == {"concept drift"}
    assert set(found["action"]) == {"retrain"}


def test_a_run_is_one_alert_and_ends():
    bad = events(600, 3, 2, 2).with_columns(pl.col("x") + 3)
    parts = [events(600, 2, 2), bad, events(600, 4, 2, 4), bad.with_columns(
        pl.col("time") + timedelta(hours=4)), events(600, 5, 2, 8)]  # fmt: skip
    monitor = run(parts, windows=("1h",), columns=["x"])
    found = monitor.alerts.filter(statistic="ks")
    assert found["windows"].to_list() == [2, 2]
    assert found["open"].to_list() == [False, False]
    assert found["since"].to_list() == [DAY + timedelta(hours=h) for h in (2, 6)]
    assert found["last"].to_list() == [DAY + timedelta(hours=h) for h in (4, 8)]
    assert found["severity"].to_list() == ["critical"] * 2


def test_severity_follows_the_size_of_psi():
    rules = Rules()
    assert [rules.severity(x) for x in (0.05, 0.1, 0.2, 0.25)] == [
        "warning", "warning", "degraded", "critical"]  # fmt: skip
    n = 20_000
    for shift in (0.25, 0.46, 0.8):
        moved = events(n, 3, 1).with_columns(pl.col("x") + shift)
        found = run([moved], baseline=n / 3600).alerts.filter(statistic="ks").row(0, named=True)
        psi = compare(REFERENCE, moved, ["x"], statistics=["psi"])["effect_size"].item()
        assert found["severity"] == rules.severity(psi)
        assert float(found["note"].split()[-1]) == pytest.approx(psi, rel=0.1)


# --- calibration ---


def test_a_small_change_gives_no_alarm_however_sure_it_is():
    reference = events(200_000, 1, 24)
    moved = events(200_000, 2, 2).with_columns(pl.col("x") + 0.05)
    monitor = run([moved], reference=reference, windows=("1h",), columns=["x"], baseline=28)
    row = monitor.report().filter(statistic="ks")
    assert (row["p"] < 1e-9).all()
    assert not alarms(monitor)
    finer = run([moved], reference=reference, windows=("1h",), columns=["x"], baseline=28,
                rules=Rules(least_gap=0.01))  # fmt: skip
    assert alarms(finer) == {("x", "ks")}


def test_classes_as_whole_numbers_are_categories():
    whole = REFERENCE.with_columns(said=pl.int_range(4000) % 3)
    monitor = watch(whole, predictions="said")
    assert {p.kind for p in monitor.layout.parts if p.role == "predictions"} == {"category"}
    monitor.add(events(100, hours=1).with_columns(said=pl.lit(1.0)))
    part = next(p for p in monitor.layout.parts if p.column == "said")
    total = sum(p.counts for p in monitor.panels.values())
    assert part.of(total).tolist() == [0, 100, 0, 0, 0]


def test_the_budget():
    one, many = watch(columns=["x"]), watch(columns=["x", "y", "k"])
    assert one.budget["tests_each"] == (3 + 1) * 2 + 2
    assert many.budget["tests_each"] == (3 + 3 + 4 + 1) * 2 + 2
    assert one.budget["windows_closed"] == 720
    assert one.budget["tests_with_late"] == 720 * one.budget["tests_each"] * 2
    assert one.budget["tests_with_late"] * one.budget["rate"] == pytest.approx(1)
    assert watch(false_alarms=2, per="15d").budget["rate"] == pytest.approx(
        4 * watch().budget["rate"]
    )
    monitor = run([events(20_000, 3, 48)])
    each = monitor.budget["tests_each"]
    assert monitor.counts["tests"] <= each * 48


@pytest.mark.parametrize("rows", [80, 400])
def test_false_alarms_stay_within_the_budget(rows):
    """Without least effects, so that chance alone decides; a new reference each time."""
    found = wanted = 0
    rules = Rules(least_gap=1e-9, share_move=1e-9, mean_sigma=1e-9)
    for seed in range(4):
        monitor = run([events(rows * 72, 50 + seed, 72)], reference=events(3000, 90 + seed),
                      windows=("1h", "4h"), false_alarms=30, per="3d", rules=rules,
                      baseline=rows / 3600)  # fmt: skip
        found += int(monitor.alerts["windows"].sum())
        wanted += monitor.counts["tests"] * monitor.budget["rate"]
    assert wanted > 20
    assert found <= stats.poisson.ppf(0.999, wanted)
    assert found > wanted / 20  # the tests are not asleep


# --- a file ---


def batches():
    base = [events(300, k, 2, 2 * k) for k in range(6)]
    moved = [b.with_columns(pl.col("x") + 1) for b in base[3:5]]
    return [*base[:3], *moved, base[1][:20], base[5]]


def test_resume_goes_on_as_if_never_stopped(tmp_path):
    how = {"streams": {"x": "adwin", "y": "page-hinkley"}, "sample": 0.9}
    whole = run(batches(), **how)
    for stop in range(1, 7):
        monitor = watch(**how)
        for batch in batches()[:stop]:
            monitor.add(batch)
        monitor.save(tmp_path / "m.json")
        monitor = Monitor.load(tmp_path / "m.json")
        for batch in batches()[stop:]:
            monitor.add(batch)
        monitor.flush()
        assert monitor.alerts.equals(whole.alerts)
        assert monitor.report().equals(whole.report())
        assert monitor.counts == whole.counts
        assert monitor.budget == whole.budget
    assert whole.alerts.height
    assert not list(tmp_path.glob(".new*"))


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "m.json"
    monitor = run(batches()[:2])
    monitor.save(path)
    text = path.read_text()
    broken = (text[:-20], "", "[]", text.replace("windowed", "windowen"),
              json.dumps(json.loads(text) | {"format": 1}))  # fmt: skip
    for bad in broken:
        path.write_text(bad)
        assert code(Monitor.load, path) == "monitor-file"
    assert code(Monitor.load, tmp_path / "none") == "monitor-file"
    path.write_text("kept")
    assert code(monitor.save, path / "below") == "disk"
    assert path.read_text() == "kept"


def test_streams_alarm_where_the_mean_changes():
    jump = np.concatenate([np.full(500, 0.1), np.full(500, 0.9)])
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 1000)
    values = (jump + noise).tolist()
    values[10], values[11], values[12] = None, math.nan, math.inf
    ordered = events(1000, 2, 10)
    for kind, rate in (("adwin", 0.002), ("page-hinkley", None)):
        batch = ordered.with_columns(y=pl.Series(values) * (1 if rate else 10))
        monitor = run([batch[:600], batch[600:]], columns=["x"], streams={"y": kind})
        row = monitor.alerts.filter(window="event").row(0, named=True)
        assert (row["statistic"], row["rate"]) == (kind, rate)
        assert ordered["time"][500] <= row["since"] <= ordered["time"][600]
        assert ("bounds each look" if rate else "no stated rate") in row["note"]
        assert monitor.streams[0].skipped == 3


def test_importing_loads_no_library():
    import subprocess
    import sys

    look = "import sys, kit.drift; print({'river', 'polars', 'scipy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True,
                          check=True).stdout.strip() == "set()"  # fmt: skip


def test_batches_of_any_size_count_the_same():
    whole = events(2000, 3, 5)
    found = [run([whole[i : i + size] for i in range(0, 2000, size)]) for size in (7, 400, 2000)]
    for a, b in itertools.pairwise(found):
        assert a.counts == b.counts
        assert a.alerts.equals(b.alerts)


# --- nulls, copies, clocks ---


def lose(batch, share, seed=0, column="x"):
    """The batch with a share of a column's values lost, by chance."""
    gone = pl.Series(np.random.default_rng(seed).random(batch.height) < share)
    return batch.with_columns(pl.when(gone).then(None).otherwise(column).alias(column))


@pytest.mark.parametrize("before", [0.0, 0.01, 0.1, 0.5, 0.9])
def test_a_column_that_loses_its_values_is_bad_however_many_it_had(before):
    how = {"reference": lose(REFERENCE, before), "columns": ["x"]}
    steady = run([lose(events(4000, 2, 8), before, 1)], **how)
    assert not alarms(steady)
    for share in (1.0, before + 0.6):
        gone = run([lose(events(8000, 2, 4), share, 1)], **how)
        assert ("x", "nulls") in alarms(gone) or share > 1
        row = gone.report().filter(statistic="nulls", window="1h").row(0, named=True)
        limit = 0.05 + (row["value"] - row["effect"] if before >= 0.01 else 0)
        assert row["threshold"] == pytest.approx(limit)
    never = lose(REFERENCE, 1.0).vstack(events(1, 5)[REFERENCE.columns])
    same = run([lose(events(4000, 2, 8), 1.0)], reference=never, columns=["x"])
    assert not alarms(same)


def test_the_rise_of_nulls_is_tested_exactly():
    monitor = run([lose(events(4000, 2, 1), 0.2)], reference=lose(REFERENCE, 0.1), columns=["x"])
    row = monitor.report().filter(statistic="nulls", window="1h").row(0, named=True)
    before = lose(REFERENCE, 0.1)["x"].null_count()
    lost = lose(events(4000, 2, 1), 0.2)["x"].null_count()
    truth = stats.hypergeom.logsf(lost - 1, 8000, before + lost, 4000)
    assert math.log(row["p"]) == pytest.approx(truth, rel=1e-6)
    assert row["status"] == "alarm"


def test_values_beyond_the_range_of_a_role_are_counted_and_alarm():
    rng = np.random.default_rng(3)
    reference = events(4000, 1, sure=rng.uniform(0.5, 1, 4000), failed=shares(0.02, 4000))
    how = {"reference": reference, "confidence": "sure", "errors": "failed", "columns": ["x"]}
    good = events(2000, 2, 4, sure=rng.uniform(0.5, 1, 2000), failed=shares(0.02))
    assert not alarms(run([good], **how))
    percent = run([good.with_columns(pl.col("sure") * 100)], **how)
    assert alarms(percent) == {("sure", "nulls")}
    coded = run([good.with_columns(failed=pl.lit(3))], **how)
    assert alarms(coded) == {("failed", "nulls")}
    assert set(percent.alerts["kind"]) == {"source: nulls"}


def test_a_copy_counts_once_whenever_it_comes():
    batch = events(1600, 2, 8)
    cases = {"at once": [pl.concat([batch, batch])], "next": [batch[:99], batch[:99], batch[99:]],
             "late": [batch, batch], "late and twice": [batch, batch[:50], batch[:50]]}  # fmt: skip
    once = run([batch])
    for name, parts in cases.items():
        monitor = run(parts)
        extra = sum(p.height for p in parts) - batch.height
        assert monitor.counts["duplicates"] == extra, name
        assert monitor.counts["unchecked"] == 0
        for found, wanted in zip(*(m.panels.values() for m in (monitor, once)), strict=True):
            part = monitor.layout.parts[-1]
            assert part.kind == "ids"
            assert (found.counts[: part.at] == wanted.counts[: part.at]).all()
            assert np.allclose(found.sums, wanted.sums)
        looked = sum(part.of(p.counts) for p in monitor.panels.values())
        assert looked.tolist() == [batch.height + extra, extra]
        assert sum(p.minutes.sum() for p in monitor.panels.values()) == batch.height + extra


def test_doubled_events_do_not_break_the_budget():
    doubled = [pl.concat([b, b]) for b in (events(60, 200 + h, 1, h) for h in range(240))]
    monitor = run(doubled, windows=("1h", "1d"), baseline=1 / 60)
    assert monitor.counts["duplicates"] == 240 * 60
    assert monitor.alerts["windows"].sum() <= 2


def test_late_copies_of_ids_that_were_forgotten_are_said_to_be_unchecked():
    days = [events(50_000, k, 1, k) for k in range(3)]
    monitor = run([*days, days[0], days[2]], baseline=14)
    c = monitor.counts
    assert (c["duplicates"], c["unchecked"]) == (50_000, 50_000)
    assert sum(len(p.ids) for p in monitor.panels.values()) <= 2 * MOST_IDS


def test_one_event_with_a_wrong_clock_does_not_blind_a_monitor(tmp_path):
    hours = [events(400, k, 1, k) for k in range(12)]
    ahead = events(1, 99, at=24 * 365 * 8)
    whole = run(hours)
    for first in ([hours[0], ahead], [pl.concat([ahead, hours[0]])], [hours[0][:9], ahead]):
        monitor = run([*first, *hours[1:]])
        assert monitor.counts["future"] == 1
        assert monitor.counts["expired"] == 0
        assert monitor.newest == whole.newest
    often = run([pl.concat([h, ahead]) for h in hours])
    assert often.counts["future"] == 12
    assert often.newest == whole.newest
    for parts in ([pl.concat([ahead] * 30)], [ahead] * 30):  # the clock went on, say after a stop
        monitor = watch()
        for batch in [*hours[:2], *parts[:29]]:
            monitor.add(batch)
        monitor.save(tmp_path / "m.json")
        monitor = Monitor.load(tmp_path / "m.json")
        monitor.add(parts[-1])
        assert monitor.newest > whole.newest
        assert monitor.counts["future"] == len(parts) - 1
    strict = watch(rules=Rules(leap_rows=2))
    strict.add(pl.concat([hours[0], ahead, ahead]))
    assert strict.counts["future"] == 0


def test_a_clock_set_earlier_makes_no_later_event_future():
    monitor = watch()
    monitor.check(DAY)
    monitor.add(events(400, 2, 5))
    assert monitor.counts["future"] == 0


def test_most_of_a_batch_expired_is_an_alert_that_ends():
    monitor = watch(baseline=False)
    monitor.add(events(1, 99, at=24 * 30))
    monitor.add(events(400, 2, 6, 24 * 30))
    for k in range(3):
        monitor.add(events(400, k, 1, k))
    found = monitor.alerts.filter(statistic="expired").row(0, named=True)
    assert (found["kind"], found["window"], found["windows"]) == ("clock", "batch", 3)
    assert (found["severity"], found["value"], found["open"]) == ("critical", 1.0, True)
    assert "ran ahead" in found["advice"] or "run ahead" in found["advice"]
    monitor.add(events(400, 5, 2, 24 * 30 + 6))
    assert not monitor.alerts.filter(statistic="expired")["open"].any()
    small = watch()
    small.add(events(400, 2, 6, 24 * 30))
    small.add(events(29, 2, 1))
    assert not small.alerts.filter(statistic="expired").height


def test_a_stream_that_never_starts_is_silent():
    for start in (lambda m: m.check(DAY), lambda m: m.add(events(0), DAY)):
        monitor = watch(baseline=1 / 60)
        start(monitor)
        assert not monitor.check(DAY + timedelta(minutes=4)).height
        row = monitor.check(DAY + timedelta(hours=96)).row(0, named=True)
        assert (row["kind"], row["severity"], row["since"]) == (
            "source: no events",
            "critical",
            DAY,
        )
        assert row["value"] == 96 * 3600
        monitor.add(events(100, 2, 1, 96), DAY + timedelta(hours=97))
        assert not monitor.check(DAY + timedelta(hours=97))["open"].any()


def test_throughput_without_a_baseline():
    hole = events(4000, 4).filter(pl.col("time").dt.hour() != 5)
    unknown = run([hole], reference=REFERENCE.drop("time"), baseline=None)
    found = unknown.alerts.filter(statistic="zero throughput")
    assert found["severity"].to_list() == ["warning"]
    silent = run([hole], baseline=False)
    silent.check(DAY + timedelta(days=9))
    assert not silent.alerts.height
    assert not silent.report().filter(role="events").height


def test_what_a_user_gets_wrong_at_the_start_is_refused_with_a_remedy():
    more = REFERENCE.with_columns(
        came=pl.col("time"), bad=pl.lit(404), sure=pl.col("y") * 100, ids=pl.col("id").cast(str)
    )
    plain = {"columns": ["x"]}
    cases = (
        ({"time": "ts"}, "missing-column", "no column ts"), ({"time": "ts"}, "", "time, came"),
        ({}, "type", "leave it out with columns=, or name it as time= or arrived="),
        ({"columns": ["x", "ids"]}, "categories", "is it the id? give id="),
        (plain | {"streams": {"nope": "adwin"}}, "missing-column", "nope"),
        (plain | {"streams": {"k": "adwin"}}, "type", "category"),
        (plain | {"streams": ["x"]}, "names", "adwin"),
        (plain | {"raters": "k"}, "names", "raters="),
        (plain | {"raters": ["k"]}, "names", "raters="),
        ({"columns": "x"}, "names", "columns=['x']"),
        (plain | {"rules": {"psi": 1}}, "rules", "Rules"),
        (plain | {"errors": "bad"}, "range", "0 and 1"),
        (plain | {"errors": "k"}, "type", "0 and 1"),
        (plain | {"confidence": "sure"}, "range", "divide"),
        (plain | {"confidence": "k"}, "type", "divide"),
    )  # fmt: skip
    for how, reason, text in cases:
        with pytest.raises(KitError) as error:
            watch(more, **how)
        assert reason in (error.value.code, ""), how
        assert text.lower() in str(error.value).lower(), how
    assert watch(windows="1h").windows == ("1h",)
    assert watch(REFERENCE.drop("time"), time="ts").baseline == 1 / 9


def test_late_copies_do_not_take_the_second_test_of_a_window():
    batch = events(1600, 2, 8)
    monitor = watch()
    monitor.add(batch)
    monitor.add(batch[:200])
    assert monitor.counts["retests"] == 0
    monitor.add(batch[:200].with_columns(pl.col("id") + 10**9))
    assert monitor.counts["retests"] > 0
