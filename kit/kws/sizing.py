"""What a spotter of a given shape costs, in closed form: its int8 file, memory and work.

The counts follow kit.kws.network and kit.kws.export, and are held to real exports in the tests.
Needs nothing.
"""

import numbers

from kit.errors import KitError

_TAPS, _STRIDE = 8, 4  # of the first layer, frames
# what a file of a trained spotter holds besides numbers, read off real exports: texts, and the
# nodes of the graph with all names, per block and in the rest of it; bytes
_FIXED_BYTES, _WORD_BYTES, _BLOCK_BYTES = 2290, 6, 853


def spotter_size(channels, blocks, kernel, coeffs=13, words=10, frames=98):
    """dict of what a SpotterNetwork of this shape costs as an int8 file of kit.kws.export.

    Parameters
    ----------
    channels, blocks, kernel, coeffs, words: see kit.kws.network; kernel is odd. frames: of one
    window; the spec "kws" makes 98 a second. Whole numbers from 1 up.

    Returns
    -------
    parameters: trained numbers of the float model. weights_bytes: int8 weights. scaling_bytes:
    int32 biases, float32 scales and zero points. overhead_bytes: texts, nodes and names, as real
    files of ten short words have them. file_bytes: all three. peak_activation_bytes: most bytes
    of activations alive at once, one window, as kit.kws.footprint counts them.
    multiply_adds: of one window, in convolutions and the last layer.

    Raises KitError for a shape that no such network has.
    """
    shape = {"channels": channels, "blocks": blocks, "kernel": kernel, "coeffs": coeffs,
             "words": words, "frames": frames}  # fmt: skip
    channels, blocks, kernel, coeffs, words, frames = _checked(shape)
    steps = frames // _STRIDE + 1  # after the first layer, which pads by half of its taps
    first, last = channels * _TAPS * coeffs, channels * words
    block = channels * kernel + channels * channels
    outputs = channels * (1 + 2 * blocks) + words  # each has a bias, and scales of its own
    weights = first + blocks * block + last
    scaling = _scaling_bytes(outputs, channels, blocks, words)
    overhead = _FIXED_BYTES + words * _WORD_BYTES + blocks * _BLOCK_BYTES
    return {
        "parameters": weights + outputs + (outputs - words),  # normalisation has two a channel
        "weights_bytes": weights,
        "scaling_bytes": scaling,
        "overhead_bytes": overhead,
        "file_bytes": weights + scaling + overhead,
        "peak_activation_bytes": _peak(frames * coeffs, steps * channels),
        "multiply_adds": steps * (first + blocks * block) + last,
    }


def _scaling_bytes(outputs, channels, blocks, words):
    """Biases (int32); scales of weights and biases by output, of activations three a block and
    three more (float32); zero points, which are shared where they are equal."""
    biases, scales = 4 * outputs, 4 * (2 * outputs + 3 * (blocks + 1))
    zeros = (4 + 1) * (channels + words) + blocks + 2
    return biases + scales + zeros + 8  # and the axis of a reshape


def _peak(features, layer):
    """The float32 input beside its int8 twin, or a block: input, way around it and sum."""
    return max((4 + 1) * features, features + layer, 3 * layer)


def _checked(shape):
    for name, value in shape.items():
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        odd = name != "kernel" or not whole or value % 2
        if not whole or value < 1 or not odd:
            allowed = "a whole number, 1 or more" + ", odd" * (name == "kernel")
            raise KitError(f"{name} of a spotter cannot be this", found=value, allowed=allowed)
    return map(int, shape.values())
