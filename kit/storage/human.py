"""The latency ladder in human time: what things would take if an L1 access took a second."""

from kit.assumptions import value
from kit.errors import KitError
from kit.quantities import quantity

_NS = 1e9


def human_time(latency_s=None, unit="L1 cache"):
    """Latencies, and how long they feel where `unit` takes one second: polars table.

    latency_s: dict of name -> seconds; the chapter's ladder if None. Also taken: what
    `kit.measure.ladder_measurements` returns (dict of name -> Measurement), and the table of
    `kit.measure.latency_ladder` (its measured rows). unit: a rung of the chapter's ladder, or
    seconds: 3e-10 for a cycle of a 3 GHz processor.
    Columns: rung, latency_s, human_s, human (text), times (to the row before; null in the first),
    chapter_s (null for a rung that the chapter does not have). Quickest first.
    Raises KitError "unknown", "empty", "unit", "not-positive".
    """
    import polars as pl

    from kit.numbers import human_time as in_words

    ladder = _ladder()
    scale = _scale(unit, ladder)
    found = sorted((ladder if latency_s is None else _seconds(latency_s)).items(),
                   key=lambda item: item[1])  # fmt: skip
    before = [None, *(s for _, s in found)]
    return pl.DataFrame(
        [
            (name, s, s / scale, in_words(s / scale), b and s / b, ladder.get(name))
            for (name, s), b in zip(found, before, strict=False)
        ],
        {"rung": pl.String, "latency_s": pl.Float64, "human_s": pl.Float64, "human": pl.String,
         "times": pl.Float64, "chapter_s": pl.Float64},
        orient="row",
    )  # fmt: skip


def _ladder():
    from kit.measure.ladder import RUNGS

    return {rung: value(name) / _NS for rung, name in RUNGS}


def _scale(unit, ladder):
    if not isinstance(unit, str):
        return float(quantity("unit", unit, "positive"))
    if unit not in ladder:
        raise KitError("no such rung", found=unit, allowed=", ".join(ladder), code="unknown")
    return ladder[unit]


def _seconds(given):
    """dict of name -> seconds, whatever was given."""
    if hasattr(given, "columns"):
        given = {r["rung"]: r["measured_ns"] / _NS for r in given.iter_rows(named=True)
                 if r["measured_ns"] is not None}  # fmt: skip
    if not isinstance(given, dict) or not given:
        raise KitError("there are no latencies", found=given, code="empty",
                       allowed="a dict of name -> seconds or Measurement")  # fmt: skip
    return {name: _one(name, x) for name, x in given.items()}


def _one(name, x):
    if hasattr(x, "unit"):
        sizes = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}
        if x.unit not in sizes:
            raise KitError(f"{name} is not a time", found=x.unit, allowed=", ".join(sizes),
                           code="unit")  # fmt: skip
        x = x.value * sizes[x.unit]
    return float(quantity(f"latency of {name}", x, "positive"))
