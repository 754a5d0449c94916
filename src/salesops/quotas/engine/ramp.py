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
from salesops.core.calendars import FiscalCalendar, Period
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
        full_quota: full quota of a month, as it was in the last month judged; None where he carries none, and
            nothing can be said.
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
    start: date,
    end: date,
    quotas: Sequence[Given],
    won: Mapping[int, Decimal],
    data_start: date | None,
    calendar: FiscalCalendar,
) -> Ramp:
    """One person's way to full productivity.

    Args:
        start: first day in the firm.
        end: last day watched: the day asked for, or the last one in the firm.
        quotas: his quotas.
        won: month of tenure -> amount won in it.
        data_start: day of the first deal known; None where there is none.
        calendar: whose fiscal years quotas are planned by.
    """
    full = full_quotas(start, quotas, calendar)
    before = data_start is None or start < data_start
    watched = min(month_since(start, end + timedelta(days=1)) - 1, MOST)
    if not full or before or watched < 1:
        return Ramp(full[max(min(watched, MOST), 1) - 1] if full else None, None, False, before)
    attained = [
        Fraction(won.get(month, Decimal(0))) / Fraction(full[month - 1]) for month in range(1, watched + 1)
    ]
    reached = time_to_productivity(attained, THRESHOLD).value
    months = watched if reached is None else int(reached)
    return Ramp(full[months - 1], months, reached is not None, before)


def full_quotas(start: date, quotas: Sequence[Given], calendar: FiscalCalendar) -> list[Decimal]:
    """Full quota of each month looked at, as it was in force then; empty where he carries none.

    That of a month is the largest monthly quota of the fiscal year it ends in: those lowered for the ramp are
    below it, and what a later year plans says nothing of this one. A month of a year without a quota is judged
    by the year before it that has one, else by the first that has.
    """
    own = [
        quota
        for quota in quotas
        if quota.amount > 0
        and month_since(start, quota.last) >= 1
        and month_since(start, quota.first) <= MOST
    ]
    if not own:
        return []
    monthly = {quota: Fraction(quota.amount) / quota.months for quota in own}
    years = calendar.periods("year", min(start, *(quota.first for quota in own)), last_day(start, MOST))
    largest: list[tuple[Period, Fraction]] = []
    for year in years:
        planned = [
            amount
            for quota, amount in monthly.items()
            if quota.first <= year.last and year.first <= quota.last
        ]
        if planned:
            largest.append((year, max(planned)))
    found = []
    for month in range(1, MOST + 1):
        day = last_day(start, month)
        before = [amount for year, amount in largest if year.first <= day]
        found.append(before[-1] if before else largest[0][1])
    return [round_decimal(amount, 4, Rounding.HALF_UP) for amount in found]


def last_day(start: date, month: int) -> date:
    """Last day of a month of tenure, from 1."""
    year, over = divmod(start.year * 12 + start.month - 1 + month, 12)
    first, after = date(year, over + 1, 1), date(year + (over == 11), (over + 1) % 12 + 1, 1)
    ends = first + timedelta(days=start.day - 1)
    return min(ends, after) - timedelta(days=1)


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
