"""The price of a correct label: closed forms, checked by `kit.labeling.plan.trial`. Needs NumPy.

Raters are independent, as good on every item, and spread their errors evenly over the wrong
words, unless a function says otherwise. Real words are confused in pairs and some items are hard
for everybody: then a majority is worse than these forms say.
"""

import functools
import math

import numpy as np

from kit.assumptions import value
from kit.errors import KitError
from kit.quantities import quantity, vectorised

MOST = 99  # raters an item
_HOUR_S = 3600


@vectorised(accuracy="share", raters="count", classes="several")
def majority_accuracy(accuracy, raters, classes=2):
    """Share of items, 0 to 1, whose most frequent label of `raters` is right; ties at random.

    accuracy: of one rater. Exact multinomial sum (Condorcet 1785 for two classes and odd
    `raters`). Raises KitError "too-large" above 99 raters.
    """
    cells = np.broadcast_arrays(accuracy, raters, classes)
    found = [kept(float(p), int(n), int(k))[1] for p, n, k in zip(*(x.flat for x in cells),
                                                                  strict=True)]  # fmt: skip
    return np.array(found).reshape(cells[0].shape)


def kept(accuracy, raters, classes, agree=1):
    """(share of items whose leading label has `agree` votes or more, share where it is right too).

    accuracy: of one rater, 0 to 1. raters: 1 to 99. agree: votes, 1 to raters + 1 (never). Ties
    at random. Both shares are of all items, 0 to 1, exact.
    """
    wins, upto = _tables(raters, classes)
    x = np.arange(raters + 1)
    chance = np.array([math.comb(raters, i) for i in x], float)
    chance = chance * accuracy**x * (1 - accuracy) ** (raters - x)
    below = chance @ upto[:, agree - 1] if agree > 1 else 0.0
    return float(np.clip(1 - below, 0, 1)), float(min((chance * wins)[agree:].sum(), 1.0))


@functools.cache
def _tables(raters, classes):
    """(wins float64[n + 1], upto float64[n + 1, n + 1]) of n raters.

    wins[x]: chance that the right label wins when it has x votes. upto[x, y]: chance that no label
    has more than y votes then. The n - x other votes fall evenly on classes - 1 wrong labels:
    coefficients of exponential generating functions, in z / (classes - 1) to stay in range.
    """
    if raters > MOST:
        raise KitError("there are too many raters an item", found=raters,
                       allowed=f"{MOST} or fewer", code="too-large")  # fmt: skip
    wrong = classes - 1
    terms = np.array([1 / wrong**j / math.factorial(j) for j in range(raters + 1)])
    wins, upto = np.zeros(raters + 1), np.zeros((raters + 1, raters + 1))
    for x in range(raters + 1):
        rest = raters - x
        ways = math.factorial(rest)
        for y in range(x, raters + 1):
            upto[x, y] = ways * _power(terms[: y + 1], wrong, rest)[rest]
        for tied in range(min(wrong, rest // x if x else 0) + 1):
            left = rest - tied * x
            others = _power(terms[:x], wrong - tied, left)[left]
            wins[x] += ways * math.comb(wrong, tied) * terms[x] ** tied * others / (tied + 1)
    return wins, upto


def _power(terms, exponent, degree):
    """float64[degree + 1]: coefficients of the polynomial `terms` to a power, cut at `degree`."""
    found = np.zeros(degree + 1)
    found[0] = 1.0
    base = np.zeros(degree + 1)
    base[: len(terms)] = terms[: degree + 1]
    while exponent:
        if exponent % 2:
            found = np.convolve(found, base)[: degree + 1]
        base = np.convolve(base, base)[: degree + 1]
        exponent //= 2
    return found


@vectorised(accuracy="share", truth="share", classes="several")
def matches(accuracy, truth, classes):
    """Chance that a rater says what a gold label says, when gold itself is right by `truth`."""
    return accuracy * truth + (1 - accuracy) * (1 - truth) / (classes - 1)


@vectorised(accuracy="share", golds="count", least="nonnegative")
def thrown_out(accuracy, golds, least):
    """Chance that a rater gets fewer than `least` of `golds` right; accuracy is on gold items."""
    from scipy.stats import binom

    return np.asarray(binom.cdf(least - 1, golds, accuracy))


@vectorised(label_usd="nonnegative", raters="count", review_share="share")
def usd_per_item(label_usd, raters=1, review_share=0.0):
    """USD for `raters` labels an item, a share of which is made once more to be compared."""
    return label_usd * raters * (1 + review_share)


@vectorised(item_usd="nonnegative", accuracy="share")
def usd_per_correct(item_usd, accuracy):
    """USD for each item whose label is right; infinite where none is and money is spent.

    An average: one rater an item nearly always wins it. What one more correct label costs is the
    difference in USD of two plans over the difference in right labels.
    """
    usd, share = np.broadcast_arrays(np.asarray(item_usd, float), accuracy)
    empty = np.where(usd > 0, np.inf, 0.0)
    return np.divide(usd, share, out=empty, where=share > 0)


@vectorised(budget_usd="nonnegative", item_usd="positive")
def labels_bought(budget_usd, item_usd):
    """Whole items that the budget labels; 0 where it does not reach one."""
    return np.floor(budget_usd / item_usd * (1 + 1e-12))


@vectorised(labels="nonnegative", accuracy="share")
def wrong_labels(labels, accuracy):
    """Labels expected to be wrong."""
    return labels * (1 - accuracy)


@vectorised(labels="nonnegative", seconds="nonnegative")
def work_hours(labels, seconds):
    """Hours of work, with `seconds` a label."""
    return labels * seconds / _HOUR_S


@vectorised(hours="nonnegative", people="count", hours_day="positive")
def work_days(hours, people, hours_day=8.0):
    """Working days, when the hours are shared evenly."""
    return hours / people / hours_day


@vectorised(wage_usd_h="nonnegative", labels_h="positive")
def usd_per_label(wage_usd_h, labels_h):
    """USD a label of somebody who is paid by the hour."""
    return wage_usd_h / labels_h


@vectorised(labels="nonnegative", item_usd="nonnegative", gpu_hours="positive", gpu_usd="positive")
def labels_over_training(labels, item_usd, gpu_hours, gpu_usd):
    """What the labels cost, in trainings: the chapter's rule of thumb says about 1000.

    item_usd: all labels of an item. gpu_hours: of one training, over all devices. gpu_usd: an hour.
    """
    return labels * item_usd / (gpu_hours * gpu_usd)


@vectorised(wrong="share", found="share", broken="share", passes="nonnegative")
def burn_down(wrong, found, broken=0.0, passes=1):
    """Share of labels still wrong after `passes` reviews, 0 to 1.

    Each pass mends a share `found` of the wrong and spoils a share `broken` of the right, so it
    ends at broken / (found + broken): w[t+1] = w[t] (1 - found) + (1 - w[t]) broken.
    """
    if (passes != np.floor(passes)).any():
        raise KitError("there are no parts of a review", found=passes, code="not-count",
                       allowed="0, 1, 2 ... passes")  # fmt: skip
    both = np.asarray(found + broken)
    end = np.divide(broken, both, out=np.array(wrong * np.ones_like(both)), where=both > 0)
    return end + (wrong - end) * (1 - both) ** passes


@vectorised(labels="nonnegative", wrong="share", budget_usd="nonnegative", item_usd="positive",
            review_usd="positive")  # fmt: skip
def fix_or_buy(curve, labels, wrong, budget_usd, item_usd, review_usd, found=1.0, broken=0.0,
               steps=21):  # fmt: skip
    """polars table: the budget split between reviewing labels and buying more, and what it gives.

    curve: accuracy (0 to 1) of a model as function of (labels, share wrong). labels, wrong: what
    there is; new labels are as often wrong. item_usd, review_usd: a new label, a look at one,
    old or new, chosen at random. found, broken: see `burn_down`. Columns: fix_share (of the
    budget), labels, reviewed, wrong, accuracy, best (the highest accuracy; the first of equals).
    What is left once every label was reviewed is not spent.
    """
    import polars as pl

    fix = np.linspace(0, 1, int(quantity("steps", steps, "several")))
    total = labels + np.floor((1 - fix) * budget_usd / item_usd)
    reviewed = np.minimum(total, np.floor(fix * budget_usd / review_usd))
    share = np.divide(reviewed, total, out=np.zeros_like(fix), where=total > 0)
    left = burn_down(wrong, found * share, broken * share)
    got = np.array([float(curve(n, w)) for n, w in zip(total, left, strict=True)])
    quantity("accuracy of the curve", got, "share")
    return pl.DataFrame({"fix_share": fix, "labels": total, "reviewed": reviewed, "wrong": left,
                         "accuracy": got, "best": np.arange(len(fix)) == got.argmax()})  # fmt: skip


def label_kinds(clip_s=1.0, segments=1):
    """polars table of kinds of labels: what an item stores and costs.

    Columns: kind, of ("image", "audio"), numbers (an item), bytes, usd_low, usd_high (an item;
    null where no source has a price), note. clip_s: length of a clip. segments: words in it. A
    class is one byte, a coordinate or a time four (float32). An image has as many boxes as the
    chapter says. Its 200 000 sets a mask of one byte a pixel against one byte a box.
    """
    import polars as pl

    from kit.audio.spec import FeatureSpec

    boxes, each = value("boxes_an_image"), value("box_values")
    pixels = value("mask_width") * value("mask_height")
    clip = value("kws_label")
    hops = FeatureSpec.rate / FeatureSpec.hop  # a second
    frames = math.floor(float(quantity("clip_s", clip_s, "positive")) * hops)
    segments = float(quantity("segments", segments, "count"))
    rows = [
        ("class", "image", 1, 1, value("crowd_label_low"), value("crowd_label_high"), ""),
        ("boxes", "image", boxes * each, boxes * (4 * (each - 1) + 1),
         boxes * value("box_label_low"), boxes * value("box_label_high"), ""),
        ("mask", "image", pixels, pixels, value("mask_label_low"), value("mask_label_high"), ""),
        ("clip", "audio", 1, 1, clip, clip, ""),
        ("segment", "audio", 3 * segments, 9 * segments, segments * clip * value("box_slower_low"),
         segments * clip * value("box_slower_high"),
         "a model: two edges take as much longer than a class as a box does"),
        ("frame", "audio", frames, frames, None, None, "aligned by machine, not labelled by hand"),
    ]  # fmt: skip
    names = ["kind", "of", "numbers", "bytes", "usd_low", "usd_high", "note"]
    table = pl.DataFrame(rows, names, orient="row", strict=False, infer_schema_length=None)
    return table.with_columns(pl.col("numbers", "bytes").cast(pl.Int64))
