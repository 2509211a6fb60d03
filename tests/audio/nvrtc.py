"""Compile CUDA source without a device: the few calls of NVRTC that are needed, through ctypes."""

import ctypes
import re
from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True)
class Compiled:
    """Of one kernel: its name, registers a thread, spilled and shared bytes, from ptxas."""

    name: str
    registers: int
    spilled: int
    shared: int


def library():
    """The NVRTC library of the wheel nvidia-cuda-nvrtc, or None."""
    try:
        files = metadata.files("nvidia-cuda-nvrtc")
    except metadata.PackageNotFoundError:
        return None
    # the compiler looks for its built-in functions by name: load them first
    for pattern in (r"libnvrtc-builtins\.so\.[\d.]+$", r"libnvrtc\.so\.\d+$"):
        found = [f for f in files if re.search(pattern, f.name)]
        if not found:
            return None
        loaded = ctypes.CDLL(str(found[0].locate()))
    return loaded


def compile_for(target, source, options):
    """list of Compiled, one a kernel, of `source` for `target`, such as "sm_90"."""
    nvrtc, program = library(), ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    words = [w.encode() for w in (*options, f"-arch={target}", "--ptxas-options=-v")]
    status = nvrtc.nvrtcCompileProgram(program, len(words), (ctypes.c_char_p * len(words))(*words))
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, text)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    log = text.value.decode()
    assert status == 0, log
    return [_parse(part) for part in log.split("Compiling entry function")[1:]]


def _parse(part):
    def number(pattern):
        found = re.search(pattern, part)
        return int(found[1]) if found else 0

    name = re.search(r"'(\w+)'", part)[1]
    spilled = number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads")
    return Compiled(name, number(r"Used (\d+) registers"), spilled, number(r"(\d+) bytes smem"))
