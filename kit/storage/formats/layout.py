"""Layouts by name: how the same columns may lie on a disk."""

from dataclasses import dataclass

from kit.errors import KitError
from kit.storage.formats.corpus import SAMPLES

_CODECS = {
    "parquet": ("none", "snappy", "zstd", "lz4", "gzip"),
    "delta": ("none", "snappy", "zstd", "lz4", "gzip"),
    "arrow": ("none", "zstd", "lz4"),
    "duckdb": ("auto", "none"),
}
_GROUPED = ("parquet", "delta", "arrow", "duckdb")
_OF_CLIPS, _OF_TABLES = ("wav", "flac", "tar"), ("csv",)
_MARKS = ("dictionary", "as_list", "partition")
_OF_BOTH = ("npy", "parquet", "arrow", "delta", "sqlite", "duckdb")
_HINT = "such as Layout('parquet', 'zstd', 512)"


@dataclass(frozen=True)
class Layout:
    """How columns lie on a disk.

    kind: "wav", "flac" (a file a clip), "tar" (WAV files in one, with an index), "csv", "npy" (an
    array a column, mapped), "parquet", "arrow" (IPC file, mapped), "delta", "sqlite", "duckdb".
    codec: parquet, delta: none, snappy, zstd, lz4, gzip; arrow: none, zstd, lz4; duckdb: auto,
    none; "" elsewhere. rows_a_group: records that are compressed and read together; 0 where the
    layout has no groups. dictionary: parquet: values looked up in a list of those that occur.
    as_list: clips as lists of integers instead of bytes. partition: delta: a folder a label.
    """

    kind: str
    codec: str = ""
    rows_a_group: int = 0
    dictionary: bool = False
    as_list: bool = False
    partition: bool = False

    def __post_init__(self):
        kinds = (*_OF_CLIPS, *_OF_TABLES, *_OF_BOTH)
        if self.kind not in kinds:
            raise KitError("no such layout", found=self.kind, allowed=", ".join(kinds),
                           code="unknown", remedy=_HINT)  # fmt: skip
        codecs = _CODECS.get(self.kind, ("",))
        if self.codec not in codecs:
            raise KitError(f"{self.kind} has no such codec", found=self.codec, code="unknown",
                           allowed=", ".join(codecs) or "none", remedy=_HINT)  # fmt: skip
        if (self.kind in _GROUPED) != (self.rows_a_group > 0) or self.rows_a_group % 1:
            allowed = "1 or more" if self.kind in _GROUPED else "0: it has no groups"
            raise KitError(f"rows_a_group of {self.kind} is not possible",
                           found=self.rows_a_group, allowed=allowed, code="unknown",
                           remedy=_HINT)  # fmt: skip
        for mark in _MARKS:
            if not isinstance(getattr(self, mark), bool):
                raise KitError(f"{mark} is yes or no", found=getattr(self, mark), code="unknown",
                               allowed="True, False", remedy=_HINT)  # fmt: skip

    @property
    def name(self):
        """Short and unique, such as "parquet zstd 512 dictionary"."""
        words = [self.kind, self.codec, str(self.rows_a_group or "")]
        words += [mark.removeprefix("as_") for mark in _MARKS if getattr(self, mark)]
        return " ".join(w for w in words if w)

    def holds(self, columns):
        """True if these columns can lie so: sound files hold clips, CSV holds none."""
        if self.partition and "label" not in columns:
            return False
        return self.kind not in (_OF_TABLES if SAMPLES in columns else _OF_CLIPS)


def layouts(columns, small=False):
    """list of Layout worth comparing for these columns; small: one of each kind."""
    few = [Layout(k) for k in ("wav", "flac", "tar", "csv", "npy", "sqlite")]
    few += [Layout("parquet", "zstd", 512), Layout("arrow", "none", 512),
            Layout("delta", "snappy", 512), Layout("duckdb", "auto", 2048)]  # fmt: skip
    if small:
        return [x for x in few if x.holds(columns)]
    clips = SAMPLES in columns
    more = [Layout("parquet", c, 512) for c in ("none", "snappy", "lz4", "gzip")]
    more += [Layout("parquet", "zstd", n) for n in (64, 4096)]
    more += [Layout("parquet", "zstd", 512, dictionary=True), Layout("arrow", "zstd", 512)]
    if clips:
        more += [Layout("parquet", "none", 512, as_list=True),
                 Layout("parquet", "zstd", 512, as_list=True),
                 Layout("parquet", "zstd", 512, as_list=True, dictionary=True),
                 Layout("delta", "snappy", 512, partition=True)]  # fmt: skip
    return [x for x in few + more if x.holds(columns)]
