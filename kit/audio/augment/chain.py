"""The effects of an Augmenter, one after another, on blocks of clips; and the banks they draw from.

Needs NumPy and soxr; rooms need pyroomacoustics.
"""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kit.audio.augment import effects, filters, noise, rooms
from kit.audio.augment.arrays import cut

NOISES = (*noise.COLOURS, "hum50", "hum60", "babble")
_BANK_S = 30.0  # of each kind of noise, and at least three clips
_ROOMS = 12
_LEAST_M, _LARGER_M = np.array([3.2, 2.8, 2.4]), np.array([4.5, 3.5, 0.8])  # and so much a second
_AWAY_M = 0.5, 2.0  # the speaker
_AT_ONCE = 8  # clips: larger arrays go back to the system, which must clear their pages each time
_HIGHEST = 0.45  # of the rate: where a band may end


def augmented(how, clips, draws, voices, workers):
    """int16[n, samples] of clips changed as an Augmenter says; all arguments checked.

    draws: dict of name -> float64[n] in [0, 1).
    """
    from kit.measure.machine import usable_cores

    # made before any thread asks for them
    banks = _noise_bank(how, clips.shape[1]), _room_bank(how), _pool(how, voices)
    out = np.empty(clips.shape, np.int16)

    def run(start):
        part = slice(start, start + _AT_ONCE)
        here = {name: values[part] for name, values in draws.items()}
        out[part] = _block(how, clips[part], here, *banks)

    starts = range(0, len(clips), _AT_ONCE)
    if len(starts) == 1:
        run(0)
        return out
    with ThreadPoolExecutor(workers or usable_cores()) as pool:
        list(pool.map(run, starts))
    return out


def seeds(drawn):
    """int64[n], one for a Generator, of float64[n] in [0, 1)."""
    return (drawn * 2.0**53).astype(np.int64)


def _block(how, clips, draws, noises, responses, pool):
    def within(field, name):
        least, greatest = getattr(how, field)
        return least + (greatest - least) * draws[name]

    out = effects.speed(clips, np.round(within("speed", "speed"), 2))
    if (some := draws["room"] < how.room_share).any():
        which = (draws["which_room"][some] * len(responses)).astype(int)
        out[some] = filters.reverberate(out[some], responses[which])
    noisy = draws["noise"] < how.noise_share
    power = noise.power_of(out[noisy], how.rate) if noisy.any() else None
    out = effects.time_shift(out, within("shift_s", "shift"), how.rate)
    if noisy.any():
        added = _noise(how, {k: v[noisy] for k, v in draws.items()}, noises, pool, out.shape[1])
        out[noisy] = noise.mixed(out[noisy], added, within("snr_db", "snr")[noisy], power)
    if (some := draws["band"] < how.band_share).any():
        hertz = np.minimum(within("band_hz", "hertz"), _HIGHEST * how.rate)[some]
        out[some] = filters.band_limit(out[some], hertz, how.rate)
    return effects.gain(out, within("gain_db", "gain"))


def _noise(how, draws, bank, pool, samples):
    """float32[n, samples]: a piece of each clip's kind of noise."""
    kind = (draws["kind"] * len(how.noises)).astype(int)
    first = (draws["place"] * (bank.shape[1] - samples + 1)).astype(int)
    rows = cut(bank.reshape(-1), kind * bank.shape[1] + first, samples)
    for place, seed in enumerate(seeds(draws["voices"])):
        if how.noises[kind[place]] == "babble":
            rng = np.random.default_rng(seed)
            rows[place] = noise.mixed_voices(pool, how.voices, [rng])[0]
    return rows


def _pool(how, voices):
    """float32[m, samples] of equally loud voices, if they are needed."""
    return noise.normed(voices) if how.noise_share and "babble" in how.noises else None


def _noise_bank(how, samples):
    """float32[kinds, samples]: of babble zeros, which every clip mixes for itself."""
    if not how.noise_share:
        return None
    return _noises(how.noises, how.rate, max(round(_BANK_S * how.rate), 3 * samples))


@functools.lru_cache(8)
def _noises(kinds, rate, samples):
    made = np.zeros((len(kinds), samples), np.float32)
    for row, kind in zip(made, kinds, strict=True):
        if kind.startswith("hum"):
            row[:] = noise.hum(int(kind.removeprefix("hum")), samples, 0, rate)[0]
        elif kind != "babble":
            row[:] = noise.coloured_noise(kind, samples, 0, rate)[0]
    return made


def _room_bank(how):
    return _rooms(how.rt60_s, how.rate) if how.room_share else None


@functools.lru_cache(8)
def _rooms(rt60_s, rate):
    """float32[rooms, taps]: rooms that are the larger, the longer they sound."""
    rng, made = np.random.default_rng(0), []
    for seconds in np.linspace(*rt60_s, _ROOMS):
        size = rng.uniform(0.95, 1.05, 3) * (_LEAST_M + seconds * _LARGER_M)
        away = rng.uniform(*_AWAY_M)
        made.append(rooms.room_impulse_response(size, float(seconds), float(away), rate))
    longest = max(len(response) for response in made)
    return np.stack([np.pad(response, (0, longest - len(response))) for response in made])
