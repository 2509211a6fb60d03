"""Augmentation that helps and augmentation that backfires: one training, changed one way each."""

from kit.audio.augment import preset
from kit.experiments import scale
from kit.experiments.folds import averaged, folds, seeds_of, tested_table, unseen
from kit.experiments.runs import Task, outcomes

TREATMENTS = {  # name -> what the Augmenter does
    "none": {},
    "time shift": {"shift_s": (-0.1, 0.1)},
    "level": {"gain_db": (-12.0, 6.0)},
    "noise": {"noise_share": 0.8, "snr_db": (5.0, 30.0)},
    "rooms": {"room_share": 0.5, "rt60_s": (0.2, 0.5)},
    "speed": {"speed": (0.85, 1.15)},
    "band limit": {"band_share": 0.5},
    "masks": {"time_masks": 2, "frequency_masks": 2},
}
CONDITIONS = ("clean", "device")


def backfire(people, size=None, progress=None):
    """What each augmentation, alone, does to a clean test and to a device across the room.

    people: Takes. size: Scale. polars table, one row a treatment in TREATMENTS: clean_percent and
    device_percent (accuracy on unseen people) with clean_low, clean_high, device_low, device_high
    (95 % intervals, see `folds.averaged`), clean_points and device_points (gained over "none").
    """

    size = size or scale()
    tasks, about = [], []
    for number, fold in enumerate(folds(people, size.tested)):
        tests, others = unseen(people, fold, CONDITIONS), people.without(fold)
        for seed in seeds_of(number, size):
            own = others.few(min(size.budget, len(others.clips)), seed)
            for name, changes in TREATMENTS.items():
                how = {"seed": seed, "passes": size.passes, "augment": preset("none", **changes)}
                tasks.append(Task(own, tests, how))
                about.append({"treatment": name, "seed": seed})
    found = outcomes(tasks, progress=progress)
    return _wide(averaged(tested_table(about, found), ["treatment", "condition"]))


def _wide(table):
    """One row a treatment, in the order of TREATMENTS, with what it gained over "none"."""
    import polars as pl

    parts = []
    for condition in CONDITIONS:
        one = table.filter(condition=condition)
        none = one.row(by_predicate=pl.col("treatment") == "none", named=True)
        parts.append(one.select(
            "treatment",
            pl.col("accuracy_percent").alias(f"{condition}_percent"),
            pl.col("low_percent").alias(f"{condition}_low"),
            pl.col("high_percent").alias(f"{condition}_high"),
            (pl.col("accuracy_percent") - none["accuracy_percent"]).alias(f"{condition}_points"),
        ))  # fmt: skip
    both = parts[0].join(parts[1], on="treatment")
    order = {name: i for i, name in enumerate(TREATMENTS)}
    return both.sort(pl.col("treatment").replace_strict(order, return_dtype=pl.Int64))
