"""CSV and XLSX files: real numbers and dates, text that can never run as a formula, an About sheet.

Values are what the page holds (Decimal, int, Fraction, date, datetime, str, None); an undefined value is an
empty cell. Text columns are neutralised, number columns stay numbers, negative ones included.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import IO, Any, Literal

import xlsxwriter
from babel.numbers import get_currency_precision, get_currency_symbol

from salesops.ui.about import About
from salesops.ui.formats import exact

Row = Any
Kind = Literal["text", "money", "number", "integer", "ratio", "day", "instant"]
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MAX_ROWS = 1_048_576
MAX_TEXT = 32_767
SIGNIFICANT = 15
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


COUNT_EVERY = 1_000
_counter: ContextVar[Callable[[int], None] | None] = ContextVar("rows written", default=None)


@contextmanager
def counting(told: Callable[[int], None]) -> Iterator[None]:
    """Within the block, `told` hears how many rows a file has so far, every thousand; it may raise to stop."""
    token = _counter.set(told)
    try:
        yield
    finally:
        _counter.reset(token)


def _counted(rows: Iterable[Row]) -> Iterable[Row]:
    told = _counter.get()
    return rows if told is None else _telling(rows, told)


def _telling(rows: Iterable[Row], told: Callable[[int], None]) -> Iterator[Row]:
    number = 0
    for number, row in enumerate(rows, 1):
        if number % COUNT_EVERY == 0:
            told(number)
        yield row
    told(number)


class ExportError(ValueError):
    """A value does not fit its column's kind."""


@dataclass(frozen=True)
class Column:
    """One column of a file.

    `key` reads the value (mapping key, attribute, or a callable of the row); `currency` is an ISO code and is
    written into the header; `places` rounds Fractions only (default 6), Decimals are written as they are.
    """

    key: str | Callable[[Row], Any]
    title: str
    kind: Kind = "text"
    currency: str = ""
    places: int = 6
    width: int | None = None
    zone: tzinfo = UTC

    @property
    def heading(self) -> str:
        """The header cell."""
        return f"{self.title} ({self.currency})" if self.currency else self.title

    def value(self, row: Row) -> Any:
        """The raw value of a row."""
        if callable(self.key):
            return self.key(row)
        return row.get(self.key) if isinstance(row, Mapping) else getattr(row, self.key, None)

    def number(self, value: Any) -> Decimal | int:
        """The exact number of a cell; ExportError for anything that is not one (a float is not)."""
        try:
            given = exact(value, self.places) if isinstance(value, Fraction) else exact(value)
        except TypeError as error:
            raise ExportError(f"column {self.title!r}: {error}") from error
        if not given.is_finite():
            raise ExportError(f"column {self.title!r}: {given} is not a number")
        return int(given) if self.kind == "integer" and given == given.to_integral_value() else given


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook. Rows may be a generator: they are written as they come."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Row]
    notes: Sequence[str] = field(default_factory=tuple)


def neutral(text: str) -> str:
    """`text` with an apostrophe in front where a spreadsheet could take it for a formula."""
    stripped = text.lstrip(" \u00a0")
    return "'" + text if stripped.startswith(DANGEROUS) or text.startswith(DANGEROUS) else text


def write_csv(
    columns: Sequence[Column],
    rows: Iterable[Row],
    *,
    bom: bool = True,
    separator: str = ",",
    decimal: str = ".",
) -> Iterator[bytes]:
    """The file in chunks, ready for a streaming response: UTF-8, CRLF, ISO dates, plain decimals.

    `bom` puts the mark in front that lets Excel read UTF-8; `separator` parts columns, `decimal` stands in
    numbers: `;` and `,` are what spreadsheets of many countries read.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n", delimiter=separator)
    if bom:
        yield b"\xef\xbb\xbf"
    writer.writerow([neutral(column.heading) for column in columns])
    for row in _counted(rows):
        writer.writerow([_csv_cell(column, column.value(row), decimal) for column in columns])
        if buffer.tell() > 65_536:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _csv_cell(column: Column, value: Any, decimal: str = ".") -> str:
    if value is None:
        return ""
    if column.kind in ("money", "number", "integer", "ratio"):
        number = column.number(value)
        return format(number, "f").replace(".", decimal) if isinstance(number, Decimal) else str(number)
    if isinstance(value, datetime) and column.kind == "instant":
        return _local(column, value).isoformat(timespec="seconds")
    if isinstance(value, date) and column.kind == "day" and not isinstance(value, datetime):
        return value.isoformat()
    if column.kind in ("day", "instant"):
        raise ExportError(
            f"column {column.title!r}: {value!r} is not {'a day' if column.kind == 'day' else 'an instant'}"
        )
    return neutral(str(value))


def _local(column: Column, value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ExportError(f"column {column.title!r}: an instant needs a time zone")
    return value.astimezone(column.zone)


def write_xlsx(sheets: Sequence[Sheet], about: About, to: IO[bytes] | None = None) -> bytes:
    """A workbook: the sheets in order, then `About`. Written to `to`, else answered as bytes.

    Rows beyond Excel's 1,048,576 go on in a sheet named "… (2)". Numbers of more than 15 significant digits
    are written as text, because Excel would change them; the About sheet says so when it happened.
    """
    target: IO[bytes] = to if to is not None else io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(target, options) as book:
        made_at = about.made_at.astimezone(UTC).replace(tzinfo=None)
        book.set_properties({"title": about.title, "author": about.made_by, "created": made_at})
        writer = _Workbook(book)
        for sheet in sheets:
            writer.sheet(sheet)
        writer.about(about, [note for sheet in sheets for note in sheet.notes])
    return target.getvalue() if isinstance(target, io.BytesIO) and to is None else b""


class _Workbook:
    """Formats and sheet names of one workbook."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.names: set[str] = {"about"}
        self.remarks: list[str] = []
        self.formats: dict[str, Any] = {}
        self.head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#F2F4F7", "valign": "top"})
        self.head_right = book.add_format(
            {"bold": True, "bottom": 1, "bg_color": "#F2F4F7", "align": "right", "valign": "top"}
        )
        self.text = book.add_format({"num_format": "@"})
        self.wrap = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        self.bold = book.add_format({"bold": True, "valign": "top"})

    def sheet(self, sheet: Sheet) -> None:
        """Write one sheet and, past Excel's limit, its continuations."""
        page = self._start(sheet, sheet.name)
        line, part = 1, 1
        for row in _counted(sheet.rows):
            if line == MAX_ROWS:
                page.autofilter(0, 0, line - 1, len(sheet.columns) - 1)
                part += 1
                page, line = self._start(sheet, f"{sheet.name[:24]} ({part})"), 1
            for at, column in enumerate(sheet.columns):
                self._cell(page, line, at, column, column.value(row))
            line += 1
        if line > 1 and sheet.columns:
            page.autofilter(0, 0, line - 1, len(sheet.columns) - 1)

    def _start(self, sheet: Sheet, name: str) -> Any:
        page = self.book.add_worksheet(self._name(name))
        page.freeze_panes(1, 0)
        for at, column in enumerate(sheet.columns):
            wide = column.width or {"text": 24, "instant": 20, "day": 12}.get(column.kind, 16)
            page.set_column(at, at, max(wide, min(len(column.heading) + 3, 40)))
        for at, column in enumerate(sheet.columns):
            right = column.kind in ("money", "number", "integer", "ratio")
            page.write_string(0, at, column.heading, self.head_right if right else self.head)
        return page

    def _name(self, wanted: str) -> str:
        base = _FORBIDDEN.sub(" ", wanted).strip().strip("'")[:31] or "Sheet"
        name, number = base, 2
        while name.lower() in self.names or name.lower() == "history":
            tail = f" {number}"
            name, number = base[: 31 - len(tail)] + tail, number + 1
        self.names.add(name.lower())
        return name

    def _format(self, key: str, pattern: str) -> Any:
        if key not in self.formats:
            self.formats[key] = self.book.add_format({"num_format": pattern})
        return self.formats[key]

    def _cell(self, page: Any, line: int, at: int, column: Column, value: Any) -> None:
        if value is None or value == "":
            return
        if column.kind in ("money", "number", "integer", "ratio"):
            self._number(page, line, at, column, column.number(value))
        elif column.kind in ("day", "instant"):
            self._date(page, line, at, column, value)
        else:
            self._string(page, line, at, str(value))

    def _string(self, page: Any, line: int, at: int, text: str, style: Any = None) -> None:
        clean = _CONTROL.sub("\ufffd", text)
        if len(clean) > MAX_TEXT:
            clean = clean[: MAX_TEXT - 1] + "…"
            self._remark(
                "A text longer than 32,767 characters was cut, which is the most that a cell can hold."
            )
        page.write_string(line, at, clean, style or self.text)

    def _number(self, page: Any, line: int, at: int, column: Column, number: Decimal | int) -> None:
        digits = Decimal(number).normalize().as_tuple().digits
        if len(digits) > SIGNIFICANT:
            self._remark("A number of more than 15 digits is kept as text, because Excel would change it.")
            self._string(page, line, at, format(number, "f") if isinstance(number, Decimal) else str(number))
            return
        page.write_number(line, at, number, self._number_format(column))

    def _number_format(self, column: Column) -> Any:
        if column.kind == "money" and column.currency:
            places = get_currency_precision(column.currency)
            symbol = get_currency_symbol(column.currency, locale="en_US")
            body = "#,##0" + ("." + "0" * places if places else "")
            return self._format(f"money-{column.currency}", f'"{symbol}"{body};-"{symbol}"{body}')
        patterns = {"money": "#,##0.00", "integer": "#,##0", "ratio": "0.0%"}
        return self._format(column.kind, patterns.get(column.kind, "#,##0.######"))

    def _date(self, page: Any, line: int, at: int, column: Column, value: Any) -> None:
        text = _csv_cell(column, value)  # checks the kind
        moment = _local(column, value).replace(tzinfo=None) if column.kind == "instant" else value
        if moment.year < 1900:
            self._string(page, line, at, text)  # Excel has no such day
            return
        if column.kind == "instant":
            page.write_datetime(line, at, moment, self._format("instant", "yyyy-mm-dd hh:mm:ss"))
        else:
            page.write_datetime(line, at, moment, self._format("day", "yyyy-mm-dd"))

    def _remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)

    def about(self, about: About, notes: Sequence[str]) -> None:
        """The sheet that says what this file is."""
        page = self.book.add_worksheet("About")
        page.set_column(0, 0, 26)
        page.set_column(1, 1, 96)
        line = 0
        for label, text in [*about.lines(), *[("Note", note) for note in (*notes, *self.remarks)]]:
            page.write_string(line, 0, label, self.bold)
            self._string(page, line, 1, text, self.wrap)
            line += 1
        if about.definitions:
            line += 1
            page.write_string(line, 0, "Definitions", self.bold)
        for definition in about.definitions:
            line += 1
            parts = [definition.sentence]
            if definition.formula:
                parts.append(f"Formula: {definition.formula}")
            if definition.convention:
                parts.append(f"Convention: {definition.convention}")
            if definition.owner:
                parts.append(f"Owner: {definition.owner}")
            page.write_string(line, 0, definition.term, self.bold)
            self._string(page, line, 1, "\n".join(parts), self.wrap)
