"""Where working time goes, and what a deal costs to sell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from salesops.analytics.engine.figure import Figure, Number, exact, quotient, to_decimal

Span = tuple[Number, Number]
"""Begin and end, in minutes of the day."""


def union(spans: Iterable[Span], within: Iterable[Span] | None = None) -> list[tuple[Fraction, Fraction]]:
    """Spans without overlap, in order; cut to what lies inside ``within`` where given."""
    joined: list[tuple[Fraction, Fraction]] = []
    for begin, end in sorted((exact(b), exact(e)) for b, e in spans if exact(e) > exact(b)):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    if within is None:
        return joined
    cut = [
        (max(begin, low), min(end, high))
        for begin, end in joined
        for low, high in union(within)
        if begin < high
    ]
    return [(begin, end) for begin, end in cut if end > begin]


def length(spans: Iterable[tuple[Fraction, Fraction]]) -> Fraction:
    """Minutes of spans without overlap."""
    return sum((end - begin for begin, end in spans), Fraction(0))


@dataclass(frozen=True)
class SellingTime:
    """One working day.

    Attributes:
        available_minutes: working hours less time off.
        meeting_call_minutes: meetings and calls with customers inside them, overlap counted once.
        email_minutes: mails to customers at so many minutes each, at most what was not booked.
        selling_minutes: both together.
        ratio: selling / available.
    """

    available_minutes: Number
    meeting_call_minutes: Number
    email_minutes: Number
    selling_minutes: Number
    ratio: Figure


def selling_time(
    working: Span,
    selling: Sequence[Span],
    other: Sequence[Span] = (),
    time_off: Sequence[Span] = (),
    mails: Number = 0,
    minutes_per_mail: Number = 0,
) -> SellingTime:
    """Time spent selling of one person on one day.

    Args:
        working: working hours.
        selling: meetings and calls with customers.
        other: internal meetings: booked, but no selling.
        time_off: absences.
        mails: mails sent to customers.
        minutes_per_mail: minutes each is taken to cost.
    """
    away = union(time_off, [working])
    free: list[Span] = []
    begin = exact(working[0])
    for low, high in away:
        free.append((begin, low))
        begin = high
    free.append((begin, exact(working[1])))
    available = length(union(free))
    met = length(union(selling, free))
    booked = length(union([*selling, *other], free))
    written = min(exact(mails) * exact(minutes_per_mail), available - booked)
    nothing = "there was no working time"
    return SellingTime(
        to_decimal(available),
        to_decimal(met),
        to_decimal(written),
        to_decimal(met + written),
        quotient(met + written, available, unknown=nothing, zero=nothing),
    )


@dataclass(frozen=True)
class DealCost:
    """What one deal costs to sell.

    Attributes:
        cost: hours at their rate, travel and tools.
        ratio: cost / revenue.
        true_give: cost and discount / revenue: what the firm gives in all.
    """

    cost: Figure
    ratio: Figure
    true_give: Figure


def deal_cost(
    hours: Number, rate: Number, travel: Number, tools: Number, discount: Number, revenue: Number | None
) -> DealCost:
    """Cost of selling one deal.

    Args:
        hours: hours spent on it.
        rate: loaded cost of an hour.
        travel: travel and expenses booked on it.
        tools: its share of tools.
        discount: discount given.
        revenue: its revenue.
    """
    cost = exact(hours) * exact(rate) + exact(travel) + exact(tools)
    nothing = "the deal has no revenue"
    return DealCost(
        Figure(to_decimal(cost)),
        quotient(cost, revenue, unknown=nothing, zero=nothing),
        quotient(cost + exact(discount), revenue, unknown=nothing, zero=nothing),
    )
