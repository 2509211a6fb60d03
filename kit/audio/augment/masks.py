"""Masks on features: SpecAugment. Needs NumPy, or CuPy for features on the GPU."""

import numpy as np

from kit.audio.augment.arrays import array_module, bad, generators, number


def spec_augment(
    features,
    rngs,
    time_masks=2,
    time_width=20,
    frequency_masks=2,
    frequency_width=4,
    time_share=0.5,
    value=None,
):
    """Copy of features with bands of frames and of coefficients masked; same shape and type.

    Parameters
    ----------
    features: float32[n, frames, coeffs].
    rngs: a NumPy Generator or a seed for each clip.
    time_masks, frequency_masks: of each clip, 0 to 20; they may overlap. time_width,
    frequency_width: greatest width, in frames and coefficients: drawn evenly from 0 to it. The
    place is drawn evenly from where the mask lies inside.
    time_share: no mask is wider than this share of the frames, 0 to 1.
    value: written into the mask; by default the mean of the coefficient over the clip.

    Park et al. 2019, where features are normalised and the value is 0. Of the three parts of
    their method these are two: the time warp, which they found to matter least, is left out. No
    noise is added and no pitch is moved. Masks on MFCC hide no band of frequencies, for each
    coefficient looks at all of them; take log-mel features ("dct" none) for that.
    """
    check_features(features)
    xp, (n, frames, coeffs) = array_module(features), features.shape
    share = number("time_share", time_share, 0, 1)
    longest = min(_whole("time_width", time_width, 10**6), int(share * frames))
    highest = _whole("frequency_width", frequency_width, coeffs)
    counts = _whole("time_masks", time_masks, 20), _whole("frequency_masks", frequency_masks, 20)
    drawn = np.stack([rng.random((sum(counts), 2)) for rng in generators(rngs, n)])
    in_time = _covered(xp, drawn[:, : counts[0]], longest, frames)
    in_frequency = _covered(xp, drawn[:, counts[0] :], highest, coeffs)
    hidden = in_time[:, :, None] | in_frequency[:, None, :]
    if value is None:
        instead = features.mean(1, keepdims=True)
    else:
        instead = np.float32(number("value", value, -1e6, 1e6))
    return xp.where(hidden, instead, features)


def _covered(xp, drawn, widest, length):
    """bool[n, length]: what masks cover, of float64[n, masks, 2] in [0, 1)."""
    width = (drawn[..., 0] * (widest + 1)).astype(int)
    first = (drawn[..., 1] * (length - width + 1)).astype(int)
    first, last = xp.asarray(first)[..., None], xp.asarray(first + width)[..., None]
    place = xp.arange(length)
    return ((place >= first) & (place < last)).any(1)


def _whole(name, value, greatest):
    return int(number(name, value, 0, greatest, whole=True))


def check_features(features):
    """Raise a KitError unless `features` are float32[n, frames, coeffs]."""
    shape, dtype = getattr(features, "shape", ()), getattr(features, "dtype", None)
    if dtype != np.float32 or len(shape) != 3 or not all(shape):
        allowed = "float32[n, frames, coeffs], none of them 0"
        raise bad(
            "features have the wrong shape or type",
            f"{dtype}{shape}" if shape else type(features).__name__,
            allowed,
            "take what kit.audio.extract gives",
        )
