"""A run that is killed at any moment loses nothing, doubles nothing, and can be taken up again."""

import json
import random
import shutil
import subprocess
import sys
import time

import pytest

from kit.compiler import link
from kit.compiler.dataset import Compiled

KILLS = 20
SMITHY = """
# forks a run for every line, once everything is imported, and kills it on its way
import json, os, signal, sys, time
import deltalake, numba, pocketsphinx
from kit.compiler import lineage, run
import kit.audio.cpu, kit.audio.quality, kit.audio.synthesize

def files(folder):
    return sum(len(names) for _, _, names in os.walk(folder))

lineage.commit_now = lambda: "test"
lineage.libraries()
print("ready", flush=True)
for line in sys.stdin:
    recipe, output, workers, most, wait_s = json.loads(line)
    if not (child := os.fork()):
        os.setpgid(0, 0)
        run.compile_recipe(recipe, output, workers=workers)
        os._exit(0)
    os.setpgid(child, child)  # whichever comes first
    done = 0
    while not done and (most is None or files(output) < most):
        time.sleep(0.002)
        done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        time.sleep(wait_s)
        os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    print(status, flush=True)
"""


@pytest.fixture
def run(shop):
    """A function: exit status of a run into the folder `output`.

    It is killed, processes and all, wait_s after there are `most` files in the folder.
    """
    smithy = subprocess.Popen(
        [sys.executable, "-c", SMITHY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for word in ("seven", "water"):
        shutil.rmtree(shop.raw / word)
    recipe = shop.recipe(shard_clips=2)

    def made(output, most=None, wait_s=0.0, workers=1):
        job = [str(recipe), str(shop.home / output), workers, most, wait_s]
        smithy.stdin.write(json.dumps(job) + "\n")
        smithy.stdin.flush()
        return int(smithy.stdout.readline())

    assert smithy.stdout.readline() == "ready\n"
    yield made
    smithy.stdin.close()
    smithy.wait()


def count(folder):
    return sum(p.is_file() for p in folder.rglob("*"))


def test_twenty_kills_at_random_moments_leave_no_trace(shop, run):
    """Half of them hit a fresh folder, by the clock; half, by the number of files that are
    there, the folder that the last kill left.
    """
    start = time.perf_counter()
    assert run("calm") == 0
    seconds = time.perf_counter() - start
    calm, every = shop.stored("calm"), count(shop.home / "calm")
    rng, killed = random.Random(0), 0
    moments = [(i + rng.random()) / KILLS for i in range(KILLS)]
    rng.shuffle(moments)
    for number, moment in enumerate(moments * 3):
        if number % 2:
            output, workers = f"fresh{number}", 1 + (number % 10 == 9)
            status = run(output, 0, moment * seconds * workers, workers)
        else:
            output, here = "again", count(shop.home / "again")
            status = run(output, round(here + moment * (every - here)), rng.random() / 50)
        assert status in (0, 9)
        killed += status == 9
        nothing_is_half_there(shop, output, calm)
        if number % 2 or count(shop.home / output) >= every or killed == KILLS:
            finished(shop, run, output, calm)
        if killed == KILLS:
            break
    assert killed == KILLS


def nothing_is_half_there(shop, output, calm):
    """What has its name is whole: each shard, each record, and all that a version names."""
    there = {k: v for k, v in shop.stored(output).items() if ".new-" not in k}
    folders = {k.rsplit("/", 1)[0] for k in there}
    assert there == {k: v for k, v in calm.items() if k.rsplit("/", 1)[0] in folders}
    if link.versions(shop.home / output):
        assert Compiled(shop.home / output).is_whole()


def finished(shop, run, output, calm):
    """Run once more without disturbance: everything is as if nothing had happened."""
    assert run(output) == 0
    folder = shop.home / output
    assert shop.stored(output) == calm
    assert Compiled(folder).clips.equals(Compiled(shop.home / "calm").clips)
    assert len(link.versions(folder)) == 1
    assert not list(folder.rglob(".new-*"))
    shutil.rmtree(folder)
