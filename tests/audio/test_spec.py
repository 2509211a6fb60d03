"""FeatureSpec: validation, fingerprint, and the error that names a mix-up."""

import dataclasses

import pytest

from kit.audio import PRESETS, FeatureSpec, preset
from kit.errors import KitError

CHANGES = {
    "rate": 17_000, "window": 320, "hop": 161, "fft": 640, "window_function": "hamming",
    "full_scale": 2.0, "remove_dc": True, "pre_emphasis": 0.5, "padding": "zero", "power": 1,
    "mels": 41, "mel_scale": "slaney", "mel_norm": "slaney", "mel_triangle": "mel", "fmin": 30.0,
    "fmax": 7000.0, "log": "db", "floor": 1e-5, "top_db": 80.0, "dct": "none", "coeffs": 12,
    "lifter": 22.0,
}  # fmt: skip


def test_every_field_changes_the_fingerprint():
    assert set(CHANGES) == {f.name for f in dataclasses.fields(FeatureSpec)}
    seen = {preset("kws").fingerprint}
    for name, value in CHANGES.items():
        extra = {"coeffs": 40} if name == "dct" else {}
        seen.add(preset("kws").changed(**{name: value}, **extra).fingerprint)
    assert len(seen) == len(CHANGES) + 1


def test_fingerprint_is_the_same_in_every_process_and_however_a_number_is_written():
    assert preset("kws").fingerprint == "8ec4548ab8ee"
    assert preset("kws").changed(fmin=20, window=400.0).fingerprint == preset("kws").fingerprint


def test_require_names_the_field_and_both_values():
    ours, theirs = preset("kws"), preset("kws", mel_scale="slaney")
    ours.require(preset("kws"))
    with pytest.raises(KitError, match=r"mel_scale: 'slaney' instead of 'htk'") as caught:
        ours.require(theirs, "the features of model.pt")
    assert caught.value.code == "fingerprint"
    assert ours.fingerprint in str(caught.value)
    assert theirs.fingerprint in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"fft": 514}, "fft"), ({"fft": 405}, "fft"), ({"window": 600}, "window"),
        ({"coeffs": 41}, "coeffs"), ({"dct": "none"}, "coeffs"), ({"fmax": 8001.0}, "fmax"),
        ({"fmin": 7600.0}, "fmax"), ({"hop": 0}, "hop"), ({"hop": 1.5}, "hop"),
        ({"rate": "16000"}, "rate"), ({"mels": True}, "mels"), ({"remove_dc": 1}, "remove_dc"),
        ({"power": 3}, "power"), ({"power": True}, "power"), ({"floor": 0.0}, "floor"),
        ({"floor": float("nan")}, "floor"), ({"log": "log10"}, "log"), ({"top_db": -1}, "top_db"),
        ({"window_function": None}, "window_function"), ({"lifter": float("inf")}, "lifter"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(fields, word):
    with pytest.raises(KitError, match=rf"FeatureSpec\.{word} cannot be this.*Allowed"):
        preset("kws").changed(**fields)


def test_unknown_names_are_refused():
    with pytest.raises(KitError, match="no such field.*'hops'.*Allowed: rate"):
        preset("kws").changed(hops=3)
    with pytest.raises(KitError, match="no such preset.*Allowed: kws, librosa"):
        preset("htk")


@pytest.mark.parametrize("name", PRESETS)
def test_frames_of_a_second(name):
    spec = preset(name)
    wanted = {"kws": 98, "librosa": 32, "torchaudio": 81, "kaldi": 98, "tflm-micro": 98}
    assert spec.frames(16_000) == wanted[name]
    with pytest.raises(KitError, match="too short"):
        spec.frames(0)


def test_least_lengths():
    assert preset("kws").frames(400) == 1
    with pytest.raises(KitError, match="399 samples.*400 samples or more"):
        preset("kws").frames(399)
    assert preset("librosa").frames(1) == 1
    assert preset("torchaudio").frames(201) == 2
    with pytest.raises(KitError, match="200 samples"):
        preset("torchaudio").frames(200)


def test_numbers_of_any_kind_make_the_same_fingerprint():
    import numpy as np

    plain = preset("kws")
    for same in ({"power": 2.0}, {"power": np.int64(2)}, {"pre_emphasis": -0.0},
                 {"window": np.int32(400), "fmin": np.float64(20)}):  # fmt: skip
        assert plain.changed(**same).fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    "bad", [{"window": [400, 400]}, {"rate": "16k"}, {"fmin": 7599.9999}, {"window": 2}]
)
def test_odd_values_are_refused_in_words(bad):
    with pytest.raises(KitError, match=r"FeatureSpec\.\w+ cannot be this"):
        preset("kws", **bad)


def test_require_and_preset_take_only_what_they_know():
    for other in ("kws", {}, None):
        with pytest.raises(KitError, match="no spec to compare with"):
            preset("kws").require(other)
    with pytest.raises(KitError, match="no such preset"):
        preset(["kws"])
