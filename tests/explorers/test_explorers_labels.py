"""The explorers on labels keep to the closed forms of kit.labeling, and to what was measured."""

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest

import kit.bench
from kit.drift.labels import kappa
from kit.errors import KitError
from kit.explorers import explore
from kit.explorers.base import Panel
from kit.explorers.labels import learning, prices
from kit.labeling.assisted.active import STRATEGIES, multiplier
from kit.labeling.plan import ModelCurve, Plan, Tier, model_curve, priced
from kit.numbers import shown

NAMES = ("correct-label", "routing", "active-learning", "kappa-paradox")


def curves(strategies=STRATEGIES):
    """Curves that rise from 30 % by a point for 12 labels, 11, 10 and so on."""
    rows = [
        {"task": task, "strategy": s, "labels": n, "accuracy": a, "low": a - 0.02, "high": a + 0.01}
        for task in learning.TASKS
        for i, s in enumerate(strategies)
        for n in range(20, 421, 40)
        if (a := 0.3 + 0.01 * (n - 20) / (12 - i))
    ]
    return pl.DataFrame(rows)


def judgements(count=400, seed=0, judge=None):
    """A model whose labels are right as often as it says."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(4, 1.3, count)
    columns = {"confidence": confidence, "right": rng.random(count) < confidence}
    return pl.DataFrame(columns | ({"judge": [judge] * count} if judge else {}))


@pytest.fixture
def record(monkeypatch):
    """A record of the benchmark "labels", as kit.bench keeps it."""
    rows = [{"kind": "curve"} | r for r in curves().to_dicts()]
    for seed, judge in enumerate(("25 clips", "400 clips")):
        table = judgements(seed=seed) if seed else judgements().with_columns(right=pl.lit(False))
        columns = {c: table[c].to_list() for c in ("confidence", "right")}
        rows.append({"kind": "judged", "judge": judge} | columns)
    monkeypatch.setattr(kit.bench, "recorded", lambda name: [{"rows": rows}] * (name == "labels"))


def yours(seen):
    return seen.table.filter(point="yours").row(0, named=True)


# a correct label


@pytest.mark.parametrize("how", ["no test", "gold test"])
def test_prices_are_those_of_the_plans(how):
    seen = explore("correct-label", accuracy_percent=70.0, wage_usd_h=36.0, spammers_percent=30.0)
    crowd = Tier(0.7, 0.1, 10.0, 50, spammers=0.3)
    expert = Tier(0.98, 2.0, 10.0, 5)
    mark = prices.pass_mark(0.7, 0.98)
    test = {"gold": 0.05, "golds": 10, "least": mark} if how == "gold test" else {}
    for row in seen.table.filter(how=how).iter_rows(named=True):
        found = priced(Plan(row["raters"], **test), 10_000, crowd, expert, 10)
        assert row["accuracy_percent"] == pytest.approx(100 * found.accuracy)
        assert row["correct_usd"] == pytest.approx(found.usd_correct)
        assert row["item_usd"] == pytest.approx(found.usd / 10_000)
        assert row["thrown_percent"] == pytest.approx(100 * found.thrown_out)


def test_one_more_right_label_is_dearer_than_the_average():
    table = explore("correct-label").table.filter(how="no test")
    three, five = (table.filter(raters=n).row(0, named=True) for n in (3, 5))
    right = (five["accuracy_percent"] - three["accuracy_percent"]) / 100
    assert five["more_usd"] == pytest.approx(0.1 / right)
    assert five["more_usd"] > five["correct_usd"] > three["correct_usd"]
    assert table.filter(pl.col("raters") % 2 == 0)["more_usd"].null_count() == 4
    assert table["more_usd"][0] is None


def test_experts_are_paid_as_the_chapter_says():
    row = explore("correct-label", expert_percent=90).table.filter(how="experts").row(0, named=True)
    assert row["accuracy_percent"] == pytest.approx(90)
    assert row["correct_usd"] == pytest.approx(2 / 0.9)
    assert row["raters"] == 0


@pytest.mark.parametrize(("percent", "mark"), [(99, 6), (80, 5), (20, 2)])
def test_the_pass_mark_lies_between_a_spammer_and_a_listener(percent, mark):
    found = prices.pass_mark(percent / 100, 0.98)
    assert found == mark
    assert 1 < found < max(10 * percent / 100, 2.1)


def test_gold_throws_spammers_out_and_keeps_those_who_listen():
    for spammers in (0.0, 40.0):
        table = explore("correct-label", accuracy_percent=90.0, spammers_percent=spammers).table
        assert table.filter(how="gold test", raters=3)["thrown_percent"].item() == pytest.approx(
            spammers, abs=1)  # fmt: skip
        assert table.filter(how="no test", raters=3)["thrown_percent"].item() == 0


def test_the_summary_of_a_label_tells_the_numbers_of_the_table():
    seen = explore("correct-label")
    plain, tested = (seen.table.filter(how=h, raters=3).row(0, named=True)
                     for h in ("no test", "gold test"))  # fmt: skip
    assert seen.summary.startswith("3 raters of 80 %, 20 % of the crowd spammers: ")
    assert f": {plain['accuracy_percent']:.1f} % right at USD 0.188" in seen.summary
    assert f"with a gold test {tested['accuracy_percent']:.1f} % right at USD 0.281" in seen.summary
    assert "by an expert 98.0 % right at USD 2.04" in seen.summary
    assert seen.summary.endswith("costs USD 0.779, with the test USD 1.72.")


def test_where_nothing_is_gained_there_is_no_price_of_more():
    seen = explore("correct-label", accuracy_percent=99.0, spammers_percent=0.0)
    assert seen.table.filter(how="no test", raters=9)["more_usd"].item() is None
    assert "nan" not in str(seen.figure.to_plotly_json()).lower()


def test_a_crowd_that_is_too_small_is_said_to_be(monkeypatch):
    monkeypatch.setattr(prices, "PEOPLE", (3, 5))
    seen = explore("correct-label", spammers_percent=60.0)
    assert seen.table.filter(how="no test")["possible"].to_list() == [True] * 3 + [False] * 6
    assert seen.table.filter(raters=5)["accuracy_percent"].null_count() == 2
    assert "no test is possible" in seen.summary
    assert "any sum: none comes" in seen.summary
    assert "gold test not possible" in seen.figure.layout.title.text


@pytest.mark.parametrize("value", [101, -1, "much", True, float("nan")])
def test_an_expert_is_right_in_0_to_100_percent(value):
    with pytest.raises(KitError, match="no share in %"):
        explore("correct-label", expert_percent=value)


# who labels what


def test_the_readers_plan_is_priced_as_plans_are():
    judged = judgements()
    curve = model_curve(judged["confidence"], judged["right"], [0.8])
    crowd, expert = Tier(0.85, 0.05, 10.0, 50), Tier(0.98, 3.0, 10.0, 5)
    for votes, agree in prices.VOTES.items():
        seen = explore("routing", judged=judged, threshold_percent=80.0, votes=votes,
                       expert_usd=3.0)  # fmt: skip
        found = priced(Plan(3, agree, threshold=0.8), 10_000, crowd, expert, 10, curve)
        row = yours(seen)
        assert row["usd"] == pytest.approx(found.usd)
        assert row["accuracy_percent"] == pytest.approx(100 * found.accuracy)
        assert row["model_percent"] == pytest.approx(100 * found.model_share)
        assert row["experts_percent"] == pytest.approx(100 * found.expert_share)
        assert sum(row[f"{w}_percent"] for w in ("model", "crowd", "experts")) == pytest.approx(100)


def test_the_ends_of_the_threshold_are_the_model_alone_and_no_model():
    judged = judgements()
    seen = explore("routing", judged=judged, threshold_percent=0.0, votes="always")
    assert yours(seen)["usd"] == 0
    assert yours(seen)["accuracy_percent"] == pytest.approx(100 * judged["right"].mean())
    seen.set(threshold_percent=100.0)
    crowd = seen.table.filter(point="crowd", votes="always").row(0, named=True)
    assert yours(seen)["usd"] == pytest.approx(crowd["usd"]) == pytest.approx(1500)
    assert yours(seen)["accuracy_percent"] == pytest.approx(crowd["accuracy_percent"])
    assert "USD 0 more" not in seen.summary


def test_no_plan_beats_one_of_the_front():
    table = explore("routing", judged=judgements()).table.filter(pl.col("point") != "yours")
    usd, right = table["usd"].to_numpy(), table["accuracy_percent"].to_numpy()
    beaten = [((usd <= u) & (right >= a) & ((usd < u) | (right > a))).any()
              for u, a in zip(usd, right, strict=True)]  # fmt: skip
    assert table["front"].to_list() == [not b for b in beaten]
    assert table.height == 3 * 102 + 1


def test_what_is_saved_is_told_beside_what_is_lost():
    seen = explore("routing", judged=judgements(), threshold_percent=95.0, votes="2 of 3 agree")
    you, experts = yours(seen), seen.table.filter(point="experts").row(0, named=True)
    saved = shown(experts["usd"] - you["usd"])
    gap = you["accuracy_percent"] - experts["accuracy_percent"]
    assert gap > 0
    assert f"USD {saved} less than experts alone, and {gap:.1f} points better" in seen.summary
    seen.set(threshold_percent=50.0)
    assert "less than experts alone, but" in seen.summary
    assert "points worse" in seen.summary


def test_a_cheaper_plan_that_is_as_right_is_named():
    seen = explore("routing", judged=judgements(), threshold_percent=100.0, votes="3 of 3 agree",
                   expert_usd=20.0)  # fmt: skip
    assert "As right or better for USD" in seen.summary
    told = float(seen.summary.split("better for USD ")[1].split(":")[0].replace("\u202f", ""))
    good = seen.table.filter(pl.col("accuracy_percent") >= yours(seen)["accuracy_percent"] - 1e-9)
    assert told == pytest.approx(good["usd"].min(), rel=1e-2)
    assert told < yours(seen)["usd"]


def test_the_strongest_judge_is_taken(record):
    kept = explore("routing").settings["judged"]
    assert (kept.name, kept.clips) == ("400 clips", 400)
    own = explore("routing", judged=judgements(seed=1)).settings["judged"]
    assert own.name is None
    assert (own.crowd_percent, own.expert_percent) == (85, 98)
    assert np.array_equal(own.curve.accuracy, kept.curve.accuracy)
    both = pl.concat([judgements(judge="b"), judgements(judge="a").with_columns(right=True)])
    assert explore("routing", judged=both).settings["judged"].name == "a"
    alone = explore("routing", judged=both.filter(judge="a")).settings["judged"]
    assert (alone.name, alone.crowd_percent, alone.expert_percent) == ("a", 85, 98)


def test_people_are_as_good_as_the_judges_unless_it_is_said():
    both = pl.concat([judgements(judge="b", seed=1), judgements(judge="a")])
    share = [t["right"].mean() for t in (judgements(seed=1), judgements())]
    seen = explore("routing", judged=both)
    row, odds = yours(seen), 20 * max(share) / (1 - max(share))
    assert row["rater_percent"] == pytest.approx(100 * np.mean(share))
    assert row["an_expert_percent"] == pytest.approx(100 * odds / (1 + odds))
    assert f"raters of {shown(row['rater_percent'])} %" in seen.summary
    seen.set(crowd_percent=90, expert_percent=97)
    assert (yours(seen)["rater_percent"], yours(seen)["an_expert_percent"]) == (90, 97)
    assert seen.table.filter(point="experts")["accuracy_percent"].item() == pytest.approx(97)


def test_a_move_looks_at_the_judged_clips_no_more(monkeypatch):
    seen = explore("routing", judged=judgements())
    monkeypatch.setattr(prices, "model_curve", None)
    seen.set(threshold_percent=10.0)
    assert isinstance(seen.settings["judged"].curve, ModelCurve)


@pytest.mark.parametrize(
    "table",
    [
        3,
        judgements().drop("right"),
        judgements().clear(),
        judgements().with_columns(confidence=pl.lit(1.5)),
        judgements().with_columns(right=pl.lit("yes")),
        judgements().with_columns(right=pl.lit(None, pl.Boolean)),
        judgements().with_columns(confidence=pl.lit(None, pl.Float64)),
    ],
)
def test_what_no_model_said_is_refused(table):
    with pytest.raises(KitError):
        explore("routing", judged=table)


# what to label next


def test_the_labels_needed_are_those_of_the_multiplier():
    table = curves()
    seen = explore("active-learning", table=table, strategy="margin", wanted_percent=52.0)
    row = seen.table.row(0, named=True)
    parts = [table.filter(task="new speakers", strategy=s).with_columns(seed=0)
             for s in ("margin", "random")]  # fmt: skip
    found = multiplier(*parts, [0.52]).row(0, named=True)
    assert row["needed_labels"] == pytest.approx(found["labels"]) == pytest.approx(240)
    assert row["random_labels"] == pytest.approx(found["random_labels"]) == pytest.approx(284)
    assert seen.summary == ("For 52 % on new speakers margin needs 240 labels where random needs "
                            "284: 1.18 times fewer, USD 4.4 saved at USD 0.1 a label.")  # fmt: skip


def test_what_is_not_reached_is_told_with_what_is():
    seen = explore("active-learning", table=curves(), strategy="margin", wanted_percent=68.0)
    assert seen.table["random_labels"].null_count() == seen.table.height
    assert seen.summary == ("For 68 % on new speakers: margin needs 400 labels, random reaches "
                            "63.3 % at most.")  # fmt: skip
    assert "random does not get there" in seen.figure.layout.title.text
    seen.set(wanted_percent=99.0)
    assert "margin reaches 70.0 % at most, random reaches 63.3 % at most" in seen.summary


def test_a_strategy_that_is_worse_than_random_loses_money():
    table = curves().with_columns(
        strategy=pl.col("strategy").replace({"random": "badge", "badge": "random"})
    )
    seen = explore("active-learning", table=table, strategy="badge", wanted_percent=60.0)
    assert "1.65 times more, USD 15 lost at USD 0.1 a label" in seen.summary


def test_a_strategy_that_was_not_measured_is_said_to_be():
    seen = explore("active-learning", table=curves(("random", "margin")), strategy="badge")
    assert seen.summary == "badge was not measured for new speakers."
    traces = len(seen.figure.data)
    seen.set(strategy="margin")
    assert len(seen.figure.data) == traces


def test_a_task_that_was_not_measured_is_refused():
    table = curves().filter(task="new speakers")
    with pytest.raises(KitError, match="no such task"):
        explore("active-learning", table=table, task="same speakers")


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("curves", "no table"),
        (curves().drop("low"), "no table"),
        (curves().drop("task"), "no table"),
        (curves().clear(), "no row"),
        (curves().with_columns(accuracy=pl.lit(2.0)), "not possible"),
        (curves().vstack(curves()), "held against random"),
        (curves(("margin", "badge")), "held against random"),
    ],
)
def test_what_is_no_curve_is_refused(table, text):
    with pytest.raises(KitError, match=text):
        explore("active-learning", table=table)


# kappa's paradox


def test_kappa_is_that_of_the_table_of_1000_items():
    seen = explore("kappa-paradox", agreement_percent=90.0, rare_percent=6.0)
    row = yours(seen)
    both, one, common = (round(row[c]) for c in ("both_rare", "one", "both_common"))
    assert (both, one, common) == (10, 50, 890)
    first = ["rare"] * (both + one) + ["common"] * (one + common)
    second = ["rare"] * both + ["common"] * one + ["rare"] * one + ["common"] * common
    assert row["kappa"] == pytest.approx(kappa(first, second).value)
    assert row["chance"] == pytest.approx(0.06**2 + 0.94**2)
    by_chance = 2 * 0.06 * 0.94  # Gwet's, for two labels
    assert row["ac1"] == pytest.approx((0.9 - by_chance) / (1 - by_chance))
    assert "Kappa 0.11 is slight, AC1 0.89 is almost perfect" in seen.summary
    assert "both would be 0.80" in seen.summary


def test_both_measures_meet_where_labels_are_as_frequent():
    row = yours(explore("kappa-paradox", agreement_percent=70.0, rare_percent=50.0))
    assert row["kappa"] == pytest.approx(row["ac1"]) == pytest.approx(0.4)


def test_what_no_two_raters_can_have_is_not_drawn():
    seen = explore("kappa-paradox", agreement_percent=80.0, rare_percent=5.0)
    row, line = yours(seen), seen.table.filter(point="line")
    assert row["kappa"] is row["ac1"] is row["both_rare"] is None
    assert line["rare_percent"].min() == pytest.approx(10)
    assert line["kappa"].null_count() == 0
    assert "cannot both say a label in 5 %" in seen.summary
    assert "in 10 % or more" in seen.summary
    assert yours(explore("kappa-paradox", agreement_percent=80.0, rare_percent=10.0))["kappa"] < 0


@pytest.mark.parametrize(
    ("value", "word"),
    [(1, "almost perfect"), (0.5, "moderate"), (0.2, "slight"), (0.0, "poor"), (-1, "poor")],
)
def test_words_of_landis_and_koch(value, word):
    assert learning.word(value) == word


# all of them


@pytest.mark.parametrize(("name", "kind"), [("routing", "judged"), ("active-learning", "curve")])
def test_without_a_record_the_kind_is_named(monkeypatch, name, kind):
    monkeypatch.setattr(kit.bench, "recorded", lambda _: [{"rows": [{"kind": "wolf"}]}])
    with pytest.raises(KitError, match=f"the kind {kind}") as caught:
        explore(name)
    assert caught.value.code == "no-record"


@pytest.mark.parametrize("name", NAMES)
def test_every_corner_draws_the_same_traces_and_no_nan(record, name):
    seen = explore(name)
    first = [trace.type for trace in seen.figure.data]
    for control in seen.explorer.movable:
        for value in control.options or (control.low, control.high):
            seen.set(**{control.name: type(control.value)(value)})
            figure = seen.figure
            assert [trace.type for trace in figure.data] == first
            words = f"{seen.summary} {seen.table_html()}"
            labels = [figure.layout.title.text, *(t.name for t in figure.data)]
            text = [str(x) for t in figure.data if t.text is not None for x in t.text]
            for found in (words, *labels, *text):
                assert "nan" not in found.lower()
                assert "None" not in found
            assert seen.explorer.fallback(seen.table).height > 0


@pytest.mark.parametrize("name", NAMES)
def test_controls_and_axes_have_units(record, name):
    seen = explore(name)
    assert len(seen.explorer.movable) <= 3
    for control in seen.explorer.movable:
        assert control.unit or control.kind == "choice"
        assert len(control.title) * 7 <= 250
    for axis in (seen.figure.layout.xaxis, seen.figure.layout.yaxis):
        assert "," in axis.title.text


@pytest.mark.parametrize("name", NAMES)
def test_a_live_figure_shows_what_a_fresh_one_would(record, name):
    seen = explore(name)
    seen.panel = Panel(seen)
    live = seen.panel.figure
    for control in seen.explorer.movable:
        value = control.options[-1] if control.options else control.high
        seen.panel.inputs[control.name].value = type(control.value)(value)
    assert live.layout.title.text == seen.figure.layout.title.text
    for old, new in zip(live.to_dict()["data"], go.Figure(seen.figure).to_dict()["data"],
                        strict=True):  # fmt: skip
        for key in {"x", "y", "z", "text", "name"} & new.keys():
            assert np.array_equal(old[key], new[key])
