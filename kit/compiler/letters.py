"""Dead letters: what a pass turned away, with the reason, kept so that it can be looked at."""

import polars as pl

LETTERS = {
    "pass": pl.String, "code": pl.String, "message": pl.String, "source": pl.String,
    "path": pl.String, "offset": pl.Int64, "label": pl.String, "clip_id": pl.String,
    "clips": pl.Int64,
}  # fmt: skip
# what may go away by itself: worth another try without a change of file or recipe
PASSING = ("unreachable", "timeout", "circuit-open", "unreadable", "truncated", "crashed")


def letter(at, source, path, code, message, offset=0, label=None, clip_id=None, clips=1):
    """dict of LETTERS. at: name of the pass. offset: frames. clips: how many it stands for."""
    return {
        "pass": at, "code": code, "message": _plain(message), "source": source,
        "path": _plain(path), "offset": offset, "label": label, "clip_id": clip_id, "clips": clips,
    }  # fmt: skip


def letter_table(rows):
    """polars table of LETTERS in a fixed order, from a list of dict."""
    table = pl.DataFrame(rows, schema=LETTERS, orient="row")
    return table.sort("path", "offset", "pass", "code", "label", maintain_order=True)


def letter_counts(letters):
    """polars table of pass, code, clips and first (a path): dead letters by reason, most first."""
    counts = letters.group_by("pass", "code").agg(
        pl.col("clips").sum(), first=pl.col("path").sort().first()
    )
    return counts.sort("clips", "pass", "code", descending=[True, False, False])


def _plain(value):
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
