"""WAV files are read exactly, or refused with a reason. The oracle is libsndfile."""

import io
import random
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile

from kit.audio.wav import read_wav
from kit.errors import KitError

RNG = np.random.default_rng(0)
RATE = 16_000


def made(subtype, channels=1, frames=1000, kind="WAV"):
    """Bytes of a file that libsndfile writes from noise over the full range."""
    blob = io.BytesIO()
    sound = RNG.uniform(-1, 1, (frames, channels))
    sound[0], sound[1] = -1, 1  # both ends of the range
    soundfile.write(blob, sound, RATE, subtype=subtype, format=kind)
    return blob.getvalue()


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def fmt(tag=1, channels=1, bits=16, rate=RATE, frame=None):
    frame = channels * bits // 8 if frame is None else frame
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits))


def riff(*chunks, size=None):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


SAMPLES = np.arange(-50, 50, dtype="<i2")
GOOD = riff(fmt(), chunk(b"data", SAMPLES.tobytes()))

# subtype -> (dtype that libsndfile reads, how its left-justified integers map to stored ones)
EXACT = {
    "PCM_U8": ("int16", np.uint8, lambda x: (x >> 8) + 128),
    "PCM_16": ("int16", np.int16, lambda x: x),
    "PCM_24": ("int32", np.int32, lambda x: x >> 8),
    "PCM_32": ("int32", np.int32, lambda x: x),
    "FLOAT": ("float32", np.float32, lambda x: x),
    "DOUBLE": ("float64", np.float64, lambda x: x),
}


@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("subtype", EXACT)
def test_every_format_sample_for_sample(subtype, channels, kind):
    data = made(subtype, channels, kind=kind)
    reads, dtype, stored = EXACT[subtype]
    wanted, rate = soundfile.read(io.BytesIO(data), dtype=reads, always_2d=True)
    found = read_wav(data)
    assert found.samples.dtype == dtype
    assert found.samples.shape == (1000, channels)
    assert np.array_equal(found.samples, stored(wanted))
    assert not found.samples.flags.writeable
    assert (found.rate, found.truncated, found.seconds) == (rate, False, 1000 / RATE)


def test_path_bytes_and_views_give_the_same(tmp_path, sample):
    data = sample[0].read_bytes()
    wanted = soundfile.read(sample[0], dtype="int16")[0]
    for source in (sample[0], str(sample[0]), data, bytearray(data), memoryview(data)):
        assert np.array_equal(read_wav(source).samples[:, 0], wanted)


def test_real_recordings(fsdd):
    for path in sorted((fsdd / "recordings").glob("*.wav"))[::100]:
        wanted, rate = soundfile.read(path, dtype="int16", always_2d=True)
        found = read_wav(path)
        assert found.rate == rate == 8000
        assert np.array_equal(found.samples, wanted)


def test_unknown_and_odd_chunks_are_passed_over():
    data = riff(
        chunk(b"LIST", b"odd"), fmt(), chunk(b"fact", b"1234"), chunk(b"junk", b""),
        chunk(b"data", SAMPLES.tobytes()), chunk(b"LIST", b"after"),
    )  # fmt: skip
    assert np.array_equal(read_wav(data).samples[:, 0], SAMPLES)


@pytest.mark.parametrize(
    ("riff_size", "size"), [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (None, 0xFFFFFFFF)]
)
def test_a_stream_without_lengths_is_read_to_its_end(riff_size, size):
    body = b"data" + struct.pack("<I", size) + SAMPLES.tobytes() + b"\x01"  # half a frame more
    found = read_wav(riff(fmt(), body, size=riff_size))
    assert np.array_equal(found.samples[:, 0], SAMPLES)


def test_an_honest_empty_file_is_empty():
    found = read_wav(riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"some text")))
    assert found.samples.shape == (0, 1)


def test_twenty_bits_in_a_container_of_twenty_four():
    extra = struct.pack("<HHIH", 22, 20, 0, 1) + bytes.fromhex("000000001000800000aa00389b71")
    head = struct.pack("<HHIIHH", 0xFFFE, 1, RATE, RATE * 3, 3, 24)
    data = riff(chunk(b"fmt ", head + extra), chunk(b"data", bytes([0, 0, 0x80, 0xFF, 0xFF, 0x7F])))
    found = read_wav(data)
    assert found.bits == 20
    assert found.samples[:, 0].tolist() == [-(2**23), 2**23 - 1]


def test_truncated_files():
    short = GOOD[:-31]
    with pytest.raises(KitError, match="ends early.*169 of 200 bytes") as error:
        read_wav(short)
    assert error.value.code == "truncated"
    found = read_wav(short, allow_truncated=True)
    assert found.truncated
    assert np.array_equal(found.samples[:, 0], SAMPLES[:84])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-wav"),
        (b"RIFF", "not-wav"),
        (b"ID3" + bytes(100), "not-wav"),
        (b"RIFF\0\0\0\0AVI " + bytes(100), "not-wav"),
        (riff(), "no-format"),
        (riff(chunk(b"data", b"1234")), "no-format"),
        (riff(fmt()), "no-data"),
        (riff(chunk(b"fmt ", b"short")), "bad-format"),
        (riff(fmt(channels=0, frame=2), chunk(b"data", b"")), "bad-format"),
        (riff(fmt(rate=0), chunk(b"data", b"")), "bad-format"),
        (riff(fmt(channels=2, frame=2), chunk(b"data", b"")), "bad-format"),
        (riff(fmt(tag=0x11, bits=4, frame=1), chunk(b"data", b"")), "unsupported"),
        (riff(fmt(tag=7, bits=8), chunk(b"data", b"")), "unsupported"),
        (riff(fmt(bits=12, frame=1), chunk(b"data", b"")), "unsupported"),
        (riff(fmt(tag=0xFFFE), chunk(b"data", b"")), "bad-format"),
    ],
)
def test_a_broken_file_has_a_reason(data, code):
    with pytest.raises(KitError) as error:
        read_wav(data)
    assert error.value.code == code
    assert len(str(error.value)) < 400


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(KitError) as error:
            read_wav(path)
        assert error.value.code == "unreadable"


def test_a_header_of_two_gigabytes_allocates_nothing():
    data = riff(fmt(bits=24), b"data" + struct.pack("<I", 2**31) + bytes(300), size=2**31)
    tracemalloc.start()
    with pytest.raises(KitError):
        read_wav(data)
    found = read_wav(data, allow_truncated=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.samples.shape == (100, 1)
    assert peak < 100_000


def mutate(data, dice):
    """`data` with one to four random faults: bytes, lengths, cuts, repeats."""
    data = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = (
            dice.randrange(min(len(data), 80)) if dice.random() < 0.8 else dice.randrange(len(data))
        )
        match dice.randrange(5):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                data[at : at + 4] = struct.pack("<I", dice.choice([0, 1, 2**31, 2**32 - 1, 7]))
            case 2:
                del data[at + 1 :]
            case 3:
                data[at:at] = data[at : at + dice.randrange(40)]
            case _:
                del data[at : at + dice.randrange(1, 9)]
        if not data:
            return b""
    return bytes(data)


def test_ten_thousand_mutations_neither_crash_nor_swell():
    dice = random.Random(1)
    seeds = [GOOD, *(made(s, c, 60, k) for s in EXACT for c in (1, 3) for k in ("WAV", "WAVEX"))]
    outcomes = set()
    for _ in range(10_000):
        data = mutate(dice.choice(seeds), dice)
        try:
            found = read_wav(data, allow_truncated=dice.random() < 0.5)
        except KitError as error:
            outcomes.add(error.code)
            continue
        outcomes.add("read")
        assert found.samples.nbytes <= 4 / 3 * len(data)
        assert found.rate > 0
    reasons = {"not-wav", "no-format", "bad-format", "unsupported", "no-data", "truncated"}
    assert outcomes == reasons | {"read"}


@pytest.mark.parametrize(("valid", "container"), [(24, 32), (20, 24), (12, 16), (24, 24)])
def test_fewer_significant_bits_lie_at_the_top(valid, container, tmp_path):
    """What audio interfaces write: the level is that of the container, as libsndfile reads it."""
    import struct

    from kit.audio import to_float

    values = (np.sin(np.arange(400) / 7) * 2 ** (container - 2)).astype(np.int64)
    values = values >> (container - valid) << (container - valid)
    size = container // 8
    body = b"".join(int(v).to_bytes(size, "little", signed=True) for v in values)
    head = struct.pack("<HHIIHH", 0xFFFE, 1, 16_000, 16_000 * size, size, container)
    guid = bytes.fromhex("0100000000001000800000aa00389b71")
    chunk = head + struct.pack("<HHI", 22, valid, 4) + guid
    data = b"WAVEfmt " + struct.pack("<I", len(chunk)) + chunk
    data += b"data" + struct.pack("<I", len(body)) + body
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(data)) + data)
    wav = read_wav(path)
    assert (wav.bits, wav.width) == (valid, container)
    found = to_float(wav.samples, wav.width)[:, 0]
    assert np.array_equal(found, values / 2 ** (container - 1))
    assert np.allclose(found, soundfile.read(path)[0], atol=2 ** -(valid - 1))


def test_rf64_takes_its_size_from_ds64():
    import struct

    samples = np.arange(1000, dtype="<i2")
    ds64 = struct.pack("<QQQI", 0, samples.nbytes, 1000, 0)
    fmt = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    data = b"WAVEds64" + struct.pack("<I", len(ds64)) + ds64
    data += b"fmt " + struct.pack("<I", len(fmt)) + fmt
    data += b"data" + struct.pack("<I", 0xFFFFFFFF) + samples.tobytes()
    behind = b"LIST" + struct.pack("<I", 200) + b"UU" * 100
    whole = b"RF64" + struct.pack("<I", 0xFFFFFFFF) + data
    assert np.array_equal(read_wav(whole + behind).samples[:, 0], samples)
    with pytest.raises(KitError, match="ends early"):
        read_wav(whole[:-10])
