"""A file's rows in parts that fit in memory, each with all rows of the records in it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from salesops.facts.backends import Workbench, quoted, text_literal

PART_ROWS = 400_000
"""Rows of a part, about."""

_PLACE, _PART = "place in the file", "part"
_MEMORY = "900MB"


def parted(
    path: Path, by: str, *, work: Path, columns: Sequence[str] = (), rows: int = PART_ROWS
) -> Iterator[pa.Table]:
    """The rows of a Parquet file, part by part: rows with one text in a column are in one part, in their order.

    Rows without any are spread over the parts.

    Args:
        path: the file.
        by: the column of text that names the record.
        work: a folder for what is written meanwhile; nothing of it stays.
        columns: only these; all of them where it is empty.
        rows: about so many in a part; a smaller file is one part.
    """
    names = list(columns) or list(pq.read_schema(path).names)
    count = pq.read_metadata(path).num_rows
    if count <= rows:
        yield pq.read_table(path, columns=names)
        return
    folder = work / f"parts-{uuid.uuid4().hex}"
    select = (
        f"SELECT {', '.join(map(quoted, names))}, file_row_number AS {quoted(_PLACE)}, "  # noqa: S608 - quoted names
        f"CAST(coalesce(hash({quoted(by)}), file_row_number) % {-(-count // rows)} AS VARCHAR) AS {_PART} "
        f"FROM read_parquet({text_literal(str(path))}, file_row_number = true, hive_partitioning = false)"
    )
    try:
        with Workbench(folder / "spill", memory_limit=_MEMORY) as bench:
            # By one thread: each holds rows of every part, which can't be spilled.
            written = bench.write_parquet(select, folder / "rows", partition_by=_PART, one_thread=True)
        parts: dict[Path, list[Path]] = {}
        for file, _, _ in written:
            parts.setdefault(file.parent, []).append(file)
        for part, files in sorted(parts.items()):
            found = pa.concat_tables(pq.ParquetFile(file).read() for file in files)
            yield found.sort_by(_PLACE).drop_columns([_PLACE])
            del found
            shutil.rmtree(part)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
