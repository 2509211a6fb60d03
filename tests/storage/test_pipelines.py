"""ETL against ELT and batch against streaming: the chapter's figures, and both sides of each
break-even."""

import math

import numpy as np
import polars as pl
import pytest
from helpers import code

from kit.storage import pipelines as pipe
from kit.storage.pipelines import Pipeline, bill, chapter_elt, chapter_etl

ETL, ELT = chapter_etl(), chapter_elt()


def test_claim_17_term_by_term():
    one, other = bill(ETL), bill(ELT)
    assert one == (6 * 23, 50 * 30, 0, 0, 0)
    assert other == (300 * 23, 0, 3 * 5 * 30, 0, 0)
    assert other.storage_usd - one.storage_usd == 6_762
    assert other.usd_month - one.usd_month == 5_712
    assert ETL.change_h / ELT.change_h == 8


def test_the_table_adds_up():
    table = pipe.compare_pipelines(chapter_etl(rerun=True), None, 2, 60)
    saves = dict(table["term", "etl_saves_usd"].rows())
    assert saves == pytest.approx(
        {"storage": 6_762, "run": -1_500, "query": 450, "work": -2 * 3.5 * 60, "rerun": -2 * 1_500,
         "sum": 5_712 - 420 - 3_000}
    )  # fmt: skip
    body = table.filter(pl.col("term") != "sum")
    for name in table.columns[1:]:
        assert body[name].sum() == pytest.approx(table[name][-1])


def test_raw_data_that_are_kept_eat_the_saving():
    kept = bill(chapter_etl(keep_raw=True))
    assert kept.storage_usd == pytest.approx(138 + 6_900)
    assert pipe.break_even_changes(chapter_etl(keep_raw=True, rerun=True), ELT, 50) == 0


def test_break_even_changes_by_hand():
    assert pipe.break_even_changes(ETL, ELT, 50) == pytest.approx(5_712 / (3.5 * 50))
    rerun = chapter_etl(rerun=True)
    assert pipe.break_even_changes(rerun, ELT, 50) == pytest.approx(5_712 / (1_500 + 175))
    assert pipe.break_even_changes(ETL, ELT, 0) == math.inf
    assert pipe.break_even_changes(ELT, ETL, 50) == math.inf  # fewer changes, not more
    assert pipe.break_even_changes(ETL._replace(run_usd_day=1e3), ELT, [0, 50]).tolist() == [0, 0]


@pytest.mark.parametrize("wage", [20.0, 80.0])
@pytest.mark.parametrize("etl", [ETL, chapter_etl(rerun=True)])
def test_both_cost_the_same_at_the_break_even(wage, etl):
    changes = pipe.break_even_changes(etl, ELT, wage)
    for factor, cheaper in ((1.0, None), (0.9, "etl"), (1.1, "elt")):
        usd = {n: bill(p, changes * factor, wage).usd_month for n, p in
               (("etl", etl), ("elt", ELT))}  # fmt: skip
        if cheaper is None:
            assert usd["etl"] == pytest.approx(usd["elt"])
        else:
            assert min(usd, key=usd.get) == cheaper
    assert pipe.break_even_wage(etl, ELT, changes) == pytest.approx(wage)


def test_the_wage_at_which_once_a_month_decides():
    assert pipe.break_even_wage(ETL, ELT, 1) == pytest.approx(1_632)
    found = pipe.break_even_wage(chapter_etl(rerun=True), ELT, [1.0, 4.0])
    assert found.tolist() == pytest.approx([(5_712 - 1_500) / 3.5, 0])
    assert pipe.break_even_wage(ETL._replace(change_h=0.5), ELT, 1) == math.inf


def test_retention_decides():
    days = pipe.break_even_retention_days(ETL)
    assert days == pytest.approx((138 + 1_500 - 450) / 230)
    assert bill(chapter_elt(days)).usd_month == pytest.approx(bill(ETL).usd_month)
    assert pipe.break_even_retention_days(ETL, 1_000) == 0
    many = bill(chapter_elt(keep_days=pl.Series([1.0, days, 30.0]))).usd_month
    assert many.to_list() == pytest.approx([230 + 450, 1_638, 7_350])


def test_a_query_at_a_list_price():
    assert pipe.scan_usd(2**40 / 1e12) == pytest.approx(6.25)
    dear = bill(chapter_elt(query_usd=pipe.scan_usd(10)))
    assert dear.query_usd == pytest.approx(3 * 30 * 56.843, rel=1e-4)


@pytest.mark.parametrize("name", Pipeline._fields)
def test_more_of_a_term_costs_more(name):
    some = Pipeline(1.0, 1.0, 1.0, 1.0, 1.0)
    found = bill(some._replace(**{name: np.array([1.0, 2.0, 3.0])}), 2, 10).usd_month
    assert (np.diff(found) > 0).all()
    assert np.diff(found)[0] == pytest.approx(np.diff(found)[1])


# --- batch and streaming


def test_claim_16():
    found = pipe.chapter_rates()
    assert (found["stream_usd"], found["core_h"]) == pytest.approx((120, 800))
    assert (found["batch_usd"], found["ratio"]) == pytest.approx((40, 3))
    assert found["tb_day"] == pytest.approx(86.4)  # 1 GB/s
    why = pipe.stream_factor(100, 0.5, 800)
    assert why == pytest.approx({"backups": 2, "idle": 1.5, "total": 3})


def test_runs_cost_their_start():
    assert pipe.batch_usd_day(200, 10, 24, 0.05, start_min=5) == pytest.approx(60)
    runs = pipe.break_even_runs(100, 800, 200, 5)
    assert runs == pytest.approx(96)
    # the same work in more runs: 4 core-hours a minute of 200 cores and day
    work_min = 800 / 200 * 60 / runs
    batch = pipe.batch_usd_day(200, work_min, runs, 0.05, 5)
    assert batch == pytest.approx(pipe.stream_usd_day(100, 0.05))
    assert pipe.break_even_runs(100, 800, 200, 0) == math.inf
    assert pipe.break_even_runs(20, 800, 200, 5) == 0
    assert (np.diff(pipe.break_even_runs(100, 800, 200, [1, 2, 4])) < 0).all()


def test_how_old_a_result_is():
    assert pipe.batch_age_min(10, 24) == 40
    assert pipe.batch_age_min(10, 24, 5) == 45
    ages = pipe.batch_age_min(10, np.array([1, 4, 24, 96]))
    assert (np.diff(ages) < 0).all()


@pytest.mark.parametrize(
    ("call", "expected"),
    [(lambda: bill(ETL, -1), "not-nonnegative"),
     (lambda: bill(ETL, 1, -1), "not-nonnegative"),
     (lambda: bill(ETL._replace(stored_tb=-1)), "not-nonnegative"),
     (lambda: bill(ETL._replace(stored_tb="1 TB")), "not-a-number"),
     (lambda: pipe.break_even_wage(ETL, ELT, 0), "not-positive"),
     (lambda: pipe.batch_usd_day(1, 61, 24, 1), "not-possible"),
     (lambda: pipe.batch_usd_day(1, 50, 24, 1, 11), "not-possible"),
     (lambda: pipe.batch_age_min(61, 24), "not-possible"),
     (lambda: pipe.stream_factor(1, 1, 1), "not-possible"),
     (lambda: pipe.stream_factor(1, 0.5, 0), "not-positive"),
     (lambda: pipe.stream_usd_day(0, 1), "not-positive")],
)  # fmt: skip
def test_impossible_input(call, expected):
    assert code(call) == expected
