"""What this machine is: processor, cores, memory, disk, GPU, versions."""

import functools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

LIBRARIES = (
    "numpy",
    "polars",
    "pyarrow",
    "plotly",
    "ipywidgets",
    "anywidget",
    "jupyterlab",
    "nbgrader",
    "numba",
    "pandera",
    "fg-data-profiling",
    "cupy-cuda13x",
    "torch",
)


def machine_facts():
    """dict of facts; sizes in GB (1e9 B), None where the system does not tell.

    Keys: system, python, processor, cores, memory_gb, disk_free_gb, disk_filesystem, gpu, commit,
    versions (dict of library -> version, only those installed).
    """
    return {
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "processor": cpu_name(),
        "cores": usable_cores(),
        "memory_gb": round(memory_limit() / 1e9, 1),
        "disk_free_gb": _free_gb(probe_folder()),
        "disk_filesystem": filesystem(probe_folder()),
        "gpu": gpu_name(),
        "commit": commit(),
        "versions": _versions(),
    }


@functools.cache
def cpu_name():
    """Marketing name of the processor, or its architecture where the system hides it."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    if sys.platform == "darwin":
        return _output(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.machine()
    return platform.processor() or platform.machine()


def usable_cores():
    """Cores that this process may use: affinity, and the quota of a container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _cgroup("cpu.max")
    if quota and quota[0] != "max":
        cores = min(cores, max(1, round(int(quota[0]) / int(quota[1]))))
    return cores


def memory_limit():
    """Bytes of memory that this process may use: the machine's, or a container's limit."""
    import psutil

    total = psutil.virtual_memory().total
    limit = _cgroup("memory.max")
    return min(total, int(limit[0])) if limit and limit[0].isdigit() else total


def memory_free():
    """Bytes of memory free to take now."""
    import psutil

    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    free = psutil.virtual_memory().available
    if limit and used and limit[0].isdigit():
        free = min(free, int(limit[0]) - int(used[0]))
    return max(free, 0)


def filesystem(path):
    """Type of the file system that holds `path`, such as "ext4"; "unknown" if not told."""
    import psutil

    mounts = [p for p in psutil.disk_partitions(all=True) if _holds(p.mountpoint, path)]
    return max(mounts, key=lambda p: len(p.mountpoint)).fstype if mounts else "unknown"


@functools.cache
def gpu_name():
    """Name, memory and driver of the first CUDA GPU, or None."""
    if not shutil.which("nvidia-smi"):
        return None
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    lines = _output(query).splitlines()
    return lines[0] if lines else None


@functools.cache
def machine_name():
    """Short name of this machine: processor and cores, as `machine_facts` finds them."""
    return f"{cpu_name()}, {usable_cores()} cores"


@functools.cache
def commit():
    """Short commit hash of the code, with "+" when files differ from it; "" outside git."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return ""
    env = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}
    args = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        found = subprocess.run(args, capture_output=True, text=True, timeout=5, env=env)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def probe_folder():
    """Folder that probes write in: KIT_PROBE_DIR; else the system's scratch folder.

    Where that folder is memory in disguise (tmpfs), the working folder serves instead.
    """
    if chosen := os.environ.get("KIT_PROBE_DIR"):
        return Path(chosen)
    scratch = Path(tempfile.gettempdir())
    here = Path.cwd()
    in_memory = filesystem(scratch) == "tmpfs" and filesystem(here) != "tmpfs"
    return here if in_memory and os.access(here, os.W_OK) else scratch


def _free_gb(folder):
    try:
        return round(shutil.disk_usage(folder).free / 1e9, 1)
    except OSError:
        return None


def _versions():
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _cgroup(name):
    try:
        return Path("/sys/fs/cgroup", name).read_text().split()
    except OSError:
        return None


def _holds(mountpoint, path):
    return Path(path).resolve().is_relative_to(mountpoint)


def _output(args):
    try:
        return subprocess.run(args, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
