"""Spotters of different strength as judges: what each says of clips of people it never heard.

Their mistakes are real, so raters can be made of them. Needs torch; tables are polars.
"""

import numpy as np

from kit.experiments import scale
from kit.experiments.folds import names_of
from kit.experiments.kept import kept_table
from kit.experiments.runs import SHORT, surroundings

CLIPS = (25, 100, 400)  # that each judge learnt from
_FORMAT = "judges 1"  # a change of what a row means gets a new number
_TESTED = 2  # speakers whose clips are judged


def judged(people, clips=CLIPS, size=None, seed=0):
    """polars table: what judges say of every clip of the last two speakers.

    people: Takes of three speakers or more. clips: how many each judge learnt from, spoken by the
    others. size: Scale, for the passes of a training. Columns: judge (such as "25 clips"), clip
    (number), speaker, word (the truth), said, right, confidence (the largest score). Kept on disk.
    Raises KitError "no-honest-split".
    """
    names = names_of(people, _TESTED + 1, "two are judged, the others train")
    size = size or scale()
    about = [_FORMAT, surroundings(), people.digest, list(clips), size.passes, seed]
    return kept_table("judged", about, lambda: _judged(people, names[-_TESTED:], clips, size, seed))


def confusions(table):
    """(dict of judge -> int64[words, words], words) of a table of `judged`: counts, true x said."""
    words = sorted(set(table["word"]) | set(table["said"]))
    place = {word: i for i, word in enumerate(words)}
    found = {}
    for (judge,), part in table.group_by("judge", maintain_order=True):
        counts = np.zeros((len(words), len(words)), np.int64)
        np.add.at(counts, ([place[w] for w in part["word"]], [place[w] for w in part["said"]]), 1)
        found[judge] = counts
    return found, words


def _judged(people, tested, clips, size, seed):
    import polars as pl

    from kit.kws.train import train

    own, others = people.by(tested), people.without(tested)
    parts = []
    for count in clips:
        lessons = others.few(min(count, len(others.clips)), seed)
        epochs = max(1, round(size.passes / len(lessons.clips)))
        spotter = train(*lessons, epochs=epochs, validation=None, progress=False, seed=seed,
                        settings=SHORT)  # fmt: skip
        scores = spotter.scores(own.clips)
        said = np.array(spotter.words)[scores.argmax(1)]
        parts.append(pl.DataFrame({
            "judge": [f"{count} clips"] * len(said), "clip": np.arange(len(said)),
            "speaker": own.speakers, "word": own.labels, "said": said, "right": said == own.labels,
            "confidence": scores.max(1).astype(float),
        }))  # fmt: skip
    return pl.concat(parts)
