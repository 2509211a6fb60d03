"""Where data lie: layouts that are measured, tiers with their prices, versions, points in time."""

from kit.lazy import lazy

_NAMES = {  # module -> names that it defines
    "formats": "Layout Store Workload bytes_on_disk flips layouts measure open_store recommend "
    "write_store",
    "workloads": "Demand ageing supply_gbs",
    "tiers": "Tier archives chapter_tiers compare cost",
    "placement": "plan price_of_latency",
    "feeding": "Consumer bandwidth_budget chapter_consumers connections_needed difference "
    "waiting_share",
    "human": "human_time",
    "versions": "Link at history link snapshot version_at",
    "differences": "Diff diff",
    "upkeep": "Vacuumed compact restore vacuum",
    "content": "Collected Content dvc_beside",
    "point_in_time": "as_of leaks",
    "time_split": "TemporalSplit temporal_split",
    "online": "Feature FeatureStore feature latency lookup materialise parity serve training",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}
__all__ = [*_HOME]
__getattr__, __dir__ = lazy(__name__, _HOME)
