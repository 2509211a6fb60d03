"""Labels with the help of a machine: weak rules, active learning, wrong labels that stand out."""

from kit.lazy import lazy

_HOME = {  # name -> module that defines it
    "ABSTAIN": "weak",
    "Logistic": "active",
    "Probe": "active",
    "apply": "weak",
    "compared": "weak",
    "coverage": "weak",
    "find_wrong": "wrong",
    "label_model": "weak",
    "labeling_function": "weak",
    "loop": "active",
    "multiplier": "active",
    "out_of_fold": "wrong",
    "select": "active",
}
__all__ = list(_HOME)
__getattr__, __dir__ = lazy(__name__, _HOME)
