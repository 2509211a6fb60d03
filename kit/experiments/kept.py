"""Tables that cost time to measure, kept on disk under what they were measured from."""

import hashlib
import io
import json

from kit.compiler.shards import write_file
from kit.paths import data_home


def kept_table(name, about, make):
    """The polars table that `make()` gives, from disk if it was made before.

    name: beginning of the file's name. about: what decides the table, as JSON can hold it. A file
    that is not whole is made anew.
    """
    import polars as pl

    key = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:24]
    path = data_home() / "experiments" / f"{name}-{key}.parquet"
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):  # not there, not whole
        rows = make()
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    write_file(path, buffer.getbuffer())
    return rows
