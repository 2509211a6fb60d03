"""Storage tiers: what each costs a month, how long it waits, how fast it reads.

Prices and rates are the chapter's where it has some, else list prices (`kit.assumptions`). A price
list is not physics: look at the ratios, and put in your own with `Tier(...)`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kit.assumptions import value
from kit.errors import KitError
from kit.quantities import quantity
from kit.storage.workloads import Demand, supply_gbs

_HOUR_S, _MIN_S = 3600.0, 60.0
_NS, _TIB_GB = 1e9, 2**40 / 1e9
HEATS = ("hot", "warm", "cold")


@dataclass(frozen=True)
class Tier:
    """A place to keep data.

    Attributes
    ----------
    name: text. heat: "hot", "warm" or "cold". month_usd_tb: USD a TB and month. stream_gbs:
    sequential rate of one device, or of one connection if `scales`, GB/s. latency_s: from a
    request to its first byte. restore_s: wait before anything can be read, paid once.
    retrieval_usd_gb: for each GB read. get_usd, put_usd: a request to read, to write.
    least_days: shortest time that is billed. scales: more connections bring more, up to the
    reader's network; a device has its rate to share. one_arm: requests are served one by one.
    """

    name: str
    heat: str
    month_usd_tb: float
    stream_gbs: float
    latency_s: float
    restore_s: float = 0.0
    retrieval_usd_gb: float = 0.0
    get_usd: float = 0.0
    put_usd: float = 0.0
    least_days: float = 0.0
    scales: bool = False
    one_arm: bool = False

    def __post_init__(self):
        for name in ("month_usd_tb", "stream_gbs", "latency_s"):
            quantity(name, getattr(self, name), "positive")
        for name in ("restore_s", "retrieval_usd_gb", "get_usd", "put_usd", "least_days"):
            quantity(name, getattr(self, name), "nonnegative")
        if self.heat not in HEATS:
            raise KitError(
                "no such heat", found=self.heat, allowed=", ".join(HEATS), code="unknown"
            )

    @property
    def first_byte_s(self):
        """Seconds from asking to the first byte, restoring included."""
        return self.restore_s + self.latency_s


class Cost(NamedTuple):
    """USD a month and seconds of a demand in a tier: floats, or float64 columns.

    storage_usd, request_usd, retrieval_usd, egress_usd: a month; usd_month: their sum.
    first_byte_s: wait for the first byte. lookup_s: one object, whole. throughput_gbs: of all
    connections. full_read_s: all the data once, restoring included.
    """

    storage_usd: Any
    request_usd: Any
    retrieval_usd: Any
    egress_usd: Any
    usd_month: Any
    first_byte_s: Any
    lookup_s: Any
    throughput_gbs: Any
    full_read_s: Any


def chapter_tiers(dear=False, fast=False, archive="deep"):
    """The tiers of the chapter's table and two kinds of disk, fastest first: tuple of Tier.

    dear: the upper end of each band of prices. fast: the better end of rates and latencies.
    archive: kind of archive, see `archives`.
    """
    cold = archives(dear, fast)
    if archive not in cold:
        raise KitError("no such archive", found=archive, allowed=", ".join(cold), code="unknown")
    return (*_devices(dear, fast), *_services(dear, fast), cold[archive])


def _devices(dear, fast):
    return (
        Tier("in-memory cache", "hot", _end("cache_month_low", "cache_month_high", dear),
             _end("cache_slow", "cache_fast", fast),
             _end("latency_cache_slow", "latency_cache_fast", fast) / _NS),
        Tier("local NVMe", "hot", _end("nvme_month_low", "nvme_month_high", dear),
             _end("nvme", "nvme_fast", fast),
             _end("latency_nvme", "latency_nvme_fast", fast) / _NS),
        Tier("SATA SSD", "hot", value("sata_month"), value("sata"), value("latency_sata") / _NS),
        Tier("hard disk", "warm", value("hdd_month"), _end("hdd_slow", "hdd_fast", fast),
             value("latency_hdd") / _NS, one_arm=True),
    )  # fmt: skip


def _services(dear, fast):
    return (
        Tier("object store", "warm", value("object_store_month"),
             _end("object_store_stream", "object_store_fast", fast),
             _end("latency_object_store_slow", "latency_object_store_fast", fast) / _NS,
             get_usd=value("object_store_get") / 1e3, put_usd=value("object_store_put") / 1e3,
             scales=True),
        Tier("data warehouse", "warm", _end("warehouse_month_low", "warehouse_month_high", dear),
             _end("warehouse_slow", "warehouse_fast", fast),
             _end("latency_warehouse_slow", "latency_warehouse_fast", fast) / _NS,
             retrieval_usd_gb=value("warehouse_scan") / _TIB_GB),
    )  # fmt: skip


def _end(one, other, second):
    return value(other if second else one)


def archives(dear=False, fast=False):
    """Kinds of archive: dict of name -> Tier called "archive".

    "deep": the cheapest class, restored within half a day. "standard", "expedited", "bulk": the
    three ways out of a class that costs more to keep. "chapter": the price of the first with the
    hours of the second, as in the chapter's list; nobody sells it. dear: moves "chapter" alone.
    """
    rate = _end("archive_slow", "archive_fast", fast)
    first = _end("latency_object_store_slow", "latency_object_store_fast", fast) / _NS
    deep = (value("archive_put") / 1e3, value("archive_days"))
    flexible = (value("flexible_put") / 1e3, value("flexible_days"))
    month = _end("archive_month", "archive_month_high", dear)
    usual = _end("archive_hours_high", "archive_hours_low", fast)
    quick = _end("expedited_high", "expedited_low", fast) * _MIN_S / _HOUR_S
    bulk = _end("bulk_high", "bulk_low", fast)
    kinds = {  # USD a TB and month, hours, USD a GB out, USD for 1000 requests out, way in
        "chapter": (month, usual, value("archive_retrieval"), value("archive_get"), deep),
        "deep": (value("archive_month"), value("archive_deep_hours"), value("archive_retrieval"),
                 value("archive_get"), deep),
        "standard": (value("flexible_month"), usual, value("flexible_retrieval"),
                     value("flexible_get"), flexible),
        "expedited": (value("flexible_month"), quick, value("expedited_retrieval"),
                      value("expedited_get"), flexible),
        "bulk": (value("flexible_month"), bulk, 0.0, 0.0, flexible),
    }  # fmt: skip
    return {
        kind: Tier("archive", "cold", usd, rate, first, wait_h * _HOUR_S, out, get / 1e3, *way_in)
        for kind, (usd, wait_h, out, get, way_in) in kinds.items()
    }


def cost(tier, demand):
    """Cost of a Demand in a Tier.

    storage: TB x price, longer if the tier bills a shortest time; requests: one for each object
    read or written; retrieval and egress: by the GB read. What is restored from an archive also
    lies in another tier for a while: not counted.
    """
    w = demand.numbers()
    object_gb = w["object_mb"] / 1e3
    read_gb = w["reads"] * w["size_gb"] + w["lookups"] * object_gb
    billed = np.maximum(tier.least_days / w["kept_days"], 1.0)
    usd = (
        w["size_gb"] / 1e3 * tier.month_usd_tb * billed,
        (read_gb * tier.get_usd + w["written_gb"] * tier.put_usd) / object_gb,
        read_gb * tier.retrieval_usd_gb,
        read_gb * w["egress"] * value("egress"),
    )
    rate = throughput_gbs(tier, demand)
    lookup = tier.first_byte_s + object_gb / tier.stream_gbs
    seconds = (tier.first_byte_s, lookup, rate, tier.first_byte_s + w["size_gb"] / rate)
    shape = np.broadcast_shapes(*(np.shape(x) for x in (*usd, *seconds)))
    return Cost(*(_plain(x, shape) for x in (*usd, sum(usd), *seconds)))


def throughput_gbs(tier, demand):
    """GB/s that the readers of a Demand get from a Tier: float, or float64 column."""
    w = demand.numbers()
    most = w["link_gbps"] / 8 if tier.scales else tier.stream_gbs
    wait = tier.latency_s if demand.random else 0.0
    readers = 1 if tier.one_arm else w["connections"]
    return supply_gbs(w["object_mb"] * 1e6, tier.stream_gbs, wait, readers, most)


def compare(demand, tiers=None):
    """One Demand in every tier: polars table, one row a tier.

    tiers: list of Tier; `chapter_tiers()` if None. Columns: tier, heat, those of Cost, cheapest
    (True in one row). Raises KitError "shape" for a demand of columns, "empty" without tiers.
    """
    import polars as pl

    tiers = listed(tiers)
    found = [cost(tier, single(demand)) for tier in tiers]
    best = min(range(len(found)), key=lambda i: (found[i].usd_month, found[i].first_byte_s))
    return pl.DataFrame([
        {"tier": tier.name, "heat": tier.heat, **c._asdict(), "cheapest": i == best}
        for i, (tier, c) in enumerate(zip(tiers, found, strict=True))
    ])  # fmt: skip


def listed(tiers=None):
    """tuple of Tier: those given, or `chapter_tiers()`; a KitError if there is none."""
    tiers = tuple(chapter_tiers() if tiers is None else tiers)
    if not tiers:
        raise KitError("there are no tiers", found=0, allowed="one or more", code="empty")
    return tiers


def single(demand):
    """The Demand, or a KitError if it is not one or holds columns."""
    if not isinstance(demand, Demand):
        raise KitError("this is not a demand", found=type(demand).__name__, code="not-demand",
                       allowed="kit.storage.workloads.Demand")  # fmt: skip
    if any(x.ndim for x in demand.numbers().values()):
        raise KitError("a single demand is wanted", found="columns", code="shape",
                       allowed="one number in each field")  # fmt: skip
    return demand


def _plain(x, shape):
    return float(x) if not shape else np.broadcast_to(np.asarray(x, float), shape).copy()
