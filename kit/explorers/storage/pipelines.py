"""Explorers of pipelines: transform before loading or when asked, and how old a result may be."""

import numpy as np
import polars as pl

from kit.assumptions import value as _value
from kit.explorers.base import Control, Explorer
from kit.numbers import plural, shown
from kit.quantities import quantity
from kit.storage import pipelines as pipe
from kit.views.storage import pipelines as views

ETL, REDO, ELT = "ETL, new data only", "ETL, raw data kept", "ELT"
DAYS = (1.0, 365.0)  # of raw data
CHANGES = (0.1, 100.0)  # of the schema a month
CHAPTER_CHANGES = 1.0  # a month: "fewer than once per month, ETL wins on total cost"
DAY_MIN, MONTH_D = 1440, 30
RUNS = (1.0, 1440.0)  # a day


def _given(name, rule, none=False):
    def check(value):
        return None if none and value is None else quantity(name, value, rule).item()

    return check


# --- ETL or ELT


def ways(keep_days, query_usd=None):
    """dict of name -> Pipeline: the two of the chapter, and an ETL that can do what ELT can.

    keep_days: of raw data, with ELT and with REDO; a number or a column. query_usd: of ELT's
    queries; the chapter's if None. ETL keeps its data sets and no raw data, as in the chapter: a
    change holds for new data only. REDO keeps the raw data too, and transforms them anew.
    """
    raw = _value("raw_day") * keep_days
    etl = pipe.chapter_etl()
    redo = etl._replace(stored_tb=etl.stored_tb + raw, rerun_tb=raw)
    return {ETL: etl, REDO: redo, ELT: pipe.chapter_elt(keep_days, query_usd)}


def break_even_days(etl, elt, changes_month, work_usd_h):
    """Days of raw data above which this ETL is cheaper at so many changes a month; 0: always.

    As kit.storage.pipelines.break_even_retention_days, with the work for changes in both bills.
    """
    work = [changes_month * p.change_h * work_usd_h / MONTH_D for p in (etl, elt)]
    etl = etl._replace(query_usd_day=etl.query_usd_day + work[0])
    return pipe.break_even_retention_days(etl, elt.query_usd_day + work[1])


def _etl_elt(changes_month, wage_usd_h, keep_days, query_usd):
    found = ways(keep_days, query_usd)
    each = {way: pipe.bill(p, changes_month, wage_usd_h) for way, p in found.items()}
    bars = [("bar", way, term.removesuffix("_usd"), float(usd))
            for way, bill in each.items() for term, usd in bill._asdict().items()]  # fmt: skip
    points = pl.DataFrame({"part": ["yours", "chapter"], "days": [keep_days, _value("elt_days")],
                           "changes": [changes_month, CHAPTER_CHANGES]}, strict=False)  # fmt: skip
    etl, redo, elt = found.values()
    even = {
        "even_changes": pipe.break_even_changes(etl, elt, wage_usd_h),
        "even_redo": pipe.break_even_changes(redo, elt, wage_usd_h),
        "even_days": break_even_days(etl, elt, changes_month, wage_usd_h),
        "even_wage": pipe.break_even_wage(etl, elt, CHAPTER_CHANGES),
        "wage_usd_h": float(wage_usd_h), "keep_days": float(keep_days),
    }  # fmt: skip
    table = [pl.DataFrame(bars, ["part", "way", "term", "usd"], orient="row"),
             *_curves(etl, elt, wage_usd_h, query_usd),
             points.cast({"days": pl.Float64, "changes": pl.Float64})]  # fmt: skip
    return pl.concat(table, how="diagonal").with_columns(**{k: pl.lit(v) for k, v in even.items()})


def _curves(etl, elt, wage_usd_h, query_usd):
    """Changes a month above which ELT is cheaper than either ETL, for every time of keeping."""
    edges = break_even_days(etl, elt, np.array(CHANGES), wage_usd_h)
    days = np.sort(np.r_[np.geomspace(*DAYS, 121), np.clip(edges, *DAYS)])
    along = ways(days, query_usd)
    for way in (ETL, REDO):
        changes = pipe.break_even_changes(along[way], along[ELT], wage_usd_h)
        yield pl.DataFrame({"part": "curve", "way": way, "days": days, "changes": changes})


def sums(table):
    """dict of way -> USD a month, of the table of the explorer "etl-elt"."""
    bars = table.filter(part="bar")
    return dict(bars.group_by("way", maintain_order=True).agg(pl.col("usd").sum()).rows())


def _etl_elt_summary(table):
    row, usd = table.row(0, named=True), sums(table)
    gap = usd[ELT] - usd[ETL]
    first, second = (("ETL", ETL), ("ELT", ELT))[:: 1 if gap >= 0 else -1]
    days = f"{shown(row['keep_days'])} days"
    told = (
        f"{first[0]} is cheaper: USD {shown(usd[first[1]])} a month, {second[0]} USD "
        f"{shown(usd[second[1]])}, USD {shown(abs(gap))} more. {_even(row)}"
    )
    more = usd[REDO] - usd[ELT]
    beside = f"USD {shown(abs(more))} {'more' if more >= 0 else 'less'} than ELT"
    return (
        f"{told} This ETL keeps no raw data, so a change holds for new data only; one that keeps "
        f"{days} of them and transforms them anew at each change costs USD {shown(usd[REDO])}, "
        f"{beside}."
    )


def _even(row):
    """Where the bills of the chapter's ETL and of ELT are equal."""
    wage, days = f"USD {shown(row['wage_usd_h'])} an hour", f"{shown(row['keep_days'])} days"
    if not row["even_changes"]:
        return (f"With {days} of raw data ELT is cheaper at any number of changes; ETL becomes so "
                f"above {shown(row['even_days'])} days.")  # fmt: skip
    return (f"With {days} of raw data and work at {wage} ELT becomes cheaper above "
            f"{shown(row['even_changes'])} changes a month; the chapter says "
            f"{shown(CHAPTER_CHANGES)}, which takes work at USD {shown(row['even_wage'])} an "
            "hour.")  # fmt: skip


def _etl_elt_rows(table):
    bars = table.filter(part="bar").pivot("way", index="term", values="usd")
    ends = bars.select(pl.lit("sum").alias("term"), pl.exclude("term").sum())
    return pl.concat([bars, ends]).rename({w: f"{w} (USD a month)" for w in (ETL, REDO, ELT)})


# --- batch or streaming


def _batch_stream(runs_day, start_min, backups_percent, core_usd_h):
    core_h, cores = pipe.chapter_rates()["core_h"], _value("batch_cores")
    backups, day_min = backups_percent / 100, core_h / cores * 60  # of work in any number of runs
    ours = _value("stream_cores") * (1 - _value("stream_backups")) / (1 - backups)
    most = (DAY_MIN - day_min) / start_min if start_min else np.inf  # runs that fit into a day
    even = pipe.break_even_runs(ours, core_h, cores, start_min)
    runs = np.geomspace(RUNS[0], min(most, RUNS[1]), 121)
    at = np.r_[runs, min(runs_day, most), min(max(even, RUNS[0]), most, RUNS[1]),
               _value("batch_runs")]  # fmt: skip
    start = np.full(len(at), float(start_min))
    start[-1] = 0.0  # the chapter has none
    table = pl.DataFrame({
        "part": ["curve"] * len(runs) + ["yours", "even", "chapter"], "runs_day": at,
        "age_min": pipe.batch_age_min(day_min / at, at, start),
        "usd_day": pipe.batch_usd_day(cores, day_min / at, at, core_usd_h, start),
    })  # fmt: skip
    shared = {
        "fits": runs_day <= most * (1 + 1e-9), "wanted_runs": float(runs_day),
        "start_min": float(start_min), "run_min": day_min / runs_day, "stream_cores": ours,
        "stream_usd": pipe.stream_usd_day(ours, core_usd_h), "core_usd_h": float(core_usd_h),
        "full_usd": pipe.stream_usd_day(cores, core_usd_h), "even_runs": even,
        "most_runs": float(most), "batch_cores": cores,
        **pipe.stream_factor(ours, backups, core_h),
    }  # fmt: skip
    return table.with_columns(**{name: pl.lit(x) for name, x in shared.items()})


def _batch_stream_summary(table):
    row = table.filter(part="yours").row(0, named=True)
    stream = f"streaming costs USD {shown(row['stream_usd'])}"
    why = (
        f"Without start-ups streaming costs {shown(row['total'])} times batch: "
        f"{shown(row['backups'])} for backups x {shown(row['idle'])} for cores that are always on; "
        f"the chapter's figures give {shown(pipe.chapter_rates()['ratio'])}, its text 10 or more."
    )
    runs = plural(row["wanted_runs"], "run")
    if not row["fits"]:
        return (
            f"{runs} a day do not fit into a day: each needs {_minutes(row['run_min'])} of work "
            f"and {_minutes(row['start_min'])} to start, so {shown(row['most_runs'])} are the "
            f"most, with results {_minutes(_age(table, 'curve'))} old; {stream} a day. "
            f"{_even_runs(table)} {why}"
        )
    times = (
        f"{shown(row['stream_usd'] / row['usd_day'])} times as much" if row["usd_day"] else "too"
    )
    oldest = row["age_min"] + DAY_MIN / row["runs_day"] / 2
    return (
        f"{runs} a day cost USD {shown(row['usd_day'])} and give results "
        f"{_minutes(row['age_min'])} old on average, {_minutes(oldest)} at most; {stream}, "
        f"{times}. {_even_runs(table)} {why}"
    )


def _minutes(minutes):
    if minutes >= 120:
        return f"{shown(minutes / 60)} h"
    return f"{shown(minutes)} min" if minutes >= 1 or not minutes else f"{shown(60 * minutes)} s"


def _age(table, part):
    return table.filter(part=part)["age_min"][-1]


def _even_runs(table):
    row = table.row(0, named=True)
    if row["even_runs"] > row["most_runs"] or row["even_runs"] == np.inf:
        which = "that fits into a day" if row["start_min"] else "as starting takes no time"
        return f"Batch is cheaper at any number of runs {which}."
    text = f"Streaming is cheaper above {plural(row['even_runs'], 'run')} a day"
    if row["even_runs"] > RUNS[1]:
        return f"{text}."
    return f"{text}, where results are {_minutes(_age(table, 'even'))} old."


def _batch_stream_rows(table):
    """The reader's runs, some others, and streaming."""
    curve, row = table.filter(part="curve"), table.row(0, named=True)
    asked = table.filter(part="yours").filter(pl.col("fits"))
    some = pl.concat([asked, curve.gather_every(15), table.filter(part="chapter")])
    rows = some.select(
        pl.col("part").replace({"curve": "batch", "yours": "batch, yours",
                                "chapter": "batch, the chapter's"}).alias("way"),
        pl.col("runs_day").alias("runs a day"), pl.col("age_min").alias("mean age (min)"),
        pl.col("usd_day").alias("a day (USD)"),
    )  # fmt: skip
    return pl.concat([rows, pl.DataFrame({"way": "streaming", "a day (USD)": row["stream_usd"]})],
                     how="diagonal")  # fmt: skip


EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "etl-elt",
            "Transform before loading, or when asked?",
            (
                Control("changes_month", "changes of the schema", "a month", 4.0, "log", *CHANGES),
                Control("wage_usd_h", "work for a change", "USD/h", 50.0, "log", 10, 500),
                Control("keep_days", "raw data are kept for", "days", _value("elt_days"), "log",
                        *DAYS),
                Control("query_usd", "a query of ELT", "USD", None, "given",
                        options=(_given("query_usd", "nonnegative", none=True),)),
            ),
            _etl_elt, views.etl_elt, _etl_elt_summary, _etl_elt_rows,
        ),
        Explorer(
            "batch-stream",
            "How old may a result be?",
            (
                Control("runs_day", "batch runs", "a day", _value("batch_runs"), "log", *RUNS),
                Control("start_min", "to start the cores", "min a run", 2.0, "linear", 0, 15, 0.5),
                Control("backups_percent", "backups of streaming", "% of cores",
                        100 * _value("stream_backups"), "linear", 0, 90, 5),
                Control("core_usd_h", "a core", "USD/h", _value("core_hour"), "given",
                        options=(_given("core_usd_h", "positive"),)),
            ),
            _batch_stream, views.batch_stream, _batch_stream_summary, _batch_stream_rows,
        ),
    )
}  # fmt: skip
