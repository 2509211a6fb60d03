"""How much of a corpus is information: bytes, entropy, compressibility, duplicates."""

import hashlib
from dataclasses import dataclass

import numpy as np

from kit.errors import KitError


@dataclass(frozen=True)
class Density:
    """What a corpus holds. Sizes in bytes; shares from 0 to 1.

    information_bytes is the compressed size of the distinct records: an upper bound on their
    information, for no compressor reaches the true entropy (Shannon 1948).
    """

    records: int
    distinct: int
    total_bytes: int
    distinct_bytes: int
    information_bytes: int
    entropy_bits_per_byte: float

    @property
    def duplicate_share(self):
        """Share of the bytes that repeats an earlier record exactly."""
        return 1.0 - self.distinct_bytes / self.total_bytes

    @property
    def bits_per_byte(self):
        """Information density: bits of information for each byte that is moved (0 to 8)."""
        return 8.0 * self.information_bytes / self.total_bytes


def information_density(records, compressed_size=None):
    """Density of `records`, an iterable of bytes-like objects (payload only, no file headers).

    compressed_size: function of a record (memoryview of bytes) that returns the bytes left by a
    compressor that suits the data; Zstandard by default. Each distinct record (by SHA-256) is
    compressed on its own, so likeness between records is not counted. A record never counts for
    more than its size. Memory: one record, and a digest for each distinct one.
    """
    size_of = compressed_size or _zstandard()
    seen, counts = set(), np.zeros(256, np.int64)
    number = total = distinct = compressed = 0
    for record in records:
        data = _bytes_of(record)
        number, total = number + 1, total + data.nbytes
        digest = hashlib.sha256(data).digest()
        if digest in seen:
            continue
        seen.add(digest)
        distinct += data.nbytes
        counts += np.bincount(np.frombuffer(data, np.uint8), minlength=256)
        compressed += min(size_of(data), data.nbytes) if data.nbytes else 0
    if not total:
        raise KitError(
            "the corpus is empty",
            found=f"{number} records of 0 bytes",
            allowed="at least one record with content",
            code="empty",
        )
    return Density(number, len(seen), total, distinct, compressed, _entropy(counts))


def _zstandard(level=9):
    import pyarrow as pa

    codec = pa.Codec("zstd", compression_level=level)
    return lambda data: codec.compress(data).size


def _bytes_of(record):
    try:
        return memoryview(record).cast("B")
    except TypeError as cause:
        raise KitError(
            "a record is not bytes",
            found=record,
            allowed="an iterable of bytes, bytearrays, memoryviews or contiguous arrays",
            code="not-bytes",
        ) from cause


def selection_gain(before, after):
    """How many times more information a moved byte of `after` carries than one of `before`.

    Both are Density records. The transfer rate cancels out of entropy / gravity, so the gain
    does not depend on the link. A change that loses information can score below 1.
    """
    return after.bits_per_byte / before.bits_per_byte


def _entropy(counts):
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum()) + 0.0  # + 0.0 turns -0.0 into 0.0
