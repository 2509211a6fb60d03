"""Hidden checks of lab 05: instances that the student has not seen. For instructors only.

KIT_GRADING_SEED draws another set of instances for each course.
"""

import checks_lab05 as visible
import numpy as np

from kit.course import expect

_SEEDS = expect.hidden_seeds("lab05")


@expect.checked
def psi(psi):
    """Task 1: other columns, and a value of two whose order tells which side is the reference."""
    expect.again(visible.psi, psi, _SEEDS)
    a, b = np.repeat([1.0, 2.0], [75, 25]), np.repeat([1.0, 2.0], [50, 50])
    wanted = 0.25 * np.log(3)
    hint = "the bin of a value that several quantiles fall on holds this value alone"
    expect.near(psi(a, b, 4), wanted, "psi of 75 and 25 ones and twos, then 50 and 50,", hint)


@expect.checked
def chance(psi_by_chance):
    """Task 1: other windows and bands."""
    expect.again(visible.chance, psi_by_chance, _SEEDS)


@expect.checked
def gap(ks):
    """Task 2: other columns."""
    expect.again(visible.gap, ks, _SEEDS)


@expect.checked
def threshold(ks_threshold):
    """Task 2: other windows and rates."""
    expect.again(visible.threshold, ks_threshold, _SEEDS)


@expect.checked
def budget(plan):
    """Task 3: other months."""
    expect.again(visible.budget, plan, _SEEDS)


@expect.checked
def sight(plan):
    """Task 3: other windows with a drift."""
    expect.again(visible.sight, plan, _SEEDS)


@expect.checked
def kappa(kappa_windows):
    """Task 4: other raters, and two who never agree."""
    expect.again(visible.kappa, kappa_windows, _SEEDS)
    visible._kappas(kappa_windows, ["a", "b"] * 4, ["b", "a"] * 4, 4)


@expect.checked
def diagnosis(diagnose):
    """Task 5: other streams."""
    expect.again(visible.diagnosis, diagnose, _SEEDS)
