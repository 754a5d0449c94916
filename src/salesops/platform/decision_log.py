"""Decisions in the order they were recorded: what was decided between two moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter

from salesops.platform.decisions import DatedDecision
from salesops.platform.registries import decision_kinds


@dataclass(frozen=True)
class Recorded:
    """One decision as the log tells it: what about, from when on, when and by whom it was recorded."""

    kind: str
    title: str
    subject: str
    starts_on: date | None
    recorded_at: datetime
    author_name: str
    reason: str
    ended: bool


def recorded_between(after: datetime, until: datetime | None = None) -> Sequence[Recorded]:
    """Published decisions recorded later than one instant and not later than another, newest first."""
    found: list[Recorded] = []
    for kind, model in decision_kinds.items():
        rows = model._default_manager.filter(draft=False, recorded_at__gt=after)
        if until is not None:
            rows = rows.filter(recorded_at__lte=until)
        found.extend(_recorded(kind, row) for row in rows)
    return sorted(found, key=attrgetter("recorded_at"), reverse=True)


def _recorded(kind: str, row: DatedDecision) -> Recorded:
    return Recorded(
        kind=kind,
        title=str(row._meta.verbose_name),
        subject=row.subject,
        starts_on=row.starts_on,
        recorded_at=row.recorded_at,
        author_name=row.author_name,
        reason=row.reason,
        ended=row.ended,
    )
