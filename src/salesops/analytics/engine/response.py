"""Lead response: how fast a person first answers a lead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from salesops.analytics.engine.figure import Figure, Number, exact, median, quotient, to_decimal, undefined

HUMAN = "human"


@dataclass(frozen=True)
class LeadTouches:
    """One lead.

    Attributes:
        created_at: instant the lead came in.
        touches: (instant, ``human`` or ``auto``) of every outbound touch, in any order.
    """

    created_at: datetime
    touches: tuple[tuple[datetime, str], ...]


@dataclass(frozen=True)
class Response:
    """Response of a set of leads.

    Attributes:
        median_minutes: of the leads a person touched.
        within_sla: share of all leads answered within the limit, limit included. A lead nobody
            touched is a miss.
        leads: all leads.
        touched: leads a person touched.
    """

    median_minutes: Figure
    within_sla: Figure
    leads: int
    touched: int


def _elapsed_minutes(start: datetime, end: datetime) -> Fraction:
    span = end - start
    microseconds = (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
    return Fraction(microseconds, 60_000_000)


def _exact_minutes(minutes: Number | float) -> Fraction:
    # A calendar's minutes are a float exact to the microsecond: take that microsecond.
    return Fraction(round(minutes * 60_000_000), 60_000_000) if isinstance(minutes, float) else exact(minutes)


def lead_response(
    leads: Sequence[LeadTouches],
    sla_minutes: Number | None,
    minutes_between: Callable[[datetime, datetime], Number | float] = _elapsed_minutes,
) -> Response:
    """Median minutes to the first human touch, and the share within the limit.

    Automatic replies are not answers, and a touch from before the lead came in does not answer it.

    Args:
        leads: the leads.
        sla_minutes: the limit; None = no share.
        minutes_between: how minutes are counted; elapsed by default, a business calendar's
            ``minutes_between`` for business minutes.
    """
    minutes: list[Fraction] = []
    for lead in leads:
        human = [at for at, kind in lead.touches if kind == HUMAN and at >= lead.created_at]
        if human:
            minutes.append(_exact_minutes(minutes_between(lead.created_at, min(human))))
    middle = median(minutes)
    if sla_minutes is None:
        within = undefined("no response limit is set")
    else:
        limit = exact(sla_minutes)
        met = sum(m <= limit for m in minutes)
        within = quotient(met, len(leads), unknown="", zero="there is no lead")
    return Response(
        undefined("no lead was touched by a person") if middle is None else Figure(to_decimal(middle)),
        within,
        len(leads),
        len(minutes),
    )
