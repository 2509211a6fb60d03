"""Forced alignment: where each word of a transcript lies in a recording, by pocketsphinx.

Works on English at 16 kHz with the acoustic model that comes with pocketsphinx.
"""

import functools
import re
import threading
from dataclasses import dataclass, replace

import numpy as np

from kit.audio.convert import fit
from kit.audio.quality import speech_span
from kit.errors import KitError

RATE = 16_000
_FRAME_S = 0.01
_SHORTEST_S = 0.03
_LOWEST = 1e-300  # of a probability: its logarithm must exist
_lock = threading.Lock()  # a decoder takes one recording at a time


@dataclass(frozen=True)
class Word:
    """A word in a recording. start_s, end_s: s from its beginning.

    score: mean natural log-likelihood of a frame of 10 ms, relative to the best sound of all in
    each frame. On read speech true words lie above -3, words that are not there mostly below.
    """

    word: str
    start_s: float
    end_s: float
    score: float

    @property
    def seconds(self):
        return self.end_s - self.start_s


def align(samples, text):
    """List of Word: the words of `text` in their order, found in int16[samples] at 16 kHz.

    text: transcript in plain words; case and punctuation are dropped. The last word would swallow
    the silence behind it: the outer ends are moved to where sound begins and ends.
    Raises KitError: "no-text", "unknown-word" (not in the dictionary), "no-alignment" (the
    recording cannot be these words), "audio".
    """
    _check(samples)
    words = plain_words(text)
    with _lock:
        found = _aligned(_decoder(), samples, words)
    return _trimmed(found, samples)


def plain_words(text):
    """The words of a transcript, lower case, without punctuation: list of str."""
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.lower().replace("\u2019", "'"))
    if not words:
        raise _fault("the transcript has no words", "no-text", text, "words in letters")
    return words


def word_clip(samples, word, seconds=1.0, padding_s=0.05):
    """int16[seconds * 16000]: a word cut out of its recording, in the middle of silence.

    padding_s: how much of the neighbouring sound stays on both sides, s. Raises KitError
    "too-long" for a word that does not fit.
    """
    first = max(0, round((word.start_s - padding_s) * RATE))
    last = round((word.end_s + padding_s) * RATE)
    if word.seconds > seconds:
        found, allowed = f"{word.seconds:.2f} s", f"{seconds:g} s"
        raise _fault(f"the word {word.word!r} does not fit", "too-long", found, allowed)
    return fit(samples[first:last], round(seconds * RATE))


def _aligned(decoder, samples, words):
    unknown = [w for w in words if decoder.lookup_word(w) is None]
    if unknown:
        raise _fault(
            "the dictionary lacks words of the transcript",
            "unknown-word",
            ", ".join(sorted(set(unknown))),
            "English words of the pronouncing dictionary",
        )
    decoder.reinit_feat()  # else its filters would remember the recording before
    decoder.set_align_text(" ".join(words))
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), full_utt=True)
    decoder.end_utt()
    # silence is <sil>, and a second pronunciation word(2)
    segments = list(decoder.seg() or []) if decoder.hyp() else []
    found = [_word(s) for s in segments if not s.word.startswith(("<", "["))]
    if [w.word for w in found] != words:
        found = f"{len(samples) / RATE:.2f} s of sound for {len(words)} words"
        raise _fault("the recording cannot be these words", "no-alignment", found)
    return found


def _word(segment):
    frames = segment.end_frame - segment.start_frame + 1
    return Word(
        re.sub(r"\(\d+\)$", "", segment.word),
        segment.start_frame * _FRAME_S,
        (segment.end_frame + 1) * _FRAME_S,
        float(np.log(max(segment.ascore, _LOWEST)) / frames),
    )


def _trimmed(words, samples):
    """`words` with their outer ends moved to where sound begins and ends."""
    start, length = (float(x[0]) for x in speech_span(samples[None]))
    if not length:
        return words
    first = words[0]
    begin = min(max(first.start_s, start), first.end_s - _SHORTEST_S)
    words[0] = replace(first, start_s=begin)
    last = words[-1]  # the same one, where there is only one
    end = max(min(last.end_s, start + length), last.start_s + _SHORTEST_S)
    words[-1] = replace(last, end_s=end)
    return words


@functools.cache
def _decoder():
    try:
        from pocketsphinx import Decoder
    except ImportError as cause:
        raise KitError(
            "alignment needs pocketsphinx",
            found=str(cause),
            remedy="install it with pip install pocketsphinx",
            code="no-library",
        ) from cause
    return Decoder(samprate=RATE, loglevel="FATAL", lm=None)


def _check(samples):
    good = isinstance(samples, np.ndarray) and samples.dtype == np.int16 and samples.ndim == 1
    if not good or len(samples) < RATE // 10:
        raise KitError(
            "the recording is not sound to align",
            found=f"{getattr(samples, 'dtype', type(samples).__name__)}"
            f"{getattr(samples, 'shape', '')}",
            allowed="int16[samples] at 16 kHz, a tenth of a second or more",
            remedy="kit.corpus.read_sound(path) makes it of any file",
            code="audio",
        )


def _fault(what, code, found, allowed=""):
    remedy = "compare transcript and recording"
    return KitError(what, found=found, allowed=allowed, code=code, remedy=remedy)
