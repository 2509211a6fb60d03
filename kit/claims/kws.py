"""Claims of the lesson on the keyword spotter's data: targets, budget, design, labels, storage."""

import polars as pl

from kit import gravity
from kit.assumptions import value
from kit.claims.record import HOLDS, WITH_CONDITION, WRONG, Claim
from kit.kws import design, targets

_HOUR_S, _DAY_S = 3600.0, 86400.0
_SHORT_HOP_S = 0.1
_GPUS = 8  # the chapter's time for ImageNet is on eight
# what the chapter chooses from its table of the design space
CHOICE = {
    "sampling": "16 kHz", "coefficients": "13", "examples": "750 k",
    "recordings": "clean and noisy", "inference": "local", "synthetic": "heavy",
}  # fmt: skip


def _false_wakes():
    wakes = value("kws_false_wakes")
    fpr = targets.allowed_fpr(wakes)
    return {
        "windows": targets.windows(targets.DAY_H * targets.MONTH_D),
        "fpr": fpr * 1e6,
        "rejection": 100 * (1 - fpr),
        "hop": _SHORT_HOP_S * 1e3,
        "harder": fpr / targets.allowed_fpr(wakes, hop_s=_SHORT_HOP_S),
    }


def chapter_budget():
    """dict as of `design.budget`, at the chapter's prices."""
    total, price = value("kws_budget"), value("kws_label")
    return design.budget(total, usd_per_label=price, review_share=value("kws_review"))


def _budget():
    price, crowd = value("kws_label"), value("crowd_label_high")
    found = chapter_budget()
    return {
        "labeling": found["labeling_usd"], "storage": found["storage_usd"],
        "governance": found["governance_usd"], "labels": found["labels"],
        "price": price, "dearer": price / crowd, "more": found["labels"] * price / crowd / 1e6,
    }  # fmt: skip


def chosen(rule, **changes):
    """Row of `design.designs(rule)` that the chapter chooses, with `changes` of its options."""
    wanted = [pl.col(name) == option for name, option in (CHOICE | changes).items()]
    return design.designs(rule).row(by_predicate=pl.all_horizontal(wanted), named=True)


def _limits():
    return {
        "accuracy": value("kws_accuracy"), "budget_kusd": value("kws_budget") / 1e3,
        "memory_kb": value("kws_memory"), "latency_ms": value("kws_latency"),
    }  # fmt: skip


def _projected():
    table = design.designs()
    kept = design.feasible(table, **_limits())
    all_rows, clean = chosen("add"), {"recordings": "clean"}
    return {
        **_ends(all_rows), **_ends(chosen("add", **clean), "clean_"),
        **_ends(chosen("shrink"), "shrunk_"), **_ends(chosen("shrink", **clean), "shrunk_clean_"),
        "cost": all_rows["cost_kusd"], "memory": all_rows["memory_kb"],
        "all": table.height, "kept": kept.height,
        "sane": kept.filter(pl.col("accuracy_high") <= 100).height,
    }  # fmt: skip


def _ends(row, name=""):
    return {f"{name}{end}": row[f"accuracy_{end}"] for end in ("low", "high")}


def _labeling_time():
    hours = value("mswc_clips") * value("label_seconds") / _HOUR_S
    years = hours / value("work_year")
    return {"hours": hours, "years": years, "thrice": 3 * years}


def _storage():
    tb = value("mswc_gb") / 1e3
    object_store = tb * value("object_store_month")
    out = gravity.egress_cost_usd(value("mswc_gb"), value("egress"))
    return {
        "object_store": object_store,
        "nvme_low": tb * value("nvme_month_low"), "nvme_high": tb * value("nvme_month_high"),
        "out": out, "months": out / object_store,
    }  # fmt: skip


def _loading():
    clips, size = value("mswc_clips"), value("mswc_gb") * 1e9
    fast, slow = value("nvme"), value("object_store_stream")
    nvme, store = (gravity.epoch_time_s(clips, size / clips, rate) for rate in (fast, slow))
    open_s = value("latency_object_store") / 1e9
    opened = gravity.epoch_time_s(clips, size / clips, slow, open_s)
    return {
        "nvme": nvme, "store": store, "factor": store / nvme, "streams": fast / slow,
        "open": open_s * 1e3, "days": (opened - store) / _DAY_S,
    }  # fmt: skip


def _active_learning():
    labels, pool = 1e6, 1e7  # of the chapter's example: wanted by chance, and to choose from
    price, scoring = value("active_label"), pool * value("active_inference")
    random, least, most = (labels / fewer * price for fewer in (1, 10, 5))
    return {
        "random": random, "low": least, "high": most, "scoring": scoring,
        "gain_low": random / (most + scoring), "gain_high": random / (least + scoring),
        "half": labels / 2 * price,
    }  # fmt: skip


def _labels_to_compute():
    labels, least, most = 1e5, 30.0, 100.0  # of the chapter's example, USD
    images = value("imagenet_images")
    cheap = _GPUS * value("imagenet_train_low") * value("a100_spot_low")
    dear = _GPUS * value("imagenet_train_high") * value("a100_spot_high")
    return {
        "low": labels / most, "high": labels / least,
        "imagenet_low": images * value("crowd_label_low") / dear,
        "imagenet_high": images * value("crowd_label_high") / cheap,
    }  # fmt: skip


def _radiologist():
    price = value("radiologist_wage") / value("radiologist_rate")
    low, high = value("medical_label_low"), value("medical_label_high")
    return {
        "cost": 10_000 * price, "price": price, "low": low, "high": high,
        "dearer_low": low / price, "dearer_high": high / price,
        "pace": _HOUR_S / value("radiologist_rate"),
    }  # fmt: skip


CLAIMS = [
    Claim(9, "02", "One false wake a month leaves {fpr} false ones in a million windows: {windows} "
          "windows of a second, without overlap.",
          {"windows": 2_592_000, "fpr": 0.39}, _false_wakes, HOLDS,
          "{rejection:.5f} % must be rejected. A hop of {hop} ms makes {harder:.0f} times as many "
          "windows, and the rate as many times stricter. Every window counts as independent, but "
          "neighbours hear the same sound: measure false accepts an hour on a stream.",
          units={"windows": "windows", "fpr": "per million"}),
    Claim(10, "02", "USD 150 000 are USD {labeling} for labels, {storage} for storage and "
          "{governance} for governance; the first buys {labels} labels.",
          {"labeling": 90_000, "storage": 37_500, "governance": 22_500, "labels": 750_000},
          _budget, HOLDS,
          "At USD {price:.2f} a label, {dearer:.0f} times the most that the chapter's own price "
          "list asks for a crowd's; at that one it would be {more} million. The chapter puts "
          "{labels} between the two sizes in its table. They lie below both.",
          units=dict.fromkeys(("labeling", "storage", "governance"), "USD") | {"labels": "labels"}),
    Claim(11, "02", "The design that is chosen reaches {low} to {high} % for USD {cost} thousand "
          "in {memory} kB.",
          {"low": 97, "high": 99, "cost": 145, "memory": 48}, _projected, WRONG,
          "Its rows, added as the chapter adds them, give {low:.0f} to {high:.0f} %, and even the "
          "lower ends pass the whole: effects were measured one at a time, each from its own base. "
          "Without the row for noisy recordings it is {clean_low:.0f} to {clean_high:.0f} %. If "
          "each effect removes its share of the errors instead, that row alone removes all, "
          "{shrunk_low:.0f} %; without it {shrunk_clean_low:.1f} to {shrunk_clean_high:.1f} %, "
          "near the statement. Of {all} designs {kept} keep to the limits, {sane} of these without "
          "passing the whole. Cost and memory agree because our base was chosen so: of what "
          "it chooses, the chapter prices the labels alone.",
          units={"low": "%", "high": "%", "cost": "kUSD", "memory": "kB"}),
    Claim(12, "06", "Labels for MSWC by hand would take {hours} h, {years} years of one person.",
          {"hours": 65_000, "years": 32.5}, _labeling_time, HOLDS,
          "With one look at each clip. Three people a clip, as labels that matter need, make "
          "{thrice} years.",
          units={"hours": "h", "years": "y"}),
    Claim(13, "02", "MSWC costs USD {object_store} a month on an object store, {nvme_low} to "
          "{nvme_high} on NVMe.",
          {"object_store": 17, "nvme_low": 74, "nvme_high": 221}, _storage, HOLDS,
          "At the chapter's prices. Requests come on top, and so does letting it out: once costs "
          "USD {out}, {months} months of storage.",
          units=dict.fromkeys(("object_store", "nvme_low", "nvme_high"), "USD/month")),
    Claim(14, "02", "MSWC is read in {nvme} s from NVMe, in {store} s from an object store: "
          "{factor} times.",
          {"nvme": 147, "store": 7_360, "factor": 50}, _loading, WITH_CONDITION,
          "Bytes over rate, for large files and one connection: {streams} connections close the "
          "gap. Clips that are objects of their own cost {open} ms each before the first byte; one "
          "after another that adds {days} days.",
          units={"nvme": "s", "store": "s", "factor": "x"}),
    Claim(28, "06", "Active learning needs labels for USD {low} to {high} instead of {random}.",
          {"random": 500_000, "low": 50_000, "high": 100_000}, _active_learning, WITH_CONDITION,
          "If five to ten times fewer labels do: measure that on your data. The chapter also says "
          "half, which costs USD {half}. To score its pool once costs USD {scoring} at its own "
          "price, which it leaves out: the gain is then {gain_low} to {gain_high} times.",
          units=dict.fromkeys(("random", "low", "high"), "USD")),
    Claim(29, "06", "Labels cost {low} to {high} times the computing that trains on them.",
          {"low": 1_000, "high": 3_000}, _labels_to_compute, WITH_CONDITION,
          "The example divides to {low} and {high}. The chapter's own prices for ImageNet, one "
          "crowd's label an image and one training, give {imagenet_low} to {imagenet_high} times. "
          "Several raters a label raise it, every further training lowers it.",
          tolerance=0.12, units={"low": "x", "high": "x"}),
    Claim(33, "06", "Ten thousand images, labelled by a radiologist, cost USD {cost}.",
          {"cost": 30_000}, _radiologist, WITH_CONDITION,
          "At {pace} s an image and one reading. That is USD {price} a label; the chapter's price "
          "list has {low} to {high} for a study, {dearer_low} to {dearer_high} times as much.",
          units={"cost": "USD"}),
]  # fmt: skip
