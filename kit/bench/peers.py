"""The preset kws as other libraries compute it: the peers that `kit bench features` times.

Each is a function of int16[n, 16000] to features [n, 98, 13]; it imports its library when made.
All give the features of our reference, but for kaldi, whose definition differs.
"""

import numpy as np

from kit.audio import preset, tables

SPEC = preset("kws")
SECOND = 16_000  # samples of a clip
BATCH = 25  # clips that a batched peer takes at once: measured as best among 5 to 100


def librosa_loop():
    """librosa, a clip at a time: melspectrogram, logarithm, DCT."""
    one = librosa_batched()
    return lambda clips: np.concatenate([one(clip[None]) for clip in clips])


def librosa_batched():
    """librosa on a batch."""
    import librosa
    from scipy.fft import dct

    options = {
        "sr": SPEC.rate, "n_fft": SPEC.fft, "hop_length": SPEC.hop, "win_length": SPEC.window,
        "center": False, "n_mels": SPEC.mels, "fmin": SPEC.fmin, "fmax": SPEC.fmax, "htk": True,
        "norm": None,
    }  # fmt: skip
    edge = (SPEC.fft - SPEC.window) // 2  # librosa centres the window in the frame

    def run(clips):
        x = np.pad(clips.astype(np.float32) / 32_768, ((0, 0), (edge, edge)))
        mel = librosa.feature.melspectrogram(y=x, **options)
        logs = np.log(np.maximum(mel, SPEC.floor))
        return dct(logs, axis=-2, norm="ortho")[..., : SPEC.coeffs, :].swapaxes(-1, -2)

    return run


def scipy_rfft():
    """SciPy's real FFT on all cores, matrix products for mel and DCT."""
    import os

    from scipy.fft import rfft

    window, mel, dct = step_tables()

    def run(clips):
        x = clips.astype(np.float32) / 32_768
        frames = np.lib.stride_tricks.sliding_window_view(x, SPEC.window, 1)[:, :: SPEC.hop]
        spectrum = rfft(frames * window, SPEC.fft, workers=os.cpu_count())
        power = spectrum.real**2 + spectrum.imag**2
        return np.log(np.maximum(power @ mel, np.float32(SPEC.floor))) @ dct

    return run


def torch_rfft():
    """PyTorch on the CPU."""
    import torch

    window, mel, dct = map(torch.from_numpy, stepstep_tables())

    def run(clips):
        frames = (torch.from_numpy(clips).float() / 32_768).unfold(-1, SPEC.window, SPEC.hop)
        spectrum = torch.fft.rfft(frames * window, SPEC.fft)
        power = spectrum.real.square() + spectrum.imag.square()  # abs would take a root first
        return (power @ mel).clamp(min=SPEC.floor).log() @ dct

    return run


def torch_dft():
    """PyTorch on the CPU, the Fourier transform as a matrix product."""
    import torch

    window, mel, dct = map(torch.from_numpy, step_tables())
    n, k = torch.arange(SPEC.window)[:, None], torch.arange(SPEC.bins)
    turn = 2 * np.pi / SPEC.fft * (n * k).double()
    matrix = (torch.cat([turn.cos(), turn.sin()], 1) * window[:, None]).float()

    def run(clips):
        x = torch.from_numpy(clips).float() / 32_768
        both = x.unfold(-1, SPEC.window, SPEC.hop) @ matrix
        power = both[..., : SPEC.bins] ** 2 + both[..., SPEC.bins :] ** 2
        return (power @ mel).clamp(min=SPEC.floor).log() @ dct

    return run


def kaldi():
    """kaldi-native-fbank, a clip at a time: Kaldi's own definition with 40 bands."""
    import kaldi_native_fbank as knf

    options = knf.MfccOptions()
    options.frame_opts.dither, options.use_energy = 0.0, False
    options.mel_opts.num_bins, options.num_ceps = SPEC.mels, SPEC.coeffs

    def run(clips):
        rows = []
        for clip in clips:
            stream = knf.OnlineMfcc(options)
            stream.accept_waveform(SPEC.rate, clip.astype(np.float32))
            stream.input_finished()
            rows.append([stream.get_frame(i) for i in range(stream.num_frames_ready)])
        return np.array(rows)

    return run


def stepstep_tables():
    """float32: window [window], mel weights [bins, mels], DCT [mels, coeffs]."""
    arrays = tables.window(SPEC), tables.mel_weights(SPEC).T, tables.dct_matrix(SPEC).T
    return [np.ascontiguousarray(a, np.float32) for a in arrays]


def step_tables():
    """float32: window [window], mel weights [bins, mels], DCT [mels, coeffs]."""
    arrays = tables.window(SPEC), tables.mel_weights(SPEC).T, tables.dct_matrix(SPEC).T
    return [np.ascontiguousarray(a, np.float32) for a in arrays]


CPU = {
    "librosa, a clip at a time": (librosa_loop, 1),
    "librosa, batched": (librosa_batched, BATCH),
    "SciPy rfft": (scipy_rfft, BATCH),
    "torch rfft": (torch_rfft, BATCH),
    "torch DFT as a product": (torch_dft, BATCH),
    "kaldi-native-fbank": (kaldi, 1),
}
