"""What goes in: a row or a letter for every file, and no file opened without need."""

import hashlib
import os
from pathlib import Path

import pytest

from kit.compiler import inputs
from kit.compiler.inputs import COLUMNS, gather
from kit.compiler.recipe import read_recipe
from kit.errors import KitError


@pytest.fixture
def look(shop, monkeypatch):
    """A function: gather the recipe with the given parts; counts the files that it opened."""
    digested = []
    real = hashlib.file_digest
    monkeypatch.setattr(
        hashlib, "file_digest", lambda file, kind: digested.append(file.name) or real(file, kind)
    )

    def gathered(**parts):
        digested.clear()
        recipe = read_recipe(shop.recipe(**parts))
        return gather(recipe, shop.home, shop.out)

    gathered.opened = digested
    return gathered


def test_every_file_is_a_row_with_the_digest_of_its_bytes(shop, look):
    (shop.raw / "README.md").write_text("no sound")
    items, letters, ignored = look()
    assert items.columns == list(COLUMNS)
    assert items.height == 24
    assert letters == []
    assert ignored == {".md": 1}
    for path, digest in items.select("path", "digest").iter_rows():
        content = Path(path).read_bytes()
        assert digest == hashlib.blake2b(content, digest_size=12).hexdigest()


def test_a_second_look_opens_nothing(shop, look):
    first = look()[0]
    assert len(look.opened) == 24
    assert look()[0].equals(first)
    assert look.opened == []


def test_a_file_is_opened_again_if_size_or_time_changed(shop, look):
    items = look()[0]
    longer, later = (Path(p) for p in items["path"][3:5])
    longer.write_bytes(was := longer.read_bytes() + b"xx")
    later.write_bytes(later.read_bytes()[:-2] + b"xx")
    os.utime(later, ns=(0, 0))
    again = look()[0]
    assert sorted(look.opened) == [str(longer), str(later)]
    assert again["digest"][3] == hashlib.blake2b(was, digest_size=12).hexdigest()
    changed = again["digest"] != items["digest"]
    assert changed.arg_true().to_list() == [3, 4]


def test_labels_choose_before_a_file_is_opened(look):
    source = {"kind": "speech-commands", "path": "raw", "labels": ["no", "yes"]}
    items = look(source=[source])[0]
    assert sorted(set(items["label"])) == ["no", "yes"]
    assert len(look.opened) == items.height == 12


def test_a_link_out_of_the_folder_is_a_letter(shop, look):
    outside = shop.speak("../elsewhere/b.wav", "outside")
    (shop.raw / "yes" / "00ff_nohash_0.wav").symlink_to(outside)
    (shop.raw / "up").symlink_to(outside.parent)
    (shop.raw / "yes" / "00fe_nohash_0.wav").symlink_to(shop.raw / "yes" / "00a1_nohash_0.wav")
    items, letters, _ = look(source=[{"kind": "folder", "path": "raw"}])
    assert [x["code"] for x in letters] == ["outside", "outside"]
    assert all("leads out of its folder" in x["message"] for x in letters)
    assert items.height == 25  # a link inside is a file like any other


def test_what_cannot_be_read_is_a_letter(shop, look):
    (shop.raw / "yes" / "00ff_nohash_0.wav").symlink_to("nowhere")
    os.mkfifo(shop.raw / "yes" / "00fe_nohash_0.wav")
    (shop.raw / "yes" / "wrong name.wav").write_bytes(b"x")
    items, letters, _ = look()
    assert items.height == 24
    assert sorted(x["code"] for x in letters) == ["bad-name", "unreadable", "unreadable"]
    assert {x["pass"] for x in letters} == {"ingest"}


def test_a_file_that_goes_away_is_a_letter(shop, look, monkeypatch):
    path = str(shop.raw / "yes" / "00a1_nohash_0.wav")
    real = inputs._stay
    monkeypatch.setattr(
        inputs, "_stay", lambda p, place: real(p, place) or (str(p) == path and os.unlink(p))
    )
    items, letters, _ = look()
    assert items.height == 23
    assert [(x["path"], x["code"]) for x in letters] == [(path, "unreadable")]


def test_a_synthesis_source_asks_for_every_combination_once(look):
    source = {"kind": "synthesis", "words": ["yes", "no", "yes"], "voices": ["en-us", "en-gb+f2"],
              "rates_wpm": [120, 200], "pitches": [30, 50, 70]}  # fmt: skip
    items = look(source=[source])[0]
    assert items.height == items["path"].n_unique() == 2 * 2 * 2 * 3
    row = items.row(-1, named=True)
    assert (row["label"], row["speaker"], row["language"]) == ("no", "espeak-ng en-gb+f2", "en-gb")


def test_sources_keep_their_order_and_number(look):
    source = {"kind": "speech-commands", "path": "raw"}
    items = look(source=[source | {"labels": ["yes"]}, source | {"labels": ["no"]}])[0]
    assert items["number"].to_list() == [0] * 6 + [1] * 6
    assert items["label"].to_list() == ["yes"] * 6 + ["no"] * 6


def test_a_registered_set_is_verified_once(fsdd, look, monkeypatch):
    source = {"kind": "fsdd", "labels": ["7"]}
    asked = []
    monkeypatch.setattr(inputs, "fetch", lambda name, progress: asked.append(name))
    assert look(source=[source])[0].height == 300
    look(source=[source])
    assert asked == ["fsdd"]


def test_a_source_that_is_not_there_stops_the_run(look):
    with pytest.raises(KitError, match="this is not a folder.*nowhere"):
        look(source=[{"kind": "folder", "path": "nowhere"}])
