"""A contract parts rows that break it from rows that keep it, and stops at a wrong type."""

import numpy as np
import pandera.polars as pa
import polars as pl
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from kit import corpus
from kit.compiler.contracts import clip_contract, enforce, shares_off
from kit.compiler.recipe import Contract
from kit.errors import KitError

ZIP = pa.DataFrameSchema({"zip": pa.Column(str, pa.Check.str_matches(r"^\d{5}$", error="no-zip"))})


@pytest.fixture
def clips(tmp_path):
    """Clip table of files from 0.1 to 2 s, two labels and one without, with their seconds."""
    for name, seconds in (
        ("yes/a", 0.5),
        ("yes/b", 2.0),
        ("no/c", 0.1),
        ("maybe/d", 0.5),
        ("e", 1),
    ):
        path = tmp_path / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, np.full(round(16_000 * seconds), 0.1), 16_000)
    table = corpus.load_clips("folder", tmp_path, progress=False).table
    return table.with_columns(seconds=pl.col("num_samples") / pl.col("sample_rate"))


def test_every_broken_row_is_told_with_its_code(clips):
    schema = clip_contract(Contract(labels=["yes", "no"], seconds=(0.2, 1.0)))
    kept, broken = enforce(clips, schema)
    assert kept["label"].to_list() == ["yes"]
    codes = {clips["path"][row].rsplit("/", 1)[1]: code
             for row, code in broken.select("row", "code").iter_rows()}  # fmt: skip
    assert codes == {"b.wav": "too-long", "c.wav": "too-short", "d.wav": "label-unknown",
                     "e.wav": "null"}  # fmt: skip
    assert kept.height + broken["row"].n_unique() == clips.height


def test_a_label_may_be_missing_where_the_recipe_says_so(clips):
    schema = clip_contract(Contract(label_required=False, seconds=(0.05, 5.0)))
    kept, broken = enforce(clips, schema)
    assert kept.equals(clips)
    assert broken.is_empty()


def test_the_zip_code_that_lost_its_zero():
    good = pl.DataFrame({"zip": ["01234", "94110"]})
    assert enforce(good, ZIP)[1].is_empty()
    cast = good.with_columns(pl.col("zip").cast(pl.Int64))  # what a careless reader does
    with pytest.raises(KitError, match="column zip must be dtype.*found Int64") as fault:
        enforce(cast, ZIP)
    assert "FAILED" not in str(fault.value)
    back = cast.with_columns(pl.col("zip").cast(pl.String))  # and then the repair that is none
    kept, broken = enforce(back, ZIP)
    assert kept["zip"].to_list() == ["94110"]
    assert broken.rows() == [(0, "zip", "no-zip", "1234")]


def test_a_missing_column_stops_the_run():
    with pytest.raises(KitError, match="column zip is missing") as fault:
        enforce(pl.DataFrame({"city": ["a"]}), ZIP)
    assert fault.value.code == "contract"


@given(st.lists(st.one_of(st.none(), st.sampled_from(["01234", "1234", "abcde", ""])), max_size=30))
def test_nothing_is_lost_and_nothing_good_is_broken(values):
    table = pl.DataFrame({"zip": values}, schema={"zip": pl.String})
    kept, broken = enforce(table, ZIP)
    assert kept["zip"].to_list() == [v for v in values if v == "01234"]
    assert broken["row"].to_list() == [i for i, v in enumerate(values) if v != "01234"]


def test_a_share_that_moved_is_told():
    table = pl.DataFrame({"label": ["a"] * 7 + ["b"] * 3})
    assert shares_off(table, "label", {"a": 0.6, "b": 0.4}) == {}
    assert shares_off(table, "label", {"a": 0.4, "b": 0.3, "c": 0.3}) == {"a": 0.7, "c": 0.0}
    assert shares_off(table, "label", {"b": 0.3}) == {"a": 0.7}
