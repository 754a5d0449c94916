"""Fiscal calendars: years, halves, quarters, months and weeks of an organisation.

A :class:`FiscalCalendar` is a rule (first month, pattern, first day of the week); it makes
:class:`Period` values, which are plain spans of whole days, both ends included. Periods of
one kind follow each other without gap or overlap for all time. Nothing here knows a time
zone: turn an instant into a day of the organisation first.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Literal, get_args

PeriodKind = Literal["year", "half", "quarter", "month", "week", "custom"]
"""Kinds of period. ``custom`` is a span somebody chose."""

YearPattern = Literal["months", "4-4-5", "4-5-4", "5-4-4"]
"""How a year divides: into calendar months, or each quarter into months of 4 and 5 weeks."""

YearNamedBy = Literal["end", "start"]
"""Whether a fiscal year carries the number of the calendar year it ends or starts in."""

_PARTS = {"year": 1, "half": 2, "quarter": 4, "month": 12}
_LETTERS = {"half": "H", "quarter": "Q", "month": "M"}
_MONTH_NAMES = (  # not calendar.month_name: that follows the locale of the machine
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_FIRST_YEAR, _LAST_YEAR = 3, 9996  # one year of room for the neighbours of the first and last period

_FISCAL = re.compile(r"(?:FY)?([0-9]{4})(?:-(H|Q|M|W)([0-9]{1,2}))?")
_CALENDAR_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_SPAN = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})")


class PeriodError(ValueError):
    """A label, day or period that this calendar cannot answer for."""


@dataclass(frozen=True)
class Period:
    """A span of whole days with a name.

    Attributes:
        kind: one of :data:`PeriodKind`.
        label: short stable name that :meth:`FiscalCalendar.parse` reads back (``2017-Q3``).
        title: name for people (``Q3 2017``). It takes no part in equality.
        first: first day.
        last: last day, included.

    Raises:
        PeriodError: ``last`` is before ``first``.
    """

    kind: PeriodKind
    label: str
    title: str = field(compare=False)
    first: date
    last: date

    def __post_init__(self) -> None:
        if _day(self.last) < _day(self.first):
            raise PeriodError(f"{self.label} ends on {self.last}, before it starts on {self.first}")

    @property
    def days(self) -> int:
        """Number of days, both ends included."""
        return (self.last - self.first).days + 1

    def contains(self, day: date) -> bool:
        """Whether the day lies in the period.

        Raises:
            TypeError: ``day`` is a datetime; an instant has no day without a time zone.
        """
        return self.first <= _day(day) <= self.last


@dataclass(frozen=True)
class FiscalCalendar:
    """How an organisation divides time.

    With pattern ``months`` the year starts on the first of ``start_month``; a fiscal month is
    a calendar month. Weeks then run beside months: week 1 is the one that holds the fourth
    day of the fiscal year, so with January and Monday weeks are those of ISO 8601.

    With a week pattern each quarter has 13 weeks, cut into months of 4, 4 and 5 weeks (or
    4-5-4, 5-4-4). The year ends on the last <day before ``week_start``> of the month before
    ``start_month`` and so has 52 or 53 weeks; a 53rd week belongs to the last month. Weeks
    divide months, quarters and years exactly. (Years that end on the weekday nearest to the
    end of a month, as in the calendar of the US National Retail Federation, are another rule.)

    Attributes:
        start_month: calendar month the fiscal year starts in (with a week pattern: starts in
            or up to six days before), 1 to 12.
        pattern: one of :data:`YearPattern`.
        week_start: first day of the week, 0 = Monday to 6 = Sunday.
        year_named_by: ``end``: the year July 2017 to June 2018 is 2018; ``start``: 2017. A
            year that starts in January has one name either way.

    Raises:
        PeriodError: a value outside these.
    """

    start_month: int = 1
    pattern: YearPattern = "months"
    week_start: int = 0
    year_named_by: YearNamedBy = "end"

    def __post_init__(self) -> None:
        if self.start_month not in range(1, 13):
            raise PeriodError(f"start_month is 1 to 12, not {self.start_month!r}")
        if self.week_start not in range(7):
            raise PeriodError(f"week_start is 0 (Monday) to 6 (Sunday), not {self.week_start!r}")
        if self.pattern not in get_args(YearPattern):
            raise PeriodError(f"pattern is one of {', '.join(get_args(YearPattern))}, not {self.pattern!r}")
        if self.year_named_by not in get_args(YearNamedBy):
            raise PeriodError(f"year_named_by is end or start, not {self.year_named_by!r}")

    # -- making periods ---------------------------------------------------------------------

    def period(self, kind: PeriodKind, day: date) -> Period:
        """The period of a kind that holds a day.

        Raises:
            PeriodError: ``kind`` is ``custom`` or unknown, or the day is outside the years
                this calendar covers (3 to 9996).
            TypeError: ``day`` is a datetime.
        """
        day = _day(day)
        if kind == "week":
            return self._week_holding(day)
        parts = _parts(kind)
        year = self._year_holding(day)
        return self._part(kind, year, self._month_in_year(year, day) * parts // 12)

    def parse(self, label: str) -> Period:
        """The period a label names; case and surrounding blanks do not matter.

        ``2017`` or ``FY2017`` fiscal year · ``2017-H1`` half · ``2017-Q3`` quarter ·
        ``2017-M05`` fifth month of the fiscal year · ``2017-W05`` week · ``2017-08`` calendar
        month August 2017 · ``2017-01-01..2017-03-31`` any span, both days included. ``FY``
        may stand before every fiscal form.

        With a week pattern a calendar month is no fiscal month; it is then a custom period.

        Raises:
            PeriodError: another form, or a period that does not exist (``2017-Q5``,
                ``2017-W53`` in a year of 52 weeks).
        """
        text = label.strip().upper()
        if match := _SPAN.fullmatch(text):
            return self._span(label, match[1], match[2])
        if match := _CALENDAR_MONTH.fullmatch(text):
            if match[2] not in {f"{month:02}" for month in range(1, 13)} or match[1] == "0000":
                raise PeriodError(f"{label!r}: there is no month {match[2]} of {match[1]}")
            return self._calendar_month(int(match[1]), int(match[2]))
        if match := _FISCAL.fullmatch(text):
            return self._fiscal(label, int(match[1]), match[2], int(match[3] or 0))
        raise PeriodError(
            f"{label!r} is not a period; write 2017, 2017-H1, 2017-Q3, 2017-M05 (fiscal month), "
            "2017-08 (calendar month), 2017-W05 or 2017-01-01..2017-03-31"
        )

    def shift(self, period: Period, n: int) -> Period:
        """The period ``n`` steps later (earlier if negative); ``shift(shift(p, n), -n) == p``.

        Fiscal periods move by their kind. A calendar month moves by calendar months. Any
        other custom span moves by its own number of days, so that it touches the old one.

        Raises:
            PeriodError: the period is not one of this calendar, or the result is out of range.
        """
        if period.kind == "custom":
            return self._shift_custom(period, n)
        if self.period(period.kind, period.first) != period:
            raise PeriodError(f"{period.label} ({period.first} to {period.last}) is not of this calendar")
        if period.kind == "week":
            return self._week_holding(_plus(period.first, 7 * n))
        parts = _parts(period.kind)
        year = self._year_holding(period.first)
        part = self._month_in_year(year, period.first) * parts // 12
        years, part = divmod(part + n, parts)
        return self._part(period.kind, year + years, part)

    def whole_before(self, period: Period, since: date, most: int) -> list[Period]:
        """The latest ``most`` periods of its kind before a period that begin on ``since`` or later, oldest first."""
        found: list[Period] = []
        at = period
        while len(found) < most:
            try:
                at = self.shift(at, -1)
            except (PeriodError, OverflowError):  # before the first day there is
                break
            if at.first < since:
                break
            found.insert(0, at)
        return found

    def periods(self, kind: PeriodKind, first: date, last: date) -> list[Period]:
        """All periods of a kind that share a day with ``first`` to ``last``, in order.

        The first and last of them are whole: they may reach beyond the two days.

        Raises:
            PeriodError: ``last`` is before ``first``, or ``kind`` is ``custom``.
        """
        if _day(last) < _day(first):
            raise PeriodError(f"the span ends on {last}, before it starts on {first}")
        found = [self.period(kind, first)]
        while found[-1].last < last:
            found.append(self.period(kind, _plus(found[-1].last, 1)))
        return found

    # -- points inside periods --------------------------------------------------------------

    def to_date(self, period: Period, day: date) -> Period:
        """The period up to and including a day: ``Q3 2017 to 15 Aug 2017``.

        The result is custom; on or after the last day it is the period itself.

        Raises:
            PeriodError: the period has not started on that day.
        """
        self._started(period, day)
        if day >= period.last:
            return period
        title = f"{period.title} to {_short(day)}"
        return Period("custom", f"{period.first}..{day}", title, period.first, day)

    def same_day_of(self, period: Period, other: Period, day: date) -> date:
        """The day of ``other`` that stands where ``day`` stands in ``period``.

        For comparing "so far" with an earlier period. A finished period compares with the
        whole of the other. Where both start on the same day of the year (this year and last,
        Q3 and Q3 a year ago; not weeks or week patterns) it is the same date, 28 February
        standing for the 29th. Otherwise it is the day with the same number, counted from the
        start, which keeps weekdays together in week patterns. Never beyond ``other.last``.

        Raises:
            PeriodError: ``period`` has not started on that day.
        """
        self._started(period, day)
        if day >= period.last:
            return other.last
        same_start = (period.first.month, period.first.day) == (other.first.month, other.first.day)
        if same_start and self.pattern == "months" and period.kind != "week":
            years = other.first.year - period.first.year
            length = monthrange(day.year + years, day.month)[1]
            return min(other.last, date(day.year + years, day.month, min(day.day, length)))
        return min(other.last, other.first + (day - period.first))

    # -- years ------------------------------------------------------------------------------
    # Inside, a year is the calendar year that holds the first of its start month.

    def _number(self, year: int) -> int:
        return year + (self.year_named_by == "end" and self.start_month > 1)

    def _year_name(self, year: int) -> str:
        number = f"{self._number(year):04}"
        return number if self.start_month == 1 and self.pattern == "months" else f"FY{number}"

    def _year_first(self, year: int) -> date:
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            raise PeriodError(f"the year {year} is outside {_FIRST_YEAR} to {_LAST_YEAR}")
        first = date(year, self.start_month, 1)
        if self.pattern == "months":
            return first
        # The last day of a week that falls before the first of the month, plus one.
        return first - timedelta(days=(first.weekday() - self.week_start) % 7)

    def _year_holding(self, day: date) -> int:
        year = day.year if day.month >= self.start_month else day.year - 1
        if self.pattern != "months" and day >= self._year_first(year + 1):
            return year + 1
        return year

    # -- halves, quarters, months -----------------------------------------------------------

    def _weeks_before_month(self) -> list[int]:
        return [0, *accumulate([int(weeks) for weeks in self.pattern.split("-")] * 4)]

    def _month_in_year(self, year: int, day: date) -> int:
        if self.pattern == "months":
            return (day.month - self.start_month) % 12
        week = (day - self._year_first(year)).days // 7
        return min(bisect_right(self._weeks_before_month(), week) - 1, 11)

    def _month_first(self, year: int, month: int) -> date:
        """First day of the month numbered 0 to 11; 12 is the start of the next year."""
        if month == 12:
            return self._year_first(year + 1)
        first = self._year_first(year)
        if self.pattern == "months":
            months = self.start_month - 1 + month
            return date(year + months // 12, months % 12 + 1, 1)
        return first + timedelta(weeks=self._weeks_before_month()[month])

    def _part(self, kind: PeriodKind, year: int, part: int) -> Period:
        """The part numbered from 0 of a year."""
        months = 12 // _parts(kind)
        first = self._month_first(year, part * months)
        last = self._month_first(year, (part + 1) * months) - timedelta(days=1)
        number, name = f"{self._number(year):04}", self._year_name(year)
        if kind == "year":
            return Period(kind, number, name, first, last)
        if kind != "month":
            letter = _LETTERS[kind]
            return Period(kind, f"{number}-{letter}{part + 1}", f"{letter}{part + 1} {name}", first, last)
        if self.pattern == "months":
            return Period(kind, _month_label(first), _month_title(first), first, last)
        return Period(kind, f"{number}-M{part + 1:02}", f"Month {part + 1} {name}", first, last)

    def _fiscal(self, label: str, number: int, letter: str | None, part: int) -> Period:
        year = number - self._number(0)
        if letter is None:
            return self._part("year", year, 0)
        if letter == "W":
            week = self._week_holding(_plus(self._week_one(year), 7 * (part - 1)))
            if part < 1 or week.label != f"{number:04}-W{part:02}":
                raise PeriodError(f"{label!r}: the fiscal year {number} has no week {part}")
            return week
        kind: PeriodKind = "half" if letter == "H" else "quarter" if letter == "Q" else "month"
        if not 1 <= part <= _parts(kind):
            raise PeriodError(f"{label!r}: a year has {_parts(kind)} of these, numbered from 1")
        return self._part(kind, year, part - 1)

    # -- weeks ------------------------------------------------------------------------------

    def _week_one(self, year: int) -> date:
        first = self._year_first(year)
        if self.pattern != "months":
            return first
        fourth = first + timedelta(days=3)
        return fourth - timedelta(days=(fourth.weekday() - self.week_start) % 7)

    def _week_holding(self, day: date) -> Period:
        year = self._year_holding(day)
        if day < self._week_one(year):
            year -= 1
        elif day >= self._week_one(year + 1):
            year += 1
        one = self._week_one(year)
        week = (day - one).days // 7
        first = one + timedelta(weeks=week)
        label = f"{self._number(year):04}-W{week + 1:02}"
        title = f"Week {week + 1}, {self._year_name(year)}"
        return Period("week", label, title, first, first + timedelta(days=6))

    # -- custom -----------------------------------------------------------------------------

    def _calendar_month(self, year: int, month: int) -> Period:
        first = date(year, month, 1)
        last = date(year, month, monthrange(year, month)[1])
        kind: PeriodKind = "month" if self.pattern == "months" else "custom"
        return Period(kind, _month_label(first), _month_title(first), first, last)

    @staticmethod
    def _span(label: str, first: str, last: str) -> Period:
        try:
            days = date.fromisoformat(first), date.fromisoformat(last)
        except ValueError as error:
            raise PeriodError(f"{label!r}: {error}") from None
        return _custom(*days)

    def _shift_custom(self, period: Period, n: int) -> Period:
        if match := _CALENDAR_MONTH.fullmatch(period.label):
            years, month = divmod(int(match[1]) * 12 + int(match[2]) - 1 + n, 12)
            if not date.min.year <= years <= date.max.year:
                raise PeriodError(f"{period.label} moved by {n} is outside the calendar")
            return self._calendar_month(years, month + 1)
        days = period.days * n
        return _custom(_plus(period.first, days), _plus(period.last, days))

    @staticmethod
    def _started(period: Period, day: date) -> None:
        if _day(day) < period.first:
            raise PeriodError(f"{period.title} starts on {period.first}; it has no days up to {day}")


def _parts(kind: PeriodKind) -> int:
    if kind not in _PARTS:
        raise PeriodError(f"{kind!r} is not a kind of fiscal period: year, half, quarter, month or week")
    return _PARTS[kind]


def _day(day: date) -> date:
    if isinstance(day, datetime):
        raise TypeError("a period is made of days; turn the instant into a day of the organisation first")
    return day


def _plus(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise PeriodError(f"{day} moved by {days} days is outside the calendar") from None


def _custom(first: date, last: date) -> Period:
    return Period("custom", f"{first}..{last}", f"{_short(first)} to {_short(last)}", first, last)


def _short(day: date) -> str:
    return f"{day.day} {_MONTH_NAMES[day.month - 1][:3]} {day.year}"


def _month_label(first: date) -> str:
    return f"{first.year:04}-{first.month:02}"


def _month_title(first: date) -> str:
    return f"{_MONTH_NAMES[first.month - 1]} {first.year}"
