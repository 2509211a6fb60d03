"""The clip table keeps its contract, and sounds come back as stored."""

import hashlib

import numpy as np
import polars as pl
import pytest
import soundfile

from kit.corpus import clip_id, clip_table, decode, open_clip, read_clip, validate
from kit.errors import KitError

RATE = 16_000
RNG = np.random.default_rng(0)
NOISE = RNG.integers(-20_000, 20_000, 4000, np.int16)
WIDE = RNG.integers(-(2**23), 2**23, 4000, np.int32)  # 24 bits

ROW = {
    "clip_id": "0" * 24, "path": "a.wav", "offset": 0, "num_samples": 4000, "sample_rate": RATE,
    "source": "mine", "source_id": "mine/a",
}  # fmt: skip


def table(*changes):
    """Rows like ROW, each in its own file, with `changes`; not validated."""
    rows = [ROW | {"path": f"{i}.wav"} | change for i, change in enumerate(changes)]
    return pl.DataFrame(rows, schema=clip_table([]).schema, orient="row")


def test_a_good_table_comes_back_as_it_is():
    good = table({}, {"split": "test", "label": "yes", "speaker": "a"})
    assert validate(good).equals(good)
    assert validate(good.with_columns(snr_db=pl.lit(20.0))).width == good.width + 1
    assert clip_table([]).height == 0


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"clip_id": "0" * 23}, "clip_id must be str_matches"),
        ({"clip_id": "G" * 24}, "clip_id must be str_matches"),
        ({"clip_id": None}, "clip_id must be not_nullable"),
        ({"path": None}, "path must be not_nullable"),
        ({"path": ""}, "path must be str_length"),
        ({"offset": -1}, "offset must be greater_than_or_equal_to(0): 1 rows, first '-1' in row 1"),
        ({"num_samples": 0}, "num_samples must be greater_than(0)"),
        ({"sample_rate": 0}, "sample_rate must be greater_than(0)"),
        ({"source": None}, "source must be not_nullable"),
        ({"source_id": ""}, "source_id must be str_length"),
        ({"split": "dev"}, "split must be isin"),
        ({"path": "0.wav"}, "path, offset and num_samples must differ between rows: 2 rows"),
    ],
)
def test_every_rule_is_enforced_and_named(change, rule):
    with pytest.raises(KitError, match="breaks 1 of its rules") as caught:
        validate(table({}, change))
    assert rule in str(caught.value)
    assert caught.value.code == "bad-table"


@pytest.mark.parametrize("column", table({}).columns)
def test_every_column_is_needed_with_its_type(column):
    with pytest.raises(KitError, match=f"column {column} is missing"):
        validate(table({}).drop(column))
    with pytest.raises(KitError, match=f"1 of its rules: {column} must be dtype"):
        validate(table({}).with_columns(pl.lit(1.5).alias(column)))


def test_all_failures_come_at_once_with_their_counts():
    bad = table({"split": "dev"}, {"split": "x"}, {"offset": -5}).drop("label", "licence")
    with pytest.raises(KitError) as caught:
        validate(bad)
    assert "breaks 4 of its rules" in str(caught.value)
    assert "2 rows, first 'dev' in row 0" in str(caught.value)
    assert "first '-5' in row 2" in str(caught.value)
    assert "column label is missing; column licence is missing" in str(caught.value)


def test_a_lazy_frame_is_not_waved_through():
    with pytest.raises(KitError, match=r"collect\(\)"):
        validate(table({"offset": -1}).lazy())


def test_the_id_is_the_stated_hash():
    head = b"<i2 1 16000"
    assert (
        clip_id(NOISE, RATE) == hashlib.blake2b(head + NOISE.tobytes(), digest_size=12).hexdigest()
    )
    assert clip_id(NOISE[:, None], RATE) == clip_id(NOISE, RATE)
    assert clip_id(NOISE.astype(">i2"), RATE) == clip_id(NOISE, RATE)
    assert clip_id(np.repeat(NOISE, 2)[::2], RATE) == clip_id(NOISE, RATE)


def test_the_id_differs_where_the_sound_does():
    one_off = NOISE.copy()
    one_off[-1] += 1
    sounds = [
        (NOISE, RATE), (NOISE, 8000), (one_off, RATE), (NOISE[:-1], RATE),
        (NOISE.reshape(-1, 2), RATE), (NOISE.astype(np.float32), RATE),
    ]  # fmt: skip
    assert len({clip_id(*sound) for sound in sounds}) == len(sounds)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("subtype", "samples", "bits"), [("PCM_16", NOISE, 16), ("PCM_24", WIDE, 24)]
)
def test_wav_flac_and_aiff_agree_sample_for_sample(tmp_path, subtype, samples, bits, channels):
    samples = samples.reshape(-1, channels)
    for suffix in ("wav", "flac", "aiff"):
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, samples << 8 if bits == 24 else samples, RATE, subtype)
        sound = decode(path)
        assert sound.samples.dtype == samples.dtype
        np.testing.assert_array_equal(sound.samples, samples)
        assert (sound.rate, sound.bits) == (RATE, bits)
        assert clip_id(sound.samples, RATE) == clip_id(samples, RATE)
        assert not sound.samples.flags.writeable


@pytest.mark.parametrize(
    ("name", "subtype", "rate"),
    [("a.opus", "OPUS", 48_000), ("a.ogg", "VORBIS", RATE), ("a.mp3", "MPEG_LAYER_III", RATE)],
)
def test_lossy_files_give_the_tone_that_went_in(tmp_path, name, subtype, rate):
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    kind = "MP3" if name.endswith("mp3") else "OGG"
    soundfile.write(tmp_path / name, tone, rate, subtype, format=kind)
    sound = decode(tmp_path / name)
    assert sound.samples.dtype == np.float32
    assert sound.samples.shape == (rate, 1)
    middle = sound.samples[rate // 4 : -rate // 4, 0]
    spectrum = np.abs(np.fft.rfft(middle)) / len(middle) * 2
    assert np.argmax(spectrum) == 1000 * len(middle) // rate
    assert np.max(spectrum) == pytest.approx(0.5, rel=0.05)


def test_a_clip_is_its_piece_of_the_file(tmp_path):
    for suffix in ("wav", "flac"):
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, NOISE, RATE)
        row = ROW | {"path": str(path), "offset": 100, "num_samples": 50}
        np.testing.assert_array_equal(read_clip(row)[:, 0], NOISE[100:150])
        assert (open_clip(row).rate, open_clip(row).bits) == (RATE, 16)


@pytest.mark.parametrize("change", [{"offset": 1}, {"num_samples": 4001}, {"sample_rate": 8000}])
def test_a_file_that_changed_since_is_refused(tmp_path, change):
    soundfile.write(tmp_path / "a.wav", NOISE, RATE)
    row = ROW | {"path": str(tmp_path / "a.wav")}
    assert len(read_clip(row)) == 4000
    with pytest.raises(KitError, match="Load the table again"):
        read_clip(row | change)
