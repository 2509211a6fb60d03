"""The list of lessons, and which one the reader is in."""

import functools
import tomllib
from dataclasses import dataclass

from kit.course.ledger import Ledger, set_current
from kit.errors import KitError
from kit.paths import root


@dataclass(frozen=True)
class Lesson:
    """One entry of notebooks/course.toml. minutes: what a student needs. lab: slug or ""."""

    number: str
    slug: str
    title: str
    minutes: int
    needs_gpu: bool
    lab: str = ""

    @property
    def stem(self):
        """Name shared by all files of the lesson, such as "01_data_gravity"."""
        return f"{self.number}_{self.slug}"

    @property
    def source(self):
        return root() / "notebooks" / "src" / f"{self.stem}.py"

    @property
    def notebook(self):
        return root() / "notebooks" / f"{self.stem}.ipynb"

    def _repr_html_(self):
        gpu = (
            "A GPU helps; recorded figures stand in for it." if self.needs_gpu else "No GPU needed."
        )
        return f"<b>Lesson {self.number}: {self.title}.</b> About {self.minutes} minutes. {gpu}"

    def __repr__(self):
        return f"Lesson {self.number}: {self.title}, about {self.minutes} minutes"


@functools.cache
def all_lessons():
    """All lessons in their order: tuple of Lesson."""
    with open(root() / "notebooks" / "course.toml", "rb") as file:
        return tuple(Lesson(**row) for row in tomllib.load(file)["lesson"])


def find_lesson(number):
    """The Lesson with this number, such as "01", or a KitError that lists them."""
    for found in all_lessons():
        if found.number == str(number).zfill(2):
            return found
    raise KitError(
        "no such lesson",
        found=number,
        allowed=", ".join(x.number for x in all_lessons()),
        code="unknown",
    )


def lesson(number):
    """Begin lesson `number`: predictions, answers and the report from here on belong to it."""
    found = find_lesson(number)
    set_current(Ledger(found.stem))
    return found


def lesson_map():
    """polars DataFrame of the lessons: number, title, minutes, lab, gpu."""
    import polars as pl

    rows = [
        {
            "lesson": x.number,
            "title": x.title,
            "minutes": x.minutes,
            "lab": x.lab or "–",
            "gpu": "helps" if x.needs_gpu else "not needed",
        }
        for x in all_lessons()
    ]
    return pl.DataFrame(rows)
