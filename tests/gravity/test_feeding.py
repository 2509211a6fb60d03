import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import gravity
from kit.claims.gravity import inference_need_gbs, training_need_gbs


def test_both_settings_of_the_chapter():
    assert gravity.device_rate(312, 4.1) == pytest.approx(76_098, abs=1)
    assert gravity.device_rate(312, 12.3) == pytest.approx(25_366, abs=1)
    assert inference_need_gbs() == pytest.approx(45.82, abs=0.01)
    assert training_need_gbs() == pytest.approx(3.805, abs=0.001)
    # a third of the work, 4.01 times the bytes
    assert inference_need_gbs() / training_need_gbs() == pytest.approx(3 * 602_112 / 150_000)


@given(st.floats(0.01, 100), st.floats(0, 100))
def test_the_tax_is_a_share_and_zero_when_fed(need, given_rate):
    tax = gravity.feeding_tax(need, given_rate)
    assert 0 <= tax <= 1
    assert (tax == 0) == (given_rate >= need)


def test_streams_are_rounded_up_but_not_by_binary_dust():
    assert gravity.streams_needed(3.8, 0.1) == 38
    assert gravity.streams_needed(3.81, 0.1) == 39
    assert gravity.streams_needed(0, 0.1) == 0


def test_workers_and_loader_agree():
    workers = gravity.workers_needed(3000, 250)
    assert workers == 12
    assert gravity.loader_rate(workers, 250) >= 3000 > gravity.loader_rate(workers - 1, 250)
    assert gravity.loader_rate(20, 250, disk_limit=3500) == 3500
    assert gravity.workers_needed(1, 250) == 1


def test_epoch_time_adds_its_terms():
    assert gravity.epoch_time_s(1000, 1e6, 1.0) == pytest.approx(1.0)
    assert gravity.epoch_time_s(1000, 1e6, np.inf, open_s=0.002, decode_s=0.001) == pytest.approx(3)
    assert gravity.epoch_time_s(0, 1e6, 1.0) == 0


def test_a_light_model_is_hungrier_than_a_heavy_one():
    light, heavy = gravity.device_rate(312, 0.01), gravity.device_rate(312, 100)
    need = gravity.required_rate_gbs([light, heavy], 32_000)
    assert need[0] > 1000 * need[1]
