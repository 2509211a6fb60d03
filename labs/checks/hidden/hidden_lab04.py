"""Hidden checks of lab 04: instances that the student has not seen. For instructors only.

KIT_GRADING_SEED draws another set of instances for each course.
"""

import checks_lab04 as visible
import numpy as np

from kit import audio
from kit.course import expect

_SEEDS = expect.hidden_seeds("lab04")


@expect.checked
def frames(cut_frames):
    """Task 1: other clips, and that the clip stays as it was."""
    expect.again(visible.frames, cut_frames, _SEEDS)
    samples = np.arange(100, dtype=np.int32)
    found = cut_frames(samples, 30, 7)
    expect.all_near(samples, np.arange(100), "the clip after cut_frames", "do not change it")
    expect.all_near(found[-1], np.arange(70, 100), "the last frame of cut_frames(0..99, 30, 7)")


@expect.checked
def short(cut_frames):
    """Task 1: the same faults once more."""
    expect.again(visible.short, cut_frames, _SEEDS)


@expect.checked
def bands(log_mel):
    """Task 2: other frames, and a single one."""
    expect.again(visible.bands, log_mel, _SEEDS)
    x = np.sin(np.arange(400) / 3).reshape(1, 400)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    wanted = np.log(np.abs(np.fft.rfft(x[0] * hann, 512)[[10, 11]]) ** 2)
    found = log_mel(x, np.eye(257)[10:12], 512, 1e-9)
    expect.all_near(found.ravel(), wanted, "two bins of a single frame", "", 1e-5, 1e-4)


@expect.checked
def cepstra(cepstra):
    """Task 3: other rows, and a constant that goes into the first coefficient alone."""
    expect.again(visible.cepstra, cepstra, _SEEDS)
    flat = cepstra(np.full((1, 25), 3.0), 25)
    wanted = [15.0] + [0.0] * 24
    expect.all_near(flat.ravel(), wanted, "the coefficients of 25 bands of 3.0", "", 1e-5, 1e-4)


@expect.checked
def roofline(corpus_time):
    """Task 4: other machines."""
    expect.again(visible.roofline, corpus_time, _SEEDS)


@expect.checked
def switch(find_switch):
    """Task 5: other clips, and a candidate that differs only in the shape."""
    expect.again(visible.switch, find_switch, _SEEDS)
    clips, spec = visible._words(np.random.default_rng(_SEEDS[0]), 2), audio.preset("kws")
    candidates = {"longer": spec.changed(coeffs=20), "hop": spec.changed(hop=320)}
    found = find_switch(clips, audio.extract(clips, candidates["hop"]), spec, candidates)
    expect.same(found, "hop", "find_switch, where shapes differ,")
