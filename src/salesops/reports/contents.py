"""What one delivery brings, made at one state of facts and decisions with one account's rights."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any

from django.conf import settings

from salesops.analytics.freezing import Frozen
from salesops.platform import reading
from salesops.platform.file_runs import Begun
from salesops.platform.page_files import MadeFile
from salesops.reports.engine.cutting import cut_csv
from salesops.reports.models import Form
from salesops.reports.subjects import Subject, file_of, shown
from salesops.ui import exports

IN_BODY = 200
"""Rows of one table that a mail without an attachment shows."""


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
    tables: tuple[Begun, ...]
    rows: int
    rows_of: int
    file_name: str = ""
    content_type: str = ""
    data: bytes = b""
    sha256: str = ""
    left_out: str = ""

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
        if form != Form.HTML:
            return _attached(file_of(user_id, subject, form), form, made_by)
        frozen, _ = shown(user_id, subject)
        tables = [_begun(sheet) for sheet in frozen.sheets()]
        return _said(frozen, tables, sum(len(t.rows) for t in tables), sum(t.total for t in tables))


def _said(frozen: Frozen, tables: Sequence[Begun], rows: int, total: int) -> Content:
    """What a page says, and how many rows of it are delivered."""
    return Content(
        title=frozen.title,
        filters=tuple(frozen.filters),
        notes=tuple(frozen.notes),
        data_on=frozen.data_on,
        tables=tuple(tables),
        rows=rows,
        rows_of=total,
    )


def _begun(sheet: exports.Sheet) -> Begun:
    """A sheet as far as a mail without an attachment shows it."""
    rows = iter(sheet.rows)
    first = tuple(islice(rows, IN_BODY))
    return Begun(sheet.name, tuple(sheet.columns), first, len(first) + sum(1 for _ in rows))


def _attached(file: MadeFile, form: str, made_by: str) -> Content:
    """A file as far as a mail may bring it, beside the first rows of its first sheet; all read while it is written."""
    if form == Form.CSV:
        cut = cut_csv(file.pieces, settings.MAIL_BYTES)
        data, kept, total = cut.content, cut.kept, cut.total
    else:
        data = b"".join(file.pieces)
        kept = total = sum(sheet.total for sheet in file.run.begun())
        if form == Form.XLSX:
            data, kept = _shortened(file, data, kept, made_by)
        if len(data) > settings.MAIL_BYTES:
            return replace(_said(file.frozen, file.run.begun()[:1], 0, total), left_out=_too_large(len(data)))
    return replace(
        _said(file.frozen, file.run.begun()[:1], kept, total),
        file_name=file.name,
        content_type=file.content_type,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _shortened(file: MadeFile, data: bytes, kept: int, made_by: str) -> tuple[bytes, int]:
    """A workbook with as many rows of each sheet as a mail may bring, and how many those are."""
    totals = [sheet.total for sheet in file.run.begun()]
    most = max(totals, default=0)
    while len(data) > settings.MAIL_BYTES and most > 0:
        most = min(most // 2, math.floor(most * settings.MAIL_BYTES / len(data) * 0.9))
        sheets = [replace(sheet, rows=_first(sheet.rows, most)) for sheet in file.frozen.sheets()]
        data = exports.write_xlsx(sheets, file.frozen.about(made_by))
        kept = sum(min(total, most) for total in totals)
    return data, kept


def _first(rows: Iterable[Any], most: int) -> Iterator[Any]:
    """The first rows; whatever reads them is closed behind them."""
    found = iter(rows)
    yield from islice(found, most)
    if isinstance(found, Generator):
        found.close()


def _too_large(size: int) -> str:
    mib = 1024 * 1024
    return (
        f"The file has {size / mib:,.1f} MiB, and a mail may bring {settings.MAIL_BYTES / mib:,.1f} MiB. "
        "Open the page to get it whole."
    )
