"""The clip table: one row a clip, and the contract that every such table keeps."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandera.polars as pa
import polars as pl

from kit.audio.wav import Wav, read_wav
from kit.errors import KitError

SPLITS = ("train", "validation", "test")
# subtype in libsndfile -> (type it reads, significant bits); what is not here is lossy
_STORED = {
    "PCM_S8": ("int16", 16), "PCM_U8": ("int16", 16), "PCM_16": ("int16", 16),
    "ULAW": ("int16", 16), "ALAW": ("int16", 16), "PCM_24": ("int32", 24),
    "PCM_32": ("int32", 32), "FLOAT": ("float32", 32), "DOUBLE": ("float64", 64),
}  # fmt: skip


class ClipTable(pa.DataFrameModel):
    """Columns of a clip table; further columns may follow.

    clip_id: from `clip_id`, equal for equal sound. path: the file. offset, num_samples: the clip
    within the file, in frames. sample_rate: Hz. label: word, or transcript of a sentence.
    source: data set. source_id: the original recording; clips cut or made from it share it.
    """

    clip_id: str = pa.Field(str_matches=r"^[0-9a-f]{24}$")
    path: str = pa.Field(str_length={"min_value": 1})
    offset: int = pa.Field(ge=0)
    num_samples: int = pa.Field(gt=0)
    sample_rate: int = pa.Field(gt=0)
    label: str = pa.Field(nullable=True)
    speaker: str = pa.Field(nullable=True)
    source: str = pa.Field(str_length={"min_value": 1})
    source_id: str = pa.Field(str_length={"min_value": 1})
    language: str = pa.Field(nullable=True)
    licence: str = pa.Field(nullable=True)
    split: str = pa.Field(nullable=True, isin=SPLITS)

    class Config:
        """The same piece of a file comes once; the same sound may come twice."""

        unique = ("path", "offset", "num_samples")


def clip_table(rows):
    """Validated clip table from `rows`, a list of dicts; keys left out become null."""
    return validate(pl.DataFrame(rows, schema=ClipTable.empty().schema, orient="row"))


def validate(table):
    """`table` itself if it keeps the contract of ClipTable.

    Raises one KitError "bad-table" that names every broken rule, with the number of rows and the
    first value.
    """
    if not isinstance(table, pl.DataFrame):
        raise KitError(
            "this is not a clip table",
            found=type(table).__name__,
            allowed="a polars DataFrame",
            remedy="collect a LazyFrame with .collect()",
            code="bad-table",
        )
    try:
        return ClipTable.validate(table, lazy=True)
    except pa.errors.SchemaErrors as broken:
        rules = broken_rules(broken.failure_cases)
    raise KitError(
        f"the clip table breaks {len(rules)} of its rules: {'; '.join(rules)}",
        remedy="mend or drop these rows; the columns are described in kit.corpus.ClipTable",
        code="bad-table",
    )


def broken_rules(cases):
    """list of str: one sentence a broken rule, from pandera's table of failure cases."""
    typed = pl.col("check").str.starts_with("dtype(")
    mistyped = cases.filter(typed)["column"].to_list()
    # a further check on a column of the wrong type only repeats that the type is wrong
    repeated = pl.col("column").is_in(mistyped).fill_null(False)
    cases = cases.filter(typed | ~repeated)
    absent = cases.filter(check="column_in_dataframe")["failure_case"].to_list()
    counts = cases.filter(pl.col("check") != "column_in_dataframe").group_by(
        "column", "check", maintain_order=True
    )
    first = counts.agg(pl.len(), pl.col("failure_case", "index").first())
    return [f"column {c} is missing" for c in absent] + [_rule(*r) for r in first.iter_rows()]


def _rule(column, check, count, value, row):
    if row is None:
        return f"{column} must be {check}, found {value}"
    if check == "multiple_fields_uniqueness":
        return f"path, offset and num_samples must differ between rows: {count} rows"
    return f"{column} must be {check}: {count} rows, first {value!r} in row {row}"


def clip_id(samples, rate):
    """24 hex digits that name a sound: BLAKE2b of rate, channels, type and samples.

    samples: [frames] or [frames, channels] as decoded. A WAV and a FLAC file of the same 16 or 24
    bits agree. A lossy file is named by what the installed decoder makes of it.
    """
    samples = np.asarray(samples)
    samples = np.ascontiguousarray(samples, samples.dtype.newbyteorder("<"))
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    digest = hashlib.blake2b(f"{samples.dtype.str} {channels} {rate}".encode(), digest_size=12)
    digest.update(samples)
    return digest.hexdigest()


def decode(path):
    """The sound file `path` as a Wav: samples [frames, channels] as stored, rate, bits.

    WAV files, told by their first bytes, go through `kit.audio.wav.read_wav`; FLAC, Ogg, Opus,
    MP3, AIFF and rare kinds of WAV through libsndfile. Lossy formats give float32, 8-bit samples
    int16. Raises KitError; codes beside those of read_wav: "undecodable", "truncated".
    """
    if _is_wav(path):
        try:
            return read_wav(path)
        except KitError as fault:
            if fault.code != "unsupported":  # such as the A-law of telephones
                raise
    return _by_libsndfile(path)


def _is_wav(path):
    try:
        with open(path, "rb") as file:
            return file.read(4) in (b"RIFF", b"RF64") or Path(path).suffix.lower() == ".wav"
    except OSError as cause:
        reason = cause.strerror or str(cause)
        raise _fault(f"cannot read {Path(path).name}", "unreadable", reason) from cause


def _by_libsndfile(path):
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            dtype, bits = _STORED.get(file.subtype, ("float32", 32))
            samples = file.read(dtype=dtype, always_2d=True)
            stated, rate = file.frames, file.samplerate
    except (RuntimeError, ValueError, TypeError, OSError, MemoryError) as cause:
        raise _fault(f"cannot decode {Path(path).name}", "undecodable", str(cause)) from cause
    if len(samples) < stated or _is_cut(path):
        found = f"{len(samples)} frames"
        raise _fault(f"{Path(path).name} ends early", "truncated", found)
    if bits == 24:
        samples >>= 8  # libsndfile puts them into the upper bytes
    samples.flags.writeable = False
    return Wav(samples, rate, bits)


def _is_cut(path):
    """True for an Ogg or AIFF file that ends early, where libsndfile says nothing.

    Ogg: the last page is whole and carries the end-of-stream flag (RFC 3533, section 6). AIFF: the
    outer chunk states the size of the file.
    """
    with open(path, "rb") as file:
        head, size = file.read(8), file.seek(0, 2)
        file.seek(max(0, size - 65_307))  # the longest page
        tail = file.read()
    if head[:4] == b"FORM":
        return int.from_bytes(head[4:], "big") + 8 > size
    page = tail[tail.rfind(b"OggS") :]
    whole = len(page) > 27 and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])
    return head[:4] == b"OggS" and not (whole and page[5] & 4)


def open_clip(row):
    """A clip as a Wav, with samples [num_samples, channels] as stored: see `decode`.

    row: dict with path, offset, num_samples and sample_rate, such as `table.row(0, named=True)`.
    Raises KitError "changed" if the file no longer fits the row.
    """
    return cut_clip(decode(row["path"]), row)


def cut_clip(sound, row):
    """The piece of a decoded Wav that `row` describes, as a Wav; see `open_clip`."""
    end = row["offset"] + row["num_samples"]
    if row["offset"] < 0 or sound.rate != row["sample_rate"] or len(sound.samples) < end:
        raise KitError(
            f"{row['path']} is not the file that the clip table describes",
            found=f"{len(sound.samples)} frames at {sound.rate} Hz",
            allowed=f"{end} or more at {row['sample_rate']} Hz",
            remedy="load the table again with kit.corpus.load_clips",
            code="changed",
        )
    return replace(sound, samples=sound.samples[row["offset"] : end])


def read_clip(row):
    """Samples [num_samples, channels] of a clip as stored, read-only: those of `open_clip`."""
    return open_clip(row).samples


def _fault(what, code, found):
    return KitError(what, found=found, code=code, remedy="check where the file comes from")
