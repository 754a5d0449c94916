"""Writers of the firm's decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from salesops.org import selectors
from salesops.org.engine.hierarchy import Person, cycles
from salesops.org.models import Organisation, Position
from salesops.platform.actors import Actor
from salesops.platform.decisions import decision_record


def organisation_decide(
    *, actor: Actor, values: dict[str, Any], starts_on: date | None = None, reason: str = ""
) -> Organisation:
    """Decide currency, zone and fiscal calendar; fields left out keep what is in force."""
    current = selectors.firm(starts_on or date.min)
    kept = {
        "name": current.name,
        "currency": current.currency,
        "zone": current.zone,
        "fiscal_start_month": current.calendar.start_month,
        "calendar_pattern": current.calendar.pattern,
        "week_start": current.calendar.week_start,
        "year_named_by": current.calendar.year_named_by,
    }
    return decision_record(
        Organisation,
        actor=actor,
        subject="organisation",
        values=kept | Organisation.parse(values),
        starts_on=starts_on,
        reason=reason,
    )


@dataclass(frozen=True)
class PlannedPosition:
    """What one pasted row would decide.

    Attributes:
        row: number of the row, from 1.
        cells: as pasted.
        before: the person as of the first day, None where the row names nobody.
        after: the person as the row would have it.
        problem: why the row can't be decided, or "".
    """

    row: int
    cells: dict[str, str]
    before: Person | None = None
    after: Person | None = None
    problem: str = ""

    @property
    def changes(self) -> bool:
        """Whether the row changes anything."""
        return self.after != self.before


CLEARED = "-"
"""A cell that empties a field: the person reports to nobody, or the source's own word counts again."""


def positions_plan(rows: Sequence[dict[str, str]], starts_on: date | None = None) -> list[PlannedPosition]:
    """What rows of the paste grid would decide, each with its problem; writes nothing.

    Args:
        rows: see :func:`positions_decide`.
        starts_on: first day; None for always.
    """
    before = selectors.people(starts_on or date.min)
    planned: list[PlannedPosition] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        try:
            person = selectors.person_meant(before, row.get("person", ""), "person")
            if person.id in seen:
                raise ValidationError(f"{person.name} is in row {seen[person.id]} already.")
            seen[person.id] = number
            manager = row.get("manager", "").strip()
            manager_id = (
                selectors.person_meant(before, manager, "manager").id
                if manager not in ("", CLEARED)
                else manager
            )
            after = replace(
                person,
                manager_id=_cell(manager_id, person.manager_id),
                team=_cell(row.get("team", ""), person.team),
                region=_cell(row.get("region", ""), person.region),
                role=_cell(row.get("role", ""), person.role),
            )
            Position(subject=person.id, **_values(after)).clean()
            planned.append(PlannedPosition(number, row, person, after))
        except ValidationError as error:
            planned.append(PlannedPosition(number, row, problem=" ".join(error.messages)))
    by_id = {p.after.id: p for p in planned if p.after is not None}
    decided = before | {p.after.id: p.after for p in planned if p.after is not None}
    for loop in cycles(decided):
        names = " → ".join(decided[i].name for i in [*loop, loop[0]])
        for number in [by_id[i].row for i in loop if i in by_id and by_id[i].changes]:
            planned[number - 1] = replace(
                planned[number - 1], problem=f"These people would report to each other in a circle: {names}."
            )
    return planned


def _cell(text: str, current: str) -> str:
    wanted = text.strip()
    return "" if wanted == CLEARED else wanted or current


def _values(person: Person) -> dict[str, str]:
    return {
        "person_id": person.id,
        "manager_id": person.manager_id,
        "team": person.team,
        "region": person.region,
        "role": person.role,
    }


@transaction.atomic
def positions_decide(
    *, actor: Actor, rows: Sequence[dict[str, str]], starts_on: date | None = None, reason: str = ""
) -> int:
    """Decide positions of many people at once, all or none (the paste grid of rep and manager).

    Args:
        rows: each with ``person`` (id or name) and any of ``manager`` (id or name), ``team``,
            ``region``, ``role``; an empty cell keeps what is in force, ``-`` empties it.
        starts_on: first day; None for always.

    Returns:
        How many positions changed.

    Raises:
        ValidationError: a name is unknown or ambiguous, a person is given twice, or a reporting
            line would bite its tail; the message names the row.
    """
    planned = positions_plan(rows, starts_on)
    problems = [f"Row {p.row}: {p.problem}" for p in planned if p.problem]
    if problems:
        raise ValidationError(problems)
    changed = [p.after for p in planned if p.after is not None and p.changes]
    for person in changed:
        decision_record(
            Position,
            actor=actor,
            subject=person.id,
            values=_values(person),
            starts_on=starts_on,
            reason=reason,
        )
    return len(changed)
