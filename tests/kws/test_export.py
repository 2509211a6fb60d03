"""The int8 file says what the spotter says, knows what it is, and its bytes are counted by hand."""

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from kit import audio, corpus
from kit.errors import KitError

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from kit.kws import export as files  # noqa: E402
from kit.kws import footprint  # noqa: E402
from kit.kws.export import Exported, export, load_exported  # noqa: E402
from kit.kws.model import Normaliser, Spotter  # noqa: E402
from kit.kws.train import Settings, train  # noqa: E402

SMALL = Settings(channels=32, blocks=2, batch=16, rate=1e-2)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small only wait for a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def words(fsdd):
    """(clips, labels) that train and (clips, labels) of a speaker who does not."""
    table = corpus.load_clips("fsdd", fsdd, progress=False).table
    clips = corpus.waveforms(table)
    labels, who = (np.array(table[c].to_list()) for c in ("label", "speaker"))
    known = np.flatnonzero(who != "theo")[::2]
    test = np.flatnonzero(who == "theo")
    return clips[known], labels[known], who[known], clips[test], labels[test].tolist()


@pytest.fixture(scope="module")
def spotter(words):
    return train(*words[:3], epochs=10, augment=None, validation="lucas", settings=SMALL)


@pytest.fixture(scope="module")
def exported(spotter, words, tmp_path_factory):
    return export(spotter, tmp_path_factory.mktemp("int8") / "spotter.onnx", words[0][::5])


def test_int8_says_what_float_says(spotter, exported, words):
    clips, labels = words[3:]
    one, other = spotter.scores(clips), exported.scores(clips)
    assert np.allclose(other.sum(1), 1)
    assert other.dtype == np.float32
    assert (one.argmax(1) == other.argmax(1)).mean() > 0.97
    assert 1e-4 < abs(one - other).max() < 0.1  # a float graph would agree better
    assert spotter.accuracy(clips, labels) > 0.6  # or nothing is shown here
    assert exported.accuracy(clips, labels) > spotter.accuracy(clips, labels) - 0.01


def test_a_window_has_the_same_score_alone_and_in_any_company(exported, words, monkeypatch):
    clips = words[3][:7]
    alone = np.concatenate([exported.scores(clips[i : i + 1]) for i in range(5)])
    assert (alone == exported.scores(clips)[:5]).all()
    monkeypatch.setattr(files, "_AT_ONCE", 3)
    assert (alone == exported.scores(clips)[:5]).all()
    features = audio.extract(clips[:5], exported.spec)
    assert (exported.scores(features, exported.spec) == alone).all()


def test_the_file_carries_all_that_it_takes(spotter, exported, words):
    again = load_exported(exported.path)
    assert (again.scores(words[3]) == exported.scores(words[3])).all()
    assert again.words == spotter.words
    assert again.spec == spotter.spec
    assert again.about["fingerprint"] == spotter.spec.fingerprint
    assert again.about["kit"] == "0.1.0"
    for field in ("mean", "scale"):
        assert (getattr(again.normaliser, field) == getattr(spotter.normaliser, field)).all()
    assert (again.samples, again.frames) == (16_000, 98)
    kept = spotter.history.filter(kept=True).row(0, named=True)
    assert again.training["kept"]["validation_accuracy"] == kept["validation_accuracy"]
    assert again.training["calibration_clips"] == len(words[0][::5])
    assert again.parameters == spotter.parameters


def test_a_copy_is_the_same_file(exported, tmp_path):
    exported.save(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == exported.path.read_bytes()
    assert isinstance(Exported.load(tmp_path / "copy"), Exported)


def test_calibration_alone_sets_the_ranges(spotter, words, exported, tmp_path):
    other = export(spotter, tmp_path / "other.onnx", words[0][1::5])
    assert other.path.read_bytes() != exported.path.read_bytes()
    assert abs(other.scores(words[3]) - exported.scores(words[3])).max() < 0.1


def test_features_of_another_spec_are_refused(exported, words):
    slaney = exported.spec.changed(mel_scale="slaney")
    features = audio.extract(words[3][:2], slaney)
    for ask in (exported.scores, exported.says, exported.inputs):
        with pytest.raises(KitError, match=r"mel_scale: 'slaney' instead of 'htk'") as caught:
            ask(features, slaney)
        assert caught.value.code == "fingerprint"
        with pytest.raises(KitError, match="without the spec"):
            ask(features)


def test_windows_of_another_rate_or_length_are_refused(exported, words):
    clips, spec = words[3][:2], exported.spec
    features = audio.extract(clips, spec)
    for ask in (
        lambda: exported.says(clips[:, ::2]),  # 8 kHz
        lambda: exported.says(np.pad(clips, ((0, 0), (0, 1)))),
        lambda: exported.says(features[:, 1:], spec),
        lambda: exported.says(features[:0], spec),
        lambda: exported.scores(clips, rate=8000),
    ):
        with pytest.raises(KitError, match=r"16000 samples at 16000 Hz, 98 frames") as caught:
            ask()
        assert caught.value.code == "length"
        assert "kit.audio.resample" in str(caught.value)
    assert (exported.scores(clips, rate=16_000) == exported.scores(clips)).all()


def spoiled(data):
    """Name -> bytes of files that are no whole exported spotter."""
    bare = onnx.load_from_string(data)
    del bare.metadata_props[:]
    middle = len(data) // 3
    return {
        "empty": b"",
        "half": data[: len(data) // 2],
        "without its end": data[:-1],
        "without its seal": data[:-76],
        "one bit turned": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "another word": data.replace(b'"nine"', b'"nein"').replace(b'"9"', b'"7"'),
        "no metadata": bare.SerializeToString(),
        "of an older format": files._sealed(bare, {"format": "kit int8 spotter 0"}),
        "text": b"a,b\n1,2\n",
    }


def test_what_is_no_whole_file_is_refused(exported, spotter, tmp_path):
    whole = exported.path.read_bytes()
    cases = spoiled(whole)
    assert whole not in cases.values()
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
    spotter.save(tmp_path / "spotter.npz")
    for name in (*cases, "spotter.npz", "not there", "."):
        with pytest.raises(KitError, match="is not a whole exported spotter") as caught:
            load_exported(tmp_path / name)
        assert caught.value.code == "bad-model", name
        assert "export the spotter anew" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "text"),
    [("fingerprint", "0123456789ab"), ("spec", '{"colour": 3}'), ("spec", '{"rate": 16000}')],
)
def test_a_file_of_other_features_is_refused(exported, tmp_path, field, text):
    """As from a version of the package in which a spec means something else."""
    model = onnx.load(exported.path)
    about = dict(exported.about) | {field: text}
    if text == '{"rate": 16000}':
        about["fingerprint"] = "of a spec with more fields"
    del about["sha256"]
    (tmp_path / "old").write_bytes(files._sealed(model, about))
    with pytest.raises(KitError, match=r"another definition.*Use kit 0\.1\.0") as caught:
        load_exported(tmp_path / "old")
    assert caught.value.code == "fingerprint"


def test_parts_add_up_to_the_file(spotter, exported):
    size = exported.path.stat().st_size
    table = files.parts(exported)
    count = dict(table.rows())
    assert table["bytes"].sum() == size == exported.size_bytes
    state = spotter.network.state_dict()
    kernels = [v.numel() for k, v in state.items() if k.endswith("weight") and v.dim() > 1]
    assert count["weights"] == sum(kernels)  # one byte each
    biases = [v.numel() for k, v in state.items() if k.endswith("running_mean")]
    assert count["biases"] == 4 * (sum(biases) + 10)  # layers of normalisation are folded in
    texts = sum(len(k) + len(v) for k, v in exported.about.items())
    assert texts < count["texts"] < texts + 10 * len(exported.about)
    constants = ("weights", "biases", "scales", "zero points", "other constants")
    assert files.weights_bytes(exported.path) == sum(count.get(name, 0) for name in constants)


def test_only_standard_operators_are_used(exported):
    model = onnx.load(exported.path)
    onnx.checker.check_model(model, full_check=True)
    assert [o.domain for o in model.opset_import] == [""]
    assert not any(node.name or node.doc_string for node in model.graph.node)


def test_weights_are_scaled_by_channel_and_use_all_of_int8(exported):
    graph = onnx.load(exported.path).graph
    arrays = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    maker = {node.output[0]: node for node in graph.node}
    assert maker["logits"].op_type == "Gemm"  # a sum of int32, no int8 again
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 5
    for node in convolutions:
        weights, scales = (arrays[n] for n in maker[node.input[1]].input[:2])
        assert weights.dtype == np.int8
        assert (abs(weights.astype(int)).reshape(len(weights), -1).max(1) >= 126).all()
        assert scales.shape == (len(weights),)


def test_one_thread_scores(exported):
    options = exported._session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def by_hand(quantised=True):
    """x [n, 1, 8] -> a [n, 4, 8] -> b [n, 4, 8]; a + b -> [n, 2]. `b` is int8 if `quantised`."""
    make, array = onnx.helper.make_node, onnx.numpy_helper.from_array
    constants = {
        "s": np.float32(0.1), "z": np.uint8(0), "zw": np.int8(0), "half": np.ones((32, 2), "f4"),
        "w1": np.ones((4, 1, 1), np.int8), "w2": np.ones((4, 4, 1), np.int8),
    }  # fmt: skip
    nodes, seen = [], iter(range(100))

    def node(kind, inputs, out):
        nodes.append(make(kind, inputs.split(), [out]))
        return out

    def through(name):
        node("QuantizeLinear", f"{name} s z", f"{name}q")
        return node("DequantizeLinear", f"{name}q s z", f"{name}d{next(seen)}")

    for w in ("w1", "w2"):
        node("DequantizeLinear", f"{w} s zw", f"{w}d")
    a = through(node("Conv", f"{through('x')} w1d", "a"))
    b = node("Conv", f"{a} w2d", "b")
    b = through(b) if quantised else b
    total = through(node("Add", f"{a} {b}", "sum"))
    node("MatMul", f"{node('Flatten', total, 'flat')} half", "y")
    value = onnx.helper.make_tensor_value_info
    ends = value("x", 1, ["n", 1, 8]), value("y", 1, ["n", 2])
    tensors = [array(np.asarray(v), k) for k, v in constants.items()]
    graph = onnx.helper.make_graph(nodes, "hand", [ends[0]], [ends[1]], tensors)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])


@pytest.mark.parametrize(("quantised", "b"), [(True, 32), (False, 4 * 32)])
def test_activations_are_counted_as_by_hand(tmp_path, quantised, b):
    onnx.save(by_hand(quantised), tmp_path / "hand.onnx")
    table = files.activations(tmp_path / "hand.onnx")
    busy = table.filter(~pl.col("op").is_in(["DequantizeLinear", "Flatten"]))
    steps = {
        "x as int8": 4 * 8 + 8,
        "x, a": 8 + 32,
        "a": 32,
        "a, b": 32 + b,
        "a, b again": 32 + b,
        "a, b, sum": 32 + b + 32,
        "sum": 32,
        "sum, y": 32 + 4 * 2,
    }
    if not quantised:
        del steps["a, b again"]
    assert busy["bytes"].to_list() == list(steps.values())
    assert files.peak_activation_bytes(tmp_path / "hand.onnx") == 64 + b


def test_constants_are_counted_as_by_hand(tmp_path):
    onnx.save(by_hand(), tmp_path / "hand.onnx")
    assert files.weights_bytes(tmp_path / "hand.onnx") == 4 + 1 + 1 + 4 * 64 + 4 + 16


def test_a_graph_whose_sizes_are_not_known_is_refused(tmp_path):
    model = by_hand()
    model.graph.node[-1].op_type = "NoSuchOperator"
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(KitError, match="size of a tensor"):
        files.activations(tmp_path / "odd.onnx")


def test_the_peak_is_that_of_a_block_with_a_way_around_it(exported):
    """Input, inner and output of the 1 x 1 convolution: three of channels x half the frames."""
    assert files.peak_activation_bytes(exported) == max(3 * 32 * 49, 98 * 13 * (4 + 1))


def test_the_budget_says_what_fits(exported, tmp_path):
    table = files.budget(exported)
    count = dict(table.select("part", "bytes").rows())
    assert count["both"] == count["weights"] + count["peak activations"]
    assert count["file"] == exported.path.stat().st_size
    assert table["fits"].all()
    assert set(table["limit_bytes"]) == {64_000}
    tight = files.budget(exported.path, limit_kb=count["file"] / 1000)
    assert tight.filter(part="file")["fits"].item()
    assert tight.filter(part="file")["share_percent"].item() == pytest.approx(100)
    assert not files.budget(exported, limit_kb=1)["fits"].any()


@pytest.mark.parametrize(("channels", "blocks", "kernel"), [(40, 6, 9), (64, 6, 9)])
def test_networks_of_14_to_40_thousand_weights_stay_below_the_limit(
    spotter, words, tmp_path, channels, blocks, kernel
):
    from kit.kws.model import build

    shape = spotter.shape | {"channels": channels, "blocks": blocks, "kernel": kernel}
    torch.manual_seed(0)
    fresh = Spotter(spotter.words, spotter.spec, spotter.normaliser, build(shape), shape)
    assert 14_000 < fresh.parameters < 40_000
    table = files.budget(export(fresh, tmp_path / "large.onnx", words[0][:20]))
    assert table["fits"].all(), table


def test_latency_is_measured_by_part(spotter, exported, words):
    clips = words[3][:20]
    found = {p: files.latency(exported, clips, p, seconds=0.1) for p in footprint.PARTS}
    assert {m.unit for m in found.values()} == {"ms"}
    assert min(m.runs for m in found.values()) >= 3
    assert found["whole"].spread[1] > max(found["features"].spread[0], found["model"].spread[0])
    assert 0.01 < found["whole"].value < 100
    assert files.latency(spotter, clips, seconds=0.05).value > 0
    assert torch.get_num_threads() == 1
    with pytest.raises(KitError, match="no such part"):
        files.latency(exported, clips, "all")


def test_the_comparison_has_both_models(spotter, exported, words):
    clips, labels = words[3][::5], words[4][::5]
    other = load_exported(exported.path)  # made worse, so that no figure is that of both
    other.normaliser = Normaliser(other.normaliser.mean, other.normaliser.scale * 2)
    whole, small = files.compare(spotter, other, clips, labels).rows(named=True)
    assert (whole["model"], small["model"]) == ("float32", "int8")
    assert whole["accuracy_percent"] == 100 * spotter.accuracy(clips, labels)
    assert small["accuracy_percent"] == 100 * other.accuracy(clips, labels)
    assert small["accuracy_percent"] != whole["accuracy_percent"]
    same = np.mean([a == b for a, b in zip(spotter.says(clips), other.says(clips), strict=True)])
    assert (whole["same_word_percent"], small["same_word_percent"]) == (100, 100 * same)
    gap = abs(spotter.scores(clips) - other.scores(clips)).max()
    assert (whole["largest_gap"], small["largest_gap"]) == (0, pytest.approx(gap))
    assert small["size_bytes"] == exported.size_bytes
    assert whole["size_bytes"] > 4 * spotter.parameters
    other.words = exported.words[::-1]
    with pytest.raises(KitError, match="other words"):
        files.compare(spotter, other, clips, labels)
    other.spec = exported.spec.changed(fmax=7000)
    with pytest.raises(KitError, match="another spec"):
        files.compare(spotter, other, clips, labels)


ELSEWHERE = """
import hashlib, json, sys
import numpy as np
blocked, path, clips, out = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(blocked))
from kit.kws import export
if "torch" in blocked:
    np.save(out, export.load_exported(path).scores(np.load(clips)))
else:
    from kit.kws.model import Spotter
    export.export(Spotter.load(path), out, np.load(clips))
"""


def elsewhere(blocked, path, clips, out, seed="1"):
    """Run ELSEWHERE in a new interpreter in which modules cannot be imported."""
    np.save(out.with_suffix(".clips.npy"), clips)
    given = json.dumps([blocked, str(path), str(out.with_suffix(".clips.npy")), str(out)])
    environ = os.environ | {"PYTHONHASHSEED": seed}
    subprocess.run([sys.executable, "-c", ELSEWHERE, given], check=True, env=environ)
    return out


def test_scoring_needs_neither_torch_nor_onnx(exported, words, tmp_path):
    blocked = ["torch", "onnx", "polars"]
    out = elsewhere(blocked, exported.path, words[3][:30], tmp_path / "scores.npy")
    assert (np.load(out) == exported.scores(words[3][:30])).all()


def test_the_same_spotter_and_calibration_give_the_same_bytes(spotter, words, tmp_path):
    spotter.save(tmp_path / "spotter.npz")
    clips = words[0][::5]
    here = export(Spotter.load(tmp_path / "spotter.npz"), tmp_path / "here.onnx", clips).path
    there = elsewhere([], tmp_path / "spotter.npz", clips, tmp_path / "there.onnx")
    assert here.read_bytes() == there.read_bytes()


def test_a_missing_library_is_named(exported, monkeypatch):
    for name, ask in (("onnxruntime", load_exported), ("onnx", files.weights_bytes)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(KitError, match=f"needs {name}.*pip install -c constraints.txt {name}"):
            ask(exported.path)
