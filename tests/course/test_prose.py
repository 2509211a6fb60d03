import pytest

from kit.course.prose import render, typed_numbers
from kit.errors import KitError
from kit.numbers import THIN


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It takes 22 hours.", ["22"]),
        ("It takes 22.2 h at 0.09 USD.", ["22.2", "0.09"]),
        ("about 80 000 s", ["80 000"]),
        ("up to 98 % and 5x", ["98", "5"]),
        ("- 3 items", ["3"]),
        ("(100)", ["100"]),
        ("| a | 12 |", ["12"]),
        ("# Heading with 7", ["7"]),
        ("-4 degrees", ["4"]),
    ],
)
def test_typed_numbers_are_found(text, found):
    assert typed_numbers(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "No numbers here.",
        "It takes {{gravity.transfer_time_s(1e6, 100)}} s.",
        "Call `sleep(10)` now.",
        "```\nx = 5\n```",
        "See [this](http://example.org/2024/1) and lesson 01, lab 02, Claim 5, task 3.",
        "An A100 with FP32, INT8, L1 and ResNet-50 on x86.",
        "1. first\n2. second",
        "Shannon 1948 and (Horowitz, 2014)",
        "<b style='width:10px'>x</b>",
    ],
)
def test_what_is_no_quantity_passes(text):
    assert typed_numbers(text) == []


def test_placeholders_are_computed():
    assert render("{{gravity.transfer_time_s(1e6, 100)}} s") == f"80{THIN}000 s"
    assert render("{{recomputed(1)['hours']|.1f}} h") == "22.2 h"
    assert render("{{value('egress')}} USD") == "0.09 USD"
    assert render("{{assume(4, 'our choice')}} nodes") == "4 nodes"
    assert render("{{points['a']}}", points={"a": 3}) == "3"


@pytest.mark.parametrize(
    "bad", ["{{nothing}}", "{{value('egres')}}", "{{1/0}}", "{{assume(4, '')}}", "{{open('x')}}"]
)
def test_a_placeholder_that_cannot_be_computed_stops_the_build(bad):
    with pytest.raises(KitError, match="cannot be computed"):
        render(bad)
