"""Landed rows on disk: the files a merge reads, and the change rows made from them, a part at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salesops.crm.engine.changelog import CHANGES, field_changes, from_stage_dates, history_of, logged_fields
from salesops.crm.plans import FilePlan
from salesops.facts.parting import PART_ROWS, parted

GROUP_ROWS = 65_536
"""Rows of a row group."""


class RowsFile:
    """Typed rows as a Parquet file for the merge. Columns that come dictionary-encoded are written so."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._file is None and kind is None:
            self._open(self.schema)
        if self._file is not None:
            with contextlib.suppress(*(OSError,) if kind is not None else ()):
                self._file.close()

    def _open(self, schema: pa.Schema) -> pq.ParquetWriter:
        encoded = [f.name for f in schema if pa.types.is_dictionary(f.type)]
        # Without Arrow's own schema the columns are plain text again for whoever reads the file.
        self._file = pq.ParquetWriter(
            self.path, schema, compression="lz4", use_dictionary=encoded, store_schema=False
        )
        self.schema = schema
        return self._file

    def write(self, rows: pa.Table) -> None:
        """Add rows."""
        file = self._file or self._open(rows.schema)
        if rows.schema != self.schema:
            rows = pa.table({f.name: _as(rows[f.name], f.type) for f in self.schema}, schema=self.schema)
        file.write_table(rows, row_group_size=GROUP_ROWS)


def _as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A column in the type its file has: the same texts may be met encoded and plain."""
    if column.type == kind:
        return column
    if pa.types.is_dictionary(kind):
        return pc.dictionary_encode(column.cast(kind.value_type))
    return column.cast(kind)


def history_file(path: Path, plan: FilePlan, rows: int = PART_ROWS) -> Path:
    """The change rows of a landed history file, as a Parquet file beside it; about ``rows`` are read at once."""
    target = path.with_suffix(".changes.parquet")

    def batches() -> Iterator[pa.Table]:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=min(rows, GROUP_ROWS)):
                yield pa.Table.from_batches([batch])

    with RowsFile(target, CHANGES) as changes:
        if plan.history["form"] == "field_changes":
            fields = logged_fields(batches(), plan.table)
            for part in batches():
                changes.write(field_changes(part, fields, plan.table))
        else:
            for part in parted(path, "object_id", work=path.parent, rows=rows):
                changes.write(history_of(part, how=plan.history, table=plan.table))
    return target


def stage_entries(path: Path, plan: FilePlan, rows: int = PART_ROWS) -> Path:
    """Stage entries from the date columns a landed record carries, one column a stage; as a file beside it."""
    stored = {c.header: c.to for c in plan.mapped()}
    schema = pq.read_schema(path)
    stages = {
        stored[header]: stage
        for header, stage in plan.stage_dates.items()
        if header in stored
        and (
            pa.types.is_date(schema.field(stored[header]).type)
            or pa.types.is_timestamp(schema.field(stored[header]).type)
        )
    }
    target = path.with_suffix(".changes.parquet")
    with RowsFile(target, CHANGES) as changes:
        for part in parted(path, "id", work=path.parent, columns=["id", *stages], rows=rows):
            changes.write(from_stage_dates(part, object_name=plan.table, id_column="id", stages=stages))
    return target
