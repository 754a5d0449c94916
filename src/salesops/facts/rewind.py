"""State as of an instant: today's rows with later changes undone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import ibis
import ibis.expr.types as ir

from salesops.facts.columntypes import value_expr
from salesops.facts.lake import MONTH_PART
from salesops.facts.tables import ColumnType

DATA_ON = "_data_on"
"""Hidden column of the change log: data date of the file that showed a difference."""


_DAYS = (
    "first_interaction_on",
    "happened_on",
    "ordered_on",
    "issued_on",
    "paid_on",
    "starts_on",
    "valid_on",
)
_INSTANTS = ("starts_at", "happened_at")
"""Columns of the day or instant from which on a record that is no longer planned has happened."""


def known_by(table: ir.Table, as_of: datetime) -> ir.Table:
    """Records that existed at the instant: created by then, else dealt with, happened or first seen by then.

    A record without a creation date existed from its own day on, if the table has one (a call from the day
    it was held, an invoice from its issue), or from the day a file first showed it: a file of today brings
    the calls of years. The day of ``as_of`` is the one in its own time zone.
    """
    day = ibis.literal(as_of.date(), type="date")
    existed = table.first_seen_on <= day
    for name in _DAYS:
        if name in table.columns:
            existed = existed | (table[name] <= day).fill_null(False)
    if "month_on" in table.columns:  # what a month cost is known at its end
        running = (as_of.date() + timedelta(days=1)).replace(day=1)  # a month is over when its last day is
        existed = existed | (table.month_on < ibis.literal(running, type="date")).fill_null(False)
    for name in _INSTANTS:
        if name in table.columns:
            existed = existed | (table[name] <= instant(as_of)).fill_null(False)
    if "created_on" in table.columns:
        existed = ibis.ifelse(table.created_on.notnull(), table.created_on <= day, existed)
    if "created_at" in table.columns:
        existed = ibis.ifelse(table.created_at.notnull(), table.created_at <= instant(as_of), existed)
    return table.filter(existed)


def rewound(
    name: str, current: ir.Table, log: ir.Table, fields: Mapping[str, ColumnType], as_of: datetime
) -> ir.Table:
    """``current`` with each field's value before its first change after the instant.

    Instants of one field's changes are unique in the log, so the first one is well defined.
    """
    later = log.filter(
        log.object == name,
        after(log, as_of),
        log[MONTH_PART] >= month_of(as_of),
        log.field.isin(list(fields)),
    )
    first = later.group_by("object_id", "field").aggregate(value=later.old.argmin(later.valid_at))
    overlay = first.group_by("object_id").aggregate(
        **{f"has_{i}": (first.field == f).any() for i, f in enumerate(fields)},
        **{f"value_{i}": first.value.max(where=first.field == f) for i, f in enumerate(fields)},
    )
    joined = current.left_join(overlay, current.id == overlay.object_id)
    positions = {field: i for i, field in enumerate(fields)}
    columns = {}
    for column in current.columns:
        value = joined[column]
        if column in fields:
            i = positions[column]
            old = value_expr(joined[f"value_{i}"], fields[column])
            value = ibis.ifelse(joined[f"has_{i}"].fill_null(False), old, value)
        columns[column] = value
    return joined.select(**columns)


def after(log: ir.Table, as_of: datetime) -> ir.BooleanValue:
    """Whether a change came after an instant; the log needs its hidden data date.

    A difference between two files that is known by its day alone belongs to that day in every time
    zone, not to midnight UTC.
    """
    by_day = (log.source == "difference") & (log.valid_at == log[DATA_ON].cast("timestamp('UTC')"))
    day = ibis.literal(as_of.date(), type="date")
    return ibis.ifelse(by_day.fill_null(False), log[DATA_ON] > day, log.valid_at > instant(as_of))


def instant(when: datetime) -> ir.TimestampScalar:
    """A typed literal of an aware instant."""
    return ibis.literal(when.astimezone(UTC), type="timestamp('UTC')")


def month_of(when: datetime) -> str:
    """The month partition an instant lies in."""
    return when.astimezone(UTC).strftime("%Y-%m")
