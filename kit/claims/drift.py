"""Claims of the lesson on drift: a critical value, words for kappa, bands of PSI."""

from scipy import stats

from kit.claims.record import WITH_CONDITION, WRONG, Claim
from kit.drift.calibrate import threshold
from kit.drift.divergence import bias
from kit.drift.labels import BANDS
from kit.drift.rules import Rules

_ROWS, _RATE, _CHAPTER = 1000, 0.05, 0.043
_EXAMPLE, _BETWEEN = 0.08, 0.05  # the chapter's D, and one that it would have called drift
_FEW, _BINS = 100, 10
_KAPPA = {"first": (0.85, "substantial"), "second": (0.72, "moderate")}


def _critical():
    false = stats.kstwobign.sf(_CHAPTER * (_ROWS / 2) ** 0.5)
    return {
        "rows": _ROWS, "critical": threshold("ks", _ROWS, rate=_RATE),
        "one": threshold("ks-one", _ROWS, rate=_RATE), "false": 100 * false, "rate": 100 * _RATE,
        "example": _EXAMPLE, "between": _BETWEEN,
    }  # fmt: skip


def _words():
    """How many of the chapter's words for kappa are those of Landis and Koch."""

    def word(kappa):
        return next(name for least, name in BANDS if kappa > least)

    least = {name: at for at, name in BANDS}
    return {name: kappa for name, (kappa, _) in _KAPPA.items()} | {
        "right": sum(word(kappa) == said for kappa, said in _KAPPA.values()),
        "substantial": least["substantial"], "perfect": least["almost perfect"],
    }  # fmt: skip


def _bands():
    warn, review, critical = Rules().psi
    scale = 2 / _FEW
    return {
        "warn": warn, "review": review, "critical": critical, "few": _FEW, "bins": _BINS,
        "mean": bias("psi", _FEW, _FEW, _BINS),
        "false": 100 * stats.chi2.sf(warn / scale, _BINS - 1),
        "rows": 2 * stats.chi2.isf(_RATE, _BINS - 1) / warn, "rate": 100 * _RATE,
    }  # fmt: skip


CLAIMS = [
    Claim(15, "05", "With {rows} rows, a K-S distance above {critical} is drift.",
          {"rows": _ROWS, "critical": _CHAPTER}, _critical, WRONG,
          "That is {one:.3f}, the test of one sample against a known distribution. Training "
          "and serving are two samples, and {critical:.4f} is exceeded by {rate} % of the windows "
          "in which nothing has changed; the chapter's value by {false:.0f} %. Its example, "
          "{example}, is drift either way; {between} is not.",
          units={"rows": "rows", "critical": ""}),
    Claim(23, "06", "A kappa of {first} is substantial, one of {second} moderate: {right} words of "
          "Landis and Koch.",
          {**{name: kappa for name, (kappa, _) in _KAPPA.items()}, "right": len(_KAPPA)}, _words,
          WRONG,
          "They call substantial what lies above {substantial}, and almost perfect what lies above "
          "{perfect}. Both words are a step too low; {right} are right.",
          units={"first": "", "second": "", "right": "words"}),
    Claim(35, "05", "A PSI of {warn} is a warning, {review} asks for a review, {critical} is "
          "critical.",
          {"warn": 0.1, "review": 0.2, "critical": 0.25}, _bands, WITH_CONDITION,
          "As bands for the size of a change, once it is certain. They are no test: with {bins} "
          "bins and {few} rows on each side, windows without a change have a mean PSI of {mean}, "
          "and {false:.0f} % of them exceed {warn}. From {rows:.0f} rows on it is less than "
          "{rate} %. And no PSI says how much accuracy is lost.",
          units={"warn": "", "review": "", "critical": ""}),
]  # fmt: skip
