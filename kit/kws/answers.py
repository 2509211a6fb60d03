"""Closed forms in the units that the questions of lesson 02 are asked in."""

from kit.kws import acquisition, design, targets


def allowed_per_million(wakes, days, hop_ms):
    """Windows of a million that may wake a device `wakes` times in `days` days."""
    return 1e6 * targets.allowed_fpr(wakes, targets.DAY_H * days, hop_ms / 1e3)


def wakes_per_day(per_million, hop_ms):
    """False wakes a day at a rate of `per_million` windows."""
    return targets.false_accepts_per_hour(per_million / 1e6, hop_ms / 1e3) * targets.DAY_H


def wrong_per_thousand(accuracy_percent, one_in):
    """False wakes in a thousand windows without the word, which fills one window in `one_in`."""
    return 1e3 * targets.implied_fpr(accuracy_percent / 100, 1 / one_in)


def fleet_wakes(thousand_users, days):
    """False wakes a day of all devices, if each has one in `days` days."""
    return targets.fleet_false_wakes(1 / (targets.DAY_H * days), 1e3 * thousand_users)


def hours_to_prove(fa_per_h, risk_percent):
    """Hours without a wake that let `fa_per_h` be claimed at that risk of being wrong."""
    return targets.hours_to_prove(fa_per_h, risk_percent / 100)


def both_effects(base, first, second):
    """Accuracy in per cent after two effects in points, each on the errors that are left."""
    return design.combined([first, second], base, "shrink")


def thousand_labels(budget_kusd, share_percent, cents, review_percent):
    """Thousands of labels that a share of a budget buys, some of them paid twice."""
    share = share_percent / 100
    found = design.budget(
        budget_kusd * 1e3, (share, 1 - share, 0.0), cents / 100, review_percent / 100
    )
    return found["labels"] / 1e3


def labeling_years(million_clips, seconds, hours):
    """Years of `hours` working hours to label clips once, by hand."""
    return million_clips * 1e6 * seconds / 3600 / hours


def kept_usd(make_usd, label_usd, kept_percent):
    """USD for a clip that passes the gates."""
    return acquisition.usd_per_kept_clip(make_usd, label_usd, kept_percent / 100)


def to_collect(lacking, kept_percent):
    """Clips to order so that `lacking` are expected to pass."""
    return acquisition.clips_to_collect(lacking, kept_percent / 100)


def passing_both(first_percent, second_percent):
    """Per cent that pass two independent gates."""
    return 100 * (1 - first_percent / 100) * (1 - second_percent / 100)


def dead_letters(read, duplicates, written):
    """What must have been rejected, if nothing was lost."""
    return read - duplicates - written
