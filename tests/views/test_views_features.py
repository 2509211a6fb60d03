"""Pictures of features show what the tables hold."""

import base64
import io
import re

import numpy as np
import polars as pl
import pytest
import soundfile

import kit
from kit.errors import KitError
from kit.views import features as views
from kit.views.sound import sound


def test_the_explorer_follows_its_controls_and_counts():
    table = kit.explore("features", window_ms=32, hop_ms=20, mels=30, coeffs=10).table
    by = {r["step"]: r for r in table.iter_rows(named=True)}
    assert (by["frames"]["rows"], by["frames"]["columns"]) == (1 + (16_000 - 512) // 320, 512)
    assert by["power"]["columns"] == 257
    assert by["MFCC"]["size_kb"] == by["MFCC"]["rows"] * 10 * 4 / 1e3
    assert by["samples"]["size_kb"] == 32


def test_the_explorer_shows_the_clip_that_it_is_given():
    t = np.arange(8000) / 16_000
    clip = (9000 * np.sin(2 * np.pi * 500 * t)).astype(np.int16)
    seen = kit.explore("features", clip=clip)
    mel = np.array(seen.figure.data[1].z)
    assert mel.shape == (40, 48)
    assert len(set(mel.argmax(0))) == 1  # one tone, one band
    with pytest.raises(KitError, match=r"not a clip to look at.*int16\[samples\] at 16 kHz"):
        kit.explore("features", clip=clip.astype(float))
    with pytest.raises(KitError, match="not a clip"):
        kit.explore("features", clip=clip[:100])


def test_roofline_bends_where_memory_meets_arithmetic():
    ceilings = pl.DataFrame({"machine": ["m"], "gflops": [100.0], "gbs": [10.0]})
    marks = pl.DataFrame({"name": ["here"], "intensity": [20.0], "gflops": [50.0]})
    line, dot = views.roofline(ceilings, marks).data
    assert np.interp(5, line.x, line.y) == pytest.approx(50, rel=0.01)
    assert line.y[-1] == 100
    assert (dot.x[0], dot.y[0]) == (20, 50)


def test_skew_shows_distance_and_accuracy_in_two_groups():
    table = pl.DataFrame(
        {"switch": ["a", "b", "c"], "where": ["spec", "sound", "spec"],
         "distance_db": [3.0, 9.0, 1.0], "caught": [True, False, True],
         "accuracy_percent": [50.0, 90.0, 70.0]}
    )  # fmt: skip
    figure = views.skew(table, 5.0, 92.0)
    assert [len(bars.x) for bars in figure.data] == [2, 2, 1, 1]
    assert list(figure.layout.yaxis.categoryarray) == ["b", "c", "a"]
    assert [shape.x0 for shape in figure.layout.shapes] == [5, 92]


def test_the_player_holds_the_samples_and_a_name():
    x = np.random.default_rng(0).integers(-999, 999, 800).astype(np.int16)
    shown = sound(x, 8000, "four <b>")
    data = re.search(r"base64,([^\"]+)", shown.html).group(1)
    back, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="int16")
    assert rate == 8000
    assert np.array_equal(back, x)
    assert "four &lt;b&gt;" in shown.html
    assert repr(shown) == "four <b>: 0.10 s at 8000 Hz"
