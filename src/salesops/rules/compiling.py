"""From nodes to Ibis expressions. Every literal is typed; no text of the rule's author becomes part of a query.

Numbers: a field is compared in its own exact type; whatever is computed is ``decimal(38,12)``. The factors of a
product count to six places and below ten trillion; what is larger is unknown, so that no row can make a query fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.rules import literals
from salesops.rules import nodes as n
from salesops.rules.errors import RuleError, UnknownFieldError
from salesops.rules.fields import NUMERIC
from salesops.rules.periods import PeriodReader

WIDE = "decimal(38,12)"
FACTOR = "decimal(19,6)"
_FACTOR_BELOW = Decimal(10) ** 13
_PRODUCT_BELOW = Decimal(10) ** 18


@dataclass(frozen=True)
class Values:
    """What the caller gives a rule beside the row.

    Attributes:
        today: the day the rows describe.
        period: reads the names of periods; None where the caller knows no calendar.
    """

    today: date
    period: PeriodReader | None = None


def condition_of(node: n.Condition, table: ir.Table, values: Values) -> ir.BooleanValue:
    """A condition as an expression over a table: true, false or null (unknown).

    Raises:
        UnknownFieldError: the table has no such column (any more).
        RuleError: a period that the caller's calendar does not have.
    """
    return _Compiler(table, values).condition(node)


def value_of(node: n.Value, table: ir.Table, values: Values) -> ir.Column:
    """A value as an expression over a table. Errors as :func:`condition_of`."""
    return _Compiler(table, values).value(node)


class _Compiler:
    def __init__(self, table: ir.Table, values: Values) -> None:
        self.table = table
        self.values = values

    def condition(self, node: n.Condition) -> Any:  # noqa: C901 - one line for each form there is
        match node:
            case n.Both(items):
                return reduce(and_, [self.condition(item) for item in items])
            case n.Either(items):
                return reduce(or_, [self.condition(item) for item in items])
            case n.Not(item):
                return ~self.condition(item)
            case n.Compare():
                return self._compare(node)
            case n.Same(left, right):
                a, b = self._alike(left, right)
                return a.identical_to(b)
            case n.OneOf(item, values):
                return self._one_of(item, values)
            case n.Between(item, low, high):
                return self._compare(n.Compare(">=", item, low)) & self._compare(n.Compare("<=", item, high))
            case n.Like():
                return self._like(node)
            case n.InPeriod(item, op, period):
                return self._in_period(item, op, period)
            case n.Empty(item):
                return self.value(item).isnull() if isinstance(item, _VALUES) else self._unknown(item)
            case n.Is(item, value):
                found = self.condition(item).fill_null(not value)
                return found if value else ~found
            case n.Truth(value):
                return ibis.literal(value)
            case n.Ref() | n.Call():
                return self.value(node)
        raise AssertionError(node)  # the nodes are all there are

    def _unknown(self, item: n.Condition) -> Any:
        # Not isnull(): of a negation Ibis writes NOT x IS NULL, which databases read as NOT (x IS NULL).
        found = self.condition(item)
        return ibis.cases((found, False), (~found, False), else_=True)

    def value(self, node: n.Value) -> Any:
        match node:
            case n.Ref(name):
                return self._column(name)
            case n.Num(value):
                return _wide(value)
            case n.Str(value):
                return ibis.literal(value, type="string")
            case n.Day(value):
                return ibis.literal(value, type="date")
            case n.Today():
                return ibis.literal(self.values.today, type="date")
            case n.Truth(value):
                return ibis.literal(value)
            case n.Shift():
                return self._shift(node)
            case n.Minus(item, _):
                return -self.wide(item)
            case n.Arith(op, left, right, _):
                return self._arithmetic(op, left, right)
            case n.Call(name, args, _):
                return _CALLS[name](self, args)
        raise AssertionError(node)

    def _column(self, name: str) -> Any:
        if name not in self.table.columns:
            raise UnknownFieldError(name, "")
        return self.table[name]

    def wide(self, node: n.Value) -> Any:
        made = self.value(node)
        return made if made.type() == ibis.dtype(WIDE) else made.cast(WIDE)

    def _arithmetic(self, op: str, left: n.Value, right: n.Value) -> Any:
        if op == "+":
            return self.wide(left) + self.wide(right)
        if op == "-":
            return self.wide(left) - self.wide(right)
        product = (self._factor(left) * self._factor(right)).cast(WIDE)
        return ibis.ifelse(product.abs() < _wide(_PRODUCT_BELOW), product, ibis.null(WIDE))

    def _factor(self, node: n.Value) -> Any:
        if isinstance(node, n.Num) and abs(node.value) < _FACTOR_BELOW:
            return ibis.literal(node.value, type=FACTOR)
        wide = self.wide(node)
        return ibis.ifelse(wide.abs() < _wide(_FACTOR_BELOW), wide, ibis.null(WIDE)).cast(FACTOR)

    def _alike(self, left: n.Value, right: n.Value) -> tuple[Any, Any]:
        """Both values in one type."""
        if left.kind not in NUMERIC:
            return self.value(left), self.value(right)
        if isinstance(right, n.Num) and not isinstance(left, n.Num):
            column = self.value(left)
            typed = _as_typed(right.value, column)
            if typed is not None:
                return column, typed
        if isinstance(left, n.Ref) and isinstance(right, n.Ref):
            one, two = self.value(left), self.value(right)
            if one.type() == two.type():
                return one, two
        return self.wide(left), self.wide(right)

    def _compare(self, node: n.Compare) -> Any:
        left, right = self._alike(node.left, node.right)
        return _OPERATORS[node.op](left, right)

    def _one_of(self, item: n.Value, values: tuple[Any, ...]) -> Any:
        column = self.value(item)
        if item.kind not in NUMERIC:
            return column.isin([self.value(value) for value in values])
        typed = [_as_typed(value.value, column) for value in values]
        if all(one is not None for one in typed):
            return column.isin(typed)
        return self.wide(item).isin([_wide(value.value) for value in values])

    def _like(self, node: n.Like) -> Any:
        text, shape = self.value(node.item), node.shape
        if node.ignore_case:
            text = text.lower()
        if not shape:
            return text == ibis.literal("", type="string")
        if not literals.is_simple(shape):
            return text.like([_folded(literals.pattern_of(shape)[0], node.ignore_case)])
        words = next((part for part in shape if isinstance(part, str)), None)
        if words is None:  # nothing but %: every text that is known
            return text.length() >= ibis.literal(0, type="int64")
        wanted = _folded(words, node.ignore_case)
        match shape[0] is None, shape[-1] is None:
            case False, False:
                return text == wanted
            case False, True:
                return text.startswith(wanted)
            case True, False:
                return text.endswith(wanted)
            case _:
                return text.contains(wanted)

    def _in_period(self, item: n.Value, op: str, period: str) -> Any:
        if self.values.period is None:
            raise RuleError(f"There is no calendar here to read {period!r} by.")
        first, last = self.values.period(period)
        day = self.value(item)
        begin, end = ibis.literal(first, type="date"), ibis.literal(last, type="date")
        match op:
            case "in":
                return (day >= begin) & (day <= end)
            case "<":
                return day < begin
            case "<=":
                return day <= end
            case ">":
                return day > end
        return day >= begin

    def _shift(self, node: n.Shift) -> Any:
        fixed = {n.Today: self.values.today, n.Day: getattr(node.day, "value", None)}.get(type(node.day))
        if fixed is not None:
            return ibis.literal(moved(fixed, node.n, node.unit), type="date")
        span = ibis.interval(days=abs(node.n))
        day = self.value(node.day)
        return ((day + span) if node.n > 0 else (day - span)).cast("date")

    def texts(self, args: tuple[n.Value, ...]) -> tuple[Any, Any]:
        wanted = args[1]
        assert isinstance(wanted, n.Str)
        return self.value(args[0]).lower(), _folded(wanted.value, True)

    def days(self, args: tuple[n.Value, ...]) -> Any:
        start, end = (self.value(arg) for arg in args)
        return end.delta(start, unit="day")

    def coalesce(self, args: tuple[n.Value, ...]) -> Any:
        numeric = args[0].kind in NUMERIC
        return ibis.coalesce(*((self.wide(arg) if numeric else self.value(arg)) for arg in args))


_VALUES = (n.Ref, n.Num, n.Str, n.Day, n.Today, n.Truth, n.Shift, n.Minus, n.Arith, n.Call)

_OPERATORS: Mapping[n.Operator, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _starts(c: _Compiler, args: tuple[n.Value, ...]) -> Any:
    text, wanted = c.texts(args)
    return text.startswith(wanted)


def _ends(c: _Compiler, args: tuple[n.Value, ...]) -> Any:
    text, wanted = c.texts(args)
    return text.endswith(wanted)


def _contains(c: _Compiler, args: tuple[n.Value, ...]) -> Any:
    text, wanted = c.texts(args)
    return text.contains(wanted)


_CALLS: Mapping[str, Callable[[_Compiler, tuple[n.Value, ...]], Any]] = {
    "lower": lambda c, args: c.value(args[0]).lower(),
    "upper": lambda c, args: c.value(args[0]).upper(),
    "trim": lambda c, args: c.value(args[0]).strip(),
    "length": lambda c, args: c.value(args[0]).length().cast("int64"),
    "abs": lambda c, args: c.wide(args[0]).abs(),
    "contains": _contains,
    "starts_with": _starts,
    "ends_with": _ends,
    "days_between": _Compiler.days,
    "coalesce": _Compiler.coalesce,
}


def _folded(words: str, ignore_case: bool) -> Any:
    """A text of the rule. The database folds both sides: it knows other small letters of İ and Σ than Python."""
    made = ibis.literal(words, type="string")
    return made.lower() if ignore_case else made


def _wide(value: Decimal) -> Any:
    return ibis.literal(value, type=WIDE)


def _as_typed(value: Decimal, column: Any) -> Any:
    """A constant in a column's own type; None where it has no such value."""
    kind = column.type()
    if kind.is_integer():
        return ibis.literal(int(value), type=kind) if value == int(value) else None
    scale, precision = kind.scale or 0, kind.precision or 38
    if round(value, scale) != value or abs(value) >= Decimal(10) ** (precision - scale):
        return None
    return ibis.literal(value, type=kind)


def moved(day: date, count: int, unit: n.Unit) -> date:
    """A day moved by a span; a month that is too short ends the span on its last day.

    Raises:
        RuleError: outside the calendar.
    """
    try:
        if unit in ("days", "weeks"):
            return day + timedelta(days=count * (7 if unit == "weeks" else 1))
        months = day.year * 12 + day.month - 1 + count * (12 if unit == "years" else 1)
        first = date(months // 12, months % 12 + 1, 1)
        following = date((months + 1) // 12, (months + 1) % 12 + 1, 1)
        return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))
    except (ValueError, OverflowError):
        raise RuleError(f"{day} moved by {count} {unit} is outside the calendar.") from None
