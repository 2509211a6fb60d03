"""A recipe is read whole or refused with every line that is wrong."""

import pytest

from kit.audio import preset
from kit.compiler.recipe import (
    Align,
    Augment,
    Contract,
    Deduplicate,
    Features,
    Gates,
    Recipe,
    Source,
    Split,
    Synthesis,
    line_numbers,
    read_recipe,
)
from kit.errors import KitError
from kit.paths import root

GOOD = """\
name = "kws"
output = "build/kws"

[[source]]
kind = "fsdd"
labels = ["yes", "no"]

[[source]]
kind = "synthesis"
words = ["yes", "no"]
voices = ["en-gb", "en-us+f3"]
rates_wpm = [150, 200]

[contract]
seconds = [0.2, 3]

[gates]
snr_db = 15.0

[features]
preset = "kws"
changes = { mels = 32, coeffs = 10 }

[split]
by = ["speaker"]
shares = [0.7, 0.1, 0.2]
"""


@pytest.fixture
def read(tmp_path):
    def from_text(text):
        path = tmp_path / "recipe.toml"
        path.write_text(text, encoding="utf-8")
        return read_recipe(path)

    return from_text


def test_a_good_recipe_with_its_defaults(read):
    recipe = read(GOOD)
    assert [s.kind for s in recipe.source] == ["fsdd", "synthesis"]
    assert recipe.contract.seconds == (0.2, 3.0)
    assert recipe.gates.speech_s == (0.5, 0.8)
    assert recipe.features.spec == preset("kws", mels=32, coeffs=10)
    assert recipe.split.shares == (0.7, 0.1, 0.2)
    assert (recipe.rate, recipe.seconds, recipe.shard_clips) == (16_000, 1.0, 512)
    assert isinstance(recipe, Recipe)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "kws"', 'name = "kws"\nbogus = 3', "line 2: bogus is not a key of a recipe"),
        ("snr_db = 15.0", "snr = 15.0", "line 18: gates.snr is not a key"),
        ("snr_db = 15.0", 'snr_db = "15"', r"line 18: gates.snr_db: .*valid number, found '15'"),
        ("[150, 200]", "[150, 900]", "line 12: source.1.rates_wpm.1: .*450, found 900"),
        ("[0.7, 0.1, 0.2]", "[0.7, 0.1, 0.1]", "line 24: split: shares add up to 0.9"),
        ('by = ["speaker"]', 'by = ["voice"]', "line 25: split.by.0"),
        ('kind = "fsdd"', 'kind = "librispeech"', "line 4: source.0: .*librispeech"),
        ('kind = "fsdd"', 'kind = "folder"', "line 4: source.0: .*'folder' needs a path"),
        ("mels = 32", "mel = 32", "line 20: features: .*no such field"),
        ("mels = 32", "mels = 5", "line 20: features: .*coeffs cannot be this"),
        ('words = ["yes", "no"]', "words = []", "line 10: source.1.words"),
        ('output = "build/kws"', "", "output: Field required"),
        ("snr_db = 15.0", "snr_db = true", "gates.snr_db"),
        ("[gates]", "[gates", "is not TOML.*line 17"),
    ],
)
def test_a_mistake_is_named_with_its_line(read, old, new, says):
    assert GOOD.count(old) >= 1
    with pytest.raises(KitError, match=says) as fault:
        read(GOOD.replace(old, new, 1))
    assert fault.value.code == "recipe"


def test_all_mistakes_come_at_once(read):
    text = GOOD.replace("snr_db", "snr").replace("0.2]\n", "0.1]\n").replace("[150,", "[15,")
    with pytest.raises(KitError) as fault:
        read(text)
    assert str(fault.value).count("line ") == 3


def test_line_numbers_of_tables_and_arrays_of_tables():
    lines = line_numbers("a = 1\n\n[b]\nc = 2\n[[d]]\ne = 3\n[[d]]\ne.f = 4\n")
    assert lines == {
        ("a",): 1, ("b",): 3, ("b", "c"): 4, ("d", 0): 5, ("d", 0, "e"): 6, ("d", 1): 7,
        ("d", 1, "e", "f"): 8,
    }  # fmt: skip


def test_files_that_are_no_recipe(tmp_path):
    with pytest.raises(KitError, match="cannot read the recipe"):
        read_recipe(tmp_path / "missing.toml")
    (tmp_path / "latin.toml").write_bytes("name = 'Café'".encode("latin-1"))
    with pytest.raises(KitError, match="cannot read the recipe"):
        read_recipe(tmp_path / "latin.toml")


def test_the_list_of_keys_is_complete():
    text = (root() / "data" / "recipes" / "README.md").read_text(encoding="utf-8")
    parts = [Recipe, Source, Synthesis, Contract, Gates, Align, Deduplicate, Augment, Features]
    for part in (*parts, Split):
        for key in part.model_fields:
            assert f"`{key}`" in text or f"`{key} =" in text or f"[{key}]" in text, key
    for kind in ("fsdd", "librivox", "speech-commands", "mswc", "folder", "http"):
        assert f"`{kind}`" in text


@pytest.mark.parametrize("path", sorted((root() / "data" / "recipes").glob("*.toml")), ids=str)
def test_our_own_recipes_can_be_read(path):
    assert read_recipe(path).name == path.stem
