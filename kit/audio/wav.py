"""Read WAV files exactly as stored: no scaling, no mixing, no resampling.

Format: Microsoft and IBM, Multimedia Programming Interface 1.0 (1991); WAVE_FORMAT_EXTENSIBLE,
Microsoft (2001). Needs NumPy alone.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kit.errors import KitError

_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # after the format tag
_DTYPES = {  # (tag, container bits) -> stored type; 24 bit is unpacked by hand
    (_PCM, 8): "<u1", (_PCM, 16): "<i2", (_PCM, 24): None, (_PCM, 32): "<i4",
    (_FLOAT, 32): "<f4", (_FLOAT, 64): "<f8",
}  # fmt: skip
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # what a program writes that does not know the length yet


@dataclass(frozen=True)
class Wav:
    """A decoded file.

    samples: [frames, channels], read-only, as stored: uint8 (silence is 128), int16, int32,
    float32 or float64; 24-bit values lie unscaled in int32. rate: Hz. bits: significant bits
    of a sample, as stated. truncated: the file ended before its header said so. width: bits that a
    stored number is wide, 24 for three bytes in int32; fewer significant ones lie at the top.
    """

    samples: np.ndarray
    rate: int
    bits: int
    truncated: bool = False
    width: int = 0

    def __post_init__(self):
        object.__setattr__(self, "width", self.width or self.bits)

    @property
    def seconds(self):
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class _Format:
    tag: int
    channels: int
    rate: int
    bits: int
    frame_bytes: int
    container: int


def read_wav(source, allow_truncated=False):
    """Decode `source`, a path or the bytes of a WAV file, into a Wav.

    allow_truncated: return the whole frames that are there of a file that ends early, instead of
    raising. Raises KitError with a reason code: "unreadable", "not-wav", "no-format",
    "bad-format", "unsupported", "no-data", "truncated". Memory: the file once, and for 24-bit
    files four thirds of it.
    """
    data = source if isinstance(source, bytes | bytearray | memoryview) else _load(source)
    view = memoryview(data).cast("B")
    if len(view) < 12 or bytes(view[:4]) not in (b"RIFF", b"RF64") or bytes(view[8:12]) != b"WAVE":
        raise _fault("this is not a WAV file", "not-wav", bytes(view[:12]), "RIFF....WAVE")
    layout, start, size = _find_chunks(view)
    return _decode(view, layout, start, size, allow_truncated)


def _load(path):
    try:
        return Path(path).read_bytes()
    except OSError as cause:
        raise _fault(f"cannot read {path}", "unreadable", cause.strerror) from cause


def _find_chunks(view):
    """(_Format, start of the samples, their stated size or None if the file does not say)."""
    layout, at, large = None, 12, 0
    streaming = int.from_bytes(view[4:8], "little") in _UNKNOWN_SIZES
    while at + 8 <= len(view):
        name, size = bytes(view[at : at + 4]), int.from_bytes(view[at + 4 : at + 8], "little")
        at += 8
        if name == b"fmt ":
            layout = _read_format(view[at : at + size])
        elif name == b"ds64":  # RF64: sizes beyond 32 bits, EBU Tech 3306
            large = int.from_bytes(view[at + 8 : at + 16], "little")
        elif name == b"data":
            if layout is None:
                raise _fault("the samples come before the format", "no-format")
            if size == 0xFFFFFFFF and large:
                return layout, at, large
            open_end = size == 0xFFFFFFFF or (size == 0 and streaming)
            return layout, at, None if open_end else size
        at += size + size % 2  # chunks start at even places
    if layout is None:
        raise _fault("the file has no fmt chunk", "no-format")
    raise _fault("the file has no data chunk", "no-data")


def _read_format(chunk):
    if len(chunk) < 16:
        raise _fault(
            "the fmt chunk is too short", "bad-format", f"{len(chunk)} bytes", "16 or more"
        )
    tag, channels, rate, _, frame_bytes, container = struct.unpack_from("<HHIIHH", chunk)
    bits = container
    if tag == _EXTENSIBLE:
        if len(chunk) < 40 or bytes(chunk[26:40]) != _GUID_TAIL:
            raise _fault("the extended fmt chunk is broken", "bad-format", bytes(chunk[16:40]))
        bits, _, tag = struct.unpack_from("<HIH", chunk, 18)
        bits = bits or container
    if (tag, container) not in _DTYPES:
        raise _fault(
            "this kind of WAV file is not supported",
            "unsupported",
            f"format {tag:#06x}, {container} bits",
            "PCM of 8, 16, 24 or 32 bits, float of 32 or 64",
        )
    found = _Format(tag, channels, rate, bits, frame_bytes, container)
    if not channels or not rate or not 0 < bits <= container:
        raise _fault("the fmt chunk makes no sense", "bad-format", found)
    if frame_bytes != channels * container // 8:
        raise _fault("channels and bits do not make up a frame", "bad-format", found)
    return found


def _decode(view, layout, start, stated, allow_truncated):
    there = len(view) - start
    size = there if stated is None else min(stated, there)
    frames = size // layout.frame_bytes
    # without a stated length a broken last frame is dropped; with one it is a fault
    truncated = stated is not None and (stated > there or stated % layout.frame_bytes != 0)
    if truncated and not allow_truncated:
        raise _fault(
            "the file ends early",
            "truncated",
            f"{there} of {stated} bytes",
            remedy="fetch it again, or read what is there with allow_truncated=True",
        )
    raw = view[start : start + frames * layout.frame_bytes]
    dtype = _DTYPES[layout.tag, layout.container]
    samples = np.frombuffer(raw, dtype) if dtype else _unpack_24(raw)
    samples.flags.writeable = False
    samples = samples.reshape(frames, layout.channels)
    return Wav(samples, layout.rate, layout.bits, truncated, layout.container)


def _unpack_24(raw):
    """int32[n] from 3n bytes: put below the top byte first, then shifted down with its sign."""
    wide = np.zeros((len(raw) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
    return wide.view("<i4").reshape(-1) >> 8


def _fault(what, code, found=..., allowed="", remedy="check where the file comes from"):
    return KitError(what, found=found, allowed=allowed, remedy=remedy, code=code)
