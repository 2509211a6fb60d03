"""What a keyword spotter must reach: false wakes as rates, and why accuracy says little.

Windows are counted as independent, which neighbouring windows of sound are not: with a hop
shorter than the window the same sound is judged several times. The true rate is measured on a
stream; these are the orders of magnitude. Needs NumPy alone.
"""

import numpy as np

from kit.quantities import vectorised

HOUR_S, DAY_H, MONTH_D = 3600.0, 24.0, 30.0


@vectorised(period_h="positive", hop_s="positive")
def windows(period_h, hop_s=1.0):
    """Windows that an always-on device judges in `period_h` hours, one every `hop_s` seconds."""
    return period_h * HOUR_S / hop_s


@vectorised(false_wakes="positive", period_h="positive", hop_s="positive")
def allowed_fpr(false_wakes, period_h=DAY_H * MONTH_D, hop_s=1.0):
    """Largest false-positive rate a window that keeps to `false_wakes` in `period_h` hours."""
    return np.minimum(false_wakes / windows(period_h, hop_s), 1.0)


@vectorised(fpr="share", hop_s="positive")
def false_accepts_per_hour(fpr, hop_s=1.0):
    """False accepts an hour of a device that judges a window every `hop_s` s at rate `fpr`."""
    return fpr * HOUR_S / hop_s


@vectorised(accuracy="share", keyword_share="share", recall="share")
def implied_fpr(accuracy, keyword_share, recall=1.0):
    """False-positive rate behind an `accuracy`, where `keyword_share` of windows are keywords.

    accuracy = share x recall + (1 - share) x (1 - fpr), solved for the rate and held in [0, 1].
    """
    others = np.maximum(1 - keyword_share, 1e-300)
    return np.clip(1 - (accuracy - keyword_share * recall) / others, 0, 1)


@vectorised(keywords_per_h="nonnegative", recall="share", fa_per_h="nonnegative")
def precision(keywords_per_h, recall, fa_per_h):
    """Share of wakes that were meant: true wakes over all wakes; 1 where there are none."""
    true = keywords_per_h * recall
    return np.divide(true, true + fa_per_h, out=np.ones(np.broadcast(true, fa_per_h).shape),
                     where=(true + fa_per_h) > 0)  # fmt: skip


@vectorised(fa_per_h="nonnegative", users="positive", period_h="positive")
def fleet_false_wakes(fa_per_h, users, period_h=DAY_H):
    """False wakes of `users` devices in `period_h` hours."""
    return fa_per_h * users * period_h


@vectorised(fa_per_h="positive", false_share="fraction")
def hours_to_prove(fa_per_h, false_share=0.05):
    """Hours of stream without one false accept that make a rate of `fa_per_h` implausible.

    Poisson: exp(-rate x hours) = `false_share`; at 5 % these are about three over the rate
    (rule of three, Hanley and Lippman-Hand 1983).
    """
    return -np.log(false_share) / fa_per_h
