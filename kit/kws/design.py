"""The design space of the chapter, searched in full: options, constraints, Pareto front.

Effects in the table were measured one at a time, each from its own base. Whether they may be
added is an assumption, so there are two rules: `add` sums points of per cent, as the chapter
does, and can pass 100; `shrink` lets each effect remove the share of the errors that it removed
alone, and cannot.
"""

import functools
import itertools
import tomllib
from pathlib import Path

import numpy as np

from kit.errors import KitError

RULES = ("add", "shrink")


@functools.cache
def space():
    """The table: dict with base_accuracy, base_memory_kb, base_cost_kusd and a list of choices."""
    with Path(__file__).with_name("design.toml").open("rb") as file:
        return tomllib.load(file)


def designs(rule="add"):
    """polars table of every combination of options, one row each.

    A column for each choice; accuracy_low, accuracy_high in per cent under `rule`; cost_kusd,
    memory_kb, latency_ms; network: whether it needs one.
    """
    import polars as pl

    if rule not in RULES:
        raise KitError("no such rule", found=rule, allowed=", ".join(RULES), code="unknown")
    table = space()
    names = [choice["name"] for choice in table["choice"]]
    combinations = itertools.product(*(choice["options"] for choice in table["choice"]))
    return pl.DataFrame([_design(table, names, options, rule) for options in combinations])


def feasible(table, accuracy=98.0, budget_kusd=150.0, memory_kb=64.0, latency_ms=200.0,
             network=False, hopeful=True):  # fmt: skip
    """Rows of `designs` within all limits, the most accurate first.

    accuracy: per cent that must be reached; by the upper end of the range if `hopeful`, else by
    the lower. network: whether one may be needed.
    """
    import polars as pl

    reached = pl.col("accuracy_high" if hopeful else "accuracy_low")
    within = (
        (reached >= accuracy)
        & (pl.col("cost_kusd") <= budget_kusd)
        & (pl.col("memory_kb") <= memory_kb)
        & (pl.col("latency_ms") <= latency_ms)
    )
    kept = table.filter(within if network else within & ~pl.col("network"))
    return kept.sort("accuracy_low", "accuracy_high", "cost_kusd", descending=[True, True, False])


def eliminated(table, **limits):
    """How many designs each limit removes alone: dict of limit -> int; see `feasible`."""
    loose = {"accuracy": 0.0, "budget_kusd": np.inf, "memory_kb": np.inf, "latency_ms": np.inf,
             "network": True}  # fmt: skip
    full = {"accuracy": 98.0, "budget_kusd": 150.0, "memory_kb": 64.0, "latency_ms": 200.0,
            "network": False} | limits  # fmt: skip
    return {
        name: table.height - feasible(table, **(loose | {name: full[name]})).height
        for name in loose
    }


def pareto(table):
    """Rows of `designs` that no other row beats: at least as good in all, better in one.

    Good is more accuracy (middle of the range), less cost, memory and latency.
    """
    middle = (table["accuracy_low"] + table["accuracy_high"]) / 2
    columns = [-middle, table["cost_kusd"], table["memory_kb"], table["latency_ms"]]
    bad = np.stack([c.to_numpy() for c in columns], 1)
    beaten = [((bad <= row).all(1) & (bad < row).any(1)).any() for row in bad]
    return table.filter(~np.array(beaten, bool))


def combined(effects, base, rule="add"):
    """Accuracy in per cent after `effects`, points of per cent each, on an accuracy `base`."""
    if rule == "add":
        return base + sum(effects)
    errors = 100.0 - base
    for effect in effects:
        errors *= 1 - effect / (100.0 - base)
    return 100.0 - max(errors, 0.0)


def budget(total_usd=150_000, shares=(0.6, 0.25, 0.15), usd_per_label=0.10, review_share=0.2):
    """dict: labeling_usd, storage_usd, governance_usd, and the labels that the first one buys.

    shares: of labeling, storage and governance; they add up to 1. review_share: of labels that
    are looked at twice.
    """
    if abs(sum(shares) - 1) > 1e-9 or min(shares) < 0:
        raise KitError("the shares do not make up the budget", found=shares, allowed="a sum of 1")
    labeling, storage, governance = (total_usd * share for share in shares)
    price = usd_per_label * (1 + review_share)
    return {"labeling_usd": labeling, "storage_usd": storage, "governance_usd": governance,
            "labels": labeling / price}  # fmt: skip


def _design(table, names, options, rule):
    low, high = (
        combined([o["accuracy"][end] for o in options], table["base_accuracy"], rule)
        for end in (0, 1)
    )
    return {name: o["name"] for name, o in zip(names, options, strict=True)} | {
        "accuracy_low": float(low),
        "accuracy_high": float(high),
        "cost_kusd": table["base_cost_kusd"] + sum(float(o["kusd"]) for o in options),
        "memory_kb": table["base_memory_kb"] * float(np.prod([o["memory"] for o in options])),
        "latency_ms": float(sum(o.get("latency_ms", 0) for o in options)),
        "network": any(o.get("network", False) for o in options),
    }
