"""The float64 reference: properties first, then each preset against its outside oracle."""

import micro_frontend
import numpy as np
import pytest

from kit.audio import preset, reference, tables

RATE = 16_000


def tone(hz, seconds, level=0.5, rate=RATE):
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("seconds", [0.1, 0.37, 1.0, 2.5])
@pytest.mark.parametrize("hz", [250, 1000, 4000])
def test_a_tone_lands_in_its_bin_whatever_the_duration(hz, seconds):
    power = reference.stages(tone(hz, seconds), preset("kws"))["power"]
    assert (power.argmax(1) == round(hz * 512 / RATE)).all()


@pytest.mark.parametrize("name", ["kws", "kaldi", "tflm-micro"])
def test_a_tone_is_loudest_in_the_band_around_it(name):
    spec = preset(name)
    low, high = tables.hz_to_mel([spec.fmin, spec.fmax], spec.mel_scale)
    centres = tables.mel_to_hz(np.linspace(low, high, spec.mels + 2), spec.mel_scale)[1:-1]
    for band in range(8, spec.mels, 5):
        mel = reference.stages(tone(centres[band], 0.5), spec)["mel"]
        assert mel.mean(0).argmax() == band


def test_parseval():
    spec = preset("kws", window_function="rectangular", window=512)
    steps = reference.stages(np.random.default_rng(0).normal(size=4096), spec)
    twice = np.r_[1, np.full(255, 2), 1]  # bins between DC and the end stand for two
    assert np.allclose(steps["power"] @ twice / 512, (steps["windowed"] ** 2).sum(1))


@pytest.mark.parametrize(("name", "per_ten_db"), [("kws", np.log(10)), ("librosa", 10.0)])
def test_gain_shifts_log_mel_by_the_right_amount(name, per_ten_db):
    spec = preset(name, top_db=None)
    noise = np.random.default_rng(0).normal(0, 0.05, RATE)
    soft, loud = (reference.stages(x, spec)["log_mel"] for x in (noise, noise * 10**0.5))
    assert np.allclose(loud - soft, per_ten_db)


@pytest.mark.parametrize("mels", [13, 40, 128])
def test_dct_is_orthonormal(mels):
    matrix = tables.dct_matrix(preset("kws", mels=mels, coeffs=mels))
    assert np.allclose(matrix @ matrix.T, np.eye(mels))


def test_dct_is_the_one_of_scipy():
    from scipy.fft import dct

    x = np.random.default_rng(0).normal(size=(7, 40))
    assert np.allclose(x @ tables.dct_matrix(preset("kws")).T, dct(x, norm="ortho")[:, :13])


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_mel_scales_are_invertible_and_meet_known_points(scale):
    hz = np.linspace(0, 8000, 500)
    assert np.allclose(tables.mel_to_hz(tables.hz_to_mel(hz, scale), scale), hz)
    known = {"htk": (1000, 999.99), "slaney": (1000, 15.0)}[scale]
    assert tables.hz_to_mel(known[0], scale) == pytest.approx(known[1], abs=0.01)


def test_neighbouring_triangles_add_up_to_one():
    weights = tables.mel_weights(preset("tflm-micro"))
    inner = weights[:, weights[0].argmax() : weights[-1].argmax()]
    assert np.allclose(inner.sum(0), 1)


@pytest.mark.parametrize("padding", ["none", "zero", "reflect"])
def test_frames_are_the_plain_loop(padding):
    spec = preset("kws", padding=padding, hop=150, window=300)
    x = np.random.default_rng(0).normal(size=1777)
    edge = 0 if padding == "none" else 256
    padded = np.pad(x, edge, mode="reflect" if padding == "reflect" else "constant")
    inset = 0 if padding == "none" else (512 - 300) // 2
    for t, frame in enumerate(reference.cut(x, spec)):
        at = t * 150 + inset
        assert np.array_equal(frame, padded[at : at + 300])


@pytest.mark.parametrize("size", [8, 30, 128, 200, 240, 256, 1024])
@pytest.mark.parametrize("allowed", [(4, 5, 3, 2), (16, 8, 5, 4, 3, 2)])
def test_fft_plan_is_a_fourier_transform(size, allowed):
    rng = np.random.default_rng(size)
    z = rng.normal(size=size) + 1j * rng.normal(size=size)
    plan, block, wanted = tables.fft_plan(size, allowed), size, np.fft.fft(z)
    for radix, twiddles in zip(plan.radices, [*plan.twiddles, None], strict=True):
        step, k = block // radix, np.arange(radix)
        small = np.exp(-2j * np.pi * np.outer(k, k) / radix)
        for j in range(step):
            turn = np.ones(radix, complex) if twiddles is None else np.r_[1, twiddles[j]]
            for at in range(j, size, block):
                place = at + k * step
                z[place] = small @ z[place] * turn
        block = step
    assert sorted(plan.order) == list(range(size))
    assert np.allclose(z[plan.order], wanted)


def test_librosa(speech):
    librosa = pytest.importorskip("librosa")
    ours = reference.extract(speech, preset("librosa"))
    for clip, mine in zip(speech, ours, strict=True):  # alone: librosa floors a batch as one
        theirs = librosa.feature.mfcc(y=(clip / 32_768).astype(np.float32), sr=RATE)
        # librosa computes in float32; values reach 900
        assert np.abs(theirs.T - mine).max() < 2e-3


def test_kaldi(speech):
    knf = pytest.importorskip("kaldi_native_fbank")
    options = knf.MfccOptions()
    options.frame_opts.dither = 0.0  # noise on purpose: off
    options.use_energy = False  # ours keeps the first cepstral coefficient
    ours = reference.extract(speech, preset("kaldi"))
    for clip, mine in zip(speech, ours, strict=True):
        theirs = knf.OnlineMfcc(options)
        theirs.accept_waveform(RATE, clip.astype(np.float32).tolist())
        theirs.input_finished()
        rows = np.array([theirs.get_frame(i) for i in range(theirs.num_frames_ready)])
        # Kaldi computes in float32, and silence lies 90 dB below speech
        assert np.abs(rows - mine).max() < 0.02


def test_torchaudio_convention(speech):
    """torchaudio.transforms.MFCC(16000), written out with torch as its documentation defines it."""
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(speech / 32_768)
    window = torch.hann_window(400, dtype=torch.float64)
    spectrum = torch.stft(x, 400, 200, window=window, pad_mode="reflect", return_complex=True)
    edges = torch.linspace(0, 2595 * np.log10(1 + 8000 / 700), 130, dtype=torch.float64)
    edges = 700 * (10 ** (edges / 2595) - 1)
    slopes = edges[None] - torch.linspace(0, 8000, 201, dtype=torch.float64)[:, None]
    gaps = edges[1:] - edges[:-1]
    bank = torch.clamp(torch.minimum(-slopes[:, :-2] / gaps[:-1], slopes[:, 2:] / gaps[1:]), min=0)
    decibel = 10 * torch.log10(torch.clamp(spectrum.abs() ** 2, min=0).mT @ bank).clamp(min=-100)
    loudest = decibel.amax((1, 2), keepdim=True)  # per clip; a batch of it would share one floor
    from scipy.fft import dct

    theirs = dct(torch.maximum(decibel, loudest - 80).numpy(), norm="ortho")[..., :40]
    assert np.abs(reference.extract(speech, preset("torchaudio")) - theirs).max() < 1e-6


def test_tflm_micro_filter_bank_is_the_model_of_its_sources(speech):
    for clip in speech[::10]:
        mel = reference.stages(clip, preset("tflm-micro"))["mel"]
        theirs = micro_frontend.mel_magnitude(clip)
        assert np.allclose(np.sqrt(mel) * micro_frontend.MAGNITUDE_SCALE, theirs, rtol=1e-9)


def test_tflm_micro_up_to_noise_reduction(speech):
    """Our bank, then the model of noise reduction and gain control, against the C++ itself.

    Only bands below 4 kHz: the recordings hold nothing above, and there the int16 FFT of
    TensorFlow Lite Micro hears its own rounding, which its gain control lifts. The largest
    differences are single steps of its integers, so percentiles are compared.
    """
    pymicro = pytest.importorskip("pymicro_features")
    gaps = []
    for clip in speech:
        mel = np.sqrt(reference.stages(clip, preset("tflm-micro"))["mel"])
        mine = micro_frontend.after_filterbank(mel * micro_frontend.MAGNITUDE_SCALE, truncate=True)
        theirs = _stream(pymicro.MicroFrontend(), clip)
        gaps.append(np.abs(mine[: len(theirs), :30] - theirs[:, :30]).ravel())
    median, most, nearly_all = np.percentile(np.concatenate(gaps), [50, 95, 99])
    assert (median <= 0.04, most <= 0.25, nearly_all <= 1.0) == (True, True, True)


def _stream(frontend, clip):
    """float[frames, 40] of the C++ front end, which takes bytes and says how many it used."""
    data, rows = clip.tobytes(), []
    while len(data) >= 320:
        found = frontend.process_samples(data)
        if not found.samples_read:
            break
        data = data[2 * found.samples_read :]
        if found.features:
            rows.append(found.features)
    return np.array(rows)
