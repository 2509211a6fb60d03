"""How fast one corpus is in every layout: clips, a wide table, and a table as services log it."""

import numpy as np
import polars as pl

from kit.experiments import people
from kit.storage.formats import Layout, as_columns, events_table, layouts, measure, wide_table

_STEADY = 1.5  # most that the rounds of a full scan may differ, 10 to 90 %
_SHARES = {"clips": 0.72, "wide": 0.18, "events": 0.1}  # of the time
_LEFT_OUT = (  # what they show is shown by others
    Layout("parquet", "none", 512, as_list=True), Layout("parquet", "zstd", 512, as_list=True),
    Layout("parquet", "lz4", 512), Layout("arrow", "zstd", 512),
    Layout("delta", "snappy", 512, partition=True),
)  # fmt: skip
_OF_TABLES = (Layout("parquet", "gzip", 512), Layout("parquet", "zstd", 512, dictionary=True))


def storage(clips=1000, rows=5000, budget_s=75, seed=0, small=False, folder=None):
    """dict with rows, notice, clips, rows_each: every layout measured on three corpora.

    clips: of the Free Spoken Digit Dataset, sorted by word; all if fewer. rows: of the wide
    table; events gets four times as many. budget_s: shared out, about 80 s with all around it; two
    rounds are made in any case, however busy the machine is. small: 20 clips, 200 rows
    and 10 columns in one layout of each kind, for tests. folder: for scratch files.

    Rows: those of kit.storage.formats.measure with `kind`: "clips"; "wide" (100 columns of
    noise); "events" (sorted times, text of few values). Every ratio may be taken within a corpus.
    """
    if small:
        clips, rows = 20, 200
    takes, notice = people(progress=False)
    corpora = {"clips": _sorted(takes, clips), "wide": wide_table(rows, 10 if small else 100, seed),
               "events": events_table(4 * rows, seed)}  # fmt: skip
    found = []
    for corpus, data in corpora.items():
        out = _LEFT_OUT + _OF_TABLES * (corpus == "clips")
        chosen = [x for x in layouts(as_columns(data), small) if x not in out]
        table = measure(data, chosen, folder, budget_s * _SHARES[corpus], seed, not small)
        found.append(table.insert_column(0, pl.lit(corpus).alias("kind")))
    table = pl.concat(found)
    return {"rows": table.to_dicts(), "notice": notice, "clips": min(clips, len(takes.clips)),
            "rows_each": rows}  # fmt: skip


def as_text(found):
    """The tables of `kit bench storage` for a terminal."""
    table = pl.DataFrame(found["rows"], infer_schema_length=None)
    lines = [found["notice"]] * bool(found["notice"])
    for corpus in table["kind"].unique(maintain_order=True):
        part = table.filter(kind=corpus)
        per_record = part["record_bytes"][0]
        lines.append(f"{corpus}: {part['records'][0]:,} records of {per_record:,.0f} B")
        lines += [_line(name, own) for (name,), own in part.group_by("name", maintain_order=True)]
    lines += sorted(set(table["note"]) - {""})
    scans = table.filter(operation="scan", cache="warm")
    if (scans["high"] > _STEADY * scans["low"]).any():
        lines.append("the machine was busy: run it again before you quote a figure")
    return "\n".join(lines)


def _line(name, part):
    got = {(r["operation"], r["cache"]): r for r in part.iter_rows(named=True)}
    plain = part["records"][0] * part["record_bytes"][0]
    warm, cold = got["scan", "warm"], got["scan", "cold"]
    return (
        f"  {name:32} {got['blocks', '']['value'] / plain:5.2f} x the bytes, "
        f"write {got['write', '']['value']:>9,.0f}/s, scan {cold['value']:>9,.0f}/s cold, "
        f"{warm['value']:>9,.0f}/s warm ({warm['low']:,.0f} to {warm['high']:,.0f}), "
        f"single {got['single p50', 'cold']['value']:.2f} ms cold, "
        f"{got['single p50', 'warm']['value']:.3f} ms warm"
    )


def _sorted(takes, count):
    """`count` of the takes, spread over all of them, in the order of their words and speakers."""
    order = np.lexsort((takes.speakers, takes.labels))
    picked = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return takes.of(order[picked])
