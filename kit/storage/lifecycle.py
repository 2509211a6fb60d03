"""When an object should move to a colder tier: break-even of storage, requests and retrieval.

Both tiers are `kit.storage.tiers.Tier`. A move costs one request to write; a read costs what the
tier asks for a request and for its bytes. Months have 30 days. Needs NumPy alone.
"""

import numpy as np

from kit.quantities import vectorised

_MONTH_D = 30.0


@vectorised(object_mb="positive", reads="nonnegative")
def break_even_days(object_mb, hot, cold, reads=1.0):
    """Days from which on an object that lay in `cold` was cheaper there; inf if none is.

    object_mb: size, MB. reads: of the whole object in that time. Solves
    put + reads x (read there - read here) + cold month x max(T, least) = hot month x T.
    """
    here, there = _day_usd(object_mb, hot), _day_usd(object_mb, cold)
    extra = cold.put_usd + reads * _more_for_a_read(object_mb, hot, cold)
    early = (extra + there * cold.least_days) / here  # while the shortest time is billed
    with np.errstate(divide="ignore", invalid="ignore"):
        later = np.where(here > there, extra / (here - there), np.where(extra > 0, np.inf, 0.0))
    days = np.maximum(np.where(early <= cold.least_days, early, later), 0.0)
    return np.where(here < there, np.inf, days)


@vectorised(object_mb="positive", days="positive")
def break_even_reads(object_mb, hot, cold, days=_MONTH_D):
    """Reads of a whole object in `days` above which `cold` is the dearer place; 0 if it always is.

    days: how long it lies there after the move. inf where a read there costs no more.
    """
    saved = _saved_usd(object_mb, hot, cold, days) - cold.put_usd
    more = _more_for_a_read(object_mb, hot, cold)
    with np.errstate(divide="ignore", invalid="ignore"):
        reads = np.where(more > 0, saved / more, np.where(saved >= 0, np.inf, 0.0))
    return np.maximum(reads, 0.0)


@vectorised(days="positive", reads="nonnegative")
def smallest_object_mb(hot, cold, days=365.0, reads=0.0):
    """MB from which on a move pays within `days`; inf if no size pays.

    Requests are paid by the object, storage by the byte: small objects stay, or are packed first.
    reads: of the whole object within `days`.
    """
    fees = cold.put_usd + reads * (cold.get_usd - hot.get_usd)
    gain = _saved_usd(1.0, hot, cold, days)
    gain = gain - reads * (cold.retrieval_usd_gb - hot.retrieval_usd_gb) / 1e3
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gain > 0, np.maximum(fees, 0.0) / gain, np.inf)


@vectorised(reads_month="positive", half_life_days="positive", object_mb="positive")
def cold_from_age_days(reads_month, half_life_days, object_mb, hot, cold):
    """Age in days at which an object that is read less and less should move; 0: at once, or inf.

    reads_month: of a new object, times a month; halves every `half_life_days`. The age at which a
    month's reads cost as much more in `cold` as its storage costs less. Right for objects that
    are then kept for long; the request of the move and the shortest time are not counted.
    """
    saved = (_day_usd(object_mb, hot) - _day_usd(object_mb, cold)) * _MONTH_D
    more = _more_for_a_read(object_mb, hot, cold)
    with np.errstate(divide="ignore", invalid="ignore"):
        age = half_life_days * np.log2(reads_month * np.maximum(more, 0.0) / np.maximum(saved, 0.0))
    age = np.where(np.isnan(age), 0.0, age)  # neither costs more
    return np.maximum(age, 0.0)


def _day_usd(object_mb, tier):
    return object_mb / 1e6 * tier.month_usd_tb / _MONTH_D


def _saved_usd(object_mb, hot, cold, days):
    billed = np.maximum(days, cold.least_days)
    return _day_usd(object_mb, hot) * days - _day_usd(object_mb, cold) * billed


def _more_for_a_read(object_mb, hot, cold):
    by_byte = cold.retrieval_usd_gb - hot.retrieval_usd_gb
    return cold.get_usd - hot.get_usd + object_mb / 1e3 * by_byte
