"""Quarterly quotas of the people who carry deals, set from the plan, not from what came of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate.calendar_days import FAR, FirmCalendar, Ints, day_number
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.people import AE, AM, People

ROUND_TO = 1_000
"""Quotas are whole thousands of the currency."""


@dataclass(frozen=True)
class Quotas:
    """One row a person and quarter with a quota; ``amount`` in cents."""

    user: Ints
    quarter: Ints
    amount: Ints


def make_quotas(p: FirmParameters, people: People, calendar: FirmCalendar) -> Quotas:
    """The plan's bookings of each quarter, spread over sellers by ramp and days employed."""
    seller = np.flatnonzero((people.role == AE) | (people.role == AM))
    first, last = day_number(p.first_day), day_number(p.last_day)
    weight = sum(s.share for s in p.segments)
    deal = sum(
        s.share / weight * s.win_rate * 1.15 * s.amount * np.exp(s.amount_spread**2 / 2) for s in p.segments
    )
    value = sum(s.share * s.amount for s in p.segments)
    cycle = sum(s.share * s.amount / value * s.cycle_days for s in p.segments)
    whole = sum((1 + p.growth) ** y for y in np.linspace(0, p.years, 40)) / 40 * p.years
    users, quarters, amounts = [], [], []
    for quarter in calendar.quarters():
        start = int(calendar.quarter_start(np.array([quarter]))[0])
        end = int(calendar.quarter_end(np.array([quarter]))[0])
        middle = ((start + end) / 2 - cycle - first) / 365.25
        created = p.opportunities * (1 + p.growth) ** max(middle, 0) / whole / 4
        # A firm that begins with an empty pipeline plans little for its first quarters.
        opened = min(1.0, max(0.05, ((start + end) / 2 - first) / (2.2 * cycle)))
        joined = people.hired[seller]
        left = np.where(people.left[seller] >= FAR, last + 4_000, people.left[seller])
        worked = np.clip(np.minimum(left, end) - np.maximum(joined, start) + 1, 0, None) / (end - start + 1)
        ramp = np.clip(((start + end) / 2 - joined) / people.ramp_days, 0.25, 1.0)
        share = worked * ramp
        if share.sum() <= 0:
            continue
        target = created * deal * opened * p.quota_stretch / share.sum() * share
        rounded = np.maximum(np.rint(target / ROUND_TO), 1).astype(np.int64) * ROUND_TO * 100
        carries = share > 0
        users.append(seller[carries])
        quarters.append(np.full(int(carries.sum()), quarter, np.int64))
        amounts.append(rounded[carries])
    return Quotas(np.concatenate(users), np.concatenate(quarters), np.concatenate(amounts))
