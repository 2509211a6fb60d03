"""Named steps: each does one thing and says what it cannot do."""

import numpy as np
import pytest

from kit import audio
from kit.audio import convert
from kit.errors import KitError


def level_db(x):
    return 10 * np.log10(np.mean(np.asarray(x, float) ** 2) + 1e-30)


def tone(hz, rate, seconds=1.0):
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)


def test_to_float_of_every_stored_type():
    assert convert.to_float(np.array([0, 128, 255], np.uint8)).tolist() == [-1, 0, 127 / 128]
    assert convert.to_float(np.array([-32_768, 16_384], np.int16)).tolist() == [-1, 0.5]
    assert convert.to_float(np.array([-(2**31)], np.int32)).tolist() == [-1]
    assert convert.to_float(np.array([-(2**23)], np.int32), width=24).tolist() == [-1]
    assert convert.to_float(np.array([1.5], np.float32)).tolist() == [1.5]
    with pytest.raises(KitError, match="int64"):
        convert.to_float(np.array([1]))


def test_to_int16_rounds_and_clips_and_is_undone():
    assert convert.to_int16([1.0, -1.0, 2.0, 0.6 / 32_768]).tolist() == [32_767, -32_768, 32_767, 1]
    every = np.arange(-32_768, 32_768).astype(np.int16)
    assert np.array_equal(convert.to_int16(convert.to_float(every)), every)


def test_to_mono_is_the_mean_and_refuses_integers():
    assert audio.to_mono(np.array([[1.0, 0.0], [0.5, 0.5]])).tolist() == [0.5, 0.5]
    assert audio.to_mono(np.array([0.1, 0.2])).tolist() == [0.1, 0.2]
    with pytest.raises(KitError, match="not floats"):
        audio.to_mono(np.zeros((3, 2), np.int16))
    with pytest.raises(KitError, match="wrong shape"):
        audio.to_mono(np.zeros((3, 2, 2)))


@pytest.mark.parametrize(("rate", "new"), [(8000, 16_000), (44_100, 16_000), (48_000, 8000)])
def test_resample_keeps_tone_level_and_length(rate, new):
    y = audio.resample(tone(1000, rate), rate, new)
    assert len(y) == round(rate * new / rate)
    assert np.abs(np.fft.rfft(y)).argmax() == 1000
    middle = slice(new // 10, -new // 10)  # the ends ring
    assert level_db(y[middle]) == pytest.approx(level_db(tone(1000, new)[middle]), abs=0.01)


def test_resample_leaves_no_alias_and_no_image():
    down = audio.resample(tone(6000, 16_000), 16_000, 8000)  # above the new band: gone
    assert level_db(down[400:-400]) < -100
    up = audio.resample(tone(1000, 8000), 8000, 16_000)[1600:-1600]
    spectrum = np.abs(np.fft.rfft(up * np.hanning(len(up)))) ** 2
    above = int(4000 / 16_000 * len(up))
    assert spectrum[above:].sum() < 1e-9 * spectrum.sum()


def test_resample_int16_rounds_and_clips():
    loud = (np.sign(tone(100, 8000)) * 32_767).astype(np.int16)  # overshoots when resampled
    y = audio.resample(loud, 8000, 16_000)
    assert y.dtype == np.int16
    assert y.max() == 32_767
    assert y.min() == -32_768
    assert audio.resample(loud, 8000, 8000) is loud
    with pytest.raises(KitError, match="new_rate is not a sample rate"):
        audio.resample(loud, 8000, 0)


@pytest.mark.parametrize("where", ["centre", "start"])
@pytest.mark.parametrize("length", [1, 3, 4, 5, 8, 9])
def test_fit(length, where):
    x = np.arange(1, 5)
    y = audio.fit(x, length, where)
    assert len(y) == length
    kept = y[y > 0]
    first = {"centre": max(0, (4 - length) // 2), "start": 0}[where]
    assert kept.tolist() == x[first : first + min(length, 4)].tolist()
    if where == "centre":
        assert abs((y == 0)[: length // 2].sum() - (y == 0)[(length + 1) // 2 :].sum()) <= 1


def test_fit_of_channels_and_bad_input():
    assert audio.fit(np.ones((2, 3)), 5).shape == (5, 3)
    with pytest.raises(KitError, match="unsigned"):
        audio.fit(np.ones(3, np.uint8), 5)
    with pytest.raises(KitError, match="length"):
        audio.fit(np.ones(3), 0)
    with pytest.raises(KitError, match="centre, start"):
        audio.fit(np.ones(3), 5, "end")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (np.array([1, 2, -3]), "not floats: found 'int64'"),
        (np.array([0.0, np.nan]), "NaN or infinity"),
        (np.array([0.0, -np.inf]), "NaN or infinity"),
        (np.array([0.0, 16_384.0]), r"not in \[-1, 1\]: found '0 to 16384'"),
    ],
)
def test_to_int16_refuses_what_would_become_another_sound(bad, says):
    with pytest.raises(KitError, match=says):
        convert.to_int16(bad)


@pytest.mark.parametrize(
    "bad", [np.zeros(9, np.uint8), np.zeros(9, np.float16), np.zeros((2, 2, 9))]
)
def test_resample_refuses_what_it_would_mix_up(bad):
    with pytest.raises(KitError, match="cannot be resampled"):
        audio.resample(bad, 8000, 16_000)


def test_sizes_that_are_no_numbers():
    for length in ("3", np.inf, -1, 2.5, None):
        with pytest.raises(KitError, match="length is not a number of samples"):
            audio.fit(np.ones(3), length)
    with pytest.raises(KitError, match="rate is not a sample rate"):
        audio.resample(np.ones(9), "8000", 16_000)
