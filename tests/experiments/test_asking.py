"""Active learning: who tests, what is averaged, what is kept."""

import numpy as np
import polars as pl
import pytest

from kit.errors import KitError
from kit.experiments import Scale, asking

SMALL = Scale(passes=64, tested=2, seeds=1, budget=48, parts=1)


@pytest.fixture
def pools(monkeypatch):
    """What each loop was given."""
    import kit.labeling.assisted.active as active

    seen, real = [], active.loop

    def spied(learner, pool, labels, test, *args, **kwargs):
        seen.append((pool, test))
        return real(learner, pool, labels, test, *args, **kwargs)

    monkeypatch.setattr("kit.labeling.assisted.loop", spied, raising=False)
    return seen


def test_a_curve_for_each_task_strategy_and_seed_and_kept(tones, pools):
    table = asking.curves(tones, seeds=2, batch=20, size=SMALL)
    assert len(pools) == 2 * 2 * 2
    sizes = [(len(pool), len(test[1])) for pool, test in pools]
    assert set(sizes) == {(96, 48)}  # two of six speakers test, or as many clips
    found = table.group_by("task", "strategy").agg(pl.col("seed").n_unique())
    assert found.height == 4
    assert set(found["seed"]) == {2}
    assert asking.curves(tones, seeds=2, batch=20, size=SMALL).equals(table)
    assert len(pools) == 8


def test_strangers_test_in_one_task_alone(tones):
    parts = asking._tests(tones)
    assert set(tones.speakers[parts["new speakers"]]) == {"s4", "s5"}
    assert len(set(tones.speakers[parts["same speakers"]])) > 2
    with pytest.raises(KitError, match="too few speakers"):
        asking._tests(tones.by(["s0", "s1"]))


def test_means_are_over_seeds_with_students_interval():
    rows = [("new speakers", "random", seed, 20, accuracy)
            for seed, accuracy in enumerate((0.5, 0.6, 0.7))]  # fmt: skip
    names = ["task", "strategy", "seed", "labels", "accuracy"]
    (row,) = asking.mean_curves(pl.DataFrame(rows, names, orient="row")).to_dicts()
    assert row["accuracy"] == pytest.approx(0.6)
    assert row["high"] - 0.6 == pytest.approx(4.303 * 0.1 / 3**0.5, rel=1e-3)
    assert row["low"] >= 0


def test_twice_the_labels_is_a_multiplier_of_two():
    rows = [("same speakers", name, seed, n, min(1.0, n * factor / 400 + 0.001 * seed))
            for name, factor in (("random", 1), ("margin", 2))
            for seed in range(3) for n in range(20, 401, 20)]  # fmt: skip
    names = ["task", "strategy", "seed", "labels", "accuracy"]
    found = asking.multipliers(pl.DataFrame(rows, names, orient="row"), (0.5, 0.8))
    assert found["strategy"].to_list() == ["margin"] * 2
    assert found["multiplier"].to_list() == pytest.approx([2, 2], rel=0.02)


def test_features_of_a_clip_do_not_depend_on_its_level(tones):
    few = tones.clips[:6]
    found = asking.embedded(few)
    assert found.shape == (6, 12 * 13 + 26)
    assert np.isfinite(found).all()
    softer = asking.embedded(few // 2)
    assert np.abs(softer[:, :156] - found[:, :156]).max() < 0.5
