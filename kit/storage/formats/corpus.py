"""What is stored: columns of one length, of clips or of a table, and tables made to measure with.

Columns are a dict of name -> NumPy array: `samples` int16[n, samples], numbers [n], text [n] as
objects of type str. Every layout gives back the same columns, bit for bit.
"""

import numpy as np

from kit.errors import KitError
from kit.quantities import quantity

SAMPLES = "samples"  # the column that holds waveforms
ROW = "row"  # the place of a record, which databases and Delta tables must store


def as_columns(corpus):
    """dict of name -> array from clips or a table.

    corpus: clips as anything with `clips` int16[n, samples], `labels` and `speakers` [n], such as
    kit.experiments.Takes; a tuple of these three; a polars DataFrame; a pyarrow Table; or a dict
    of arrays. Numbers may be bool, integers of up to 64 bits (signed) or 32 (unsigned), float32
    or float64. Raises KitError "null", "type", "shape", "empty" or "name".
    """
    if isinstance(corpus, tuple) and len(corpus) == 3:
        clips, labels, speakers = corpus
        corpus = {"label": labels, "speaker": speakers, SAMPLES: clips}
    elif hasattr(corpus, "to_pydict"):
        corpus = {name: corpus[name].to_pylist() if _is_text(corpus[name]) else
                  corpus[name].to_numpy() for name in corpus.column_names}  # fmt: skip
    elif hasattr(corpus, "get_columns"):
        corpus = {s.name: s.to_list() if str(s.dtype).startswith(("String", "Cat", "Enum")) else
                  _plain(s) for s in corpus.get_columns()}  # fmt: skip
    columns = {str(name): _column(str(name), values) for name, values in corpus.items()}
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise KitError("there is nothing to store, or the columns differ in length",
                       found={name: len(v) for name, v in list(columns.items())[:5]},
                       allowed="one record or more, in every column", code="empty")  # fmt: skip
    return columns


def same(a, b):
    """True if two dicts of columns hold the same names, types and bits."""
    return list(a) == list(b) and all(
        a[n].dtype == b[n].dtype and a[n].shape == b[n].shape and _bits(a[n]) == _bits(b[n])
        for n in a
    )


def raw_bytes(columns):
    """Bytes of the columns as plain arrays, text as UTF-8: what they are without any layout."""
    return sum(
        sum(len(x.encode()) for x in v) if v.dtype == object else v.nbytes for v in columns.values()
    )


def key_column(columns):
    """Name of the column that records are looked for by: label, else the first sorted one."""
    if "label" in columns:
        return "label"
    plain = [n for n, v in columns.items() if v.dtype != object and v.ndim == 1]
    return next((n for n in plain if is_sorted(columns[n])), plain[0] if plain else None)


def is_sorted(values):
    """True if no value of a column is below the one before it."""
    return bool(values.ndim == 1 and (values[1:] >= values[:-1]).all())


def wide_table(rows=20_000, columns=100, seed=0):
    """polars DataFrame: `at` int64, sorted; c0 ... float32, noise, of which nothing is small.

    The table of claim 20: all columns equally wide, none of them compressible.
    """
    import polars as pl

    quantity("rows", rows, "count")
    quantity("columns", columns, "several")
    rng = np.random.default_rng(seed)
    made = {"at": np.arange(rows)}
    made |= {f"c{i}": rng.standard_normal(rows, np.float32) for i in range(columns - 1)}
    return pl.DataFrame(made)


def events_table(rows=50_000, seed=0):
    """polars DataFrame as services log it: sorted times, text of few values, counts, prices.

    at: ms, int64, sorted. device: 200 names. word, country: 35 and 12. heard: int32, mostly
    small. confidence: float32, two decimals. price: float64, cents.
    """
    import polars as pl

    quantity("rows", rows, "count")
    rng = np.random.default_rng(seed)
    likely = 1 / np.arange(1, 36)

    def names(stem, count, p=None):
        return np.array([f"{stem} {i:03}" for i in range(count)])[rng.choice(count, rows, p=p)]

    return pl.DataFrame({
        "at": 1_700_000_000_000 + rng.integers(0, 2000, rows).cumsum(),
        "device": names("device", 200), "word": names("word", 35, likely / likely.sum()),
        "country": names("country", 12), "heard": rng.poisson(3, rows).astype(np.int32),
        "confidence": rng.beta(8, 2, rows).round(2).astype(np.float32),
        "price": rng.integers(1, 10_000, rows) / 100,
    })  # fmt: skip


def _is_text(values):
    return "string" in str(values.type)


def _plain(series):
    if series.null_count():
        return [None]
    return series.to_numpy()


def _column(name, values):
    values = np.asarray(values)
    if name == ROW or not name:
        raise KitError("a column has a name that layouts need for themselves", found=name,
                       allowed=f'any other than "{ROW}"', code="name")  # fmt: skip
    if values.dtype.kind in "OUT":
        values = values.astype(object)
        if any(not isinstance(x, str) for x in values):
            raise KitError(f"column {name} has values that are missing or no text",
                           found=next(x for x in values if not isinstance(x, str)),
                           allowed="text in every row", code="null",
                           remedy="fill or drop these rows")  # fmt: skip
        return np.array([str(x) for x in values], object)
    if values.ndim == 2 and name == SAMPLES and values.dtype == np.int16 and values.shape[1]:
        return np.ascontiguousarray(values)
    kinds = [np.dtype(t) for t in ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "f4", "f8")]
    if values.ndim != 1 or values.dtype not in kinds:
        raise KitError(f"column {name} cannot be stored in every layout",
                       found=f"{values.dtype}, {values.ndim} axes",
                       allowed="samples int16[n, samples]; text, bool, integers, float32, float64",
                       remedy="convert it first, times to integers", code="type")  # fmt: skip
    return np.ascontiguousarray(values)


def _bits(values):
    return values.tolist() if values.dtype == object else values.tobytes()
