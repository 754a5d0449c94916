"""Writers of what is decided about imported data: value repairs, amount rules, links to the source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from salesops.crm.models import AmountRule, RecordLink, ValueRepair
from salesops.platform.actors import Actor
from salesops.platform.decisions import decision_end, decision_record


def repair_decide(
    *,
    actor: Actor,
    table: str,
    column: str,
    value: str,
    replacement: str,
    starts_on: date | None = None,
    reason: str = "",
) -> ValueRepair:
    """Read a value of a column as another one; the record stays as it came.

    Raises:
        ValidationError: there is no such text column, or the repair changes nothing.
    """
    values = {"table": table, "column": column, "value": value, "replacement": replacement}
    return decision_record(
        ValueRepair,
        actor=actor,
        subject=ValueRepair.subject_of(values),
        values=values,
        starts_on=starts_on,
        reason=reason,
    )


def repair_end(*, actor: Actor, subject: str, starts_on: date | None, reason: str = "") -> ValueRepair | None:
    """Read a value as it came again, from a day on. Returns None if no repair was in force."""
    return decision_end(ValueRepair, actor=actor, subject=subject, starts_on=starts_on, reason=reason)


def amount_rule_decide(
    *,
    actor: Actor,
    deal_kind: str,
    column: str,
    type_values: Sequence[str] = (),
    starts_on: date | None = None,
    reason: str,
) -> AmountRule:
    """Decide which amount column counts as bookings for a kind of deal.

    Raises:
        ValidationError: no reason is given, or the kind is unknown.
    """
    values = {"deal_kind": deal_kind, "column": column, "type_values": list(type_values)}
    return decision_record(
        AmountRule,
        actor=actor,
        subject=AmountRule.subject_of(values),
        values=values,
        starts_on=starts_on,
        reason=reason,
    )


def amount_rule_end(*, actor: Actor, subject: str, starts_on: date | None, reason: str) -> AmountRule | None:
    """Have no rule of its own for a kind of deal, from a day on. Returns None if none was in force."""
    return decision_end(AmountRule, actor=actor, subject=subject, starts_on=starts_on, reason=reason)


def record_link_decide(
    *, actor: Actor, source: str, table: str, pattern: str, starts_on: date | None = None, reason: str = ""
) -> RecordLink:
    """Decide the web address of a table's records in their source.

    Raises:
        ValidationError: it is no web address with ``{id}`` in it.
    """
    values = {"source": source, "table": table, "pattern": pattern}
    return decision_record(
        RecordLink,
        actor=actor,
        subject=RecordLink.subject_of(values),
        values=values,
        starts_on=starts_on,
        reason=reason,
    )


def record_link_end(
    *, actor: Actor, subject: str, starts_on: date | None, reason: str = ""
) -> RecordLink | None:
    """Link no record of a table to its source, from a day on. Returns None if no link was in force."""
    return decision_end(RecordLink, actor=actor, subject=subject, starts_on=starts_on, reason=reason)
