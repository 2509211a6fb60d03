"""One label an item from many ratings, and how far each rater can be trusted. Needs polars."""

from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.labeling.dawid_skene import Prior, fit, room
from kit.labeling.ratings import gold_codes, read
from kit.labeling.trust import standing
from kit.labeling.votes import against_others, majority, weighted

METHODS = ("majority", "weighted", "dawid-skene")
TIE = 1e-9  # two labels whose confidence differs by less are tied


class Aggregated(NamedTuple):
    """What `aggregate` gives back; I items, R raters, K labels; no NaN in any table.

    items: polars table item, label, confidence, ratings, tie (bool), note; label and confidence
    are null where nobody rated. raters: rater, accuracy, kappa, ratings, kind ("ok", "spammer",
    "adversary"), note. confusion: rater, true, said, probability (0 to 1, adding up to 1 over
    said), expected (ratings). posterior: float64[I, K] in the order of items and labels, zeros
    where nobody rated. labels: polars Series[K]. log_likelihood: float64[iterations], penalised,
    in nats; empty but for Dawid and Skene. converged: True, or False where iterations ran out.
    """

    items: Any
    raters: Any
    confusion: Any
    posterior: np.ndarray
    labels: Any
    log_likelihood: np.ndarray
    converged: bool = True


def aggregate(ratings, method="dawid-skene", gold=None, labels=None, prior=None, iterations=200,
              tolerance=1e-7):  # fmt: skip
    """Aggregated: one label an item, with confidence, from ratings of several raters.

    ratings: polars table (item, rater, label) or array (items, raters); null, None and NaN are
    missing. gold: dict, pairs or table of item -> label where the truth is known; those items get
    that label and show who is right. labels: all labels, used or not. prior: a Prior.

    method "majority": the most frequent label; confidence is its share of the votes. "weighted":
    votes count the log-odds of their rater's accuracy (Nitzan and Paroush 1982), taken from
    agreement with the majority of the others; confidence is the posterior if errors are spread
    evenly, on the low side because that majority errs too. "dawid-skene": EM (1979) with the
    pseudo-counts of Prior, from a smoothed majority; confidence is the posterior. It is right as
    often as it says if the model holds and each rater gave some hundred ratings a class; with
    fewer it is too high by a few points. EM stops when a step gains less than `tolerance` nats a
    rating, or after `iterations`.

    Ties go to the label that is more frequent among all ratings, then to the first in the order
    of labels; "tie" and "note" say so. Memory: about 8 bytes x items x labels, three times.
    Raises KitError "method", "prior", "not-count", "not-nonnegative", "too-large", those of
    kit.labeling.ratings.read and gold_codes.
    """
    prior = _checked(method, prior or Prior(), iterations, tolerance)
    r = read(ratings, labels)
    known, k = gold_codes(gold, r), len(r.labels)
    room(len(r.raters), k)
    history, converged = np.empty(0), True
    if method == "dawid-skene":
        found = fit(r, known, prior, int(iterations), tolerance)
        posterior, counts, history, converged = (
            found.posterior, found.counts, found.log_likelihood, found.converged)  # fmt: skip
    else:
        counts = against_others(r, known)
        posterior = (majority if method == "majority" else weighted)(r, counts, prior, known)
    said = counts + prior.said(k)
    return Aggregated(_items(r, posterior, known), standing(r, counts, prior, known),
                      _confusion(r, counts, said / said.sum(2, keepdims=True)),
                      posterior, r.labels, history, converged)  # fmt: skip


def _checked(method, prior, iterations, tolerance):
    if method not in METHODS:
        raise KitError("no such method", found=method, allowed=", ".join(METHODS), code="method")
    if len(prior) != 3 or not all(np.isfinite(x) and x > 0 for x in prior):
        raise KitError("the prior is not possible", found=prior, allowed="three numbers above 0",
                       code="prior")  # fmt: skip
    if iterations < 1 or iterations != int(iterations):
        raise KitError("iterations is not possible", found=iterations, code="not-count",
                       allowed="a whole number, 1 or more")  # fmt: skip
    if not tolerance >= 0:
        raise KitError("tolerance is not possible", found=tolerance, code="not-nonnegative",
                       allowed="0 (never stop early) or more")  # fmt: skip
    return Prior(*prior)


def _items(r, posterior, known):
    import polars as pl

    top = posterior.max(1)
    close = posterior >= (top - TIE)[:, None]
    rated = (r.each > 0) | (known >= 0)
    # ties: the label that is more frequent among all ratings, argmax takes the first of equals
    often = np.bincount(r.label, minlength=posterior.shape[1]) + 1
    best = np.where(close, often, 0).argmax(1)
    tied = rated & (close.sum(1) > 1)
    one = len(r.labels) == 1
    table = pl.DataFrame({
        "item": r.items, "label": r.labels.gather(best), "confidence": top,
        "ratings": r.each, "tie": tied, "rated": rated, "gold": known >= 0,
    })  # fmt: skip
    note = (
        pl.when("gold").then(pl.lit("gold"))
        .when(~pl.col("rated")).then(pl.lit("nobody rated it"))
        .when("tie").then(pl.lit("tie: the label more frequent among all ratings, then the first"))
        .otherwise(pl.lit("one label only: nothing to tell apart" if one else ""))
    )  # fmt: skip
    hidden = [pl.when("rated").then(c).alias(c) for c in ("label", "confidence")]
    return table.with_columns(*hidden, note=note).drop("rated", "gold")


def _confusion(r, counts, said):
    import polars as pl

    n, k = counts.shape[:2]
    rater, true, label = np.unravel_index(np.arange(n * k * k), (n, k, k))
    return pl.DataFrame({
        "rater": r.raters.gather(rater), "true": r.labels.gather(true).alias("true"),
        "said": r.labels.gather(label).alias("said"), "probability": said.ravel(),
        "expected": counts.ravel(),
    })  # fmt: skip
