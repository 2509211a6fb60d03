"""The cheapest labeling plan within a budget, a deadline and a wanted accuracy. Needs polars.

Every combination is priced in closed form (`kit.labeling.plan.plans`), so the answer is exact for
what those forms assume, and for the plans that were looked at.
"""

import itertools
from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.labeling.plan.economics import MOST
from kit.labeling.plan.plans import Plan, Priced, price_all
from kit.quantities import quantity

RATERS = tuple(range(10))
GOLD = (0.0, 0.02, 0.05, 0.1)
TESTS = ((0, 0), (5, 4), (10, 7), (20, 14))  # golds, right ones needed
EXPERTS = (1, 3)
_ROUNDING = 1e-9  # limits are met within this, relative


class Best(NamedTuple):
    """What `best_plan` found.

    plan, priced: the cheapest plan within all limits (of equals the more accurate, then the
    quicker), or None. front: polars table of the plans that no other beats, cheapest first:
    columns of Plan, then of Priced, feasible. limits: polars table, see `best_plan`. looked_at:
    how many plans could be carried out.
    """

    plan: Any
    priced: Any
    front: Any
    limits: Any
    looked_at: int


def best_plan(items, budget_usd, deadline_days, least_accuracy, crowd, expert=None, classes=2,
              model=None, raters=RATERS, gold=GOLD, tests=TESTS, experts=EXPERTS,
              review=0.0):  # fmt: skip
    """Best of all plans for so many items: exhaustive.

    budget_usd, deadline_days (working days): 0 or more. least_accuracy: 0 to 1. crowd, expert:
    Tier or None. model: ModelCurve; each of its thresholds is tried, and none. raters, gold,
    experts: values to try, as in Plan; tests: pairs (golds, least). Every `agree` is tried.
    review: share that all plans have.

    Best.limits has a row for budget_usd, deadline_days and least_accuracy: wanted; alone (the best
    that can be had if only this limit counts); needed (the best with the other two limits kept;
    null if they exclude each other); short_by (from wanted to needed, or at least to alone where
    there is none; 0 where a plan was found; null where it is not known); binds: where no plan was
    found, the limits of which giving way in one would help; if that never does, those that cannot
    be met even alone; if all can, all three exclude each other in pairs.
    Raises KitError "empty" where no plan can be carried out at all, "not-nonnegative", "not-share".
    """
    wanted = {
        "budget_usd": float(quantity("budget_usd", budget_usd, "nonnegative")),
        "deadline_days": float(quantity("deadline_days", deadline_days, "nonnegative")),
        "least_accuracy": float(quantity("least_accuracy", least_accuracy, "share")),
    }
    columns = _space(crowd, expert, model, raters, gold, tests, experts, review)
    found, faults = price_all(columns, items, crowd, expert, classes, model)
    good = ~np.logical_or.reduce([bad for bad, *_ in faults.values()])
    if not good.any():
        raise KitError("no plan can be carried out", found=f"{len(good)} plans, all with faults",
                       allowed="people for the raters of an item, golds that are met",
                       code="empty")  # fmt: skip
    columns = {name: x[good] for name, x in columns.items()}
    found = Priced(*(x[good] for x in found))
    meets = _meets(found, wanted)
    feasible = np.logical_and.reduce(list(meets.values()))
    order = np.lexsort((found.days, -found.accuracy, found.usd))
    first = next((i for i in order if feasible[i]), None)
    limits = _limits(found, wanted, meets, feasible.any())
    front = _front(columns, found, order, feasible, model)
    if first is None:
        return Best(None, None, front, limits, len(order))
    return Best(_plan(columns, first, model), Priced(*(float(x[first]) for x in found)), front,
                limits, len(order))  # fmt: skip


def pareto(cost, *gains):
    """bool[n]: rows that no other row beats: costs no more, gains no less, better in one.

    cost, gains: float64[n]; equal rows all stay. Takes time n x size of the front.
    """
    bad = np.stack([cost, *(-g for g in gains)], 1)
    front, keep = np.empty((0, bad.shape[1])), np.zeros(len(bad), bool)
    for i in np.lexsort(bad.T[::-1]):  # whoever beats a row comes before it
        row = bad[i]
        if not ((front <= row).all(1) & (front < row).any(1)).any():
            keep[i] = True
            if not len(front) or (front[-1] != row).any():
                front = np.vstack([front, row])
    return keep


def _space(crowd, expert, model, raters, gold, tests, experts, review):
    """dict of float64[plans]: the combinations that differ in what they do."""
    for n in (*raters, *experts, *itertools.chain(*tests)):
        if quantity("a number of the search", n, "nonnegative") != int(n) or n > MOST:
            raise KitError("the search has an impossible number", found=n, code="not-count",
                           allowed=f"whole numbers, 0 to {MOST}")  # fmt: skip
    for share in (*gold, review):
        quantity("gold and review", share, "share")
    rows = range(-1, 0 if model is None else len(model.threshold))
    votes = [(n, a) for n in raters if n == 0 or crowd
             for a in (0, *range(2, n + 1 if expert else 0))]  # fmt: skip
    checks = [(g, *test) for g in gold if g == 0 or expert for test in tests
              if bool(test[0]) <= (g > 0)]  # fmt: skip
    found = [(n, a, e, g, k, least, review, row)
             for (n, a), e, (g, k, least), row in itertools.product(votes, experts, checks, rows)
             if (n or (g == 0 and expert)) and (n == 0 or a or g or e == experts[0])]  # fmt: skip
    if not found:
        raise KitError("there is no plan to look at", found=found, code="empty",
                       allowed="a crowd or an expert, and numbers of raters")  # fmt: skip
    return dict(zip(vars(Plan()), np.array(found, float).T, strict=True))


def _meets(found, wanted):
    """dict of limit -> bool[plans]."""
    slack = {name: x + _ROUNDING * max(x, 1.0) for name, x in wanted.items()}
    return {
        "budget_usd": found.usd <= slack["budget_usd"],
        "deadline_days": found.days <= slack["deadline_days"],
        "least_accuracy": found.accuracy >= wanted["least_accuracy"] - _ROUNDING,
    }


def _limits(found, wanted, meets, any_feasible):
    import polars as pl

    rows = []
    for name, value, up in (("budget_usd", found.usd, 1), ("deadline_days", found.days, 1),
                            ("least_accuracy", found.accuracy, -1)):  # fmt: skip
        others = np.logical_and.reduce([m for n, m in meets.items() if n != name])
        alone, needed = (up * float(np.min(up * value[mask])) if mask.any() else None
                         for mask in (np.ones_like(others), others))  # fmt: skip
        short = max(up * ((alone if needed is None else needed) - wanted[name]), 0.0)
        short = 0.0 if any_feasible else None if needed is None and not short else short
        rows.append((name, wanted[name], alone, needed, short))
    helps = [r[3] is not None for r in rows] if any(r[3] is not None for r in rows) else None
    binds = helps or [r[4] is not None for r in rows]
    rows = [(*r, not any_feasible and (b or not any(binds)))
            for r, b in zip(rows, binds, strict=True)]  # fmt: skip
    kinds = [pl.String, *[pl.Float64] * 4, pl.Boolean]
    names = ("limit", "wanted", "alone", "needed", "short_by", "binds")
    return pl.DataFrame(rows, dict(zip(names, kinds, strict=True)), orient="row")


def _front(columns, found, order, feasible, model):
    import polars as pl

    keep = pareto(found.usd, found.accuracy, -found.days)
    at = [i for i in order if keep[i]]
    plans = pl.DataFrame([vars(_plan(columns, i, model)) for i in at], infer_schema_length=None,
                         schema_overrides={"threshold": pl.Float64})  # fmt: skip
    prices = pl.DataFrame({name: x[at] for name, x in found._asdict().items()})
    return pl.concat([plans, prices, pl.DataFrame({"feasible": feasible[at]})], how="horizontal")


def _plan(columns, row, model):
    numbers = {name: float(x[row]) for name, x in columns.items()}
    place = int(numbers.pop("threshold"))
    whole = {name: int(numbers[name]) for name in ("raters", "agree", "experts", "golds", "least")}
    threshold = None if place < 0 else float(model.threshold[place])
    return Plan(**(numbers | whole), threshold=threshold)
