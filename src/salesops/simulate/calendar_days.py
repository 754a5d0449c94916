"""Time inside the simulator: local seconds, working days, fiscal quarters, UTC.

A moment is a whole number of local seconds: ``day * 86400 + second of the day`` in the firm's
own time zone, where a day counts from 1970-01-01. Every moment lies between 06:00 and 23:59
local, so the zone's offset at noon of the day converts it to UTC exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DAY = 86_400
FAR = 2**61
"""A moment (or day) that never comes."""

EPOCH = date(1970, 1, 1)
EVENING_SHARE = 0.06
"""Share of edits made between 19:00 and 21:30, some of which are tomorrow in UTC."""


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def to_date(number: int) -> date:
    """Inverse of :func:`day_number`."""
    return EPOCH + timedelta(days=int(number))


def end_of(day: int) -> int:
    """The last local second of a day."""
    return int(day) * DAY + DAY - 1


def office_second(rng: np.random.Generator, size: int | tuple[int, ...]) -> Ints:
    """A second of the day people work at: 08:00 to 17:59, sometimes the evening."""
    second = rng.integers(8 * 3600, 18 * 3600, size)
    evening = rng.integers(19 * 3600, 21 * 3600 + 1800, size)
    return np.where(rng.random(size) < EVENING_SHARE, evening, second).astype(np.int64)


def working_day(day: Ints) -> Ints:
    """The same day, or the Friday before where it is a weekend. 1970-01-01 was a Thursday."""
    weekday = (day + 3) % 7
    return np.where(weekday > 4, day - (weekday - 4), day)


def at_office(rng: np.random.Generator, moment: Ints) -> Ints:
    """Move moments to office hours of a working day; :data:`FAR` stays."""
    moved = working_day(np.where(moment >= FAR, 0, moment) // DAY) * DAY + office_second(rng, moment.shape)
    return np.where(moment >= FAR, FAR, moved)


@dataclass(frozen=True)
class FirmCalendar:
    """The firm's zone and fiscal quarters over the days the simulation can touch."""

    zone: str
    fiscal_start_month: int
    first_day: int
    last_day: int
    _offsets: Ints = field(init=False, repr=False, compare=False)
    _quarter_of: Ints = field(init=False, repr=False, compare=False)
    _starts: Ints = field(init=False, repr=False, compare=False)
    _labels: list[str] = field(init=False, repr=False, compare=False)
    _base: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        base, top = self.first_day - 366 * 12, self.last_day + 366 * 12
        zone = ZoneInfo(self.zone)
        offsets = np.empty(top - base, np.int64)
        quarter = np.empty(top - base, np.int64)
        starts: list[int] = []
        labels: list[str] = []
        previous = None
        for i, number in enumerate(range(base, top)):
            day = to_date(number)
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
            offset = noon.utcoffset()
            offsets[i] = int(offset.total_seconds()) if offset is not None else 0
            month = (day.month - self.fiscal_start_month) % 12
            year = day.year + (
                1 if self.fiscal_start_month > 1 and day.month >= self.fiscal_start_month else 0
            )
            label = f"{year}-Q{month // 3 + 1}"
            if label != previous:
                starts.append(number)
                labels.append(label)
                previous = label
            quarter[i] = len(starts) - 1
        starts.append(top)
        for name, value in (
            ("_offsets", offsets),
            ("_quarter_of", quarter),
            ("_starts", np.array(starts, np.int64)),
            ("_labels", labels),
            ("_base", base),
        ):
            object.__setattr__(self, name, value)

    def utc(self, moment: Ints) -> Ints:
        """Local seconds as UTC seconds since 1970 (:data:`FAR` stays)."""
        day = np.where(moment >= FAR, self.first_day, moment // DAY)
        return np.where(moment >= FAR, FAR, moment - self._offsets[day - self._base])

    def utc_datetime(self, moment: int) -> datetime:
        """One moment as an aware datetime."""
        return datetime.fromtimestamp(int(self.utc(np.array([moment]))[0]), UTC)

    def quarter(self, day: Ints) -> Ints:
        """Index of the fiscal quarter that holds each day, in :meth:`labels`."""
        return self._quarter_of[np.clip(day - self._base, 0, len(self._quarter_of) - 1)]

    def quarter_of(self, day: int) -> int:
        """Index of one day's quarter."""
        return int(self.quarter(np.array([day]))[0])

    def quarter_start(self, quarter: Ints) -> Ints:
        """First day of each quarter."""
        return self._starts[quarter]

    def quarter_end(self, quarter: Ints) -> Ints:
        """Last day of each quarter."""
        return self._starts[quarter + 1] - 1

    def label(self, quarter: int) -> str:
        """``2026-Q4``; a fiscal year is named by the calendar year it ends in."""
        return self._labels[quarter]

    def quarters(self) -> range:
        """Indices of the quarters between the first and the last day."""
        return range(self.quarter_of(self.first_day), self.quarter_of(self.last_day) + 1)
