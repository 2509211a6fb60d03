"""Agreement of raters: held to statsmodels, scikit-learn and published tables; odd input."""

import math
import time

import numpy as np
import polars as pl
import pytest
from helpers import code
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from kit import drift, labeling
from kit.labeling.agreement import STATISTICS
from kit.labeling.resample import patterns, resampled

# Fleiss 1971, table 1: 30 patients, 6 diagnoses each, kappa 0.430
FLEISS = """444444 222555 233335 555555 222444 113333 333355 113334 114444 555555
144444 124444 222333 144444 224445 333335 111455 111112 224444 133555
555555 244444 224555 114444 144445 222224 111155 224444 133333 555555"""
FLEISS = np.array([[int(x) for x in row] for row in FLEISS.split()])
# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C: 4 observers, 12 units
ALPHA = """1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 ."""
ALPHA = [[None if x == "." else int(x) for x in row.split()] for row in ALPHA.splitlines()]
ALPHA = [list(unit) for unit in zip(*ALPHA, strict=True)]
# Gwet 2008: 125 subjects, 118 "+" of both raters, kappa below 0
GWET = [["+", "+"]] * 118 + [["+", "-"]] * 5 + [["-", "+"]] * 2
TEXT = ["low", "middle", "high"]

some_ratings = st.lists(
    st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=2, max_size=25
)


def value(statistic, ratings, **kwargs):
    return labeling.agreement(ratings, [statistic], draws=0, **kwargs)["value"][0]


def crowd(items, raters, right, classes=3, seed=0):
    """int[items, raters] of raters who are right with a chance, else guess."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, items)[:, None]
    guess = rng.integers(0, classes, (items, raters))
    return np.where(rng.random((items, raters)) < right, truth, guess)


@settings(max_examples=60, deadline=None)
@given(some_ratings)
def test_kappas_are_those_of_statsmodels_and_scikit_learn(rows):
    rows = np.array(rows)
    a, b = rows[:, 0], rows[:, 1]
    names = [0, 1, 2, 3]
    for kind in (None, "linear", "quadratic"):
        name = f"weighted kappa ({kind})" if kind else "cohen kappa"
        ours = value(name, rows[:, :2], labels=names)
        if len({*a, *b}) > 1:
            theirs = cohen_kappa_score(a, b, weights=kind, labels=names)
            assert ours == pytest.approx(theirs, abs=1e-12)
        else:
            assert ours is None
    counts, _ = inter_rater.aggregate_raters(rows, n_cat=4)
    ours = value("fleiss kappa", rows)
    if len(np.unique(rows)) > 1:
        assert ours == pytest.approx(inter_rater.fleiss_kappa(counts), abs=1e-12)
        assert ours == pytest.approx(slow_fleiss(counts), abs=1e-12)


def slow_fleiss(counts):
    """Fleiss 1971, equations 1 to 7, one sum after the other."""
    items, n = len(counts), counts[0].sum()
    seen = sum(sum(x * (x - 1) for x in row) / (n * (n - 1)) for row in counts) / items
    chance = sum((counts[:, k].sum() / (items * n)) ** 2 for k in range(counts.shape[1]))
    return (seen - chance) / (1 - chance)


def slow_alpha(rows, metric):
    """Krippendorff 2011 from the matrix of coincidences, with the published metrics."""
    names = sorted({x for row in rows for x in row if x is not None})
    o = dict.fromkeys([(c, k) for c in names for k in names], 0.0)
    for row in rows:
        row = [x for x in row if x is not None]
        for i, c in enumerate(row):
            for j, k in enumerate(row):
                if i != j:
                    o[c, k] += 1 / (len(row) - 1)
    n = {c: sum(o[c, k] for k in names) for c in names}
    total = sum(n.values())

    def apart(c, k):
        c, k = min(c, k), max(c, k)
        between = sum(n[g] for g in names if c <= g <= k) - (n[c] + n[k]) / 2
        return {
            "nominal": float(c != k),
            "ordinal": between**2 if c != k else 0.0,
            "interval": (c - k) ** 2,
            "ratio": ((c - k) / (c + k)) ** 2 if c + k else 0.0,
        }[metric]

    expected = sum(n[c] * n[k] * apart(c, k) for c in names for k in names)
    seen = sum(o[c, k] * apart(c, k) for c in names for k in names)
    return 1 - (total - 1) * seen / expected if expected else None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.none() | st.integers(0, 5), min_size=4, max_size=4), min_size=2, max_size=12
    )
)
def test_alpha_is_that_of_the_coincidences(rows):
    if not any(sum(x is not None for x in row) > 1 for row in rows):
        return
    for metric in ("nominal", "ordinal", "interval", "ratio"):
        wanted = slow_alpha(rows, metric)
        ours = value(f"krippendorff alpha ({metric})", rows)
        assert ours == (wanted if wanted is None else pytest.approx(wanted, abs=1e-9))


def test_published_examples():
    assert round(labeling.fleiss_kappa(FLEISS).value, 3) == 0.430
    for metric, wanted in (
        ("nominal", 0.743),
        ("ordinal", 0.815),
        ("interval", 0.849),
        ("ratio", 0.797),
    ):
        found = labeling.krippendorff_alpha(ALPHA, metric)
        assert abs(found.value - wanted) <= 0.00051  # the ratio one is 0.7974, printed as 0.797
        assert "one rating, without a pair: 1" in found.note
    # the same ratings in the manual of irrCAC (Gwet), data set raw4raters
    assert labeling.gwet_ac1(ALPHA).value == pytest.approx(0.77544, abs=5e-6)
    found = labeling.fleiss_kappa(ALPHA)
    assert found.value == pytest.approx(0.76117, abs=5e-6)
    assert "Gwet's generalisation" in found.note
    assert labeling.raw_agreement(ALPHA).value == pytest.approx(0.81818, abs=5e-6)


def test_the_paradox_of_kappa():
    assert labeling.raw_agreement(GWET).value == 0.944
    assert round(labeling.cohen_kappa(GWET).value, 4) == -0.0234
    assert round(labeling.gwet_ac1(GWET).value, 4) == 0.9408
    assert labeling.kappa_at(0.5, 0.9) == pytest.approx(0.8)
    curve = labeling.kappa_at(np.linspace(0.5, 0.95, 10), 0.9)
    assert (np.diff(curve) < 0).all()
    assert curve[-1] < 0 < labeling.ac1_at(0.95, 0.9) - 0.88
    # the closed form is the kappa of such a table: 90 yes-yes, 5 + 5 apart, 100 no-no
    rows = [[1, 1]] * 90 + [[1, 0]] * 5 + [[0, 1]] * 5 + [[0, 0]] * 100
    assert value("cohen kappa", rows) == pytest.approx(labeling.kappa_at(95 / 200, 190 / 200))
    assert value("gwet ac1", rows) == pytest.approx(labeling.ac1_at(95 / 200, 190 / 200))
    assert code(labeling.kappa_at, 0.99, 0.9) == "not-possible"
    assert code(labeling.kappa_at, 1.0, 1.0) == "not-possible"
    assert code(labeling.kappa_at, 1.5, 0.9) == "not-share"


def test_chance_agreement_adds_both_labels():
    assert labeling.chance_agreement(0.9, 0.9) == pytest.approx(0.82)
    assert labeling.chance_agreement([0.9, 0.1], [0.9, 0.1]) == pytest.approx(0.82)
    assert labeling.chance_agreement([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]) == pytest.approx(0.29)
    assert labeling.chance_agreement(np.full((4, 2), 0.5), [0.9, 0.1]).tolist() == [0.5] * 4
    assert code(labeling.chance_agreement, [0.9, 0.2], [0.9, 0.1]) == "not-share"
    assert code(labeling.chance_agreement, [0.9, 0.1], [0.8, 0.1, 0.1]) == "shape"


def test_ac2_is_the_weighted_ac1():
    """Gwet 2014: with two labels the weights are those of AC1; nearer errors cost less."""
    assert labeling.gwet_ac2(GWET).value == labeling.gwet_ac1(GWET).value
    near, far = ([[1, 1], [2, 2], [3, 3], [1, x]] * 5 for x in (2, 3))
    assert labeling.gwet_ac2(near).value > labeling.gwet_ac2(far).value
    pa, share = (3 + 0.75) / 4, np.array([3, 3, 2]) / 8  # 1-2 apart weighs 1 - (1 / 2)**2
    pe = (3 + 4 * 0.75) / 6 * (share * (1 - share)).sum()
    assert labeling.gwet_ac2(near).value == pytest.approx((pa - pe) / (1 - pe))


def test_drawing_patterns_is_drawing_items():
    """Means and variances of the counts are those of a multinomial, on both ways of drawing."""
    for times in (np.array([40, 30, 20, 10]), np.ones(20, int)):
        drawn = np.concatenate(list(resampled(times, 4000, 1)))
        n, p = times.sum(), times / times.sum()
        assert drawn.shape == (4000, len(times))
        assert (drawn.sum(1) == n).all()
        assert drawn.mean(0) == pytest.approx(times, rel=0.08)
        assert drawn.var(0) == pytest.approx(n * p * (1 - p), rel=0.12)
    rows = np.random.default_rng(0).integers(0, 3, (50, 2))
    distinct, times = patterns(rows)
    rebuilt = np.repeat(distinct, times, axis=0)
    assert sorted(map(tuple, rebuilt)) == sorted(map(tuple, rows))
    assert len({*map(tuple, distinct)}) == len(distinct)


def test_the_interval_is_that_of_the_normal_theory():
    rows = crowd(800, 2, 0.7)
    ours, theirs = labeling.cohen_kappa(rows), drift.kappa(*rows.T)
    assert ours.value == pytest.approx(theirs.value, abs=1e-12)
    assert ours.low == pytest.approx(theirs.low, abs=0.012)
    assert ours.high == pytest.approx(theirs.high, abs=0.012)
    assert labeling.cohen_kappa(rows) == ours  # equal seeds
    assert labeling.cohen_kappa(rows, seed=1) != ours
    wide = labeling.cohen_kappa(rows, certainty=0.99)
    assert wide.low < ours.low < ours.high < wide.high


def test_intervals_hold_the_truth():
    truth = value("krippendorff alpha (nominal)", crowd(200_000, 4, 0.6, seed=99))
    found = [labeling.krippendorff_alpha(crowd(150, 4, 0.6, seed=s), draws=300) for s in range(150)]
    assert 0.89 <= np.mean([x.low <= truth <= x.high for x in found]) <= 0.99


def test_a_thousand_draws_of_ten_thousand_items_are_quick():
    rows = crowd(10_000, 5, 0.7)
    labeling.krippendorff_alpha(rows[:100])
    start = time.process_time()
    labeling.krippendorff_alpha(rows)
    assert time.process_time() - start < 1.5  # 0.05 s measured


def test_the_table_says_what_entered_and_why_not():
    table = labeling.agreement(ALPHA, draws=50)
    assert table["statistic"].to_list() == list(STATISTICS)
    assert table["items"].to_list() == [11] * len(table)  # the last unit has one rating
    assert table["ratings"].to_list() == [40] * len(table)
    assert set(table["raters"]) == {4}
    cohen = table.row(by_predicate=pl.col("statistic") == "cohen kappa", named=True)
    assert cohen["value"] is None
    assert "two raters" in cohen["note"]
    assert code(labeling.cohen_kappa, ALPHA) == "two-raters"
    assert code(labeling.agreement, ALPHA, ["kapa"]) == "statistic"
    assert code(labeling.agreement, ALPHA, certainty=95) == "not-fraction"
    assert code(labeling.agreement, ALPHA, draws=-1) == "not-count"
    assert code(labeling.krippendorff_alpha, ALPHA, "nominall") == "metric"
    assert code(labeling.cohen_kappa, GWET, "cubic") == "weights"


def test_a_table_and_an_array_are_the_same_ratings():
    rows = crowd(60, 3, 0.6)
    table = pl.DataFrame({
        "item": np.repeat(np.arange(60), 3), "rater": list("abc") * 60, "label": rows.ravel(),
    }).sample(fraction=1, shuffle=True, seed=3)  # fmt: skip
    wanted = labeling.agreement(rows, draws=0)
    assert labeling.agreement(table, draws=0).equals(wanted)
    assert labeling.agreement(rows.astype(float), draws=0).equals(wanted)
    holes = pl.DataFrame({"item": [99], "rater": ["a"], "label": [None]}, schema=table.schema)
    assert labeling.agreement(pl.concat([table, holes]), draws=0).equals(wanted)


def test_text_has_an_order_only_if_it_is_given():
    rows = np.array(TEXT)[crowd(80, 2, 0.5)]
    assert value("weighted kappa (linear)", rows) is None
    assert code(labeling.cohen_kappa, rows, "linear") == "order"
    assert code(labeling.krippendorff_alpha, rows, "ordinal") == "order"
    assert code(labeling.krippendorff_alpha, rows, "interval", TEXT) == "not-a-number"
    wanted = cohen_kappa_score(rows[:, 0], rows[:, 1], labels=TEXT, weights="linear")
    assert value("weighted kappa (linear)", rows, labels=TEXT) == pytest.approx(wanted)
    table = pl.DataFrame({
        "item": np.repeat(np.arange(80), 2), "rater": [0, 1] * 80,
        "label": pl.Series(rows.ravel().tolist(), dtype=pl.Enum(TEXT)),
    })  # fmt: skip
    assert value("weighted kappa (linear)", table) == pytest.approx(wanted)
    assert code(labeling.krippendorff_alpha, [[-1, 1], [1, 1]], "ratio") == "negative"


def test_a_label_that_is_never_used_counts_where_it_should():
    rows = [[1, 1], [3, 3], [1, 3], [3, 3]]
    plain, more = (labeling.gwet_ac1(rows, labels=x).value for x in (None, [1, 2, 3]))
    assert more > plain  # three labels to guess among
    assert value("cohen kappa", rows) == value("cohen kappa", rows, labels=[1, 2, 3])
    assert code(labeling.agreement, rows, labels=[1, 2]) == "unknown-label"
    assert code(labeling.agreement, rows, labels=[1, 3, 3]) == "duplicate-label"
    assert code(labeling.agreement, rows, labels=["1", "3"]) == "mixed-types"
    assert code(labeling.agreement, [[1, 1]] * 2, labels=[1.5, 2]) == "unknown-label"


def test_agreement_by_class():
    rows = crowd(500, 3, 0.5)
    rows[rows == 0] = np.where(np.random.default_rng(5).random((rows == 0).sum()) < 0.5, 0, 1)
    table = labeling.per_class(rows, labels=[0, 1, 2, 3])
    pairs = [(row[i], row[j]) for row in rows for i in range(3) for j in range(3) if i != j]
    for row in table.head(3).iter_rows(named=True):
        said = [b for a, b in pairs if a == row["label"]]
        assert row["agreement"] == pytest.approx(np.mean([b == row["label"] for b in said]))
        assert row["low"] < row["agreement"] < row["high"]
        assert row["kappa"] == pytest.approx(value("fleiss kappa", (rows == row["label"]) * 1))
        assert row["share"] == pytest.approx((rows == row["label"]).mean())
    assert table.row(3) == (3, 0.0, None, None, None, None, 0, "never used")
    only = labeling.per_class([["a", "a"]] * 3)
    assert only["kappa"][0] is None
    assert "not defined" in only["note"][0]
    assert code(labeling.per_class, [["a"], ["b"]]) == "no-pairs"


def test_agreement_by_rater_finds_the_odd_one():
    rows = crowd(400, 4, 0.9)
    rows[:, 2] = np.random.default_rng(1).integers(0, 3, 400)
    rows = [[None if i % 7 == j else x for j, x in enumerate(row)] for i, row in enumerate(rows)]
    rows.append([0, None, None, None])
    rows = [[*row, None] for row in rows]  # a fifth who rated nothing
    table = labeling.per_rater(rows)
    assert table["agreement"].arg_min() == 2
    assert abs(table["kappa"][2]) < 0.1 < table["kappa"][0]
    shares = []
    for row in rows[:-1]:
        others = [x for j, x in enumerate(row[:4]) if j != 1 and x is not None]
        if row[1] is not None:
            shares.append(np.mean([x == row[1] for x in others]))
    assert table["agreement"][1] == pytest.approx(np.mean(shares))
    assert table["items"][0] == table["ratings"][0] - 1
    assert table.row(4)[1:] == (None, None, None, None, 0, 0, "no ratings")
    alone = labeling.per_rater([["a"], ["b"]])
    assert alone["note"].to_list() == ["nobody else rated its items"]
    two = crowd(300, 2, 0.6)
    assert labeling.per_rater(two)["kappa"].to_list() == pytest.approx(
        [labeling.cohen_kappa(two, draws=0).value] * 2
    )


def test_agreement_over_time_finds_when_it_broke():
    good, bad = crowd(300, 3, 0.9), crowd(300, 3, 0.2, seed=1)
    rows = np.concatenate([good, bad])
    begin = pl.datetime(2024, 1, 1)
    day = pl.datetime_range(begin, begin + pl.duration(days=599), "1d", eager=True)
    table = pl.DataFrame({
        "item": np.repeat(np.arange(600), 3), "rater": [0, 1, 2] * 600, "label": rows.ravel(),
        "time": day.gather(np.repeat(np.arange(600), 3)),
    }).sample(fraction=1, shuffle=True, seed=0)  # fmt: skip
    found = labeling.over_time(table, 4)
    wanted = [value("krippendorff alpha (nominal)", rows[i : i + 150]) for i in range(0, 600, 150)]
    assert found["value"].to_list() == pytest.approx(wanted)
    assert found["high"][2] < found["low"][1]
    assert found["start"].to_list() == [day[i] for i in range(0, 600, 150)]
    assert found["end"][-1] == day[-1]
    # an item that is finished later stays whole
    late = table.with_columns(
        time=pl.when(rater=2, item=7).then(pl.col("time") + pl.duration(days=1000))
        .otherwise("time")
    )  # fmt: skip
    assert labeling.over_time(late, 4)["value"].to_list() == pytest.approx(wanted)
    assert code(labeling.over_time, table.drop("time")) == "missing-column"
    assert code(labeling.over_time, table, 0) == "not-count"
    assert code(labeling.over_time, table, 601) == "not-count"


def frame(label, item=(0, 0, 1, 1), rater=(0, 1, 0, 1)):
    return pl.DataFrame({"item": item, "rater": rater, "label": label}, strict=False)


def test_bad_ratings_are_named():
    good = frame(["a", "b", "a", "a"])
    for column in ("item", "rater", "label"):
        assert code(labeling.agreement, good.drop(column)) == "missing-column"
    assert code(labeling.agreement, good.head(0)) == "empty"
    assert code(labeling.agreement, []) == "empty"
    assert code(labeling.agreement, [[None, None]]) == "empty"
    assert code(labeling.agreement, frame(["a"] * 4, rater=(0, 0, 0, 1))) == "duplicate-rating"
    assert code(labeling.agreement, frame(["a"] * 4, item=(0, None, 1, 1))) == "null"
    mixed = pl.Series("label", ["a", 1, "a", 2], dtype=pl.Object)
    assert code(labeling.agreement, good.with_columns(mixed)) == "mixed-types"
    assert code(labeling.agreement, [["a", 1], ["b", 2]]) == "mixed-types"
    assert code(labeling.agreement, [[True, 1], [False, 0]]) == "mixed-types"
    assert code(labeling.agreement, good.with_columns(label=pl.lit([1]))) == "label-type"
    assert code(labeling.agreement, [[1.0, math.inf], [1, 1]]) == "infinite"
    assert code(labeling.agreement, [["a", "b"], ["a"]]) == "shape"
    assert code(labeling.agreement, np.zeros((2, 2, 2))) == "shape"
    assert code(labeling.agreement, "ratings") == "type"


@pytest.mark.parametrize(
    "rows",
    [
        [["a", "a"]] * 4,  # one label, all alike
        [["a", "b"]],  # one item
        [["a"], ["b"], ["a"]],  # one rater
        [["a", None], [None, "b"]],  # no pair
        [["a", "b"], ["a", "a"], ["a", "b"], ["a", "a"]],  # a rater with one label
        [[1, 1], [2, 2], [3, 3]],  # all raters identical
        [[True, False], [True, True]],
        [[math.nan, 1.5], [2.5, 1.5], [1.5, 1.5]],
        [[1, 1, None], [None] * 3, [2, 1, None]],  # an item and a rater without ratings
    ],
)
def test_odd_ratings_give_a_typed_table_without_nan(rows):
    schema = labeling.agreement(FLEISS, draws=1).schema
    for table in (labeling.agreement(rows), labeling.per_rater(rows)):
        for column in table:
            if column.dtype.is_float():
                assert not column.is_nan().any()
                assert not column.is_infinite().any()
    table = labeling.agreement(rows)
    assert table.schema == schema
    assert all(row[-1] for row in table.rows() if row[1] is None)
    if rows == [[1, 1], [2, 2], [3, 3]]:
        assert set(table["value"]) == {1.0}
        assert all("cannot show" in note for note in table["note"])
