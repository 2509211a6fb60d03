"""Moving data: time, money, and when to move the code instead."""

import numpy as np

from kit.quantities import vectorised

_BITS = 8.0
_HOUR_S = 3600.0


@vectorised(
    link_gbps="positive",
    efficiency="fraction",
    streams="count",
    stream_gbps="positive",
    unlimited=("stream_gbps",),
)
def link_rate_gbs(link_gbps, efficiency=1.0, streams=1, stream_gbps=np.inf):
    """Rate that really arrives, GB/s: the link, or what the parallel streams can carry.

    link_gbps: line rate, Gbit/s, > 0. efficiency: share left after protocol overhead, (0, 1].
    streams: parallel connections, whole, >= 1.
    stream_gbps: most that one connection carries, Gbit/s, for TCP about window / round trip;
    inf for no such limit.
    """
    return np.minimum(link_gbps * efficiency, streams * stream_gbps) / _BITS


@vectorised(
    volume_gb="nonnegative",
    link_gbps="positive",
    efficiency="fraction",
    streams="count",
    stream_gbps="positive",
    unlimited=("stream_gbps",),
)
def transfer_time_s(volume_gb, link_gbps, efficiency=1.0, streams=1, stream_gbps=np.inf):
    """Seconds to move `volume_gb` (GB, >= 0): D / BW. Other arguments: see link_rate_gbs."""
    return volume_gb / link_rate_gbs(link_gbps, efficiency, streams, stream_gbps)


@vectorised(volume_gb="nonnegative", usd_per_gb="nonnegative")
def egress_cost_usd(volume_gb, usd_per_gb):
    """USD that a provider charges to let `volume_gb` (GB) out at `usd_per_gb` (USD/GB)."""
    return volume_gb * usd_per_gb


@vectorised(
    volume_gb="nonnegative",
    link_gbps="positive",
    usd_per_gb="nonnegative",
    wait_usd_per_h="nonnegative",
    compute_h="nonnegative",
    here_usd_per_h="nonnegative",
)
def move_data_usd(volume_gb, link_gbps, usd_per_gb, wait_usd_per_h, compute_h, here_usd_per_h):
    """USD to bring the data to our own compute, work there, and pay for the wait.

    volume_gb: data to move, GB. link_gbps: link, Gbit/s. usd_per_gb: egress, USD/GB.
    wait_usd_per_h: what an hour of waiting costs (reserved accelerators, people), USD/h.
    compute_h: length of the job, h. here_usd_per_h: our compute, USD/h.
    """
    return volume_gb * _per_gb_usd(link_gbps, usd_per_gb, wait_usd_per_h) + (
        compute_h * here_usd_per_h
    )


@vectorised(
    result_gb="nonnegative",
    link_gbps="positive",
    usd_per_gb="nonnegative",
    wait_usd_per_h="nonnegative",
    compute_h="nonnegative",
    there_usd_per_h="nonnegative",
    setup_usd="nonnegative",
)
def move_code_usd(
    result_gb, link_gbps, usd_per_gb, wait_usd_per_h, compute_h, there_usd_per_h, setup_usd=0.0
):
    """USD to send the code to where the data is, rent compute there, and bring the result home.

    result_gb: what comes back (a model, features), GB. there_usd_per_h: compute beside the data,
    USD/h. setup_usd: one-time cost to make the code run there, USD. Others: see move_data_usd.
    """
    return (
        result_gb * _per_gb_usd(link_gbps, usd_per_gb, wait_usd_per_h)
        + compute_h * there_usd_per_h
        + setup_usd
    )


@vectorised(
    link_gbps="positive",
    usd_per_gb="nonnegative",
    wait_usd_per_h="nonnegative",
    compute_h="nonnegative",
    here_usd_per_h="nonnegative",
    there_usd_per_h="nonnegative",
    result_gb="nonnegative",
    setup_usd="nonnegative",
)
def break_even_volume_gb(
    link_gbps,
    usd_per_gb,
    wait_usd_per_h,
    compute_h,
    here_usd_per_h,
    there_usd_per_h,
    result_gb=0.0,
    setup_usd=0.0,
):
    """GB above which moving the code is the cheaper choice; 0 if it always is, inf if never.

    Sets move_data_usd equal to move_code_usd:
    V = result + (setup + hours x (price there - price here)) / (egress + wait / rate).
    """
    per_gb = _per_gb_usd(link_gbps, usd_per_gb, wait_usd_per_h)
    extra = setup_usd + compute_h * (there_usd_per_h - here_usd_per_h)
    with np.errstate(divide="ignore", invalid="ignore"):
        # free movement: the volume does not matter, only the sign of the extra cost does
        volume = np.where(per_gb > 0, result_gb + extra / per_gb, np.where(extra < 0, 0.0, np.inf))
    return np.maximum(volume, 0.0)


def _per_gb_usd(link_gbps, usd_per_gb, wait_usd_per_h):
    return usd_per_gb + wait_usd_per_h / (link_gbps / _BITS * _HOUR_S)
