"""Speech for parity tests: real recordings at 16 kHz, made with the named steps."""

import numpy as np
import pytest

from kit import audio


@pytest.fixture(scope="session")
def speech(fsdd):
    """int16[60, 16000]: recordings of all six speakers, resampled and fitted to one second."""
    paths = sorted((fsdd / "recordings").glob("*.wav"))[::50]
    clips = []
    for path in paths:
        wav = audio.read_wav(path)
        clips.append(audio.fit(audio.resample(wav.samples[:, 0], wav.rate, 16_000), 16_000))
    return np.stack(clips)


@pytest.fixture
def odd_clips():
    """A function: int16 or float32[n, samples] with loud, faint and silent stretches, seeded."""

    def make(n, samples, dtype=np.int16):
        rng = np.random.default_rng(samples)
        clips = rng.normal(0, 4000, (n, samples))
        clips[:, samples // 4 : samples // 2] /= 1000
        clips[:, samples // 2 : samples * 5 // 8] = 0
        clips = np.clip(clips, -32_768, 32_767).astype(np.int16)
        return clips if dtype == np.int16 else (clips / 32_768).astype(np.float32)

    return make
