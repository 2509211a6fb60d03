"""Two windows of many columns compared: one table, one row a statistic. Needs polars."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kit.drift import categories as of_categories
from kit.drift import numeric
from kit.drift.inputs import Found, joined, plain, side
from kit.errors import KitError

INTERVAL = {  # statistic -> how low and high, the 95 % interval of effect_size, are made
    "ks": "bands of Dvoretzky, Kiefer and Wolfowitz (Massart 1990)",
    "psi": "normal, delta method", "kl": "normal, delta method", "js": "normal, delta method",
    "wasserstein": "pointwise normal band, integrated",
    "chi-square": "noncentral chi-square turned around (Smithson 2003)",
    "new categories": "Wilson (1927)",
    "share move": "Newcombe (1998)",
    "nulls": "Newcombe (1998)",
}  # fmt: skip


def compare(reference, current, columns=None, categories=(), statistics=None, bins=10,
            move=of_categories.MOVE, certainty=0.95, workers=None):  # fmt: skip
    """Compare a current window with a reference: polars table, one row a column and statistic.

    reference, current: polars DataFrame, Series, dict of arrays, array (n,) or (n, columns).
    columns: names, all of the reference by default; others of the current window are ignored.
    categories: columns of numbers that stand for categories; text and booleans always do.
    statistics: names of INTERVAL, all that fit by default. bins: quantile bins of the reference.
    move: relative change of a share that is said to be large. workers: threads, one a core.

    Columns: column, kind ("number", "category"), statistic, value, effect_size, low, high
    (of effect_size, method in INTERVAL), p_value, n_reference, n_current (values that count),
    note. Null where a number would say nothing, never NaN; the note then says why.

    Nulls and NaN are left out of every statistic and compared on their own: "nulls" has the share
    of current rows as value, its change as effect_size. Infinite values are left out and counted
    in the note. Raises KitError "missing-column", "type", "statistic", "shape".
    """
    sides = _frame(reference), _frame(current)
    jobs = _jobs(*sides, columns, categories)
    if not 0 < certainty < 1:
        raise KitError("certainty is not possible", found=certainty, code="not-fraction",
                       allowed="above 0 and below 1, such as 0.95")  # fmt: skip
    statistics = (statistics,) if isinstance(statistics, str) else statistics
    unknown = set(statistics or ()) - set(INTERVAL)
    if unknown:
        raise KitError("no such statistic", found=sorted(unknown), allowed=", ".join(INTERVAL),
                       code="statistic")  # fmt: skip
    wanted = tuple(statistics or INTERVAL)

    def work(job):
        name, kind = job
        pair = [x[name] for x in sides]
        if kind == "number":
            return _number_rows(name, *pair, wanted, bins, certainty)
        return _category_rows(name, *pair, wanted, move, certainty)

    with ThreadPoolExecutor(workers or _cores()) as pool:
        rows = [row for part in pool.map(work, jobs) for row in part]
    return _table(rows)


def _number_rows(name, reference, current, wanted, bins, certainty):
    a, b = side(name, reference), side(name, current)
    names = [s for s in numeric.FIVE if s in wanted]
    note = joined(*(f"{s.infinite} infinite values in the {which} window left out"
                    for s, which in ((a, "reference"), (b, "current")) if s.infinite))  # fmt: skip
    sizes = len(a.values), len(b.values)
    if not all(sizes):
        found = dict.fromkeys(names, _nothing(*sizes))
    else:
        x, y = a.values, b.values
        if x.dtype != y.dtype:
            x, y = x.astype(np.float64), y.astype(np.float64)
        found = numeric.numbers(x, y, names, bins, certainty)
    rows = [_row(name, "number", s, f, sizes, note) for s, f in found.items()]
    lost = (a.nulls, b.nulls), (a.rows, b.rows)
    return rows + _null_rows(name, "number", *lost, wanted, certainty)


def _category_rows(name, reference, current, wanted, move, certainty):
    found = of_categories.counted(reference, current)
    sizes = int(found.reference.sum()), int(found.current.sum())
    names = [s for s in of_categories.ALL if s in wanted]
    if all(sizes):
        values = of_categories.compare_counts(found, names, move, certainty)
    else:
        values = dict.fromkeys(names, _nothing(*sizes))
    rows = [_row(name, "category", s, f, sizes) for s, f in values.items()]
    totals = tuple(n + lost for n, lost in zip(sizes, found.nulls, strict=True))
    return rows + _null_rows(name, "category", found.nulls, totals, wanted, certainty)


def _null_rows(name, kind, nulls, totals, wanted, certainty):
    if "nulls" not in wanted:
        return []
    if not all(totals):
        return [_row(name, kind, "nulls", _nothing(*totals), totals)]
    share = nulls[1] / totals[1]
    ends = of_categories.difference(nulls, totals, certainty)
    note = f"{nulls[0]} of {totals[0]}, then {nulls[1]} of {totals[1]}" if any(nulls) else ""
    p = _fisher(nulls, totals)
    found = Found(share, share - nulls[0] / totals[0], *ends, p, note)
    return [_row(name, kind, "nulls", found, totals)]


def _fisher(nulls, totals):
    """p of Fisher's exact test (1922); 1 where there are none."""
    from scipy.stats import fisher_exact

    if not any(nulls):
        return 1.0
    table = [[n, t - n] for n, t in zip(nulls, totals, strict=True)]
    return float(np.clip(fisher_exact(table).pvalue, 0, 1))


def _nothing(n, m):
    where = " and the ".join(w for w, size in (("reference", n), ("current", m)) if not size)
    return Found(None, note=f"no values in the {where} window")


def _row(column, kind, statistic, found, sizes, note=""):
    numbers = [plain(x) for x in (found.value, found.effect, found.low, found.high, found.p)]
    return (column, kind, statistic, *numbers, *sizes, joined(found.note, note))


def _table(rows):
    import polars as pl

    text, number, count = pl.String, pl.Float64, pl.Int64
    schema = {"column": text, "kind": text, "statistic": text, "value": number,
              "effect_size": number, "low": number, "high": number, "p_value": number,
              "n_reference": count, "n_current": count, "note": text}  # fmt: skip
    return pl.DataFrame(rows, schema, orient="row")


def _frame(window):
    import polars as pl

    if isinstance(window, pl.DataFrame):
        return window
    if isinstance(window, pl.Series):
        return window.to_frame(window.name or "value")
    if isinstance(window, dict):
        columns = {name: _series(x) for name, x in window.items()}
        lengths = {name: len(x) for name, x in columns.items()}
        if len(set(lengths.values())) > 1:
            raise KitError("the columns differ in length", found=lengths, code="shape",
                           allowed="one value a row in each")  # fmt: skip
        return pl.DataFrame(columns)
    x = np.asarray(window)
    if x.ndim not in (1, 2):
        raise KitError(
            "the window is no table",
            found=x.shape,
            allowed="a polars table, a dict of arrays, shape (n,) or (n, columns)",
            code="shape",
        )
    if x.ndim == 1:
        return pl.DataFrame({"value": _series(x)})
    return pl.DataFrame({str(i): _series(x[:, i]) for i in range(x.shape[1])})


def _series(values):
    import polars as pl

    if isinstance(values, pl.Series):
        return values
    x = np.asarray(values)
    return pl.Series(x) if x.dtype.kind in "iufb" else pl.Series(x.tolist(), strict=False)


def _jobs(reference, current, columns, categories):
    """list of (column, kind), after a look at names and types."""
    names = list(columns if columns is not None else reference.columns)
    for which, table in (("reference", reference), ("current", current)):
        missing = [n for n in (*names, *categories) if n not in table.columns]
        if missing:
            raise KitError(
                f"the {which} window lacks a column",
                found=missing,
                allowed=", ".join(table.columns),
                code="missing-column",
            )
    return [(name, _kind(name, reference[name], current[name], categories)) for name in names]


def _kind(name, reference, current, categories):
    kinds = [_kind_of(name, x) for x in (reference, current)]
    known = {k for k in kinds if k}  # a column of nulls alone fits any type
    if len(known) > 1:
        raise KitError(f"column {name} changed its type", code="type",
                       found=f"{reference.dtype}, then {current.dtype}",
                       allowed="numbers twice, or categories twice",
                       remedy="cast one of them, or look at the schema")  # fmt: skip
    return "category" if name in categories else next(iter(known), "category")


def _kind_of(name, column):
    import polars as pl

    kind = column.dtype
    if kind == pl.Null:
        return None
    if kind.is_numeric():
        return "number"
    if kind in (pl.String, pl.Boolean, pl.Categorical, pl.Enum):
        return "category"
    raise KitError(f"column {name} cannot be compared", found=str(kind), code="type",
                   allowed="numbers, text, booleans",
                   remedy="make it a number first, such as seconds or a length")  # fmt: skip


def _cores():
    from kit.measure.machine import usable_cores

    return usable_cores()
