"""The checks of lab 01 accept the right work, reject the usual slips, and say why."""

import polars as pl
import pytest
from lab_checks import AlwaysEqual, accept, refuse, solutions

LAB = "lab01_data_gravity"
TASKS = {
    "transfer": "transfer_hours", "refusal": "transfer_hours", "sweep": "plan", "large": "plan",
    "feeding": "bottleneck", "measure": "read_rate", "gain": "deduplicate",
}  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_the_master_passes_visible_and_hidden(checks, task):
    accept(checks, task, solutions(LAB)[TASKS[task]])


def transfer(v, b, e=1.0):
    if not (v >= 0 and b > 0 and 0 < e <= 1):
        raise ValueError
    return v * 8 / b / e / 3600


def one_run(path, runs=5):
    return {"gbs": 5.0, "low": 5.0, "high": 5.0, "runs": runs}


def rows_in_a_loop(table, *args):
    plan = solutions(LAB)["plan"]
    return pl.concat([plan(row, *args) for row in table.iter_slices(1)])


def strictly_less(table, link, price, extra):
    found = solutions(LAB)["plan"](table, link, price, extra)
    less = pl.col("move_usd") < pl.col("job_h") * extra
    return found.with_columns(choice=pl.when(less).then(pl.lit("data")).otherwise(pl.lit("code")))


def hours_as_text(table, *args):
    return solutions(LAB)["plan"](table, *args).with_columns(pl.col("hours").cast(pl.String))


WRONG = [
    ("transfer", lambda v, b, e=1.0: transfer(v, b, e) / 8, "eight bits"),
    ("transfer", lambda v, b, e=1.0: transfer(v, b, e) * 3600, "should be"),
    ("transfer", lambda v, b, e=1.0: transfer(v, b, 1.0), "share of the line"),
    ("transfer", lambda v, b, e=1.0: round(transfer(v, b, e), 2), "do not round"),
    ("transfer", lambda v, b, e=1.0: str(transfer(v, b, e)), "should be a number"),
    ("transfer", lambda v, b, e=1.0: None, "should be a number"),
    ("transfer", lambda v, b, e=1.0: AlwaysEqual(), "should be a number"),
    ("refusal", lambda v, b, e=1.0: v * 8 / b / e / 3600 if b and e else 0, "cannot be"),
    ("refusal", lambda v, b, e=1.0: ValueError("no"), "do not return it"),
    ("refusal", lambda v, b, e=1.0: 1 / 0, "raised ZeroDivisionError"),
    ("sweep", lambda t, *a: t, "result lacks"),
    ("sweep", lambda t, *a: AlwaysEqual(), "polars DataFrame"),
    ("sweep", lambda t, *a: solutions(LAB)["plan"](t, *a).reverse(), "order"),
    ("sweep", lambda t, *a: solutions(LAB)["plan"](t, *a).to_pandas(), "polars DataFrame"),
    ("sweep", hours_as_text, "should be a number"),
    ("large", strictly_less, "at most means"),
    ("feeding", lambda **k: (1.0, "device"), r"bottleneck\(tflops="),
    ("feeding", lambda **k: [1.0, "device"], r"return \(rate, name\)"),
    ("feeding", lambda **k: (AlwaysEqual(), AlwaysEqual()), "should be a number"),
    ("measure", one_run, "same time to the last digit"),
    ("measure", lambda p, n: {"gbs": 1.0}, "lacks"),
    ("measure", lambda p, n: {"gbs": 5000.0, "low": 1.0, "high": 9e3, "runs": n}, "GB/s"),
    ("measure", lambda p, n: {"gbs": 5.0, "low": 6.0, "high": 7.0, "runs": n}, "should rise"),
    ("gain", lambda r: (sorted(set(r)), 1.0), "order of first appearance"),
    ("gain", lambda r: (dict.fromkeys(r), 1.0), "should be a list, but is"),
    ("gain", lambda r: (list(dict.fromkeys(r)), len(r) / max(len(set(r)), 1)), "not counts"),
    ("gain", lambda r: (AlwaysEqual(), AlwaysEqual()), "should be a list"),
]


@pytest.mark.parametrize(("task", "attempt", "word"), WRONG)
def test_usual_slips_fail_with_a_hint(checks, task, attempt, word):
    refuse(checks, task, attempt, word)


def test_a_loop_over_a_million_rows_is_too_slow(checks):
    with pytest.raises(AssertionError, match="whole columns"):
        checks[0].large(rows_in_a_loop, rows=3000, limit_s=0.1)


def test_a_check_shows_one_line_and_none_of_its_own(checks):
    """What a notebook prints: for wrong work a sentence, for a crash the student's own lines."""
    from IPython.core.ultratb import VerboseTB

    with pytest.raises(AssertionError) as fault:
        checks[0].transfer(lambda *a: 1.0)
    assert fault.value._render_traceback_() == [f"AssertionError: {fault.value}"]
    with pytest.raises(NotImplementedError, match="not written yet"):
        checks[0].transfer(lambda *a: (_ for _ in ()).throw(NotImplementedError))

    def crash(*args):
        return {}["missing"]

    with pytest.raises(KeyError) as error:
        checks[0].transfer(crash)
    text = "\n".join(VerboseTB("nocolor").structured_traceback(*error._excinfo))
    assert 'return {}["missing"]' in text
    assert "transfer_time_s" not in text


def test_a_mutated_table_is_noticed(checks):
    def plan(table, *args):
        result = solutions(LAB)["plan"](table, *args)
        return result.with_columns(choice=pl.lit("data"))

    def five_times():
        for seed in range(5):
            checks[0].sweep(plan, seed)

    with pytest.raises(AssertionError, match="choice"):
        five_times()


def test_checks_draw_new_numbers_each_time(checks):
    seen = set()

    def spy(volume, link, share=1.0):
        seen.add(volume)
        return transfer(volume, link, share)

    checks[0].transfer(spy)
    checks[0].transfer(spy)
    assert len([v for v in seen if v > 1]) >= 8
