"""Set up .venv and run the README's two commands: `python3 -I kit/bootstrap.py lab|test|clean`.

Runs before anything is installed, on any Python 3: standard library only, old syntax, so that
an old interpreter reaches the sentence that says what to do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

OLDEST, NEWEST = (3, 11), (3, 14)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin", "python")
EXTRAS = {"lab": "[kws]", "test": "[test,kws]"}
# files in parallel; more than four would only fight for memory. ARGS="-n 0": one after the other
PYTEST = ["pytest", "-n", "logical", "--maxprocesses", "4", "--dist", "loadfile",
          "--no-loadscope-reorder"]  # fmt: skip
PIP_HINT = (
    "The packages could not be installed. Read the lines above: without a network, connect and "
    "try again; behind a proxy, set HTTPS_PROXY or PIP_INDEX_URL; on a full disk, free 2 GB. "
    "Then run the same command again."
)
VENV_HINT = (
    "Python could not make a virtual environment. On Debian and Ubuntu install the package "
    "python3-venv; on a full disk free some space; then run the same command again."
)


def say(message):
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


def stop(message):
    sys.stderr.write("\n" + message + "\n")
    sys.exit(1)


def works(command):
    """True if `command` runs without an error; its output is thrown away."""
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def find_python():
    """The path of an interpreter new enough: the one running, or a newer one on PATH."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)  # noqa: UP031
        if found and works([found, "-c", "import venv, ensurepip"]):
            return found
    return stop(
        "Python %d.%d is too old: the course needs Python %d.%d or newer.\n"  # noqa: UP031
        "Install one from python.org or your system's packages, then name it: "
        "make lab PYTHON=python3.12" % (tuple(sys.version_info[:2]) + OLDEST)
    )


def stamp(extra):
    """(path, content): equal content means that this set of packages is installed."""
    digest = hashlib.sha256()
    for name in ("constraints.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    digest.update(ROOT.encode())  # a moved folder breaks the scripts in .venv
    return os.path.join(VENV, ".installed-" + extra), digest.hexdigest()


def is_installed(command):
    """True if the packages of `command` are stamped as installed and can be imported."""
    # the test set contains the lab set, so either stamp will do for `lab`
    for wanted in ["test"] if command == "test" else ["lab", "test"]:
        path, content = stamp(wanted)
        if os.path.exists(path):
            with open(path) as file:
                if file.read() == content:
                    return works([PYTHON, "-c", "import kit.cli, jupyterlab"])
    return False


def pip_install(command):
    """Install into .venv as it stands; True if that worked."""
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    wanted = [*pip, "-c", "constraints.txt", "-e", "." + EXTRAS[command]]
    return subprocess.call(wanted, cwd=ROOT) == 0


def install(command):
    """Bring .venv up to date; a working one is only thrown away when pip cannot mend it."""
    start = time.time()
    python = find_python()
    fresh = not works([PYTHON, "-m", "pip", "--version"])
    say("Setting up .venv (once; a few minutes and about 2 GB of disk) ...")
    if fresh and subprocess.call([python, "-m", "venv", "--clear", VENV]) != 0:
        stop(VENV_HINT)
    if not pip_install(command):
        stop(PIP_HINT + ("" if fresh else " If it keeps failing, start anew with: make clean"))
    path, content = stamp(command)
    with open(path, "w") as file:
        file.write(content)
    say("Ready after %.0f s." % (time.time() - start))


def lock():
    """Let only one set-up run at a time; the system releases the lock when the process ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    file = open(os.path.join(ROOT, ".venv.lock"), "w")  # noqa: SIM115 - held while we install
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def run(args):
    """Run a command to its end; Ctrl+C is for it, not for us."""
    child = subprocess.Popen(args, cwd=ROOT)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def main(argv):
    command = argv[0] if argv else ""
    if command == "clean":
        for name in (".venv", "build"):
            shutil.rmtree(os.path.join(ROOT, name), ignore_errors=True)
        return 0
    if command not in EXTRAS:
        stop("Usage: make lab | make test | make clean")
    if not is_installed(command):
        try:
            held = lock()
            if not is_installed(command):  # another set-up may have finished meanwhile
                install(command)
            if held:
                held.close()
        except KeyboardInterrupt:
            stop("The set-up was interrupted. Run the same command again to go on.")
    return run([PYTHON, "-m", *(["kit", "lab"] if command == "lab" else PYTEST), *argv[1:]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
