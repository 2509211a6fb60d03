"""Simulated raters say what their tables of chances say, and share their work evenly."""

import dataclasses
import itertools

import numpy as np
import polars as pl
import pytest
from helpers import code
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kit.labeling.plan.raters import (
    Rater,
    biased,
    chances,
    rate,
    rater_pool,
    ratings,
    spam,
    swapped,
    tempered,
)

WORDS = ("down", "go", "no", "yes")
COUNTS = np.array([[8, 1, 1, 0], [0, 10, 0, 0], [3, 5, 1, 1], [2, 0, 2, 4]])


def person(said=COUNTS, **changes):
    return Rater(
        **{"name": "r", "said": said, "words": WORDS, "usd": 0.05, "seconds": 10} | changes
    )


def crew(n, said=COUNTS, **changes):
    return [person(said, name=f"r{i}", **changes) for i in range(n)]


# --- tables of chances


def test_counts_become_shares_of_each_true_word():
    found = chances(COUNTS)
    assert found.sum(1) == pytest.approx(1)
    assert found[3].tolist() == [0.25, 0, 0.25, 0.5]
    assert chances(np.stack([COUNTS, COUNTS.T + 1])).shape == (2, 4, 4)


@given(strength=st.floats(0.01, 100))
@settings(max_examples=30, deadline=None)
def test_tempering_multiplies_the_odds_and_keeps_which_words_are_confused(strength):
    old, new = chances(COUNTS), tempered(COUNTS, strength)
    assert new.sum(1) == pytest.approx(1)
    for k in (0, 2, 3):
        odds = [x[k, k] / (1 - x[k, k]) for x in (old, new)]
        assert odds[1] == pytest.approx(odds[0] * strength)
        wrong = np.arange(4) != k
        assert new[k, wrong] / new[k, wrong].sum() == pytest.approx(
            old[k, wrong] / old[k, wrong].sum()
        )
    assert new[1].tolist() == [0, 1, 0, 0]  # no error, so none to scale


def test_strength_0_is_never_right_and_1_as_measured():
    assert np.diag(tempered(COUNTS, 0)).tolist() == [0, 1, 0, 0]
    assert tempered(COUNTS, 1) == pytest.approx(chances(COUNTS))


def test_bias_spam_and_malice():
    assert biased(COUNTS, 3, 0.5)[0].tolist() == pytest.approx([0.4, 0.05, 0.05, 0.5])
    assert spam(4).tolist() == [[0.25] * 4] * 4
    assert spam(4, 2).tolist() == [[0, 0, 1, 0]] * 4
    assert swapped(np.eye(4))[0].tolist() == [0, 1, 0, 0]
    assert swapped(np.eye(4))[3].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        ([[1]], "one-category"),
        ([[1, 2]], "shape"),
        ([1, 2], "shape"),
        ([[0, 0], [1, 1]], "empty"),
        ([[1, -1], [1, 1]], "not-nonnegative"),
        ([[1, np.nan], [1, 1]], "not-nonnegative"),
        ([["a", "b"], ["c", "d"]], "not-a-number"),
        (np.zeros((0, 2, 2)), "empty"),
    ],
)
def test_what_is_no_confusion_matrix_is_refused(matrix, reason):
    assert code(chances, matrix) == reason


def test_shares_and_places_outside_their_range_are_refused():
    assert code(tempered, COUNTS, -1) == "not-nonnegative"
    assert code(biased, COUNTS, 0, 1.5) == "not-share"
    assert code(biased, COUNTS, 4, 0.5) == code(spam, 4, -1) == "unknown-label"
    assert code(spam, 1) == "not-several"


# --- people


def test_a_rater_knows_accuracy_and_wage():
    found = person()
    assert found.accuracy == pytest.approx((0.8 + 1 + 0.1 + 0.5) / 4)
    assert found.wage_usd_h == pytest.approx(18)
    assert person(usd=0).wage_usd_h == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"usd": -1}, "not-nonnegative"),
        ({"seconds": 0}, "not-positive"),
        ({"tired": 1.1}, "not-share"),
        ({"shift": 0}, "not-count"),
        ({"words": ("a", "b")}, "words"),
        ({"words": ("a", "a", "b", "c")}, "words"),
        ({"kind": "robot"}, "unknown"),
    ],
)
def test_a_rater_who_cannot_be_is_refused(change, reason):
    assert code(person, **change) == reason


def test_a_pool_has_the_people_that_were_asked_for():
    found = rater_pool(COUNTS, WORDS, 40, 0.05, 10, spammers=0.2, adversaries=0.05, seed=3)
    kinds = [r.kind for r in found]
    assert (kinds.count("spammer"), kinds.count("adversary"), len(kinds)) == (8, 2, 40)
    assert len({r.name for r in found}) == 40
    blind = [r.said for r in found if r.kind == "spammer"]
    assert all((x == x[0]).all() for x in blind)  # whatever is heard
    assert sum(x.max() == 1 for x in blind) == 4  # every second says one word
    assert all(np.allclose(r.said, swapped(COUNTS)) for r in found if r.kind == "adversary")
    assert all(np.allclose(r.said, chances(COUNTS)) for r in found if r.kind == "honest")
    again = rater_pool(COUNTS, WORDS, 40, 0.05, 10, spammers=0.2, adversaries=0.05, seed=3)
    assert [r.kind for r in again] == kinds


def test_a_pool_takes_the_matrices_in_turn_and_spreads_the_strength():
    two = np.stack([COUNTS + 1, np.ones((4, 4))])
    found = rater_pool(two, WORDS, 4, 0.05, 10)
    assert [r.accuracy == pytest.approx(0.25) for r in found] == [False, True, False, True]
    wide = rater_pool(COUNTS, WORDS, 2000, 0.05, 10, strength=2.0, spread=0.5)
    odds = np.log([r.said[0, 0] / (1 - r.said[0, 0]) for r in wide])
    assert odds.mean() == pytest.approx(np.log(8), abs=0.05)
    assert odds.std() == pytest.approx(0.5, abs=0.03)
    leans = rater_pool(np.eye(4), WORDS, 100, 0.05, 10, lean=0.3)
    words = [int(np.argmax((r.said >= 0.3 - 1e-9).all(0))) for r in leans]
    assert set(words) == {0, 1, 2, 3}


def test_an_impossible_pool_is_refused():
    def asked(people=10, **changes):
        return rater_pool(COUNTS, WORDS, people, 0.05, 10, **changes)

    assert code(asked, 0) == "not-count"
    assert code(asked, spammers=0.7, adversaries=0.7) == "not-share"
    assert code(asked, spread=-1) == "not-nonnegative"
    assert code(rater_pool, COUNTS, ("a", "b"), 3, 0.05, 10) == "words"


# --- ratings


def test_many_draws_converge_to_the_matrix():
    said, rng = chances(COUNTS), np.random.default_rng(1)
    truth = rng.integers(0, 4, 40_000)
    item, who, label, *_ = ratings(truth, [*crew(3), person(spam(4, 3), name="s")], 2, seed=5)
    for k in range(4):
        mine = (truth[item] == k) & (who < 3)
        seen = np.bincount(label[mine], minlength=4)
        there = said[k] > 0
        assert not seen[~there].any()  # what has no chance is never said
        if there.sum() > 1:
            expected = said[k, there] * mine.sum()
            assert stats.chisquare(seen[there], expected).pvalue > 1e-3
    assert (label[who == 3] == 3).all()


@given(items=st.integers(1, 60), people=st.integers(1, 9), seed=st.integers(0, 99), data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_item_has_different_raters_and_loads_differ_by_one(items, people, seed, data):
    per_item = data.draw(st.integers(1, people))
    truth = np.zeros(items, int)
    item, who, _, _, order = ratings(truth, crew(people), per_item, seed)
    assert len(set(zip(item.tolist(), who.tolist(), strict=True))) == items * per_item
    assert (np.bincount(item, minlength=items) == per_item).all()
    load = np.bincount(who, minlength=people)
    assert load.max() - load.min() <= 1
    for r in range(people):
        assert sorted(order[who == r]) == list(range(load[r]))


def test_the_order_of_work_is_not_that_of_the_items():
    item, who, _, _, order = ratings(np.zeros(3000, int), crew(3), 1, seed=2)
    assert all(stats.spearmanr(item[who == r], order[who == r]).pvalue > 1e-3 for r in range(3))


def test_everybody_works_with_everybody():
    found = rate(["go"] * 3000, crew(6), 3)
    groups = found.group_by("item").agg("rater")["rater"].to_list()
    pairs = [frozenset(p) for g in groups for p in itertools.combinations(g, 2)]
    times = pl.Series([sorted(p) for p in pairs]).value_counts()["count"]
    assert len(times) == 15
    assert times.min() > 0.7 * times.max()


def test_the_table_says_who_said_what_in_which_order():
    found = rate(["yes", "go"], crew(3, np.eye(4)), 2, seed=1)
    assert found.columns == ["item", "rater", "label", "seconds", "order"]
    assert found["item"].to_list() == [0, 0, 1, 1]
    assert found["label"].to_list() == ["yes", "yes", "go", "go"]
    assert found.equals(rate(["yes", "go"], crew(3, np.eye(4)), 2, seed=1))
    many = ["yes", "go"] * 50
    assert not rate(many, crew(3), 2, seed=1).equals(rate(many, crew(3), 2, seed=2))


def test_seconds_are_around_the_mean_of_the_rater():
    found = rate(["go"] * 20_000, [person(name="quick", seconds=5), person(name="slow")], 2)
    mean = dict(found.group_by("rater").agg(pl.col("seconds").mean()).iter_rows())
    assert mean == pytest.approx({"quick": 5, "slow": 10}, rel=0.02)
    assert found["seconds"].min() > 0


def test_fatigue_grows_within_a_shift_and_rest_ends_it():
    found = rate(["go"] * 40_000, [person(np.eye(4), tired=0.8, shift=100)], 1)
    hour = found.group_by(pl.col("order") % 100).agg((pl.col("label") != "go").mean()).sort("order")
    share = hour["label"].to_numpy()
    assert share[0] == 0
    line = 0.8 * 0.75 * np.arange(100) / 99  # said blindly is right once in four
    assert np.abs(share - line).max() < 5 * np.sqrt(0.24 / 400)
    assert share.mean() == pytest.approx(0.3, abs=0.01)
    assert (rate(["go"] * 500, [person(np.eye(4))], 1)["label"] == "go").all()


def test_ease_makes_items_hard_for_all_who_listen():
    n = 40_000
    ease = np.repeat([0.25, 4.0], n // 2)
    people = [person(name="a"), person(spam(4), name="s", kind="spammer")]
    found = rate(["down"] * n, people, 2, ease=ease)
    for who, hard, easy in (("a", 0.5, 16 / 17), ("s", 0.25, 0.25)):
        right = (found.filter(pl.col("rater") == who)["label"] == "down").to_numpy()
        for share, part in ((hard, right[: n // 2]), (easy, right[n // 2 :])):
            assert stats.binomtest(int(part.sum()), len(part), share).pvalue > 1e-3


def test_bad_ratings_are_refused():
    assert code(rate, ["go"], []) == "no-raters"
    assert code(rate, [], crew(3)) == "empty"
    assert code(rate, ["go"], crew(2), 3) == "too-few-people"
    assert code(rate, ["go"], crew(2), 0) == "not-count"
    assert code(rate, ["stop"], crew(3)) == "unknown-label"
    assert code(rate, ["go"], [person(), person()], 1) == "duplicate-rater"
    other = dataclasses.replace(person(), name="o", words=tuple(reversed(WORDS)))
    assert code(rate, ["go"], [person(), other], 1) == "words"
    assert code(rate, ["go"], crew(3), ease=[1, 1]) == "shape"
    assert code(rate, ["go"], crew(3), ease=[0]) == "not-positive"
