"""Pictures of labels show what their tables hold, and their titles say the finding."""

import polars as pl
import pytest

from kit.errors import KitError
from kit.labeling.plan import Tier, best_plan, model_curve
from kit.views import labels as views
from kit.views.theme import BLUE, GREEN, ORANGE, RED

ENDS = ["accuracy_percent", "low_percent", "high_percent"]


def texts(figure):
    """Every text of a figure, joined."""
    return str(figure.to_plotly_json()).lower()


def named(figure, name):
    return [t for t in figure.data if t.name == name]


def redundant(**more):
    rows = [
        (pool, n, method, a, a - 2, min(a + 1, 100), 0.05 * n, 5 * n / a)
        for pool, least in (("honest", 80.0), ("spammed", 60.0))
        for method, gain in (("majority", 2.0), ("dawid-skene", 4.0 if pool == "spammed" else 2.5))
        for n in (5, 1, 3)
        if (a := least + gain * n)
    ]
    columns = ["pool", "raters", "method", *ENDS, "usd", "usd_correct"]
    return pl.DataFrame(rows, columns, orient="row").with_columns(**more)


def noise(**more):
    rows = [(kind, w, 90 - w * cost, 88 - w * cost, 91 - w * cost, "interval")
            for kind, cost in (("any word alike", 0.2), ("as spotters err", 1.0))
            for w in (40.0, 0.0, 10.0)]  # fmt: skip
    return pl.DataFrame(rows, ["mistake", "wrong_percent", *ENDS, "ends"],
                        orient="row").with_columns(**more)  # fmt: skip


def front(least=0.9, budget=5000):
    curve = model_curve([0.2, 0.6, 0.9, 0.95], [False, True, True, True], [0.5, 0.9])
    return best_plan(1000, budget, 20, least, Tier(0.85, 0.05, 10, 50), Tier(0.98, 2, 10, 5), 10,
                     curve, raters=(0, 1, 3, 5)).front  # fmt: skip


def learning():
    rows = [(task, s, n, 0.2 + n / k, 0.1 + n / k, 0.25 + n / k)
            for task in ("new speakers", "same speakers")
            for s, k in (("random", 300), ("core_set", 250), ("margin", 200))
            if task == "same speakers" or s != "margin" for n in (20, 60, 100)]  # fmt: skip
    names = ["task", "strategy", "labels", "accuracy", "low", "high"]
    return pl.DataFrame(rows, names, orient="row")


def people(**more):
    rows = [("ann", 0.9, 0.88, 300, "ok"), ("bob", 0.1, 0.0, 280, "spammer"),
            ("cat", 0.02, -0.1, 300, "adversary"), ("dan", 0.8, 0.78, 10, "ok"),
            ("eve", None, None, 0, "ok")]  # fmt: skip
    names = ["rater", "accuracy", "kappa", "ratings", "kind"]
    return pl.DataFrame(rows, names, orient="row").with_columns(**more)


def ways():
    rows = [("rules", 0, 60.0, 57.0, 63.0, 0.0), ("by hand", 200, 78.0, 74.0, 81.0, 20.0),
            ("guess, corrected", 200, 91.0, 88.0, 93.0, 11.0)]  # fmt: skip
    return pl.DataFrame(rows, ["how", "hand_labels", *ENDS, "usd"], orient="row")


# redundancy


def test_each_pool_has_a_panel_and_each_method_a_line():
    figure = views.redundancy(redundant())
    assert [t.name for t in figure.data] == ["majority", "dawid-skene"] * 2
    assert [t.xaxis for t in figure.data] == ["x", "x", "x2", "x2"]
    first = figure.data[0]
    assert list(first.x) == pytest.approx([0.05, 0.15, 0.25])
    assert list(first.y) == [82, 86, 90]
    assert list(first.error_y.array) == [1, 1, 1]
    assert list(first.error_y.arrayminus) == [2, 2, 2]
    assert first.text[1] == "3 raters, USD 0.15 an item, 0.174 a right label"
    assert sum(bool(t.showlegend) for t in figure.data) == 2
    assert figure.layout.xaxis2.title.text == "spammed<br>USD an item"
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]


def test_redundancy_can_be_drawn_against_raters():
    figure = views.redundancy(redundant(), "raters")
    assert list(figure.data[0].x) == [1, 3, 5]
    assert "raters" in figure.layout.xaxis.title.text
    with pytest.raises(KitError, match="no such axis"):
        views.redundancy(redundant(), "days")


def test_the_title_says_where_a_method_gains_most():
    assert views.redundancy(redundant()).layout.title.text == (
        "spammed, 5 raters: dawid-skene 80.0 %, majority 70.0 %")  # fmt: skip
    alone = redundant().filter(method="majority")
    assert views.redundancy(alone).layout.title.text == "honest, 5 raters: 90.0 % right"


# noisy


def test_wrong_labels_cost_what_the_title_says():
    figure = views.noisy(noise())
    alike, spotters = figure.data
    assert list(alike.x) == [0, 10, 40]
    assert list(spotters.y) == [90, 80, 50]
    told = "40 % wrong labels cost<br>any word alike 8.0 points, as spotters err 40.0 points"
    assert figure.layout.title.text == told
    assert "whiskers: 95 %" in figure.layout.xaxis.title.text
    ranged = views.noisy(noise(ends=pl.lit("range")))
    assert "least and most accurate speaker" in ranged.layout.xaxis.title.text
    assert alike.marker.symbol != spotters.marker.symbol


def test_each_count_of_clips_has_a_line_that_starts_at_right_labels():
    few = noise(clips=75, accuracy_percent=pl.col("accuracy_percent") - 20)
    many = noise(clips=300).filter(
        (pl.col("wrong_percent") > 0) | (pl.col("mistake") != "as spotters err")
    )
    figure = views.noisy(pl.concat([few.filter(mistake="any word alike"), many]))
    alike, wrong = "any word alike", "as spotters err"
    names = [f"{alike}, 75 clips", f"{alike}, 300 clips", f"{wrong}, 300 clips"]
    assert [t.name for t in figure.data] == names
    assert list(figure.data[2].x) == [0, 10, 40]
    assert list(figure.data[2].y) == [90, 80, 50]
    assert list(figure.data[0].y) == [70, 68, 62]
    assert figure.layout.title.text.startswith("40 % wrong labels of 300 clips cost<br>any word")
    assert figure.layout.title.text.endswith(
        "any word alike 8.0 points, as spotters err 40.0 points"
    )


# routing


def test_the_front_has_a_line_of_the_plans_that_are_best_for_their_price():
    table = front()
    figure = views.routing(table)
    (line,) = named(figure, "best for its price")
    assert list(line.y) == sorted(line.y)
    assert max(line.y) == pytest.approx(100 * table["accuracy"].max())
    (kept,) = named(figure, "within all limits")
    assert len(kept.x) == table["feasible"].sum()
    assert kept.marker.color == GREEN
    (rest,) = named(figure, "breaks a limit")
    assert len(rest.x) == table.height - len(kept.x)
    cheap = table.filter("feasible").sort("usd").row(0, named=True)
    assert f"{100 * cheap['accuracy']:.1f} % right" in figure.layout.title.text


def test_trials_are_drawn_beside_the_plans():
    trials = pl.DataFrame({"usd": [0, 300], "accuracy": [0.7, 0.93]})
    figure = views.routing(front(), trials)
    (dots,) = named(figure, "simulated")
    assert list(dots.y) == pytest.approx([70, 93])
    assert dots.x[0] > 0  # nothing has no logarithm
    assert dots.text[0] == "0"
    assert figure.layout.yaxis.range[0] < 70


def test_without_a_plan_within_the_limits_the_title_says_so():
    figure = views.routing(front(least=1.0, budget=1))
    assert figure.layout.title.text == "No plan keeps all limits"


# curves


def test_each_task_has_a_panel_and_the_title_names_the_best():
    figure = views.curves(learning())
    assert figure.layout.xaxis.title.text == "new speakers<br>labels, clips"
    told = "Points ahead of random<br>new speakers: core set +4.0; same speakers: margin +10.0"
    assert figure.layout.title.text == told
    (margin,) = named(figure, "margin")
    assert margin.xaxis == "x2"
    assert margin.showlegend
    assert [t.showlegend for t in named(figure, "core set")] == [True, False]
    assert list(margin.y) == pytest.approx([30, 50, 70])
    assert list(margin.error_y.arrayminus) == pytest.approx([10] * 3)
    none = views.curves(learning().filter(strategy="margin"))
    assert none.layout.title.text == "Accuracy against labels"


# raters


def test_raters_come_in_order_with_their_kind():
    figure = views.raters(people())
    assert list(figure.layout.xaxis.ticktext) == ["cat", "bob", "dan", "ann"]
    kinds = {t.name: t for t in figure.data}
    assert list(kinds["ok"].x) == [2, 3]
    assert list(kinds["ok"].y) == pytest.approx([80, 90])
    assert [kinds[k].marker.color for k in ("ok", "spammer", "adversary")] == [BLUE, ORANGE, RED]
    assert len({t.marker.symbol for t in figure.data}) == 4
    assert list(kinds["kappa x 100"].y) == pytest.approx([-10, 0, 78, 88])
    assert figure.layout.yaxis.range[0] < -10
    assert figure.layout.title.text == (
        "Not to be trusted, 2 of 4: cat, bob<br>Nothing can be said of 1")  # fmt: skip


def test_many_raters_lose_their_names_and_not_their_dots():
    many = pl.concat([people(rater=pl.concat_str(pl.lit(f"{i}"), "rater")) for i in range(20)])
    figure = views.raters(many)
    assert figure.layout.xaxis.showticklabels is False
    assert sum(len(t.x) for t in figure.data[1:]) == 80
    assert "and 36 more" in figure.layout.title.text
    honest = views.raters(people().filter(kind="ok"))
    assert honest.layout.title.text.startswith("Not to be trusted, 0 of 2: nobody")


# weak


def test_ways_to_label_stand_beside_their_price():
    figure = views.weak(ways())
    dots, bars = figure.data
    names = ["rules, 0 labels", "by hand, 200 labels", "guess, corrected, 200 labels"]
    assert list(dots.y) == list(bars.y) == names
    assert "whiskers: 95 %" in figure.layout.xaxis.title.text
    ranged = views.weak(ways().with_columns(ends=pl.lit("range")))
    assert "least and most accurate" in ranged.layout.xaxis.title.text
    assert list(dots.error_x.arrayminus) == [3, 4, 3]
    assert list(bars.x) == [0, 20, 11]
    assert list(dots.marker.symbol) == ["circle", "circle", "diamond"]
    assert list(bars.marker.color) == [BLUE, BLUE, ORANGE]
    assert figure.layout.title.text == "Best: guess, corrected, 200 labels<br>91.0 % for USD 11"


# all of them


@pytest.mark.parametrize("figure", [
    views.redundancy(redundant()), views.noisy(noise()), views.routing(front()),
    views.curves(learning()), views.raters(people()), views.weak(ways()),
])  # fmt: skip
def test_nothing_reads_nan(figure):
    assert "nan" not in texts(figure)
    assert figure.layout.title.text


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (lambda: views.redundancy(redundant().drop("usd")), "no table of redundancy"),
        (lambda: views.noisy(noise().drop("ends")), "no table of noisy labels"),
        (lambda: views.routing(front().drop("days")), "no front of plans"),
        (lambda: views.routing(front(), ways()), "no table of trials"),
        (lambda: views.curves(learning().drop("low")), "no table of curves"),
        (lambda: views.curves(learning().clear()), "no row"),
        (lambda: views.raters(people().rows()), "no table of raters"),
        (lambda: views.weak(people()), "no table of ways"),
    ],
)
def test_what_is_no_such_table_is_refused(draw, text):
    with pytest.raises(KitError, match=text):
        draw()
