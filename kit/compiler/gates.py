"""Quality gates: which clips are worth training on, and why the others are not."""

import numpy as np

from kit.audio.quality import quality_table
from kit.errors import KitError


def gate(clips, gates, rate=16_000):
    """(passed, failed): bool[n], and a polars table of row, code, value, limit: one a gate missed.

    clips: int16[n, samples] at `rate` Hz. gates: the `[gates]` of a recipe. A silent clip misses
    the gate "silent" and no other; a value that cannot be measured counts as missed.
    """
    import polars as pl

    seen = quality_table(clips, rate)
    silent = np.isneginf(seen["level_db"].to_numpy())
    rows = [
        {"row": int(i), "code": "silent", "value": None, "limit": ""}
        for i in np.flatnonzero(silent)
    ]
    for code, column, low, high in _limits(gates):
        value = seen[column].fill_null(np.nan).to_numpy()
        good = (value >= low) & (value <= high)
        limit = f"{column} {low:g} or more" if high == np.inf else f"{column} {low:g} to {high:g}"
        rows += [
            {"row": int(i), "code": code, "value": _plain(value[i]), "limit": limit}
            for i in np.flatnonzero(~good & ~silent)
        ]
    schema = {"row": pl.Int64, "code": pl.String, "value": pl.Float64, "limit": pl.String}
    failed = pl.DataFrame(rows, schema=schema).sort("row", "code")
    passed = np.ones(len(clips), bool)
    passed[failed["row"].to_numpy()] = False
    return passed, failed


def gate_yield(failed, read):
    """polars table of code, clips, share: how many of `read` clips each gate alone turned away."""
    import polars as pl

    if read < failed["row"].n_unique():
        raise KitError("more clips failed than were read", found=failed["row"].n_unique(),
                       allowed=f"at most {read}")  # fmt: skip
    counted = failed.group_by("code").agg(clips=pl.col("row").n_unique())
    return counted.with_columns(share=pl.col("clips") / max(read, 1)).sort(
        "clips", "code", descending=[True, False]
    )


def _limits(gates):
    """(code, column of the quality table, least, greatest) of every gate."""
    shortest, longest = gates.speech_s
    return (
        ("faint", "level_db", gates.level_db, np.inf),
        ("noisy", "snr_db", gates.snr_db, np.inf),
        ("clipped", "clipped_share", 0.0, gates.clipped_share),
        ("speech-length", "speech_s", shortest, longest),
        ("narrow-band", "bandwidth_hz", gates.bandwidth_hz, np.inf),
    )


def _plain(value):
    return float(value) if np.isfinite(value) else None
