"""The pages of a compiled data set: report.html by the kit, profile.html by fg-data-profiling."""

import datetime
import json
from html import escape

import polars as pl

from kit.compiler.link import versions
from kit.compiler.shards import write_file
from kit.numbers import human_time, plural, shown
from kit.views import compiled_figures as figures
from kit.views.compiled_figures import middle
from kit.views.compiled_profile import about, profile
from kit.views.html import details, table_html

_LETTERS, _TWINS, _VERSIONS = 50, 20, 20  # rows that are shown
_STYLE = """
body{font:15px/1.5 system-ui,-apple-system,Segoe UI,sans-serif;color:#22262B;margin:0}
main{max-width:1180px;margin:0 auto;padding:16px 20px 60px}
h1{font-size:1.7em;margin:.4em 0 0}
h2{font-size:1.25em;margin:2em 0 .4em;border-top:1px solid #d5d9de;padding-top:.8em}
p{margin:.4em 0;max-width:75ch}a{color:#0072B2}nav a{margin-right:1.2em}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:1em 0}
.tiles div{background:#F1F3F5;border-radius:6px;padding:8px 16px}
.tiles b{display:block;font-size:1.35em;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}.kit-table{font-size:.92em}.kit-table td{overflow-wrap:break-word}
.kit-table td:nth-child(-n+2){white-space:nowrap}
details{margin:.5em 0}summary{cursor:pointer;color:#0072B2}
pre,code{background:#F1F3F5;font-size:.9em}pre{padding:10px;overflow-x:auto}code{padding:1px 4px}
.look{background:#FCF1DC;padding:6px 12px;border-left:4px solid #E69F00}
"""
_DRAW = """
for (const place of document.querySelectorAll(".figure")) {
  const f = JSON.parse(place.nextElementSibling.textContent);
  Plotly.newPlot(place, f.data, f.layout, {responsive: true, displayModeBar: false});
}
"""


def write_pages(report, data):
    """Write report.html and profile.html into the folder of a Compiled; list of Path.

    report: dict of kit.compiler.report.report. A profile that cannot be made is left out, and
    report.html says why.
    """
    written, missing = [data.folder / "report.html", data.folder / "profile.html"], ""
    try:
        write_file(written[1], profile(data))
    except Exception as fault:  # whatever another's library raises: the data set is good without
        missing = f"{type(fault).__name__}: {fault}"
        written.pop().unlink(missing_ok=True)  # that of an older version would lie
    write_file(written[0], page(report, data, missing))
    return written


def page(report, data, missing=""):
    """One HTML page about a Compiled, which needs no other file and no network.

    report: dict of kit.compiler.report.report. missing: why there is no profile.
    """
    from plotly.offline import get_plotlyjs

    title = escape(f"{report['name']}, version {report['version']}")
    parts = [
        _head(report, data), _links(data, missing), _passes(report), _sources(report),
        _letters(report, data), _twins(report, data), _audio(data), _balance(data),
        _coverage(data), _moves(report, data), _lineage(data), _run(report),
    ]  # fmt: skip
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{title}</h1>{''.join(parts)}</main>"
        f"<script>{get_plotlyjs()}</script><script>{_DRAW}</script></body></html>\n"
    )


def _head(report, data):
    clips, (frames, coeffs) = data.clips.filter(copy=0), data.record["features_shape"]
    copies = data.clips.height - clips.height
    tiles = {
        "clips": shown(report["clips"]),
        **({"of them changed copies": shown(copies)} if copies else {}),
        "of sound": human_time(clips["seconds"].sum()),
        **{f"{c}s": shown(clips[c].drop_nulls().n_unique()) for c in ("label", "speaker")},
        "duplicates left out": shown(data.duplicates.height),
        "dead letters": shown(int(data.letters["clips"].sum())),
    }
    boxes = "".join(f"<div><b>{escape(v)}</b>{escape(k)}</div>" for k, v in tiles.items())
    return (
        f"<p>Features: {frames} frames by {coeffs} numbers, fingerprint <code>"
        f'{escape(report["fingerprint"])}</code></p><div class="tiles">{boxes}</div>'
    )


def _links(data, missing):
    if missing:
        reason = f'<p class="look">There is no profile. {escape(missing)}</p>'
        return f'<nav><a href="report.json">report.json</a></nav>{reason}'
    return (
        '<nav><a href="profile.html">profile.html</a> <a href="report.json">report.json</a></nav>'
        f"<p>profile.html goes through the columns of the clip table: {about(data.clips)}.</p>"
    )


def _passes(report):
    columns = ("pass", "read", "made", "written", "duplicates", "rejected")
    table = pl.DataFrame([{c: row.get(c, 0) for c in columns} for row in report["passes"]])
    return _section(
        "No clip is lost",
        "<p>In every pass read + made = written + duplicates + rejected, and a pass reads what the "
        "one before has written. Where sentences are cut, the pass align counts words.</p>",
        _drawn(figures.passes(report["passes"]), table),
    )


def _sources(report):
    table = pl.DataFrame(report["sources"]).with_columns(yield_percent=100 * pl.col("share"))
    ignored = ", ".join(f"{n} {kind or 'without suffix'}" for kind, n in report["ignored"].items())
    return _section(
        "Sources",
        _table(table.drop("share")),
        f"<p>Other files, not opened: {escape(ignored)}</p>" if ignored else "",
    )


def _letters(report, data):
    if not report["reasons"]:
        return _section("Dead letters", "<p>No clip was turned away.</p>")
    reasons = pl.DataFrame(report["reasons"]).with_columns(_short("first"))
    few = data.letters.head(_LETTERS).select(
        "pass", "code", _short("message", 200), "source", _short("path"), _short("label", 30)
    )
    return _section(
        "Dead letters",
        _drawn(figures.reasons(report["reasons"]), reasons, folded=False),
        details(f"the first {few.height} of {plural(data.letters.height, 'letter')}", _table(few)),
        "<p>All, with whole paths: <code>kit compile RECIPE --letters</code></p>",
    )


def _twins(report, data):
    found, table = report["duplicates"], data.duplicates
    clash = found["other_label"]
    said = (
        f"<p>{shown(found['exact'])} equal and {shown(found['near'])} near duplicates are left out."
        f"</p><p{' class=look' * (clash > 0)}>{shown(clash)} of them bear another label than the "
        "clip that stays.</p>"
    )
    if table.is_empty():
        return _section("Duplicates", said)
    stays = data.clips.filter(copy=0).select(of="clip_id", stays="path").unique("of")
    other = pl.col("label").ne_missing(pl.col("of_label"))
    few = table.sort(other, descending=True, maintain_order=True).head(_TWINS)
    few = few.join(stays, on="of", how="left", maintain_order="left").select(
        "kind", pl.col("similarity").fill_nan(None), _short("label", 30), _short("path"),
        _short("of_label", 30).alias("label that stays"), _short("stays").alias("path that stays"),
    )  # fmt: skip
    first = f"the first {few.height} of {plural(table.height, 'duplicate')}, other labels first"
    return _section("Duplicates", said, details(first, _table(few)))


def _audio(data):
    return _section(
        "Audio",
        "<p>What was measured, each source as a line. The areas under the lines are equal, so that "
        "a small source is seen beside a large one.</p>",
        _drawn(figures.distributions(data.clips), figures.quantiles(data.clips)),
    )


def _balance(data):
    pairs = (("label", "source"), ("speaker", "split"))
    return _section(
        "Balance",
        *(
            _drawn(figures.balance(data.clips, *pair), *_crossed(data.clips, *pair))
            for pair in pairs
        ),
    )


def _coverage(data):
    table, headers = _crossed(figures.cohort(data.clips), "cohort", "label")
    least = 330 + 19 * min(figures.MOST, len(headers))  # else the names of labels overlap
    return _section(
        "Coverage",
        "<p>Who says what. What a data set lacks is no row of its table, so nothing else shows "
        "it.</p>",
        _drawn(figures.cohorts(data.clips), table, headers, least=least),
    )


def _moves(report, data):
    looked = data.version > 0 or data.record["recipe"]["contract"]["label_shares"]
    said = [f'<p class="look">{escape(move)}</p>' for move in report["moves"]]
    if not said:
        none = "No label's share moved further than is allowed." if looked else (
            "There is nothing to compare with: this is the first version, and the recipe states "
            "no label_shares."
        )  # fmt: skip
        said = [f"<p>{none}</p>"]
    return _section("What moved", *said)


def _lineage(data):
    record, made = data.record, _made(data)
    passes = {k: v for part in (record, *made) for k, v in part["passes"].items()}
    order = [row["pass"] for row in record["counts"] if row["pass"] in passes]
    code = pl.DataFrame({"pass": order, "code": [passes[name]["code"] for name in order]})
    commits = pl.Series([part["commit"] or "unknown" for part in made], dtype=pl.String)
    counted = [
        f"{name} ({plural(n, 'shard')})" for name, n in sorted(commits.value_counts().rows())
    ]
    libraries = ", ".join(f"{name} {version}" for name, version in record["libraries"].items())
    return _section(
        "Lineage",
        f"<p>Made by kit {escape(record['kit'])}, commits {escape(', '.join(counted))}, with "
        f"{escape(libraries)}. Where one clip comes from: <code>kit compile RECIPE --explain "
        "CLIP_ID</code></p>",
        _table(_history(data), "Versions, the newest last"),
        details("code of the passes", _table(code)),
        details("recipe", _json(record["recipe"])),
        details("specification of the features", _json(record["spec"])),
    )


def _history(data):
    rows = [
        {
            "version": str(v["version"]) + " (this one)" * (v["version"] == data.version),
            "made, UTC": datetime.datetime.fromtimestamp(
                v["timestamp_ms"] / 1e3, datetime.UTC
            ).strftime("%Y-%m-%d %H:%M:%S"),
            "record": v["record"],
        }
        for v in versions(data.folder)[-_VERSIONS:]
    ]
    return pl.DataFrame(rows)


def _made(data):
    """list of dict: what every shard of the version was made from, of those that are there."""
    places = [("shards", "shard"), ("features", "features")]
    files = [
        data.folder / folder / name / "made.json"
        for folder, column in places
        for name in data.clips[column].unique().sort()
    ]
    return [json.loads(f.read_text(encoding="utf-8"))["about"] for f in files if f.exists()]


def _run(report):
    run, engines = report["run"], sorted(report["engines"].items())
    stages = pl.DataFrame({"stage": list(run["seconds"]), "took_s": list(run["seconds"].values())})
    rates = ", ".join(f"{name} {shown(rate)} clips/s" for name, rate in engines)
    return _section(
        "The run that made it",
        f"<p>Engine {escape(run['engine'])}, {run['workers']} at a time: {run['made']} of "
        f"{plural(run['shards'], 'shard')} had to be made.</p>",
        _table(stages),
        f"<p>On this machine so far: {escape(rates)}</p>" if rates else "",
    )


def _section(title, *parts):
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def _drawn(figure, table, headers=None, folded=True, least=0):
    """HTML of a plotly figure, drawn at the end of the page, and its table beneath.

    least: width below which the figure is scrolled, px.
    """
    title = escape(figure.layout.title.text)  # plotly itself escapes what would end a script
    same = _table(table, headers=headers)
    return (
        f'<div class="scroll"><div class="figure" role="img" aria-label="{title}" '
        f'style="min-height:{figure.layout.height}px;min-width:{least}px"></div>'
        f'<script type="application/json">{figure.to_json()}</script></div>'
        f"{details('as a table', same) if folded else same}"
    )


def _crossed(clips, rows, parts, most=60):
    """(table, headings): clips by two columns, at most 60 by 60."""
    names, groups, counts = figures.crossed(clips, rows, parts, most, most)
    columns = {f"of {n}": counts[:, n] for n in range(len(groups))}
    table = pl.DataFrame({"name": [middle(name) for name in names], **columns})
    heads = {column: middle(g, 30) for column, g in zip(columns, groups, strict=True)}
    return table, {"name": rows} | heads


def _table(table, caption="", headers=None):
    return f'<div class="scroll">{table_html(table, caption, headers)}</div>'


def _short(column, most=60):
    """A text column without the middle of what is long."""
    return pl.col(column).map_elements(lambda text: middle(text, most), pl.String)


def _json(value):
    return f"<pre>{escape(json.dumps(value, indent=1, ensure_ascii=False))}</pre>"
