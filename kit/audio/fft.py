"""A mixed-radix FFT of LANES frames at once, in place, and the power of a real signal.

See kit.audio.tables.FftPlan for the order of stages, twiddles and results.
"""

import numpy as np
from numba import njit

from kit.audio.simd import load, root, spread, spread_at, store

JIT = {"nogil": True, "error_model": "numpy"}
_INLINE = JIT | {"inline": "always"}
_F = np.float32
_ROOT_3_4, _HALF, _TWO = _F(np.sqrt(0.75)), _F(0.5), _F(2)
_C1, _C2 = _F(np.cos(2 * np.pi / 5)), _F(np.cos(4 * np.pi / 5))
_S1, _S2 = _F(np.sin(2 * np.pi / 5)), _F(np.sin(4 * np.pi / 5))


@njit(**JIT)
def fft(work, radices, twiddles, size):
    """In place; even and odd samples are the real and imaginary parts. See tables.FftPlan."""
    block, done = size, 0
    for stage in range(radices.size):
        radix = radices[stage]
        step = block // radix
        for j in range(step):
            for at in range(j, size, block):
                if radix == 4:
                    _butterfly_4(work, at, step, twiddles, done, step == 1)
                elif radix == 5:
                    _butterfly_5(work, at, step, twiddles, done, step == 1)
                elif radix == 3:
                    _butterfly_3(work, at, step, twiddles, done, step == 1)
                else:
                    _butterfly_2(work, at, step, twiddles, done, step == 1)
            done += radix - 1
        block = step


@njit(**_INLINE)
def _get(work, at):
    """Real and imaginary part of point `at`."""
    return load(work, 2 * at), load(work, 2 * at + 1)


@njit(**_INLINE)
def _set(work, at, re, im):
    store(work, 2 * at, re)
    store(work, 2 * at + 1, im)


@njit(**_INLINE)
def _put(work, at, re, im, twiddles, which, plain):
    """Set point `at`, turned by a twiddle unless `plain`."""
    if plain:
        _set(work, at, re, im)
    else:
        c, s = spread_at(twiddles, 2 * which), spread_at(twiddles, 2 * which + 1)
        _set(work, at, re * c - im * s, im * c + re * s)


@njit(**_INLINE)
def _butterfly_4(work, at, step, twiddles, done, plain):
    b, c, d = at + step, at + 2 * step, at + 3 * step
    (ar, ai), (br, bi) = _get(work, at), _get(work, b)
    (cr, ci), (dr, di) = _get(work, c), _get(work, d)
    er, ei, fr, fi = ar + cr, ai + ci, ar - cr, ai - ci
    gr, gi, hr, hi = br + dr, bi + di, br - dr, bi - di
    _set(work, at, er + gr, ei + gi)
    _put(work, b, fr + hi, fi - hr, twiddles, done, plain)
    _put(work, c, er - gr, ei - gi, twiddles, done + 1, plain)
    _put(work, d, fr - hi, fi + hr, twiddles, done + 2, plain)


@njit(**_INLINE)
def _butterfly_2(work, at, step, twiddles, done, plain):
    (ar, ai), (br, bi) = _get(work, at), _get(work, at + step)
    _set(work, at, ar + br, ai + bi)
    _put(work, at + step, ar - br, ai - bi, twiddles, done, plain)


@njit(**_INLINE)
def _butterfly_3(work, at, step, twiddles, done, plain):
    b, c = at + step, at + 2 * step
    (ar, ai), (br, bi), (cr, ci) = _get(work, at), _get(work, b), _get(work, c)
    half, root_3_4 = spread(_HALF), spread(_ROOT_3_4)
    sr, si, dr, di = br + cr, bi + ci, (br - cr) * root_3_4, (bi - ci) * root_3_4
    mr, mi = ar - sr * half, ai - si * half
    _set(work, at, ar + sr, ai + si)
    _put(work, b, mr + di, mi - dr, twiddles, done, plain)
    _put(work, c, mr - di, mi + dr, twiddles, done + 1, plain)


@njit(**_INLINE)
def _butterfly_5(work, at, step, twiddles, done, plain):
    b, c, d, e = at + step, at + 2 * step, at + 3 * step, at + 4 * step
    (ar, ai), (br, bi), (er, ei) = _get(work, at), _get(work, b), _get(work, e)
    (cr, ci), (dr, di) = _get(work, c), _get(work, d)
    c1, c2, s1, s2 = spread(_C1), spread(_C2), spread(_S1), spread(_S2)
    pr, pi, qr, qi = br + er, bi + ei, br - er, bi - ei
    ur, ui, vr, vi = cr + dr, ci + di, cr - dr, ci - di
    _set(work, at, ar + pr + ur, ai + pi + ui)
    xr, xi = ar + pr * c1 + ur * c2, ai + pi * c1 + ui * c2
    yr, yi = ar + pr * c2 + ur * c1, ai + pi * c2 + ui * c1
    zr, zi = qr * s1 + vr * s2, qi * s1 + vi * s2
    wr, wi = qr * s2 - vr * s1, qi * s2 - vi * s1
    _put(work, b, xr + zi, xi - zr, twiddles, done, plain)
    _put(work, c, yr + wi, yi - wr, twiddles, done + 1, plain)
    _put(work, d, yr - wi, yi + wr, twiddles, done + 2, plain)
    _put(work, e, xr - zi, xi + zr, twiddles, done + 3, plain)


@njit(**JIT)
def power_of(work, power, order, turn, size, magnitude):
    """From the complex FFT of pairs to the power of the real FFT.

    Sums and differences are taken of amplitudes, not of powers: a weak bin beside a strong one
    would drown in the rounding of the difference.
    """
    re, im = _get(work, 0)
    low, high = (re + im) * spread(_TWO), (re - im) * spread(_TWO)
    store(power, 0, low * low)
    store(power, size, high * high)
    for k in range(1, size // 2 + 1):
        i, m = order[k], order[size - k]
        (ar, ai), (br, bi) = _get(work, i), _get(work, m)
        er, ei, odd_r, odd_i = ar + br, ai - bi, ai + bi, br - ar
        c, s = spread_at(turn, 2 * k), spread_at(turn, 2 * k + 1)
        tr, ti = odd_r * c - odd_i * s, odd_i * c + odd_r * s
        pr, pi, qr, qi = er + tr, ei + ti, er - tr, ei - ti
        store(power, k, pr * pr + pi * pi)
        store(power, size - k, qr * qr + qi * qi)
    if magnitude:
        for k in range(size + 1):
            store(power, k, root(load(power, k)))
