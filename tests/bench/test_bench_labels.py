"""What `kit bench labels` records, and that the text of lesson 06 keeps to it."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")

from kit import bench as kept
from kit.bench import labels as bench
from kit.bench import recorded, recorded_rows, recorded_table
from kit.cli import app
from kit.errors import KitError
from kit.experiments.noise import MISTAKES


@pytest.fixture
def small(monkeypatch):
    """Parts that note that they were asked; the judged table that all get."""
    table = pl.DataFrame({
        "judge": ["a"] * 3 + ["b"] * 3, "clip": [0, 1, 2] * 2, "speaker": ["x"] * 6,
        "word": ["w", "v", "w"] * 2, "said": ["w", "v", "v", "w", "v", "w"],
        "right": [True, True, False, True, True, True],
        "confidence": [0.123456, 0.5, 1 / 3, 0.9, 0.8, 0.7],
    })  # fmt: skip
    asked = []
    monkeypatch.setattr(bench, "people", lambda: ("everybody", ""))
    monkeypatch.setattr(bench, "judged", lambda p, size: (asked.append((p, size)), table)[1])
    parts = {
        name: (part if name in ("judged", "confusion") else lambda p, t: [{"people": p, "x": 0.1}])
        for name, part in bench.PARTS.items()
    }
    monkeypatch.setattr(bench, "PARTS", parts)
    return asked


def test_every_part_is_recorded_as_json_with_few_digits(small):
    rows = bench.labels()
    assert small == [("everybody", bench.QUICK)]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert list(dict.fromkeys(row["kind"] for row in rows)) == list(bench.PARTS)
    judged = [row for row in rows if row["kind"] == "judged"]
    assert judged[0]["confidence"] == [0.1235, 0.5, 0.3333]
    assert judged[1]["right"] == [True, True, True]
    first = next(row for row in rows if row["kind"] == "confusion")
    assert (first["words"], first["counts"]) == (["v", "w"], [[1, 0], [1, 1]])


def test_parts_can_be_asked_for_by_name(small):
    assert {row["kind"] for row in bench.labels(["apart"])} == {"apart"}
    with pytest.raises(KitError, match="no such part"):
        bench.labels(["nothing"])


def test_without_recordings_there_is_no_record(small, monkeypatch):
    monkeypatch.setattr(bench, "people", lambda: ("voices", "NOTICE: a sample"))
    with pytest.raises(KitError, match="needs the recordings"):
        bench.labels()
    assert not small


@pytest.mark.parametrize("options", [[], ["--json"], ["--save"]])
def test_the_command_prints_and_keeps_on_request(small, monkeypatch, options):
    saved = []
    monkeypatch.setattr(kept, "keep", lambda whole: saved.append(whole) or "a path")
    done = CliRunner().invoke(app, ["bench", "labels", *options])
    assert done.exit_code == 0, done.output
    if "--json" in options:
        assert json.loads(done.stdout)["benchmark"] == "labels"
    else:
        assert "apart" in done.stdout
        assert "confidence" not in done.stdout
    assert len(saved) == ("--save" in options)


# --- what lesson 06 says of the record that is kept


def test_there_is_a_record_with_every_part():
    (newest, *_) = recorded("labels")
    assert {row["kind"] for row in newest["rows"]} == set(bench.PARTS)


def test_judges_fail_together():
    for row in recorded_rows("labels", "apart"):
        assert row["agreement_percent"] > row["apart_percent"] + 5
        assert row["both_wrong_percent"] > row["both_wrong_apart_percent"]


def test_from_five_raters_dawid_and_skene_beat_nine_of_a_majority():
    table = recorded_table("labels", "redundancy")
    for pool in ("all listen", "a tenth sabotage"):
        own = table.filter(pl.col("pool") == pool)
        got = {(m, n): a for m, n, a in own.select("method", "raters", "accuracy_percent").rows()}
        assert got["dawid-skene", 5] > got["majority", 9]
        assert got["dawid-skene", 1] == got["majority", 1]
    spam = table.filter(pl.col("pool") == "a fifth spam")
    got = {(m, n): a for m, n, a in spam.select("method", "raters", "accuracy_percent").rows()}
    assert got["dawid-skene", 7] > got["majority", 9] + 3


def test_the_closed_form_holds_for_its_assumptions_and_hard_items_break_it():
    told = [row["accuracy_percent"] for row in recorded_rows("labels", "promise")]
    assert told[1] == pytest.approx(told[0], abs=1)
    assert told[1] > told[2] + 2
    assert told[2] > told[3] + 2
    assert told[4] > told[3] + 3


def test_plans_of_the_formula_fall_short_and_rehearsed_ones_keep_their_word():
    rows = recorded_rows("labels", "routing")
    rehearsed = [row for row in rows if row["chosen"] == "rehearsal"]
    assert len(rehearsed) == 2
    for row in rehearsed:
        assert row["high_percent"] >= 95
        assert row["saved_percent"] > 80
    closed = [row for row in rows if row["chosen"] == "closed form"][1:]
    by_vote, again = ([r for r in closed if r["read"] == x] for x in ("majority", "dawid-skene"))
    for row, reread in zip(by_vote, again, strict=True):
        assert row["found_percent"] < row["promised_percent"] - 4
        assert reread["found_percent"] > row["found_percent"] + 2  # "bring back most of it"


def test_few_clips_with_many_looks_train_as_well_as_many_with_one():
    found = {row["looks"]: row for row in recorded_rows("labels", "looks")}
    once, often = found[1], found[9]
    assert once["clips"] == 9 * often["clips"] + 1
    assert often["label_percent"] > once["label_percent"] + 15
    assert often["accuracy_percent"] >= once["accuracy_percent"]
    assert often["low_percent"] < once["high_percent"]  # "the intervals overlap"
    assert found[3]["accuracy_percent"] < min(once["accuracy_percent"], often["accuracy_percent"])


def test_choosing_saves_nothing_for_new_speakers_and_something_for_known_ones():
    rows = [r for r in recorded_rows("labels", "multiplier") if r["strategy"] == "margin"]
    new = [r for r in rows if r["task"] == "new speakers" and r["multiplier"]]
    same = {r["accuracy"]: r for r in rows if r["task"] == "same speakers" and r["multiplier"]}
    assert new
    assert all(r["low"] < 1 for r in new)
    assert any(r["low"] < 0.6 and r["high"] and r["high"] > 3 for r in new)  # "half to three"
    assert all(1.1 < r["multiplier"] < 2 for r in same.values())  # "a fifth to a half"
    assert same[0.9]["low"] > 1.3
    assert same[0.9]["multiplier"] > same[0.7]["multiplier"]
    assert all(r["multiplier"] < 5 for r in rows if r["multiplier"])


def test_wrong_labels_cost_points_and_more_of_them_more():
    table = recorded_table("labels", "noisy")
    most = table.filter(pl.col("clips") == pl.col("clips").max())
    got = most.filter(pl.col("mistake") == "any word alike")
    got = got.sort("wrong_percent")["accuracy_percent"].to_list()
    assert 5 < got[0] - got[-1] < 40  # "less than their share"
    alike, spotters = (
        most.filter(pl.col("mistake") == name, pl.col("wrong_percent") == 40)["accuracy_percent"][0]
        for name in MISTAKES
    )
    clean = got[0]
    assert 1.5 < (clean - spotters) / (clean - alike) < 3  # "about twice as much"


def test_rules_help_next_to_nothing_and_spoil_labels_by_hand():
    got = {r["how"]: r["accuracy_percent"] for r in recorded_rows("labels", "prelabelled")}
    assert got["rules wherever they vote"] > got["examples alone"]
    assert got["some by hand"] > got["rules wherever they vote"]
    assert got["some by hand"] > got["some by hand, rules where sure"]
    rules = {r["rule"]: r for r in recorded_rows("labels", "rules")}
    whole, template = rules["all rules together"], rules["by_template"]
    assert template["believed_percent"] > template["right_percent"] + 5
    assert whole["right_percent"] < template["right_percent"]
    assert whole["covered_percent"] > template["covered_percent"]
    assert got["some by hand, as often as rules"] < got["some by hand"]
