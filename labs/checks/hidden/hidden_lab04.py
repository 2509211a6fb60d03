"""Hidden checks of lab 04: instances that the student has not seen. For instructors only.

KIT_GRADING_SEED draws another set of instances for each course.
"""

import os
import random

import checks_lab04 as visible
import numpy as np

from kit import audio
from kit.course import expect

_SEEDS = random.Random(os.environ.get("KIT_GRADING_SEED", "lab04")).sample(range(10**6), 3)


def _again(check, function):
    for seed in _SEEDS:
        check.__wrapped__(function, seed)


@expect.checked
def frames(cut_frames):
    """Task 1: other clips, and that the clip stays as it was."""
    _again(visible.frames, cut_frames)
    samples = np.arange(100, dtype=np.int32)
    found = cut_frames(samples, 30, 7)
    expect.all_near(samples, np.arange(100), "the clip after cut_frames", "do not change it")
    expect.all_near(found[-1], np.arange(70, 100), "the last frame of cut_frames(0..99, 30, 7)")


@expect.checked
def short(cut_frames):
    """Task 1: the same faults once more."""
    _again(visible.short, cut_frames)


@expect.checked
def bands(log_mel):
    """Task 2: other frames, and integers as samples."""
    _again(visible.bands, log_mel)
    x = np.arange(-200, 200).reshape(1, 400)
    weights = np.eye(257)[10:12]
    as_float = log_mel(x.astype(float), weights, 512, 1e-6)
    expect.all_near(log_mel(x, weights, 512, 1e-6).ravel(), as_float.ravel(), "integer samples")


@expect.checked
def cepstra(cepstra):
    """Task 3: other rows, and a constant that goes into the first coefficient alone."""
    _again(visible.cepstra, cepstra)
    flat = cepstra(np.full((1, 25), 3.0), 25)
    expect.near(float(flat[0, 0]), 15.0, "the first coefficient of 25 bands of 3.0")
    expect.near(float(np.abs(flat[0, 1:]).max()), 0.0, "the others", "they add up to nothing")


@expect.checked
def roofline(corpus_time):
    """Task 4: other machines."""
    _again(visible.roofline, corpus_time)


@expect.checked
def switch(find_switch):
    """Task 5: other clips, and a candidate that differs only in the shape."""
    _again(visible.switch, find_switch)
    clips, spec = visible._words(np.random.default_rng(_SEEDS[0]), 2), audio.preset("kws")
    candidates = {"longer": spec.changed(coeffs=20), "hop": spec.changed(hop=320)}
    found = find_switch(clips, audio.extract(clips, candidates["hop"]), spec, candidates)
    expect.same(found, "hop", "find_switch, where shapes differ,")
