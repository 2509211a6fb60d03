"""The closed form of a spotter's size is held to files that were really written."""

import numpy as np
import polars as pl
import pytest

from kit.errors import KitError
from kit.kws.sizing import spotter_size

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SHAPES = ((8, 1, 3), (16, 2, 7), (24, 6, 9), (32, 4, 7), (64, 4, 7), (96, 6, 11))
TOLERANCE = 0.03  # of the file; texts and names differ from one to the next


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """dict of shape -> Exported, of networks whose numbers are drawn as training leaves them."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from kit.audio import extract, preset
    from kit.kws.export import export
    from kit.kws.model import Normaliser, Spotter, build

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    folder, spec = tmp_path_factory.mktemp("sizes"), preset("kws")
    clips = np.random.default_rng(0).normal(0, 3000, (8, 16_000)).astype(np.int16)
    normaliser, made = Normaliser.of(extract(clips, spec), spec), {}
    history = pl.DataFrame({"epoch": [30], "loss": [0.5123456789012345], "kept": [True],
                            "validation_loss": [0.6123456789012345],
                            "validation_accuracy": [0.9523809523809523]})  # fmt: skip
    for channels, blocks, kernel in SHAPES:
        shape = {"coeffs": spec.coeffs, "words": len(WORDS), "channels": channels,
                 "blocks": blocks, "kernel": kernel}  # fmt: skip
        network = trained_looking(build(shape), torch)
        spotter = Spotter(WORDS, spec, normaliser, network, shape, history)
        made[channels, blocks, kernel] = export(spotter, folder / f"{len(made)}.onnx", clips)
    torch.set_num_threads(before)
    return made


def trained_looking(network, torch):
    """`network` whose normalisation layers differ by channel: equal constants are kept once."""
    drawn = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            for values in (layer.bias.data, layer.running_mean):
                values.copy_(torch.rand(values.shape, generator=drawn) - 0.5)
            for values in (layer.weight.data, layer.running_var):
                values.copy_(torch.rand(values.shape, generator=drawn) + 0.5)
    return network.eval()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_file_is_as_large_as_the_closed_form_says(exported, shape):
    from kit.kws import footprint

    file, found = exported[shape], spotter_size(*shape, words=len(WORDS))
    assert found["file_bytes"] == pytest.approx(file.size_bytes, rel=TOLERANCE)
    assert found["parameters"] == file.parameters
    parts = dict(footprint.parts(file).iter_rows())
    assert found["weights_bytes"] == parts["weights"]
    constants = found["weights_bytes"] + found["scaling_bytes"]
    assert constants == pytest.approx(footprint.weights_bytes(file), abs=8)
    assert found["peak_activation_bytes"] == footprint.peak_activation_bytes(file)


def test_multiply_adds_are_those_of_the_layers():
    torch = pytest.importorskip("torch")
    from kit.kws.network import SpotterNetwork

    network, counted = SpotterNetwork(13, 10, 32, 3, 7).eval(), []

    def count(layer, _, out):
        places = out[0].numel() // out.shape[1]
        counted.append(places * layer.weight.numel())

    for layer in network.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        network(torch.zeros(1, 98, 13))
    assert spotter_size(32, 3, 7)["multiply_adds"] == sum(counted)


def test_parts_add_up_and_grow():
    found = spotter_size(64, 4, 7)
    parts = ("weights_bytes", "scaling_bytes", "overhead_bytes")
    assert found["file_bytes"] == sum(found[p] for p in parts)
    for larger in ((65, 4, 7), (64, 5, 7), (64, 4, 9)):
        more = spotter_size(*larger)
        assert more["file_bytes"] > found["file_bytes"]
        assert more["multiply_adds"] > found["multiply_adds"]
    assert spotter_size(64, 4, 7, frames=200)["file_bytes"] == found["file_bytes"]
    assert spotter_size(64, 4, 7, words=11)["file_bytes"] > found["file_bytes"] + 64


@pytest.mark.parametrize(
    "shape",
    [(0, 4, 7), (64, 0, 7), (64, 4, 6), (64, 4, 7.5), (True, 4, 7), (float("nan"), 4, 7),
     ("64", 4, 7), (64, 4, 7, 0), (64, 4, 7, 13, None), (64, 4, 7, 13, 10, -98)],
)  # fmt: skip
def test_a_shape_that_no_network_has_is_refused(shape):
    with pytest.raises(KitError, match="cannot be this"):
        spotter_size(*shape)
