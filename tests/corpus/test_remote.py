"""A mirror against a real server that misbehaves: every line is a right file or a letter."""

import contextlib
import errno
import gzip
import hashlib
import os
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.corpus import client, remote
from kit.corpus.remote import Breaker, Retry, mirror
from kit.errors import KitError

QUICK = Retry(first_wait_s=0.001, timeout_s=(5, 10), trip_after=99)
SOUND = bytes(range(256)) * 40  # 10 kB


class Far(ThreadingHTTPServer):
    """A remote folder. files: path -> bytes. acts: path -> functions, one a request, last stays.

    asked: path of every request as it was sent. let_go: ends what a test does not wait for.
    """

    daemon_threads, block_on_close = True, False

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.acts, self.asked = dict(files), {}, []
        self.let_go, self.broken, self.dead = threading.Event(), threading.Event(), False
        self.files["manifest.tsv"] = text(*(line(p, b) for p, b in files.items()))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/set"

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is expected here


class Handler(BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 20
    disable_nagle_algorithm = True

    def do_GET(self):
        self.server.asked.append(self.path)
        path = unquote(urlsplit(self.path).path).removeprefix("/set/")
        acts = self.server.acts.get(path, [ok if path in self.server.files else status(404)])
        act = acts.pop(0) if len(acts) > 1 else acts[0]
        act(self, self.server.files.get(path))

    def log_message(self, *_):
        pass

    def begin(self, length=None, status=200, **headers):
        """Status and headers; without a length the connection ends the body."""
        self.send_response(status)
        self.close_connection = length is None
        rest = {"Connection": "close"} if length is None else {"Content-Length": str(length)}
        for name, value in (rest | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


def line(path, body):
    return f"{hashlib.sha256(body).hexdigest()}\t{len(body)}\t{path}"


def text(*lines):
    return "\n".join(["# SHA-256\tbytes\tpath", *lines, ""]).encode()


def ok(h, body):
    h.begin(len(body))
    h.wfile.write(body)


def status(code, **headers):
    def act(h, body):
        h.begin(3, code, **headers)
        h.wfile.write(b"no.")

    return act


def moved(to):
    return status(302, Location=to)


def stall(h, body):
    h.begin(len(body))
    h.wfile.write(body[:100])
    h.server.let_go.wait(3)
    h.wfile.write(body[100:])


def drip(h, body):
    h.begin(len(body))
    pour(h, body)


def drip_headers(h, body):
    pour(h, b"HTTP/1.1 200 OK\r\nX: " + bytes([120]) * 5000)


def pour(h, body):
    for byte in body:
        h.wfile.write(bytes([byte]))
        h.wfile.flush()
        if h.server.let_go.wait(0.02):
            h.close_connection = True
            return


def cut(h, body):
    h.begin(len(body))
    h.wfile.write(body[: len(body) // 2])
    h.close_connection = True


def short(h, body):
    ok(h, body[:-1])


def wrong(h, body):
    ok(h, bytes(len(body)))


def longer(h, body):
    ok(h, body + b"!")


def says_more(h, body):
    h.begin(len(body) + 10)
    h.wfile.write(body)
    h.close_connection = True


def says_less(h, body):
    h.begin(len(body) - 30)
    h.wfile.write(body)  # the rest lies on the line as if it were the next answer


def no_length(h, body):
    h.begin()
    h.wfile.write(body)


def in_pieces(h, body):
    h.begin(Transfer_Encoding="chunked")
    for piece in (body[:7], body[7:]):
        h.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    h.wfile.write(b"0\r\n\r\n")


def for_ever(h, body):
    h.begin()
    try:
        while not h.server.let_go.is_set():
            h.wfile.write(bytes(65_536))
    except OSError:
        h.server.broken.set()


def reset(h, body):
    h.begin(len(body))
    h.wfile.write(body[:100])
    vanish(h, body)


def vanish(h, body):
    h.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    h.connection.close()
    h.close_connection = True


def zipped(h, body):
    packed = gzip.compress(body)
    h.begin(len(packed), Content_Encoding="gzip")
    h.wfile.write(packed)


def zipped_if_wanted(h, body):
    (ok if h.headers["Accept-Encoding"] == "identity" else zipped)(h, body)


def called_zipped(h, body):
    h.begin(len(body), Content_Encoding="gzip")
    h.wfile.write(body)


def die(h, body):
    h.server.dead = True
    h.server.shutdown()
    h.server.server_close()
    h.begin()
    h.wfile.write(body)


@contextlib.contextmanager
def running(files):
    far = Far(files)
    thread = threading.Thread(target=far.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield far
    finally:
        far.let_go.set()
        far.shutdown()
        far.server_close()


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    """No proxy between the test and its server."""
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def far():
    with running({"a.wav": SOUND, "b/c.wav": b"second", "d.wav": b"third"}) as server:
        yield server


@pytest.fixture
def here(tmp_path):
    return tmp_path / "here"


def fetch(far, folder, retry=QUICK):
    """What `mirror` returns, once it is sure that no line is lost and no file is wrong."""
    asked = len(far.asked)
    found = mirror(far.url, folder, retry=retry, progress=False)
    lines = far.files["manifest.tsv"].decode().split("\n")
    count = sum(1 for x in lines if x.strip() and not x.startswith("#"))
    assert len(found.files) + found.letters.height == count
    assert far.dead or found.attempts == len(far.asked) - asked
    for path in found.files:
        assert path.read_bytes() == far.files[path.relative_to(folder).as_posix()]
    assert not list(folder.rglob(".mirror-*"))
    return found


def codes(found):
    return dict(found.letters.select("path", "code").iter_rows())


def times(far, path):
    return sum(unquote(x) == f"/set/{path}" for x in far.asked)


def test_every_file_comes_and_a_second_run_asks_for_the_manifest_only(far, here):
    found = fetch(far, here)
    assert [p.relative_to(here).as_posix() for p in found.files] == ["a.wav", "b/c.wav", "d.wav"]
    assert (found.letters.height, found.attempts) == (0, 4)
    assert found.letters.columns == ["path", "code", "message"]
    again = fetch(far, here)
    assert (again.files, again.attempts) == (found.files, 1)


def test_what_is_damaged_is_mended_and_files_of_the_reader_stay(far, here):
    fetch(far, here)
    (here / "a.wav").write_bytes(SOUND[::-1])  # as long as it was
    (here / "d.wav").unlink()
    (here / "mine.wav").write_bytes(b"third")
    (here / "d.wav").symlink_to(here / "mine.wav")
    found = fetch(far, here)
    assert (len(found.files), found.attempts) == (3, 3)
    assert not (here / "d.wav").is_symlink()
    assert (here / "mine.wav").read_bytes() == b"third"


def test_a_mirrored_file_can_be_read_by_whom_the_umask_lets(far, here):
    (path,) = [p for p in fetch(far, here).files if p.name == "a.wav"]
    (here / "plain").touch()
    assert path.stat().st_mode == (here / "plain").stat().st_mode


PASSING = [status(500), status(503), status(408), status(429), cut, short, wrong, reset, vanish,
           says_less]  # fmt: skip


@pytest.mark.parametrize("act", PASSING)
def test_a_fault_that_passes_is_outlived(far, here, act):
    far.acts["a.wav"] = [act, act, ok]
    found = fetch(far, here)
    assert (codes(found), times(far, "a.wav"), found.attempts) == ({}, 3, 6)


@pytest.mark.parametrize(
    ("act", "code", "asked"),
    [
        (status(500), "unreachable", 4),
        (status(404), "unreachable", 1),
        (status(403), "unreachable", 1),
        (status(410), "unreachable", 1),
        (status(304), "unreachable", 1),
        (reset, "unreachable", 4),
        (vanish, "unreachable", 4),
        (cut, "truncated", 4),
        (short, "truncated", 4),
        (says_less, "truncated", 4),
        (wrong, "corrupt", 4),
        (zipped, "truncated", 4),
        (longer, "too-long", 1),
        (says_more, "too-long", 1),
    ],
)
def test_a_fault_that_stays_is_a_letter_of_its_file_alone(far, here, act, code, asked):
    far.acts["a.wav"] = [act]
    found = fetch(far, here)
    assert (codes(found), times(far, "a.wav")) == ({"a.wav": code}, asked)
    assert "a.wav" in found.letters["message"][0]
    assert not (here / "a.wav").exists()


@pytest.mark.parametrize("act", [no_length, in_pieces, called_zipped, zipped_if_wanted])
def test_the_bytes_count_and_not_how_they_are_announced(far, here, act):
    far.acts["a.wav"] = [act]
    assert codes(fetch(far, here)) == {}


def test_a_zipped_answer_is_told_as_such(far, here):
    far.acts["a.wav"] = [zipped]
    assert "sent as gzip unasked" in fetch(far, here).letters["message"][0]


def test_a_body_without_end_is_cut_off_at_once(far, here):
    far.acts["a.wav"] = [for_ever]
    found = fetch(far, here)
    assert codes(found) == {"a.wav": "too-long"}
    assert far.broken.wait(5)  # the server could not go on


def test_bytes_left_on_the_line_do_not_reach_the_next_file(far, here):
    far.acts["a.wav"] = [says_less]
    fetch(far, here, Retry(attempts=1, trip_after=99))
    assert times(far, "b/c.wav") == 1
    assert (here / "b" / "c.wav").exists()


def test_good_answers_share_one_connection(far, here):
    places = set()

    def noted(h, body):
        places.add(h.client_address)
        ok(h, body)

    far.acts = {path: [noted] for path in far.files}
    fetch(far, here)
    assert len(places) == 1


def test_a_server_that_falls_silent_is_left_after_the_read_timeout(far, here):
    far.acts["a.wav"] = [stall]
    found = fetch(far, here, Retry(attempts=2, first_wait_s=0, timeout_s=(5, 0.4)))
    assert (codes(found), times(far, "a.wav")) == ({"a.wav": "timeout"}, 2)
    assert "0.4 s" in found.letters["message"][0]


@pytest.mark.parametrize("act", [drip, drip_headers])
def test_a_drip_does_not_hold_the_run_though_every_byte_is_in_time(far, here, act):
    far.acts["a.wav"] = [act]
    found = fetch(far, here, Retry(first_wait_s=0.001, whole_s=1.0))
    assert (codes(found), times(far, "a.wav")) == ({"a.wav": "timeout"}, 1)
    assert "not whole after 1 s" in found.letters["message"][0]


@pytest.fixture
def waits(monkeypatch):
    """list of the waits that were asked for, none of them waited."""
    found = []
    monkeypatch.setattr("tenacity.nap.time.sleep", found.append)
    return found


def test_waits_double_from_one_second_and_are_never_quite_the_same(far, here, waits):
    far.acts = {"a.wav": [status(500)], "d.wav": [status(500)]}
    fetch(far, here, Retry(trip_after=99))
    assert len(waits) == 6
    for wait, low in zip(waits, (1, 2, 4, 1, 2, 4), strict=True):
        assert low <= wait <= low + 1
    assert waits[:3] != waits[3:]


def after_date(h, body):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    status(503, Retry_After=date)(h, body)


@pytest.mark.parametrize(
    ("act", "low", "high"),
    [
        (status(429, Retry_After="7"), 7, 7),
        (after_date, 15, 20),
        (status(503, Retry_After="soon"), 1, 2),
        (status(503, Retry_After="-5"), 1, 2),
        (status(503, Retry_After="9" * 400), 1, 2),
    ],
)
def test_a_short_retry_after_is_waited_for(far, here, waits, act, low, high):
    far.acts["a.wav"] = [act, ok]
    assert codes(fetch(far, here, Retry())) == {}
    assert len(waits) == 1
    assert low <= waits[0] <= high


def test_a_long_retry_after_ends_the_asking(far, here, waits):
    far.acts["a.wav"] = [status(429, Retry_After="60"), ok]
    assert codes(fetch(far, here, Retry())) == {"a.wav": "unreachable"}
    assert (waits, times(far, "a.wav")) == ([], 1)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_the_breaker_opens_rests_probes_and_closes():
    clock = Clock()
    breaker = Breaker(trip_after=3, rest_s=30, clock=clock)
    breaker.failed()
    breaker.failed()
    breaker.succeeded()  # in a row, it says
    breaker.failed()
    breaker.failed()
    assert (breaker.state, breaker.allows(), breaker.allows()) == ("closed", True, True)
    breaker.failed()
    assert (breaker.state, breaker.allows()) == ("open", False)
    clock.now = 29.9
    assert (breaker.state, breaker.allows()) == ("open", False)
    clock.now = 30
    assert (breaker.state, breaker.allows(), breaker.allows()) == ("half-open", True, False)
    breaker.failed()  # one is enough now
    assert (breaker.state, breaker.allows()) == ("open", False)
    clock.now = 59.9
    assert breaker.state == "open"
    clock.now = 60
    assert breaker.allows()
    breaker.succeeded()
    assert (breaker.state, breaker.allows(), breaker.allows()) == ("closed", True, True)
    breaker.failed()
    breaker.failed()
    assert breaker.state == "closed"  # what failed before is forgotten


SHORT = Retry(first_wait_s=0.001, trip_after=2, rest_s=60)


def test_an_open_breaker_asks_for_nothing_more_and_a_later_run_does(far, here):
    for name in ("a.wav", "b/c.wav", "d.wav"):
        far.acts[name] = [status(500)]
    found = fetch(far, here, SHORT)
    left = {"a.wav": "unreachable", "b/c.wav": "unreachable", "d.wav": "circuit-open"}
    assert (codes(found), found.attempts) == (left, 9)
    far.acts.clear()
    assert codes(fetch(far, here, SHORT)) == {}


def test_one_file_that_always_fails_keeps_no_other_away(far, here):
    far.acts["a.wav"] = [status(500)]
    assert codes(fetch(far, here, SHORT)) == {"a.wav": "unreachable"}


def test_files_that_are_here_need_no_server(far, here):
    fetch(far, here)
    (here / "a.wav").unlink()
    far.acts["a.wav"] = [status(500)]
    assert len(fetch(far, here, SHORT).files) == 2


def test_a_probe_after_the_rest_closes_the_breaker(far, here):
    far.acts["a.wav"] = [status(500)]
    found = fetch(far, here, Retry(attempts=2, first_wait_s=0.001, trip_after=2, rest_s=0))
    assert codes(found) == {"a.wav": "unreachable"}


@pytest.mark.parametrize("act", [status(404), wrong, longer])
def test_a_server_that_answers_is_not_down(far, here, act):
    far.acts["a.wav"] = [act]
    assert set(codes(fetch(far, here, SHORT))) == {"a.wav"}


def test_a_server_that_dies_leaves_a_letter_for_every_file(far, here):
    far.acts["a.wav"] = [die]
    found = fetch(far, here, Retry(attempts=3, first_wait_s=0.001, trip_after=1, rest_s=60))
    assert codes(found) == {"b/c.wav": "unreachable", "d.wav": "circuit-open"}


def test_a_move_on_the_same_host_is_followed(far, here):
    far.files["there.wav"] = SOUND
    far.acts["a.wav"] = [moved("there.wav")]
    found = fetch(far, here)
    assert (codes(found), found.attempts) == ({}, 5)


def test_a_move_to_https_is_followed(far, here):
    far.acts["a.wav"] = [moved(f"https://127.0.0.1:{far.server_port}/set/a.wav")]
    found = mirror(far.url, here, retry=QUICK, progress=False)
    message = found.letters["message"][0]  # this server speaks no TLS
    assert "moved" not in message
    assert "SSL" in message


def test_moves_to_other_hosts_and_in_circles_are_not_followed(far, here):
    with running({"a.wav": SOUND}) as other:
        far.acts = {
            "a.wav": [moved(f"{other.url}/a.wav")],
            "b/c.wav": [moved("../d.wav")],
            "d.wav": [moved("/set/d.wav")],
        }
        found = fetch(far, here)
        assert other.asked == []
    assert set(codes(found).values()) == {"unreachable"}
    assert f"moved to {other.url}/a.wav" in found.letters["message"][0]
    assert found.attempts == 1 + 1 + 5 + 5


@pytest.mark.parametrize(
    ("here", "there", "followed"),
    [
        ("http://a/x", "http://a/y", True),
        ("http://a/x", "https://a/x", True),
        ("https://a/x", "https://a:443/y", True),
        ("https://a/x", "http://a/x", False),
        ("http://a/x", "http://b/x", False),
        ("http://a/x", "https://b/x", False),
        ("http://a/x", "http://a:8080/x", False),
        ("http://a/x", "ftp://a/x", False),
    ],
)
def test_which_moves_are_followed(here, there, followed):
    assert client._may_follow(httpx.URL(here), httpx.URL(there)) is followed


ODD = ["with space.wav", "ümläut/日本.wav", "50%.wav", "%41.wav", "a#b?c=d&e.wav", "x;y@z+:.wav",
       "~'\"!*().wav", "line\u2028end.wav", "-", "[1]{2}|^`.wav"]  # fmt: skip


def test_names_that_a_url_would_change_arrive_as_they_are(here):
    with running({name: name.encode() for name in ODD} | {"empty.wav": b""}) as far:
        found = fetch(far, here)
        assert [p.relative_to(here).as_posix() for p in found.files] == [*ODD, "empty.wav"]


def test_a_base_address_with_odd_characters(here):
    with running({"x": b"x"}) as far:
        far.files["ü ä/x"], far.files["ü ä/manifest.tsv"] = b"x", far.files["manifest.tsv"]
        assert len(mirror(f"{far.url}/ü ä/", here, progress=False).files) == 1


def test_paths_out_of_the_folder_are_never_asked_for(far, here, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    here.mkdir()
    (here / "link").symlink_to(outside)
    (here / "file").symlink_to(outside / "new.wav")
    (here / "round").symlink_to(here / "round")
    (here / "real").mkdir()
    (here / "folder").symlink_to(here / "real")
    bad = ["/etc/x.wav", f"{here}/x.wav", "../x.wav", "b/../x.wav", "b/../../x.wav", "folder",
           "a\\..\\x.wav", "link/x.wav", "file", ".", "round", "zero\0.wav", "n" * 300,
           ".mirror-1.part"]  # fmt: skip
    far.files["manifest.tsv"] = text(*(line(p, b"x") for p in bad), line("d.wav", b"third"))
    found = fetch(far, here)
    assert codes(found) == dict.fromkeys(bad, "unsafe-path")
    assert (found.attempts, list(outside.iterdir())) == (2, [])
    assert (here / "folder").is_symlink()


def test_a_place_that_is_taken_is_a_letter(far, here):
    far.files |= {"d.wav/inside": b"x", "folder": b"y"}
    lines = [line("d.wav", b"third"), line("d.wav/inside", b"x"), line("folder", b"y")]
    far.files["manifest.tsv"] = text(*lines)
    (here / "folder").mkdir(parents=True)
    assert codes(fetch(far, here)) == {"d.wav/inside": "unsafe-path", "folder": "unsafe-path"}


def test_a_link_within_the_folder_may_be_used(far, here):
    (here / "real").mkdir(parents=True)
    (here / "b").symlink_to(here / "real")
    assert len(fetch(far, here).files) == 3
    assert (here / "real" / "c.wav").read_bytes() == b"second"


def test_bad_lines_are_letters_with_their_number(far, here):
    good = "a" * 64
    far.files["manifest.tsv"] = text(
        line("d.wav", b"third"), "no tabs", f"{good}\t5", f"{good}\t5\tx\ty", f"{good[1:]}\t5\tx",
        f"{good}\t-5\tx", f"{good}\t5.0\tx", f"{good}\t{'9' * 5000}\tx", f"{good}\t²\tx",
        f"{good}\t5\t", "", "  ", "# a comment", line("./d.wav", b"third"),
    )  # fmt: skip
    found = fetch(far, here)
    lines = [*range(3, 12), 15]
    assert codes(found) == {f"line {n}": "bad-manifest" for n in lines}
    assert "line 2 has it too" in found.letters["message"][-1]


def test_windows_line_ends_a_mark_at_the_start_and_capital_digits(far, here):
    plain = far.files["manifest.tsv"].decode()
    far.files["manifest.tsv"] = b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode()
    found = mirror(far.url, here, retry=QUICK, progress=False)
    assert (len(found.files), found.letters.height) == (3, 0)
    digest, rest = line("d.wav", b"third").split("\t", 1)
    far.files["manifest.tsv"] = f"{digest.upper()}\t{rest}".encode()
    assert len(fetch(far, here).files) == 1


@pytest.mark.parametrize(
    ("body", "act", "code"),
    [
        (b"", status(500), "unreachable"),
        (b"", status(404), "unreachable"),
        (SOUND, reset, "unreachable"),
        (SOUND, cut, "unreachable"),
        (b"", ok, "bad-manifest"),
        (b"# nothing\n", ok, "bad-manifest"),
        (b"<html>log in</html>", ok, "bad-manifest"),
        (gzip.compress(b"x"), ok, "bad-manifest"),
    ],
)
def test_without_a_manifest_nothing_is_begun(far, here, body, act, code):
    far.files["manifest.tsv"], far.acts["manifest.tsv"] = body, [act]
    with pytest.raises(KitError, match=f"{far.url}/manifest.tsv.*[Cc]heck address") as caught:
        mirror(far.url, here, retry=QUICK, progress=False)
    assert caught.value.code == code
    assert not here.exists()


def test_a_manifest_without_end_stops(far, here, monkeypatch):
    monkeypatch.setattr(remote, "_MANIFEST_BYTES", 1000)
    far.acts["manifest.tsv"] = [for_ever]
    with pytest.raises(KitError) as caught:
        mirror(far.url, here, retry=QUICK, progress=False)
    assert caught.value.code == "bad-manifest"


def test_a_manifest_is_retried_and_may_have_another_name(far, here):
    far.files["all files.tsv"] = far.files.pop("manifest.tsv")
    far.acts["all files.tsv"] = [status(500), cut, ok]
    found = mirror(far.url, here, "all files.tsv", QUICK, progress=False)
    assert (len(found.files), found.attempts) == (3, 6)


def test_no_server_and_no_address(here):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(KitError, match="manifest.tsv") as caught:
        mirror(f"http://me:secret@127.0.0.1:{port}", here, retry=QUICK, progress=False)
    assert caught.value.code == "unreachable"
    assert "secret" not in str(caught.value)
    for url in (
        "",
        "ftp://a/b",
        "/folder",
        "http://",
        "http://a/b?c",
        "http://a/b#c",
        "http://a:b",
        5,
    ):
        with pytest.raises(KitError, match="http://host/folder"):
            mirror(url, here, progress=False)


@pytest.mark.parametrize(
    "change",
    [{"attempts": 0}, {"trip_after": 0}, {"whole_s": -1}, {"rest_s": float("nan")},
     {"timeout_s": (5, float("inf"))}, {"timeout_s": (5,)}],
)  # fmt: skip
def test_a_retry_that_cannot_be_is_refused(change):
    with pytest.raises(KitError, match="nothing can be asked"):
        Retry(**change)


def test_a_full_disk_stops_the_run_and_leaves_no_temporary_file(far, here):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(KitError, match="Free some disk") as caught:
            mirror(far.url, here, retry=QUICK, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "disk"
    assert times(far, "a.wav") == 1
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO"])
@pytest.mark.parametrize("call", ["replace", "open"])
def test_any_word_for_a_disk_that_cannot_be_written(far, here, monkeypatch, number, call):
    def fail(*_):
        raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)))

    if call == "replace":
        monkeypatch.setattr(remote.os, "replace", fail)
    else:
        monkeypatch.setattr(remote, "open", fail, raising=False)
    with pytest.raises(KitError) as caught:
        mirror(far.url, here, retry=QUICK, progress=False)
    assert caught.value.code == "disk"
    assert list(here.iterdir()) == []


def test_a_folder_that_is_a_file(far, here):
    here.write_text("mine")
    with pytest.raises(KitError, match="cannot write"):
        mirror(far.url, here, retry=QUICK, progress=False)
    assert here.read_text() == "mine"


def until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true()


def test_a_kill_leaves_no_half_file_and_the_next_run_tidies_up(far, here):
    far.acts["a.wav"] = [drip, ok]
    code = f"from kit.corpus.remote import mirror; mirror({far.url!r}, {str(here)!r})"
    run = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: list(here.glob(".mirror-*.part")))
    run.kill()
    run.wait()
    assert len(list(here.glob(".mirror-*.part"))) == 1
    assert not (here / "a.wav").exists()
    assert len(fetch(far, here).files) == 3  # `fetch` looks for leftovers


def test_two_runs_at_once_do_not_take_each_others_files(far, here):
    go = threading.Event()

    def held(h, body):
        h.begin(len(body))
        h.wfile.write(body[:100])
        h.wfile.flush()
        go.wait(20)
        h.wfile.write(body[100:])

    far.acts["a.wav"] = [held, ok]
    found = []
    first = threading.Thread(
        target=lambda: found.append(mirror(far.url, here, retry=QUICK, progress=False))
    )
    first.start()
    until(lambda: list(here.glob(".mirror-*.part")))
    assert len(mirror(far.url, here, retry=QUICK, progress=False).files) == 3
    assert len(list(here.glob(".mirror-*.part"))) == 1
    go.set()
    first.join(20)
    assert len(found[0].files) == 3
    assert (here / "a.wav").read_bytes() == SOUND
    assert not list(here.glob(".mirror-*.part"))


ACTS = st.sampled_from([ok, ok, ok, *PASSING, status(404), longer, says_more, for_ever, zipped,
                        no_length, in_pieces, moved("x"), die])  # fmt: skip
LINES = st.sampled_from(["bad", f"{'a' * 64}\t3\t../x", f"{'b' * 64}\t1\tgone.wav"])


@settings(max_examples=40, deadline=None)
@given(
    acts=st.lists(st.lists(ACTS, min_size=1, max_size=3), min_size=1, max_size=6),
    odd=st.lists(LINES, max_size=2),
    attempts=st.integers(1, 3),
    trip_after=st.integers(2, 6),
    rest_s=st.sampled_from([0, 60]),
)
def test_files_and_letters_are_the_lines_whatever_the_server_does(
    tmp_path_factory, acts, odd, attempts, trip_after, rest_s
):
    retry = Retry(attempts, 0.0005, (5, 10), 60, trip_after, rest_s)
    folder = tmp_path_factory.mktemp("here") / "here"
    files = {f"{i}/clip {i}.wav": bytes([i]) * 1000 * i for i in range(len(acts))}
    with running(files) as far:
        far.acts = dict(zip(files, map(list, acts), strict=True)) | {"gone.wav": [status(404)]}
        far.files["manifest.tsv"] += "\n".join(odd).encode()
        found = fetch(far, folder, retry)
        here = {p for p in files if (folder / p).exists()}
        assert here == {p.relative_to(folder).as_posix() for p in found.files}
        assert found.attempts <= 1 + len(files) * attempts * 5 + 1
