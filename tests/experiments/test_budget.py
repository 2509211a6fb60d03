"""The market: what a plan costs, what it may not be, and that nobody who tests is on sale."""

import numpy as np
import pytest

pytest.importorskip("torch")

from kit.assumptions import value
from kit.errors import KitError
from kit.experiments import budget

PLAN = {"record": 100, "crowd": 50, "synthesise": 200, "augment": "light"}


@pytest.fixture
def market(tones, monkeypatch):
    monkeypatch.setattr(budget, "people", lambda progress=None: (tones, ""))
    monkeypatch.setattr(budget, "synthetic", lambda count, seed: tones.few(count, seed))
    budget._market.cache_clear()
    yield tones
    budget._market.cache_clear()


def test_a_plan_costs_what_its_parts_cost():
    known = 100 * value("market_record") + 50 * value("market_crowd")
    known += 200 * value("market_synthesise") + value("market_light")
    assert budget.cost_usd(PLAN) == pytest.approx(known)
    assert budget.check_plan(PLAN, known) == PLAN
    with pytest.raises(KitError, match="too dear"):
        budget.check_plan(PLAN, known - 0.01)
    double = budget.PRICES | {"record": 2 * value("market_record")}
    assert budget.cost_usd(PLAN, double) == pytest.approx(known + 100 * value("market_record"))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"record": -1}, "whole number"),
        ({"record": 1.5}, "whole number"),
        ({"record": True}, "whole number"),
        ({"record": float("nan")}, "whole number"),
        ({"synthesise": 3001}, "0 to 3000"),
        ({"augment": "heavy"}, "none, light, full"),
        ({"augment": None}, "none, light, full"),
        ({"more": 1}, "no plan"),
        ({"record": 0, "crowd": 0, "synthesise": 0}, "no clip"),
    ],
)
def test_impossible_plans_are_refused(change, word):
    with pytest.raises(KitError, match=word):
        budget.check_plan(PLAN | change, 1e6)


@pytest.mark.parametrize("plan", [None, [], {}, "record everything"])
def test_what_is_no_plan_is_refused(plan):
    with pytest.raises(KitError, match="no plan"):
        budget.check_plan(plan, 1e6)


def test_whole_numbers_of_numpy_are_whole_numbers():
    assert budget.check_plan(PLAN | {"record": np.int64(3)}, 1e6)


def test_a_single_source_takes_all_the_money_and_no_more():
    for name in budget.CLIPS:
        plan = budget.single(name, 500.0)
        assert budget.cost_usd(plan) <= 500
        full = plan[name] == budget.LIMITS[name]
        assert full or budget.cost_usd(plan | {name: plan[name] + 1}) > 500


def test_nobody_who_tests_is_on_sale(market):
    assert budget.testers() == ("s5", "s1")
    bought = budget.bought(PLAN | {"record": 1000, "crowd": 2000, "synthesise": 0})
    assert set(bought.speakers) == {"s0", "s2", "s3", "s4"}
    studio = budget.bought(PLAN | {"record": 40, "crowd": 0, "synthesise": 0})
    assert set(studio.speakers) == {"s0"}
    assert len(studio.clips) == 24  # all there are
    with pytest.raises(KitError, match="tests nobody"):
        budget.judge(PLAN, "s0")


def test_the_crowd_is_noisy_and_partly_wrong(market):
    sold = market.without(budget.testers())
    crowd = budget.bought(PLAN | {"record": 0, "crowd": 2000, "synthesise": 0})
    assert (crowd.clips != sold.clips).any(1).all()
    wrong = (crowd.labels != sold.labels).mean()
    assert 0.02 < wrong < 0.2
    assert set(crowd.labels) == set(sold.labels)


def test_a_plan_is_judged_by_training_on_it(market, monkeypatch):
    monkeypatch.setattr(budget, "_PASSES", 1500)
    good = budget.judge(PLAN | {"record": 40, "crowd": 0, "synthesise": 0})
    assert good > 0.8
    assert budget.judge(PLAN | {"record": 40, "crowd": 0, "synthesise": 0}) == good
    assert 0 <= budget.judge(PLAN | {"record": 3, "crowd": 3, "synthesise": 0}, "s1") <= 1
