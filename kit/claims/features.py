"""Claims of the lessons on synthetic audio and on feature extraction."""

from kit.assumptions import value
from kit.claims.record import HOLDS, WRONG, Claim

_BYTES_PER_SAMPLE = 2  # 16 bit
# what the chapter says SpecAugment does, and what Park et al. 2019 describe
_NAMED = ("added noise", "pitch shift", "change of time")
_DESCRIBED = ("change of time", "masked frequencies", "masked times")


def _mswc():
    seconds = value("mswc_clips") * value("kws_clip")
    most = seconds * value("kws_rate") * _BYTES_PER_SAMPLE / 1e9
    return {
        "size": most, "mean_s": value("mswc_gb") / most * value("kws_clip"),
        "rate": value("kws_rate") / 1e3, "bits": 8 * _BYTES_PER_SAMPLE,
    }  # fmt: skip


def _specaugment():
    return {"right": len(set(_NAMED) & set(_DESCRIBED)), "described": len(_DESCRIBED)}


CLAIMS = [
    Claim(31, "04", "The raw audio of MSWC has {size} GB.", {"size": value("mswc_gb")}, _mswc,
          HOLDS,
          "One second for every clip, {rate} kHz and {bits} bit, would make {size} GB. "
          "The stated size means {mean_s} s a clip: a few are shorter.",
          units={"size": "GB"}),
    Claim(32, "03", "SpecAugment adds noise, pitch shift and time variation: {right} things.",
          {"right": len(_NAMED)}, _specaugment, WRONG,
          "{right} of them is among the {described} that Park et al. describe: time warping, and "
          "masks over frequencies and over times. All work on the spectrogram, not on the sound; "
          "noise and pitch are other methods.",
          units={"right": ""}),
]  # fmt: skip
