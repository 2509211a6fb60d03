"""Spotter: a trained keyword spotter with all it needs to be used rightly.

The words, the FeatureSpec, how features are normalised, and the network travel in one file.
Needs NumPy, and torch to build or use a network.
"""

import io
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from kit.audio.features import as_spec, extract
from kit.audio.spec import FeatureSpec
from kit.audio.tables import dct_matrix
from kit.errors import KitError

_FORMAT = "kit spotter 1"
_AT_ONCE = 512  # clips: keeps the work in memory small
_LARGEST = 4.0  # of normalised features: what lies beyond is cut off, as int8 would


@dataclass(frozen=True)
class Normaliser:
    """How features are normalised: by the clip, then by the clips the model was trained on.

    From each clip its mean is taken, where a frame counts by its loudness above the quietest one:
    the microphone, the voice and the level go, and the silence around the word has no say. What
    is left is divided by `scale`, float32[coeffs], its standard deviation over the training
    clips, less `mean`, float32[coeffs], and cut off at plus and minus 4.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, features, spec):
        """The Normaliser of training clips: features float32[n, frames, coeffs] under `spec`."""
        left = _without_clip_mean(features, spec)
        scale = np.maximum(left.std((0, 1), dtype=np.float64), 1e-3)
        return cls(*(x.astype(np.float32) for x in (left.mean((0, 1), dtype=np.float64), scale)))

    def __call__(self, features, spec):
        """float32[n, frames, coeffs] for the network, of features under `spec`."""
        scaled = (_without_clip_mean(features, spec) - self.mean) / self.scale
        return np.clip(scaled, -_LARGEST, _LARGEST)


def _without_clip_mean(features, spec):
    loudness = features @ _loudness_of(spec)
    above = loudness - loudness.min(1, keepdims=True)
    weight = above + 1e-3  # a clip without any contrast: all frames alike
    weight /= weight.sum(1, keepdims=True)
    return features - np.einsum("nt,ntc->nc", weight, features)[:, None]


def _loudness_of(spec):
    """float32[coeffs]: features @ this is the mean of the logarithms of all bands."""
    return np.linalg.pinv(dct_matrix(spec)[: spec.coeffs]).mean(0).astype(np.float32)


class Spotter:
    """A trained keyword spotter; made by kit.kws.train.train or Spotter.load.

    words: tuple of str, in the order of the scores. spec: FeatureSpec. normaliser: Normaliser.
    network: torch module, normalised features float32[n, frames, coeffs] -> logits [n, words].
    shape: dict of what the network was built from. history: polars table of the training, see
    `train`; None after load.
    """

    def __init__(self, words, spec, normaliser, network, shape, history=None):
        self.words, self.spec, self.normaliser = tuple(words), spec, normaliser
        self.network, self.shape, self.history = network.eval(), dict(shape), history

    @property
    def parameters(self):
        """Number of weights, the running statistics of normalisation layers not counted."""
        return sum(p.numel() for p in self.network.parameters())

    def __repr__(self):
        return f"Spotter({len(self.words)} words, {self.parameters} weights, {self.spec!r})"

    def inputs(self, sound, spec=None):
        """float32[n, frames, coeffs]: what the network gets for `sound`; see `scores`."""
        return self.normaliser(self._features(sound, spec), self.spec)

    def scores(self, sound, spec=None):
        """Probabilities, float32[n, words]; each row adds up to 1.

        sound: clips, int16[n, samples] or float32 in [-1, 1], at the rate of the spec; or their
        features, float[n, frames, coeffs], with `spec`, the FeatureSpec they were made under.
        Raises KitError "fingerprint" if that is not the one of the model.
        """
        torch = needed()
        x = self.inputs(sound, spec)
        with torch.inference_mode():
            parts = [
                self.network(torch.from_numpy(x[i : i + _AT_ONCE])).softmax(1).numpy()
                for i in range(0, len(x), _AT_ONCE)
            ]
        return np.concatenate(parts)

    def says(self, sound, spec=None):
        """list of str: the most probable word for each clip; see `scores`."""
        return [self.words[i] for i in self.scores(sound, spec).argmax(1)]

    def accuracy(self, sound, labels, spec=None):
        """Share of `labels`, 0 to 1, that are said; a label that is no word of the model is missed.

        sound, spec: see `scores`.
        """
        said = self.says(sound, spec)
        if len(said) != len(labels):
            found = f"{len(said)} clips, {len(labels)} labels"
            raise KitError("clips and labels do not go together", found=found, code="labels")
        return float(np.mean([a == b for a, b in zip(said, labels, strict=True)]))

    def save(self, path):
        """Write the model to one file, a zip of arrays and JSON (.npz), no code in it."""
        about = {"format": _FORMAT, "words": self.words, "spec": asdict(self.spec),
                 "fingerprint": self.spec.fingerprint, "shape": self.shape}  # fmt: skip
        arrays = {f"network.{k}": v.numpy() for k, v in self.network.state_dict().items()}
        arrays |= {"mean": self.normaliser.mean, "scale": self.normaliser.scale}
        buffer = io.BytesIO()
        np.savez(buffer, about=np.array(json.dumps(about)), **arrays)
        Path(path).write_bytes(buffer.getvalue())

    @classmethod
    def load(cls, path):
        """The Spotter of a file from `save`; KitError "bad-model" if it is none, or cut off."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            about = json.loads(str(arrays.pop("about")))
            if about["format"] != _FORMAT:
                raise _bad_file(path, f"format {about['format']}")
            return cls(**_parts(about, arrays))
        except FileNotFoundError as cause:
            raise _bad_file(path, "no such file") from cause
        except KitError:
            raise
        except (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError,
                zipfile.BadZipFile) as cause:  # fmt: skip
            raise _bad_file(path, f"{type(cause).__name__}: {cause}") from cause

    def _features(self, sound, spec):
        if getattr(sound, "ndim", None) != 3:
            return extract(sound, self.spec)
        if spec is None:
            raise KitError(
                "features come without the spec they were made under",
                found=f"features {sound.shape}",
                allowed="spec=, a FeatureSpec or the name of a preset",
                remedy="name it, or hand over the clips",
                code="fingerprint",
            )
        self.spec.require(as_spec(spec))
        if sound.shape[2] != self.spec.coeffs:
            found, allowed = sound.shape, f"[n, frames, {self.spec.coeffs}]"
            raise KitError("these are not its features", found=found, allowed=allowed, code="shape")
        return np.asarray(sound, np.float32)


def build(shape):
    """A SpotterNetwork with fresh weights; shape: dict of its arguments."""
    needed()
    from kit.kws.network import SpotterNetwork

    return SpotterNetwork(**shape)


def needed():
    """The module torch, or a KitError that says how to get it."""
    try:
        import torch
    except ImportError as cause:
        raise KitError(
            "the keyword spotter needs torch",
            found=str(cause),
            remedy="install it: pip install -c constraints.txt torch",
            code="no-torch",
        ) from cause
    return torch


def _parts(about, arrays):
    """Arguments of Spotter from what a file holds."""
    torch = needed()
    spec = FeatureSpec(**about["spec"])
    if spec.fingerprint != about["fingerprint"]:
        raise KitError(
            "the model was trained on features of another definition",
            found=about["fingerprint"],
            allowed=spec.fingerprint,
            remedy="use the version of the package that made it, or train again",
            code="fingerprint",
        )
    normaliser = Normaliser(arrays.pop("mean"), arrays.pop("scale"))
    if len(about["words"]) != about["shape"]["words"]:
        raise ValueError(f"{len(about['words'])} words for {about['shape']['words']} scores")
    network = build(about["shape"])
    state = {k.removeprefix("network."): torch.from_numpy(v) for k, v in arrays.items()}
    network.load_state_dict(state)
    return {"words": about["words"], "spec": spec, "normaliser": normaliser, "network": network,
            "shape": about["shape"]}  # fmt: skip


def _bad_file(path, found):
    return KitError(
        f"{path} is not a whole model file",
        found=found,
        allowed="a file written by Spotter.save",
        remedy="copy it again, or train and save it anew",
        code="bad-model",
    )
