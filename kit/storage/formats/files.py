"""Clips as sound files, one by one or in a tar, and columns as NumPy arrays."""

import io
import struct
import tarfile

import numpy as np

from kit.audio.wav import read_wav
from kit.errors import KitError
from kit.storage.formats.arrays import from_arrow, own, to_arrow
from kit.storage.formats.corpus import SAMPLES, is_sorted

INDEX = "index.parquet"


def chosen(values, low, high):
    """int[m]: places of a column, sorted or not, whose values lie from low to high inclusive."""
    return np.flatnonzero((values >= low) & (values <= high))


def wav_bytes(clip, rate):
    """bytes of a WAV file of int16[samples], mono; format as in kit.audio.wav."""
    data = clip.astype("<i2").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1,
                       rate, 2 * rate, 2, 16, b"data", len(data))  # fmt: skip
    return head + data


def flac_bytes(clip, rate):
    """bytes of a FLAC file of int16[samples], mono."""
    import soundfile

    blob = io.BytesIO()
    soundfile.write(blob, clip, rate, format="FLAC", subtype="PCM_16")
    return blob.getvalue()


def write_sounds(folder, layout, columns, rate):
    """A file a clip, and an index of the other columns."""
    encode = {"wav": wav_bytes, "flac": flac_bytes}[layout.kind]
    for i, clip in enumerate(columns[SAMPLES]):
        (folder / f"{i:06}.{layout.kind}").write_bytes(encode(clip, rate))
    _write_index(folder, columns, {})


def write_tar(folder, layout, columns, rate):
    """clips.tar of WAV files, and an index that says where each begins."""
    places = []
    with open(folder / "clips.tar", "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        for i, clip in enumerate(columns[SAMPLES]):
            blob = wav_bytes(clip, rate)
            entry = tarfile.TarInfo(f"{i:06}.wav")
            entry.size = len(blob)
            places.append(tar.offset + tarfile.BLOCKSIZE)  # the samples follow the header
            tar.addfile(entry, io.BytesIO(blob))
    sizes = np.full(len(places), len(blob))  # all clips are equally long
    _write_index(folder, columns, {"place": np.array(places), "size": sizes})


def _write_index(folder, columns, more):
    import pyarrow.parquet as pq

    rest = {n: v for n, v in columns.items() if n != SAMPLES} | more
    rest = rest or {"place": np.arange(len(columns[SAMPLES]))}
    pq.write_table(to_arrow(rest), folder / INDEX, write_page_checksum=True)


class Sounds:
    """Reader of a file a clip: an index, read once, answers for all that is no waveform."""

    def __init__(self, folder, meta):
        self.folder, self.meta, self.types = folder, meta, meta["columns"]
        self._known = {}
        self.decode = _flac if meta["layout"]["kind"] == "flac" else _wav

    def read(self, names):
        """dict of the columns `names`, all records."""
        return self._columns(names, range(self.meta["rows"]))

    def where(self, column, low, high, names):
        """dict of the columns `names` of records whose `column` lies from low to high."""
        return self._columns(names, chosen(self._index([column])[column], low, high))

    def take(self, rows, names):
        """dict of the columns `names` of the records at int[m] `rows`, in this order."""
        return self._columns(names, rows)

    def _columns(self, names, rows):
        plain = [n for n in names if n != SAMPLES]
        index = self._index(plain) if plain else {}
        every = len(rows) == self.meta["rows"] and isinstance(rows, range)
        found = {n: index[n].copy() if every else index[n][rows] for n in plain}
        if SAMPLES in names:
            found[SAMPLES] = self._waveforms(rows)
        return {n: found[n] for n in names}

    def _waveforms(self, rows):
        out = np.empty((len(rows), self.meta["samples"]), np.int16)
        for at, row in enumerate(rows):
            out[at] = self._clip(row)
        return out

    def _clip(self, row):
        name = f"{row:06}.{self.meta['layout']['kind']}"
        return _whole(self.decode((self.folder / name).read_bytes()), self.meta, name)

    def _index(self, names):
        import pyarrow.parquet as pq

        types, new = self.types | {"place": "int64", "size": "int64"}, set(names) - set(self._known)
        if new:
            path = self.folder / INDEX
            table = pq.read_table(path, columns=sorted(new), page_checksum_verification=True)
            self._known |= from_arrow(table, sorted(new), types)
        return {n: self._known[n] for n in names}

    def close(self):
        """Nothing stays open."""


class Tar(Sounds):
    """Reader of WAV files in a tar: one open file, and a seek a clip."""

    def __init__(self, folder, meta):
        super().__init__(folder, meta)
        self.file = open(folder / "clips.tar", "rb", buffering=0)  # noqa: SIM115, see close
        index = self._index(["place", "size"])
        self.place, self.size = index["place"], index["size"]

    def _waveforms(self, rows):
        if not isinstance(rows, range):
            return super()._waveforms(rows)
        blob = memoryview((self.folder / "clips.tar").read_bytes())  # front to back, in one go
        out = np.empty((len(rows), self.meta["samples"]), np.int16)
        for row in rows:
            part = blob[self.place[row] : self.place[row] + self.size[row]]
            out[row] = _whole(_wav(part), self.meta, f"clip {row}")
        return out

    def _clip(self, row):
        self.file.seek(self.place[row])
        return _whole(_wav(self.file.read(self.size[row])), self.meta, f"clip {row}")

    def close(self):
        """Close the tar."""
        self.file.close()


def write_arrays(folder, layout, columns, rate):
    """A .npy file a column; text as UCS-4 of one width."""
    for i, values in enumerate(columns.values()):
        with open(folder / f"{i}.npy", "wb") as file:
            np.save(file, values.astype("U") if values.dtype == object else values)


class Arrays:
    """Reader of mapped arrays: what is not asked for is not read."""

    def __init__(self, folder, meta):
        self.folder, self.types = folder, meta["columns"]
        self.files = {n: folder / f"{i}.npy" for i, n in enumerate(self.types)}
        self.ordered, self._maps = meta["sorted"], {}

    def _map(self, name):
        if name not in self._maps:
            self._maps[name] = np.load(self.files[name], mmap_mode="r", allow_pickle=False)
        return self._maps[name]

    def _own(self, name, values):
        return np.asarray(values).astype(object) if self.types[name] == "object" else own(values)

    def read(self, names):
        """As Sounds.read."""
        return {n: self._own(n, np.array(self._map(n))) for n in names}

    def where(self, column, low, high, names):
        """As Sounds.where; in a sorted column by bisection."""
        values = self._map(column)
        if column in self.ordered:
            start, end = np.searchsorted(values, low), np.searchsorted(values, high, "right")
            return {n: self._own(n, np.array(self._map(n)[start:end])) for n in names}
        return self.take(chosen(values, low, high), names)

    def take(self, rows, names):
        """As Sounds.take."""
        return {n: self._own(n, self._map(n)[rows]) for n in names}

    def close(self):
        """Let go of the maps."""
        self._maps.clear()


def sorted_columns(columns):
    """list of names of the columns that are sorted."""
    return [n for n, v in columns.items() if is_sorted(v)]


def _wav(blob):
    return read_wav(blob).samples[:, 0]


def _flac(blob):
    import soundfile

    return soundfile.read(io.BytesIO(blob), dtype="int16")[0]


def _whole(clip, meta, name):
    if len(clip) != meta["samples"]:
        raise KitError(f"{name} ends early", found=f"{len(clip)} samples", code="truncated",
                       allowed=f"{meta['samples']}", remedy="write the store again")  # fmt: skip
    return clip
