"""From a syntax tree to the nodes of a rule, by an allow-list: a form that is not named here is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sqlglot import exp

from salesops.rules import literals
from salesops.rules import nodes as n
from salesops.rules.amounts import AmountWalker
from salesops.rules.errors import RuleError, shortened
from salesops.rules.fields import KIND_WORDS, NUMERIC, Kind
from salesops.rules.functions import TEXT_TESTS
from salesops.rules.periods import canonical_period, is_period
from salesops.rules.reading import place

MOST_VALUES = 200
"""Values in one list."""

_COMPARE: Mapping[type[exp.Expression], n.Operator] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_FLIPPED: Mapping[n.Operator, n.Operator] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ORDER = frozenset({"<", "<=", ">", ">="})
_CONSTANTS = (n.Num, n.Str, n.Day, n.Truth, n.Today)


class Walker(AmountWalker):
    """Reads one tree with the fields it may name."""

    def condition(self, node: exp.Expression) -> n.Condition:
        """A node that must be true or false of a row."""
        self.count(node)
        read = self._CONDITIONS.get(type(node))
        if read is None:
            return self._condition_by_value(node)
        return read(self, node)

    def _condition_by_value(self, node: exp.Expression) -> n.Condition:
        if isinstance(node, exp.Literal):
            raise RuleError(
                f"{shortened(node.name)!r} alone is no condition: compare it with a field.", place(node)
            )
        if isinstance(node, exp.Alias):
            raise RuleError("The rule can't be read: a word is one too many, or AND is missing.", place(node))
        value = self.value(node)
        if value.kind != "boolean":
            raise RuleError(
                f"This is {KIND_WORDS[value.kind]}, no condition: compare it, or ask whether it `is null`.",
                place(node),
            )
        assert isinstance(value, n.Ref | n.Truth | n.Call)  # nothing else is yes or no
        return value

    def _read_both(self, node: exp.Expression) -> n.Condition:
        return n.Both(tuple(self._flat(node, exp.And, n.Both)))

    def _read_either(self, node: exp.Expression) -> n.Condition:
        return n.Either(tuple(self._flat(node, exp.Or, n.Either)))

    def _flat(
        self, node: exp.Expression, connector: type[exp.Expression], made: type[Any]
    ) -> list[n.Condition]:
        """The conditions of a chain, however it is bracketed: a long chain is no deep one."""
        waiting: list[exp.Expression] = [node]
        found: list[n.Condition] = []
        while waiting:
            one = waiting.pop()
            while isinstance(one, exp.Paren):
                one = one.this
            if type(one) is connector:
                waiting += [one.args["expression"], one.args["this"]]
            else:
                made_of = self.condition(one)
                found += made_of.items if isinstance(made_of, made) else [made_of]
        return found

    def _read_not(self, node: exp.Expression) -> n.Condition:
        return negated(self.condition(node.this))

    def _read_bracketed(self, node: exp.Expression) -> n.Condition:
        return self.condition(node.this)

    def _read_truth(self, node: exp.Expression) -> n.Condition:
        return n.Truth(bool(node.this))

    def _read_null(self, node: exp.Expression) -> n.Condition:
        raise RuleError("NULL alone is no condition: ask whether a field `is null`.", place(node))

    def _read_is(self, node: exp.Expression) -> n.Condition:
        asked = node.args["expression"]
        if isinstance(asked, exp.Null):
            return n.Empty(self._either_sort(node.this))
        if isinstance(asked, exp.Boolean):
            return n.Is(self.condition(node.this), bool(asked.this))
        raise RuleError("After IS stands null, not null, true or false.", place(node))

    def _either_sort(self, node: exp.Expression) -> n.Value | n.Condition:
        inner = node
        while isinstance(inner, exp.Paren):
            inner = inner.this
        asks = type(inner) in self._CONDITIONS
        value: n.Value | n.Condition = self.condition(inner) if asks else self.value(inner)
        if isinstance(value, _CONSTANTS):
            raise RuleError("A constant is never null: name a field.", place(node))
        return value

    def _read_compare(self, node: exp.Expression) -> n.Condition:
        op = _COMPARE[type(node)]
        left, right = self._pair(node, node.this, node.args["expression"])
        if _stands_last(left) and not _stands_last(right):
            left, right, op = right, _as_days(left, right.kind), _FLIPPED[op]
        if isinstance(left, _Period) or isinstance(right, _Period):
            return _in_period(node, left, op, right)
        self._must_compare(node, left, right, op)
        return n.Compare(op, left, right)

    def _read_same(self, node: exp.Expression) -> n.Condition:
        left, right = self._pair(node, node.this, node.args["expression"])
        if _stands_last(left) and not _stands_last(right):
            left, right = right, _as_days(left, right.kind)
        if isinstance(left, _Period) or isinstance(right, _Period):
            raise RuleError("A period is compared by =, <>, <, >, IN or BETWEEN.", place(node))
        self._must_compare(node, left, right, "=")
        return n.Same(left, right)

    def _read_differs(self, node: exp.Expression) -> n.Condition:
        return n.Not(self._read_same(node))

    def _read_in(self, node: exp.Expression) -> n.Condition:
        given = node.expressions
        if not given:
            raise RuleError("After IN stands a list in parentheses: in ('a', 'b').", place(node))
        only(node, "this", "expressions")
        if len(given) > MOST_VALUES:
            raise RuleError(
                f"A list of {len(given):,} values: at most {MOST_VALUES} are compared.", place(node)
            )
        item = self.value(node.this)
        values: list[n.Value] = []
        periods: list[n.Condition] = []
        for one in given:
            value = self._beside(one, item.kind)
            if isinstance(value, _Period):
                periods.append(_in_period(one, item, "=", value))
                continue
            if not isinstance(value, n.Num | n.Str | n.Day | n.Truth):
                raise RuleError("A list holds plain values only: texts, numbers or days.", place(one))
            self._must_compare(one, item, value, "=")
            values.append(value)
        if isinstance(item, _CONSTANTS):
            raise RuleError("This compares a constant with constants: name a field.", place(node))
        found: list[n.Condition] = [n.OneOf(item, tuple(dict.fromkeys(values)))] if values else []
        found += dict.fromkeys(periods)
        return found[0] if len(found) == 1 else n.Either(tuple(found))

    def _read_between(self, node: exp.Expression) -> n.Condition:
        only(node, "this", "low", "high")
        item = self.value(node.this)
        low, high = (self._beside(node.args[end], item.kind) for end in ("low", "high"))
        if isinstance(low, _Period) or isinstance(high, _Period):
            return n.Both((self._bound(node, item, ">=", low), self._bound(node, item, "<=", high)))
        for end in (low, high):
            self._must_compare(node, item, end, "<")
        return n.Between(item, low, high)

    def _bound(self, node: exp.Expression, item: n.Value, op: n.Operator, end: Any) -> n.Condition:
        """One end of BETWEEN by itself, where one of the two is a period."""
        if isinstance(end, _Period):
            return _in_period(node, item, op, end)
        self._must_compare(node, item, end, op)
        return n.Compare(op, item, end)

    def _read_like(self, node: exp.Expression, escape: str = "") -> n.Condition:
        only(node, "this", "expression", "negate")
        pattern = node.args["expression"]
        if not (isinstance(pattern, exp.Literal) and pattern.is_string):
            raise RuleError("After LIKE stands one text: like 'Acme%'.", place(node))
        item = self.value(node.this)
        if item.kind != "text" or isinstance(item, _CONSTANTS):
            raise RuleError(f"LIKE compares a text field, not {KIND_WORDS[item.kind]}.", place(node))
        shape = literals.shape(pattern.name, escape, place(pattern))
        found = n.Like(item, shape, type(node) is exp.ILike)
        return n.Not(found) if node.args.get("negate") else found

    def _read_escape(self, node: exp.Expression) -> n.Condition:
        letter = node.args["expression"]
        if not isinstance(node.this, exp.Like | exp.ILike) or not isinstance(letter, exp.Literal):
            raise RuleError("ESCAPE follows LIKE and a text: like '50!%' escape '!'.", place(node))
        if len(letter.name) != 1 or letter.name in "%_":
            raise RuleError("The escape is one character, and neither % nor _.", place(letter))
        return self._read_like(node.this, letter.name)

    def _pair(self, node: exp.Expression, left: exp.Expression, right: exp.Expression) -> tuple[Any, Any]:
        """Both sides of a comparison; a text in quotes is read as what stands beside it."""
        for side in (left, right):
            if isinstance(bare(side), exp.Null):
                raise RuleError("Nothing equals NULL: write `is null` or `is not null`.", place(node))
        if is_text(left) and not is_text(right):
            other = self.value(right)
            return self._beside(left, other.kind), other
        first = self.value(left)
        return first, self._beside(right, first.kind)

    def _beside(self, node: exp.Expression, kind: Kind) -> Any:
        """A value that stands beside one of a kind: where it is a text in quotes it is read as that kind."""
        node = bare(node)
        if not is_text(node):
            return _as_days(self.value(node), kind)
        self.count(node)
        at, written = place(node), node.name
        if kind == "text":
            return n.Str(literals.text(written, at))
        if kind == "date":
            return _Period(written) if is_period(written) else n.Day(literals.day(written, at))
        if kind == "days":
            count, unit = literals.span(written, at)
            days = literals.days_in(count, unit)
            if days is None:
                raise RuleError(
                    "A number of days is compared with days or weeks: months differ in length.", at
                )
            return self.number(days, "days")
        if kind in NUMERIC:
            raise RuleError(
                f"{shortened(written)!r} is a text; {KIND_WORDS[kind]} is compared without quotes.", at
            )
        raise RuleError(f"{KIND_WORDS[kind].capitalize()} can't be compared with a text.", at)

    def _must_compare(self, node: exp.Expression, left: n.Value, right: n.Value, op: str) -> None:
        at = place(node)
        if isinstance(left, _CONSTANTS) and isinstance(right, _CONSTANTS):
            raise RuleError("This compares a constant with a constant: name a field.", at)
        kinds = {left.kind, right.kind}
        if "instant" in kinds:
            raise RuleError("A moment can only be asked whether it is null: compare the date beside it.", at)
        if left.kind != right.kind and not self.mix(left, right):
            words = f"{KIND_WORDS[left.kind].capitalize()} can't be compared with {KIND_WORDS[right.kind]}."
            if left.kind == "text" and right.kind in NUMERIC:
                words += " Put the value in quotes."
            raise RuleError(words, at)
        if op in _ORDER and left.kind in ("text", "boolean"):
            raise RuleError(
                f"{KIND_WORDS[left.kind].capitalize()} has no larger and smaller: use = or <>.", at
            )

    def _read_text_test(self, node: exp.Expression) -> n.Condition:
        made = self.value(node)
        assert isinstance(made, n.Call)
        assert made.name in TEXT_TESTS
        return made

    _CONDITIONS: ClassVar[Mapping[type[exp.Expression], Callable[[Walker, Any], n.Condition]]] = {
        exp.And: _read_both,
        exp.Or: _read_either,
        exp.Not: _read_not,
        exp.Paren: _read_bracketed,
        exp.Boolean: _read_truth,
        exp.Null: _read_null,
        exp.Is: _read_is,
        **dict.fromkeys(_COMPARE, _read_compare),
        exp.NullSafeEQ: _read_same,
        exp.NullSafeNEQ: _read_differs,
        exp.In: _read_in,
        exp.Between: _read_between,
        exp.Like: _read_like,
        exp.ILike: _read_like,
        exp.Escape: _read_escape,
        exp.Contains: _read_text_test,
        exp.StartsWith: _read_text_test,
        exp.EndsWith: _read_text_test,
    }


class _Period:
    """A period's name beside a date: a stretch of days, so it never becomes a value."""

    kind: Kind = "date"

    def __init__(self, text: str) -> None:
        self.text = text


def _stands_last(value: Any) -> bool:
    """Whether a side of a comparison is written after the other one."""
    return isinstance(value, (*_CONSTANTS, _Period))


def _in_period(node: exp.Expression, item: Any, op: str, period: Any) -> n.Condition:
    if isinstance(item, _Period) or not isinstance(period, _Period) or not n.fields_in(item):
        raise RuleError("This compares a period with a constant: name a date field.", place(node))
    name = canonical_period(period.text)
    if op == "<>":
        return n.Not(n.InPeriod(item, "in", name))
    return n.InPeriod(item, "in" if op == "=" else op, name)  # type: ignore[arg-type]


def _as_days(value: Any, kind: Kind) -> Any:
    """A plain number beside a number of days is one of days."""
    return n.Num(value.value, kind) if kind == "days" and isinstance(value, n.Num) else value


def negated(item: n.Condition) -> n.Condition:
    """The opposite of a condition; twice is none."""
    return item.item if isinstance(item, n.Not) else n.Not(item)


def bare(node: exp.Expression) -> exp.Expression:
    """A node without the parentheses around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def is_text(node: exp.Expression) -> bool:
    """Whether a node is a text in quotes."""
    node = bare(node)
    return isinstance(node, exp.Literal) and bool(node.is_string)


def only(node: exp.Expression, *allowed: str) -> None:
    """Refuse a form that carries more than this language knows."""
    for name, value in node.args.items():
        if value and name not in allowed:
            raise RuleError(
                f"The rule can't be read: {name.replace('_', ' ')} has no place here.", place(node)
            )
