"""Versions of a table: what is kept, found again, compared, restored, removed; and two at once."""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from helpers import code
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import KitError
from kit.storage.differences import compare, diff
from kit.storage.upkeep import compact, restore, vacuum
from kit.storage.versions import Link, at, history, link, snapshot, version_at

CLIPS = pl.DataFrame({"id": [1, 2, 3], "label": ["yes", "no", None], "snr": [10.0, None, 3.5]})


def running(text, *args):
    """A new interpreter that runs `text` after it has loaded what it needs and the file `go`."""
    begin = (
        "import sys, time, os, polars as pl\n"
        "from kit.errors import KitError\n"
        "from kit.storage.versions import snapshot, at, history\n"
        "import deltalake\n"
        "place, go, *rest = sys.argv[1:]\n"
        "print('ready', flush=True)\n"
        "while not os.path.exists(go): time.sleep(0.001)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", begin + text, *map(str, args)], stdout=subprocess.PIPE, text=True
    )


def together(place, text, names):
    """What the processes print that run `text` at the same moment, one for each of names."""
    go = place.parent / "go"
    all_of_them = [running(text, place, go, name) for name in names]
    for process in all_of_them:
        assert process.stdout.readline() == "ready\n"
    go.touch()
    return [process.communicate(timeout=60)[0].split() for process in all_of_them]


def entries(place):
    return sorted((place / "_delta_log").glob("*.json"))


def edited(place, version, change):
    """Rewrites the log of a version: `change` gets each action."""
    file = entries(place)[version]
    actions = [json.loads(line) for line in file.read_text().splitlines()]
    for action in actions:
        change(action)
    file.write_text("\n".join(map(json.dumps, actions)))


def clocks(place, milliseconds):
    for version, said in enumerate(milliseconds):

        def change(action, said=said):
            if "commitInfo" in action:
                action["commitInfo"]["timestamp"] = said

        edited(place, version, change)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "clips"


@pytest.fixture
def three(place):
    """Three versions: the first, one row more, a silent backfill."""
    snapshot(CLIPS, place, note="first", code="c1", spec="s1")
    more = pl.concat([CLIPS, pl.DataFrame({"id": [4], "label": ["up"], "snr": [1.0]})])
    snapshot(more, place, note="one more", code="c2", spec="s1")
    filled = more.with_columns(pl.col("snr").fill_null(0.0))
    snapshot(filled[::-1], place, note="again", code="c2", spec="s2", job=7)
    return place


def test_history_says_who_what_when_and_why(three):
    found = history(three)
    assert found["version"].to_list() == [0, 1, 2]
    assert found["note"].to_list() == ["first", "one more", "again"]
    assert found["code"].to_list() == ["c1", "c2", "c2"]
    assert found["spec"].to_list() == ["s1", "s1", "s2"]
    assert found["rows"].to_list() == [3, 4, 4]
    assert found["added"].to_list() == [3, 4, 4]
    assert found["removed"].to_list() == [0, 3, 4]
    assert json.loads(found["about"][2]) == {"job": 7}
    assert found["about"][:2].null_count() == 2
    assert found["readable"].all()
    assert (found["since"] == found["when"]).all()


def test_rows_of_an_append_a_deletion_and_a_compaction_are_those_that_moved(place):
    for n in range(3):
        snapshot(CLIPS.with_columns(pl.col("id") + 10 * n), place, mode="append")
    DeltaTable(str(place)).delete("id = 1")
    before, after = compact(place, note="smaller")
    found = history(place).select("operation", "rows", "added", "removed").rows()
    assert found[2:4] == [("WRITE", 9, 3, 0), ("DELETE", 8, 0, 1)]
    assert found[4] == ("OPTIMIZE", 8, 0, 0)
    assert (before, after) == (3, 1)
    assert at(place).sort("id").equals(at(place, 3).sort("id"))
    assert compact(place) == (1, 1)
    assert version_at(place) == 4, "nothing to do makes no version"


def test_code_is_that_of_the_repository_and_spec_may_be_a_feature_spec(place):
    from kit.audio import FeatureSpec
    from kit.measure.machine import commit

    spec = FeatureSpec()
    snapshot(CLIPS, place, spec=spec)
    assert history(place)["spec"][0] == spec.fingerprint
    assert (history(place)["code"][0] or "") == commit()


def test_time_travel_by_version_gives_the_rows_of_then(three):
    assert at(three, 0).equals(CLIPS)
    assert at(three, 1).height == 4
    assert at(three).equals(at(three, 2))
    assert at(three, 0, columns=["snr"]).columns == ["snr"]


def test_time_travel_by_time_gives_the_last_version_before_it(three):
    clocks(three, [1_000_000, 2_000_000, 3_000_000])
    start = datetime(1970, 1, 1, tzinfo=UTC)
    for seconds, version in ((1000, 0), (1999, 0), (2000, 1), (2500, 1), (9999, 2)):
        when = start + timedelta(seconds=seconds)
        assert version_at(three, when=when) == version
        assert version_at(three, when=when.replace(tzinfo=None)) == version
        assert version_at(three, when=when.isoformat()) == version
        assert at(three, when=when).equals(at(three, version))
    assert code(at, three, when=start + timedelta(seconds=999)) == "too-early"


def test_a_clock_that_goes_back_does_not_reorder_versions(three):
    clocks(three, [5_000_000, 2_000_000, 7_000_000])
    start = datetime(1970, 1, 1, tzinfo=UTC)
    found = history(three)
    assert [s.timestamp() for s in found["since"]] == [5000, 5000, 7000]
    assert [s.timestamp() for s in found["when"]] == [5000, 2000, 7000]
    assert version_at(three, when=start + timedelta(seconds=6000)) == 1
    assert code(at, three, when=start + timedelta(seconds=3000)) == "too-early"


def test_a_copy_travels_like_the_original_though_its_files_are_younger(three, tmp_path):
    when = history(three)["since"][1]
    copy = tmp_path / "copy"
    shutil.copytree(three, copy, copy_function=shutil.copyfile)
    for n, file in enumerate(entries(copy)[::-1]):
        os.utime(file, (1e9 + n, 1e9 + n))
    assert version_at(copy, when=when) == version_at(three, when=when) == 1


def test_a_log_without_commit_info_still_has_its_rows(three):
    edited(three, 1, lambda action: action.pop("commitInfo", None))
    found = history(three)
    assert found["rows"].to_list() == [3, 4, 4]
    assert found["when"][1] is None
    assert found["since"][1] == found["since"][0]


def test_diff_finds_a_silent_backfill(three):
    found = diff(three, 1, 2)
    assert found.silent
    assert found.rows == (4, 4)
    assert found.changed.rows() == [(2, ["snr"], None, 0.0)]
    assert found.columns.rows() == [("snr", 1, 0, 1, 0.25)]
    assert "1 changed" in str(found)
    assert "snr: 1 rows" in str(found)


def test_diff_tells_added_and_removed_rows(three):
    found = diff(three, 0, 1)
    assert found.added["id"].to_list() == [4]
    assert not found.removed.height
    assert not found.changed.height
    assert not found.silent
    back = diff(three, 1, 0)
    assert back.removed.equals(found.added)
    same = diff(three, 2, 2)
    assert (same.added.height, same.removed.height, same.changed.height) == (0, 0, 0)
    assert not same.silent


def test_diff_tells_what_became_of_the_columns(place):
    snapshot(CLIPS, place)
    new = CLIPS.with_columns(id=pl.col("id").cast(pl.Int32), snr=pl.col("snr").cast(pl.Float32))
    snapshot(new.drop("label").with_columns(level=1.0), place)
    assert code(diff, place, 0, key="label") == "key"
    old, new = at(place, 0), at(place, 1).with_columns(pl.col("id").cast(pl.Int64))
    found = compare(old, new, "id")
    kinds = dict(found.schema.select("column", "what").iter_rows())
    assert kinds == {"label": "removed", "level": "added", "snr": "retyped"}
    assert not found.changed.height, "10.0 and 3.5 are exact in both"


def test_diff_by_two_keys_and_with_lists():
    old = pl.DataFrame({"a": [1, 1, 2], "b": ["x", "y", "x"], "v": [[1.0], [2.0], None]})
    new = old.with_columns(v=pl.Series([[1.0], [float("nan"), 2.0], None]))
    found = compare(old, new, ("a", "b"))
    assert found.changed.select("a", "b").rows() == [(1, "y")]
    assert compare(new, new, ["a", "b"]).changed.height == 0, "NaN equals NaN"


tables = st.dictionaries(
    st.integers(0, 8),
    st.tuples(st.none() | st.floats(-3, 3) | st.just(float("nan")), st.sampled_from(["a", "b"])),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(tables, tables)
def test_diff_agrees_with_a_slow_loop(old, new):
    kinds = {"id": pl.Int64, "x": pl.Float64, "y": pl.String}
    made = [pl.DataFrame([(k, *v) for k, v in t.items()], kinds, orient="row") for t in (old, new)]
    found = compare(*made, "id")
    same = {
        k: [str(a) == str(b) for a, b in zip(old[k], new[k], strict=True)] for k in old if k in new
    }
    same = {k: [s or old[k][i] == new[k][i] for i, s in enumerate(v)] for k, v in same.items()}
    assert set(found.added["id"]) == new.keys() - old.keys()
    assert set(found.removed["id"]) == old.keys() - new.keys()
    wanted = {k: {c for c, s in zip("xy", v, strict=True) if not s} for k, v in same.items()}
    got = {k: set(c) for k, c in found.changed.select("id", "columns").iter_rows()}
    assert got == {k: v for k, v in wanted.items() if v}


@pytest.mark.parametrize("ids", [[1, 1, 2], [1, None, 2]])
def test_diff_refuses_keys_that_do_not_name_rows(place, ids):
    snapshot(CLIPS, place)
    snapshot(CLIPS.with_columns(id=pl.Series(ids)), place)
    assert code(diff, place, 0, 1) == "key"
    assert code(diff, place, 0, 1, key="nothing") == "key"
    assert code(diff, place, 0, 1, key=()) == "key"


def test_restore_brings_old_rows_back_as_a_new_version(three):
    assert restore(three, 0) == 3
    assert at(three).equals(CLIPS)
    assert at(three, 2).height == 4
    assert history(three)["note"][3] == "as version 0"
    assert code(restore, three, 9) == "unknown"


def test_vacuum_says_first_what_would_be_lost_and_asks(three):
    plan = vacuum(three, retention_h=0)
    assert plan.dry_run
    assert plan.lost == (0, 1)
    assert len(plan.files) == 2
    assert plan.size_mb > 0
    assert code(vacuum, three, 0, dry_run=False) == "too-short"
    assert code(vacuum, three, 0, dry_run=False, alone=True) == "still-needed"
    assert code(vacuum, three, 0, dry_run=False, alone=True, lose=[0]) == "still-needed"
    assert at(three, 0).equals(CLIPS)
    done = vacuum(three, 0, keep=[link(three, 0)], lose=[1], dry_run=False, alone=True)
    assert done.lost == (1,)
    assert at(three, 0).equals(CLIPS)
    assert at(three).height == 4
    assert code(at, three, 1) == "vacuumed"
    assert code(restore, three, 1) == "vacuumed"
    assert history(three)["readable"].to_list()[:3] == [True, False, True]
    assert vacuum(three, 0, keep=[0]).lost == (), "what is lost already is not lost again"
    assert code(vacuum, three, -1) == "retention"


def test_vacuum_of_a_week_leaves_young_files_and_those_of_a_writer_at_work(three):
    busy = three / "part-00000-of-a-writer.snappy.parquet"
    shutil.copy(next(three.glob("*.parquet")), busy)
    assert vacuum(three, dry_run=False).files == ()
    assert busy.exists()
    assert all(history(three)["readable"])


def test_two_overwrites_at_once_lose_nothing(place):
    snapshot(CLIPS, place)
    done = together(
        place,
        "try:\n"
        "    print('landed', snapshot(pl.DataFrame({'id': [int(rest[0])]}), place, note=rest[0]))\n"
        "except KitError as error: print(error.code)\n",
        ["1", "2"],
    )
    landed = [int(said[1]) for said in done if said[0] == "landed"]
    assert landed
    assert all(said[0] in ("landed", "conflict") for said in done), done
    assert version_at(place) == len(landed)
    for name, said in zip("12", done, strict=True):
        if said[0] == "landed":
            assert at(place, int(said[1]))["id"].to_list() == [int(name)]
            assert history(place)["note"][int(said[1])] == name


def test_many_appends_at_once_all_land(place):
    snapshot(pl.DataFrame({"id": [0]}), place)
    text = (
        "for n in range(5):\n"
        "    print(snapshot(pl.DataFrame({'id': [int(rest[0]) + n]}), place, mode='append'))"
    )
    done = together(place, text, ["10", "20"])
    assert sorted(int(v) for said in done for v in said) == list(range(1, 11))
    assert sorted(at(place)["id"]) == [0, *range(10, 15), *range(20, 25)]
    for name, said in zip((10, 20), done, strict=True):
        assert {name + 4} == set(at(place, int(said[-1]))["id"]) & {name + 4}


def test_two_processes_that_make_the_table_at_once(place):
    text = (
        "try: print('landed', snapshot(pl.DataFrame({'id': [int(rest[0])]}), place))\n"
        "except KitError as error: print(error.code)"
    )
    done = together(place, text, ["1", "2"])
    landed = [int(n) for n, said in zip("12", done, strict=True) if said[0] == "landed"]
    assert all(said[0] in ("landed", "conflict") for said in done), done
    for version, rows in enumerate(landed if done[0][-1] == "0" else landed[::-1]):
        assert at(place, version)["id"].to_list() == [rows], "not those of both"
    assert version_at(place) == len(landed) - 1


def test_a_version_made_from_an_old_one_is_a_conflict(three):
    assert code(snapshot, CLIPS, three, after=1) == "conflict"
    assert code(snapshot, CLIPS, three, after=9) == "conflict"
    assert code(snapshot, CLIPS, three, after=-1) == "conflict"
    assert version_at(three) == 2
    assert snapshot(CLIPS, three, after=2) == 3


def test_a_stale_handle_cannot_overwrite(three):
    """The same when the other writer comes between our look and our commit."""
    import kit.storage.versions as versions

    look = versions._is_newest

    def late(where, newest, after):
        look(where, newest, after)
        if after is not None:
            snapshot(CLIPS[:1], three, note="the other")

    versions._is_newest = late
    try:
        assert code(snapshot, CLIPS, three, after=2) == "conflict"
        assert code(snapshot, CLIPS, three, mode="append", after=3) == "conflict"
    finally:
        versions._is_newest = look
    assert history(three)["note"][3:].to_list() == ["the other"] * 2


def test_readers_go_on_during_compaction(place):
    for n in range(8):
        snapshot(CLIPS.with_columns(pl.col("id") + 10 * n), place, mode="append")
    text = (
        "seen = 0\n"
        "while not os.path.exists(rest[0]) or seen < 3:\n"
        "    assert at(place, 7).height == 24 and at(place).height == 24\n"
        "    seen += 1\n"
        "print('fine', flush=True)\n"
        "os._exit(0)\n"  # threads of the readers may abort an interpreter that takes its leave
    )
    stop, go = place.parent / "stop", place.parent / "go"
    reader = running(text, place, go, stop)
    assert reader.stdout.readline() == "ready\n"
    go.touch()
    for _ in range(3):
        compact(place)
        vacuum(place, dry_run=False)
        time.sleep(0.1)
        restore(place, 7)
    stop.touch()
    assert reader.communicate(timeout=60)[0] == "fine\n"
    assert reader.returncode == 0


NEWER = {
    "reader": {"minReaderVersion": 9, "minWriterVersion": 9},
    "feature": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["quantumLeap"],
                "writerFeatures": ["quantumLeap"]},
    "vectors": {"minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]},
    "writer": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["quantumLeap"]},
}  # fmt: skip


@pytest.mark.parametrize("kind", NEWER)
def test_a_table_of_a_newer_protocol_says_so(place, kind):
    snapshot(CLIPS, place)

    def change(action):
        if "protocol" in action:
            action["protocol"] = NEWER[kind]

    edited(place, 0, change)
    if kind == "writer":
        assert at(place).equals(CLIPS), "who only reads may go on"
        assert code(snapshot, CLIPS, place) == "newer-protocol"
    else:
        with pytest.raises(KitError, match="newer deltalake") as error:
            at(place)
        assert error.value.code == "newer-protocol"
    assert version_at(place) == 0


def test_links_name_what_a_model_was_made_from(three):
    made = link(three, 1, spec="s1", code="c2")
    assert Link.of(str(made)) == made
    assert made.check(three) is made
    assert made.check(three, spec="s1", code="c2") is made
    for other, name in (({"spec": "s2"}, "spec"), ({"code": "c1"}, "code")):
        with pytest.raises(KitError, match=f"the link names: {name}") as error:
            made.check(three, **other)
        assert error.value.code == "mismatch"
    assert link(three, 1).files != link(three, 2).files
    assert link(three).version == 2


def test_a_link_is_not_fooled_by_another_table(three, tmp_path):
    made = link(three, 0, code="c")
    other = tmp_path / "other"
    snapshot(CLIPS, other)
    with pytest.raises(KitError, match="table, files"):
        made.check(other)
    assert code(link(three, 2).check, other) == "unknown"
    assert code(Link.of, "version=3") == "link"
    assert code(Link.of, str(made).replace("version=0", "version=x")) == "link"
    assert code(link, three, 0, code="two words") == "link"


def test_what_delta_would_change_is_refused(place):
    from datetime import time as clock

    for odd in (
        pl.Series([255], dtype=pl.UInt8), pl.Series([timedelta(1)]), pl.Series([clock(1)]),
        pl.Series([1], dtype=pl.Int128), pl.Series([[2**63]], dtype=pl.List(pl.UInt64)),
        pl.Series([{"a": timedelta(1)}]), pl.Series([1], dtype=pl.Datetime("ns")),
        pl.Series([None]),
    ):  # fmt: skip
        assert code(snapshot, pl.DataFrame({"a": odd}), place) == "type", odd.dtype
    assert not place.exists()


def test_what_delta_holds_comes_back(place):
    when = datetime(2026, 1, 2, 3, 4, 5, 6)
    table = pl.DataFrame({
        "when": [when], "utc": [when.replace(tzinfo=UTC)], "day": [when.date()], "raw": [b"\0x"],
        "list": [[1.5, None]], "struct": [{"a": 1}], "text": ["é\n"], "flag": [None],
    }, schema_overrides={"flag": pl.Boolean})  # fmt: skip
    snapshot(table, place)
    assert at(place).equals(table)
    assert at(place).schema == table.schema
    enum = pl.DataFrame({"a": pl.Series(["x"], dtype=pl.Enum(["x"])),
                         "b": pl.Series([10**6], dtype=pl.Datetime("ns"))})  # fmt: skip
    snapshot(enum, place)
    assert at(place).schema == {"a": pl.String, "b": pl.Datetime("us")}
    assert at(place)["b"].to_physical()[0] == 1000
    snapshot(enum.clear(), place)
    assert at(place).height == 0


def test_bad_calls_say_what_is_wrong(three, tmp_path):
    assert code(at, tmp_path / "nothing") == "no-table"
    assert code(history, tmp_path) == "no-table"
    assert code(vacuum, tmp_path / "nothing") == "no-table"
    assert code(snapshot, CLIPS, three, mode="both") == "mode"
    assert code(snapshot, {"id": [1]}, three) == "table"
    assert code(snapshot, pl.DataFrame(), three) == "empty"
    assert code(snapshot, CLIPS.rename({"snr": "db"}), three, mode="append") == "schema"
    assert code(snapshot, CLIPS, three, operation="x") == "name"
    assert code(snapshot, CLIPS, three, job=object()) == "about"
    for version in (3, -1, True, "1", 0.5):
        assert code(at, three, version) == "unknown"
    assert code(at, three, 1, when=datetime.now(UTC)) == "version"
    assert code(at, three, when="yesterday") == "time"
    assert code(at, three, 0, columns=["nothing"]) == "column"
    assert version_at(three) == 2
    file = tmp_path / "file"
    file.write_text("x")
    assert code(at, file) == "no-table"
    entries(three)[1].write_text("{")
    assert code(history, three) == "broken-log"


def test_a_full_or_forbidden_disk_is_told(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(KitError):
        snapshot(CLIPS, Path(file) / "table")
