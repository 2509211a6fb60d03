"""Every layout gives back what was written; damage is named; what is measured is labelled."""

import errno
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from kit.errors import KitError
from kit.storage.formats import (
    Layout,
    as_columns,
    bytes_on_disk,
    events_table,
    flips,
    layouts,
    measure,
    open_store,
    race,
    same,
    store,
    turn,
    wide_table,
    write_store,
)

RATE = 16_000


def some_clips(n=24, samples=400, seed=0):
    """Takes: clips, labels in order, speakers; quiet, so that they can be compressed."""
    rng = np.random.default_rng(seed)
    clips = rng.normal(0, 40, (n, samples)).astype(np.int16)
    clips[0, :4] = -32768, 32767, 0, -1
    labels = np.array(sorted(rng.choice(["eins", "zwei", "drei", "schöön"], n)))
    return clips, labels, rng.choice(["ä", "b"], n)


CLIPS = some_clips()
WIDE = wide_table(300)
EVENTS = events_table(700)
CORPORA = {"clips": CLIPS, "wide": WIDE, "events": EVENTS}
CASES = [(name, x) for name, c in CORPORA.items() for x in layouts(as_columns(c))]


def part(columns, rows):
    return {name: values[rows] for name, values in columns.items()}


@pytest.mark.parametrize(("corpus", "layout"), CASES, ids=lambda x: getattr(x, "name", x))
def test_every_question_gets_the_exact_answer(corpus, layout, tmp_path):
    columns = as_columns(CORPORA[corpus])
    key = {"clips": "label", "wide": "at", "events": "word"}[corpus]
    low, high = np.sort(columns[key])[[len(columns[key]) // 3, len(columns[key]) // 2]]
    write_store(CORPORA[corpus], tmp_path / "s", layout)
    with open_store(tmp_path / "s") as held:
        assert same(held.read(), columns)
        two = list(columns)[1::-1]
        assert same(held.read(two), {n: columns[n] for n in two})
        hit = (columns[key] >= low) & (columns[key] <= high)
        assert 0 < hit.sum() < len(hit)
        assert same(held.where(key, low, high), part(columns, hit))
        assert same(held.where(key, low, high, two), part({n: columns[n] for n in two}, hit))
        rows = np.array([5, 3, 3, held.rows - 1, 0])
        assert same(held.take(rows), part(columns, rows))
        assert all(v.flags.writeable for v in held.read().values())


@pytest.mark.parametrize("layout", layouts(as_columns(EVENTS), small=True), ids=lambda x: x.name)
def test_odd_values_come_back(layout, tmp_path):
    table = pl.DataFrame({
        "f": np.array([np.nan, -0.0, np.inf, 5e-324, 0.1]), "b": [True, False, True, True, False],
        "t": ["", "a,b", 'c"d', "line\nbreak", "NULL"], "u": np.arange(5, dtype=np.uint8) * 60,
        "i": np.array([-(2**63), 2**63 - 1, 0, -1, 1]), "g": np.float32([0.1, 1e-45, 3e38, -1, 0]),
        'odd "name"': np.arange(5, dtype=np.int16), "w": np.uint32([0, 1, 2**32 - 1, 5, 6]),
    })  # fmt: skip
    write_store(table, tmp_path / "s", layout)
    with open_store(tmp_path / "s") as held:
        found = held.read()
    wanted = as_columns(table)
    assert {n: v.dtype for n, v in found.items()} == {n: v.dtype for n, v in wanted.items()}
    for name in wanted:
        np.testing.assert_array_equal(found[name], wanted[name])
    assert np.signbit(found["f"][1])


def test_nothing_found_is_an_empty_answer(tmp_path):
    for layout in layouts(as_columns(CLIPS), small=True):
        write_store(CLIPS, tmp_path / layout.name, layout)
        with open_store(tmp_path / layout.name) as held:
            found = held.where("label", "nothing")
            assert found["samples"].shape == (0, 400), layout.name
            assert found["label"].shape == (0,)


def test_takes_and_arrow_tables_and_dicts_are_understood():
    from kit.experiments.takes import takes

    assert same(as_columns(takes(*CLIPS)), as_columns(CLIPS))
    assert same(as_columns(EVENTS.to_arrow()), as_columns(EVENTS))
    assert same(as_columns(as_columns(EVENTS)), as_columns(EVENTS))


@pytest.mark.parametrize(("bad", "code"), [
    ({"a": np.array([], int)}, "empty"), ({"a": [1, 2], "b": [1]}, "empty"),
    ({"a": ["x", None]}, "null"), (pl.DataFrame({"a": [1, None]}), "null"),
    ({"a": np.ones(2, np.complex64)}, "type"), ({"samples": np.ones((2, 3))}, "type"),
    ({"a": np.ones((2, 2))}, "type"), ({"row": [1, 2]}, "name"),
])  # fmt: skip
def test_what_not_every_layout_can_hold_is_refused(bad, code):
    with pytest.raises(KitError) as refused:
        as_columns(bad)
    assert refused.value.code == code


@pytest.mark.parametrize("wrong", [
    ("mp3",), ("parquet", "brotli", 512), ("parquet", "zstd"), ("npy", "", 5), ("wav", "zstd"),
    ("arrow", "snappy", 8), ("parquet", "zstd", 512, 0), ("parquet", "zstd", 512, False, "yes"),
])  # fmt: skip
def test_layouts_that_do_not_exist_are_refused(wrong):
    with pytest.raises(KitError):
        Layout(*wrong)


def test_a_layout_that_cannot_hold_the_columns_is_refused(tmp_path):
    with pytest.raises(KitError, match="cannot lie as wav"):
        write_store(WIDE, tmp_path / "s", Layout("wav"))
    assert not list(tmp_path.iterdir())


# --- bytes


def test_codecs_save_bytes_and_lists_of_int16_double_them(tmp_path):
    sizes = {}
    for layout in layouts(as_columns(CLIPS)):
        sizes[layout.name], blocks = bytes_on_disk(
            write_store(CLIPS, tmp_path / layout.name, layout)
        )
        assert blocks >= 0
    for codec in ("zstd", "lz4", "gzip"):
        assert sizes[f"parquet {codec} 512"] < sizes["parquet none 512"], codec
    assert sizes["arrow zstd 512"] < sizes["arrow none 512"]
    assert sizes["flac"] < sizes["wav"]
    # Parquet has no physical type below 32 bits
    assert sizes["parquet none 512 list"] > 1.6 * sizes["parquet none 512"]
    assert sizes["parquet zstd 512 dictionary list"] < sizes["parquet zstd 512 list"]


def test_small_files_take_whole_blocks(tmp_path):
    if not hasattr(os.stat(tmp_path), "st_blocks"):
        pytest.skip("this system does not tell blocks")
    files, blocks = bytes_on_disk(write_store(CLIPS, tmp_path / "w", Layout("wav")))
    assert files > 24 * (800 + 44)
    assert blocks > 1.5 * files


def test_a_column_subset_reads_fewer_bytes(tmp_path):
    place = write_store(WIDE, tmp_path / "s", Layout("parquet", "none", 100))
    told = pq.ParquetFile(place / "data.parquet").metadata
    columns = [told.row_group(0).column(i).total_compressed_size for i in range(told.num_columns)]
    assert sum(columns[1:21]) < 0.25 * sum(columns)  # 20 float32 of 99, and an int64


def test_a_filtered_read_skips_row_groups_of_sorted_columns(tmp_path):
    write_store(WIDE, tmp_path / "s", Layout("parquet", "zstd", 50))
    with open_store(tmp_path / "s") as held:
        assert held.groups("at", 60, 70) == (1, 6)
        assert held.groups("at", 40, 70) == (2, 6)
        assert held.groups("at", 1000, 2000) == (0, 6)
        assert held.groups("c0", -0.1, 0.1) == (6, 6)
        asked = []
        read = held._reader._groups
        held._reader._groups = lambda g, n: asked.append(list(g)) or read(g, n)
        assert held.where("at", 60, 70)["at"].tolist() == list(range(60, 71))
        assert asked == [[1], [1]]
    shuffled = WIDE.sample(fraction=1, shuffle=True, seed=1)
    write_store(shuffled, tmp_path / "s", Layout("parquet", "zstd", 50))
    with open_store(tmp_path / "s") as held:
        assert held.groups("at", 60, 70)[0] > 3  # sorting is what pays


# --- damage


def harm(place, harmed):
    """Damage the largest file of a store."""
    path = max(store.store_files(place), key=lambda p: p.stat().st_size)
    if path.name == "layout.json":
        path = next(p for p in store.store_files(place) if p.suffix in (".wav", ".flac"))
    data = path.read_bytes()
    if harmed == "missing":
        path.unlink()
    elif harmed == "truncated":
        path.write_bytes(data[: len(data) * 6 // 10])
    else:  # the footer, where there is one
        path.write_bytes(data[:-40] + bytes(40))
    return path


SMALL = layouts(as_columns(CLIPS), small=True)


@pytest.mark.parametrize("harmed", ["missing", "truncated"])
@pytest.mark.parametrize("layout", SMALL, ids=lambda x: x.name)
def test_a_missing_or_short_file_is_named(layout, harmed, tmp_path):
    place = write_store(CLIPS, tmp_path / "s", layout)
    path = harm(place, harmed)
    with pytest.raises(KitError) as told, open_store(place) as held:
        held.read()
    assert told.value.code == harmed
    assert path.name in str(told.value)
    assert told.value.remedy
    assert told.value.allowed.endswith("bytes")


@pytest.mark.parametrize("layout", [
    Layout("parquet", "zstd", 512), Layout("arrow", "none", 512), Layout("delta", "snappy", 512),
], ids=lambda x: x.name)  # fmt: skip
def test_a_corrupt_footer_is_damage(layout, tmp_path):
    place = write_store(CLIPS, tmp_path / "s", layout)
    harm(place, "footer")
    with pytest.raises(KitError, match="damaged") as told, open_store(place) as held:
        held.read()
    assert told.value.code == "damaged"
    assert "restore it or write" in told.value.remedy.lower()


def test_parquet_notices_one_flipped_bit(tmp_path):
    place = write_store(CLIPS, tmp_path / "s", Layout("parquet", "none", 512))
    path = place / "data.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(KitError) as told, open_store(place) as held:
        held.read()
    assert told.value.code == "damaged"


def test_what_lies_in_other_files_can_still_be_read(tmp_path):
    columns = as_columns(CLIPS)
    sounds = write_store(CLIPS, tmp_path / "w", Layout("wav"))
    (sounds / "000003.wav").write_bytes(b"RIFF")
    with open_store(sounds) as held:
        rest = np.array([0, 1, 2, 4, 23])
        assert same(held.take(rest), part(columns, rest))
        with pytest.raises(KitError, match=r"000003\.wav"):
            held.take(np.array([3]))
        assert held.read(["label"])["label"].tolist() == columns["label"].tolist()

    lake = write_store(CLIPS, tmp_path / "d", Layout("delta", "snappy", 512, partition=True))
    shutil.rmtree(lake / "table" / "label=eins")
    with open_store(lake) as held:
        kept = held.where("label", "zwei")
        assert same(kept, part(columns, columns["label"] == "zwei"))
        with pytest.raises(KitError, match="missing") as told:
            held.where("label", "eins")
    assert told.value.code == "missing"


@pytest.mark.parametrize(("spoil", "code"), [
    (lambda p: shutil.rmtree(p), "missing"), (lambda p: (p / "layout.json").unlink(), "missing"),
    (lambda p: (p / "layout.json").write_text("{"), "damaged"),
    (lambda p: (p / "layout.json").write_text('{"layout": {"kind": "xml"}}'), "damaged"),
])  # fmt: skip
def test_no_store_is_said_plainly(spoil, code, tmp_path):
    place = write_store(CLIPS, tmp_path / "s", Layout("npy"))
    spoil(place)
    with pytest.raises(KitError, match="no readable store") as told:
        open_store(place)
    assert told.value.code == code


def test_questions_that_make_no_sense_are_refused(tmp_path):
    with open_store(write_store(CLIPS, tmp_path / "s", Layout("npy"))) as held:
        for rows in (np.array([24]), np.array([-1]), np.array([], int), np.array([0.5])):
            with pytest.raises(KitError) as told:
                held.take(rows)
            assert told.value.code == "rows"
        with pytest.raises(KitError, match="no such column"):
            held.read(["nothing"])


@pytest.fixture
def tiny_disk(tmp_path, monkeypatch):
    """Function of a number of kB: folder of a file system of that size.

    Where none may be mounted, writers say that the disk is full once they have written.
    """
    place = tmp_path / "disk"
    place.mkdir()

    def full(writer):
        def write(folder, layout, columns, rate):
            writer(folder, layout, columns, rate)
            if len(columns["label"]) > 4:
                raise OSError(errno.ENOSPC, "No space left on device")

        return write

    def make(size):
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(place)]
        if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
            kinds = {k: (full(w), r) for k, (w, r) in store._KINDS.items()}
            monkeypatch.setattr(store, "_KINDS", kinds)
        return place

    yield make
    if os.path.ismount(place):
        subprocess.run(["umount", str(place)], check=True)  # fails if a writer left a file open


@pytest.mark.parametrize("layout", SMALL, ids=lambda x: x.name)
def test_a_full_disk_leaves_the_old_files_whole(layout, tiny_disk):
    place = tiny_disk(900 if layout.kind == "duckdb" else 64)
    little = some_clips(4, 100)
    write_store(little, place / "s", layout)
    large = some_clips(60, 9000, seed=1)
    with pytest.raises(KitError) as told:
        write_store(large, place / "s", layout)
    assert told.value.code == "disk-full", told.value
    assert "what was there before is whole" in str(told.value)
    assert "MB there" in told.value.remedy
    assert [p.name for p in place.iterdir()] == ["s"]
    with open_store(place / "s") as held:
        assert same(held.read(), as_columns(little))


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path, monkeypatch):
    place = write_store(CLIPS, tmp_path / "s", Layout("npy"))
    place.rename(tmp_path / "s.old")  # as a kill would leave it
    with open_store(place) as held:
        assert same(held.read(), as_columns(CLIPS))
    other = some_clips(seed=5)
    write_store(other, place, Layout("tar"))
    with open_store(place) as held:
        assert same(held.read(), as_columns(other))
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_a_rename_that_fails_leaves_the_old_files(tmp_path, monkeypatch):
    def refuse(path, target):
        if ".part-" in path.name:
            raise PermissionError(13, "no")
        os.rename(path, target)

    place = write_store(CLIPS, tmp_path / "s", Layout("npy"))
    monkeypatch.setattr(store.Path, "rename", refuse)
    with pytest.raises(KitError, match="what was there before is whole") as told:
        write_store(CLIPS, place, Layout("tar"))
    assert told.value.code == "disk"
    with open_store(place) as held:
        assert held.layout == Layout("npy")
        assert same(held.read(), as_columns(CLIPS))
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_a_write_that_is_killed_is_swept_up_by_the_next(tmp_path):
    place = write_store(CLIPS, tmp_path / "s", Layout("npy"))
    code = (
        "import os, numpy as np\nfrom kit.storage.formats import Layout, store, write_store\n"
        "store._meta = lambda *_: os.kill(os.getpid(), 9)\n"
        f"write_store({{'a': np.arange(5)}}, {str(place)!r}, Layout('npy'))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert len(list(tmp_path.iterdir())) == 2
    with open_store(place) as held:
        assert same(held.read(), as_columns(CLIPS))
    write_store(CLIPS, place, Layout("tar"))
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_an_interrupted_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    place = write_store(CLIPS, tmp_path / "s", Layout("npy"))
    monkeypatch.setattr(store, "_meta", stop)
    with pytest.raises(KeyboardInterrupt):
        write_store(CLIPS, place, Layout("tar"))
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


# --- measuring


FEW = [Layout("npy"), Layout("parquet", "zstd", 8), Layout("wav")]
OPERATIONS = {"scan", "columns", "filter", "batch of 64", "single p50", "single p95"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return measure(CLIPS, FEW, tmp_path_factory.mktemp("m"), budget_s=0.5, processes=False)


def test_every_layout_is_asked_everything_cold_and_warm(measured):
    for (_,), own in measured.group_by("name"):
        for cache in ("cold", "warm"):
            assert set(own.filter(cache=cache)["operation"]) >= OPERATIONS
        assert set(own.filter(cache="")["operation"]) == {"size", "blocks", "write"}
    assert set(measured["name"]) == {"npy", "parquet zstd 8", "wav"}


def test_values_lie_in_their_spread_and_carry_units(measured):
    timed = measured.filter(pl.col("runs") > 1)
    assert (timed["low"] <= timed["high"]).all()
    assert timed["value"].is_between(timed["low"], timed["high"]).all()
    assert set(measured["unit"]) == {"B", "1/s", "ms"}
    assert (timed["runs"] >= 2).all()
    assert (timed["cpu_share"] >= 0).all()
    assert (measured["records"] == 24).all()
    assert measured["record_bytes"][0] == pytest.approx(800 + 5, abs=4)


def test_two_readers_are_counted_twice():
    runs = [turn.Run(np.array([2.0]), 1.0, 0.0)]
    for operation, rate in (("scan", 5), ("scan, 2 threads", 10), ("scan, 2 processes", 10)):
        (found,) = race._measurements(operation, runs, 10, "")
        assert (found.value, found.unit) == (rate, "1/s")
    (found,) = race._measurements("filter", runs, 10, "")
    assert (found.value, found.unit) == (2000, "ms")


def test_scratch_is_removed(tmp_path):
    measure(EVENTS, [Layout("npy")], tmp_path, budget_s=0.01, processes=False)
    assert not list(tmp_path.iterdir())


def test_two_processes_read_at_once(tmp_path):
    found = measure(CLIPS, [Layout("npy")], tmp_path, budget_s=0.01)
    both = found.filter(operation="scan, 2 processes")
    assert both["value"][0] > 0
    assert both["runs"][0] >= 2


def test_a_layout_that_returns_something_else_is_not_measured(tmp_path, monkeypatch):
    read = store.Store.read
    back = slice(None, None, -1)
    monkeypatch.setattr(store.Store, "read", lambda s, n=None: part(read(s, n), back))
    with pytest.raises(KitError, match="does not give back") as told:
        measure(CLIPS, [Layout("npy")], tmp_path, budget_s=0.1, processes=False)
    assert told.value.code == "differs"


def test_where_the_cache_cannot_be_emptied_the_table_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(turn, "cached_share", lambda path: 1.0)
    found = measure(CLIPS, [Layout("npy")], tmp_path, budget_s=0.01, processes=False)
    notes = found.filter(cache="cold")["note"].unique().to_list()
    assert notes == ["the page cache could not be emptied here: cold is not cold"]
    assert set(found.filter(pl.col("cache") != "cold")["note"]) == {""}


@pytest.mark.parametrize("wrong", [
    {"layouts": []}, {"layouts": [Layout("npy")] * 2}, {"budget_s": 0}, {"budget_s": "x"},
])  # fmt: skip
def test_measurements_that_make_no_sense_are_refused(wrong, tmp_path):
    with pytest.raises(KitError):
        measure(CLIPS, folder=tmp_path, **({"budget_s": 1} | wrong))


def test_a_disk_without_room_is_noticed_before(tmp_path, monkeypatch):
    monkeypatch.setattr(race.shutil, "disk_usage", lambda p: shutil._ntuple_diskusage(1, 1, 1000))
    with pytest.raises(KitError) as told:
        measure(CLIPS, [Layout("npy")], tmp_path, budget_s=1)
    assert told.value.code == "disk-full"


def test_made_tables_are_what_they_say():
    columns = as_columns(WIDE)
    assert len(columns) == 100
    assert {v.dtype for n, v in columns.items() if n != "at"} == {np.dtype("f4")}
    events = as_columns(EVENTS)
    assert (np.diff(events["at"]) >= 0).all()
    assert len(set(events["word"])) <= 35
    assert same(as_columns(events_table(700)), events)
    assert not same(as_columns(events_table(700, seed=1)), events)


def test_importing_loads_no_library():
    code = (
        "import kit.storage, kit.storage.formats, sys, json; print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {m.split(".")[0] for m in json.loads(done.stdout)}
    assert not loaded & {"pyarrow", "polars", "duckdb", "deltalake", "soundfile", "numpy"}


def test_checksums_notice_flipped_bits_and_plain_arrays_do_not(tmp_path):
    kinds = [
        Layout("npy"),
        Layout("flac"),
        Layout("parquet", "none", 8),
        Layout("delta", "none", 8),
    ]
    found = flips(CLIPS, kinds, times=12, folder=tmp_path)
    got = dict(found.select("name", "silent").iter_rows())
    assert got["npy"] > 6
    assert got["parquet none 8"] == 0
    assert got["flac"] == 0
    assert got["delta none 8"] > 6  # its writer stores no checksums of pages
    assert (found["noticed"] + found["silent"] + found["harmless"] == 12).all()
    assert not list(tmp_path.iterdir())


def test_a_script_that_runs_when_it_is_imported_is_told_how_to_measure(tmp_path):
    script = tmp_path / "plain.py"
    script.write_text(
        "import polars as pl\n"
        "from kit.storage.formats import Layout, measure\n"
        "measure(pl.DataFrame({'at': [1, 2]}), [Layout('csv')], budget_s=0.1)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120,
                          cwd=tmp_path, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "the reading processes could not start" in done.stderr
    assert "processes=False" in done.stderr
