"""`kit lab`: ports, a second start, the command that is run."""

import socket

import pytest

from kit.course import server
from kit.errors import KitError
from kit.paths import root


def test_a_busy_port_is_passed_over():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert server.free_port(port) > port


def test_no_free_port_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(KitError, match="--port 9000"):
            server.free_port(port, tries=1)


def test_the_command_opens_the_first_lesson_without_pop_ups():
    command = server.command(browser=False, port=9999, extra=["--debug"])
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in command
    assert "--no-browser" in command
    assert command[-1] == "--debug"
    folder = next(c for c in command if "app_settings_dir" in c).split("=")[1]
    assert '"fetchNews": "false"' in (root().joinpath(folder) / "overrides.json").read_text()


def test_a_second_start_names_the_running_server(monkeypatch, capsys):
    address = "http://localhost:8888/lab?token=abc"
    monkeypatch.setattr(server, "running", lambda: [address])
    monkeypatch.setattr(server.subprocess, "call", lambda *a, **k: pytest.fail("started again"))
    assert server.start(browser=False) == 0
    assert address in capsys.readouterr().out


def test_a_server_that_does_not_answer_is_not_running():
    assert not server._answers({"url": "http://127.0.0.1:9/"})
