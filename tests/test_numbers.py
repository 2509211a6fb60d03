import pytest

from kit.numbers import THIN, Shown, heading, human_time, plural, shown, si, significant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1234567, f"1{THIN}234{THIN}567"), (0.012345, "0.0123"), (9.995, "9.99"),
        (22.0, "22.0"), (99.96, "100.0"), (1e-6, "1.00e-06"), (4e-4, "0.000400"),
        (-3.14159, "-3.14"),
        (float("nan"), "nan"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_significant(value, text):
    assert significant(value) == text


def test_shown_drops_filling_zeros_only():
    assert shown(22.0) == "22"
    assert shown(20) == "20"
    assert shown(100) == "100"
    assert shown(0.5) == "0.5"
    assert shown(22500) == f"22{THIN}500"


def test_si_and_plural():
    assert si(4e9, "J") == "4 GJ"
    assert si(160, "J") == "160 J"
    assert si(0.02, "J") == "20 mJ"
    assert plural(1, "worker") == "1 worker"
    assert plural(2, "worker") == "2 workers"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (90, "1.5 min"),
        (2.0, "2 s"),
        (172_800, "2 d"),
        (3.2e7, "1 y"),
        (5e-3, "5 ms"),
        (2e-6, "2 µs"),
    ],
)
def test_human_time(seconds, text):
    assert human_time(seconds) == text


def test_headings_carry_units():
    assert heading("move_usd") == "move (USD)"
    assert heading("storage_gbs") == "storage (GB/s)"
    assert heading("clips_per_s") == "clips (1/s)"
    assert heading("layout") == "layout"


def test_shown_in_format_strings():
    assert f"{Shown(90_000)}" == f"90{THIN}000"
    assert f"{Shown(2020.4):,.0f}" == f"2{THIN}020"
