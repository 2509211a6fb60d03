"""A stream of tones, judged by a spotter that cannot be wrong, and by one that errs on purpose."""

import numpy as np
import polars as pl
import pytest

from kit.errors import KitError
from kit.kws import stream as streams

RATE = 16_000
T = np.arange(RATE) / RATE


def tone(hertz, seconds=0.4):
    clip = np.zeros(RATE)
    first, count = round(0.3 * RATE), round(seconds * RATE)
    fade = np.hanning(count) ** 0.5  # a steady tone would be taken for noise
    clip[first : first + count] = 8000 * fade * np.sin(2 * np.pi * hertz * T[:count])
    return clip.astype(np.int16)


CLIPS = np.stack([tone(h) for h in (1000, 1100, 400, 500, 600)])
LABELS = ["wake", "wake", "no", "no", "other"]


def by_ear(clips):
    """[n, 2]: share of the power above 800 Hz, where most of a tone is in the window."""
    power = np.abs(np.fft.rfft(clips * np.hanning(clips.shape[1]))) ** 2
    high = power[:, 800:2000].sum(1) / np.maximum(power[:, 100:2000].sum(1), 1e-9)
    loud = (clips.astype(float) ** 2).mean(1) > 8000**2 / 4 * 0.3
    wake = high * loud
    return np.stack([wake, 1 - wake], 1)


@pytest.fixture(scope="module")
def stream():
    return streams.build_stream(CLIPS, LABELS, "wake", hours=0.1, seed=3, noise_db=-70)


@pytest.fixture(scope="module")
def scores(stream):
    return streams.slide(by_ear, stream, hop_s=0.1)[:, 0]


def test_events_are_where_the_sound_is(stream):
    assert stream.hours == pytest.approx(0.1)
    assert (stream.events["end_s"] <= 360).all()
    assert (stream.events["start_s"][1:] >= stream.events["end_s"][:-1]).all()
    for start, end, _ in stream.events.head(20).iter_rows():
        piece = stream.sound[round(start * RATE) : round(end * RATE)].astype(float)
        after = stream.sound[round(end * RATE) : round(end * RATE) + 800].astype(float)
        assert piece.std() > 3000
        assert after.std() < 100


def test_the_mix_is_as_ordered(stream):
    starts, _ = stream.keywords("wake")
    assert len(starts) == pytest.approx(360 / 20, abs=1)
    assert np.diff(starts) == pytest.approx(20, abs=4)
    others = stream.events.filter(pl.col("label") != "wake")
    spoken = (others["end_s"] - others["start_s"]).sum()
    assert 0.2 < spoken / 360 < 0.45


def test_a_seed_repeats_the_stream():
    a, b, c = (streams.build_stream(CLIPS, LABELS, "wake", 0.02, seed=s) for s in (1, 1, 2))
    assert np.array_equal(a.sound, b.sound)
    assert not np.array_equal(a.sound, c.sound)


def test_every_keyword_clip_is_used_before_one_comes_again():
    many = np.concatenate([np.stack([tone(900 + i) for i in range(6)]), CLIPS[2:]])
    labels = ["wake"] * 6 + LABELS[2:]
    found = streams.build_stream(many, labels, "wake", hours=0.04, keyword_every_s=12)
    pitches = []
    for start, end in zip(*found.keywords("wake"), strict=True):
        piece = found.sound[round(start * RATE) : round(end * RATE)]
        pitches.append(np.abs(np.fft.rfft(piece, RATE * 2)).argmax() / 2)
    assert len({round(p) for p in pitches[:6]}) == 6


def test_a_spotter_that_hears_rightly_has_no_errors(stream, scores):
    times = streams.detections(scores, 0.9, smooth=1)
    seen = streams.errors(times, stream, "wake")
    assert (seen["false_accepts"], seen["missed"]) == (0, 0)
    assert seen["keywords"] == len(stream.keywords("wake")[0])
    assert (seen["response_s"] > -0.2).all()
    assert (seen["response_s"] < 0.35).all()


def test_smoothing_waits_and_a_rest_keeps_one_word_one_event(stream, scores):
    plain = streams.errors(streams.detections(scores, 0.9, smooth=1), stream, "wake")
    smooth = streams.errors(streams.detections(scores, 0.9, smooth=4), stream, "wake")
    assert np.median(smooth["response_s"]) == pytest.approx(
        np.median(plain["response_s"]) + 0.3, abs=0.05
    )
    twice = streams.errors(streams.detections(scores, 0.9, rest_s=0.0), stream, "wake")
    assert twice["false_accepts"] > 10


def test_a_threshold_trades_one_error_for_the_other(stream):
    noisy = np.random.default_rng(0).random(3591).astype(np.float32)
    table = streams.trade_off(noisy, stream, "wake", np.linspace(0.3, 0.99, 12), smooth=1)
    assert table["fa_per_h"].is_sorted(descending=True)
    assert table["frr_percent"].is_sorted()
    assert (table["fa_low"] <= table["fa_per_h"]).all()
    assert (table["fa_high"] >= table["fa_per_h"]).all()


def test_counts_by_hand():
    events = pl.DataFrame({"start_s": [1.0, 5.0], "end_s": [1.5, 5.5], "label": ["w", "w"]})
    hand = streams.Stream(np.zeros(160_000, np.int16), RATE, events)
    seen = streams.errors(np.array([0.5, 1.7, 2.4, 6.6]), hand, "w")
    assert (seen["false_accepts"], seen["missed"]) == (3, 1)
    assert seen["response_s"] == pytest.approx([0.2])


def test_nothing_found_is_null_and_not_nan(stream):
    table = streams.trade_off(np.zeros(3591, np.float32), stream, "wake", [0.5])
    assert table.row(0, named=True)["response_ms"] is None
    assert table.row(0, named=True)["frr_percent"] == 100
    assert table.row(0, named=True)["fa_low"] == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"keyword": "never"}, "keyword"), ({"hours": 0}, "cannot be built"),
     ({"hours": 99}, "cannot be built"), ({"speech_share": 1.0}, "cannot be built")],
)  # fmt: skip
def test_streams_that_cannot_be(changes, says):
    with pytest.raises(KitError, match=says):
        streams.build_stream(CLIPS, LABELS, **({"keyword": "wake"} | changes))
    with pytest.raises(KitError, match="other words"):
        streams.build_stream(CLIPS[:2], LABELS[:2], "wake")


def test_a_window_longer_than_the_stream_is_refused(stream):
    with pytest.raises(KitError, match="no window"):
        streams.slide(by_ear, stream, window_s=1000)
