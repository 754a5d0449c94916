"""The firm before its first deal."""

from __future__ import annotations

from dataclasses import dataclass

from salesops.simulate.accounts import Accounts
from salesops.simulate.calendar_days import FirmCalendar, day_number
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.people import People


@dataclass(frozen=True)
class World:
    """What every chunk of deals reads: the firm, its people and its accounts."""

    parameters: FirmParameters
    seed: int
    calendar: FirmCalendar
    people: People
    accounts: Accounts

    @property
    def first(self) -> int:
        """First day of the window."""
        return day_number(self.parameters.first_day)

    @property
    def last(self) -> int:
        """The data date."""
        return day_number(self.parameters.last_day)
