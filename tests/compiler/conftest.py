"""A workshop: raw recordings, a recipe, and what was made of them, each in a folder of its own."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import soundfile

from kit.audio.synthesize import synthesize
from kit.compiler import lineage
from kit.compiler.dataset import Compiled
from kit.compiler.run import compile_recipe

WORDS = ("yes", "no", "seven", "water")
VOICES = {  # speaker in the layout of Speech Commands -> voice of espeak-ng
    "00a1": "en-us", "00b2": "en-us+f3", "00c3": "en-gb+m3", "00d4": "en-gb-scotland+f1",
    "00e5": "en-029+m7", "00f6": "en-us+klatt2",
}  # fmt: skip
PLAIN = {  # a recipe that turns nothing away and keeps everything in one split
    "name": "test",
    "output": "out",
    "shard_clips": 6,
    "source": [{"kind": "speech-commands", "path": "raw"}],
    "gates": {"snr_db": 3.0, "speech_s": [0.05, 1.0]},
    "split": {"by": ["speaker"], "shares": [1.0, 0.0, 0.0]},
}
STORED = ("shards", "features", "records")


class Workshop:
    """Folder `home` with recordings in `raw` and a data set in `out`."""

    def __init__(self, home):
        self.home, self.raw, self.out = home, home / "raw", home / "out"

    def recipe(self, **parts):
        """Path of a recipe: PLAIN with the given parts; tables are merged, the rest replaced."""
        whole = PLAIN | {
            k: PLAIN.get(k, {}) | v if isinstance(v, dict) else v for k, v in parts.items()
        }
        path = self.home / "recipe.toml"
        path.write_text(toml(whole), encoding="utf-8")
        return path

    def compile(self, engine="local", workers=1, replay=False, output=None, **parts):
        """Run of the recipe with the given parts, in this process unless workers say otherwise."""
        return compile_recipe(
            self.recipe(**parts), output, engine=engine, workers=workers, replay=replay
        )

    @property
    def data(self):
        return Compiled(self.out)

    def stored(self, out="out"):
        """dict of path -> SHA-256 of every file below shards, features and records."""
        return stored(self.home / out)

    def speak(self, name, text, voice="en-us+m1", **how):
        """Write raw/`name` with `text` spoken; returns its path."""
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, synthesize(text, voice, **how), 16_000)
        return path


def stored(folder):
    """dict of path -> SHA-256 of what a data set consists of, beside its table."""
    files = [p for name in STORED for p in (folder / name).rglob("*") if p.is_file()]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def toml(whole):
    """Text of a recipe given as dict: top level, tables, and the list `source`."""
    tables = {k: v for k, v in whole.items() if isinstance(v, dict)}
    lines = [_line(k, v) for k, v in whole.items() if k not in tables and k != "source"]
    for source in whole["source"]:
        lines += ["[[source]]", *(_line(k, v) for k, v in source.items())]
    for name, table in tables.items():
        lines += [f"[{name}]", *(_line(k, v) for k, v in table.items())]
    return "\n".join(lines) + "\n"


def _line(key, value):
    if isinstance(value, dict):
        return f"{key} = {{ {', '.join(_line(k, v) for k, v in value.items())} }}"
    return f"{key} = {value if isinstance(value, float) else json.dumps(value, ensure_ascii=False)}"


@pytest.fixture(autouse=True)
def one_commit(monkeypatch):
    """A commit between two runs changes what shards say of their making, as it should."""
    monkeypatch.setattr(lineage, "commit_now", lambda: "test")


@pytest.fixture(scope="session")
def spoken(tmp_path_factory):
    """Folder of 24 clips in the layout of Speech Commands: four words by six voices."""
    shop = Workshop(tmp_path_factory.mktemp("spoken"))
    for speaker, voice in VOICES.items():
        for word in WORDS:
            shop.speak(f"{word}/{speaker}_nohash_0.wav", word, voice)
    return shop.raw


@pytest.fixture
def shop(tmp_path, spoken):
    """A Workshop with the 24 spoken clips."""
    shutil.copytree(spoken, tmp_path / "raw")
    return Workshop(tmp_path)


@pytest.fixture
def bare(tmp_path):
    """A Workshop without recordings."""
    (tmp_path / "raw").mkdir()
    return Workshop(tmp_path)


@pytest.fixture(scope="session")
def librivox():
    """Folder of the LibriVox sentences."""
    from kit.corpus import fetch
    from kit.errors import KitError

    try:
        return Path(fetch("librivox", progress=False))
    except KitError as error:
        pytest.skip(f"the LibriVox sentences cannot be had: {error}")
