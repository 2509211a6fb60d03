"""Several people for one label: accuracy, dollars, and who decides what. Tables are polars.

Raters are made of mistakes that real spotters made (`kit.experiments.judges`). Their times, their
wages and their bad habits are made.
"""

import numpy as np

from kit.assumptions import value
from kit.experiments.judges import confusions
from kit.intervals import wilson

PER_ITEM = (1, 3, 5, 7, 9)
METHODS = ("majority", "weighted", "dawid-skene")
POOLS = {  # name -> what makes its people, see kit.labeling.plan.rater_pool
    "all listen": {},
    "a fifth spam": {"spammers": 0.2},
    "a tenth sabotage": {"adversaries": 0.1},
}
CROWD, EXPERTS = 30, 5  # people
STRENGTH = 20  # an expert's odds of being right, over those of the best spotter


def crowd(table, people=CROWD, seed=0, **how):
    """list of Rater at the chapter's upper price: each has the mistakes of a judge, in turn.

    table: of `judges.judged`. how: of kit.labeling.plan.rater_pool, such as spammers.
    """
    from kit.labeling.plan import rater_pool

    counts, words = confusions(table)
    return rater_pool(np.stack(list(counts.values())), words, people, value("crowd_label_high"),
                      value("label_seconds"), seed=seed, **how)  # fmt: skip


def experts(table, people=EXPERTS, seed=0):
    """list of Rater at the chapter's upper price: the best judge, with STRENGTH times the odds."""
    from kit.labeling.plan import rater_pool

    counts, words = confusions(table)
    best = max(counts.values(), key=np.trace)
    return rater_pool(best, words, people, value("expert_label_high"), value("label_seconds"),
                      name="expert", strength=STRENGTH, seed=seed)  # fmt: skip


def redundancy(table, pools=POOLS, per_item=PER_ITEM, methods=METHODS, items=2000, seed=0):
    """Accuracy of labels that several raters gave, and what they cost.

    table: of `judges.judged`. polars table, one row a pool, number of raters and method: pool,
    raters, method, accuracy_percent with low_percent and high_percent (Wilson, 95 %, over items),
    usd (an item), usd_correct (a correct label).
    """
    import polars as pl

    from kit.labeling import aggregate
    from kit.labeling.plan import rate

    words = sorted(table["word"].unique())
    truth = np.random.default_rng(seed).choice(words, items)
    rows = []
    for name, how in pools.items():
        people = crowd(table, seed=seed, **how)
        for each in per_item:
            given = rate(truth, people, each, seed=[seed, each]).select("item", "rater", "label")
            usd = each * people[0].usd
            for method in methods:
                found = aggregate(given, method, labels=words).items.sort("item")
                right = int((found["label"].to_numpy() == truth).sum())
                rows.append({"pool": name, "raters": each, "method": method, **_share(right, items),
                             "usd": usd, "usd_correct": usd * items / right})  # fmt: skip
    return pl.DataFrame(rows)


def apart(table):
    """How often two judges agree on the same clips, and how often they would if erring apart.

    table: of `judges.judged`. polars table, one row a pair: first, second, agreement_percent,
    apart_percent (p q + (1 - p)(1 - q) / (K - 1): their errors have nothing to do with each
    other and fall evenly on the K - 1 wrong words), kappa, both_wrong_percent,
    both_wrong_apart_percent ((1 - p)(1 - q)).
    """
    import itertools

    import polars as pl

    from kit.labeling import cohen_kappa

    k = table["word"].n_unique()
    said = {
        name: part.sort("clip") for (name,), part in table.group_by("judge", maintain_order=True)
    }
    rows = []
    for a, b in itertools.combinations(said, 2):
        x, y = said[a], said[b]
        p, q = x["right"].mean(), y["right"].mean()
        pair = np.stack([x["said"].to_numpy(), y["said"].to_numpy()], 1)
        rows.append({
            "first": a, "second": b,
            "agreement_percent": 100 * (x["said"] == y["said"]).mean(),
            "apart_percent": 100 * (p * q + (1 - p) * (1 - q) / (k - 1)),
            "kappa": cohen_kappa(pair, draws=0).value,
            "both_wrong_percent": 100 * (~x["right"] & ~y["right"]).mean(),
            "both_wrong_apart_percent": 100 * (1 - p) * (1 - q),
        })  # fmt: skip
    return pl.DataFrame(rows)


def _share(right, items):
    low, high = (100 * float(x) for x in wilson(right, items))
    return {"accuracy_percent": 100 * right / items, "low_percent": low, "high_percent": high}
