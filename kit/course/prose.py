"""Numbers in the text: computed when a notebook is built, never typed.

In Markdown cells of notebooks/src and labs/src, `{{expression}}` or `{{expression|.1f}}` is
replaced by its value. The expression sees `gravity`, `audio`, `cost`, `targets`, `design`,
`events`, `scoreboard`, `judges`, `prelabels`, `routing`, `leaking`, `nightly`, `value` (an
assumption), `claim(n)`, `recomputed(n)`, `stated(n)`, and `assume(number, reason)` for a choice of
ours.
"""

import re

from kit.errors import KitError
from kit.numbers import Shown

_PLACEHOLDER = re.compile(r"\{\{(.+?)\}\}")
# what may hold digits without being a quantity
_EXEMPT = (
    re.compile(r"```.*?```", re.DOTALL),
    re.compile(r"`[^`]*`"),
    _PLACEHOLDER,
    re.compile(r"\]\([^)]*\)"),  # link targets
    re.compile(r"<[^>]+>"),
    re.compile(r"\b(?:lessons?|labs?|claims?|tasks?|notebooks?) \d+", re.IGNORECASE),
    re.compile(r"^\s*\d+\. ", re.MULTILINE),  # ordered lists
    re.compile(r"\b[A-Z][\w.]+,? (?:19|20)\d\d\b"),  # Shannon 1948
)
_NUMBER = re.compile(r"(?<!\w)(?<!\w-)\d(?:[\d\u202f .,]*\d)?")


def render(text, **names):
    """`text` with its placeholders replaced by computed values; they also see `names`."""
    return _PLACEHOLDER.sub(lambda match: _compute(match.group(1), names), text)


def typed_numbers(text):
    """Numbers in `text` that are neither computed nor assumed: list of str, empty if good."""
    for pattern in _EXEMPT:
        text = pattern.sub(" ", text)
    return [match.group().strip() for match in _NUMBER.finditer(text)]


def _compute(source, names):
    expression, _, spec = source.partition("|")
    try:
        found = eval(expression, {"__builtins__": {}}, _names() | names)  # our own files, not input
    except Exception as cause:
        raise KitError(
            "a placeholder cannot be computed", found=source, remedy=f"mend it: {cause}"
        ) from cause
    return found if isinstance(found, str) else format(Shown(found), spec.strip())


def _names():
    from kit import assumptions, audio, gravity
    from kit.audio import cost
    from kit.claims import claim
    from kit.experiments import events, judges, prelabels, routing, scoreboard
    from kit.experiments.storing import leaking, nightly
    from kit.kws import design, targets

    modules = (gravity, audio, cost, targets, design, events, judges, prelabels, routing,
               scoreboard, leaking, nightly)  # fmt: skip
    return {module.__name__.rpartition(".")[2]: module for module in modules} | {
        "value": assumptions.value,
        "recomputed": lambda n: claim(n).recomputed(),
        "stated": lambda n: claim(n).stated,
        "assume": _assume,
        "sum": sum,
        "min": min,
        "max": max,
        "round": round,
    }


def _assume(number, reason):
    if not reason:
        raise KitError("an assumed number has no reason", found=number)
    return number
