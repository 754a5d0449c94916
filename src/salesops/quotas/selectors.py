"""Quotas in force."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from salesops.core.lately import Lately
from salesops.platform import decisions
from salesops.quotas.models import Quota


@dataclass(frozen=True)
class QuotaRow:
    """One person's quota for one fiscal period, in ``currency`` ("" = the firm's)."""

    person_id: str
    period: str
    amount: Decimal
    currency: str


def quotas(on: date, known_at: datetime | None = None) -> list[QuotaRow]:
    """Every quota in force on a day, by period and person."""
    return [row for _, rows in sorted(quotas_by_period(on, known_at).items()) for row in rows]


_by_period: Lately[Hashable, Any] = Lately(4)
"""All quotas of the firm on a day: tens of thousands, so few of them."""


def quotas_by_period(on: date, known_at: datetime | None = None) -> Mapping[str, Sequence[QuotaRow]]:
    """Label of a period -> its quotas by person; shared, so that nobody may change it."""

    def read() -> dict[str, list[QuotaRow]]:
        found: dict[str, list[QuotaRow]] = {}
        rows = decisions.in_force(Quota, on, known_at=known_at).values()
        for row in sorted(rows, key=lambda q: q.person_id):
            quota = QuotaRow(row.person_id, row.period, row.amount, row.currency)
            found.setdefault(row.period, []).append(quota)
        return found

    return decisions.kept(("quotas", on, known_at), read, _by_period)


@dataclass(frozen=True)
class QuotaEvent:
    """One recorded quota decision, as the history of the page tells it."""

    person_id: str
    period: str
    amount: Decimal
    currency: str
    starts_on: date | None
    recorded_at: datetime
    author_name: str
    reason: str
    ended: bool
    subject: str


def recent(most: int = 20) -> list[QuotaEvent]:
    """The quota decisions recorded last, newest first."""
    return [
        QuotaEvent(
            r.person_id,
            r.period,
            r.amount,
            r.currency,
            r.starts_on,
            r.recorded_at,
            r.author_name,
            r.reason,
            r.ended,
            r.subject,
        )
        for r in Quota.objects.filter(draft=False).order_by("-id")[:most]
    ]
