"""Hidden checks of lab 07: instances that the student has not seen. For instructors only.

KIT_GRADING_SEED draws another set of instances for each course.
"""

import tempfile
from pathlib import Path

import checks_lab07 as visible
import polars as pl

from kit.course import expect
from kit.storage import snapshot

_SEEDS = expect.hidden_seeds("lab07")


@expect.checked
def epoch(epoch_s):
    """Task 1: other data, and nothing to read."""
    expect.again(visible.epoch, epoch_s, _SEEDS)
    for overlapped in (True, False):
        visible._epoch(epoch_s, (0.0, 2.0, 1.0, 1.0, 1, overlapped))


@expect.checked
def break_even(tight_wins_below):
    """Task 1: other codecs, and one core."""
    expect.again(visible.break_even, tight_wins_below, _SEEDS)
    visible._break_even(tight_wins_below, (1.5, 0.05), (1.4, 3.0), 1, True)


@expect.checked
def archive(choose):
    """Task 2: other columns."""
    expect.again(visible.archive, choose, _SEEDS[:1])


@expect.checked
def reader(choose):
    """Task 2: other columns, limits and readers."""
    expect.again(visible.reader, choose, _SEEDS[1:2])


@expect.checked
def as_of_join(join_as_of):
    """Task 3: other tables, and users who have no fact."""
    expect.again(visible.as_of_join, join_as_of, _SEEDS)
    labels, facts = visible._two_facts()
    strangers = labels.with_columns(user=pl.lit("c"))
    visible._joined(join_as_of, strangers, facts, 10)


@expect.checked
def place(place):
    """Task 4: other data, tiers and limits, and a single tier."""
    expect.again(visible.place, place, _SEEDS)
    job, _ = visible._job(expect.dice(_SEEDS[0]))
    one = [max(job["tiers"], key=lambda t: -t.first_byte_s)]
    job |= {"tiers": one, "limits_s": dict.fromkeys(job["parts"], 1e6)}
    best = visible._least(*visible._prices(job))
    visible._placed(place, job | {"budget_usd": 2 * best}, best)


@expect.checked
def bad_version(find_bad):
    """Task 5: other tables, and a first version that nothing follows."""
    expect.again(visible.bad_version, find_bad, _SEEDS[:1])
    with tempfile.TemporaryDirectory(prefix="kit-") as tmp:
        folder = Path(tmp, "alone")
        snapshot(pl.DataFrame({"id": [1, 2], "heard": [3, 4]}), folder, "first", code="lab07")
        visible._found(find_bad(folder), None, 1)
