"""What one delivery brings, made at one state of facts and decisions with one account's rights."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any

from django.conf import settings

from salesops.analytics.freezing import Frozen
from salesops.platform import reading
from salesops.platform.page_files import MadeFile
from salesops.reports.engine.cutting import cut_csv
from salesops.reports.models import Form
from salesops.reports.subjects import Subject, file_of, shown
from salesops.ui import exports

PREVIEW = 20
"""Rows that stand in a mail beside its attachment, and in a channel."""
IN_BODY = 200
"""Rows of one table that a mail without an attachment shows."""


@dataclass(frozen=True)
class Tabled:
    """The beginning of a sheet, with how many rows it has in all."""

    name: str
    columns: tuple[exports.Column, ...]
    rows: tuple[Any, ...]
    total: int


@dataclass(frozen=True)
class Content:
    """What a delivery brings.

    Attributes:
        title, filters, notes, data_on: as the page's file says.
        tables: what the text shows.
        file_name, content_type, data: the attachment; no data for none.
        rows, rows_of: rows that are delivered, of how many there are.
        sha256: of the attachment.
        left_out: why there is no attachment where there should be one; "" otherwise.
    """

    title: str
    filters: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    data_on: date | None
    tables: tuple[Tabled, ...]
    rows: int
    rows_of: int
    file_name: str = ""
    content_type: str = ""
    data: bytes = b""
    sha256: str = ""
    left_out: str = ""
    zone: str = "UTC"
    whole: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "whole", self.rows == self.rows_of and not self.left_out)

    @property
    def share_words(self) -> str:
        """``1,200 of 36,000 rows``, "" where nothing is left out."""
        return "" if self.rows == self.rows_of else f"{self.rows:,} of {self.rows_of:,} rows"


def content_of(user_id: int, subject: Subject, form: str, *, made_by: str) -> Content:
    """A page as an account sees it at this moment, with its file.

    Raises:
        ValidationError: the account is gone, or the page refuses; see :func:`salesops.reports.subjects.shown`.
    """
    with reading.one_state():
        if form == Form.HTML:
            frozen, _ = shown(user_id, subject)
            made = _begun(frozen, tuple(_tables(frozen.sheets(), IN_BODY, every=True)))
            rows, total = sum(len(t.rows) for t in made.tables), sum(t.total for t in made.tables)
            return replace(made, rows=rows, rows_of=total)
        file = file_of(user_id, subject, FILES[Form(form)])
        made = _begun(file.frozen, tuple(_tables(file.frozen.sheets(), PREVIEW, every=False)))
        if form == Form.CSV:
            cut = cut_csv(file.pieces, settings.MAIL_BYTES)
            return _with(made, file.name, file.content_type, cut.content, cut.kept, cut.total)
        return (_xlsx if form == Form.XLSX else _pdf)(made, file, made_by)


FILES = {Form.CSV: "csv", Form.XLSX: "xlsx", Form.PDF: "pdf"}


def _begun(frozen: Frozen, tables: tuple[Tabled, ...]) -> Content:
    """What a page says, before its rows are counted."""
    return Content(
        title=frozen.title,
        filters=tuple(frozen.filters),
        notes=tuple(frozen.notes),
        data_on=frozen.data_on,
        tables=tables,
        rows=0,
        rows_of=0,
        zone=frozen.zone,
    )


def _tables(sheets: Sequence[exports.Sheet], most: int, *, every: bool) -> Iterator[Tabled]:
    """The beginnings of sheets; beside an attachment the first sheet alone, and counted by the attachment."""
    for sheet in sheets if every else sheets[:1]:
        rows = iter(sheet.rows)
        first = tuple(islice(rows, most))
        more = sum(1 for _ in rows) if every else 0
        yield Tabled(sheet.name, tuple(sheet.columns), first, len(first) + more)
        if hasattr(rows, "close"):
            rows.close()


def _with(made: Content, name: str, kind: str, data: bytes, rows: int, total: int) -> Content:
    tables = tuple(replace(t, total=total) if place == 0 else t for place, t in enumerate(made.tables))
    return replace(
        made,
        file_name=name,
        content_type=kind,
        data=data,
        rows=rows,
        rows_of=total,
        sha256=hashlib.sha256(data).hexdigest() if data else "",
        tables=tables,
    )


class _Counted:
    """Sheets whose rows are counted, and left out beyond a number."""

    def __init__(self, sheets: Sequence[exports.Sheet], most: int | None) -> None:
        self.kept = self.total = self.first = self.longest = 0
        self.sheets = [
            replace(sheet, rows=self._rows(sheet.rows, most, place)) for place, sheet in enumerate(sheets)
        ]

    def _rows(self, rows: Iterable[Any], most: int | None, place: int) -> Iterator[Any]:
        number = 0
        for number, row in enumerate(rows, 1):
            self.total += 1
            if most is None or number <= most:
                self.kept += 1
                yield row
        self.longest = max(self.longest, number)
        if place == 0:
            self.first = number


def _xlsx(made: Content, file: MadeFile, made_by: str) -> Content:
    frozen, data = file.frozen, b"".join(file.pieces)
    counted = _Counted(frozen.sheets(), None)
    for sheet in counted.sheets:
        for _ in sheet.rows:
            pass
    total, longest = counted.total, counted.longest
    kept = total
    most = longest
    while len(data) > settings.MAIL_BYTES and most > 0:
        most = min(most // 2, math.floor(most * settings.MAIL_BYTES / len(data) * 0.9))
        less = _Counted(frozen.sheets(), most)
        data, kept = exports.write_xlsx(less.sheets, frozen.about(made_by)), less.kept
    if len(data) > settings.MAIL_BYTES:
        return replace(_with(made, "", "", b"", 0, total), left_out=_too_large(len(data)))
    found = _with(made, file.name, file.content_type, data, kept, total)
    first = replace(found.tables[0], total=counted.first) if found.tables else None
    return replace(found, tables=(first, *found.tables[1:])) if first else found


def _pdf(made: Content, file: MadeFile, made_by: str) -> Content:
    data = b"".join(file.pieces)
    sheets = _Counted(file.frozen.sheets(), None)
    for sheet in sheets.sheets:
        for _ in sheet.rows:
            pass
    if len(data) > settings.MAIL_BYTES:
        return replace(_with(made, "", "", b"", 0, sheets.total), left_out=_too_large(len(data)))
    found = _with(made, file.name, file.content_type, data, sheets.total, sheets.total)
    first = replace(found.tables[0], total=sheets.first) if found.tables else None
    return replace(found, tables=(first, *found.tables[1:])) if first else found


def _too_large(size: int) -> str:
    mib = 1024 * 1024
    return (
        f"The file has {size / mib:,.1f} MiB, and a mail may bring {settings.MAIL_BYTES / mib:,.1f} MiB. "
        "Open the page to get it whole."
    )
