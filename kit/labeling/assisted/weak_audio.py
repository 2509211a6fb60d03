"""Labeling functions for spoken digits: by length, energy, zero crossings, two recorded examples.

Items are clips int16[samples] at 16 kHz, labels the texts "0" to "9". The thresholds are rules of
thumb: fricatives (s, f, th) cross zero often, vowels and nasals seldom; "seven" and "zero" have two
syllables. Needs NumPy and SciPy; `by_template` what `kit.audio.extract` needs.
"""

import numpy as np

from kit.audio.features import extract
from kit.audio.quality import FRAME_S, speech_span
from kit.errors import KitError
from kit.labeling.assisted.weak import labeling_function

RATE = 16_000
DIGITS = tuple("0123456789")
HISS, OPEN, VOICE = 0.16, 0.09, 0.07  # share of neighbours among samples that differ in sign
STEPS = 24  # of a template, whatever the length of the word
BAND = 6  # steps that a word may run ahead of its template
_DIP_DB = 3.0  # between two syllables
_AT_ONCE = 256  # clips: keeps the work in memory small
_SMOOTH = 5  # frames of 10 ms: longer than a period of any voice


def measures(clips):
    """dict of float64[n] for int16[n, samples] at 16 kHz; NaN where there is no speech.

    speech_s: length of the speech, s. peaks: maxima of the energy in it, that is syllables, with
    3 dB or more between them. early, middle, late: share of neighbouring samples that differ in
    sign (0 to 1) in the first, the middle and the last quarter of the speech.
    """
    clips = np.asarray(clips)
    start, length = speech_span(clips, RATE)
    size = round(RATE * FRAME_S)
    frames = clips[:, : clips.shape[1] // size * size].reshape(len(clips), -1, size)
    crossing = (np.diff(np.signbit(frames), axis=2)).mean(2)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (np.arange(frames.shape[1]) + 0.5) * FRAME_S
        place = (middle - start[:, None]) / length[:, None]
        found = {"speech_s": np.where(length > 0, length, np.nan)}
        for name, a in (("early", 0.0), ("middle", 0.375), ("late", 0.75)):
            inside = (place >= a) & (place < a + 0.25)
            found[name] = (crossing * inside).sum(1) / inside.sum(1)
    found["peaks"] = _peaks(frames, (place >= 0) & (place < 1))
    return found


def _peaks(frames, inside):
    """float64[n]: maxima of the smoothed energy of the frames `inside`."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import find_peaks

    power = uniform_filter1d(frames.var(2, dtype=np.float32), _SMOOTH, axis=1)
    level = 10 * np.log10(power + 1.0)
    counts = np.full(len(frames), np.nan)
    for row in np.flatnonzero(inside.any(1)):
        spoken = np.pad(level[row, inside[row]], 1, constant_values=-100.0)  # edges can be peaks
        counts[row] = len(find_peaks(spoken, prominence=_DIP_DB)[0])
    return counts


def _where(*rules):
    """Labels by rules (bool[n], label), the first that holds; None where none does."""
    labels = np.full(len(rules[0][0]), None, object)
    for holds, label in reversed(rules):
        labels[holds] = label
    return labels


@labeling_function(labels=("0", "6"), batch=True)
def by_length(clips):
    """ "0" of more than 0.5 s, "6" of less than 0.19 s: its fricatives are too soft to count."""
    speech = measures(clips)["speech_s"]
    return _where((speech > 0.5, "0"), (speech < 0.19, "6"))


@labeling_function(labels="7", batch=True)
def by_syllables(clips):
    """ "7" where the energy has two maxima and the end is voiced."""
    m = measures(clips)
    return _where(((m["peaks"] >= 2) & (m["late"] < VOICE), "7"))


@labeling_function(labels=("6", "8"), batch=True)
def by_final_hiss(clips):
    """ "6" where both ends hiss, "8" where the end alone does, after a dip of the energy."""
    m = measures(clips)
    late = m["late"] > HISS
    return _where((late & (m["early"] > HISS), "6"), (late & (m["peaks"] >= 2), "8"))


@labeling_function(labels="2", batch=True)
def by_first_hiss(clips):
    """ "2" where a short word begins with a hiss and ends in a vowel."""
    m = measures(clips)
    short = m["speech_s"] < 0.3
    return _where((short & (m["early"] > HISS) & (m["late"] < VOICE), "2"))


@labeling_function(labels=("1", "9"), batch=True)
def by_open_vowel(clips):
    """ "9" where a long word is voiced at both ends around an open vowel, "1" where a short one."""
    m = measures(clips)
    ends = (m["early"] < OPEN) & (m["late"] < OPEN) & (m["middle"] > OPEN)
    return _where((ends & (m["speech_s"] > 0.36), "9"), (ends & (m["speech_s"] < 0.3), "1"))


@labeling_function(labels="5", batch=True)
def by_soft_start(clips):
    """ "5" where a soft fricative leads to an open vowel, and the end is half voiced."""
    m = measures(clips)
    soft = (m["early"] > OPEN) & (m["early"] < HISS)
    return _where((soft & (m["middle"] > OPEN) & (m["late"] > 0.05), "5"))


RULES = (by_length, by_syllables, by_final_hiss, by_first_hiss, by_open_vowel, by_soft_start)


def by_template(examples, labels, sure=0.05, name="by_template"):
    """LabelingFunction: the word of the nearest recorded example.

    examples: int16[e, samples] at 16 kHz, one or two of each word will do; labels: e texts. The
    MFCC of the speech, in 24 steps and less their mean over the clip, are compared by dynamic time
    warping (Sakoe and Chiba 1978) within 6 steps of the diagonal. It abstains where the nearest
    other word is not farther by the share `sure`, and where there is no speech. Two such functions
    err alike on a speaker unlike their examples: label_model, which takes them for independent,
    then trusts both too much. Raises KitError "shape", "no-speech", "audio".
    """
    labels = np.array([str(x) for x in labels])
    known, heard = templates(examples)
    if len(labels) != len(known) or len(set(labels)) < 2:
        raise KitError("examples and labels do not go together", code="shape",
                       found=f"{len(known)} examples, {len(labels)} labels",
                       allowed="a label for each, two words or more")  # fmt: skip
    if not heard.all():
        raise KitError("an example holds no speech", found=int(np.argmin(heard)), code="no-speech",
                       remedy="choose another recording")  # fmt: skip
    words = sorted(set(labels.tolist()))

    def nearest(clips):
        found, speech = templates(clips)
        parts = [_warped(found[i : i + _AT_ONCE], known) for i in range(0, len(found), _AT_ONCE)]
        apart = np.concatenate(parts)
        each = np.stack([apart[:, labels == word].min(1) for word in words], axis=1)
        first, second = np.sort(each, axis=1)[:, :2].T
        told = speech & (second > first * (1 + sure))
        return _where(*(((told & (each.argmin(1) == i)), word) for i, word in enumerate(words)))

    return labeling_function(name, labels=words, batch=True)(nearest)


def templates(clips):
    """(float64[n, 24, coeffs], bool[n]): MFCC of the speech in 24 steps; whether there is any."""
    start, length = speech_span(clips, RATE)
    features = extract(clips, "kws", rate=RATE).astype(np.float64)
    first, span = (np.rint(np.nan_to_num(x) / FRAME_S).astype(int) for x in (start, length))
    place = first[:, None] + span[:, None] * (2 * np.arange(STEPS) + 1) // (2 * STEPS)
    frame = np.minimum(place, features.shape[1] - 1)
    steps = np.take_along_axis(features, frame[:, :, None], axis=1)
    return steps - steps.mean(1, keepdims=True), length > 0


def _warped(a, b):
    """float64[n, e]: cost of the cheapest path in steps of one, diagonals included."""
    above = np.full((STEPS + 1, len(a), len(b)), np.inf)
    above[0] = 0.0
    squares = [(x**2).sum(2) for x in (a, b)]
    for i in range(STEPS):
        row = np.full_like(above, np.inf)
        for j in range(max(0, i - BAND), min(STEPS, i + BAND + 1)):
            apart = squares[0][:, i, None] + squares[1][:, j] - 2 * a[:, i] @ b[:, j].T
            before = np.minimum(np.minimum(above[j + 1], row[j]), above[j])
            row[j + 1] = np.sqrt(np.maximum(apart, 0)) + before
        above = row
    return above[-1]
