"""Cells of a file's columns as people read them, for tiles, mails, channels, pages and print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from salesops.ui import formats
from salesops.ui.exports import Column

NUMERIC = frozenset({"money", "number", "integer", "ratio"})
WHOLE_FROM = 1_000_000
"""A money column with an amount of this size shows no cents, so that it stays aligned."""


def text_of(column: Column, value: Any, *, cents: bool | None = None) -> str:
    """A cell as people read it; an em dash for no value. ``cents`` None lets the amount itself decide."""
    if value is None:
        return "\N{EM DASH}"
    if value == "":
        return ""
    if column.kind in NUMERIC:
        number = column.number(value)
        if column.kind == "money" and len(column.currency) == 3:
            if cents is None:
                return formats.money_auto(number, column.currency)
            return formats.money(number, column.currency, places=None if cents else 0)
        if column.kind == "ratio":
            return formats.ratio(number)
        return formats.number(number)
    if isinstance(value, datetime):
        return formats.instant(value, column.zone)
    if isinstance(value, date):
        return formats.day(value)
    return str(value)


def cells_of(columns: Sequence[Column], rows: Iterable[Any]) -> list[list[tuple[str, bool]]]:
    """Rows of (text, right-aligned)."""
    kept = list(rows)
    cents = [_cents(column, kept) for column in columns]
    return [
        [
            (text_of(c, c.value(row), cents=some), c.kind in NUMERIC)
            for c, some in zip(columns, cents, strict=True)
        ]
        for row in kept
    ]


def _cents(column: Column, rows: Sequence[Any]) -> bool | None:
    """Whether a money column shows cents: decided once for all its rows."""
    if column.kind != "money":
        return None
    found = [column.number(value) for row in rows if (value := column.value(row)) is not None]
    return any(n != int(n) for n in found) and all(abs(n) < WHOLE_FROM for n in found)
