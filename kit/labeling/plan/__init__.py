"""What a correct label costs: raters made of measured mistakes, plans, prices, the best one."""

from kit.lazy import lazy

_HOME = {  # name -> module that defines it
    "Best": "search",
    "ModelCurve": "plans",
    "Plan": "plans",
    "Priced": "plans",
    "Rater": "raters",
    "Tier": "plans",
    "Trial": "trial",
    "best_plan": "search",
    "biased": "raters",
    "burn_down": "economics",
    "chances": "raters",
    "chapter_tiers": "plans",
    "fix_or_buy": "economics",
    "label_kinds": "economics",
    "labels_bought": "economics",
    "labels_over_training": "economics",
    "majority_accuracy": "economics",
    "matches": "economics",
    "model_curve": "plans",
    "pareto": "search",
    "price_per_correct": "plans",
    "priced": "plans",
    "rate": "raters",
    "rater_pool": "raters",
    "simulate": "trial",
    "spam": "raters",
    "swapped": "raters",
    "tempered": "raters",
    "thrown_out": "economics",
    "tier_of": "plans",
    "usd_per_correct": "economics",
    "usd_per_item": "economics",
    "usd_per_label": "economics",
    "work_days": "economics",
    "work_hours": "economics",
    "wrong_labels": "economics",
}
__all__ = list(_HOME)
__getattr__, __dir__ = lazy(__name__, _HOME)
