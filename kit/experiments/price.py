"""What a point of accuracy costs: record, ask a crowd, synthesise, or augment."""

import numpy as np

from kit.experiments import scale
from kit.experiments.budget import cost_usd, task
from kit.experiments.runs import outcomes
from kit.intervals import half_width

BASE = {"record": 50, "crowd": 0, "synthesise": 0, "augment": "none"}
MEASURES = {
    "record 100 more": {"record": 150},
    "crowd, 100 clips": {"crowd": 100},
    "synthesise 500": {"synthesise": 500},
    "augment": {"augment": "light"},
    "synthesise 500 and augment": {"synthesise": 500, "augment": "light"},
}


def per_point(size=None, progress=None):
    """What each of MEASURES adds to fifty recorded clips, and what a point of accuracy costs.

    size: Scale; each plan is trained with twice its seeds. polars table: measure,
    usd (on top of the base), accuracy_percent (mean over both testers), points (gained) with
    low_points and high_points (95 % interval of the paired differences), usd_per_point: null
    where the interval reaches down to zero, for then nobody knows.
    """
    import polars as pl

    size = size or scale()
    plans = [BASE, *(BASE | change for change in MEASURES.values())]
    seeds = range(2 * size.seeds)
    tasks = [task(plan, seed, size.passes) for seed in seeds for plan in plans]
    found = [list(o["accuracy"].values()) for o in outcomes(tasks, progress=progress)]
    # [seed, plan, tester] -> [seed and tester, plan]
    found = np.array(found).reshape(len(seeds), len(plans), -1).transpose(0, 2, 1)
    found = found.reshape(-1, len(plans))
    rows = [_row("50 recorded clips", 0.0, found[:, 0], None)]
    for i, (name, plan) in enumerate(zip(MEASURES, plans[1:], strict=True), 1):
        usd = cost_usd(plan) - cost_usd(BASE)
        rows.append(_row(name, usd, found[:, i], found[:, i] - found[:, 0]))
    return pl.DataFrame(rows, infer_schema_length=None)


def _row(measure, usd, accuracy, gained):
    row = {"measure": measure, "usd": usd, "accuracy_percent": 100 * float(accuracy.mean())}
    if gained is None:
        return row | dict.fromkeys(("points", "low_points", "high_points", "usd_per_point"))
    points, half = 100 * float(gained.mean()), 100 * half_width(gained)
    known = points - half > 0
    return row | {"points": points, "low_points": points - half, "high_points": points + half,
                  "usd_per_point": usd / points if known else None}  # fmt: skip
