"""Near-duplicates planted in real speech are found, and words said again are left alone."""

import io

import numpy as np
import pytest
import soundfile

from kit import audio, corpus
from kit.compiler import duplicates

RATE = 16_000


def softer(x, rng):
    return x // 4


def moved(x, rng):
    return np.roll(x, 1600)


def noisy(x, rng):
    """White noise 20 dB below the power of the whole second."""
    power = (x.astype(float) ** 2).mean()
    noise = rng.normal(0, np.sqrt(power / 100), len(x))
    return audio.to_int16(np.clip((x + noise) / 32_768, -1, 1))


def coded(x, rng):
    """Through Ogg Vorbis and back."""
    file = io.BytesIO()
    soundfile.write(file, x, RATE, format="OGG", subtype="VORBIS")
    file.seek(0)
    return audio.fit(soundfile.read(file, dtype="int16")[0], RATE, "start")


def higher(x, rng):
    """Half a semitone up, and shorter by as much."""
    return audio.fit(audio.resample(x, RATE, round(RATE / 2 ** (0.5 / 12))), RATE)


VARIANTS = {f.__name__: f for f in (softer, moved, noisy, coded, higher)}


@pytest.fixture(scope="module")
def planted(fsdd):
    """(clips, origin, kind): 600 recordings, many of them one word by one speaker, and variants."""
    table = corpus.load_clips("fsdd", fsdd, progress=False).table[::5]
    clips = corpus.waveforms(table)
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(clips), 40, replace=False)
    parts, origin, kind = [clips], list(range(len(clips))), ["original"] * len(clips)
    for name, change in VARIANTS.items():
        parts.append(np.stack([change(clips[i], rng) for i in chosen]))
        origin += chosen.tolist()
        kind += [name] * len(chosen)
    return np.concatenate(parts), np.array(origin), np.array(kind)


@pytest.fixture(scope="module")
def found(planted):
    return duplicates.near_duplicates(planted[0])


def test_recall_of_every_kind_and_precision(planted, found, capsys):
    _, origin, kind = planted
    pairs = set(found.select("first", "second").rows())
    for name in VARIANTS:
        places = np.flatnonzero(kind == name)
        recall = np.mean([(origin[i], i) in pairs for i in places])
        with capsys.disabled():
            print(f"\n{name}: {recall:.0%} of {len(places)} found", end="")
        assert recall >= 0.9, name
    true = np.array([origin[a] == origin[b] for a, b in pairs])
    with capsys.disabled():
        print(f"\nprecision {true.mean():.1%} of {len(true)} pairs", end=" ")
    assert true.mean() >= 0.95
    assert len(true) > 100


def test_similarity_is_one_for_equal_clips_and_symmetric(planted):
    clips = planted[0]
    pairs = np.array([[3, 3], [0, 1], [1, 0], [5, 90], [90, 5]])
    match = duplicates.similarity(clips, pairs)
    assert match[0] == pytest.approx(1, abs=1e-4)
    assert match[1] == pytest.approx(match[2], abs=1e-4)
    assert match[3] == pytest.approx(match[4], abs=1e-4)
    assert (match <= 1 + 1e-4).all()


def test_signatures_do_not_see_gain_or_place(planted):
    clips = planted[0][:600:10]
    moved_clips = np.stack([np.roll(x // 2, 2560) for x in clips])  # ten steps of the spectrogram
    both = duplicates.signatures(np.concatenate([clips, moved_clips]))
    cosine = both[:60] @ both[60:].T
    assert (cosine.argmax(1) == np.arange(60)).all()  # its own copy is the nearest
    assert np.median(np.diag(cosine)) > 0.9


def test_banding_finds_equal_rows_and_bounds_a_crowd():
    rng = np.random.default_rng(0)
    found = rng.normal(size=(60, 30)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    found[40:] = found[0]
    pairs = duplicates.candidates(found)
    wanted = {(a, b) for a in (0, *range(40, 60)) for b in range(40, 60) if a < b}
    assert wanted == set(map(tuple, pairs.tolist()))
    thin = duplicates.candidates(found, crowd=5)
    assert len(thin) == 20  # a chain still joins them


def test_originals_follow_chains_to_the_first():
    found = duplicates.originals(7, [(1, 2), (2, 5), (4, 6), (5, 0)])
    assert found.tolist() == [0, 0, 0, 3, 4, 0, 4]


def test_silence_and_too_few_clips_stop_nothing():
    silent = np.zeros((3, RATE), np.int16)
    assert np.isfinite(duplicates.signatures(silent)).all()
    assert duplicates.near_duplicates(silent).is_empty()
    assert duplicates.near_duplicates(silent[:1]).is_empty()
    assert duplicates.near_duplicates(silent[:0]).is_empty()
