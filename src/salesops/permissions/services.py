"""Writers of the decisions about who sees what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.core.exceptions import ValidationError

from salesops.org import selectors as org
from salesops.permissions import selectors
from salesops.permissions.engine import masks
from salesops.permissions.models import FieldMask, Overlay, Visibility
from salesops.platform.actors import Actor
from salesops.platform.decisions import decision_end, decision_record


def visibility_decide(
    *,
    actor: Actor,
    team_records: bool = False,
    deal_teams: bool = True,
    sharing_tables: Sequence[str] = (),
    sharing_managers: bool = True,
    operations_see_all: bool = False,
    starts_on: date | None = None,
    reason: str = "",
) -> Visibility:
    """Decide what widens and what bounds everybody's rows."""
    return decision_record(
        Visibility,
        actor=actor,
        subject="visibility",
        values={
            "team_records": team_records,
            "deal_teams": deal_teams,
            "sharing_tables": sorted(sharing_tables),
            "sharing_managers": sharing_managers,
            "operations_see_all": operations_see_all,
        },
        starts_on=starts_on,
        reason=reason,
    )


def overlay_decide(
    *,
    actor: Actor,
    person: str,
    dimension: str,
    value: str,
    starts_on: date | None = None,
    reason: str = "",
) -> Overlay:
    """Assign a specialist to a part of the business.

    Args:
        actor: who decides.
        person: id, name or e-mail of the specialist.
        dimension: what the part is named by, see :class:`Overlay`.
        value: the team, region, segment, product ... of that name; for an owner, id, name or e-mail.
        starts_on: first day; None for always.
        reason: why; needed.

    Raises:
        ValidationError: the person is unknown or ambiguous, or a value is missing.
    """
    person_id = _person(person, starts_on, "person")
    wanted = _person(value, starts_on, "value") if dimension == "owner" else value.strip()
    values = {"person_id": person_id, "dimension": dimension, "value": wanted}
    return decision_record(
        Overlay,
        actor=actor,
        subject=Overlay.subject_of(values),
        values=values,
        starts_on=starts_on,
        reason=reason,
    )


def overlay_end(
    *, actor: Actor, subject: str, starts_on: date | None = None, reason: str = ""
) -> Overlay | None:
    """End an assignment."""
    return decision_end(Overlay, actor=actor, subject=subject, starts_on=starts_on, reason=reason)


def mask_decide(
    *,
    actor: Actor,
    name: str,
    columns: Sequence[str],
    roles: Sequence[str],
    starts_on: date | None = None,
    reason: str = "",
) -> FieldMask:
    """Hide columns from roles, everywhere.

    Args:
        actor: who decides.
        name: what the rule is called; deciding the name again changes it.
        columns: ``table.column`` names and groups of :data:`salesops.permissions.engine.masks.GROUPS`.
        roles: roles of accounts (``rep``) or sales roles of people (``SDR``).
        starts_on: first day; None for always.
        reason: why; needed.

    Raises:
        ValidationError: a column or group that there is not, or that can't be hidden.
    """
    known = selectors.known_columns()
    for item in columns:
        table, dot, column = item.partition(".")
        if dot and column.startswith("x_") and (why := masks.refusal(table, column, known.get(table, {}))):
            raise ValidationError({"columns": why})
    values = {"name": name.strip(), "columns": list(columns), "roles": list(roles)}
    return decision_record(
        FieldMask,
        actor=actor,
        subject=values["name"],
        values=values,
        starts_on=starts_on,
        reason=reason,
    )


def mask_end(
    *, actor: Actor, subject: str, starts_on: date | None = None, reason: str = ""
) -> FieldMask | None:
    """Show the columns again."""
    return decision_end(FieldMask, actor=actor, subject=subject, starts_on=starts_on, reason=reason)


def _person(text: str, on: date | None, field: str) -> str:
    try:
        return org.person_meant(org.people(on or selectors.present_day()), text, field).id
    except ValidationError as error:
        raise ValidationError({field: error.messages}) from error
