"""Records of a delimited text one by one, with what is broken mended or told."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from salesops.crm.engine.layout import Layout, classify, rows_of
from salesops.crm.files.sources import Source
from salesops.crm.files.tables import Dialect, FileProblem, Findings, batched
from salesops.crm.files.text import Encoding, Marks, open_text


@dataclass(frozen=True)
class Record:
    """One record as it stood: row number, cells, the text it came from."""

    row: int
    cells: list[str]
    text: str
    note: str = ""


class _Lines:
    """Lines of a text for csv.reader, with those of the current record kept and a way back."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = iter(stream)
        self._ahead: deque[str] = deque()
        self.taken: list[str] = []
        self.nuls = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._stream)
        self.taken.append(line)
        if "\x00" in line:
            self.nuls = True
            line = line.replace("\x00", "")
        return line

    def give_back(self, lines: Sequence[str]) -> None:
        self._ahead.extendleft(reversed(lines))


def read_records(stream: io.TextIOBase, marks: Marks, *, limit: int | None = None) -> Iterator[Record]:
    """Every record of a text, numbered from 1, blank ones included."""
    lines = _Lines(stream)
    reader = csv.reader(
        lines, delimiter=marks.delimiter, quotechar=marks.quote, escapechar=marks.escape or None
    )
    row = 0
    width = marks.width
    while limit is None or row < limit:
        lines.taken = []
        lines.nuls = False
        note = ""
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            cells, note = [], "stray"
        taken = lines.taken
        if len(taken) > 1 and (note or (len(cells) != width and _opens_stray(taken, marks, width, cells))):
            lines.give_back(taken[1:])
            taken = taken[:1]
            cells = literal(taken[0], marks)
            note = "a quote mark is opened and never closed"
        elif note:
            cells = literal(taken[0], marks) if taken else []
            note = "a cell longer than 131,072 characters, or a stray quote mark"
        row += 1
        if row == 1 and cells:
            cells[0] = cells[0].removeprefix("\ufeff")
        if row == 1 and marks.separator_line:
            cells = []
        if lines.nuls:
            note = note or "NUL bytes in the record were removed"
        if len(cells) == 1 and cells[0] == "\x1a":
            cells = []
        yield Record(row, cells, "".join(taken).rstrip("\r\n"), note)


def _opens_stray(taken: Sequence[str], marks: Marks, width: int, cells: Sequence[str]) -> bool:
    """Whether a record over several lines is really a quote that was never closed."""
    if width <= 1:
        return False
    if len(literal(taken[0], marks)) == width:
        return True
    return len(taken) > 200


def literal(line: str, marks: Marks) -> list[str]:
    """A line's cells with quote marks taken as plain characters where they do not pair."""
    cells = line.rstrip("\r\n").replace("\x00", "").split(marks.delimiter)
    q = marks.quote
    return [c[1:-1].replace(q + q, q) if len(c) > 1 and c[0] == q and c[-1] == q else c for c in cells]


def mended(record: Record, marks: Marks, width: int = 0) -> Record:
    """The record with whole-row quotes or another delimiter undone, where that gives the right width."""
    width = width or marks.width
    cells = record.cells
    if len(cells) == width or width <= 1 or not cells:
        return record
    filled = [c for c in cells if c.strip()]
    if len(filled) == 1 and cells[0] == filled[0]:
        text = cells[0]
        if record.text.lstrip().startswith(marks.quote) and marks.delimiter in text:
            inner = next(csv.reader([text], delimiter=marks.delimiter, quotechar=marks.quote), [])
            if len(inner) == width:
                return replace(record, cells=inner, note="the whole row stood inside quotes")
    if len(cells) < width:
        for other in marks.others:
            if other in record.text:
                lines = record.text.splitlines(keepends=True)
                inner = next(csv.reader(lines, delimiter=other, quotechar=marks.quote), [])
                if len(inner) == width:
                    mark = {"\t": "a tab"}.get(other, f"'{other}'")
                    return replace(record, cells=inner, note=f"the row is delimited by {mark}")
    return record


def grid_width(layout: Layout) -> int:
    """Cells a record must have for every column to be there."""
    return max((p for p in layout.positions if p >= 0), default=-1) + 1


def careful_batches(
    source: Source, encoding: Encoding, marks: Marks, layout: Layout, dialect: Dialect, findings: Findings
) -> Iterator[pa.RecordBatch]:
    """Batches of a whole file, streamed record by record."""
    with open_text(source, encoding) as stream:
        yield from careful_rows(read_records(stream, marks), source.name, marks, layout, dialect, findings)


def careful_rows(
    records: Iterator[Record], name: str, marks: Marks, layout: Layout, dialect: Dialect, findings: Findings
) -> Iterator[pa.RecordBatch]:
    """Batches of given records; what is no record or cannot be taken goes to the findings."""

    def checked() -> Iterator[tuple[int, list[str]]]:
        for record in records:
            cells = judged(record, name, marks, layout, dialect, findings)
            if cells is not None:
                yield record.row, cells

    yield from batched(layout.columns, rows_of(layout, checked(), findings.dropped))


def judged(
    record: Record, name: str, marks: Marks, layout: Layout, dialect: Dialect, findings: Findings
) -> list[str] | None:
    """The record's cells at full width, or None where it goes to the problems."""
    if record.row <= layout.header_row:
        return record.cells
    width = grid_width(layout)
    record = mended(record, marks, width)
    cells = record.cells
    if record.note:
        findings.problems.append(
            FileProblem(
                name,
                record.row,
                "",
                record.note,
                "Nothing to do: the row was read. Mend the program that writes the file.",
                "repaired",
                record.text[:2000],
            )
        )
    if len(cells) == width:
        return cells
    if len(cells) > width:
        if not any(c.strip() for c in cells[width:]):
            return cells[:width]
    elif dialect.pad_short_rows or not any(c.strip() for c in cells):
        return cells + [""] * (width - len(cells))
    else:
        padded = cells + [""] * (width - len(cells))
        verdict = classify(padded, layout)
        grouped = layout.heading_style or layout.group_columns
        below = layout.report_like and 0 < layout.last_record < record.row
        if verdict and (verdict != "lone" or grouped or below):
            return padded
    findings.problems.append(ragged(name, record, width, marks.delimiter))
    return None


def ragged(name: str, record: Record, width: int, delimiter: str) -> FileProblem:
    """The problem of a record with too few or too many cells."""
    n = len(record.cells)
    if n > width:
        fix = f"A cell probably holds an unquoted '{delimiter}': put the cell in quotes."
    else:
        fix = "A line break or a missing delimiter probably cut the row: join it with the next, or add the cells."
    return FileProblem(
        name,
        record.row,
        "",
        f"the row has {n} cells where the header has {width}",
        fix,
        "error",
        record.text[:2000],
    )
