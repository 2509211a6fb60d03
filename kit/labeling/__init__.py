"""Labels that people gave: how far they agree beyond chance, and what the truth behind them is."""

# Functions that share the name of their module are fetched at once: fetched later, the module
# would take the function's place. Both need NumPy alone until they are called.
from kit.labeling.aggregate import aggregate
from kit.labeling.agreement import agreement
from kit.lazy import lazy

_HOME = {  # name -> module that defines it
    "Prior": "dawid_skene",
    "ac1_at": "chance",
    "chance_agreement": "chance",
    "cohen_kappa": "agreement",
    "fleiss_kappa": "agreement",
    "gwet_ac1": "agreement",
    "gwet_ac2": "agreement",
    "kappa_at": "chance",
    "krippendorff_alpha": "agreement",
    "over_time": "breakdown",
    "per_class": "breakdown",
    "per_rater": "breakdown",
    "raw_agreement": "agreement",
}
__all__ = ["aggregate", "agreement", *_HOME]
__getattr__, __dir__ = lazy(__name__, _HOME)
