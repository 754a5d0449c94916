"""Numbers and hidden columns: a number that needs a column hidden from the reader is undefined, and says so.

Rows come with hidden columns empty, so nothing can leak; but what is computed from an empty column
would be a wrong number. Such a number has no value for this reader.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import ibis.expr.types as ir

from salesops.analytics.engine.filters import Filter, FilterError
from salesops.analytics.engine.frames import Frames
from salesops.analytics.engine.kpi import Context, Kpi, KpiValue, Measure, Side
from salesops.analytics.engine.selection import frame_table
from salesops.process.engine.used import columns_used

_BILLED = frozenset({"invoices.amount", "invoices.issued_on", "orders.amount", "orders.ordered_on"})

MADE_OF: Mapping[str, frozenset[str]] = {
    "generated_amount": frozenset({"amount"}),
    "generated_is_estimate": frozenset({"amount"}),
    "opening_amount": frozenset({"amount"}),
    "kind": frozenset({"activities.type"}),
    "is_human": frozenset({"activities.is_automatic"}),
    "is_inbound": frozenset({"activities.direction"}),
    "happened_on": frozenset({"activities.happened_on", "activities.starts_at"}),
    "starts_at": frozenset({"activities.starts_at"}),
    "minutes": frozenset({"activities.minutes"}),
    "seconds": frozenset(
        {"activities.minutes", "activities.starts_at", "activities.type", "activities.is_automatic"}
    ),
    "response_seconds": frozenset({"leads.created_at", "activities.starts_at", "activities.is_automatic"}),
    "created_at": frozenset({"leads.created_at"}),
    "rank": frozenset({"leads.status", "leads.is_converted"}),
    "named_rank": frozenset({"leads.status"}),
    "spent": frozenset({"spend.amount"}),
    "is_before": frozenset({"spend.month_on"}),
    "function": frozenset({"spend.function"}),
    "revenue_now": _BILLED,
    "revenue_before": _BILLED,
    "revenue_kept": _BILLED,
}
"""Column that a frame makes -> columns that it shows: of the deals plain, of other tables with their table."""

FRAMES_OF_DEALS: Mapping[str, frozenset[str]] = {"attainment": frozenset({"amount"})}
"""Frame made of the deals -> columns of the deals that its numbers show."""


def masked_in(kpi: Kpi, named: Frames, context: Context, masked: Collection[str]) -> frozenset[str]:
    """Hidden columns of the deals that a number is made of.

    Args:
        kpi: the number.
        named: the frames it is computed from.
        context: period and settings, which conditions may look at.
        masked: columns hidden from the reader: of the deals plain, of other tables with their table.
    """
    if not masked:
        return frozenset()
    found: set[str] = set()
    for side in kpi.sides:
        found |= FRAMES_OF_DEALS.get(side.frame, frozenset())
        if side.frame in named and side.frame not in FRAMES_OF_DEALS:
            schema = frame_table(side.frame, named, (kpi,)).schema()
            found |= columns_used(schema, partial(_where, side, context))
            found |= _of(side.measure)
    if kpi.frame == "deals" and context.period is not None:
        found.add(kpi.dated_by)
    for column in list(found):
        found |= MADE_OF.get(column, frozenset())
    return frozenset(found & set(masked))


def _where(side: Side, context: Context, table: ir.Table) -> ir.BooleanValue:
    return side.where(table, context)


def _of(measure: Measure) -> set[str]:
    parts = (measure.column, measure.start, measure.end, measure.divisor, measure.estimate, *measure.reads)
    return {name for name in parts if name}


def reason_of(columns: Iterable[str]) -> str:
    """Why there is no value."""
    return f"masked for your role: {', '.join(name.replace('_', ' ') for name in sorted(columns))}"


def without_masked(
    values: Sequence[KpiValue], kpis: Sequence[Kpi], named: Frames, context: Context, masked: Collection[str]
) -> list[KpiValue]:
    """Values with those that need a hidden column undefined."""
    if not masked:
        return list(values)
    hidden = {kpi.name: masked_in(kpi, named, context, masked) for kpi in kpis}
    return [_undefined(value, hidden[value.name]) if hidden[value.name] else value for value in values]


def _undefined(value: KpiValue, columns: Iterable[str]) -> KpiValue:
    return replace(
        value,
        value=None,
        reason=reason_of(columns),
        sides=dict.fromkeys(value.sides),
        notes=(),
        interval=None,
        estimate=None,
    )


def refuse_masked(masked: Collection[str], filters: Iterable[Filter], others: Iterable[str] = ()) -> None:
    """Refuse to narrow or split rows by a hidden column: which rows are left would tell its values.

    Raises:
        FilterError: a filter, or one of the other columns, is hidden from the reader.
    """
    for name in (*(item.column for item in filters), *others):
        if name in masked:
            raise FilterError(f"{name} is masked for your role: it can't be filtered or split by.")
