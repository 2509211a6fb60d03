"""Drift statistics: held to SciPy and to closed forms; odd windows get a stated result."""

import math
import warnings

import numpy as np
import polars as pl
import pytest
from helpers import code
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from kit import drift
from kit.drift import categories, numeric
from kit.drift.divergence import bias, divergence
from kit.drift.table import INTERVAL

few_values = st.lists(st.integers(-3, 3), min_size=1, max_size=30)
any_values = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30)


@settings(max_examples=80, deadline=None)
@given(few_values | any_values, few_values | any_values)
def test_ks_and_wasserstein_are_scipys(a, b):
    a, b = np.array(a, float), np.array(b, float)
    with warnings.catch_warnings(record=True) as unsuccessful:  # theirs, where p is 1
        warnings.simplefilter("always")
        theirs = stats.ks_2samp(a, b, method="exact")
    ours = drift.ks(a, b)
    assert ours.value == pytest.approx(theirs.statistic, abs=1e-12)
    if unsuccessful:
        assert ours.p == pytest.approx(1, abs=1e-12)
    else:
        assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-12)
    wanted = stats.wasserstein_distance(a, b)
    assert drift.wasserstein(a, b).value == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(900, 1000), (3000, 2000), (40_000, 90_000)])
@pytest.mark.parametrize("shift", [0.0, 0.15])
def test_larger_windows_are_scipys_too(n, m, shift):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=n), rng.normal(shift, size=m)
    method = "exact" if n * m <= numeric.EXACT else "asymp"
    ours, theirs = drift.ks(a, b), stats.ks_2samp(a, b, method=method)
    assert ours.value == pytest.approx(theirs.statistic, abs=1e-12)
    if theirs.pvalue > 1e-8:
        assert ours.p == pytest.approx(theirs.pvalue, rel=1e-8)
    else:
        assert ours.p == pytest.approx(theirs.pvalue, rel=0.9)
    wanted = stats.wasserstein_distance(a, b)
    assert drift.wasserstein(a, b).value == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("reach", [0.7, 1.2, 1.5, 2.5])
def test_p_of_many_rows_is_near_that_of_scipy(reach):
    n = 60_000
    gap = round(reach * math.sqrt(2 / n) * n * n)
    wanted = stats.kstwo.sf(gap / n**2, n // 2)
    assert numeric.ks_p(n, n, gap) == pytest.approx(wanted, rel=2e-3)


def test_small_tails_keep_their_digits():
    """Windows that do not overlap: one path of C(2n, n), times two."""
    assert numeric.ks_p(100, 100, 100 * 100) == pytest.approx(2 / math.comb(200, 100), rel=1e-12)


def test_one_sample_against_a_known_distribution():
    x = np.random.default_rng(1).normal(size=400)
    ours, theirs = drift.ks_against(x, stats.norm.cdf), stats.ks_1samp(x, stats.norm.cdf)
    assert ours.value == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert code(drift.ks_against, x, lambda v: v) == "not-share"


def test_closed_forms_of_shifts():
    """Uniforms moved by 0.3: D = 0.3. Normals moved by 0.3: W1 = 0.3."""
    at = (np.arange(20_000) + 0.5) / 20_000
    assert drift.ks(at, at + 0.3).value == pytest.approx(0.3, abs=1e-4)
    assert drift.wasserstein(at, at + 0.3).value == pytest.approx(0.3, abs=1e-12)
    normal = 2 * stats.norm.ppf(at)
    found = drift.wasserstein(normal, normal + 0.3)
    assert found.value == pytest.approx(0.3, abs=1e-12)
    assert found.effect == pytest.approx(0.15, abs=1e-4)


def test_divergences_of_known_shares():
    p, q = np.array([500, 300, 200]), np.array([400, 400, 200])
    a, b = p / 1000, q / 1000
    psi = 0.1 * math.log(0.5 / 0.4) + 0.1 * math.log(0.4 / 0.3)
    assert divergence("psi", p, q).value == pytest.approx(psi, rel=1e-12)
    assert divergence("kl", p, q).value == pytest.approx(stats.entropy(b, a), rel=1e-12)
    assert divergence("js", p, q).value == pytest.approx(jensenshannon(a, b) ** 2, rel=1e-12)
    assert divergence("js", [9, 0], [0, 9]).value == pytest.approx(math.log(2))


def test_an_empty_bin_gets_half_a_row_on_both_sides():
    found = divergence("psi", [10, 0], [5, 5])
    p, q = np.array([10.5, 0.5]) / 11, np.array([5.5, 5.5]) / 11
    assert found.value == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert "half a row" in found.note
    assert divergence("psi", [10, 0, 7], [10, 0, 7]).value == 0
    assert divergence("psi", [10, 0, 7], [10, 0, 7]).note == ""


@pytest.mark.parametrize("name", ["psi", "kl", "js"])
def test_the_bias_is_the_mean_without_drift_and_p_is_uniform(name):
    rng = np.random.default_rng(2)
    n, m, bins, draws = 500, 1000, 10, 400
    shares = np.full(bins, 1 / bins)
    found = [divergence(name, rng.multinomial(n, shares), rng.multinomial(m, shares))
             for _ in range(draws)]  # fmt: skip
    values = np.array([f.value for f in found])
    error = values.std() / math.sqrt(draws)
    assert values.mean() == pytest.approx(bias(name, n, m, bins), abs=4 * error)
    assert stats.kstest([f.p for f in found], "uniform").pvalue > 1e-3


@pytest.mark.parametrize("name", ["psi", "kl", "js"])
@pytest.mark.parametrize("change", [0.0, 0.1, 0.5])
def test_intervals_of_divergences_hold_the_truth(name, change):
    rng = np.random.default_rng(3)
    p = np.full(10, 0.1)
    q = p * (1 + change * np.linspace(-1, 1, 10))
    truth = divergence(name, p * 1e9, q * 1e9).value
    found = [divergence(name, rng.multinomial(2000, p), rng.multinomial(2000, q))
             for _ in range(300)]  # fmt: skip
    hits = np.mean([f.low <= truth <= f.high for f in found])
    assert hits > 0.95 - 4 * math.sqrt(0.05 * 0.95 / 300)
    # the effect is less biased than the value
    gaps = [abs(np.mean([x[i] for x in found]) - truth) for i in (0, 1)]
    assert gaps[1] < gaps[0]


@pytest.mark.parametrize("name", ["psi", "kl", "js"])
def test_the_error_of_a_divergence_is_that_of_the_delta_method(name):
    """Slopes by differences; windows that are equal by luck still have an error."""
    counts = np.array([[500, 300, 200], [200, 300, 400]])

    def value(shares):
        p, q = shares / shares.sum(1, keepdims=True)
        mix = (p + q) / 2
        js = (stats.entropy(p, mix) + stats.entropy(q, mix)) / 2
        return {"psi": ((q - p) * np.log(q / p)).sum(), "kl": stats.entropy(q, p), "js": js}[name]

    sizes = counts.sum(1)
    shares, slope = counts / sizes[:, None], np.zeros((2, 3))
    for at in np.ndindex(2, 3):
        step = np.zeros((2, 3))
        step[at] = 1e-6
        slope[at] = (value(shares + step) - value(shares - step)) / 2e-6
    spread = (shares * slope**2).sum(1) - (shares * slope).sum(1) ** 2
    half = stats.norm.ppf(0.975) * math.sqrt((spread / sizes).sum())
    found = divergence(name, *counts)
    assert found.effect == pytest.approx(found.value - bias(name, *sizes, 3))
    assert found.high - found.effect == pytest.approx(half, rel=1e-6)
    assert found.effect - found.low == pytest.approx(half, rel=1e-6)
    assert divergence(name, counts[0], counts[0]).high > 0


def test_intervals_of_ks_and_wasserstein_hold_the_truth():
    rng = np.random.default_rng(4)
    truth = {"ks": 2 * stats.norm.cdf(0.1) - 1, "wasserstein": 0.2}
    hits = dict.fromkeys(truth, 0)
    for _ in range(150):
        found = drift.compare(rng.normal(size=400), rng.normal(0.2, size=300),
                              statistics=list(truth), workers=1)  # fmt: skip
        for name, low, high in found.select("statistic", "low", "high").iter_rows():
            hits[name] += low <= truth[name] <= high
    assert min(hits.values()) >= 0.95 * 150 - 4 * math.sqrt(150 * 0.05 * 0.95)


def test_bins_are_quantiles_and_frequent_values_get_their_own():
    x = np.sort(np.random.default_rng(5).normal(size=1000))
    wanted = np.quantile(x, np.arange(1, 10) / 10)
    assert numeric.edges(x, 10) == pytest.approx(wanted, abs=1e-12)
    counts = numeric.counts(x, numeric.edges(x, 10))
    assert counts.sum() == 1000
    assert set(counts) == {100}
    many = np.sort(np.concatenate([np.zeros(500), x[x > 0][:300]]))
    assert 500 in numeric.counts(many, numeric.edges(many, 10))
    assert code(numeric.edges, x, 1) == code(numeric.edges, x, 2.5) == "not-several"


def test_a_constant_column_that_moves_up_or_down_is_found():
    for other in (4.0, 6.0):
        found = drift.psi(np.full(100, 5.0), np.full(100, other))
        assert found.value > 1
        assert drift.wasserstein(np.full(100, 5.0), np.full(100, other)).value == 1
    assert drift.psi(np.full(100, 5.0), np.full(50, 5.0)).value == 0


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16, np.float16])
def test_number_types_agree(kind):
    rng = np.random.default_rng(6)
    a, b = (rng.integers(0, 50, 300).astype(kind) for _ in range(2))
    ours, wanted = drift.ks(a, b), drift.ks(a.astype(float), b.astype(float))
    assert ours == wanted
    assert drift.psi(pl.Series(a), b.astype(float)) == drift.psi(a, b)
    assert "upper bound" in ours.note
    assert drift.ks(np.arange(9), np.arange(9) + 0.5).note == ""


def test_nulls_infinities_and_wrong_types_are_named():
    assert drift.ks(pl.Series([1.0, None, 2.0]), [1, 2, math.nan]).value == 0
    assert code(drift.ks, [1, math.inf], [1, 2]) == "infinite"
    assert code(drift.psi, [math.nan], [1, 2]) == "empty"
    assert code(drift.wasserstein, ["a"], [1, 2]) == "not-a-number"
    assert code(drift.kl, np.ones((2, 2)), [1, 2]) == "shape"
    assert code(divergence, "psi", [0, 0], [1, 2]) == "empty"
    assert code(divergence, "psi", [1], [1, 2]) == "shape"


def test_chi_square_is_scipys_and_its_interval_holds_the_truth():
    a, b = ["x"] * 40 + ["y"] * 60, ["x"] * 55 + ["y"] * 35 + ["z"] * 10
    found = drift.chi_square(a, b)
    wanted = stats.chi2_contingency([[40, 60, 0], [55, 35, 10]], correction=False)
    assert found.value == pytest.approx(wanted.statistic, rel=1e-12)
    assert found.p == pytest.approx(wanted.pvalue, rel=1e-9)
    assert found.effect == pytest.approx(stats.contingency.association([[40, 60, 0], [55, 35, 10]]))
    rng, hits = np.random.default_rng(7), 0
    truth = math.sqrt(0.05**2 / 0.45 + 0.05**2 / 0.55)  # V of shares 0.4 and 0.5
    for _ in range(100):
        low, high = drift.chi_square(rng.random(300) < 0.4, rng.random(300) < 0.5)[2:4]
        hits += low <= truth <= high
    assert hits >= 87


def test_new_categories_and_moved_shares_are_named():
    a, b = ["a"] * 50 + ["b"] * 50, ["a"] * 40 + ["b"] * 50 + ["c"] * 10
    new = drift.new_categories(a, b)
    assert (new.value, new.effect, new.note) == (1, 0.1, "c")
    assert new.low < 0.1 < new.high
    moved = drift.share_move(a, b)
    assert moved.value == pytest.approx(-0.2)
    assert moved.effect == pytest.approx(-0.1)
    assert "a: 50.0% to 40.0%, no share beyond 20%" in moved.note
    assert "moved more than 15%" in drift.share_move(a, b, 0.15).note
    table = [[50, 50], [40, 60]]
    wanted = stats.chi2_contingency(table, correction=False).pvalue * 2
    assert moved.p == pytest.approx(min(wanted, 1))
    assert drift.share_move(["a"], ["b"]).p is None
    assert drift.share_move(["a"], ["b"]).value == -1


def test_nulls_are_no_category():
    found = categories.counted([1.0, math.nan, 2.0], pl.Series([1, None, None]))
    assert found.names == ["1.0", "2.0"]
    assert (found.reference.tolist(), found.current.tolist()) == ([1, 1], [1, 0])
    assert found.nulls == (1, 2)
    assert code(drift.chi_square, [None], ["a"]) == "empty"
    assert code(categories.counted, [1, "a"], ["a"]) == "type"


def test_newcombes_interval_is_the_published_one():
    """Newcombe (1998), table II, case a, method 10: 56 of 70 less 48 of 80."""
    low, high = categories.difference((48, 56), (80, 70))
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_entropy_of_confidences():
    p = np.array([[0.5, 0.25, 0.25], [1, 0, 0], [1 / 3] * 3])
    found = drift.confidence_entropy(p)
    assert found.value == pytest.approx(np.mean(stats.entropy(p.T, base=2)))
    assert found.effect == pytest.approx(found.value / math.log2(3))
    assert 0 <= found.low < found.effect < found.high <= 1
    assert drift.confidence_entropy([0.5, 0.5]).value == 1
    assert drift.confidence_entropy([0.9]).low is None
    assert code(drift.confidence_entropy, [1.2]) == "not-share"
    assert code(drift.confidence_entropy, [[0.5, 0.2]]) == "not-share"
    assert code(drift.confidence_entropy, np.zeros((0, 2))) == "empty"


def test_kappa_and_its_error():
    first = ["y"] * 25 + ["n"] * 25
    second = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    found = drift.kappa(first, second)
    assert found.value == pytest.approx(0.4)
    assert found.note.startswith("fair")
    assert drift.kappa(["a", "b"], ["a", "b"]).value == 1
    assert code(drift.kappa, ["a", "a"], ["a", "a"]) == "one-category"
    assert code(drift.kappa, ["a"], ["a", "b"]) == "shape"
    assert code(drift.kappa, ["a", None], ["a", "b"]) == "empty"


def test_the_error_of_kappa_is_that_of_the_delta_method():
    """Three labels; slopes of kappa by differences."""
    table = np.array([[40, 9, 3], [6, 25, 8], [2, 4, 30]])
    n = table.sum()

    def value(shares):
        chance = shares.sum(0) @ shares.sum(1)
        return (np.trace(shares) - chance) / (1 - chance)

    share, slope = table / n, np.zeros((3, 3))
    for at in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[at] = 1e-6
        slope[at] = (value(share + step) - value(share - step)) / 2e-6
    error = math.sqrt(((share * slope**2).sum() - (share * slope).sum() ** 2) / n)
    pairs = [at for at in np.ndindex(3, 3) for _ in range(table[at])]
    found = drift.kappa(*zip(*pairs, strict=True))
    assert found.value == pytest.approx(value(share))
    assert (found.high - found.low) / 2 == pytest.approx(stats.norm.ppf(0.975) * error, rel=1e-6)


def windows():
    """Every odd column at once, two windows."""
    rng = np.random.default_rng(9)
    reference = pl.DataFrame(
        {
            "x": rng.normal(size=100),
            "constant": np.ones(100),
            "gone": rng.normal(size=100),
            "endless": [math.inf, -math.inf, math.nan, *rng.normal(size=97)],
            "huge": [1.7e308, -1.7e308] * 50,
            "one": ["a"] * 100,
            "words": rng.choice(["a", "b"], 100),
            "empty": pl.Series([None] * 100, dtype=pl.String),
            "class": rng.integers(0, 3, 100),
            "money": pl.Series(rng.integers(0, 9, 100)).cast(pl.Decimal(10, 2)),
        }
    )
    current = reference.with_columns(
        constant=pl.lit(2.0), gone=pl.lit(None), huge=pl.lit(-1.7e308), words=pl.lit("c")
    )
    return reference, current


def test_odd_windows_give_a_typed_table_without_nan():
    table = drift.compare(*windows(), categories=["class"])
    kinds = dict(table.select("column", "kind").iter_rows())
    assert kinds["class"] == kinds["words"] == "category"
    assert kinds["money"] == "number"
    assert table.schema["value"] == pl.Float64
    assert table.schema["n_current"] == pl.Int64
    for name in ("value", "effect_size", "low", "high", "p_value"):
        assert table[name].is_finite().all(), name  # null counts as true, NaN does not
    mute = table.filter(pl.col("value").is_null())
    assert mute["note"].str.len_chars().min() > 5
    assert set(mute["column"]) == {"gone", "empty", "huge"}
    with_null = {r["column"]: r for r in table.filter(statistic="nulls").to_dicts()}
    assert with_null["gone"]["value"] == 1
    assert with_null["gone"]["p_value"] < 1e-9
    assert with_null["endless"]["value"] == 0.01
    assert with_null["endless"]["effect_size"] == 0
    assert "2 infinite" in table.filter(column="endless", statistic="ks")["note"].item()
    assert table.filter(column="gone", statistic="ks")["n_current"].item() == 0


def test_one_row_and_no_row():
    table = drift.compare({"x": [1.0], "c": ["a"]}, {"x": [3.0], "c": ["b"]})
    found = {(r["column"], r["statistic"]): r for r in table.to_dicts()}
    assert found["x", "ks"]["value"] == 1
    assert found["x", "ks"]["p_value"] == 1
    assert found["x", "psi"]["p_value"] is None
    assert found["c", "chi-square"]["p_value"] is None
    none = drift.compare({"x": np.zeros(0)}, {"x": [3.0]})
    assert none["value"].is_null().all()
    assert none["note"].str.contains("no values in the reference window").all()


def test_columns_that_are_missing_or_changed_are_refused():
    a, b = windows()
    assert code(drift.compare, a, b.drop("x")) == "missing-column"
    assert code(drift.compare, a, b, columns=["y"]) == "missing-column"
    assert code(drift.compare, a, b.with_columns(x=pl.lit("a"))) == "type"
    dates = pl.DataFrame({"d": pl.Series([0]).cast(pl.Date)})
    assert code(drift.compare, dates, dates) == "type"
    assert code(drift.compare, a, b, statistics=["psy"]) == "statistic"
    assert code(drift.compare, np.zeros((2, 2, 2)), a) == "shape"
    assert code(drift.compare, {"x": [1], "y": [1, 2]}, a) == "shape"
    assert code(drift.compare, a, b, certainty=95) == "not-fraction"


def test_every_window_a_person_may_hold_gives_the_same():
    rng = np.random.default_rng(10)
    a, b = rng.normal(size=(200, 2)), rng.normal(size=(150, 2))
    wanted = drift.compare(a, b)
    assert wanted["column"].unique(maintain_order=True).to_list() == ["0", "1"]
    assert wanted.equals(drift.compare(pl.DataFrame(a, ["0", "1"]), {"0": b[:, 0], "1": b[:, 1]}))
    one = drift.compare(a[:, 0], pl.Series("value", b[:, 0]), workers=1)
    assert one.drop("column").equals(wanted.filter(column="0").drop("column"))
    assert set(wanted["statistic"]) <= set(INTERVAL)


def test_at_a_million_rows_a_tiny_shift_is_sure_and_negligible():
    at = (np.arange(1_000_000) + 0.5) / 1_000_000
    a = stats.norm.ppf(at)
    found = {r["statistic"]: r for r in drift.compare(a, a + 0.01).to_dicts()}
    assert found["ks"]["p_value"] < 1e-6
    assert found["ks"]["effect_size"] < 0.005
    assert found["wasserstein"]["effect_size"] == pytest.approx(0.01, abs=1e-5)
    assert found["psi"]["value"] < 0.001
