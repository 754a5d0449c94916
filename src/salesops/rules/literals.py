"""Numbers, days, spans and shapes as people write them, typed once and for all."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from salesops.rules.errors import RuleError, shortened
from salesops.rules.nodes import Unit

MOST_DIGITS = 15
"""Digits before the decimal point."""
MOST_PLACES = 6
"""Digits after it."""
MOST_LETTERS = 500
"""Characters of one text."""
MOST_WILDCARDS = 4
MOST_DAYS = 36_600
"""Days that a span may move a date by."""

_NUMBER = re.compile(r"(\d+)(?:\.(\d*))?")
_SPAN = re.compile(r"(-?\d{1,6})\s+(day|week|month|quarter|year)s?", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
ESCAPE = "!"
"""Escape character of the canonical text."""


def number(text: str, position: int | None) -> Decimal:
    """An exact number.

    Raises:
        RuleError: an exponent, or more digits than are kept.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise RuleError(
            f"{shortened(text)!r} is not a plain number: write it out, such as 12000 or 0.25.", position
        )
    if len(match[1].lstrip("0")) > MOST_DIGITS or len((match[2] or "").rstrip("0")) > MOST_PLACES:
        raise RuleError(
            f"{shortened(text)!r} has too many digits: {MOST_DIGITS} before the point and {MOST_PLACES} after it "
            "are kept.",
            position,
        )
    return Decimal(f"{match[1]}.{match[2] or 0}")


def checked(value: Decimal, position: int | None) -> Decimal:
    """A computed constant, if it is one that could have been written.

    Raises:
        RuleError: it is too large or has too many places.
    """
    if abs(value) >= Decimal(10) ** MOST_DIGITS or value != round(value, MOST_PLACES):
        raise RuleError(f"{value:f} has too many digits for a rule.", position)
    return value


def plain(value: Decimal) -> str:
    """A number as it is written: no exponent, no idle zeros."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def text(value: str, position: int | None) -> str:
    """A text, if it is not too long."""
    if len(value) > MOST_LETTERS:
        raise RuleError(
            f"A text of {len(value):,} characters: at most {MOST_LETTERS} are compared.", position
        )
    return value


def is_day(value: str) -> bool:
    """Whether a text has the form of a day."""
    return _DAY.fullmatch(value.strip()) is not None


def day(value: str, position: int | None) -> date:
    """A day written as 2026-01-31.

    Raises:
        RuleError: another form, or no day of the calendar.
    """
    if not is_day(value):
        raise RuleError(
            f"{shortened(value)!r} is no date: write a day as '2026-01-31', or a period such as 'this quarter' "
            "or '2026-Q1'.",
            position,
        )
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise RuleError(f"There is no day {value!r}.", position) from None


def span(value: str, position: int | None) -> tuple[int, Unit]:
    """A span of time such as ``'30 days'``; quarters are three months.

    Raises:
        RuleError: another form, or longer than a hundred years.
    """
    match = _SPAN.fullmatch(value.strip())
    if match is None:
        raise RuleError(
            f"{shortened(value)!r} is no span of time: write it as '30 days', '2 weeks' or '3 months'.",
            position,
        )
    n, unit = int(match[1]), match[2].lower()
    if unit == "quarter":
        n, unit = n * 3, "month"
    if abs(n) * {"day": 1, "week": 7, "month": 31, "year": 366}[unit] > MOST_DAYS:
        raise RuleError(f"{value!r} is longer than a hundred years.", position)
    return n, f"{unit}s"  # type: ignore[return-value]


def days_in(n: int, unit: Unit) -> int | None:
    """Days of a span; None for months and years, whose length differs."""
    return {"days": n, "weeks": 7 * n}.get(unit)


Shape = tuple[str | int | None, ...]


def shape(pattern: str, escape: str, position: int | None) -> Shape:
    """What a LIKE pattern asks: ``%`` becomes None, ``_`` becomes 1, the rest stands as it is.

    Raises:
        RuleError: an escape that escapes nothing, or more wildcards than are tried.
    """
    text(pattern, position)
    found: list[str | int | None] = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if escape and letter == escape:
            at += 1
            if at == len(pattern) or pattern[at] not in ("%", "_", escape):
                raise RuleError(f"{escape!r} escapes %, _ and itself in a pattern, nothing else.", position)
            _append(found, pattern[at])
        elif letter == "%":
            if not (found and found[-1] is None):
                found.append(None)
        elif letter == "_":
            found.append(1)
        else:
            _append(found, letter)
        at += 1
    if sum(part is None for part in found) > MOST_WILDCARDS:
        raise RuleError(f"A pattern holds at most {MOST_WILDCARDS} of %.", position)
    if not is_simple(found) and any(isinstance(part, str) and set(part) & set("%_\\") for part in found):
        raise RuleError(
            "A pattern with an escaped % or _, or with a backslash, may hold one % at its beginning and one at "
            "its end, no other wildcard.",
            position,
        )
    return tuple(found)


def is_simple(parts: Shape | list[str | int | None]) -> bool:
    """Whether a shape is one text with a wildcard at either end or none."""
    texts = [i for i, part in enumerate(parts) if isinstance(part, str)]
    return len(texts) <= 1 and 1 not in parts


def pattern_of(parts: Shape) -> tuple[str, bool]:
    """A shape as a LIKE pattern, and whether it needs the escape character."""
    escaped = any(isinstance(part, str) and set(part) & {"%", "_"} for part in parts)
    out = []
    for part in parts:
        if isinstance(part, str):
            out.append("".join(ESCAPE + c if escaped and c in ("%", "_", ESCAPE) else c for c in part))
        else:
            out.append("%" if part is None else "_")
    return "".join(out), escaped


def _append(found: list[str | int | None], letter: str) -> None:
    if found and isinstance(found[-1], str):
        found[-1] += letter
    else:
        found.append(letter)
