"""Pitch: tones and pulse trains of known period, an octave that must not slip, real voices."""

import librosa
import numpy as np
import pytest

from kit import KitError, corpus
from kit.audio import fit, to_int16
from kit.audio.pitch import pitch
from kit.audio.synthesize import synthesize

RATE = 16_000
T = np.arange(RATE) / RATE


def voiced(hertz, tilt=1.0):
    """A second of harmonics that fall off, as a voice has them."""
    parts = [np.sin(2 * np.pi * k * hertz * T) / k**tilt for k in range(1, int(3500 / hertz))]
    total = np.sum(parts, 0)
    return to_int16(0.5 * total / np.abs(total).max())


@pytest.mark.parametrize("hertz", [70, 95, 120, 165, 210, 300])
@pytest.mark.parametrize("tilt", [0.0, 1.0, 2.0])
def test_the_period_of_a_voice_is_found_without_slipping_an_octave(hertz, tilt):
    assert pitch(voiced(hertz, tilt)[None])[0] == pytest.approx(hertz, rel=0.03)


def test_a_missing_fundamental_is_heard_all_the_same():
    parts = [np.sin(2 * np.pi * k * 120 * T) for k in range(3, 12)]
    assert pitch(to_int16(np.sum(parts, 0) / 12)[None])[0] == pytest.approx(120, rel=0.03)


def test_level_and_offset_do_not_matter():
    clip = voiced(140)
    quiet = (clip / 50).astype(np.int16)
    moved = (clip / 2 + 5000).astype(np.int16)
    assert np.allclose(pitch(np.stack([quiet, moved])), pitch(clip[None])[0], rtol=0.01)


def test_noise_and_silence_have_none():
    noise = to_int16(np.random.default_rng(0).uniform(-0.5, 0.5, RATE))
    assert np.isnan(pitch(np.stack([noise, np.zeros(RATE, np.int16)]))).all()


def test_a_clip_does_not_depend_on_its_company():
    clips = np.stack([voiced(h) for h in (80, 130, 250)])
    assert np.array_equal(pitch(clips), [pitch(c[None])[0] for c in clips])


def test_a_voice_an_octave_higher_reads_twice_as_high():
    low, high = (fit(synthesize("seven", "en-gb", pitch=p), RATE) for p in (30, 80))
    a, b = pitch(np.stack([low, high]))
    assert 1.5 < b / a < 2.6


def test_real_voices_agree_with_yin(fsdd):
    """librosa's YIN (de Cheveigne and Kawahara 2002), an independent method."""
    table = corpus.load_clips("fsdd").table[::30]
    clips = corpus.waveforms(table)
    ours = pitch(clips)
    theirs = []
    for clip in clips:
        x = clip / 32768
        f0 = librosa.yin(x, fmin=60, fmax=400, sr=RATE, frame_length=1024)
        loud = librosa.feature.rms(y=x, frame_length=1024, hop_length=256)[0][: len(f0)]
        theirs.append(np.median(f0[loud > loud.max() * 0.3]))
    near = np.abs(ours / np.array(theirs) - 1) < 0.1
    assert near.mean() > 0.8


def test_what_is_no_clip_is_refused():
    with pytest.raises(KitError, match="int16"):
        pitch(np.zeros((1, RATE), np.float32))
