"""The gap: can a machine tell synthetic clips from recorded ones, and what does that cost?

Needs NumPy; the accuracy needs torch.
"""

import numpy as np

from kit.audio.augment import preset
from kit.audio.features import extract
from kit.audio.quality import speech_span
from kit.errors import KitError
from kit.experiments import scale
from kit.experiments.folds import averaged, folds, tested_table, unseen
from kit.experiments.runs import Task, outcomes
from kit.experiments.takes import BAND_HZ, Takes, synthetic

_RIDGE = 10.0
_PARTS = 5
# what is done to synthetic clips before they are compared and trained on -> (band, preset)
TREATMENTS = {
    "as synthesised": (None, None),
    "same band": (BAND_HZ, None),
    "same band, noise": (BAND_HZ, "light"),
    "same band, rooms and all": (BAND_HZ, "full"),
}


def gap(people, size=None, progress=None):
    """How far synthesis is from people, by the treatment of its clips.

    people: Takes. size: Scale. polars table: treatment; auc, of a classifier that tells synthetic
    from recorded clips (0.5 is a guess, 1 is always right), with low and high; accuracy_percent on
    unseen people of a spotter that learnt from these synthetic clips alone; points, by which one
    that learnt from as many recordings is better.
    """
    import polars as pl

    size = size or scale()
    tasks, rows, about = [], [], []
    for seed, fold in enumerate(folds(people, size.tested)):
        tests, others = unseen(people, fold), people.without(fold)
        count = min(size.budget, len(others.clips))
        own = others.few(count, seed)
        made = {name: treated(count, *how, seed) for name, how in TREATMENTS.items()}
        rows += [{"treatment": n, **two_sample_auc(own, part)} for n, part in made.items()]
        for name, part in {"": own, **made}.items():
            tasks.append(Task(part, tests, _how(size, seed)))
            about.append({"treatment": name, "seed": seed})
    found = outcomes(tasks, progress=progress)
    mean = averaged(tested_table(about, found), ["treatment"])
    own = mean.row(by_predicate=pl.col("treatment") == "", named=True)["accuracy_percent"]
    aucs = pl.DataFrame(rows).group_by("treatment", maintain_order=True).mean()
    accuracies = mean.select("treatment", "accuracy_percent")
    return aucs.join(accuracies, on="treatment", maintain_order="left").with_columns(
        points=own - pl.col("accuracy_percent")
    )


def treated(count, band_hz, augment, seed=0):
    """Takes of `count` synthetic clips, cut above band_hz, changed by a preset; None for none."""
    made = synthetic(count, seed, band_hz)
    if augment is None:
        return made
    clips = preset(augment)(made.clips, list(range(count)), seed=seed)
    return Takes(clips, made.labels, made.speakers)


def two_sample_auc(own, other, seed=0):
    """dict of auc, low, high: how well a linear classifier tells two Takes apart.

    It sees the mean and spread of each coefficient while somebody speaks, and is judged on
    speakers it has not seen, in five parts. Its score is the area under the receiver operating
    characteristic; interval after Hanley and McNeil 1982.
    """
    for part in (own, other):
        if len(set(part.speakers.tolist())) < 2:
            raise KitError(
                "both sides need two speakers or more: the classifier would learn a voice",
                found=sorted(set(part.speakers.tolist())),
                allowed="clips of two speakers or more on each side",
                code="no-honest-split",
            )
    x = np.concatenate([_summary(own.clips), _summary(other.clips)])
    y = np.repeat([0.0, 1.0], [len(own.clips), len(other.clips)])
    part = np.concatenate([_parts(own.speakers, seed), _parts(other.speakers, seed + 1)])
    score = np.zeros(len(y))
    for number in range(_PARTS):
        test = part == number
        if test.any() and 0 < y[~test].sum() < (~test).sum():
            score[test] = _ridge(x[~test], y[~test], x[test])
    auc = _area(score[y == 0], score[y == 1])
    return {"auc": auc, **_interval(auc, int((y == 0).sum()), int((y == 1).sum()))}


def _how(size, seed):
    return {"seed": seed, "passes": size.passes, "augment": "light"}


def _summary(clips, rate=16_000):
    """float64[n, 2 coeffs]: mean and standard deviation of the features of the speech."""
    features = extract(clips, "kws").astype(np.float64)
    start, length = speech_span(clips, rate)
    frames = features.shape[1]
    at = (np.arange(frames) + 0.5) / frames * clips.shape[1] / rate
    spoken = (at >= start[:, None]) & (at <= (start + length)[:, None])
    spoken[~spoken.any(1)] = True
    weight = (spoken / spoken.sum(1, keepdims=True))[..., None]
    mean = (features * weight).sum(1)
    spread = np.sqrt(np.maximum((features**2 * weight).sum(1) - mean**2, 0))
    return np.concatenate([mean, spread], 1)


def _parts(speakers, seed):
    """int[n]: the part of each clip; all clips of a speaker lie in one."""
    names = sorted(set(speakers.tolist()))
    order = np.random.default_rng(seed).permutation(len(names)) % _PARTS
    place = dict(zip(names, order.tolist(), strict=True))
    return np.array([place[name] for name in speakers.tolist()])


def _ridge(x, y, test):
    """Scores of a ridge regression on the classes, both weighing the same."""
    weight = np.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum()) * len(y)
    mean = np.average(x, axis=0, weights=weight)
    scale_ = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight)) + 1e-6
    z = (x - mean) / scale_
    inner = (z * weight[:, None]).T @ z + _RIDGE * np.eye(z.shape[1])
    return (test - mean) / scale_ @ np.linalg.solve(inner, z.T @ (weight * (y - 0.5)))


def _area(low, high):
    """Probability that one of `high` lies above one of `low` (Mann and Whitney 1947)."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([low, high]))[len(low) :]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(low) * len(high)))


def _interval(auc, n, m):
    """dict of low, high: 95 %, after Hanley and McNeil 1982."""
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (m - 1) * (one - auc**2) + (n - 1) * (two - auc**2)
    half = 1.96 * np.sqrt(max(variance, 0) / (n * m))
    return {"low": max(0.0, float(auc - half)), "high": min(1.0, float(auc + half))}
