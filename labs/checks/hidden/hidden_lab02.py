"""Hidden checks of lab 02: instances that the student has not seen. For instructors only.

KIT_GRADING_SEED draws another set of instances for each course.
"""

import checks_lab02 as visible
import polars as pl

from kit.course import expect

_SEEDS = expect.hidden_seeds("lab02")


@expect.checked
def budget(wake_budget):
    """Task 1: other promises."""
    expect.again(visible.budget, wake_budget, _SEEDS)


@expect.checked
def implied(implied_wakes_per_day):
    """Task 1: other tests, and a test set without the word."""
    expect.again(visible.implied, implied_wakes_per_day, _SEEDS)
    call = "implied_wakes_per_day(0.75, 0.0, 1.0)"
    expect.near(implied_wakes_per_day(0.75, 0.0, 1.0), 21_600.0, call)


@expect.checked
def account(run_pass):
    """Task 2: other rows, and a check that remembers what it saw."""
    expect.again(visible.account, run_pass, _SEEDS)
    seen = set()

    def first_of_each(row):
        if row["word"] in seen:
            return None
        seen.add(row["word"])
        return {"word": row["word"]}

    words = [{"word": word} for word in ("yes", "no", "yes", "yes", "up")]
    got = run_pass(words, first_of_each, "duplicates")
    expect.same_list(got["duplicates"], [2, 3], "the duplicates among yes, no, yes, yes, up")
    expect.same(len(got["kept"]), 3, "the number of words kept of them")


@expect.checked
def spans(word_spans):
    """Task 3: other sentences, and words that touch."""
    expect.again(visible.spans, word_spans, _SEEDS)
    touching = [("one", 0.25, 0.5, 0.0), ("two", 0.5, 0.75, -9.0), ("three", 0.75, 1.0, 0.0)]
    visible._sentence_check(word_spans, touching, 1.5, 0.125, 1.0, -3.0)


@expect.checked
def contract(clip_schema):
    """Task 4: other labels, rates and rows, and a table of one row."""
    expect.again(visible.contract, clip_schema, _SEEDS)
    row = {"clip_id": "a", "speaker": "00001", "label": "no", "seconds": 10.0,
           "sample_rate": 8000, "source_id": "b"}  # fmt: skip
    schema = clip_schema(["yes", "no"], [8000])
    for code, good in (("00001", True), ("1", False)):
        found, _ = visible._validate(schema, pl.DataFrame([row | {"speaker": code}]))
        verdict = "accept" if good else "refuse"
        expect.true((found is None) == good, f"The schema should {verdict} speaker {code!r}.")


@expect.checked
def plan(collection_plan):
    """Task 5: other cells, no money, and no cells."""
    expect.again(visible.plan, collection_plan, _SEEDS)
    cells = visible._cell_table([(5, 5, 1.0, 0.5), (0, 1, 1.0, 0.5), (0, 9, 1.0, 0.0)])
    got = collection_plan(cells, 0)
    expect.same_list(got["full"].to_list(), [True, False, False], "column full without money")
    expect.true(collection_plan(cells.clear(), 10).height == 0, "A table of no cells stays empty.")
