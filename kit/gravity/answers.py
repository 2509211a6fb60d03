"""Closed forms in the units that questions ask in; used by notebooks/questions/*.toml."""

from kit import gravity


def transfer_hours(volume_tb, link_gbps):
    """Hours to move `volume_tb` (TB) over `link_gbps` (Gbit/s) at full rate."""
    return gravity.transfer_time_s(volume_tb * 1e3, link_gbps) / 3600


def egress_usd(volume_tb, usd_per_gb):
    """USD to let `volume_tb` (TB) out at `usd_per_gb`."""
    return gravity.egress_cost_usd(volume_tb * 1e3, usd_per_gb)


def need_gbs(samples_per_s, kb_per_sample):
    """GB/s for `samples_per_s` samples of `kb_per_sample` (kB) each."""
    return gravity.required_rate_gbs(samples_per_s, kb_per_sample * 1e3)


def dedup_gain(duplicate_percent):
    """Selection gain of removing exact duplicates that hold `duplicate_percent` of the bytes."""
    return 1 / (1 - duplicate_percent / 100)
