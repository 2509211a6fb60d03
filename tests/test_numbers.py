import pytest

from kit.numbers import THIN, Shown, shown, significant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1234567, f"1{THIN}234{THIN}567"), (0.012345, "0.0123"), (9.995, "9.99"),
        (22.0, "22.0"), (99.96, "100.0"), (1e-5, "1.00e-05"), (-3.14159, "-3.14"),
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


def test_shown_in_format_strings():
    assert f"{Shown(90_000)}" == f"90{THIN}000"
    assert f"{Shown(2020.4):,.0f}" == f"2{THIN}020"
