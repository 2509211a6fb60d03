"""Wrong labels in training: what they cost, and whether to mend them or to buy more."""

import numpy as np

from kit.experiments import scale
from kit.experiments.folds import averaged, folds, seeds_of, tested_table, unseen
from kit.experiments.judges import confusions
from kit.experiments.redundancy import crowd
from kit.experiments.runs import Task, outcomes
from kit.experiments.takes import Takes

WRONG = (0.0, 0.1, 0.2, 0.4)  # shares of the training labels
MISTAKES = ("any word alike", "as spotters err")
LOOKS = (1, 3, 5, 9)  # raters a clip
_SIZES = (0.25, 1.0)  # of the clips of a Scale: two points of the curve


def mistaken(takes, share, chances=None, seed=0):
    """Takes with a share of the labels wrong, 0 to 1; the first ones wrong at 0.1 are so at 0.2.

    chances: (float[words, words] true x said, words) to draw the wrong word from, without the
    diagonal; None, or a row of zeros: any wrong word alike.
    """
    rng = np.random.default_rng(seed)
    words = np.unique(takes.labels) if chances is None else np.array(chances[1])
    k = len(words)
    wrong = np.ones((k, k)) if chances is None else np.asarray(chances[0], float)
    wrong = np.where(np.eye(k, dtype=bool), 0, wrong)
    wrong = np.where(wrong.sum(1, keepdims=True) > 0, wrong, 1 - np.eye(k))
    ladder = np.cumsum(wrong, 1) / wrong.sum(1, keepdims=True)
    place = np.searchsorted(words, takes.labels)
    said = (ladder[place] <= rng.random((len(place), 1))).sum(1).clip(max=k - 1)
    chosen = rng.permutation(len(place))[: round(share * len(place))]
    labels = takes.labels.copy()
    labels[chosen] = words[said[chosen]]
    return Takes(takes.clips, labels, takes.speakers)


def noisy(people, judged, size=None, progress=None):
    """Accuracy on unseen people of spotters that learnt from partly wrong labels.

    people: Takes. judged: table of `judges.judged`, for the words that are confused. size: Scale.
    polars table, see `folds.averaged`: mistake (of MISTAKES), clips,
    wrong_percent, accuracy_percent, low_percent, high_percent, speakers, ends.
    """

    size = size or scale()
    counts, words = confusions(judged)
    chances = {MISTAKES[0]: None, MISTAKES[1]: (sum(counts.values()), words)}
    tasks, about = [], []
    for number, fold in enumerate(folds(people, size.tested)):
        tests, others = unseen(people, fold), people.without(fold)
        for seed in seeds_of(number, size):
            for mistake, clips, share in _cells(min(size.budget, len(others.clips))):
                train = mistaken(others.few(clips, seed), share, chances[mistake], seed)
                tasks.append(Task(train, tests, {"seed": seed, "passes": size.passes}))
                about.append({"mistake": mistake, "clips": clips, "wrong_percent": 100 * share,
                              "seed": seed})  # fmt: skip
    found = outcomes(tasks, progress=progress)
    by = ["mistake", "clips", "wrong_percent"]
    return averaged(tested_table(about, found), by).sort(by)


def looks(people, judged, usd=None, per_clip=LOOKS, size=None, progress=None):
    """What the same money trains: many clips looked at once, or few looked at often.

    people: Takes. judged: table of `judges.judged`, of which the crowd is made. usd: for labels; by
    default one look at each clip of the Scale. per_clip: raters a clip, read by Dawid and Skene.
    polars table: looks, clips, label_percent (labels that are right, mean over folds), and the
    accuracy of spotters on unseen people as in `folds.averaged`.
    """
    import polars as pl

    size = size or scale()
    raters = crowd(judged)
    usd = size.budget * raters[0].usd if usd is None else usd
    tasks, about = [], []
    for number, fold in enumerate(folds(people, size.tested)):
        tests, others = unseen(people, fold), people.without(fold)
        for seed in seeds_of(number, size):
            for each in per_clip:
                count = min(int(usd / (each * raters[0].usd)), len(others.clips))
                own = others.few(count, seed)
                given = _labelled(own, raters, each, seed)
                tasks.append(Task(given, tests, {"seed": seed, "passes": size.passes}))
                right = 100 * float((given.labels == own.labels).mean())
                about.append({"looks": each, "clips": count, "label_percent": right, "seed": seed})
    found = outcomes(tasks, progress=progress)
    labels = pl.DataFrame(about).group_by("looks").agg(pl.col("label_percent").mean())
    table = averaged(tested_table(about, found), ["looks", "clips"])
    return table.join(labels, on="looks", maintain_order="left").sort("looks")


def _labelled(own, raters, each, seed):
    """The Takes with the labels of `each` raters a clip, read by Dawid and Skene."""
    from kit.labeling import aggregate
    from kit.labeling.plan import rate

    given = rate(own.labels.tolist(), raters, each, seed=[seed, each])
    found = aggregate(given.select("item", "rater", "label"), labels=list(raters[0].words))
    return Takes(own.clips, found.items.sort("item")["label"].to_numpy().astype(str), own.speakers)


def learning_curve(table):
    """Function (labels, share wrong) -> accuracy, 0 to 1, between the measured points.

    table: of `noisy`. Straight lines over the logarithm of labels and the share of wrong ones;
    outside, the nearest edge.
    """
    import polars as pl
    from scipy.interpolate import RegularGridInterpolator

    own = table.filter(pl.col("mistake") == MISTAKES[0])
    grid = own.pivot("wrong_percent", index="clips", values="accuracy_percent",
                     sort_columns=True).sort("clips").drop_nulls()  # fmt: skip
    clips = grid["clips"].to_numpy()
    wrong = np.array([float(name) for name in grid.columns[1:]]) / 100
    curve = RegularGridInterpolator((np.log(clips), wrong), grid.drop("clips").to_numpy() / 100)

    def accuracy(labels, share):
        at = np.clip(np.log(max(labels, 1)), *np.log(clips[[0, -1]]))
        return float(curve((at, np.clip(share, wrong[0], wrong[-1]))))

    return accuracy


def _cells(most):
    """(mistake, clips, share wrong) of every training."""
    cells = [(MISTAKES[0], round(part * most), share) for part in _SIZES for share in WRONG]
    return cells + [(MISTAKES[1], most, share) for share in WRONG[1:]]
