"""Closed forms of cost, and the distance that skew is measured with."""

import numpy as np
import pytest

from kit import audio
from kit.audio import answers, cost, preset, skew


def test_bytes_are_those_of_the_arrays():
    x = np.zeros((3, 12_345), np.int16)
    for name in audio.PRESETS:
        y = audio.extract(x, name, "cpu")
        assert cost.bytes_per_clip(preset(name), 12_345) == (x[0].nbytes, y[0].nbytes)
    assert cost.bytes_per_clip(preset("kws"), 16_000, np.float32) == (64_000, 5096)


def test_operations_of_kws_by_hand():
    work = cost.operations_per_clip(preset("kws"), 16_000)
    assert work["window"] == 98 * 400
    assert work["FFT"] == 98 * 2.5 * 512 * 9
    assert work["power"] == 98 * 3 * 257
    assert work["DCT"] == 98 * 2 * 40 * 13
    assert cost.operations_per_clip(preset("tflm-micro"), 16_000)["DCT"] == 0
    more = cost.operations_per_clip(preset("kws", pre_emphasis=0.9, remove_dc=True), 16_000)
    assert more["window"] == 5 * work["window"]


def test_roofline_takes_the_lower_ceiling_and_names_it():
    spec = preset("kws")
    moved, work = 37_096, sum(cost.operations_per_clip(spec, 16_000).values())
    assert cost.roofline(spec, 16_000, 1e9, 1.0) == (1e9 / moved, "memory")
    rate, limit = cost.roofline(spec, 16_000, 1.0, 1e9)
    assert (rate, limit) == (pytest.approx(1e9 / work), "arithmetic")


def test_answers_agree_with_arrays_and_hand():
    assert answers.frames(1, 25, 10) == 98
    assert answers.feature_share(10, 13) == pytest.approx(100 * 98 * 13 * 4 / 32_000)
    assert answers.mel_of(700) == pytest.approx(2595 * np.log10(2))
    assert answers.gain_shift(10) == pytest.approx(np.log(10))
    assert answers.corpus_hours(3.6, 1000) == 1
    assert answers.roofline_rate(100, 20, 1, 37) == 100
    assert answers.roofline_rate(100, 0.37, 1, 37) == 10
    assert answers.bend(100, 20) == 5
    assert answers.rms_db(10, 75) == 5
    assert 70 < answers.fft_share(512, 40, 13) < 85


def test_distance_is_the_level_difference_of_the_bands():
    """A gain of g dB moves every band by g dB, and the distance says so, whatever the log."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.02, (4, 16_000)).astype(np.float32)
    for log in ("ln", "db", "micro"):
        spec = preset("kws", log=log, coeffs=40)
        soft, loud = (audio.extract(x, spec) for x in (noise, noise * np.float32(10**0.3)))
        assert skew.distance_db(soft, loud, spec) == pytest.approx(6, abs=0.01)
        assert skew.distance_db(soft, soft, spec) == 0


def test_distance_of_arrays_of_other_shape():
    spec, a = preset("kws"), np.ones((2, 5, 13))
    wider = np.ones((2, 7, 20))
    per_band = np.sqrt(7 / 40) * 10 / np.log(10)  # seven coefficients that only one has
    assert skew.distance_db(a, wider, spec) == pytest.approx(per_band)


def test_every_switch_moves_the_features_and_only_specs_are_caught(speech):
    table = skew.skew_table(speech, preset("kws"))
    assert table.height == len(skew.SPEC_SWITCHES) + len(skew.SOUND_SWITCHES)
    assert (table["distance_db"] > 0.05).all()
    assert set(table.filter("caught")["switch"]) == set(skew.SPEC_SWITCHES)
    of = dict(zip(table["switch"], table["distance_db"], strict=True))
    assert of["level 20 dB lower"] > of["level 6 dB lower"]
    assert of["decibels for natural log"] == table["distance_db"].max()
    for changes in skew.SPEC_SWITCHES.values():
        assert preset("kws").changed(**changes).fingerprint != preset("kws").fingerprint
