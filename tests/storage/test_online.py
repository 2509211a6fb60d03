"""A feature store: one definition for training and serving, on SQLite and on a real Redis."""

import os
import shutil
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from helpers import code

from kit.storage.online import (
    FeatureStore,
    feature,
    latency,
    lookup,
    materialise,
    parity,
    serve,
    training,
)
from kit.storage.serving import RedisOnline, SqliteOnline, open_online

DAY = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def at(days):
    return DAY + timedelta(days=days)


EVENTS = pl.DataFrame({
    "speaker": ["ann", "ann", "bob", "ann", "cy"],
    "time": [at(d) for d in (0, 1, 1, 3, 6)],
    "known": [at(d) for d in (0, 1, 1, 5, 6)],
    "snr": [10.0, 20.0, 5.0, 60.0, None],
}).with_columns(pl.col("time", "known").cast(pl.Datetime("us", "UTC")))  # fmt: skip


@feature("clips", "speaker", ttl=WEEK)
def clips(events):
    """Clips of a speaker so far."""
    return events.group_by("speaker").agg(clips=pl.len())


@feature("snr", "speaker", ttl=timedelta(days=2))
def mean_snr(events):
    return events.group_by("speaker").agg(snr=pl.col("snr").mean())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """redis:// address of a server that keeps nothing."""
    program = shutil.which("redis-server")
    if not program:
        pytest.skip("no redis-server on PATH")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly",
               "no", "--dir", str(tmp_path_factory.mktemp("redis"))]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    import redis

    base, until = redis.Redis(port=port), time.monotonic() + 20
    while True:
        try:
            base.ping()
            break
        except redis.exceptions.ConnectionError:
            assert time.monotonic() < until, "redis-server does not answer"
            time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(20)


@pytest.fixture(params=["sqlite", "redis"])
def online(request, tmp_path):
    """Address of an empty online store, of each kind."""
    if request.param == "sqlite":
        return ""
    import redis

    url = request.getfixturevalue("server")
    redis.Redis.from_url(url).flushall()
    return url


@pytest.fixture
def store(tmp_path, online):
    return FeatureStore(tmp_path / "store", [clips, mean_snr], EVENTS, online=online)


def test_what_is_materialised_is_served(store):
    done = materialise(store, at(3))
    assert done.rows() == [("clips", 2, True), ("snr", 2, True)]
    found = lookup(store, ["bob", "zoe", "ann"], when=at(3))
    assert found.columns == ["speaker", "clips", "clips_age_s", "clips_why",
                             "snr", "snr_age_s", "snr_why"]  # fmt: skip
    assert found["speaker"].to_list() == ["bob", "zoe", "ann"]
    assert found["clips"].to_list() == [1, None, 3]
    assert found["snr"].to_list() == [5.0, None, 30.0]
    assert found["clips_why"].to_list() == [None, "never", None]
    assert found["clips_age_s"].to_list() == [0.0, None, 0.0]
    assert serve(store, "ann", when=at(4)) == {"clips": (3, 86400.0, None),
                                               "snr": (30.0, 86400.0, None)}  # fmt: skip


def test_stale_values_are_null_and_say_so(store):
    materialise(store, at(3))
    found = lookup(store, ["ann"], when=at(5)).row(0, named=True)
    assert (found["snr"], found["snr_why"]) == (30.0, None), "the ttl counts its end"
    found = lookup(store, ["ann"], when=at(5) + timedelta(microseconds=1)).row(0, named=True)
    assert (found["snr"], found["snr_why"], found["clips"]) == (None, "stale", 3)
    found = lookup(store, ["ann"], ["clips"], when=at(2)).row(0, named=True)
    assert (found["clips"], found["clips_why"], found["clips_age_s"]) == (None, "future", -86400.0)
    assert lookup(store, ["ann"])["clips_why"][0] == "stale", "now is the present time"


def test_events_from_later_are_not_used(store, tmp_path, online):
    materialise(store, at(1))
    assert lookup(store, ["ann"], when=at(1))["clips"][0] == 2
    heard = FeatureStore(tmp_path / "heard", [clips], EVENTS, known="known", online=online)
    materialise(heard, at(4))
    assert lookup(heard, ["ann"], when=at(4))["clips"][0] == 2, "the third was known on day 5"
    late = FeatureStore(tmp_path / "late", [clips], lambda when: EVENTS, online=online)
    materialise(late, at(4))
    assert lookup(late, ["ann"], when=at(4))["clips"][0] == 3


def test_doing_it_again_adds_nothing(store):
    materialise(store, at(3))
    first = store.history("clips")
    again = materialise(store, at(3))
    assert again["new"].to_list() == [False, False]
    assert store.history("clips").equals(first)
    materialise(store, at(6))
    assert store.history("clips").height == first.height + 3


def test_an_older_time_does_not_replace_a_newer_value(store):
    materialise(store, at(6))
    newest = lookup(store, ["ann", "bob", "cy"], when=at(6))
    materialise(store, at(1))
    assert lookup(store, ["ann", "bob", "cy"], when=at(6)).equals(newest)
    assert store.history("clips")["time"].n_unique() == 2
    assert not parity(store, when=at(6)).height


def test_offline_and_online_agree(store):
    for day in (1, 3, 6):
        materialise(store, at(day))
        assert not parity(store, when=at(day)).height
        assert not parity(store, when=at(day) + timedelta(days=4)).height, "stale on both sides"
    store.online.write("clips", clips.definition, [('"bob"', 10**17, "9")])
    found = parity(store, when=at(6))
    assert found.select("key", "feature", "offline", "online", "why").rows() == [
        ("bob", "clips", "1", None, "future")
    ]
    assert parity(store, ["ann"], when=at(6)).height == 0


def test_a_value_changed_behind_our_back_is_named(store):
    materialise(store, at(6))
    stamp = (at(6) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    store.online.write("snr", mean_snr.definition, [('"ann"', stamp, "31.0")])
    assert parity(store, when=at(6)).rows() == [("ann", "snr", "30.0", "31.0", None)]


def test_training_sees_what_was_served(store):
    for day in (1, 3, 6):
        materialise(store, at(day))
    times = [at(d) for d in (0.5, 1, 2, 3.5, 5.5, 6, 20)]
    labels = pl.DataFrame({"speaker": ["ann"] * 7, "time": times}).with_columns(
        pl.col("time").cast(pl.Datetime("us", "UTC"))
    )
    found = training(store, labels)
    assert found["clips"].to_list() == [None, 2, 2, 3, 3, 3, None]
    assert found["snr"].to_list() == [None, 15.0, 15.0, 30.0, None, 30.0, None]
    other = training(store, labels.rename({"time": "asked"}), by="asked", gap=timedelta(hours=1))
    assert other["clips"].to_list() == [None, None, 2, 3, 3, 3, None]


def test_another_definition_is_not_served_under_the_same_name(store, tmp_path, online):
    @feature("clips", "speaker", ttl=WEEK)
    def twice(events):
        return events.group_by("speaker").agg(clips=2 * pl.len())

    materialise(store, at(3))
    other = FeatureStore(store.place, [twice, mean_snr], EVENTS, online=online)
    assert lookup(other, ["ann"], when=at(3))["clips_why"][0] == "changed"
    assert materialise(other, at(3))["new"].to_list() == [True, False]
    assert lookup(other, ["ann"], when=at(3))["clips"][0] == 6
    assert not parity(other, when=at(3)).height
    labels = pl.DataFrame({"speaker": ["ann"], "time": [at(4)]}).cast(
        {"time": pl.Datetime("us", "UTC")}
    )
    assert training(other, labels)["clips"].to_list() == [6]


def test_a_definition_is_what_the_code_does():
    @feature("clips", "speaker")
    def clips(events):
        # a comment
        return events.group_by("speaker").agg(clips = pl.len())  # fmt: skip

    @feature("clips", "speaker")
    def other(events):
        return events.group_by("speaker").agg(clips=pl.len() + 1)

    here = sys.modules[__name__].clips
    assert clips.definition == here.definition, "comments, spaces and the docstring do not count"
    assert other.definition != here.definition
    assert here(EVENTS).schema == {"speaker": pl.String, "clips": pl.Int64}


def test_a_write_that_fails_is_completed_by_the_same_call(store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(type(store.online), "write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            materialise(store, at(3))
    assert lookup(store, ["ann"], when=at(3))["clips_why"][0] == "never"
    assert materialise(store, at(3))["new"].to_list() == [False, True]
    assert not parity(store, when=at(3)).height


WRITER = """
import sys
from kit.storage.serving import open_online
url, place, value, stamp, rows = sys.argv[1:]
online = open_online(url, place, "w")
print("ready", flush=True)
sys.stdin.readline()
while True:
    online.write("x", "d", ((f'"{n}"', int(stamp), value) for n in range(int(rows))))
    print("done", flush=True)
    if not sys.stdin.readline(): break
"""


def writer(url, place, value, stamp, rows):
    args = [sys.executable, "-c", WRITER, url, str(place), value, str(stamp), str(rows)]
    process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_killed_writer_of_sqlite_leaves_all_or_nothing(tmp_path):
    rows = 60_000
    online = open_online("", tmp_path, "w")
    online.write("x", "d", ((f'"{n}"', 1, "1") for n in range(rows)))
    process = writer("", tmp_path, "2", 2, rows)
    journal = tmp_path / "online.sqlite-wal"
    online._connected().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    go(process)
    while journal.stat().st_size < 200_000:  # in the middle of the transaction
        time.sleep(0.001)
    process.kill()
    process.wait()
    found = online.read(["x"], [f'"{n}"' for n in range(rows)])
    assert len({held for (held,) in found}) == 1
    online.write("x", "d", [('"0"', 3, "3")])
    assert online.read(["x"], ['"0"']) == [[(3, "d", 3)]]


def test_two_writers_both_land_and_the_newest_stays(online, tmp_path):
    pair = [writer(online, tmp_path, str(n), n, 2000) for n in (7, 8)]
    for _ in range(3):
        for process in pair:
            go(process)
        for process in pair:
            assert process.stdout.readline() == "done\n"
    for process in pair:
        process.communicate(timeout=60)
    found = open_online(online, tmp_path, "w").read(["x", "y"], [f'"{n}"' for n in range(2000)])
    assert found == [[(8, "d", 8), None]] * 2000


def test_two_processes_that_materialise_at_once_keep_one_copy(tmp_path):
    text = (
        "import sys\nsys.path.insert(0, sys.argv[2])\nimport test_online as t\n"
        "from kit.errors import KitError\n"
        "store = t.FeatureStore(sys.argv[1], [t.clips], t.EVENTS, online='')\n"
        "print('ready', flush=True)\nsys.stdin.readline()\n"
        "for day in range(6):\n"
        "    for _ in range(9):\n"
        "        try: t.materialise(store, t.at(day)); break\n"
        "        except KitError as error: assert error.code == 'conflict', error\n"
    )
    here = os.path.dirname(__file__)
    env = os.environ | {"PYTHONPATH": os.path.dirname(here)}
    args = [sys.executable, "-c", text, str(tmp_path / "store"), here]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    pair = [subprocess.Popen(args, text=True, env=env, **pipes) for _ in range(2)]
    for process in pair:
        assert process.stdout.readline() == "ready\n"
    for process in pair:
        go(process)
    for process in pair:
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0
    store = FeatureStore(tmp_path / "store", [clips], EVENTS, online="")
    kept = store.history("clips")
    assert kept.height == kept.n_unique() == 1 + 5 * 2
    assert not parity(store, when=at(5)).height


def test_two_stores_on_one_server_do_not_mix(online, tmp_path):
    one, two = (FeatureStore(tmp_path / n, [clips], EVENTS, online=online) for n in ("1", "2"))
    materialise(one, at(3))
    assert lookup(two, ["ann"], when=at(3))["clips_why"][0] == "never"


def test_latency_is_a_table(store):
    materialise(store, at(6))
    found = latency(store, ["ann", "bob", "zoe"], n=40)
    assert found["what"].to_list() == ["one key", "3 keys"]
    assert found["reads"].to_list() == [40, 2]
    assert (found["p50_us"] > 0).all()
    assert (found["p50_us"] <= found["p99_us"]).all()
    assert (found["p99_us"] <= found["most_us"]).all()
    assert found["backend"].to_list() == [store.online.kind] * 2


def test_the_environment_chooses_the_store(server, tmp_path, monkeypatch):
    monkeypatch.delenv("KIT_ONLINE_URL", raising=False)
    assert isinstance(open_online(None, tmp_path, "s"), SqliteOnline)
    monkeypatch.setenv("KIT_ONLINE_URL", server)
    assert isinstance(open_online(None, tmp_path, "s"), RedisOnline)
    assert isinstance(open_online("", tmp_path, "s"), SqliteOnline)


def test_a_server_that_is_gone_is_told(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = FeatureStore(tmp_path, [clips], EVENTS, online=f"redis://127.0.0.1:{port}/0")
    assert code(lookup, store, ["ann"]) == "online-down"
    assert code(materialise, store, at(3)) == "online-down"
    assert store.history("clips").height == 2, "the history is there; the same call goes on"
    assert code(open_online, "http://x", tmp_path, "s") == "online-url"
    assert code(open_online, "redis://x:port/0", tmp_path, "s") == "online-url"


def test_redis_is_optional():
    text = (
        "import sys; sys.modules['redis'] = None\n"
        "from kit.errors import KitError\n"
        "from kit.storage.serving import open_online\n"
        "print(open_online('', 'x', 's').kind)\n"
        "try: open_online('redis://localhost', 'x', 's')\n"
        "except KitError as error: print(error.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sqlite", "no-redis"]


def test_a_spoiled_file_is_told_and_can_be_made_anew(tmp_path):
    store = FeatureStore(tmp_path, [clips], EVENTS, online="")
    materialise(store, at(3))
    for file in tmp_path.glob("online.sqlite*"):
        file.unlink()
    (tmp_path / "online.sqlite").write_bytes(b"no database" * 500)
    again = FeatureStore(tmp_path, [clips], EVENTS, online="")
    assert code(lookup, again, ["ann"]) == "online-broken"
    (tmp_path / "online.sqlite").unlink()
    materialise(again, at(3))
    assert not parity(again, when=at(3)).height


def test_bad_definitions_and_calls_say_what_is_wrong(tmp_path):
    for name in ("two words", "speaker", "", 3):
        assert code(feature, name, "speaker") == "name"
    for ttl in (timedelta(0), -WEEK, 3):
        assert code(feature, "x", "speaker", ttl=ttl) == "duration"
    assert code(feature("x", "speaker"), len) == "no-source"
    assert code(feature("x", "speaker"), lambda events: events) == "no-source"
    other = feature("other", "word")(mean_snr.compute)
    assert code(FeatureStore, tmp_path, [clips, other], EVENTS) == "features"
    assert code(FeatureStore, tmp_path, [clips, clips], EVENTS) == "features"
    assert code(FeatureStore, tmp_path, [], EVENTS) == "features"
    store = FeatureStore(tmp_path, [clips, mean_snr], EVENTS, online="")
    assert code(lookup, store, ["ann"], ["nothing"]) == "unknown"
    assert code(lookup, store, [None]) == "key"
    assert code(lookup, store, [1.5]) == "key"
    assert code(materialise, store, DAY.replace(tzinfo=None)) == "time"
    assert code(materialise, store, "now") == "time"
    assert code(latency, store, [], 5) == "not-positive"
    assert code(latency, store, ["ann"], 0) == "not-positive"
    assert code(store.history, "clips") == "no-table"
    naive = EVENTS.with_columns(pl.col("time").dt.replace_time_zone(None))
    assert code(materialise, FeatureStore(tmp_path, [clips], naive), at(3)) == "type"
    lacking = EVENTS.drop("time")
    assert code(materialise, FeatureStore(tmp_path, [clips], lacking), at(3)) == "columns"


def test_a_function_that_returns_something_else_is_told(tmp_path):
    def made(back):
        def compute(events):
            return back

        return feature("clips", "speaker")(compute)

    rows = EVENTS.select("speaker", clips=1)
    assert code(made(rows), EVENTS) == "feature", "a key twice"
    assert code(made(rows.with_columns(speaker=None)), EVENTS) == "feature"
    assert code(made(rows.drop("clips")), EVENTS) == "columns"
    assert code(made(None), EVENTS) == "table"
    assert code(made(EVENTS[:1].select("speaker", clips="time")), EVENTS) == "type"
