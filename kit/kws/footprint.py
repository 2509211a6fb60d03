"""What a spotter costs: bytes of its int8 file by part, memory while it runs, time for a window.

Looking into a file needs onnx; a path may be given as str, Path or Exported.
"""

import contextlib
import importlib
import itertools
import math
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from kit.audio.features import extract
from kit.errors import KitError

PARTS = ("whole", "features", "model")
_VIEWS = ("DequantizeLinear", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")


def weights_bytes(path):
    """Bytes of all constants in the file: int8 weights, int32 biases, scales and zero points."""
    arrays = library("onnx").numpy_helper.to_array
    return sum(arrays(t).nbytes for t in _opened(path).graph.initializer)


def parts(path):
    """polars table of part and bytes, which add up to the file; path: of a file, or an Exported."""
    import polars as pl

    model, arrays = _opened(path), library("onnx").numpy_helper.to_array
    graph, found = model.graph, Counter()
    role = {}
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            role |= zip(node.input[1:], ("scales", "zero points"), strict=False)
    kinds = {"int8": "weights", "int32": "biases"}
    for t in graph.initializer:
        array = arrays(t)
        found[role.get(t.name) or kinds.get(array.dtype.name, "other constants")] += array.nbytes
    found["nodes"] = sum(node.ByteSize() for node in graph.node)
    found["texts"] = sum(entry.ByteSize() for entry in model.metadata_props)
    found["names and framing"] = Path(_file(path)).stat().st_size - found.total()
    return pl.DataFrame({"part": list(found), "bytes": list(found.values())})


def activations(path):
    """polars table of step, op, bytes: the activations alive while each node runs, one window.

    As an arena planner of TensorFlow Lite Micro counts: nodes run in the order of the file; each
    tensor has one buffer, made when its node runs and freed after the last node that reads it;
    nothing is computed in place, but a reshape is a view. A tensor that is only read quantised
    is never held as float: it counts 1 byte an element. The float32 input and output count in
    full. What a kernel needs for itself, and fragments between buffers, are not counted.
    """
    import polars as pl

    graph = library("onnx").shape_inference.infer_shapes(_opened(path)).graph
    owner, held = _buffers(graph)
    first, last = dict.fromkeys((v.name for v in graph.input), 0), {}
    for step, node in enumerate(graph.node):
        for name in (owner[n] for n in (*node.input, *node.output) if n in owner):
            first.setdefault(name, step)
            last[name] = step
    last |= {owner[v.name]: len(graph.node) - 1 for v in graph.output}
    rows = [
        (step, node.op_type, sum(held[b] for b in last if first[b] <= step <= last[b]))
        for step, node in enumerate(graph.node)
    ]
    return pl.DataFrame(rows, ["step", "op", "bytes"], orient="row")


def peak_activation_bytes(path):
    """The most bytes of activations alive at once, estimated as `activations` says."""
    return activations(path)["bytes"].max()


def latency(model, clips, part="whole", seconds=1.0):
    """Measurement: ms for one window on one core.

    model: Exported or Spotter. clips: int16[n, samples], taken in turn. part: "features", from
    clip to features; "model", from features to scores; or "whole".
    """
    from kit.measure import Measurement, time_runs

    if part not in PARTS:
        raise KitError("there is no such part", found=part, allowed=", ".join(PARTS), code="part")
    spec = model.spec
    windows = itertools.cycle([clips[i : i + 1] for i in range(len(clips))])
    if part == "model":
        windows = itertools.cycle([extract(w, spec, "cpu") for w in itertools.islice(windows, 50)])
    work = {
        "features": lambda x: extract(x, spec, "cpu"),
        "model": lambda x: model.scores(x, spec),
        "whole": lambda x: model.scores(extract(x, spec, "cpu"), spec),
    }[part]
    with _one_thread(model):
        runs = time_runs(lambda: work(next(windows)), seconds=seconds, warmup=5, at_most=5000)
    return Measurement.of(f"{part}, one window", 1e3 * np.array(runs), "ms")


def compare(spotter, exported, clips, labels):
    """polars table of the float model and its int8 file on `clips`, int16[n, samples].

    model, accuracy_percent, same_word_percent (as float says), largest_gap (of a probability),
    size_bytes (of the file), window_ms and model_ms (median latency, with features and without).
    """
    import polars as pl

    spotter.spec.require(exported.spec, "the exported model")
    if spotter.words != exported.words:
        raise KitError("the exported model has other words", found=exported.words,
                       allowed=", ".join(spotter.words), code="labels")  # fmt: skip
    spec, rows = spotter.spec, []
    features = extract(clips, spec)
    truth = spotter.scores(features, spec)
    for name, model in (("float32", spotter), ("int8", exported)):
        scores = model.scores(features, spec)
        rows.append({
            "model": name,
            "accuracy_percent": 100 * model.accuracy(features, labels, spec),
            "same_word_percent": 100 * float((scores.argmax(1) == truth.argmax(1)).mean()),
            "largest_gap": float(np.abs(scores - truth).max()),
            "size_bytes": _saved_bytes(model),
            "window_ms": latency(model, clips).value,
            "model_ms": latency(model, clips, "model").value,
        })  # fmt: skip
    return pl.DataFrame(rows)


def budget(exported, limit_kb=None):
    """polars table of part, bytes, limit_bytes, share_percent, fits: a file against a limit.

    exported: Exported, or the path of its file. limit_kb: kB of 1000 bytes, by default the
    design limit of the chapter, see kit.assumptions, "kws_memory". Weights are all constants, see
    `weights_bytes`; peak activations are an estimate, see `activations`. The program that runs
    the model, and the features before it, are not counted.
    """
    import polars as pl

    from kit.assumptions import value

    limit = 1000 * float(value("kws_memory") if limit_kb is None else limit_kb)
    weights, peak = weights_bytes(exported), peak_activation_bytes(exported)
    found = {"weights": weights, "peak activations": peak, "both": weights + peak,
             "file": Path(_file(exported)).stat().st_size}  # fmt: skip
    table = pl.DataFrame({"part": list(found), "bytes": list(found.values())})
    share = 100 * pl.col("bytes") / limit
    return table.with_columns(limit_bytes=limit, share_percent=share, fits=pl.col("bytes") <= limit)


def _buffers(graph):
    """(owner, held): tensor -> buffer it lies in, and buffer -> bytes; constants have none."""
    values = {v.name: v.type.tensor_type for v in (*graph.input, *graph.value_info, *graph.output)}
    ends = {v.name for v in graph.output}
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node.op_type)
    constant = {t.name for t in graph.initializer} | {""}
    owner = {v.name: v.name for v in graph.input}
    held = {v.name: _bytes(v.name, values) for v in graph.input}
    narrow = set()  # buffers of one byte an element
    for node in graph.node:
        if constant.issuperset(node.input):
            constant |= set(node.output)
            continue
        source, out = owner[node.input[0]], node.output[0]
        quantises = node.op_type == "QuantizeLinear"
        if out not in ends and (node.op_type in _VIEWS or (quantises and source in narrow)):
            owner[out] = source
            continue
        for out in node.output:
            owner[out], held[out] = out, _bytes(out, values)
            if out not in ends and (quantises or readers.get(out) == ["QuantizeLinear"]):
                narrow.add(out)
                held[out] = _elements(out, values)
    return owner, held


def _elements(name, values):
    """Elements of a tensor for one window; a dimension that has a name counts 1."""
    if name not in values or not values[name].HasField("shape"):
        raise KitError(
            "the size of a tensor in the file is not known",
            found=name,
            allowed="a graph of standard ONNX operators",
            remedy="export the spotter again",
            code="bad-model",
        )
    return math.prod(d.dim_value or 1 for d in values[name].shape.dim)


def _bytes(name, values):
    kind = library("onnx").helper.tensor_dtype_to_np_dtype(values[name].elem_type)
    return _elements(name, values) * kind.itemsize


def library(name):
    """The module `name` of onnx or onnxruntime, or a KitError that says how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError as cause:
        package = name.split(".")[0]
        raise KitError(
            f"an exported spotter needs {package}",
            found=str(cause),
            remedy=f"install it: pip install -c constraints.txt {package}",
            code=f"no-{package}",
        ) from cause


def bad_file(path, found):
    """KitError: `path` is no exported spotter."""
    return KitError(
        f"{path} is not a whole exported spotter",
        found=found,
        allowed="a file written by kit.kws.export.export",
        remedy="copy it again, or export the spotter anew",
        code="bad-model",
    )


def _file(path):
    return Path(getattr(path, "path", path))


def _opened(path):
    """ModelProto of a file; KitError "bad-model" if it is none."""
    onnx = library("onnx")
    try:
        return onnx.load(_file(path))
    except Exception as cause:  # protobuf raises types of its own
        raise bad_file(_file(path), f"{type(cause).__name__}: {cause}") from cause


def _saved_bytes(model):
    """Bytes of the file that `model` is saved to."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        return (Path(folder) / "model").stat().st_size


@contextlib.contextmanager
def _one_thread(model):
    """torch on one thread, if `model` runs on it; an exported one has one thread anyway."""
    if not hasattr(model, "network"):
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
