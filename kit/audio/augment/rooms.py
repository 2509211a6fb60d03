"""Impulse responses of rooms with a wanted reverberation time, by the image-source method.

Needs NumPy and pyroomacoustics (Scheibler et al. 2018), imported when called.
"""

import functools
import math

import numpy as np

from kit.audio.augment.arrays import bad, check_rate, number

SPEED_OF_SOUND = 343.0  # m/s
TOLERANCE = 0.03  # of the reverberation time, as measured on the result
_MARGIN_M = 0.3  # of source and microphone from any wall
_MIDDLE = np.array([0.43, 0.57, 0.46])  # between them, share of the room: no two walls equally far
_ALONG = np.array([0.83, 0.55, 0.09]) / np.linalg.norm([0.83, 0.55, 0.09])  # from one to the other
_MOST_ORDER = 110  # reflections of one path: a million and a half images, half a second
_TRIES = 8
_FROM_DB, _TO_DB = -5.0, -35.0  # ISO 3382-1, T30


def room_impulse_response(size_m, rt60_s, distance_m=1.0, rate=16_000):
    """float32[taps]: what a microphone hears of a click in a shoebox room; read-only, cached.

    Parameters
    ----------
    size_m: length, width and height of the room, 1.5 to 30 m each.
    rt60_s: time in which the sound falls by 60 dB, s; the taps cover it. All walls absorb alike,
    by so much that `reverberation_time` of the result is within 3 % of what is wanted: Sabine's
    formula alone is off by up to 40 %, since a rectangular room does not mix the sound.
    distance_m: from source to microphone, rounded to what sound travels in one sample (2 cm at
    16 kHz), so that the direct sound is one tap: the first, of height 1.

    Raises KitError for a time that such a room cannot have, or that takes more than 110
    reflections to compute, and for a distance that does not fit into it. Image sources: Allen and
    Berkley 1979.
    """
    rate = check_rate(rate)
    size = _checked_size(size_m)
    rt60_s = number("rt60_s", rt60_s, 0.05, 10)
    step = SPEED_OF_SOUND / rate
    distance = round(number("distance_m", distance_m, 0.1, _farthest(size)) / step) * step
    _check_time(size, rt60_s)
    return _made(size, rt60_s, distance, rate)


def walls_impulse_response(size_m, absorption, distance_m=1.0, rate=16_000):
    """float32[taps] as of `room_impulse_response`, for walls that absorb a given share.

    absorption: of the energy at each reflection, above 0 and below 1. Raises KitError for walls so
    hard that the sound of 35 dB less takes more than 110 reflections.
    """
    rate, size = check_rate(rate), _checked_size(size_m)
    share = number("absorption", absorption, 0.01, 0.99)
    step = SPEED_OF_SOUND / rate
    distance = round(number("distance_m", distance_m, 0.1, _farthest(size)) / step) * step
    rt60_s = 1.5 * sabine(size, share)  # the fall of a shoebox room may be slower than Sabine's
    _check_time(size, rt60_s)
    room, direct = _room(size, rt60_s, distance, rate)
    source = room.sources[0]
    source.damping = np.sqrt(1 - share) ** source.orders[None]
    response = _response(room)[direct : direct + math.ceil(rt60_s * rate)]
    return (response / response[0]).astype(np.float32)


def sabine(size_m, absorption):
    """Reverberation time in s of a shoebox room, after Sabine 1922: 24 ln 10 / c * V / (S a).

    size_m: length, width and height in m. absorption: share of the energy that walls take, `a`.
    """
    a, b, c = _checked_size(size_m)
    share = number("absorption", absorption, 0.001, 1.0)
    surface = 2 * (a * b + b * c + c * a)
    return 24 * math.log(10) / SPEED_OF_SOUND * a * b * c / (surface * share)


def reverberation_time(response, rate=16_000):
    """Time in s in which float[taps] fall by 60 dB, from the fall between -5 and -35 dB (T30).

    The fall is that of the energy still to come (Schroeder 1965), and a straight line through it
    (ISO 3382-1).
    """
    response = np.asarray(response, float)
    if response.ndim != 1 or not response.any():
        raise bad("the response is silent or no row of taps", response.shape, "float[taps]")
    energy = np.cumsum(response[::-1] ** 2)[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        level = 10 * np.log10(energy / energy[0])
    used = np.flatnonzero((level < _FROM_DB) & (level > _TO_DB))
    if len(used) < 2 or not level[-1] <= _TO_DB:
        raise bad("the response does not fall by 35 dB", f"{len(energy)} taps", "a longer response")
    return -60 / (np.polyfit(used, level[used], 1)[0] * rate)


@functools.lru_cache(256)
def _made(size, rt60_s, distance, rate):
    room, direct = _room(size, rt60_s, distance, rate)
    source = room.sources[0]
    lost = _sabine(size, rt60_s)  # by a reflection: exp(-lost) of the energy is left, after Eyring
    for _ in range(_TRIES):
        source.damping = np.exp(-lost / 2 * source.orders)[None]
        response = _response(room)[direct : direct + math.ceil(rt60_s * rate)]
        found = reverberation_time(response, rate)
        if abs(found / rt60_s - 1) <= TOLERANCE:
            response = (response / response[0]).astype(np.float32)
            response.setflags(write=False)
            return response
        lost *= found / rt60_s
    raise _impossible(size, rt60_s, f"another time; {found:.2g} s came closest")


def _room(size, rt60_s, distance, rate):
    """(room with its image sources, index of the direct sound in its response)."""
    import pyroomacoustics as pra

    room = pra.ShoeBox(size, fs=rate, materials=pra.Material(0.5), max_order=_order(size, rt60_s))
    room.set_sound_speed(SPEED_OF_SOUND)
    ends = [_MIDDLE * size + side * distance / 2 * _ALONG for side in (-1, 1)]
    room.add_source(ends[0])
    room.add_microphone(ends[1])
    room.image_source_model()
    away = np.linalg.norm(room.sources[0].images - ends[1][:, None], axis=0)
    # the images fill a diamond; beyond its inner sphere some are missing
    room.visibility[0] = room.visibility[0] & (away < SPEED_OF_SOUND * rt60_s + distance)
    lead = pra.constants.get("frac_delay_length") // 2
    return room, lead + round(distance / SPEED_OF_SOUND * rate)


def _response(room):
    """float64[taps], the same bytes on any machine: threads would change the order of the sums.

    Without the high-pass filter most of the energy lies below 20 Hz, as walls of the model never
    turn the phase.
    """
    import pyroomacoustics as pra

    wanted = {"num_threads": 1, "rir_hpf_enable": True}
    before = {name: pra.constants.get(name) for name in wanted}
    try:
        for name, value in wanted.items():
            pra.constants.set(name, value)
        room.compute_rir()
    finally:
        for name, value in before.items():
            pra.constants.set(name, value)
    return np.asarray(room.rir[0][0], float)


def _order(size, rt60_s):
    """Reflections of one path that reach as far as sound travels in `rt60_s`."""
    a, b, _ = sorted(size)
    return math.ceil(SPEED_OF_SOUND * rt60_s * math.hypot(a, b) / (a * b)) - 1


def _sabine(size, rt60_s):
    """Share of the energy that walls absorb, after Sabine; above 1 where no walls would do."""
    return sabine(size, 1.0) / rt60_s


def _checked_size(size_m):
    sides = list(size_m) if isinstance(size_m, list | tuple | np.ndarray) else [size_m]
    if len(sides) != 3:
        raise bad("size_m is not the size of a room", size_m, "length, width and height in m")
    return tuple(number("size_m", side, 1.5, 30) for side in sides)


def _check_time(size, rt60_s):
    least = _sabine(size, 1.0)
    most = (_MOST_ORDER + 1) / (_order(size, 1000.0) + 1) * 1000.0
    if not least <= rt60_s <= most:
        raise _impossible(size, rt60_s, f"{least:.2g} to {most:.2g} s, for this size")


def _impossible(size, rt60_s, allowed):
    sides = " x ".join(f"{side:g}" for side in size)
    what = f"a room of {sides} m cannot have this reverberation time"
    return bad(what, rt60_s, allowed, "take a larger room for more, a smaller one for less")


def _farthest(size):
    """Largest distance between source and microphone that leaves them inside the room, m."""
    room = np.minimum(_MIDDLE, 1 - _MIDDLE) * size - _MARGIN_M
    return 2 * float(np.min(room / _ALONG))
