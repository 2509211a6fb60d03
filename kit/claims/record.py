"""A claim is a record: the stated numbers, the call that recomputes them, verdict and reason."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module

from kit.errors import KitError
from kit.numbers import Shown, shown

HOLDS = "holds"
WITH_CONDITION = "holds with a condition"
WRONG = "wrong"

# modules of kit.claims; each has a list CLAIMS
_MODULES = ("gravity", "kws", "features", "drift", "labeling", "storage")


@dataclass(frozen=True)
class Claim:
    """One statement of the chapter and what its own inputs give.

    Attributes
    ----------
    number: row of the ledger. lesson: number of the lesson that discusses it, such as "01".
    template: the statement in our words, with the keys of `stated` in braces.
    stated: dict of key -> number as stated. units: dict of key -> unit.
    recompute: call without arguments; returns a dict with the keys of `stated` and any others
    that `why` needs. verdict: HOLDS, WITH_CONDITION or WRONG.
    why: the reason, with recomputed keys in braces: no number is typed there.
    tolerance: relative rounding that the statement's own digits allow.
    """

    number: int
    lesson: str
    template: str
    stated: dict
    recompute: Callable[[], dict]
    verdict: str
    why: str
    tolerance: float = 0.02
    units: dict = field(default_factory=dict)

    def recomputed(self):
        """dict of key -> float, from the kit's own formulas and assumptions."""
        return {key: float(value) for key, value in self.recompute().items()}

    @property
    def says(self):
        """The statement with its numbers."""
        return self.template.format(**{k: Shown(v) for k, v in self.stated.items()})

    @property
    def reason(self):
        """Why the verdict is what it is, with recomputed numbers."""
        return self.why.format(**{k: Shown(v) for k, v in self.recomputed().items()})

    def agrees(self):
        """True if every stated number lies within `tolerance` of the recomputed one."""
        found = self.recomputed()
        return all(abs(found[k] - v) <= self.tolerance * abs(v) for k, v in self.stated.items())

    def _compared(self):
        found = self.recomputed()
        return {key: found[key] for key in self.stated}

    def as_dict(self):
        """Plain dict for JSON."""
        return {
            "number": self.number,
            "lesson": self.lesson,
            "says": self.says,
            "stated": self.stated,
            "recomputed": self._compared(),
            "units": self.units,
            "agrees": self.agrees(),
            "verdict": self.verdict,
            "reason": self.reason,
        }


@functools.cache
def all_claims():
    """All claims of all lessons, sorted by number: tuple of Claim."""
    found = [c for name in _MODULES for c in import_module(f"kit.claims.{name}").CLAIMS]
    return tuple(sorted(found, key=lambda c: c.number))


def claim(number):
    """The Claim with this number, or a KitError that lists the numbers."""
    for found in all_claims():
        if found.number == number:
            return found
    raise KitError(
        "no such claim",
        found=number,
        code="unknown",
        allowed=", ".join(str(c.number) for c in all_claims()),
    )


def claims_table(lesson=None):
    """polars DataFrame of all claims, or of one lesson's: number, says, stated, ..., reason."""
    import polars as pl

    rows = [c for c in all_claims() if lesson in (None, c.lesson)]
    return pl.DataFrame(
        [
            {
                "number": c.number,
                "says": c.says,
                "stated": _show(c, c.stated),
                "recomputed": _show(c, c._compared()),
                "verdict": c.verdict,
                "reason": c.reason,
            }
            for c in rows
        ]
    )


def _show(c, values):
    return ", ".join(f"{shown(v)} {c.units.get(k, '')}".strip() for k, v in values.items())
