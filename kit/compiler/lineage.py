"""Where a clip comes from, and what changed between two versions of a data set."""

import dataclasses
import functools
import hashlib
import inspect
import json
import re
from importlib import metadata
from pathlib import Path

import polars as pl

import kit
from kit.compiler.shards import digest, write_table, writing
from kit.compiler.work import augmentation
from kit.errors import KitError

# modules whose text decides what a pass does; a change of one makes its shards anew
CODE = {
    "ingest": ("corpus.clips", "corpus.loaders", "corpus.sounds", "audio.wav", "audio.convert",
               "audio.synthesize", "compiler.passes"),
    "contract": ("corpus.clips", "compiler.contracts", "compiler.passes"),
    "align": ("audio.align", "audio.quality", "compiler.passes"),
    "gates": ("audio.quality", "compiler.gates", "compiler.passes"),
    "deduplicate": ("corpus.duplicates", "compiler.link"),
    "split": ("corpus.splits", "compiler.link"),
    "augment": ("compiler.work",),
    "features": ("audio.features", "audio.spec", "audio.tables", "audio.cpu", "audio.fft",
                 "audio.simd", "audio.gpu", "compiler.work"),
}  # fmt: skip
FIRST, SECOND = ("ingest", "contract", "align", "gates"), ("augment", "features")
LIBRARIES = ("numpy", "soxr", "soundfile", "espeakng-loader", "pocketsphinx", "polars", "pandera",
             "numba", "deltalake")  # fmt: skip


def about_first(recipe, number):
    """dict: what decides the result of a first shard of source `number`, beside its items."""
    source = recipe.source[number]
    cut = getattr(source, "align", False)
    parameters = {
        "ingest": {"rate": recipe.rate, "longest_s": recipe.contract.seconds[1]},
        "contract": _plain(recipe.contract, without=("label_shares",)),
        "align": _plain(recipe.align) | {"words": source.labels, "rename": recipe.rename}
        if cut
        else {},
        "gates": _plain(recipe.gates) | {"seconds": recipe.seconds},
    }
    signed = {"signatures": code_version("deduplicate")} if recipe.deduplicate.near else {}
    return {"passes": _passes(FIRST, parameters), "libraries": libraries()} | signed


def about_second(recipe, shard, device):
    """dict: what decides the result of a second shard, made from the first one `shard`."""
    parameters = {
        "augment": _plain(recipe.augment)
        | {"seed": recipe.seed, "text": _hook(recipe.augment.use)},
        "features": {"fingerprint": recipe.features.spec.fingerprint, "backend": device},
    }
    return {"passes": _passes(SECOND, parameters), "libraries": libraries(), "shard": shard}


def about_link(recipe):
    """dict: what decides which clips of the first shards stay, and in which split."""
    parameters = {
        "deduplicate": _plain(recipe.deduplicate),
        "split": _plain(recipe.split) | {"seed": recipe.seed},
    }
    return _passes(("deduplicate", "split"), parameters)


def about_pairs(recipe):
    """list: what decides how similar two clips are, beside their clip_id."""
    names = ("ingest", "align", "gates", "deduplicate")
    return [recipe.rate, recipe.seconds, libraries(), [code_version(name) for name in names]]


@functools.cache
def code_version(name):
    """8 hex digits of the source text behind the pass `name`."""
    text = hashlib.blake2b(digest_size=4)
    for module in CODE[name]:
        text.update((Path(kit.__file__).parent / f"{module.replace('.', '/')}.py").read_bytes())
    return text.hexdigest()


@functools.cache
def libraries():
    """dict of library -> version, of those that decide what the passes make."""
    return {name: metadata.version(name) for name in LIBRARIES}


@functools.cache
def commit_now():
    """Commit of the code, or "" outside a repository; work that is not committed adds "+"."""
    from kit.measure.machine import commit

    return commit() or ""


def record(recipe, table, letters, duplicates, facts):
    """dict that tells how a version was made; equal input gives an equal one."""
    spec = recipe.features.spec
    samples = round(recipe.seconds * recipe.rate)
    return facts | {
        "name": recipe.name,
        "recipe": _public(recipe.model_dump(mode="json")),
        "passes": about_link(recipe),
        "spec": {f.name: getattr(spec, f.name) for f in dataclasses.fields(spec)},
        "fingerprint": spec.fingerprint,
        "features_shape": [spec.frames(samples), spec.coeffs],
        "clips": table.height,
        "content": digest([_content(t) for t in (table, letters, duplicates)]),
        "libraries": libraries(),
        "kit": kit.__version__,
    }


def write_record(place, found, letters, duplicates):
    """Write a record and its two tables to the folder `place`, whole or not at all."""
    with writing(place) as folder:
        write_table(folder / "letters.parquet", letters)
        write_table(folder / "duplicates.parquet", duplicates)
        text = json.dumps(found, sort_keys=True, indent=1, ensure_ascii=False)
        (folder / "record.json").write_text(text, encoding="utf-8")


def explain(data, clip_id):
    """Markdown text: where the clip `clip_id` of a Compiled data set comes from, pass by pass.

    clip_id: its beginning will do. A duplicate or a dead letter is explained as well.
    """
    rows = data.clips.filter(pl.col("clip_id").str.starts_with(clip_id))
    if not rows.is_empty():
        _one(rows["clip_id"], clip_id)
        return "\n".join(_explained(data, row) for row in rows.iter_rows(named=True))
    for name, table in (("duplicate", data.duplicates), ("dead letter", data.letters)):
        rows = table.filter(pl.col("clip_id").str.starts_with(clip_id))
        if not rows.is_empty():
            said = [f"- {k}: {v}" for k, v in rows.row(0, named=True).items() if v is not None]
            return "\n".join([f"{clip_id} is a {name} of version {data.version}", *said])
    raise KitError("no such clip in this version", found=clip_id, code="unknown",
                   allowed="the clip_id of a clip, a duplicate or a dead letter")  # fmt: skip


def _explained(data, row):
    first = _made(data.folder / "shards" / row["shard"])
    second = _made(data.folder / "features" / row["features"])
    every = {**first["passes"], **data.record["passes"], **second["passes"]}
    every = {name: every[name] for name in CODE}  # in their order
    stood_for = data.duplicates.filter(of=row["clip_id"])
    lines = [
        f"clip {row['clip_id']}, {row['label']!r}, version {data.version} of {data.record['name']}",
        f"- file: {row['path']}",
        f"- piece: frames {row['offset']} to {row['offset'] + row['num_samples']} at "
        f"{row['sample_rate']} Hz, {row['seconds']:.3f} s",
        f"- source: {row['source']}, recording {row['source_id']}, speaker {row['speaker']}, "
        f"language {row['language']}, licence {row['licence']}",
        f"- split: {row['split']}; copy {row['copy']}; stands for {stood_for.height} duplicates",
        "- measured: " + ", ".join(
            f"{k} {row[k]:.4g}" for k in ("level_db", "snr_db", "speech_s", "bandwidth_hz", "score")
            if row.get(k) is not None
        ),
        *(f"- pass {name}, code {p['code']}: {_settings(p['parameters'])}"
          for name, p in every.items()),
        f"- features: {row['features']} row {row['features_row']}, "
        f"fingerprint {data.record['fingerprint']}",
        f"- made by kit {data.record['kit']}, commit {first['commit'] or 'unknown'}, with "
        + ", ".join(f"{k} {v}" for k, v in first["libraries"].items()),
    ]  # fmt: skip
    return "\n".join(lines)


def difference(old, new):
    """polars table of what changed from one Compiled to another: clip_id, path, change, why.

    change: "added", "removed" or "changed". why: the first reason that is found.
    """
    keys = ["path", "offset", "num_samples"]
    a, b = (
        d.clips.select("clip_id", *keys, "copy", *_SAID, features=pl.lit(d.record["fingerprint"]))
        for d in (old, new)
    )
    keys.append("clip_id")
    both = a.join(b, on=keys, how="inner", suffix="_new").iter_rows(named=True)
    rows = [(row["clip_id"], row["path"], "changed", _moved(row)) for row in both if _moved(row)]
    for change, here, there, data in (("removed", a, b, new), ("added", b, a, old)):
        why = _why_not(data, there)
        rest = here.join(there, on=keys, how="anti").iter_rows(named=True)
        rows += [(row["clip_id"], row["path"], change, why(row)) for row in rest]
    schema = dict.fromkeys(("clip_id", "path", "change", "why"), pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row").sort("change", "path", "clip_id")


_SAID = ("label", "speaker", "split", "licence")


def _moved(row):
    return "; ".join(
        f"{name} {row[name]!r} became {row[f'{name}_new']!r}"
        for name in (*_SAID, "features") if row[name] != row[f"{name}_new"]
    )  # fmt: skip


def _why_not(data, clips):
    """A function of a row that says why its clip is not in the version `data` with these clips."""
    twins = {(r["path"], r["offset"]): r for r in data.duplicates.iter_rows(named=True)}
    letters = {(r["path"], r["offset"]): r for r in data.letters.iter_rows(named=True)}
    here, then = set(clips["path"]), f"in version {data.version}"

    def why(row):
        path = row["path"].removesuffix(f"#{row['copy']}") if row["copy"] else row["path"]
        if twin := twins.get((path, row["offset"])):
            return f"{then} a duplicate ({twin['kind']}) of {twin['of']}"
        # a letter at 0 may stand for the whole file
        if letter := letters.get((path, row["offset"]), letters.get((path, 0))):
            return f"{then} a dead letter of {letter['pass']}: {letter['message']}"
        if row["path"] in here:
            return f"{then} another sound is at this place"
        return f"{then} no such copy is made" if path in here else f"{then} no source has the file"

    return why


def _passes(names, parameters):
    return {n: {"code": code_version(n), "parameters": parameters[n]} for n in names}


def _hook(use):
    """8 hex digits of the text that an augmentation comes from: its file, or its whole package."""
    if not use:
        return ""
    try:
        file = Path(inspect.getsourcefile(inspect.unwrap(augmentation(use))))
    except TypeError:  # it is built in
        return ""
    whole = (file.parent / "__init__.py").exists()
    texts = [p.read_bytes() for p in (sorted(file.parent.glob("*.py")) if whole else [file])]
    return hashlib.blake2b(b"".join(texts), digest_size=4).hexdigest()


def _public(recipe):
    """`recipe` without the passwords in its addresses: the record is shown to others."""
    for source in recipe["source"]:
        if source.get("url"):
            source["url"] = re.sub(r"//[^/@]*@", "//", source["url"])
    return recipe


def _plain(part, without=()):
    return part.model_dump(mode="json", exclude=set(without))


def _settings(parameters):
    return ", ".join(f"{k} {v}" for k, v in parameters.items() if v not in ("", [], 0)) or "none"


def _made(folder):
    return json.loads((folder / "made.json").read_text(encoding="utf-8"))["about"]


def _content(table):
    return hashlib.blake2b(table.write_ndjson().encode(), digest_size=12).hexdigest()


def _one(names, given):
    if names.n_unique() > 1:
        raise KitError("several clips begin so", found=given, code="unknown",
                       allowed=", ".join(names.unique().sort().head(5)))  # fmt: skip
