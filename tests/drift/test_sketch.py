"""Sketches: parts merge in any order to one sketch, and the stated error holds."""

import json
import math

import numpy as np
import polars as pl
import pytest
from helpers import code
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kit import drift
from kit.drift import Sketch, sketch_compare

REFERENCE = np.random.default_rng(0).normal(size=500)
values = st.lists(st.floats(-5, 5) | st.sampled_from([math.nan, math.inf, -math.inf]), max_size=40)


def of(*parts, bins=20):
    """A sketch of the current window, with the edges of REFERENCE."""
    made = Sketch.of(REFERENCE, bins).empty()
    for part in parts:
        made = made.add(part)
    return made


@settings(max_examples=60, deadline=None)
@given(values, values, values)
def test_merging_is_associative_and_commutative_and_loses_nothing(a, b, c):
    x, y, z = of(a), of(b), of(c)
    assert (x + y) + z == x + (y + z)
    assert x + y == y + x
    assert x + of() == x
    assert x + y + z == of(a + b + c) == of(a, b, c)
    whole = x + y + z
    assert whole.n + whole.nulls + whole.infinite == len(a + b + c)
    finite = [v for v in a + b + c if math.isfinite(v)]
    assert whole.low == min(finite, default=None)
    assert whole.high == max(finite, default=None)


def test_the_reference_is_spread_evenly_and_nulls_are_apart():
    sketch = Sketch.of(pl.Series([*REFERENCE, None]), 20)
    assert set(sketch.counts) == {25}
    assert sketch.resolution == 0.05
    assert (sketch.n, sketch.nulls) == (500, 1)
    assert Sketch.of(REFERENCE, 20).empty().resolution == 0


def test_a_sketch_does_not_grow_with_rows():
    small, large = of(REFERENCE), of(*[REFERENCE] * 50)
    assert small.counts.nbytes == large.counts.nbytes
    assert len(large.to_json()) < 1.2 * len(small.to_json())


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.floats(-50, 50) | st.sampled_from(list(REFERENCE[:5])), min_size=1, max_size=60),
    st.integers(2, 40),
)
def test_the_truth_lies_in_the_stated_error(current, bins):
    """Of K-S and Wasserstein of the full columns, whatever the current window holds."""
    a, b = Sketch.of(REFERENCE, bins), of(current, bins=bins)
    found = sketch_compare(a, b)
    truth = stats.ks_2samp(REFERENCE, current).statistic
    ks = found["ks"]
    assert ks.low - 1e-12 <= truth <= ks.high + 1e-12
    assert ks.high - ks.low <= max(a.resolution, b.resolution) + 1e-12
    truth, w1 = stats.wasserstein_distance(REFERENCE, current), found["wasserstein"]
    assert w1.low - 1e-9 <= truth <= w1.high + 1e-9
    assert w1.low - 1e-9 <= w1.value <= w1.high + 1e-9


def test_functions_may_meet_inside_a_bin():
    """At both edges one is ahead by 0.2; between them, where the other jumps early, by nothing."""
    edges = np.array([1.0, 2.0])
    empty = Sketch(edges, np.zeros(3, np.int64))
    a, b = [1.0] * 2 + [2.0] * 8, [0.5] * 2 + [1.999] * 2 + [2.0] * 6
    found = sketch_compare(empty.add(a), empty.add(b))["wasserstein"]
    assert found.low <= stats.wasserstein_distance(a, b) <= found.high


def test_no_area_is_seen_where_no_row_lies():
    a, b = of([5.0, 5.5]), of([5.5, 6.0])
    found = sketch_compare(a, b)["wasserstein"]
    assert (found.low, found.high) == (0, 1)


def test_more_bins_come_nearer():
    current = np.random.default_rng(1).normal(0.3, 1.2, 4000)
    truth = stats.wasserstein_distance(REFERENCE, current)
    widths = []
    for bins in (10, 100, 400):
        found = sketch_compare(Sketch.of(REFERENCE, bins), of(current, bins=bins))["wasserstein"]
        widths.append(found.high - found.low)
        assert found.value == pytest.approx(truth, abs=0.3 * widths[-1])
    assert widths[0] > 3 * widths[1] > 3 * widths[2]


def test_lines_that_cross_inside_a_bin():
    """Triangles by hand."""
    f, g = np.array([0, 0.5, 1.0]), np.array([0, 0.75, 1.0])
    assert area(f, g, np.array([0.0, 1.0, 2.0])) == pytest.approx(0.25)
    f, g = np.array([0, 0.2, 0.6, 1]), np.array([0, 0.4, 0.4, 1])
    assert area(f, g, np.arange(4.0)) == pytest.approx(0.1 + 0.1 + 0.1)


def area(f, g, at):
    from kit.drift.sketch import _wasserstein

    return _wasserstein(f, g, at).value


def test_divergences_are_those_of_the_columns():
    current = np.random.default_rng(2).normal(0.3, 1, 700)
    found = sketch_compare(Sketch.of(REFERENCE, 10), of(current, bins=10))
    assert found["psi"] == drift.psi(REFERENCE, current, 10)
    assert found["js"] == drift.jensen_shannon(REFERENCE, current, 10)
    assert found["kl"] == drift.kl(REFERENCE, current, 10)


def test_chunks_of_many_workers_through_json():
    rng = np.random.default_rng(3)
    chunks = np.array_split(rng.normal(size=3000).astype(np.float32), 7)
    parts = [Sketch.from_json(of(chunk).to_json()) for chunk in chunks]
    total = parts[3]
    for part in parts[4:] + parts[:3]:
        total = part + total
    assert total == of(np.concatenate(chunks))
    assert of() == Sketch.from_json(of().to_json())


def test_a_frequent_value_keeps_its_own_bin():
    often = np.concatenate([np.zeros(300), REFERENCE])
    sketch = Sketch.of(often, 20)
    assert sketch.resolution == 300 / 800
    moved = sketch.empty().add(np.concatenate([np.full(300, 1e-9), REFERENCE]))
    found = sketch_compare(sketch, moved)["ks"]
    truth = stats.ks_2samp(often, np.concatenate([np.full(300, 1e-9), REFERENCE])).statistic
    assert found.value == pytest.approx(truth)


def test_what_does_not_fit_is_refused():
    a = of(REFERENCE)
    assert code(a.merge, Sketch.of(REFERENCE, 10)) == "edges"
    assert code(sketch_compare, a, of(bins=30)) == "edges"
    assert code(sketch_compare, a, of()) == "empty"
    assert code(Sketch.of, [math.nan]) == "empty"
    assert code(Sketch.of, [1, math.inf]) == "infinite"
    with pytest.raises(TypeError):
        hash(a)
    good = json.loads(a.to_json())
    for bad in ({"format": 2}, {"counts": [1]}, {"edges": good["edges"][::-1]}, {"low": None},
                {"counts": [-1, *good["counts"][1:]]}, {"more": 1}):  # fmt: skip
        assert code(Sketch.from_json, json.dumps(good | bad)) == "sketch-file", bad
    assert code(Sketch.from_json, "no") == "sketch-file"
