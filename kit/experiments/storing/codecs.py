"""What codecs make of a column, here: how small, how quickly packed and unpacked."""

import io
import time

import numpy as np
import polars as pl

from kit.errors import KitError
from kit.measure.timing import rehearsal

CODECS = ("gzip", "zstd", "snappy", "lz4", "flac")
_BLOCK = 1_000_000  # B; a page of Parquet is about as large
_SPREAD = (0.5, 0.1, 0.9)


def codecs(parts, names=CODECS, budget_s=8.0, rate=16_000):
    """Pack and unpack bytes: polars table, a row a part and codec.

    parts: dict of name -> array of numbers; flac takes int16 alone. budget_s: rounds go on until it
    is spent, 3 at least; in each every codec has a turn, so that a busy moment hits all. rate: Hz,
    for flac.
    Columns: part, codec, ratio (bytes over packed bytes), pack_gbs, unpack_gbs (of plain bytes, one
    core, 1e9 B/s), unpack_low, unpack_high (10 to 90 % of the rounds), runs. Codecs are those of
    Arrow at their default levels, and of libsndfile. Every part is compared after unpacking.
    """
    tools = {
        (part, name): (pack, unpack, _blocks(values, name))
        for part, values in parts.items()
        for name in names
        if (made := _tool(name, values.dtype, rate))
        for pack, unpack in [made]
    }
    packed, seconds = {}, {key: ([], []) for key in tools}
    end, rounds = time.perf_counter() + budget_s / rehearsal(), 0
    while rounds < 3 or time.perf_counter() < end:
        for key, (pack, unpack, blocks) in tools.items():
            _turn(key, pack, unpack, blocks, packed, seconds)
        rounds += 1
    return pl.DataFrame([
        _row(*key, blocks, packed[key], *seconds[key]) for key, (_, _, blocks) in tools.items()
    ])  # fmt: skip


def _turn(key, pack, unpack, blocks, packed, seconds):
    t0 = time.perf_counter()
    made = [pack(b) for b in blocks]
    t1 = time.perf_counter()
    back = [unpack(m, b.nbytes) for m, b in zip(made, blocks, strict=True)]
    t2 = time.perf_counter()
    if key not in packed and any(
        bytes(x) != b.tobytes() for x, b in zip(back, blocks, strict=True)
    ):
        raise KitError("a codec does not give back what it was given", found=", ".join(key),
                       code="differs", remedy="do not use this version of it")  # fmt: skip
    packed[key] = sum(len(m) for m in made)
    seconds[key][0].append(t1 - t0)
    seconds[key][1].append(t2 - t1)


def _row(part, codec, blocks, size, packing, unpacking):
    plain = sum(b.nbytes for b in blocks)
    rates = plain / np.array(unpacking) / 1e9
    middle, low, high = np.quantile(rates, _SPREAD)
    return {"part": part, "codec": codec, "ratio": plain / size,
            "pack_gbs": float(plain / np.median(packing) / 1e9), "unpack_gbs": float(middle),
            "unpack_low": float(low), "unpack_high": float(high), "runs": len(rates)}  # fmt: skip


def _blocks(values, codec):
    """Arrays of about a megabyte each; one block for flac, which has frames of its own."""
    flat = np.ascontiguousarray(values).ravel()
    return np.array_split(flat, 1 if codec == "flac" else max(round(flat.nbytes / _BLOCK), 1))


def _tool(codec, dtype, rate):
    """(pack, unpack) of a codec, or None where it cannot take these numbers."""
    if codec == "flac":
        return (lambda block: _flac(block, rate), _sound) if dtype == np.int16 else None
    import pyarrow as pa

    made = pa.Codec(codec)
    return (lambda block: made.compress(block, asbytes=True),
            lambda data, size: made.decompress(data, size))  # fmt: skip


def _flac(block, rate):
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, block, rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _sound(data, _):
    import soundfile

    return soundfile.read(io.BytesIO(data), dtype="int16")[0].tobytes()
