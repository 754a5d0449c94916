"""Filters: (column, operator, values) typed into an expression, nothing else.

Values arrive as text from a form or an address and are read by the type of the column; an operator
or a column that is not known is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import ibis
import ibis.expr.types as ir


class FilterError(ValueError):
    """A filter that cannot be applied; the message says what to change."""


@dataclass(frozen=True)
class Filter:
    """One condition on a column.

    Attributes:
        column: column of the frame, extras (``x_...``) included.
        op: one of :data:`OPERATORS`.
        values: operands, as values or as text; none for ``is_null`` and ``not_null``.
    """

    column: str
    op: str
    values: tuple[Any, ...] = ()


def typed_literal(column: ir.Column, value: Any) -> ir.Scalar:
    """``value`` as a literal of the column's type; text is read, a float is refused for decimals.

    Raises:
        FilterError: where the value does not fit the type.
    """
    kind = column.type()
    try:
        if kind.is_decimal():
            if isinstance(value, bool | float):
                raise FilterError(f"{column.get_name()}: write {value!r} as text, amounts are exact")
            number = Decimal(str(value).strip())
            if not number.is_finite() or round(number, kind.scale or 0) != number:
                raise FilterError(f"{column.get_name()}: {value!r} has too many decimals")
            return ibis.literal(number, type=kind)
        if kind.is_boolean():
            return ibis.literal(_boolean(value), type=kind)
        if kind.is_integer():
            return ibis.literal(int(str(value).strip()), type=kind)
        if kind.is_floating():
            return ibis.literal(float(value), type=kind)
        if kind.is_date():
            return ibis.literal(_date(value), type=kind)
        if kind.is_timestamp():
            instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
            return ibis.literal(instant, type=kind)
        if kind.is_string():
            return ibis.literal(str(value), type="string")
    # Ibis raises TypeError for a number that is too large for its type.
    except (ValueError, TypeError, OverflowError, InvalidOperation) as error:
        if isinstance(error, FilterError):
            raise
        raise FilterError(f"{column.get_name()}: {value!r} is not a {kind}") from error
    raise FilterError(f"{column.get_name()} cannot be filtered: its type is {kind}")


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value).strip())


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in {"true", "yes", "1"}:
        return True
    if text in {"false", "no", "0"}:
        return False
    raise ValueError(value)


def _any_of(c: ir.Column, v: Sequence[ir.Scalar]) -> ir.BooleanValue:
    return c.isin(list(v))


def _none_of(c: ir.Column, v: Sequence[ir.Scalar]) -> ir.BooleanValue:
    return ~c.isin(list(v)) | c.isnull()


def _between(c: ir.Column, v: Sequence[ir.Scalar]) -> ir.BooleanValue:
    return c.between(v[0], v[1])


OPERATORS: Mapping[str, tuple[int | None, Callable[[Any, Sequence[Any]], Any]]] = {
    "eq": (1, lambda c, v: c == v[0]),
    "ne": (1, _none_of),
    "in": (None, _any_of),
    "not_in": (None, _none_of),
    "lt": (1, lambda c, v: c < v[0]),
    "le": (1, lambda c, v: c <= v[0]),
    "gt": (1, lambda c, v: c > v[0]),
    "ge": (1, lambda c, v: c >= v[0]),
    "between": (2, _between),
    "contains": (1, lambda c, v: c.lower().contains(v[0].lower())),
    "starts_with": (1, lambda c, v: c.lower().startswith(v[0].lower())),
    "is_null": (0, lambda c, v: c.isnull()),
    "not_null": (0, lambda c, v: c.notnull()),
}
"""Operator -> (number of values, None = one or more; expression). ``ne`` and ``not_in`` keep rows
without a value; every other comparison leaves them out. ``between`` includes both ends. ``contains``
and ``starts_with`` ignore case."""

_TEXT_ONLY = frozenset({"contains", "starts_with"})


Literals = Callable[[ir.Column, Any, int], ir.Scalar]
"""Column, operand and its place among the operands -> what stands for it in an expression."""


def _as_it_is(column: ir.Column, value: Any, place: int) -> ir.Scalar:
    return typed_literal(column, value)


def operands(table: ir.Table, item: Filter) -> list[Any]:
    """The operands of a filter, read by the type of its column, as :func:`condition` would; and its errors."""
    found: list[Any] = []

    def note(column: ir.Column, value: Any, place: int) -> ir.Scalar:
        literal = typed_literal(column, value)
        found.append(literal.op().value)
        return literal

    _read(table, item, note)
    return found


def _read(table: ir.Table, item: Filter, literals: Literals) -> tuple[ir.Column, list[ir.Scalar]]:
    """The column of a filter and its operands, checked."""
    if item.column not in table.columns:
        raise FilterError(f"there is no column {item.column!r}")
    if item.op not in OPERATORS:
        raise FilterError(f"there is no operator {item.op!r}; use one of {', '.join(OPERATORS)}")
    wanted, _ = OPERATORS[item.op]
    if (wanted is None and not item.values) or (wanted is not None and len(item.values) != wanted):
        raise FilterError(f"{item.column} {item.op}: {wanted or 'one or more'} values expected")
    column = table[item.column]
    if item.op in _TEXT_ONLY and not column.type().is_string():
        raise FilterError(f"{item.column} is not text: {item.op} does not apply")
    return column, [literals(column, value, place) for place, value in enumerate(item.values)]


def condition(table: ir.Table, item: Filter, literals: Literals = _as_it_is) -> ir.BooleanValue:
    """One filter as a boolean expression over ``table``.

    Args:
        table: the rows.
        item: the filter.
        literals: what stands for an operand; the operand itself without it.

    Raises:
        FilterError: unknown column or operator, wrong number of values, value of the wrong type.
    """
    column, values = _read(table, item, literals)
    return OPERATORS[item.op][1](column, values)


def apply_filters(table: ir.Table, filters: Sequence[Filter]) -> ir.Table:
    """``table`` restricted to rows that meet every filter."""
    if not filters:
        return table
    return table.filter(*[condition(table, item) for item in filters])
