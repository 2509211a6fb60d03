"""Probes measure for real; tests ask for sense, honesty and clean-up, never for speed."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kit import measure
from kit.errors import KitError
from kit.measure import disk
from kit.measure.ladder import RUNGS, _cycle
from kit.measure.machine import filesystem, usable_cores


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_PROBE_DIR", str(tmp_path))
    return tmp_path


def test_facts_are_of_this_machine():
    facts = measure.machine_facts()
    assert 1 <= facts["cores"] <= os.cpu_count()
    assert facts["memory_gb"] > 0.5
    assert facts["versions"]["polars"]
    assert facts["processor"]


def test_memory_rates_have_the_right_unit():
    for probe in (measure.memory_copy, measure.memory_read):
        m = probe(32 * 2**20)
        assert m.unit == "GB/s"
        assert 0.1 < m.value < 5000
        assert m.spread[0] <= m.value <= m.spread[1]


def test_ceilings_for_all_cores():
    both = measure.memory_copy(2**24, threads=2)
    assert (both.unit, both.name) == ("GB/s", "memory copy, 2 cores")
    assert 0.5 < both.value < 2000
    product = measure.matrix_product(256)
    assert product.unit == "GFLOP/s"
    assert 0.5 < product.value < 20_000
    with pytest.raises(KitError, match="threads is not possible"):
        measure.memory_copy(threads=0)


def test_short_memory_is_said(monkeypatch):
    monkeypatch.setattr("kit.measure.memory.memory_free", lambda: 32 * 2**20)
    assert "memory is short" in measure.memory_copy().note


def test_disk_probes_clean_up_and_stay_within_their_bound(scratch):
    found = measure.disk_sequential(seconds=0.4, max_bytes=64 * 2**20)
    found += measure.disk_random(seconds=0.4, max_bytes=32 * 2**20)
    assert [m.unit for m in found] == ["GB/s", "GB/s", "µs", "µs"]
    assert all(m.value > 0 for m in found)
    assert not list(scratch.iterdir())


def test_the_scratch_file_never_exceeds_its_limit(scratch):
    with disk._scratch(None, seconds=5, max_bytes=20 * 2**20) as path:
        assert path.stat().st_size == 20 * 2**20
        assert path.parent.parent == scratch
    assert not list(scratch.iterdir())


def test_an_interrupted_probe_leaves_nothing(scratch):
    with pytest.raises(KeyboardInterrupt), disk._scratch(None, 1, 2**25):
        raise KeyboardInterrupt
    assert not list(scratch.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="page cache control is Linux only")
def test_dropping_the_cache_is_verified_page_by_page(scratch):
    path = scratch / "file.bin"
    path.write_bytes(os.urandom(2**22))
    path.read_bytes()
    assert disk.cached_share(path) > 0.9
    if filesystem(scratch) in ("ext4", "xfs", "btrfs"):
        assert measure.drop_cache(path)
        assert disk.cached_share(path) < 0.05


def test_a_file_system_that_defeats_the_probe_is_named(scratch, monkeypatch):
    monkeypatch.setattr(disk, "drop_cache", lambda path: False)
    cold, _ = measure.disk_random(seconds=0.2, max_bytes=2**25)
    assert "could not be emptied" in cold.note


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/shm")
def test_tmpfs_is_found_out():
    if filesystem("/dev/shm") != "tmpfs":
        pytest.skip("no tmpfs at /dev/shm")
    assert "tmpfs" in measure.disk_random("/dev/shm", seconds=0.2, max_bytes=2**25)[0].note


def test_a_full_disk_is_a_sentence(scratch, monkeypatch):
    usage = type("Usage", (), {"free": 10 * 2**20})
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(KitError, match="too little free disk.*KIT_PROBE_DIR"):
        measure.disk_sequential()
    assert not list(scratch.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_a_disk_that_fills_up_while_writing(tmp_path, monkeypatch):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(small)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("may not mount a tmpfs here")
    try:
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda p: type("U", (), {"free": 2**40}))
        with pytest.raises(KitError, match="No space left.*KIT_PROBE_DIR"):
            measure.disk_sequential(small)
        assert not list(small.iterdir())
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_folder_that_is_not_there():
    with pytest.raises(KitError, match="KIT_PROBE_DIR"):
        measure.disk_random("/no/such/folder")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody may write in")
def test_a_read_only_folder():
    with pytest.raises(KitError, match="KIT_PROBE_DIR"):
        measure.open_cost("/proc/self")


def test_open_cost_counts_every_file(scratch):
    m = measure.open_cost(files=20)
    assert m.runs == 20
    assert not list(scratch.iterdir())


def test_loopback(monkeypatch):
    rate, delay = measure.loopback_throughput(0.1), measure.loopback_latency(200)
    assert (rate.unit, delay.unit) == ("GB/s", "µs")
    assert rate.value > 0.01
    assert 1 < delay.value < 1e5


def test_no_network_is_a_sentence(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("Cannot assign requested address")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(KitError, match="no loopback network"):
        measure.loopback_latency()
    with pytest.raises(KitError, match="no loopback network"):
        measure.coordination(nodes=2, megabytes=1)


def test_the_ladder_goes_on_without_network_and_disk(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("Cannot assign requested address")

    monkeypatch.setattr(socket, "create_server", refuse)
    found = measure.ladder_measurements("/no/such/folder")
    assert list(found) == ["L1 cache", "L2 cache", "main memory"]
    assert measure.latency_ladder(found)["measured_ns"].to_list()[3:] == [None] * 5


def test_doctor_goes_on_without_a_network(monkeypatch):
    monkeypatch.setattr(
        "kit.measure.checkup._PROBES",
        (("network", measure.loopback_latency), ("decode", lambda: measure.wav_decode(5))),
    )
    monkeypatch.setattr(socket, "create_server", lambda *a, **k: (_ for _ in ()).throw(OSError()))
    seen = measure.doctor(progress=False)
    assert [m.name for m in seen.measurements] == ["WAV decode, one core"]
    assert seen.failed[0][0] == "network"
    assert "not measured" in str(seen)
    assert "not measured" in seen._repr_html_()


def test_decode_rates():
    assert measure.wav_decode(clips=20).unit == "clips/s"
    assert measure.parquet_decode(rows=1000).value > 0


def test_the_pointer_chase_visits_every_line_once():
    cycle = _cycle(1000)
    at, seen = int(cycle[0]), set()
    for _ in range(1000):
        seen.add(at)
        at = int(cycle[at])
    assert len(seen) == 1000
    assert {i % 8 for i in seen} == {0}  # one entry a cache line


def test_the_ladder_has_all_rungs_and_says_what_it_cannot_measure(scratch):
    ladder = measure.latency_ladder()
    assert ladder["rung"].to_list() == [rung for rung, _ in RUNGS]
    seen = ladder["measured_ns"].to_list()
    assert all(x > 0 for x in seen[:5])
    assert seen[5:] == [None] * 3
    assert ladder["note"][5].startswith("not measured")
    # the closer the level the quicker, by physics and not by luck
    assert seen[0] < seen[2] < seen[3]
    assert ladder["chapter_human_s"][0] == 1.0


def test_the_bandwidth_ladder_takes_what_the_probes_found():
    found = [measure.Measurement.of("memory read, one core", [20.0, 30.0], "GB/s")]
    ladder = measure.bandwidth_ladder(found)
    assert ladder["measured_gbs"].to_list() == [25.0] + [None] * 5
    assert ladder["chapter_high_gbs"].to_list() == [200, 12.5, 7, 0.5, 0.5, 0.2]
    assert (ladder["chapter_low_gbs"] <= ladder["chapter_high_gbs"]).all()
    probes = {m for *_, m in measure.ladder.RATES if m}
    names = {m.name for m in measure.disk_sequential(seconds=0.2, max_bytes=2**25)}
    names |= {measure.memory_read(2**24).name, measure.loopback_throughput(0.05).name}
    assert probes <= names


def test_scaling_counts_processes(sample):
    times = measure.scaling(measure.clip_work, sample, workers=[1, 2])
    assert list(times) == [1, 2]
    table = measure.scaling_table(times)
    assert table["speedup"][0] == 1.0
    assert table["speedup"][1] == pytest.approx(times[1].value / times[2].value)


def test_gather_and_reduce_find_the_same_mean():
    gather, reduce = measure.coordination(nodes=3, megabytes=1, rounds=3)
    assert gather.value > 0
    assert reduce.value > 0


def test_too_many_nodes_for_the_memory():
    with pytest.raises(KitError, match="too little memory"):
        measure.coordination(nodes=10, megabytes=10**6)


def test_clip_work_depends_on_the_sound(sample):
    assert measure.clip_work(sample[0]) != measure.clip_work(sample[1])
    assert np.isfinite(measure.clip_work(sample[0]))


def test_epochs_of_the_sample_in_all_layouts(sample, scratch):
    rates = measure.epoch_rates(sample)
    predicted = measure.predict_epochs(sample, rates)
    times = measure.epoch_times(sample, runs=3)
    table = measure.epoch_table(predicted, times)
    assert table["layout"].to_list() == list(measure.LAYOUTS)
    assert (table["ratio"] == table["measured_s"] / table["predicted_s"]).all()
    assert predicted["files, cold"] > predicted["files, cached"] > predicted["memory"]
    assert not list(scratch.iterdir())


def test_paths_may_be_text_and_a_corpus_too_large_is_refused(sample, monkeypatch):
    texts = [str(p) for p in sample[:3]]
    assert measure.epoch_times(texts, runs=3)["memory"].value > 0
    monkeypatch.setattr("kit.measure.epoch.memory_free", lambda: 3 * 1000)
    with pytest.raises(KitError, match=r"paths\[::10\]"):
        measure.epoch_times(sample)


def test_cold_says_when_it_is_not(sample, monkeypatch):
    monkeypatch.setattr("kit.measure.epoch.drop_cache", lambda path: False)
    times = measure.epoch_times(sample[:3], runs=3)
    assert "not really cold" in times["files, cold"].note
    assert times["files, cached"].note == ""


def test_the_causes_of_a_gap_add_up_to_it(sample, scratch):
    rates = measure.epoch_rates(sample, seconds=0.4)
    times = measure.epoch_times(sample, runs=3)
    causes = measure.epoch_gap(sample, rates, times, runs=3)
    gap = times["files, cold"].value - measure.predict_epochs(sample, rates)["files, cold"]
    assert sum(causes.values()) == pytest.approx(gap)
    assert len(causes) == 3


def test_no_recordings_is_an_error():
    with pytest.raises(KitError, match="no recordings"):
        measure.epoch_times([])


def test_probe_folder_can_be_chosen(scratch):
    assert measure.machine.probe_folder() == Path(scratch)
    assert usable_cores() >= 1
