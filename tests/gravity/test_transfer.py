import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import gravity
from kit.errors import KitError

POSITIVE = st.floats(1e-3, 1e6)


def test_a_petabyte_over_two_links():
    assert gravity.transfer_time_s(1e6, 100) == 80_000
    assert gravity.transfer_time_s(1e6, 10) / 86_400 == pytest.approx(9.259259, rel=1e-6)


def test_efficiency_and_streams():
    assert gravity.link_rate_gbs(100, efficiency=0.8) == 10
    assert gravity.link_rate_gbs(100, streams=4, stream_gbps=2) == 1
    assert gravity.link_rate_gbs(10, streams=40, stream_gbps=2) == 1.25
    assert gravity.transfer_time_s(1, 10, 0.5, 1, 2) == 4


@given(POSITIVE, POSITIVE, st.floats(0.1, 10))
def test_time_is_linear_in_volume_and_inverse_in_rate(volume, link, factor):
    base = gravity.transfer_time_s(volume, link)
    assert gravity.transfer_time_s(volume * factor, link) == pytest.approx(base * factor)
    assert gravity.transfer_time_s(volume, link * factor) == pytest.approx(base / factor)


def test_columns_in_columns_out():
    hours = gravity.transfer_time_s(pl.Series([0, 450]), 1.0) / 3600
    assert isinstance(hours, pl.Series)
    assert hours.to_list() == [0, 1]


@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE, POSITIVE, st.floats(0, 100), st.floats(0, 100))
def test_at_break_even_both_choices_cost_the_same(link, egress, wait, hours, extra, result, setup):
    terms = {"link_gbps": link, "usd_per_gb": egress, "wait_usd_per_h": wait, "compute_h": hours}
    volume = gravity.break_even_volume_gb(
        here_usd_per_h=1.0, there_usd_per_h=1.0 + extra, result_gb=result, setup_usd=setup, **terms
    )
    data = gravity.move_data_usd(volume, here_usd_per_h=1.0, **terms)
    code = gravity.move_code_usd(result, there_usd_per_h=1.0 + extra, setup_usd=setup, **terms)
    assert data == pytest.approx(code, rel=1e-9)


def test_break_even_at_the_edges():
    free = {"link_gbps": 1, "usd_per_gb": 0, "wait_usd_per_h": 0, "compute_h": 1}
    assert gravity.break_even_volume_gb(here_usd_per_h=1, there_usd_per_h=2, **free) == np.inf
    assert gravity.break_even_volume_gb(here_usd_per_h=2, there_usd_per_h=1, **free) == 0
    paid = free | {"usd_per_gb": 0.1, "compute_h": 1000}
    assert gravity.break_even_volume_gb(here_usd_per_h=2, there_usd_per_h=1, **paid) == 0


def test_the_chapter_s_rule_of_thumb():
    """Petabytes: the code moves; gigabytes: the data does."""
    terms = {"link_gbps": 100, "usd_per_gb": 0.09, "wait_usd_per_h": 4.0, "compute_h": 100}
    edge = gravity.break_even_volume_gb(here_usd_per_h=0, there_usd_per_h=4, **terms)
    assert 100 < edge < 1e6


@pytest.mark.parametrize(
    "call",
    [
        lambda x: gravity.transfer_time_s(x, 1),
        lambda x: gravity.transfer_time_s(1, x),
        lambda x: gravity.egress_cost_usd(x, 1),
        lambda x: gravity.egress_cost_usd(1, x),
        lambda x: gravity.link_rate_gbs(x),
        lambda x: gravity.device_rate(x, 1),
        lambda x: gravity.required_rate_gbs(1, x),
        lambda x: gravity.feeding_tax(x, 1),
        lambda x: gravity.streams_needed(1, x),
        lambda x: gravity.loader_rate(x, 1),
        lambda x: gravity.workers_needed(1, x),
        lambda x: gravity.epoch_time_s(1, 1, x),
        lambda x: gravity.amdahl_speedup(x, 2),
        lambda x: gravity.serial_share(x, 2),
        lambda x: gravity.coordination_tax(x, 2, 1, 1),
        lambda x: gravity.movement_energy_j(x, "DRAM"),
    ],
)
@pytest.mark.parametrize("bad", [-1, float("nan"), float("-inf"), "8", None, [1.0, float("nan")]])
def test_impossible_input_is_refused(call, bad):
    with pytest.raises(KitError, match="is not (possible|a number)"):
        call(bad)
