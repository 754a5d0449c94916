"""Delimited text: a fast path by pyarrow and a careful path in Python that agree on clean files."""

from __future__ import annotations

import csv
import io
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from salesops.crm.engine.layout import DroppedRow, Layout, classify, find_layout, rows_of, with_footer_facts
from salesops.crm.engine.report_words import TOTAL_START
from salesops.crm.files.sources import Source
from salesops.crm.files.tables import (
    BATCH_ROWS,
    SOURCE_ROW,
    Dialect,
    FileProblem,
    Findings,
    Limits,
    RawTable,
    batched,
    broken,
    text_batch,
)
from salesops.crm.files.text import Encoding, Marks, detect_encoding, detect_marks, open_text

_HEAD_CHARS = 400_000
_HEAD_RECORDS = 1_500
_TSV_HINTS = {".tsv": "\t", ".tab": "\t", ".psv": "|"}


@dataclass(frozen=True)
class Record:
    """One record as it stood: row number, cells, the text it came from."""

    row: int
    cells: list[str]
    text: str
    note: str = ""


def open_delimited(source: Source, limits: Limits, *, path: str = "") -> RawTable:
    """The table of a delimited text file.

    Args:
        source: the file.
        limits: sizes.
        path: "fast" or "careful" forces a path (for tests); "" lets the file decide.
    """
    name = source.name
    if source.size == 0:
        return broken(name, "the file is empty", "Export it again: nothing was written into it.")
    encoding = detect_encoding(source)
    try:
        with open_text(source, encoding) as stream:
            head = stream.read(_HEAD_CHARS)
            whole = not stream.read(1)
    except UnicodeError:
        return broken(
            name, f"the text does not fit its encoding {encoding.name}", "Save it again as CSV UTF-8."
        )
    if not whole and "\n" in head:
        head = head[: head.rindex("\n") + 1]
    marks = detect_marks(head.replace("\x00", ""), hint=_TSV_HINTS.get(source.suffix, ""))
    if marks is None:
        return broken(
            name, "the file holds only blank space", "Export it again: nothing was written into it."
        )
    if _looks_binary(head):
        return broken(name, "the file is not text", "Save it as CSV or XLSX and try again.")
    small = source.size <= limits.grid_bytes
    text = io.StringIO(head, newline="") if not small else open_text(source, encoding)
    with text:
        records = list(_records(text, marks, limit=None if small else _HEAD_RECORDS))
    records = [_mended(r, marks) for r in records]
    layout = find_layout(_rectangle(records, marks), complete=small)
    if not layout.columns:
        return broken(
            name, "the file holds only blank cells", "Export it again: nothing was written into it."
        )
    if len(layout.columns) > limits.columns:
        return broken(
            name,
            f"the table has {len(layout.columns)} columns; the limit is {limits.columns}",
            "Export fewer columns, or raise the limit.",
        )
    short = _short_share(records, layout)
    notes = [*layout.notes]
    if not encoding.exact:
        notes.append("Some bytes are not UTF-8; they were read as Windows-1252.")
    if marks.wrapped:
        notes.append("Whole rows stand inside quotes; they were taken apart.")
    dialect = Dialect(
        "delimited",
        encoding=encoding.name,
        delimiter=marks.delimiter,
        quote=marks.quote,
        escape=marks.escape,
        header_row=layout.header_row,
        pad_short_rows=short > 0.2,
        notes=tuple(notes),
    )
    problems = _opening_problems(name, layout)
    clean_head = (
        layout.plain
        and layout.header_row == 1
        and not marks.wrapped
        and not marks.escape
        and not marks.separator_line
        and marks.quote == '"'
        and encoding.exact
        and "\x00" not in head
        and not dialect.pad_short_rows
    )
    if path == "fast" or (not path and clean_head and not small):
        fast = replace(dialect, path="fast")
        return RawTable(
            name,
            layout.columns,
            lambda f: _fast(source, encoding, marks, layout, fast, f),
            fast,
            layout=layout,
            problems=problems,
            modified_at=source.modified_at,
        )
    if not small:
        return RawTable(
            name,
            layout.columns,
            lambda f: _careful(source, encoding, marks, layout, dialect, f),
            dialect,
            layout=layout,
            problems=problems,
            modified_at=source.modified_at,
        )
    if layout.report_like:  # the footer may hold the report's date
        dropped: list[DroppedRow] = []
        for _ in rows_of(layout, ((r.row, r.cells) for r in records), dropped):
            pass
        layout = with_footer_facts(layout, dropped)
    return RawTable(
        name,
        layout.columns,
        lambda f: _careful_rows(iter(records), name, marks, layout, dialect, f),
        dialect,
        layout=layout,
        problems=problems,
        modified_at=source.modified_at,
        keep=small,
    )


def _looks_binary(head: str) -> bool:
    odd = sum(1 for c in head[:4000] if ord(c) < 32 and c not in "\r\n\t\x1f\x00\x1a\x0c")
    return odd > 0.02 * min(len(head), 4000)


def _opening_problems(name: str, layout: Layout) -> list[FileProblem]:
    problems = [
        FileProblem(
            name,
            layout.header_row,
            label,
            f"the label {printed.strip()!r} is printed twice or empty",
            "Nothing to do: it was named apart. Rename it in the report to tell the columns apart.",
            "note",
        )
        for printed, label in layout.renamed
        if " ".join(printed.split()) != label
    ]
    if layout.header_row == 0:
        problems.append(
            FileProblem(name, 0, "", "the file has no header row", "Name the columns in the mapping.", "note")
        )
    if not layout.has_records:
        problems.append(
            FileProblem(
                name,
                layout.header_row,
                "",
                "the file holds a header and no records",
                "Check the report's filters, or leave the file out.",
                "note",
            )
        )
    return problems


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


def _records(stream: io.TextIOBase, marks: Marks, *, limit: int | None = None) -> Iterator[Record]:
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
            cells = _literal(taken[0], marks)
            note = "a quote mark is opened and never closed"
        elif note:
            cells = _literal(taken[0], marks) if taken else []
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
    if len(_literal(taken[0], marks)) == width:
        return True
    return len(taken) > 200


def _literal(line: str, marks: Marks) -> list[str]:
    """A line's cells with quote marks taken as plain characters where they do not pair."""
    cells = line.rstrip("\r\n").replace("\x00", "").split(marks.delimiter)
    q = marks.quote
    return [c[1:-1].replace(q + q, q) if len(c) > 1 and c[0] == q and c[-1] == q else c for c in cells]


def _mended(record: Record, marks: Marks, width: int = 0) -> Record:
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


def _rectangle(records: Sequence[Record], marks: Marks) -> list[list[str]]:
    """The cells of the records, cut at the table's width: a row with cells too many adds no column."""
    widths = Counter(len(r.cells) for r in records if r.cells)
    first = next((len(r.cells) for r in records if any(c.strip() for c in r.cells)), 0)
    often = [w for w, n in widths.items() if n >= max(2, 0.02 * len(records))]
    width = max([marks.width, first, *often])
    return [r.cells[:width] for r in records]


def _short_share(records: Sequence[Record], layout: Layout) -> float:
    width = _grid_width(layout)
    counts = [
        len(r.cells)
        for r in records
        if r.row > layout.header_row and sum(1 for c in r.cells if c.strip()) > 1
    ]
    return sum(1 for n in counts if n < width) / len(counts) if counts else 0.0


def _grid_width(layout: Layout) -> int:
    return max((p for p in layout.positions if p >= 0), default=-1) + 1


def _careful(
    source: Source, encoding: Encoding, marks: Marks, layout: Layout, dialect: Dialect, findings: Findings
) -> Iterator[pa.RecordBatch]:
    with open_text(source, encoding) as stream:
        yield from _careful_rows(_records(stream, marks), source.name, marks, layout, dialect, findings)


def _careful_rows(
    records: Iterator[Record], name: str, marks: Marks, layout: Layout, dialect: Dialect, findings: Findings
) -> Iterator[pa.RecordBatch]:
    def checked() -> Iterator[tuple[int, list[str]]]:
        for record in records:
            cells = _judged(record, name, marks, layout, dialect, findings)
            if cells is not None:
                yield record.row, cells

    yield from batched(layout.columns, rows_of(layout, checked(), findings.dropped))


def _judged(
    record: Record, name: str, marks: Marks, layout: Layout, dialect: Dialect, findings: Findings
) -> list[str] | None:
    """The record's cells at full width, or None where it goes to the problems."""
    if record.row <= layout.header_row:
        return record.cells
    width = _grid_width(layout)
    record = _mended(record, marks, width)
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


def _fast(
    source: Source, encoding: Encoding, marks: Marks, layout: Layout, dialect: Dialect, findings: Findings
) -> Iterator[pa.RecordBatch]:
    """Batches by pyarrow; a file it cannot follow is taken over by the careful path at the same row."""
    columns = layout.columns
    odd: dict[int, str] = {}

    def keep(row: pacsv.InvalidRow) -> str:
        odd[row.number] = row.text
        return "skip"

    done = layout.header_row
    dropped_before = len(findings.dropped)
    try:
        with source.open() as stream:
            reader = pacsv.open_csv(
                stream,
                read_options=pacsv.ReadOptions(
                    use_threads=False,
                    block_size=4 << 20,
                    column_names=list(columns),
                    skip_rows_after_names=layout.header_row,
                    encoding="utf8" if encoding.name.startswith("utf-8") else encoding.name,
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=marks.delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=False,
                    invalid_row_handler=keep,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
                ),
            )
            for batch in reader:
                yield from _numbered(batch, done, odd, source.name, marks, layout, dialect, findings)
                done = _end(done, batch.num_rows, odd)
            tail = [n for n in sorted(odd) if n > done]
            if tail:
                yield from _mend_odd(
                    [(n, odd[n]) for n in tail], source.name, marks, layout, dialect, findings
                )
    except pa.ArrowInvalid:
        del findings.dropped[dropped_before:]
        with open_text(source, encoding) as text:
            later = (r for r in _records(text, marks) if r.row <= layout.header_row or r.row > done)
            yield from _careful_rows(later, source.name, marks, layout, dialect, findings)


def _end(done: int, rows: int, odd: dict[int, str]) -> int:
    """Row number of the last of ``rows`` good rows after ``done``, odd rows skipped."""
    if not odd:
        return done + rows
    at, left = done, rows
    for n in sorted(odd):
        if n <= done:
            continue
        if n > at + left:
            break
        left -= n - at - 1
        at = n
    return at + left


def _numbered(
    batch: pa.RecordBatch,
    done: int,
    odd: dict[int, str],
    name: str,
    marks: Marks,
    layout: Layout,
    dialect: Dialect,
    findings: Findings,
) -> Iterator[pa.RecordBatch]:
    last = _end(done, batch.num_rows, odd)
    within = [n for n in sorted(odd) if done < n <= last]
    skip = set(within)
    if skip:
        numbers = pa.array([n for n in range(done + 1, last + 1) if n not in skip], pa.int64())
    else:
        numbers = pa.array(range(done + 1, last + 1), pa.int64())
    good = batch.append_column(SOURCE_ROW, numbers)
    good = _without_non_records(good, layout, findings)
    if within:
        mended = list(_mend_odd([(n, odd[n]) for n in within], name, marks, layout, dialect, findings))
        if mended:
            joined = pa.Table.from_batches([good.cast(mended[0].schema), *mended]).combine_chunks()
            joined = joined.take(pc.sort_indices(joined, sort_keys=[(SOURCE_ROW, "ascending")]))
            yield from joined.to_batches(max_chunksize=BATCH_ROWS * 4)
            return
    if good.num_rows:
        yield good


def _without_non_records(batch: pa.RecordBatch, layout: Layout, findings: Findings) -> pa.RecordBatch:
    """Leave out blank rows and total lines; nearly every batch has none."""
    first = batch.column(0)
    suspect = pc.or_(
        pc.equal(pc.utf8_trim_whitespace(first), ""), pc.match_substring_regex(first, TOTAL_START)
    )
    lines = layout.raw_labels
    if lines:
        suspect = pc.or_(suspect, pc.equal(first, lines[0]))
    if batch.num_columns > 2:
        second_blank = pc.equal(pc.utf8_trim_whitespace(batch.column(1)), "")
        last_blank = pc.equal(pc.utf8_trim_whitespace(batch.column(batch.num_columns - 2)), "")
        suspect = pc.or_(suspect, pc.and_(second_blank, last_blank))
    hits = pc.indices_nonzero(suspect)
    if not len(hits):
        return batch
    rows = batch.take(hits).to_pylist()
    gone: list[int] = []
    from salesops.crm.engine.layout import _clean_label, _text  # row text as the careful path shows it

    labels = [_clean_label(label) for label in layout.raw_labels]
    for index, row in zip(hits.to_pylist(), rows, strict=True):
        number = row.pop(SOURCE_ROW)
        cells = list(row.values())
        verdict = classify(cells, layout, labels)
        if verdict and verdict != "lone":
            findings.dropped.append(DroppedRow(number, verdict, _text(cells)))
            gone.append(index)
    if not gone:
        return batch
    keep = pa.array([True] * batch.num_rows).to_numpy(zero_copy_only=False)
    keep[gone] = False
    return batch.filter(pa.array(keep))


def _mend_odd(
    odd: Sequence[tuple[int, str]],
    name: str,
    marks: Marks,
    layout: Layout,
    dialect: Dialect,
    findings: Findings,
) -> Iterator[pa.RecordBatch]:
    cells: list[list[str]] = []
    numbers: list[int] = []
    for number, text in odd:
        lines = text.splitlines(keepends=True) or [""]
        row = next(csv.reader(lines, delimiter=marks.delimiter, quotechar=marks.quote), [])
        record = Record(number, row, text.rstrip("\r\n"))
        judged = _judged(record, name, marks, layout, dialect, findings)
        if judged is None:
            continue
        for at, kept in rows_of(replace(layout, above=()), [(number, judged)], findings.dropped):
            cells.append(kept)
            numbers.append(at)
    if cells:
        yield text_batch(layout.columns, cells, numbers)
