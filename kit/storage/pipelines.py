"""Where to transform and when: ETL against ELT, batch against streaming. Closed forms.

A month has 30 days. The chapter compares storage alone; here every term is in: storage, computing
for each run, queries, and what a change of the schema costs in work and in runs. Needs NumPy, and
polars for tables.
"""

from typing import Any, NamedTuple

import numpy as np

from kit.assumptions import value
from kit.errors import KitError
from kit.quantities import quantity, vectorised

_MONTH_D, _DAY_H, _HOUR_MIN = 30.0, 24.0, 60.0


class Pipeline(NamedTuple):
    """What a way to transform data needs; numbers, or columns of one length.

    stored_tb: at any time. run_usd_day: computing before data are loaded. query_usd_day:
    transforming when they are used. change_h: a person's work for a change of the schema, h.
    rerun_tb: data that a change transforms anew, TB.
    """

    stored_tb: Any
    run_usd_day: Any
    query_usd_day: Any
    change_h: Any
    rerun_tb: Any = 0.0


class Bill(NamedTuple):
    """USD a month: storage_usd, run_usd, query_usd, work_usd (people, for changes), rerun_usd."""

    storage_usd: Any
    run_usd: Any
    query_usd: Any
    work_usd: Any
    rerun_usd: Any

    @property
    def usd_month(self):
        """The sum of all terms."""
        return sum(self)

    @property
    def fixed_usd(self):
        """What is paid if nothing ever changes."""
        return self.storage_usd + self.run_usd + self.query_usd


def chapter_etl(keep_raw=False, rerun=False):
    """Pipeline of the chapter's ETL: transform ten TB a day, keep three small data sets.

    keep_raw: the raw data of the retention time are stored too; without them nothing can be
    transformed anew. rerun: a change transforms all of them, which the chapter counts in hours
    alone.
    """
    raw = value("raw_day") * value("elt_days")
    stored = value("etl_datasets") * value("etl_dataset") + (raw if keep_raw else 0.0)
    return Pipeline(stored, value("raw_day") * value("transform_tb"), 0.0, value("etl_change"),
                    raw if rerun else 0.0)  # fmt: skip


def chapter_elt(keep_days=None, query_usd=None):
    """Pipeline of the chapter's ELT: keep the raw data for some days, one query a model and day.

    keep_days: number or column; the chapter's 30 if None. query_usd: USD a query; the chapter's 5
    if None. See `scan_usd` for what a query of so many TB costs.
    """
    days = value("elt_days") if keep_days is None else keep_days
    query = value("elt_query") if query_usd is None else query_usd
    return Pipeline(value("raw_day") * days, 0.0, value("elt_models") * query, value("elt_change"))


@vectorised(scanned_tb="nonnegative")
def scan_usd(scanned_tb):
    """USD of a query that reads `scanned_tb` (TB) in a warehouse at its list price."""
    return scanned_tb * 1e12 / 2**40 * value("warehouse_scan")


def bill(pipeline, changes_month=0.0, work_usd_h=0.0):
    """Bill of a Pipeline: USD a month, at the chapter's prices of storage and of transforming.

    changes_month: of the schema. work_usd_h: an hour of whoever makes them, USD. 0 or more each.
    """
    given = {**pipeline._asdict(), "changes_month": changes_month, "work_usd_h": work_usd_h}
    for name, x in given.items():
        quantity(name, x, "nonnegative")
    return Bill(*(_term(*args) for args in (
        (pipeline.stored_tb, value("object_store_month")),
        (pipeline.run_usd_day, _MONTH_D),
        (pipeline.query_usd_day, _MONTH_D),
        (changes_month, pipeline.change_h, work_usd_h),
        (changes_month, pipeline.rerun_tb, value("transform_tb")),
    )))  # fmt: skip


@vectorised(amount="nonnegative", price="nonnegative", times="nonnegative")
def _term(amount, price, times=1.0):
    return amount * price * times


def compare_pipelines(etl=None, elt=None, changes_month=0.0, work_usd_h=0.0):
    """ETL and ELT term by term: polars table of term, etl_usd, elt_usd, etl_saves_usd a month.

    etl, elt: Pipeline of single numbers; the chapter's if None. The last row is the sum.
    """
    import polars as pl

    one = bill(chapter_etl() if etl is None else etl, changes_month, work_usd_h)
    other = bill(chapter_elt() if elt is None else elt, changes_month, work_usd_h)
    rows = [(name.removesuffix("_usd"), float(a), float(b), float(b) - float(a)) for name, a, b in
            zip((*Bill._fields, "sum"), (*one, one.usd_month), (*other, other.usd_month),
                strict=True)]  # fmt: skip
    return pl.DataFrame(rows, ["term", "etl_usd", "elt_usd", "etl_saves_usd"], orient="row")


def break_even_changes(etl, elt, work_usd_h):
    """Changes of the schema in a month above which ELT is cheaper; 0: any, inf: none.

    (fixed ELT - fixed ETL) / (change with ETL - change with ELT). etl, elt: Pipeline.
    """
    saved, more = _saved_and_more(etl, elt, work_usd_h)
    return _ratio(saved, more)


def break_even_wage(etl, elt, changes_month):
    """USD an hour of work above which ELT is cheaper at so many changes a month (above 0).

    0: at any wage, inf: at none. What a change transforms anew is counted first.
    """
    changes = quantity("changes_month", changes_month, "positive")
    saved, rerun = _saved_and_more(etl, elt, 0.0)
    hours = np.subtract(etl.change_h, elt.change_h)
    return _ratio(saved - changes * rerun, changes * hours)


def break_even_retention_days(etl, elt_query_usd_day=None):
    """Days of raw data that ELT can keep for what ETL costs while no schema changes; 0: none.

    (storage and runs of ETL - queries of ELT) / price of a day's raw data. elt_query_usd_day: the
    chapter's if None.
    """
    query = chapter_elt().query_usd_day if elt_query_usd_day is None else elt_query_usd_day
    a_day = value("raw_day") * value("object_store_month")
    return _ratio(bill(etl).fixed_usd - _term(query, _MONTH_D), a_day)


def _saved_and_more(etl, elt, work_usd_h):
    """(USD a month that ETL saves without changes, USD that a change costs more with it)."""
    one, other = bill(etl, 1.0, work_usd_h), bill(elt, 1.0, work_usd_h)
    a_change = one.work_usd + one.rerun_usd - other.work_usd - other.rerun_usd
    return other.fixed_usd - one.fixed_usd, a_change


def _ratio(saved, more):
    """saved / more, at least 0: where a line that starts lower and rises crosses another.

    inf where it never does, and where it falls (more < 0): then nothing holds from a point on.
    """
    saved, more = np.asarray(saved, float), np.asarray(more, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(more > 0, np.maximum(saved, 0.0) / more, np.inf)
    found = np.where((more == 0) & (saved <= 0), 0.0, found)
    return found if found.ndim else float(found)


# --- batch and streaming


@vectorised(cores="positive", usd_core_h="nonnegative")
def stream_usd_day(cores, usd_core_h):
    """USD a day of cores that are always on: backups are among them."""
    return cores * _DAY_H * usd_core_h


@vectorised(cores="positive", run_min="positive", runs_day="positive", usd_core_h="nonnegative",
            start_min="nonnegative")  # fmt: skip
def batch_usd_day(cores, run_min, runs_day, usd_core_h, start_min=0.0):
    """USD a day of cores that are rented for each run.

    run_min: minutes of work in a run. start_min: minutes to start the cores, paid in every run.
    Raises KitError "not-possible" if runs do not fit into a day.
    """
    _check_fits(run_min + start_min, runs_day)
    return cores * (run_min + start_min) / _HOUR_MIN * runs_day * usd_core_h


@vectorised(run_min="positive", runs_day="positive", start_min="nonnegative")
def batch_age_min(run_min, runs_day, start_min=0.0):
    """Mean age of an event when its result is there, min: half a period, and the run.

    The oldest waits a whole period and the run. Raises KitError "not-possible" as batch_usd_day.
    """
    _check_fits(run_min + start_min, runs_day)
    return _DAY_H * _HOUR_MIN / runs_day / 2 + start_min + run_min


@vectorised(stream_cores="positive", batch_core_h="nonnegative", batch_cores="positive",
            start_min="nonnegative")  # fmt: skip
def break_even_runs(stream_cores, batch_core_h, batch_cores, start_min):
    """Runs a day above which streaming is cheaper; 0: always, inf: never.

    batch_core_h: core-hours of work in a day, however often it runs. Each run also pays for
    batch_cores x start_min: (stream x 24 h - work) / (cores x start).
    """
    return _ratio(stream_cores * _DAY_H - batch_core_h, batch_cores * start_min / _HOUR_MIN)


def stream_factor(stream_cores, backups, batch_core_h):
    """Why streaming costs more: dict of backups, idle, total (ratios to batch).

    backups: share of the cores that stand by, 0 to below 1. idle: the working ones around the
    clock, over the core-hours that batch needs for the same events. total = backups x idle.
    """
    ready = 1.0 / (1.0 - _backups(backups))
    work_h = quantity("batch_core_h", batch_core_h, "positive").item()
    total = stream_usd_day(stream_cores, 1.0) / work_h
    return {"backups": ready, "idle": total / ready, "total": total}


def chapter_rates():
    """The chapter's comparison: dict of stream_usd, batch_usd (a day), ratio, core_h, tb_day."""
    price = value("core_hour")
    stream = stream_usd_day(value("stream_cores"), price)
    batch = batch_usd_day(value("batch_cores"), value("batch_minutes"), value("batch_runs"), price)
    tb = value("event_rate") * value("event_size") * 1e3 * _DAY_H * 3600 / 1e12
    return {"stream_usd": stream, "batch_usd": batch, "ratio": stream / batch,
            "core_h": batch / price, "tb_day": tb}  # fmt: skip


def _backups(share):
    if not 0 <= share < 1:
        raise KitError("backups is not possible", found=share, code="not-possible",
                       allowed="a number from 0 to below 1")  # fmt: skip
    return float(share)


def _check_fits(minutes, runs_day):
    day = minutes * runs_day
    if (day > _DAY_H * _HOUR_MIN * (1 + 1e-9)).any():
        raise KitError("the runs do not fit into a day", found=f"{np.max(day):g} min",
                       allowed="24 h in all", code="not-possible",
                       remedy="fewer runs, or more cores")  # fmt: skip
