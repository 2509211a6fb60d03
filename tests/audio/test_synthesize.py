"""Speech is what its numbers say: level, length, pitch and spectrum; and the same every time."""

import hashlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import signal as filters

from kit.errors import KitError

loader = pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed")
pytest.importorskip("soxr", reason="soxr is not installed")

from kit.audio import synthesize as module  # noqa: E402  after the skips
from kit.audio.synthesize import languages, synthesize, variants, voices  # noqa: E402

RATE = 16_000
SENTENCE = "Where are you, Mary Ann?"  # voiced nearly throughout
TRICKY = ("en-us+f3", "en+whisper", "en+croak", "en+klatt2", "en+klatt4", "en+caleb", "de+Storm")


def frames(samples, size=1024, step=256):
    """float64[n, size] of the loud frames."""
    cut = np.lib.stride_tricks.sliding_window_view(samples.astype(float), size)[::step]
    power = (cut**2).mean(axis=1)
    return cut[power > 0.1 * power.max()]


def pitches_hz(samples):
    """Fundamental frequency of the voiced frames, by autocorrelation, 40 to 600 Hz."""
    found = []
    for frame in frames(samples):
        lag = np.correlate(frame, frame, "full")[len(frame) - 1 :]
        lag = lag / lag[0] / (1 - np.arange(len(lag)) / len(lag))  # a longer lag sums less
        span = np.arange(RATE // 600, RATE // 40)
        if lag[span].max() > 0.6:
            near = span[lag[span] > 0.9 * lag[span].max()]
            first = near[: np.flatnonzero(np.diff(np.append(near, 10**6)) > 1)[0] + 1]
            found.append(RATE / first[lag[first].argmax()])
    return np.array(found)


def pitch_hz(samples):
    return np.median(pitches_hz(samples))


def energy_above(samples, rate, hz):
    """Share of the energy above `hz`."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    return power[np.fft.rfftfreq(len(samples), 1 / rate) > hz].sum() / power.sum()


def digest(text, voice="en-gb"):
    return hashlib.sha256(synthesize(text, voice).tobytes()).hexdigest()


def fault(*args, **kwargs):
    with pytest.raises(KitError) as caught:
        synthesize(*args, **kwargs)
    return caught.value


def outcome(*args):
    """Code of the error, or "spoken"."""
    try:
        return "spoken" if synthesize(*args).any() else "nothing"
    except KitError as error:
        return error.code


# Sound


@pytest.mark.parametrize("word", ["zero", "one", "six", "seven", "yes", "stop"])
def test_a_word_has_the_length_and_level_of_a_word(word):
    samples = synthesize(word)
    assert samples.dtype == np.int16
    assert samples.ndim == 1
    assert 0.2 < len(samples) / RATE < 0.6
    assert 2000 < np.sqrt((samples.astype(float) ** 2).mean()) < 5000
    assert 10_000 < np.abs(samples.astype(int)).max() < 32_767
    assert abs(samples.mean()) < 100


def test_faster_speech_is_shorter():
    lengths = [len(synthesize(SENTENCE, rate_wpm=r)) for r in (80, 120, 175, 250, 350, 449)]
    assert (np.diff(lengths) < 0).all()
    assert 4 < lengths[0] / lengths[-1] < 6.5  # 449 / 80 is 5.6


@pytest.mark.parametrize("pitch", [0, 25, 50, 75])
def test_pitch_multiplies_the_lowest_pitch(pitch):
    """Monotone speech: 71 Hz, times 2 ** ((pitch - 50) / 50), and 18 Hz of melody held still."""
    expected = (80 - 9) * 2 ** ((pitch - 50) / 50) + (118 - 80) * 108 / 4096 * 18
    assert pitch_hz(synthesize(SENTENCE, pitch=pitch, pitch_range=0)) == pytest.approx(
        expected, rel=0.03
    )


def test_pitch_rises_in_melodious_speech_too():
    assert (np.diff([pitch_hz(synthesize(SENTENCE, pitch=p)) for p in range(0, 100, 15)]) > 3).all()


def test_pitch_range_widens_the_melody():
    found = [pitches_hz(synthesize(SENTENCE, pitch_range=g)) for g in (0, 50, 100)]
    spread = [np.ptp(np.percentile(hz, (5, 95))) for hz in found]
    assert spread[0] < 4 < 25 < spread[1] < spread[2]


def test_women_speak_higher_than_men():
    women = [pitch_hz(synthesize(SENTENCE, f"en-us+f{k}")) for k in (1, 2, 3, 4, 5)]
    men = [pitch_hz(synthesize(SENTENCE, f"en-us+m{k}")) for k in (1, 2, 3, 4, 8)]
    assert min(women) > 160 > 125 > max(men)


def test_speakers_differ():
    names = ["en-gb", "en-us", "en-gb-scotland", "de", "en-gb+f2", "en-gb+m4", "en-us+f2"]
    assert len({digest("seven", name) for name in names}) == len(names)
    plain = digest("seven", "en")
    same = {v.identifier for v in variants() if digest("seven", f"en+{v.identifier}") == plain}
    assert same <= {"fast"}  # it changes what lies beyond the rates that can be asked for


def test_every_voice_and_every_variant_speaks():
    for name in [v.identifier for v in voices()] + [f"en+{v.identifier}" for v in variants()]:
        samples = synthesize("mama 9", name)
        assert len(samples) > RATE // 4, name
        assert np.abs(samples.astype(int)).max() > 2000, name


# Resampling


@pytest.mark.parametrize("hz", [8_200, 9_000, 10_500])
def test_what_is_too_high_for_the_new_rate_is_gone(hz):
    tone = 20_000 * np.sin(2 * np.pi * hz * np.arange(22_050) / 22_050)
    left = module._resample(tone.astype(np.int16).tobytes(), RATE)[200:-200]
    assert np.abs(left.astype(int)).max() <= 1  # -86 dB: no alias


@pytest.mark.parametrize("hz", [100, 1_000, 7_000])
def test_what_fits_stays(hz):
    tone = 20_000 * np.sin(2 * np.pi * hz * np.arange(22_050) / 22_050)
    kept = module._resample(tone.astype(np.int16).tobytes(), RATE)[200:-200]
    expected = 20_000 * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)[200:-200]
    assert np.abs(kept - expected).max() < (3 if hz < 7_000 else 25)  # the edge of the filter


def test_overshoot_is_clipped_and_does_not_wrap():
    square = np.where(np.arange(4000) % 200 < 100, 32_767, -32_768).astype(np.int16)
    kept = module._resample(square.tobytes(), RATE).astype(int)
    assert np.abs(np.diff(kept)).max() < 60_000
    assert kept.max() == 32_767


def test_rates_hold_the_same_speech():
    clips = {rate: synthesize("seven sheep", sample_rate=rate) for rate in (8000, 22_050, 48_000)}
    own = clips[22_050]
    for rate, samples in clips.items():
        assert len(samples) / rate == pytest.approx(len(own) / 22_050, abs=1 / rate)
    assert energy_above(clips[48_000], 48_000, 11_100) < 1e-7
    assert energy_above(own, 22_050, 4_000) > 0.01  # the s and sh, which 8 kHz cannot hold
    # an oracle: SciPy's polyphase filter, 22 050 * 320 / 441 = 16 000
    other = filters.resample_poly(own.astype(float), 320, 441)
    ours = synthesize("seven sheep").astype(float)
    low = filters.butter(8, 6_500, fs=RATE, output="sos")
    gap = filters.sosfiltfilt(low, ours - other[: len(ours)])
    assert np.sqrt((gap**2).mean()) < 0.01 * np.sqrt((ours**2).mean())


# The same bytes


@pytest.mark.parametrize("voice", TRICKY)
def test_what_was_spoken_before_does_not_matter(voice):
    first = digest("seven sheep", voice)
    synthesize("Ein kurzer Satz!", "de+f5", rate_wpm=300, pitch=80, pitch_range=10)
    assert digest("seven sheep", voice) == first
    assert digest("seven sheep", voice) == first


def test_a_new_process_says_the_same_in_any_order():
    code = (
        "import hashlib; from kit.audio.synthesize import synthesize\n"
        f"for v in reversed({TRICKY}):\n"
        "    print(hashlib.sha256(synthesize('seven sheep', v).tobytes()).hexdigest())"
    )
    expected = [digest("seven sheep", v) for v in TRICKY]
    time.sleep(1.1)  # espeak-ng begins its noise from the clock, in seconds
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[::-1] == expected


def test_threads_take_turns():
    with ThreadPoolExecutor(8) as pool:
        assert (
            list(pool.map(digest, ["one", "two", "three"] * 20))
            == [digest(w) for w in ("one", "two", "three")] * 20
        )


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_say_the_same(method):
    words = ["one", "two", "three", "four"]
    expected = [digest(w) for w in words]  # the fork inherits a used helper
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(digest, words * 5)) == expected * 5
    assert digest("one") == expected[0]


# Faults


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ((None,), "not-text"),
        ((b"one",), "not-text"),
        (("one\0two",), "not-text"),
        (("\x0199P high",), "not-text"),  # an embedded command
        (("half \ud83d",), "not-text"),
        (("",), "empty"),
        ((" \n\t",), "empty"),
        (("...",), "silent"),
        (("?!",), "silent"),
        (("a" * 1001,), "too-long"),
        (("one", "xx-yy"), "unknown-voice"),
        (("one", ""), "unknown-voice"),
        (("one", None), "unknown-voice"),
        (("one", "en+nobody"), "unknown-voice"),
        (("one", "f3"), "unknown-voice"),
        (("one", "en", 79), "out-of-range"),
        (("one", "en", 451), "out-of-range"),
        (("one", "en", 100.5), "out-of-range"),
        (("one", "en", float("nan")), "out-of-range"),
        (("one", "en", 175, -1), "out-of-range"),
        (("one", "en", 175, 101), "out-of-range"),
        (("one", "en", 175, True), "out-of-range"),
        (("one", "en", 175, 50, 101), "out-of-range"),
        (("one", "en", 175, 50, 50, 7999), "out-of-range"),
        (("one", "en", 175, 50, 50, "16000"), "out-of-range"),
        (("one", "en", 175, 0, 100), "too-low"),
    ],
)
def test_bad_arguments_are_named(args, code):
    assert fault(*args).code == code


def test_the_ends_of_the_ranges_are_allowed():
    assert len(synthesize("one", "en", 80, 100, 100)) > len(synthesize("one", "en", 450, 0, 0))
    assert len(synthesize("one", rate_wpm=np.int64(175))) == len(synthesize("one"))


def test_a_wrong_name_brings_near_ones():
    assert "en-us" in fault("one", "en-uss").allowed
    assert "f5" in fault("one", "en+f9").allowed
    with pytest.raises(KitError, match="de"):
        voices("dee")


def test_tags_and_phoneme_codes_are_plain_text():
    one = synthesize("one")
    tagged = synthesize("<break time='3s'/>one")
    assert len(frames(tagged)) > 3 * len(frames(one))  # its words are spoken
    assert (np.abs(tagged.astype(int)) < 50).mean() < 0.5  # and no 3 s of silence
    assert len(synthesize("[[h@l'oU]]")) > 2 * len(synthesize("hello"))


def test_too_much_sound_is_stopped():
    assert fault("777. " * 200, rate_wpm=80).code == "too-long"
    assert len(synthesize("one")) < RATE


@pytest.mark.parametrize(("text", "voice"), [("`", "vi"), ("W." * 500, "en")])
def test_text_that_breaks_espeak_does_not_break_us(text, voice):
    """Both end espeak-ng 1.52 with a fault in its memory; another version may bear them."""
    before = digest("seven")
    assert outcome(text, voice) in ("spoken", "silent", "crashed")
    assert digest("seven") == before


def test_a_helper_that_was_killed_is_replaced():
    before = digest("seven")
    os.kill(module._helper.pid, signal.SIGKILL)
    module._helper.wait()
    assert fault("seven").code == "crashed"
    assert digest("seven") == before


def test_an_interrupted_request_does_not_answer_the_next(monkeypatch):
    before = digest("seven")

    def interrupted(line):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.json, "loads", interrupted)
        with pytest.raises(KeyboardInterrupt):
            synthesize("another sentence")
    assert digest("seven") == before


def test_odd_texts_are_spoken_or_refused():
    draw = random.Random(4)
    signs = (
        [chr(c) for c in range(1, 0x250)] + list("अбقが한中😀\u200d\u0301𐀀१½²") + ["[[", "/>", "&#"]
    )
    names = [v.identifier for v in voices()]
    for _ in range(150):
        text = "".join(draw.choices(signs, k=draw.choice((1, 3, 30, 200))))
        code = outcome(text, draw.choice(names), draw.choice((80, 450)))
        assert code in ("spoken", "not-text", "empty", "silent", "crashed"), ascii(text)


def test_nothing_is_printed(capfd):
    synthesize("seven", "en+f3")
    fault("one", "nobody")
    fault("...")
    assert capfd.readouterr() == ("", "")


# What there is


def test_voices_languages_and_variants():
    assert len(voices()) > 100
    assert len(variants()) > 50
    assert len(set(voices())) == len(voices())  # they can be kept in a set
    english = {v.identifier: v for v in voices("en")}
    assert english["gmw/en-US"].name == "English (America)"
    assert english["gmw/en-US"].languages == ("en-us", "en")
    assert [v.language for v in voices("EN-US")] == ["en-us", "en-us-nyc"]
    assert voices("fr") != voices("de")
    assert {"en-gb", "en-us", "de", "cmn"} <= set(languages())
    people = {v.identifier: v for v in variants()}
    assert (people["f3"].gender, people["f3"].pitch_hz) == ("female", (140, 240))
    assert people["m4"].gender == "male"


def test_a_voice_has_many_names():
    names = ["en-us", "EN-US", "gmw/en-US", "English (America)"]
    assert len({digest("seven", name) for name in names}) == 1
    assert digest("seven", "en-gb") == digest("seven", "en") != digest("seven", "en-us")


def test_voices_without_a_dictionary_are_left_out():
    data = Path(loader.get_data_path())
    for voice in voices():
        assert (data / f"{voice.dictionary}_dict").exists()


# The library


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    error = fault("one")
    assert error.code == "no-library"
    assert "pip install" in error.remedy


def test_without_the_library(monkeypatch, tmp_path):
    monkeypatch.setattr(loader, "get_library_path", lambda: str(tmp_path / "gone.so"))
    assert fault("one").code == "no-library"
    with pytest.raises(KitError, match="gone"):
        voices()


def test_with_a_broken_library(monkeypatch, tmp_path):
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"not a library")
    monkeypatch.setattr(loader, "get_library_path", lambda: str(broken))
    assert fault("one").code == "no-library"
    monkeypatch.undo()
    assert len(synthesize("one"))


def test_with_broken_data(monkeypatch, tmp_path):
    own = Path(loader.get_data_path())
    for name in ("lang", "voices", "en_dict"):
        (tmp_path / name).symlink_to(own / name)
    monkeypatch.setattr(loader, "get_data_path", lambda: str(tmp_path))
    assert fault("one").code == "no-library"  # nothing in the place of phondata
    (tmp_path / "phondata").write_bytes(b"")
    assert fault("one").code == "no-library"  # the library refuses it


def test_other_data_are_not_taken_in_silence(monkeypatch, tmp_path):
    """espeak-ng has 160 bytes for the path; when it does not fit it looks elsewhere."""
    own = Path(loader.get_data_path())
    deep = tmp_path / ("d" * 160)
    deep.symlink_to(own, target_is_directory=True)
    monkeypatch.setenv("ESPEAK_DATA_PATH", str(own))
    monkeypatch.setattr(loader, "get_data_path", lambda: str(deep))
    assert fault("one").code == "no-library"


def test_import_loads_neither_numpy_nor_the_library():
    code = (
        "import sys, kit.audio.synthesize\n"
        "print({'numpy', 'soxr', 'espeakng_loader'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
