"""Named periods in rules: ``'this quarter'``, ``'last month'``, ``'2026-Q1'``, in the firm's fiscal calendar."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from salesops.core.calendars import FiscalCalendar, PeriodError
from salesops.rules.errors import RuleError

PeriodReader = Callable[[str], tuple[date, date]]
"""Name of a period -> its first and last day, both included; raises RuleError where there is none."""

_RELATIVE = re.compile(r"(this|last|next) (week|month|quarter|half|year)", re.IGNORECASE)
_LABEL = re.compile(r"(FY)?\d{4}(-(Q\d|H\d|M\d\d|W\d\d|\d\d))?", re.IGNORECASE)
_MOVES = {"this": 0, "last": -1, "next": 1}


def is_period(text: str) -> bool:
    """Whether a text has the form of a period's name."""
    wanted = " ".join(text.split())
    return bool(_RELATIVE.fullmatch(wanted) or _LABEL.fullmatch(wanted))


def canonical_period(text: str) -> str:
    """A period's name as it is kept: one blank between words, small words, capital labels."""
    wanted = " ".join(text.split())
    return wanted.lower() if _RELATIVE.fullmatch(wanted) else wanted.upper()


def period_reader(calendar: FiscalCalendar, today: date) -> PeriodReader:
    """Reads the names of periods as seen from a day.

    Args:
        calendar: the firm's fiscal calendar.
        today: the day that ``this quarter`` holds.
    """

    def read(text: str) -> tuple[date, date]:
        match = _RELATIVE.fullmatch(" ".join(text.split()))
        try:
            if match is None:
                period = calendar.parse(text)
            else:
                kind = match[2].lower()
                period = calendar.shift(calendar.period(kind, today), _MOVES[match[1].lower()])  # type: ignore[arg-type]
        except PeriodError as error:
            raise RuleError(f"{text!r} is no period of your calendar: {error}.") from error
        return period.first, period.last

    return read
