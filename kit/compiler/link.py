"""The passes that see all clips: deduplicate, split, and link into a versioned table.

The table is a Delta table. Its commit is the last thing that a run does, and names the record of
the version: what stands under the table before that is found by nobody.
"""

import json
from pathlib import Path

import numpy as np
import polars as pl

from kit.compiler.letters import letter
from kit.compiler.shards import Waveforms, on_disk, write_table
from kit.compiler.work import compare
from kit.corpus.duplicates import candidates, centred, originals
from kit.corpus.splits import hold_out, split
from kit.errors import KitError

_PAIRS_AT_ONCE = 2048
_ORDER = ("number", "path", "offset")
_MADE = {
    "clip_id": pl.String, "row": pl.Int64, "copy": pl.Int64, "shard": pl.String,
    "features": pl.String, "features_row": pl.Int64,
}  # fmt: skip
_MEASURED = (
    "level_db", "peak_db", "dc", "clipped_share", "zero_share", "snr_db", "speech_start_s",
    "speech_s", "bandwidth_hz", "score",
)  # fmt: skip
DUPLICATES = {
    "clip_id": pl.String, "source": pl.String, "path": pl.String, "offset": pl.Int64,
    "label": pl.String, "kind": pl.String, "of": pl.String, "of_label": pl.String,
    "similarity": pl.Float64,
}  # fmt: skip


def gathered(folders):
    """Clip table of all first shards, with `shard` and `row`, in the order of the sources."""
    parts = [
        pl.read_parquet(folder / "clips.parquet")
        .with_row_index("row")
        .with_columns(shard=pl.lit(folder.name), row=pl.col("row").cast(pl.Int64))
        for folder in folders
    ]
    return pl.concat(parts, how="diagonal").sort(*_ORDER, "row") if parts else pl.DataFrame()


def deduplicate(table, folders, recipe, cache, engine):
    """(kept, duplicates, counts) of a clip table: equal clips by clip_id, near ones by sound.

    The first clip in the order of the table stays. duplicates: table of DUPLICATES, with `of`,
    the clip that stays. cache: file of similarities found before. engine: an Engine.
    """
    first = np.unique(table["clip_id"].to_numpy(), return_index=True, return_inverse=True)
    original = first[1][first[2]]
    found = _duplicates(table, original, "exact", None)
    unique = table[np.flatnonzero(original == np.arange(table.height))]
    near = pl.DataFrame(schema=DUPLICATES)
    if recipe.deduplicate.near and unique.height > 1:
        pairs, match = _near_pairs(unique, folders, recipe, cache, engine)
        original = originals(unique.height, pairs)
        near = _duplicates(unique, original, "near", _best(unique.height, pairs, match))
        unique = unique[np.flatnonzero(original == np.arange(unique.height))]
    duplicates = pl.concat([found, near])
    counts = {"read": table.height, "written": unique.height, "duplicates": duplicates.height}
    return unique, duplicates, counts


def waveforms_of(table, folders):
    """Waveforms of the rows of a table with `shard` and `row`."""
    number = {folder.name: n for n, folder in enumerate(folders)}
    places = [number[name] for name in table["shard"]]
    rows = np.stack([np.array(places, np.int64), table["row"].to_numpy()], 1)
    return Waveforms([str(f / "waveforms.npy") for f in folders], rows)


def assign_splits(table, recipe):
    """(table with split, letters, counts): by hash, or by the speakers that the recipe holds out.

    A clip without a speaker cannot be placed by speaker and becomes a dead letter. A recording
    that speakers of several parts share goes to test, or else to validation, with the clips of
    these speakers; its other clips become dead letters.
    """
    test, validation = recipe.split.test_speakers, recipe.split.validation_speakers
    if not test and not validation:
        done = split(table, recipe.split.shares, recipe.split.by, recipe.seed)
        return done, [], _counts(table, done)
    part = dict.fromkeys(validation, 1) | dict.fromkeys(test, 0)
    part = pl.col("speaker").replace_strict(part, default=2, return_dtype=pl.Int64)
    lost = table.filter(pl.col("speaker").is_null() | (part > part.min().over("source_id")))
    letters = [_misplaced(row) for row in lost.iter_rows(named=True)]
    kept = table.join(lost.select("shard", "row"), on=["shard", "row"], how="anti")
    done = hold_out(kept, test, validation)
    return done.sort(*_ORDER, "row"), letters, _counts(table, done)


def with_features(table, folders):
    """`table` with a row for every row of the second shards in `folders`, copies included.

    Adds copy (0 for the clip itself), features (name of the shard) and features_row. A copy has
    what was said about its clip, a path of its own, and null for what was measured.
    """
    parts = [pl.DataFrame(schema=_MADE)]
    for folder in folders:
        about = json.loads((folder / "made.json").read_text())["about"]
        made = pl.read_parquet(folder / "features.parquet", columns=["clip_id", "row", "copy"])
        names = {"shard": pl.lit(about["shard"]), "features": pl.lit(folder.name)}
        made = made.with_row_index("features_row").with_columns(**names)
        parts.append(made.select(pl.col(name).cast(kind) for name, kind in _MADE.items()))
    made = pl.concat(parts).rename({"clip_id": "made_id"})
    whole = table.join(made, on=["shard", "row"], how="inner", maintain_order="left")
    copied = pl.col("copy") > 0
    measured = [c for c in table.columns if c in _MEASURED]
    return (
        whole.with_columns(
            clip_id=pl.when(copied).then("made_id").otherwise("clip_id"),
            path=pl.when(copied).then(pl.format("{}#{}", "path", "copy")).otherwise("path"),
            **{c: pl.when(~copied).then(c) for c in measured},
        )
        .drop("made_id")
        .sort(*_ORDER, "row", "copy")
    )


def commit(table, folder, record, name):
    """Version number of the Delta table folder/clips after `table` is there.

    record: 24 hex digits that name the version's record. No new version is made if the newest one
    names the same record.
    """
    from deltalake import CommitProperties, write_deltalake
    from deltalake.exceptions import DeltaError

    place = folder / "clips"
    now = versions(folder)
    if now and now[-1]["record"] == record:
        return now[-1]["version"]
    with on_disk(place):
        try:
            write_deltalake(
                str(place), table.to_arrow(), mode="overwrite", schema_mode="overwrite",
                name=name, commit_properties=CommitProperties(custom_metadata={"record": record}),
            )  # fmt: skip
        except DeltaError as cause:
            raise KitError(
                f"{place} cannot be committed",
                found=str(cause).splitlines()[0],
                remedy="free some disk or mend the folder, and run the same command again",
                code="disk",
            ) from cause
    return versions(folder)[-1]["version"]


def versions(folder):
    """list of dict of version, record, timestamp_ms, oldest first; empty if there is no table."""
    from deltalake import DeltaTable

    place = str(Path(folder) / "clips")
    if not DeltaTable.is_deltatable(place):
        return []
    history = DeltaTable(place).history()
    return [
        {"version": h["version"], "record": h.get("record", ""), "timestamp_ms": h["timestamp"]}
        for h in history[::-1]
    ]


def _near_pairs(table, folders, recipe, cache, engine):
    """(pairs, similarity) of the clips that sound alike; what was compared before is looked up."""
    waves = waveforms_of(table, folders)
    pairs = candidates(centred(_signatures(table, folders)))
    names = table["clip_id"].to_numpy()
    wanted = pl.DataFrame({"a": names[pairs[:, 0]], "b": names[pairs[:, 1]]}).with_row_index("at")
    known = pl.read_parquet(cache) if cache.exists() else None
    match = np.full(len(pairs), np.nan)
    if known is not None:
        seen = wanted.join(known, on=["a", "b"])
        match[seen["at"].to_numpy()] = seen["similarity"].to_numpy()
    new = np.flatnonzero(np.isnan(match))
    for start, found in _compared(waves, pairs[new], engine):
        match[new[start : start + len(found)]] = found
    if len(new):
        write_table(cache, wanted.select("a", "b", similarity=pl.Series(match)))
    alike = match >= recipe.deduplicate.similarity
    return pairs[alike], match[alike]


def _signatures(table, folders):
    """float32[rows, numbers]: the raw signatures of the rows of a table."""
    here = set(table["shard"])
    raw = {f.name: np.load(f / "signatures.npy") for f in folders if f.name in here}
    return np.stack([raw[shard][row] for shard, row in table.select("shard", "row").iter_rows()])


def _compared(waves, pairs, engine):
    """(first place, similarities) of parts of the pairs."""
    tasks = []
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        part = pairs[start : start + _PAIRS_AT_ONCE]
        places, back = np.unique(part, return_inverse=True)
        few = Waveforms(waves.files, waves.rows[places])
        tasks.append({"waves": few, "pairs": back.reshape(-1, 2), "start": start})
    return engine.run(compare, tasks)


def _best(count, pairs, match):
    """float64[count]: the greatest similarity that a clip has with another one."""
    best = np.full(count, np.nan)
    for end in (0, 1):  # a clip may be tied to the first of its kind by a later one
        np.fmax.at(best, pairs[:, end], match)
    return best


def _duplicates(table, original, kind, match):
    places = np.flatnonzero(original != np.arange(table.height))
    of = table[original[places]]
    found = table[places].select("clip_id", "source", "path", "offset", "label")
    value = np.ones(len(places)) if match is None else match[places]
    return found.with_columns(
        kind=pl.lit(kind), of=of["clip_id"], of_label=of["label"], similarity=pl.Series(value)
    ).cast(DUPLICATES)


def _counts(table, done):
    lost = table.height - done.height
    return {"read": table.height, "written": done.height, "rejected": lost}


def _misplaced(row):
    code = "no-speaker" if row["speaker"] is None else "shared-recording"
    said = {
        "no-speaker": "speakers are held out, and this clip names none",
        "shared-recording": f"{row['source_id']} is shared with a speaker of another split",
    }[code]
    place = {name: row[name] for name in ("offset", "label", "clip_id")}
    return letter("split", row["source"], row["path"], code, said, **place)
