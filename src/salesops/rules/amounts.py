"""The values of a rule: fields, literals, sums, products, spans of time, functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from sqlglot import exp

from salesops.rules import literals
from salesops.rules import nodes as n
from salesops.rules.errors import RuleError, shortened
from salesops.rules.fields import KIND_WORDS, NUMERIC, Fields, Kind
from salesops.rules.functions import FUNCTIONS, MOST_ARGUMENTS, TEXT_TESTS
from salesops.rules.reading import place

MOST_NODES = 200
TODAY = frozenset({"today", "as_of"})

_SIGNS: Mapping[type[exp.Expression], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
_CALLS: Mapping[type[exp.Expression], str] = {
    exp.Lower: "lower",
    exp.Upper: "upper",
    exp.Trim: "trim",
    exp.Length: "length",
    exp.Abs: "abs",
    exp.Coalesce: "coalesce",
    exp.Contains: "contains",
    exp.StartsWith: "starts_with",
    exp.EndsWith: "ends_with",
}


class AmountWalker:
    """Reads values; :class:`salesops.rules.walking.Walker` adds conditions."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self._nodes = 0

    def count(self, node: exp.Expression) -> None:
        """One more node; refuse where there are too many."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise RuleError(f"The rule has more than {MOST_NODES} parts: make it shorter.", place(node))

    def value(self, node: exp.Expression) -> n.Value:
        """A node that must have a value of its own."""
        self.count(node)
        read = self._VALUES.get(type(node))
        if read is None:
            raise RuleError(_not_understood(node), place(node))
        return read(self, node)

    def number(self, value: Decimal | int, kind: Kind = "number", at: int | None = None) -> n.Num:
        """A constant."""
        return n.Num(literals.checked(Decimal(value), at), kind)

    @staticmethod
    def mix(left: n.Value, right: n.Value) -> bool:
        """Whether two values of different kinds can be compared or added: a plain number goes with either other."""
        kinds = {left.kind, right.kind}
        return kinds <= NUMERIC and kinds != {"money", "days"}

    def _value_column(self, node: exp.Expression) -> n.Value:
        extra = [part for part in ("table", "db", "catalog", "join_mark") if node.args.get(part)]
        name = node.this
        if extra or not isinstance(name, exp.Identifier):
            raise RuleError("A field is named by one word, without a dot.", place(node))
        if not name.quoted and name.name.lower() in TODAY:
            return n.Today()
        field = self.fields.find(name.name, place(node))
        return n.Ref(field.name, field.kind)

    def _value_literal(self, node: exp.Expression) -> n.Value:
        at = place(node)
        if node.is_string:
            return n.Str(literals.text(node.name, at))
        return n.Num(literals.number(node.name, at))

    def _value_boolean(self, node: exp.Expression) -> n.Value:
        return n.Truth(bool(node.this))

    def _value_paren(self, node: exp.Expression) -> n.Value:
        return self.value(node.this)

    def _value_cast(self, node: exp.Expression) -> n.Value:
        inner, to = node.this, node.args["to"]
        is_date = isinstance(to, exp.DataType) and to.this == exp.DataType.Type.DATE and not to.expressions
        if not (is_date and isinstance(inner, exp.Literal) and inner.is_string):
            raise RuleError("A rule has no casts: every field has one kind of value already.", place(node))
        return n.Day(literals.day(inner.name, place(node)))

    def _value_minus(self, node: exp.Expression) -> n.Value:
        item = self.value(node.this)
        if item.kind not in NUMERIC:
            raise RuleError(f"{KIND_WORDS[item.kind].capitalize()} has no opposite.", place(node))
        return n.Num(-item.value, item.kind) if isinstance(item, n.Num) else n.Minus(item, item.kind)

    def _value_arithmetic(self, node: exp.Expression) -> n.Value:
        op, at = _SIGNS[type(node)], place(node)
        left = self.value(node.this)
        if left.kind == "date" and op in "+-":
            return self._shift(node, left, op)
        right = self.value(node.args["expression"])
        for side in (left, right):
            if side.kind not in NUMERIC:
                words = f"{KIND_WORDS[side.kind].capitalize()} can't be part of a sum."
                if side.kind == "date":
                    words = "A date can't stand here: write the date first, or days_between(from, to)."
                raise RuleError(words, at)
        if op == "*":
            if left.kind != "number" and right.kind != "number":
                raise RuleError(
                    f"{KIND_WORDS[left.kind].capitalize()} can't be multiplied by {KIND_WORDS[right.kind]}.",
                    at,
                )
            kind = right.kind if left.kind == "number" else left.kind
        else:
            if not self.mix(left, right) and left.kind != right.kind:
                raise RuleError("An amount and a number of days don't add up.", at)
            kind = right.kind if left.kind == "number" else left.kind
        if isinstance(left, n.Num) and isinstance(right, n.Num):
            a, b = left.value, right.value
            return self.number(a + b if op == "+" else a - b if op == "-" else a * b, kind, at)
        return n.Arith(op, left, right, kind)  # type: ignore[arg-type]

    def _shift(self, node: exp.Expression, day: n.Value, op: str) -> n.Value:
        by, at = node.args["expression"], place(node)
        while isinstance(by, exp.Paren):
            by = by.this
        if isinstance(by, exp.Interval):
            written = f"{by.this.name} {by.args['unit'].name if by.args.get('unit') else ''}"
        elif isinstance(by, exp.Literal) and by.is_string:
            written = by.name
        else:
            other = by if isinstance(by, exp.Literal) else None
            hint = f"'{other.name} days'" if other is not None else "'30 days'"
            between = (
                "" if other is not None else " For the days between two dates write days_between(from, to)."
            )
            raise RuleError(f"A date is moved by a span such as {hint}.{between}", at)
        self.count(by)
        count, unit = literals.span(written, at)
        count = count if op == "+" else -count
        days = literals.days_in(count, unit)
        if isinstance(day, n.Shift):
            before = literals.days_in(day.n, day.unit)
            if days is None or before is None:
                raise RuleError("A date is moved once: add the spans up.", at)
            total = before + days
            if abs(total) > literals.MOST_DAYS:
                raise RuleError("The date is moved by more than a hundred years.", at)
            return n.Shift(day.day, total, "days") if total else day.day
        if days is not None:
            return n.Shift(day, days, "days") if days else day
        if not isinstance(day, n.Today | n.Day):
            raise RuleError("A field is moved by days or weeks; months and years differ in length.", at)
        return n.Shift(day, count, unit) if count else day

    def _value_call(self, node: exp.Expression) -> n.Value:
        name = _CALLS[type(node)]
        known = {"this", "expression", "expressions"}
        stray = [key for key, value in node.args.items() if value and key not in known]
        if stray:
            raise RuleError(f"{name} takes its values between plain commas.", place(node))
        given = [node.args.get("this"), node.args.get("expression"), *node.expressions]
        return self._function(node, name, [one for one in given if isinstance(one, exp.Expression)])

    def _value_anonymous(self, node: exp.Expression) -> n.Value:
        name = str(node.this).lower()
        if name in TODAY and not node.expressions:
            return n.Today()
        return self._function(node, name, node.expressions)

    def _function(self, node: exp.Expression, name: str, given: list[Any]) -> n.Value:
        at = place(node)
        function = FUNCTIONS.get(name)
        if function is None:
            raise RuleError(_no_function(name), at)
        if name == "coalesce":
            return self._coalesce(given, at)
        wanted = function.takes or ("number",)
        if len(given) != len(wanted):
            takes = "one value" if len(wanted) == 1 else f"{len(wanted)} values"
            raise RuleError(f"{name} takes {takes}, not {len(given)}.", at)
        if name == "abs":
            item = self.value(given[0])
            if item.kind not in NUMERIC:
                raise RuleError(f"abs takes a number, not {KIND_WORDS[item.kind]}.", at)
            return (
                n.Num(abs(item.value), item.kind)
                if isinstance(item, n.Num)
                else n.Call(name, (item,), item.kind)
            )
        args = tuple(self._argument(one, kind, name) for one, kind in zip(given, wanted, strict=True))
        if name in TEXT_TESTS and not isinstance(args[1], n.Str):
            raise RuleError(f"{name} looks for one text in quotes.", at)
        if not any(isinstance(part, n.Ref) for arg in args for part in n.walk(arg)):
            raise RuleError(f"{name} is given no field.", at)
        return n.Call(name, args, function.gives)

    def _argument(self, node: Any, kind: Kind, name: str) -> n.Value:
        made = self.value(node)
        if kind == "date" and isinstance(made, n.Str):
            made = n.Day(literals.day(made.value, place(node)))
        if made.kind != kind:
            raise RuleError(f"{name} takes {KIND_WORDS[kind]}, not {KIND_WORDS[made.kind]}.", place(node))
        return made

    def _coalesce(self, given: list[Any], at: int | None) -> n.Value:
        if not 2 <= len(given) <= MOST_ARGUMENTS:
            raise RuleError(f"coalesce takes 2 to {MOST_ARGUMENTS} values, not {len(given)}.", at)
        args = [self.value(one) for one in given]
        kind = next((arg.kind for arg in args if not isinstance(arg, n.Num | n.Str)), args[0].kind)
        if isinstance(args[0], n.Num | n.Str | n.Day | n.Today | n.Truth):
            raise RuleError("coalesce begins with a field: a constant is always filled.", at)
        if kind == "date":
            args = [
                n.Day(literals.day(a.value, place(g))) if isinstance(a, n.Str) else a
                for a, g in zip(args, given, strict=True)
            ]
        for arg in args:
            if arg.kind != kind and not self.mix(arg, args[0]):
                raise RuleError(
                    f"coalesce takes values of one kind, not {KIND_WORDS[kind]} and {KIND_WORDS[arg.kind]}.",
                    at,
                )
        if kind == "instant":
            raise RuleError("A moment can only be asked whether it is null.", at)
        if kind in NUMERIC and any(arg.kind == "money" for arg in args):
            kind = "money"
        return n.Call("coalesce", tuple(args), kind)

    _VALUES: ClassVar[Mapping[type[exp.Expression], Callable[[AmountWalker, Any], n.Value]]] = {
        exp.Column: _value_column,
        exp.Literal: _value_literal,
        exp.Boolean: _value_boolean,
        exp.Paren: _value_paren,
        exp.Cast: _value_cast,
        exp.Neg: _value_minus,
        **dict.fromkeys(_SIGNS, _value_arithmetic),
        **dict.fromkeys(_CALLS, _value_call),
        exp.Anonymous: _value_anonymous,
    }


def _not_understood(node: exp.Expression) -> str:
    if isinstance(node, exp.Div | exp.IntDiv):
        return (
            "A rule doesn't divide: multiply by 0.01 instead of dividing by 100; a quotient of sums is a ratio of "
            "two measures."
        )
    if isinstance(node, exp.Star):
        return "* stands between two numbers."
    if isinstance(node, exp.Tuple):
        return "A list in parentheses stands after IN only."
    if isinstance(node, exp.Null):
        return "NULL is no value: ask whether a field `is null`."
    if isinstance(node, exp.Alias):
        return "The rule can't be read: a word is one too many, or AND is missing."
    if isinstance(node, exp.Interval):
        return "A span of time stands after a date and + or -."
    if isinstance(node, exp.And | exp.Or | exp.Not | exp.EQ | exp.Predicate):
        return "A condition can't stand here, where a value is needed."
    if isinstance(node, exp.Func):
        return _no_function(node.sql_name().lower())
    return "The rule can't be read: this has no meaning in a rule."


def _no_function(name: str) -> str:
    return f"There is no function {shortened(name)!r}; there are {', '.join(sorted(FUNCTIONS))}."
