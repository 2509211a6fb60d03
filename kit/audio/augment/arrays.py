"""What the effects share: checks, one value a clip, rounding; for NumPy and CuPy arrays alike."""

import numbers
import sys

import numpy as np

from kit.audio.features import _check_array
from kit.errors import KitError

LEAST_RATE, GREATEST_RATE = 1000, 384_000  # Hz


def array_module(array):
    """cupy for an array on the GPU, else numpy; nothing is imported."""
    return sys.modules["cupy"] if hasattr(array, "__cuda_array_interface__") else np


def to_host(array):
    """The NumPy array of a CuPy array, or the array itself."""
    return array.get() if array_module(array) is not np else array


def check_clips(clips):
    """Raise a KitError unless `clips` are int16[n, samples]."""
    _check_array(clips)
    if clips.dtype != np.int16:
        raise bad(
            "clips are not int16",
            str(clips.dtype),
            "int16[n, samples]",
            "kit.audio.to_int16(clips)",
        )
    if not clips.shape[1]:
        raise bad("clips have no samples", clips.shape, "one sample or more")


def check_rate(rate):
    """`rate` as a whole number of Hz, or a KitError."""
    return int(number("rate", rate, LEAST_RATE, GREATEST_RATE, whole=True))


def number(name, value, least, greatest, whole=False):
    """`value` as a float in [least, greatest], or a KitError; bool and NaN are no numbers."""
    fits = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if not fits or not least <= value <= greatest or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise bad(f"{name} cannot be this", value, f"{kind} from {least:g} to {greatest:g}")
    return float(value)


def per_clip(name, value, clips, least, greatest):
    """float64[n]: `value`, a number or n of them, each in [least, greatest]; or a KitError."""
    try:
        found = np.asarray(value, float)
    except (TypeError, ValueError):
        found = np.array([np.nan])
    fits = found.shape in ((), (len(clips),)) and ((found >= least) & (found <= greatest)).all()
    if not fits:
        allowed = f"a number from {least:g} to {greatest:g}, or one for each of {len(clips)} clips"
        raise bad(f"{name} cannot be this", value, allowed)
    return np.broadcast_to(found, len(clips))


def generators(rngs, count=None):
    """list of NumPy Generators from `rngs`: one Generator or seed for each of `count` rows."""
    kinds = np.random.Generator | numbers.Integral
    try:
        given = [rngs] if isinstance(rngs, kinds) else list(rngs)
        known = all(isinstance(r, kinds) for r in given)  # None would be drawn at random
        found = [np.random.default_rng(r) for r in given] if known else []
    except (TypeError, ValueError):
        found = []
    if not found or count not in (None, len(found)):
        allowed = f"{'one or more' if count is None else count} seeds from 0 up, or Generators"
        raise bad("rngs are not one for each clip", rngs, allowed)
    return found


def column(values, like):
    """float32[n, 1] of n numbers, where the array `like` lies."""
    return array_module(like).asarray(np.asarray(values, np.float32)[:, None])


def rounded(samples):
    """int16 of floats on the scale of int16: to the nearest, and cut off at full scale."""
    xp = array_module(samples)
    samples = xp.rint(samples)
    return xp.clip(samples, -32_768, 32_767).astype(np.int16)


def cut(flat, starts, length):
    """[n, length] of a one-dimensional array: row i begins at starts[i]."""
    xp = array_module(flat)
    if xp is np:  # copies whole rows
        return np.lib.stride_tricks.sliding_window_view(flat, length)[starts]
    return flat[xp.asarray(starts)[:, None] + xp.arange(length)]


def mean_square(rows):
    """float64[n] on the host: mean square of each row of floats."""
    if array_module(rows) is np:  # row by row: einsum adds up a single row in an order of its own
        total = np.array([np.einsum("i,i->", row, row) for row in rows])
    else:
        total = to_host(array_module(rows).einsum("ni,ni->n", rows, rows))
    return total.astype(float) / rows.shape[1]


def bad(what, found, allowed, remedy="", code="augment"):
    """The KitError of an effect."""
    return KitError(what, found=found, allowed=allowed, remedy=remedy, code=code)
