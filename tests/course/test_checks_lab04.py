"""The checks of lab 04 accept the right work, reject the usual slips, and say why."""

import numpy as np
import pytest
from lab_checks import AlwaysEqual, accept, draws, refuse, solutions

from kit import audio

LAB = "lab04_feature_extraction"
TASKS = {
    "frames": "cut_frames", "short": "cut_frames", "bands": "log_mel", "cepstra": "cepstra",
    "roofline": "corpus_time", "switch": "find_switch",
}  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("time", range(3))
def test_the_master_passes_visible_and_hidden(checks, task, time):
    accept(checks, task, solutions(LAB)[TASKS[task]])


def test_the_master_passes_whatever_is_drawn(checks):
    """A check that fails right work once in a hundred draws fails somebody in every class."""
    visible, found = checks[0], solutions(LAB)
    for task, name in TASKS.items():
        for seed in draws(60):
            getattr(visible, task).__wrapped__(found[name], seed)


def test_every_candidate_of_the_switch_task_can_be_told_apart(checks):
    """Equal shapes differ by far more than the tolerance that the task states."""
    visible = checks[0]
    for seed in range(20):
        clips, spec = visible._words(np.random.default_rng(seed), 3), audio.preset("kws")
        specs = [spec, spec.changed(fmin=60.0), spec.changed(power=1)]
        specs += [spec.changed(**changes) for changes in visible._SWITCHES.values()]
        features = [audio.extract(clips, s) for s in specs]
        for i, a in enumerate(features):
            for b in features[:i]:
                assert a.shape != b.shape or np.abs(a - b).max() > 0.5


def as_float32(frames, weights, fft, floor):
    x = frames.astype(np.float32)
    return mel(x, weights.astype(np.float32), fft, np.float32(floor)).astype(np.float32)


def by_scipy(logs, coeffs):
    from scipy.fft import dct as scipy_dct

    return scipy_dct(logs.astype(np.float32), norm="ortho")[:, :coeffs]


def by_views(samples, window, hop):
    if window < 1 or hop < 1 or len(samples) < window:
        raise ValueError
    return np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]


RIGHT = [("bands", as_float32), ("cepstra", by_scipy), ("frames", by_views), ("short", by_views)]


@pytest.mark.parametrize(("task", "attempt"), RIGHT)
@pytest.mark.parametrize("seed", range(25))
def test_right_work_of_another_kind_passes(checks, task, attempt, seed):
    getattr(checks[0], task).__wrapped__(attempt, seed)
    if seed == 0:
        getattr(checks[1], task)(attempt)


def cut(samples, window, hop, count=None, dtype=None):
    if count is None:
        count = 1 + (len(samples) - window) // hop
    at = np.arange(count)[:, None] * hop + np.arange(window)
    return np.asarray(samples, dtype)[np.clip(at, 0, len(samples) - 1)]


def mel(frames, weights, fft, floor, window=None, power=2, log=np.log, add=False):
    n = frames.shape[1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n) if window is None else window(n)
    bands = np.abs(np.fft.rfft(frames * hann, fft)) ** power @ weights.T
    return log(bands + floor) if add else log(np.maximum(bands, floor))


def dct(logs, coeffs, half=0.5, ortho=True):
    mels = logs.shape[1]
    k, m = np.arange(coeffs)[:, None], np.arange(mels)
    matrix = np.sqrt(2 / mels) * np.cos(np.pi * k * (m + half) / mels)
    if ortho:
        matrix[0] /= np.sqrt(2)
    return logs @ matrix.T


def slowest(clips, operations, read, written, gflops, memory_gbs, disk_gbs, both=False):
    times = {
        "arithmetic": clips * operations / (gflops * 1e9),
        "memory": clips * (read + written * (not both)) / (memory_gbs * 1e9),
        "disk": clips * (read + written * both) / (disk_gbs * 1e9),
    }
    name = max(times, key=times.get)
    return times[name], name


def exactly(clips, served, spec, candidates):
    for name, c in {"none": spec, **candidates}.items():
        if np.array_equal(audio.extract(clips, c), served):
            return name
    return "unknown"


def nearest(clips, served, spec, candidates):
    def gap(c):
        mine = audio.extract(clips, c)
        return np.abs(mine - served).max() if mine.shape == served.shape else np.inf

    return min({"none": spec, **candidates}.items(), key=lambda kv: gap(kv[1]))[0]


WRONG = [
    ("frames", lambda x, w, h: cut(x, w, h, count=(len(x) - w) // h), "the first is one"),
    ("frames", lambda x, w, h: cut(x, w, h, count=1 + len(x) // h), "only whole frames count"),
    ("frames", lambda x, w, h: cut(x, w, h, dtype=float), "do not convert"),
    ("frames", lambda x, w, h: cut(x, w, h).tolist(), "NumPy array"),
    ("frames", lambda x, w, h: AlwaysEqual(), "NumPy array"),
    ("short", cut, "should raise ValueError"),
    ("short", lambda x, w, h: ValueError("no"), "do not return it"),
    ("bands", lambda *a: mel(*a, window=np.hanning), "the periodic one"),
    ("bands", lambda *a: mel(*a, window=np.ones), "multiply by the window"),
    ("bands", lambda *a: mel(*a, power=1), "not the magnitude"),
    ("bands", lambda *a: mel(*a, log=np.log10), "natural logarithm"),
    ("bands", lambda *a: mel(*a, add=True), "do not add it"),
    ("bands", lambda *a: mel(*a).T, "one row a frame"),
    ("bands", lambda *a: mel(*a).round(3), "do not round"),
    ("bands", lambda f, w, n, fl: mel(f.__imul__(1.01), w, n, fl), "must not change frames"),
    ("cepstra", lambda x, c: dct(x, c).round(2), "do not round"),
    ("bands", lambda *a: AlwaysEqual(), "NumPy array"),
    ("cepstra", lambda x, c: dct(x, c, ortho=False), "its own factor"),
    ("cepstra", lambda x, c: dct(x, c, half=0), "m starts at one half"),
    ("cepstra", lambda x, c: dct(x, x.shape[1]), "one column a coefficient"),
    ("roofline", lambda **k: slowest(**k, both=True), "samples only"),
    ("roofline", lambda **k: slowest(**k)[::-1], "should be a number"),
    ("roofline", lambda **k: list(slowest(**k)), r"return \(seconds, name\)"),
    ("roofline", lambda **k: (AlwaysEqual(), AlwaysEqual()), "should be a number"),
    ("switch", exactly, "then with a tolerance"),
    ("switch", nearest, "'unknown'"),
    ("switch", lambda *a: "none", "find_switch, with"),
    ("switch", lambda *a: AlwaysEqual(), "find_switch, with"),
]


@pytest.mark.parametrize(("task", "attempt", "word"), WRONG)
def test_usual_slips_fail_with_a_hint(checks, task, attempt, word):
    refuse(checks, task, attempt, word)
