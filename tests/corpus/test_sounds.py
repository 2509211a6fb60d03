"""From files of every kind to one array: the engineer's path."""

import numpy as np
import pytest
import soundfile

from kit import audio, corpus
from kit.errors import KitError


def tone(hz, rate, seconds, level=0.5):
    return level * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)


@pytest.fixture
def folder(tmp_path):
    """Files of the same tone in other clothes, and two that are broken."""
    for name, rate, subtype in (
        ("a.wav", 16_000, "PCM_16"), ("b.wav", 44_100, "PCM_24"), ("c.wav", 8000, "FLOAT"),
        ("d.wav", 48_000, "PCM_U8"), ("e.flac", 32_000, "PCM_24"), ("f.wav", 16_000, "PCM_32"),
    ):  # fmt: skip
        soundfile.write(tmp_path / name, tone(1000, rate, 0.7), rate, subtype=subtype)
    both = np.stack([tone(1000, 16_000, 0.7, 0.8), tone(1000, 16_000, 0.7, 0.2)], 1)
    soundfile.write(tmp_path / "g.wav", both, 16_000, subtype="PCM_16")
    (tmp_path / "h.wav").write_bytes(b"not a sound")
    cut = (tmp_path / "a.wav").read_bytes()[:-1000]
    (tmp_path / "i.wav").write_bytes(cut)
    return tmp_path


def test_every_kind_of_file_becomes_the_same_clip(folder):
    found = corpus.load_clips("folder", folder, progress=False)
    assert (found.table.height, found.rejects.height, found.read) == (7, 2, 9)
    assert set(found.rejects["code"]) == {"not-wav", "truncated"}
    waves = corpus.waveforms(found.table)
    assert (waves.dtype, waves.shape) == (np.int16, (7, 16_000))
    wanted = audio.fit(audio.to_int16(tone(1000, 16_000, 0.7)), 16_000)
    middle = slice(4000, 12_000)
    for path, wave in zip(found.table["path"], waves, strict=True):
        steps = 300 if path.endswith("d.wav") else 4  # 8 bits
        assert np.abs(wave[middle].astype(int) - wanted[middle]).max() <= steps, path
        assert not wave[:2000].any()


def test_an_untouched_clip_is_exact_and_rows_keep_their_order(folder):
    table = corpus.load_clips("folder", folder, progress=False).table.sort("path")
    waves = corpus.waveforms(table, seconds=0.7)
    stored = audio.read_wav(folder / "a.wav").samples[:, 0]
    assert np.array_equal(waves[0], stored)
    backwards = corpus.waveforms(table.reverse(), seconds=0.7)
    assert np.array_equal(backwards[::-1], waves)


def test_read_sound_mixes_and_resamples(folder):
    assert np.abs(corpus.read_sound(folder / "g.wav").astype(int)).max() == pytest.approx(16_384, 1)
    assert len(corpus.read_sound(folder / "c.wav")) == 11_200
    assert len(corpus.read_sound(folder / "c.wav", rate=8000)) == 5600


def test_a_file_that_changed_since_is_named(folder):
    table = corpus.load_clips("folder", folder, progress=False).table
    soundfile.write(folder / "a.wav", tone(1000, 16_000, 0.1), 16_000)
    with pytest.raises(KitError, match=r"a\.wav is not the file that the clip table describes"):
        corpus.waveforms(table)


def test_fsdd_to_features(fsdd):
    table = corpus.load_clips("fsdd", progress=False).table[::100]
    features = audio.extract(corpus.waveforms(table), "kws")
    assert features.shape == (30, 98, 13)
    assert np.isfinite(features).all()


def test_many_clips_of_one_file_are_cut_where_the_table_says(tmp_path):
    import polars as pl

    x = np.arange(-16_000, 16_000, dtype=np.int16)
    soundfile.write(tmp_path / "long.wav", x, 16_000)
    whole = corpus.load_clips("folder", tmp_path, progress=False).table
    starts = [0, 31_000, 7, 1600]
    rows = pl.concat(
        [whole.with_columns(offset=pl.lit(s), num_samples=pl.lit(800)) for s in starts]
    )
    rows = rows.cast({"offset": pl.Int64, "num_samples": pl.Int64})
    waves = corpus.waveforms(rows, seconds=0.05)
    assert np.array_equal(waves, np.stack([x[s : s + 800] for s in starts]))
    with pytest.raises(KitError, match="not the file"):
        corpus.waveforms(rows.with_columns(offset=pl.lit(-5)))


def test_what_is_not_a_clip_table_is_refused_in_words(folder):
    found = corpus.load_clips("folder", folder, progress=False)
    with pytest.raises(KitError, match=r"found 'Loaded'.*Hand over its \.table"):
        corpus.waveforms(found)
    with pytest.raises(KitError, match=r"lacks columns: found \['offset'\]"):
        corpus.waveforms(found.table.drop("offset"))
    for size in ({"seconds": -1}, {"seconds": float("nan")}, {"rate": "16000"}):
        with pytest.raises(KitError, match="make no clip"):
            corpus.waveforms(found.table, **size)
