"""How deals stand at the end of one day, read off their tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate.calendar_days import Bools, Ints, end_of
from salesops.simulate.deals import Deals
from salesops.simulate.stages import LOST, WON


@dataclass(frozen=True)
class DealState:
    """One chunk of deals on one day; what is unknown by then has ``known`` False."""

    day: int
    known: Bools
    stage: Ints
    stage_since: Ints
    amount: Ints
    amount_version: Ints
    amount_since: Ints
    close_day: Ints
    owner: Ints
    modified: Ints

    @property
    def open(self) -> Bools:
        """Known and neither won nor lost."""
        return self.known & (self.stage < WON)

    @property
    def won(self) -> Bools:
        """Known and won."""
        return self.known & (self.stage == WON)

    @property
    def lost(self) -> Bools:
        """Known and lost."""
        return self.known & (self.stage == LOST)


def state_at(deals: Deals, day: int) -> DealState:
    """The state at the end of a day, local time."""
    limit = end_of(day)
    version = deals.amount.column_at(limit)
    stage_since = deals.stage.last_time(limit)
    amount_since = np.take_along_axis(deals.amount.times, version[:, None], axis=1)[:, 0]
    modified = np.maximum.reduce(
        [stage_since, amount_since, deals.close_date.last_time(limit), deals.owner.last_time(limit)]
    )
    return DealState(
        day=day,
        known=deals.known(day),
        stage=deals.stage.at(limit),
        stage_since=stage_since,
        amount=np.take_along_axis(deals.amount.values, version[:, None], axis=1)[:, 0],
        amount_version=version,
        amount_since=amount_since,
        close_day=deals.close_date.at(limit),
        owner=deals.owner.at(limit),
        modified=modified,
    )
