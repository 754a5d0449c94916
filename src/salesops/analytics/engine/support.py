"""What the data supports: each number available, partial or impossible, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import ibis.expr.types as ir

from salesops.analytics.engine.aggregates import Aggregates
from salesops.analytics.engine.compute import Execute
from salesops.analytics.engine.frames import DECIDED_FRAMES, MISSING_FRAME, Frames
from salesops.analytics.engine.kpi import Context, Kpi
from salesops.analytics.engine.selection import frame_table

State = Literal["available", "partial", "impossible"]


@dataclass(frozen=True)
class Gap:
    """One requirement that is not fully met.

    Attributes:
        column: column that is missing or thin.
        frame: frame it belongs to.
        filled: rows that have it.
        rows: rows that should have it; 0 where there is no such row or no such frame.
        sentence: what is missing and what to do about it.
        decision: True where a decision fills it, not a file.
    """

    column: str
    frame: str
    filled: int
    rows: int
    sentence: str
    decision: bool


@dataclass(frozen=True)
class Support:
    """Whether one KPI can be computed from the data.

    Attributes:
        name: the KPI's name.
        state: available; partial (some rows lack a column); impossible (none has it).
        gaps: what is missing, most serious first.
    """

    name: str
    state: State
    gaps: tuple[Gap, ...]


def support_queries(
    kpis: Sequence[Kpi], frames: Frames, context: Context
) -> tuple[dict[str, ir.Table], dict[tuple[str, str, str], str]]:
    """One aggregate query per frame that counts wanted (``n``) and filled (``known``) cells.

    Returns:
        Queries by frame, and (KPI, column, part) -> column of its frame's query.
    """
    queries: dict[str, ir.Table] = {}
    columns: dict[tuple[str, str, str], str] = {}
    for name in dict.fromkeys(need.frame for kpi in kpis for need in kpi.requires):
        if name not in frames:
            continue
        table = frame_table(name, frames, kpis)
        aggregates = Aggregates(table, context)
        for kpi in kpis:
            for need in kpi.requires:
                if need.frame == name:
                    columns[kpi.name, need.column, "n"] = aggregates.rows(need.where)
                    columns[kpi.name, need.column, "known"] = aggregates.filled(need.where, need.column)
        queries[name] = aggregates.build({})
    return queries, columns


def read_support(kpis: Sequence[Kpi], frames: Frames, context: Context, execute: Execute) -> list[Support]:
    """What the data supports, one entry per KPI, in their order.

    A KPI that reads a frame which is not there (quotas) is impossible until it is. A number over
    rows that do not exist yet (no won deal at all) counts as impossible too: nothing can fill it.
    """
    queries, columns = support_queries(kpis, frames, context)
    found = {name: execute(query).to_pylist()[0] for name, query in queries.items()}
    counts = {
        (kpi.name, need.column, part): int(found[need.frame][columns[kpi.name, need.column, part]] or 0)
        for kpi in kpis
        for need in kpi.requires
        if need.frame in found
        for part in ("n", "known")
    }
    return [_support(kpi, frames, counts) for kpi in kpis]


def _support(kpi: Kpi, frames: Frames, counts: Mapping[tuple[str, str, str], int]) -> Support:
    gaps: list[Gap] = []
    for frame in dict.fromkeys((kpi.frame, *(side.frame for side in kpi.sides))):
        if frame not in frames:
            gaps.append(
                Gap(
                    "",
                    frame,
                    0,
                    0,
                    MISSING_FRAME.get(frame, f"there is no {frame} data"),
                    decision=frame in DECIDED_FRAMES,
                )
            )
    for need in kpi.requires:
        key = (kpi.name, need.column)
        if (*key, "n") in counts:
            rows, filled = counts[*key, "n"], counts[*key, "known"]
            if filled < rows or rows == 0:
                gaps.append(Gap(need.column, need.frame, filled, rows, need.sentence, need.decision))
    gaps.sort(key=lambda gap: gap.filled > 0)
    state: State = "available"
    if gaps:
        state = "partial" if all(gap.filled for gap in gaps) else "impossible"
    return Support(kpi.name, state, tuple(gaps))
