"""Files written chunk by chunk, so that a million deals need no more memory than a chunk."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

FileFormat = Literal["csv", "parquet"]


class ExportFolder:
    """One dated export: a folder with one file a table, open until the export is complete."""

    def __init__(self, folder: Path, file_format: FileFormat = "csv") -> None:
        self.folder = folder
        self.format = file_format
        self.rows: dict[str, int] = {}
        self._writers: dict[str, pacsv.CSVWriter | pq.ParquetWriter] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, table: pa.Table) -> None:
        """Append rows to ``name.csv`` (or ``.parquet``), with a header the first time."""
        writer = self._writers.get(name)
        if writer is None:
            path = str(self.folder / f"{name}.{self.format}")
            if self.format == "csv":
                # As Salesforce writes them: every value quoted, an empty one not.
                writer = pacsv.CSVWriter(
                    path, table.schema, write_options=pacsv.WriteOptions(quoting_style="all_valid")
                )
            else:
                writer = pq.ParquetWriter(path, table.schema, compression="zstd")
            self._writers[name] = writer
        writer.write_table(table)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()
