"""Days and periods as people say them: "last quarter", "Q2 2026", "in March", "year to date", "1 June"."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from salesops.ask.engine.tokens import Token
from salesops.core.calendars import FiscalCalendar, Period, PeriodError, PeriodKind

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SHORT = {name[:3]: number for number, name in enumerate(MONTHS, 1)} | {"sept": 9}
_MONTH = {name: number for number, name in enumerate(MONTHS, 1)} | _SHORT
_KINDS: dict[str, PeriodKind] = {
    "year": "year", "quarter": "quarter", "month": "month", "week": "week", "half": "half",
    "qtr": "quarter", "yr": "year",
}  # fmt: skip
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
COUNTS: dict[str, int] = {
    name: number
    for number, name in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
}
_THIS = frozenset({"this", "current", "present"})
_LAST = frozenset({"last", "previous", "prior", "past", "preceding"})
_PRIOR = frozenset({"previous", "prior", "preceding"})
"""What lies before the period asked for where two are compared, not before today."""
_NEXT = frozenset({"next", "coming", "following", "upcoming"})
_TO_DATE = {"ytd": "year", "qtd": "quarter", "mtd": "month"}
_YEARLY = (("year", "on", "year"), ("year", "over", "year"), ("yoy",), ("y", "o", "y"))
_QUARTERLY = (("quarter", "on", "quarter"), ("quarter", "over", "quarter"), ("qoq",))
_MONTHLY = (("month", "on", "month"), ("month", "over", "month"), ("mom",))
_EVER = (
    ("all", "time"),
    ("of", "all", "time"),
    ("ever",),
    ("all", "data"),
    ("all", "the", "data"),
    ("all", "periods"),
)
_LABEL = re.compile(r"\d{4}-(?:[hqmw]\d{1,2}|\d{2})")
_MONTH_LABEL = re.compile(r"\d{4}-\d{2}")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_BEFORE = frozenset({"before", "earlier", "prior"})
BEGIN, END = date(1, 1, 1), date(9999, 12, 31)
"""Stand for the end of a range that is not said."""
_MOST = 1_000
_MOST_WORDS = 8
"""Words that name days, at most."""

Says = Literal["period", "day", "ever", "earlier"]
Step = PeriodKind | Literal["day", "period"]
"""What is counted back from a period: "period" is one as long as that itself."""


@dataclass(frozen=True)
class When:
    """Days that some words name.

    Attributes:
        length: how many words.
        says: a period, one day, all days, or "the same a while earlier" (``earlier`` tells how much).
        period: the days; None for all and for what is relative to another period.
        earlier: kind of period that it lies earlier by: year, quarter or month.
        compares: whether "earlier" asks for a comparison ("year on year"), not for that period itself.
        same: kind of period that lies earlier ("the same month last year"); None where none is named.
        prior: kind and count of periods said to be the previous ones ("previous quarter", "prior 30 days").
        ranged: whether an end of it was said as "since", "after", "before" or "until".
        back: whether it was said as the last one ("last quarter"), not by its name.
        same_day: of "a year ago", today's day a year before: what a number of a day is told of.
    """

    length: int
    says: Says
    period: Period | None = None
    earlier: PeriodKind | None = None
    compares: bool = False
    same: PeriodKind | Literal["day"] | None = None
    prior: tuple[Step, int] | None = None
    ranged: bool = False
    same_day: date | None = None
    back: bool = False


class Days:
    """Reads days, for one calendar and one day that "today" means.

    Args:
        calendar: the firm's.
        today: what "today" means.
    """

    def __init__(self, calendar: FiscalCalendar, today: date) -> None:
        self.calendar = calendar
        self.today = today

    def at(self, tokens: Sequence[Token], place: int, *, ahead: bool = False) -> When | None:
        """The longest words from ``place`` on that name days; None where none do.

        Args:
            tokens: of the whole question.
            place: where to begin.
            ahead: a month or quarter without a year is the next one that is not over, not the latest that has begun.
        """
        near = tokens[place : place + _MOST_WORDS]
        nothing = [""] * (_MOST_WORDS - len(near))
        words = ["" if t.quoted else t.word for t in near] + nothing
        stems = ["" if t.quoted else t.stem for t in near] + nothing
        return self._longest(words, stems, ahead)

    def _longest(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        readers = (
            self._ever, self._earlier, self._one_before, self._to_date, self._one_day, self._label, self._quarter,
            self._month, self._year, self._relative, self._rolling,
        )  # fmt: skip
        found: list[When] = []
        for reader in readers:
            try:
                when = reader(words, stems, ahead)
            except (PeriodError, ValueError, OverflowError):
                continue
            if when is not None:
                found.append(when)
        return max(found, key=lambda w: w.length, default=None)

    # --- One reader for each way to say it ----------------------------------------------------------

    def _ever(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        length = _said(words, _EVER)
        return When(length, "ever") if length else None

    def _earlier(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        kinds: tuple[tuple[tuple[tuple[str, ...], ...], PeriodKind], ...] = (
            (_YEARLY, "year"), (_QUARTERLY, "quarter"), (_MONTHLY, "month"),
        )  # fmt: skip
        for phrases, kind in kinds:
            if length := _said(words, phrases):
                return When(length, "earlier", earlier=kind, compares=True)
        if words[0] in ("a", "one") and words[1] == "year" and words[2] in ("ago", "earlier", "before"):
            return When(3, "earlier", earlier="year")
        start = 1 if words[0] == "the" else 0
        same = words[start : start + 1] == ["same"] and words[start + 2 : start + 4] == ["last", "year"]
        if same and words[start + 1] in (*_KINDS, "period", "time", "day", "days"):
            named: PeriodKind | Literal["day"] | None = _KINDS.get(words[start + 1])
            named = "day" if words[start + 1] in ("time", "day", "days") else named
            return When(start + 4, "earlier", earlier="year", same=named)
        if words[start] == "year" and words[start + 1] in _BEFORE and not self._goes_on(words[start + 2 :]):
            return When(start + 2, "earlier", earlier="year")
        return None

    def _one_before(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        """One told from another period, "the quarter before"; "the quarter before last" is told from today."""
        start = 1 if words[0] in ("the", "a", "one") else 0
        kind: Step | None = _KINDS.get(words[start])
        if words[start] in ("period", "one") and words[0] == "the":
            kind = "period"
        if words[0] == "the" and words[1] in _PRIOR and words[2] == "period":
            return When(3, "earlier", prior=("period", 1))
        if words[0] in _PRIOR and words[1] == "period":
            return When(2, "earlier", prior=("period", 1))
        if kind is None or words[start + 1] not in _BEFORE:
            return None
        if words[start] in _KINDS and words[start + 1 : start + 3] == ["before", "last"]:
            now = self.calendar.period(_KINDS[words[start]], self.today)
            return When(start + 3, "period", self.calendar.shift(now, -2))
        if kind == "year" or self._goes_on(words[start + 2 :]):
            return None
        return When(start + 2, "earlier", prior=(kind, 1))

    def _goes_on(self, words: Sequence[str]) -> bool:
        """Whether days follow: "the quarter before June" is before June, not before another quarter."""
        rest = [*words, *[""] * (_MOST_WORDS - len(words))]
        return bool(words[0]) and self._longest(rest, rest, False) is not None

    def _to_date(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        if words[0] in _TO_DATE:
            return self._until_today(_TO_DATE[words[0]], 1)
        start = 1 if words[0] in ("this", "the") else 0
        if words[start + 1 : start + 3] == ["to", "date"] and words[start] in _KINDS:
            return self._until_today(words[start], start + 3)
        if start and words[start] in _KINDS and words[start + 1 : start + 3] == ["so", "far"]:
            return self._until_today(words[start], start + 3)
        return None

    def _until_today(self, kind: str, length: int) -> When:
        whole = self.calendar.period(_KINDS[kind], self.today)
        return When(length, "period", self.calendar.to_date(whole, self.today))

    def _one_day(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        start = 1 if words[0] == "the" else 0
        if words[0] in ("today", "yesterday", "tomorrow"):
            gap = {"today": 0, "yesterday": -1, "tomorrow": 1}[words[0]]
            return self._day(self.today + timedelta(days=gap), 1)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", words[0]):
            return self._day(date.fromisoformat(words[0]), 1)
        if (number := _DAY.fullmatch(words[start])) and len(words) > start + 1:
            at = start + (2 if words[start + 1] == "of" else 1)
            if at < len(words) and words[at] in _MONTH:
                return self._dated(int(number[1]), words[at], words[at + 1 : at + 2], at + 1, ahead)
        if words[0] in _MONTH and len(words) > 1 and (number := _DAY.fullmatch(words[1])):
            return self._dated(int(number[1]), words[0], words[2:3], 2, ahead)
        return None

    def _dated(self, day: int, month: str, after: Sequence[str], length: int, ahead: bool) -> When:
        year = _year(after[0]) if after else None
        if year is not None:
            return self._day(date(year, _MONTH[month], day), length + 1)
        found = date(self.today.year, _MONTH[month], day)
        if ahead and found < self.today:
            found = found.replace(year=found.year + 1)
        elif not ahead and found > self.today:
            found = found.replace(year=found.year - 1)
        return self._day(found, length)

    def _day(self, day: date, length: int) -> When:
        return When(length, "day", self.calendar.parse(f"{day}..{day}"))

    def _label(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        if _LABEL.fullmatch(words[0]):
            return When(1, "period", self.calendar.parse(words[0]))
        return None

    def _quarter(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        start = 1 if words[0] == "the" else 0
        head, length = words[start], start + 1
        if re.fullmatch(r"q[1-4]", head) or re.fullmatch(r"h[12]", head):
            letter, number = head[0], int(head[1])
        elif head in _ORDINALS and words[start + 1 : start + 2] in (["quarter"], ["half"]):
            letter, number = words[start + 1][0], _ORDINALS[head]
            length += 1
        elif head in ("quarter", "half") and words[start + 1 : start + 2] and words[start + 1] in "1234":
            letter, number = head[0], int(words[start + 1])
            length += 1
        else:
            return None
        kind: PeriodKind = "quarter" if letter == "q" else "half"
        year, more = self._of_year(words[length:])
        if year is not None:
            return When(length + more, "period", self.calendar.parse(f"{year:04}-{letter}{number}"))
        label = self.calendar.period("year", self.today).label
        found = self.calendar.parse(f"{label[:4]}-{letter}{number}")
        return When(length, "period", self._nearest(found, {"quarter": 4, "half": 2}[kind], ahead))

    def _of_year(self, words: Sequence[str]) -> tuple[int | None, int]:
        """A fiscal year that follows, and how many words name it."""
        start = 1 if words[:1] in (["of"], ["in"]) else 0
        for gap in (start, start + 1):
            if gap == start + 1 and words[start : start + 1] not in (["fiscal"], ["fy"], ["year"], ["the"]):
                continue
            if words[gap : gap + 1] and (year := _year(words[gap])) is not None:
                return year, gap + 1
        if words[start + 1 : start + 2] == ["year"] and words[start] in _THIS | _LAST | _NEXT:
            step = -1 if words[start] in _LAST else 1 if words[start] in _NEXT else 0
            shifted = self.calendar.shift(self.calendar.period("year", self.today), step)
            return int(shifted.label[:4]), start + 2
        return None, 0

    def _nearest(self, found: Period, steps: int, ahead: bool) -> Period:
        """The latest that has begun; looking ahead, the next that is not over."""
        if not ahead and found.first > self.today:
            return self.calendar.shift(found, -steps)
        if ahead and found.last < self.today:
            return self.calendar.shift(found, steps)
        return found

    def _month(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        start = 1 if words[0] in _THIS | _LAST | _NEXT else 0
        if words[start : start + 1] == [] or words[start] not in _MONTH:
            return None
        month, rest = _MONTH[words[start]], words[start + 1 : start + 3]
        skip = 1 if rest[:1] == ["of"] else 0
        year = _year(rest[skip]) if rest[skip : skip + 1] else None
        if year is not None and not start:
            return When(start + 2 + skip, "period", self.calendar.parse(f"{year:04}-{month:02}"))
        found = self.calendar.parse(f"{self.today.year:04}-{month:02}")
        if not start:
            return When(1, "period", self._nearest(found, 12, ahead))
        if words[0] in _LAST:
            found = found if found.last < self.today else self.calendar.shift(found, -12)
        elif words[0] in _NEXT:
            found = found if found.first > self.today else self.calendar.shift(found, 12)
        return When(2, "period", found)

    def _year(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        for lead in (("fiscal", "year"), ("financial", "year"), ("fiscal",), ("fy",), ("year",), ()):
            if tuple(words[: len(lead)]) != lead or len(words) <= len(lead):
                continue
            year = _year(words[len(lead)])
            if year is not None:
                return When(len(lead) + 1, "period", self.calendar.parse(f"{year:04}"))
        return None

    def _relative(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        start = 1 if words[0] == "the" else 0
        step = next((n for n, w in ((0, _THIS), (-1, _LAST), (1, _NEXT)) if words[start] in w), None)
        at = start + 1
        if step is None or len(words) <= at:
            return None
        if words[at] in ("fiscal", "financial", "calendar") and len(words) > at + 1:
            if words[at] == "calendar":
                return None
            at += 1
        if words[at] not in _KINDS:
            return None
        kind = _KINDS[words[at]]
        found = self.calendar.shift(self.calendar.period(kind, self.today), step)
        if step == 0 and kind != "year" and words[at + 1 : at + 3] == ["last", "year"]:
            return When(at + 3, "period", self.before(found, "year"))
        prior = (kind, 1) if words[start] in _PRIOR else None
        return When(at + 1, "period", found, prior=prior, back=step == -1)

    def _rolling(self, words: Sequence[str], stems: Sequence[str], ahead: bool) -> When | None:
        start = 1 if words[0] == "the" else 0
        if words[start] not in _LAST | _NEXT or len(words) < start + 3:
            return None
        text, unit, back = words[start + 1], stems[start + 2], words[start] in _LAST
        count = COUNTS.get(text) or (int(text) if text.isascii() and text.isdigit() else 0)
        if not 1 <= count <= _MOST:
            return None
        if unit == "day":
            first, last = (
                (self.today - timedelta(days=count - 1), self.today)
                if back
                else (self.today + timedelta(days=1), self.today + timedelta(days=count))
            )
        elif unit in _KINDS:
            now = self.calendar.period(_KINDS[unit], self.today)
            near = self.calendar.shift(now, -1 if back else 1)
            far = self.calendar.shift(now, -count if back else count)
            first, last = (far.first, near.last) if back else (near.first, far.last)
        else:
            return None
        kind: PeriodKind | Literal["day"] = "day" if unit == "day" else _KINDS[unit]
        prior = (kind, count) if words[start] in _PRIOR else None
        return When(start + 3, "period", self.calendar.parse(f"{first}..{last}"), prior=prior)

    # --- Periods from others ------------------------------------------------------------------------

    def before(self, period: Period, kind: PeriodKind) -> Period:
        """The same days one year, quarter or month earlier.

        Raises:
            PeriodError: the calendar does not reach there, or a period is longer than what it is moved by.
        """
        steps = {"year": {"year": 1, "half": 2, "quarter": 4, "month": 12, "week": 52}}.get(kind, {})
        steps |= {"quarter": {"quarter": 1, "month": 3}, "month": {"month": 1}}.get(kind, {})
        if period.kind in steps:
            return self.calendar.shift(period, -steps[period.kind])
        if _is_month(period):  # it moves by its own kind, whatever the months of the calendar are
            return self.calendar.shift(period, -steps["month"])
        if period.kind != "custom":
            raise PeriodError(f"{period.title} is no part of a {kind}.")
        whole = self.calendar.period(kind, period.first)
        earlier = self.calendar.shift(whole, -1)
        first = self.calendar.same_day_of(whole, earlier, period.first)
        ends = self.calendar.period(kind, period.last)
        last = self.calendar.same_day_of(ends, self.calendar.shift(ends, -1), period.last)
        return self.calendar.parse(f"{first}..{last}")

    def on(self, today: date) -> Days:
        """The same on another day."""
        return Days(self.calendar, today)

    def ago(self, count: int, unit: str) -> date | None:
        """The day so many days, weeks, months, quarters or years before today; None where no calendar reaches it.

        A month back is the same day of the month, or its last one where it has no such day.
        """
        if unit in ("day", "week"):
            days = count * (7 if unit == "week" else 1)
            return self.today - timedelta(days=days) if days < self.today.toordinal() else None
        months = (
            self.today.year * 12 + self.today.month - 1 - count * {"month": 1, "quarter": 3, "year": 12}[unit]
        )
        year, month = months // 12, months % 12 + 1
        if year < 1:
            return None
        return date(year, month, min(self.today.day, monthrange(year, month)[1]))

    def preceding(self, base: Period, kind: Step, count: int) -> Period:
        """The ``count`` periods, or days, that end where ``base`` begins.

        Raises:
            PeriodError: the base does not begin with such a period, or is longer or shorter than that.
        """
        if count == 1 and kind in ("period", "month") and _is_month(base):
            return self.calendar.shift(base, -1)
        if kind == "period":
            if base.kind == "custom":
                raise PeriodError(
                    f"{base.title} is no period of the calendar: name the one it is compared with."
                )
            return self.calendar.shift(base, -1)
        if kind == "day":
            if base.days != count:
                raise PeriodError(f"{base.title} has {base.days} days, not {count}: name the other period.")
            return self.span(base.first - timedelta(days=count), base.first - timedelta(days=1))
        opening = self.calendar.period(kind, base.first)
        begun = base.kind == "custom" and base.first == opening.first and base.last <= opening.last
        if count == 1 and begun and kind in ("year", "quarter", "month"):
            return self.before(base, kind)
        ends = self.calendar.shift(opening, count - 1).last
        if (opening.first, ends) != (base.first, base.last):
            length = f"one {kind}" if count == 1 else f"{count} {kind}s"
            raise PeriodError(f"{base.title} is not {length} long: name the period it is compared with.")
        if count == 1:
            return self.calendar.shift(opening, -1)
        return self.span(self.calendar.shift(opening, -count).first, base.first - timedelta(days=1))

    def span(self, first: date, last: date) -> Period:
        """The days from one to another.

        Raises:
            PeriodError: they are the wrong way round.
        """
        return self.calendar.parse(f"{first}..{last}")


def _is_month(period: Period) -> bool:
    """Whether it is a calendar month of a calendar whose own months are made of weeks."""
    return period.kind == "custom" and _MONTH_LABEL.fullmatch(period.label) is not None


def _said(words: Sequence[str], phrases: Sequence[tuple[str, ...]]) -> int:
    return max((len(p) for p in phrases if tuple(words[: len(p)]) == p), default=0)


def _year(word: str) -> int | None:
    """A year as people write it: 2026, FY2026, FY26."""
    match = re.fullmatch(r"(?:fy'?)?((?:19|20)\d{2})", word)
    if match:
        return int(match[1])
    match = re.fullmatch(r"fy'?(\d{2})", word)
    return 2000 + int(match[1]) if match else None
