"""Bad input: each one is a dead letter or a clear stop, never a traceback and never a loss."""

import http.server
import os
import shutil
import struct
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from kit import corpus
from kit.compiler import link
from kit.errors import KitError

FOLDER = [{"kind": "folder", "path": "raw"}]


def tone(seconds=0.6):
    time = np.arange(round(16_000 * seconds)) / 16_000
    return (np.sin(time * 900) * 5000).astype(np.int16)


def wav(frames, data, rate=16_000, channels=1, bits=16):
    """Bytes of a WAV file whose header states `frames`, whatever `data` is."""
    size = frames * channels * bits // 8
    layout = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * bits // 8,
                         channels * bits // 8, bits)  # fmt: skip
    head = (
        b"RIFF" + struct.pack("<I", min(size + 36, 2**32 - 1)) + b"WAVEfmt " + struct.pack("<I", 16)
    )
    return head + layout + b"data" + struct.pack("<I", min(size, 2**32 - 2)) + data


def broken_flac(path):
    soundfile.write(path, tone(), 16_000)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # the length in STREAMINFO, 36 bits, all set
    content[22:26] = b"\xff" * 4
    return bytes(content)


BAD = {  # name -> (bytes, codes that may be told)
    "empty.wav": (b"", {"not-wav"}),
    "page.wav": (b"<html>404</html>", {"not-wav"}),
    "2gb.wav": (wav(2**30, tone().tobytes()), {"truncated"}),
    "4gb.wav": (wav(2**31, tone().tobytes()), {"truncated"}),
    "none.wav": (wav(0, b""), {"empty"}),
    "channels.wav": (wav(9600, tone().tobytes(), channels=0), {"bad-format"}),
    "rate.wav": (wav(9600, tone().tobytes(), rate=2), {"bad-rate"}),
    "head.wav": (wav(9600, b"")[:20], {"no-format", "bad-format", "not-wav"}),
    "text.mp3": (b"all work and no play" * 100, {"undecodable"}),
    "text.flac": (b"fLaC but no more", {"undecodable"}),
    "zeros.ogg": (bytes(5000), {"undecodable"}),
    "silence.wav": (wav(9600, bytes(19_200)), {"silent"}),
    "click.wav": (wav(3, b"\x10\x20" * 3), {"too-short"}),
}


def test_every_bad_file_is_a_letter_with_its_reason(bare):
    bare.speak("good/a.wav", "good")
    for name, (content, _) in BAD.items():
        path = bare.raw / "bad" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    path = bare.raw / "bad" / "promise.flac"
    path.write_bytes(broken_flac(path))
    data = bare.compile(source=FOLDER, shard_clips=100).data
    assert data.clips["label"].to_list() == ["good"]
    told = {Path(p).name: code for p, code in data.letters.select("path", "code").iter_rows()}
    assert told.pop("promise.flac") in ("truncated", "undecodable")
    assert set(told) == set(BAD)
    for name, code in told.items():
        assert code in BAD[name][1], name
    assert all(m and "Traceback" not in m for m in data.letters["message"])


def test_the_content_tells_the_format_and_not_the_name(bare):
    bare.speak("x/a.wav", "yes").rename(bare.raw / "x" / "a.flac")
    bare.speak("x/b.flac", "no").rename(bare.raw / "x" / "b.wav")
    data = bare.compile(source=FOLDER).data
    assert [Path(p).name for p in data.clips["path"]] == ["a.flac"]
    assert data.letters["code"].to_list() == ["not-wav"]


def test_files_of_one_name_stay_apart(bare):
    bare.speak("yes/a.wav", "yes")
    bare.speak("no/a.wav", "no")
    bare.speak("no/deep/a.wav", "deep")
    bare.speak("no/a.flac", "nope")
    bare.speak("no/A.wav", "never")
    data = bare.compile(source=FOLDER).data
    assert data.clips.height == data.clips["path"].n_unique() == 5
    shutil.copytree(bare.raw, bare.home / "again")
    twice = bare.compile(source=[*FOLDER, {"kind": "folder", "path": "again"}]).data
    assert twice.clips.height == 5
    assert twice.duplicates["kind"].to_list() == ["exact"] * 5
    same = bare.compile(source=FOLDER * 2).data  # one folder, named twice
    assert same.clips.height == same.duplicates.height == 5


def test_odd_names_are_clips_or_letters(bare):
    names = ["a b.wav", "ü 語.wav", "#1.wav", "a#1.wav", "{x}.wav", "'\".wav", "line\nbreak.wav"]
    for i, name in enumerate(names):
        bare.speak(f"x/{name}", "seven", rate_wpm=120 + 20 * i)
    raw = os.path.join(os.fsencode(bare.raw), b"\xff.wav")
    shutil.copy(bare.raw / "x" / names[0], raw)
    augment = {"use": "numpy:roll", "copies": 1}  # never called: there is no training clip
    data = bare.compile(source=FOLDER, split={"by": ["clip_id"], "shares": [0.0, 0.0, 1.0]},
                        augment=augment).data  # fmt: skip
    assert sorted(Path(p).name for p in data.clips["path"]) == sorted(names)
    assert data.letters["code"].to_list() == ["bad-name"]
    assert "\\udcff" in data.letters["path"][0]


def test_text_that_is_not_utf8_and_transcripts_that_do_not_fit(bare, librivox):
    good, *_ = sorted(p for p in librivox.rglob("*") if p.suffix in (".wav", ".flac"))
    text = good.with_suffix(".txt").read_text()
    for number, said in enumerate(
        [text.encode(), b"\xff\xfe", None, b"xyzzy", b"and so on " * 200]
    ):
        shutil.copy(good, bare.raw / f"book-{number}{good.suffix}")
        if said is not None:
            (bare.raw / f"book-{number}.txt").write_bytes(said)
    source = [{"kind": "librivox", "path": "raw", "align": True}]
    data = bare.compile(source=source, deduplicate={"near": False}).data
    assert {Path(p).stem for p in data.clips["path"]} == {"book-0"}
    codes = {Path(p).stem: set(part["code"]) for (p,), part in data.letters.group_by("path")}
    assert codes.pop("book-0", set()) <= {"unsure", "too-long", "noisy", "speech-length"}
    assert codes == {"book-1": {"unreadable"}, "book-2": {"null"}, "book-3": {"unknown-word"},
                     "book-4": {"no-alignment"}}  # fmt: skip
    assert data.letters.filter(code="no-alignment")["clips"].sum() == 600


def test_links_and_closed_places(shop):
    (shop.raw / "yes" / "00ff_nohash_0.wav").symlink_to("/etc/hostname")
    (shop.raw / "yes" / "00fe_nohash_0.wav").symlink_to(shop.raw / "nowhere.wav")
    (shop.raw / "loop").symlink_to(shop.raw)
    os.mkfifo(shop.raw / "yes" / "00fd_nohash_0.wav")
    data = shop.compile().data
    assert data.clips.height == 24
    assert sorted(data.letters["code"]) == ["outside", "unreadable", "unreadable"]


def test_a_file_that_goes_away_or_changes_during_the_run(shop, monkeypatch):
    from kit.compiler import passes

    one, two = sorted(shop.raw.rglob("*.wav"))[:2]
    real = passes.ingest

    def meanwhile(items, recipe):
        one.unlink(missing_ok=True)
        two.write_bytes(b"RIFF")
        return real(items, recipe)

    monkeypatch.setattr(passes, "ingest", meanwhile)
    data = shop.compile().data
    told = dict(data.letters.select("path", "code").iter_rows())
    assert told == {str(one): "unreadable", str(two): "not-wav"}
    assert data.clips.height == 22


@pytest.fixture
def server(bare):
    """Address of a server that hands out the folder `remote`."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=bare.home / "remote")
    handler.log_message = lambda *_: None
    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{found.server_port}"
    found.shutdown()


def test_a_file_that_a_server_lacks_is_a_letter(bare, server, spoken):
    import hashlib

    shutil.copytree(spoken, bare.home / "remote")
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}\t{p.stat().st_size}\t"
        f"{p.relative_to(bare.home / 'remote')}"
        for p in sorted((bare.home / "remote").rglob("*.wav"))
    ]
    (bare.home / "remote" / "manifest.tsv").write_text("\n".join(lines) + "\n")
    gone = next((bare.home / "remote").rglob("*.wav"))
    kept = gone.read_bytes()
    gone.unlink()
    source = [{"kind": "http", "url": server}]
    data = bare.compile(source=source).data
    assert data.clips.height == 23
    assert data.letters.select("pass", "code").rows() == [("gather", "unreachable")]
    assert data.record["counts"][0] == {"pass": "gather", "read": 24, "written": 23, "rejected": 1}
    gone.write_bytes(kept)
    assert bare.compile(source=source).data.letters.is_empty()


# broken recipes and disks: a clear stop


@pytest.mark.parametrize("what", ["file", "below a file"])
def test_an_output_that_is_no_folder(shop, what):
    (shop.home / "taken").write_text("x")
    output = shop.home / "taken" / ("x" if what == "below a file" else "")
    with pytest.raises(KitError, match="taken.* cannot be written") as fault:
        shop.compile(output=str(output))
    assert fault.value.code == "disk"


def test_a_lock_that_cannot_be_made(shop):
    (shop.out / ".lock").mkdir(parents=True)
    with pytest.raises(KitError, match="out.* cannot be written") as fault:
        shop.compile()
    assert fault.value.code == "disk"


QUOTA = """
import resource, sys
from kit.compiler import lineage, link, run
from kit.errors import KitError

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

commit = link.commit

def late(*arguments):
    limit(1000)
    return commit(*arguments)

lineage.commit_now = lambda: "test"
path, most, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if most:
    limit(most)
else:
    link.commit = late
try:
    run.compile_recipe(path, workers=workers)
except KitError as fault:
    print(fault.code, fault)
"""


@pytest.mark.parametrize(("most", "workers"), [(100, 1), (6000, 1), (100_000, 2), (0, 1)])
def test_a_full_disk_stops_clearly_and_loses_nothing(shop, most, workers):
    """A quota for each file: 100 bytes take no table, 6000 no shard; 0 is one for the commit."""
    command = [sys.executable, "-c", QUOTA, shop.recipe(), str(most), str(workers)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("disk "), done.stdout
    assert ("cannot be written" if most else "cannot be committed") in done.stdout
    assert "Traceback" not in done.stderr
    assert link.versions(shop.out) == []
    assert not list(shop.out.rglob(".new-*"))
    again = shop.compile()  # the disk has room again
    assert (again.made == 0) == (most == 0)
    assert again.data.clips.height == 24
    shop.compile(output=shop.home / "fresh")
    assert shop.stored() == shop.stored("fresh")


def test_corpus_and_compiler_reject_the_same(bare):
    """What kit.corpus.load_clips turns away, the compiler turns away for the same reason."""
    for name, (content, _) in BAD.items():
        (bare.raw / name).write_bytes(content)
    bare.speak("good.wav", "good")
    data = bare.compile(source=FOLDER, contract={"label_required": False}, shard_clips=100).data
    plain = corpus.load_clips("folder", bare.raw, progress=False).rejects
    ingest = data.letters.filter(data.letters["pass"] == "ingest")
    assert dict(ingest.select("path", "code").iter_rows()) == dict(
        plain.select("path", "code").iter_rows()
    )
