"""Delimited text by pyarrow: streaming batches that agree with the careful path row by row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from salesops.crm.engine.layout import DroppedRow, Layout, classify, clean_label, row_text, rows_of
from salesops.crm.engine.report_words import TOTAL_HINT
from salesops.crm.files.rows import Record, careful_rows, judged, read_records
from salesops.crm.files.sources import Source
from salesops.crm.files.tables import BATCH_ROWS, SOURCE_ROW, Dialect, Findings, text_batch
from salesops.crm.files.text import Encoding, Marks, open_text

BLOCK_BYTES = 8 << 20
"""Bytes parsed at a time: large enough that a column's repeated texts are met many times in one batch."""

FEW = 0.85
"""Share of different cells in the first rows up to which a column is read dictionary-encoded."""

_FEW_CELLS = 3
"""Rows with no more filled cells may be headings, footers or totals."""

_ENCODED = pa.dictionary(pa.int32(), pa.string())
_NO_WORD = r"^[A-Za-z][A-Za-z &_/'()+-]*$"
"""A plain text without any figure. RE2."""


def repeating(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> frozenset[str]:
    """Columns whose texts come again and again, by the first rows of a table."""
    few = set()
    for index, column in enumerate(columns):
        texts = [row[index] for row in cells if index < len(row)]
        if len(set(texts)) <= FEW * len(texts):
            few.add(column)
    return frozenset(few)


def fast_batches(
    source: Source,
    encoding: Encoding,
    marks: Marks,
    layout: Layout,
    dialect: Dialect,
    findings: Findings,
    few: Collection[str] = (),
) -> Iterator[pa.RecordBatch]:
    """Batches by pyarrow; a file it cannot follow is taken over by the careful path at the same row.

    Args:
        source, encoding, marks, layout, dialect: the file and how it is read.
        findings: gets what is no record and what could not be read.
        few: columns to give dictionary-encoded.
    """
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
                    block_size=BLOCK_BYTES,
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
                    column_types={c: _ENCODED if c in few else pa.string() for c in columns},
                    strings_can_be_null=False,
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
            later = (r for r in read_records(text, marks) if r.row <= layout.header_row or r.row > done)
            yield from careful_rows(later, source.name, marks, layout, dialect, findings)


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
    numbers = np.arange(done + 1, last + 1, dtype=np.int64)
    if within:
        numbers = np.delete(numbers, np.array(within) - done - 1)
    good = batch.append_column(SOURCE_ROW, pa.array(numbers, pa.int64()))
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
    suspect = _suspects(batch, layout)
    hits = pc.indices_nonzero(suspect)
    if not len(hits):
        return batch
    rows = batch.take(hits).to_pylist()
    gone: list[int] = []
    labels = [clean_label(label) for label in layout.raw_labels]
    for index, row in zip(hits.to_pylist(), rows, strict=True):
        number = row.pop(SOURCE_ROW)
        cells = list(row.values())
        verdict = classify(cells, layout, labels)
        if verdict and verdict != "lone":
            findings.dropped.append(DroppedRow(number, verdict, row_text(cells)))
            gone.append(index)
    if not gone:
        return batch
    keep = pa.array([True] * batch.num_rows).to_numpy(zero_copy_only=False)
    keep[gone] = False
    return batch.filter(pa.array(keep))


def _suspects(batch: pa.RecordBatch, layout: Layout) -> pa.Array:
    """Rows that :func:`classify` may call something else than a record: few cells, a total's word, the header.

    A total's row holds at most one cell that is neither a figure nor a total's word. So the slow search
    for those words is made only in rows where fewer than two cells are plainly such a text.
    """
    first = batch.column(0)
    suspect = _flags(first, lambda texts: pc.equal(texts, layout.raw_labels[0]))
    width = len(layout.columns)
    # Columns of few texts come first: a few of them settle nearly every row.
    columns = sorted((batch.column(name) for name in layout.columns), key=_different)
    filled = np.zeros(batch.num_rows, np.int32)
    for column in columns:
        filled += _flags(column, _filled)
        if width > _FEW_CELLS and filled.min(initial=width) > _FEW_CELLS:
            break
    suspect = suspect | ((filled <= _FEW_CELLS) & (filled < width)) | (filled == 0)
    plain = np.zeros(batch.num_rows, np.int32)
    for column in columns:
        if not pa.types.is_dictionary(column.type) or plain.min(initial=2) >= 2:
            break
        plain += _flags(column, _plain_text)
    left = np.flatnonzero((plain < 2) & ~suspect)
    if len(left):
        wordy = np.zeros(len(left), bool)
        some = batch.take(pa.array(left)) if len(left) < batch.num_rows else batch
        for name in layout.columns:
            wordy |= _flags(some.column(name), lambda texts: pc.match_substring_regex(texts, TOTAL_HINT))
        suspect[left] |= wordy
    return pa.array(suspect)


def _different(column: pa.Array) -> int:
    """Different texts of a column, all of them where they were not counted."""
    return len(column.dictionary) if pa.types.is_dictionary(column.type) else len(column) + 1


def _flags(column: pa.Array, test: Callable[[pa.Array], pa.Array]) -> np.ndarray:
    """A test of each cell; of a dictionary-encoded column each text is looked at once."""
    if pa.types.is_dictionary(column.type):
        return np.asarray(test(column.dictionary))[np.asarray(column.indices)]
    return np.asarray(test(column))


def _filled(texts: pa.Array) -> pa.Array:
    """Texts that hold more than white space."""
    return pc.not_equal(pc.utf8_trim_whitespace(texts), "")


def _plain_text(texts: pa.Array) -> pa.Array:
    """Texts that are neither a figure nor any word of a total."""
    return pc.and_(
        pc.match_substring_regex(texts, _NO_WORD), pc.invert(pc.match_substring_regex(texts, TOTAL_HINT))
    )


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
        kept_cells = judged(record, name, marks, layout, dialect, findings)
        if kept_cells is None:
            continue
        for at, kept in rows_of(replace(layout, above=()), [(number, kept_cells)], findings.dropped):
            cells.append(kept)
            numbers.append(at)
    if cells:
        yield text_batch(layout.columns, cells, numbers)
