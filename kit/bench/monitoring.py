"""What `kit bench monitoring` records: what drift costs, who sees it, rows to draw streams from.

Rows are dicts that name their `kind`: "curve", "hit", "wolf", "pool".
"""

import numpy as np

from kit.bench import need_recordings
from kit.bench.synthetic import as_text as synthetic_text
from kit.experiments import FULL
from kit.experiments.degradation import curves
from kit.experiments.events import KINDS
from kit.experiments.scoreboard import CASES, scoreboard
from kit.experiments.served import NONE, Served, served
from kit.experiments.takes import people

STREAMS, QUIET, SEEDS = 40, 250, 5
POOL = 150  # clips a drift, enough to draw a stream from
_DIGITS = 4


def monitoring():
    """All rows: list of dict. Raises KitError where the recordings are not here."""
    everybody, notice = people()
    need_recordings(notice)
    found = served(everybody, FULL)
    rows = [{"kind": "curve", "seed": seed} | row
            for seed in range(SEEDS) for row in curves(found, seed=seed).to_dicts()]  # fmt: skip
    hits, wolves = scoreboard(found, CASES, STREAMS, QUIET)
    rows += [{"kind": "hit"} | row for row in hits.to_dicts()]
    rows += [{"kind": "wolf"} | row for row in wolves.to_dicts()]
    return rows + [{"kind": "pool"} | row for row in packed(found)]


def packed(found):
    """Rows of a Served, some clips of NONE and of each covariate drift in CASES, in columns.

    list of dict, one a drift and size: drift, size, users, newcomer, and a list a column.
    """
    picked = [(NONE, 0.0)] + [c for c in CASES if KINDS.get(c[0]) == "covariate"]
    rows = []
    for drift, size in picked:
        part = found.of(drift, size)
        places = np.linspace(0, part.height - 1, min(POOL, part.height)).astype(int)
        part = part[places].drop("drift", "size")
        columns = {n: [_short(x) for x in c] for n, c in part.to_dict(as_series=False).items()}
        rows.append({"drift": drift, "size": size, "users": list(found.users),
                     "newcomer": found.newcomer, "columns": columns})  # fmt: skip
    return rows


def unpacked(rows):
    """The Served of rows that `packed` made."""
    import polars as pl

    parts = [pl.DataFrame(r["columns"]).select(
        pl.lit(r["drift"]).alias("drift"), pl.lit(float(r["size"])).alias("size"), pl.all(),
    ) for r in rows]  # fmt: skip
    whole = pl.concat(parts, how="vertical_relaxed")
    return Served(whole, tuple(rows[0]["users"]), rows[0]["newcomer"])


def as_text(rows):
    """The rows as one table a kind, without the pool."""
    return synthetic_text([r for r in rows if r["kind"] != "pool"])


def _short(value):
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
