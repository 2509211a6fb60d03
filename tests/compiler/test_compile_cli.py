"""`kit compile` and its questions: what is printed, where, and with which exit status."""

import json
import subprocess
import sys

import pytest

from kit import cli
from kit.compiler import link

ERROR = "kit: "


@pytest.fixture
def kit(capsys, monkeypatch):
    """A function: (exit status, stdout, stderr) of `kit` with arguments, in this process."""

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["kit", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code or 0
        out, err = capsys.readouterr()
        return status, out, err

    return called


@pytest.fixture
def made(shop, kit):
    """(Workshop, recipe) with a compiled set of two versions."""
    recipe = shop.recipe()
    assert kit("compile", recipe, "--no-profile", "--workers", 1)[0] == 0
    (shop.raw / "yes" / "0aaa_nohash_0.wav").write_bytes(b"no sound")
    shop.speak("yes/0bbb_nohash_0.wav", "yes", "en-gb")
    assert kit("compile", recipe, "--no-profile", "--workers", 1)[0] == 0
    return shop, recipe


def test_a_run_prints_its_passes_and_that_nothing_was_lost(shop, kit):
    status, out, err = kit("compile", shop.recipe(), "--no-profile", "--workers", 1)
    assert (status, err) == (0, "")
    assert out.startswith("test, version 0, is new: 24 clips")
    for name in ("gather", "ingest", "contract", "align", "gates", "deduplicate", "split",
                 "augment", "features"):  # fmt: skip
        assert f"\n{name} " in out
    assert "read + made = written + duplicates + rejected" in out
    assert out == (shop.out / "report.txt").read_text()
    again = kit("compile", shop.recipe(), "--no-profile", "--workers", 1)[1]
    assert again.startswith("test, version 0, is unchanged: 24 clips")
    assert "0 of " in again


def test_json_is_one_document_and_nothing_else(shop):
    """In a process of its own, for libraries write past Python."""
    (shop.raw / "yes" / "0aaa_nohash_0.mp3").write_bytes(bytes(4000))
    source = [{"kind": "folder", "path": "raw"}]
    recipe = shop.recipe(source=source)
    command = [sys.executable, "-m", "kit", "compile", recipe, "--json", "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["clips"] == 24
    assert found["reasons"][0]["code"] == "undecodable"
    assert found == json.loads((shop.out / "report.json").read_text())
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr


def test_the_dead_letters(made, kit):
    shop, recipe = made
    status, out, _ = kit("compile", recipe, "--letters")
    assert status == 0
    head, line = out.splitlines()
    assert head.split() == ["pass", "code", "message", "source", "path", "offset", "label",
                            "clip_id", "clips"]  # fmt: skip
    assert str(shop.raw / "yes" / "0aaa_nohash_0.wav") in line
    assert "not-wav" in line
    rows = json.loads(kit("compile", recipe, "--letters", "--json")[1])
    assert [r["code"] for r in rows] == ["not-wav"]
    assert rows[0]["path"].endswith("0aaa_nohash_0.wav")
    (shop.raw / "yes" / "0aaa_nohash_0.wav").unlink()
    kit("compile", recipe, "--no-profile", "--workers", 1)
    assert kit("compile", recipe, "--letters")[:2] == (0, "nothing\n")


def test_the_lineage_of_a_clip(made, kit):
    shop, recipe = made
    name = shop.data.clips["clip_id"][0]
    status, out, _ = kit("compile", recipe, "--explain", name[:14])
    assert status == 0
    assert out.startswith(f"clip {name}, ")
    found = json.loads(kit("compile", recipe, "--explain", name, "--json")[1])
    assert found["explained"] == out.splitlines()


def test_the_difference_of_two_versions(made, kit):
    _, recipe = made
    status, out, _ = kit("compile", recipe, "--diff", 0, 1)
    assert status == 0
    head, *lines = out.splitlines()
    assert head.split() == ["clip_id", "path", "change", "why"]
    assert len(lines) == 1
    assert "0bbb_nohash_0.wav  added  " in lines[0]
    rows = json.loads(kit("compile", recipe, "--diff", 0, 1, "--json")[1])
    assert [r["change"] for r in rows] == ["added"]
    assert kit("compile", recipe, "--diff", 1, 1)[1] == "nothing\n"


def test_questions_do_not_compile(made, kit):
    shop, recipe = made
    shop.speak("no/0ccc_nohash_0.wav", "no", "en-gb")
    before = shop.stored()
    for question in (["--letters"], ["--diff", 0, 1], ["--explain", shop.data.clips["clip_id"][3]]):
        assert kit("compile", recipe, *question)[0] == 0
    assert shop.stored() == before
    assert len(link.versions(shop.out)) == 2


def test_another_output(shop, kit):
    status, _, _ = kit("compile", shop.recipe(), "--no-profile", "--workers", 1,
                       "--output", shop.home / "elsewhere")  # fmt: skip
    assert status == 0
    assert not shop.out.exists()
    assert kit("compile", shop.recipe(), "--letters", "--output", shop.home / "elsewhere")[0] == 0
    assert kit("compile", shop.recipe(), "--letters")[0] == 1


@pytest.mark.parametrize(
    ("parts", "arguments", "says"),
    [
        ({}, ["--letters"], "no data set is here"),
        ({}, ["--diff", "0", "1"], "no data set is here"),
        ({}, ["--engine", "slurm"], "no such engine: found 'slurm'. Allowed: local, ray"),
        ({"seed": ""}, [], "recipe.toml has mistakes: line "),
        ({"gates": {"snr_db": float("nan")}}, [], "recipe.toml "),
        ({"augment": {"use": "os:nothing", "copies": 1}}, [], "augmentation is not there"),
        ({"source": [{"kind": "folder", "path": "nowhere"}]}, [], "this is not a folder"),
        ({"contract": {"labels": ["x"]}}, [], "no clip is left"),
        ({"split": {"test_speakers": ["nobody"]}}, [], "cannot be held out"),
        ({"source": [{"kind": "synthesis", "words": ["a"], "voices": ["x"]}]}, [], "no such voice"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(shop, kit, parts, arguments, says):
    arguments = ["compile", shop.recipe(**parts), "--workers", 1, *arguments]
    for more in ([], ["--json"]):
        status, out, err = kit(*arguments, *more)
        assert (status, out) == (1, "")
        assert err.startswith(ERROR)
        assert says in err
        assert err.count("\n") == 1
        assert "Traceback" not in err


def test_unknown_clips_and_versions(made, kit):
    _, recipe = made
    for question in (["--explain", "ffff"], ["--diff", 0, 9], ["--diff", 9, 0]):
        status, out, err = kit("compile", recipe, *question)
        assert (status, out) == (1, "")
        assert err.startswith(ERROR)


def test_a_recipe_that_is_not_there(tmp_path, kit):
    status, out, err = kit("compile", tmp_path / "none.toml")
    assert (status, out) == (1, "")
    assert "cannot read the recipe" in err
