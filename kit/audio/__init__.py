"""Sound: exact decoding, named conversions, one definition of features, and its backends.

Speech from text is kit.audio.synthesize.synthesize: a package cannot hold a module and a function
of one name.
"""

from kit.lazy import lazy

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
__getattr__, __dir__ = lazy(__name__, _HOME)
