"""Who answers for a number, its target and its review: decided, dated, audited; and how the number stands to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from django.core.exceptions import ValidationError

from salesops.analytics.engine.kpi import Kpi
from salesops.analytics.models import KpiDecision
from salesops.platform.actors import Actor
from salesops.platform.decisions import decision_end, decision_record, history, in_force

Standing = Literal["reached", "missed", "unknown", ""]


@dataclass(frozen=True)
class Stewardship:
    """What is in force for one number on a day.

    Attributes:
        kpi: name of the number.
        owner: who answers for it; "" where nobody was named.
        target: in the number's own unit, a share as a fraction; None where none is set.
        review_on: day it is looked at again.
        note: what was agreed.
        starts_on: first day in force; None = always.
        decided_by: who decided; "" where nothing was.
        decided_at: when.
    """

    kpi: str
    owner: str = ""
    target: Decimal | None = None
    review_on: date | None = None
    note: str = ""
    starts_on: date | None = None
    decided_by: str = ""
    decided_at: datetime | None = None

    @property
    def decided(self) -> bool:
        """Whether anything is in force."""
        return bool(self.decided_by)

    def overdue(self, on: date) -> bool:
        """Whether the review was due before a day."""
        return self.review_on is not None and self.review_on < on


def stewardships(on: date, known_at: datetime | None = None) -> dict[str, Stewardship]:
    """What is in force on a day, by number; numbers without a decision are left out."""
    return {name: _shown(row) for name, row in in_force(KpiDecision, on, known_at=known_at).items()}


def stewardship(kpi: str, on: date, known_at: datetime | None = None) -> Stewardship:
    """What is in force for one number; an empty one where nothing is."""
    row = in_force(KpiDecision, on, known_at=known_at, subjects=[kpi]).get(kpi)
    return _shown(row) if row else Stewardship(kpi)


def past_decisions(kpi: str, known_at: datetime | None = None) -> list[KpiDecision]:
    """Every decision on a number, the newest first; drafts left out."""
    rows = [row for row in history(KpiDecision, kpi) if not row.draft]
    return [row for row in reversed(rows) if known_at is None or row.recorded_at <= known_at]


def _shown(row: KpiDecision) -> Stewardship:
    return Stewardship(
        kpi=row.kpi,
        owner=row.owner,
        target=row.target,
        review_on=row.review_on,
        note=row.note,
        starts_on=row.starts_on,
        decided_by=row.author_name,
        decided_at=row.recorded_at,
    )


def kpi_decide(
    *,
    actor: Actor,
    kpi: str,
    owner: str = "",
    target: Decimal | None = None,
    review_on: date | None = None,
    note: str = "",
    starts_on: date | None = None,
    reason: str = "",
) -> Stewardship:
    """Decide owner, target and review of a number from a day on. With nothing given, what is in force ends.

    Args:
        actor: who decides.
        kpi: name of the number.
        owner: who answers for it.
        target: in the number's own unit, a share as a fraction.
        review_on: day it is looked at again; not before ``starts_on``.
        note: what was agreed.
        starts_on: first day in force; None for always.
        reason: why.

    Raises:
        ValidationError: there is no such number, or a value will not do.
        NotAllowedError: the actor's role may not decide this.
    """
    if starts_on is not None and review_on is not None and review_on < starts_on:
        raise ValidationError({"review_on": "The review is before the day the decision starts."})
    values = {
        "kpi": kpi,
        "owner": owner.strip(),
        "target": target,
        "review_on": review_on,
        "note": note.strip(),
    }
    if not (values["owner"] or values["note"] or target is not None or review_on is not None):
        decision_end(KpiDecision, actor=actor, subject=kpi, starts_on=starts_on, reason=reason)
    else:
        decision_record(
            KpiDecision, actor=actor, subject=kpi, values=values, starts_on=starts_on, reason=reason
        )
    return stewardship(kpi, starts_on or date.max)


def read_target(text: str, kpi: Kpi) -> Decimal | None:
    """A target as people write it: ``25 %`` of a share, ``1,200.50`` of anything else; "" = none.

    Raises:
        ValidationError: it is no number.
    """
    plain = text.strip().replace(",", "").replace(" ", "")
    if not plain:
        return None
    percent = plain.endswith("%")
    try:
        value = Decimal(plain.removesuffix("%"))
    except InvalidOperation:
        raise ValidationError({"target": f"{text.strip()!r} is no number."}) from None
    if not value.is_finite():
        raise ValidationError({"target": f"{text.strip()!r} is no number."})
    if percent and kpi.unit != "ratio":
        raise ValidationError(
            {"target": f"{kpi.title} is no share: write the target without a percent sign."}
        )
    return value / 100 if percent else value


def standing(kpi: Kpi, value: int | Decimal | None, target: Decimal | None) -> Standing:
    """How a value stands to a target: "" where there is none or neither direction is better."""
    if target is None or kpi.direction == "none":
        return ""
    if value is None:
        return "unknown"
    return "reached" if (value >= target) == (kpi.direction == "up") or value == target else "missed"
