"""A labeling plan carried out by simulated people: what it really costs and gives. Needs polars."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kit.errors import KitError
from kit.labeling.plan.plans import priced, tier_of
from kit.labeling.plan.raters import codes, eased, ratings
from kit.quantities import quantity

METHODS = ("majority", "dawid-skene")
_HOUR_S = 3600


class Trial(NamedTuple):
    """What `simulate` measured; units as in kit.labeling.plan.Priced.

    thrown_out: list of names. labels: list of the n words that came out.
    """

    usd: float
    accuracy: float
    wrong: int
    days: float
    usd_correct: float
    model_share: float
    expert_share: float
    crowd_labels: float
    expert_labels: float
    thrown_out: list
    labels: list


def simulate(plan, labels, crowd, experts=(), model=None, seed=0, method="majority", ease=None,
             hours_day=8.0):  # fmt: skip
    """Trial of a Plan on n true labels, with people of whom nothing is averaged away.

    crowd, experts: lists of Rater. model: (n words, float[n] confidence) where the plan has a
    threshold; it costs nothing here. method: how crowd labels are combined: "majority", ties at
    random, or "dawid-skene" (kit.labeling.aggregate, which is told gold). Votes alone decide which
    items experts get. ease: see `rate`; it holds for crowd and experts alike.

    Golds: all of the crowd rate everything once; who fails the test is out, and their labels up
    to its last gold are paid and void. The others then make all ratings anew.
    Equal seeds give equal trials. Raises KitError as `priced` and `rate` do, "method", "no-model".
    """
    if method not in METHODS:
        raise KitError("no such method", found=method, allowed=", ".join(METHODS), code="method")
    site = _Site(labels, list(crowd) if plan.raters else [], list(experts), ease, seed)
    said, rest = _by_model(plan, site, model)
    doubt, golds, out = rest, rest[:0], []
    if len(rest):
        _check(plan, len(rest), site)
        golds = np.sort(site.rng.permutation(rest)[: round(plan.gold * len(rest))])
        said[golds] = site.decided("expert", golds, plan.experts)
        out = _thrown_out(plan, site, rest, golds, said[golds])
        doubt = np.setdiff1d(rest, golds)  # golds are labelled and paid already
        if plan.raters:
            said, doubt = _by_crowd(plan, site, said, rest, golds, method)
        said[doubt] = site.decided("expert", doubt, plan.experts)
    return site.trial(said, rest, len(doubt) + len(golds), out, hours_day)


class _Site:
    """Who works on what, and what they are owed so far."""

    def __init__(self, labels, crowd, experts, ease, seed):
        self.people = {"crowd": crowd, "expert": experts}
        self.truth = codes(labels, crowd + experts if crowd else experts)
        self.words = (crowd or experts)[0].words
        self.ease = eased(ease, len(self.truth))
        self.rng = np.random.default_rng(seed)
        self.labels, self.usd, self.days = ({"crowd": 0.0, "expert": 0.0} for _ in range(3))

    def ask(self, tier, items, per_item):
        """(label, rater, seconds, order), each [items, per_item], in the order of items."""
        seed = int(self.rng.integers(2**62))
        item, rater, label, *rest = ratings(self.truth[items], self.people[tier], per_item, seed,
                                            self.ease[items])  # fmt: skip
        at = np.argsort(item.reshape(-1, per_item)[:, 0])
        return [x.reshape(-1, per_item)[at] for x in (label, rater, *rest)]

    def owe(self, tier, rater, seconds=None, times=1.0):
        """Book labels; those without seconds take nobody's time that others wait for."""
        usd = np.array([r.usd for r in self.people[tier]])
        self.labels[tier] += times * rater.size
        self.usd[tier] += times * float(usd[rater].sum())
        if seconds is not None:
            self.days[tier] += times * float(seconds.sum()) / _HOUR_S / len(self.people[tier])

    def decided(self, tier, items, per_item):
        """int64[items]: the majority of `per_item` people of the tier."""
        if not len(items):
            return items
        label, rater, seconds, _ = self.ask(tier, items, per_item)
        self.owe(tier, rater, seconds)
        return self.leading(label)[0]

    def leading(self, label):
        """(the most frequent label of each row, ties at random, how many votes it has)."""
        n, k = len(label), len(self.words)
        votes = np.bincount((np.arange(n)[:, None] * k + label).ravel(), minlength=n * k)
        votes = votes.reshape(n, k)
        return (votes + self.rng.random((n, k)) / 2).argmax(1), votes.max(1)

    def trial(self, said, rest, by_expert, out, hours_day):
        """Trial of labels int64[n]; rest: items that the model left over."""
        hours_day = float(quantity("hours_day", hours_day, "positive"))
        n, right = len(said), int((said == self.truth).sum())
        usd = sum(self.usd.values())
        price = usd / right if right else float("inf") if usd else 0.0
        return Trial(usd, right / n, n - right, max(self.days.values()) / hours_day, price,
                     1 - len(rest) / n, by_expert / n, self.labels["crowd"],
                     self.labels["expert"], out,
                     np.array(self.words, object)[said].tolist())  # fmt: skip


def _check(plan, items, site):
    tiers = (tier_of(p) if p else None for p in site.people.values())
    priced(replace(plan, threshold=None), items, *tiers, len(site.words))


def _by_model(plan, site, model):
    """(int64[n] labels of the model, items below the threshold)."""
    said = np.zeros(len(site.truth), int)
    if plan.threshold is None:
        return said, np.arange(len(said))
    if model is None:
        raise KitError("the plan needs a model", found=None, code="no-model",
                       allowed="(labels, confidence)")  # fmt: skip
    words, confidence = model
    confidence = quantity("confidence", confidence, "share")
    said = codes(words, site.people["crowd"] or site.people["expert"])
    if not len(said) == len(confidence) == len(site.truth):
        raise KitError("the model labels more or fewer items than there are",
                       found=(len(said), len(confidence)), allowed=str(len(site.truth)),
                       code="shape")  # fmt: skip
    return said, np.flatnonzero(confidence < plan.threshold)


def _thrown_out(plan, site, rest, golds, by_gold):
    """Names of those who fail on their first golds; they leave the site, and are paid so far."""
    if not plan.golds:
        return []
    label, rater, _, order = site.ask("crowd", rest, plan.raters)
    at = np.searchsorted(rest, golds)
    hit = label[at] == by_gold[:, None]
    out = []
    for number in range(len(site.people["crowd"])):
        mine = rater[at] == number
        first = np.argsort(order[at][mine])[: plan.golds]
        if len(first) == plan.golds and hit[mine][first].sum() < plan.least:
            until = order[at][mine][first[-1]] + 1
            site.owe("crowd", np.full(until, number))
            out.append(number)
    people = site.people["crowd"]
    site.people["crowd"] = [r for i, r in enumerate(people) if i not in out]
    return [people[i].name for i in out]


def _by_crowd(plan, site, said, rest, golds, method):
    """(labels with those of the crowd, items that go to experts); golds stay as they are."""
    label, rater, seconds, _ = site.ask("crowd", rest, plan.raters)
    site.owe("crowd", rater, seconds, 1 + plan.review)
    lead, votes = site.leading(label)
    if method == "dawid-skene":
        lead = _dawid_skene(label, rater, np.searchsorted(rest, golds), said[golds], site)
    kept = said[golds]
    said[rest] = lead
    said[golds] = kept
    return said, np.setdiff1d(rest[votes < plan.agree], golds)


def _dawid_skene(label, rater, golds, by_gold, site):
    import polars as pl

    from kit.labeling.aggregate import aggregate

    item = np.repeat(np.arange(len(label)), label.shape[1])
    table = pl.DataFrame({"item": item, "rater": rater.ravel(), "label": label.ravel()})
    gold = dict(zip(golds.tolist(), by_gold.tolist(), strict=True))
    found = aggregate(table, "dawid-skene", gold=gold, labels=list(range(len(site.words))))
    return found.items.sort("item")["label"].to_numpy()
