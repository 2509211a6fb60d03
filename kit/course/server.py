"""`kit lab`: start JupyterLab at the first lesson."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from kit.course.build import build
from kit.course.lessons import all_lessons
from kit.errors import KitError
from kit.paths import root


def start(browser=True, port=8888, extra=()):
    """Run JupyterLab in the course folder until it ends; return its exit status.

    browser: open a window. port: first port to try; a busy one is passed over and named.
    extra: further JupyterLab options, list of str.
    """
    if not all(lesson.notebook.exists() for lesson in all_lessons()):
        build()
    for server in running():
        print(f"JupyterLab already runs for this folder: {server}")
        print("Open that address, or stop it there with File > Shut Down.")
        return 0
    free = free_port(port)
    if free != port:
        print(f"Port {port} is taken by another program; using {free}.")
    print("Starting JupyterLab; stop it with Ctrl+C. The address follows.", flush=True)
    server = subprocess.Popen(command(browser, free, extra), cwd=root(), env=environment())
    while True:  # Ctrl+C reaches JupyterLab too, which shuts its kernels down and ends
        with contextlib.suppress(KeyboardInterrupt):
            return server.wait()


def command(browser, port, extra):
    """The command line of JupyterLab, list of str."""
    first = all_lessons()[0].notebook.relative_to(root()).as_posix()
    parts = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root()}"]
    parts += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    parts += [f"--LabApp.default_url=/lab/tree/{first}"]
    # settings of ours: no pop-up about news; cells stay on the page, so that figures stay drawn
    parts.append(f"--LabApp.app_settings_dir={Path(__file__).with_name('lab_settings')}")
    parts.append("--ServerApp.answer_yes=True")  # one Ctrl+C is enough
    parts.append("--log-level=ERROR")  # what is left is the address
    if not browser:
        parts.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        parts.append("--allow-root")
    return parts + list(extra)


def environment():
    """Environment for JupyterLab: this installation's kernels and settings come first."""
    here = str(Path(sys.executable).parent)
    return os.environ | {
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PATH": os.pathsep.join([here, os.environ.get("PATH", "")]),
    }


def running():
    """Addresses of servers that serve this folder and answer, list of str."""
    from jupyter_server.serverapp import list_running_servers

    mine = (s for s in list_running_servers() if Path(s["root_dir"]) == root())
    return [f"{s['url']}lab?token={s['token']}" for s in mine if _answers(s)]


def free_port(first, tries=50):
    """The first port from `first` on that nobody listens on."""
    for port in range(first, min(first + tries, 65_536)):
        with socket.socket() as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise KitError(
        "no free port for JupyterLab",
        found=f"{first} to {first + tries - 1} are all taken",
        remedy="stop another server, or choose: make lab ARGS='--port 9000'",
        code="port",
    )


def _answers(server):
    try:
        with urllib.request.urlopen(f"{server['url']}api", timeout=2) as reply:
            return "version" in json.load(reply)
    except (OSError, ValueError):
        return False
