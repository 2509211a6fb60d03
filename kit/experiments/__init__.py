"""Experiments with the keyword spotter: what data are worth, measured by training on them.

Each is a function that returns a polars table. A training that was done before is found again by
its content, so a second run costs nothing. KIT_FULL=1 runs the long versions.
"""

import os
from dataclasses import dataclass

from kit.lazy import lazy

_HOME = {  # name -> module that defines it
    "Takes": "takes",
    "backfire": "treatments",
    "gap": "gap",
    "held_out_speakers": "accuracy",
    "leak": "leak",
    "mix_by_clips": "mix",
    "mix_by_dollars": "mix",
    "mix_grid": "mix",
    "people": "takes",
    "per_point": "price",
    "summary": "accuracy",
    "synthetic": "takes",
}
__all__ = ["Scale", "scale", *_HOME]


@dataclass(frozen=True)
class Scale:
    """How large the experiments are.

    passes: clips that a training sees, one after the other; every model of a comparison sees as
    many. tested: speakers held out, all in turn or these together. seeds: trainings of each kind,
    for each fold. budget: clips of a training set. parts: of the four of a split, how many test.
    """

    passes: int
    tested: int
    seeds: int
    budget: int
    parts: int


QUICK = Scale(passes=3000, tested=2, seeds=1, budget=300, parts=2)
FULL = Scale(passes=8000, tested=6, seeds=1, budget=1000, parts=4)


def scale():
    """The Scale in force: FULL with KIT_FULL=1 in the environment, else what one can wait for."""
    return FULL if os.environ.get("KIT_FULL") == "1" else QUICK


__getattr__, __dir__ = lazy(__name__, _HOME)
