"""`kit bench drift`: both sides compute the same five values, and every row is measured."""

import json
import subprocess
import sys

import numpy as np
import pytest

from kit.bench import drift as bench
from kit.bench import recorded


def test_ours_and_the_loop_compute_the_same():
    windows = bench._windows(3, 400, seed=1)
    ours, theirs = bench.ours(*windows, 2), bench.loop(*windows, 3, 1)
    assert ours.shape == theirs.shape == (3, 5)
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-14)
    assert np.array_equal(bench.loop(*windows, 3, 2), theirs)


def test_the_command_measures_everything_in_one_run():
    command = [sys.executable, "-m", "kit", "bench", "drift", "--json", "--columns", "2",
               "--rows", "2000", "--rounds", "2"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["benchmark"] == "drift"
    assert {r["name"] for r in found["rows"]} == {"kit", bench.LOOP}
    for row in found["rows"]:
        assert 0 < row["low"] <= row["columns_per_s"] <= row["high"]
        assert row["ratio_low"] <= row["ratio_to_loop"] <= row["ratio_high"]
        assert row["largest_gap"] < 1e-12
    loop = next(r for r in found["rows"] if r["name"] == bench.LOOP and r["threads"] == 1)
    assert loop["ratio_to_loop"] == 1
    assert "2 columns, 2,000 rows" in bench.as_text(found)


def test_the_loops_tell_their_rate_on_few_columns(monkeypatch):
    monkeypatch.setattr(bench, "_FEW", 1)
    found = bench.drift(columns=3, rows=200, rounds=1)
    assert (found["columns"], found["loop_columns"]) == (3, 1)
    assert all(r["columns_per_s"] > 0 for r in found["rows"])


def test_a_kept_record_meets_the_target():
    """A kept record below the promised ratio must not be kept."""
    for record in recorded("drift"):
        best = max(r["ratio_to_loop"] for r in record["rows"] if r["name"] == "kit")
        assert best >= 3
