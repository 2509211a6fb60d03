"""The command line as a person or a script runs it."""

import json
import os
import subprocess
import sys

import pytest

from kit.claims import all_claims


def kit(*args, **env):
    command = [sys.executable, "-m", "kit", *args]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | env, timeout=300
    )


def test_claims_as_json_is_one_document():
    done = kit("claims", "--json")
    assert done.returncode == 0
    assert [c["number"] for c in json.loads(done.stdout)] == [c.number for c in all_claims()]


def test_claims_as_a_table():
    done = kit("claims", "--lesson", "01", COLUMNS="200")
    assert done.returncode == 0
    assert "holds" in done.stdout
    assert "wrong" in done.stdout


def test_doctor_as_json():
    done = kit("doctor", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == (1 if found["failed"] else 0)
    assert found["facts"]["cores"] >= 1
    assert len(found["measurements"]) >= 8
    assert all(len(m["spread"]) == 2 for m in found["measurements"])


def test_doctor_on_a_folder_that_is_not_there_fails_honestly():
    done = kit("doctor", "--json", KIT_PROBE_DIR="/no/such/folder")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert {f["probe"] for f in found["failed"]} == {
        "disk, sequential",
        "disk, random",
        "small files",
    }


def test_bench_explorers_as_json():
    done = kit("bench", "explorers", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert {"name", "p95_ms", "moves"} <= set(found["rows"][0])
    assert "cores" in found["machine"]


def test_data_list_as_json(tmp_path):
    done = kit("data", "list", "--json", KIT_DATA_HOME=str(tmp_path))
    assert json.loads(done.stdout)[0]["name"] == "fsdd"
    assert json.loads(done.stdout)[0]["here"] is False


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["data", "fetch", "imagenet"], "no such data set"),
        (["data", "verify", "fsdd"], "kit data fetch fsdd"),
        (["claims", "--lesson", "77"], "no claims"),
        (["course", "run", "77"], "no such lesson"),
    ],
)
def test_errors_are_sentences_on_stderr(args, word, tmp_path):
    done = kit(*args, KIT_DATA_HOME=str(tmp_path))
    assert done.returncode == 1
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_unknown_command_fails():
    assert kit("fly").returncode == 2


def test_course_check_is_silent_about_a_good_course():
    done = kit("course", "check")
    assert done.returncode == 0, done.stdout


def test_a_missing_course_is_a_sentence(tmp_path):
    done = kit("course", "check", KIT_ROOT=str(tmp_path))
    assert done.returncode == 1
    assert "set KIT_ROOT" in done.stderr
