"""Constants with their source. A constant without unit, source and year cannot exist."""

import functools
import math
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kit.errors import KitError

_FILE = Path(__file__).with_name("assumptions.toml")


@dataclass(frozen=True)
class Assumption:
    """A number that was taken from somewhere; usable wherever a float is.

    Attributes
    ----------
    name: key in assumptions.toml. value: float. unit: text such as "GB/s".
    source: who says so. year: when. note: what to know before using it elsewhere.
    """

    name: str
    value: float
    unit: str
    source: str
    year: int
    note: str = ""

    def __post_init__(self):
        self._check_texts()
        self._check_numbers()

    def _check_texts(self):
        for field in ("name", "unit", "source"):
            text = getattr(self, field)
            if not isinstance(text, str) or not text.strip():
                raise KitError(
                    f"an assumption has no {field}",
                    found=text,
                    code="no-source",
                    remedy=f"state its {field}",
                )

    def _check_numbers(self):
        if type(self.value) not in (int, float) or not math.isfinite(self.value):
            raise KitError(f"assumption {self.name} has no finite value", found=self.value)
        if type(self.year) is not int or not 1900 <= self.year <= date.today().year:
            raise KitError(
                f"assumption {self.name} has no year",
                found=self.year,
                allowed="a year from 1900 to today",
                code="no-source",
            )

    def __float__(self):
        return float(self.value)

    def __str__(self):
        note = f"; {self.note}" if self.note else ""
        return f"{self.name} = {self.value:g} {self.unit} ({self.source}, {self.year}{note})"


@functools.cache
def load():
    """All assumptions: dict of name -> Assumption."""
    with _FILE.open("rb") as file:
        return {
            name: Assumption(name=name, **record) for name, record in tomllib.load(file).items()
        }


def get(name):
    """The Assumption called `name`; a KitError that lists near names if there is none."""
    try:
        return load()[name]
    except KeyError:
        import difflib

        near = difflib.get_close_matches(name, load(), n=3, cutoff=0.3)
        raise KitError(
            "no such assumption",
            found=name,
            allowed=", ".join(near) or "see table()",
            code="unknown",
        ) from None


def value(name):
    """The bare float of assumption `name`, in the unit its record states."""
    return get(name).value


def table():
    """polars DataFrame: name, value, unit, source, year, note; one row an assumption."""
    import polars as pl

    return pl.DataFrame([vars(a) for a in load().values()])
