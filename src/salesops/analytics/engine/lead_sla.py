"""Answering leads in business time: when an answer is due, and how many were in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from salesops.analytics.engine.figure import Figure, Number, exact, quotient
from salesops.core.business_time import BusinessCalendar


def lead_due(
    received: Sequence[datetime], limit_minutes: Number, calendar: BusinessCalendar
) -> list[datetime]:
    """When each lead is to be answered at the latest, in the zone of the calendar.

    Business minutes run only while the calendar is open: what comes outside hours starts at the next
    opening.

    Args:
        received: aware instants.
        limit_minutes: business minutes allowed.
        calendar: hours, zone and holidays of the owner.
    """
    zone = ZoneInfo(calendar.zone)
    return [calendar.add_minutes(at, exact(limit_minutes)).astimezone(zone) for at in received]


@dataclass(frozen=True)
class Compliance:
    """Answers within the limit.

    Attributes:
        compliance: in time / all that were due; a lead never answered and overdue is a breach.
        breached: answered late, or overdue and not answered.
        excluded_not_yet_due: open and not due yet: neither met nor missed.
    """

    compliance: Figure
    breached: int
    excluded_not_yet_due: int


def lead_compliance(met: int, late: int, open_overdue: int, open_not_due: int) -> Compliance:
    """Share of leads answered in time, of those that were due.

    Args:
        met: answered in time.
        late: answered too late.
        open_overdue: not answered and past their time.
        open_not_due: not answered, with time left.
    """
    nothing = "no lead was due"
    return Compliance(
        quotient(met, met + late + open_overdue, unknown=nothing, zero=nothing),
        late + open_overdue,
        open_not_due,
    )
