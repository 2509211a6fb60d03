# %% [markdown]
# # Lab 04: feature extraction
#
# {{sum(points.values())}} points. About two hours. Do lesson 04 first.
#
# Write your answers where a cell says `YOUR CODE HERE` or `YOUR ANSWER HERE`; other cells stay as they are. Below each answer a cell checks it, with other numbers each time. It tells you what it expected. When you hand in, further checks of the same kind run on numbers you have not seen.
#
# A check that prints `Passed.` is passed. *Run All Cells* stops at the first task that is still open.

# %% kind="locked" task="setup"
import checks_lab04 as checks
import numpy as np

from kit import audio

# %% [markdown]
# ## Task 1: frames ({{points['frames-check'] + points['short-check']}} points)
#
# Write `cut_frames(samples, window, hop)`: the frames of a clip as an array `[frames, window]`. Frame `t` starts at sample `t * hop`; only whole frames count. `samples` is a NumPy array of any number type, the frames keep its type, and the samples stay as they were.
#
# Raise a `ValueError` for a clip shorter than a window, and for a window or hop below one.

# %% kind="solution" task="frames"
def cut_frames(samples, window, hop):
    """[frames, window] of samples[n]: frame t starts at t * hop."""
    ### BEGIN SOLUTION
    if window < 1 or hop < 1 or len(samples) < window:
        raise ValueError("no whole frame")
    count = 1 + (len(samples) - window) // hop
    return samples[np.arange(count)[:, None] * hop + np.arange(window)]
    ### END SOLUTION

# %% kind="check" task="frames" points=2
# every frame, for any clip, window and hop
checks.frames(cut_frames)
### BEGIN HIDDEN TESTS
import hidden_lab04

hidden_lab04.frames(cut_frames)
### END HIDDEN TESTS

# %% kind="check" task="short" points=1
# a ValueError where there is no whole frame
checks.short(cut_frames)
### BEGIN HIDDEN TESTS
import hidden_lab04

hidden_lab04.short(cut_frames)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: from frames to log-mel bands ({{points['bands-check']}} points)
#
# Write `log_mel(frames, weights, fft, floor)` for `frames[n, window]` of floats, which stay as they were:
#
# - multiply each frame by a periodic Hann window, `0.5 - 0.5 cos(2 pi i / window)`;
# - take the power, the squared magnitude of a real FFT of `fft` points, filled up with zeros;
# - add the bins to bands with `weights[mels, bins]`;
# - raise what lies below `floor` to it, and take the natural logarithm.

# %% kind="solution" task="bands"
def log_mel(frames, weights, fft, floor):
    """float[n, mels]: log-mel energies of frames[n, window]."""
    ### BEGIN SOLUTION
    window = frames.shape[1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    power = np.abs(np.fft.rfft(frames * hann, fft)) ** 2
    return np.log(np.maximum(power @ weights.T, floor))
    ### END SOLUTION

# %% kind="check" task="bands" points=4
# tones and noise, several sizes, and silence
checks.bands(log_mel)
### BEGIN HIDDEN TESTS
import hidden_lab04

hidden_lab04.bands(log_mel)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: cepstral coefficients ({{points['cepstra-check']}} points)
#
# Write `cepstra(logs, coeffs)`: the first `coeffs` coefficients of the orthonormal DCT-II of every row of `logs[n, mels]`:
#
# `c[k] = s[k] * sum over m of logs[m] * cos(pi * k * (m + 1/2) / mels)`, with `s[0] = sqrt(1 / mels)` and `s[k] = sqrt(2 / mels)` for the others.
#
# With all coefficients kept, the sum of squares of a row must stay the same.

# %% kind="solution" task="cepstra"
def cepstra(logs, coeffs):
    """float[n, coeffs]: orthonormal DCT-II of logs[n, mels]."""
    ### BEGIN SOLUTION
    mels = logs.shape[1]
    k, m = np.arange(coeffs)[:, None], np.arange(mels)
    matrix = np.sqrt(2 / mels) * np.cos(np.pi * k * (m + 0.5) / mels)
    matrix[0] /= np.sqrt(2)
    return logs @ matrix.T
    ### END SOLUTION

# %% kind="check" task="cepstra" points=2
# values, and the sum of squares
checks.cepstra(cepstra)
### BEGIN HIDDEN TESTS
import hidden_lab04

hidden_lab04.cepstra(cepstra)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: the roofline of a corpus ({{points['roofline-check']}} points)
#
# Write `corpus_time(clips, operations, read, written, gflops, memory_gbs, disk_gbs)` that returns a tuple: the seconds that `clips` clips take at least, and the name of what limits, `"arithmetic"`, `"memory"` or `"disk"`.
#
# A clip takes `operations` floating-point operations. Its samples, `read` bytes, come from a disk of `disk_gbs` GB/s; the samples and the features, `written` bytes, pass the memory of `memory_gbs` GB/s once. All three work at the same time, so the slowest sets the pace.

# %% kind="solution" task="roofline"
def corpus_time(clips, operations, read, written, gflops, memory_gbs, disk_gbs):
    """(seconds, "arithmetic", "memory" or "disk")."""
    ### BEGIN SOLUTION
    times = {
        "arithmetic": clips * operations / (gflops * 1e9),
        "memory": clips * (read + written) / (memory_gbs * 1e9),
        "disk": clips * read / (disk_gbs * 1e9),
    }
    name = max(times, key=times.get)
    return times[name], name
    ### END SOLUTION

# %% kind="check" task="roofline" points=3
# each limit in turn
checks.roofline(corpus_time)
### BEGIN HIDDEN TESTS
import hidden_lab04

hidden_lab04.roofline(corpus_time)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: find the switch ({{points['switch-check']}} points)
#
# A model was trained on features made under `spec`. The server sends `served`, features of the same `clips`, and something is set differently there. Write `find_switch(clips, served, spec, candidates)`: `candidates` is a dictionary of name to a changed `FeatureSpec`; return the name of the one under which `served` was made, `"none"` if it was made under `spec` itself, or `"unknown"` if no candidate explains it.
#
# `audio.extract(clips, spec)` makes features. Features of the same spec agree to about `1e-3`, not to the last bit: the server may compute on other hardware. Shapes may differ as well.

# %% kind="solution" task="switch"
def find_switch(clips, served, spec, candidates):
    """Name of the candidate under which `served` was made, "none" or "unknown"."""
    ### BEGIN SOLUTION
    for name, candidate in {"none": spec, **candidates}.items():
        mine = audio.extract(clips, candidate)
        if mine.shape == served.shape and np.allclose(mine, served, rtol=0, atol=1e-2):
            return name
    return "unknown"
    ### END SOLUTION

# %% kind="check" task="switch" points=4
# real clips, served under a spec you do not know
checks.switch(find_switch)
### BEGIN HIDDEN TESTS
import hidden_lab04

hidden_lab04.switch(find_switch)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: the device says no ({{points['defence']}} points)
#
# Your keyword spotter is right in {{value('kws_accuracy')}} % of cases in the laboratory. On the device it is right in {{assume(81, 'a scenario of ours')}} %. The firmware team computes its own features in fixed point. They say: we use a Hann window, forty mel bands and thirteen coefficients, exactly as you do. The microphone is new as well, and {{assume(10, 'a scenario of ours')}} dB quieter.
#
# How do you find out whether the features or the microphone are to blame, and what would you change so that it cannot happen again? Defend it in about two hundred words, with numbers from your own functions or from the lesson. The next cell is for your computations and is not graded.
#
# | | excellent: one and a third points | sufficient: half of it | insufficient: none |
# |---|---|---|---|
# | experiment | changes one thing at a time, on the same recordings, and says what each outcome means | changes several things at once | none |
# | numbers | distances in dB for the suspects, and what each costs in accuracy | one number | no computation |
# | remedy | makes the mix-up impossible, and watches what no fingerprint sees | a promise to be careful | none |

# %%
# your computations

# %% [markdown] kind="written" task="defence" points=4
# I would play the same recordings to both programs, without any microphone: our samples go into the firmware by file, and its features come out. If they differ from ours, the recipe is to blame, and I look for the switch one at a time: "Hann, forty bands, thirteen coefficients" leaves the mel scale, the norm, the log floor, the unit, pre-emphasis and centring open. Distance alone does not tell me which matters. In the lesson the other mel scale moved the features by a few decibels a band, less than a repeated word does, and cost the linear classifier more than a quarter of its right answers; another log floor moved them many times as far and cost less. So I serve each suspect to our own model and compare what it loses with the seventeen points that are missing. Fixed point costs little in loud bands and more in faint ones; I measure it on the same files.
#
# Then the microphone. Ten decibels less shift every log-mel band above the floor by {{audio.preset('kws').log_scale*10/10*2.302585|.1f}}, which lies almost wholly in the first coefficient. I lower our own test set by ten decibels and see what the model loses; in the lesson twenty cost a few points. That is too little for the gap, so I expect to find a switch.
#
# Against repetition: one spec in one file for both builds, ten recordings with stored features in the tests of both, and the fingerprint in the model, which refuses another. Level and bandwidth of incoming sound are watched, for no fingerprint sees those. Training with random gain makes the next microphone harmless.
