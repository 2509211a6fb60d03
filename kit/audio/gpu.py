"""Features on an NVIDIA GPU: one fused CUDA kernel, loaded through CuPy.

Needs NumPy, and CuPy when called; `plan` needs NumPy alone.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kit.audio import tables
from kit.errors import KitError

LANES = 16  # threads that share a frame; fixed in the kernel
SHARED_BYTES = 48 * 1024  # what a block may take on every CUDA device without asking
RADICES = (16, 8, 5, 4, 3, 2)
_SOURCE = Path(__file__).parent / "kernels" / "features.cu"
_FRAMES_AT_ONCE = 2**31 - 2**20  # a launch counts frames in 32 bits
_MOST_SAMPLES = 2**29  # of a clip: nine hours at 16 kHz; the kernel counts them in 32 bits
_LOG_BYTES = 2**30  # of log-mel values between two passes
_C_TYPES = {np.dtype(np.int16): ("short", "short2"), np.dtype(np.float32): ("float", "float2")}


@dataclass(frozen=True)
class Plan:
    """How a spec runs on a GPU.

    options: of the compiler. arrays: name -> host array, in the order of the kernel's arguments.
    teams: frames that a block works on at once. shared_bytes: what a block takes.
    two_pass: the floor depends on the clip, so log-mel values are written first.
    """

    options: tuple
    arrays: dict
    teams: int
    shared_bytes: int
    two_pass: bool

    @property
    def threads(self):
        return self.teams * LANES


@functools.lru_cache(256)
def plan(spec, dtype, samples, teams=None, aligned=True):
    """Plan for clips of `samples` samples of `dtype`, int16 or float32; see Plan.

    teams: frames a block works on at once, for tuning; by default 8, or as many as fit. aligned:
    the first sample lies at a multiple of two samples, so that pairs can be read as one.
    """
    dtype = np.dtype(dtype)
    two_pass = spec.clip_range is not None
    half = spec.fft // 2
    team_bytes = 8 * (half + half // 16 + 1) + 4 * (half + 1) + 4 * spec.mels
    teams = teams or _even(min(8, SHARED_BYTES // team_bytes))
    if teams < 1 or teams * team_bytes > SHARED_BYTES:
        raise KitError(
            "the frames do not fit into the shared memory of a block",
            found=f"{teams} frames of {team_bytes} B",
            allowed=f"{SHARED_BYTES} B",
            remedy='take a shorter FFT, or backend="cpu"',
            code="gpu",
        )
    fft = tables.fft_plan(half, RADICES)
    aligned = aligned and not (samples % 2 or spec.hop % 2 or spec.lead % 2)
    options = _options(spec, dtype, aligned, fft.radices, teams, two_pass)
    return Plan(options, _arrays(spec, dtype, fft), teams, teams * team_bytes, two_pass)


def _arrays(spec, dtype, fft):
    """The tables as the kernel reads them, in the order of its arguments."""
    unit = 0.5 * spec.full_scale / (32_768 if dtype == np.int16 else 1)
    first, last, weights = tables.pack_bands(tables.mel_weights(spec))
    offsets = np.concatenate([[0], np.cumsum(last - first)[:-1]])
    twiddles = [stage.T.ravel() for stage in fft.twiddles]  # neighbours for neighbouring lanes
    return {
        "window": (tables.window(spec) * unit).astype(np.float32),
        "twiddles": np.concatenate([*twiddles, np.zeros(1)]).astype(np.complex64),
        "turn": tables.real_turn(spec).astype(np.complex64),
        "edges": np.concatenate([first, last, offsets]).astype(np.int32),
        "weights": np.append(weights, 0).astype(np.float32),
        "dct": np.ascontiguousarray(tables.dct_matrix(spec).T, np.float32),
    }


def _even(teams):
    """A warp holds two teams, so the number is even, or one."""
    return teams - teams % 2 if teams > 1 else teams


def fits(spec, dtype, samples):
    """True if a plan exists; a long FFT may not fit into the shared memory of a block."""
    try:
        plan(spec, dtype, samples)
    except KitError:
        return False
    return samples < _MOST_SAMPLES


def _options(spec, dtype, aligned, radices, teams, two_pass):
    name, pair = _C_TYPES[dtype]
    plain = not (spec.remove_dc or spec.pre_emphasis)
    use_dct = spec.dct == "ortho"
    defines = {
        "SAMPLE": name, "SAMPLE2": pair, "PAIRED": int(plain and aligned),
        "WINDOW": spec.window, "HOP": spec.hop, "LEAD": spec.lead, "FFT": spec.fft,
        "RADICES": ",".join(map(str, radices)), "REFLECT": int(spec.padding == "reflect"),
        "REMOVE_DC": int(spec.remove_dc), "EMPHASIS": f"{spec.pre_emphasis!r}f",
        "EMPHASIS_ON": int(spec.pre_emphasis > 0), "MAGNITUDE": int(spec.power == 1),
        "MELS": spec.mels, "COEFFS": spec.mels if two_pass else spec.coeffs,
        "USE_DCT": int(use_dct and not two_pass), "COEFFS_OUT": spec.coeffs,
        "DCT_OUT": int(use_dct), "FLOOR": f"{spec.floor:.9e}f",
        "LOG_SCALE": f"{spec.log_scale:.9e}f", "CLIP_RANGE": f"{spec.clip_range or 0.0:.9e}f",
        "TEAMS": teams,
    }  # fmt: skip
    return ("-std=c++17", *(f"-D{k}={v}" for k, v in defines.items()))


@functools.cache
def available():
    """True if CuPy is installed and finds a CUDA device."""
    try:
        import cupy

        return cupy.cuda.runtime.getDeviceCount() > 0
    except Exception:  # CuPy raises its own types, which exist only where it is installed
        return False


def extract(audio, spec):
    """float32[n, frames, coeffs] of `audio`; see kit.audio.extract.

    A CuPy array is read where it lies and gives a CuPy array. A NumPy array is streamed through
    page-locked buffers, copies and computing at the same time, and gives a NumPy array. Audio
    that lies on the GPU is not searched for NaN: a clip with NaN has NaN features.
    """
    cupy = _cupy()
    if isinstance(audio, cupy.ndarray):
        if not audio.flags.c_contiguous:
            raise KitError(
                "audio has gaps between its rows",
                found=f"strides {audio.strides}",
                allowed="a C-contiguous array",
                remedy="cupy.ascontiguousarray(audio)",
                code="audio",
            )
        out = cupy.empty((len(audio), spec.frames(audio.shape[1]), spec.coeffs), np.float32)
        _launch(audio, out, spec)
        return out
    return stream(np.ascontiguousarray(audio), spec)


def stream(audio, spec, clips=None, buffers=3):
    """Features of clips in host memory: copy in, compute and copy out overlap; NumPy in and out.

    clips: how many travel together, by default about 32 MB of them. buffers: how many such
    groups are under way. GPU memory: `buffers` groups with their features, whatever the batch.
    """
    cupy = _cupy()
    frames = spec.frames(audio.shape[1])
    out = np.empty((len(audio), frames, spec.coeffs), np.float32)
    clips = clips or max(1, (32 << 20) // (audio.shape[1] * audio.itemsize))
    clips = min(clips, len(audio))
    lines = [_Line(cupy, clips, audio, out) for _ in range(min(buffers, -(-len(audio) // clips)))]
    for number, start in enumerate(range(0, len(audio), clips)):
        lines[number % len(lines)].send(audio[start : start + clips], start, spec)
    for line in lines:
        line.collect()
    return out


class _Line:
    """One group of clips under way: pinned buffers, device buffers, and a stream of its own."""

    def __init__(self, cupy, clips, audio, out):
        self.cupy, self.out, self.start = cupy, out, None
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self.host_in = _pinned(cupy, (clips, audio.shape[1]), audio.dtype)
        self.host_out = _pinned(cupy, (clips, *out.shape[1:]), out.dtype)
        self.device_in = cupy.empty(self.host_in.shape, audio.dtype)
        self.device_out = cupy.empty(self.host_out.shape, out.dtype)

    def send(self, group, start, spec):
        self.collect()
        n = len(group)
        np.copyto(self.host_in[:n], group)
        with self.stream:
            self.device_in[:n].set(self.host_in[:n], self.stream)
            _launch(self.device_in[:n], self.device_out[:n], spec)
            self.device_out[:n].get(self.stream, out=self.host_out[:n], blocking=False)
        self.start, self.count = start, n

    def collect(self):
        if self.start is not None:
            self.stream.synchronize()
            self.out[self.start : self.start + self.count] = self.host_out[: self.count]
            self.start = None


def _pinned(cupy, shape, dtype):
    count = int(np.prod(shape))
    memory = cupy.cuda.alloc_pinned_memory(count * dtype.itemsize)
    return np.frombuffer(memory, dtype, count).reshape(shape)


def _launch(clips, out, spec):
    """The typed door to the kernel: CuPy itself checks neither number nor types of arguments."""
    _check(clips, out, spec)
    aligned = clips.data.ptr % (2 * clips.itemsize) == 0
    here = plan(spec, clips.dtype, clips.shape[1], aligned=aligned)
    most = max(1, _FRAMES_AT_ONCE // out.shape[1])
    if here.two_pass:
        most = max(1, min(most, _LOG_BYTES // (4 * spec.mels * out.shape[1])))
    for start in range(0, len(clips), most):
        _launch_part(clips[start : start + most], out[start : start + most], spec, here)


def _launch_part(clips, out, spec, here):
    cupy = _cupy()
    kernel, second, arrays, blocks = _loaded(here, spec)
    frames = out.shape[1]
    total = len(clips) * frames
    logs = cupy.empty((len(clips), frames, spec.mels), np.float32) if here.two_pass else out
    grid = (min(blocks, -(-total // here.teams)),)
    sizes = (np.int32(clips.shape[1]), np.uint32(frames), np.uint32(total))
    kernel(grid, (here.threads,), (clips, logs, *arrays.values(), *sizes))
    if here.two_pass:
        numbers = (np.uint32(frames), np.uint32(len(clips)))
        second((min(len(clips), 65_535),), (256,), (logs, out, arrays["dct"], *numbers))


def _check(clips, out, spec):
    wanted = (len(clips), spec.frames(clips.shape[1]), spec.coeffs)
    good = (
        clips.dtype in _C_TYPES
        and out.dtype == np.float32
        and out.shape == wanted
        and clips.flags.c_contiguous
        and out.flags.c_contiguous
        and clips.shape[1] < _MOST_SAMPLES
    )
    if not good:
        raise KitError(
            "the kernel cannot take these arrays",
            found=f"{clips.dtype}{clips.shape} to {out.dtype}{out.shape}",
            allowed=f"int16 or float32[n, samples] to float32{wanted}, C-contiguous",
            code="gpu",
        )


_modules = {}  # (device, spec, options) -> kernels and tables: compiled and sent once


def _loaded(here, spec):
    """(kernel, second kernel, tables on the device, blocks to launch) of a Plan."""
    cupy = _cupy()
    device = cupy.cuda.Device()
    key = device.id, spec, here.options  # equal options may go with other tables
    if key not in _modules:
        module = cupy.RawModule(code=_SOURCE.read_text(), options=here.options)
        arrays = {name: cupy.asarray(array) for name, array in here.arrays.items()}
        resident = max(1, device.attributes["MaxThreadsPerMultiProcessor"] // here.threads)
        blocks = device.attributes["MultiProcessorCount"] * resident
        kernels = module.get_function("features"), module.get_function("raise_and_dct")
        _modules[key] = (*kernels, arrays, blocks)
    return _modules[key]


def _cupy():
    try:
        import cupy
    except ImportError as cause:
        raise KitError(
            "the GPU backend needs CuPy",
            found="no module cupy",
            remedy='install it with pip install "kit-data-engineering[gpu]", or use backend="cpu"',
            code="gpu",
        ) from cause
    if not available():
        raise KitError(
            "there is no CUDA device",
            found="0 devices",
            remedy='use backend="cpu" or "auto"',
            code="gpu",
        )
    return cupy
