"""A store that names things by their content: equal things once, broken things found."""

import hashlib
import json
import os
import subprocess
import sys
import time

import pytest
from helpers import code
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import KitError
from kit.storage.content import Content, dvc_beside

FILES = {"a.txt": b"one", "b/c.bin": b"\x00\xff" * 999, "b/again.txt": b"one", "empty": b""}


def fill(folder, files=FILES):
    for path, raw in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(raw)
    return folder


def held(folder):
    return {f.relative_to(folder).as_posix(): f.read_bytes()
            for f in folder.rglob("*") if f.is_file()}  # fmt: skip


def objects(store):
    return {f.parent.name + f.name for f in store.objects.glob("??/*")}


def spoil(store, digest, raw=b"spoiled"):
    (store.objects / digest[:2] / digest[2:]).write_bytes(raw)


@pytest.fixture
def store(tmp_path):
    return Content(tmp_path / "store")


def test_bytes_come_back_under_their_sha256(store, tmp_path):
    name = store.put(b"one")
    assert name == hashlib.sha256(b"one").hexdigest()
    assert store.get(name) == b"one"
    assert store.put(bytearray(b"one")) == store.put(memoryview(b"one")) == name
    file = tmp_path / "file"
    file.write_bytes(b"one")
    assert store.put(file) == store.put(str(file)) == name
    assert store.get(name, tmp_path / "back" / "file").read_bytes() == b"one"
    assert objects(store) == {name}


names = st.text("ab.é ", min_size=1, max_size=6).filter(lambda s: s.strip(" .") == s and s)


@settings(max_examples=40, deadline=None)
@given(files=st.dictionaries(names, st.binary(max_size=40), max_size=6))
def test_any_folder_comes_back_byte_for_byte(tmp_path_factory, files):
    place = tmp_path_factory.mktemp("any")
    (place / "in").mkdir()
    store = Content(place / "store")
    name = store.put(fill(place / "in", files))
    assert held(store.get(name, place / "out")) == files
    assert len(objects(store)) == len(set(files.values()))
    assert not store.verify().height


def test_a_folder_is_a_manifest_named_by_what_is_in_it(store, tmp_path):
    name = store.put(fill(tmp_path / "in"))
    table = store.manifest(name)
    assert table["path"].to_list() == ["a.txt", "b/again.txt", "b/c.bin", "empty"]
    assert table["size"].to_list() == [3, 3, 1998, 0]
    assert table["digest"][0] == table["digest"][1]
    assert store.put(fill(tmp_path / "elsewhere")) == name
    changed = fill(tmp_path / "in", {"a.txt": b"two"})
    assert store.put(changed) != name
    assert len(objects(store)) == 4, "three, and the one that is new"


def test_verify_names_what_is_corrupt_or_missing_and_who_needs_it(store, tmp_path):
    name = store.put(fill(tmp_path / "in"))
    assert store.verify().rows() == []
    one, big = (hashlib.sha256(FILES[n]).hexdigest() for n in ("a.txt", "b/c.bin"))
    spoil(store, one)
    (store.objects / big[:2] / big[2:]).unlink()
    found = {row[0]: row[1:] for row in store.verify().rows()}
    assert found == {one: ("corrupt", ["a.txt", "b/again.txt"]), big: ("missing", ["b/c.bin"])}
    assert code(store.get, one) == "corrupt"
    assert code(store.get, name, tmp_path / "out") == "corrupt"
    assert not (tmp_path / "out").exists()
    store.put(fill(tmp_path / "in"))
    assert not store.verify().height, "putting the original again mends it"


def test_a_flipped_bit_of_the_same_length_is_found(store):
    name = store.put(b"one")
    spoil(store, name, b"onf")
    assert store.verify()["digest"].to_list() == [name]
    assert code(store.get, name) == "corrupt"
    store.put(b"one")
    assert store.get(name) == b"one"


def test_a_spoiled_manifest_is_found_and_stops_the_collection(store, tmp_path):
    name = store.put(fill(tmp_path / "in"))
    file = store.manifests / f"{name}.json"
    file.write_text("[]")
    assert store.verify().row(0)[:2] == (name, "corrupt")
    assert code(store.collect, grace_s=0) == "corrupt"
    assert code(store.manifest, name) == "corrupt"
    file.write_text("no json")
    assert code(store.get, name, tmp_path / "out") == "corrupt"


def test_garbage_is_what_no_manifest_names(store, tmp_path):
    first = store.put(fill(tmp_path / "in"))
    second = store.put(fill(tmp_path / "in", {"a.txt": b"two"}))
    loose = store.put(b"loose")
    plan = store.collect(grace_s=-1)
    assert plan.dry_run
    assert plan.digests == (loose,)
    assert plan.size_mb == pytest.approx(5e-6)
    assert store.get(loose) == b"loose"
    assert store.collect(dry_run=False).digests == (), "young things may belong to a put at work"
    store.collect(dry_run=False, grace_s=-1)
    assert code(store.get, loose) == "unknown"
    store.forget(second)
    assert len(store.collect(dry_run=False, grace_s=-1).digests) == 1
    assert held(store.get(first, tmp_path / "out")) == FILES
    assert not store.verify().height


def test_an_old_object_put_again_is_young(store):
    name = store.put(b"one")
    file = store.objects / name[:2] / name[2:]
    os.utime(file, (1e9, 1e9))
    assert store.collect().digests == (name,)
    store.put(b"one")
    assert store.collect().digests == ()


def test_a_killed_put_leaves_nothing_under_a_wrong_name(store, tmp_path):
    big = tmp_path / "big"
    big.write_bytes(os.urandom(1 << 20) * 64)
    text = (
        "import sys\nfrom kit.storage.content import Content\n"
        "store = Content(sys.argv[1])\nprint('ready', flush=True)\n"
        "while True: store.put(sys.argv[2])\n"
    )
    command = [sys.executable, "-c", text, str(store.place), str(big)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    process.stdout.readline()
    while not any(store.objects.glob(".new-*")):
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert not store.verify().height
    assert store.get(store.put(big)) == big.read_bytes()


def test_links_paths_and_other_bad_things_are_refused(store, tmp_path):
    folder = fill(tmp_path / "in")
    (folder / "link").symlink_to("/etc/passwd")
    assert code(store.put, folder) == "link"
    assert code(store.put, tmp_path / "nothing") == "missing"
    for bad in ("abc", "../" * 20 + "x" * 4, None, "G" * 64):
        assert code(store.get, bad) == "digest"
        assert code(store.manifest, bad) == "digest"
    assert code(store.get, "0" * 64) == "unknown"
    assert code(store.manifest, "0" * 64) == "unknown"
    assert code(store.forget, "0" * 64) == "unknown"
    assert code(store.get, store.put(b"x"), tmp_path / "in") == "exists"


@pytest.mark.parametrize("path", ["../out.txt", "/tmp/out.txt", "a/../../out.txt"])
def test_a_manifest_cannot_leave_its_folder(store, tmp_path, path):
    digest = store.put(b"x")
    raw = json.dumps([[path, digest, 1]]).encode()
    name = hashlib.sha256(raw).hexdigest()
    store.manifests.mkdir()
    (store.manifests / f"{name}.json").write_bytes(raw)
    assert code(store.get, name, tmp_path / "target" / "out") == "path"
    assert not (tmp_path / "target" / "out").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises((KitError, OSError)):
        Content(file).put(b"x")


def test_dvc_stands_beside():
    table = dvc_beside()
    assert table.columns == ["operation", "ours", "dvc"]
    assert table.height >= 8
    for said in table["ours"]:
        if said.startswith("store."):
            assert callable(getattr(Content, said.split("(")[0].removeprefix("store.")))
