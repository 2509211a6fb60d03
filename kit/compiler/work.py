"""The two stages that run on a shard, each a function of one task that any process can call.

first: ingest, contract, align, gates; writes clips, waveforms, signatures and dead letters.
second, once duplicates are gone and splits are known: augment, features; writes rows and features.
Both leave the shard as a folder and return its counts.
"""

import hashlib
import importlib
import json

import numpy as np
import polars as pl

from kit.audio import extract
from kit.compiler import passes
from kit.compiler.letters import letter_table
from kit.compiler.recipe import Recipe
from kit.compiler.shards import write_file, write_table, writing
from kit.corpus.clips import clip_id
from kit.corpus.duplicates import raw_signatures, similarity
from kit.errors import KitError


def first_stage(task):
    """Make the shard task["folder"] from task["items"], under task["recipe"]; returns its facts.

    facts: dict of folder, counts (pass -> read, written, rejected) and `about`, what it was made
    from.
    """
    recipe = Recipe.model_validate_json(task["recipe"])
    with writing(task["folder"]) as folder:
        batch = passes.ingest(task["items"], recipe)
        for step in passes.PASSES:
            batch = step(batch, recipe)
        write_table(folder / "clips.parquet", batch.table)
        write_table(folder / "letters.parquet", letter_table(batch.letters))
        np.save(folder / "waveforms.npy", np.asarray(batch.sounds, "<i2"))
        if recipe.deduplicate.near and batch.table.height:
            np.save(folder / "signatures.npy", raw_signatures(batch.sounds))
        return _finished(folder, task, batch.counts)


def second_stage(task):
    """Make the shard task["folder"]: copies and features of rows of a first shard; its facts.

    task: beside recipe and about: shard (folder of the first stage), rows (list of [row, copies]),
    backend.
    """
    recipe = Recipe.model_validate_json(task["recipe"])
    with writing(task["folder"]) as folder:
        places = [row for row, _ in task["rows"]]
        clips = np.load(f"{task['shard']}/waveforms.npy", mmap_mode="r")[places]
        table = pl.read_parquet(f"{task['shard']}/clips.parquet")[places]
        rows = table.select("clip_id").with_columns(
            row=pl.Series(places, dtype=pl.Int64), copy=pl.lit(0, pl.Int64)
        )
        made, copies = _copies(clips, rows, [n for _, n in task["rows"]], recipe)
        rows, every = pl.concat([rows, made]), np.concatenate([clips, copies])
        features = extract(every, recipe.features.spec, task["backend"], recipe.rate)
        flat = pl.Series(features.reshape(len(features), -1))
        rows = rows.with_columns(features=flat)
        write_table(folder / "features.parquet", rows, metadata=_stated(recipe, features))
        np.save(folder / "waveforms.npy", np.asarray(copies, "<i2"))
        counts = {
            "augment": {"read": len(places), "made": len(copies), "written": len(every)},
            "features": {"read": len(every), "written": len(features)},
        }
        return _finished(folder, task, counts)


def backend(recipe):
    """ "gpu" where there is one that fits the recipe's features, else "cpu"."""
    from kit.audio import gpu

    samples = round(recipe.seconds * recipe.rate)
    fits = gpu.available() and gpu.fits(recipe.features.spec, np.dtype(np.int16), samples)
    return "gpu" if fits else "cpu"


def compare(task):
    """(start, float64[pairs]) of a task: similarity of pairs of clips in task["waves"]."""
    return task["start"], similarity(task["waves"], task["pairs"])


def augmentation(use):
    """The function that `use`, "module:function", names; KitError "recipe" if there is none."""
    module, _, name = use.partition(":")
    reason = "it is no function"
    try:
        found = getattr(importlib.import_module(module), name)
        if callable(found):
            return found
    except Exception as cause:  # whatever a module of the user does when it is imported
        reason = f"{type(cause).__name__}: {cause}"
    raise KitError(
        "the recipe's augmentation is not there",
        found=f"{use}: {reason}",
        allowed="module:function, importable where the command runs",
        code="recipe",
    )


def _copies(clips, rows, copies, recipe):
    """(rows, int16[n, samples]) of the changed copies; each is seeded by its clip and number."""
    change = augmentation(recipe.augment.use) if any(copies) else None
    made, sounds = [], [np.zeros((0, clips.shape[1]), np.int16)]
    for clip, (name, row, _), count in zip(clips, rows.iter_rows(), copies, strict=True):
        for number in range(1, count + 1):
            seed = hashlib.blake2b(f"{recipe.seed}\0{name}\0{number}".encode(), digest_size=8)
            rng = np.random.default_rng(int.from_bytes(seed.digest(), "big"))
            sound = _changed(change, np.array(clip), rng, recipe)
            made.append((clip_id(sound, recipe.rate), row, number))
            sounds.append(sound[None])
    return pl.DataFrame(made, schema=rows.schema, orient="row"), np.concatenate(sounds)


def _changed(change, clip, rng, recipe):
    try:
        sound = np.asarray(change(clip, recipe.rate, rng))
    except Exception as cause:  # whatever a function of the user does
        raise KitError(
            "the recipe's augmentation failed",
            found=f"{recipe.augment.use}: {type(cause).__name__}: {cause}",
            allowed="a function of (clip, rate, rng) that returns a clip",
            code="recipe",
        ) from cause
    if sound.shape != clip.shape or sound.dtype != np.int16:
        raise KitError(
            f"{recipe.augment.use} does not return a clip",
            found=f"{sound.dtype}{sound.shape}",
            allowed=f"int16{clip.shape}",
            remedy="round and clip with kit.audio.to_int16, fit with kit.audio.fit",
            code="recipe",
        )
    return sound


def _stated(recipe, features):
    """Metadata of a file of features: whoever reads it can refuse the wrong ones."""
    spec = recipe.features.spec
    shape = json.dumps(features.shape[1:])
    return {"kit_fingerprint": spec.fingerprint, "kit_spec": repr(spec), "kit_shape": shape}


def _finished(folder, task, counts):
    facts = {"counts": counts, "about": task["about"]}
    write_file(folder / "made.json", json.dumps(facts, sort_keys=True, indent=1))
    return facts | {"folder": task["folder"]}
