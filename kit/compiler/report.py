"""What a run did and what the data set is like: as a dict, and as text."""

import json

import polars as pl

from kit.compiler.contracts import label_moves
from kit.compiler.letters import letter_counts
from kit.compiler.shards import write_file

_ENGINES = "cache/engines.json"
_MEASURES = {  # column -> (what it is, unit)
    "seconds": ("duration", "s"),
    "speech_s": ("speech", "s"),
    "level_db": ("level", "dB of full scale"),
    "snr_db": ("signal-to-noise ratio", "dB"),
    "zero_share": ("digital silence", "of the clip"),
    "bandwidth_hz": ("bandwidth", "Hz"),
}


def report(run):
    """dict that JSON can hold, of a kit.compiler.run.Run: passes, reasons, sources, audio, run.

    coverage: clips by source, language, speaker and split. audio: quantiles of what was measured.
    engines: clips a second of each engine that has worked on this data set on this machine.
    """
    data = run.data
    return {
        "name": data.record["name"],
        "version": data.version,
        "changed": run.changed,
        "clips": data.clips.height,
        "fingerprint": data.record["fingerprint"],
        "passes": data.record["counts"],
        "reasons": letter_counts(data.letters).to_dicts(),
        "duplicates": _duplicates(data.duplicates),
        "sources": _sources(data),
        "labels": _counted(data.clips, "label"),
        "coverage": _counted(data.clips, "source", "language", "speaker", "split"),
        "audio": _audio(data.clips),
        "moves": label_moves(data.clips, data.recipe.contract, data.before and data.before.clips),
        "ignored": data.record["ignored"],
        "run": {
            "engine": run.engine, "workers": run.workers, "shards": run.shards, "made": run.made,
            "seconds": {k: round(v, 3) for k, v in run.seconds.items()},
        },
        "engines": _engines(run),
    }  # fmt: skip


def as_text(found):
    """The report as text for a terminal."""
    state = "is new" if found["changed"] else "is unchanged"
    parts = [
        f"{found['name']}, version {found['version']}, {state}: {found['clips']} clips, features "
        f"{found['fingerprint']}",
        _passes(found["passes"]),
        _reasons(found["reasons"]),
        _plain(found["duplicates"], found["ignored"], found["moves"]),
        _measures(found["audio"]),
        _speed(found["run"], found["engines"]),
    ]
    return "\n\n".join(part for part in parts if part)


def write(found, folder):
    """Write report.json and report.txt to `folder`."""
    write_file(folder / "report.json", json.dumps(found, indent=1, ensure_ascii=False))
    write_file(folder / "report.txt", as_text(found) + "\n")


def _sources(data):
    """One row a source: clips that went in as letters, duplicates and clips, and the yield."""
    written = data.clips.filter(copy=0).group_by("source").len("written")
    lost = data.letters.group_by("source").agg(rejected=pl.col("clips").sum())
    twins = data.duplicates.group_by("source").len("duplicates")
    found = written.join(lost, on="source", how="full", coalesce=True)
    found = found.join(twins, on="source", how="full", coalesce=True).fill_null(0).sort("source")
    read = pl.col("written") + pl.col("rejected") + pl.col("duplicates")
    found = found.with_columns(read=read, share=pl.col("written") / read)
    return found.select("source", "read", "written", "duplicates", "rejected", "share").to_dicts()


def _duplicates(table):
    kinds = dict(table["kind"].value_counts().iter_rows())
    clash = table.filter(pl.col("label").ne_missing(pl.col("of_label"))).height
    return {"exact": kinds.get("exact", 0), "near": kinds.get("near", 0), "other_label": clash}


def _counted(table, *columns):
    return table.group_by(*columns).len("clips").sort(*columns, nulls_last=True).to_dicts()


def _audio(table):
    columns = [c for c in _MEASURES if c in table.columns]
    quantiles = {"p5": 0.05, "median": 0.5, "p95": 0.95}
    return {
        c: {name: table[c].quantile(q) for name, q in quantiles.items()}
        | {"unknown": table[c].null_count()}
        for c in columns
    }


def _engines(run):
    """dict of engine -> clips a second of its last run that made most of the shards."""
    path = run.data.folder / _ENGINES
    known = json.loads(path.read_text()) if path.exists() else {}
    spent = run.seconds.get("first stage", 0) + run.seconds.get("second stage", 0)
    if spent and run.made > run.shards / 2:
        read = next(row["read"] for row in run.data.record["counts"] if row["pass"] == "ingest")
        known[run.engine] = round(read / spent, 1)
        write_file(path, json.dumps(known))
    return known


def _passes(rows):
    lines = [f"{'pass':12}{'read':>9}{'made':>9}{'written':>9}{'duplicates':>12}{'rejected':>10}"]
    lines += [
        f"{r['pass']:12}{r['read']:9}{r.get('made', 0):9}{r['written']:9}"
        f"{r.get('duplicates', 0):12}{r.get('rejected', 0):10}"
        for r in rows
    ]
    return "\n".join([*lines, "In every pass read + made = written + duplicates + rejected."])


def _reasons(rows):
    lines = [f"{r['clips']:7}  {r['pass']}: {r['code']}, first {r['first']}" for r in rows]
    return "\n".join(["dead letters by reason", *lines]) if rows else "no dead letters"


def _plain(duplicates, ignored, moves):
    lines = [
        f"duplicates: {duplicates['exact']} equal, {duplicates['near']} near; "
        f"{duplicates['other_label']} of them bear another label"
    ]
    if ignored:
        files = ", ".join(f"{n} {suffix or 'without suffix'}" for suffix, n in ignored.items())
        lines.append(f"other files, not opened: {files}")
    return "\n".join(lines + [f"look at this: {move}" for move in moves])


def _measures(audio):
    lines = [f"{'of the clips':28}{'5 %':>10}{'median':>10}{'95 %':>10}"]
    for column, found in audio.items():
        name, unit = _MEASURES[column]
        values = "".join(
            f"{'-' if found[q] is None else format(found[q], '.4g'):>10}"
            for q in ("p5", "median", "p95")
        )
        lines.append(f"{name:28}{values} {unit}")
    return "\n".join(lines)


def _speed(run, engines):
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in run["seconds"].items())
    made = f"{run['made']} of {run['shards']} shards made by {run['workers']} processes ({stages})"
    rates = ", ".join(f"{name} {rate:g} clips/s" for name, rate in sorted(engines.items()))
    if len(engines) < 2:
        return f"{made}\n{rates}" if rates else made
    return f"{made}\n{rates}: {max(engines, key=engines.get)} was faster here"
