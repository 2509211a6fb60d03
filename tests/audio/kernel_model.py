"""The index arithmetic of kernels/features.cu in plain Python, on the tables that the GPU gets.

One frame at a time, one lane after another, float64: which point a lane reads, which twiddle it
takes, and where the results lie. Each store checks that no other lane of the stage wrote there.
"""

import numpy as np

from kit.audio import gpu


def slot(i):
    """Where point i lies in shared memory."""
    return i + (i >> 4)


def options_of(plan):
    """dict of the compiler's defines."""
    return dict(o[2:].split("=", 1) for o in plan.options if o.startswith("-D"))


def frame_features(samples, plan):
    """float64[COEFFS] of one frame: float[WINDOW] samples as stored, without padding."""
    opts, tables = options_of(plan), plan.arrays
    half, mels = int(opts["FFT"]) // 2, int(opts["MELS"])
    radices = [int(r) for r in opts["RADICES"].split(",")]
    shaped = np.zeros(2 * half)
    shaped[: len(samples)] = samples * tables["window"]
    z = np.full(slot(half) + 1, np.nan, complex)
    for n in range(half):
        z[slot(n)] = complex(shaped[2 * n], shaped[2 * n + 1])
    run_stages(z, half, radices, tables["twiddles"])
    power = real_power(z, half, radices, tables["turn"])
    edges, logs = tables["edges"].reshape(3, mels), np.empty(mels)
    for m in range(mels):
        first, last, offset = edges[:, m]
        total = power[first:last] @ tables["weights"][offset : offset + last - first]
        floor, scale = (float(opts[k].rstrip("f")) for k in ("FLOOR", "LOG_SCALE"))
        logs[m] = scale * np.log(max(total, floor))
    return logs @ tables["dct"] if int(opts["USE_DCT"]) else logs


def run_stages(z, half, radices, twiddles):
    """The in-place stages, butterfly by butterfly as the lanes take them."""
    block, done = half, 0
    for number, radix in enumerate(radices):
        step, k, written = block // radix, np.arange(radix), set()
        small = np.exp(-2j * np.pi * np.outer(k, k) / radix)
        for lane in range(gpu.LANES):
            for b in range(lane, half // radix, gpu.LANES):
                j = b % step
                places = [slot(b // step * block + j + i * step) for i in range(radix)]
                assert not written & set(places)
                written |= set(places)
                values = small @ z[places]
                if number < len(radices) - 1:
                    values[1:] *= [twiddles[done + (i - 1) * step + j] for i in range(1, radix)]
                z[places] = values
        assert len(written) == half
        done += step * (radix - 1)
        block = step


def place(k, half, radices):
    """Where the stages leave X[k]."""
    block, at = half, 0
    for radix in radices:
        block //= radix
        at, k = at + k % radix * block, k // radix
    return at


def real_power(z, half, radices, turn):
    """Power of the real FFT from the complex FFT of pairs."""
    power = np.full(half + 1, np.nan)
    for k in range(half // 2 + 1):
        if k == 0:
            power[0] = (2 * (z[0].real + z[0].imag)) ** 2
            power[half] = (2 * (z[0].real - z[0].imag)) ** 2
            continue
        a, b = (z[slot(place(i, half, radices))] for i in (k, half - k))
        even, odd = a + b.conjugate(), -1j * (a - b.conjugate()) * turn[k]
        power[k], power[half - k] = abs(even + odd) ** 2, abs(even - odd) ** 2
    return power


def bank_conflicts(half, radices):
    """Most lanes of a team that meet in one bank of shared memory, over all reads of a frame."""
    worst, block = 0, half
    for radix in radices:
        step = block // radix
        for first in range(0, half // radix, gpu.LANES):
            for i in range(radix):
                lanes = range(first, min(first + gpu.LANES, half // radix))
                slots = [slot(b // step * block + b % step + i * step) for b in lanes]
                worst = max(worst, _meet(slots))
        block = step
    return worst


def _meet(slots):
    """A point is 8 bytes wide, so 16 of them fill the 32 banks."""
    return int(np.bincount(np.array(slots) % 16).max())
