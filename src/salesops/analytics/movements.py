"""What moved beyond noise: each number's latest whole period against the firm's own periods before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from salesops.analytics.choices import extent
from salesops.analytics.engine.dimensions import period_dimension
from salesops.analytics.engine.frames import TIMELESS
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.engine.noise import Movement, judge_numbers, judge_shares
from salesops.analytics.selectors import OpenQuestion
from salesops.core.calendars import Period

Kind = Literal["week", "month", "quarter"]
MOST: dict[Kind, int] = {"week": 26, "month": 24, "quarter": 12}
"""Periods before the latest one that are looked at: beyond them the firm was another."""


@dataclass(frozen=True)
class Moved:
    """One number of the latest whole period, and what those before it say of it."""

    kpi: Kpi
    value: int | Decimal | None
    movement: Movement


@dataclass(frozen=True)
class Movements:
    """Every number judged.

    Attributes:
        period: the latest whole period; None where the data holds none.
        numbers: those that moved first, then those within noise, then those that can't be told.
    """

    period: Period | None
    numbers: list[Moved]

    def of(self, *verdicts: str) -> list[Moved]:
        """Numbers with one of some verdicts."""
        return [m for m in self.numbers if m.movement.verdict in verdicts]


def judged(kpi: Kpi) -> bool:
    """Whether a number's periods can be compared: one date places its rows, and a period's value stays."""
    frames = {kpi.frame, *(side.frame for side in kpi.sides)}
    return len(frames) == 1 and frames <= TIMELESS and kpi.placed and bool(kpi.dated_by) and not kpi.ripens


def movements(asked: OpenQuestion, names: Sequence[Kpi], kind: Kind) -> Movements:
    """Judge numbers over the last whole periods, by one query for each frame and date.

    Args:
        asked: reader, facts and filters.
        names: numbers to judge; those that can't be are left out.
        kind: kind of period.
    """
    calendar, today = asked.frames.firm.calendar, asked.frames.as_of
    found = extent(asked.frames)
    if found.first is None or found.first >= today:
        return Movements(None, [])
    whole = [
        p for p in calendar.periods(kind, found.first, today) if p.first >= found.first and p.last <= today
    ]
    periods = whole[-MOST[kind] - 1 :]
    if not periods:
        return Movements(None, [])
    span = calendar.parse(f"{periods[0].first}..{periods[-1].last}")
    wanted = [kpi for kpi in names if judged(kpi)]
    numbers = []
    for column in dict.fromkeys(kpi.dated_by for kpi in wanted):
        split = period_dimension(calendar, kind, column, span.first, span.last)
        own = [kpi for kpi in wanted if kpi.dated_by == column]
        for frame in dict.fromkeys(kpi.frame for kpi in own):
            here = [kpi for kpi in own if kpi.frame == frame]
            made = asked.over(span, split, deals_only=True).values([kpi.name for kpi in here])
            cells = {(v.name, v.group.get(split.name)): v for v in made}
            numbers += [_judge(kpi, [cells.get((kpi.name, p.label)) for p in periods]) for kpi in here]
    order = {"up": 0, "down": 0, "noise": 1, "unknown": 2}
    return Movements(periods[-1], sorted(numbers, key=lambda m: order[m.movement.verdict]))


def _judge(kpi: Kpi, values: Sequence[KpiValue | None]) -> Moved:
    latest = values[-1]
    if kpi.wilson:
        hits, rows = kpi.wilson
        counts = [(int(v.sides[hits] or 0), int(v.sides[rows] or 0)) if v else (0, 0) for v in values]
        return Moved(kpi, latest.value if latest else None, judge_shares(counts))
    # A period without any row has no group: nothing was counted, and a sum over nothing is 0.
    empty = 0 if kpi.unit == "count" or (kpi.sides[0].measure.kind == "sum" and len(kpi.sides) == 1) else None
    if kpi.unit not in ("count", "money") or kpi.grain == "account":
        empty = None
    numbers = [empty if v is None else v.value for v in values]
    return Moved(kpi, numbers[-1], judge_numbers(numbers))
