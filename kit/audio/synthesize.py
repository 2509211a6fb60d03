"""Speech from text by espeak-ng: words and short sentences as int16 samples, the same every time.

espeak-ng 1.52 (formant synthesis at 22 050 Hz) comes with the package espeakng-loader. It keeps
what no call resets, such as the phase of its pitch flutter, so a clip would depend on the clips
before it: it is loaded anew for each. And some text breaks it, a lone ` in Vietnamese for one: it
lives in a helper process, one for each process that wants speech, and a fault becomes an error.
Linux and macOS. One process speaks 500 to 700 one-word clips a second.
"""

import atexit
import contextlib
import ctypes
import difflib
import functools
import json
import numbers
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from kit.errors import KitError

ESPEAK_HZ = 22050
MAX_CHARACTERS, MAX_SECONDS = 1000, 300  # of text; of sound
_PATIENCE_S = 60  # for one clip
# From speak_lib.h: code, lowest, highest; espeakCHARS_UTF8 alone, so tags and [[ ]] are plain text
_PARAMETERS = {"rate_wpm": (1, 80, 450), "pitch": (3, 0, 100), "pitch_range": (4, 0, 100)}
_UTF8 = 1
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")  # \x01: a command
_LOWEST_HZ, _USUAL_HZ = 25, (80, 118)  # wavegen.c and voices.c of espeak-ng
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class Voice:
    """What a voice file of espeak-ng states.

    identifier: "gmw/en-US", or "f3" for a variant. language: main tag, "" for a variant.
    languages: all tags. gender: "male", "female", or "" where the file is silent. pitch_hz: nominal
    low and high end, None for the usual 80 and 118. dictionary: the word list that it needs.
    """

    identifier: str
    name: str
    language: str
    languages: tuple
    gender: str
    pitch_hz: tuple | None
    dictionary: str


def synthesize(text, voice="en-gb", rate_wpm=175, pitch=50, pitch_range=50, sample_rate=16000):
    """Speak `text`: int16[n], mono, at `sample_rate` Hz; the same arguments give the same bytes.

    text: a word or some sentences, at most 1000 characters; tags and [[ ]] are spoken, not obeyed.
    voice: language tag, identifier or name of one of voices(), with "+f3" for one of variants().
    rate_wpm: 80 to 450, nominal; a plain English sentence comes out about 1.3 times as fast. From
    450 on espeak-ng works by another method, a little slower than 449.
    pitch: 0 to 100, multiplies the lowest pitch by 2 ** ((pitch - 50) / 50), so by 1/2 to 2; the
    melody above it keeps its Hz. pitch_range: 0 (monotone) to 100 (twice the usual melody).
    sample_rate: 8000 to 48 000 Hz, from 22 050 Hz by soxr; so nothing lies above 11 025 Hz.
    Raises KitError: "not-text", "empty", "too-long", "out-of-range", "unknown-voice", "too-low",
    "silent" (nothing in the text can be spoken), "crashed", "no-library". Threads take turns;
    processes, forked or spawned, work side by side.
    """
    _check_text(text)
    settings = {"rate_wpm": rate_wpm, "pitch": pitch, "pitch_range": pitch_range}
    settings = {name: _whole(name, x, *_PARAMETERS[name][1:]) for name, x in settings.items()}
    sample_rate = _whole("sample_rate", sample_rate, 8000, 48000)
    identifier, ends_hz = _find_voice(voice)
    _check_tone(ends_hz, settings["pitch"], settings["pitch_range"])
    sound = _ask({"text": text, "voice": identifier} | settings)
    if not sound.strip(b"\0"):
        raise _fault("the text holds nothing to say", "silent", text, "letters, digits, words")
    return _resample(sound, sample_rate)


def voices(language=None):
    """List of Voice by identifier; with `language`, such as "en" or "en-us", those that speak it.

    Left out are voices whose dictionary is not in the package: they would speak wrongly.
    """
    start = "" if language is None else f"{language}-".lower()
    found = _catalogue(_home()[1])
    chosen = [v for v in found if any(f"{tag}-".startswith(start) for tag in v.languages)]
    return chosen or _known(language, start[:-1], languages())  # raises


def languages():
    """Language tags of voices(), sorted list of str."""
    return sorted({tag for voice in _catalogue(_home()[1]) for tag in voice.languages})


def variants():
    """Speakers to put on a voice, as a list of Voice: "f3" is used as "en-us+f3"."""
    return list(_catalogue(_home()[1], variants=True))


def _resample(sound, rate):
    """Bytes of int16[n] at 22 050 Hz -> int16[about n * rate / 22 050] at `rate` Hz."""
    import numpy as np  # not at the top, for the helper must stay small

    from kit.audio.convert import resample

    return resample(np.frombuffer(sound, np.int16), ESPEAK_HZ, rate)


def _check_text(text):
    if not isinstance(text, str):
        raise _fault("the text is not a string", "not-text", text)
    if not text.strip():
        raise _fault("the text is empty", "empty", text, "letters, digits, words")
    if len(text) > MAX_CHARACTERS:
        found = f"{len(text)} characters"
        raise _fault("the text is too long", "too-long", found, str(MAX_CHARACTERS))
    if odd := _UNSPEAKABLE.search(text):
        raise _fault("the text holds no proper character", "not-text", odd[0], "printable ones")


def _whole(name, value, low, high):
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        allowed = f"a whole number from {low} to {high}"
        raise _fault(f"{name} is not possible", "out-of-range", value, allowed)
    return int(value)


def _check_tone(ends_hz, pitch, pitch_range):
    """Refuse less than 25 Hz: espeak-ng writes past its harmonics there (SetPitch2, wavegen.c)."""
    low, high = ends_hz
    widening = (high - low) * 108 / 4096 * 18 * (pitch_range / 50 - 1)
    lowest = (low - 9) * 2 ** ((pitch - 50) / 50) - widening
    if lowest < _LOWEST_HZ:
        found = f"{lowest:.0f} Hz from pitch {pitch} and pitch_range {pitch_range}"
        allowed, remedy = f"{_LOWEST_HZ} Hz and above", "raise pitch or lower pitch_range"
        raise _fault("this voice would sink too low", "too-low", found, allowed, remedy)


def _find_voice(wanted):
    """("gmw/en-US+f3", (low Hz, high Hz)) for a voice as the user names it."""
    base, *extra = str(wanted).lower().split("+", 1)
    parts = [_known(wanted, base, _names(_home()[1]))]
    choice = {v.identifier.lower(): v for v in variants()}
    parts += [_known(wanted, variant, choice) for variant in extra]
    ends_hz = next((v.pitch_hz for v in reversed(parts) if v.pitch_hz), _USUAL_HZ)
    return "+".join(v.identifier for v in parts), ends_hz


@functools.cache
def _catalogue(data, variants=False):
    """Tuple of Voice by identifier: the files in data/lang, or the variants in data/voices/!v."""
    folder = data / "voices" / "!v" if variants else data / "lang"
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = (_read_voice(path, path.relative_to(folder).as_posix(), variants) for path in files)
    return tuple(v for v in found if variants or (data / f"{v.dictionary}_dict").exists())


def _read_voice(path, identifier, variant):
    """Voice from its file: one property a line, as espeak-ng's docs/voices.md describes."""
    text = path.read_text(encoding="utf-8")

    def stated(key):
        return [x.split() for x in re.findall(rf"(?m)^\s*{key}[ \t]+([^/\r\n]+)", text)]

    tags = tuple(x[0].lower() for x in stated("language") if not variant)
    main = tags[0] if tags else ""
    name = " ".join((stated("name") or [[identifier]])[0])
    gender = (stated("gender") or [[""]])[0][0].lower()
    pitch_hz = next((tuple(map(int, x[:2])) for x in stated("pitch")), None)
    dictionary = (stated("dictionary") or [[main.split("-")[0]]])[0][0]
    return Voice(identifier, name, main, tags, gender, pitch_hz, dictionary)


@functools.cache
def _names(data):
    """dict of what a user may write, in lower case -> Voice; main tags go before others."""
    every = _catalogue(data)
    by_tag = {tag: v for v in reversed(every) for tag in v.languages}
    by_tag |= {v.language: v for v in reversed(every)}
    return by_tag | {name.lower(): v for v in every for name in (v.identifier, v.name)}


def _known(wanted, part, choice):
    """choice[part], or an error with the nearest names."""
    if part in choice:
        return choice[part]
    near = difflib.get_close_matches(part, choice, n=4, cutoff=0.4) or list(choice)[:4]
    remedy = "list them with voices(), languages() and variants()"
    raise _fault("no such voice", "unknown-voice", wanted, f"{', '.join(near)} ...", remedy)


def _fault(what, code, found, allowed="", remedy=""):
    return KitError(what, found=found, allowed=allowed, remedy=remedy, code=code)


def _no_library(cause):
    remedy = "pip install --force-reinstall espeakng-loader"
    return _fault("the library for speech cannot be used", "no-library", str(cause), "", remedy)


def _home():
    """(path of the library, path of its data)."""
    try:
        import espeakng_loader as loader

        library, data = Path(loader.get_library_path()), Path(loader.get_data_path())
    except (ImportError, RuntimeError) as cause:
        raise _no_library(cause) from cause
    if not library.exists() or not (data / "phondata").exists():
        raise _no_library(f"{library} or {data} is not there")
    return library, data


# The helper, seen from the process that wants speech: one request, one answer.

_turn = threading.RLock()
_helper, _inherited = None, []


def _ask(wanted):
    """int16 bytes at 22 050 Hz for a request."""
    global _helper
    home = _home()
    with _turn:
        try:
            if _helper is None or _helper.args[-2:] != home:
                _stop()
                _helper = _start(home)
            _helper.stdin.write(json.dumps(wanted).encode() + b"\n")
            _helper.stdin.flush()
            code, reason, size = json.loads(_helper.stdout.readline())
            sound = _helper.stdout.read(size)
            if len(sound) < size:
                raise OSError("cut off")
        except BaseException as fault:  # a half-read answer must not meet the next request
            _stop()
            if not isinstance(fault, OSError | json.JSONDecodeError):
                raise
            code, reason = "crashed", f"it broke down or took over {_PATIENCE_S} s"
    if code == "no-library":
        raise _no_library(reason)
    if code:
        remedy = "shorten the text, leave out odd signs or take another voice"
        raise _fault(f"espeak-ng gave up ({reason})", code, wanted["text"], "", remedy)
    return sound


def _start(home):
    _register()
    paths = filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = (sys.executable, "-m", "kit.audio.synthesize", *home)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    # a session of its own: Ctrl-C in a terminal is not for the helper
    return subprocess.Popen(command, env=env, start_new_session=True, **pipes)


def _stop():
    global _helper
    helper, _helper = _helper, None
    if helper is not None:
        helper.kill()
        helper.communicate()


@functools.cache
def _register():
    """Once: nobody forks in the middle of a request, and a new process starts its own helper."""
    atexit.register(_stop)
    os.register_at_fork(before=_turn.acquire, after_in_parent=_turn.release, after_in_child=_leave)


def _leave():
    global _helper
    _inherited.append(_helper)  # kept: Python would take it for an unfinished child
    _helper = None
    _turn.release()


# The helper itself: python -m kit.audio.synthesize <library> <data>. A request is a line of JSON,
# an answer is the line [code, reason, bytes] and the samples.


def _serve(library, data):
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints goes nowhere
    for request in sys.stdin.buffer:
        signal.alarm(_PATIENCE_S)
        try:
            code, reason, sound = _speak_once(library, os.fsencode(data), json.loads(request))
        except OSError as cause:
            code, reason, sound = "no-library", str(cause), b""
        signal.alarm(0)
        answers.write(json.dumps([code, reason, len(sound)]).encode() + b"\n" + sound)
        answers.flush()
        with contextlib.suppress(OSError):  # the good case: the library is gone
            ctypes.CDLL(library, os.RTLD_NOLOAD)
            os.dup2(answers.fileno(), 1)
            os.execv(sys.executable, sys.orig_argv)


def _speak_once(library, data, wanted):
    """Load espeak-ng, speak, unload it: (code, reason, int16 bytes at 22 050 Hz)."""
    lib = ctypes.CDLL(library)
    lib.espeak_ng_InitializePath(data)
    status = lib.espeak_ng_Initialize(None) or lib.espeak_ng_InitializeOutput(1, 0, None)
    used = ctypes.c_char_p()
    lib.espeak_Info(ctypes.byref(used))
    if status or used.value != data:  # without a word it falls back on other data
        raise OSError(f"{os.fsdecode(data)} is no good, status {status:#x}")
    answer = _speak(lib, wanted)
    lib.espeak_ng_Terminate()
    ctypes.CDLL(None).dlclose(ctypes.c_void_p(lib._handle))
    return answer


def _speak(lib, wanted):
    parts, left = [], MAX_SECONDS * ESPEAK_HZ

    @_CALLBACK
    def keep(wave, count, _events):
        nonlocal left
        if wave and count > 0:
            parts.append(ctypes.string_at(wave, 2 * count))
            left -= count
        return int(left < 0)  # 1 stops the speech

    lib.espeak_SetSynthCallback(keep)
    lib.espeak_ng_SetRandSeed(ctypes.c_long(1))  # breath noise; the start sets it from the clock
    ctypes.CDLL(None).srand(1)  # noise of caleb, Reed and other variants
    status = lib.espeak_ng_SetVoiceByName(wanted["voice"].encode())
    for name, (number, *_) in _PARAMETERS.items():
        status = status or lib.espeak_ng_SetParameter(number, wanted[name], 0)
    text = wanted["text"].encode()
    size = ctypes.c_size_t(len(text) + 1)
    status = status or lib.espeak_ng_Synthesize(text, size, 0, 1, 0, _UTF8, None, None)
    if left < 0:
        return "too-long", f"over {MAX_SECONDS} s of sound", b""
    return ("crashed", f"status {status:#x}", b"") if status else (None, "", b"".join(parts))


if __name__ == "__main__":
    _serve(*sys.argv[1:])
