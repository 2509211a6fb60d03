"""Sound: exact decoding, named conversions, one definition of features, and its backends.

Speech from text is kit.audio.synthesize.synthesize: a package cannot hold a module and a function
of one name.
"""

from importlib import import_module

_HOME = {  # name -> module that defines it
    "FeatureSpec": "spec",
    "PRESETS": "spec",
    "preset": "spec",
    "extract": "features",
    "Wav": "wav",
    "read_wav": "wav",
    "fit": "convert",
    "resample": "convert",
    "to_float": "convert",
    "to_int16": "convert",
    "to_mono": "convert",
}
__all__ = [*_HOME]


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f"kit.audio.{_HOME[name]}"), name)
    raise AttributeError(f"module 'kit.audio' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
