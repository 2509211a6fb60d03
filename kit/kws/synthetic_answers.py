"""Closed forms in the units that the questions of lesson 03 are asked in."""

import math

from kit.intervals import wilson


def copies_gb(thousand_clips, copies, khz):
    """GB of the stored copies of so many clips: one second each, two bytes a sample."""
    return thousand_clips * 1e3 * copies * khz * 1e3 * 2 / 1e9


def cores_needed(wanted_per_s, core_per_s):
    """Whole cores that augment as many clips a second as training takes."""
    return math.ceil(wanted_per_s / core_per_s)


def noise_rms(speech_rms, snr_db):
    """Root mean square of the noise that lies `snr_db` below the speech."""
    return speech_rms * 10 ** (-snr_db / 20)


def pause_db(spoken_percent):
    """dB by which a clip's mean power lies below that of its speech, the rest being silent."""
    return -10 * math.log10(spoken_percent / 100)


def absorbed_percent(length, width, height, rt60_s):
    """Share of the sound that the walls of a room (m) swallow, after Sabine, per cent."""
    walls = 2 * (length * width + width * height + height * length)
    return 100 * 0.161 * length * width * height / (walls * rt60_s)


def fallen_db(rt60_s, ms):
    """dB that sound has lost `ms` after it was switched off."""
    return 60 * ms / 1e3 / rt60_s


def interval_points(right, clips, certainty_percent):
    """Points between both ends of Wilson's interval of an accuracy."""
    low, high = wilson(right, clips, certainty_percent / 100)
    return 100 * float(high - low)


def clips_bought(budget_usd, share_percent, record_usd, made_usd):
    """Clips for a budget of which a share goes to recordings, the rest to synthesis."""
    share = share_percent / 100
    return budget_usd * share / record_usd + budget_usd * (1 - share) / made_usd


def recorded_percent(share_percent, record_usd, made_usd):
    """Share of the clips that are recordings, where a share of the money goes to them."""
    recorded = share_percent / record_usd
    return 100 * recorded / (recorded + (100 - share_percent) / made_usd)


def auc(pairs, right):
    """Area under the curve: share of pairs that a classifier puts in the right order."""
    return right / pairs


def with_sibling_percent(copies, test_percent):
    """Test clips that have one of the other copies in the training, copies drawn one by one."""
    return 100 * (1 - (test_percent / 100) ** (copies - 1))


def shifted_hz(hz, faster_percent):
    """Pitch of a voice that is played faster."""
    return hz * (1 + faster_percent / 100)


def usd_per_point(usd, before_percent, after_percent):
    """USD for each point of accuracy that a measure brings."""
    return usd / (after_percent - before_percent)


def most_per_h(count, hours, certainty_percent):
    """Highest rate an hour that goes with `count` events in `hours`, one-sided, exact."""
    from scipy.stats import chi2

    return float(chi2.ppf(certainty_percent / 100, 2 * count + 2) / 2 / hours)


def hours_to_promise(count, per_h, certainty_percent):
    """Hours after which `count` events still let `per_h` be promised."""
    return most_per_h(count, 1.0, certainty_percent) / per_h


def separable_bytes(channels, kernel):
    """Bytes of the int8 weights of a depthwise layer and the pointwise one behind it."""
    return channels * kernel + channels**2


def weights_kb(thousand_parameters, bits):
    """kB of so many parameters."""
    return thousand_parameters * bits / 8
