"""The only writers of process decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction

from salesops.platform.actors import Actor
from salesops.platform.decisions import decision_record, in_force
from salesops.process.models import Stage


@transaction.atomic
def stages_decide(
    *, actor: Actor, rows: Sequence[dict[str, Any]], starts_on: date | None = None, reason: str = ""
) -> int:
    """Decide what stages mean, all or none.

    Args:
        rows: plain values of :class:`Stage` fields; ``stage`` is needed, ``stage_class`` where
            nothing was decided so far. Fields left out keep what is in force.
        starts_on: first day in force; None for always.

    Returns:
        How many stages are now as given.
    """
    for row in rows:
        values = Stage.parse(row)
        subject = Stage.subject_of(values)
        current = in_force(Stage, starts_on or date.min, subjects=[subject]).get(subject)
        decision_record(
            Stage,
            actor=actor,
            subject=subject,
            values=(current.values() if current else {}) | values,
            starts_on=starts_on,
            reason=reason,
        )
    return len(rows)
