"""Labeling plans: a model, a crowd and experts in turn, and what a plan costs in closed form.

An item goes to the model first, if there is one; where its confidence is too low, to the crowd;
where the crowd does not agree, to experts. Needs NumPy.

The forms assume what `kit.labeling.plan.economics` assumes, and that an item which the model or the
crowd passes on is as easy as any other for whoever comes next. Hard items break that.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kit.assumptions import value
from kit.errors import KitError
from kit.labeling.plan import economics as eco
from kit.quantities import quantity

_HOUR_S = 3600
_FULL = 1e-9  # golds that are missing for a test by less than this are not missing


@dataclass(frozen=True)
class Tier:
    """People of one price. accuracy: share right, 0 to 1, of one who listens.

    usd, seconds: a label. people: how many. hours_day: that each of them works. spammers: share
    of the people, 0 to 1, who say any word, whatever they hear.
    """

    accuracy: float
    usd: float
    seconds: float
    people: int
    hours_day: float = 8.0
    spammers: float = 0.0

    def __post_init__(self):
        rules = {"accuracy": "share", "usd": "nonnegative", "seconds": "positive",
                 "people": "count", "hours_day": "positive", "spammers": "share"}  # fmt: skip
        for name, rule in rules.items():
            quantity(name, getattr(self, name), rule)


def tier_of(raters, hours_day=8.0):
    """Tier of a list of Rater: mean accuracy, USD and seconds; every word as frequent.

    Fatigue is counted as over whole shifts. Whoever says what they do whatever they hear counts
    into `spammers`; an adversary counts as one who listens, and errs.
    """
    if not raters:
        raise KitError("a tier without people", found=0, allowed="one or more", code="no-raters")
    heard = [r for r in raters if r.kind != "spammer"]
    blind = [r.tired / 2 if r.shift > 1 else 0.0 for r in heard]
    right = [r.accuracy * (1 - t) + t / len(r.words) for r, t in zip(heard, blind, strict=True)]
    mean = {name: float(np.mean([getattr(r, name) for r in raters])) for name in ("usd", "seconds")}
    return Tier(float(np.mean(right)) if right else 0.0, mean["usd"], mean["seconds"], len(raters),
                hours_day, (len(raters) - len(heard)) / len(raters))  # fmt: skip


def chapter_tiers(crowd_accuracy, expert_accuracy, people=(50, 5), dear=True, hours_day=8.0):
    """(crowd, expert): Tiers at the upper or lower end (`dear`) of the chapter's price list.

    people: of the crowd, experts. The chapter has one time for a label, and no accuracies.
    """
    low, high = ("crowd_label_low", "expert_label_low"), ("crowd_label_high", "expert_label_high")
    prices, right = high if dear else low, (crowd_accuracy, expert_accuracy)
    return tuple(
        Tier(accuracy, value(price), value("label_seconds"), n, hours_day)
        for accuracy, price, n in zip(right, prices, people, strict=True)
    )  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """How items are labelled.

    raters: crowd labels an item, 0 to 99; 0 sends everything to experts. agree: votes that the
    leading label needs, or experts decide; 0: the crowd decides alone. experts: labels of experts
    for an item that comes to them, combined by majority. gold: share of the items, 0 to 1, that
    experts label in any case, hidden among the others. golds, least: a crowd rater is thrown out
    with fewer than `least` right of the first `golds` golds; what they said is void, but paid.
    0: nobody is. review: share of crowd labels made once more to measure agreement; they cost,
    and change nothing. threshold: confidence from which the model's label stands; None: no model.
    """

    raters: int = 3
    agree: int = 0
    experts: int = 1
    gold: float = 0.0
    golds: int = 0
    least: int = 0
    review: float = 0.0
    threshold: float | None = None


class ModelCurve(NamedTuple):
    """What a model's labels are worth, measured on items that it did not learn from.

    threshold: float64[T], of its confidence. share: of the items at or above it; accuracy: of its
    labels there; both 0 to 1. usd: an item, paid for all items.
    """

    threshold: np.ndarray
    share: np.ndarray
    accuracy: np.ndarray
    usd: float = 0.0


def model_curve(confidence, right, thresholds, usd=0.0):
    """ModelCurve, from the confidence (0 to 1) of n labels and whether each is right (bool).

    A threshold that no item reaches has share 0 and accuracy 0.
    """
    confidence = np.atleast_1d(quantity("confidence", confidence, "share"))
    right, at = np.asarray(right, bool), np.atleast_1d(quantity("thresholds", thresholds, "share"))
    if right.shape != confidence.shape or not len(right):
        raise KitError("confidence and right differ in length", found=(len(confidence), right.size),
                       allowed="as many of each, one or more", code="shape")  # fmt: skip
    above = confidence >= at[:, None]
    hits = (above & right).sum(1) / np.maximum(above.sum(1), 1)
    return ModelCurve(at, above.mean(1), hits, float(quantity("usd", usd, "nonnegative")))


class Priced(NamedTuple):
    """What a plan is expected to cost and give; arrays with an entry a plan, or plain numbers.

    usd; accuracy: share of right labels, 0 to 1; wrong: labels; days: working days of the slowest
    tier, which work side by side; usd_correct: USD a right label; model_share, expert_share: of
    the items; crowd_labels, expert_labels: made, void ones included; thrown_out: share of the
    crowd.
    """

    usd: float
    accuracy: float
    wrong: float
    days: float
    usd_correct: float
    model_share: float
    expert_share: float
    crowd_labels: float
    expert_labels: float
    thrown_out: float


def priced(plan, items, crowd, expert=None, classes=2, model=None):
    """Priced of one Plan for so many items, in expectation, by closed forms.

    crowd, expert: Tier, or None where there is none. classes: 2 or more. model: ModelCurve, if the
    plan has a threshold. Raises KitError "contradictory-gold", "too-few-people", "no-raters",
    "plan", "no-model", "not-share", "not-count".
    """
    columns = {name: np.array([x], float) for name, x in _numbers(plan, model).items()}
    found, faults = price_all(columns, items, crowd, expert, classes, model)
    for code, (bad, what, allowed) in faults.items():
        if bad.any():
            raise KitError(what, found=plan, allowed=allowed, code=code)
    return Priced(*(float(x[0]) for x in found))


def price_per_correct(plan, items, crowd, expert=None, classes=2, model=None):
    """USD for each label that is right, expected; see `priced`. Infinite if none is."""
    return priced(plan, items, crowd, expert, classes, model).usd_correct


def price_all(columns, items, crowd, expert, classes, model):
    """(Priced of arrays, dict of code -> (bool[plans], what, allowed)) of many plans at once.

    columns: dict of float64[plans] under the names of Plan; threshold is the row of the model, -1
    for none. Prices of a plan with a fault mean nothing.
    """
    c, k = columns, int(quantity("classes", classes, "several"))
    items = float(quantity("items", items, "count"))
    taken, known, model_usd = _modelled(c["threshold"].astype(int), model)
    rest = items * (1 - taken)
    truth = _each(lambda n: _expert(expert, n, k), c["experts"])
    out, vote, people = _each(
        lambda *test: _screened(crowd, k, *test), c["golds"], c["least"], truth
    )
    stays, right = _each(lambda p, n, agree: _voted(p, n, agree, k), vote, c["raters"], c["agree"])
    asked = c["gold"] + (1 - c["gold"]) * (1 - stays)  # share of the rest that experts see
    human = c["gold"] * truth + (1 - c["gold"]) * (right + (1 - stays) * truth)
    accuracy = np.clip(taken * known + (1 - taken) * human, 0, 1)
    useful = rest * c["raters"] * (1 + c["review"])
    crowd_labels, expert_labels = useful + _void(c, crowd, out), rest * asked * c["experts"]
    usd = items * model_usd
    for tier, labels in ((crowd, crowd_labels), (expert, expert_labels)):
        usd = usd + (tier.usd * labels if tier else 0.0)
    days = np.maximum(_days(crowd, useful, people),
                      _days(expert, expert_labels, expert.people if expert else 0))  # fmt: skip
    found = Priced(usd, accuracy, items * (1 - accuracy), days,
                   eco.usd_per_correct(usd / items, accuracy), taken, (1 - taken) * asked,
                   crowd_labels, expert_labels, out)  # fmt: skip
    return found, _faults(c, rest, people, crowd, expert)


def _numbers(plan, model):
    """dict of Plan's fields as numbers, checked one by one."""
    for name in ("raters", "agree", "experts", "golds", "least"):
        x = getattr(plan, name)
        if quantity(name, x, "nonnegative") != int(x):
            raise KitError(f"{name} is not a whole number", found=x, allowed="0, 1, 2 ...",
                           code="not-count")  # fmt: skip
    for name in ("gold", "review"):
        quantity(name, getattr(plan, name), "share")
    numbers = dict(vars(plan))
    if plan.threshold is not None:
        if model is None or plan.threshold not in model.threshold:
            raise KitError("the model was not measured at this threshold", found=plan.threshold,
                           allowed="none" if model is None else str(list(model.threshold)),
                           code="no-model")  # fmt: skip
        numbers["threshold"] = list(model.threshold).index(plan.threshold)
    return numbers | ({"threshold": -1} if plan.threshold is None else {})


def _modelled(row, model):
    """(share of items that the model labels, its accuracy there, USD an item) of each plan."""
    if model is None:
        return (np.zeros(len(row)),) * 3
    for name in ("share", "accuracy"):
        quantity(name, getattr(model, name), "share")
    with_one = row >= 0
    return tuple(np.where(with_one, x, 0.0) for x in (
        np.asarray(model.share, float)[row], np.asarray(model.accuracy, float)[row],
        float(quantity("usd", model.usd, "nonnegative"))))  # fmt: skip


def _each(function, *columns):
    """float64[plans], or a row of it for each number that `function` gives; once for equal rows."""
    rows, which = np.unique(np.stack(columns, 1), axis=0, return_inverse=True)
    return np.array([function(*row.tolist()) for row in rows]).T[..., which.ravel()]


def _expert(expert, experts, classes):
    """Accuracy of the majority of experts; 0 where there are none."""
    return eco.majority_accuracy(expert.accuracy, experts, classes) if expert and experts else 0.0


def _screened(crowd, classes, golds, least, truth):
    """(share of the crowd thrown out, accuracy of a vote of the others, how many they are).

    truth: accuracy of gold labels. A spammer matches gold by chance.
    """
    if crowd is None:
        return 0.0, 0.0, 0.0
    s = crowd.spammers
    honest, blind = (
        (eco.thrown_out(p, golds, least) if golds else 0.0)
        for p in (eco.matches(crowd.accuracy, truth, classes), 1 / classes)
    )
    out = (1 - s) * honest + s * blind
    still = s * (1 - blind) / (1 - out) if out < 1 else s
    vote = (1 - still) * crowd.accuracy + still / classes
    return out, vote, crowd.people * (1 - out)


def _voted(vote, raters, agree, classes):
    """(share of items that the crowd decides, share where it is right as well)."""
    if not 1 <= raters <= eco.MOST or agree > raters:
        return 0.0, 0.0
    return eco.kept(vote, int(raters), classes, int(max(agree, 1)))


def _void(c, crowd, out):
    """Labels of people who were thrown out: golds come once in 1 / gold of their labels."""
    seen = np.divide(c["golds"], c["gold"], out=np.zeros_like(out), where=c["gold"] > 0)
    return (crowd.people if crowd else 0) * out * seen


def _days(tier, labels, people):
    """Working days; 0 without work, infinite without people."""
    if tier is None:
        return np.zeros_like(labels)
    hours, people = np.broadcast_arrays(labels * tier.seconds / _HOUR_S, people)
    idle = np.where(hours > 0, np.inf, 0.0)
    return np.divide(hours, people * tier.hours_day, out=idle, where=people > 0)


def _faults(c, rest, people, crowd, expert):
    """dict of code -> (bool[plans] that cannot be, what, allowed)."""
    n, golds, asks = c["raters"], c["golds"], c["agree"] + c["gold"] > 0
    alone = crowd.people if crowd else 1
    contradicts = (
        (c["least"] > golds) | ((golds > 0) & ((c["gold"] == 0) | (n == 0)))
        | (golds > rest * n * c["gold"] / alone + _FULL)
    )  # fmt: skip
    few = (n > people + _FULL) | (c["experts"] > (expert.people if expert else np.inf))
    return {
        "plan": ((c["experts"] < 1) | (c["agree"] > n + 1) | (n > eco.MOST), "this is no plan",
                 f"experts from 1, raters to {eco.MOST}, agree to raters + 1"),
        "no-raters": (((n > 0) & (crowd is None)) | (((n == 0) | asks) & (expert is None)),
                      "the plan needs people who are not there", "the tiers that it names"),
        "contradictory-gold": (contradicts, "the golds of the plan contradict each other",
                               "least <= golds <= golds that each rater meets"),
        "too-few-people": (few, "an item needs more raters than there are",
                           "as many as are left of the tier, or fewer"),
    }  # fmt: skip
