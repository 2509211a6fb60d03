"""The physics of data: what it costs to move, feed and hold. Closed forms, vectorised.

Units: GB, TB decimal (1 GB = 1e9 B); Gbit/s line rates; s, h; USD; pJ.
Any argument may be a number, an array or a polars column; impossible input is a KitError.
"""

from kit.gravity.density import Density, information_density, selection_gain
from kit.gravity.energy import WORD_BITS, energy_ladder, movement_energy_j
from kit.gravity.feeding import (
    device_rate,
    epoch_time_s,
    feeding_tax,
    loader_rate,
    required_rate_gbs,
    streams_needed,
    workers_needed,
)
from kit.gravity.scaling import (
    amdahl_speedup,
    coordination_tax,
    gather_time_s,
    reduce_time_s,
    serial_share,
)
from kit.gravity.transfer import (
    break_even_volume_gb,
    egress_cost_usd,
    link_rate_gbs,
    move_code_usd,
    move_data_usd,
    transfer_time_s,
)

__all__ = [
    "WORD_BITS",
    "Density", "amdahl_speedup", "break_even_volume_gb", "coordination_tax", "device_rate",
    "egress_cost_usd", "energy_ladder", "epoch_time_s", "feeding_tax", "gather_time_s",
    "information_density", "link_rate_gbs", "loader_rate", "move_code_usd", "move_data_usd",
    "movement_energy_j", "reduce_time_s", "required_rate_gbs", "selection_gain", "serial_share",
    "streams_needed", "transfer_time_s", "workers_needed",
]  # fmt: skip
