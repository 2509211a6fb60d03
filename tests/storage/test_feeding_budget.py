"""The bandwidth budget: the chapter's figures by hand, a simulated loader, limits, errors."""

import numpy as np
import polars as pl
import pytest
from helpers import code, finite

from kit import gravity
from kit.claims import claim
from kit.storage import feeding
from kit.storage.feeding import Consumer, bandwidth_budget, chapter_consumers
from kit.storage.tiers import chapter_tiers

CHAPTER = chapter_consumers()
TRAINING = CHAPTER["A100, training, JPEG"]
INFERENCE = CHAPTER["A100, inference, decoded FP32"]


def row(table, tier):
    return table.row(by_predicate=pl.col("tier") == tier, named=True)


# --- what is needed


@pytest.mark.parametrize(
    ("name", "gbs"),
    [("A100, inference, decoded FP32", 312e12 / 4.1e9 * 224 * 224 * 3 * 4 / 1e9),
     ("A100, training, JPEG", 312e12 / 12.3e9 * 150e3 / 1e9),
     ("GPU of the loader figure, JPEG", 0.45), ("eight GPUs, decoded bytes", 6.02112),
     ("eight GPUs, JPEG", 6.0)],
)  # fmt: skip
def test_the_rates_of_the_chapter(name, gbs):
    assert CHAPTER[name].need_gbs == pytest.approx(gbs)


def test_claims_4_and_5_differ_by_images_and_by_bytes():
    found = feeding.difference(INFERENCE, TRAINING)
    assert found["samples"] == pytest.approx(3)
    assert found["bytes"] == pytest.approx(602_112 / 150_000)
    assert found["total"] == pytest.approx(INFERENCE.need_gbs / TRAINING.need_gbs)
    assert found["total"] == pytest.approx(12.04, abs=0.01)
    assert claim(5).recomputed()["factor"] == pytest.approx(found["total"])


def test_a_clip_has_32_kb():
    assert feeding.clip_bytes() == 32_000
    assert Consumer("speech", 2.5e6, feeding.clip_bytes()).need_gbs == pytest.approx(80)


# --- who waits


def loader(c, load, steps, ahead):
    """Share of time that a device waits, step by step: `ahead` batches may lie in the buffer."""
    done_load, done_c = [], []
    for i in range(steps):
        free = done_c[i - ahead - 1] if i > ahead else 0.0  # room in the buffer
        done_load.append(max(done_load[-1] if done_load else 0.0, free) + load)
        done_c.append(max(done_c[-1] if done_c else 0.0, done_load[-1]) + c)
    return 1 - steps * c / done_c[-1]


@pytest.mark.parametrize("load", [0.2, 1.0, 3.0])
def test_waiting_is_what_a_simulated_loader_waits(load):
    ahead = feeding.waiting_share(load, 1.0)
    assert loader(1.0, load, 20_000, ahead=1) == pytest.approx(ahead, abs=1e-3)
    assert ahead == pytest.approx(gravity.feeding_tax(load, 1.0))
    in_turn = feeding.waiting_share(load, 1.0, 0.0)
    assert loader(1.0, load, 2_000, ahead=0) == pytest.approx(in_turn)
    assert in_turn == pytest.approx(load / (1 + load))


def test_more_overlap_and_more_storage_wait_less():
    have, overlap = np.linspace(0.1, 10, 40), np.linspace(0, 1, 11)[:, None]
    found = feeding.waiting_share(3.8, have, overlap)
    assert (np.diff(found, axis=0) < 0).all()
    assert (np.diff(found, axis=1) <= 1e-15).all()
    assert ((found >= 0) & (found < 1)).all()


def test_one_after_another_waits_half_the_time_at_a_rate_that_seems_enough():
    assert feeding.waiting_share(3.8, 3.8) == 0
    assert feeding.waiting_share(3.8, 3.8, 0.0) == 0.5


# --- how many


def test_claim_7_threads_and_what_latency_makes_of_them():
    need = (TRAINING.samples_per_s, TRAINING.bytes_per_sample, 0.1)
    assert feeding.connections_needed(*need) == 39  # 38.05
    assert feeding.connections_needed(*need, 0.02) == np.ceil(25_365.85 * (0.02 + 0.0015))
    counts = feeding.connections_needed(*need, np.linspace(0, 0.05, 20))
    assert (np.diff(counts) > 0).all()


@pytest.mark.parametrize("random", [False, True])
def test_the_units_needed_are_just_enough(random):
    for name, needed in bandwidth_budget(TRAINING, random=random)["tier", "units_needed"].rows():
        enough = row(bandwidth_budget(TRAINING, units=needed, random=random), name)
        assert enough["waits_overlapped"] == pytest.approx(0, abs=1e-12)
        if needed > 1:
            short = row(bandwidth_budget(TRAINING, units=needed - 1, random=random), name)
            assert short["waits_overlapped"] > 0


# --- the table


def test_claim_6_a_sata_disk():
    found = row(bandwidth_budget(TRAINING), "SATA SSD")
    assert found["samples_per_s"] == pytest.approx(3_333.3, abs=0.1)
    assert 1 - found["waits_overlapped"] == pytest.approx(0.1314, abs=1e-4)
    assert found["bound_by"] == "storage"
    assert found["units_needed"] == 8
    small = row(bandwidth_budget(CHAPTER["GPU of the loader figure, JPEG"]), "SATA SSD")
    assert (small["waits_overlapped"], small["bound_by"]) == (0, "device")


def test_decoding_can_be_what_is_slow():
    consumer = CHAPTER["GPU of the loader figure, JPEG"]
    for workers, bound in ((8, "decoding"), (12, "device")):
        found = row(bandwidth_budget(consumer, workers=workers, per_worker=250), "local NVMe")
        assert found["bound_by"] == bound
        assert found["samples_per_s"] == min(250 * workers, 3_000)
        assert found["waits_overlapped"] == pytest.approx(1 - found["samples_per_s"] / 3_000)
        in_turn = 1 / 3_000 + 150e3 / 5e9 + 1 / (250 * workers)
        assert found["waits_serial"] == pytest.approx(1 - 1 / 3_000 / in_turn)
    assert gravity.workers_needed(3_000, 250) == 12


def test_reads_in_any_order():
    one, many = (bandwidth_budget(TRAINING, random=True, in_flight=n) for n in (1, 64))
    assert row(one, "local NVMe")["have_gbs"] == pytest.approx(150e3 / (1e-4 + 3e-5) / 1e9)
    assert row(many, "local NVMe")["have_gbs"] == 5
    for name in ("hard disk", "object store"):  # one arm; a connection has one request
        assert row(one, name) == row(many, name)
    large = bandwidth_budget(TRAINING, random=True, object_bytes=1e12)
    ahead = bandwidth_budget(TRAINING)
    assert large["have_gbs"].to_list() == pytest.approx(ahead["have_gbs"].to_list(), rel=1e-3)


def test_a_network_can_be_too_slow_for_any_number():
    found = row(bandwidth_budget(TRAINING, units=100, link_gbps=10), "object store")
    assert found["have_gbs"] == 1.25
    assert found["units_needed"] is None
    assert row(bandwidth_budget(TRAINING, link_gbps=10), "SATA SSD")["units_needed"] == 8
    assert finite(bandwidth_budget(TRAINING))


# --- columns and codecs


def test_claim_20_columns():
    assert feeding.useful_share(20, 100) == 0.2
    assert feeding.useful_share(20, 100, 2, 1) == pytest.approx(1 / 3)
    assert feeding.useful_share([1, 100], 100).tolist() == [0.01, 1]
    assert code(feeding.useful_share, 101, 100) == "not-possible"


def test_claim_21_codecs():
    gzip, snappy = (feeding.packed_epoch_s(100, 1, 1e9, rate) for rate in (0.12, 0.5))
    assert gzip / 60 == pytest.approx(13.89, abs=0.01)
    assert snappy / 60 == pytest.approx(3.33, abs=0.01)
    assert (gzip - snappy) * 50 / 3600 == pytest.approx(8.80, abs=0.01)


def test_the_tighter_codec_wins_on_slow_storage():
    even = feeding.break_even_read_gbs(7, 0.12, 2.5, 0.5)
    assert even == pytest.approx(0.0406, abs=1e-4)
    for factor, wins in ((0.9, True), (1.1, False)):
        tight, quick = (feeding.packed_epoch_s(100, r, even * factor, g)
                        for r, g in ((7, 0.12), (2.5, 0.5)))  # fmt: skip
        assert (tight < quick) == wins
    assert feeding.break_even_read_gbs(7, 0.12, 2.5, 0.5, 4) == pytest.approx(4 * even)
    assert feeding.break_even_read_gbs(7, 1, 2.5, 0.5) == np.inf
    assert feeding.break_even_read_gbs(2, 0.12, 2.5, 0.5) == 0
    plain = feeding.break_even_read_gbs(3, 0.6, 1, np.inf)  # against no codec
    assert feeding.packed_epoch_s(9, 3, plain, 0.6) == pytest.approx(9 / plain)


def test_unpacking_while_reading():
    both = feeding.packed_epoch_s(100, 4, 0.1, 0.5, overlapped=True)
    assert both == max(100 / 4 / 0.1, 100 / 0.5)
    assert feeding.packed_epoch_s(100, 4, 0.1, 0.5) == pytest.approx(450)
    assert feeding.packed_epoch_s(100, 4, 0.1, 0.5) == pytest.approx(
        gravity.epoch_time_s(1, 25e9, 0.1, decode_s=200)
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [(lambda: feeding.waiting_share(0, 1), "not-positive"),
     (lambda: feeding.waiting_share(1, 1, 2), "not-share"),
     (lambda: feeding.connections_needed(1, 1, 1, -1), "not-nonnegative"),
     (lambda: bandwidth_budget(TRAINING, units=0), "not-count"),
     (lambda: bandwidth_budget(TRAINING, in_flight=0), "not-count"),
     (lambda: bandwidth_budget(TRAINING, []), "empty"),
     (lambda: bandwidth_budget(TRAINING, workers=0, per_worker=1), "not-count"),
     (lambda: bandwidth_budget(TRAINING._replace(samples_per_s=-1)), "not-nonnegative"),
     (lambda: bandwidth_budget(TRAINING, link_gbps=0), "not-positive")],
)  # fmt: skip
def test_impossible_input(call, expected):
    assert code(call) == expected


def test_the_tiers_are_those_of_the_comparison():
    assert bandwidth_budget(TRAINING)["tier"].to_list() == [t.name for t in chapter_tiers()]
