"""What `kit bench monitoring` records: rows that JSON can hold and streams can be drawn from."""

import json
import math

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("river")

from kit import bench as kept
from kit.bench import monitoring as bench
from kit.bench import recorded
from kit.cli import app
from kit.errors import KitError
from kit.experiments.events import KINDS, SIZES, stream, words_of
from kit.experiments.scoreboard import CASES, WANTED, every_detector
from kit.experiments.served import INPUTS, NONE, OUTPUTS, Served

HEARD = [case for case in CASES if KINDS.get(case[0]) == "covariate"]


@pytest.fixture(scope="module")
def pool():
    """A Served of random rows, more than a record keeps, some with nulls."""
    rng = np.random.default_rng(0)
    words, parts = np.array(["a", "b", "c"]), []
    for drift, size in [(NONE, 0.0), *HEARD]:
        n = 200 if drift == "voice" else 400
        word, said = words[np.arange(n) % 3], words[rng.integers(3, size=n)]
        said = np.where(rng.random(n) < 0.5, word, said)
        values = {name: 1e4 * rng.normal(size=n) for name in (*INPUTS, *OUTPUTS)}
        parts.append(pl.DataFrame({
            "drift": [drift] * n, "size": [size] * n, "clip": np.arange(n), "speaker": ["x"] * n,
            "word": word, "said": said, "right": said == word, **values,
        }).with_columns(snr_db=pl.when(pl.col("clip") % 4 > 0).then("snr_db")))  # fmt: skip
    return Served(pl.concat(parts), ("x", "y"), "z")


def test_packed_rows_come_back(pool):
    rows = json.loads(json.dumps(bench.packed(pool), allow_nan=False))
    found = bench.unpacked(rows)
    assert (found.users, found.newcomer) == (pool.users, pool.newcomer)
    assert found.rows.columns == pool.rows.columns
    assert found.rows.dtypes == pool.rows.dtypes
    for drift, size in [(NONE, 0.0), *HEARD]:
        back = found.of(drift, size)
        assert back.height == bench.POOL
        whole = pool.of(drift, size)
        was = whole[back["clip"]]
        for name in pool.rows.columns:
            if name in (*INPUTS, *OUTPUTS):
                assert back[name].is_null().equals(was[name].is_null())
                a, b = (x[name].drop_nulls().to_numpy() for x in (back, was))
                assert a == pytest.approx(b, rel=6e-4)
                assert not np.array_equal(a, b)  # four digits are kept
            else:
                assert back[name].equals(was[name])
    spread = found.of(NONE)["clip"].to_numpy()
    assert np.array_equal(spread, found.of("noise", 10.0)["clip"].to_numpy())  # the same clips
    assert (spread[0], spread[-1]) == (0, 399)
    assert set(np.diff(spread)) == {2, 3}  # from first to last, evenly
    assert bench.unpacked(bench.packed(found)).rows.equals(found.rows)


def test_a_small_pool_is_kept_whole(pool):
    few = pool._replace(rows=pool.rows.filter(pl.col("clip") < 40))
    assert bench.unpacked(bench.packed(few)).of(NONE).height == 40


@pytest.mark.parametrize(
    ("value", "short"),
    [(123456.0, 123500.0), (0.000123456, 0.0001235), (-2.0, -2.0), (7, 7), (123456, 123456),
     (True, True), ("1.23456", "1.23456"), (None, None)],
)  # fmt: skip
def test_floats_alone_are_shortened(value, short):
    assert bench._short(value) == short
    assert type(bench._short(value)) is type(value)


@pytest.fixture
def small(pool, monkeypatch):
    asked = []
    monkeypatch.setattr(bench, "people", lambda: ("everybody", ""))
    monkeypatch.setattr(bench, "served", lambda *a: (asked.append(a), pool)[1])
    for name, value in {"STREAMS": 1, "QUIET": 2, "SEEDS": 2}.items():
        monkeypatch.setattr(bench, name, value)
    return asked


def test_every_kind_of_row_is_recorded(small, pool):
    rows = bench.monitoring()
    assert small == [("everybody", bench.FULL)]
    assert json.loads(json.dumps(rows)) == rows
    kinds = [row["kind"] for row in rows]
    assert list(dict.fromkeys(kinds)) == ["curve", "hit", "wolf", "pool"]
    assert kinds.count("curve") == 2 * (1 + len(HEARD) + sum(len(s) for _, s in SIZES.values()))
    quiet = {
        row["seed"]: row["ks"] for row in rows if row.get("drift_kind") == NONE and "ks" in row
    }
    assert set(quiet) == {0, 1}
    assert quiet[0] != quiet[1]
    assert kinds.count("hit") == len(CASES) * len(every_detector())
    assert {row["streams"] for row in rows if row["kind"] == "hit"} == {1}
    assert kinds.count("wolf") == len(every_detector())
    assert {row["windows"] for row in rows if row["kind"] == "wolf"} == {2 * 16}
    assert kinds.count("pool") == 1 + len(HEARD)
    assert not any(isinstance(x, float) and math.isnan(x) for row in rows for x in row.values())
    lines = bench.as_text(rows).splitlines()
    assert all(kind in lines for kind in ("curve", "hit", "wolf"))
    assert "pool" not in lines


def test_without_recordings_there_is_no_record(small, monkeypatch):
    monkeypatch.setattr(bench, "people", lambda: ("voices", "NOTICE: a sample"))
    with pytest.raises(KitError, match="needs the recordings") as error:
        bench.monitoring()
    assert error.value.code == "no-data"
    assert not small  # and nothing was trained


@pytest.mark.parametrize("options", [[], ["--json"], ["--save"]])
def test_the_command_prints_and_keeps_on_request(monkeypatch, pool, options):
    rows = [{"kind": "wolf", "detector": "x"}, *({"kind": "pool"} | r for r in bench.packed(pool))]
    saved = []
    monkeypatch.setattr(bench, "monitoring", lambda: rows)
    monkeypatch.setattr(kept, "keep", lambda whole: saved.append(whole) or "a path")
    done = CliRunner().invoke(app, ["bench", "monitoring", *options])
    assert done.exit_code == 0, done.output
    if "--json" in options:
        found = json.loads(done.stdout)
        assert (found["benchmark"], found["rows"]) == ("monitoring", rows)
    else:
        assert "wolf" in done.stdout
        assert "pool" not in done.stdout
    assert [whole["benchmark"] for whole in saved] == ["monitoring"] * ("--save" in options)


# --- the records that are kept


@pytest.fixture(scope="module", params=recorded("monitoring"), ids=lambda found: found["machine"])
def record(request):
    return request.param["rows"]


def test_there_is_a_record():
    assert recorded("monitoring"), "kit bench monitoring --save"


def of(record, kind):
    return [row for row in record if row["kind"] == kind]


def test_calibrated_detectors_kept_their_promise_in_the_record(record):
    wolves = {row["detector"]: row for row in of(record, "wolf")}
    assert list(wolves) == [d.name for d in every_detector()]
    for detector in every_detector():
        row = wolves[detector.name]
        assert row["windows"] == bench.QUIET * 16
        assert row["watches"] == detector.watches
        if detector.promised == WANTED:
            assert row["promised"] == 100 * WANTED
            assert row["low"] <= row["promised"]
    assert wolves["K-S, chapter"]["low"] > wolves["K-S, chapter"]["promised"]


def test_every_drift_has_its_curve_in_the_record(record):
    rows = of(record, "curve")
    assert {row["seed"] for row in rows} == set(range(bench.SEEDS))
    for seed in range(bench.SEEDS):
        cases = [(row["drift"], row["size"]) for row in rows if row["seed"] == seed]
        assert len(cases) == len(set(cases))
        assert {drift for drift, _ in cases} == {NONE, *KINDS}
        assert {c for c in CASES if c[0] != NONE} <= set(cases)
        for drift, (_, sizes) in SIZES.items():
            assert {(drift, size) for size in sizes} <= set(cases)
    for row in rows:
        assert row["lost_low"] <= row["lost_points"] <= row["lost_high"]
        assert all(x is not None and x == x for x in row.values())
    costs = {}
    for row in rows:  # what is lost is counted on all clips: the seed draws only what is seen
        costs.setdefault((row["drift"], row["size"]), set()).add(row["lost_points"])
    assert all(len(found) == 1 for found in costs.values())


def test_every_detector_met_every_drift_in_the_record(record):
    rows = of(record, "hit")
    met = {(row["detector"], row["drift"], row["size"]) for row in rows}
    assert met == {(d.name, *case) for d in every_detector() for case in CASES}
    assert len(rows) == len(met)
    for row in rows:
        assert row["streams"] == bench.STREAMS
        assert row["caught_percent"] == 100 * row["caught"] / row["streams"]
        assert (row["delay_events"] is None) == (row["caught"] == 0)
        assert row["delay_events"] is None or 1 <= row["delay_events"] <= 2000


def test_streams_can_be_drawn_from_the_record(record):
    found = bench.unpacked(of(record, "pool"))
    assert len(set(words_of(found))) == 3
    assert found.newcomer not in found.users
    for drift, size in CASES:
        events = stream(found, drift, size, 300)
        assert events.height == 300
        assert events["drifted"].any() == (drift != NONE)
        assert not any(events[name].is_nan().any() for name in (*INPUTS, *OUTPUTS))
