"""Augmentation: ratios, spectra and times that were asked for; the same clip on every worker."""

import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from pyroomacoustics.experimental import measure_rt60

from kit import audio
from kit.audio import augment, gpu, quality
from kit.audio.augment import augmenter as describing
from kit.audio.augment import chain, filters
from kit.audio.pitch import pitch
from kit.compiler.work import augmentation
from kit.errors import KitError

RATE = 16_000
T = np.arange(RATE) / RATE


def burst(level=2000.0, floor_db=-40.0, first=0.2, length=0.6, seed=0):
    """A clip of known speech power, level**2, over a floor; None leaves digital silence there."""
    rng = np.random.default_rng(seed)
    start, stop = round(first * RATE), round((first + length) * RATE)
    wave = rng.normal(0, 1, RATE) * (0 if floor_db is None else 10 ** (floor_db / 20))
    loud = rng.normal(0, 1, stop - start)
    wave[start:stop] += loud / np.sqrt((loud**2).mean())
    return np.rint(wave * level).astype(np.int16)


def voiced(hertz):
    """A second of harmonics that fall off, as a voice has them."""
    parts = [np.sin(2 * np.pi * k * hertz * T) / k for k in range(1, int(3500 / hertz))]
    total = np.sum(parts, 0)
    return audio.to_int16(0.4 * total / np.abs(total).max())


def power(clips):
    return (np.asarray(clips, float) ** 2).mean(-1)


def db(ratio):
    return 10 * np.log10(ratio)


BURSTS = np.stack([burst(level, seed=i) for i, level in enumerate((600.0, 2000.0, 5000.0))])
VOICES = np.stack([voiced(h) for h in (90, 120, 150, 190)])


# ---- level and time


def test_gain_is_in_decibels_and_cut_off_at_full_scale():
    out = augment.gain(BURSTS, [6.0, -12.0, 0.0])
    assert db(power(out) / power(BURSTS)) == pytest.approx([6, -12, 0], abs=0.02)
    assert np.array_equal(augment.gain(VOICES, 0), VOICES)
    loud = augment.gain(VOICES, 60)
    assert np.array_equal(loud > 0, VOICES > 0)  # nothing is wrapped round
    assert loud.max() == 32_767
    assert loud.min() == -32_768


def test_clips_are_cut_off_below_their_own_peak():
    extreme = VOICES.copy()
    extreme[0, 5] = -32_768  # its magnitude is no int16
    out = augment.clip(extreme, [6.0, 12.0, 0.0, 20.0])
    peak = np.abs(extreme.astype(int)).max(1)
    ceiling = peak * 10 ** (-np.array([6, 12, 0, 20]) / 20)
    assert np.abs(out.astype(int)).max(1) == pytest.approx(ceiling, abs=1)
    below = np.abs(extreme.astype(int)) < ceiling[:, None] - 1
    assert np.array_equal(out[below], extreme[below])


@pytest.mark.parametrize("seconds", [0.1, -0.25, 0.0, 1.0])
def test_a_shift_fills_with_silence_and_wraps_nothing(seconds):
    by = round(seconds * RATE)
    wanted = np.zeros_like(BURSTS)
    for row, clip in zip(wanted, BURSTS, strict=True):  # the plain version
        for i in range(RATE):
            if 0 <= i - by < RATE:
                row[i] = clip[i - by]
    assert np.array_equal(augment.time_shift(BURSTS, seconds), wanted)


def test_each_clip_is_shifted_by_its_own_time():
    out = augment.time_shift(BURSTS, [0.1, -0.1, 0.05])
    alone = [
        augment.time_shift(c[None], s)[0] for c, s in zip(BURSTS, (0.1, -0.1, 0.05), strict=True)
    ]
    assert np.array_equal(out, alone)
    assert np.array_equal(augment.time_shift(BURSTS, 0.1, 8000)[:, 800:], BURSTS[:, :-800])


# ---- noise


def kinds_of_noise(samples, rows):
    """dict of name -> noise[rows, samples] of every kind, and a recording."""
    seeds = range(rows)
    made = {k: augment.coloured_noise(k, samples, seeds) for k in chain.NOISES[:5]}
    made |= {f"hum{hz}": augment.hum(hz, samples, seeds) for hz in (50, 60)}
    made["babble"] = augment.babble(VOICES, 3, seeds)
    made["recording"] = np.rint(800 * made["pink"][0] + 300).astype(np.int16)  # with an offset
    return made


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0, 20.0, 40.0])
@pytest.mark.parametrize("floor_db", [-40.0, None])
def test_the_ratio_is_exact_for_every_kind_of_noise(snr_db, floor_db):
    levels = np.array([600.0, 1500.0, 2500.0])
    clips = np.stack([burst(level, floor_db, seed=i) for i, level in enumerate(levels)])
    for kind, noise in kinds_of_noise(RATE, 3).items():
        added = augment.add_noise(clips, noise, snr_db).astype(float) - clips
        assert db(levels**2 / power(added)) == pytest.approx(snr_db, abs=0.1), kind


def test_quality_finds_the_ratio_again():
    clips = np.stack([burst(3000, -60, seed=i) for i in range(4)])
    for wanted in (10, 15, 20, 30):
        noise = augment.coloured_noise("white", RATE, [wanted])
        found = quality.snr(augment.add_noise(clips, noise[0], wanted))
        assert found == pytest.approx(wanted, abs=2.0)  # its quietest tenth lies a little low


def test_speech_power_is_that_of_the_speech_alone_in_every_kind_of_clip(speech):
    assert augment.speech_power(BURSTS) == pytest.approx([600**2, 2000**2, 5000**2], rel=0.01)
    noisy = burst(2000, -10)
    assert augment.speech_power(noisy[None])[0] == pytest.approx(2000**2, rel=0.05)
    assert augment.speech_power(VOICES) == pytest.approx(power(VOICES), rel=0.1)  # none stands out
    assert (augment.speech_power(speech) >= power(speech)).all()  # pauses count for nothing


def test_noise_follows_the_level_of_the_clip_and_not_its_own():
    noise = augment.coloured_noise("pink", RATE, [1])
    once = augment.add_noise(BURSTS[:2], noise[0], 10).astype(int)
    twice = augment.add_noise(2 * BURSTS[:2], 50 * noise[0], 10).astype(int)
    assert np.abs(twice - 2 * once).max() <= 2


@pytest.mark.parametrize(
    ("kind", "slope"), [("white", 0), ("pink", -3), ("brown", -6), ("blue", 3), ("violet", 6)]
)
def test_coloured_noise_has_its_slope_and_unit_power(kind, slope):
    rows = augment.coloured_noise(kind, 4 * RATE, range(8))
    assert rows.dtype == np.float32
    assert power(rows) == pytest.approx(np.ones(8), rel=1e-4)
    spectrum = (np.abs(np.fft.rfft(rows)) ** 2).mean(0)
    hertz = np.fft.rfftfreq(4 * RATE, 1 / RATE)
    edges = 100 * 2.0 ** np.arange(7)  # octaves up to 6.4 kHz
    level = [db(spectrum[(hertz >= a) & (hertz < 2 * a)].mean()) for a in edges[:-1]]
    assert np.polyfit(np.arange(6), level, 1)[0] == pytest.approx(slope * 1.0034, abs=0.2)
    assert spectrum[hertz < 50].max() < 1e-6 * spectrum.max()
    assert np.abs(np.corrcoef(rows) - np.eye(8)).max() < 0.3  # rows differ


@pytest.mark.parametrize("hz", [50, 60])
def test_hum_is_ten_harmonics_that_fall_off(hz):
    rows = augment.hum(hz, RATE, [0, 1])
    spectrum = np.abs(np.fft.rfft(rows)) ** 2
    lines = spectrum[:, hz * np.arange(1, 11)]
    assert lines.sum(1) / spectrum.sum(1) == pytest.approx([1, 1], abs=1e-4)
    assert db(lines[:, :1] / lines) == pytest.approx(
        np.tile(20 * np.log10(np.arange(1, 11)), (2, 1)), abs=0.05
    )
    assert not np.array_equal(rows[0], rows[1])
    slow = np.abs(np.fft.rfft(augment.hum(60, 1000, [0], 1000)[0]))
    assert slow[480] > 1000 * slow[[460, 400]].max()  # the ninth would come back at 460 Hz


def test_babble_holds_so_many_different_clips():
    tones = ((0.9, 400), (0.1, 900), (0.3, 1500), (0.5, 2300))
    tones = np.stack([audio.to_int16(a * np.sin(2 * np.pi * f * T)) for a, f in tones])
    spectrum = np.abs(np.fft.rfft(augment.babble(tones, 3, range(20)))) ** 2
    heard = spectrum[:, [400, 900, 1500, 2300]] / spectrum.sum(1, keepdims=True)
    assert np.array_equal((heard > 0.1).sum(1), np.full(20, 3))
    assert heard[heard > 0.1] == pytest.approx(1 / 3, abs=0.01)  # equally loud
    assert (heard > 0.1).any(0).all()  # each is drawn some time


# ---- tempo and pitch


@pytest.mark.parametrize("change", [-4.0, -1.0, 2.0, 5.0])
def test_pitch_moves_by_semitones(change):
    ratio = pitch(augment.pitch_shift(VOICES, change)) / pitch(VOICES)
    assert ratio == pytest.approx(2 ** (change / 12), rel=0.03)


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.1, 1.25])
def test_speed_moves_pitch_and_tempo_keeps_it(factor):
    assert pitch(augment.speed(VOICES, factor)) / pitch(VOICES) == pytest.approx(factor, rel=0.03)
    assert pitch(augment.tempo(VOICES, factor)) / pitch(VOICES) == pytest.approx(1, rel=0.03)


def middles(clip):
    """Middle of the sound in either half of a clip, s."""
    energy = clip.astype(float) ** 2
    halves = energy[:8000], energy[8000:]
    return [(h * T[:8000]).sum() / h.sum() + 0.5 * i for i, h in enumerate(halves)]


@pytest.mark.parametrize("effect", [augment.speed, augment.tempo])
@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_faster_means_closer_together_round_the_middle(effect, factor):
    pair = burst(3000, None, 0.28, 0.04) + burst(3000, None, 0.68, 0.04)
    found = middles(effect(pair[None], factor)[0])
    assert found == pytest.approx([0.5 - 0.2 / factor, 0.5 + 0.2 / factor], abs=0.005)


def test_what_is_asked_to_stay_stays_to_the_bit():
    assert np.array_equal(augment.speed(VOICES, 1), VOICES)
    assert np.array_equal(augment.tempo(VOICES, 1), VOICES)
    assert np.array_equal(augment.pitch_shift(VOICES, 0), VOICES)
    mixed = augment.speed(VOICES, [1, 0.9, 1, 1.1])
    assert np.array_equal(mixed[::2], VOICES[::2])
    assert np.array_equal(mixed[1], augment.speed(VOICES[1:2], 0.9)[0])


# ---- rooms, microphones, codecs


def test_reverberation_time_of_a_decay_that_is_known():
    noise = np.random.default_rng(0).normal(0, 1, 2 * RATE)
    for wanted in (0.15, 0.4, 1.0):
        decay = noise * 10 ** (-3 * np.arange(2 * RATE) / RATE / wanted)
        assert augment.reverberation_time(decay) == pytest.approx(wanted, rel=0.03)
        assert augment.reverberation_time(decay, 8000) == pytest.approx(2 * wanted, rel=0.03)


@pytest.mark.parametrize(
    ("size", "rt60"), [((3, 3, 2.5), 0.12), ((4, 5, 2.6), 0.2), ((6, 5, 3), 0.35), ((9, 7, 3), 0.5)]
)
def test_a_room_has_the_reverberation_time_that_was_asked_for(size, rt60):
    response = augment.room_impulse_response(size, rt60, 1.5)
    assert measure_rt60(response, RATE, 30) == pytest.approx(rt60, rel=0.05)  # not our measure
    assert augment.reverberation_time(response) == pytest.approx(rt60, rel=0.03)
    assert len(response) == round(rt60 * RATE)
    assert response[0] == np.abs(response).max() == 1
    assert not response.flags.writeable
    assert augment.room_impulse_response(np.array(size), rt60, 1.5) is response  # made once


def test_a_farther_voice_has_more_of_the_room():
    near, far = (augment.room_impulse_response((4, 5, 2.6), 0.2, d) for d in (0.5, 2.5))
    assert db((far[1:] ** 2).sum() / (near[1:] ** 2).sum()) > 8


def test_direct_sound_is_one_tap_and_nothing_piles_up_below_hearing():
    response = augment.room_impulse_response((4, 5, 2.6), 0.2, 1.234)
    assert np.abs(response[1:20]).max() < 0.05  # between samples it would ring
    spectrum = np.abs(np.fft.rfft(response, RATE)) ** 2
    assert spectrum[:20].sum() < 0.01 * spectrum.sum()
    step = 343 / RATE
    rooms = [augment.room_impulse_response((4, 5, 2.6), 0.2, n * step) for n in (51, 51.3, 52)]
    assert rooms[0] is rooms[1]
    assert not np.array_equal(rooms[1], rooms[2])


def test_reverberation_is_convolution_at_the_level_of_the_clip():
    rng = np.random.default_rng(0)
    response = rng.normal(0, 1, 300) * np.exp(-np.arange(300) / 60)
    response[40] = 9.0  # the direct sound; what is before it is heard before it
    out = augment.reverberate(BURSTS, response)
    for clip, found in zip(BURSTS, out, strict=True):
        wanted = np.convolve(clip.astype(float), response)[40 : 40 + RATE]
        wanted *= np.sqrt(power(clip) / power(wanted))
        assert np.abs(found - wanted).max() < 1
    assert db(power(out) / power(BURSTS)) == pytest.approx(np.zeros(3), abs=0.01)
    assert not augment.reverberate(np.zeros((1, 500), np.int16), response).any()


def test_the_delay_of_a_room_is_removed_and_each_clip_has_its_own():
    clicks = np.zeros((2, 4000), np.int16)
    clicks[:, 1000] = 20_000
    responses = np.zeros((2, 700))
    responses[0, 500], responses[1, 0], responses[1, 600] = 1, 1, -0.5
    out = augment.reverberate(clicks, responses)
    assert np.array_equal(out[0], clicks[0])
    assert set(np.flatnonzero(out[1])) == {1000, 1600}
    assert np.array_equal(augment.reverberate(clicks, responses[0]), clicks)


@pytest.mark.parametrize("name", filters.RESPONSES)
@pytest.mark.parametrize("rate", [8000, 16_000])
def test_a_microphone_has_the_response_of_its_table(name, rate):
    click = np.zeros((1, 4000), np.int16)
    click[0, 2000] = 15_000
    out = augment.microphone(click, name, rate)
    assert np.abs(out).argmax() == 2000  # no delay
    level = 20 * np.log10(np.abs(np.fft.rfft(out[0], 65_536)) / 15_000)
    for hertz, wanted in filters.RESPONSES[name]:
        if 150 <= hertz < 0.45 * rate and wanted > -13:
            assert level[round(hertz * 65_536 / rate)] == pytest.approx(wanted, abs=1.5), hertz


@pytest.mark.parametrize("hz", [1500, 4000, 6000])
def test_a_limited_band_ends_where_it_should(hz):
    noise = audio.to_int16(0.1 * augment.coloured_noise("white", RATE, range(2)))
    out = augment.band_limit(noise, [hz, 7000])
    assert quality.bandwidth(out) == pytest.approx([hz, 7000], abs=300)
    spectrum = np.abs(np.fft.rfft(out[0])) ** 2 / np.abs(np.fft.rfft(noise[0])) ** 2
    assert db(spectrum[hz - 50 : hz + 50].mean()) == pytest.approx(-6, abs=1)  # half the amplitude
    assert db(np.median(spectrum[200 : hz - 300])) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("kind", "band"), [("mulaw", 4000), ("vorbis", 8000), ("opus", 8000)])
def test_a_codec_keeps_time_and_level_and_loses_something(kind, band, speech):
    clips = np.concatenate([speech[:3], VOICES])
    out = augment.codec(clips, kind)
    assert db(power(out) / power(clips)) == pytest.approx(np.zeros(7), abs=1)
    assert not np.array_equal(out, clips)
    assert np.array_equal(out, augment.codec(clips, kind))
    fourier = np.fft.rfft(np.stack([clips[0], out[0]]), 2 * RATE)
    assert np.fft.irfft(fourier[0].conj() * fourier[1]).argmax() == 0  # nothing is delayed
    noise = audio.to_int16(0.1 * augment.coloured_noise("white", RATE, [0]))
    assert quality.bandwidth(augment.codec(noise, kind))[0] <= band + 200


def test_lengths_of_ffts():
    good = sorted(2**a * 3**b * 5**c for a in range(1, 16) for b in range(10) for c in range(7))
    for least in (1, 2, 17, 16_001, 16_254, 23_999, 24_000):
        assert filters.fast_length(least) == next(g for g in good if g >= least)


# ---- masks

FEATURES = np.random.default_rng(0).normal(3, 1, (400, 98, 40)).astype(np.float32)


def test_masks_lie_inside_and_hide_what_they_should():
    out = augment.spec_augment(FEATURES, range(400), 1, 20, 1, 8, value=-99)
    hidden = out == -99
    assert np.array_equal(out[~hidden], FEATURES[~hidden])
    time, frequency = hidden.all(2), hidden.all(1)
    assert np.array_equal(hidden, time[:, :, None] | frequency[:, None, :])
    for masks, widest in ((time, 20), (frequency, 8)):
        width = masks.sum(1)
        edges = np.abs(np.diff(np.pad(masks.astype(int), ((0, 0), (1, 1))))).sum(1)
        assert set(edges) <= {0, 2}  # one piece, if any
        assert set(width) == set(range(widest + 1))
        assert width.mean() == pytest.approx(widest / 2, rel=0.1)
        assert masks[:, 0].any()  # both ends can be hidden
        assert masks[:, -1].any()
    widths = np.corrcoef(time.sum(1), frequency.sum(1))
    assert abs(widths[0, 1]) < 0.15  # each is drawn for itself


def test_the_share_that_is_hidden_is_the_expected_one():
    hidden = augment.spec_augment(FEATURES, range(400), 2, 20, 3, 8, value=-99) == -99
    # masks overlap: a frame stays if it misses both. Counted over all places and widths
    kept = [1.0, 1.0]
    for i, (masks, widest, length) in enumerate(((2, 20, 98), (3, 8, 40))):
        covered = np.zeros(length)
        for width in range(widest + 1):
            for first in range(length - width + 1):
                covered[first : first + width] += 1 / (widest + 1) / (length - width + 1)
        kept[i] = ((1 - covered) ** masks).mean()
    assert hidden.mean() == pytest.approx(1 - kept[0] * kept[1], rel=0.04)


def test_the_mask_holds_the_mean_of_its_coefficient_by_default():
    out = augment.spec_augment(FEATURES, range(400), 2, 20, 0, 0)
    hidden = out != FEATURES
    wanted = np.broadcast_to(FEATURES.mean(1, keepdims=True), FEATURES.shape)
    assert np.array_equal(out[hidden], wanted[hidden])
    assert 0.1 < hidden.mean() < 0.3
    assert out.dtype == np.float32


def test_no_mask_is_wider_than_its_share_and_none_is_none():
    out = augment.spec_augment(FEATURES, range(400), 1, 90, 0, 0, time_share=0.1, value=-99)
    assert (out == -99).all(2).sum(1).max() == 9
    assert np.array_equal(augment.spec_augment(FEATURES, range(400), 0, 9, 0, 9), FEATURES)
    one = augment.spec_augment(FEATURES[7:8], [7])
    assert np.array_equal(one, augment.spec_augment(FEATURES, range(400))[7:8])


# ---- the Augmenter

QUICK_ROOMS = (0.1, 0.15)
EVERYTHING = augment.preset(
    "full", rt60_s=QUICK_ROOMS, noises=("white", "hum60", "babble"), voices=3, room_share=0.5
)
IDS = [f"clip{i}" for i in range(60)]


def test_a_clip_does_not_depend_on_its_company_the_order_or_the_worker(speech):
    whole = EVERYTHING(speech, IDS, 3, "a", VOICES)
    order = np.random.default_rng(0).permutation(60)
    moved = EVERYTHING(speech[order], [IDS[i] for i in order], 3, "a", VOICES, workers=1)
    assert np.array_equal(moved, whole[order])
    alone = [EVERYTHING(speech[i : i + 1], IDS[i : i + 1], 3, "a", VOICES)[0] for i in range(20)]
    assert np.array_equal(alone, whole[:20])
    assert np.array_equal(EVERYTHING(speech, IDS, 3, "a", VOICES, workers=5), whole)
    with ProcessPoolExecutor(1) as pool:
        far = pool.submit(EVERYTHING, speech, IDS, 3, "a", VOICES).result()
    assert np.array_equal(far, whole)
    assert len({clip.tobytes() for clip in whole}) == 60


def test_epoch_seed_and_id_all_matter_and_the_ranges_do_not_move_the_draws(speech):
    how = augment.preset("light")
    base = how(speech[:8], IDS[:8])
    for other in (how(speech[:8], IDS[:8], epoch=1), how(speech[:8], IDS[:8], seed="b"),
                  how(speech[:8], IDS[8:16])):  # fmt: skip
        assert not any(np.array_equal(a, b) for a, b in zip(base, other, strict=True))
    one, two = (how.changed(gain_db=(-g, 0))(VOICES, IDS[:4]) for g in (5, 10))
    steps = db(power(how.changed(gain_db=(0, 0))(VOICES, IDS[:4])))
    assert db(power(two)) - steps == pytest.approx(2 * (db(power(one)) - steps), abs=0.05)


def test_draws_are_even_and_independent():
    draws = np.stack([*describing._drawn([f"x{i}" for i in range(4000)], 0, "kit").values()])
    assert len(draws) == 13
    steps = np.abs(np.sort(draws, 1) - (np.arange(4000) + 0.5) / 4000).max(1)
    assert steps.max() < 1.95 / np.sqrt(4000)  # Kolmogorov and Smirnov, one in a thousand
    assert np.abs(np.corrcoef(draws) - np.eye(13)).max() < 0.07


@pytest.mark.parametrize(
    ("changes", "measure", "least", "greatest"),
    [
        ({"gain_db": (-20, -5)}, lambda x: db(power(x) / power(VOICES[:1])), -20, -5),
        ({"speed": (0.8, 1.2)}, lambda x: pitch(x) / pitch(VOICES[:1]), 0.8, 1.2),
        ({"noise_share": 1, "noises": ["pink"], "snr_db": (0, 20)},
         lambda x: db(power(VOICES[0]) / power(x - VOICES[0].astype(float))), 0, 20),
        ({"band_share": 1, "band_hz": (1000, 3000), "noise_share": 1, "snr_db": (0, 0),
          "noises": ["white"]}, quality.bandwidth, 1000, 3300),
    ],
    ids=["gain", "speed", "noise", "band"],
)  # fmt: skip
def test_what_is_done_fills_the_range_that_was_asked_for(changes, measure, least, greatest):
    clips = np.repeat(VOICES[:1], 60, 0)
    found = measure(augment.Augmenter(**changes)(clips, IDS))
    slack = 0.04 * (greatest - least)
    assert least - slack <= found.min() <= least + 5 * slack
    assert greatest - 5 * slack <= found.max() <= greatest + slack


def test_shifts_fill_their_range_and_shares_are_kept():
    clips = np.zeros((400, 2000), np.int16)
    clips[:, 1000] = 9999
    ids = [f"x{i}" for i in range(400)]
    at = augment.Augmenter(shift_s=(-0.02, 0.05))(clips, ids).argmax(1) - 1000
    assert -320 <= at.min() < -300
    assert 780 < at.max() <= 800
    clips = np.repeat(BURSTS[:1, 4000:6000], 400, 0)
    for share in ("room_share", "noise_share", "band_share"):
        how = augment.Augmenter(rt60_s=QUICK_ROOMS, **{share: 0.25})
        changed = (how(clips, ids) != clips).any(1)
        assert 0.18 < changed.mean() < 0.32


def test_it_is_the_chain_of_its_effects():
    how = augment.preset("full", rt60_s=QUICK_ROOMS, room_share=1, noise_share=1, band_share=1,
                         noises=["brown"], gain_db=(-12, -9))  # fmt: skip
    draws = {k: v[0] for k, v in describing._drawn(["x"], 0, "kit").items()}
    clips = augment.speed(BURSTS[1:2], round(0.9 + 0.2 * draws["speed"], 2))
    room = chain._rooms(QUICK_ROOMS, RATE)[int(12 * draws["which_room"])]
    clips = augment.reverberate(clips, room)
    loud = augment.speech_power(clips)
    clips = augment.time_shift(clips, -0.1 + 0.2 * draws["shift"])
    bank = augment.coloured_noise("brown", 30 * RATE, [0])[0]
    first = int(draws["place"] * (29 * RATE + 1))
    noise = bank[None, first : first + RATE]
    noise = noise * np.sqrt(loud / 10 ** ((5 + 25 * draws["snr"]) / 10) / power(noise))
    clips = np.rint(clips + noise).astype(np.int16)
    clips = augment.band_limit(clips, 3000 + 4000 * draws["hertz"])
    clips = augment.gain(clips, -12 + 3 * draws["gain"])
    assert np.abs(how(BURSTS[1:2], ["x"]).astype(int) - clips).max() <= 1


def test_every_kind_of_noise_has_its_share():
    how = augment.Augmenter(noise_share=1, noises=["white", "brown", "hum60"], snr_db=(0, 0))
    clips = np.repeat(VOICES[:1], 300, 0)
    added = how(clips, [f"x{i}" for i in range(300)]) - clips.astype(float)
    spectrum = np.abs(np.fft.rfft(added)) ** 2
    middle = (spectrum * np.arange(8001)).sum(1) / spectrum.sum(1)
    hum = spectrum[:, 60:661:60].sum(1) > 0.99 * spectrum.sum(1)
    for share in ((middle > 3000).mean(), hum.mean(), ((middle < 1000) & ~hum).mean()):
        assert share == pytest.approx(1 / 3, abs=0.08)


def test_a_word_at_the_edge_does_not_make_the_noise_louder():
    edge = burst(3000, None, 0.0, 0.1)[None]
    how = augment.Augmenter(shift_s=(-0.3, -0.3), noise_share=1, noises=["white"], snr_db=(20, 20))
    assert db(3000**2 / power(how(edge, ["x"]))) == pytest.approx([20], abs=0.1)


def test_rooms_of_the_bank_have_the_times_of_the_range():
    bank = chain._rooms(QUICK_ROOMS, RATE)
    times = [augment.reverberation_time(np.trim_zeros(r, "b")) for r in bank]
    assert times == pytest.approx(np.linspace(*QUICK_ROOMS, 12), rel=0.03)


def test_none_changes_nothing_and_nothing_is_written_into(speech):
    before = speech.copy()
    out = augment.preset("none")(speech, IDS)
    assert np.array_equal(out, speech)
    assert not np.shares_memory(out, speech)
    EVERYTHING(speech, IDS, voices=VOICES)
    assert np.array_equal(speech, before)


def test_features_are_masked_from_the_same_three(speech):
    how = augment.preset("full")
    features = audio.extract(speech, "kws", "cpu")
    masked = how.mask(features, IDS, 2, "s")
    assert np.array_equal(how.mask(features[5:9], IDS[5:9], 2, "s"), masked[5:9])
    assert not np.array_equal(how.mask(features, IDS, 3, "s"), masked)
    assert np.array_equal(augment.preset("light").mask(features, IDS), features)


def test_fingerprints_tell_every_field_apart():
    plain = augment.Augmenter()
    changes = {
        "rate": 8000, "speed": (0.9, 1), "room_share": 0.1, "rt60_s": (0.3, 0.4),
        "shift_s": (0, 0.1), "noise_share": 0.2, "noises": ["white"], "snr_db": (0, 9),
        "voices": 3, "band_share": 0.3, "band_hz": (2000, 3000), "gain_db": (0, 3),
        "time_masks": 1, "time_width": 9, "frequency_masks": 1, "frequency_width": 3,
    }  # fmt: skip
    assert list(changes) == list(describing.asdict(plain))
    prints = {plain.changed(**{k: v}).fingerprint for k, v in changes.items()}
    assert len(prints | {plain.fingerprint}) == 17
    same = augment.Augmenter(speed=[1, 1], gain_db=(-0.0, 0), noises=list(plain.noises))
    assert same == plain
    assert same.fingerprint == plain.fingerprint


def test_a_function_for_the_compiler(speech):
    one, two = (augment.augment_clip(speech[0], RATE, np.random.default_rng(s)) for s in (1, 2))
    again = augment.augment_clip(speech[0], RATE, np.random.default_rng(1))
    assert one.dtype == np.int16
    assert one.shape == speech[0].shape
    assert np.array_equal(one, again)
    assert not np.array_equal(one, two)
    assert augmentation("kit.audio.augment:augment_clip") is augment.augment_clip


def test_it_keeps_up_with_training(speech):
    """2 000 clips in half a second of two cores, counted in their time: others may use them."""
    clips = np.tile(speech, (17, 1))[:1000]
    how, ids = augment.preset("light", speed=(0.9, 1.1)), [str(i) for i in range(1000)]
    how(clips[:8], ids[:8])
    taken = []
    for _ in range(3):
        start = time.process_time()
        how(clips, ids)
        taken.append(time.process_time() - start)
    assert min(taken) < 0.5


# ---- what is refused

GOOD = VOICES[:2]
LONG = np.zeros(20_000)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: augment.gain(GOOD.astype(np.float32), 1), "not int16: found 'float32'.*to_int16"),
        (lambda: augment.gain(GOOD[0], 1), "wrong shape"),
        (lambda: augment.gain(GOOD[:, :0], 1), "no samples"),
        (lambda: augment.gain(GOOD, np.nan), "db cannot be this: found nan"),
        (lambda: augment.gain(GOOD, [1, 2, 3]), r"db.*\[1, 2, 3\].*one for each of 2 clips"),
        (lambda: augment.gain(GOOD, "loud"), "db cannot be this: found 'loud'"),
        (lambda: augment.time_shift(GOOD, 1.5), "seconds cannot be this: found 1.5.*-1 to 1"),
        (lambda: augment.time_shift(GOOD, 0, 0), "rate cannot be this: found 0"),
        (lambda: augment.clip(GOOD, -1), "from 0 to 60"),
        (lambda: augment.speed(GOOD, 0), "factor cannot be this: found 0.*from 0.5 to 2"),
        (lambda: augment.tempo(GOOD, 3), "factor cannot be this"),
        (lambda: augment.pitch_shift(GOOD, 30), "semitones.*-12 to 12"),
        (lambda: augment.codec(GOOD, "mp3"), "no such codec: found 'mp3'. Allowed: mulaw"),
        (lambda: augment.codec(GOOD, "opus", 22_050), "rate: found 22050.*resample"),
        (lambda: augment.add_noise(GOOD, GOOD[0], np.inf), "snr_db cannot be this: found inf"),
        (lambda: augment.add_noise(GOOD, GOOD[0], np.nan), "snr_db cannot be this: found nan"),
        (lambda: augment.add_noise(GOOD * 0, GOOD[0], 9), "a clip is silent: found 'clip 0'.*Drop"),
        (lambda: augment.add_noise(GOOD, GOOD[0, :99], 9), "shorter.*found 99.*Make it longer"),
        (lambda: augment.add_noise(GOOD, LONG, 9), "noise is silent.*row 0.*coloured_noise"),
        (lambda: augment.add_noise(GOOD, LONG + np.nan, 9), "not finite"),
        (lambda: augment.add_noise(GOOD, LONG.astype(np.int32), 9), "noise is none: found 'int32"),
        (lambda: augment.add_noise(GOOD, [1.0], 9), "does not lie with the clips: found 'list'"),
        (lambda: augment.add_noise(GOOD[:, :900], LONG, 9), "too short to judge"),
        (lambda: augment.coloured_noise("grey", 99, 0), "no such noise: found 'grey'"),
        (lambda: augment.coloured_noise("pink", 99, []), "rngs"),
        (lambda: augment.coloured_noise("pink", 99, [None]), "rngs are not one for each"),
        (lambda: augment.coloured_noise("pink", 99, [-1]), "rngs.*seeds from 0 up"),
        (lambda: augment.coloured_noise("pink", 9.5, [1]), "samples cannot be this: found 9.5"),
        (lambda: augment.hum(55, 99, 0), "55.*50 or 60"),
        (lambda: augment.babble(GOOD, 3, 0), "voices cannot be this: found 3.*1 to 2"),
        (lambda: augment.babble(GOOD * 0, 1, 0), "silent"),
        (lambda: augment.reverberate(GOOD, LONG), "silent, or not finite"),
        (lambda: augment.reverberate(GOOD, LONG + np.inf), "silent, or not finite"),
        (lambda: augment.reverberate(GOOD, LONG[:0]), "silent, or not finite"),
        (lambda: augment.reverberate(GOOD, GOOD[0]), "impulse_response is none: found 'int16"),
        (lambda: augment.reverberate(GOOD, np.ones((3, 9))), r"none: found 'float64\(3, 9\)'"),
        (lambda: augment.microphone(GOOD, "ribbon"), "no such microphone.*telephone"),
        (lambda: augment.band_limit(GOOD, 9000), "hz cannot be this: found 9000.*200 to 8000"),
        (lambda: augment.room_impulse_response((4, 5), 0.3), "not the size of a room"),
        (lambda: augment.room_impulse_response((4, 5, 0), 0.3), "size_m cannot be this: found 0"),
        (lambda: augment.room_impulse_response((12, 10, 4), 0.1),
         "12 x 10 x 4 m cannot have.*found 0.1. Allowed: 0.19 to .*smaller one"),
        (lambda: augment.room_impulse_response((3, 3, 2.5), 2), "cannot have.*found 2"),
        (lambda: augment.room_impulse_response((3, 3, 2.5), 0.2, 5), "distance_m.*found 5"),
        (lambda: augment.room_impulse_response((3, 3, 2.5), np.nan), "rt60_s cannot be this"),
        (lambda: augment.reverberation_time(np.ones(9)), "does not fall by 35 dB: found '9 taps"),
        (lambda: augment.reverberation_time(np.zeros(9)), "silent or no row of taps"),
        (lambda: augment.spec_augment(FEATURES[0], [0]), "features have the wrong shape"),
        (lambda: augment.spec_augment(FEATURES[:1].astype(float), [0]), "float64.*kit.audio.extr"),
        (lambda: augment.spec_augment(FEATURES[:2], [0]), "rngs are not one for each clip"),
        (lambda: augment.spec_augment(FEATURES[:1], [0], 1, 1, 1, 41), "frequency_width.*0 to 40"),
        (lambda: augment.spec_augment(FEATURES[:1], [0], 1.5), "time_masks.*whole number"),
        (lambda: augment.spec_augment(FEATURES[:1], [0], value=np.nan), "value cannot be this"),
        (lambda: EVERYTHING.mask(None, ["a"]), "features have.*'NoneType'"),
        (lambda: EVERYTHING.mask(FEATURES, ["a"]), "ids are not one"),
        (lambda: augment.Augmenter(snr_db=(9, 5)), r"Augmenter.snr_db.*\(9, 5\).*least, greatest"),
        (lambda: augment.Augmenter(snr_db=9), "Augmenter.snr_db cannot be this: found 9"),
        (lambda: augment.Augmenter(gain_db=(0, np.inf)), "Augmenter.gain_db.*inf"),
        (lambda: augment.Augmenter(room_share=1.1), "Augmenter.room_share.*found 1.1"),
        (lambda: augment.Augmenter(time_masks=True), "Augmenter.time_masks.*True"),
        (lambda: augment.Augmenter(noises=("pink", "grey")), "Augmenter.noises.*white, pink"),
        (lambda: augment.Augmenter(noises="pink"), "Augmenter.noises"),
        (lambda: augment.preset("heavy"), "no such preset: found 'heavy'. Allowed: none, light"),
        (lambda: augment.preset("light", snr=3), r"no such field: found \['snr'\]"),
        (lambda: augment.preset("light")(GOOD, ["a"]), "ids are not one.*'1 ids'. Allowed: 2"),
        (lambda: augment.preset("light")(GOOD, "ab"), "ids are not one"),
        (lambda: augment.preset("light")(GOOD * 0, ["a", "b"]), "a clip is silent: found 'a'"),
        (lambda: augment.preset("light")(GOOD, ["a", "b"], -1), "epoch cannot be this"),
        (lambda: augment.preset("light")(GOOD, ["a", "b"], 0, None), "seed cannot be this"),
        (lambda: EVERYTHING(GOOD, ["a", "b"]), "babble needs voices.*other speakers"),
        (lambda: EVERYTHING(GOOD, ["a", "b"], voices=GOOD), "voices cannot.*found .2, 16000"),
        (lambda: EVERYTHING(GOOD, ["a", "b"], voices=VOICES * 0), "a clip is silent: found 'clip"),
        (lambda: EVERYTHING(GOOD, ["a", "b"], voices=VOICES[:, :9]), "mixed.*3 or more"),
        (lambda: augment.augment_clip(GOOD, RATE, np.random.default_rng(0)), "a clip and a Gen"),
        (lambda: augment.augment_clip(GOOD[0], RATE, 0), r"\(16000,\), int"),
    ],
)  # fmt: skip
def test_bad_input_names_value_and_remedy(call, says):
    with pytest.raises(KitError, match=says):
        call()


# ---- which libraries, and the GPU


def test_libraries_are_loaded_where_they_are_needed():
    blocked = ("cupy", "torch", "scipy", "pyroomacoustics", "python_stretch", "numba", "polars")
    code = "import sys\n" + "".join(f"sys.modules['{b}'] = None\n" for b in blocked) + (
        "import numpy as np\nfrom kit.audio import augment\n"
        "x = np.random.default_rng(0).normal(0, 900, (3, 16000)).astype(np.int16)\n"
        "how = augment.preset('light', speed=(.9, 1.1), band_share=.5)\n"
        "print(how(x, 'abc'.split() * 3).shape)"
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "(3, 16000)", done.stderr


class Device(np.ndarray):
    """Stands in for a CuPy array: knows what it is, and refuses to meet NumPy arrays."""

    __cuda_array_interface__ = True

    def get(self):
        return np.asarray(self)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        _all_here(inputs)
        kwargs |= {"out": tuple(o.get() for o in out)} if out else {}
        return _sent(getattr(ufunc, method)(*map(_plain, inputs), **kwargs))

    def __array_function__(self, function, types, args, kwargs):
        _all_here(args)
        return _sent(super().__array_function__(function, types, args, kwargs))

    def __getitem__(self, key):
        _all_here(key if isinstance(key, tuple) else (key,))
        return _sent(super().__getitem__(key))


def _plain(x):
    return x.get() if isinstance(x, Device) else x


def _sent(x):
    return x.view(Device) if isinstance(x, np.ndarray) else np.asarray(x).view(Device)


def _all_here(values):
    for x in values:
        if type(x) is np.ndarray:  # a scalar is sent along
            raise TypeError("an array of NumPy met one of CuPy")


class Cupy:
    """Stands in for the module: its functions make arrays on the device."""

    fft = SimpleNamespace(
        rfft=lambda x, n: _sent(np.fft.rfft(x.get(), n)),
        irfft=lambda x, n: _sent(np.fft.irfft(x.get(), n)),
    )

    def __getattr__(self, name):
        def call(*args, **kwargs):
            if name != "asarray":
                _all_here(args)
            return _sent(getattr(np, name)(*map(_plain, args), **kwargs))

        return call


def on_both(send):
    """list of (name, result of NumPy, result of the arrays that `send` makes)."""
    noise = augment.coloured_noise("pink", RATE + 9, range(3))
    room = np.exp(-np.arange(400) / 50) * np.random.default_rng(0).normal(0, 1, 400)
    calls = {
        "gain": lambda s: augment.gain(s(BURSTS), [3.0, -3.0, 1.0]),
        "clip": lambda s: augment.clip(s(BURSTS), 9),
        "shift": lambda s: augment.time_shift(s(BURSTS), [0.1, -0.2, 0]),
        "noise": lambda s: augment.add_noise(s(BURSTS), s(noise), [9.0, 0.0, 30.0]),
        "one noise": lambda s: augment.add_noise(s(BURSTS), s(noise[0]), 9.0),
        "room": lambda s: augment.reverberate(s(BURSTS), s(room)),
        "microphone": lambda s: augment.microphone(s(BURSTS), "laptop"),
        "band": lambda s: augment.band_limit(s(BURSTS), [3000, 4000, 5000]),
        "speed": lambda s: augment.speed(s(BURSTS), 0.9),
        "codec": lambda s: augment.codec(s(BURSTS), "mulaw"),
        "masks": lambda s: augment.spec_augment(s(FEATURES), range(400)),
        "no masks": lambda s: augment.spec_augment(s(FEATURES), range(400), 0, 9, 1, 9, value=0),
    }
    return [(name, call(np.asarray), call(send)) for name, call in calls.items()]


def assert_near(name, here, there):
    """Equal but for the order of sums, where rounding falls on the other side."""
    gap = np.abs(here.astype(float) - there.get())
    assert there.dtype == here.dtype, name
    assert gap.max() <= (1e-5 if here.dtype == np.float32 else 1), name
    assert here.dtype == np.float32 or (gap > 0).mean() < 0.01, name


def test_one_code_runs_on_both_kinds_of_arrays(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", Cupy())
    for name, here, there in on_both(_sent):
        assert isinstance(there, Device), name
        assert_near(name, here, there)
    with pytest.raises(KitError, match=r"clips lie on the GPU.*clips.get\(\)"):
        augment.preset("light")(_sent(GOOD), ["a", "b"])
    with pytest.raises(KitError, match="noise does not lie with the clips: found 'ndarray'"):
        augment.add_noise(_sent(GOOD), GOOD[0], 9)


@pytest.mark.gpu
def test_the_gpu_gives_the_same_clips():
    if not gpu.available():
        pytest.skip("no CUDA device")
    import cupy

    for name, here, there in on_both(cupy.asarray):
        assert isinstance(there, cupy.ndarray), name
        assert_near(name, here, there)


@pytest.mark.parametrize(("size", "absorption"), [((6, 5, 3), 0.3), ((8, 6, 3.5), 0.4)])
def test_walls_that_absorb_make_the_time_that_sabine_counts(size, absorption):
    """Within a quarter: a shoebox room does not mix the sound as his formula assumes."""
    surface = 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    model = 0.1611 * np.prod(size) / (surface * absorption)
    assert augment.sabine(size, absorption) == pytest.approx(model, rel=1e-3)
    response = augment.walls_impulse_response(size, absorption)
    assert response[0] == 1
    assert augment.reverberation_time(response) == pytest.approx(model, rel=0.25)


@pytest.mark.parametrize(
    ("size", "absorption"), [((6, 5, 3), 0.0), ((6, 5, 3), 1.0), ((6, 5, 3), np.nan),
                             ((6, 5), 0.3), ((4, 3, 2.5), 0.02)],
)  # fmt: skip
def test_walls_that_cannot_be_are_refused(size, absorption):
    with pytest.raises(KitError):
        augment.walls_impulse_response(size, absorption)
