"""The aggregates of one frame, each built and computed once.

Conditions and row values are first projected to columns, then aggregated: a condition that ten KPIs
share is evaluated once per row, not ten times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from salesops.analytics.engine.kpi import MONEY, Condition, Context, Measure
from salesops.analytics.engine.ramp import kaplan_meier
from salesops.analytics.engine.selection import row_value

_Function = Literal["rows", "known", "sum", "median", "lower_middle", "upper_middle", "upper", "gathered"]

_FEW = 4
"""Conditions that are worth telling apart beforehand; of many, nearly every row has one."""

_PLACES = 4
"""Decimal places of money; with more of them the engine's middle of two is not exact."""


class Aggregates:
    """Aggregates over one frame in one context; ask for columns, then :meth:`build` the query."""

    def __init__(self, table: ir.Table, context: Context) -> None:
        self._table = table
        self._context = context
        self._projected: dict[str, ir.Column] = {}
        self._columns: dict[Any, str] = {}
        self._conditions: dict[Condition, str] = {}
        self._sides: dict[tuple[Condition, Measure], dict[str, str]] = {}
        self._wanted: dict[tuple[_Function, str, str], str] = {}

    def rows(self, where: Condition) -> str:
        """Column holding the number of rows of a condition."""
        return self._want("rows", self._condition(where))

    def filled(self, where: Condition, column: str) -> str:
        """Column holding how many rows of a condition have a value in ``column``."""
        found = self._table[column] if column in self._table.columns else ibis.null("string")
        return self._want("known", self._condition(where), self._project(found, "v"))

    def side(self, where: Condition, measure: Measure) -> Mapping[str, str]:
        """Part -> column of a side.

        ``value``; for a measure of a column also ``n`` and ``known``; with a column of estimates also
        ``estimated`` and ``estimates`` (how many stand in); of a median of plain numbers, or of many places,
        ``above``, the upper one of the two middle values.
        """
        key = (where, measure)
        if key not in self._sides:
            self._sides[key] = self._side(where, measure)
        return self._sides[key]

    def _side(self, where: Condition, measure: Measure) -> dict[str, str]:
        if measure.kind == "count":
            return {"value": self.rows(where)}
        condition, value = self._condition(where), row_value(self._table, measure)
        column = self._project(value, "v")
        parts = {"n": self.rows(where), "known": self._want("known", condition, column)}
        match measure.kind:
            case "median" | "median_days" if measure.plain or _is_fine(value):
                parts["value"] = self._want("lower_middle", condition, column)
                parts["above"] = self._want("upper_middle", condition, column)
            case "median":
                # One place more, so that the middle of two amounts does not have to be rounded.
                finer = self._project(value.cast(f"decimal(38,{_PLACES + 1})"), "v")
                parts["value"] = self._want("median", condition, finer)
            case "upper_days":
                parts["value"] = self._want("upper", condition, column)
            case "survival":
                coded = self._project(survival_code(self._table, measure), "v")
                parts["value"] = self._want("gathered", condition, coded)
            case "median_days" | "middle":
                parts["value"] = self._want("median", condition, column)
            case _:
                parts["value"] = self._want("sum", condition, column)
        if measure.estimate and measure.estimate in self._table.columns:
            stand_in = self._table[measure.estimate].cast(MONEY)
            either = self._project(ibis.coalesce(value, stand_in), "v")
            used = self._project(value.isnull().ifelse(stand_in, ibis.null(MONEY)), "v")
            parts["estimated"] = self._want("sum", condition, either)
            parts["estimates"] = self._want("known", condition, used)
        return parts

    def build(self, groups: Mapping[str, ir.Column]) -> ir.Table:
        """The query: one row per group, one row in all without groups."""
        table, wanted = (
            self._table,
            [self._projected[name] for name in dict.fromkeys(self._conditions.values())],
        )
        if not groups and 0 < len(wanted) <= _FEW and not any(_is_true(one) for one in wanted):
            # Rows of no condition add to nothing: left out first, the engine need not join or convert them.
            table = table.filter(ibis.or_(*wanted))
        projected = table.select(**groups, **self._projected)
        named = {name: self._aggregate(projected, *key) for key, name in self._wanted.items()}
        by = projected.group_by(*groups) if groups else projected
        return by.aggregate(**named)

    def _aggregate(self, t: ir.Table, function: _Function, condition: str, value: str) -> ir.Scalar:
        where = t[condition]
        match function:
            case "rows":
                return t.count(where=where)
            case "known":
                return t[value].count(where=where)
            case "sum":
                return t[value].sum(where=where)
            case "median":
                return t[value].median(where=where)
            case "lower_middle":
                return lower_middle(t[value], where)
            case "upper_middle":
                return upper_middle(t[value], where)
            case "upper":
                return t[value].cast("float64").quantile(0.75, where=where)
            case "gathered":
                return t[value].collect(where=where & t[value].notnull())

    def _condition(self, where: Condition) -> str:
        if where not in self._conditions:
            self._conditions[where] = self._project(where(self._table, self._context), "c")
        return self._conditions[where]

    def _project(self, column: ir.Column, letter: str) -> str:
        key = column.op()
        if key not in self._columns:
            self._columns[key] = f"{letter}{len(self._columns)}"
            self._projected[self._columns[key]] = column
        return self._columns[key]

    def _want(self, function: _Function, condition: str, value: str = "") -> str:
        return self._wanted.setdefault((function, condition, value), f"a{len(self._wanted)}")


def survival_code(table: ir.Table, measure: Measure) -> ir.Column:
    """Time and event of a row as one whole number: twice the time, and 1 more where the event came."""
    return row_value(table, measure) * 2 + table[measure.event].fill_null(False).cast("int64")


def survival_median(codes: Sequence[int]) -> Fraction | None:
    """Kaplan-Meier median of gathered :func:`survival_code`; None where fewer than half have come."""
    found = kaplan_meier([(code // 2, bool(code % 2)) for code in codes]).median.value
    return None if found is None else Fraction(found)


def _is_true(column: ir.Column) -> bool:
    op = column.op()
    return isinstance(op, ops.Literal) and op.value is True


def _is_fine(column: ir.Column) -> bool:
    kind = column.type()
    return kind.is_decimal() and kind.scale > _PLACES


def lower_middle(column: ir.Column, where: ir.BooleanValue | None = None) -> ir.Scalar:
    """The middle value, or the lower one of two; always a value that is there, to its last place.

    Inside a struct there is nothing between two values, so that the engine takes one of them as it stands. Of
    numbers it would take the mean, by way of floating point.
    """
    known = column.notnull() if where is None else where & column.notnull()
    return ibis.struct({"v": column}).quantile(0.5, where=known)["v"]


def upper_middle(column: ir.Column, where: ir.BooleanValue | None = None) -> ir.Scalar:
    """The middle value, or the upper one of two: :func:`lower_middle`."""
    return -lower_middle(-column, where)
