"""Several raters for one label, held to closed forms and to counts by hand."""

import polars as pl
import pytest

from kit.assumptions import value
from kit.experiments import redundancy as rd
from kit.labeling import plan


def test_the_crowd_has_the_mistakes_of_the_judges_in_turn(judged):
    people = rd.crowd(judged, 6)
    right = judged.group_by("judge", maintain_order=True).agg(pl.col("right").mean())["right"]
    assert [r.accuracy for r in people] == pytest.approx([*right, *right])
    assert {r.usd for r in people} == {value("crowd_label_high")}
    spoilt = rd.crowd(judged, 10, spammers=0.2, adversaries=0.1)
    assert sorted(r.kind for r in spoilt).count("spammer") == 2


def test_experts_have_better_odds_than_the_best_judge(judged):
    best = judged.filter(pl.col("judge") == "2 clips")
    wrong = 1 - best["right"].mean()
    for expert in rd.experts(judged):
        assert 1 - expert.accuracy < wrong / 10
        assert expert.usd == value("expert_label_high")


def test_errors_that_come_apart_agree_as_the_formula_says(judged):
    for row in rd.apart(judged).to_dicts():
        assert row["agreement_percent"] == pytest.approx(row["apart_percent"], abs=6)
        assert row["both_wrong_percent"] == pytest.approx(row["both_wrong_apart_percent"], abs=4)


def test_errors_that_fall_together_agree_more(together):
    found = rd.apart(together)
    assert found.height == 3
    assert (found["agreement_percent"] > found["apart_percent"] + 5).all()
    assert (found["both_wrong_percent"] > found["both_wrong_apart_percent"]).all()
    a, b = (together.filter(pl.col("judge") == f"{i} clips") for i in (1, 2))
    same = 100 * (a["said"] == b["said"]).mean()
    assert found["agreement_percent"][-1] == pytest.approx(same)


def test_a_majority_is_as_good_as_condorcet_says(judged):
    """With one judge, all of the crowd are alike, and errors fall evenly."""
    one = judged.filter(pl.col("judge") == "1 clips")
    found = rd.redundancy(one, {"all": {}}, (1, 3, 5), ("majority",), items=4000)
    p = one["right"].mean()
    for row in found.to_dicts():
        model = 100 * plan.majority_accuracy(p, row["raters"], 4)
        assert row["low_percent"] - 1.5 < model < row["high_percent"] + 1.5
        assert row["usd"] == pytest.approx(row["raters"] * value("crowd_label_high"))
        right = row["accuracy_percent"] / 100 * 4000
        assert row["usd_correct"] == pytest.approx(4000 * row["usd"] / right)


def test_dawid_and_skene_do_better_where_raters_differ(judged):
    found = rd.redundancy(judged, {"spam": {"spammers": 0.3}}, (1, 7), items=1500)
    wide = found.pivot("method", index="raters", values="accuracy_percent").sort("raters")
    alone, seven = wide.rows(named=True)
    assert alone["majority"] == alone["dawid-skene"]
    assert seven["dawid-skene"] > seven["majority"] + 2
    assert found["usd_correct"].is_finite().all()
