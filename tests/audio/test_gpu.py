"""The CUDA kernel: compiled, run on the host, modelled, and on a device where there is one."""

import subprocess
import sys

import host_run
import kernel_model
import numpy as np
import nvrtc
import pytest

from kit import audio
from kit.audio import PRESETS, gpu, preset, reference
from kit.errors import KitError

TOLERANCE = {"kws": 2e-4, "librosa": 6e-3, "torchaudio": 6e-3, "kaldi": 0.016, "tflm-micro": 0.025}
TARGETS = ("sm_75", "sm_80", "sm_90")
# measured with CUDA 13.0 and rounded up: more means that fewer warps fit on a processor
REGISTERS = {"sm_75": 112, "sm_80": 112, "sm_90": 112}


def needs_device():
    if not gpu.available():
        pytest.skip("no CUDA device")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", PRESETS)
def test_the_kernels_compile_without_spills(name, target):
    if nvrtc.library() is None:
        pytest.skip("the wheel nvidia-cuda-nvrtc is not here")
    for dtype in (np.int16, np.float32):
        plan = gpu.plan(preset(name), dtype, 16_000)
        found = {
            k.name: k for k in nvrtc.compile_for(target, gpu._SOURCE.read_text(), plan.options)
        }
        assert set(found) == {"features", "raise_and_dct"}
        print(name, np.dtype(dtype), target, *found.values(), sep="\n  ")
        for kernel in found.values():
            assert kernel.spilled == 0
            assert kernel.registers <= REGISTERS[target]
        assert found["features"].shared == plan.shared_bytes <= gpu.SHARED_BYTES


@pytest.mark.skipif(not host_run.COMPILER, reason="no g++")
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("name", PRESETS)
def test_the_kernel_run_on_the_host(name, dtype, odd_clips, tmp_path):
    x = odd_clips(3, 2500 + (name == "kws"), dtype)
    found = host_run.extract(x, preset(name), tmp_path)
    assert np.abs(found - reference.extract(x, preset(name))).max() < TOLERANCE[name]


@pytest.mark.skipif(not host_run.COMPILER, reason="no g++")
@pytest.mark.parametrize(
    "changes",
    [
        {"fft": 400, "padding": "reflect", "hop": 133}, {"fft": 450}, {"fft": 1024, "window": 1023},
        {"fft": 16, "window": 7, "mels": 3, "coeffs": 2}, {"power": 1, "fft": 480},
        {"top_db": 40.0, "dct": "none", "coeffs": 40}, {"pre_emphasis": 0.9, "padding": "zero"},
        {"fft": 96, "window": 90, "mels": 7, "coeffs": 7},
    ],
)  # fmt: skip
def test_any_spec_run_on_the_host(changes, odd_clips, tmp_path):
    spec, x = preset("kws", **changes), odd_clips(2, 1501)
    for teams, grid in ((None, 3), (1, 1)):
        found = host_run.extract(x, spec, tmp_path, grid, teams)
        assert np.abs(found - reference.extract(x, spec)).max() < 2e-3
        tmp_path = tmp_path / "again"  # a loaded library cannot be replaced
        tmp_path.mkdir()


@pytest.mark.skipif(not host_run.COMPILER, reason="no g++")
@pytest.mark.parametrize("name", ["kws", "librosa"])
def test_nan_is_not_hidden_by_the_floor(name, odd_clips, tmp_path):
    x = odd_clips(2, 3000, np.float32)
    x[0, 1500] = np.nan
    broken, whole = host_run.extract(x, preset(name), tmp_path)
    assert np.isnan(broken).any()
    assert not np.isnan(whole).any()


@pytest.mark.parametrize("name", PRESETS)
def test_the_model_of_the_index_arithmetic(name, odd_clips):
    spec = preset(name, padding="none", remove_dc=False, pre_emphasis=0.0, top_db=None)
    x = odd_clips(1, 4096)
    wanted = reference.extract(x, spec)[0]
    plan = gpu.plan(spec, np.int16, 4096)
    for t in (0, len(wanted) // 2):
        frame = x[0, t * spec.hop : t * spec.hop + spec.window].astype(float)
        assert np.abs(kernel_model.frame_features(frame, plan) - wanted[t]).max() < 5e-3


def test_no_two_lanes_meet_in_a_bank_in_our_preset():
    assert kernel_model.bank_conflicts(256, (16, 16)) == 1
    assert kernel_model.bank_conflicts(1024, (16, 16, 4)) <= 4


def test_plans():
    kws = gpu.plan(preset("kws"), np.int16, 16_000)
    options = kernel_model.options_of(kws)
    assert (options["RADICES"], options["PAIRED"], kws.threads) == ("16,16", "1", 128)
    assert not kws.two_pass
    odd = kernel_model.options_of(gpu.plan(preset("kws"), np.int16, 16_001))
    assert odd["PAIRED"] == "0"  # rows of odd length are not aligned for pairs
    assert kernel_model.options_of(gpu.plan(preset("kaldi"), np.int16, 16_000))["PAIRED"] == "0"
    shifted = kernel_model.options_of(gpu.plan(preset("kws"), np.int16, 16_000, aligned=False))
    assert shifted["PAIRED"] == "0"  # a view that starts at an odd sample
    assert gpu.plan(preset("librosa"), np.int16, 16_000).two_pass
    large = gpu.plan(preset("kws", fft=4096), np.int16, 16_000)
    assert (large.teams, large.shared_bytes <= gpu.SHARED_BYTES) == (1, True)
    with pytest.raises(KitError, match="do not fit into the shared memory"):
        gpu.plan(preset("kws", fft=8192, window=8192), np.int16, 16_000)
    with pytest.raises(KitError, match="do not fit"):
        gpu.plan(preset("kws"), np.int16, 16_000, teams=32)


def test_without_cupy_the_error_says_what_to_do():
    code = (
        "import sys; sys.modules['cupy'] = None\nimport numpy as np\nfrom kit import audio\n"
        "x = np.zeros((1, 16000), np.int16)\nprint(audio.extract(x, 'kws').shape)\n"
        "audio.extract(x, 'kws', 'gpu')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "(1, 98, 13)"
    assert "the GPU backend needs CuPy" in done.stderr


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("samples", [2049, 4000, 16_000, 16_001, 80_003])
@pytest.mark.parametrize("name", PRESETS)
def test_device_against_reference(name, samples, dtype, odd_clips):
    needs_device()
    import cupy

    for clips in (1, 3, 37):
        x = odd_clips(clips, samples, dtype)
        wanted = reference.extract(x, preset(name))
        resident = audio.extract(cupy.asarray(x), name)
        assert np.abs(resident.get() - wanted).max() < TOLERANCE[name]
        assert audio.extract(x, name, "gpu").tobytes() == resident.get().tobytes()


@pytest.mark.gpu
@pytest.mark.parametrize("name", PRESETS)
def test_device_gives_the_same_bytes_in_any_batch(name, odd_clips):
    needs_device()
    import cupy

    x = odd_clips(50, 16_000)
    whole = audio.extract(x, name, "gpu")
    alone = np.concatenate([audio.extract(clip[None], name, "gpu") for clip in x])
    streamed = gpu.stream(x, preset(name), clips=7, buffers=3)
    assert whole.tobytes() == alone.tobytes() == streamed.tobytes()
    assert cupy.asnumpy(audio.extract(cupy.asarray(x), name)).tobytes() == whole.tobytes()


@pytest.mark.gpu
def test_device_refuses_what_it_would_compute_wrongly():
    needs_device()
    import cupy

    x = cupy.zeros((4, 16_000), np.int16)
    with pytest.raises(KitError, match=r"gaps between its rows.*ascontiguousarray"):
        audio.extract(x[:, ::2], "kws")
    with pytest.raises(KitError, match="not audio: found 'float64'"):
        audio.extract(x.astype(float), "kws")
    with pytest.raises(KitError, match="lies on the GPU"):
        audio.extract(x, "kws", "cpu")
    with pytest.raises(KitError, match="cannot take these arrays"):
        gpu._launch(x, cupy.empty((4, 98, 12), np.float32), preset("kws"))


@pytest.mark.gpu
def test_device_reads_a_view_that_starts_at_an_odd_sample(odd_clips):
    needs_device()
    import cupy

    x = odd_clips(3, 16_000)
    flat = cupy.zeros(x.size + 1, np.int16)
    flat[1:] = cupy.asarray(x.ravel())
    found = audio.extract(flat[1:].reshape(x.shape), "kws")
    assert np.abs(found.get() - reference.extract(x, preset("kws"))).max() < TOLERANCE["kws"]


@pytest.mark.gpu
def test_two_specs_of_equal_sizes_do_not_share_tables(odd_clips):
    needs_device()
    x = odd_clips(2, 16_000)
    for changes in ({}, {"mel_scale": "slaney"}, {"window_function": "hamming"}, {"lifter": 22.0}):
        spec = preset("kws", **changes)
        gap = np.abs(audio.extract(x, spec, "gpu") - reference.extract(x, spec))
        assert gap.max() < 2e-3
