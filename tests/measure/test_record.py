import json

import numpy as np
import pytest

from kit.errors import KitError
from kit.measure import Measurement, measurement_table, time_runs


def test_median_and_spread():
    m = Measurement.of("rate", np.arange(101.0), "GB/s")
    assert (m.value, m.spread, m.runs) == (50, (10, 90), 101)


def test_it_cannot_be_printed_without_its_spread():
    text = str(Measurement.of("rate", [1.0, 2.0, 3.0], "GB/s", "a note"))
    assert text == "rate: 2.00 GB/s (1.20 to 2.80, 3 runs)  [a note]"


def test_it_knows_machine_commit_and_time():
    m = Measurement.of("rate", [1], "GB/s")
    assert "cores" in m.machine
    assert m.when.endswith("+00:00")
    assert json.loads(json.dumps(m.as_dict()))["spread"] == [1, 1]


@pytest.mark.parametrize("samples", [[], [float("nan")], [1.0, float("inf")]])
def test_no_runs_no_measurement(samples):
    with pytest.raises(KitError, match="no usable runs of rate"):
        Measurement.of("rate", samples, "GB/s")


def test_a_ratio_takes_the_worst_ends():
    top = Measurement("a", 10, "s", (8, 12), 5)
    low = Measurement("b", 2, "s", (1, 4), 3)
    ratio = top.over(low, "a over b")
    assert (ratio.value, ratio.spread, ratio.unit, ratio.runs) == (5, (2, 12), "x", 3)


def test_table_has_one_row_each():
    rows = [Measurement.of(n, [1.0, 2.0], "s") for n in "abc"]
    assert measurement_table(rows)["what"].to_list() == ["a", "b", "c"]
    assert measurement_table([]).height == 0


def test_time_runs_counts_and_warms():
    calls = []
    runs = time_runs(lambda: calls.append(1), seconds=0, warmup=2, at_least=4)
    assert len(runs) == 4
    assert len(calls) == 6
    assert len(time_runs(lambda: None, seconds=10, at_most=7)) == 7


def test_what_comes_before_a_run_is_not_timed():
    import time

    runs = time_runs(lambda: None, seconds=0, before=lambda: time.sleep(0.05))
    assert min(runs) < 0.05
