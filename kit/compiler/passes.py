"""The passes over a shard, each from a Batch and the recipe to the Batch that is left.

Order: ingest, contract, align, gates. What a pass turns away becomes a dead letter; its counts say
that nothing was lost. A pass knows its shard alone, so any process on any machine may run it.
"""

import functools
import os
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from kit.audio import fit
from kit.compiler.contracts import clip_contract, enforce
from kit.compiler.gates import gate
from kit.compiler.inputs import SPOKEN
from kit.compiler.letters import letter
from kit.corpus.clips import clip_id, clip_table, decode
from kit.corpus.loaders import sound_row
from kit.corpus.sounds import mono
from kit.errors import KitError

_BYTES_A_SECOND = 192_000 * 8 * 4  # of the widest file that a studio would hand over
_NOT_DATA = ("no-library", "unknown-voice")  # faults of machine and recipe: they end the run
_FROM_ITEM = ("label", "speaker", "source", "source_id", "language", "licence", "split")


@dataclass(frozen=True)
class Batch:
    """Clips on their way. table: clip table with `seconds`, `number` and what passes measured.

    sounds: list of int16[samples] at the recipe's rate, one a row. letters: list of dict. counts:
    dict of pass -> dict of read, written, rejected.
    """

    table: pl.DataFrame
    sounds: list
    letters: list = field(default_factory=list)
    counts: dict = field(default_factory=dict)


def ingest(items, recipe):
    """Decode or speak every item: mono, int16, at the recipe's rate; a Batch.

    items: list of dict of kit.compiler.inputs.COLUMNS.
    """
    rows, sounds, letters = [], [], []
    for item in items:
        try:
            speak = item["path"].startswith(SPOKEN)
            row, sound = (_spoken if speak else _decoded)(item, recipe)
        except KitError as fault:
            if fault.code in _NOT_DATA:
                raise
            letters.append(letter("ingest", item["source"], item["path"], fault.code, str(fault),
                                  label=item["label"]))  # fmt: skip
            continue
        rows.append(row)
        sounds.append(sound)
    table = _table(rows)
    return _counted(Batch(table, sounds, letters), "ingest", len(items), len(letters))


def contract(batch, recipe):
    """Keep the rows that keep the contract; what a sentence holds is checked after it is cut."""
    aligned = _aligned(batch.table, recipe)
    letters, kept = [], []
    for words in set(aligned.tolist()):
        table = batch.table.with_row_index("place").filter(aligned == words)
        rules = recipe.contract.model_copy(update={"labels": []} if words else {})
        good, broken = enforce(table, clip_contract(rules))
        kept += good["place"].to_list()
        letters += [
            _broken(table.row(part["row"][0], named=True), part)
            for part in broken.partition_by("row", maintain_order=True)
        ]
    return _counted(_taken(batch, kept, letters), "contract", batch.table.height, len(letters))


def align(batch, recipe):
    """Cut the words out of the rows of sources with `align`; other rows stay as they are.

    It counts words: a sentence that cannot be aligned loses as many as its transcript has.
    """
    rows, sounds, letters = [], [], []
    for row, sound, sentence in zip(
        batch.table.iter_rows(named=True), batch.sounds, _aligned(batch.table, recipe), strict=True
    ):
        pieces, dead = _words(row, sound, recipe) if sentence else ([(row, sound)], [])
        rows += [piece for piece, _ in pieces]
        sounds += [clip for _, clip in pieces]
        letters += dead
    lost = sum(x["clips"] for x in letters)
    found = replace(batch, table=_table(rows), sounds=sounds, letters=batch.letters + letters)
    return _counted(found, "align", len(rows) + lost, lost)


def gates(batch, recipe):
    """Keep the clips that are worth training on, each fitted to the recipe's length.

    Adds the columns of kit.audio.quality_table to the table.
    """
    from kit.audio.quality import quality_table

    length = round(recipe.seconds * recipe.rate)
    clips = np.zeros((len(batch.sounds), length), np.int16)
    for place, sound in enumerate(batch.sounds):
        clips[place] = fit(sound, length)
    if not len(clips):
        return _counted(replace(batch, sounds=clips), "gates", 0, 0)
    passed, failed = gate(clips, recipe.gates, recipe.rate)
    seen = replace(batch, sounds=clips, table=batch.table.hstack(quality_table(clips, recipe.rate)))
    letters = [
        _failed(seen.table.row(part["row"][0], named=True), part)
        for part in failed.partition_by("row", maintain_order=True)
    ]
    kept = np.flatnonzero(passed).tolist()
    return _counted(_taken(seen, kept, letters), "gates", len(clips), len(letters))


PASSES = (contract, align, gates)  # after ingest


def _spoken(item, recipe):
    from kit.audio.synthesize import synthesize

    settings, word = item["path"].removeprefix(SPOKEN).split(":", 1)
    rate, pitch, voice = settings.split("/", 2)
    sound = synthesize(word, voice, int(rate), int(pitch), sample_rate=recipe.rate)
    row = {
        "clip_id": clip_id(sound, recipe.rate), "path": item["path"], "offset": 0,
        "num_samples": len(sound), "sample_rate": recipe.rate,
    }  # fmt: skip
    return _row(item, row), sound


def _decoded(item, recipe):
    path = item["path"]
    most = recipe.contract.seconds[1] * _BYTES_A_SECOND
    if (size := _size(path)) > most:
        raise KitError(f"{path} is larger than any recording of this contract", found=size,
                       allowed=f"{most:.0f} bytes", code="too-large")  # fmt: skip
    sound = decode(path)
    row = _row(item, sound_row(path, sound))
    if row["seconds"] > recipe.contract.seconds[1]:  # the next pass will say so: keep no hours
        return row, np.zeros(0, np.int16)
    return row, mono(sound, recipe.rate, path)


def _size(path):
    try:
        return os.stat(path).st_size
    except OSError as cause:
        raise KitError(f"{path} cannot be read", found=cause.strerror, code="unreadable") from cause


def _row(item, sound):
    said = {name: item[name] for name in _FROM_ITEM}
    seconds = sound["num_samples"] / sound["sample_rate"]
    return said | sound | {"seconds": seconds, "number": item["number"], "score": None}


def _words(row, sound, recipe):
    """([(row, clip)], letters) of the words in a sentence."""
    from kit.audio.align import align as find
    from kit.audio.align import plain_words

    wanted = set(recipe.source[row["number"]].labels)
    try:
        spoken = [w for w in plain_words(row["label"] or "") if not wanted or w in wanted]
    except KitError as fault:
        return [], [_letter("align", row, fault.code, str(fault))]
    try:
        found = find(sound, row["label"]) if spoken else []
    except KitError as fault:
        if fault.code in _NOT_DATA:
            raise
        said = str(fault)
        return [], [_letter("align", row | {"label": w}, fault.code, said) for w in spoken]
    pieces, letters = [], []
    for word in found:
        if wanted and word.word not in wanted:
            continue
        piece, clip = _piece(row, sound, word, recipe)
        if fault := _word_fault(word, recipe):
            letters.append(_letter("align", piece, *fault))
        else:
            pieces.append((piece, clip))
    return pieces, letters


def _piece(row, sound, word, recipe):
    """(row, int16[samples]) of a word with its padding."""
    padding = recipe.align.padding_s
    start, end = max(0.0, word.start_s - padding), word.end_s + padding
    clip = sound[round(start * recipe.rate) : round(end * recipe.rate)]
    first = round(start * row["sample_rate"])
    last = min(round(end * row["sample_rate"]), row["num_samples"])
    facts = {
        "clip_id": clip_id(clip, recipe.rate), "offset": first, "num_samples": last - first,
        "label": _label(word, recipe), "seconds": len(clip) / recipe.rate, "score": word.score,
    }  # fmt: skip
    return row | facts, clip


def _word_fault(word, recipe):
    """(code, message) of a word that is not worth a clip, or None."""
    if word.score < recipe.align.score:
        return "unsure", f"{word.word!r} scores {word.score:.2f}, below {recipe.align.score:g}"
    if word.seconds > recipe.seconds:
        return "too-long", f"{word.word!r} takes {word.seconds:.2f} s of {recipe.seconds:g} s"
    if recipe.contract.labels and _label(word, recipe) not in recipe.contract.labels:
        return "label-unknown", f"{word.word!r} is no label of the contract"
    return None


def _label(word, recipe):
    return recipe.rename.get(word.word, word.word)


def _aligned(table, recipe):
    cut = [n for n, source in enumerate(recipe.source) if getattr(source, "align", False)]
    return table["number"].is_in(cut).to_numpy()


def _broken(row, part):
    said = "; ".join(
        f"{column} {value if value is not None else 'is missing'} breaks {code}"
        for column, code, value in part.select("column", "code", "value").iter_rows()
    )
    return _letter("contract", row, part["code"][0], said)


def _failed(row, part):
    said = "; ".join(
        f"{code}: found {'nothing' if value is None else f'{value:g}'}, wanted {limit}"
        if limit else code
        for code, value, limit in part.select("code", "value", "limit").iter_rows()
    )  # fmt: skip
    return _letter("gates", row, part["code"][0], said)


def _letter(at, row, code, message):
    place = {name: row[name] for name in ("offset", "label", "clip_id")}
    return letter(at, row["source"], row["path"], code, message, **place)


def _table(rows):
    return pl.DataFrame(rows, schema=_columns(), orient="row")


@functools.cache
def _columns():
    further = {"seconds": pl.Float64, "number": pl.Int64, "score": pl.Float64}
    return clip_table([]).schema | further


def _taken(batch, places, letters):
    """The rows `places` of a batch, with further letters."""
    places = sorted(places)
    return replace(
        batch,
        table=batch.table[places],
        sounds=batch.sounds[places]
        if isinstance(batch.sounds, np.ndarray)
        else [batch.sounds[i] for i in places],
        letters=batch.letters + letters,
    )


def _counted(batch, name, read, rejected):
    counts = {"read": read, "written": batch.table.height, "rejected": rejected}
    return replace(batch, counts=batch.counts | {name: counts})
