"""Shards: every item in one of them, whole or not there, and found again."""

import errno
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.compiler.shards import Waveforms, assign, digest, sweep, write_file, writing
from kit.errors import KitError

names = st.sets(st.text(max_size=8), max_size=60).map(sorted)
mosts = st.integers(1, 12)


def groups(items, weights, most):
    """Groups as a set of frozensets of items."""
    found = assign(items, [weights[x] for x in items], most)
    return {frozenset(items[p] for p in group) for group in found}


def weighed(items, seed):
    return {x: 1 + int(digest([seed, x])[0], 16) % 4 for x in items}


@given(names, mosts, st.integers(0, 3))
def test_every_item_lies_in_one_group_that_is_not_too_heavy(items, most, seed):
    weights = weighed(items, seed)
    found = assign(items, [weights[x] for x in items], most)
    assert sorted(p for group in found for p in group) == list(range(len(items)))
    for group in found:
        assert group
        assert len(group) == 1 or sum(weights[items[p]] for p in group) <= most


@given(names, mosts, st.randoms())
def test_groups_do_not_depend_on_the_order(items, most, random):
    weights = weighed(items, 0)
    before = groups(items, weights, most)
    random.shuffle(items)
    assert groups(items, weights, most) == before


@given(names.filter(bool), mosts, st.data())
@settings(max_examples=200)
def test_one_new_item_changes_its_own_group_alone(items, most, data):
    new = data.draw(st.sampled_from(items))
    weights = weighed(items, 1)
    before = groups([x for x in items if x != new], weights, most)
    after = groups(items, weights, most)
    gone, come = before - after, after - before
    assert len(gone) <= 1
    assert set().union(*come) == set().union({new}, *gone)


def test_groups_are_filled_well():
    """Halving at random leaves groups between half full and full."""
    items = [f"clip {i}" for i in range(5000)]
    sizes = [len(g) for g in assign(items, [1] * 5000, 100)]
    assert np.mean(sizes) > 50


def test_the_digest_sees_values_and_not_the_order_of_keys():
    assert digest({"a": 1, "b": [2, "ü\udcff"]}) == digest({"b": [2, "ü\udcff"], "a": 1})
    different = [{"a": 1}, {"a": "1"}, {"a": [1]}, {"b": 1}, [1, 2], [2, 1]]
    assert len({digest(x) for x in different}) == len(different)


def test_a_folder_is_whole_or_not_there(tmp_path):
    def spoil():
        with writing(tmp_path / "a" / "shard") as folder:
            (folder / "half").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spoil()
    assert list((tmp_path / "a").iterdir()) == []
    with writing(tmp_path / "a" / "shard") as folder:
        (folder / "file").write_text("whole")
        assert not (tmp_path / "a" / "shard").exists()
    assert [p.name for p in (tmp_path / "a").rglob("*")] == ["shard", "file"]
    assert (tmp_path / "a" / "shard").stat().st_mode & 0o777 == 0o755


def test_a_shard_that_another_worker_finished_stays(tmp_path):
    with writing(tmp_path / "shard") as folder:
        (folder / "file").write_text("slow")
        with writing(tmp_path / "shard") as other:
            (other / "file").write_text("fast")
    assert (tmp_path / "shard" / "file").read_text() == "fast"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_disk_that_takes_nothing_more_is_told(tmp_path, monkeypatch, code):
    write_file(tmp_path / "file", "old")

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(KitError, match="cannot be written.*finished shards are kept") as fault:
        write_file(tmp_path / "file", "new")
    assert fault.value.code == "disk"
    with pytest.raises(KitError) as fault, writing(tmp_path / "shard"):
        pass
    assert fault.value.code == "disk"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_file_is_written_whole(tmp_path):
    write_file(tmp_path / "a" / "b", "ü")
    write_file(tmp_path / "a" / "b", b"\xff")
    assert (tmp_path / "a" / "b").read_bytes() == b"\xff"
    assert len(list((tmp_path / "a").iterdir())) == 1


def test_sweep_takes_what_is_half_written_and_nothing_else(tmp_path):
    for name in ("shards/.new-abc/clips.parquet", "shards/good/.new-x/y", "shards/good/made.json"):
        write_file(tmp_path / name, "x")
    (tmp_path / ".new-report").write_text("x")
    sweep(tmp_path)
    left = [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()]
    assert left == ["shards/good/made.json"]


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    """(Waveforms over three files, in a mixed order, the same as an array)."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("waves")
    parts = [rng.integers(-32_768, 32_767, (n, 50), np.int16) for n in (4, 1, 7)]
    files = [str(folder / f"{i}.npy") for i in range(3)]
    for file, part in zip(files, parts, strict=True):
        np.save(file, part)
    rows = [(i, row) for i, part in enumerate(parts) for row in range(len(part))]
    order = rng.permutation(len(rows))
    return Waveforms(files, [rows[i] for i in order]), np.concatenate(parts)[order]


@given(places=st.lists(st.integers(0, 11), min_size=1, max_size=20))
@settings(max_examples=50)
def test_rows_are_read_from_their_files(waves, places):
    found, whole = waves[0][np.array(places)], waves[1][places]
    assert found.dtype == np.int16
    assert np.array_equal(found, whole)


def test_no_rows_and_files_of_others(tmp_path, waves):
    assert len(waves[0]) == 12
    assert len(waves[0][np.arange(0)]) == 0
    for name, array in (("f", np.zeros((2, 3), np.float32)), ("flat", np.zeros(6, np.int16))):
        np.save(tmp_path / f"{name}.npy", array)
        with pytest.raises(KitError, match="holds no clips"):
            Waveforms([str(tmp_path / f"{name}.npy")], [(0, 0)])[np.arange(1)]
