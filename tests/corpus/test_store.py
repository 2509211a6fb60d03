"""Fetching: what arrives is what was published, or nothing is kept."""

import dataclasses
import io
import os
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kit import corpus
from kit.corpus import datasets, store
from kit.errors import KitError

GOOD = {"README.md": b"hello", "recordings/0_a_0.wav": b"RIFF....", "recordings/1_a_0.wav": b"more"}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A data set of three files in an empty world; returns the mirror folder."""
    import hashlib

    manifest = {p: (hashlib.sha256(b).hexdigest(), len(b)) for p, b in GOOD.items()}
    wanted = datasets.DataSet(
        "tiny", "Tiny set", "http://127.0.0.1:9/none.tar.gz", "tiny.tar.gz", "tiny-1",
        "CC0", "2026-11-20", 3, 17,
    )  # fmt: skip
    monkeypatch.setenv("KIT_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KIT_DATA_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setattr(datasets.DataSet, "manifest", property(lambda self: manifest))
    monkeypatch.setattr(store, "data_set", lambda name: wanted)
    (tmp_path / "mirror" / "tiny").mkdir(parents=True)
    return tmp_path / "mirror"


def archive(mirror, files, extra=()):
    """Write tiny.tar.gz with `files` (name -> bytes) below tiny-1/ and `extra` TarInfos."""
    path = mirror / "tiny" / "tiny.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"tiny-1/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in extra:
            tar.addfile(info, io.BytesIO(b"x" * info.size))
    return path


def kept(mirror):
    """What lies in the data home now."""
    home = mirror.parent / "home"
    return sorted(p.name for p in home.rglob("*")) if home.exists() else []


def test_fetch_puts_every_file_in_place(tiny):
    archive(tiny, GOOD)
    folder = store.fetch("tiny", progress=False)
    assert {p: (folder / p).read_bytes() for p in GOOD} == GOOD
    assert store.verify("tiny").intact
    assert "all match" in str(store.verify("tiny"))


def test_a_second_fetch_needs_no_archive(tiny):
    path = archive(tiny, GOOD)
    store.fetch("tiny", progress=False)
    path.unlink()
    assert store.fetch("tiny", progress=False).exists()


def test_files_outside_the_manifest_are_not_unpacked(tiny):
    archive(tiny, GOOD | {"surprise.sh": b"#!"})
    assert not (store.fetch("tiny", progress=False) / "surprise.sh").exists()


def test_verify_names_missing_changed_and_extra_files(tiny):
    archive(tiny, GOOD)
    folder = store.fetch("tiny", progress=False)
    (folder / "README.md").write_bytes(b"hellO")
    (folder / "recordings/0_a_0.wav").unlink()
    (folder / "new.txt").write_text("?")
    verdict = store.verify("tiny")
    assert (verdict.missing, verdict.changed, verdict.extra) == (
        ["recordings/0_a_0.wav"], ["README.md"], ["new.txt"],
    )  # fmt: skip
    assert not verdict.intact
    assert "1 missing" in str(verdict)
    store.fetch("tiny", progress=False)
    assert store.verify("tiny").intact


def test_files_of_the_reader_stay_even_when_the_set_is_mended(tiny):
    archive(tiny, GOOD)
    folder = store.fetch("tiny", progress=False)
    (folder / "my_labels.csv").write_text("mine")
    (folder / "notes").mkdir()
    (folder / "notes" / "a.txt").write_text("also mine")
    assert store.verify("tiny").intact
    (folder / "README.md").write_bytes(b"damaged")
    store.fetch("tiny", progress=False)
    assert store.verify("tiny").intact
    assert (folder / "my_labels.csv").read_text() == "mine"
    assert (folder / "notes" / "a.txt").read_text() == "also mine"


def test_a_bad_mirror_does_not_hide_the_public_address(tiny, monkeypatch, tmp_path):
    good = archive(tiny, GOOD)
    bad = tmp_path / "bad"
    (bad / "tiny").mkdir(parents=True)
    (bad / "tiny" / good.name).write_text("<html>moved</html>")
    monkeypatch.setenv("KIT_DATA_MIRROR", str(bad))
    wanted = dataclasses.replace(store.data_set("tiny"), url=str(good))
    monkeypatch.setattr(store, "data_set", lambda name: wanted)
    assert store.fetch("tiny", progress=False).is_dir()


def test_an_archive_that_would_fill_the_disk_is_refused_before_it_is_unpacked(tiny):
    path = archive(tiny, GOOD | {"README.md": bytes(50_000_000)})
    assert path.stat().st_size < 100_000
    with pytest.raises(KitError, match="5 bytes, and it has 50000000"):
        store.fetch("tiny", progress=False)


def test_what_a_killed_fetch_left_is_swept_up_after_a_day(tiny):
    archive(tiny, GOOD)
    home = tiny.parent / "home"
    for name, age in ((".tiny-old", 100_000), (".tiny-new", 0)):
        (home / name).mkdir(parents=True)
        stamp = time.time() - age
        os.utime(home / name, (stamp, stamp))
    store.fetch("tiny", progress=False)
    assert kept(tiny)[0] == ".tiny-new"
    assert not (home / ".tiny-old").exists()


def test_a_link_in_place_of_a_file_counts_as_changed(tiny):
    archive(tiny, GOOD)
    folder = store.fetch("tiny", progress=False)
    target = folder.parent / "elsewhere"
    target.write_bytes(GOOD["README.md"])
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to(target)
    assert store.verify("tiny").changed == ["README.md"]


@pytest.mark.parametrize(
    "files",
    [
        GOOD | {"README.md": b"HELLO"},  # changed content
        GOOD | {"README.md": b"hello, longer"},  # changed length
        {"README.md": b"hello"},  # files missing
    ],
)
def test_wrong_content_is_refused_and_nothing_kept(tiny, files):
    archive(tiny, files)
    with pytest.raises(KitError, match="not the published ones|5 bytes, and it has 13"):
        store.fetch("tiny", progress=False)
    assert kept(tiny) == []


def member(name, kind=tarfile.REGTYPE, link="", size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


@pytest.mark.parametrize(
    "bad",
    [
        member("/etc/evil", size=3),
        member("tiny-1/../../evil", size=3),
        member("tiny-1\\..\\evil", size=3),
        member("tiny-1/README.md", tarfile.SYMTYPE, "/etc/passwd"),
        member("tiny-1/README.md", tarfile.LNKTYPE, "tiny-1/recordings/0_a_0.wav"),
        member("tiny-1/README.md", tarfile.CHRTYPE),
        member("tiny-1/README.md", tarfile.FIFOTYPE),
        member("tiny-1/README.md", tarfile.DIRTYPE),
    ],
    ids=["absolute", "parent", "backslash", "symlink", "hardlink", "device", "fifo", "folder"],
)
def test_unsafe_entries_are_refused_and_nothing_kept(tiny, bad):
    rest = {k: v for k, v in GOOD.items() if k != "README.md"}
    archive(tiny, rest if bad.name.endswith("README.md") else GOOD, [bad])
    with pytest.raises(KitError, match="not allowed"):
        store.fetch("tiny", progress=False)
    assert kept(tiny) == []
    assert not (tiny.parent / "evil").exists()


def test_a_file_that_comes_twice_is_refused(tiny):
    archive(tiny, GOOD, [member("tiny-1/README.md", size=5)])
    with pytest.raises(KitError, match="twice"):
        store.fetch("tiny", progress=False)
    assert kept(tiny) == []


@pytest.mark.parametrize("damage", ["half", "noise", "empty", "text"])
def test_a_broken_archive_is_a_sentence_and_leaves_nothing(tiny, damage):
    path = archive(tiny, {k: v * 10_000 for k, v in GOOD.items()})
    whole = path.read_bytes()
    path.write_bytes(
        {
            "half": whole[: len(whole) // 2],
            "noise": whole[:40] + bytes(len(whole) - 40),
            "empty": b"",
            "text": b"<html>404</html>",
        }[damage]
    )
    with pytest.raises(KitError, match="broken|not the published"):
        store.fetch("tiny", progress=False)
    assert kept(tiny) == []


def test_neither_mirror_nor_network(tiny):
    with pytest.raises(KitError, match="could not fetch tiny.*KIT_DATA_MIRROR"):
        store.fetch("tiny", progress=False)
    assert kept(tiny) == []


def test_a_mirror_behind_http(tiny, monkeypatch):
    archive(tiny, GOOD)
    handler = partial(QuietHandler, directory=str(tiny))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("KIT_DATA_MIRROR", f"http://127.0.0.1:{server.server_port}/")
        assert store.fetch("tiny", progress=False).is_dir()
        server.shutdown()
    assert store.verify("tiny").intact


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_two_fetches_at_once_end_well(tiny):
    archive(tiny, GOOD)
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: store.fetch("tiny", progress=False), range(4)))
    assert len(set(folders)) == 1
    assert store.verify("tiny").intact
    assert sorted(p.name for p in folders[0].parent.iterdir()) == ["tiny"]


def test_a_data_home_that_cannot_be_written(tiny, monkeypatch):
    archive(tiny, GOOD)
    monkeypatch.setenv("KIT_DATA_HOME", "/proc/nowhere")
    with pytest.raises(KitError, match="KIT_DATA_HOME"):
        store.fetch("tiny", progress=False)


def test_verify_before_fetch_says_what_to_do(tiny):
    with pytest.raises(KitError, match="kit data fetch tiny"):
        store.verify("tiny")


def test_the_lesson_goes_on_with_the_sample(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("KIT_OFFLINE", "1")
    found = corpus.recordings("fsdd")
    assert len(found.paths) == 30
    assert "NOTICE" in str(found)


def test_the_registry_and_the_manifests_agree():
    sets = corpus.registry()
    assert [name for name in sets if sets[name].fetchable] == ["fsdd", "librivox"]
    for data_set in sets.values():
        manifest = data_set.manifest if data_set.fetchable else {}
        assert len(manifest) == data_set.files
        assert sum(size for _, size in manifest.values()) == data_set.total_bytes
        assert data_set.archive.startswith(data_set.prefix)
        assert data_set.licence
        assert data_set.note
        assert bool(data_set.retrieved) == data_set.fetchable


@pytest.mark.parametrize("name", ["speech-commands", "mswc"])
@pytest.mark.parametrize("verb", ["fetch", "verify"])
def test_a_set_without_a_manifest_says_how_to_use_a_copy(name, verb, capsys, monkeypatch):
    from kit import cli

    monkeypatch.setattr(sys, "argv", ["kit", "data", verb, name])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"kit: {name} has no manifest here")
    assert f'kit.corpus.load_clips("{name}", folder)' in said.err


def test_the_list_tells_what_can_be_fetched(capsys, monkeypatch, tmp_path):
    from kit import cli

    monkeypatch.setenv("KIT_DATA_HOME", str(tmp_path))
    cli.data_list()
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert list(lines) == list(corpus.registry())
    assert "9 files, 0.5 MB, public domain, not fetched" in lines["librivox"]
    assert "105 829 utterances" in lines["speech-commands"]
    assert lines["mswc"].endswith("CC BY 4.0, no manifest")


@pytest.fixture
def singles(tiny, monkeypatch):
    """The data set "tiny" as single files, which its public address calls by other names."""
    wanted = dataclasses.replace(
        store.data_set("tiny"),
        archive="", prefix="", url="http://127.0.0.1:9/none", renamed=["rec", "the-rec"],
    )  # fmt: skip
    monkeypatch.setattr(store, "data_set", lambda name: wanted)
    return tiny / "tiny"


def put(folder, files):
    """Write `files` (name -> bytes) below `folder`."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def test_single_files_come_from_the_mirror(singles):
    put(singles, GOOD | {"surprise.sh": b"#!"})
    folder = store.fetch("tiny", progress=False)
    assert {p: (folder / p).read_bytes() for p in GOOD} == GOOD
    assert store.verify("tiny").intact
    assert not (folder / "surprise.sh").exists()


def test_single_files_come_from_the_public_address_under_its_names(singles, monkeypatch):
    names = {p: p.replace("recordings", "the-recordings") for p in GOOD}
    put(singles / "public", {names[p]: content for p, content in GOOD.items()})
    handler = partial(QuietHandler, directory=str(singles / "public"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        wanted = dataclasses.replace(store.data_set("tiny"), url=url)
        monkeypatch.setattr(store, "data_set", lambda name: wanted)
        folder = store.fetch("tiny", progress=False)
        server.shutdown()
    assert {p: (folder / p).read_bytes() for p in GOOD} == GOOD


@pytest.mark.parametrize(
    "files",
    [
        GOOD | {"README.md": b"HELLO"},
        GOOD | {"README.md": b"hello, longer"},
        {"README.md": b"hello"},
    ],
)
def test_wrong_or_missing_single_files_leave_nothing(singles, files):
    put(singles, files)
    with pytest.raises(KitError, match="could not fetch tiny.*put the files into"):
        store.fetch("tiny", progress=False)
    assert kept(singles.parent) == []


def test_the_public_names_of_the_sentences():
    found = corpus.data_set("librivox")
    assert found.address("austen-0870.wav") == (
        "https://raw.githubusercontent.com/cmusphinx/pocketsphinx/v5.1.1/test/data/librivox/"
        "sense_and_sensibility_01_austen_64kb-0870.wav"
    )


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(KitError, match="fsdd"):
        corpus.data_set("imagenet")


def test_the_real_set_is_intact_and_has_the_counts_of_its_data_card(fsdd):
    assert corpus.verify("fsdd", fsdd).intact
    names = [p.stem.split("_") for p in (fsdd / "recordings").glob("*.wav")]
    assert len(names) == 3000
    assert len({speaker for _, speaker, _ in names}) == 6
    assert len({digit for digit, _, _ in names}) == 10
    found = corpus.recordings("fsdd", progress=False)
    assert len(found.paths) == 3000
    assert not found.notice
