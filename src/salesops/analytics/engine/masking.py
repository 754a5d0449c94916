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
from salesops.quality.engine.inspection import CLOSE, HISTORY

_BILLED = frozenset(
    f"{table}.{column}"
    for table, day in (("invoices", "issued_on"), ("orders", "ordered_on"))
    for column in ("amount", "currency", "account_id", day)
)
_AMOUNT_THEN = frozenset({"amount", "source_amount", "currency", "closed_on", "type"})
_DAY = frozenset({"activities.happened_on", "activities.starts_at"})
_PRESENT = frozenset({"users.hired_on", "users.left_on"})
_RAMP = _PRESENT | {"amount", "stage_class", "closed_on", "owner_id"}
_LINKED = frozenset(f"activities.{name}_id" for name in ("account", "opportunity", "contact", "lead"))
_TOUCH = frozenset(
    f"activities.{name}"
    for name in ("starts_at", "happened_on", "status", "is_automatic", "direction", "lead_id")
)
_SOLD = frozenset(
    f"activities.{name}"
    for name in ("starts_at", "happened_on", "minutes", "type", "is_automatic", "status", "owner_id")
)

MADE_OF: Mapping[str, frozenset[str]] = {
    "generated_amount": _AMOUNT_THEN,
    "generated_is_estimate": _AMOUNT_THEN,
    "opening_amount": _AMOUNT_THEN,
    "opening_close_on": CLOSE,
    "opening_category": frozenset({"forecast_category", "stage_class"}),
    "old_close_on": CLOSE,
    "new_close_on": CLOSE,
    "moved_on": CLOSE,
    "move": CLOSE,
    "entered_on": HISTORY,
    "left_on": HISTORY,
    "passed_on": HISTORY,
    "next_order": HISTORY,
    "days": HISTORY,
    "total_days": HISTORY,
    "stage_limit": HISTORY,
    "stage_stays": HISTORY,
    "first_won_on": frozenset({"closed_on"}),
}
"""Column that a frame of the deals makes -> columns of the deals that it shows."""

OF_FRAMES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "activities": {
        "kind": frozenset({"activities.type"}),
        "is_human": frozenset({"activities.is_automatic"}),
        "is_inbound": frozenset({"activities.direction"}),
        "happened_on": _DAY,
        "took_place": _DAY | {"activities.status"},
        "is_linked": _LINKED,
        "deal_class": frozenset({"activities.opportunity_id", "stage_class"}),
        "deal_closed_on": frozenset({"activities.opportunity_id", "closed_on"}),
    },
    "selling_time": {"happened_on": _DAY, "seconds": _SOLD},
    "people": {"working_days": _PRESENT},
    "leads": {
        "created_on": frozenset({"leads.created_on", "leads.created_at"}),
        "first_touch_at": _TOUCH,
        "response_seconds": _TOUCH | {"leads.created_at"},
        "rank": frozenset(
            {"leads.status", "leads.is_converted", "leads.converted_opportunity_id", "stage_class"}
        ),
        "named_rank": frozenset({"leads.status"}),
    },
    "spend": {
        "spent": frozenset({"spend.amount", "spend.currency", "spend.month_on"}),
        "is_before": frozenset({"spend.month_on"}),
    },
    "revenue": {f"revenue_{name}": _BILLED for name in ("now", "before", "kept")},
    "quotas": {"fte_months": _PRESENT},
    "attainment": {
        "won": frozenset({"amount", "stage_class", "closed_on"}),
        "fte_months": _PRESENT,
    },
    "ramp": {
        "reached": _RAMP,
        "months": _RAMP,
        "full_quota": frozenset(),
        "hired_on": frozenset({"users.hired_on"}),
        "left_on": frozenset({"users.left_on"}),
    },
    "calendar": {},
}
"""Frame that is not made of deals -> column that it makes -> columns that it shows: of the deals plain, of other
tables with their table. A column that is not named is that of the frame's own table."""

ROWS_OF: Mapping[str, frozenset[str]] = {
    "stage_visits": HISTORY,
    "stage_entries": HISTORY,
    "stage_presence": HISTORY,
    "standing": HISTORY,
    "close_moves": CLOSE,
    "opening": CLOSE | {"stage_class", "created_on"},
    "customers": frozenset({"stage_class", "closed_on", "account_id"}),
    "attainment": frozenset({"amount", "stage_class", "closed_on"}),
    "ramp": _RAMP,
    "selling_time": _SOLD | _LINKED,
    "people": frozenset({"activities.owner_id", "activities.is_automatic"}),
    "spend": frozenset({"spend.month_on"}),
    "revenue": _BILLED,
}
"""Frame -> columns that decide which rows it holds, whatever is asked of them."""


def masked_in(kpi: Kpi, named: Frames, context: Context, masked: Collection[str]) -> frozenset[str]:
    """Hidden columns that a number is made of.

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
        if side.frame in named:
            found |= _rows_read(kpi, side, named, context)
            for column in _of(side.measure):
                found |= _made_of(side.frame, column)
    for need in kpi.requires:
        if need.essential and need.frame in named:
            found |= _made_of(need.frame, need.column)
    if kpi.frame == "deals" and context.period is not None:
        found.add(kpi.dated_by)
    return frozenset(found & set(masked))


def masked_rows(
    kpi: Kpi, side: Side, named: Frames, context: Context, masked: Collection[str]
) -> frozenset[str]:
    """Hidden columns for which a side's rows can't be listed: those that decide which rows there are, and those that
    what a row adds is worked out from. A hidden column that is itself what a row adds comes empty, and is listed so.
    """
    if not masked or side.frame not in named:
        return frozenset()
    found = set(_rows_read(kpi, side, named, context))
    for column in _of(side.measure):
        found |= _made_of(side.frame, column) - {column}
    return frozenset(found & set(masked))


def _rows_read(kpi: Kpi, side: Side, named: Frames, context: Context) -> frozenset[str]:
    """Columns that decide which rows a side has."""
    schema = frame_table(side.frame, named, (kpi,)).schema()
    found = set(ROWS_OF.get(side.frame, ()))
    for column in columns_used(schema, partial(_where, side, context)):
        found |= _made_of(side.frame, column)
    return frozenset(found)


def _made_of(frame: str, column: str) -> frozenset[str]:
    """Columns of the facts that a column of a frame shows."""
    own = OF_FRAMES.get(frame)
    if own is None:
        return MADE_OF.get(column, frozenset()) | {column}
    return own.get(column, frozenset({f"{frame}.{column}"}))


def _where(side: Side, context: Context, table: ir.Table) -> ir.BooleanValue:
    return side.where(table, context)


def _of(measure: Measure) -> set[str]:
    parts = (
        measure.column,
        measure.start,
        measure.end,
        measure.divisor,
        measure.event,
        measure.estimate,
        *measure.reads,
    )
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
