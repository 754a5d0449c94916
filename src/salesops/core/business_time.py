"""Business time: how long an office was open, and when a promise falls due.

A :class:`BusinessCalendar` has a time zone, opening hours by weekday and holidays. It counts
elapsed minutes while the office is open, so a day on which clocks change counts the hours
that really passed. Time that arrives outside opening hours starts at the next opening: no
clock time is carried over a closed day.

Instants are aware datetimes; answers are in UTC. Days and hours are those of the zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

Hours = Mapping[int, tuple[tuple[time, time], ...]]
"""Opening hours by weekday (0 = Monday): pairs of opening and closing. Closing at 00:00 means
the end of the day. A night shift is written on two days: 22:00 to 00:00 and 00:00 to 06:00."""

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MIDNIGHT = time(0)
_REMEMBERED_DAYS = 10_000  # 27 years; more would only hold memory


class BusinessTimeError(ValueError):
    """Opening hours, an instant or a span that cannot be used, with what to do about it."""


def monday_to_friday(opens: time = time(9), closes: time = time(17)) -> Hours:
    """Opening hours that are the same from Monday to Friday, 09:00 to 17:00 unless given."""
    return dict.fromkeys(range(5), ((opens, closes),))


@dataclass(frozen=True)
class BusinessCalendar:
    """When an office, team or person works.

    An opening runs from the first instant at which the clock on the wall shows (or has
    jumped past) its start to the first at which it shows its end. Hours from 00:00 to 00:00
    last 23 or 25 hours on a day when clocks change.

    Attributes:
        zone: IANA time zone (``America/New_York``).
        hours: opening hours by weekday, see :data:`Hours`; a weekday without any is closed.
        holidays: days of the zone on which it is closed all day.

    Raises:
        BusinessTimeError: unknown zone, weekday outside 0 to 6, an opening that ends before
            it starts, openings of a day out of order or overlapping, or no opening at all.
    """

    zone: str
    hours: Hours = field(hash=False)
    holidays: frozenset[date] = frozenset()
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    # Openings of a day in UTC: the same few days are asked for again and again.
    _known: dict[date, tuple[tuple[datetime, datetime], ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "_zone", ZoneInfo(self.zone))
        except (KeyError, ValueError, OSError):
            raise BusinessTimeError(f"{self.zone!r} is no time zone such as Europe/Berlin") from None
        object.__setattr__(self, "hours", {day: tuple(openings) for day, openings in self.hours.items()})
        object.__setattr__(self, "holidays", frozenset(self.holidays))
        for weekday, openings in self.hours.items():
            _check(weekday, openings)
        if not any(self.hours.values()):
            raise BusinessTimeError("the calendar never opens; give hours for at least one weekday")
        if any(isinstance(day, datetime) for day in self.holidays):
            raise BusinessTimeError("holidays are days (date), not instants (datetime)")

    def is_open(self, instant: datetime) -> bool:
        """Whether it is open at an instant; at the instant of closing it is not.

        Raises:
            BusinessTimeError: the instant has no time zone.
        """
        instant = _utc(instant)
        day = self._day(instant)
        # The next day too: where clocks go back just after midnight it has opened already, while
        # the wall shows the day before again.
        return any(
            opens <= instant < closes
            for offset in (0, 1)
            for opens, closes in self._openings(day + offset * _DAY)
        )

    def add_minutes(self, instant: datetime, minutes: float | Fraction) -> datetime:
        """The earliest instant by which that many open minutes have passed.

        16:30 plus 30 minutes is 17:00 where that is closing time, not the next opening. With
        negative minutes it is the latest instant from which that many remain until
        ``instant``. ``minutes_between(t, add_minutes(t, m)) == m`` for every ``t``.

        Args:
            instant: aware datetime, open or not.
            minutes: open minutes to add; kept to the microsecond.

        Returns:
            The instant, in UTC. Zero minutes give ``instant`` itself.

        Raises:
            BusinessTimeError: the instant has no time zone, or the answer is past the years a
                datetime can hold.
        """
        instant = _utc(instant)
        left = timedelta(microseconds=round(Fraction(minutes) * 60_000_000))
        forward = left >= timedelta(0)
        left = abs(left)
        if not left:
            return instant
        for opens, closes in self._from(instant) if forward else self._back_from(instant):
            if closes - opens >= left:
                return opens + left if forward else closes - left
            left -= closes - opens
        raise BusinessTimeError(f"{minutes} open minutes from {instant} are outside the calendar")

    def minutes_between(self, start: datetime, end: datetime) -> float:
        """Open minutes from one instant to another; negative if ``end`` is the earlier.

        Exact to the microsecond (a float of minutes, never money). For an ``end`` inside
        opening hours or at closing, ``add_minutes(start, minutes_between(start, end)) == end``.

        Raises:
            BusinessTimeError: an instant has no time zone.
        """
        start, end = _utc(start), _utc(end)
        if end < start:
            return -self.minutes_between(end, start)
        total = timedelta(0)
        for opens, closes in self._from(start):
            if opens >= end:
                break
            total += min(closes, end) - opens
        return total / _MINUTE

    # -- openings as spans of UTC -----------------------------------------------------------

    def _from(self, instant: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Openings after an instant, in order, the first cut to start at it."""
        day = self._day(instant)
        while day < date.max - _DAY:
            for opens, closes in self._openings(day):
                if closes > instant:
                    yield max(opens, instant), closes
            day += _DAY

    def _back_from(self, instant: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Openings before an instant, latest first, the first cut to end at it."""
        day = self._day(instant) + _DAY  # see is_open
        while day > date.min + _DAY:
            for opens, closes in reversed(self._openings(day)):
                if opens < instant:
                    yield opens, min(closes, instant)
            day -= _DAY

    def _openings(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        known = self._known.get(day)
        if known is not None:
            return known
        spans: list[tuple[datetime, datetime]] = []
        if day not in self.holidays:
            for opens, closes in self.hours.get(day.weekday(), ()):
                last = day if closes != _MIDNIGHT else day + _DAY
                span = self._first_instant(day, opens), self._first_instant(last, closes)
                if span[0] < span[1]:  # an opening inside the hour that clocks skip is empty
                    spans.append(span)
        found = tuple(spans)
        if len(self._known) < _REMEMBERED_DAYS:
            self._known[day] = found
        return found

    def _first_instant(self, day: date, clock: time) -> datetime:
        """First instant at which the wall clock shows, or has jumped past, a time of a day."""
        local = datetime.combine(day, clock)
        instant = local.replace(tzinfo=self._zone).astimezone(UTC)  # fold=0: the first of two
        if instant.astimezone(self._zone).replace(tzinfo=None) == local:
            return instant
        # The clock skips this time. Read with the offset after the jump it lies before the jump,
        # with the offset before the jump after it: search between the two for the jump itself.
        before = local.replace(tzinfo=self._zone, fold=1).astimezone(UTC).replace(microsecond=0)
        after = instant.replace(microsecond=0) + _SECOND
        offset = before.astimezone(self._zone).utcoffset()
        while after - before > _SECOND:  # clocks change on whole seconds
            middle = (before + (after - before) // 2).replace(microsecond=0)
            if middle.astimezone(self._zone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        return after

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self._zone).date()


def _check(weekday: int, openings: tuple[tuple[time, time], ...]) -> None:
    if weekday not in range(7):
        raise BusinessTimeError(f"a weekday is 0 (Monday) to 6 (Sunday), not {weekday!r}")
    previous = _MIDNIGHT
    for number, (opens, closes) in enumerate(openings):
        if opens.tzinfo or closes.tzinfo:
            raise BusinessTimeError("opening hours are in the calendar's own zone; give them without one")
        if closes != _MIDNIGHT and closes <= opens:
            raise BusinessTimeError(f"an opening from {opens} to {closes} ends before it starts")
        if number and (previous == _MIDNIGHT or opens < previous):
            raise BusinessTimeError(f"weekday {weekday}: openings overlap or are out of order at {opens}")
        previous = closes


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise BusinessTimeError(f"{instant} has no time zone; an instant needs one")
    return instant.astimezone(UTC)
