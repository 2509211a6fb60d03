"""Numbers as text, the same way everywhere."""

import math

THIN = "\u202f"  # narrow no-break space: groups thousands, never ends a line


def significant(x, digits=3):
    """`x` with `digits` significant digits; groups thousands, e-notation only far out.

    significant(1234567) -> '1 234 567', significant(0.01234) -> '0.0123'.
    """
    if x == 0 or not math.isfinite(x):
        return f"{x:g}"
    if not 1e-5 <= abs(x) < 1e10:
        return f"{x:.{digits - 1}e}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(x))), 0)
    return f"{x:,.{decimals}f}".replace(",", THIN)


def shown(x, digits=3):
    """As `significant`, without the zeros that only fill up: 22.0 -> '22'; whole numbers whole."""
    text = significant(x, digits)
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text


def with_unit(x, unit):
    """`x` and its unit, or a dash where there is no value."""
    return "–" if x is None else f"{shown(x)} {unit}".strip()


def si(x, unit):
    """`x` with the SI prefix that makes it short: si(4e9, "J") -> '4 GJ'."""
    for prefix, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1)):
        if abs(x) >= size:
            return f"{shown(x / size)} {prefix}{unit}"
    return f"{shown(x * 1e3)} m{unit}" if abs(x) >= 1e-3 else f"{shown(x)} {unit}"


def plural(count, word):
    """`count` and `word`, in the right number: plural(1, "worker") -> '1 worker'."""
    return f"{shown(count)} {word}{'' if count == 1 else 's'}"


class Shown(float):
    """A float that formats itself with `shown` where the format string asks for nothing else."""

    def __format__(self, spec):
        return float.__format__(self, spec).replace(",", THIN) if spec else shown(self)


def human_time(seconds):
    """Seconds in the unit a person would choose: 90 -> '1.5 min'."""
    units = (("y", 31_557_600), ("d", 86_400), ("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3))
    for name, size in units:
        if seconds >= size:
            return f"{shown(seconds / size, 2)} {name}"
    return f"{shown(seconds * 1e6, 2)} µs"


_UNITS = {  # how a column name ends -> unit
    "_per_s": "1/s", "_ns": "ns", "_us": "µs", "_ms": "ms", "_s": "s", "_h": "h", "_gbs": "GB/s",
    "_gbps": "Gbit/s", "_gb": "GB", "_mb": "MB", "_usd": "USD", "_pj": "pJ", "_j": "J",
    "_percent": "%", "_db": "dB", "_kb": "kB", "_mflop": "MFLOP", "_hz": "Hz", "_kusd": "kUSD",
}  # fmt: skip


def heading(column):
    """Column name as a heading: "move_usd" -> "move (USD)"."""
    for ending, unit in _UNITS.items():
        if column.endswith(ending):
            return f"{column.removesuffix(ending).replace('_', ' ')} ({unit})"
    return column.replace("_", " ")
