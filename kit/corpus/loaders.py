"""From a folder of sound files to a clip table, one small function a layout.

A layout is a function (folder, source) -> (list of files, describe), where describe(path) gives
what the place and name of a file say about it, or raises KitError.
"""

import os
import re
import stat
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import polars as pl

from kit.audio.convert import MAX_RATE, MIN_RATE, float_fault
from kit.corpus.clips import clip_id, clip_table, decode
from kit.corpus.datasets import data_set
from kit.corpus.store import fetch
from kit.errors import KitError
from kit.frontend import show_progress

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")
_MSWC_SETS = {"TRAIN": "train", "DEV": "validation", "TEST": "test"}
_REJECTS = {"path": pl.String, "code": pl.String, "message": pl.String}


class Scan(NamedTuple):
    """What `scan` finds in a folder, before a sound file is opened.

    source, licence: columns of every row. paths: list of Path, sound files and folders that cannot
    be read. describe: function of a path that gives what its place says, or raises KitError.
    ignored: dict of suffix -> number of other files.
    """

    source: str
    licence: str | None
    paths: list
    describe: object
    ignored: dict


class Loaded(NamedTuple):
    """What `load_clips` returns. Every sound file is a row or a reject: read = table + rejects.

    table: clip table. rejects: table of path, code and message. read: number of files opened.
    ignored: dict of suffix -> number of other files, for none may vanish unnoticed.
    """

    table: pl.DataFrame
    rejects: pl.DataFrame
    read: int
    ignored: dict


def load_clips(name, folder=None, labels=None, progress=None):
    """Load the clips of data set `name` as Loaded(table, rejects, read, ignored).

    name: "fsdd", "librivox", "speech-commands", "mswc", or "folder" for any folder of sound files,
    where the folder that a file lies in is its label. folder: your copy; fsdd and librivox are
    fetched without it. labels: list of str; only files with these labels are opened. progress:
    show a bar; default where a person looks on. A file that cannot be decoded, or that does not
    fit the layout, becomes a row of rejects.
    """
    found = scan(name, folder)
    shared = {"source": found.source, "licence": found.licence}
    labels = [labels] if isinstance(labels, str) else labels
    rows, rejects = _rows(_bar(found.paths, progress), found.describe, labels)
    table = clip_table([shared | row for row in rows])
    return Loaded(table, _reject_table(rejects), len(rows) + len(rejects), found.ignored)


def scan(name, folder=None):
    """List the sound files of data set `name` as a Scan; arguments as for `load_clips`."""
    layout, folder = _layout(name), _folder(name, folder)
    source = (folder.name or name) if name == "folder" else name
    sounds, closed, others = _walk(folder)
    paths, describe = layout(folder, source, sounds)
    if not paths + closed:
        raise KitError(
            f"no sound files of {name} are here",
            found=str(folder),
            allowed=layout.__doc__,
            remedy="give the folder that holds these",
            code="no-files",
        )
    ignored = dict(Counter(p.suffix.lower() for p in others))
    licence = None if name == "folder" else data_set(name).licence
    return Scan(source, licence, paths + closed, lambda p: describe(_readable(p)), ignored)


def _rows(paths, describe, labels):
    """(rows, rejects) of the files whose label is asked for: lists of dict."""
    rows, rejects = [], []
    for path in paths:
        try:
            said = describe(path)
            if labels is None or said["label"] in labels:
                rows.append(said | sound_row(path, decode(path)))
        except KitError as fault:
            rejects.append({"path": path, "code": fault.code, "message": fault})
    return rows, rejects


def speech_span(path):
    """(start, end) of speech in seconds, from the .lab file beside the sound file `path`.

    Lines are time, time and word, where the word says what begins: speech or silence.
    """
    lines = [line.split() for line in _text(Path(path).with_suffix(".lab")).splitlines()]
    try:
        begins = {word: float(time) for time, _, word in lines}
        return begins["speech"], begins["silence"]
    except (ValueError, KeyError) as cause:
        raise KitError(
            "the marks cannot be read",
            found=lines,
            allowed="time, time and speech; time, time and silence",
            code="bad-marks",
        ) from cause


def _fsdd(folder, source, sounds):
    """recordings/<digit>_<speaker>_<take>.wav"""
    pattern = r"recordings/(?P<label>[0-9])_(?P<speaker>[^_/]+)_[0-9]+\.wav"

    def describe(path):
        return _parts(pattern, path, folder) | _origin(source, path.stem) | {"language": "en"}

    return sounds, describe


def _librivox(folder, source, sounds):
    """<recording>-<number>.wav or .flac, with the transcript in .txt beside it"""

    def describe(path):
        reading = _parts(r"(?P<recording>[^/]+)-[0-9]+\.(wav|flac)", path, folder)["recording"]
        script = path.with_suffix(".txt")
        label = _text(script).strip() if script.exists() else None
        # one reader a recording; the files do not name her
        said = {"label": label, "speaker": f"reader of {reading}", "language": "en"}
        return said | _origin(source, reading)

    return sounds, describe


def _speech_commands(folder, source, sounds):
    """<word>/<speaker>_nohash_<take>.wav, and validation_list.txt with testing_list.txt"""
    pattern = r"(?P<label>[^/]+)/(?P<speaker>[0-9a-f]+)_nohash_[0-9]+\.wav"
    lists = {"validation": folder / "validation_list.txt", "test": folder / "testing_list.txt"}
    known = all(file.exists() for file in lists.values())
    split_of = {x: s for s, file in lists.items() for x in _text(file).split()} if known else {}

    def describe(path):
        name = _relative(path, folder)
        split = {"language": "en", "split": split_of.get(name, "train" if known else None)}
        return _parts(pattern, path, folder) | _origin(source, name.removesuffix(".wav")) | split

    return [p for p in sounds if p.parent.name != "_background_noise_"], describe


def _mswc(folder, source, sounds):
    """<language>/clips/<word>/common_voice_<language>_<id>.opus or .wav, <language>_splits.csv"""
    pattern = r"((?P<language>[^/]+)/)?clips/(?P<label>[^/]+)/(?P<id>common_voice_[^/]+)\.\w+"
    lists = [*folder.glob("*_splits.csv"), *folder.glob("*/*_splits.csv")]
    entries = {file.name.removesuffix("_splits.csv"): _mswc_entries(file) for file in lists}

    def describe(path):
        said = _parts(pattern, path, folder)
        language = said["language"] or folder.name
        # words cut from one sentence share its id
        said |= _origin(source, said.pop("id")) | {"language": language}
        return said | (_mswc_said(entries[language], path) if language in entries else {})

    return sounds, describe


def _mswc_entries(file):
    """dict of word/stem -> (SET, VALID, SPEAKER) from a list of splits."""
    try:
        rows = pl.read_csv(file, infer_schema=False).select("LINK", "SET", "VALID", "SPEAKER")
    except (pl.exceptions.PolarsError, OSError) as cause:
        raise _fault(file, "cannot be read", "bad-splits", str(cause)) from cause
    return {link.rpartition(".")[0]: entry for link, *entry in rows.iter_rows()}


def _mswc_said(entries, path):
    """Split and speaker of the file `path`."""
    kind, valid, speaker = entries.get(f"{path.parent.name}/{path.stem}", (None, None, None))
    if kind not in _MSWC_SETS:
        raise _fault(path, "has no place in the list of splits", "unlisted", kind)
    if valid != "True":
        raise _fault(path, "is not valid, says its own list", "not-valid", valid)
    return {"split": _MSWC_SETS[kind], "speaker": None if speaker == "NA" else speaker}


def _any_folder(folder, source, sounds):
    """any files that end in .wav, .flac, .ogg, .opus, .mp3, .aif or .aiff"""

    def describe(path):
        label = path.parent.name if path.parent != folder else None
        return {"label": label} | _origin(source, _relative(path, folder).rpartition(".")[0])

    return sounds, describe


_LAYOUTS = {
    "fsdd": _fsdd,
    "librivox": _librivox,
    "speech-commands": _speech_commands,
    "mswc": _mswc,
    "folder": _any_folder,
}


def _layout(name):
    if name not in _LAYOUTS:
        raise KitError("no loader of this name", found=name, allowed=", ".join(_LAYOUTS))
    return _LAYOUTS[name]


def _folder(name, folder):
    if folder is None and name == "folder":
        raise KitError("the folder is missing", remedy='call load_clips("folder", your_folder)')
    found = Path(fetch(name) if folder is None else folder).resolve()
    if not found.is_dir():
        raise KitError("this is not a folder", found=str(found), code="no-folder")
    return found


def _walk(folder):
    """(sound files, folders that cannot be read, other files) below `folder`, each sorted.

    Links are followed, into every folder once. A broken link is a file: it must not vanish.
    """
    files, closed, seen = [], [], set()

    def told(fault):
        closed.append(Path(fault.filename))

    for place, folders, names in os.walk(folder, followlinks=True, onerror=told):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        files += [Path(place, name) for name in names]
        if not os.access(place, os.X_OK):
            closed.append(Path(place))
    sounds = [p for p in files if p.suffix.lower() in SUFFIXES]
    return sorted(sounds), sorted(set(closed)), sorted(set(files) - set(sounds))


def sound_row(path, sound):
    """dict of the columns that a decoded file gives; KitError if it is no sound to work with."""
    if len(sound.samples) == 0:
        raise _fault(path, "holds no samples", "empty")
    if not MIN_RATE <= sound.rate <= MAX_RATE:
        raise _fault(path, "has no sample rate of sound", "bad-rate", sound.rate)
    _check_floats(path, sound.samples)
    return {
        "clip_id": clip_id(sound.samples, sound.rate),
        "path": str(path),
        "offset": 0,
        "num_samples": len(sound.samples),
        "sample_rate": sound.rate,
    }


def _check_floats(path, samples):
    """Floats can hold what is no sound: NaN, infinity, integers that were never scaled."""
    if samples.dtype.kind != "f":
        return
    code, span = float_fault(samples)
    if code == "not-finite":
        raise _fault(path, "holds NaN or infinity", code)
    if code:
        raise _fault(path, "is not in [-1, 1]", code, span)


def _parts(pattern, path, folder):
    """Named groups of `pattern` in the place of `path` below `folder`."""
    found = re.fullmatch(pattern, _relative(path, folder))
    if not found:
        raise _fault(path, "does not fit the layout of its data set", "bad-name")
    return found.groupdict()


def _readable(path):
    if _utf8(path) != str(path):
        raise _fault(_utf8(path), "has a name that is not UTF-8", "bad-name")
    try:
        mode = path.stat().st_mode
    except OSError as cause:
        raise _fault(path, "cannot be read", "unreadable", cause.strerror) from cause
    if not stat.S_ISREG(mode):  # a folder without permission; a pipe would never end
        raise _fault(path, "is not a file that can be read", "unreadable")
    return path


def _utf8(value):
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def _text(path):
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise _fault(path, "cannot be read", "unreadable", str(cause)) from cause


def _relative(path, folder):
    return path.relative_to(folder).as_posix()


def _origin(source, name):
    return {"source_id": f"{source}/{name}"}


def _bar(paths, progress):
    from tqdm.auto import tqdm

    hidden = not (show_progress() if progress is None else progress)
    return tqdm(paths, unit="file", disable=hidden, leave=False)


def _reject_table(rejects):
    rows = [{column: _utf8(value) for column, value in row.items()} for row in rejects]
    return pl.DataFrame(rows, schema=_REJECTS, orient="row")


def _fault(path, what, code, found=...):
    return KitError(f"{path} {what}", found=found, code=code, remedy="check where it comes from")
