"""A data card: what a compiled data set is, generated from its lineage, so that it cannot lag."""

import polars as pl

from kit.compiler.letters import letter_counts


def data_card(data):
    """Markdown text about a Compiled data set: sources, rights, passes, splits, gaps.

    Headings follow Gebru et al. 2021, "Datasheets for Datasets". What no program can know, such
    as consent, is asked for in so many words instead of being made up.
    """
    record, clips = data.record, data.clips
    parts = [
        f"# {record['name']}, version {data.version}",
        f"{clips.height} clips of {record['recipe']['seconds']:g} s at {record['recipe']['rate']} "
        f"Hz. Features: {tuple(record['features_shape'])} a clip, fingerprint "
        f"{record['fingerprint']}.",
        "## Composition", _sources(data), _splits(clips),
        "## Collection and cleaning", _passes(record), _reasons(data), _settings(record),
        "## Coverage", _coverage(clips),
        "## What only people know",
        "Consent of the speakers, purpose of the recordings, uses that would do harm, and whom to "
        "ask: fill these in before you publish the set.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _sources(data):
    table = data.clips.group_by("source", "licence").agg(
        clips=pl.len(),
        speakers=pl.col("speaker").n_unique(),
        labels=pl.col("label").n_unique(),
        hours=(pl.col("seconds").sum() / 3600).round(3),
        median_snr_db=pl.col("snr_db").median().round(1),
    )
    return _markdown(table.sort("source"))


def _splits(clips):
    table = clips.group_by("split").agg(
        clips=pl.len(), speakers=pl.col("speaker").n_unique(), labels=pl.col("label").n_unique()
    )
    return _markdown(table.sort("split"))


def _passes(record):
    rows = [
        {k: p.get(k, 0) for k in ("pass", "read", "made", "written", "duplicates", "rejected")}
        for p in record["counts"]
    ]
    return _markdown(pl.DataFrame(rows))


def _reasons(data):
    counts = letter_counts(data.letters)
    return _markdown(counts.drop("first")) if counts.height else "Nothing was rejected."


def _settings(record):
    recipe = record["recipe"]
    said = [
        f"- {part}: " + ", ".join(f"{k} {v}" for k, v in recipe[part].items() if v not in ("", []))
        for part in ("contract", "gates", "align", "deduplicate", "augment", "split")
    ]
    return "\n".join(said)


def _coverage(clips):
    by = ("source", "language", "speaker")
    table = clips.group_by(*by).agg(clips=pl.len(), labels=pl.col("label").n_unique())
    unknown = clips["speaker"].null_count()
    note = f"\n\n{unknown} clips name no speaker." if unknown else ""
    return _markdown(table.sort(*by, nulls_last=True)) + note


def _markdown(table):
    """A polars table as one of Markdown."""
    lines = [" | ".join(table.columns), " | ".join("---" for _ in table.columns)]
    lines += [
        " | ".join("–" if v is None else str(v).replace("|", "\\|") for v in row)
        for row in table.iter_rows()
    ]
    return "\n".join(f"| {line} |" for line in lines)
