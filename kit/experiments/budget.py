"""A market for training clips: what a plan buys, what it costs, and what a spotter learns from it.

The prices are a scenario of this course (kit.assumptions, "market_..."). Recorded clips come from
a studio with one speaker. The crowd has four, rooms with noise, and wrong labels. Synthesis knows
hundreds of voices that nobody was born with. Nobody on sale is ever tested.
"""

import functools

import numpy as np

from kit.assumptions import value
from kit.errors import KitError
from kit.experiments.runs import Task, outcomes
from kit.experiments.takes import Takes, joined, people, synthetic

PRICES = {
    "record": value("market_record"),
    "crowd": value("market_crowd"),
    "synthesise": value("market_synthesise"),
    "augment": {"none": 0.0, "light": value("market_light"), "full": value("market_full")},
}
LIMITS = {"record": 1000, "crowd": 2000, "synthesise": 3000}  # clips on sale
CLIPS = tuple(LIMITS)
_TESTERS = (-1, 1)  # places in the sorted names: who tests, and is on no market
_STUDIO = 1  # speakers in the studio
_PASSES = 12_000
_CROWD_SNR_DB = (5.0, 20.0)


def cost_usd(plan, prices=None):
    """USD of a plan: dict of record, crowd, synthesise (clips) and augment (a name)."""
    known = prices or PRICES
    clips = sum(known[name] * plan[name] for name in CLIPS)
    return float(clips + known["augment"][plan["augment"]])


def check_plan(plan, budget_usd, prices=None):
    """The plan, or KitError "plan": an unknown key, no whole number, too many, or too dear."""
    allowed = f"a dict of {', '.join(CLIPS)} (whole numbers) and augment"
    if type(plan) is not dict or set(plan) != {*CLIPS, "augment"}:
        found = sorted(plan, key=str) if type(plan) is dict else type(plan).__name__
        raise _bad("this is no plan", found, allowed)
    for name in CLIPS:
        count = plan[name]
        whole = isinstance(count, int | np.integer) and not isinstance(count, bool)
        if not whole or not 0 <= count <= LIMITS[name]:
            raise _bad(f"{name} cannot be this", count, f"a whole number, 0 to {LIMITS[name]}")
    if not isinstance(plan["augment"], str) or plan["augment"] not in PRICES["augment"]:
        raise _bad("no such augmentation", plan["augment"], ", ".join(PRICES["augment"]))
    if not sum(plan[name] for name in CLIPS):
        raise _bad("the plan buys no clip", 0, "one or more")
    usd = cost_usd(plan, prices)
    if usd > budget_usd * (1 + 1e-9):
        raise _bad("the plan is too dear", f"USD {usd:.2f}", f"USD {budget_usd:g} or less")
    return plan


def judge(plan, speaker=None, seed=0):
    """Accuracy, 0 to 1, of a spotter that learnt from what `plan` buys, on a speaker not on sale.

    plan: see `check_plan`, which its cost is not held to here. speaker: one of `testers`, by
    default the first. Trains for some seconds, and only once for the same plan.
    """
    return judges([plan], speaker, seed)[0]


def judges(plans, speaker=None, seed=0, progress=None):
    """`judge` of several plans, in as many processes as there are cores: list of float."""
    test = testers()[0] if speaker is None else speaker
    if test not in testers():
        raise _bad("this speaker tests nobody", test, ", ".join(testers()))
    tasks = [task(plan, seed, _PASSES) for plan in plans]
    return [o["accuracy"][test] for o in outcomes(tasks, progress=progress)]


def task(plan, seed, passes):
    """Task: train on what `plan` buys for so many passes, and test on both `testers`."""
    tests = {name: _market()[0].by(name) for name in testers()}
    how = {"seed": seed, "passes": passes, "augment": plan["augment"]}
    return Task(bought(plan, seed), tests, how)


def reference(speaker=None, seed=0, budget_usd=500.0):
    """dict of name -> accuracy of the plans that put all of the budget into one source."""
    plans = {name: single(name, budget_usd) for name in CLIPS}
    return dict(zip(plans, judges(list(plans.values()), speaker, seed), strict=True))


def single(name, budget_usd=500.0, augment="none"):
    """The plan that buys of one source alone, as much as there is money for and clips on sale."""
    left = budget_usd - PRICES["augment"][augment]
    count = min(int(left / PRICES[name] + 1e-9), LIMITS[name])
    return dict.fromkeys(CLIPS, 0) | {name: count, "augment": augment}


def testers():
    """Names of the speakers who test and are not on sale, as tuple; the first is the open one."""
    names = sorted(set(_market()[0].speakers.tolist()))
    return tuple(names[place] for place in _TESTERS)


def bought(plan, seed=0):
    """Takes that `plan` buys; the same for the same plan and seed.

    Where fewer recordings exist than are on sale (without a network), it is all there are.
    """
    check_plan(plan, float("inf"))
    studio, crowd = _market()[1:]
    parts = [_some(studio, plan["record"], seed), _some(crowd, plan["crowd"], seed + 1)]
    if plan["synthesise"]:
        parts.append(synthetic(int(plan["synthesise"]), seed))
    return joined(*(part for part in parts if len(part.clips)))


def _some(takes, count, seed):
    return takes.few(min(int(count), len(takes.clips)), seed)


@functools.cache
def _market():
    """(everybody, the studio's Takes, the crowd's Takes)."""
    everybody, _ = people(progress=False)
    names = sorted(set(everybody.speakers.tolist()))
    tested = [names[place] for place in _TESTERS]
    on_sale = everybody.without(tested)
    studio = on_sale.by(sorted(set(on_sale.speakers.tolist()))[:_STUDIO])
    return everybody, studio, _crowd(on_sale)


def _crowd(takes):
    """The Takes with noise behind them and some labels wrong, the same on every machine."""
    from kit.audio.augment import add_noise, coloured_noise

    rng, n = np.random.default_rng(7), len(takes.clips)
    noise = coloured_noise("pink", takes.clips.shape[1], range(n))
    clips = add_noise(takes.clips, noise, rng.uniform(*_CROWD_SNR_DB, n))
    words = np.unique(takes.labels)
    wrong = rng.random(n) < value("market_wrong")
    other = (np.searchsorted(words, takes.labels) + rng.integers(1, len(words), n)) % len(words)
    return Takes(clips, np.where(wrong, words[other], takes.labels), takes.speakers)


def _bad(what, found, allowed):
    return KitError(what, found=found, allowed=allowed, code="plan")
