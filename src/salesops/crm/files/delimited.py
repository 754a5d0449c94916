"""Delimited text: a fast path by pyarrow and a careful path in Python that agree on clean files."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path

from salesops.crm.engine.layout import DroppedRow, Layout, find_layout, rows_of, with_footer_facts
from salesops.crm.files.fast_path import fast_batches, repeating
from salesops.crm.files.kept_passes import passes
from salesops.crm.files.rows import Record, careful_batches, careful_rows, grid_width, mended, read_records
from salesops.crm.files.sources import Source
from salesops.crm.files.tables import Dialect, Limits, RawTable, Reader, broken, opening_problems
from salesops.crm.files.text import Encoding, Marks, detect_encoding, detect_marks, open_text

_HEAD_CHARS = 400_000
_HEAD_RECORDS = 1_500
_TSV_HINTS = {".tsv": "\t", ".tab": "\t", ".psv": "|"}
_NOTHING = "Export it again: nothing was written into it."


def open_delimited(source: Source, limits: Limits, *, path: str = "") -> RawTable:
    """The table of a delimited text file.

    Args:
        source: the file.
        limits: sizes.
        path: "fast" or "careful" forces a path (for tests); "" lets the file decide.
    """
    if source.size == 0:
        return broken(source.name, "the file is empty", _NOTHING)
    encoding = detect_encoding(source)
    try:
        with open_text(source, encoding) as stream:
            head = stream.read(_HEAD_CHARS)
            whole = not stream.read(1)
    except UnicodeError:
        reason = f"the text does not fit its encoding {encoding.name}"
        return broken(source.name, reason, "Save it again as CSV UTF-8.")
    if not whole and "\n" in head:
        head = head[: head.rindex("\n") + 1]
    marks = detect_marks(head.replace("\x00", ""), hint=_TSV_HINTS.get(source.suffix, ""))
    if marks is None:
        return broken(source.name, "the file holds only blank space", _NOTHING)
    if _looks_binary(head):
        return broken(source.name, "the file is not text", "Save it as CSV or XLSX and try again.")
    small = source.size <= limits.grid_bytes
    records = _head_records(source, encoding, marks, head, small=small, whole=whole)
    layout = find_layout(_rectangle(records, marks), complete=small)
    if not layout.columns:
        return broken(source.name, "the file holds only blank cells", _NOTHING)
    if len(layout.columns) > limits.columns:
        reason = f"the table has {len(layout.columns)} columns; the limit is {limits.columns}"
        return broken(source.name, reason, "Export fewer columns, or raise the limit.")
    dialect = _dialect(records, layout, encoding, marks)
    clean = _is_clean(layout, dialect, encoding, marks, head)
    if path == "fast" or (not path and clean and not small):
        dialect = replace(dialect, path="fast")
        body = [r.cells for r in records if r.row > layout.header_row]
        few = repeating(layout.columns, body)
        reader: Reader = lambda f: fast_batches(source, encoding, marks, layout, dialect, f, few)  # noqa: E731
        if source.state is not None:
            key = (source, encoding, marks, layout, dialect, few)
            reader = _kept(reader, key, limits.keep_in, source.size)
    elif small:
        layout = _with_footer(layout, records)
        reader = lambda f: careful_rows(iter(records), source.name, marks, layout, dialect, f)  # noqa: E731
    else:
        reader = lambda f: careful_batches(source, encoding, marks, layout, dialect, f)  # noqa: E731
    return RawTable(
        source.name,
        layout.columns,
        reader,
        dialect,
        layout=layout,
        problems=opening_problems(source.name, layout),
        modified_at=source.modified_at,
        keep=small,
        unchanged=source.check,
    )


def _kept(reader: Reader, key: Hashable, folder: Path | None, size: int) -> Reader:
    return lambda findings: passes.read(key, reader, findings, folder, size)


def _head_records(
    source: Source, encoding: Encoding, marks: Marks, head: str, *, small: bool, whole: bool
) -> list[Record]:
    """All records of a small file, the first of a large one."""
    text = open_text(source, encoding) if small else io.StringIO(head, newline="")
    with text:
        records = list(read_records(text, marks, limit=None if small else _HEAD_RECORDS))
    if not (small or whole) and len(records) < _HEAD_RECORDS:
        records = records[:-1]  # the head may end inside a record
    return [mended(r, marks) for r in records]


def _dialect(records: Sequence[Record], layout: Layout, encoding: Encoding, marks: Marks) -> Dialect:
    notes = [*layout.notes]
    if not encoding.exact:
        notes.append("Some bytes are not UTF-8; they were read as Windows-1252.")
    if marks.wrapped:
        notes.append("Whole rows stand inside quotes; they were taken apart.")
    return Dialect(
        "delimited",
        encoding=encoding.name,
        delimiter=marks.delimiter,
        quote=marks.quote,
        escape=marks.escape,
        header_row=layout.header_row,
        pad_short_rows=_short_share(records, layout) > 0.2,
        notes=tuple(notes),
    )


def _is_clean(layout: Layout, dialect: Dialect, encoding: Encoding, marks: Marks, head: str) -> bool:
    """Whether the head promises a table that pyarrow reads as the careful path would."""
    plain_marks = not (marks.wrapped or marks.escape or marks.separator_line) and marks.quote == '"'
    plain_text = encoding.exact and "\x00" not in head
    return (
        plain_marks and plain_text and layout.plain and layout.header_row == 1 and not dialect.pad_short_rows
    )


def _with_footer(layout: Layout, records: Sequence[Record]) -> Layout:
    """The layout with what the lines below the table say."""
    if not layout.report_like:
        return layout
    dropped: list[DroppedRow] = []
    for _ in rows_of(layout, ((r.row, r.cells) for r in records), dropped):
        pass
    return with_footer_facts(layout, dropped)


def _looks_binary(head: str) -> bool:
    odd = sum(1 for c in head[:4000] if ord(c) < 32 and c not in "\r\n\t\x1f\x00\x1a\x0c")
    return odd > 0.02 * min(len(head), 4000)


def _rectangle(records: Sequence[Record], marks: Marks) -> list[list[str]]:
    """The cells of the records, cut at the table's width: a row with cells too many adds no column."""
    widths = Counter(len(r.cells) for r in records if r.cells)
    first = next((len(r.cells) for r in records if any(c.strip() for c in r.cells)), 0)
    often = [w for w, n in widths.items() if n >= max(2, 0.02 * len(records))]
    width = max([marks.width, first, *often])
    return [r.cells[:width] for r in records]


def _short_share(records: Sequence[Record], layout: Layout) -> float:
    width = grid_width(layout)
    counts = [
        len(r.cells)
        for r in records
        if r.row > layout.header_row and sum(1 for c in r.cells if c.strip()) > 1
    ]
    return sum(1 for n in counts if n < width) / len(counts) if counts else 0.0
