import numpy as np
import polars as pl
import pytest

from kit.errors import KitError
from kit.quantities import quantity, vectorised


def test_message_says_what_found_allowed_and_remedy():
    error = KitError("the port is wrong", found=-1, allowed="1 to 65535", remedy="choose another")
    assert str(error) == ("the port is wrong: found -1. Allowed: 1 to 65535. Choose another.")


def test_long_values_are_cut():
    assert len(str(KitError("x", found="y" * 1000))) < 200


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("positive", [1e-300, 1, 1e300], [0, -1, np.nan, np.inf, -np.inf]),
        ("nonnegative", [0, 2.5], [-1e-9, np.nan, np.inf]),
        ("fraction", [0.1, 1], [0, 1.01, np.nan]),
        ("share", [0, 0.5, 1], [-0.1, 1.1, np.nan]),
        ("count", [1, 2.0, 64], [0, 1.5, -3, np.nan, np.inf]),
        ("several", [2, 64], [1, 2.5]),
    ],
)
def test_rules(rule, good, bad):
    assert quantity("x", good, rule).tolist() == [float(g) for g in good]
    for value in bad:
        with pytest.raises(KitError, match="^x is not possible: found"):
            quantity("x", value, rule)


@pytest.mark.parametrize("value", ["12", None, [1, None], [[1], [1, 2]], True, 1j, object(), {}])
def test_what_is_not_a_number_is_refused(value):
    with pytest.raises(KitError, match="^speed is not a number"):
        quantity("speed", value, "positive")


def test_infinity_is_allowed_only_where_named():
    assert quantity("limit", np.inf, "positive", unlimited=True) == np.inf
    with pytest.raises(KitError):
        quantity("limit", -np.inf, "positive", unlimited=True)


@vectorised(a="positive", b="positive")
def ratio(a, b=2.0):
    return a / b


def test_the_kind_of_the_input_comes_back():
    assert type(ratio(1)) is float
    assert isinstance(ratio([1, 2]), np.ndarray)
    column = ratio(pl.Series("volume", [1, 2]))
    assert isinstance(column, pl.Series)
    assert column.to_list() == [0.5, 1.0]
    assert ratio(np.ones((2, 3)), np.ones(3)).shape == (2, 3)
    assert ratio([], 1).size == 0


def test_columns_of_different_length_are_refused():
    with pytest.raises(KitError, match="differ in length"):
        ratio([1, 2, 3], [1, 2])


def test_a_null_in_a_column_is_refused():
    with pytest.raises(KitError, match="a is not possible"):
        ratio(pl.Series([1.0, None]))
