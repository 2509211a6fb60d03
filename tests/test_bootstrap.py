"""The set-up: too old a Python, a failed install, a second run."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kit import bootstrap
from kit.paths import root


@pytest.fixture
def clone(tmp_path):
    """A folder with what the bootstrap needs, and no .venv."""
    (tmp_path / "kit").mkdir()
    for name in ("kit/bootstrap.py", "constraints.txt", "pyproject.toml", "Makefile"):
        shutil.copy(root() / name, tmp_path / name)
    return tmp_path


def run(clone, *args, **env):
    command = [sys.executable, "-I", str(clone / "kit" / "bootstrap.py"), *args]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | env, timeout=300
    )


def test_it_uses_the_standard_library_and_old_syntax_only():
    tree = ast.parse((root() / "kit" / "bootstrap.py").read_text(), feature_version=(3, 6))
    modules = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert modules <= set(sys.stdlib_module_names)
    assert not any(isinstance(n, ast.JoinedStr | ast.NamedExpr) for n in ast.walk(tree))


def test_an_old_python_finds_a_newer_one_or_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 8, 0))
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/x" if name == "python3.12" else None)
    monkeypatch.setattr(bootstrap, "works", lambda command: command[0] == "/bin/x")
    assert bootstrap.find_python() == "/bin/x"
    monkeypatch.setattr(bootstrap, "works", lambda command: False)
    with pytest.raises(SystemExit):
        bootstrap.find_python()  # found, but it cannot make environments
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit):
        bootstrap.find_python()
    assert re.search(r"Python 3\.8 is too old.*3\.11 or newer", capsys.readouterr().err)


def test_an_unknown_command_is_a_sentence(clone):
    done = run(clone, "dance")
    assert done.returncode == 1
    assert "make lab" in done.stderr


def test_a_failed_install_says_what_to_do_and_is_not_taken_for_done(clone):
    (clone / "constraints.txt").write_text("numpy==0.0.1\n")
    done = run(clone, "lab", PIP_NO_INDEX="1", PIP_FIND_LINKS="", PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "without a network, connect" in done.stderr
    assert not list((clone / ".venv").glob(".installed*"))


def test_a_changed_pin_asks_for_a_new_install(clone, monkeypatch):
    monkeypatch.setattr(bootstrap, "ROOT", str(clone))
    monkeypatch.setattr(bootstrap, "VENV", str(clone / ".venv"))
    monkeypatch.setattr(bootstrap, "works", lambda command: True)
    (clone / ".venv").mkdir()
    assert not bootstrap.is_installed("lab")
    path, content = bootstrap.stamp("lab")
    Path(path).write_text(content)
    assert bootstrap.is_installed("lab")
    assert not bootstrap.is_installed("test")
    path, content = bootstrap.stamp("test")
    Path(path).write_text(content)
    os.remove(bootstrap.stamp("lab")[0])
    assert bootstrap.is_installed("lab"), "the test set contains the lab set"
    monkeypatch.setattr(bootstrap, "works", lambda command: False)
    assert not bootstrap.is_installed("lab"), "a stamp alone does not make packages importable"
    monkeypatch.setattr(bootstrap, "works", lambda command: True)
    with open(clone / "constraints.txt", "a") as file:
        file.write("extra==1\n")
    assert not bootstrap.is_installed("test")


def test_a_failed_update_keeps_the_working_environment(clone):
    def python(*args):
        return subprocess.run([clone / ".venv/bin/python", *args], capture_output=True, text=True)

    subprocess.run([sys.executable, "-m", "venv", clone / ".venv"], check=True)
    (clone / ".venv" / "precious").write_text("mine")
    (clone / "constraints.txt").write_text("numpy==0.0.1\n")
    done = run(clone, "lab", PIP_NO_INDEX="1", PIP_FIND_LINKS="", PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 1
    assert (clone / ".venv" / "precious").read_text() == "mine"
    assert python("-m", "pip", "--version").returncode == 0


def test_only_one_set_up_runs_at_a_time(clone, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(bootstrap, "ROOT", str(clone))
    held = bootstrap.lock()
    with open(clone / ".venv.lock", "w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    held.close()


def test_clean_removes_the_environment(clone):
    (clone / ".venv").mkdir()
    (clone / "build").mkdir()
    assert run(clone, "clean").returncode == 0
    assert not (clone / ".venv").exists()
    assert not (clone / "build").exists()
