"""The design space is searched in full, and the chapter's own choice is in it."""

import itertools
import math

import polars as pl
import pytest

from kit.errors import KitError
from kit.kws import design

CHAPTER = {
    "sampling": "16 kHz", "coefficients": "13", "examples": "750 k",
    "recordings": "clean and noisy", "inference": "local", "synthetic": "heavy",
}  # fmt: skip


def row_of(table, wanted):
    return table.filter(pl.all_horizontal(pl.col(k) == v for k, v in wanted.items())).row(
        0, named=True
    )


def test_every_combination_is_there_once():
    table = design.designs()
    sizes = [len(c["options"]) for c in design.space()["choice"]]
    assert table.height == 3 * 2**5 == math.prod(sizes)
    assert table.select(*CHAPTER).is_unique().all()


def test_the_chapter_s_choice_costs_and_weighs_what_it_says():
    found = row_of(design.designs(), CHAPTER)
    assert (found["cost_kusd"], found["memory_kb"]) == (145, 48)
    assert found["cost_kusd"] <= 150
    # adding all of its own ranges passes 100 %: they cannot all be added
    assert found["accuracy_low"] > 100
    without_noise = row_of(design.designs(), CHAPTER | {"recordings": "clean"})
    assert (without_noise["accuracy_low"], without_noise["accuracy_high"]) == (98, 103)


def test_feasible_is_the_plain_loop():
    table = design.designs("shrink")
    limits = {"accuracy": 97.0, "budget_kusd": 130.0, "memory_kb": 30.0, "latency_ms": 50.0}
    found = design.feasible(table, **limits, hopeful=False)
    wanted = [
        r
        for r in table.iter_rows(named=True)
        if r["accuracy_low"] >= 97 and r["cost_kusd"] <= 130 and r["memory_kb"] <= 30
        and r["latency_ms"] <= 50 and not r["network"]
    ]  # fmt: skip
    assert sorted(map(str, found.iter_rows())) == sorted(str(tuple(r.values())) for r in wanted)
    assert found["accuracy_low"].is_sorted(descending=True)


def test_memory_forbids_forty_coefficients_and_the_network_the_cloud():
    kept = design.feasible(design.designs(), accuracy=0)
    assert set(kept["inference"]) == {"local"}
    wide = kept.filter(coefficients="40")
    assert wide.is_empty()
    counts = design.eliminated(design.designs())
    assert counts["network"] == 48
    assert counts["memory_kb"] == 48
    assert counts["latency_ms"] == 0
    assert design.eliminated(design.designs(), latency_ms=50.0)["latency_ms"] == 48


def test_no_design_on_the_front_is_beaten_and_every_other_is():
    table = design.designs("shrink")
    front = design.pareto(table)

    def values(r):
        middle = (r["accuracy_low"] + r["accuracy_high"]) / 2
        return (-middle, r["cost_kusd"], r["memory_kb"], r["latency_ms"])

    def beats(a, b):
        return all(x <= y for x, y in zip(a, b, strict=True)) and a != b

    rows = [values(r) for r in front.iter_rows(named=True)]
    assert not any(beats(a, b) for a, b in itertools.permutations(rows, 2))
    for r in table.iter_rows(named=True):
        assert values(r) in rows or any(beats(a, values(r)) for a in rows)


def test_shrinking_errors_never_passes_100_and_agrees_for_one_effect():
    assert design.combined([4], 90, "shrink") == pytest.approx(design.combined([4], 90, "add"))
    assert design.combined([5, 5], 90, "shrink") == pytest.approx(97.5)
    assert design.combined([-2], 90, "shrink") == pytest.approx(88)
    assert design.combined([15, 8, 5], 90, "shrink") <= 100
    assert design.designs("shrink")["accuracy_high"].max() <= 100


def test_budget_of_the_chapter():
    found = design.budget()
    assert found == {"labeling_usd": 90_000, "storage_usd": 37_500, "governance_usd": 22_500,
                     "labels": pytest.approx(750_000)}  # fmt: skip
    with pytest.raises(KitError, match="do not make up the budget"):
        design.budget(shares=(0.6, 0.3, 0.2))
    with pytest.raises(KitError, match="Allowed: add, shrink"):
        design.designs("multiply")


def test_of_no_design_none_is_on_the_front():
    assert design.pareto(design.designs().head(0)).is_empty()
