"""Features on the CPU, float32: LANES frames at a time, one in each lane of a vector.

A transposed block of frames goes through window, FFT, filter bank, logarithm and DCT while it
lies in the first-level cache. Needs NumPy and numba.
"""

import functools
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numba import njit

from kit.audio import tables
from kit.audio.fft import JIT, fft, power_of
from kit.audio.simd import (
    LANES,
    gather,
    gather_pair,
    greater_of,
    load,
    split_float,
    spread,
    spread_at,
    store,
)

_INLINE = JIT | {"inline": "always"}
_F = np.float32
_LN2 = _F(np.log(2))
_THIRD, _FIFTH, _SEVENTH, _NINTH = (_F(1 / k) for k in (3, 5, 7, 9))
_ZERO, _TWO = _F(0), _F(2)


def extract(audio, spec, workers=None):
    """float32[n, frames, coeffs] of `audio`, int16 or float32[n, samples]; see kit.audio.extract.

    workers: threads; all usable cores by default. Beyond input and output, each thread takes
    about a megabyte; with top_db also the log-mel values of one clip.
    """
    from kit.measure.machine import usable_cores

    frames = spec.frames(audio.shape[1])
    out = np.empty((len(audio), frames, spec.coeffs), np.float32)
    bounds = _shares(len(audio), frames, spec, workers or usable_cores())

    def run(share):
        space, starts = _workspace(spec, share[-1]), np.zeros(LANES, np.int64)
        _entry()(audio, out, space, starts, *_arguments(spec, audio.dtype == np.int16), *share)

    if len(bounds) == 1:
        run(bounds[0])
        return out
    with ThreadPoolExecutor(len(bounds)) as pool:
        list(pool.map(run, bounds))
    return out


def _shares(clips, frames, spec, workers):
    """list of (first frame, one past the last, frames at a time), counted over the whole batch."""
    block = frames if spec.top_db is not None else min(64 * LANES, clips * frames)
    blocks = -(-clips * frames // block)
    edges = [min(i * blocks // workers * block, clips * frames) for i in range(workers)]
    pairs = zip(edges, [*edges[1:], clips * frames], strict=True)
    return [(first, last, block) for first, last in pairs if first < last]


def _workspace(spec, block):
    """float32 at a multiple of 64 bytes: block of frames, powers, and log-mel values of a block."""
    rows = max(spec.fft, spec.coeffs + 3)  # frames at first, coefficients in the end
    floats = (rows + spec.bins + -(-block // LANES) * spec.mels) * LANES
    space = np.zeros(floats + 16, np.float32)
    return space[-space.ctypes.data % 64 // 4 :][:floats]


def _by_fours(dct):
    """float32[mels, coeffs rounded up to a multiple of 4] of a DCT matrix, zeros behind."""
    return np.ascontiguousarray(np.pad(dct.T, ((0, 0), (0, -len(dct) % 4))), _F)


@functools.lru_cache(64)
def _arguments(spec, is_int16):
    """What the compiled code needs of a spec: numbers and float32 tables."""
    plan = tables.fft_plan(spec.fft // 2)
    first, last, weights = tables.pack_bands(tables.mel_weights(spec))
    # half: the step from complex to real FFT adds two values where it should take their mean
    unit = 0.5 * spec.full_scale / (32_768 if is_int16 else 1)
    numbers = (
        spec.hop, spec.lead, spec.padding == "reflect", spec.remove_dc, _F(spec.pre_emphasis),
        spec.power == 1, _F(spec.floor), _F(spec.log_scale), _F(spec.clip_range or 0),
        spec.top_db is not None, spec.dct == "ortho",
    )  # fmt: skip
    return (
        numbers, (tables.window(spec) * unit).astype(_F), np.array(plan.radices, np.int64),
        _pairs([*plan.twiddles, np.zeros(0)]), plan.order.astype(np.int64),
        _pairs([tables.real_turn(spec)]),
        first, last, weights.astype(_F), _by_fours(tables.dct_matrix(spec)),
    )  # fmt: skip


def _pairs(arrays):
    """float32[n, 2]: complex numbers of all arrays, one after another."""
    numbers = np.concatenate([a.ravel() for a in arrays])
    return np.stack([numbers.real, numbers.imag], 1).astype(_F)


@functools.cache
def _entry():
    """The compiled code, kept on disk beside this file.

    numba notices a change of one file only; the sources and LANES are in a closure because what
    a closure holds is part of its key.
    """
    here = Path(__file__)
    text = b"".join(here.with_name(f"{n}.py").read_bytes() for n in ("cpu", "fft", "simd"))
    version = f"{LANES} {hashlib.sha256(text).hexdigest()}"

    def entry(*args):
        if version:
            _run(*args)

    try:
        return njit(cache=True, **JIT)(entry)
    except RuntimeError:  # no folder to write: compile anew in every process
        return njit(**JIT)(entry)


@njit(**JIT)
def _run(audio, out, space, starts, numbers, window, radices, twiddles, order, turn, first, last,
         weights, dct, start, stop, block):  # fmt: skip
    """Features of the frames `start` to `stop`, counted over the whole batch."""
    (hop, lead, reflect, remove_dc, emphasis, magnitude, floor, scale, clip_range, per_clip,
     use_dct) = numbers  # fmt: skip
    size, bands = order.size, first.size
    work = space.ctypes.data
    rows = max(2 * size, out.shape[2] + 3)
    power = work + 4 * rows * LANES
    log_mel = power + 4 * (size + 1) * LANES
    for base in range(start, stop, block):
        end = min(base + block, stop)
        groups = -(-(end - base) // LANES)
        for g in range(groups):
            _load(audio, space, starts, base + g * LANES, end, hop, lead, reflect, window.size,
                  out.shape[1])  # fmt: skip
            _shape(work, window.ctypes.data, window.size, 2 * size, remove_dc, emphasis)
            fft(work, radices, twiddles.ctypes.data, size)
            power_of(work, power, order, turn.ctypes.data, size, magnitude)
            _mel(power, log_mel, g * bands, first, last, weights.ctypes.data, floor, scale)
        if per_clip:
            loud = space[(rows + size + 1) * LANES :]
            _raise_to(loud, log_mel, groups * bands, end - base, bands, clip_range)
        for g in range(groups):
            _finish(log_mel, g * bands, space, out, base + g * LANES, end, dct, use_dct)


@njit(**JIT)
def _load(audio, space, starts, base, end, hop, lead, reflect, width, frames):
    """Frames base ... base + LANES as columns: sample n of lane l at space[n * LANES + l]."""
    samples, inside = audio.shape[1], True
    for lane in range(LANES):
        at = min(base + lane, end - 1)  # lanes beyond the end repeat the last frame
        begin = at % frames * hop - lead
        inside = inside and begin >= 0 and begin + width <= samples
        starts[lane] = (at // frames * samples + begin) * audio.itemsize + audio.ctypes.data
    if inside:
        _load_inside(audio, space, starts, width)
        return
    for lane in range(LANES):
        at = min(base + lane, end - 1)
        clip, begin = audio[at // frames], at % frames * hop - lead
        for n in range(width):
            i = begin + n
            if reflect:
                i = samples - 1 - abs(samples - 1 - abs(i))
            space[n * LANES + lane] = clip[i] if 0 <= i < samples else 0


@njit(**JIT)
def _load_inside(audio, space, starts, width):
    """The same for frames that need no padding; int16 come two at a time."""
    where, work = starts.ctypes.data, space.ctypes.data
    if audio.itemsize == 4:
        for n in range(width):
            store(work, n, gather(where, 4 * n))
        return
    for n in range(0, width - 1, 2):
        early, late = gather_pair(where, 2 * n)
        store(work, n, early)
        store(work, n + 1, late)
    if width % 2:  # the one after the last may lie outside: take the pair that ends here
        store(work, width - 1, gather_pair(where, 2 * (width - 2))[1])


@njit(**JIT)
def _shape(work, window, width, full, remove_dc, emphasis):
    """Take off the mean, pre-emphasise, apply the window, and fill up with zeros."""
    mean = spread(_ZERO)
    if remove_dc:
        for n in range(width):
            mean = mean + load(work, n)
        mean = mean * spread(_F(1 / width))
    if emphasis:
        for n in range(width - 1, -1, -1):
            before = load(work, max(n - 1, 0)) - mean
            store(
                work, n, (load(work, n) - mean - before * spread(emphasis)) * spread_at(window, n)
            )
    else:
        for n in range(width):
            store(work, n, (load(work, n) - mean) * spread_at(window, n))
    for n in range(width, full):
        store(work, n, spread(_ZERO))


@njit(**JIT)
def _mel(power, log_mel, at, first, last, weights, floor, scale):
    """Filter bank and logarithm; Vec number at + band of log_mel."""
    which = 0
    for band in range(first.size):
        total = spread(_ZERO)
        for k in range(first[band], last[band]):
            total = total + load(power, k) * spread_at(weights, which)
            which += 1
        store(log_mel, at + band, _ln(greater_of(total, spread(floor))) * spread(scale))


@njit(**_INLINE)
def _ln(x):
    """Natural logarithm of positive numbers: exponent, and the series of atanh for the rest."""
    mantissa, exponent = split_float(x, 0), split_float(x, 1)
    one = spread(_F(1))
    s = (mantissa - one) / (mantissa + one)
    q = s * s
    series = ((q * spread(_NINTH) + spread(_SEVENTH)) * q + spread(_FIFTH)) * q + spread(_THIRD)
    return exponent * spread(_LN2) + (s + s * q * series) * spread(_TWO)


@njit(**JIT)
def _raise_to(loud, log_mel, vectors, frames, bands, clip_range):
    """Raise what lies more than clip_range below the loudest value of the clip."""
    loudest = loud[0]
    for frame in range(frames):
        at = frame // LANES * bands * LANES + frame % LANES
        for band in range(bands):
            loudest = max(loudest, loud[at + band * LANES])
    least = spread(_F(loudest - clip_range))
    for v in range(vectors):
        store(log_mel, v, greater_of(load(log_mel, v), least))


@njit(**JIT)
def _finish(log_mel, at, space, out, base, end, dct, use_dct):
    """DCT, four coefficients at a time, and back from lanes to rows of the output."""
    work, table, bands = space.ctypes.data, dct.ctypes.data, dct.shape[0]
    for c in range(0, out.shape[2], 4):
        if use_dct:
            p = q = r = s = spread(_ZERO)
            for band in range(bands):
                x, i = load(log_mel, at + band), band * dct.shape[1] + c
                p, q = p + x * spread_at(table, i), q + x * spread_at(table, i + 1)
                r, s = r + x * spread_at(table, i + 2), s + x * spread_at(table, i + 3)
            store(work, c, p)
            store(work, c + 1, q)
            store(work, c + 2, r)
            store(work, c + 3, s)
        else:
            for i in range(c, min(c + 4, bands)):
                store(work, i, load(log_mel, at + i))
    for lane in range(min(LANES, end - base)):
        frame = base + lane
        row = out[frame // out.shape[1], frame % out.shape[1]]
        for c in range(row.size):
            row[c] = space[c * LANES + lane]
