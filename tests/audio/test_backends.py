"""The CPU path against the reference; determinism; and what extract refuses."""

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from kit import audio
from kit.audio import PRESETS, cpu, preset, reference
from kit.errors import KitError

# the largest gap seen on speech is a quarter of it. float32 rounds relative to the loudest bin
# of a frame, so a band 80 dB below it, or below its own mean, shows the rounding
TOLERANCE = {"kws": 2e-4, "librosa": 6e-3, "torchaudio": 6e-3, "kaldi": 0.016, "tflm-micro": 0.025}


@pytest.mark.parametrize("name", PRESETS)
def test_speech(name, speech):
    gap = np.abs(audio.extract(speech, name, "cpu") - reference.extract(speech, preset(name)))
    assert gap.max() < TOLERANCE[name]


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("samples", [2049, 4000, 16_001])
@pytest.mark.parametrize("name", PRESETS)
def test_odd_sizes(name, samples, dtype, odd_clips):
    for clips in (1, 7):
        x = odd_clips(clips, samples, dtype)
        found = cpu.extract(x, preset(name))
        assert found.dtype == np.float32
        assert np.abs(found - reference.extract(x, preset(name))).max() < TOLERANCE[name]


@pytest.mark.parametrize(
    "changes",
    [
        {"fft": 400, "padding": "reflect"}, {"fft": 480}, {"fft": 450}, {"fft": 640, "window": 601},
        {"fft": 1024, "window": 1023}, {"power": 1}, {"mel_norm": "slaney", "log": "db"},
        {"dct": "none", "coeffs": 40}, {"coeffs": 40}, {"coeffs": 1}, {"top_db": 60.0},
        {"hop": 1, "padding": "zero"},
        {"hop": 777}, {"window": 7, "fft": 16, "mels": 3, "coeffs": 2},
        {"pre_emphasis": 0.97}, {"remove_dc": True}, {"mels": 300, "coeffs": 300},
        {"window_function": "hamming", "lifter": 22.0},
        {"top_db": 50.0, "dct": "none", "coeffs": 40},
    ],
)  # fmt: skip
def test_any_spec(changes, odd_clips):
    spec, x = preset("kws", **changes), odd_clips(3, 3001)
    assert np.abs(cpu.extract(x, spec) - reference.extract(x, spec)).max() < 2e-3


def test_a_weak_tone_beside_a_strong_one(odd_clips):
    t = np.arange(16_000) / 16_000
    x = 0.9 * np.sin(2 * np.pi * 440 * t) + 1e-4 * np.sin(2 * np.pi * 7560 * t)
    x = x.astype(np.float32)[None]
    spec = preset("kws", dct="none", coeffs=40, window_function="povey")
    assert np.abs(cpu.extract(x, spec) - reference.extract(x, spec)).max() < 0.02


def test_same_bytes_in_any_batch_thread_and_process(speech):
    for name in PRESETS:
        whole = audio.extract(speech, name, "cpu")
        alone = np.concatenate([audio.extract(clip[None], name, "cpu") for clip in speech])
        assert whole.tobytes() == alone.tobytes()
        assert cpu.extract(speech, preset(name), workers=5).tobytes() == whole.tobytes()
    with ProcessPoolExecutor(1) as pool:
        far = pool.submit(audio.extract, speech, "kws", "cpu").result()
    assert far.tobytes() == audio.extract(speech, "kws", "cpu").tobytes()


def test_int16_and_the_same_floats_give_the_same(speech):
    floats = (speech / 32_768).astype(np.float32)
    assert np.array_equal(audio.extract(speech, "kws", "cpu"), audio.extract(floats, "kws", "cpu"))


def test_rows_with_gaps_are_read_rightly(speech):
    wide = np.repeat(speech[:4], 2, axis=1)
    found = audio.extract(wide[::2, ::2], "kws", "cpu")
    assert np.array_equal(found, audio.extract(speech[:4:2], "kws", "cpu"))


def test_memory_does_not_grow_with_the_batch():
    """Beyond input and output the workspace is fixed: counted by the allocator of NumPy."""
    import tracemalloc

    extra = []
    for clips in (20, 400):
        x = np.zeros((clips, 16_000), np.int16)
        cpu.extract(x[:1], preset("kws"))
        tracemalloc.start()
        out = cpu.extract(x, preset("kws"))
        extra.append(tracemalloc.get_traced_memory()[1] - out.nbytes)
        tracemalloc.stop()
    assert max(extra) < 1e6  # 400 clips are 13 MB, and 26 MB as floats


@pytest.mark.parametrize("lanes", ["8", "16"])
def test_both_widths_of_vectors(lanes, tmp_path):
    code = (
        "import numpy as np\nfrom kit.audio import cpu, reference, preset, simd\n"
        "x = np.random.default_rng(0).normal(0, 3000, (3, 3000)).astype(np.int16)\n"
        "gap = [np.abs(cpu.extract(x, preset(n)) - reference.extract(x, preset(n))).max()\n"
        "       for n in ('kws', 'torchaudio', 'kaldi')]\n"
        "print(simd.LANES, max(gap))"
    )
    env = os.environ | {"KIT_LANES": lanes, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    width, gap = done.stdout.split()
    assert width == lanes
    assert float(gap) < 2e-3


def test_the_core_needs_numpy_and_numba_alone():
    blocked = ("polars", "plotly", "ipywidgets", "psutil", "pooch", "pyarrow", "soundfile", "soxr",
               "scipy", "pandera", "typer", "rich", "cupy", "torch")  # fmt: skip
    code = "import sys\n" + "".join(f"sys.modules['{b}'] = None\n" for b in blocked)
    code += (
        "import numpy as np\nfrom kit import audio\nfrom kit.audio import gpu\n"
        "x = np.ones((2, 16000), np.int16)\n"
        "print(audio.extract(x, 'kws').shape, gpu.plan(audio.preset('kws'), x.dtype, 16000).teams)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "(2, 98, 13) 8", done.stderr


def test_without_numba_the_error_says_what_to_do():
    code = (
        "import sys; sys.modules['numba'] = None\nimport numpy as np\nfrom kit import audio\n"
        "x = np.zeros((1, 16000), np.int16)\nprint(audio.extract(x, 'kws', 'reference').shape)\n"
        "audio.extract(x, 'kws', 'cpu')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "(1, 98, 13)"
    assert "the CPU backend needs numba" in done.stderr


GOOD = np.zeros((2, 16_000), np.int16)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (GOOD[:0], r"audio is empty: found \(0, 16000\). Allowed: one clip or more"),
        (GOOD[:, :1], "too short for the spec: found '1 samples'. Allowed: 400 samples or more"),
        (GOOD[:, :399], "399 samples"),
        (GOOD[0], r"wrong shape: found \(16000,\).*audio\[None\]"),
        (GOOD[None], r"wrong shape: found \(1, 2, 16000\).*to_mono"),
        (
            GOOD.astype(float),
            "a type that is not audio: found 'float64'. Allowed: int16, or float32",
        ),
        (GOOD.astype(object), "a type that is not audio: found 'object'"),
        (GOOD.astype(">i2"), "a type that is not audio: found '>i2'"),
        ([[0, 1]], "not an array: found 'list'"),
        (np.full((2, 16_000), np.nan, np.float32), "NaN or infinity: found 'clip 0'"),
        (np.full((2, 16_000), -np.inf, np.float32), "NaN or infinity"),
        (np.full((2, 16_000), 12_000, np.float32), r"not in \[-1, 1\]: found '12000 to 12000'"),
    ],
)
@pytest.mark.parametrize("backend", ["auto", "cpu", "reference"])
def test_bad_input_names_value_and_remedy(x, says, backend):
    with pytest.raises(KitError, match=says):
        audio.extract(x, "kws", backend)


def test_the_clip_with_nan_is_named():
    x = np.zeros((5, 16_000), np.float32)
    x[3, 7] = np.nan
    with pytest.raises(KitError, match=r"'clip 3'.*[Dd]rop clip 3"):
        audio.extract(x, "kws")


def test_rate_backend_and_spec_are_checked():
    with pytest.raises(
        KitError, match=r"8000 Hz.*16000 Hz.*resample\(x, 8000, 16000\) for x in audio"
    ):
        audio.extract(GOOD, "kws", rate=8000)
    with pytest.raises(KitError, match="no such backend: found 'tpu'. Allowed: auto, cpu"):
        audio.extract(GOOD, "kws", "tpu")
    with pytest.raises(KitError, match="spec is not a FeatureSpec: found 'dict'"):
        audio.extract(GOOD, {})


@pytest.mark.parametrize(
    ("x", "remedy"),
    [
        (GOOD.astype(">i2"), r"audio\.astype\(np\.int16\)"),
        (GOOD.astype(np.int32), r"to_int16\(kit\.audio\.to_float\(audio\)\)"),
        (GOOD.astype(float), r"to_int16\(audio\)"),
    ],
)
def test_following_the_remedy_keeps_the_sound(x, remedy):
    with pytest.raises(KitError, match=remedy):
        audio.extract(x, "kws")
    values = np.array([[2103, 821, 66, -32_768]])
    assert np.array_equal(values.astype(">i2").astype(np.int16), values)
    wide = (values * 65_536).astype(np.int32)
    assert np.array_equal(audio.to_int16(audio.to_float(wide)), values)
    assert np.array_equal(audio.to_int16(values / 32_768), values)


def test_a_batch_at_another_rate_is_resampled_clip_by_clip_as_the_remedy_says():
    rng = np.random.default_rng(0)
    batch = rng.integers(-999, 999, (3, 8000), np.int16)
    with pytest.raises(KitError, match="for x in audio") as fault:
        audio.extract(batch, "kws", rate=8000)
    assert ". np.stack([" in str(fault.value)  # code keeps its case
    better = np.stack([audio.resample(x, 8000, 16_000) for x in batch])
    assert audio.extract(better, "kws", rate=16_000).shape == (3, 98, 13)


def test_a_folder_that_cannot_be_written_costs_time_not_features(tmp_path):
    code = (
        "import numba.core.caching as c\n"
        "def refuse(*args): raise RuntimeError('cannot cache function: no locator available')\n"
        "c.FunctionCache.__init__ = refuse\nimport numpy as np\nfrom kit import audio\n"
        "print(audio.extract(np.ones((1, 16000), np.int16), 'kws', 'cpu').shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "(1, 98, 13)", done.stderr


def test_auto_takes_the_cpu_where_the_gpu_cannot(monkeypatch):
    from kit.audio import gpu

    monkeypatch.setattr(gpu, "available", lambda: True)
    spec = preset("kws", fft=8192, window=8192)
    assert not gpu.fits(spec, np.dtype(np.int16), 16_000)
    assert audio.extract(GOOD, spec).shape[0] == 2
    with pytest.raises(KitError):
        audio.extract(GOOD, "kws", "gpu")
    broken = np.full((1, 16_000), np.nan, np.float32)
    with pytest.raises(KitError, match="NaN"):  # before anything is sent to the GPU
        audio.extract(broken, "kws", "gpu")
