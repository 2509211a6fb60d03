"""A spotter on a continuous stream: false accepts an hour, missed words, time to answer.

A share of right windows says little where nearly all windows hold no word. A stream is built from
real speech, pauses and noise, every window is judged, and events are counted.
"""

from dataclasses import dataclass

import numpy as np

from kit.errors import KitError
from kit.intervals import poisson, wilson

MOST_H = 4.0
_LATE_S = 1.0  # after the word's end a detection still belongs to it
_AT_ONCE = 512


@dataclass(frozen=True)
class Stream:
    """sound: int16[samples] at `rate` Hz. events: polars table of start_s, end_s, label."""

    sound: np.ndarray
    rate: int
    events: object

    @property
    def hours(self):
        return len(self.sound) / self.rate / 3600

    def keywords(self, keyword):
        """(start_s, end_s), float64[events] each, of the keyword."""
        mine = self.events.filter(label=keyword)
        return mine["start_s"].to_numpy(), mine["end_s"].to_numpy()


def build_stream(clips, labels, keyword, hours=0.25, seed=0, keyword_every_s=20.0,
                 speech_share=0.4, noise_db=-60.0, rate=16_000):  # fmt: skip
    """A Stream in which `keyword` falls about every `keyword_every_s`, among other words.

    clips: int16[n, samples] with one word each, n labels. speech_share: part of the time in which
    other words are said. noise_db: level of white noise over all of it, below full scale. Every
    keyword clip is used before one comes again. Raises KitError if there is no clip of the
    keyword or none of another word.
    """
    import polars as pl

    _check_stream(labels, keyword, hours, speech_share)
    rng, total = np.random.default_rng(seed), round(hours * 3600 * rate)
    sound = rng.normal(0, 32_768 * 10 ** (noise_db / 20), total).astype(np.float32)
    spans = _speech(clips, rate)
    decks = {True: _deck(rng, np.flatnonzero(np.array(labels) == keyword)),
             False: _deck(rng, np.flatnonzero(np.array(labels) != keyword))}  # fmt: skip
    rows, now, due = [], rate // 2, keyword_every_s * rate
    while True:
        wake = now >= due
        place = next(decks[wake])
        word = clips[place, slice(*spans[place])]
        if now + len(word) + rate > total:
            break
        sound[now : now + len(word)] += word
        rows.append((now / rate, (now + len(word)) / rate, labels[place]))
        due += keyword_every_s * rate if wake else 0
        pause = len(word) * (1 - speech_share) / speech_share
        # a wake word stands apart: what follows at once is a command, not another word
        now += len(word) + int(rng.exponential(pause)) + (rate if wake else rate // 10)
    events = pl.DataFrame(rows, ["start_s", "end_s", "label"], orient="row")
    return Stream(np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16), rate, events)


def slide(score, stream, hop_s=0.1, window_s=1.0):
    """float32[windows, words]: `score` of every window of a Stream, one every `hop_s` seconds.

    score: function of int16[n, samples] that gives float[n, words], such as Spotter.scores.
    """
    hop, window = round(hop_s * stream.rate), round(window_s * stream.rate)
    if hop < 1 or window > len(stream.sound):
        raise KitError(
            "no window fits the stream",
            found=f"hop {hop_s} s, window {window_s} s",
            allowed=f"a hop above 0, a window up to {len(stream.sound) / stream.rate:g} s",
        )
    views = np.lib.stride_tricks.sliding_window_view(stream.sound, window)[::hop]
    parts = [
        score(np.ascontiguousarray(views[i : i + _AT_ONCE])) for i in range(0, len(views), _AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.float32)


def detections(scores, threshold, hop_s=0.1, window_s=1.0, smooth=3, rest_s=1.0):
    """float64[events]: times in s at which the mean of the last `smooth` scores is reached.

    scores: float[windows] of the keyword. A detection is at the end of its window, and the next
    one comes `rest_s` later at the earliest: one word must not wake the device twice.
    """
    mean = np.convolve(scores, np.ones(smooth) / smooth)[: len(scores)]
    times, next_s = [], -np.inf
    for i in np.flatnonzero(mean >= threshold):
        now = i * hop_s + window_s
        if now >= next_s:
            times.append(now)
            next_s = now + rest_s
    return np.array(times)


def errors(times, stream, keyword):
    """dict of a list of detections: false_accepts, missed, keywords, response_s (of each hit).

    A detection between the start of a keyword and a second after its end is its own; every
    keyword takes one, and what is left is a false accept.
    """
    starts, ends = stream.keywords(keyword)
    free, response = np.ones(len(times), bool), []
    for start, end in zip(starts, ends, strict=True):
        mine = np.flatnonzero(free & (times >= start) & (times <= end + _LATE_S))
        if len(mine):
            free[mine[0]] = False
            response.append(times[mine[0]] - end)
    return {
        "false_accepts": int(free.sum()), "missed": len(starts) - len(response),
        "keywords": len(starts), "response_s": np.array(response),
    }  # fmt: skip


def trade_off(scores, stream, keyword, thresholds=None, hop_s=0.1, certainty=0.95, **how):
    """polars table, a row a threshold: what the spotter costs and misses on a Stream.

    scores: float[windows] of the keyword, from `slide` with the same hop. Columns: threshold,
    fa_per_h with fa_low and fa_high (exact Poisson), frr_percent with frr_low and frr_high
    (Wilson), response_ms (median, from the end of the word; below 0 it answered sooner), null if
    nothing was found; hours (of the stream). how: smooth, rest_s and window_s of `detections`.
    """
    import polars as pl

    thresholds = np.linspace(0.05, 0.999, 60) if thresholds is None else thresholds
    rows = []
    for threshold in thresholds:
        seen = errors(detections(scores, threshold, hop_s, **how), stream, keyword)
        fa, missed, keywords = seen["false_accepts"], seen["missed"], seen["keywords"]
        frr = [100 * x for x in (missed / keywords, *wilson(missed, keywords, certainty))]
        found = len(seen["response_s"])
        response = 1e3 * float(np.median(seen["response_s"])) if found else None
        rates = (fa / stream.hours, *poisson(fa, stream.hours, certainty))
        rows.append((float(threshold), *map(float, (*rates, *frr)), response, stream.hours))
    columns = ["threshold", "fa_per_h", "fa_low", "fa_high", "frr_percent", "frr_low", "frr_high",
               "response_ms", "hours"]  # fmt: skip
    return pl.DataFrame(rows, dict.fromkeys(columns, pl.Float64), orient="row")


def _speech(clips, rate):
    """int[n, 2]: first and last sample of the speech in each clip; all of it if none is found."""
    from kit.audio.quality import speech_span

    start, length = speech_span(clips, rate)
    none = ~(length > 0)
    first = np.where(none, 0, start) * rate
    last = np.where(none, clips.shape[1], first + length * rate)
    return np.stack([first, last], 1).round().astype(int)


def _deck(rng, places):
    """Places in random order, again and again, each once before any comes twice."""
    while True:
        yield from rng.permutation(places)


def _check_stream(labels, keyword, hours, speech_share):
    words = set(labels)
    if keyword not in words or len(words) < 2:
        raise KitError("a stream needs the keyword and other words", found=keyword,
                       allowed=f"one of {', '.join(sorted(words))}", code="no-example")  # fmt: skip
    if not 0 < hours <= MOST_H or not 0 < speech_share < 1:
        raise KitError(
            "this stream cannot be built",
            found=f"{hours} h, speech share {speech_share}",
            allowed=f"up to {MOST_H:g} h, a share between 0 and 1",
        )
