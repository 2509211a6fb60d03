"""What `kit bench storage` prints and records; no time is asserted."""

import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from kit import bench as kept
from kit.bench import storage as bench
from kit.cli import app
from kit.experiments.takes import takes
from kit.storage.formats import store, turn

CORPORA = {"clips": 20, "wide": 200, "events": 800}


def some_people():
    """Takes of people who said forty short things."""
    rng = np.random.default_rng(0)
    clips = rng.normal(0, 50, (40, 300)).astype(np.int16)
    return takes(clips, rng.choice(["one", "two"], 40), rng.choice(["a", "b"], 40))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A small run; nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "people", lambda progress: (some_people(), "NOTICE: a sample"))
        patch.setattr(store, "_sync", lambda path: None)
        patch.setattr(turn, "_SINGLES_S", 0)
        folder = tmp_path_factory.mktemp("scratch")
        yield bench.storage(small=True, budget_s=0.1, folder=folder)
        assert not list(folder.iterdir())


def test_three_corpora_in_one_layout_of_each_kind(found):
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    table = pl.DataFrame(found["rows"], infer_schema_length=None)
    assert dict(table.group_by("kind").agg(pl.col("records").first()).rows()) == CORPORA
    kinds = table.group_by("kind").agg(pl.col("layout").n_unique())
    assert dict(kinds.rows()) == {"clips": 9, "wide": 7, "events": 7}
    text = bench.as_text(found)
    assert text.startswith("NOTICE: a sample\nclips: 20 records")
    assert "parquet zstd 512" in text


def test_clips_are_sorted_and_spread_over_all_words():
    few = some_people()
    picked = bench._sorted(few, 10)
    assert picked.labels.tolist() == sorted(picked.labels)
    assert set(picked.labels) == {"one", "two"}
    assert len(bench._sorted(few, 999).clips) == 40


@pytest.mark.parametrize("options", [[], ["--json"], ["--save", "--clips", "30"]])
def test_the_command_prints_and_keeps_on_request(found, monkeypatch, options):
    asked, saved = [], []
    monkeypatch.setattr(bench, "storage", lambda n, budget_s: (asked.append(n), dict(found))[1])
    monkeypatch.setattr(kept, "keep", lambda whole: saved.append(whole) or "a path")
    done = CliRunner().invoke(app, ["bench", "storage", *options])
    assert done.exit_code == 0, done.output
    if "--json" in options:
        assert json.loads(done.stdout)["benchmark"] == "storage"
    else:
        assert "wide: 200 records" in done.stdout
    assert len(saved) == ("--save" in options)
    assert asked == [30 if "--clips" in options else 1000]
