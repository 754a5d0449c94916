"""How long newcomers take to full productivity, those still on the way included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from salesops.analytics.engine.figure import Figure, Number, exact, to_decimal, undefined

TRAILING = 3
"""Months whose mean attainment counts: one lucky month is no full productivity."""


@dataclass(frozen=True)
class Survival:
    """Kaplan-Meier curve of the time to an event.

    Attributes:
        survival: time of each event -> share not there yet after it.
        median: first time at which at most half are not there yet; undefined where that is never seen.
    """

    survival: Mapping[Number, Fraction]
    median: Figure


def kaplan_meier(times: Sequence[tuple[Number, bool]]) -> Survival:
    """Time to an event where some have not had it yet.

    Args:
        times: (time, whether the event came then). Without the event the time is how long it was
            watched for: such a one is at risk up to that time, that time included.
    """
    ordered = [(exact(time), time, bool(event)) for time, event in times]
    curve: dict[Number, Fraction] = {}
    share = Fraction(1)
    median: Number | None = None
    for value, time in sorted({value: time for value, time, event in ordered if event}.items()):
        at_risk = sum(other >= value for other, _, _ in ordered)
        events = sum(other == value and event for other, _, event in ordered)
        share *= 1 - Fraction(events, at_risk)
        curve[time] = share
        if median is None and share <= Fraction(1, 2):
            median = time
    if median is None:
        return Survival(curve, undefined("fewer than half are known to have come so far"))
    return Survival(curve, Figure(median if isinstance(median, int) else to_decimal(median)))


def time_to_productivity(attainment: Sequence[Number | None], threshold: Number) -> Figure:
    """First month since hire (from 1) whose mean attainment with the two before it reaches the threshold.

    Args:
        attainment: attainment of full quota by month since hire; None = unknown, which no mean crosses.
        threshold: fraction.
    """
    for month in range(TRAILING, len(attainment) + 1):
        window = attainment[month - TRAILING : month]
        known = [exact(value) for value in window if value is not None]
        if len(known) == TRAILING and sum(known, Fraction(0)) / TRAILING >= exact(threshold):
            return Figure(month)
    return undefined("three months in a row never reached the threshold on average")
