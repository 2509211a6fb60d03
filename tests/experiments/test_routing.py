"""Plans chosen on one half of the clips and carried out on the other."""

import polars as pl
import pytest

from kit.experiments import redundancy, routing
from kit.labeling.plan import Plan

ITEMS = 3000


@pytest.fixture(scope="module")
def found(judged):
    return routing.routing(judged, 0.93, ITEMS)


def test_every_way_has_a_promise_and_a_trial(found):
    closed = found.filter(pl.col("chosen") == "closed form")
    by_vote = closed.filter(pl.col("read") == "majority")
    assert by_vote["way"].to_list() == list(routing.WAYS)
    assert closed.height == 5  # experts are read in one way
    assert (closed["promised_percent"] >= 93).all()
    assert found["saved_percent"][0] == 0
    dear = found["found_usd"][0]
    for row in found.to_dicts():
        assert row["saved_percent"] == pytest.approx(100 * (1 - row["found_usd"] / dear))
        assert row["low_percent"] < row["found_percent"] < row["high_percent"]


def test_a_rehearsed_plan_keeps_its_word_with_other_people(found):
    rehearsed = found.filter(pl.col("chosen") == "rehearsal")
    assert rehearsed["way"].to_list() == list(routing.WAYS[1:])
    assert (rehearsed["promised_percent"] >= 93).all()
    assert set(rehearsed["read"]) == {"dawid-skene"}
    assert (rehearsed["found_percent"] >= 92).all()
    assert (rehearsed["saved_percent"] > 50).all()


def test_the_closed_form_holds_for_what_it_assumes_and_not_for_hard_items(together):
    steps = dict(routing.promise(together, 0.93, ITEMS).select("step", "accuracy_percent").rows())
    told = list(steps.values())
    assert told[1] == pytest.approx(told[0], abs=2)
    assert told[3] < told[1] - 0.8


def test_hard_items_are_found_by_the_other_judges(judged, together):
    for side in routing.easier(judged, 0.6):
        assert side == pytest.approx(1, abs=0.35)
    sure, unsure = routing.easier(together, 0.6)
    assert sure > 1.2 > 1 > 0.8 > unsure


def test_no_clip_is_in_both_halves(judged, monkeypatch):
    seen = []
    real = routing.carried_out
    monkeypatch.setattr(
        routing, "carried_out", lambda part, *a, **k: (seen.append(part), real(part, *a, **k))[1]
    )
    best = routing.best_of(judged, "experts", 0.9, ITEMS)
    assert best.plan.raters == 0
    routing.routing(judged, 0.9, ITEMS)
    tried, held = (set(part["clip"].to_list()) for part in routing._halves(judged))
    assert not tried & held
    assert len(tried) == len(held) == 200
    clips = [set(part["clip"].to_list()) for part in seen]
    assert [c == held for c in clips].count(True) == 7  # all else on clips drawn anew


def test_clips_drawn_anew_keep_the_counts_of_the_words(judged):
    again = routing._resampled(judged, 3)
    assert again.height == judged.height
    assert dict(again["word"].value_counts().rows()) == dict(judged["word"].value_counts().rows())
    for _, part in again.group_by("clip"):
        assert part["word"].n_unique() == 1
        assert part.height == 3  # every judge judged the clip that was drawn


def test_a_plan_is_told_in_words():
    plan = Plan(raters=5, agree=3, experts=1, threshold=0.85, gold=0.05, golds=10, least=7)
    assert routing.told(plan) == (
        "model from 85 %; 5 of the crowd, experts below 3 votes; 1 expert; "
        "out with fewer than 7 of 10 golds"
    )
    assert routing.told(Plan(raters=6)) == "6 of the crowd"
    assert redundancy.CROWD > 9  # the search asks up to nine
