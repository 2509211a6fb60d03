"""Claims about labels: what two raters agree on by chance, and what a mask stores."""

from kit.assumptions import value
from kit.claims.record import WITH_CONDITION, WRONG, Claim
from kit.labeling.chance import chance_agreement

_OFTEN = 0.9  # the chapter's raters say "not spam" in so many cases


def _chance():
    return {
        "often": 100 * _OFTEN, "chance": 100 * chance_agreement(_OFTEN, _OFTEN),
        "both": 100 * _OFTEN**2, "spam": 100 * (1 - _OFTEN) ** 2,
    }  # fmt: skip


def _mask():
    pixels, boxes = value("mask_width") * value("mask_height"), value("boxes_an_image")
    numbers = value("box_values")
    return {
        "factor": pixels / boxes, "pixels": pixels, "boxes": boxes, "numbers": numbers,
        "fair": pixels / (boxes * (4 * (numbers - 1) + 1)),
    }  # fmt: skip


CLAIMS = [
    Claim(22, "06", 'Two raters who both say "not spam" in {often} % of the cases agree in '
          "{chance} % by chance.",
          {"often": 90, "chance": 81}, _chance, WRONG,
          "In {both} % both say so by chance, and in {spam} % both say the other: {chance} %.",
          tolerance=0.005, units={"often": "%", "chance": "%"}),
    Claim(26, "06", "A segmentation mask stores {factor} times as much as the boxes of an image.",
          {"factor": 200_000}, _mask, WITH_CONDITION,
          "{pixels} pixels of one byte against {boxes} boxes of one byte each. A box is {numbers} "
          "numbers; with a byte for the class and four for each coordinate it is {fair} times. "
          "And masks compress well, boxes do not.",
          tolerance=0.04, units={"factor": "x"}),
]  # fmt: skip
