"""Alarms keep the false-alarm rate they state: by theory, by permutation, by simulation."""

import math

import numpy as np
import polars as pl
import pytest
from helpers import code
from scipy import stats

from kit import drift
from kit.drift import calibrate, numeric


def normals(n, m, shift=0.0):
    """A draw of two windows of n and m rows."""
    return lambda rng: (rng.normal(size=n), rng.normal(shift, size=m))


def d(a, b):
    """D alone, without p and interval."""
    from kit.drift.merged import merged

    return merged(np.sort(a), np.sort(b))[0] / (len(a) * len(b))


def psi_value(a, b):
    return numeric.numbers(np.sort(a), np.sort(b), ("psi",))["psi"].value


def test_the_critical_value_of_the_chapter_is_that_of_one_sample():
    """Claim 15: at n = 1000 the chapter says 0.043; two windows need 0.0608."""
    assert drift.threshold("ks", 1000) == pytest.approx(1.36 * math.sqrt(2 / 1000), rel=2e-3)
    assert drift.threshold("ks", 1000) == pytest.approx(0.0608, abs=1e-4)
    assert drift.threshold("ks-one", 1000) == pytest.approx(0.043, abs=1e-4)
    assert 0.05 < drift.threshold("ks", 1000) < 0.08  # D = 0.08 rejects, 0.05 does not


def test_false_alarms_of_both_critical_values():
    right, wrong = drift.threshold("ks", 1000), drift.threshold("ks-one", 1000)
    draw = normals(1000, 1000)
    kept = drift.false_alarm_rate(lambda a, b: d(a, b) > right, draw, 1500, 1, certainty=0.99)
    broken = drift.false_alarm_rate(lambda a, b: d(a, b) > wrong, draw, 1500, 1, certainty=0.99)
    # exact: D counts in thousandths, so the first that is above either
    truths = [numeric.ks_p(1000, 1000, steps * 1000) for steps in (61, 43)]
    assert truths == pytest.approx([0.0484, 0.3137], abs=1e-4)
    assert kept.low <= truths[0] <= kept.high < 0.07
    assert broken.low <= truths[1] <= broken.high


def test_one_sample_keeps_its_rate_against_a_known_distribution():
    limit = drift.threshold("ks-one", 1000)
    found = drift.false_alarm_rate(
        lambda x, _: drift.ks_against(x, stats.norm.cdf).value > limit,
        normals(1000, 1),
        600,
        certainty=0.99,
    )
    assert found.low <= 0.05 <= found.high


def test_psi_above_a_tenth_is_usual_without_drift_at_a_hundred_rows():
    """The mean alone, 9 (1/100 + 1/100) = 0.18, is above the chapter's 0.1."""
    found = drift.false_alarm_rate(lambda a, b: psi_value(a, b) > 0.1, normals(100, 100), 400)
    assert found.low > 0.8
    fair = drift.threshold("psi", 100)
    assert fair == pytest.approx(stats.chi2.isf(0.05, 9) * 0.02)
    large = drift.false_alarm_rate(lambda a, b: psi_value(a, b) > 0.1, normals(5000, 5000), 100)
    assert large.alarms == 0


@pytest.mark.parametrize("statistic", ["psi", "kl", "js"])
def test_thresholds_by_theory_keep_their_rate(statistic):
    limit = drift.threshold(statistic, 1000, 2000, rate=0.1)

    def detector(a, b):
        return numeric.numbers(np.sort(a), np.sort(b), (statistic,))[statistic].value > limit

    found = drift.false_alarm_rate(detector, normals(1000, 2000), 700, seed=2, certainty=0.99)
    assert found.low <= 0.1 <= found.high


def test_a_chi_square_threshold_keeps_its_rate():
    limit = drift.threshold("chi-square", 1, bins=4)
    shares = [0.4, 0.3, 0.2, 0.1]

    def alarm(a, b):
        return stats.chi2_contingency([a, b], correction=False).statistic > limit

    found = drift.false_alarm_rate(
        alarm, lambda rng: (rng.multinomial(500, shares), rng.multinomial(300, shares)), 1000,
        certainty=0.99,
    )  # fmt: skip
    assert found.low <= 0.05 <= found.high


def test_permutation_keeps_its_rate_where_theory_does_not_hold():
    """Ten rows, full of equal values: the rate is at most the wanted one."""

    def mean_gap(a, b):
        return abs(a.mean() - b.mean())

    def draw(rng):
        return rng.exponential(size=10).round(1), rng.exponential(size=8).round(1)

    def detector(a, b):
        return drift.permutation_p(mean_gap, a, b, 49, seed=3) <= 0.1

    found = drift.false_alarm_rate(detector, draw, 300, certainty=0.99)
    assert found.low <= 0.1 <= found.high


def test_permutation_p_counts_itself():
    a, b = np.zeros(6), np.ones(6)
    p = drift.permutation_p(lambda x, y: abs(x.mean() - y.mean()), a, b, draws=99, seed=0)
    assert 0.01 <= p <= 0.04
    assert drift.permutation_p(lambda x, y: 0.0, a, b, draws=99) == 1
    assert drift.permutation_p(lambda x, y: -1.0, a, b, draws=99) == 1
    assert p == drift.permutation_p(lambda x, y: abs(x.mean() - y.mean()), a, b, 99, 0)


def test_permutation_threshold_agrees_with_p_and_with_theory():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=300), rng.normal(size=300)
    limit = drift.permutation_threshold(d, a, b, rate=0.05, draws=999)
    assert limit == pytest.approx(drift.threshold("ks", 300), rel=0.1)

    def mean_gap(x, y):  # no two draws are equal
        return abs(x.mean() - y.mean())

    limit = drift.permutation_threshold(mean_gap, a, b)
    found = calibrate._permuted(mean_gap, a, b, 999, 0)
    assert (1 + (found > limit).sum()) / 1000 <= 0.05
    below = found[found < limit].max()
    assert (1 + (found > below).sum()) / 1000 > 0.05
    assert code(drift.permutation_threshold, d, a, b, 0.01, 98) == "few-draws"
    assert drift.permutation_threshold(d, a, b, 0.01, 99) > 0


def test_corrections_are_the_textbook_ones():
    p = [0.01, 0.04, 0.03, 0.5]
    assert drift.adjusted(p, "bonferroni") == pytest.approx([0.04, 0.16, 0.12, 1])
    assert drift.adjusted(p, "holm") == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert drift.adjusted(p, "bh") == pytest.approx(stats.false_discovery_control(p))
    assert drift.adjusted(p, "none") == pytest.approx(p)
    many = np.random.default_rng(5).random(200) ** 3
    assert drift.adjusted(many) == pytest.approx(stats.false_discovery_control(many))
    gaps = drift.adjusted([0.01, None, 0.02], "bonferroni")
    assert gaps[[0, 2]] == pytest.approx([0.02, 0.04])
    assert math.isnan(gaps[1])
    assert code(drift.adjusted, p, "lucky") == "method"
    assert code(drift.adjusted, [1.5]) == "not-share"


def test_forty_columns_at_five_percent_cry_wolf():
    assert drift.family_rate(0.05, 40) == pytest.approx(0.8715, abs=1e-4)
    assert drift.family_rate(0.05 / 40, 40) == pytest.approx(0.0488, abs=1e-4)
    assert drift.family_rate(1, 3) == pytest.approx(1)
    assert drift.family_rate(1e-18, 2) == pytest.approx(2e-18)


@pytest.mark.parametrize(("method", "wanted"), [("none", 1 - 0.95**40), ("holm", 0.05)])
def test_the_family_rate_is_met_by_simulation(method, wanted):
    def detector(p, _):
        return (drift.adjusted(p, method) <= 0.05).any()

    found = drift.false_alarm_rate(detector, lambda rng: (rng.random(40), None), 1500, seed=6,
                                   certainty=0.99)  # fmt: skip
    assert found.low <= wanted <= found.high


def test_benjamini_hochberg_keeps_the_share_of_false_alarms():
    rng, shares = np.random.default_rng(7), []
    for _ in range(400):
        p = np.concatenate([rng.random(30), stats.norm.sf(rng.normal(3, 1, 10))])
        called = drift.adjusted(p, "bh") <= 0.2
        shares.append(called[:30].sum() / max(called.sum(), 1))
    error = np.std(shares) / 20
    assert np.mean(shares) == pytest.approx(0.2 * 30 / 40, abs=4 * error)


def test_alarms_of_a_table():
    rng = np.random.default_rng(8)
    a = pl.DataFrame(rng.normal(size=(2000, 6)), [f"x{i}" for i in range(6)])
    b = a.with_columns(x0=pl.col("x0") + 0.3, x1=pl.col("x1") + 0.12, x5=pl.lit(None))
    table = drift.compare(a, b, workers=1)
    found = drift.alarms(table)
    assert found["column"].to_list() == a.columns
    assert found["alarm"].to_list() == [True, True, False, False, False, True]  # x5 is gone
    assert (found["p_adjusted"] >= found["p_value"]).drop_nulls().all()
    only = drift.alarms(table, method="bonferroni", least_effect=0.1)
    assert only["alarm"].to_list()[:3] == [True, False, False]
    assert code(drift.alarms, table, rate=0) == "not-fraction"
    assert drift.alarms(table, statistics="ks").equals(drift.alarms(table, statistics=("ks",)))
    assert code(drift.alarms, table, statistics=("kss",)) == "statistic"
    assert code(drift.alarms, pl.DataFrame({"a": [1]})) == "missing-column"


def test_a_rare_category_does_not_silence_the_column():
    """Its cells expect too few rows for a p of their own."""
    a, b = ["a"] * 5000 + ["b"] * 5000 + ["typo"], ["a"] * 9000 + ["b"] * 1000
    found = drift.chi_square(a, b)
    plain = stats.chi2_contingency([[5000, 5001], [9000, 1000]], correction=False)
    assert found.p == pytest.approx(plain.pvalue)
    assert found.value == pytest.approx(
        stats.chi2_contingency([[5000, 5000, 1], [9000, 1000, 0]]).statistic)  # fmt: skip
    assert "rare" in found.note
    assert drift.share_move(a, b).note.startswith("a: 50.0% to 90.0%")
    assert drift.chi_square(["a", "b"], ["c", "d"]).p is None


@pytest.mark.parametrize("statistic", ["psi", "chi-square"])
def test_sample_sizes_reach_their_power(statistic):
    q = np.full(10, 0.1) * (1 + 0.3 * np.linspace(-1, 1, 10))
    p = np.full(10, 0.1)
    psi = float(((q - p) * np.log(q / p)).sum())
    mix = (p + q) / 2
    v = math.sqrt((((p - mix) ** 2 + (q - mix) ** 2) / mix).sum() / 2)
    n = drift.sample_size(statistic, psi if statistic == "psi" else v, power=0.8)
    limit = drift.threshold(statistic, n)
    from kit.drift.divergence import divergence

    def detector(a, b):
        if statistic == "psi":
            return divergence("psi", a, b).value > limit
        return stats.chi2_contingency([a, b], correction=False).statistic > limit

    found = drift.false_alarm_rate(detector, lambda rng: (rng.multinomial(n, p),
                                   rng.multinomial(n, q)), 700, certainty=0.99)  # fmt: skip
    assert found.low - 0.01 <= 0.8 <= found.high + 0.01


def test_the_sample_size_of_ks_is_enough_for_the_hardest_change():
    """That moves all mass across one point; a shift with the same D is found more often."""
    effect = 2 * stats.norm.cdf(0.15) - 1  # D of a shift by 0.3
    n = drift.sample_size("ks", effect, power=0.8)
    limit = drift.threshold("ks", n)

    def hardest(rng):
        b = rng.random(n)
        return rng.random(n), np.where((b > 0.5) & (b < 0.5 + effect), 0.5, b)

    found = drift.false_alarm_rate(lambda a, b: d(a, b) > limit, hardest, 800, certainty=0.99)
    assert found.high > 0.8
    assert found.rate < 0.87
    shift = drift.false_alarm_rate(lambda a, b: d(a, b) > limit, normals(n, n, 0.3), 400)
    assert shift.low > found.rate
    assert drift.sample_size("ks", effect / 2) == pytest.approx(4 * n, abs=4)


def test_a_rate_has_an_interval_and_a_seed():
    def draw(rng):
        return rng.random(), 0

    found = drift.false_alarm_rate(lambda a, b: a < 0.05, draw, 200, seed=9)
    assert found == drift.false_alarm_rate(lambda a, b: a < 0.05, draw, 200, seed=9)
    assert found != drift.false_alarm_rate(lambda a, b: a < 0.05, draw, 200, seed=10)
    wanted = stats.binomtest(found.alarms, 200).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert code(drift.false_alarm_rate, lambda a, b: True, draw, 0) == "not-count"


def test_what_cannot_be_is_refused():
    assert code(drift.threshold, "psy", 100) == "statistic"
    assert code(drift.threshold, "ks", 0) == "not-count"
    assert code(drift.threshold, "psi", 100, bins=1) == "not-several"
    assert code(drift.threshold, "ks", 100, rate=0) == "not-fraction"
    assert code(drift.sample_size, "wasserstein", 0.1) == "statistic"
    assert code(drift.sample_size, "ks", 0.1, rate=0.9) == "power"
    assert code(drift.permutation_p, d, [1.0], [2.0], 0) == "not-count"


def found_above(limits, draw, windows, seed):
    """How often each statistic of two windows is above its limit: dict of name -> alarms."""
    alarms = dict.fromkeys(limits, 0)
    for child in np.random.SeedSequence(seed).spawn(windows):
        a, b = (np.sort(x) for x in draw(np.random.default_rng(child)))
        found = numeric.numbers(a, b, tuple(limits))
        for name, limit in limits.items():
            alarms[name] += found[name].value > limit
    return alarms


@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_simulated_thresholds_keep_a_small_rate_of_small_windows(law):
    """The limit for large windows does not, and no distribution is better off than another."""

    def draw(rng):
        return getattr(rng, law)(size=200), getattr(rng, law)(size=100)

    names = ("psi", "kl", "js")
    limits = {name: drift.simulated_threshold(name, 200, 100, 0.02) for name in names}
    fair = found_above(limits, draw, 2500, seed=11)
    for name in names:
        low, high = stats.binomtest(fair[name], 2500).proportion_ci(0.99)
        assert low <= 0.02 <= high, name
    theory = {name: drift.threshold(name, 200, 100, rate=0.02) for name in ("psi", "kl")}
    broken = found_above(theory, draw, 2500, seed=11)
    assert stats.binomtest(broken["psi"], 2500).proportion_ci(0.99).low > 0.02
    assert broken["psi"] > 1.3 * fair["psi"]


def test_simulated_thresholds_hold_where_bins_are_often_empty():
    names = ("psi", "kl", "js")
    limits = {name: drift.simulated_threshold(name, 100, 30, 0.1) for name in names}
    found = found_above(limits, normals(100, 30), 1200, seed=13)
    for name in names:
        low, high = stats.binomtest(found[name], 1200).proportion_ci(0.99)
        assert low <= 0.1 <= high, name


@pytest.mark.parametrize("statistic", ["psi", "kl", "js"])
@pytest.mark.parametrize("rate", [0.01, 0.2])
def test_simulated_thresholds_are_those_of_theory_for_large_windows(statistic, rate):
    for n, m in ((20_000, 20_000), (30_000, 10_000)):
        found = drift.simulated_threshold(statistic, n, m, rate)
        assert found == pytest.approx(drift.threshold(statistic, n, m, rate), rel=0.03)
    five = drift.simulated_threshold(statistic, 20_000, 20_000, rate, bins=5)
    assert five == pytest.approx(drift.threshold(statistic, 20_000, rate=rate, bins=5), rel=0.03)


def test_simulated_thresholds_follow_from_the_seed_and_fall_with_the_rate():
    found = [drift.simulated_threshold("psi", 50, 30, rate) for rate in (0.01, 0.05, 0.5)]
    assert found == sorted(found, reverse=True)
    calibrate.simulated_threshold.cache_clear()
    assert drift.simulated_threshold("psi", 50, 30, 0.05) == found[1]
    assert drift.simulated_threshold("psi", 50, 30, 0.05, seed=1) == pytest.approx(
        found[1], rel=0.02
    )
    for name in ("psi", "kl", "js"):  # a row or two: half rows fill the empty bins
        assert 0 < drift.simulated_threshold(name, 1, 1) < 10
    assert drift.simulated_threshold("js", 3, 2) <= math.log(2) + 1e-12


def test_simulated_thresholds_need_what_they_need():
    call = drift.simulated_threshold
    assert code(call, "ks", 100, 100) == "statistic"
    assert code(call, "psy", 100, 100) == "statistic"
    assert code(call, "psi", 100, 100, 0.01, draws=98) == "few-draws"
    assert call("psi", 100, 100, 0.01, draws=99) > 0
    assert code(call, "psi", 0, 100) == "not-count"
    assert code(call, "psi", 100, 1.5) == "not-count"
    assert code(call, "psi", 100, 100, 0.05, 1) == "not-several"
    assert code(call, "psi", 100, 100, 0.0) == "not-fraction"
    assert code(call, "psi", 100, 100, float("nan")) == "not-fraction"
    assert code(call, "psi", 100, 100, draws=0) == "not-count"


@pytest.mark.parametrize("draws", [19, 99, 100, 101, 999])
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3, 0.999])
def test_the_upper_value_is_the_least_that_keeps_the_rate(draws, rate):
    """With the window that is judged there are draws + 1, equally likely to be the largest."""
    values = np.random.default_rng(12).permutation(draws) + 0.5
    limit = calibrate._upper(values, rate)
    assert (1 + (values > limit).sum()) / (draws + 1) <= rate + 1e-9
    below = values[values < limit]
    if len(below):
        assert (1 + (values > below.max()).sum()) / (draws + 1) > rate


def test_the_upper_value_falls_up_to_a_rate_of_one():
    values = np.arange(99.0)
    assert calibrate._upper(values, 1.0) <= calibrate._upper(values, 0.99)


@pytest.mark.parametrize("statistic", calibrate.STATISTICS)
def test_thresholds_of_arrays_are_those_of_their_numbers(statistic):
    n, m, rate = np.array([100, 1000]), np.array([[50], [70], [90]]), 0.02
    found = drift.threshold(statistic, n, m, rate)
    alone = [[drift.threshold(statistic, int(a), int(b), rate) for a in n] for b in m.ravel()]
    assert np.broadcast_to(found, (3, 2)) == pytest.approx(np.array(alone))
    kolmogorov, chi2 = stats.kstwobign.isf(rate), stats.chi2.isf(rate, 9)
    forms = {"ks": kolmogorov * np.sqrt((n + m) / (n * m)), "chi-square": chi2,
             "ks-one": kolmogorov / np.sqrt(n)}  # fmt: skip
    forms |= {name: chi2 * (1 / n + 1 / m) / k for name, k in calibrate.NULL.items()}
    assert np.broadcast_to(found, (3, 2)) == pytest.approx(
        np.broadcast_to(forms[statistic], (3, 2))
    )
    rates = drift.threshold(statistic, 100, 50, np.array([0.01, 0.1]))
    assert rates == pytest.approx([drift.threshold(statistic, 100, 50, r) for r in (0.01, 0.1)])
    assert isinstance(drift.threshold(statistic, 100), float)
    assert code(drift.threshold, statistic, [100, 0]) == "not-count"
    assert code(drift.threshold, statistic, 100, rate=[0.1, float("nan")]) == "not-fraction"
