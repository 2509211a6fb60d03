"""Visible checks of lab 04. They draw new numbers on every run and say what they expected."""

import numpy as np

from kit import audio
from kit.audio import tables
from kit.course import expect

_SWITCHES = {
    "mel_scale": {"mel_scale": "slaney"},
    "mel_norm": {"mel_norm": "slaney"},
    "window_function": {"window_function": "hamming"},
    "padding": {"padding": "zero"},
    "floor": {"floor": 1e-9},
    "coeffs": {"coeffs": 14},
    "pre_emphasis": {"pre_emphasis": 0.97},
    "log": {"log": "db"},
    "fmax": {"fmax": 7000.0},
}


@expect.checked
def frames(cut_frames, seed=None):
    """Task 1: random clips, windows and hops, integers and floats."""
    dice = expect.dice(seed)
    for dtype in (np.int16, np.float64):
        for _ in range(3):
            n, window = dice.randint(300, 2000), dice.randint(1, 299)
            hop = dice.randint(1, 400)
            samples = np.array([dice.randint(-999, 999) for _ in range(n)], dtype)
            call = f"cut_frames(samples of length {n}, {window}, {hop})"
            found = _array(cut_frames(samples, window, hop), call)
            count = 1 + (n - window) // hop
            _shape(found, (count, window), call, "only whole frames count, and the first is one")
            expect.true(
                found.dtype == dtype,
                f"{call} should keep {dtype.__name__}.",
                "index, do not convert",
            )
            for t in range(count):
                wanted = samples[t * hop : t * hop + window]
                expect.all_near(found[t], wanted, f"frame {t} of {call}", "it starts at t * hop")


@expect.checked
def short(cut_frames, seed=None):
    """Task 1: no whole frame, or sizes that cannot be; a clip of just one frame must pass."""
    samples = np.arange(50.0)
    cases = [(samples[:9], 10, 5), (samples[:0], 10, 5), (samples, 0, 5), (samples, 10, 0),
             (samples, 10, -1)]  # fmt: skip
    expect.dice(seed).shuffle(cases)
    for x, window, hop in cases:
        what = f"cut_frames(samples of length {len(x)}, {window}, {hop})"
        hint = "check window, hop and length before you cut"
        expect.refuses(lambda x=x, w=window, h=hop: cut_frames(x, w, h), what, hint)
    found = _array(cut_frames(samples[:10], 10, 5), "a clip of one window")
    _shape(found, (1, 10), "a clip of one window", "a clip as long as the window has one frame")


@expect.checked
def bands(log_mel, seed=None):
    """Task 2: random sizes, a tone in noise, a faint frame and a silent one."""
    rng = np.random.default_rng(seed)
    for _ in range(4):
        fft = int(rng.choice([256, 400, 512]))
        window, mels = int(rng.integers(fft // 2, fft)), int(rng.integers(8, 30))
        spec = audio.preset("kws", fft=fft, window=window, mels=mels, coeffs=8)
        weights = tables.mel_weights(spec)
        x = _tones(rng, 4, window)
        x[2] /= 1e3
        x[3] = 0.0
        floor = float(10 ** rng.uniform(-9, -5))
        call = f"log_mel(frames[4, {window}], weights[{mels}, {fft // 2 + 1}], {fft}, {floor:.1e})"
        before = x.copy()
        found = _array(log_mel(x, weights, fft, floor), call)
        expect.true(np.array_equal(x, before), "log_mel must not change frames.", "frames * hann")
        _shape(found, (4, mels), call, "one row a frame, one column a band")
        power = np.abs(np.fft.rfft(x * tables.window(spec), fft)) ** 2
        wanted = np.log(np.maximum(power @ weights.T, floor))
        for row, name in enumerate(("a tone", "another tone", "a faint tone", "silence")):
            hint = _bands_hint(found, x, weights, fft, floor)
            # float32 is good enough, and 1e-4 is far below what a wrong step does
            what = f"the row of {name} in {call}"
            expect.all_near(found[row], wanted[row], what, hint, 1e-5, 1e-4)


@expect.checked
def cepstra(cepstra, seed=None):
    """Task 3: random rows, fewer coefficients and all of them."""
    rng = np.random.default_rng(seed)
    for mels in rng.integers(5, 50, 4):
        logs, coeffs = rng.normal(-5, 4, (3, mels)), int(rng.integers(1, mels + 1))
        k = np.arange(mels)[:, None]
        matrix = np.cos(np.pi * k * (np.arange(mels) + 0.5) / mels) * np.sqrt(2 / mels)
        matrix[0] /= np.sqrt(2)
        for keep in (coeffs, int(mels)):
            call = f"cepstra(logs[3, {mels}], {keep})"
            found = _array(cepstra(logs.copy(), keep), call)
            _shape(found, (3, keep), call, "one column a coefficient")
            hint = "the first coefficient has its own factor, and m starts at one half"
            wanted = (logs @ matrix[:keep].T).ravel()
            expect.all_near(found.ravel(), wanted, call, hint, 1e-5, 1e-4)


@expect.checked
def roofline(corpus_time, seed=None):
    """Task 4: each of the three is made the slowest in turn."""
    dice = expect.dice(seed)
    for slow in dice.sample(["arithmetic", "memory", "disk"], 3):
        clips, read, written = dice.randint(10**4, 10**8), dice.randint(8000, 64_000), 5096
        seconds = {k: dice.uniform(1, 50) for k in ("arithmetic", "memory", "disk")}
        seconds[slow] = dice.uniform(100, 900)
        operations = dice.uniform(1e5, 1e7)
        given = {
            "clips": clips, "operations": operations, "read": read, "written": written,
            "gflops": clips * operations / seconds["arithmetic"] / 1e9,
            "memory_gbs": clips * (read + written) / seconds["memory"] / 1e9,
            "disk_gbs": clips * read / seconds["disk"] / 1e9,
        }  # fmt: skip
        got = corpus_time(**given)
        call = "corpus_time(" + ", ".join(f"{k}={v:.4g}" for k, v in given.items()) + ")"
        expect.true(type(got) is tuple and len(got) == 2, f"{call} should return (seconds, name).")
        hint = (
            "the disk hands over samples only; memory sees samples and features; take the slowest"
        )
        expect.near(got[0], seconds[slow], f"the seconds of {call}", hint)
        expect.same(got[1], slow, f"the name that {call} gives", hint)


@expect.checked
def switch(find_switch, seed=None):
    """Task 5: synthetic words, one switch set differently, the same spec, and none that fits."""
    rng = np.random.default_rng(seed)
    clips = _words(rng, 3)
    spec = audio.preset("kws", mels=int(rng.integers(24, 48)))
    candidates = {k: spec.changed(**v) for k, v in _SWITCHES.items()}
    culprit = str(rng.choice(list(candidates)))
    # a shape that no candidate has, and a shape that all have
    strangers = [spec.changed(hop=161), spec.changed(fmin=60.0), spec.changed(power=1)]
    unknown = strangers[int(rng.integers(3))]
    cases = {culprit: candidates[culprit], "none": spec, "unknown": unknown}
    for wanted, truth in cases.items():
        # another machine: rounding in the fourth decimal
        served = audio.extract(clips, truth)
        served = (served + rng.uniform(-3e-4, 3e-4, served.shape)).astype(np.float32)
        order = rng.permutation(list(candidates)).tolist()
        found = find_switch(clips.copy(), served, spec, {k: candidates[k] for k in order})
        hint = "make the features under every candidate, compare shape first, then with a tolerance"
        expect.same(found, wanted, f"find_switch, with {wanted} the truth,", hint)


def _bands_hint(found, x, weights, fft, floor):
    """What is likely to have gone wrong, found by trying it."""
    n = x.shape[1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    power = np.abs(np.fft.rfft(x * hann, fft)) ** 2
    slips = {
        "the window is the periodic one: divide by window, not by window - 1": np.abs(
            np.fft.rfft(x * np.hanning(n), fft)) ** 2 @ weights.T,
        "take the power, not the magnitude": np.sqrt(power) @ weights.T,
        "multiply by the window first": np.abs(np.fft.rfft(x, fft)) ** 2 @ weights.T,
        "the window is as long as the frame, not as the FFT": np.abs(
            np.fft.rfft(x * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / fft)), fft)
        ) ** 2 @ weights.T,
        "do not divide the power by a length": power / n @ weights.T,
    }  # fmt: skip
    for hint, mel in slips.items():
        if np.allclose(found, np.log(np.maximum(mel, floor)), atol=1e-4):
            return hint
    if np.allclose(found, np.log(power @ weights.T + floor), atol=1e-4):
        return "raise to the floor with a maximum, do not add it"
    if np.allclose(found, np.log10(np.maximum(power @ weights.T, floor)), atol=1e-4):
        return "the natural logarithm is asked for"
    return "window, power of the FFT, weights, maximum, natural logarithm, in this order"


def _tones(rng, rows, n):
    hz = rng.uniform(200, 6000, (rows, 1))
    noise = rng.normal(0, 0.01, (rows, n))
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(n) / 16_000) + noise


def _words(rng, clips):
    """int16[clips, 16000]: tones that rise and fall in noise, between silence."""
    t = np.arange(16_000) / 16_000
    sounding = np.abs(t - 0.5) < 0.4  # silence around it: there a log floor shows
    rise = np.exp(-(((t - 0.5) / 0.15) ** 2))
    pitch = rng.uniform(90, 250, (clips, 1)) * (1 + 0.2 * np.sin(2 * np.pi * 2 * t))
    voice = sum(np.sin(h * 2 * np.pi * np.cumsum(pitch, 1) / 16_000) / h for h in range(1, 15))
    sound = 9000 * rise * voice / 3 + rng.normal(0, 15, voice.shape)
    return np.clip(sound * sounding, -32_768, 32_767).astype(np.int16)


def _array(found, what):
    expect.true(
        type(found) is np.ndarray and found.dtype.kind in "fiu", f"{what} should be a NumPy array."
    )
    return found


def _shape(found, wanted, what, hint):
    expect.true(
        found.shape == wanted, f"{what} should have shape {wanted}, but has {found.shape}.", hint
    )
