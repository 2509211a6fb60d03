"""What the checks of a lab are written with: cast first, compare then, speak to the learner."""

import math
import random

import numpy as np


def near(found, wanted, what, hint="", tolerance=1e-6):
    """Fail with a sentence unless `found` is a number within relative `tolerance` of `wanted`."""
    number = as_number(found, what)
    if not math.isclose(number, wanted, rel_tol=tolerance, abs_tol=1e-12):
        _fail(f"{what} should be {wanted:.6g}, but is {number:.6g}.", hint)


def all_near(found, wanted, what, hint="", tolerance=1e-6):
    """Fail unless `found` is a column or array that matches `wanted` value for value."""
    got = as_array(found, what)
    want = np.asarray(wanted, dtype=float)
    if got.shape != want.shape:
        _fail(f"{what} should have {want.size} values, but has {got.size}.", hint)
    bad = ~np.isclose(got, want, rtol=tolerance, atol=1e-12)
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        _fail(f"{what}: value {i} should be {want[i]:.6g}, but is {got[i]:.6g}.", hint)


def same(found, wanted, what, hint=""):
    """Fail unless text, whole number or truth value `found` equals `wanted`, type and all."""
    plain = type(wanted)(found) if type(found) in (str, int, bool, np.bool_, np.int64) else found
    if type(plain) is not type(wanted) or plain != wanted:
        _fail(f"{what} should be {wanted!r}, but is {_show(found)}.", hint)


def true(condition, message, hint=""):
    """Fail with `message` unless `condition` is True."""
    if condition is not True and not (type(condition) is np.bool_ and bool(condition)):
        _fail(message, hint)


def refuses(call, what, hint="", error=ValueError):
    """Fail unless `call()` raises `error`."""
    try:
        found = call()
    except NotImplementedError:
        raise
    except error:
        return
    except Exception as other:
        _fail(f"{what} should raise {error.__name__}, but raised {type(other).__name__}.", hint)
    _fail(f"{what} should raise {error.__name__}, but returned {_show(found)}.", hint)


def as_number(found, what):
    """float of a real number (Python or NumPy, no bool, no look-alike), or a failed check."""
    if type(found) not in (int, float) and not isinstance(found, np.integer | np.floating):
        _fail(f"{what} should be a number, but is {_show(found)}.")
    return float(found)


def as_array(found, what):
    """float64 array of a list, NumPy array or polars Series, or a failed check."""
    if type(found).__module__.startswith("polars"):
        found = found.to_list()
    try:
        return np.array([float(x) for x in found], dtype=float)
    except (TypeError, ValueError):
        _fail(f"{what} should hold numbers only, but is {_show(found)}.")


def dice(seed=None):
    """random.Random for instances; another one every time unless `seed` is given."""
    return random.Random(seed)


def _show(value):
    return f"{str(value)[:60]!r} ({type(value).__name__})"


def _fail(message, hint=""):
    raise AssertionError(f"{message} Hint: {hint}" if hint else message) from None
