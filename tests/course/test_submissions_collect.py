"""Collect: any inbox becomes one notebook a student; originals stay; nobody stops the others."""

import io
import json
import os
import stat
import time
import zipfile
from datetime import datetime

import damage as d
import pytest
from helpers import code as reason

from kit.course.submissions import archive
from kit.course.submissions.collect import collect, student_name

NAME = f"{d.LAB}.ipynb"


def text(note=""):
    book = d.solved()
    book["metadata"]["note"] = note
    return json.dumps(book).encode()


def untouched():
    return json.dumps(d.release().book).encode()


def zipped(files):
    """Bytes of a zip file of dict name -> bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return out.getvalue()


class Inbox:
    """A folder of files, and what collect makes of it."""

    def __init__(self, folder):
        self.folder, self.course = folder / "inbox", folder / "course"
        self.folder.mkdir()

    def put(self, **files):
        for name, data in files.items():
            self.add(name, data)
        return self

    def add(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return self

    def collect(self, due=None):
        return {s.student: s for s in collect(self.folder, d.LAB, self.course, due)}


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path)


def kinds(submission):
    return [f.kind for f in submission.findings]


LAYOUTS = {  # path in the inbox -> student
    f"ada/{d.LAB}/{NAME}": "ada",
    f"ada/{d.LAB}/homework final.ipynb": "ada",
    f"lovelace_ada_12345_assignsubmission_file_{NAME}": "lovelace_ada",
    "Lovelace Ada_12345_assignsubmission_file_/lab.ipynb": "Lovelace_Ada",
    "lovelaceada_98765_445566_lab07.ipynb": "lovelaceada",
    "ada.ipynb": "ada",
    "ada/whatever.ipynb": "ada",
    "ada/deep/er/whatever.IPYNB": "ada",
    "Müller, Jörg.ipynb": "Müller_Jörg",
    "李雷.ipynb": "李雷",
    "..ada$*?.ipynb": "ada",
}


@pytest.mark.parametrize("path", [p for p in LAYOUTS if not p.startswith(".")])
def test_where_a_notebook_may_lie(path, inbox):
    found = inbox.add(path, text()).collect()
    assert list(found) == [LAYOUTS[path]]
    one = found[LAYOUTS[path]]
    assert one.findings == []
    assert one.path.read_bytes() == text()
    assert one.path.is_relative_to(inbox.course / "submitted_original" / one.student / d.LAB)
    assert one.found == path


ZIPS = {  # name -> (files in the zip, students)
    "ada.zip": ({NAME: text()}, ["ada"]),
    "ada/upload.zip": ({f"lab/{NAME}": text()}, ["ada"]),
    "lovelace_ada_1_assignsubmission_file_x.zip": ({"a.ipynb": text()}, ["lovelace_ada"]),
    "class.zip": ({f"ada/{NAME}": text("a"), f"bob/{NAME}": text("b")}, ["ada", "bob"]),
    "all.zip": ({"ada.ipynb": text("a"), "bob.ipynb": text("b")}, ["ada", "bob"]),
    "course-lab07-1.zip": (
        {"L Ada_1_assignsubmission_file_/x.ipynb": text(),
         "B Bob_2_assignsubmission_file_/x.zip": zipped({"x.ipynb": text("b")})},
        ["B_Bob", "L_Ada"]),
    "nested.zip": ({"ada.zip": zipped({NAME: text("a")}), "bob.zip": zipped({NAME: text("b")})},
                   ["ada", "bob"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ZIPS)
def test_zip_files_of_students_and_of_classes(name, inbox):
    files, students = ZIPS[name]
    found = inbox.add(name, zipped(files)).collect()
    assert sorted(found) == students
    for one in found.values():
        assert one.path.suffix == ".ipynb"
        assert one.path.exists()
        assert kinds(one) == []


def test_the_inbox_may_be_a_zip_file(tmp_path):
    path = tmp_path / "class.zip"
    path.write_bytes(zipped({"ada.ipynb": text("a"), "bob.ipynb": text("b")}))
    found = collect(path, d.LAB, tmp_path / "course")
    assert [s.student for s in found] == ["ada", "bob"]


def link_in_zip():
    out, info = io.BytesIO(), zipfile.ZipInfo("link.ipynb")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(info, "/etc/passwd")
    return out.getvalue()


def damaged_member():
    data = bytearray(zipped({NAME: text()}))
    for i in range(60, 90):
        data[i] ^= 0xFF
    return bytes(data)


def locked():
    data = bytearray(zipped({NAME: text()}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    return bytes(data)


BAD = {  # what a student's zip holds -> (kind, word in the sentence)
    "path up": (lambda: zipped({"../../evil.ipynb": text()}), "zip-part", "out of the folder"),
    "absolute": (lambda: zipped({"/tmp/evil.ipynb": text()}), "zip-part", "out of the folder"),
    "drive": (lambda: zipped({"C:\\evil.ipynb": text()}), "zip-part", "out of the folder"),
    "link": (link_in_zip, "zip-part", "a link"),
    "ratio": (lambda: zipped({"x.ipynb": bytes(20_000_000)}), "zip-part", "zip bomb"),
    "size": (lambda: zipped({"x.ipynb": bytes(51_000_000)}), "zip-part", "51 MB"),
    "no zip": (lambda: b"PK no zip", "zip", "no zip file"),
    "empty": (lambda: b"", "zip", "no zip file"),
    "cut": (lambda: zipped({NAME: text()})[:-30], "zip", "no zip file"),
    "damaged": (damaged_member, "zip-part", "cannot be read"),
    "password": (locked, "zip-part", "password"),
    "too deep": (lambda: zipped({"a.zip": zipped({"b.zip": zipped({NAME: text()})})}), "zip",
                 "in a zip file"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_zip_is_told_and_the_batch_goes_on(what, inbox):
    make, kind, word = BAD[what]
    inbox.add("bad/upload.zip", make()).add("good.ipynb", text())
    found = inbox.collect()
    assert found["good"].path.read_bytes() == text()
    assert found["bad"].path is None
    assert kind in kinds(found["bad"])
    assert "no-notebook" in kinds(found["bad"])
    assert word in " ".join(f.text for f in found["bad"].findings)
    kept = inbox.course / "submitted_original" / "bad" / d.LAB / "upload.zip"
    assert kept.read_bytes() == (inbox.folder / "bad" / "upload.zip").read_bytes()
    assert not list(inbox.folder.parent.rglob("*evil*"))


def test_too_many_files_and_too_many_bytes(inbox, monkeypatch):
    monkeypatch.setattr(archive, "MOST_FILES", 3)
    inbox.add("ada/many.zip", zipped({f"{i}.txt": b"x" * 1000 for i in range(4)}))
    assert kinds(inbox.collect()["ada"]) == ["zip", "no-notebook"]
    monkeypatch.setattr(archive, "MOST_FILES", 10)
    assert "zip" not in kinds(inbox.collect()["ada"])
    monkeypatch.setattr(archive, "LARGEST_ZIP_MB", 0.003)
    assert "zip" in kinds(inbox.collect()["ada"])


def test_good_files_beside_a_bad_one_in_a_zip_are_used(inbox):
    inbox.add("ada/x.zip", zipped({"../evil.ipynb": b"{}", NAME: text()}))
    one = inbox.collect()["ada"]
    assert kinds(one) == ["zip-part"]
    assert one.path.read_bytes() == text()


def test_links_are_not_followed(inbox):
    secret = inbox.folder.parent / "secret.ipynb"
    secret.write_bytes(text())
    (inbox.folder / "ada").mkdir()
    os.symlink(secret, inbox.folder / "ada" / NAME)
    one = inbox.collect()["ada"]
    assert one.path is None
    assert kinds(one) == ["link", "no-notebook"]


def test_of_several_notebooks_the_answered_one_is_taken(inbox):
    inbox.add(f"ada/{d.LAB}/{NAME}", untouched())
    inbox.add(f"ada/{d.LAB}/{d.LAB}-Copy1.ipynb", text())
    inbox.add(f"ada/{d.LAB}/other.ipynb", json.dumps(d.solved(d.LABS[0])).encode())
    inbox.add(f"ada/{d.LAB}/.ipynb_checkpoints/{NAME}", text("old"))
    one = inbox.collect()["ada"]
    assert one.path.name == f"{d.LAB}-Copy1.ipynb"
    assert kinds(one) == ["several"]
    assert "other.ipynb" in one.findings[0].text
    assert len([p for p in one.path.parents[0].rglob("*") if p.is_file()]) == 3


def test_the_notebook_of_another_lab_is_told(inbox):
    one = inbox.add("ada.ipynb", json.dumps(d.solved(d.LABS[0])).encode()).collect()["ada"]
    assert kinds(one) == ["other-lab"]


def test_nbgraders_folders_of_other_labs_are_left_out(inbox):
    inbox.add(f"ada/{d.LABS[0]}/{d.LABS[0]}.ipynb", json.dumps(d.solved(d.LABS[0])).encode())
    inbox.add(f"bob/{d.LAB}/{NAME}", text())
    assert list(inbox.collect()) == ["bob"]


def test_two_senders_of_one_name_are_told_and_kept(inbox):
    inbox.add("Ada L.ipynb", text("1")).add("ada_L.ipynb", text("2"))
    inbox.add("ADA L.ipynb", text("5"))
    inbox.add("lee_kim_1_assignsubmission_file_a.ipynb", text("3"))
    inbox.add("lee_kim_2_assignsubmission_file_a.ipynb", text("4"))
    found = inbox.collect()
    assert sorted(found) == ["ADA_L", "Ada_L-2", "ada_L-3", "lee_kim", "lee_kim-2"]
    assert all(set(kinds(s)) == {"same-student"} for s in found.values())
    assert {s.path.read_bytes() for s in found.values()} == {text(n) for n in "12345"}


def test_twice_is_once_and_a_later_upload_is_kept_beside(inbox):
    first = inbox.add("ada.ipynb", text("1")).collect()
    stamp = first["ada"].path.stat().st_mtime_ns
    assert inbox.collect() == first
    assert first["ada"].path.stat().st_mtime_ns == stamp
    second = inbox.add("ada.ipynb", text("2")).collect()["ada"]
    assert kinds(second) == ["again"]
    assert second.path.read_bytes() == text("2")
    assert first["ada"].path.read_bytes() == text("1")
    assert inbox.collect()["ada"] == second


def test_what_a_stopped_run_left_is_no_harm(inbox):
    half = inbox.course / "submitted_original" / "ada" / f".{d.LAB}.part"
    half.mkdir(parents=True)
    (half / "half").write_text("x")
    one = inbox.add("ada.ipynb", text()).collect()["ada"]
    assert [p.name for p in one.path.parent.iterdir()] == ["ada.ipynb"]
    assert not half.exists()


@pytest.mark.parametrize(("hours", "days"), [(-1, 0), (0, 0), (1, 1), (24, 1), (25, 2)])
def test_late_days_are_begun_days(hours, days, inbox):
    inbox.add("ada.ipynb", text())
    when = time.mktime((2026, 11, 20, 12, 0, 0, 0, 0, -1)) + 3600 * hours
    os.utime(inbox.folder / "ada.ipynb", (when, when))
    assert inbox.collect("2026-11-20 12:00")["ada"].late_days == days
    assert inbox.collect(datetime(2026, 11, 20, 12))["ada"].late_days == days
    assert inbox.collect()["ada"].late_days == 0


def test_nbgraders_time_stamp_counts_more_than_the_file(inbox):
    inbox.add(f"ada/{d.LAB}/{NAME}", text())
    inbox.add(f"ada/{d.LAB}/timestamp.txt", b"2026-11-22 13:00:00 UTC")
    assert inbox.collect("2026-11-20T12:00+00:00")["ada"].late_days == 3


def test_unreadable_and_nameless_files_are_told(inbox):
    inbox.add("ada.ipynb", b"\xff\xfe{").add(NAME, text()).add("list.csv", b"a,b")
    inbox.add("bob/report.pdf", b"%PDF")
    found = inbox.collect()
    assert sorted(found) == ["ada", "bob", d.LAB]
    assert found["ada"].path.read_bytes() == b"\xff\xfe{"
    assert kinds(found["bob"]) == ["no-notebook"]
    assert kinds(found[d.LAB]) == ["no-student"]


def test_names_that_a_file_system_cannot_hold_together(inbox):
    files = {"x": b"1", "x/y.ipynb": text(), "a" * 300 + ".ipynb": untouched(), "X": b"2"}
    one = inbox.add("ada/up.zip", zipped(files)).collect()["ada"]
    kept = one.path.parents[0]
    assert one.path.read_bytes() == text()
    held = sorted(p.read_bytes() for p in kept.rglob("*") if p.is_file())
    assert held == sorted([*files.values(), (inbox.folder / "ada" / "up.zip").read_bytes()])


def test_names_of_students():
    for path, name in LAYOUTS.items():
        if "_assign" not in path and "/" not in path and "_445566_" not in path:
            assert student_name(path.rsplit(".", 1)[0]) == name
    assert student_name("../..") == "unnamed"
    assert "/" not in student_name("a/b\\c")


def test_no_inbox_no_lab_no_time(tmp_path):
    assert reason(collect, tmp_path / "none", d.LAB, tmp_path) == "no-inbox"
    assert reason(collect, tmp_path, "lab99", tmp_path) == "no-lab"
    assert reason(collect, tmp_path, d.LAB, tmp_path, "soon") == "bad-time"
