"""Claims of the chapter on storage and pipelines: formats, codecs, when and where to transform."""

from kit.assumptions import value
from kit.claims.record import HOLDS, WITH_CONDITION, Claim
from kit.storage import feeding, pipelines

_HOUR_MIN = 60.0


def _streaming():
    found = pipelines.chapter_rates()
    why = pipelines.stream_factor(value("stream_cores"), value("stream_backups"), found["core_h"])
    age = pipelines.batch_age_min(value("batch_minutes"), value("batch_runs"))
    return {
        "stream": found["stream_usd"], "batch": found["batch_usd"], "ratio": found["ratio"],
        "backups": why["backups"], "idle": why["idle"], "age": age,
    }  # fmt: skip


def _etl():
    etl, elt = pipelines.chapter_etl(), pipelines.chapter_elt()
    one, other = pipelines.bill(etl), pipelines.bill(elt)
    raw = value("raw_day") * value("elt_days") * value("object_store_month")
    scan = pipelines.scan_usd(value("raw_day"))
    return {
        "run": etl.run_usd_day, "stored": one.storage_usd, "raw": other.storage_usd,
        "queries": other.query_usd, "saves": other.storage_usd - one.storage_usd,
        "slower": etl.change_h / elt.change_h, "computing": one.run_usd,
        "net": other.fixed_usd - one.fixed_usd, "rerun": raw, "query": value("elt_query"),
        "scan": scan, "wage": pipelines.break_even_wage(etl, elt, 1.0),
        "days": pipelines.break_even_retention_days(etl), "kept": value("elt_days"),
    }  # fmt: skip


def _columns():
    needed, columns = value("needed_columns"), value("table_columns")
    share = feeding.useful_share(needed, columns)
    wide = feeding.useful_share(needed, columns, 2.0, 1.0)
    return {"factor": 1 / share, "waste": 100 * (1 - share), "wide": 1 / wide}


def _codecs():
    raw, epochs = value("codec_data"), value("codec_epochs")
    gzip, snappy = value("gzip_rate"), value("snappy_rate")
    tight = (value("gzip_ratio_low") + value("gzip_ratio_high")) / 2
    quick = (value("snappy_ratio_low") + value("snappy_ratio_high")) / 2
    even = feeding.break_even_read_gbs(tight, gzip, quick, snappy)
    return {
        "gzip": raw / gzip / _HOUR_MIN, "snappy": raw / snappy / _HOUR_MIN,
        "hours": (raw / gzip - raw / snappy) * epochs / _HOUR_MIN**2,
        "tight": tight, "quick": quick, "even": 1e3 * even,
    }  # fmt: skip


CLAIMS = [
    Claim(16, "07", "Streaming costs USD {stream} a day, hourly batches {batch}: {ratio} times.",
          {"stream": 120, "batch": 40, "ratio": 3}, _streaming, HOLDS,
          "Cores times hours times price. The backups make {backups} times of it, cores that wait "
          "for events {idle} times; a result of a batch is {age} min old on average. The prose "
          "next to it says an order of magnitude or more.",
          units={"stream": "USD/day", "batch": "USD/day", "ratio": "x"}),
    Claim(17, "07", "ETL costs USD {run} a day to run and {stored} a month to store, ELT {raw} a "
          "month to store and {queries} to query: ETL saves {saves}, and a change of the schema "
          "takes {slower} times as long.",
          {"run": 50, "stored": 138, "raw": 6_900, "queries": 450, "saves": 6_762, "slower": 8},
          _etl, WITH_CONDITION,
          "The saving is of storage alone: with USD {computing} a month for its runs against the "
          "queries ETL saves {net}. It stores no raw data, without which no change can be applied "
          "to the past; keeping them costs the {rerun} again. USD {query} a query is the price of "
          "a small one: to read a day's raw data costs {scan} at a list price. Where the chapter "
          "has ELT win from one change a month on, an hour of work would have to cost USD {wage}. "
          "What decides is the retention: up to {days} days of raw data, ELT is the cheaper one; "
          "the chapter keeps {kept}.",
          units=dict.fromkeys(("stored", "raw", "queries", "saves"), "USD/month")
          | {"run": "USD/day", "slower": "x"}),
    Claim(20, "07", "Parquet instead of CSV, for twenty columns of a hundred, is {factor} times as "
          "fast: CSV wastes {waste} % of what is read.",
          {"factor": 5, "waste": 80}, _columns, WITH_CONDITION,
          "True of bytes, for columns of equal width without compression. If the wanted columns "
          "are twice as wide as the others, it is {wide} times. Numbers as text are longer than "
          "numbers, packed columns are shorter, and parsing takes longer than reading: measure "
          "the file.",
          units={"factor": "x", "waste": "%"}),
    Claim(21, "07", "Unpacking a hundred gigabytes takes {gzip} min with gzip and {snappy} with "
          "Snappy: {hours} h in fifty epochs.",
          {"gzip": 13.9, "snappy": 3.3, "hours": 8.8}, _codecs, WITH_CONDITION,
          "At the chapter's rates, on one core, for bytes unpacked. A loader has several cores, "
          "and packed bytes must also be read: at {tight} against {quick} times fewer, gzip is "
          "the quicker one in all where storage brings less than {even:.0f} MB/s. Measure "
          "today's codecs beside them.",
          units={"gzip": "min", "snappy": "min", "hours": "h"}),
]  # fmt: skip
