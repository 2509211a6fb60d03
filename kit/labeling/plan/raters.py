"""People who label, made of confusion matrices that were measured on something real. Needs NumPy.

A rater is a table of chances: what is said, given the truth. Bias, spam and malice change the
table; fatigue works on top of it. Ratings are drawn from it, independently of each other unless
items are given an `ease`.
"""

import math
from dataclasses import dataclass

import numpy as np

from kit.errors import KitError
from kit.quantities import quantity

KINDS = ("honest", "spammer", "adversary")
_TIMES = 0.3  # standard deviation of the logarithm of a rater's seconds, from label to label
_BELOW_1 = 1 - 2.0**-30  # keeps row number + chance below the next row number


def chances(confusion):
    """float64[..., K, K], true x said: each row of counts or shares divided by its sum.

    A cell that was never seen stays 0: few counts understate rare confusions. Raises KitError
    "shape", "one-category", "not-a-number", "not-nonnegative", "empty" (a word without counts).
    """
    x = quantity("confusion", confusion, "nonnegative")
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise KitError("confusion is no square matrix", found=x.shape, code="shape",
                       allowed="(..., words, words), a row for each true word")  # fmt: skip
    if x.shape[-1] < 2:
        raise KitError("one word leaves nothing to confuse", found=x.shape[-1],
                       allowed="two words or more", code="one-category")  # fmt: skip
    rows = x.sum(-1, keepdims=True)
    if not rows.size or not rows.all():
        raise KitError("a word has no counts", found=float(rows.sum()), code="empty",
                       allowed="a row with something in it for each word")  # fmt: skip
    return x / rows


def tempered(confusion, strength):
    """float64[..., K, K]: the chances with the odds of being right multiplied by `strength`.

    1: as measured. Above 1: a better rater. Below: a worse one; 0 is never right. Wrong words
    keep their proportions. This is a model: real experts differ from a crowd in which words they
    confuse as well as in how often. A row without errors has none at any strength.
    """
    said = chances(confusion)
    strength = float(quantity("strength", strength, "nonnegative"))
    there = np.eye(said.shape[-1], dtype=bool)
    changed = np.where(there, said * strength, said)
    rows = changed.sum(-1, keepdims=True)
    return np.where(rows > 0, changed / np.where(rows > 0, rows, 1), said)


def biased(confusion, place, share):
    """The chances when the word at `place` is said with a chance of `share`, whatever is heard."""
    said, share = chances(confusion), float(quantity("share", share, "share"))
    return (1 - share) * said + share * spam(said.shape[-1], place)


def spam(words, place=None):
    """float64[words, words] of a rater who hears nothing: always one word, or any (place None)."""
    words = int(quantity("words", words, "several"))
    if place is None:
        return np.full((words, words), 1 / words)
    if not 0 <= place < words:
        raise KitError("no word has this place", found=place, allowed=f"0 to {words - 1}",
                       code="unknown-label")  # fmt: skip
    return np.tile(np.eye(words)[place], (words, 1))


def swapped(confusion):
    """The chances of an adversary: hears as measured, then says the next word of the list."""
    return np.roll(chances(confusion), 1, -1)


@dataclass(frozen=True, eq=False)
class Rater:
    """One who labels.

    name: text. said: float64[K, K], true x said; counts are turned into chances. words: the K
    words, in the order of rows and columns. usd: paid a label. seconds: mean time of a label.
    tired: 0 to 1, share of labels said blindly (any word) at the end of a shift; it grows in a
    straight line from 0. shift: labels between two rests. kind: one of KINDS.
    """

    name: str
    said: np.ndarray
    words: tuple
    usd: float
    seconds: float
    tired: float = 0.0
    shift: int = 200
    kind: str = "honest"

    def __post_init__(self):
        object.__setattr__(self, "said", chances(self.said))
        object.__setattr__(self, "words", tuple(self.words))
        for name, rule in (("usd", "nonnegative"), ("seconds", "positive"), ("tired", "share"),
                           ("shift", "count")):  # fmt: skip
            quantity(name, getattr(self, name), rule)
        if self.said.shape != (len(self.words),) * 2 or len(set(self.words)) < len(self.words):
            raise KitError("words and matrix do not go together", found=self.words, code="words",
                           allowed="one matrix, and a word for each row")  # fmt: skip
        if self.kind not in KINDS:
            raise KitError("no such kind of rater", found=self.kind, allowed=", ".join(KINDS),
                           code="unknown")  # fmt: skip

    @property
    def accuracy(self):
        """Share right, 0 to 1, when every word is as frequent and the rater is rested."""
        return float(np.trace(self.said) / len(self.words))

    @property
    def wage_usd_h(self):
        """USD an hour."""
        return self.usd * 3600 / self.seconds


def rater_pool(confusions, words, people, usd, seconds, name="crowd", strength=1.0, spread=0.0,
               lean=0.0, tired=0.0, shift=200, spammers=0.0, adversaries=0.0, seed=0):  # fmt: skip
    """list of Rater, `people` of them; names "crowd 0", "crowd 1" ...

    confusions: float[K, K] or float[m, K, K], counts or shares, true x said, taken in turn. words:
    K of them. usd, seconds: a label. strength: see `tempered`; spread: standard deviation of its
    logarithm from person to person. lean: 0 to 1, see `biased`; each person has a word of their
    own. tired, shift: see Rater. spammers, adversaries: shares of the people, rounded; of the
    spammers, every second says any word, the others one. Equal seeds give equal pools.
    """
    said = chances(confusions)
    said = said.reshape(-1, *said.shape[-2:])
    people, k = int(quantity("people", people, "count")), said.shape[-1]
    lost, bad = (round(people * float(quantity(n, x, "share")))
                 for n, x in (("spammers", spammers), ("adversaries", adversaries)))  # fmt: skip
    if lost + bad > people:
        raise KitError("there are more spammers and adversaries than people", found=lost + bad,
                       allowed=f"{people} or fewer", code="not-share")  # fmt: skip
    rng = np.random.default_rng(seed)
    each = strength * np.exp(float(quantity("spread", spread, "nonnegative"))
                             * rng.standard_normal(people))  # fmt: skip
    kinds = np.repeat(KINDS, (people - lost - bad, lost, bad))[rng.permutation(people)]
    found = []
    for number, kind in enumerate(kinds.tolist()):
        place = int(rng.integers(k))
        own = biased(tempered(said[number % len(said)], each[number]), place, lean)
        blind = spam(k, place if sum(r.kind == "spammer" for r in found) % 2 else None)
        table = {"honest": own, "spammer": blind, "adversary": swapped(own)}[kind]
        found.append(Rater(f"{name} {number}", table, words, usd, seconds, tired, shift, kind))
    return found


def rate(labels, raters, per_item=3, seed=0, ease=None):
    """polars table item, rater, label, seconds, order: what people say of n labels.

    labels: the n true words. per_item: different raters an item. Work is shared out at random,
    and loads differ by one at most. item: place in `labels`. order: place in the rater's queue,
    from 0; fatigue follows it. seconds: log-normal around the rater's mean. Sorted by item.
    ease: float[n], above 0: multiplies the odds that an honest rater is right, the same for all
    of them, so that errors come together on hard items; None is 1 for each.
    Equal seeds give equal ratings. Raises KitError "empty", "no-raters", "too-few-people",
    "words", "duplicate-rater", "unknown-label", "not-count", "not-positive", "shape".
    """
    import polars as pl

    truth = codes(labels, raters)
    item, who, label, seconds, order = ratings(truth, raters, per_item, seed, ease)
    at = np.argsort(item * len(raters) + who)
    names = pl.Series([r.name for r in raters])
    words = pl.Series(list(raters[0].words))
    return pl.DataFrame({"item": item[at], "rater": names.gather(who[at]),
                         "label": words.gather(label[at]), "seconds": seconds[at],
                         "order": order[at]})  # fmt: skip


def codes(labels, raters):
    """int64[n]: place of each label among the words that all raters share; see `rate`."""
    if not raters:
        raise KitError("nobody is there to rate", found=0, allowed="one rater or more",
                       code="no-raters")  # fmt: skip
    if len({r.name for r in raters}) < len(raters) or len({r.words for r in raters}) > 1:
        twice = len({r.words for r in raters}) == 1
        raise KitError("raters share a name" if twice else "raters know different words",
                       found=[r.name for r in raters][:5], allowed="names of their own, one list "
                       "of words", code="duplicate-rater" if twice else "words")  # fmt: skip
    labels = list(labels)
    if not labels:
        raise KitError("there is nothing to label", found=0, allowed="one or more", code="empty")
    place = {word: i for i, word in enumerate(raters[0].words)}
    if odd := set(labels) - set(place):
        raise KitError("a label is no word of the raters", found=sorted(odd, key=str)[:5],
                       allowed=", ".join(map(str, place)), code="unknown-label")  # fmt: skip
    return np.array([place[x] for x in labels])


def ratings(truth, raters, per_item=3, seed=0, ease=None):
    """(item, rater, label, seconds, order) of `rate` in codes, n x per_item each, as they come."""
    per_item = int(quantity("per_item", per_item, "count"))
    if per_item > len(raters):
        raise KitError("an item needs more raters than there are", found=per_item,
                       allowed=f"{len(raters)} or fewer", code="too-few-people")  # fmt: skip
    rng = np.random.default_rng(seed)
    item, who = _shared_out(len(truth), len(raters), per_item, rng)
    order = _queue(who, len(raters))
    label = _said(truth[item], who, raters, eased(ease, len(truth))[item], rng)
    blind = np.flatnonzero(rng.random(len(who)) < _lapses(who, order, raters))
    label[blind] = rng.integers(len(raters[0].words), size=len(blind))
    times = np.exp(_TIMES * rng.standard_normal(len(who)) - _TIMES**2 / 2)
    return item, who, label, np.array([r.seconds for r in raters])[who] * times, order


def eased(ease, items):
    """float64[items] of `rate`: 1 for each if ease is None."""
    ease = np.ones(items) if ease is None else quantity("ease", ease, "positive")
    if ease.shape != (items,):
        raise KitError("ease and labels differ in length", found=ease.shape, allowed=f"({items},)",
                       code="shape")  # fmt: skip
    return ease


def _shared_out(items, raters, per_item, rng):
    """(item, rater), int64[items * per_item]: raters in turn, in a new order every `raters` items.

    In such a block everybody is asked per_item times; in the last, shorter one, in turn.
    """
    blocks = math.ceil(items / raters)
    turns = rng.permuted(np.tile(np.arange(raters), (blocks, 1)), axis=1)
    who = turns[:, np.arange(raters * per_item) % raters].reshape(-1)[: items * per_item]
    return np.repeat(rng.permutation(items), per_item), who


def _queue(who, raters):
    """int64[n]: how many ratings the rater of each one gave before it."""
    at = np.argsort(who, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(who, minlength=raters))])[:-1]
    order = np.empty(len(who), int)
    order[at] = np.arange(len(who)) - first[who[at]]
    return order


def _said(truth, who, raters, ease, rng):
    """int64[n]: right or wrong is drawn first, then which wrong word."""
    said = np.stack([r.said for r in raters])  # raters, true, said
    k = said.shape[-1]
    right = said[who, truth, truth]
    ease = np.where(np.array([r.kind == "honest" for r in raters])[who], ease, 1.0)
    right = right * ease / (right * ease + 1 - right)
    wrong = said * (1 - np.eye(k))
    none = wrong.sum(-1, keepdims=True) == 0  # never wrong: these rows are not used
    wrong = np.where(none, 1 / k, wrong)
    upto = wrong.cumsum(-1)
    upto = (upto / upto[..., -1:]).reshape(-1, k)  # ends at 1 exactly
    row = who * k + truth
    ladder = (upto + np.arange(len(upto))[:, None]).ravel()
    missed = np.flatnonzero(rng.random(len(who)) >= right)
    label, u = truth.copy(), rng.random(len(missed)) * _BELOW_1
    label[missed] = np.searchsorted(ladder, row[missed] + u, side="right") - row[missed] * k
    return label


def _lapses(who, order, raters):
    """float64[n]: chance that a rating is given blindly, from each rater's place in the shift."""
    from kit.drift.inject import fatigue

    chance = np.zeros(len(who))
    for number, rater in enumerate(raters):
        if rater.tired:
            mine = np.flatnonzero(who == number)
            if len(mine):
                course = fatigue(int(order[mine].max()) + 1, 0.0, rater.tired, rater.shift)
                chance[mine] = course[order[mine]]
    return chance
