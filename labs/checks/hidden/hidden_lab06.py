"""Hidden checks of lab 06: instances that the student has not seen. For instructors only.

KIT_GRADING_SEED draws another set of instances for each course.
"""

import checks_lab06 as visible
import numpy as np

from kit.course import expect

_SEEDS = expect.hidden_seeds("lab06")


@expect.checked
def kappa(cohen_kappa):
    """Task 1: other raters, and two who never say the same."""
    expect.again(visible.kappa, cohen_kappa, _SEEDS)
    visible._kappa(cohen_kappa, ["a", "a", "b"], ["b", "b", "a"], ["c", "b", "a"])


@expect.checked
def majority(majority_accuracy):
    """Task 2: other raters, and a hundred labels."""
    expect.again(visible.majority, majority_accuracy, _SEEDS)
    for case in ((0.3, 5, 100), (0.05, 6, 3)):
        wanted, call = visible._majority(*case), f"majority_accuracy{case}"
        expect.near(majority_accuracy(*case), wanted, call)


@expect.checked
def price(usd_per_more):
    """Task 2: other prices, and labels that cost nothing."""
    expect.again(visible.price, usd_per_more, _SEEDS)
    visible._price(usd_per_more, 0.8, 1, 3, 0.0, 4)


@expect.checked
def step(em_step):
    """Task 3: other ratings, and items that nobody rated at all."""
    expect.again(visible.step, em_step, _SEEDS)
    empty, posterior = np.full((6, 2), -1), np.full((6, 3), 1 / 3)
    call = "em_step where nobody rated anything"
    got = visible._stepped(em_step, empty, posterior, 0.5, call)
    visible._alike(got, visible._slow_step(empty, posterior, 0.5), call)


@expect.checked
def judge(judge):
    """Task 4: other crowds."""
    expect.again(visible.judge, judge, _SEEDS)


@expect.checked
def limits(buy):
    """Task 5: other orders, other people."""
    expect.again(visible.limits, buy, _SEEDS[:1])


@expect.checked
def cheap(buy):
    """Task 5: other orders, other people."""
    expect.again(visible.cheap, buy, _SEEDS[2:])
