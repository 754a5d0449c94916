"""The aggregates of one frame: equal conditions, measures and expressions are built and computed once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.kpi import MONEY, Condition, Context, Measure
from salesops.analytics.engine.selection import row_value

UNITS = 10_000
"""Units of a money column's last place, DECIMAL(19,4), in one."""


class Aggregates:
    """Named aggregates over one frame in one context.

    Attributes:
        table: the frame.
        named: column name -> aggregate, ready for ``table.aggregate``.
    """

    def __init__(self, table: ir.Table, context: Context) -> None:
        self.table = table
        self.named: dict[str, ir.Scalar] = {}
        self._context = context
        self._names: dict[Any, str] = {}
        self._conditions: dict[Condition, ir.BooleanValue] = {}
        self._values: dict[Measure, ir.Column] = {}
        self._sides: dict[tuple[Condition, Measure], dict[str, str]] = {}
        self._rows: dict[Condition, str] = {}

    def rows(self, where: Condition) -> str:
        """Column holding the number of rows of a condition."""
        if where not in self._rows:
            self._rows[where] = self._add(self.table.count(where=self._condition(where)))
        return self._rows[where]

    def filled(self, where: Condition, column: str) -> str:
        """Column holding how many rows of a condition have a value in ``column``."""
        if column not in self.table.columns:
            return self._add(self.table.count(where=ibis.literal(False)))
        return self._add(self.table[column].count(where=self._condition(where)))

    def side(self, where: Condition, measure: Measure) -> dict[str, str]:
        """Part -> column of a side: ``value``; for a measure of a column also ``n`` and ``known``;
        with a column of estimates also ``estimated`` and ``estimates`` (how many stand in).
        """
        key = (where, measure)
        if key not in self._sides:
            self._sides[key] = self._side(where, measure)
        return self._sides[key]

    def _side(self, where: Condition, measure: Measure) -> dict[str, str]:
        if measure.kind == "count":
            return {"value": self.rows(where)}
        condition, value = self._condition(where), self._value(measure)
        parts = {"n": self.rows(where), "known": self._add(value.count(where=condition))}
        match measure.kind:
            case "median":
                units = (value * ibis.literal(Decimal(UNITS), type=MONEY)).cast("int64")
                parts["value"] = self._add(units.median(where=condition))
            case "median_days":
                parts["value"] = self._add(value.median(where=condition))
            case _:
                parts["value"] = self._add(value.sum(where=condition))
        if measure.estimate and measure.estimate in self.table.columns:
            stand_in = self.table[measure.estimate].cast(MONEY)
            parts["estimated"] = self._add(ibis.coalesce(value, stand_in).sum(where=condition))
            parts["estimates"] = self._add(stand_in.count(where=condition & value.isnull()))
        return parts

    def _condition(self, where: Condition) -> ir.BooleanValue:
        if where not in self._conditions:
            self._conditions[where] = where(self.table, self._context)
        return self._conditions[where]

    def _value(self, measure: Measure) -> ir.Column:
        if measure not in self._values:
            self._values[measure] = row_value(self.table, measure)
        return self._values[measure]

    def _add(self, expr: ir.Scalar) -> str:
        key = expr.op()
        if key not in self._names:
            self._names[key] = f"a{len(self._names)}"
            self.named[self._names[key]] = expr
        return self._names[key]
