"""What is asked of a storage: how much lies there, how it is read, and how fast that can go."""

import itertools
from dataclasses import dataclass

import numpy as np

from kit import gravity
from kit.errors import KitError
from kit.quantities import quantity, vectorised

_MB = 1e6
_RULES = {
    "size_gb": "positive", "reads": "nonnegative", "lookups": "nonnegative",
    "object_mb": "positive", "written_gb": "nonnegative", "kept_days": "positive",
    "egress": "share", "connections": "count", "link_gbps": "positive",
}  # fmt: skip
_UNLIMITED = ("kept_days", "link_gbps")


@dataclass(frozen=True)
class Demand:
    """Data and their readers. Every field but `random` may be a column: then costs are columns.

    Attributes
    ----------
    size_gb: what is stored, GB. reads: how often all of it is read in a month; 0.1 is a tenth.
    lookups: single objects that are asked for beside that, a month. object_mb: size of an object,
    MB; each is one request. random: objects are read in any order, so that each waits for its
    first byte; if False, one after another with reading ahead. written_gb: a month; as much is
    deleted. kept_days: how long an object lives, for tiers that bill a shortest time.
    egress: share of the bytes read, 0 to 1, that leaves the provider. connections: parallel
    readers. link_gbps: network before tiers that scale with connections, Gbit/s; inf: no limit.
    """

    size_gb: float
    reads: float = 1.0
    lookups: float = 0.0
    object_mb: float = 64.0
    random: bool = False
    written_gb: float = 0.0
    kept_days: float = np.inf
    egress: float = 0.0
    connections: int = 1
    link_gbps: float = np.inf

    def __post_init__(self):
        for name, rule in _RULES.items():
            quantity(name, getattr(self, name), rule, name in _UNLIMITED)
        if not isinstance(self.random, bool):
            raise KitError("random is neither True nor False", found=self.random, code="not-bool",
                           allowed="True or False")  # fmt: skip

    def numbers(self):
        """dict of field -> float64 array (of no dimension for a single number), without `random`.

        Raises KitError "shape" where columns differ in length.
        """
        found = {name: quantity(name, getattr(self, name), rule, name in _UNLIMITED)
                 for name, rule in _RULES.items()}  # fmt: skip
        shapes = {name: x.shape for name, x in found.items() if x.ndim}
        if len(set(shapes.values())) > 1:
            raise KitError("the columns of a demand differ in length", found=shapes, code="shape",
                           allowed="single numbers and columns of one length")  # fmt: skip
        return found


@vectorised(
    object_bytes="positive", stream_gbs="positive", latency_s="nonnegative", connections="count",
    most_gbs="positive", unlimited=("most_gbs",),
)  # fmt: skip
def supply_gbs(object_bytes, stream_gbs, latency_s=0.0, connections=1, most_gbs=np.inf):
    """GB/s that arrive when each of `connections` fetches one object after another.

    An object takes latency + bytes / stream. object_bytes: B. stream_gbs: rate of one connection
    once bytes flow, GB/s. latency_s: wait before the first byte of each; 0 where reading ahead
    hides it. most_gbs: what the device or the network carries in all, GB/s; inf for no limit.
    """
    one = object_bytes / 1e9 / gravity.epoch_time_s(1, object_bytes, stream_gbs, latency_s)
    return np.minimum(connections * one, most_gbs)


def ageing(gb_day, until_days=(7, 90, 1095), reads=(30.0, 1.0, 0.01), **fields):
    """Parts of data that cool with age: dict of name -> Demand, youngest first.

    gb_day: what is added in a day, GB. until_days: age at which a part ends, rising; the chapter
    keeps a week hot, a quarter warm and years cold. reads: of each part, times a month. fields:
    of Demand, the same for all. Raises KitError "not-rising" and "shape".
    """
    if len(until_days) != len(reads) or not len(reads):
        raise KitError("ages and reads differ in number", found=(len(until_days), len(reads)),
                       allowed="one number of reads for each age", code="shape")  # fmt: skip
    ages = [0.0, *quantity("until_days", until_days, "positive").tolist()]
    if any(b <= a for a, b in itertools.pairwise(ages)):
        raise KitError("the ages do not rise", found=until_days, code="not-rising",
                       allowed="days, each later than the one before")  # fmt: skip
    return {
        f"{a:g} to {b:g} days": Demand(float(gb_day) * (b - a), n, **fields)
        for (a, b), n in zip(itertools.pairwise(ages), reads, strict=True)
    }
