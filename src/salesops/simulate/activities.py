"""Calls, mails and meetings about deals. Nobody works a ghost after it has gone quiet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate.calendar_days import DAY, FAR, Bools, Ints, at_office, end_of
from salesops.simulate.deals import CHUNK, Deals
from salesops.simulate.streams import stream
from salesops.simulate.world import World

KINDS = ("Call", "Email", "Meeting")
CALL, EMAIL, MEETING = range(3)
MOST = 40
"""Activities one deal can have."""


@dataclass(frozen=True)
class Activities:
    """One row an activity: the deal's row in its chunk, a number unique in the firm, when, by whom."""

    row: Ints
    number: Ints
    at: Ints
    kind: Ints
    user: Ints
    minutes: Ints

    def last_day(self, deals: int, day: int) -> Ints:
        """Day of each deal's latest activity by the end of ``day``; FAR where it has none."""
        out = np.full(deals, -1, np.int64)
        known = self.at <= end_of(day)
        np.maximum.at(out, self.row[known], self.at[known] // DAY)
        return np.where(out < 0, FAR, out)

    def known(self, day: int) -> Bools:
        """Activities that have happened by the end of a day."""
        return self.at <= end_of(day)


def make_activities(world: World, deals: Deals) -> Activities:
    """Activities of one chunk, more of them the longer a deal is worked."""
    rng = stream(world.seed, "activities", deals.start // CHUNK)
    end = np.minimum(np.minimum(deals.ending.close, deals.ending.quiet), end_of(world.last))
    life = np.maximum(end - deals.created, 0)
    mean = 1 + world.parameters.activities_per_month * life / (30 * DAY)
    count = np.clip(rng.poisson(mean), 1, MOST)
    row = np.repeat(np.arange(len(deals), dtype=np.int64), count)
    ordinal = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    at = at_office(rng, deals.created[row] + (rng.random(len(row)) * life[row]).astype(np.int64))
    kind = rng.choice(3, len(row), p=[0.38, 0.42, 0.2]).astype(np.int64)
    minutes = np.where(kind == EMAIL, 0, np.where(kind == CALL, rng.integers(2, 40, len(row)), 30))
    happened = (at > deals.created[row]) & (at < end[row])
    row, at = row[happened], at[happened]
    return Activities(
        row=row,
        number=deals.number[row] * 64 + ordinal[happened],
        at=at,
        kind=kind[happened],
        user=deals.owner.at_rows(row, at),
        minutes=minutes[happened],
    )
