"""Write data/sample and data/sentences, so that every lesson runs without a network.

The sample is thirty synthetic digits: it needs the program espeak-ng (Debian: apt install
espeak-ng) and the Python package soxr. The sentence needs the kit. Voices, words and rates are
fixed, so the same version of espeak-ng writes the same bytes.
"""

import subprocess
import tempfile
from pathlib import Path

import soundfile
import soxr

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VOICES = {"en-us": 150, "en-gb": 165, "en-gb-scotland": 140}  # voice -> words a minute
SENTENCE = "Seven sailors counted nine boats in the grey morning."
SENTENCE_HZ, SILENCE_S = 16_000, 0.3
RATE_HZ = 8000  # as in the Free Spoken Digit Dataset


def main():
    sentence()
    folder = Path(__file__).with_name("sample")
    folder.mkdir(exist_ok=True)
    for voice, speed in VOICES.items():
        for digit, word in enumerate(WORDS):
            with tempfile.NamedTemporaryFile(suffix=".wav") as raw:
                command = ["espeak-ng", "-v", voice, "-s", str(speed), "-w", raw.name, word]
                subprocess.run(command, check=True)
                samples, rate = soundfile.read(raw.name, dtype="int16")
            path = folder / f"{digit}_{voice}_0.wav"
            soundfile.write(path, soxr.resample(samples, rate, RATE_HZ), RATE_HZ, "PCM_16")


def sentence():
    """A sentence with its transcript, and marks of where speech begins and ends."""
    import numpy as np

    from kit.audio.synthesize import synthesize

    folder = Path(__file__).with_name("sentences")
    folder.mkdir(exist_ok=True)
    speech = np.trim_zeros(synthesize(SENTENCE, "en-us", 150, sample_rate=SENTENCE_HZ))
    # a faint noise stands for the room: no microphone records digital silence
    pad = round(SILENCE_S * SENTENCE_HZ)
    noise = np.random.default_rng(0).integers(-8, 9, len(speech) + 2 * pad)
    sound = (np.pad(speech, pad).astype(int) + noise).clip(-32_768, 32_767).astype(np.int16)
    soundfile.write(folder / "espeak-0001.wav", sound, SENTENCE_HZ, "PCM_16")
    (folder / "espeak-0001.txt").write_text(SENTENCE + "\n")
    end = SILENCE_S + len(speech) / SENTENCE_HZ
    marks = f"{SILENCE_S:.3f} {SILENCE_S:.3f} speech\n{end:.3f} {end:.3f} silence\n"
    (folder / "espeak-0001.lab").write_text(marks)


if __name__ == "__main__":
    main()
