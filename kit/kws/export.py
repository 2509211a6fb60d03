"""export: a Spotter as one int8 file that runs without torch, and what that file costs.

The file is ONNX with standard operators: float32 features go in, logits come out, and all between
is 8 bits (Jacob et al. 2018): weights by channel, symmetric; activations by tensor, 0 to 255,
their ranges the extremes over the calibration clips. On three held-out speakers of FSDD ranges by
percentile or entropy came within 0.6 points of these, and none was best; onnxruntime's own
operators gave the same scores in 6 kB less of 50, but little else reads them.

The file carries what the Spotter needs to be used rightly. How features are normalised stays
beside the graph: it looks at a whole clip, where int8 would cost accuracy, and Spotter and file so
share one definition.

Exporting needs torch and onnx, looking into a file onnx, scoring onnxruntime alone.
"""

import hashlib
import json
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np

import kit
from kit.audio.spec import FeatureSpec
from kit.errors import KitError
from kit.kws.footprint import (
    activations,
    bad_file,
    budget,
    compare,
    latency,
    library,
    parts,
    peak_activation_bytes,
    weights_bytes,
)
from kit.kws.model import Normaliser, Spotter, needed

_FORMAT = "kit int8 spotter 1"
_SEAL = 76  # bytes at the end: the metadata entry with the SHA-256 of all before it
_AT_ONCE = 512  # clips

__all__ = [
    "Exported", "activations", "budget", "compare", "export", "latency", "load_exported", "parts",
    "peak_activation_bytes", "weights_bytes",
]  # fmt: skip


def export(spotter, path, calibration):
    """Write `spotter` to the file `path` as int8 ONNX; returns it as Exported.

    calibration: int16[n, samples], clips that the spotter was trained on, never test clips; 200
    are plenty. Their length is the one the file accepts. The same spotter and calibration give
    the same bytes on one machine.
    """
    features = spotter.inputs(calibration)
    with tempfile.TemporaryDirectory() as folder:
        model = _slim(_quantised(spotter.network, features, Path(folder)))
    Path(path).write_bytes(_sealed(model, _about(spotter, calibration)))
    return load_exported(path)


def load_exported(path):
    """The Exported of a file from `export`.

    Raises KitError: "bad-model" for a file that is cut off, damaged or of another kind,
    "fingerprint" if its features are not computed by this version of the package.
    """
    return Exported(path)


class Exported(Spotter):
    """A Spotter read from a file of `export`, run by onnxruntime on one thread.

    Scores, says and is judged as a Spotter; features come with their spec, clips have `samples`
    samples. path: Path. about: dict of the texts in the file. training: dict of what is known of
    it: parameters, shape, calibration_clips, and with a history epochs and the one that was kept.
    """

    def __init__(self, path):
        self.path = Path(path)
        self._data, self._session, self.about = _opened(path)
        self.spec = _spec_of(self.about)
        state = json.loads(self.about["normaliser"])
        self.normaliser = Normaliser(*(np.array(state[k], np.float32) for k in ("mean", "scale")))
        self.words = tuple(json.loads(self.about["words"]))
        self.samples = int(self.about["samples"])
        self.frames = self.spec.frames(self.samples)
        self.training = json.loads(self.about["training"])
        self.shape, self.history = self.training["shape"], None

    @property
    def size_bytes(self):
        """Bytes of the file."""
        return len(self._data)

    @property
    def parameters(self):
        """Number of weights of the Spotter that was exported."""
        return self.training["parameters"]

    def __repr__(self):
        return f"Exported({len(self.words)} words, {self.size_bytes} bytes, {self.spec!r})"

    def inputs(self, sound, spec=None, rate=None):
        """float32[n, frames, coeffs]: what the graph gets for `sound`; see `scores`."""
        clips = getattr(sound, "ndim", None) == 2
        if rate is not None and rate != self.spec.rate:
            raise self._refused(f"{rate} Hz")
        if clips and sound.shape[1] != self.samples:
            raise self._refused(f"{sound.shape[1]} samples")
        x = super().inputs(sound, spec)
        if not len(x) or x.shape[1] != self.frames:
            raise self._refused(f"features {x.shape}")
        return x

    def scores(self, sound, spec=None, rate=None):
        """Probabilities, float32[n, words]; each row adds up to 1.

        sound, spec: see Spotter.scores. rate: of clips in Hz, compared with the spec if given;
        without it another rate shows by its number of samples alone.
        """
        x = self.inputs(sound, spec, rate)
        parts = (x[i : i + _AT_ONCE] for i in range(0, len(x), _AT_ONCE))
        logits = np.concatenate([self._session.run(None, {"features": p})[0] for p in parts])
        odds = np.exp(logits - logits.max(1, keepdims=True))
        return odds / odds.sum(1, keepdims=True)

    def save(self, path):
        """Write the same bytes to another file."""
        Path(path).write_bytes(self._data)

    load = staticmethod(load_exported)

    def _refused(self, found):
        return KitError(
            "the exported model hears windows of one rate and length",
            found=found,
            allowed=f"{self.samples} samples at {self.spec.rate} Hz, {self.frames} frames",
            remedy="resample with kit.audio.resample, then kit.audio.fit to this length",
            code="length",
        )


class _Batches:
    """Calibration data as onnxruntime asks for it."""

    def __init__(self, features):
        self._left = iter([features[i : i + 64] for i in range(0, len(features), 64)])

    def get_next(self):
        batch = next(self._left, None)
        return None if batch is None else {"features": batch}


def _quantised(network, features, folder):
    """ModelProto: the torch module `network` in int8, in onnxruntime's own words."""
    onnx, torch = library("onnx"), needed()
    tool = library("onnxruntime.quantization")
    tidy = library("onnxruntime.quantization.shape_inference").quant_pre_process
    raw, ready, done = (str(folder / f"{i}.onnx") for i in range(3))
    axes = {"features": {0: "n"}, "logits": {0: "n"}}
    with warnings.catch_warnings():  # the exporter that needs no further package is the older one
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(network, (torch.from_numpy(features[:1]),), raw, dynamo=False,
                          opset_version=17, dynamic_axes=axes, input_names=["features"],
                          output_names=["logits"])  # fmt: skip
    tidy(raw, ready, skip_symbolic_shape=True)  # folds normalisation layers into convolutions
    kinds = [node.op_type for node in onnx.load(ready).graph.node]
    options = {"ForceQuantizeNoInputCheck": True}  # the first layers too
    if kinds.count(kinds[-1]) == 1:  # logits leave as they are summed up
        options["OpTypesToExcludeOutputQuantization"] = kinds[-1:]
    tool.quantize_static(
        ready, done, _Batches(features), quant_format=tool.QuantFormat.QDQ, per_channel=True,
        op_types_to_quantize=sorted(set(kinds)), activation_type=tool.QuantType.QUInt8,
        weight_type=tool.QuantType.QInt8, extra_options=options,
    )  # fmt: skip
    return onnx.load(done)


def _slim(model):
    """ModelProto that computes the same, with short names and each constant once."""
    onnx, graph = library("onnx"), model.graph
    slim, names = onnx.ModelProto(ir_version=model.ir_version), {"": ""}
    slim.graph.name = "spotter"
    names |= {v.name: v.name for v in (*graph.input, *graph.output)}
    _add_constants(slim.graph, graph.initializer, names)
    for node in graph.node:
        ends = [[names.setdefault(n, f"{len(names):x}") for n in side]
                for side in (node.input, node.output)]  # fmt: skip
        new = slim.graph.node.add(op_type=node.op_type, domain=node.domain)
        new.input.extend(ends[0])
        new.output.extend(ends[1])
        new.attribute.extend(node.attribute)
    slim.graph.input.extend(graph.input)
    slim.graph.output.extend(graph.output)
    used = {node.domain for node in graph.node} | {""}
    slim.opset_import.extend(o for o in model.opset_import if o.domain in used)
    return slim


def _add_constants(graph, tensors, names):
    """Put `tensors` into `graph`, equal ones once, and their new names into `names`."""
    arrays, known = library("onnx").numpy_helper, {}
    for tensor in tensors:
        array = arrays.to_array(tensor)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in known:
            known[key] = f"{len(names):x}"
            graph.initializer.append(arrays.from_array(array, known[key]))
        names[tensor.name] = known[key]


def _about(spotter, calibration):
    """dict of texts for the file."""
    state = {"mean": spotter.normaliser.mean, "scale": spotter.normaliser.scale}
    training = {"parameters": spotter.parameters, "shape": spotter.shape,
                "calibration_clips": len(calibration)}  # fmt: skip
    if spotter.history is not None:
        kept = spotter.history.filter(kept=True).drop("kept")
        training |= {"epochs": spotter.history.height, "kept": kept.row(0, named=True)}
    about = {
        "fingerprint": spotter.spec.fingerprint,
        "spec": asdict(spotter.spec),
        "words": spotter.words,
        # the shortest text that gives the same float32
        "normaliser": {k: [float(str(x)) for x in v] for k, v in state.items()},
        "samples": calibration.shape[1],
        "training": training,
    }
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in about.items()}
    return {"format": _FORMAT, "kit": kit.__version__} | texts


def _sealed(model, about):
    """Bytes of `model` with the texts `about`, then the checksum of all that."""
    onnx = library("onnx")
    onnx.helper.set_model_props(model, about)
    body = model.SerializeToString(deterministic=True)
    end = onnx.ModelProto()
    onnx.helper.set_model_props(end, {"sha256": hashlib.sha256(body).hexdigest()})
    return body + end.SerializeToString()  # protobuf: messages that follow each other are one


def _opened(path):
    """(bytes, session, dict of texts) of a file, or a KitError."""
    runtime = library("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong comes as an exception
    try:
        data = Path(path).read_bytes()
        session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        about = session.get_modelmeta().custom_metadata_map
    except Exception as cause:  # onnxruntime raises types of its own
        raise bad_file(path, f"{type(cause).__name__}: {cause}") from cause
    if about.get("format") != _FORMAT:
        raise bad_file(path, f"a model that states format {about.get('format')}")
    if about.get("sha256") != hashlib.sha256(data[:-_SEAL]).hexdigest():
        raise bad_file(path, "contents that differ from the checksum in it")
    return data, session, about


def _spec_of(about):
    """The FeatureSpec in a file, if it still means what it meant when the file was written."""
    try:
        spec = FeatureSpec(**json.loads(about["spec"]))
    except (TypeError, KitError):  # fields have changed
        spec = None
    if spec is None or spec.fingerprint != about["fingerprint"]:
        raise KitError(
            "the model was trained on features of another definition",
            found=about["fingerprint"],
            allowed=spec.fingerprint if spec else "a spec that this version of the package knows",
            remedy=f"use kit {about['kit']}, which wrote the file, or export the spotter again",
            code="fingerprint",
        )
    return spec
