"""Devices whose owners give up on them, and a feature that knew about it beforehand.

False wakes come at random, at a rate that is the device's own. Every one of the last days' wakes
makes it more likely that the owner switches the device off for good, and then it is silent. Asked
each day: will it be switched off within a week? Everything is simulated here, so that the best
possible answer is known.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from kit import storage

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
WINDOW_DAYS = 7  # that the feature counts, and that the label looks ahead
_RATE_DAY = (0.5, 1.0)  # median of false wakes a day; spread, as sigma of its logarithm
_BASE, _A_WAKE = 0.004, 0.0022  # chance a day of giving up: always, and for each wake in the window
_BINS = 6


def fleet(devices=600, days=70, seed=0):
    """(events, owners): polars tables of false wakes (device, time) and of when owners gave up
    (device, off: time, or null)."""
    rng = np.random.default_rng(seed)
    rate = _RATE_DAY[0] * np.exp(rng.normal(0, _RATE_DAY[1], devices))
    counts = rng.poisson(rate[:, None], (devices, days))
    recent = np.cumsum(counts, 1)
    recent[:, WINDOW_DAYS:] -= np.cumsum(counts, 1)[:, :-WINDOW_DAYS]
    gone = rng.random((devices, days)) < _BASE + _A_WAKE * recent
    off = np.where(gone.any(1), gone.argmax(1) + 1, days + 1)  # the first day of silence
    counts[np.arange(days) >= off[:, None]] = 0
    device, day = np.repeat(np.indices(counts.shape).reshape(2, -1), counts.ravel(), axis=1)
    seconds = 86_400 * (day + rng.random(len(day)))
    events = pl.DataFrame({"device": device, "time": _times(seconds)}).sort("time")
    owners = pl.DataFrame({"device": np.arange(devices), "off": _times(86_400.0 * off)})
    return events, owners.with_columns(
        pl.when(pl.col("off") <= BEGIN + timedelta(days=days)).then("off")
    )


def asked(owners, days):
    """A row for each device and day on which it is on: device, time, gives_up (within a week)."""
    times = pl.DataFrame({"time": [BEGIN + timedelta(days=int(d)) for d in days]})
    rows = owners.join(times, how="cross").filter(
        pl.col("off").is_null() | (pl.col("time") < pl.col("off"))
    )
    soon = pl.col("off") <= pl.col("time") + timedelta(days=WINDOW_DAYS)
    return rows.select(
        "device", pl.col("time").cast(_TIME), gives_up=soon.fill_null(False)
    ).sort("time", "device")  # fmt: skip


def counted(events, devices, times):
    """The feature `wakes` of `devices` (polars Series): false wakes of the last WINDOW_DAYS at each
    of `times`, a row a device and time."""
    devices, parts = devices.alias("device").to_frame(), []
    for time in times:
        since = time - timedelta(days=WINDOW_DAYS)
        own = events.filter(pl.col("time").is_between(since, time, closed="right"))
        count = own.group_by("device").agg(pl.len().cast(pl.Int64).alias("wakes"))
        parts.append(devices.join(count, on="device", how="left").with_columns(
            pl.col("wakes").fill_null(0), time=pl.lit(time, _TIME)))  # fmt: skip
    return pl.concat(parts)


def trials(seed=0, devices=600, days=70):
    """Models from the leaking and from the right join, marked in the past and in service.

    polars table, a row a join: join, promised (AUC on the last fifth of the past, with the same
    join), served (AUC in the weeks after, with what is known then), leaked (values of the training
    table that `storage.leaks` proves to come from the future), rows.
    """
    weeks, split, end = WINDOW_DAYS, int(0.55 * days), int(0.75 * days)
    events, owners = fleet(devices, days, seed)
    daily = [BEGIN + timedelta(days=d) for d in range(weeks, days - weeks)]
    facts = counted(events, owners["device"], daily)
    past, later = (asked(owners, range(*ends)) for ends in ((weeks, end - weeks),
                                                            (end, days - weeks)))  # fmt: skip
    newest = facts.filter(pl.col("time") == BEGIN + timedelta(days=end)).drop("time")
    joins = {"newest value": past.join(newest, on="device", how="left", maintain_order="left"),
             "as of the day": storage.as_of(past, facts, "device")}  # fmt: skip
    now = storage.as_of(later, facts, "device")
    rows = []
    for name, table in joins.items():
        early = table["time"] < BEGIN + timedelta(days=split - weeks)
        model = learnt(*_columns(table.filter(early)))
        held, truth = _columns(table.filter(~early))
        promised, served = auc(model(held), truth), auc(model(_columns(now)[0]), _columns(now)[1])
        seen = storage.leaks(table.drop("time_of_fact", strict=False), facts, "device")
        ahead = seen.filter(pl.col("kind") == "future").height
        rows.append((name, promised, served, ahead, table.height))
    return pl.DataFrame(rows, ["join", "promised", "served", "leaked", "rows"], orient="row")


def learnt(values, truth):
    """A model of one feature: function of float[n] -> chance, the share of `truth` in its bin."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
    place = np.searchsorted(edges, values, side="left")
    share = np.array([truth[place == i].mean() if (place == i).any() else truth.mean()
                      for i in range(len(edges) + 1)])  # fmt: skip
    return lambda new: share[np.searchsorted(edges, new, side="left")]


def auc(scores, truth):
    """Area under the ROC curve, 0 to 1: chance that a true row scores above a false one (Mann and
    Whitney 1947); ties count half."""
    from scipy.stats import rankdata

    ranks, true = rankdata(scores), truth.sum()
    if not 0 < true < len(truth):
        return np.nan
    return (ranks[truth].sum() - true * (true + 1) / 2) / (true * (len(truth) - true))


_TIME = pl.Datetime("us", "UTC")


def _times(seconds):
    us = pl.Series(np.round(np.asarray(seconds) * 1e6).astype(np.int64))
    return pl.Series([BEGIN]).cast(_TIME)[0] + us.cast(pl.Duration("us"))


def _columns(table):
    return table["wakes"].to_numpy().astype(float), table["gives_up"].to_numpy()
