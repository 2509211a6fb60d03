"""Columns in CSV, Parquet, Arrow IPC files and Delta tables."""

import numpy as np

from kit.storage.formats.arrays import from_arrow, to_arrow
from kit.storage.formats.corpus import ROW
from kit.storage.formats.files import chosen

_FILE = {"csv": "data.csv", "parquet": "data.parquet", "arrow": "data.arrow"}


def write_csv(folder, layout, columns, rate):
    """data.csv with a header; numbers with as many digits as give them back exactly."""
    from pyarrow import csv

    csv.write_csv(to_arrow(columns), folder / _FILE["csv"])


def write_parquet(folder, layout, columns, rate):
    """data.parquet with checksums on its pages."""
    import pyarrow.parquet as pq

    table = to_arrow(columns, layout.as_list)
    pq.write_table(
        table, folder / _FILE["parquet"], row_group_size=layout.rows_a_group,
        compression=layout.codec, use_dictionary=layout.dictionary, write_page_checksum=True,
    )  # fmt: skip


def write_arrow(folder, layout, columns, rate):
    """data.arrow, an IPC file of record batches."""
    import pyarrow as pa

    table = to_arrow(columns, layout.as_list)
    codec = None if layout.codec == "none" else layout.codec
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with (
        pa.OSFile(str(folder / _FILE["arrow"]), "wb") as sink,
        pa.ipc.new_file(sink, table.schema, options=options) as writer,
    ):
        writer.write_table(table, max_chunksize=layout.rows_a_group)


def write_delta(folder, layout, columns, rate):
    """A Delta table, with a column that keeps the order of the records."""
    import deltalake

    codec = {"none": "UNCOMPRESSED", "lz4": "LZ4_RAW"}.get(layout.codec, layout.codec.upper())
    properties = deltalake.WriterProperties(
        compression=codec, max_row_group_size=layout.rows_a_group
    )
    deltalake.write_deltalake(
        str(folder / "table"), to_arrow(columns, layout.as_list, ROW, signed=True),
        partition_by=["label"] if layout.partition else None, writer_properties=properties,
    )  # fmt: skip


class Csv:
    """Reader of a CSV file: every question reads all of it, for nothing says where a row is."""

    def __init__(self, folder, meta):
        self.path, self.types = folder / _FILE["csv"], meta["columns"]

    def _table(self, names):
        import pyarrow as pa
        from pyarrow import csv

        types = {n: pa.string() if t == "object" else pa.from_numpy_dtype(t)
                 for n, t in self.types.items()}  # fmt: skip
        convert = csv.ConvertOptions(column_types=types, include_columns=names, null_values=[],
                                     strings_can_be_null=False)  # fmt: skip
        parse = csv.ParseOptions(newlines_in_values="object" in self.types.values())
        return csv.read_csv(self.path, parse_options=parse, convert_options=convert)

    def read(self, names):
        """As files.Sounds.read."""
        return from_arrow(self._table(names), names, self.types)

    def where(self, column, low, high, names):
        """As files.Sounds.where."""
        found = self.read([*names, column] if column not in names else names)
        rows = chosen(found[column], low, high)
        return {n: found[n][rows] for n in names}

    def take(self, rows, names):
        """As files.Sounds.take."""
        return {n: v[rows] for n, v in self.read(names).items()}

    def close(self):
        """Nothing stays open."""


class Grouped:
    """Reader of records that lie in groups: whole groups are read, and only those asked for.

    A subclass gives `starts`, int[groups + 1], the row that each group begins with, and
    `_groups(numbers, names)`, a pyarrow Table of these groups.
    """

    def read(self, names):
        """As files.Sounds.read."""
        return from_arrow(self._groups(range(len(self.starts) - 1), names), names, self.types)

    def groups_with(self, column, low, high):
        """list of numbers of the groups that may hold values of `column` from low to high."""
        return list(range(len(self.starts) - 1))

    def where(self, column, low, high, names):
        """As files.Sounds.where: the column first, then the groups with a hit."""
        groups = self.groups_with(column, low, high)
        key = from_arrow(self._groups(groups, [column]), [column], self.types)[column]
        rows = np.concatenate([np.arange(self.starts[g], self.starts[g + 1]) for g in groups]
                              or [np.empty(0, int)])  # fmt: skip
        return self.take(rows[chosen(key, low, high)], names)

    def take(self, rows, names):
        """As files.Sounds.take."""
        rows = np.asarray(rows, int)
        of = np.searchsorted(self.starts, rows, "right") - 1
        groups = np.unique(of)
        sizes = np.diff(self.starts)[groups]
        before = np.concatenate([[0], np.cumsum(sizes)])[np.searchsorted(groups, of)]
        table = self._groups(groups.tolist(), names).take(before + rows - self.starts[of])
        return from_arrow(table.combine_chunks(), names, self.types)


class Parquet(Grouped):
    """Reader of a Parquet file: least and greatest values tell which groups to skip."""

    def __init__(self, folder, meta):
        import pyarrow.parquet as pq

        self.types = meta["columns"]
        self.file = pq.ParquetFile(folder / _FILE["parquet"], page_checksum_verification=True)
        told = self.file.metadata
        sizes = [told.row_group(g).num_rows for g in range(told.num_row_groups)]
        self.starts = np.concatenate([[0], np.cumsum(sizes)])

    def groups_with(self, column, low, high):
        """As Grouped.groups_with, by the statistics in the footer."""
        told, found = self.file.metadata, []
        for g in range(told.num_row_groups):
            group = told.row_group(g)
            place = self.file.schema_arrow.get_field_index(column)
            known = group.column(place).statistics
            if known is None or not known.has_min_max or not (known.max < low or known.min > high):
                found.append(g)
        return found

    def _groups(self, numbers, names):
        return self.file.read_row_groups(list(numbers), columns=list(names))

    def close(self):
        """Close the file."""
        self.file.close()


class Arrow(Grouped):
    """Reader of an Arrow IPC file, mapped; without statistics every batch must be looked at."""

    def __init__(self, folder, meta):
        import pyarrow as pa

        self.types, rows = meta["columns"], meta["layout"]["rows_a_group"]
        self.map = pa.memory_map(str(folder / _FILE["arrow"]))
        self.schema = pa.ipc.open_file(self.map).schema
        self.starts = np.append(np.arange(0, meta["rows"], rows), meta["rows"])

    def _groups(self, numbers, names):
        import pyarrow as pa

        fields = sorted(self.schema.get_field_index(n) for n in names)
        options = pa.ipc.IpcReadOptions(included_fields=fields)
        file = pa.ipc.open_file(self.map, options=options)
        return pa.Table.from_batches([file.get_batch(g) for g in numbers], file.schema)

    def close(self):
        """Close the map."""
        self.map.close()


class Delta:
    """Reader of a Delta table: its log tells which files to skip, their footers which groups."""

    def __init__(self, folder, meta):
        import deltalake

        self.types = meta["columns"]
        self.data = deltalake.DeltaTable(str(folder / "table")).to_pyarrow_dataset()

    def _ordered(self, names, wanted=None):
        found = self.data.to_table(columns=[ROW, *names], filter=wanted)
        rows = found[ROW].to_numpy()
        if (np.diff(rows) < 0).any():
            order = np.argsort(rows)
            rows, found = rows[order], found.take(order).combine_chunks()
        return rows, found

    def read(self, names):
        """As files.Sounds.read."""
        return from_arrow(self._ordered(names)[1], names, self.types)

    def where(self, column, low, high, names):
        """As files.Sounds.where."""
        import pyarrow.dataset as ds

        wanted = (ds.field(column) >= low) & (ds.field(column) <= high)
        return from_arrow(self._ordered(names, wanted)[1], names, self.types)

    def take(self, rows, names):
        """As files.Sounds.take."""
        import pyarrow.dataset as ds

        rows = np.asarray(rows)
        there, found = self._ordered(names, ds.field(ROW).isin(rows.tolist()))
        table = found.take(np.searchsorted(there, rows)).combine_chunks()
        return from_arrow(table, names, self.types)

    def close(self):
        """Nothing stays open."""
