import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import gravity
from kit.errors import KitError


def test_ladder_is_on_one_unit():
    ladder = gravity.energy_ladder()
    per_bit = dict(zip(ladder["level"], ladder["pj_per_bit"], strict=True))
    assert per_bit["DRAM"] == 640 / 32
    assert per_bit["local SSD"] == 10_000
    assert per_bit["data-centre network"] == 50_000
    assert per_bit["INT8 multiply"] == 0.2 / 8
    assert (ladder["pj_per_word"] == ladder["pj_per_bit"] * 32).all()


def test_ssd_costs_500_times_dram_per_bit():
    per_bit = gravity.energy_ladder("DRAM").filter(pl.col("level") == "local SSD")["ratio"][0]
    assert per_bit == 500


def test_ratios_do_not_depend_on_bit_or_word():
    ladder = gravity.energy_ladder("FP32 add")
    base = ladder.filter(pl.col("level") == "FP32 add")
    assert np.allclose(ladder["pj_per_word"] / base["pj_per_word"][0], ladder["ratio"])


def test_movement_energy():
    # a gigabyte has 8e9 bits; at 50 000 pJ a bit that is 400 J
    assert gravity.movement_energy_j(1, "data-centre network") == pytest.approx(400)
    assert gravity.movement_energy_j([0, 2], "DRAM") == pytest.approx([0, 0.32])
    with pytest.raises(KitError, match="DRAM"):
        gravity.movement_energy_j(1, "floppy disk")


@given(st.floats(0, 1), st.integers(2, 10_000))
def test_amdahl_lies_between_one_and_the_number_of_workers(serial, workers):
    speedup = gravity.amdahl_speedup(serial, workers)
    assert 1 - 1e-9 <= speedup <= workers + 1e-9
    assert gravity.serial_share(speedup, workers) == pytest.approx(serial, abs=1e-6)


def test_amdahl_at_the_chapter_s_point():
    assert gravity.amdahl_speedup(0, 64) == 64
    assert gravity.serial_share(10, 64) == pytest.approx(0.0857, abs=1e-4)


def test_one_worker_has_no_serial_share():
    with pytest.raises(KitError, match="workers"):
        gravity.serial_share(1, 1)


def test_the_tax_does_not_depend_on_the_volume():
    small = gravity.coordination_tax(1, 100, 10, 200)
    assert small == pytest.approx(gravity.coordination_tax(1e6, 100, 10, 200))
    assert small == pytest.approx(100 * (200 / 10 + 1))


def test_a_round_trip_eats_the_gain_of_small_data():
    assert gravity.coordination_tax(1e-6, 100, 10, 200, round_trip_s=1.0) < 1
