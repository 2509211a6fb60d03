"""The mix: recordings and synthesis together, for as many clips or for as many dollars."""

from dataclasses import replace

from kit.assumptions import value
from kit.errors import KitError
from kit.experiments import scale
from kit.experiments.folds import FEWEST, averaged, folds, seeds_of, tested_table, unseen
from kit.experiments.runs import Task, outcomes
from kit.experiments.takes import joined, synthetic

SHARES = (0.0, 0.1, 0.5, 1.0)  # of the clips, or of the dollars, that are recordings
GRID_REAL, GRID_SYNTHETIC = (0, 25, 50, 100, 250, 1000), (0, 100, 400, 1500)
CONDITIONS = ("clean", "noisy")


def mix_by_clips(people, size=None, augments=("none", "light"), progress=None):
    """Accuracy on unseen people of models that learnt from equally many clips.

    people: Takes. size: Scale. augments: presets of kit.audio.augment to train with; where few
    speakers test, mixtures get the last alone, and pure sets all of them.
    polars table, see `averaged`: augment, condition (clean or noisy), real_share, real and
    synthetic (clips).
    """
    size = size or scale()
    most = min(len(people.without(fold).clips) for fold in folds(people, size.tested))
    total = min(size.budget, most)
    mixes = [(share, *_split(share, total)) for share in SHARES]
    return _measured(people, mixes, size, augments, CONDITIONS, progress)


def mix_by_dollars(people, budget_usd=None, size=None, progress=None):
    """Accuracy on unseen people of models that learnt from what the same money buys.

    budget_usd: by default the price of a fifth of the clips of `size`, recorded. A recorded clip
    costs kit.assumptions "kws_label" with its review, a synthetic one the chapter's tenth of that.
    polars table, see `mix_by_clips`, with usd.
    """
    import polars as pl

    size = size or scale()
    recorded, made = prices()
    dollars = size.budget / 5 * recorded if budget_usd is None else budget_usd
    mixes = [(share, round(share * dollars / recorded), round((1 - share) * dollars / made))
             for share in SHARES]  # fmt: skip
    table = _measured(people, mixes, size, ("light",), ("clean",), progress)
    return table.with_columns(usd=pl.col("real") * recorded + pl.col("synthetic") * made)


def mix_grid(people, size=None, progress=None):
    """Accuracy for every pair of GRID_REAL and GRID_SYNTHETIC clips; see `mix_by_clips`."""
    size = replace(size or scale(), seeds=1)
    mixes = [(real / max(real + made, 1), real, made)
             for real in GRID_REAL for made in GRID_SYNTHETIC if real + made]  # fmt: skip
    return _measured(people, mixes, size, ("light",), ("clean",), progress)


def prices():
    """(USD of a recorded clip with its label, USD of a synthetic one)."""
    recorded = value("kws_label") * (1 + value("kws_review"))
    return recorded, recorded / value("synthetic_cheaper")


def mixture(people, real, made, seed):
    """Takes of `real` recordings, drawn evenly by `seed`, and `made` synthetic clips."""
    if not real + made:
        raise KitError("a mix holds no clip", found=f"{real} and {made}", allowed="one or more",
                       code="no-example")  # fmt: skip
    parts = [people.few(real, seed)] if real else []
    if made:
        parts.append(synthetic(made, seed))
    return joined(*parts)


def _split(share, total):
    real = round(share * total)
    return real, total - real


def _measured(people, mixes, size, augments, conditions, progress):
    tasks, about = [], []
    for number, fold in enumerate(folds(people, size.tested)):
        tests, others = unseen(people, fold, conditions), people.without(fold)
        for seed in seeds_of(number, size):
            for share, real, made in mixes:
                train = mixture(others, real, made, seed)
                pure = 0 in (real, made)
                for augment in augments if pure or size.tested >= FEWEST else augments[-1:]:
                    how = {"seed": seed, "passes": size.passes, "augment": augment}
                    tasks.append(Task(train, tests, how))
                    about.append({"augment": augment, "real_share": share, "real": real,
                                  "synthetic": made, "seed": seed})  # fmt: skip
    return _table(about, outcomes(tasks, progress=progress))


def _table(about, found):

    by = ["augment", "condition", "real_share", "real", "synthetic"]
    return averaged(tested_table(about, found), by).sort(
        "augment", "condition", "real", "synthetic"
    )
