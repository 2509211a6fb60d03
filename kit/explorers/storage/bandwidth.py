"""The explorer of bandwidth: what a device needs, what each storage brings, and who waits."""

import polars as pl

from kit.assumptions import value as _value
from kit.bench import recorded
from kit.claims import claim
from kit.errors import KitError
from kit.explorers.base import Control, Explorer
from kit.explorers.storage.tiers import joined, positive
from kit.numbers import plural, shown
from kit.storage import feeding
from kit.storage.tiers import Tier, chapter_tiers
from kit.views.storage import bandwidth as views

_CHAPTER = feeding.chapter_consumers()
_CONFLICT = tuple(_CHAPTER)[:2]  # claims 4 and 5: one GPU, two rates
_DECODED = "eight GPUs, decoded bytes"  # claim 25
_MICROPHONE, _FEATURES = "keyword spotter, one microphone", "keyword spotter, features on a CPU"
CONSUMERS = (*_CHAPTER, _MICROPHONE, _FEATURES)
ORDERS = ("in order", "any order, one read at a time")
_MOST, _LONGEST = 8, 30  # measured rows, characters of a name
_LINK = "ethernet_fast"  # before tiers that scale with connections
_AT_ONCE_S = 1e-12  # what was measured has its waits in it


def _measured(value):
    """The reader's own rates: dict of name -> GB/s, as float; {} for none."""
    if value is None:
        return {}
    names = list(value) if isinstance(value, dict) else []
    taken = {t.name for t in chapter_tiers()}
    good = all(isinstance(n, str) and 0 < len(n.strip()) <= _LONGEST and n not in taken
               for n in names)  # fmt: skip
    if not isinstance(value, dict) or not good or len(names) > _MOST:
        raise KitError(
            "these are no measured rates", found=value, code="not-rates",
            allowed=f"a dict of up to {_MOST} names -> GB/s, each name of 1 to {_LONGEST} "
                    "characters and no tier's",
        )  # fmt: skip
    return {n: positive(f"rate of {n}", rate) for n, rate in value.items()}


def _features_rate(value):
    """Clips/s of which a CPU makes features: given, or of the newest record; None without."""
    if value is None:
        rows = [r for found in recorded("features") for r in found["rows"] if "name" in r]
        return next((r["clips_per_s"] for r in rows if r["name"] == "kit, cpu"), None)
    return positive("clips_per_s", value)


def _consumer(name, clips_per_s):
    if name == _MICROPHONE:
        return feeding.Consumer(name, 1 / _value("kws_clip"), feeding.clip_bytes())
    if name == _FEATURES:
        if clips_per_s is None:
            raise KitError("no rate of features is kept", code="no-record", remedy="run "
                           "kit bench features, or give clips_per_s")  # fmt: skip
        return feeding.Consumer(name, clips_per_s, feeding.clip_bytes())
    return _CHAPTER[name]


def _bandwidth(consumer, units, order, measured, clips_per_s):
    eater = _consumer(consumer, clips_per_s)
    own = [Tier(name, "hot", 1.0, rate, _AT_ONCE_S) for name, rate in measured.items()]
    tiers = [*own, *chapter_tiers()]
    budget = feeding.bandwidth_budget(
        eater, tiers, units, order == ORDERS[1], link_gbps=_value(_LINK)
    )
    return budget.select(
        "tier", "unit", "units", "need_gbs", "have_gbs", "samples_per_s", "bound_by",
        pl.col("units_needed").cast(pl.Int64), own=pl.col("tier").is_in(list(measured)),
        ahead_percent=100 * pl.col("waits_overlapped"), turn_percent=100 * pl.col("waits_serial"),
        consumer=pl.lit(consumer), wanted_per_s=pl.lit(float(eater.samples_per_s)),
        sample_kb=pl.lit(eater.bytes_per_sample / 1e3), order=pl.lit(order),
        link_gbs=pl.lit(_value(_LINK) / 8), restore_s=pl.Series([t.restore_s for t in tiers]),
    )  # fmt: skip


def _bandwidth_summary(table):
    row = table.row(0, named=True)
    fed = table.filter(bound_by="device")["tier"].to_list()
    by = "all" if len(fed) == table.height else joined(fed) if fed else "nothing"
    verb = "keep" if len(fed) > 1 else "keeps"
    count = f"{shown(row['wanted_per_s'])} {'sample' if row['wanted_per_s'] == 1 else 'samples'}/s"
    disk = _tier(table, "SATA SSD")
    own = table.filter("own").sort("have_gbs", maintain_order=True).head(1).to_dicts()
    mine = f" Slowest of yours, {own[0]['tier']}: {_waits(own[0])} would do." if own else ""
    return (
        f"{row['consumer']}: {count} of {shown(row['sample_kb'])} kB need "
        f"{views.rate(row['need_gbs'])}; {by} {verb} up. "
        f"SATA SSD: {_waits(disk)} would do, {_connections(_tier(table, 'object store'))}."
        f"{mine}{_conflict(row['consumer'])}"
    )


def _tier(table, name):
    return table.row(by_predicate=pl.col("tier") == name, named=True)


def _waits(row):
    """How long the device waits for one storage, and how many of it would do."""
    turn, needed = f"{shown(row['turn_percent'])} %", shown(row["units_needed"])
    if row["bound_by"] == "device":
        waits = f"waits only when loading in turn, {turn} of the time"
    else:
        ahead = f"{shown(row['ahead_percent'])} % of the time"
        waits = f"waits {ahead}, {turn} when loading in turn"
    return f"with {row['units']} the device {waits}; {needed}"


def _connections(row):
    """How many connections to the object store would do."""
    if row["units_needed"] is None:
        return (f"but no number of connections to an object store behind "
                f"{views.rate(row['link_gbs'])} of network")  # fmt: skip
    return f"or {plural(row['units_needed'], 'connection')} to an object store"


def _conflict(name):
    """The sentence on claims 4 and 5, or on 25, where the consumer is one of them."""
    if name == _DECODED:
        return (f" The chapter calls this about 500 MB/s: it is "
                f"{shown(claim(25).recomputed()['factor'])} times that (claim 25).")  # fmt: skip
    if name not in _CONFLICT:
        return ""
    one, other = (_CHAPTER[n] for n in _CONFLICT)
    found = feeding.difference(one, other)
    return (
        f" Claims 4 and 5 ask the same GPU for {views.rate(one.need_gbs)} and for "
        f"{views.rate(other.need_gbs)}: {shown(found['samples'])} times the images, each of "
        f"{shown(found['bytes'])} times the bytes, are {shown(found['total'])} times."
    )


def _bandwidth_rows(table):
    return table.select(
        "tier", pl.format("{} {}", "units", "unit").alias("of"), "need_gbs", "have_gbs",
        "samples_per_s", pl.col("bound_by").alias("bound by"),
        pl.col("ahead_percent").alias("waits, loading ahead (%)"),
        pl.col("turn_percent").alias("waits, in turn (%)"),
        pl.col("units_needed").alias("needed"),
    )  # fmt: skip


EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "bandwidth",
            "What keeps the device fed?",
            (
                Control("consumer", "what is to be fed", "", _CONFLICT[1], "choice",
                        options=CONSUMERS),
                Control("units", "side by side", "devices, connections", 1, "whole", 1, 100),
                Control("order", "samples are read", "", ORDERS[0], "choice", options=ORDERS),
                Control("measured", "rates measured here", "GB/s", None, "given",
                        options=(_measured,)),
                Control("clips_per_s", "features are made of", "clips/s", None, "given",
                        options=(_features_rate,)),
            ),
            _bandwidth, views.bandwidth, _bandwidth_summary, _bandwidth_rows,
        ),
    )
}  # fmt: skip
