"""A recipe: the TOML file that says what a data set is made of; mistakes are named by line."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kit.audio import FeatureSpec, preset
from kit.corpus.duplicates import RATE, SIMILARITY
from kit.errors import KitError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    """A table of the recipe: unknown keys are refused, and types are taken at their word."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Source(_Part):
    """Where recordings come from.

    kind: a registered data set, "folder" for any folder of sound files, or "http" for such a
    folder on a server, with its manifest.tsv. path: folder of your copy; fsdd and librivox are
    fetched without it. url: of the server's folder. labels: keep only these; empty for all.
    align: cut words out of sentences with transcripts.
    """

    kind: Literal["fsdd", "librivox", "speech-commands", "mswc", "folder", "http"]
    path: str = ""
    url: str = ""
    labels: list[Text] = []
    align: bool = False

    @model_validator(mode="after")
    def _needs(self):
        if self.kind in ("folder", "speech-commands", "mswc") and not self.path:
            raise ValueError(f"a source of kind {self.kind!r} needs a path")
        if (self.kind == "http") != bool(self.url):
            raise ValueError("a url belongs to a source of kind 'http', and to no other")
        return self


class Synthesis(_Part):
    """Words spoken by espeak-ng: every word by every voice at every rate and pitch."""

    kind: Literal["synthesis"]
    words: Annotated[list[Text], Field(min_length=1)]
    voices: Annotated[list[Text], Field(min_length=1)]
    rates_wpm: Annotated[list[Annotated[int, Field(ge=80, le=450)]], Field(min_length=1)] = [175]
    pitches: Annotated[list[Annotated[int, Field(ge=0, le=100)]], Field(min_length=1)] = [50]


class Contract(_Part):
    """What every clip must keep to: mechanical checks, before anything is judged.

    labels: the only ones allowed; empty for any. seconds: shortest and longest recording.
    label_shares: expected share of each label; a sample that is off by more than 0.2 is reported.
    """

    labels: list[Text] = []
    seconds: tuple[Positive, Positive] = (0.1, 10.0)
    label_required: bool = True
    label_shares: dict[str, Share] = {}


class Gates(_Part):
    """What a clip must reach to be worth training on; see kit.audio.quality for the measures."""

    snr_db: float = 20.0
    clipped_share: Share = 0.01
    level_db: float = -60.0
    speech_s: tuple[Annotated[float, Field(ge=0)], Positive] = (0.5, 0.8)
    bandwidth_hz: Annotated[float, Field(ge=0)] = 0.0


class Align(_Part):
    """How words are cut out of sentences. score: the least one of a word, see kit.audio.align."""

    score: float = -3.0
    padding_s: Annotated[float, Field(ge=0, le=0.5)] = 0.05


class Deduplicate(_Part):
    """near: look for near-duplicates as well as for equal samples. similarity: from 0 to 1."""

    near: bool = True
    similarity: Share = SIMILARITY


class Augment(_Part):
    """Changed copies of training clips. use: "module:function", called with (clip, rate, rng).

    clip: int16[samples]; it returns the same shape. rng: numpy Generator seeded from the clip and
    the recipe. copies: made of each clip.
    """

    use: str = ""
    copies: Annotated[int, Field(ge=0, le=100)] = 0

    @model_validator(mode="after")
    def _both(self):
        if bool(self.use) != bool(self.copies) or (self.use and ":" not in self.use):
            raise ValueError("augment needs use = 'module:function' and copies above 0")
        return self


class Features(_Part):
    """preset: name of a FeatureSpec. changes: fields of it that differ."""

    preset: str = "kws"
    changes: dict[str, float | int | str | bool] = {}

    @property
    def spec(self) -> FeatureSpec:
        return preset(self.preset, **self.changes)

    @model_validator(mode="after")
    def _exists(self):
        _ = self.spec  # a KitError is a ValueError, which the recipe reports with its line
        return self


class Split(_Part):
    """by: what never lies in two splits. test_speakers: held out instead of drawn."""

    by: list[Literal["speaker", "source_id", "clip_id"]] = ["speaker", "source_id"]
    shares: tuple[Share, Share, Share] = (0.8, 0.1, 0.1)
    test_speakers: list[Text] = []
    validation_speakers: list[Text] = []

    @model_validator(mode="after")
    def _whole(self):
        if abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError(f"shares add up to {sum(self.shares):g}, not to 1")
        return self


class Recipe(_Part):
    """A whole recipe. output: folder of the data set, relative to the recipe. seed: of all draws.

    rename: labels that mean the same, dict of label -> the one that stands for it in all sources.
    seconds, rate: of every clip of the result. shard_clips: clips that travel together.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    output: Text
    seed: Text = "kit"
    rate: Annotated[int, Field(ge=8000, le=48_000)] = 16_000
    seconds: Annotated[float, Field(gt=0, le=10)] = 1.0
    shard_clips: Annotated[int, Field(ge=1, le=100_000)] = 512
    rename: dict[Text, Text] = {}
    source: Annotated[list[Annotated[Source | Synthesis, Field(discriminator="kind")]],
                      Field(min_length=1)]  # fmt: skip
    contract: Contract = Contract()
    gates: Gates = Gates()
    align: Align = Align()
    deduplicate: Deduplicate = Deduplicate()
    augment: Augment = Augment()
    features: Features = Features()
    split: Split = Split()

    @model_validator(mode="after")
    def _rates(self):
        near = self.deduplicate.near
        if (near or any(getattr(s, "align", False) for s in self.source)) and self.rate != RATE:
            raise ValueError(f"near-duplicates and alignment need rate = {RATE}")
        if (wanted := self.features.spec.rate) != self.rate:
            raise ValueError(f"the features are defined at {wanted} Hz, the clips at {self.rate}")
        return self


def read_recipe(path):
    """The Recipe in the TOML file `path`.

    Raises one KitError "recipe" that names every mistake with its line: what stands there, and
    what is allowed.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise _fault(f"cannot read the recipe {path}", str(cause)) from cause
    try:
        return Recipe.model_validate(_tuples(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as cause:
        raise _fault(f"{Path(path).name} is not TOML", str(cause)) from cause
    except ValidationError as cause:
        where = line_numbers(text)
        faults = [_sentence(error, where) for error in cause.errors()]
    raise _fault(f"{Path(path).name} has mistakes: {'; '.join(faults)}")


def output_folder(path, recipe=None):
    """Folder (Path) of the data set that the recipe file `path` makes."""
    recipe = recipe or read_recipe(path)
    return (Path(path).resolve().parent / Path(recipe.output).expanduser()).resolve()


def line_numbers(text):
    """dict of key path, such as ("source", 0, "kind"), to its line, counted from 1."""
    found, table, counts = {}, (), {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*([\w.-]+)\s*\]\]?", line):
            table = tuple(header[2].split("."))
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            found[table] = number
        elif key := re.match(r"\s*([\w.-]+)\s*=", line):
            found[(*table, *key[1].split("."))] = number
    return found


def _sentence(error, where):
    path = tuple(p for p in error["loc"] if p not in ("synthesis", *_KINDS))
    line = next((where[path[:n]] for n in range(len(path), 0, -1) if path[:n] in where), 1)
    name = ".".join(str(p) for p in path) or "the recipe"
    if error["type"] == "extra_forbidden":
        return f"line {line}: {name} is not a key of a recipe"
    given = "" if error["type"] == "missing" else f", found {error['input']!r}"
    return f"line {line}: {name}: {error['msg'].removeprefix('Value error, ')}{given[:80]}"


_KINDS = ("fsdd", "librivox", "speech-commands", "mswc", "folder", "http")


def _tuples(value):
    """TOML's arrays as they are, but pairs and triples of numbers as the tuples that they mean."""
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    if isinstance(value, list):
        numbers = value and all(isinstance(v, float | int) for v in value)
        return tuple(map(float, value)) if numbers and len(value) in (2, 3) else value
    return value


def _fault(what, found=...):
    return KitError(what, found=found, code="recipe", remedy="mend the recipe and run again")
