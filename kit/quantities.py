"""Check and vectorise physical quantities: numbers, NumPy arrays or polars columns in, same out."""

import functools
import inspect

import numpy as np

from kit.errors import KitError

_RULES = {
    "positive": (lambda x: x > 0, "a finite number above 0"),
    "nonnegative": (lambda x: x >= 0, "a finite number, 0 or more"),
    "fraction": (lambda x: (x > 0) & (x <= 1), "a number above 0 and at most 1"),
    "share": (lambda x: (x >= 0) & (x <= 1), "a number from 0 to 1"),
    "several": (lambda x: (x >= 2) & (x == np.floor(x)), "a whole number, 2 or more"),
    "count": (lambda x: (x >= 1) & (x == np.floor(x)), "a whole number, 1 or more"),
}


def quantity(name, value, rule, unlimited=False):
    """Return `value` as float64 array, or raise a KitError naming the argument.

    value: number, array-like or polars Series, any shape; None, NaN, text and tables are refused.
    rule: one of "positive", "nonnegative", "fraction", "share", "several", "count".
    unlimited: accept +inf, for limits that may be absent.
    """
    if _is_series(value):
        value = value.to_numpy()
    test, allowed = _RULES[rule]
    try:
        raw = np.asarray(None if hasattr(value, "columns") else value)
    except ValueError:  # a ragged list
        raw = np.asarray(None)
    if raw.dtype.kind not in "iuf":
        raise KitError(f"{name} is not a number", found=value, allowed=allowed, code="not-a-number")
    x = raw.astype(np.float64)
    with np.errstate(invalid="ignore"):
        good = test(x) & (np.isfinite(x) | (unlimited & (x == np.inf)))
    if not good.all():
        bad = x[~good].flat[0] if x.ndim else x.item()
        where = f" (in {int((~good).sum())} of {x.size} values)" if x.ndim else ""
        raise KitError(
            f"{name} is not possible{where}",
            found=float(bad),
            allowed=allowed,
            remedy=f"check the value and the unit of {name}",
            code=f"not-{rule}",
        )
    return x


def vectorised(unlimited=(), **rules):
    """Decorate a closed form: check each argument named in `rules`, broadcast, keep the kind.

    Plain numbers give a float, arrays an array, a polars Series a Series.
    """

    def wrap(formula):
        signature = inspect.signature(formula)

        @functools.wraps(formula)
        def checked(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = dict(bound.arguments)
            for name, rule in rules.items():
                bound.arguments[name] = quantity(name, given[name], rule, name in unlimited)
            _check_shapes(bound.arguments, rules)
            return _like(formula(*bound.args, **bound.kwargs), given, rules)

        return checked

    return wrap


def _check_shapes(arguments, names):
    shapes = {name: arguments[name].shape for name in names}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError as cause:
        raise KitError(
            "the arguments differ in length",
            found=shapes,
            allowed="single numbers and columns of one length",
            code="shape",
        ) from cause


def _like(result, given, names):
    if any(_is_series(given[name]) for name in names):
        import polars as pl

        return pl.Series(np.atleast_1d(result))
    return float(result) if np.ndim(result) == 0 else result


def _is_series(value):
    return type(value).__module__.startswith("polars") and type(value).__name__ == "Series"
