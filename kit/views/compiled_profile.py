"""profile.html of a compiled data set: its clip table as fg-data-profiling sees it."""

import contextlib
import io
import os

import polars as pl

from kit.numbers import shown

MOST = 100_000  # rows; a million take 14 s and 1.3 GB
NAMES = {  # column -> what it says
    "source": "where the clip comes from",
    "label": "what is said",
    "speaker": "who says it",
    "language": "as the source states it",
    "licence": "as the source states it",
    "split": "train, validation or test",
}
NUMBERS = {
    "sample_rate": "of the recording, Hz",
    "seconds": "duration before the clip was fitted, s",
    "level_db": "dB of full scale",
    "peak_db": "dB of full scale",
    "dc": "mean sample, of full scale",
    "clipped_share": "samples at full scale, 0 to 1",
    "zero_share": "digital silence, 0 to 1",
    "snr_db": "signal-to-noise ratio, dB",
    "speech_start_s": "where speech starts, s",
    "speech_s": "length of speech, s",
    "bandwidth_hz": "Hz",
    "score": "of the alignment",
}


def profile(data):
    """HTML of the profile of a Compiled, in one file. Nothing is sent anywhere."""
    os.environ["YDATA_PROFILING_NO_ANALYTICS"] = "1"  # else every call is told to its makers
    from data_profiling import ProfileReport

    table = profiled(data.clips)
    said = {c: text for c, text in (NAMES | NUMBERS).items() if c in table.columns}
    with contextlib.redirect_stderr(io.StringIO()):  # one of its bars cannot be turned off
        return ProfileReport(
            table.to_pandas(),
            minimal=True,
            progress_bar=False,
            title=f"{data.record['name']}, version {data.version}",
            dataset={"description": about(data.clips)},
            variables={"descriptions": said},
            type_schema={c: "categorical" for c in NAMES if c in table.columns},
        ).to_html()


def profiled(clips):
    """The rows and columns of a clip table that say something about it.

    No copies, hashes, paths, row numbers and empty columns. Of more than MOST clips those whose
    clip_id comes first: a sample without a die.
    """
    table = clips.filter(copy=0).sort("clip_id").head(MOST)
    columns = [c for c in (*NAMES, *NUMBERS) if c in table.columns]
    table = table.select(c for c in columns if table[c].null_count() < table.height)
    text = pl.col(pl.String)  # the profiler takes the value of a constant column for HTML
    return table.with_columns(text.str.replace_all("<", "‹").str.replace_all(">", "›"))


def about(clips):
    """Which clips of a table the profile is about, as text."""
    height = clips.filter(copy=0).height
    some = f"{shown(MOST)} of {shown(height)} clips, the first by clip_id"
    copies = "; changed copies are left out" if height < clips.height else ""
    return (some if height > MOST else f"all {shown(height)} clips") + copies
