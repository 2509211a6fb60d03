"""Splits that share no speaker and no recording, chosen by hash, so that they never drift."""

import hashlib

import numpy as np
import polars as pl

from kit.corpus.clips import SPLITS
from kit.errors import KitError

_LINKS = ("speaker", "source_id", "clip_id")


def split(table, shares=(0.8, 0.1, 0.1), by=("speaker", "source_id"), seed="kit"):
    """`table` with `split` filled anew: train, validation or test.

    Clips that share a value of a column in `by` stay together, and so do all clips linked through
    others; a clip without any of these values goes with its source_id. Each such group is placed
    by a hash of its first speaker (else recording) and `seed`: the order of rows does not matter,
    every machine agrees, and new speakers move nobody. Only a new clip that links two groups
    moves one of them.

    shares: wanted parts of the groups, for train, validation and test. by: one or more of speaker,
    source_id and clip_id (equal sound). Raises KitError "empty-split" if a wanted split gets no
    clip, as happens with few speakers.
    """
    shares, by = _shares(shares), _links(by)
    _need(table, {"source_id", *by})
    names, group = _groups(table, by)
    places = np.array([_place(name, seed) for name in names])
    index = np.searchsorted(np.cumsum(shares)[:2], places, side="right")
    lacking = [s for i, s in enumerate(SPLITS) if shares[i] and not np.any(index[group] == i)]
    if lacking:
        raise KitError(
            f"no group of clips falls into {' and '.join(lacking)}",
            found=f"{len(names)} groups by {' and '.join(by)}",
            allowed="enough groups to fill every split by hash",
            remedy="choose speakers by name with kit.corpus.hold_out(table, speakers), or split "
            'by="source_id" if a voice may be heard on both sides',
            code="empty-split",
        )
    return table.with_columns(pl.Series("split", np.array(SPLITS)[index[group]], pl.String))


def hold_out(table, speakers, validation=()):
    """`table` with `split` filled anew: test for `speakers`, train for all others.

    validation: speakers of a third part. Raises KitError "leak" if a recording would lie in two
    parts, "no-speaker" if clips name no speaker.
    """
    _need(table, {"speaker", "source_id"})
    test, validation = _names(speakers), _names(validation)
    known = set(table["speaker"])
    if None in known:
        raise KitError(
            "clips without a speaker cannot be kept apart",
            found=f"{table['speaker'].null_count()} clips",
            remedy="drop them or name their speaker",
            code="no-speaker",
        )
    if not test or test & validation or (test | validation) - known:
        raise KitError(
            "these speakers cannot be held out",
            found=", ".join(sorted((test & validation) | (test | validation) - known)),
            allowed=f"once each: {', '.join(sorted(known))}",
            code="unknown-speaker",
        )
    part = dict.fromkeys(test, "test") | dict.fromkeys(validation, "validation")
    done = table.with_columns(split=pl.col("speaker").replace_strict(part, default="train"))
    return _without_leak(done)


def leaks(table):
    """Values of speaker, source_id and clip_id found in more than one split; empty is good.

    Table of kind, value, splits (such as "test, train") and clips (count).
    """
    _need(table, {"split", *_LINKS})
    return pl.concat(_spread(table, kind) for kind in _LINKS)


def share_report(table, shares=(0.8, 0.1, 0.1)):
    """How far the splits are from the wanted shares: one row a split.

    Table of split, clips, speakers, share and wanted (parts of all clips), off (their difference).
    """
    _need(table, {"split", "speaker"})
    wanted = pl.DataFrame({"split": SPLITS, "wanted": _shares(shares)})
    counts = table.group_by("split").agg(
        clips=pl.len(), speakers=pl.col("speaker").drop_nulls().n_unique()
    )
    found = wanted.join(counts, on="split", how="left", maintain_order="left")
    found = found.with_columns(pl.col("clips", "speakers").fill_null(0).cast(pl.Int64))
    found = found.with_columns(share=pl.col("clips") / max(table.height, 1))
    columns = ("split", "clips", "speakers", "share", "wanted")
    return found.select(*columns, off=pl.col("share") - pl.col("wanted"))


def _groups(table, by):
    """(names, group[rows]): what to hash for each group, and the group of each row."""
    lone = pl.all_horizontal(pl.col(c).is_null() for c in by)
    keys = table.select(
        *((pl.lit(f"{_LINKS.index(c)} ") + pl.col(c)).alias(c) for c in by),
        lone=pl.when(lone).then(pl.lit("1 ") + pl.col("source_id")),
    )
    # speakers sort before recordings, so a group is named after its first speaker
    nodes = pl.concat([keys[c] for c in keys.columns]).drop_nulls().unique().sort()
    codes = [
        keys[c].replace_strict(nodes, np.arange(len(nodes)), default=-1, return_dtype=pl.Int64)
        for c in keys.columns
    ]
    codes = np.stack([c.to_numpy() for c in codes])
    first = codes.max(axis=0)  # any key of the row
    rows = codes >= 0
    label = _components(len(nodes), np.broadcast_to(first, codes.shape)[rows], codes[rows])
    roots, group = np.unique(label[first], return_inverse=True)
    return nodes.gather(roots).to_list(), group


def _components(count, a, b):
    """int[count]: for each node the smallest one that it is linked with, where a[i] links b[i]."""
    label = np.arange(count)
    while True:
        before = label.copy()
        low = np.minimum(label[a], label[b])
        for ends in (label[a], label[b], a, b):
            np.minimum.at(label, ends, low)
        label = label[label]
        if np.array_equal(label, before):
            return label


def _place(name, seed):
    """Number in [0, 1) from a hash: the same everywhere."""
    digest = hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def _without_leak(table):
    found = _spread(table, "source_id")
    if found.height:
        raise KitError(
            "a recording would lie in two splits",
            found=f"{found.height} recordings, first {found['value'][0]}: {found['splits'][0]}",
            remedy="hold out all speakers of a recording, or drop it",
            code="leak",
        )
    return table


def _spread(table, kind):
    """Values of the column `kind` that occur in several splits, sorted."""
    known = table.filter(pl.col(kind).is_not_null(), pl.col("split").is_not_null())
    parts = known.group_by(pl.col(kind).alias("value")).agg(
        pl.col("split").unique().sort(), clips=pl.len().cast(pl.Int64)
    )
    several = parts.filter(pl.col("split").list.len() > 1).sort("value")
    splits = pl.col("split").list.join(", ").alias("splits")
    return several.select(pl.lit(kind).alias("kind"), "value", splits, "clips")


def _shares(shares):
    found = tuple(float(s) for s in shares)
    if len(found) != 3 or min(found) < 0 or abs(sum(found) - 1) > 1e-9:
        raise KitError(
            "shares do not fit",
            found=shares,
            allowed="three parts, train, validation and test, that add up to 1",
            code="bad-shares",
        )
    return found


def _names(given):
    return {given} if isinstance(given, str) else set(given)


def _links(by):
    names = _names(by)
    if not names or not names <= set(_LINKS):
        raise KitError("clips cannot be kept together by this", found=by, allowed=", ".join(_LINKS))
    return sorted(names, key=_LINKS.index)


def _need(table, columns):
    missing = sorted(columns - set(table.columns))
    if missing:
        raise KitError(
            "the table lacks columns",
            found=", ".join(missing),
            remedy="load it with kit.corpus.load_clips",
            code="bad-table",
        )
