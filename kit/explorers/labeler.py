"""Label clips by ear: one clip at a time, one key a label, timed in the browser."""

import html
import io
from pathlib import Path
from statistics import median

import anywidget
import numpy as np
import soundfile
import traitlets

from kit.audio.convert import MAX_RATE, MIN_RATE
from kit.errors import KitError
from kit.frontend import live
from kit.views.html import Html

MAX_WORDS = 36
_KEYS = "1234567890abcdefghijklmnopqrstuvwxyz"
_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_SKIP = ("s", ".", "Delete")


def label(clips, words, rate=16_000, captions=None, seed=0):
    """Label `clips` by ear in JupyterLab, as Labeler, whose table has labels and times.

    clips: int16[n, samples] at `rate` Hz. words: 2 to 36 texts to choose from; each has its key:
    itself where all are single characters, its digit where all are names of digits, else 1 to 9,
    0 and the letters. captions: n texts, shown with the clips. seed: of the order in which they
    are played. Nothing but sounds, captions and words goes to the browser, nothing to the disk.
    Raises KitError "type", "shape", "empty", "range", "words", "captions".
    """
    _check_clips(clips, rate)
    words = _check_words(words)
    captions = [""] * len(clips) if captions is None else _texts(captions, "captions")
    if len(captions) != len(clips):
        raise KitError("captions and clips are not equally many", found=len(captions),
                       allowed=str(len(clips)), remedy="give one caption a clip, or none at all",
                       code="captions")  # fmt: skip
    order = np.random.default_rng(seed).permutation(len(clips))
    return Labeler(clips, words, rate, captions, order)


class Labeler:
    """Clips with the labels that a listener gave so far; shown in a notebook, it asks for them.

    words: list of str. order: int64[n], places of the clips as they are played. Labels live here
    alone: a new Labeler knows none of them.
    """

    def __init__(self, clips, words, rate, captions, order):
        self.words, self.order = words, order
        self._played = [(_wav(clips[i], rate), captions[i]) for i in order]
        self._panel = None

    def live_box(self):
        """The widget, made on first use; shown twice, it is one task."""
        if self._panel is None:
            sounds, captions = (list(x) for x in zip(*self._played, strict=True))
            keys = keys_of(self.words)
            skips = [key for key in _SKIP if key not in keys]
            self._panel = Panel(words=self.words, hotkeys=keys, skips=skips, sounds=sounds,
                                captions=captions)  # fmt: skip
        return self._panel

    def table(self):
        """polars table, one row a clip in the order of `clips`.

        Columns: clip (place, from 0), rater ("you"), label (null where skipped or not yet heard),
        seconds (from the first sound of the clip to the key, summed over visits, by the browser's
        clock; null where it was not answered), replays (times heard again), order (place in the
        order of playing, from 0).
        """
        import polars as pl

        kinds = {"clip": pl.Int64, "rater": pl.String, "label": pl.String, "seconds": pl.Float64,
                 "replays": pl.Int64, "order": pl.Int64}  # fmt: skip
        answers = {answer["clip"]: answer for answer in self._answers}
        rows = []
        for place, clip in enumerate(self.order.tolist()):
            answer = answers.get(place, {"label": None, "seconds": None, "replays": 0})
            word = None if answer["label"] is None else self.words[answer["label"]]
            taken = (
                None if answer["seconds"] is None else float(answer["seconds"])
            )  # 1.0 comes as 1
            rows.append((clip, "you", word, taken, answer["replays"], place))
        return pl.DataFrame(rows, kinds, orient="row").sort("clip")

    def beside(self, **others):
        """polars table item, rater, label: yours beside those of others, for kit.labeling.

        others: name=labels, n of them in the order of `clips`; None and NaN are missing. Only
        items that you labelled are in it, all of them for every rater.
        Raises KitError "names", "shape", "type", "unknown-label".
        """
        import polars as pl

        if "you" in others:
            raise KitError("you are a rater already", found="you", code="names",
                           remedy="give the other rater another name")  # fmt: skip
        items = self.item.tolist()
        raters = {"you": dict(zip(items, self.label, strict=True))}
        raters |= {name: self._labels_of(name, given) for name, given in others.items()}
        rows = [(i, name, labels[i]) for i in items for name, labels in raters.items()]
        kinds = {"item": pl.Int64, "rater": pl.String, "label": pl.String}
        return pl.DataFrame(rows, kinds, orient="row")

    @property
    def item(self):
        """int64[m]: places of the clips that you labelled, rising."""
        return self._labelled["clip"].to_numpy()

    @property
    def label(self):
        """list of m str: your labels of `item`."""
        return self._labelled["label"].to_list()

    @property
    def done(self):
        """Every clip was labelled or skipped."""
        return len(self._answers) == len(self.order)

    @property
    def summary(self):
        """How many clips are labelled, and how long one took, as text."""
        answers = self._answers
        skipped = sum(answer["label"] is None for answer in answers)
        text = f"{len(answers) - skipped} of {len(self.order)} clips labelled"
        text += f", {skipped} skipped" if skipped else ""
        times = [answer["seconds"] for answer in answers if answer["seconds"] is not None]
        return text + (f"; median {median(times):.1f} s a clip." if times else ".")

    @property
    def _answers(self):
        return self._panel.answers if self._panel else []

    @property
    def _labelled(self):
        return self.table().drop_nulls("label")

    def _labels_of(self, name, given):
        """dict of clip -> label of another rater."""
        given = list(given)
        if len(given) != len(self.order):
            raise KitError(f"labels of {name} and clips are not equally many", found=len(given),
                           allowed=str(len(self.order)), code="shape",
                           remedy="give None where a label is missing")  # fmt: skip
        given = [None if x is None or x != x else x for x in given]
        used = set(_texts([x for x in given if x is not None], f"labels of {name}"))
        if used and not used & set(self.words):
            raise KitError(f"{name} gave none of the words", found=sorted(used),
                           allowed=", ".join(self.words), code="unknown-label",
                           remedy="spell both the same way")  # fmt: skip
        return dict(enumerate(given))

    def _ipython_display_(self):
        from IPython.display import display

        display(self.live_box() if live() else self._note())

    def _note(self):
        text = (f"{len(self.order)} clips to label by ear, each with one of {len(self.words)} "
                "words. Nobody listens here: open the notebook in JupyterLab.")  # fmt: skip
        return Html(f"<p>{html.escape(text)}</p>", text)

    def __repr__(self):
        return self.summary


class Panel(anywidget.AnyWidget):
    """What the listener sees. Plays sounds[place], writes `answers`.

    sounds: list of WAV files, bytes. answers: list of dict with clip (place in `sounds`), label
    (place in `words`, None if skipped), seconds (None if it never played), replays.
    """

    words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    hotkeys = traitlets.List(traitlets.Unicode()).tag(sync=True)
    skips = traitlets.List(traitlets.Unicode()).tag(sync=True)
    sounds = traitlets.List(traitlets.Bytes()).tag(sync=True)
    captions = traitlets.List(traitlets.Unicode()).tag(sync=True)
    answers = traitlets.List(traitlets.Dict()).tag(sync=True)

    _esm = Path(__file__).with_name("labeler.js")
    _css = Path(__file__).with_name("labeler.css")


def keys_of(words):
    """list of str: the key of each word, as a browser names it."""
    if all(len(word) == 1 for word in words):
        return list(words)
    if set(words) <= set(_DIGITS):
        return [str(_DIGITS.index(word)) for word in words]
    return list(_KEYS[: len(words)])


def _wav(samples, rate):
    """bytes of a WAV file."""
    blob = io.BytesIO()
    soundfile.write(blob, samples, rate, "PCM_16", format="WAV")
    return blob.getvalue()


def _check_clips(clips, rate):
    allowed = "int16 array of shape (clips, samples)"
    if not isinstance(clips, np.ndarray) or clips.dtype != np.int16:
        raise KitError("clips are not int16", found=str(getattr(clips, "dtype", type(clips))),
                       allowed=allowed, remedy="use kit.audio.to_int16", code="type")  # fmt: skip
    if clips.ndim != 2:
        raise KitError("clips have no shape that fits", found=clips.shape, allowed=allowed,
                       remedy="np.stack puts clips of one length together",
                       code="shape")  # fmt: skip
    if not clips.size:
        raise KitError("there are no clips", found=clips.shape, code="empty",
                       remedy="choose about twenty")  # fmt: skip
    whole = isinstance(rate, int | np.integer) and not isinstance(rate, bool)
    if not whole or not MIN_RATE <= rate <= MAX_RATE:
        raise KitError("rate is not a sample rate", found=rate, code="range",
                       allowed=f"whole, {MIN_RATE} to {MAX_RATE} Hz")  # fmt: skip


def _check_words(words):
    """`words` as list of str."""
    words = _texts(words, "words")
    if not 2 <= len(words) <= MAX_WORDS:
        raise KitError("the words are too few or too many", found=len(words), code="words",
                       allowed=f"2 to {MAX_WORDS}: each has a key")  # fmt: skip
    if len(set(words)) < len(words):
        twice = sorted({word for word in words if words.count(word) > 1})
        raise KitError("a word is there twice", found=twice, allowed="each word once",
                       code="words")  # fmt: skip
    if blank := [word for word in words if not word.strip()]:
        raise KitError("a word is blank", found=blank[0], allowed="words to read",
                       code="words")  # fmt: skip
    return words


def _texts(values, name):
    """`values` as list of plain str."""
    allowed = "a list of texts"
    if isinstance(values, str | bytes | dict) or not hasattr(values, "__iter__"):
        raise KitError(f"{name} are not a list", found=values, allowed=allowed, code="type")
    values = list(values)
    for value in values:
        if not isinstance(value, str):
            raise KitError(f"{name} are not all text", found=value, allowed=allowed,
                           remedy="turn them into text: [str(x) for x in ...]",
                           code="type")  # fmt: skip
    return [str(value) for value in values]
