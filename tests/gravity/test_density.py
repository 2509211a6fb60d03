import numpy as np
import pytest

from kit.errors import KitError
from kit.gravity import information_density, selection_gain

RNG = np.random.default_rng(0)
NOISE = [RNG.bytes(5000) for _ in range(20)]


def test_noise_is_all_information():
    d = information_density(NOISE)
    assert (d.records, d.distinct, d.duplicate_share) == (20, 20, 0)
    assert d.entropy_bits_per_byte == pytest.approx(8, abs=0.01)
    assert d.bits_per_byte == pytest.approx(8, abs=0.1)


def test_a_million_copies_of_one_image_say_one_image():
    many = information_density(NOISE[:1] * 1000)
    assert many.distinct == 1
    assert many.duplicate_share == pytest.approx(0.999)
    assert many.bits_per_byte < 0.01


def test_zeros_say_nothing():
    d = information_density([bytes(100_000)])
    assert d.entropy_bits_per_byte == 0
    assert d.bits_per_byte < 0.01


def test_entropy_of_two_equally_likely_bytes_is_one_bit():
    assert information_density([b"\x00\xff" * 500]).entropy_bits_per_byte == pytest.approx(1)


def test_deduplication_gains_total_over_distinct_bytes():
    crawl = NOISE + NOISE[::2]
    gain = selection_gain(information_density(crawl), information_density(NOISE))
    assert gain == pytest.approx(30 / 20)


def test_records_of_unlike_size_count_by_bytes():
    d = information_density([b"a" * 900, b"a" * 900, b"b" * 100])
    assert d.duplicate_share == pytest.approx(900 / 1900)


def test_any_buffer_will_do_and_empty_records_are_counted():
    array = np.arange(10, dtype=np.int16)
    d = information_density([array, array.tobytes(), b"", memoryview(b"xyz")])
    assert (d.records, d.distinct, d.total_bytes) == (4, 3, 43)


@pytest.mark.parametrize("empty", [[], [b""], iter(())])
def test_an_empty_corpus_is_refused(empty):
    with pytest.raises(KitError, match="empty"):
        information_density(empty)
