"""Many workers: Amdahl's law and the price of bringing data together."""

import numpy as np

from kit.quantities import vectorised


@vectorised(serial="share", workers="count")
def amdahl_speedup(serial, workers):
    """Speed-up of `workers` when a share `serial` (0 to 1) cannot be split: 1/(S + (1-S)/N).

    Amdahl, AFIPS 1967.
    """
    return 1.0 / (serial + (1.0 - serial) / workers)


@vectorised(speedup="positive", workers="several")
def serial_share(speedup, workers):
    """The share S that makes Amdahl's law give `speedup` on `workers` (2 or more).

    Karp and Flatt, CACM 1990. Negative where the speed-up beats the number of
    workers, above 1 where it is no speed-up at all: clip before you use it as a share.
    """
    return (1.0 / speedup - 1.0 / workers) / (1.0 - 1.0 / workers)


@vectorised(volume_gb="nonnegative", network_gbs="positive", memory_gbs="positive")
def gather_time_s(volume_gb, network_gbs, memory_gbs):
    """Seconds to send all data (GB, over all nodes) to one node and reduce it there."""
    return volume_gb / network_gbs + volume_gb / memory_gbs


@vectorised(
    volume_gb="nonnegative", nodes="count", memory_gbs="positive", round_trip_s="nonnegative"
)
def reduce_time_s(volume_gb, nodes, memory_gbs, round_trip_s=0.0):
    """Seconds to reduce each node's share at memory speed and send one number each.

    The partial results travel at once: one round trip, whatever the number of nodes.
    """
    return volume_gb / nodes / memory_gbs + round_trip_s


@vectorised(
    volume_gb="positive",
    nodes="count",
    network_gbs="positive",
    memory_gbs="positive",
    round_trip_s="nonnegative",
)
def coordination_tax(volume_gb, nodes, network_gbs, memory_gbs, round_trip_s=0.0):
    """How many times longer gathering takes than reducing in place.

    Without a round trip: nodes x (memory rate / network rate + 1), free of the volume.
    """
    gather = gather_time_s(volume_gb, network_gbs, memory_gbs)
    return gather / np.asarray(reduce_time_s(volume_gb, nodes, memory_gbs, round_trip_s))
