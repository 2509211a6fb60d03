"""Quality by numbers: what was planted is found again."""

import numpy as np
import pytest

from kit import audio
from kit.audio import quality
from kit.errors import KitError

RATE = 16_000


def clip(snr_db=30.0, speech_s=0.6, start_s=0.2, level=0.3, seconds=1.0, seed=0):
    """A burst of noise with a speech-like spectrum over a noise floor; the ratio is exact."""
    rng = np.random.default_rng(seed)
    n, first, length = (round(RATE * s) for s in (seconds, start_s, speech_s))
    burst = np.zeros(n)
    burst[first : first + length] = rng.normal(0, 1, length)
    burst /= np.sqrt((burst[first : first + length] ** 2).mean())
    floor = rng.normal(0, 1, n)
    floor *= 10 ** (-snr_db / 20) / np.sqrt((floor**2).mean())
    return audio.to_int16(np.clip(0.25 * level * (burst + floor), -1, 1))


@pytest.mark.parametrize("wanted", [8, 15, 20, 30, 40])
def test_snr_is_the_planted_one(wanted):
    clips = np.stack([clip(snr_db=wanted, level=lv, seed=i) for i, lv in enumerate((0.1, 0.5, 1))])
    # the quietest tenth lies a little below the mean of the noise
    assert quality.snr(clips) == pytest.approx(np.full(3, wanted), abs=2.0)


def test_snr_does_not_see_padding_or_gain_and_falls_with_noise():
    x = clip(snr_db=25, seconds=0.8, start_s=0.15, speech_s=0.4)
    padded = audio.fit(x, 2 * RATE)
    assert quality.snr(padded[None])[0] == pytest.approx(quality.snr(x[None])[0], abs=0.7)
    ratios = [quality.snr(clip(snr_db=s)[None])[0] for s in (40, 30, 20, 10)]
    assert ratios == sorted(ratios, reverse=True)


@pytest.mark.parametrize(("start", "length"), [(0.1, 0.5), (0.3, 0.6), (0.05, 0.9)])
def test_speech_span(start, length):
    found = quality.speech_span(clip(start_s=start, speech_s=length)[None])
    assert found[0][0] == pytest.approx(start, abs=0.021)
    assert found[1][0] == pytest.approx(length, abs=0.031)


def test_a_recording_of_8_khz_sold_as_16_khz_is_found():
    rng = np.random.default_rng(0)
    wide = audio.to_int16(rng.normal(0, 0.05, RATE))
    narrow = audio.resample(audio.resample(wide, RATE, 8000), 8000, RATE)
    assert quality.bandwidth(np.stack([wide, narrow])) == pytest.approx([8000, 4000], abs=150)


def test_clipping_is_found_below_full_scale_too_and_loud_sound_is_not_clipped():
    t = np.arange(RATE) / RATE
    sine = np.sin(2 * np.pi * 150 * t)
    whole, over, low = (
        audio.to_int16(np.clip(x, -1, 1))
        for x in (0.999 * sine, 3 * sine, np.clip(sine, -0.3, 0.3))
    )
    shares = quality.clipped_share(np.stack([whole, over, low]))
    assert shares[0] < 0.01
    assert shares[1] == pytest.approx(2 * np.arccos(1 / 3) / np.pi, abs=0.02)
    assert shares[2] > 0.7


def test_levels():
    t = np.arange(RATE) / RATE
    x = audio.to_int16(0.5 * np.sin(2 * np.pi * 440 * t) + 0.1)
    row = quality.quality_table(x[None]).row(0, named=True)
    assert row["level_db"] == pytest.approx(10 * np.log10(0.125 + 0.01), abs=0.01)
    assert row["peak_db"] == pytest.approx(20 * np.log10(0.6), abs=0.01)
    assert row["dc"] == pytest.approx(0.1, abs=1e-3)


def test_silence_has_no_ratio_and_stops_nothing():
    table = quality.quality_table(np.stack([np.zeros(RATE, np.int16), clip()]))
    assert table["snr_db"].is_null().to_list() == [True, False]
    assert table["bandwidth_hz"].is_null().to_list() == [True, False]
    assert table["speech_s"][0] == 0
    assert table["zero_share"][0] == 1
    assert table["level_db"][0] == -np.inf


def test_a_clip_is_judged_alone(speech):
    whole = quality.quality_table(speech)
    alone = [quality.quality_table(x[None]).row(0) for x in speech[:9]]
    assert whole.rows()[:9] == alone
    assert (whole["bandwidth_hz"] < 4500).mean() > 0.9  # the set was recorded at 8 kHz


def test_bad_input():
    with pytest.raises(KitError, match=r"not int16: found 'float32'.*to_int16"):
        quality.quality_table(np.zeros((1, RATE), np.float32))
    with pytest.raises(KitError, match="too short to judge: found '100 samples'. Allowed: 1600"):
        quality.quality_table(np.zeros((1, 100), np.int16))
    with pytest.raises(KitError, match="wrong shape"):
        quality.quality_table(np.zeros(RATE, np.int16))
