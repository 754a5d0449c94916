"""How long newcomers take to full productivity: one row per person with a start date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.kpi import MONEY, Context
from salesops.analytics.engine.ramp import time_to_productivity
from salesops.core.money import Rounding, round_decimal

THRESHOLD = Fraction(4, 5)
"""Share of full quota, on average over three months, at which somebody is fully productive."""
MOST = 24
"""Months after the start that are looked at: whoever needs longer counts as not there by then."""


@dataclass(frozen=True)
class Given:
    """A quota of one person: first and last day, months, amount in the firm's currency."""

    first: date
    last: date
    months: int
    amount: Decimal


@dataclass(frozen=True)
class Ramp:
    """One newcomer.

    Attributes:
        full_quota: full quota of a month; None where he carries none, and nothing can be said.
        months: month, from 1, in which full productivity was reached, else whole months watched so far; None
            without a full quota, without a whole month, and for whoever started before the data.
        reached: whether it was reached.
        before_data: whether he started before the first deal known.
    """

    full_quota: Decimal | None
    months: int | None
    reached: bool
    before_data: bool


def month_since(start: date, day: date) -> int:
    """Month of tenure a day falls in, from 1; 0 or less before the start.

    Months run from the start's day of the month to the day before it in the next one; one that a month lacks
    (the 31st) comes with the month after.
    """
    return (day.year - start.year) * 12 + day.month - start.month - (day.day < start.day) + 1


def ramp_of(
    start: date, end: date, quotas: Sequence[Given], won: Mapping[int, Decimal], data_start: date | None
) -> Ramp:
    """One person's way to full productivity.

    Args:
        start: first day in the firm.
        end: last day watched: the day asked for, or the last one in the firm.
        quotas: his quotas.
        won: month of tenure -> amount won in it.
        data_start: day of the first deal known; None where there is none.
    """
    full = full_quota(start, quotas)
    before = data_start is None or start < data_start
    watched = min(month_since(start, end + timedelta(days=1)) - 1, MOST)
    if full is None or before or watched < 1:
        return Ramp(full, None, False, before)
    attained = [Fraction(won.get(month, Decimal(0))) / Fraction(full) for month in range(1, watched + 1)]
    reached = time_to_productivity(attained, THRESHOLD).value
    return Ramp(full, watched if reached is None else int(reached), reached is not None, before)


def full_quota(start: date, quotas: Sequence[Given]) -> Decimal | None:
    """The largest monthly quota of the months looked at: those of the ramp are lowered, the last of them is not."""
    own = [
        Fraction(quota.amount) / quota.months
        for quota in quotas
        if month_since(start, quota.last) >= 1 and month_since(start, quota.first) <= MOST
    ]
    largest = max(own, default=Fraction(0))
    return round_decimal(largest, 4, Rounding.HALF_UP) if largest > 0 else None


def won_by_month(deals: ir.Table, starts: ir.Table, context: Context) -> ir.Table:
    """Amounts won, by owner and month of tenure as :func:`month_since` counts it.

    Args:
        deals: the deals frame.
        starts: ``owner_id`` and ``hired_on``, one row per person.
        context: every period.
    """
    won = deals.filter(c.won(deals, context) & deals["closed_on"].notnull())
    joined = won.inner_join(
        starts.select(starter_id=starts["owner_id"], hired_on=starts["hired_on"]),
        won["owner_id"] == starts["owner_id"],
    )
    day, start = joined["closed_on"], joined["hired_on"]
    early = (day.day() < start.day()).cast("int64")
    month = (day.year() - start.year()) * 12 + day.month() - start.month() - early + 1
    dated = joined.select("owner_id", amount=joined["amount"].cast(MONEY), month=month.cast("int64"))
    near = dated.filter(dated["month"].between(1, MOST))
    return near.group_by("owner_id", "month").aggregate(won=near["amount"].sum())
