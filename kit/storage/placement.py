"""Which part of the data lies in which tier: the cheapest plan that waits no longer than allowed.

Parts do not influence each other but through the budget, so the cheapest tier of each part that
meets its limit is the cheapest plan: exact, without a search over all plans. What it costs to move
a part from one tier to another is not counted; `kit.storage.lifecycle` has it.
"""

from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.quantities import quantity
from kit.storage.tiers import cost, listed, single
from kit.storage.workloads import Demand

_ROUNDING = 1e-9  # limits are met within this, relative


class Placed(NamedTuple):
    """What `plan` found.

    table: polars table, one row a part: part, size_gb, tier, heat, usd_month, first_byte_s,
    limit_s; None where no plan keeps to all limits. usd_month: float, or None. limits: polars
    table, see `plan`. front: polars table, see `price_of_latency`.
    """

    table: Any
    usd_month: Any
    limits: Any
    front: Any


def plan(parts, latency_limit_s, budget_usd, tiers=None):
    """The cheapest place for each part, within a budget a month and a wait for the first byte.

    parts: dict of name -> Demand. latency_limit_s: s, above 0, one for all or a dict of name ->
    s. budget_usd: a month, 0 or more. Either may be inf, for no limit. tiers: list of Tier;
    `chapter_tiers()` if None.

    Placed.limits has a row for budget_usd and one for latency_limit_s (one for each part if they
    have limits of their own): wanted; alone (the best that can be had if only this limit counts);
    needed (the best with the others kept; null if they exclude each other); short_by (from wanted
    to needed, or at least to alone; 0 where a plan was found; null where it is not known); binds:
    where no plan was found, the limits of which giving way in one would help, or else those that
    cannot be met even alone, or else all; saves_usd: what a month would cost less without this
    limit (null where no plan was found).
    Raises KitError "empty", "not-demand", "shape", "unknown" (limits of other parts).
    """
    names, tiers = _names(parts), listed(tiers)
    usd, wait = _matrices(parts, tiers)
    budget = float(quantity("budget_usd", budget_usd, "nonnegative", unlimited=True))
    limits, groups = _wanted(names, latency_limit_s)
    chosen, total = _cheapest(usd, wait, limits)
    found = chosen is not None and total <= budget * (1 + _ROUNDING)
    rows = [_budget_row(usd, total, budget, found)]
    rows += [_latency_row(label, mask, usd, wait, limits, budget, total if found else None)
             for label, mask in groups.items()]  # fmt: skip
    table = _table(parts, tiers, chosen, usd, limits) if found else None
    return Placed(table, total if found else None, _as_table(rows, found), _front(usd, wait, tiers))


def price_of_latency(parts, tiers=None):
    """What a wait for the first byte costs when all parts have the same limit: polars table.

    Columns: limit_s (where the plan changes, falling strictly in price as it rises), usd_month,
    tiers (list of the tier of each part). No row where some part has no tier that quick.
    """
    _names(parts)
    tiers = listed(tiers)
    return _front(*_matrices(parts, tiers), tiers)


def _front(usd, wait, tiers):
    import polars as pl

    rows = []
    for limit in np.unique(wait):
        chosen, total = _cheapest(usd, wait, np.full(len(usd), limit))
        if chosen is not None and (not rows or total < rows[-1][1] * (1 - _ROUNDING)):
            rows.append((float(limit), total, [tiers[i].name for i in chosen]))
    kinds = {"limit_s": pl.Float64, "usd_month": pl.Float64, "tiers": pl.List(pl.String)}
    return pl.DataFrame(rows, kinds, orient="row")


def _names(parts):
    if not isinstance(parts, dict) or not parts:
        raise KitError("there are no parts to place", found=parts, code="empty",
                       allowed="a dict of name -> Demand")  # fmt: skip
    return list(parts)


def _matrices(parts, tiers):
    """(USD a month, seconds to the first byte): float64[parts, tiers] each."""
    fields = [vars(single(w)) for w in parts.values()]
    together = Demand(**{name: np.array([float(f[name]) for f in fields])
                         for name in fields[0] if name != "random"})  # fmt: skip
    usd = np.stack([cost(t, together).usd_month for t in tiers], 1)  # in any order: same price
    return usd, np.tile([t.first_byte_s for t in tiers], (len(parts), 1))


def _wanted(names, limit_s):
    """(float64[parts], dict of label -> bool[parts]): limits, and which of them move together."""
    if not isinstance(limit_s, dict):
        one = float(quantity("latency_limit_s", limit_s, "positive", unlimited=True))
        return np.full(len(names), one), {"latency_limit_s": np.ones(len(names), bool)}
    if set(limit_s) != set(names):
        raise KitError("limits and parts differ", found=sorted(map(str, limit_s)), code="unknown",
                       allowed=f"a limit for each of {', '.join(map(str, names))}")  # fmt: skip
    values = [float(quantity(f"limit of {n}", limit_s[n], "positive", True)) for n in names]
    masks = {f"latency_limit_s of {n}": np.arange(len(names)) == i for i, n in enumerate(names)}
    return np.array(values), masks


def _cheapest(usd, wait, limits):
    """(int[parts], USD): cheapest tiers that keep the limits, quicker of equals; or (None, inf)."""
    allowed = wait <= limits[:, None] * (1 + _ROUNDING)
    if not allowed.any(1).all():
        return None, np.inf
    masked = np.where(allowed, usd, np.inf)
    chosen = np.array([np.lexsort((w, u))[0] for u, w in zip(masked, wait, strict=True)])
    return chosen, float(masked[np.arange(len(usd)), chosen].sum())


def _budget_row(usd, total, budget, found):
    alone = float(usd.min(1).sum())
    return _row("budget_usd", budget, alone, total if np.isfinite(total) else None, found, None)


def _latency_row(label, mask, usd, wait, limits, budget, total):
    """The row of one limit; total: USD of the plan, or None where there is none."""
    wanted = limits[mask][0]
    alone = float(wait[mask].min(1).max())
    needed = None
    for limit in np.unique(wait[mask]):
        if _cheapest(usd, wait, np.where(mask, limit, limits))[1] <= budget * (1 + _ROUNDING):
            needed = float(limit)
            break
    free = _cheapest(usd, wait, np.where(mask, np.inf, limits))[1]
    saves = None if total is None else total - free
    return _row(label, float(wanted), alone, needed, total is not None, saves)


def _row(label, wanted, alone, needed, found, saves):
    short = max((alone if needed is None else needed) - wanted, 0.0)
    short = 0.0 if found else None if needed is None and short <= 0 else short
    return label, wanted, alone, needed, short, saves


def _as_table(rows, found):
    import polars as pl

    helps = [r[3] is not None for r in rows]
    binds = helps if any(helps) else [r[2] > r[1] * (1 + _ROUNDING) for r in rows]
    rows = [(*r[:5], not found and (b or not any(binds)), r[5])
            for r, b in zip(rows, binds, strict=True)]  # fmt: skip
    kinds = [pl.String, *[pl.Float64] * 4, pl.Boolean, pl.Float64]
    names = ("limit", "wanted", "alone", "needed", "short_by", "binds", "saves_usd")
    return pl.DataFrame(rows, dict(zip(names, kinds, strict=True)), orient="row")


def _table(parts, tiers, chosen, usd, limits):
    import polars as pl

    return pl.DataFrame([
        {"part": name, "size_gb": float(w.size_gb), "tier": tiers[i].name, "heat": tiers[i].heat,
         "usd_month": float(usd[row, i]), "first_byte_s": tiers[i].first_byte_s,
         "limit_s": float(limits[row])}
        for row, ((name, w), i) in enumerate(zip(parts.items(), chosen, strict=True))
    ])  # fmt: skip
