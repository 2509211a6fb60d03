"""A compiled data set as its users open it: clips, features, waveforms, of any version."""

import functools
import json
from pathlib import Path

import numpy as np
import polars as pl

from kit.audio.features import as_spec
from kit.compiler import link
from kit.compiler.recipe import Recipe
from kit.compiler.shards import Waveforms
from kit.errors import KitError


class Compiled:
    """Version `version` of the data set in `folder`; the newest if None.

    clips: clip table of the version, with what was measured, `split`, and the shards that hold
    waveforms and features. letters: dead letters. duplicates: clips left out, and for which one.
    record: dict, what the version was made from.
    """

    def __init__(self, folder, version=None):
        self.folder = Path(folder)
        known = {v["version"]: v for v in link.versions(self.folder)}
        if not known:
            raise KitError("no data set is here", found=str(folder), code="no-data-set",
                           remedy="make one with: kit compile RECIPE")  # fmt: skip
        self.version = max(known) if version is None else version
        if self.version not in known:
            allowed = ", ".join(map(str, known))
            raise KitError("no such version", found=version, allowed=allowed, code="unknown")
        self.place = self.folder / "records" / known[self.version]["record"]

    @functools.cached_property
    def clips(self):
        from deltalake import DeltaTable

        table = DeltaTable(str(self.folder / "clips"), version=self.version)
        found = pl.from_arrow(table.to_pyarrow_table())
        return found.sort("number", "path", "offset", "row", "copy")

    @functools.cached_property
    def record(self):
        return json.loads((self.place / "record.json").read_text(encoding="utf-8"))

    @functools.cached_property
    def letters(self):
        return pl.read_parquet(self.place / "letters.parquet")

    @functools.cached_property
    def duplicates(self):
        return pl.read_parquet(self.place / "duplicates.parquet")

    def features(self, spec=None, clips=None):
        """float32[rows, frames, coeffs] of `clips`, rows of `self.clips`; all if None.

        spec: FeatureSpec or name of a preset that they must have been made with; KitError if
        another one made them.
        """
        clips = self.clips if clips is None else clips
        if spec is not None:
            as_spec(spec).require(self.spec, f"the features of {self.folder.name}")
        shape = tuple(self.record["features_shape"])
        out = np.zeros((clips.height, *shape), np.float32)
        rows = clips.select("features", "features_row").with_row_index("place")
        for (name,), part in rows.group_by("features"):
            file = self.folder / "features" / name / "features.parquet"
            values = pl.read_parquet(file, columns=["features"])["features"].to_numpy()
            found = values[part["features_row"].to_numpy()]
            out[part["place"].to_numpy()] = found.reshape(-1, *shape)
        return out

    def waveforms(self, clips=None):
        """int16[rows, samples] of `clips`, rows of `self.clips`; all if None."""
        clips = self.clips if clips is None else clips
        plain = [str(self.folder / "shards" / s / "waveforms.npy") for s in clips["shard"].unique()]
        made = clips.filter(pl.col("copy") > 0)["features"].unique()
        files = plain + [str(self.folder / "features" / f / "waveforms.npy") for f in made]
        number = {Path(file).parent.name: n for n, file in enumerate(files)}
        rows = [
            (number[features], self._copy_row(features, at)) if copy else (number[shard], row)
            for shard, row, copy, features, at in clips.select(
                "shard", "row", "copy", "features", "features_row"
            ).iter_rows()
        ]
        return Waveforms(files, rows)[np.arange(len(rows))]

    @functools.cached_property
    def before(self):
        """The version before this one, as Compiled; None for the first."""
        older = [v["version"] for v in link.versions(self.folder) if v["version"] < self.version]
        return Compiled(self.folder, max(older)) if older else None

    @property
    def recipe(self):
        """The Recipe of the version."""
        return Recipe.model_validate_json(json.dumps(self.record["recipe"]))

    @property
    def spec(self):
        """The FeatureSpec of the features."""
        from kit.audio import FeatureSpec

        return FeatureSpec(**self.record["spec"])

    def is_whole(self):
        """True if every file that the version names is there."""
        files = ("record.json", "letters.parquet", "duplicates.parquet")
        if not all((self.place / f).exists() for f in files):
            return False
        shards = [self.folder / "shards" / s for s in self.clips["shard"].unique()]
        shards += [self.folder / "features" / f for f in self.clips["features"].unique()]
        return all((s / "made.json").exists() for s in shards)

    def _copy_row(self, features, row):
        """Row in the waveforms of copies: they stand behind the clips themselves."""
        return row - self._plain_rows(features)

    @functools.cache  # noqa: B019, a few shards, as long as the data set is open
    def _plain_rows(self, features):
        file = self.folder / "features" / features / "features.parquet"
        return int((pl.read_parquet(file, columns=["copy"])["copy"] == 0).sum())
