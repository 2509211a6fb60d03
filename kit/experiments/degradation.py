"""What a drift costs: how far it moves the data, beside the accuracy that it takes.

The chapter's Degradation Equation says accuracy(t) = accuracy(0) - lambda D. Here both sides are
measured, for every drift at every size, on the same spotter. Tables are polars.
"""

import numpy as np

from kit.drift import adjusted, compare
from kit.drift.categories import difference
from kit.experiments.events import KINDS, SIZES, stream, words_of
from kit.experiments.served import INPUTS, NONE, OUTPUTS, UNITS, VOICE
from kit.intervals import half_width
from kit.quantities import quantity

MONITORS = {  # name -> columns it watches
    "inputs": INPUTS, "predictions": ("said",), "confidence": OUTPUTS, "errors": ("wrong",),
    "raters": ("agree",),
}  # fmt: skip
RATE = 0.01  # of false alarms, for each monitor


def curves(served, window=500, reference=2000, rate=RATE, seed=0):
    """Each drift at each size: what monitors see in one window, and what accuracy is lost.

    served: Served. window, reference: events of the current window and of the launch, drawn by
    `seed`. rate: false alarms of a monitor with all its columns, after Holm.

    polars table, one row a drift and size, and one for "none": drift, drift_kind, size, unit;
    column (input with the largest K-S), ks, ks_low, ks_high, psi (largest of the inputs, bias taken
    off); p_inputs, p_predictions, p_confidence, p_errors, p_raters (smallest adjusted p of the
    monitor, null where the window is too small); seen (their names where p is below the rate, ""
    for none); seems_points (how much less often the raters say it is right in the window);
    lost_points with lost_low, lost_high (95 %): accuracy on all clips before less after. Paired by
    clip where the clips are the same, else after Newcombe.
    """
    import polars as pl

    rate = float(quantity("rate", rate, "fraction"))
    launch = watched(stream(served, events=reference, seed=[seed, 0]))
    rows = []
    for number, (drift, size) in enumerate(cases(served)):
        now = watched(stream(served, drift, size, window, start=0.0, seed=[seed, 1 + number]))
        found = _found(compare(launch, now, statistics=("ks", "psi", "chi-square")), rate)
        about = {"drift": drift, "drift_kind": KINDS.get(drift, NONE), "size": float(size)}
        lost = dict(zip(("lost_points", "lost_low", "lost_high"), lost_points(served, drift, size),
                        strict=True))  # fmt: skip
        unit = SIZES[drift][0] if drift in SIZES else UNITS[drift]
        rows.append(about | {"unit": unit} | found | {"seems_points": _seems(launch, now)} | lost)
    return pl.DataFrame(rows, infer_schema_length=None)


def cases(served):
    """list of (drift, size): all that `stream` can inject, from none on."""
    heard = [d for d, kind in KINDS.items() if kind == "covariate"]
    measured = [(d, s) for d in heard for s in served.sizes(d)]
    return [(NONE, 0.0), *measured, *((d, s) for d, (_, sizes) in SIZES.items() for s in sizes)]


def watched(events):
    """The columns that monitors watch: INPUTS, OUTPUTS, said, wrong and agree ("yes", "no").

    wrong: the spotter said something else than the rater. agree: two raters said the same.
    """
    import polars as pl

    def yes(condition):
        return pl.when(condition).then(pl.lit("yes")).otherwise(pl.lit("no"))

    return events.select(*INPUTS, *OUTPUTS, "said",
                         wrong=yes(pl.col("said") != pl.col("label")),
                         agree=yes(pl.col("label") == pl.col("second")))  # fmt: skip


def lost_points(served, drift, size):
    """(lost, low, high): points of accuracy that a drift takes, with its 95 % interval.

    Against what is right after the drift. label mix: recall of the word and of the others,
    weighed anew. fatigue takes none: the raters err, not the spotter.
    """
    none = served.of(NONE)
    if drift in (NONE, "fatigue"):
        return 0.0, 0.0, 0.0
    if drift == "label mix":
        return _mix_lost(none, words_of(served)[0], size / 100)
    if drift == VOICE:
        sides = none, served.of(drift, size)
        wrong = [int((~x["right"]).sum()) for x in sides]
        low, high = difference(wrong, [x.height for x in sides])
        rates = [w / x.height for w, x in zip(wrong, sides, strict=True)]
        return 100 * (rates[1] - rates[0]), 100 * low, 100 * high
    before = none["right"].to_numpy().astype(float)
    after = before if drift == "meaning" else served.of(drift, size)["right"].to_numpy()
    lost = before - after
    if drift == "meaning":
        lost = _meaning_lost(none, *words_of(served)[1:]) * size / 100
    half = half_width(lost)
    return tuple(100 * float(x) for x in (lost.mean(), lost.mean() - half, lost.mean() + half))


def _seems(launch, now):
    return 100 * float((now["wrong"] == "yes").mean() - (launch["wrong"] == "yes").mean())


def _mix_lost(none, word, share):
    mine = (none["word"] == word).to_numpy()
    right = none["right"].to_numpy()
    hits, trials = [right[~mine].sum(), right[mine].sum()], [(~mine).sum(), mine.sum()]
    moved = 100 * (share - mine.mean())  # points from the others to the word
    better = np.array([right[~mine].mean() - right[mine].mean(),
                       *(-x for x in reversed(difference(hits, trials)))])  # fmt: skip
    return tuple(float(x) for x in np.sort(moved * better)[[1, 0, 2]])


def _meaning_lost(none, old, new):
    """float[n]: what is lost on a clip once `old` means `new` for everybody."""
    said, word = none["said"].to_numpy(), none["word"].to_numpy()
    return np.where(word == old, (said == old).astype(float) - (said == new), 0.0)


def _found(table, rate):
    import polars as pl

    inputs = table.filter(pl.col("column").is_in(INPUTS))
    largest = inputs.filter(statistic="ks").sort("value", "column").row(-1, named=True)
    psi = inputs.filter(statistic="psi")["effect_size"].max()
    tests = table.filter(pl.col("statistic").is_in(["ks", "chi-square"]))
    found = {"column": largest["column"], "ks": largest["value"], "ks_low": largest["low"],
             "ks_high": largest["high"], "psi": psi}  # fmt: skip
    for name, columns in MONITORS.items():
        p = tests.filter(pl.col("column").is_in(columns))["p_value"].drop_nulls().to_numpy()
        found[f"p_{name}"] = float(adjusted(p, "holm").min()) if len(p) else None
    known = {name: found[f"p_{name}"] for name in MONITORS}
    seen = [name for name, p in known.items() if p is not None and p <= rate]
    return found | {"seen": ", ".join(seen)}
