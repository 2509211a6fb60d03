"""How fast features are made on a GPU: ours and peers, against the ceilings of the same device."""

import functools
import time

import numpy as np

from kit.audio import cost, gpu, tables
from kit.bench.peers import SECOND, SPEC, step_tables

SIZES = (1, 1000, 100_000, 1_000_000)  # clips in one call
_PEER_CLIPS = 20_000  # for peers, which keep every step in memory; a larger batch is not faster


def features_gpu(rounds=5, sizes=SIZES):
    """Time the preset kws on the first CUDA device: dict with device, ceilings, rows, missing.

    rows: name, clips in a call, clips_per_s (median of the rounds), low, high (10-90 %),
    roofline_share, ratio_to_best_peer, host_rate_share of a streamed run. "device resident" finds
    int16 clips in GPU memory and leaves features there; "streamed" starts and ends in the host's.
    """
    cupy = gpu._cupy()
    ceilings = device_ceilings(cupy)
    runs, missing = _ours(cupy, sizes), []
    for name, make in _PEERS.items():
        try:
            runs[name, _PEER_CLIPS] = make(cupy)
        except ImportError as error:
            missing.append({"name": name, "missing": str(error)})
    rows = _measure(cupy, runs, rounds, ceilings)
    facts = cupy.cuda.runtime.getDeviceProperties(0)
    return {"device": facts["name"].decode(), "driver": cupy.cuda.runtime.driverGetVersion(),
            "ceilings": ceilings, "rows": rows, "missing": missing}  # fmt: skip


def device_ceilings(cupy, size=2**30):
    """dict: gbs (device copy, both ways), gflops (float32 product), host_gbs (from pinned)."""
    source = cupy.zeros(size, cupy.uint8)
    target, matrix = cupy.empty_like(source), cupy.ones((8192, 8192), cupy.float32)
    out = cupy.empty_like(matrix)
    pinned = gpu._pinned(cupy, (size,), np.dtype(np.uint8))
    return {
        "gbs": 2 * size / 1e9 / _best(cupy, lambda: cupy.copyto(target, source)),
        "gflops": 2 * 8192**3 / 1e9 / _best(cupy, lambda: cupy.matmul(matrix, matrix, out=out)),
        "host_gbs": size / 1e9 / _best(cupy, lambda: target.set(pinned)),
    }


def _best(cupy, call, runs=10):
    """Seconds of the fastest of some runs; the first ones warm up."""
    seconds = []
    for _ in range(runs + 2):
        cupy.cuda.Device().synchronize()
        start = time.perf_counter()
        call()
        cupy.cuda.Device().synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds[2:])


def _ours(cupy, sizes):
    """dict of (name, clips) -> function that makes the features of so many clips."""
    runs = {}
    for clips in sizes:
        if clips * SECOND * 2 * 1.5 < cupy.cuda.runtime.memGetInfo()[0]:
            x = _noise(cupy, clips)
            runs["kit, device resident", clips] = functools.partial(gpu.extract, x, SPEC)
    host = cupy.asnumpy(_noise(cupy, min(max(sizes), 100_000)))
    runs["kit, streamed", len(host)] = functools.partial(gpu.stream, host, SPEC)
    return runs


def _noise(cupy, clips):
    """int16[clips, 16000] on the device, made in parts: the generator works on wider numbers."""
    x = cupy.empty((clips, SECOND), cupy.int16)
    for start in range(0, clips, 10_000):
        part = x[start : start + 10_000]
        part[:] = cupy.random.randint(-9000, 9000, part.shape, cupy.int32)
    return x


def _torchaudio(cupy):
    """torchaudio's MFCC on the GPU, from int16 that lie there."""
    import torch
    from torchaudio.transforms import MFCC

    sizes = {
        "n_fft": SPEC.fft, "win_length": SPEC.window, "hop_length": SPEC.hop, "n_mels": SPEC.mels,
        "f_min": SPEC.fmin, "f_max": SPEC.fmax, "center": False,
    }  # fmt: skip
    mfcc = MFCC(SPEC.rate, SPEC.coeffs, log_mels=True, melkwargs=sizes).cuda()
    x = torch.from_dlpack(_noise(cupy, _PEER_CLIPS))
    return lambda: mfcc(x.float() / 32_768)


def _flashmel(cupy):
    """flashmel's fused mel kernel, then logarithm and DCT in torch."""
    import torch
    from flashmel import MelSpectrogram

    mel = MelSpectrogram(
        sample_rate=SPEC.rate, n_fft=SPEC.fft, win_length=SPEC.window, hop_length=SPEC.hop,
        n_mels=SPEC.mels, f_min=SPEC.fmin, f_max=SPEC.fmax, center=False,
    )  # fmt: skip
    dct = torch.from_numpy(tables.dct_matrix(SPEC).astype(np.float32)).cuda()
    x = torch.from_dlpack(_noise(cupy, _PEER_CLIPS))
    return lambda: dct @ mel(x).clamp(min=SPEC.floor).log()


def _cufft(cupy):
    """cuFFT through CuPy, step by step: what one writes without a fused kernel."""
    window, mel, dct = map(cupy.asarray, step_tables())
    x = _noise(cupy, _PEER_CLIPS)

    def run():
        samples = x.astype(cupy.float32) / 32_768
        frames = cupy.lib.stride_tricks.sliding_window_view(samples, SPEC.window, 1)
        spectrum = cupy.fft.rfft(frames[:, :: SPEC.hop] * window, SPEC.fft)
        power = spectrum.real**2 + spectrum.imag**2
        return cupy.log(cupy.maximum(power @ mel, SPEC.floor)) @ dct

    return run


_PEERS = {"torchaudio": _torchaudio, "flashmel, and a DCT": _flashmel, "cuFFT, unfused": _cufft}


def _measure(cupy, runs, rounds, ceilings):
    seconds = {key: [] for key in runs}
    for _ in range(rounds):
        for key, run in runs.items():
            seconds[key].append(_best(cupy, run, runs=3))
    rates = {key: key[1] / np.array(s) for key, s in seconds.items()}
    peers = [np.median(r) for (name, _), r in rates.items() if not name.startswith("kit")]
    best = max(peers, default=np.nan)
    return [_row(key, r, ceilings, best) for key, r in rates.items()]


def _row(key, rates, ceilings, best):
    name, clips = key
    low, middle, high = (float(x) for x in np.percentile(rates, [10, 50, 90]))
    most, _ = cost.roofline(SPEC, SECOND, ceilings["gflops"], ceilings["gbs"])
    share = middle * 2 * SECOND / 1e9 / ceilings["host_gbs"]
    return {
        "name": name, "clips": clips, "clips_per_s": middle, "low": low, "high": high,
        "roofline_share": middle / most, "ratio_to_best_peer": middle / float(best),
        "host_rate_share": share if name.endswith("streamed") else None,
    }  # fmt: skip
