"""From declarations to numbers: compile, run, finish. Rows behind a number: ``drill``.

All KPIs that read one frame compile into one aggregate query over it; several frames are aggregated
apart and joined by group afterwards, so no row is ever counted twice. Nothing here executes: the
caller runs the expressions where the data is and hands the rows back to :func:`finish`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.analytics.engine.aggregates import Aggregates, survival_median
from salesops.analytics.engine.dimensions import Dimension
from salesops.analytics.engine.figure import Figure, to_decimal, undefined
from salesops.analytics.engine.filters import Filter, FilterError, apply_filters
from salesops.analytics.engine.frames import MISSING_FRAME, Frames
from salesops.analytics.engine.kpi import Context, Kpi, KpiValue, Measure, Side, SideValue
from salesops.analytics.engine.selection import (
    KpiError,
    Split,
    attach_dimensions,
    frame_table,
    row_value,
    split_names,
)
from salesops.analytics.engine.statistics import wilson

Execute = Callable[[ir.Table], pa.Table]
"""Runs an expression where the data is: ``facts.execute`` or an Ibis connection's ``to_pyarrow``."""


@dataclass(frozen=True)
class Query:
    """One aggregate query over one frame.

    Attributes:
        frame: frame read.
        expr: the aggregate; one row per group, one row without groups.
        groups: columns holding the group, in the order of the dimensions.
    """

    frame: str
    expr: ir.Table
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Compiled:
    """KPIs compiled for one context.

    Attributes:
        kpis: what was asked for.
        context: for which period and day.
        by: names of the dimensions.
        queries: one per frame that can answer.
        refused: frame -> why it cannot answer (missing, or lacks a dimension or filter column).
        columns: (kpi, side or flag, part) -> (frame, column of the query).
    """

    kpis: tuple[Kpi, ...]
    context: Context
    by: tuple[str, ...]
    queries: tuple[Query, ...]
    refused: Mapping[str, str]
    columns: Mapping[tuple[str, str, str], tuple[str, str]] = field(repr=False)

    @property
    def expr(self) -> ir.Table:
        """The one query, where the KPIs read one frame.

        Raises:
            KpiError: where they read several; use ``queries``.
        """
        if len(self.queries) != 1:
            raise KpiError("these KPIs read several frames: use .queries")
        return self.queries[0].expr


def compile_kpis(
    kpis: Sequence[Kpi],
    frames: Frames | ir.Table,
    context: Context,
    by: Sequence[Split] = (),
    filters: Sequence[Filter] = (),
    *,
    lone: bool = True,
) -> Compiled:
    """KPIs as aggregate queries, one per frame.

    Args:
        kpis: what to compute.
        frames: the frames by name, or the deals frame alone.
        context: period, as-of and settings.
        by: dimensions: column names and derived dimensions.
        filters: conditions on the rows, applied to every frame. Where the KPIs read several frames,
            one that lacks a column cannot answer, and its KPIs give that as their reason.
        lone: whether these are all the KPIs that were asked for; beside others, a frame that cannot answer is a
            reason, too, where it is the main one of these.

    Raises:
        KpiError: a column to split by does not exist in the one main frame of the KPIs.
        FilterError: a filter that cannot be applied to it.
    """
    named: Frames = frames if isinstance(frames, Mapping) else {"deals": frames}
    for kpi in kpis:
        for name in split_names(by):
            if kpi.dimensions and name not in kpi.dimensions:
                raise KpiError(f"{kpi.name} can be split by {', '.join(kpi.dimensions)}, not by {name}")
    wanted = list(dict.fromkeys(_frames_of(kpis)))
    main = {kpi.frame for kpi in kpis}
    queries: list[Query] = []
    refused: dict[str, str] = {}
    columns: dict[tuple[str, str, str], tuple[str, str]] = {}
    for name in wanted:
        whole = name in WHOLE and name in named
        try:
            base = named[name] if whole else apply_filters(frame_table(name, named, kpis), filters)
            table = base if whole else attach_dimensions(base, by)
        except (KpiError, FilterError) as error:
            if lone and {name} == main and name in named:
                raise
            refused[name] = _why_refused(name, name in named, error)
            continue
        aggregates = Aggregates(table, context)
        for kpi in kpis:
            _add_kpi(kpi, name, aggregates, columns)
        groups = {} if whole else {f"g{i}": table[column] for i, column in enumerate(split_names(by))}
        expr = aggregates.build(groups)
        queries.append(Query(name, expr.limit(MOST_GROUPS + 1) if groups else expr, tuple(groups)))
    return Compiled(tuple(kpis), context, split_names(by), tuple(queries), refused, columns)


def _frames_of(kpis: Iterable[Kpi]) -> Iterable[str]:
    for kpi in kpis:
        yield kpi.frame
        yield from (side.frame for side in kpi.sides)


MOST_GROUPS = 100_000
"""Groups that a number is split into at most: each is held in memory."""
WHOLE = frozenset({"calendar"})
"""Frames that hold for every group alike: neither filtered nor split."""


def _why_refused(name: str, given: bool, error: ValueError) -> str:
    if not given:
        return MISSING_FRAME.get(name, f"there is no {name} data")
    return f"the {name} cannot be cut this way: {error}"


def _add_kpi(
    kpi: Kpi,
    frame: str,
    aggregates: Aggregates,
    columns: dict[tuple[str, str, str], tuple[str, str]],
) -> None:
    for side in kpi.sides:
        if side.frame == frame:
            for part, column in aggregates.side(side.where, side.measure).items():
                columns[kpi.name, f"side:{side.name}", part] = (frame, column)
    for flag in kpi.flags:
        if flag.frame == frame:
            columns[kpi.name, f"flag:{flag.name}", "value"] = (frame, aggregates.rows(flag.where))
    for need in kpi.requires:
        if need.frame == frame:
            columns[kpi.name, f"need:{need.column}", "n"] = (frame, aggregates.rows(need.where))
            columns[kpi.name, f"need:{need.column}", "known"] = (
                frame,
                aggregates.filled(need.where, need.column),
            )


Rows: TypeAlias = "pa.Table | Sequence[Mapping[str, Any]]"


def finish(compiled: Compiled, rows: Mapping[str, Rows] | Rows) -> list[KpiValue]:
    """Query results to values: one per KPI and group, groups in order, groups without a value last.

    Args:
        compiled: what was compiled.
        rows: result rows by frame, or those of the only query.
    """
    if not isinstance(rows, Mapping):
        rows = {compiled.queries[0].frame: rows}
    by_group: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for_all: dict[str, Mapping[str, Any]] = {}
    for query in compiled.queries:
        result = rows[query.frame]
        if query.groups and len(result) > MOST_GROUPS:
            raise KpiError(
                f"Split by {', '.join(compiled.by)} there are more than {MOST_GROUPS:,} groups: filter first, or "
                "split by something coarser."
            )
        for row in result.to_pylist() if isinstance(result, pa.Table) else result:
            if query.frame in WHOLE:
                for_all[query.frame] = row
                continue
            key = tuple(row[column] for column in query.groups)
            by_group.setdefault(key, {})[query.frame] = row
    if not compiled.by:
        by_group.setdefault((), {})  # a total is always answered, if only with the reason it is missing
    for cells in by_group.values():
        cells.update(for_all)
    lacking = _lacking(compiled, by_group.values())
    keys = sorted(by_group, key=lambda key: [(part is None, str(type(part)), part) for part in key])
    return [
        _value(kpi, dict(zip(compiled.by, key, strict=True)), by_group[key], compiled, lacking)
        for kpi in compiled.kpis
        for key in keys
    ]


def _lacking(
    compiled: Compiled, groups: Iterable[Mapping[str, Mapping[str, Any]]]
) -> dict[tuple[str, str], str]:
    """(KPI, column) -> what the data lacks altogether, over all groups together."""
    groups = list(groups)
    result: dict[tuple[str, str], str] = {}
    for kpi in compiled.kpis:
        for need in kpi.requires:
            key = (kpi.name, f"need:{need.column}")
            if (*key, "n") not in compiled.columns:
                continue
            counts = [
                [_cell(compiled, group, (*key, part)) or 0 for part in ("n", "known")] for group in groups
            ]
            if sum(c[0] for c in counts) and not sum(c[1] for c in counts):
                result[kpi.name, need.column] = need.sentence
    return result


def _cell(compiled: Compiled, group: Mapping[str, Mapping[str, Any]], key: tuple[str, str, str]) -> Any:
    place = compiled.columns.get(key)
    if place is None or place[0] not in group:
        return None
    return group[place[0]][place[1]]


def _side_value(
    compiled: Compiled, kpi: Kpi, side: Side, group: Mapping[str, Mapping[str, Any]]
) -> SideValue:
    key = f"side:{side.name}"
    value = _cell(compiled, group, (kpi.name, key, "value"))
    if side.measure.kind == "count":
        return SideValue(int(value or 0), int(value or 0), int(value or 0))
    n = int(_cell(compiled, group, (kpi.name, key, "n")) or 0)
    known = int(_cell(compiled, group, (kpi.name, key, "known")) or 0)
    estimated: Decimal | None = None
    if _cell(compiled, group, (kpi.name, key, "estimates")):
        estimated = _cell(compiled, group, (kpi.name, key, "estimated"))
    above = _cell(compiled, group, (kpi.name, key, "above"))
    if above is not None:
        value = (Fraction(value) + Fraction(above)) / 2
    return SideValue(_exact_side(side.measure, value, n, known), n, known, estimated)


def _exact_side(measure: Measure, value: Any, n: int, known: int) -> int | Decimal | Fraction | None:
    if measure.kind == "sum":
        # Nothing to sum is 0; amounts that are all unknown sum to nothing at all.
        if n and not known:
            return None
        return to_decimal(Fraction(value or 0)) if measure.plain else Decimal(value or 0)
    if measure.kind in ("days", "total"):
        # Days that a rule multiplied need not be whole.
        found = Fraction(value or 0)
        return found.numerator if found.denominator == 1 else to_decimal(found)
    if measure.kind == "survival":
        return survival_median(value or ())
    return None if value is None else Fraction(value)


def _value(
    kpi: Kpi,
    group: Mapping[str, Any],
    cells: Mapping[str, Mapping[str, Any]],
    compiled: Compiled,
    lacking: Mapping[tuple[str, str], str],
) -> KpiValue:
    sides = {side.name: _side_value(compiled, kpi, side, cells) for side in kpi.sides}
    missing = next((compiled.refused[s.frame] for s in kpi.sides if s.frame in compiled.refused), "")
    missing = missing or (kpi.unfit(compiled.context) if kpi.unfit is not None else "")
    figure = undefined(missing) if missing else kpi.combine(sides)
    if not missing and (kpi.name, kpi.dated_by) in lacking and compiled.context.period is not None:
        # Nothing is dated, so nothing falls into any period: unknown, not zero.
        figure = undefined(lacking[kpi.name, kpi.dated_by])
    elif not missing and (essential := _essential(kpi, lacking)):
        figure = undefined(essential)
    elif figure.value is None and not missing:
        needed = [
            lacking[kpi.name, need.column] for need in kpi.requires if (kpi.name, need.column) in lacking
        ]
        figure = undefined(needed[0]) if needed else figure
    sample = sides[kpi.sample].n if kpi.sample else sides[kpi.sides[-1].name].n
    interval = None
    if kpi.wilson and figure.value is not None:
        interval = wilson(sides[kpi.wilson[0]].n, sides[kpi.wilson[1]].n)
    return KpiValue(
        name=kpi.name,
        group=group,
        value=_in_unit(kpi, figure),
        reason=figure.reason,
        sides={
            side.name: None if side.frame in compiled.refused else _plain(sides[side.name].value)
            for side in kpi.sides
        },
        n=sample,
        notes=tuple(_notes(kpi, sides, figure, sample, cells, compiled)),
        interval=interval,
        estimate=None if missing else _estimate(kpi, sides),
    )


def _essential(kpi: Kpi, lacking: Mapping[tuple[str, str], str]) -> str:
    needs = (need for need in kpi.requires if need.essential)
    return next((lacking[kpi.name, need.column] for need in needs if (kpi.name, need.column) in lacking), "")


def _in_unit(kpi: Kpi, figure: Figure) -> int | Decimal | None:
    if figure.value is None or kpi.unit == "count":
        return figure.value
    return to_decimal(figure.value)


def _plain(value: int | Decimal | Fraction | None) -> int | Decimal | None:
    return to_decimal(value) if isinstance(value, Fraction) else value


def _estimate(kpi: Kpi, sides: Mapping[str, SideValue]) -> int | Decimal | None:
    if all(side.estimated is None for side in sides.values()):
        return None
    stand_ins = {
        name: side if side.estimated is None else SideValue(side.estimated, side.n, side.n)
        for name, side in sides.items()
    }
    return kpi.combine(stand_ins).value


def _notes(
    kpi: Kpi,
    sides: Mapping[str, SideValue],
    figure: Figure,
    sample: int,
    cells: Mapping[str, Mapping[str, Any]],
    compiled: Compiled,
) -> Iterable[str]:
    if (
        figure.value is not None
        and kpi.unit == "ratio"
        and kpi.sample
        and sample < compiled.context.small_sample
    ):
        yield f"Small sample ({sample}): read it as an indication."
    for side in kpi.sides:
        if side.measure.kind in ("sum", "median") and sides[side.name].missing:
            # The amount is unknown, not zero: the row counts, its value does not.
            yield f"{side.title} without an amount: {sides[side.name].missing} of {sides[side.name].n}."
    if kpi.notes is not None:
        yield from kpi.notes(sides)
    for flag in kpi.flags:
        n = _cell(compiled, cells, (kpi.name, f"flag:{flag.name}", "value"))
        if n:
            yield flag.sentence.format(n=n)


def evaluate(
    kpis: Sequence[Kpi],
    frames: Frames | ir.Table,
    context: Context,
    execute: Execute,
    by: Sequence[Split] = (),
    filters: Sequence[Filter] = (),
) -> list[KpiValue]:
    """Compile, run with ``execute`` and finish in one call. Arguments as :func:`compile_kpis`."""
    compiled = compile_kpis(kpis, frames, context, by, filters)
    return finish(compiled, {query.frame: execute(query.expr) for query in compiled.queries})


def drill(
    kpi: Kpi,
    side: str,
    frames: Frames | ir.Table,
    context: Context,
    group: Mapping[str, Any] | None = None,
    by: Sequence[Split] = (),
    filters: Sequence[Filter] = (),
) -> ir.Table:
    """The rows behind one side of a KPI.

    The column ``contribution`` holds what each row adds: 1 for a count, its amount or days for a
    sum (null where unknown). Its sum over the rows is the side's value; for a median side its
    median is.

    Args:
        kpi: the KPI.
        side: name of the side.
        frames: as handed to :func:`compile_kpis`.
        context: the same context.
        group: dimension values of the group to open; None or empty for the total.
        by: the dimensions of the group (needed for derived ones).
        filters: the same filters.

    Raises:
        KpiError: the side has no rows to list, or its frame is missing or lacks a dimension.
        KeyError: the KPI has no such side.
    """
    named: Frames = frames if isinstance(frames, Mapping) else {"deals": frames}
    chosen = kpi.side(side)
    if not chosen.rows:
        raise KpiError(f"{kpi.name}: {chosen.title} has no rows of its own to list")
    derived = [split for split in by if isinstance(split, Dimension)]
    plain = [name for name in group or {} if name not in {d.name for d in derived}]
    table = attach_dimensions(
        apply_filters(frame_table(chosen.frame, named, (kpi,)), filters), [*plain, *derived]
    )
    conditions = [chosen.where(table, context)]
    for name, value in (group or {}).items():
        column = table[name]
        conditions.append(
            column.isnull() if value is None else column == ibis.literal(value, type=column.type())
        )
    rows = table.filter(*conditions)
    return rows.mutate(contribution=row_value(rows, chosen.measure))
