"""Hidden checks of lab 03: instances that the student has not seen. For instructors only.

KIT_GRADING_SEED draws another set of instances for each course.
"""

import checks_lab03 as visible
import numpy as np
import polars as pl

from kit.course import expect

_SEEDS = expect.hidden_seeds("lab03")


@expect.checked
def noise(mix_at_snr):
    """Task 1: other clips, speech without a pause, and one spoken sample."""
    expect.again(visible.noise, mix_at_snr, _SEEDS)
    speech, hiss = np.array([0.5, -0.5, 0.25]), np.array([1.0, 1.0, -1.0])
    for spoken in ([True, True, True], [False, False, True]):
        visible._mixture(mix_at_snr, speech, np.array(spoken), hiss, 0.0)


@expect.checked
def impossible(mix_at_snr):
    """Task 1: other mixtures that cannot be."""
    expect.again(visible.impossible, mix_at_snr, _SEEDS)


@expect.checked
def rt60(rt60):
    """Task 2: other rooms, and a fall without any noise, whose time is known."""
    expect.again(visible.rt60, rt60, _SEEDS)
    time = np.arange(8000) / 8000
    expect.near(rt60(10 ** (-3 * time / 0.3), 8000), 0.3, "rt60 of a pure fall", tolerance=3e-3)


@expect.checked
def absorption(absorption):
    """Task 2: other rooms, and one whose walls swallow nearly everything."""
    expect.again(visible.absorption, absorption, _SEEDS)
    time = round(visible._sabine((5.0, 4.0, 3.0)) / 0.98, 4)
    call = f"absorption((5.0, 4.0, 3.0), {time})"
    expect.near(absorption((5.0, 4.0, 3.0), time), 0.98, call, tolerance=2e-3)


@expect.checked
def split(group_split):
    """Task 3: other clips, two groups, and one clip that ties all others together."""
    expect.again(visible.split, group_split, _SEEDS)
    dice = expect.dice(_SEEDS[0])
    for share in (0.02, 0.98):
        table, sizes = visible._families(dice, [9, 1])
        visible._parts(group_split, table, share, max(sizes))
    table, _ = visible._families(dice, [3, 1, 4, 1, 5])
    tie = {"clip_id": "all", "source_id": "all", "speaker": "all"}
    tie["mixed_from"] = sorted(set(table["source_id"].to_list()))
    one = pl.concat([table, pl.DataFrame([tie])])
    what = "group_split, where one babble holds every recording,"
    expect.refuses(lambda: group_split(one, 0.5), what)


@expect.checked
def point(operating_point):
    """Task 4: other streams, and one threshold alone."""
    expect.again(visible.point, operating_point, _SEEDS)
    row = {"threshold": 0.5, "false_accepts": 2, "hours": 10.0, "missed": 100, "words": 100}
    for budget in (0.3, 0.6, 0.7):  # below the rate, above the rate, above its bound
        visible._chosen(operating_point(pl.DataFrame([row]), budget), pl.DataFrame([row]), budget)


@expect.checked
def plan(data_budget):
    """Task 5: other markets."""
    expect.again(visible.plan, data_budget, _SEEDS)


@expect.checked
def accuracy(data_budget):
    """Task 5: other speakers, whom no source has heard either."""
    from kit.experiments import budget as market

    for speaker in market.testers()[1:]:
        visible.accuracy.__wrapped__(data_budget, None, speaker)
