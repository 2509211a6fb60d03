"""What the checks of a lab are written with: cast first, compare then, speak to the learner."""

import functools
import math
import os
import random

import numpy as np


def checked(check):
    """Decorate a check: one line says passed or what to do; no line of the check itself is shown.

    Untouched work raises NotImplementedError, a wrong answer AssertionError, and an error in the
    student's own code is raised as it is, with only their lines in the traceback.
    """

    @functools.wraps(check)
    def run(*args, **kwargs):
        try:
            check(*args, **kwargs)
        except NotImplementedError:
            raise _plain(NotImplementedError("This task is not written yet.")) from None
        except AssertionError as fault:
            raise _plain(AssertionError(str(fault))) from None
        except Exception as error:
            raise error.with_traceback(_below(error, check)) from None
        print("Passed.")

    return run


def near(found, wanted, what, hint="", tolerance=1e-6):
    """Fail with a sentence unless `found` is a number within relative `tolerance` of `wanted`."""
    number = as_number(found, what)
    if not math.isclose(number, wanted, rel_tol=tolerance, abs_tol=1e-12):
        rounded = any(number == round(wanted, digits) for digits in range(2, 6))
        hint = _unrounded(hint) if rounded else hint
        fail(f"{what} should be {wanted:.6g}, but is {number:.6g}.", hint)


def all_near(found, wanted, what, hint="", tolerance=1e-6, absolute=1e-12):
    """Fail unless `found` is a column or array of numbers that matches `wanted`.

    absolute: what a value may be off, where sums cancel and the relative error means nothing.
    """
    got = as_array(found, what)
    want = np.asarray(wanted, dtype=float)
    if got.shape != want.shape:
        fail(f"{what} should have {want.size} values, but has {got.size}.", hint)
    bad = ~np.isclose(got, want, rtol=tolerance, atol=absolute)
    if bad.any():
        rounded = any(np.array_equal(got, want.round(digits)) for digits in range(2, 6))
        hint = _unrounded(hint) if rounded else hint
        i = int(np.flatnonzero(bad)[0])
        fail(f"{what}: value {i} should be {want[i]:.6g}, but is {got[i]:.6g}.", hint)


def same(found, wanted, what, hint=""):
    """Fail unless text, whole number or truth value `found` equals `wanted`, type and all."""
    plain = found.item() if isinstance(found, np.generic) else found
    if type(plain) is not type(wanted) or plain != wanted:
        fail(f"{what} should be {_show(wanted)}, but is {_show(found)}.", hint)


def same_list(found, wanted, what, hint=""):
    """Fail unless `found` is a list equal to `wanted`; names the first place that differs."""
    if type(found) is not list:
        fail(f"{what} should be a list, but is {_show(found)}.")
    for i, (got, want) in enumerate(zip(found, wanted, strict=False)):
        if type(got) is not type(want) or got != want:
            fail(f"{what}: place {i} should hold {_show(want)}, but holds {_show(got)}.", hint)
    if len(found) != len(wanted):
        fail(f"{what} should have {len(wanted)} entries, but has {len(found)}.", hint)


def same_rows(found, wanted, what, hint=""):
    """Fail unless `found` is a list of dictionaries that hold the values of those in `wanted`."""
    true(type(found) is list, f"{what} should be a list, but is {_show(found)}.")
    size = f"{what} should hold {len(wanted)} dictionaries, not {len(found)}."
    true(len(found) == len(wanted), size, hint)
    for i, (got, want) in enumerate(zip(found, wanted, strict=True)):
        true(type(got) is dict, f"{what}: place {i} should hold a dictionary.", hint)
        holds(got, want, f"{what}: the dictionary at place {i}")
        for key, value in want.items():
            same(got[key], value, f'{what}: "{key}" at place {i}', hint)


def holds(found, wanted, what):
    """Fail unless the keys or columns `found` hold every name in `wanted`."""
    missing = [name for name in wanted if name not in set(found)]
    if missing:
        fail(f"{what} lacks {missing}.")


def true(condition, message, hint=""):
    """Fail with `message` unless `condition` is True."""
    if condition is not True and not (type(condition) is np.bool_ and bool(condition)):
        fail(message, hint)


def refuses(call, what, hint="", error=ValueError):
    """Fail unless `call()` raises `error`."""
    try:
        found = call()
    except NotImplementedError:
        raise
    except error:
        return
    except Exception as other:
        fail(f"{what} should raise {error.__name__}, but raised {type(other).__name__}.", hint)
    returned = isinstance(found, BaseException)
    hint = "raise the error, do not return it" if returned else hint
    fail(f"{what} should raise {error.__name__}, but returned {_show(found)}.", hint)


def refuses_all(function, name, cases, dice):
    """Fail unless `function`, called `name`, raises ValueError for each of `cases`.

    cases: dict of what is wrong -> arguments; `dice` sets their order.
    """
    for what, bad in dice.sample(list(cases.items()), len(cases)):
        hint = f"{what} cannot be"
        if any(x != x for x in bad):
            hint += "; every comparison with nan is False, so test for what is allowed"
        refuses(lambda bad=bad: function(*bad), f"{name}{bad}", hint)


def as_number(found, what):
    """float of a real number (Python or NumPy, no bool, no look-alike), or a failed check."""
    if type(found) not in (int, float) and not isinstance(found, np.integer | np.floating):
        fail(f"{what} should be a number, but is {_show(found)}.")
    return float(found)


def as_array(found, what):
    """float64 array of a list, NumPy array or polars Series of numbers, or a failed check."""
    if type(found).__module__.startswith("polars"):
        found = found.to_list()
    try:
        return np.array([as_number(x, f"every value of {what}") for x in found], dtype=float)
    except TypeError:
        return fail(f"{what} should hold numbers, but is {_show(found)}.")


def dice(seed=None):
    """random.Random for instances; another one every time unless `seed` is given."""
    return random.Random(seed)


def hidden_seeds(lab, count=3):
    """Seeds of the hidden instances of a lab: list of int.

    KIT_GRADING_SEED in the environment draws others for each course.
    """
    return random.Random(os.environ.get("KIT_GRADING_SEED", lab)).sample(range(10**6), count)


def again(check, work, seeds):
    """Run a `checked` check on the student's `work` with each of the seeds, without its print."""
    for seed in seeds:
        check.__wrapped__(work, seed)


def fail(message, hint=""):
    """Raise the AssertionError that a learner reads."""
    raise AssertionError(f"{message} Hint: {hint}." if hint else message) from None


def _unrounded(hint):
    """A wrong value may be a rounded right one by chance, so the other hint stays."""
    return f"do not round; {hint}" if hint else "do not round"


def _plain(error):
    """`error`, shown in a notebook as one line instead of a traceback."""
    error._render_traceback_ = lambda: [f"{type(error).__name__}: {error}"]
    return error


def _below(error, check):
    """The traceback of `error` from the first frame that is neither the check's nor ours."""
    ours = {__file__, check.__code__.co_filename}
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename in ours:
        trace = trace.tb_next
    return trace


def _show(value, limit=40):
    text = repr(value)
    short = text if len(text) <= limit else text[: limit - 3] + "..."
    return f"{short} ({type(value).__name__})"
