"""Has the data changed? Statistics of two windows, sketches of streams, and honest alarms.

Every alarm states the false-alarm rate that it buys, for one column and for many.
"""

from kit.lazy import lazy

_HOME = {  # name -> module that defines it
    "Alert": "watch.alerts",
    "Monitor": "monitor",
    "Rules": "rules",
    "Sketch": "sketch",
    "adjusted": "calibrate",
    "alarms": "calibrate",
    "chi_square": "categories",
    "compare": "table",
    "confidence_entropy": "labels",
    "false_alarm_rate": "calibrate",
    "family_rate": "calibrate",
    "jensen_shannon": "numeric",
    "kappa": "labels",
    "kl": "numeric",
    "ks": "numeric",
    "ks_against": "numeric",
    "new_categories": "categories",
    "permutation_p": "calibrate",
    "permutation_threshold": "calibrate",
    "psi": "numeric",
    "sample_size": "calibrate",
    "share_move": "categories",
    "simulated_threshold": "calibrate",
    "sketch_compare": "sketch",
    "threshold": "calibrate",
    "wasserstein": "numeric",
}
__all__ = list(_HOME)
__getattr__, __dir__ = lazy(__name__, _HOME)
