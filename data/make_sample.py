"""Write data/sample: thirty synthetic digits, so that every lesson runs without a network.

Needs the program espeak-ng (Debian: apt install espeak-ng) and the Python package soxr. The
voices, words and rates are fixed, so the same version of espeak-ng writes the same bytes.
"""

import subprocess
import tempfile
from pathlib import Path

import soundfile
import soxr

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VOICES = {"en-us": 150, "en-gb": 165, "en-gb-scotland": 140}  # voice -> words a minute
RATE_HZ = 8000  # as in the Free Spoken Digit Dataset


def main():
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


if __name__ == "__main__":
    main()
