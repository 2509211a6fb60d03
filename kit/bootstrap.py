"""Set up .venv and run the README's two commands: `python3 -I kit/bootstrap.py lab|test|clean`.

Runs before anything is installed, on any Python: standard library only, old syntax,
so that an old interpreter reaches the sentence that says what to do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
EXTRAS = {"lab": "", "test": "[test]"}


def stop(message):
    sys.stderr.write("\n" + message + "\n")
    sys.exit(1)


def find_python():
    """The path of an interpreter new enough: the one running, or a newer one on PATH."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(20, OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)  # noqa: UP031
        if found:
            return found
    return stop(
        "Python %d.%d is too old: the course needs Python %d.%d or newer.\n"  # noqa: UP031
        "Install one from python.org or your system's packages, then name it: "
        "make lab PYTHON=python3.12" % (sys.version_info[:2] + OLDEST)
    )


def stamp(extra):
    """(path, content): equal content means that this set of packages is installed."""
    digest = hashlib.sha256()
    for name in ("constraints.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    digest.update(ROOT.encode())  # a moved folder breaks the scripts in .venv
    return os.path.join(VENV, ".installed-" + (extra or "lab")), digest.hexdigest()


def is_installed(command):
    # the test set contains the lab set, so either stamp will do for `lab`
    for wanted in ["test"] if command == "test" else ["lab", "test"]:
        path, content = stamp(wanted)
        if os.path.exists(path):
            with open(path) as file:
                if file.read() == content:
                    return True
    return False


def run(args, hint):
    try:
        subprocess.run(args, cwd=ROOT, check=True)
    except (subprocess.CalledProcessError, OSError) as error:
        stop("The set-up stopped: %s\n%s" % (error, hint))  # noqa: UP031


def install(command):
    start = time.time()
    python = find_python()
    print("Setting up .venv (once; a few minutes and about 2 GB of disk) ...")
    run(
        [python, "-m", "venv", "--clear", VENV],
        "Python could not make a virtual environment. On Debian and Ubuntu install the package "
        "python3-venv; on a full disk free some space; then run the same command again.",
    )
    pip = [os.path.join(BIN, "python"), "-m", "pip", "--disable-pip-version-check"]
    run(
        [*pip, "install", "-q", "-c", "constraints.txt", "-e", "." + EXTRAS[command]],
        "The packages could not be installed. Read the lines above: without a network, connect "
        "and try again; behind a proxy, set HTTPS_PROXY or PIP_INDEX_URL; on a full disk, free "
        "2 GB. Then run the same command again; it starts from a clean .venv.",
    )
    path, content = stamp(command)
    with open(path, "w") as file:
        file.write(content)
    print("Ready after %.0f s." % (time.time() - start))


def main(argv):
    command = argv[0] if argv else ""
    if command == "clean":
        for name in (".venv", "build"):
            shutil.rmtree(os.path.join(ROOT, name), ignore_errors=True)
        return 0
    if command not in EXTRAS:
        stop("Usage: make lab | make test | make clean")
    if not is_installed(command):
        install(command)
    if command == "lab":
        args = [os.path.join(BIN, "python"), "-m", "kit", "lab", *argv[1:]]
    else:
        args = [os.path.join(BIN, "python"), "-m", "pytest", *argv[1:]]
    try:
        return subprocess.call(args, cwd=ROOT)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
