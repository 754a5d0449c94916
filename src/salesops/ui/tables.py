"""Tables as data: columns say how a cell reads, `Table.lines` makes what `_table.html` draws.

Rows are mappings or objects. Money columns decide about cents once for the whole page of rows, so that a
column stays aligned: no cents when any amount reaches a million or none has any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from functools import cached_property
from typing import Any, Literal

from django.core.paginator import Page
from django.utils.html import format_html
from django.utils.safestring import SafeString

from salesops.ui import formats
from salesops.ui.components import TONES, Definition, Empty

Row = Any
Kind = Literal[
    "text", "lead", "money", "number", "ratio", "times", "days", "day", "instant", "status", "html"
]
NUMERIC: frozenset[str] = frozenset({"money", "number", "ratio", "times", "days"})


def value_of(row: Row, key: str) -> Any:
    """The value under `key` in a mapping or on an object; None when absent."""
    return row.get(key) if isinstance(row, Mapping) else getattr(row, key, None)


@dataclass(frozen=True)
class Column:
    """One column.

    kind: text, lead (the row's name, bold), money, number, ratio (share), times, days, day, instant, status
    (value is a word or a (word, tone) pair), html (`render` answers SafeString).
    sort: the name used in `?sort=`; empty means not sortable.
    currency: an ISO code for the column, or a callable of the row.
    href: link of the cell; `lead` cells fall back to the table's `row_href`.
    reason: why the value is undefined in this row (text, or callable of the row).
    tone: status tone by word.
    """

    key: str
    title: str
    kind: Kind = "text"
    sort: str = ""
    currency: str | Callable[[Row], str] = ""
    places: int | None = None
    href: Callable[[Row], str | None] | None = None
    render: Callable[[Row], SafeString | str] | None = None
    reason: str | Callable[[Row], str] = "not given in the data"
    tones: Mapping[str, str] = field(default_factory=dict)
    definition: Definition | None = None
    phone: bool = True
    zone: tzinfo = UTC

    @property
    def numeric(self) -> bool:
        """Right-aligned with its header."""
        return self.kind in NUMERIC

    @cached_property
    def css(self) -> str:
        """Classes of the column's cells."""
        names = ["num"] if self.numeric else []
        if self.kind == "lead":
            names.append("cell-lead")
        if self.kind in ("day", "instant"):
            names.append("nowrap")
        if not self.phone:
            names.append("cell-phone-hide")
        return " ".join(names)

    def currency_of(self, row: Row) -> str:
        """The currency code that applies to a row."""
        return self.currency(row) if callable(self.currency) else self.currency

    def reason_of(self, row: Row) -> str:
        """Why a missing value is missing."""
        return self.reason(row) if callable(self.reason) else self.reason


@dataclass(frozen=True)
class Cell:
    """A drawn cell."""

    column: Column
    text: str
    href: str = ""
    title: str = ""
    reason: str = ""
    tone: str = ""
    iso: str = ""


@dataclass(frozen=True)
class Line:
    """A drawn row."""

    cells: tuple[Cell, ...]
    row: Row
    tone: str = ""


@dataclass(frozen=True)
class Head:
    """A drawn header cell; `order` is ascending, descending or empty."""

    column: Column
    order: str = ""
    next_sort: str = ""


@dataclass(frozen=True)
class Table:
    """A table to draw with `{% data_table table %}`.

    `page` is Django's Page when the rows are one page of more; `sort` the current `?sort=` value (`-amount`).
    `live` makes sorting and paging swap only this table by htmx (links work without it).
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    id: str = "table"
    page: Page[Any] | None = None
    sort: str = ""
    sort_param: str = "sort"
    page_param: str = "page"
    row_href: Callable[[Row], str | None] | None = None
    empty: Empty = field(default_factory=lambda: Empty("Nothing to show"))
    totals: Mapping[str, Any] = field(default_factory=dict)
    noun: str = "rows"
    phone: Literal["cards", "scroll"] = "cards"
    wide: bool = False
    compact: bool = False
    live: bool = True
    locale: str | None = None

    def heads(self) -> list[Head]:
        """Header cells with the sort each link leads to: numbers start with the largest."""
        made = []
        for column in self.columns:
            if not column.sort:
                made.append(Head(column))
                continue
            first, second = ("-", "") if column.numeric or column.kind in ("day", "instant") else ("", "-")
            order = {column.sort: "ascending", f"-{column.sort}": "descending"}.get(self.sort, "")
            turned = second if self.sort == f"{first}{column.sort}" else first
            made.append(Head(column, order, f"{turned}{column.sort}"))
        return made

    def lines(self) -> list[Line]:
        """All rows, drawn."""
        whole = {column.key: self._whole(column) for column in self.columns if column.kind == "money"}
        return [self._line(row, whole) for row in self.rows]

    def total_line(self) -> Line | None:
        """The totals row, drawn with the same formats; None without totals."""
        if not self.totals:
            return None
        whole = {column.key: self._whole(column) for column in self.columns if column.kind == "money"}
        cells = []
        for column in self.columns:
            if column.key in self.totals:
                plain = replace(column, kind="text") if column.kind in ("lead", "status") else column
                cells.append(self._cell(plain, self.totals, whole))
            else:
                cells.append(Cell(column, ""))
        return Line(tuple(cells), self.totals)

    def _whole(self, column: Column) -> bool:
        values = [value_of(row, column.key) for row in (*self.rows, self.totals)]
        amounts = [abs(formats.exact(value, 4)) for value in values if value is not None]
        return (
            not amounts or max(amounts) >= formats.MILLION or all(a == a.to_integral_value() for a in amounts)
        )

    def _line(self, row: Row, whole: Mapping[str, bool]) -> Line:
        return Line(tuple(self._cell(column, row, whole) for column in self.columns), row)

    def _cell(self, column: Column, row: Row, whole: Mapping[str, bool]) -> Cell:
        href = (column.href(row) if column.href else None) or ""
        if column.kind == "lead" and not href and self.row_href is not None:
            href = self.row_href(row) or ""
        if column.render is not None:
            return Cell(column, column.render(row), href)
        value = value_of(row, column.key)
        if value is None or value == "":
            return Cell(column, "", "", reason=column.reason_of(row))
        text, title, tone, iso = self._text(column, row, value, whole.get(column.key, False))
        return Cell(column, text, href, title, "", tone, iso)

    def _text(self, column: Column, row: Row, value: Any, whole: bool) -> tuple[str, str, str, str]:
        """(text, title, tone, machine-readable form) of a value."""
        at = self.locale
        if column.kind == "money":
            currency = column.currency_of(row)
            places = column.places if column.places is not None else (0 if whole else None)
            text = formats.money(value, currency, places=places, locale=at)
            full = formats.money(value, currency, locale=at)
            rounded = places is not None and formats.exact(value, 4) != formats.exact(value, places)
            return text, full if rounded else "", "", ""
        if column.kind == "ratio":
            return (
                formats.ratio(value, places=1 if column.places is None else column.places, locale=at),
                "",
                "",
                "",
            )
        if column.kind == "times":
            return (
                formats.times(value, places=1 if column.places is None else column.places, locale=at),
                "",
                "",
                "",
            )
        if column.kind == "days":
            return formats.number(value, places=column.places, locale=at), "", "", ""
        if column.kind == "number":
            return formats.number(value, places=column.places, locale=at), "", "", ""
        if column.kind == "day" and isinstance(value, date):
            return formats.day(value, locale=at), "", "", value.isoformat()
        if column.kind == "instant" and isinstance(value, datetime):
            return formats.instant(value, column.zone, locale=at), "", "", value.isoformat()
        if column.kind == "status":
            word, tone = (
                value if isinstance(value, tuple) else (str(value), column.tones.get(str(value), "neutral"))
            )
            return str(word), "", tone if tone in TONES else "neutral", ""
        return str(value), "", "", ""


def link(text: str, href: str) -> SafeString:
    """An escaped link, for `Column.render`."""
    return format_html('<a href="{}">{}</a>', href, text)


def sort_key(sort: str, allowed: Sequence[str], default: str) -> str:
    """`sort` if it names an allowed column (with or without `-`), else `default`; for reading `?sort=`."""
    return sort if sort.removeprefix("-") in allowed else default
