"""One word may have several names: the recipe says which stands for it, in every kind of source."""

import shutil

from kit.compiler.inputs import gather
from kit.compiler.recipe import read_recipe


def test_recordings_and_synthesis_meet_in_one_label(shop):
    spoken = {"kind": "synthesis", "words": ["seven", "fish"], "voices": ["en-gb"]}
    sources = [{"kind": "speech-commands", "path": "raw"}, spoken]
    plain = shop.compile(source=sources).data.clips
    data = shop.compile(source=sources, rename={"seven": "7", "water": "wet"}).data
    wanted = {"seven": "7", "water": "wet"}
    assert data.clips["label"].to_list() == [wanted.get(x, x) for x in plain["label"]]
    made = data.clips.filter(source="synthesis")
    assert set(made["label"]) == {"7", "fish"}
    twin = plain.filter(source="synthesis")
    assert made["clip_id"].to_list() == twin["clip_id"].to_list()  # the word is still spoken


def test_words_of_a_sentence_are_renamed_after_they_are_found(bare):
    from kit.compiler import passes
    from kit.paths import root

    bare.raw.mkdir(exist_ok=True)
    for path in (root() / "data" / "sentences").iterdir():
        shutil.copy(path, bare.raw)
    source = {"kind": "librivox", "path": "raw", "align": True, "labels": ["seven", "nine"]}
    recipe = read_recipe(bare.recipe(source=[source], rename={"seven": "7"}))
    items, _, _ = gather(recipe, bare.home, bare.out)
    batch = passes.align(passes.ingest(items.to_dicts(), recipe), recipe)
    assert batch.table["label"].to_list() == ["7", "nine"]
