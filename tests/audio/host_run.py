"""Run kernels/features.cu itself on the host: compiled by g++ with host_cuda.h."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np

from kit.audio import gpu

COMPILER = shutil.which("g++")
_GLUE = """
#include "{here}/host_cuda.h"
#include "{kernel}"
extern "C" void run(unsigned grid, const SAMPLE *clips, float *logs, float *out,
                    const float *window, const Complex *twiddles, const Complex *turn,
                    const int *edges, const float *weights, const float *dct, int samples,
                    unsigned frames, unsigned clip_count) {{
    launch(grid, TEAMS * LANES, [=] {{
        features(clips, logs, window, twiddles, turn, edges, weights, dct, samples, frames,
                 clip_count * frames);
    }});
    if ({two_pass}) launch(grid, 64, [=] {{ raise_and_dct(logs, out, dct, frames, clip_count); }});
}}
"""


def extract(clips, spec, folder, grid=2, teams=None):
    """float32[n, frames, coeffs] of `clips`, computed by the text of the kernel."""
    plan = gpu.plan(spec, clips.dtype, clips.shape[1], teams)
    library = _compile(plan, Path(folder))
    frames = spec.frames(clips.shape[1])
    out = np.full((len(clips), frames, spec.coeffs), np.nan, np.float32)
    logs = np.empty((len(clips), frames, spec.mels), np.float32) if plan.two_pass else out
    arrays = [clips, logs, out, *plan.arrays.values()]
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in arrays]
    library.run(grid, *pointers, clips.shape[1], frames, len(clips))
    return out


def _compile(plan, folder):
    glue, target = folder / "glue.cpp", folder / "kernel.so"
    here = Path(__file__).parent
    glue.write_text(
        _GLUE.format(here=here, kernel=gpu._SOURCE, two_pass=int(plan.two_pass)), encoding="utf-8"
    )
    options = [o for o in plan.options if o.startswith("-D")]
    flags = ["-std=c++20", "-O1", "-shared", "-fPIC", "-pthread", "-Wall", "-Werror"]
    flags += ["-Wno-unknown-pragmas", "-o", str(target)]
    subprocess.run([COMPILER, *flags, *options, str(glue)], check=True)
    return ctypes.CDLL(str(target))
