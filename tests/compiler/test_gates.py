"""Each gate turns away what it is meant for, and nothing else."""

import numpy as np
import pytest

from kit import audio
from kit.compiler.gates import gate, gate_yield
from kit.compiler.recipe import Gates
from kit.errors import KitError

RATE = 16_000
OPEN = Gates(snr_db=20.0, speech_s=(0.3, 0.8), bandwidth_hz=6000.0)


def word(seconds=0.5, noise_db=-40.0, level=0.1, seed=0):
    """A burst of noise in the middle of a second, over a floor of noise."""
    rng = np.random.default_rng(seed)
    first, last = round(RATE * (0.5 - seconds / 2)), round(RATE * (0.5 + seconds / 2))
    x = rng.normal(0, 10 ** (noise_db / 20), RATE)
    x[first:last] += rng.normal(0, 1, last - first)
    return audio.to_int16(np.clip(level * x, -1, 1))


def narrow(x):
    return audio.resample(audio.resample(x, RATE, 8000), 8000, RATE)


BROKEN = {
    "silent": np.zeros(RATE, np.int16),
    "faint": (word() / 300).astype(np.int16),
    "noisy": word(noise_db=-12),
    "clipped": np.clip(word().astype(int) * 40, -32_768, 32_767).astype(np.int16),
    "speech-length": word(seconds=0.15),
    "narrow-band": narrow(word()),
}


def test_a_good_clip_passes():
    passed, failed = gate(np.stack([word(), word(0.7, seed=1)]), OPEN)
    assert passed.all()
    assert failed.is_empty()


@pytest.mark.parametrize("code", BROKEN)
def test_each_fault_is_told_by_its_own_code(code):
    passed, failed = gate(np.stack([word(), BROKEN[code]]), OPEN)
    assert passed.tolist() == [True, False]
    assert code in failed["code"].to_list()
    if code == "silent":
        assert failed.height == 1
    assert set(failed["row"]) == {1}


def test_nothing_is_lost_and_rows_are_judged_alone():
    clips = np.stack([word(), *BROKEN.values(), word(seed=3)])
    passed, failed = gate(clips, OPEN)
    assert passed.tolist() == [True] + [False] * len(BROKEN) + [True]
    assert passed.sum() + failed["row"].n_unique() == len(clips)
    for i, clip in enumerate(clips):
        assert gate(clip[None], OPEN)[0][0] == passed[i]


def test_a_wider_gate_lets_more_through(speech_clips):
    strict, _ = gate(speech_clips, Gates())
    wide, _ = gate(speech_clips, Gates(snr_db=10.0, speech_s=(0.05, 1.0)))
    assert (wide | ~strict).all()
    assert wide.sum() > strict.sum()


@pytest.fixture
def speech_clips(fsdd):
    from kit import corpus

    return corpus.waveforms(corpus.load_clips("fsdd", fsdd, progress=False).table[::25])


def test_yield_counts_each_gate_alone():
    _, failed = gate(np.stack([word(), *BROKEN.values()]), OPEN)
    table = gate_yield(failed, 7)
    assert dict(table.select("code", "clips").iter_rows())["silent"] == 1
    assert (table["share"] == table["clips"] / 7).all()
    with pytest.raises(KitError, match="more clips failed"):
        gate_yield(failed, 2)
