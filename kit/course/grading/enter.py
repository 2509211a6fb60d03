"""First program in the sandbox: lowers the limits, becomes another user, runs the command.

Standard library alone, for it starts with `python -I -S`: enter.py '{"limits": ...}' command ...
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # of prctl, linux/prctl.h


def main(argv):
    """Become the command; with "guard" stay beside it, and end what outlives it."""
    told, command = json.loads(argv[1]), argv[2:]
    if told.get("guard"):
        _guarded(command, told["limits"])
    if told.get("uid"):
        os.setgroups([])
        os.setgid(told["uid"])
        os.setuid(told["uid"])
    os.chdir(told["folder"])  # not before: it may be open to that user alone
    _limit(told["limits"])
    os.execvp(command[0], command)


def _limit(limits):
    for name, (soft, hard) in limits.items():
        code = getattr(resource, f"RLIMIT_{name}", None)
        if code is not None:
            most = resource.getrlimit(code)[1]
            most = hard if most == resource.RLIM_INFINITY else min(hard, most)
            resource.setrlimit(code, (min(soft, most), most))


def _guarded(command, limits):
    """Orphans of the command become children of this process, which ends them."""
    _control(_SET_CHILD_SUBREAPER, 1)
    _control(_SET_PDEATHSIG, signal.SIGKILL)
    child = os.fork()
    if child == 0:
        os.setsid()
        _control(_SET_PDEATHSIG, signal.SIGKILL)
        _limit(limits)
        os.execvp(command[0], command)
    while True:
        pid, status = os.wait()
        if pid == child:
            break
    _end_children(child)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _control(what, value):
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)


def _end_children(session):
    """SIGKILL to the group of the command and to whatever still is a child of this process."""
    while True:
        for pid in _children():
            _kill(pid, os.kill)
        _kill(session, os.killpg)
        try:
            os.wait()
        except ChildProcessError:
            return


def _children():
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _kill(pid, how):
    with contextlib.suppress(OSError):  # gone
        how(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv)
