"""The rows and columns a KPI reads: its frame, its dimensions, what one row contributes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.dimensions import Dimension
from salesops.analytics.engine.frames import Frames, with_created_amounts
from salesops.analytics.engine.kpi import MONEY, Kpi, Measure

Split = str | Dimension
"""What a number is split by: a column's name or a derived dimension."""


class KpiError(ValueError):
    """A request that cannot be met; the message says what to change."""


def frame_table(name: str, frames: Frames, kpis: Iterable[Kpi]) -> ir.Table:
    """A frame as the KPIs need it, optional joins included.

    Raises:
        KpiError: where the frame was not handed in.
    """
    if name not in frames:
        raise KpiError(f"there is no {name} frame")
    if name == "deals" and any("created_amounts" in kpi.joins for kpi in kpis):
        return with_created_amounts(frames)
    return frames[name]


def attach_dimensions(table: ir.Table, by: Sequence[Split]) -> ir.Table:
    """``table`` with every derived dimension added.

    Raises:
        KpiError: where a column is missing.
    """
    for split in by:
        needs = split.needs if isinstance(split, Dimension) else (split,)
        for column in needs:
            if column not in table.columns:
                raise KpiError(f"there is no column {column!r} to split by")
        if isinstance(split, Dimension):
            table = split.attach(table)
    return table


def split_names(by: Sequence[Split]) -> tuple[str, ...]:
    """Column names of the dimensions."""
    return tuple(s.name if isinstance(s, Dimension) else s for s in by)


def row_value(table: ir.Table, measure: Measure) -> ir.Column:
    """What one row contributes to the measure; null where the row lacks it."""
    if measure.value is not None:
        return measure.value(table)
    match measure.kind:
        case "count":
            return ibis.literal(1, type="int64")
        case "sum" | "median":
            column = table[measure.column]
            return column if column.type().is_decimal() else column.cast(MONEY)
        case "total" | "middle" | "survival":
            return table[measure.column].cast("int64")
        case "days" | "median_days" | "upper_days":
            return table[measure.end].delta(table[measure.start], unit="day")
        case "ratios":
            # A plain share, not money: both sides become floating point before the division.
            divisor = table[measure.divisor].cast("float64")
            return table[measure.column].cast("float64") / divisor.nullif(0.0)
