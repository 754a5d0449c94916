"""What reading a file gives: tables of text with row numbers, and problems instead of crashes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from salesops.crm.engine.formats import ColumnProfile, profile_columns
from salesops.crm.engine.layout import DroppedRow, Layout

SOURCE_ROW = "source_row"
"""Name of the row-number column of every batch: the physical row in the file, counted from 1."""

BATCH_ROWS = 32_768

HEAD_ROWS = 200_000
"""First rows of a large table that are held after a pass, so that looking at them needs no second one."""

_HEAD_BYTES = 128 * 1024**2

FileKind = Literal["delimited", "workbook", "parquet", "json"]
Severity = Literal["error", "repaired", "note"]


@dataclass(frozen=True)
class Limits:
    """What one source may cost. Sizes in bytes.

    Attributes:
        file_bytes: largest single file or archive member.
        total_bytes: all unpacked files of one source together.
        members: files in one source, nested archives included.
        ratio: largest unpacked / packed size of an archive member (members under 10 MB are exempt).
        columns: columns of one table.
        grid_bytes: delimited text up to this size is read whole before its layout is decided;
            larger files are streamed and their layout is read from their head.
        rows: rows of one table, 0 for no limit.
        keep_in: folder for what a pass over a large text file gave, for the next pass; None keeps nothing, and
            reads what is kept.
    """

    file_bytes: int = 4 * 1024**3
    total_bytes: int = 8 * 1024**3
    members: int = 2_000
    ratio: int = 250
    columns: int = 2_000
    grid_bytes: int = 4 * 1024**2
    rows: int = 0
    keep_in: Path | None = None


@dataclass(frozen=True)
class FileProblem:
    """One thing that was wrong in a file, told so that a person can mend it.

    Attributes:
        file: file, or file!sheet.
        row: physical row counted from 1; 0 where the problem is the whole file's.
        column: header label, or "".
        reason: what is wrong.
        fix: what to do.
        severity: ``error`` (the row or file was left out), ``repaired`` (it was read after a
            repair that changes no value) or ``note``.
        text: the record as it stood in the file, for quarantine and replay.
    """

    file: str
    row: int
    column: str
    reason: str
    fix: str
    severity: Severity = "error"
    text: str = ""


@dataclass(frozen=True)
class Dialect:
    """How a table was read: everything that is shown to the user before it is believed.

    Attributes:
        kind: delimited, workbook, parquet or json.
        encoding: text encoding, "" where the format fixes it.
        delimiter: column mark of delimited text.
        quote: quote mark of delimited text.
        escape: escape character, "" where quotes are doubled.
        header_row: physical row of the header, 0 where there is none.
        path: ``fast`` (pyarrow) or ``careful`` (Python).
        pad_short_rows: whether short rows are taken as ending in empty cells.
        decimal: decimal mark found in the number columns, "" where there is no evidence.
        thousands: thousands mark, likewise.
        date_order: DMY, MDY or YMD as found in the date columns, "" where there is none.
        ambiguous_dates: headers whose date order the values alone do not settle.
        currencies: currency codes and symbols met in cells.
        notes: sentences for the user.
    """

    kind: FileKind
    encoding: str = ""
    delimiter: str = ""
    quote: str = '"'
    escape: str = ""
    header_row: int = 1
    path: Literal["fast", "careful"] = "careful"
    pad_short_rows: bool = False
    decimal: str = ""
    thousands: str = ""
    date_order: str = ""
    ambiguous_dates: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON and pages."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in self.__dict__.items()}


@dataclass
class Findings:
    """What one full pass over a table adds to what opening it had found."""

    problems: list[FileProblem] = field(default_factory=list)
    dropped: list[DroppedRow] = field(default_factory=list)


Reader = Callable[[Findings], Iterator[pa.RecordBatch]]


class RawTable:
    """One table of a source: text cells, header labels, row numbers.

    Args:
        name: file, or file!sheet, relative to the source.
        columns: header labels, unique, in file order.
        reader: starts a fresh pass; yields batches of the columns plus ``source_row``.
        dialect: how it is read.
        layout: header, groups and dropped rows of a report, None where the format has none.
        problems: problems known without reading the rows.
        modified_at: time stamp of the file or archive member; None unknown.
        keep: hold the batches after the first full pass (small tables), so that later ones are free.
        unchanged: called before and after every pass; raises where the file is no longer what it was.

    ``problems``, ``dropped`` and ``row_count`` are complete: asking for them reads the table
    once if it has not been read to its end before.
    """

    def __init__(
        self,
        name: str,
        columns: Sequence[str],
        reader: Reader,
        dialect: Dialect,
        *,
        layout: Layout | None = None,
        problems: Sequence[FileProblem] = (),
        modified_at: datetime | None = None,
        keep: bool = False,
        unchanged: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.columns = tuple(columns)
        self.layout = layout
        self.modified_at = modified_at
        self._reader = reader
        self._base = dialect
        self._opening = tuple(problems)
        self._findings: Findings | None = None
        self._rows = 0
        self._keep = keep
        self._kept: list[pa.RecordBatch] | None = None
        self._unchanged = unchanged
        self._head: list[pa.RecordBatch] | None = None

    @property
    def schema(self) -> pa.Schema:
        """Every column as text, then ``source_row`` as int64."""
        return pa.schema(
            [*(pa.field(c, pa.string()) for c in self.columns), pa.field(SOURCE_ROW, pa.int64())]
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """A fresh pass over the good rows. Empty cells are "", never null."""
        for batch in self.encoded():
            yield decoded(batch)

    def encoded(self) -> Iterator[pa.RecordBatch]:
        """A fresh pass; columns of few different texts may come dictionary-encoded.

        Raises:
            FileChangedError: the file was written to since it was opened.
        """
        if self._kept is not None:
            yield from self._kept
            return
        findings, rows = Findings(), 0
        kept: list[pa.RecordBatch] = []
        head: list[pa.RecordBatch] = []
        ahead, held = HEAD_ROWS if self._findings is None else 0, 0
        if self.columns:
            self._unchanged()
            for batch in self._reader(findings):
                rows += batch.num_rows
                if self._keep:
                    kept.append(batch)
                elif ahead > 0:
                    head.append(batch.slice(0, ahead))
                    ahead -= batch.num_rows
                    held += batch.nbytes
                    if held > _HEAD_BYTES:
                        head, ahead = [], 0
                yield batch
            self._unchanged()
        self._findings, self._rows = findings, rows
        if self._keep:
            self._kept = kept
        elif head:
            self._head = head

    def forget_head(self) -> None:
        """Hold its first rows no longer: it has been looked at, and a large import has many files."""
        self._head = None

    def _read_once(self) -> Findings:
        if self._findings is None:
            for _ in self.encoded():
                pass
        assert self._findings is not None  # batches() sets it at its end
        return self._findings

    @property
    def problems(self) -> list[FileProblem]:
        """Everything that went wrong, in row order."""
        return [*self._opening, *sorted(self._read_once().problems, key=lambda p: p.row)]

    @property
    def dropped(self) -> tuple[DroppedRow, ...]:
        """Rows left out because they are no records (titles, subtotals, footers, blank rows)."""
        return tuple(sorted(self._read_once().dropped, key=lambda d: d.row))

    @property
    def row_count(self) -> int:
        """Good rows."""
        self._read_once()
        return self._rows

    @property
    def ok(self) -> bool:
        """Whether there is a table at all."""
        return bool(self.columns)

    def sample(self, n: int = 100) -> pa.Table:
        """The first n good rows."""
        taken: list[pa.RecordBatch] = []
        left = n
        held = self._head if self._head is not None and n <= HEAD_ROWS else None
        for batch in self.encoded() if held is None else held:
            taken.append(decoded(batch.slice(0, left)))
            left -= taken[-1].num_rows
            if left <= 0:
                break
        return pa.Table.from_batches(taken, schema=self.schema)

    def read(self) -> pa.Table:
        """All good rows at once."""
        return pa.Table.from_batches(list(self.batches()), schema=self.schema)

    @cached_property
    def profiles(self) -> dict[str, ColumnProfile]:
        """One profile per column, over the whole column."""
        return profile_columns(self.columns, self.encoded())

    @cached_property
    def dialect(self) -> Dialect:
        """How the table is read, with the marks and date order its cells show."""
        profiles = self.profiles.values()
        return replace(
            self._base,
            decimal=_most(p.decimal for p in profiles),
            thousands=_most(p.thousands for p in profiles),
            date_order=_most(p.date_order for p in profiles if p.kind in ("date", "instant")),
            ambiguous_dates=tuple(h for h, p in self.profiles.items() if p.date_ambiguous),
            currencies=tuple(sorted({c for p in profiles for c in p.currencies})),
        )

    @property
    def structure(self) -> Dialect:
        """The dialect without the marks, known without reading the rows."""
        return self._base

    def __repr__(self) -> str:
        return f"RawTable({self.name!r}, {len(self.columns)} columns)"


def decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch with plain text columns only."""
    if not any(pa.types.is_dictionary(f.type) for f in batch.schema):
        return batch
    arrays = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _most(values: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for value in values:
        if value:
            counts[value] = counts.get(value, 0) + 1
    return max(counts, key=lambda v: counts[v]) if counts else ""


def broken(
    name: str, reason: str, fix: str, *, kind: FileKind = "delimited", severity: Severity = "error"
) -> RawTable:
    """A table that could not be read: no columns, one problem."""
    problem = FileProblem(name, 0, "", reason, fix, severity)
    return RawTable(name, (), lambda _: iter(()), Dialect(kind, header_row=0), problems=(problem,))


def text_batch(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]
) -> pa.RecordBatch:
    """A batch of text columns from rows of equal width."""
    arrays: list[pa.Array] = [pa.array([r[i] for r in rows], pa.string()) for i in range(len(columns))]
    arrays.append(pa.array(numbers, pa.int64()))
    return pa.RecordBatch.from_arrays(arrays, names=[*columns, SOURCE_ROW])


def batched(columns: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[pa.RecordBatch]:
    """Batches from numbered rows."""
    cells: list[Sequence[str]] = []
    numbers: list[int] = []
    for number, row in rows:
        cells.append(row)
        numbers.append(number)
        if len(cells) == BATCH_ROWS:
            yield text_batch(columns, cells, numbers)
            cells, numbers = [], []
    if cells:
        yield text_batch(columns, cells, numbers)


def opening_problems(name: str, layout: Layout) -> list[FileProblem]:
    """What the header alone shows: labels named apart, no header, no records."""
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
