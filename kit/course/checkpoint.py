"""Question pools: draw five, compute the answers with the kit, score them."""

import functools
import random
import tomllib
from dataclasses import dataclass
from importlib import import_module

from kit.errors import KitError
from kit.numbers import Shown, shown
from kit.paths import root


@dataclass(frozen=True)
class Question:
    """A question as it is put to one student.

    text: with the drawn values filled in. answer: number, or the right option. unit: of a number.
    options: tuple of texts for a choice, empty for a number. tolerance: relative, for numbers.
    explanation: shown after the answer. section: heading to read again.
    """

    id: str
    text: str
    answer: object
    unit: str
    options: tuple
    tolerance: float
    explanation: str
    section: str

    def is_right(self, given):
        """True if `given` (number or option) is the answer, within the tolerance."""
        if self.options:
            return str(given) == self.answer
        try:
            return abs(float(given) - self.answer) <= self.tolerance * abs(self.answer) + 1e-12
        except (TypeError, ValueError):
            return False

    @property
    def shown_answer(self):
        return self.answer if self.options else f"{shown(self.answer)} {self.unit}".strip()


@functools.cache
def pool(lesson_number):
    """The raw records of a lesson's question pool: list of dict, from notebooks/questions."""
    path = root() / "notebooks" / "questions" / f"{lesson_number}.toml"
    if not path.exists():
        raise KitError("no questions for this lesson", found=lesson_number, code="unknown")
    with path.open("rb") as file:
        return tomllib.load(file)["question"]


def draw(lesson_number, seed=None, count=5):
    """`count` questions of the lesson in random order with random values: list of Question."""
    rng = random.Random(seed)
    records = pool(lesson_number)
    return [make_question(r, rng) for r in rng.sample(records, min(count, len(records)))]


def make_question(record, rng):
    """Question from one record of the pool; `rng` draws its values and shuffles its options."""
    values = {name: rng.choice(choices) for name, choices in record.get("draw", {}).items()}
    if "call" in record:
        answer, options = _call(record, values), ()
    else:
        answer, options = (
            record["answer"],
            tuple(rng.sample(record["options"], len(record["options"]))),
        )
    fill = {name: Shown(v) if isinstance(v, int | float) else v for name, v in values.items()}
    solved = fill | ({"answer": Shown(answer)} if not options else {})
    return Question(
        record["id"],
        record["text"].format(**fill),
        answer,
        record.get("unit", ""),
        options,
        record.get("tolerance", 0.05),
        record["explanation"].format(**solved),
        record["section"],
    )


def _call(record, values):
    """Compute the answer: `call` is a function of kit, `args` its arguments, `scale` a factor.

    An argument is a drawn name, or a number, or "= NAME" for an assumption.
    """
    module, name = record["call"].rsplit(".", 1)
    function = getattr(import_module(f"kit.{module}"), name)
    args = {key: _argument(arg, values) for key, arg in record.get("args", {}).items()}
    return float(function(**args)) * record.get("scale", 1.0)


def _argument(arg, values):
    from kit import assumptions

    if not isinstance(arg, str):
        return arg
    return assumptions.value(arg[2:]) if arg.startswith("= ") else values[arg]
