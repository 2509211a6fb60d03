"""Between measured mixes nothing jumps, on them nothing is lost, beyond them nothing is said."""

import itertools

import numpy as np
import polars as pl
import pytest

from kit.errors import KitError
from kit.kws.mixing import accuracy_at

REAL, MADE = (0, 25, 100, 1000), (0, 100, 1500)


def grid_of(real=REAL, made=MADE, empty=False):
    """Accuracy rises with both counts; the interval is 0.04 below and 0.02 above."""
    rows = [
        (r, s, 0.3 + 0.09 * np.log10(1 + r) + 0.05 * np.log10(1 + s))
        for r, s in itertools.product(real, made)
        if r + s or empty
    ]
    table = pl.DataFrame(rows, ["real", "synthetic", "accuracy"], orient="row")
    return table.with_columns(low=pl.col("accuracy") - 0.04, high=pl.col("accuracy") + 0.02)


@pytest.mark.parametrize("empty", [False, True])
def test_exact_where_a_mix_was_measured(empty):
    grid = grid_of(empty=empty)
    found = accuracy_at(grid.sample(fraction=1, shuffle=True, seed=1), grid["real"],
                        grid["synthetic"])  # fmt: skip
    assert found["inside"].all()
    for name in ("accuracy", "low", "high"):
        assert found[name].to_numpy() == pytest.approx(grid[name].to_numpy(), abs=1e-12)


def test_linear_in_the_logarithm_of_one_more_along_an_edge_and_bilinear_inside():
    grid = grid_of(empty=True).with_columns(
        accuracy=pl.when((pl.col("real") == 25) & (pl.col("synthetic") == 100))
        .then(pl.lit(0.9)).otherwise(pl.lit(0.5)), low=pl.lit(0.1), high=pl.lit(1.0))  # fmt: skip
    half = [np.expm1(np.log1p(n) / 2) for n in (25, 100)]
    assert accuracy_at(grid, half[0], 100)["accuracy"][0] == pytest.approx(0.7)
    assert accuracy_at(grid, half[0], half[1])["accuracy"][0] == pytest.approx(0.6)
    assert accuracy_at(grid, half[0], 0)["accuracy"][0] == pytest.approx(0.5)


@pytest.mark.parametrize("empty", [False, True])
def test_monotone_and_without_a_jump_where_the_mixes_are(empty):
    grid = grid_of(empty=empty)
    counts = np.expm1(np.linspace(0, np.log1p(2000), 400))
    for other in (0, 3, 60, 400, 3000):
        for mix in ((counts, np.full(400, other)), (np.full(400, other), counts)):
            found = accuracy_at(grid, *mix)
            inside = found.filter("inside")["accuracy"].to_numpy()
            assert (np.diff(inside) >= -1e-12).all()
            assert np.abs(np.diff(found["accuracy"].to_numpy())).max() < 0.01
            assert (found["low"] <= found["accuracy"]).all()
            assert (found["accuracy"] <= found["high"]).all()


def test_beyond_the_grid_the_edge_counts_and_is_marked():
    grid = grid_of()
    found = accuracy_at(grid, [5000, 1000, 1001, 5000], [1500, 1501, 30, 9e6])
    assert found["inside"].to_list() == [False] * 4
    edge = accuracy_at(grid, [1000, 1000, 1000, 1000], [1500, 1500, 30, 1500])
    assert edge["inside"].all()
    assert found["accuracy"].to_list() == edge["accuracy"].to_list()
    assert found["real"].to_list() == [5000, 1000, 1001, 5000]


def test_near_no_clip_at_all_nothing_is_known():
    grid = grid_of()
    by = {(r, s): a for r, s, a, *_ in grid.iter_rows()}
    found = accuracy_at(grid, [0, 24, 0, 0, 24], [0, 0, 99, 100, 50])
    assert found["inside"].to_list() == [False, False, False, True, True]
    assert found["accuracy"][0] == pytest.approx((by[25, 0] + by[0, 100]) / 2)
    assert found["accuracy"][1] == pytest.approx(by[25, 0], abs=1e-3)
    assert found["accuracy"][2] == pytest.approx(by[0, 100], abs=1e-3)
    whole = accuracy_at(grid_of(empty=True), [0, 24], [0, 0])
    assert whole["inside"].all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda g: g.drop("low"), "no table of mixes"),
        (lambda g: g.to_dicts(), "no table of mixes"),
        (lambda g: g.clear(), "too few"),
        (lambda g: g.filter(real=25), "too few"),
        (lambda g: pl.concat([g, g.head(1)]), "comes twice"),
        (lambda g: g.filter((pl.col("real") != 25) | (pl.col("synthetic") != 100)),
         "25 real and 100 synthetic"),
        (lambda g: g.with_columns(accuracy=pl.lit(float("nan"))), "accuracy is not possible"),
        (lambda g: g.with_columns(accuracy=100 * pl.col("accuracy")), "0 to 1"),
        (lambda g: g.with_columns(real=-pl.col("real")), "real is not possible"),
        (lambda g: g.with_columns(real=pl.lit("many")), "real is not a number"),
    ],
)  # fmt: skip
def test_what_is_no_grid_is_refused(change, text):
    with pytest.raises(KitError, match=text):
        accuracy_at(change(grid_of()), 10, 10)


@pytest.mark.parametrize("mix", [(-1, 5), (float("nan"), 5), ([1, 2], [3]), ("few", 1), ([], [[]])])
def test_what_is_no_mix_is_refused(mix):
    with pytest.raises(KitError):
        accuracy_at(grid_of(), *mix)
