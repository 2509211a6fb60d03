"""Processes below another one: which they are, what they use, and how they end."""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

_MOST_FILES = 50_000


class Use(NamedTuple):
    """processes; cpu_s: of all, ended ones as well; memory_mb: of all, without files."""

    processes: int
    cpu_s: float
    memory_mb: float


def below(pid):
    """list of pids: `pid` and all below it that there are now."""
    found, open_ends = [], [pid]
    while open_ends:
        one = open_ends.pop()
        found.append(one)
        open_ends += [child for child in _children(one) if child not in found]
    return found


def used(pids):
    """Use of these processes; one that has ended meanwhile counts nothing."""
    parts = [x for x in map(_used_by, pids) if x]
    return Use(len(parts), sum(cpu for cpu, _ in parts), sum(mb for _, mb in parts))


def end(pid, wait_s=10.0):
    """End `pid` and all below it; they are stopped first, so that none gets away."""
    seen = {}
    for _ in range(20):
        new = {p: born(p) for p in below(pid) if p not in seen}
        if not new:
            break
        for one in new:
            send(one, signal.SIGSTOP)
        seen |= new
    for one in reversed(list(seen)):
        send(one, signal.SIGKILL)
    return gone(seen, wait_s)


def gone(seen, wait_s):
    """True once none of these runs; seen: dict of pid -> when it was born, see `born`."""
    stop = time.monotonic() + wait_s
    while alive := [p for p, when in seen.items() if when is not None and born(p) == when]:
        if time.monotonic() > stop:
            return False
        for one in alive:
            send(one, signal.SIGKILL)
        time.sleep(0.01)
    return True


def born(pid):
    """When a process began, in ticks; None if it has ended. A pid alone may be used again."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else fields[19]


def send(pid, what):
    """Send a signal; whoever is gone needs none."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, what)


def size_mb(folder):
    """MB of all files below a folder, links not followed; inf if they are too many to count."""
    total, count, ends = 0, 0, [str(folder)]
    while ends:
        with contextlib.suppress(OSError), os.scandir(ends.pop()) as entries:
            for entry in entries:
                count += 1
                if count > _MOST_FILES:
                    return float("inf")
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        ends.append(entry.path)
    return total / 1e6


def _children(pid):
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return [] if Path("/proc/self/task").exists() else _asked(pid)
    found = []
    for task in tasks:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/task/{task}/children").read_text()
            found += [int(x) for x in text.split()]
    return found


def _asked(pid):
    """Children where there is no /proc."""
    import psutil

    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def _stat(pid):
    """Fields of /proc/<pid>/stat from the state on, or None."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None if Path("/proc/self/task").exists() else _asked_stat(pid)


def _asked_stat(pid):
    import psutil

    try:
        one = psutil.Process(pid)
        state = "Z" if one.status() == psutil.STATUS_ZOMBIE else "R"
        return [state, *[""] * 18, str(one.create_time())]
    except psutil.Error:
        return None


def _used_by(pid):
    """(CPU seconds with those of children that ended, MB), or None."""
    fields = _stat(pid)
    if fields is None:
        return None
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return _asked_use(pid)
    ticks = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    own = [x for x in lines if x.startswith(("RssAnon:", "RssShmem:"))]
    return ticks, sum(int(x.split()[1]) for x in own) * 1024 / 1e6


def _asked_use(pid):
    import psutil

    try:
        one = psutil.Process(pid)
        times = one.cpu_times()
        return times.user + times.system, one.memory_info().rss / 1e6
    except psutil.Error:
        return None
