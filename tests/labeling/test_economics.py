"""Closed forms of labeling against plain sums and simulated people; the search for plans."""

import dataclasses
import itertools
import math

import numpy as np
import polars as pl
import pytest
from helpers import code
from scipy import stats

from kit.assumptions import value
from kit.errors import KitError
from kit.labeling import plan as planning
from kit.labeling.plan import economics as eco
from kit.labeling.plan.plans import (
    ModelCurve,
    Plan,
    Tier,
    chapter_tiers,
    model_curve,
    price_per_correct,
    priced,
    tier_of,
)
from kit.labeling.plan.raters import rater_pool, swapped
from kit.labeling.plan.search import best_plan, pareto
from kit.labeling.plan.trial import simulate

K = 10
WORDS = [f"word {i}" for i in range(K)]
CROWD = Tier(0.75, 0.05, 10, 50)
EXPERT = Tier(0.97, 1.0, 20, 3)


def even(accuracy, k=K):
    """A matrix with errors spread evenly over the wrong words."""
    return np.full((k, k), (1 - accuracy) / (k - 1)) + np.eye(k) * (
        accuracy - (1 - accuracy) / (k - 1)
    )


def likely(hits, trials, share):
    return stats.binomtest(round(hits), int(trials), share).pvalue > 1e-3


def people(accuracy=0.75, n=50, usd=0.05, seconds=10, name="crowd", **how):
    return rater_pool(even(accuracy), WORDS, n, usd, seconds, name=name, **how)


def truth(n=20_000):
    return np.random.default_rng(0).choice(WORDS, n)


# --- majorities


def by_hand(accuracy, raters, classes, agree=1):
    """(kept, right and kept): every combination of votes, the right label is 0."""
    kept = right = 0.0
    for votes in itertools.product(range(classes), repeat=raters):
        wrong = (1 - accuracy) / (classes - 1)
        chance = math.prod(accuracy if v == 0 else wrong for v in votes)
        count = np.bincount(votes, minlength=classes)
        if count.max() >= agree:
            kept += chance
            right += chance * (count[0] == count.max()) / (count == count.max()).sum()
    return kept, right


@pytest.mark.parametrize(
    ("raters", "classes"), [(1, 4), (2, 2), (3, 2), (3, 5), (4, 2), (4, 3), (5, 4), (6, 3)]
)
def test_a_majority_is_the_sum_over_all_votes(raters, classes):
    for accuracy in (0.0, 0.3, 0.8, 1.0):
        for agree in range(1, raters + 2):
            expected = by_hand(accuracy, raters, classes, agree)
            assert eco.kept(accuracy, raters, classes, agree) == pytest.approx(expected, abs=1e-12)
        assert eco.majority_accuracy(accuracy, raters, classes) == pytest.approx(
            by_hand(accuracy, raters, classes)[1]
        )


def test_majorities_of_columns_and_of_many():
    found = eco.majority_accuracy(pl.Series([0.6, 0.8]), 3, 2)
    assert found.to_list() == pytest.approx([0.648, 0.896])
    assert eco.majority_accuracy(1 / 7, [1, 2, 9, 30], 7) == pytest.approx(1 / 7)  # guessing
    assert eco.majority_accuracy(0.7, 98, 2) == pytest.approx(
        stats.binom.sf(49, 98, 0.7) + stats.binom.pmf(49, 98, 0.7) / 2
    )
    assert 0.999 < eco.majority_accuracy(0.3, 99, 500) <= 1


# --- prices, time, rules of thumb


def test_the_budget_of_the_chapter_buys_750_000_labels():
    item = eco.usd_per_item(value("kws_label"), 1, value("kws_review"))
    assert item == pytest.approx(0.12)
    assert eco.labels_bought(0.6 * value("kws_budget"), item) == 750_000
    assert eco.labels_bought(0.11, item) == 0
    assert eco.labels_bought(0.3, 0.1) == 3
    assert eco.usd_per_item(0.05, 3) == pytest.approx(0.15)


def test_time_and_wages_of_the_chapter():
    hours = eco.work_hours(value("mswc_clips"), value("label_seconds"))
    assert hours == pytest.approx(65_000)
    assert eco.work_days(hours, 65, 8) == pytest.approx(125)
    assert 10_000 * eco.usd_per_label(150, 50) == pytest.approx(30_000)
    assert eco.usd_per_label(0, 50) == 0


def test_labels_cost_a_thousand_trainings():
    assert eco.labels_over_training(1e6, 0.1, [50, 25, 15], 2) == pytest.approx(
        [1000, 2000, 3333.3], rel=1e-4
    )


def test_usd_per_correct_is_never_nan():
    found = eco.usd_per_correct([0.1, 0.1, 0.0, 0.0], [0.5, 0.0, 0.0, 1.0])
    assert found.tolist() == [0.2, np.inf, 0.0, 0.0]
    assert eco.wrong_labels(1000, 0.9) == pytest.approx(100)


def test_gold_tells_who_listens():
    assert eco.matches(0.8, 1, 10) == pytest.approx(0.8)
    assert eco.matches(1, 0.9, 10) == pytest.approx(0.9)
    assert eco.matches(0.1, 0.7, 10) == pytest.approx(0.1)  # chance, whatever gold is
    assert eco.thrown_out(0.5, 2, [0, 1, 2]) == pytest.approx([0, 0.25, 0.75])


def test_reviews_burn_errors_down_to_where_they_make_as_many():
    w = 0.3
    for passes in range(5):
        assert eco.burn_down(0.3, 0.6, 0.02, passes) == pytest.approx(w)
        w = w * 0.4 + (1 - w) * 0.02
    assert eco.burn_down(0.3, 0.6, 0.02, 1000) == pytest.approx(0.02 / 0.62)
    assert eco.burn_down(0.3, 0, 0, 7) == pytest.approx(0.3)
    assert eco.burn_down(0.3, [0.0, 1.0], 0.0, 1).tolist() == [0.3, 0.0]
    assert eco.burn_down(0.3, 1, 1, [1, 2]) == pytest.approx([0.7, 0.3])
    assert code(eco.burn_down, 0.3, 1, 1, 0.5) == "not-count"


def test_fixing_pays_where_the_curve_is_flat_and_buying_where_it_is_steep():
    def flat(n, wrong):
        return 0.9 - 0.5 * wrong

    def steep(n, wrong):
        return n / 1e5

    best = [eco.fix_or_buy(f, 1000, 0.2, 100, 0.1, 0.05).filter("best") for f in (flat, steep)]
    assert best[0]["wrong"].item() == pytest.approx(0)
    assert best[0]["fix_share"].item() == pytest.approx(0.7)  # 1300 labels at 0.05 are USD 65
    assert best[1].select("fix_share", "labels", "reviewed").row(0) == (0, 2000, 0)
    half = eco.fix_or_buy(flat, 1000, 0.2, 100, 0.1, 0.1, found=0.5, broken=0.1).row(10, named=True)
    assert (half["labels"], half["reviewed"]) == (1500, 500)
    assert half["wrong"] == pytest.approx(0.2 - 0.2 * 0.5 / 3 + 0.8 * 0.1 / 3)
    assert code(eco.fix_or_buy, lambda n, w: 97.0, 1000, 0.2, 100, 0.1, 0.05) == "not-share"
    assert eco.fix_or_buy(flat, 0, 0.2, 0.01, 0.1, 0.05)["labels"].to_list() == [0] * 21


def test_kinds_of_labels_store_what_they_hold():
    table = eco.label_kinds(1.0, 2)
    kinds = {row["kind"]: row for row in table.iter_rows(named=True)}
    assert kinds["mask"]["bytes"] / value("boxes_an_image") == 207_360
    assert kinds["mask"]["bytes"] / kinds["boxes"]["bytes"] == pytest.approx(12_198, rel=1e-4)
    assert (kinds["boxes"]["numbers"], kinds["frame"]["numbers"]) == (50, 100)
    assert (kinds["segment"]["bytes"], kinds["segment"]["usd_low"]) == (18, 2.0)
    assert (kinds["boxes"]["usd_high"], kinds["frame"]["usd_low"]) == (2.0, None)
    assert code(eco.label_kinds, 0) == "not-positive"


# --- plans, priced


def test_a_plan_of_the_crowd_alone_is_what_its_parts_are():
    found = priced(Plan(3), 1000, CROWD, classes=K)
    right = eco.majority_accuracy(0.75, 3, K)
    assert found.usd == pytest.approx(150)
    assert found.accuracy == pytest.approx(right)
    assert found.usd_correct == pytest.approx(0.15 / right)
    assert found.days == pytest.approx(3000 * 10 / 3600 / 50 / 8)
    assert found.wrong == pytest.approx(1000 * (1 - right))
    assert priced(Plan(3, review=0.2), 1000, CROWD).usd == pytest.approx(180)
    assert priced(Plan(0), 1000, None, EXPERT).usd_correct == pytest.approx(1 / 0.97)
    assert price_per_correct(Plan(3), 1000, CROWD, classes=K) == found.usd_correct


def test_experts_get_what_the_crowd_does_not_agree_on_and_gold():
    stays, right = by_hand(0.75, 3, 3, 2)
    crowd, expert = Tier(0.75, 0.05, 10, 50), Tier(0.9, 1.0, 3600, 2, 5)
    found = priced(Plan(3, agree=2, gold=0.1), 1000, crowd, expert, 3)
    asked = 0.1 + 0.9 * (1 - stays)
    assert found.expert_share == pytest.approx(asked)
    assert found.accuracy == pytest.approx(0.09 + 0.9 * (right + (1 - stays) * 0.9))
    assert found.usd == pytest.approx(150 + 1000 * asked)
    assert found.days == pytest.approx(1000 * asked / 2 / 5)  # the experts are the slower ones


def test_a_model_takes_what_it_is_sure_of():
    curve = ModelCurve(np.array([0.5, 0.9]), np.array([0.8, 0.4]), np.array([0.9, 0.99]), 0.002)
    with_one, without = (
        priced(Plan(3, threshold=t), 1000, CROWD, EXPERT, K, curve) for t in (0.9, None)
    )
    assert with_one.accuracy == pytest.approx(0.4 * 0.99 + 0.6 * without.accuracy)
    assert with_one.usd == pytest.approx(2 + 0.6 * without.usd)
    assert (with_one.model_share, without.model_share) == (0.4, 0)


def test_a_model_curve_counts_what_is_above_each_threshold():
    found = model_curve([0.2, 0.6, 0.6, 0.9], [True, False, True, True], [0, 0.6, 1.0])
    assert found.share.tolist() == [1, 0.75, 0]
    assert found.accuracy == pytest.approx([0.75, 2 / 3, 0])
    assert code(model_curve, [0.5], [True, True], [0]) == "shape"
    assert code(model_curve, [1.5], [True], [0]) == "not-share"


def test_spammers_are_found_by_gold_and_what_they_said_is_paid():
    crowd = dataclasses.replace(CROWD, spammers=0.2)
    found = priced(Plan(3, gold=0.1, golds=10, least=5), 10_000, crowd, EXPERT, K)
    honest, blind = eco.thrown_out([eco.matches(0.75, 0.97, K), 1 / K], 10, 5)
    out = 0.8 * honest + 0.2 * blind
    assert found.thrown_out == pytest.approx(out)
    assert found.crowd_labels == pytest.approx(30_000 + 50 * out * 100)
    assert blind > 0.99
    assert found.days == pytest.approx(30_000 * 10 / 3600 / 8 / (50 * (1 - out)))
    assert found.accuracy > priced(Plan(3, gold=0.1), 10_000, crowd, EXPERT, K).accuracy + 0.05


def test_a_soft_test_leaves_some_spammers_and_they_vote():
    crowd, sure = Tier(0.9, 0.05, 10, 50, spammers=0.4), Tier(1.0, 1, 10, 3)
    found = priced(Plan(1, gold=0.1, golds=2, least=1), 10_000, crowd, sure, 2)
    honest, blind = 0.6 * (1 - 0.1**2), 0.4 * (1 - 0.5**2)  # who stays
    vote = (honest * 0.9 + blind * 0.5) / (honest + blind)
    assert found.thrown_out == pytest.approx(1 - honest - blind)
    assert found.accuracy == pytest.approx(0.1 + 0.9 * vote)


def test_a_tier_is_measured_on_its_people():
    pool = people(0.8, 10, spammers=0.2, tired=0.4)
    found = tier_of(pool)
    assert found.accuracy == pytest.approx(0.8 * 0.8 + 0.2 * 0.1)
    assert (found.people, found.spammers, found.seconds) == (10, 0.2, 10)
    crowd, expert = chapter_tiers(0.8, 0.97)
    assert (crowd.usd, expert.usd, crowd.seconds) == (0.05, 2.0, 10)
    assert expert.usd / crowd.usd == pytest.approx(40)
    assert [t.usd for t in chapter_tiers(0.8, 0.97, dear=False)] == [0.01, 0.5]


# --- plans, carried out

PLANS = [
    Plan(1),
    Plan(4),
    Plan(0, experts=3),
    Plan(3, agree=2, review=0.1),
    Plan(5, agree=3, gold=0.05, golds=10, least=5),
    Plan(3, gold=0.1, threshold=0.8),
]


@pytest.mark.parametrize("plan", PLANS)
def test_closed_forms_and_simulated_people_agree(plan):
    n = 20_000
    labels, rng = truth(n), np.random.default_rng(3)
    confidence = rng.random(n)
    said = np.where(rng.random(n) < 0.5 + confidence / 2, labels, rng.choice(WORDS, n))
    curve = model_curve(confidence, said == labels, [0.8])
    crowd, experts = people(), people(0.97, 5, 1.0, 20, "expert")
    expected = priced(plan, n, tier_of(crowd), tier_of(experts), K, curve)
    found = simulate(plan, labels, crowd, experts, (said, confidence), seed=7)
    assert likely(found.accuracy * n, n, expected.accuracy)
    assert likely(found.expert_share * n, n, max(expected.expert_share, 1e-12))
    assert found.usd == pytest.approx(expected.usd, rel=0.05)
    assert found.days == pytest.approx(expected.days, rel=0.05)
    assert found.crowd_labels == pytest.approx(expected.crowd_labels, rel=0.03)
    assert found.model_share == pytest.approx(expected.model_share)
    assert found.usd_correct == pytest.approx(found.usd / (found.accuracy * n))
    assert (np.array(found.labels) == labels).sum() == n - found.wrong


def test_a_tested_crowd_loses_its_spammers_and_pays_for_them():
    n, plan = 20_000, Plan(3, gold=0.05, golds=20, least=8)
    crowd, experts = people(spammers=0.2), people(0.97, 5, 1.0, 20, "expert")
    found = simulate(plan, truth(n), crowd, experts)
    assert set(found.thrown_out) == {r.name for r in crowd if r.kind == "spammer"}
    expected = priced(plan, n, tier_of(crowd), tier_of(experts), K)
    assert likely(found.accuracy * n, n, expected.accuracy)
    void = expected.crowd_labels - 3 * n  # 10 people, 20 golds, one in 20 labels
    assert void == pytest.approx(10 * 20 * 20, rel=0.01)
    assert found.crowd_labels - 3 * n == pytest.approx(void, rel=0.2)
    assert simulate(plan, truth(n), crowd, experts) == found


def test_gold_that_is_wrong_throws_out_honest_people():
    crowd, experts = people(0.95), people(0.3, 5, 1.0, 20, "expert")
    found = simulate(Plan(1, gold=0.1, golds=10, least=3), truth(5000), crowd, experts)
    assert 5 < len(found.thrown_out) < 40


def test_experts_are_asked_once_an_item():
    found = simulate(Plan(3, agree=4, gold=0.5), truth(200), people(), people(name="expert"))
    assert (found.expert_share, found.expert_labels) == (1, 200)


def test_ties_are_broken_at_random():
    for word in (WORDS[0], WORDS[-1]):
        found = simulate(Plan(2), [word] * 20_000, people())
        assert likely(found.accuracy * 20_000, 20_000, 0.75)


def test_words_confused_in_pairs_make_a_majority_as_bad_as_with_two_classes():
    n, pairs = 20_000, 0.65 * np.eye(K) + 0.35 * swapped(np.eye(K))
    crowd = rater_pool(pairs, WORDS, 20, 0.05, 10)
    found = simulate(Plan(5), truth(n), crowd)
    assert likely(found.accuracy * n, n, eco.majority_accuracy(0.65, 5, 2))  # 0.765
    assert eco.majority_accuracy(0.65, 5, K) - found.accuracy > 0.1


def test_items_that_are_hard_for_all_cost_more_than_the_closed_form_says():
    n, odds = 20_000, 3.0  # of a rater with accuracy 0.75
    ease = np.repeat([1 / 9, 9.0], n // 2)
    crowd = people(0.75, 20)
    found = simulate(Plan(5), truth(n), crowd, ease=ease)
    shares = [odds * e / (1 + odds * e) for e in (1 / 9, 9.0)]  # 0.25 and 0.964
    each = np.mean(eco.majority_accuracy(shares, 5, K))
    assert likely(found.accuracy * n, n, each)
    assert eco.majority_accuracy(np.mean(shares), 5, K) - found.accuracy > 0.05


def test_an_item_keeps_its_ease_wherever_it_goes():
    n = 1000
    ease = np.repeat([1e9, 1e-9], n // 2)  # the model takes the easy half
    model = (truth(n), np.repeat([1.0, 0.0], n // 2))
    found = simulate(Plan(1, threshold=0.5), truth(n), people(), (), model, ease=ease)
    assert found.accuracy == pytest.approx(0.5)


def test_dawid_and_skene_do_better_than_a_majority_with_spammers_about():
    crowd = people(spammers=0.3)
    plain, learnt = (simulate(Plan(5), truth(4000), crowd, method=m)
                     for m in ("majority", "dawid-skene"))  # fmt: skip
    assert learnt.accuracy > plain.accuracy + 0.02
    assert learnt.usd == plain.usd


def test_impossible_trials_are_refused():
    crowd, labels = people(), truth(100)
    assert code(simulate, Plan(3), labels, crowd, method="oracle") == "method"
    assert code(simulate, Plan(3, threshold=0.5), labels, crowd) == "no-model"
    assert code(simulate, Plan(3), labels, []) == "no-raters"
    assert code(simulate, Plan(0), labels, crowd) == "no-raters"
    assert code(simulate, Plan(3), [], crowd) == "empty"
    assert code(simulate, Plan(3), labels, crowd, ease=[1.0]) == "shape"
    assert code(simulate, Plan(51), labels, crowd) == "too-few-people"
    sure = (labels[:9], np.ones(100))
    assert code(simulate, Plan(3, threshold=0.5), labels, crowd, (), sure) == "shape"
    everything = (labels, np.full(100, 0.5))  # at the threshold
    found = simulate(Plan(3, threshold=0.5), labels, crowd, (), everything)
    assert (found.accuracy, found.usd, found.usd_correct, found.model_share) == (1, 0, 0, 1)


# --- bad plans


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (Plan(51), "too-few-people"),
        (Plan(3, experts=4), "too-few-people"),
        (Plan(100), "plan"),
        (Plan(3, agree=5), "plan"),
        (Plan(3, experts=0), "plan"),
        (Plan(2.5), "not-count"),
        (Plan(-1), "not-nonnegative"),
        (Plan(3, gold=1.2), "not-share"),
        (Plan(3, gold=float("nan")), "not-share"),
        (Plan(3, golds=5, least=3), "contradictory-gold"),
        (Plan(3, gold=0.1, golds=3, least=4), "contradictory-gold"),
        (Plan(3, gold=0.1, least=1), "contradictory-gold"),
        (Plan(0, gold=0.1, golds=3, least=2), "contradictory-gold"),
        (Plan(3, gold=0.01, golds=5, least=4), "contradictory-gold"),  # nobody meets five
        (Plan(3, threshold=0.5), "no-model"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan, reason):
    assert code(priced, plan, 1000, CROWD, EXPERT, K) == reason


def test_plans_without_people_items_or_a_choice_of_words_are_refused():
    assert code(priced, Plan(3), 1000, None, EXPERT) == "no-raters"
    assert code(priced, Plan(0), 1000, CROWD) == "no-raters"
    assert code(priced, Plan(3, agree=2), 1000, CROWD) == "no-raters"
    assert code(priced, Plan(3), 0, CROWD) == "not-count"
    assert code(priced, Plan(3), 10, CROWD, classes=1) == "not-several"
    assert code(eco.majority_accuracy, 0.5, 3, 1) == "not-several"
    assert code(eco.majority_accuracy, 1.5, 3, 2) == "not-share"
    assert code(eco.majority_accuracy, 0.5, 0, 2) == "not-count"
    assert code(eco.majority_accuracy, 0.5, 100, 2) == "too-large"
    assert code(tier_of, []) == "no-raters"
    assert code(Tier, 1.2, 0.05, 10, 5) == "not-share"
    assert code(Tier, 0.8, -0.05, 10, 5) == "not-nonnegative"
    assert code(Tier, 0.8, 0.05, 10, 0) == "not-count"


def test_volunteers_cost_nothing_and_nobody_right_costs_everything():
    free = dataclasses.replace(CROWD, usd=0.0)
    assert price_per_correct(Plan(3), 100, free) == 0
    assert priced(Plan(3), 100, free).accuracy > 0.8
    assert price_per_correct(Plan(3), 100, dataclasses.replace(CROWD, accuracy=0.0)) == np.inf


# --- the search


def brute(items, budget, days, least, crowd, expert):
    """The cheapest plan, one by one."""
    found = []
    for n, agree, gold, (golds, right) in itertools.product(
        range(6), range(6), (0.0, 0.05), ((0, 0), (5, 3))
    ):
        if agree == 1 or agree > n:
            continue
        plan = Plan(n, agree, 1, gold, golds, right)
        try:
            found.append((priced(plan, items, crowd, expert, K), plan))
        except KitError:
            continue
    good = [x for x in found if x[0].usd <= budget and x[0].days <= days and x[0].accuracy >= least]
    return min(good, key=lambda x: (x[0].usd, -x[0].accuracy, x[0].days), default=None)


SPACE = {"raters": range(6), "gold": (0.0, 0.05), "tests": ((0, 0), (5, 3)), "experts": (1,)}


@pytest.mark.parametrize(
    "limits", [(1500, 5, 0.9), (2000, 1, 0.95), (9000, 9, 0.99), (500, 9, 0.6), (20_000, 0.4, 0.9)]
)
def test_the_best_plan_is_that_of_trying_each(limits):
    crowd = dataclasses.replace(CROWD, spammers=0.1)
    found = best_plan(5000, *limits, crowd, EXPERT, K, **SPACE)
    expected = brute(5000, *limits, crowd, EXPERT)
    assert found.priced.usd == pytest.approx(expected[0].usd)
    assert found.priced.accuracy == pytest.approx(expected[0].accuracy)
    assert found.plan == expected[1]
    assert found.priced == priced(found.plan, 5000, crowd, EXPERT, K)
    assert not found.limits["binds"].any()
    assert found.limits["short_by"].to_list() == [0, 0, 0]


def test_of_plans_of_one_price_the_most_accurate_is_the_best():
    free = dataclasses.replace(CROWD, usd=0.0)
    assert best_plan(1000, 0, 9, 0.5, free, None, K).plan.raters == 9


def row(found, name):
    return found.limits.row(by_predicate=pl.col("limit") == name, named=True)


def test_when_nothing_is_feasible_the_limit_that_binds_is_named_with_what_is_missing():
    found = best_plan(5000, 300, 9, 0.9, CROWD, EXPERT, K, **SPACE)
    assert (found.plan, found.priced) == (None, None)
    assert found.limits["binds"].to_list() == [True, False, True]
    need = row(found, "budget_usd")["needed"]
    assert row(found, "budget_usd")["short_by"] == pytest.approx(need - 300)
    assert brute(5000, need + 0.01, 9, 0.9, CROWD, EXPERT)
    assert not brute(5000, need - 0.01, 9, 0.9, CROWD, EXPERT)
    assert row(found, "least_accuracy")["short_by"] == pytest.approx(
        0.9 - row(found, "least_accuracy")["needed"]
    )


def test_a_budget_below_one_label_and_no_time_are_stated():
    found = best_plan(1, 0.01, 9, 0.5, CROWD, EXPERT, K)
    assert found.plan is None
    assert row(found, "budget_usd")["alone"] == pytest.approx(0.05)
    assert row(found, "budget_usd")["short_by"] == pytest.approx(0.04)
    assert found.limits["binds"].to_list() == [True, False, False]
    late = best_plan(1000, 1e6, 0, 0.5, CROWD, EXPERT, K)
    assert late.plan is None
    assert late.limits["binds"].to_list() == [False, True, False]
    assert row(late, "deadline_days")["short_by"] == pytest.approx(1000 * 10 / 3600 / 50 / 8)


def test_perfect_labels_need_perfect_experts():
    found = best_plan(1000, 1e9, 1e9, 1.0, CROWD, EXPERT, K)
    assert found.plan is None
    assert 0 < row(found, "least_accuracy")["short_by"] < 0.01
    assert found.limits["binds"].to_list() == [False, False, True]
    sure = best_plan(1000, 1e9, 1e9, 1.0, CROWD, dataclasses.replace(EXPERT, accuracy=1.0), K)
    assert sure.plan.raters == 0
    assert sure.priced.accuracy == 1


def test_limits_that_exclude_each_other_in_pairs_all_bind():
    slow = Tier(0.75, 0.05, 500, 5)  # cheap; experts are quick, but not as good as both together
    found = best_plan(1000, 60, 1, 0.98, slow, EXPERT, K, **SPACE)
    assert found.plan is None
    assert found.limits["needed"].null_count() == 3
    assert found.limits["short_by"].null_count() == 3
    assert found.limits["binds"].all()


def test_the_front_holds_what_no_other_plan_beats():
    found = best_plan(5000, 1500, 5, 0.9, CROWD, EXPERT, K, **SPACE)
    front = found.front
    assert front["usd"].is_sorted()
    cells = front.select("usd", "accuracy", "days").to_numpy() * [1, -1, 1]
    for cell in cells:
        assert not ((cells <= cell).all(1) & (cells < cell).any(1)).any()
    assert front.filter("feasible")["usd"].min() == pytest.approx(found.priced.usd)
    assert front.height < found.looked_at


def test_pareto_against_every_pair():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 6, (200, 3)).astype(float)
    bad = x * [1, -1, -1]
    beaten = [((bad <= r).all(1) & (bad < r).any(1)).any() for r in bad]
    assert pareto(*x.T).tolist() == (~np.array(beaten)).tolist()
    assert pareto(np.ones(3), np.ones(3)).all()


def test_a_good_model_is_used_and_a_bad_one_is_not():
    good = ModelCurve(np.array([0.5, 0.9]), np.array([0.9, 0.5]), np.array([0.97, 0.999]), 0.001)
    found = best_plan(1000, 1e9, 1e9, 0.96, CROWD, EXPERT, K, good)
    assert found.plan.threshold == 0.5
    assert found.priced.usd < best_plan(1000, 1e9, 1e9, 0.96, CROWD, EXPERT, K).priced.usd / 3
    bad = good._replace(accuracy=np.array([0.3, 0.4]))
    assert best_plan(1000, 1e9, 1e9, 0.96, CROWD, EXPERT, K, bad).plan.threshold is None


def test_the_search_without_people_or_with_impossible_numbers_is_refused():
    assert code(best_plan, 10, 1, 1, 0.5, None, None) == "empty"
    assert code(best_plan, 10, 1, 1, 0.5, Tier(0.8, 0.05, 10, 2), raters=(3,)) == "empty"
    assert code(best_plan, 10, -1, 1, 0.5, CROWD) == "not-nonnegative"
    assert code(best_plan, 10, 1, -1, 0.5, CROWD) == "not-nonnegative"
    assert code(best_plan, 10, 1, 1, 1.5, CROWD) == "not-share"
    assert code(best_plan, 0, 1, 1, 0.5, CROWD) == "not-count"
    assert code(best_plan, 10, 1, 1, 0.5, CROWD, raters=(2.5,)) == "not-count"
    assert code(best_plan, 10, 1, 1, 0.5, CROWD, gold=(2,)) == "not-share"
    alone = best_plan(10, 10, 10, 0.5, CROWD)
    assert (alone.plan.agree, alone.plan.gold, alone.priced.expert_labels) == (0, 0, 0)


def test_experts_alone_are_paid_once_for_a_gold():
    """A gold is labelled before the rest, and not again with it."""
    whole = planning.Plan(raters=0, gold=0.05)
    dear = [planning.Rater(f"e{i}", np.eye(3), ("a", "b", "c"), 2.0, 10.0) for i in range(3)]
    trial = planning.simulate(whole, ["a", "b", "c"] * 100, [], dear)
    assert (trial.expert_labels, trial.usd, trial.expert_share) == (300, 600.0, 1.0)
