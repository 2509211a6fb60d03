"""Labels of rules: which clips they may look at, and what a spotter learns from them."""

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch")

from kit.experiments import Scale, prelabels, takes
from kit.labeling.assisted.weak_audio import RULES

SMALL = Scale(passes=64, tested=2, seeds=1, budget=60, parts=1)


@pytest.fixture(scope="module")
def digits():
    """60 clips of each of four synthetic voices."""
    voices = ("en-us+f4", "en-gb+Andy", "en-gb-x-rp+m7", "en-029+Annie")
    parts = []
    for i, voice in enumerate(voices):
        clips, labels, _ = takes.spoken(60, seed=i, voices=(voice,))
        parts.append(takes.takes(clips, labels, [f"s{i}"] * 60))
    return takes.joined(*parts)


def test_rules_look_at_two_examples_a_word_of_one_speaker(digits):
    hand, rest, votes = prelabels.weakly(digits)
    assert len(hand.clips) == 20
    assert set(hand.speakers) == {"s0"}
    assert np.unique(hand.labels, return_counts=True)[1].tolist() == [2] * 10
    assert len(rest.clips) == 220
    kept = {c.tobytes() for c in hand.clips}
    assert not any(c.tobytes() in kept for c in rest.clips)
    assert votes.codes.shape == (220, len(RULES) + 1)


def test_the_table_of_rules_counts_votes_against_the_truth(digits):
    table = prelabels.rules(digits, SMALL)
    others = digits.without(["s0", "s1"])
    _, rest, votes = prelabels.weakly(others)
    column = votes.codes[:, -1]
    row = table.row(by_predicate=pl.col("rule") == "by_template", named=True)
    assert row["covered_percent"] == pytest.approx(100 * (column >= 0).mean())
    said = np.array(votes.labels, object)[column]
    right = 100 * (said == rest.labels)[column >= 0].mean()
    assert row["right_percent"] == pytest.approx(right)
    assert table["rule"][-2:].to_list() == ["all rules together", "where sure by 0.8"]


def test_only_labels_by_hand_are_paid_and_nobody_tests_twice(digits, monkeypatch):
    seen = []

    def spied(tasks, progress=None):
        seen.extend(tasks)
        return [{"accuracy": dict.fromkeys(t.tests, 0.5), "seconds": 0.0} for t in tasks]

    monkeypatch.setattr(prelabels, "outcomes", spied)
    table = prelabels.prelabelled(digits, SMALL)
    paid = dict(table.select("how", "hand_labels").rows())
    assert paid == {"examples alone": 20, "rules where sure": 20, "rules wherever they vote": 20,
                    "some by hand": 120, "some by hand, rules where sure": 120,
                    "some by hand, as often as rules": 120, "all by hand": 80}  # fmt: skip
    truth = {c.tobytes(): w for c, w in zip(digits.clips, digits.labels, strict=True)}
    for task in seen:
        assert "" not in set(task.train.labels)
        assert not set(task.train.speakers) & {s for t in task.tests.values() for s in t.speakers}
    by_hand = [t for t in seen if len(t.train.clips) == 80][-1]
    assert all(truth[c.tobytes()] == w
               for c, w in zip(by_hand.train.clips, by_hand.train.labels, strict=True))  # fmt: skip
