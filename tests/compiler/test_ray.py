"""The engine for clusters makes the bytes that the local one makes, and stops as clearly."""

import os
import shutil
import signal

import pytest

from kit.compiler.dataset import Compiled
from kit.compiler.engine import Engine
from kit.errors import KitError

ray = pytest.importorskip("ray", reason="the engine ray needs Ray")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """Ray on this machine, once for all tests here; it is slow to start."""
    from kit.compiler.on_ray import _started

    _started(2)
    yield
    ray.shutdown()


def square(task):
    if task == 13:
        raise KitError("thirteen is not for me", found=task, code="unlucky")
    return task**2


def test_tasks_come_back_once_each():
    with Engine("ray", 2) as engine:
        assert sorted(engine.run(square, [1, 2, 3, 4, 5])) == [1, 4, 9, 16, 25]
        assert list(engine.run(square, [])) == []


def test_a_fault_of_a_task_arrives_as_it_was():
    with pytest.raises(KitError, match="thirteen is not for me: found 13") as fault:
        list(Engine("ray", 2).run(square, [12, 13, 14]))
    assert fault.value.code == "unlucky"


def fall(task):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_again_and_again_is_told():
    with pytest.raises(KitError, match="a worker process was ended from outside") as fault:
        list(Engine("ray", 2).run(fall, [1]))
    assert fault.value.code == "worker"


def test_both_engines_make_the_same_bytes(shop, librivox, tmp_path, monkeypatch):
    """Words, sentences to align, synthesis, duplicates, dead letters, and copies of clips."""
    for path in librivox.rglob("*"):
        if path.suffix in (".wav", ".flac", ".txt"):
            (shop.home / "book").mkdir(exist_ok=True)
            shutil.copy(path, shop.home / "book")
    one = next((shop.raw / "no").iterdir())
    shutil.copy(one, shop.raw / "yes" / "0f00_nohash_0.wav")
    (shop.raw / "yes" / "0f01_nohash_0.wav").write_bytes(b"no sound")
    parts = {
        "source": [
            {"kind": "speech-commands", "path": "raw"},
            {"kind": "librivox", "path": "book", "align": True},
            {"kind": "synthesis", "words": ["yes", "no"], "voices": ["en-us+f4", "en-gb"]},
        ],
        "split": {"test_speakers": ["00a1"]},
        "augment": {"use": "kit_test_hook:change", "copies": 1},
    }
    (tmp_path / "kit_test_hook.py").write_text(
        "def change(clip, rate, rng):\n    return clip // int(rng.integers(2, 5))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    shop.compile(engine="local", **parts)
    run = shop.compile(engine="ray", workers=2, output=shop.home / "ray", **parts)
    assert (run.engine, run.changed) == ("ray", True)
    assert shop.stored() == shop.stored("ray")
    local, other = shop.data, Compiled(shop.home / "ray")
    assert local.clips.equals(other.clips)
    assert local.letters.equals(other.letters)
    assert local.duplicates.equals(other.duplicates)
    assert local.letters.height
    assert local.duplicates.height
    assert local.clips["copy"].max() == 1
    again = shop.compile(engine="local", output=shop.home / "ray", **parts)
    assert (again.changed, again.made) == (False, 0)  # one engine goes on where another ended


def test_a_broken_recipe_stops_a_run_on_ray(shop):
    source = [{"kind": "synthesis", "words": ["yes"], "voices": ["en-us", "nobody"]}]
    with pytest.raises(KitError, match="no such voice: found 'nobody'"):
        shop.compile(engine="ray", workers=2, source=source)
