"""Worked cases as the engines' own inputs: dates, exact numbers, deals as a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.analytics.engine.frames import DEALS
from salesops.analytics.engine.response import LeadTouches
from salesops.core.calendars import Period

_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(9999, 12, 31)
_ARROW = {
    "string": pa.string(),
    "int64": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "decimal(19,4)": pa.decimal128(19, 4),
    "decimal(19,6)": pa.decimal128(19, 6),
}
_CLASSES = {"won": "won", "closed won": "won", "lost": "lost", "closed lost": "lost"}


def number(value: Any) -> Decimal | int | None:
    """A number of a case, exactly as written; None stays None.

    Raises:
        TypeError: where it is not a number.
    """
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} is not a number")
    return value if isinstance(value, int) else Decimal(str(value))


def numbers(values: Mapping[str, Any] | None) -> dict[str, Decimal | int | None]:
    """A mapping of numbers."""
    return {str(name): number(value) for name, value in (values or {}).items()}


def day(value: Any) -> date | None:
    """A day written as a date, an instant or ISO text; None stays None."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])


def instant(value: Any) -> datetime:
    """An instant; one without a zone is UTC."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def period(value: Sequence[Any] | None) -> Period | None:
    """``[first, last]`` as a period; an end left open reaches as far as dates go; None = all."""
    if not value:
        return None
    first, last = day(value[0]) or _FIRST_DAY, day(value[1]) or _LAST_DAY
    label = f"{first.isoformat()}..{last.isoformat()}"
    return Period(kind="custom", label=label, title=label, first=first, last=last)


def frame(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, str]) -> ir.Table:
    """Rows as a frame of the schema; a column no row names is null."""
    columns = {name: pa.array([row.get(name) for row in rows], _ARROW[kind]) for name, kind in schema.items()}
    return ibis.memtable(pa.table(columns))


def deals(rows: Sequence[Mapping[str, Any]], stage: str = "") -> ir.Table:
    """Opportunities of a case as the conformed deals frame.

    Args:
        rows: mappings with any of id, amount, stage, created, closed, close, category, owner.
            ``close`` is the actual close date once won or lost, else the expected one.
        stage: stage of rows that name none.
    """
    conformed = []
    for i, row in enumerate(rows):
        written = str(row.get("stage") or stage or "open").strip().casefold()
        stage_class = _CLASSES.get(written, "open")
        open_now = stage_class == "open"
        close = day(row.get("close"))
        amount = number(row.get("amount"))
        conformed.append(
            {
                "id": str(row.get("id", i)),
                "owner_id": row.get("owner"),
                "stage": written,
                "stage_class": stage_class,
                "forecast_category": _category(row.get("category")),
                "amount": None if amount is None else Decimal(amount),
                "created_on": day(row.get("created")),
                "closed_on": None if open_now else day(row.get("closed")) or close,
                "expected_close_on": close if open_now else None,
            }
        )
    return frame(conformed, DEALS)


def _category(value: Any) -> str | None:
    return None if value is None else str(value).strip().casefold().replace(" ", "_")


def lead(created: Any, touches: Sequence[Sequence[Any]]) -> LeadTouches:
    """A lead of a case; a touch is ``[time, auto or human]``."""
    made = tuple((instant(at), str(kind).strip().casefold()) for at, kind in touches)
    return LeadTouches(instant(created), made)
