"""Memory is bounded by the shard: four times the clips need more for their tables alone."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

RATE, MB = 16_000, 2**20
RUN = """
import json, sys
from kit.compiler.run import compile_recipe

if __name__ == "__main__":
    run = compile_recipe(sys.argv[1], sys.argv[2], workers=2)
    print(json.dumps([run.data.clips.height, run.made, run.seconds]))
"""


def babble(rng):
    """int16[12800]: gliding harmonics that come and go, before and after a little noise."""
    time_s = np.arange(9600) / RATE
    phase = 2 * np.pi * (rng.uniform(80, 300) * time_s + rng.uniform(-40, 40) * time_s**2)
    sound = np.zeros(9600)
    for k in range(1, 8):
        middle_s, width_s = rng.uniform(0, 0.6), rng.uniform(0.05, 0.3)
        swell = np.exp(-(((time_s - middle_s) / width_s) ** 2))
        sound += rng.uniform(0, 1) * swell * np.sin(k * phase + rng.uniform(0, 6))
    sound = np.pad(sound / np.abs(sound).max(), 1600) + rng.normal(0, 2e-3, 12_800)
    return np.rint(sound * 16_384).astype(np.int16)


def fill(folder, numbers):
    """Write a clip for each number; one in ten is the clip before it, made softer."""
    for number in numbers:
        sound = babble(np.random.default_rng(number - number % 10 // 9))
        path = folder / f"word{number % 10}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound // (1 + number % 10 // 9), RATE)


def peaks(recipe, output):
    """(result, driver, worker) of a run with two workers; peaks of memory in MB.

    worker: the larger of the two. The kernel keeps the peak of each process (VmHWM), so looking
    now and then misses nothing but what happens in a process's last moments.
    """
    # workers import the file that started them, so it must be one
    script = Path(recipe).with_name("run_it.py")
    script.write_text(RUN)
    command = [sys.executable, script, recipe, output]
    # a fixed threshold: large arrays go back to the system at once, and peaks repeat within 3 MB
    steady = os.environ | {"MALLOC_MMAP_THRESHOLD_": "1000000"}
    run = psutil.Popen(command, stdout=subprocess.PIPE, text=True, env=steady)
    found = {}
    while run.poll() is None:
        for process in [run, *run.children(recursive=True)]:
            found[process.pid] = max(found.get(process.pid, 0), high_water_mb(process.pid))
        time.sleep(0.05)
    assert run.returncode == 0
    driver = found.pop(run.pid)
    return json.loads(run.stdout.read()), driver, max(found.values())


def high_water_mb(pid):
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(x.split()[1]) / 1024 for x in lines if x.startswith("VmHWM")), 0)


def recipe(shop, **parts):
    source = [{"kind": "folder", "path": "raw"}]
    return shop.recipe(source=source, shard_clips=128, split={"by": ["source_id"]}, **parts)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read from /proc")
def test_four_times_the_clips_need_little_more_memory(bare, capsys):
    fill(bare.raw, range(500))
    few, *small = peaks(recipe(bare), bare.home / "few")
    fill(bare.raw, range(500, 2000))
    many, *large = peaks(recipe(bare), bare.home / "many")
    assert (few[0], many[0]) == (450, 1800)
    with capsys.disabled():
        print(f"\npeaks of driver and worker in MB: 500 clips {small}, 2000 clips {large}")
    waveforms_mb = 1500 * RATE * 2 / MB
    for before, after in zip(small, large, strict=True):
        assert after - before < waveforms_mb / 3


if os.environ.get("KIT_FULL") == "1":

    @pytest.mark.timeout(3600)
    def test_fifty_thousand_clips_stay_below_two_gigabytes(bare, capsys):
        fill(bare.raw, range(50_000))
        result, driver, worker = peaks(recipe(bare), bare.home / "out")
        with capsys.disabled():
            print(f"\n{result}, driver {driver:.0f} MB, worker {worker:.0f} MB")
        assert driver + 2 * worker < 2000
