"""A data file with other values in a few of its rows: only the columns that change are decoded and written."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from salesops.facts.columntypes import ARROW
from salesops.facts.spliced_files import UnfitError, splice
from salesops.facts.tables import ColumnType

PLACE = "file_row_number"
"""Number of a row in its file, from 0: the engine's own name for it."""


def patched(path: Path, patch: pa.Table, columns: dict[str, ColumnType], target: Path, *, work: Path) -> int:
    """Write ``target``: the rows of a data file in their order, some of them with other values.

    Args:
        path: the data file.
        patch: one row per row that changes: its number in the file (``file_row_number``), and the new
            values of every column that changes in any row.
        columns: all columns the file has to hold, by type.
        target: the file to write; nothing of it is left when an error is raised.
        work: a folder for what is written meanwhile; nothing of it stays.

    Returns:
        Bytes of the file written.

    Raises:
        UnfitError: the file lacks one of ``columns``, holds it in another type or is laid out in a way
            that is not understood; it has to be written anew.
        OSError: reading or writing failed.
    """
    changing = [name for name in patch.column_names if name != PLACE]
    with pq.ParquetFile(path) as file:
        stored = {f.name: f.type for f in file.schema_arrow}
        encoded = _encoded(file.metadata, changing)
    if stored != {name: ARROW[kind] for name, kind in columns.items()}:
        raise UnfitError(f"{path.name} is of another age: its columns or their types differ.")
    work.mkdir(parents=True, exist_ok=True)
    fresh = work / f"columns-{uuid.uuid4().hex}.parquet"
    try:
        _write_columns(path, patch, changing, encoded, fresh)
        size = splice(path, fresh, changing, target)
        _check(path, target, changing)
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, pa.ArrowException) and not isinstance(error, OSError):
            raise UnfitError(f"{path.name} could not be patched: {error}") from error
        raise
    finally:
        fresh.unlink(missing_ok=True)
    return size


def _encoded(metadata: pq.FileMetaData, names: Sequence[str]) -> list[str]:
    """Which columns are dictionary-encoded in any row group."""
    places = {metadata.schema.column(n).name: n for n in range(metadata.num_columns)}
    groups = range(metadata.num_row_groups)
    return [
        name
        for name in names
        if name in places
        and any("DICT" in e for g in groups for e in metadata.row_group(g).column(places[name]).encodings)
    ]


def _write_columns(
    path: Path, patch: pa.Table, names: Sequence[str], encoded: Sequence[str], target: Path
) -> None:
    """The changing columns with their new values, in the row groups of the file."""
    order = np.argsort(np.asarray(patch[PLACE]))
    patch = patch.take(pa.array(order))
    places = np.asarray(patch[PLACE])
    texts = [name for name in encoded if pa.types.is_string(patch.schema.field(name).type)]
    # read encoded, repeated texts go from file to file without being compared
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        if len(places) and not 0 <= places[0] <= places[-1] < file.metadata.num_rows:
            raise UnfitError(f"{path.name} has no such row.")
        schema = pa.schema([file.schema_arrow.field(name) for name in names])
        with pq.ParquetWriter(
            target,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=list(encoded),
            store_schema=False,
        ) as writer:
            begin = 0
            for group in range(file.metadata.num_row_groups):
                rows = file.read_row_group(group, columns=list(names), use_threads=False)
                low, high = np.searchsorted(places, (begin, begin + rows.num_rows))
                take = np.arange(rows.num_rows)
                take[places[low:high] - begin] = rows.num_rows + np.arange(high - low)
                some = patch.slice(low, high - low)
                values = [_replaced(rows[name], some[name], take) for name in names]
                writer.write_table(pa.table(values, schema=schema), row_group_size=max(rows.num_rows, 1))
                begin += rows.num_rows


def _replaced(old: pa.ChunkedArray, new: pa.ChunkedArray, take: np.ndarray) -> pa.Array:
    """A column's values picked by number from the old ones followed by the new ones."""
    if not pa.types.is_dictionary(old.type):
        return pa.concat_arrays([*old.chunks, *new.cast(old.type).chunks]).take(pa.array(take))
    chunks = [chunk.dictionary_encode().cast(old.type) for chunk in new.cast(old.type.value_type).chunks]
    joined = pa.concat_arrays([*old.chunks, *chunks]).take(pa.array(take))
    return _used(joined)


def _used(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """An encoded column without texts that no row has any more: they would stay in the files for ever."""
    indices = column.indices
    counts = np.bincount(np.asarray(indices.drop_null()), minlength=len(column.dictionary))
    kept = np.flatnonzero(counts)
    if len(kept) == len(column.dictionary):
        return column
    renumbered = np.zeros(len(counts), np.int32)
    renumbered[kept] = np.arange(len(kept), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(renumbered).take(indices), column.dictionary.take(pa.array(kept))
    )


def _check(path: Path, target: Path, changing: Sequence[str]) -> None:
    """The new file reads as one with the columns, rows and row groups of the old one; what was copied is the same."""
    old, new = pq.read_metadata(path), pq.read_metadata(target)
    same = (
        old.num_rows == new.num_rows
        and old.num_row_groups == new.num_row_groups
        and old.num_columns == new.num_columns
        and old.schema.to_arrow_schema().equals(new.schema.to_arrow_schema())
        and all(_same_group(old.row_group(g), new.row_group(g), changing) for g in range(old.num_row_groups))
    )
    if not same:
        raise UnfitError(f"{path.name} could not be patched.")


def _same_group(old: pq.RowGroupMetaData, new: pq.RowGroupMetaData, changing: Sequence[str]) -> bool:
    """Whether a row group has the rows of another one, and the same chunks of columns that do not change."""

    def told(group: pq.RowGroupMetaData, place: int) -> tuple[object, ...]:
        chunk = group.column(place)
        whole = (chunk.path_in_schema, chunk.num_values)
        if chunk.path_in_schema in changing:
            return whole
        sizes = (chunk.compression, chunk.total_compressed_size, chunk.total_uncompressed_size)
        return (*whole, *sizes, chunk.encodings, chunk.statistics)

    return old.num_rows == new.num_rows and all(
        told(old, place) == told(new, place) for place in range(old.num_columns)
    )
