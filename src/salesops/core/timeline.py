"""Dated facts and decisions: what was in force on a day, as known at an instant.

Two times are kept apart: the day something starts to hold, and the instant it was recorded.
Nothing is overwritten; the end of one entry is the start of the next.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final, Generic, Literal, TypeVar

T = TypeVar("T")


class Ended(Enum):
    """The type of :data:`ENDED`."""

    ENDED = "ended"


ENDED: Final = Ended.ENDED
"""The value of an entry that ends what was in force and puts nothing in its place."""


class NothingInForce(LookupError):
    """No value holds on that day, as far as was known then."""


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One recorded value.

    Attributes:
        starts_on: first day it holds; None = from the beginning of time.
        recorded_at: instant it was recorded, with a time zone.
        value: what holds from that day, or :data:`ENDED`.

    Raises:
        TypeError: ``starts_on`` is a datetime.
        ValueError: ``recorded_at`` has no time zone.
    """

    starts_on: date | None
    recorded_at: datetime
    value: T | Literal[Ended.ENDED]

    def __post_init__(self) -> None:
        if self.starts_on is not None:
            _check_day(self.starts_on)
        _check_instant(self.recorded_at)


@dataclass(frozen=True)
class Segment(Generic[T]):
    """A span of days in which one value holds.

    Attributes:
        starts_on: first day; None = from the beginning of time.
        until: first day on which it no longer holds; None = still in force.
        value: the value.
        recorded_at: instant the value was recorded.
    """

    starts_on: date | None
    until: date | None
    value: T
    recorded_at: datetime


class Timeline(Generic[T]):
    """All that was ever recorded about one thing; immutable.

    On a day, the entry with the newest start not after that day holds; of entries with equal
    starts the one recorded last; of those recorded at the same instant the one given last.
    Entries recorded after ``known_at`` are not seen.
    """

    __slots__ = ("_entries", "_starts")

    def __init__(self, entries: Iterable[Entry[T]] = ()) -> None:
        """Take entries in any order; they are sorted by start, then by instant recorded."""
        # Sorting is stable, so the order given decides between equals.
        self._entries = tuple(sorted(entries, key=lambda entry: (_order(entry), entry.recorded_at)))
        self._starts = [_order(entry) for entry in self._entries]

    @property
    def entries(self) -> tuple[Entry[T], ...]:
        """Every entry, by start and then by instant recorded."""
        return self._entries

    def at(self, on: date, known_at: datetime | None = None) -> T:
        """The value in force on a day.

        Args:
            on: the day.
            known_at: see only what was recorded up to and including this instant; None = all.

        Raises:
            NothingInForce: nothing has started by then, or it was ended.
            TypeError: ``on`` is a datetime.
            ValueError: ``known_at`` has no time zone.
        """
        _check_day(on)
        _check_known(known_at)
        position = bisect_right(self._starts, on.toordinal())
        for entry in reversed(self._entries[:position]):
            if known_at is None or entry.recorded_at <= known_at:
                if entry.value is ENDED:
                    raise NothingInForce(f"ended on {entry.starts_on}; nothing is in force on {on}")
                return entry.value
        known = "" if known_at is None else f", as known at {known_at.isoformat()}"
        raise NothingInForce(f"nothing is in force on {on}{known}")

    def segments(self, known_at: datetime | None = None) -> list[Segment[T]]:
        """The spans of days in which values hold, in order, without overlap.

        Days on which nothing holds are in no segment. A value that was replaced from its very
        first day has no segment. Two entries with equal values stay two segments: they are two
        decisions.

        Raises:
            ValueError: ``known_at`` has no time zone.
        """
        _check_known(known_at)
        winners: dict[int, Entry[T]] = {}
        for entry in self._entries:
            if known_at is None or entry.recorded_at <= known_at:
                winners[_order(entry)] = entry  # the last of equal starts wins
        in_force = list(winners.values())
        ends = [*(entry.starts_on for entry in in_force[1:]), None]
        return [
            Segment(entry.starts_on, until, entry.value, entry.recorded_at)
            for entry, until in zip(in_force, ends, strict=False)  # nothing in force: one end too many
            if entry.value is not ENDED
        ]

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeline) and self._entries == other._entries

    def __hash__(self) -> int:
        return hash(self._entries)

    def __repr__(self) -> str:
        return f"Timeline({list(self._entries)!r})"


def _order(entry: Entry[T]) -> int:
    return 0 if entry.starts_on is None else entry.starts_on.toordinal()  # day 1 is the first date


def _check_day(day: date) -> None:
    if isinstance(day, datetime):
        raise TypeError("a timeline is kept in days; turn the instant into a day of the organisation first")


def _check_instant(instant: datetime) -> None:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone; an instant needs one")


def _check_known(known_at: datetime | None) -> None:
    if known_at is not None:
        _check_instant(known_at)
