"""A rule in its one written form, and as an English sentence."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from salesops.rules import literals
from salesops.rules import nodes as n
from salesops.rules.fields import Fields
from salesops.rules.reading import NOT_HERE, QUERIES

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE)
_WORDS_OF_SQL = """
and or not in is null true false like ilike between escape distinct from interval date today as_of unknown any all some
row when then else end array map struct try_cast order group by having where limit join on using current_date
current_time current_timestamp current_user timestamp time if position extract substring trim lateral unnest final
qualify window partition div mod isnull notnull overlaps operator at offset fetch left right full cross natural
"""
_RESERVED = frozenset(_WORDS_OF_SQL.split()) | QUERIES | frozenset(NOT_HERE)
"""Words that stand in double quotes where they are names of fields."""


def quoted(text: str) -> str:
    """A text in the language's quotes."""
    return "'" + text.replace("'", "''") + "'"


def field_text(name: str) -> str:
    """A field's name as it is written."""
    if _PLAIN.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def text_of(node: Any) -> str:  # noqa: C901 - one line for each form there is
    """The canonical text of a condition or a value; reading it gives the same nodes."""
    match node:
        case n.Ref(name):
            return field_text(name)
        case n.Num(value, _):
            return literals.plain(value)
        case n.Str(value):
            return quoted(value)
        case n.Day(value):
            return f"date {quoted(value.isoformat())}"
        case n.Today():
            return "today"
        case n.Truth(value):
            return "true" if value else "false"
        case n.Shift(day, count, unit):
            return f"{text_of(day)} {'+' if count > 0 else '-'} {quoted(f'{abs(count)} {unit}')}"
        case n.Minus(item, _):
            return f"-{text_of(item)}" if isinstance(item, n.Ref | n.Call) else f"-({text_of(item)})"
        case n.Arith(op, left, right, _):
            return f"{_operand(left, op, first=True)} {op} {_operand(right, op, first=False)}"
        case n.Call(name, args, _):
            return f"{name}({', '.join(text_of(arg) for arg in args)})"
        case n.Both(items):
            return " and ".join(f"({text_of(i)})" if isinstance(i, n.Either) else text_of(i) for i in items)
        case n.Either(items):
            return " or ".join(f"({text_of(i)})" if isinstance(i, n.Both) else text_of(i) for i in items)
        case n.Not(item):
            return _negated(item)
        case n.Compare(op, left, right):
            return f"{text_of(left)} {op} {text_of(right)}"
        case n.Same(left, right):
            return f"{text_of(left)} is not distinct from {text_of(right)}"
        case n.OneOf(item, values):
            return f"{text_of(item)} in ({', '.join(text_of(v) for v in values)})"
        case n.Between(item, low, high):
            return f"{text_of(item)} between {text_of(low)} and {text_of(high)}"
        case n.Like():
            return _like(node, "")
        case n.InPeriod(item, op, period):
            return f"{text_of(item)} {'=' if op == 'in' else op} {quoted(period)}"
        case n.Empty(item):
            return f"{_bracketed(item)} is null"
        case n.Is(item, value):
            return f"({text_of(item)}) is {'true' if value else 'false'}"
    raise AssertionError(node)


def _bracketed(item: Any) -> str:
    return text_of(item) if isinstance(item, n.Ref | n.Call) else f"({text_of(item)})"


def _operand(node: Any, op: str, *, first: bool) -> str:
    text = text_of(node)
    if not isinstance(node, n.Arith):
        return text
    plain = first if op != "*" else first and node.op == "*"
    return text if plain else f"({text})"


def _like(node: n.Like, no: str) -> str:
    pattern, escaped = literals.pattern_of(node.shape)
    end = f" escape '{literals.ESCAPE}'" if escaped else ""
    return f"{text_of(node.item)} {no}{'ilike' if node.ignore_case else 'like'} {quoted(pattern)}{end}"


def _negated(item: Any) -> str:
    match item:
        case n.OneOf(inner, values):
            return f"{text_of(inner)} not in ({', '.join(text_of(v) for v in values)})"
        case n.Empty(inner):
            return f"{_bracketed(inner)} is not null"
        case n.Same(left, right):
            return f"{text_of(left)} is distinct from {text_of(right)}"
        case n.Like():
            return _like(item, "not ")
        case n.InPeriod(inner, "in", period):
            return f"{text_of(inner)} <> {quoted(period)}"
        case n.Is(inner, value):
            return f"({text_of(inner)}) is not {'true' if value else 'false'}"
        case _:
            return f"not ({text_of(item)})"


# --- the sentence ------------------------------------------------------------------------------------

_WORDS = {
    "=": "is",
    "<>": "is not",
    "<": "is less than",
    "<=": "is at most",
    ">": "is more than",
    ">=": "is at least",
}
_DATES = {
    "=": "is",
    "<>": "is not",
    "<": "is before",
    "<=": "is on or before",
    ">": "is after",
    ">=": "is on or after",
}
_OPPOSITES = {
    "is": "is not",
    "starts with": "does not start with",
    "ends with": "does not end with",
    "contains": "does not contain",
}
_PERIODS = {
    "in": "is in",
    "<": "is before",
    "<=": "is by the end of",
    ">": "is after",
    ">=": "is since the start of",
}


def sentence_of(node: Any, fields: Fields) -> str:
    """A condition or a value in plain English, with the fields as people call them."""
    return _Sentence(fields).of(node)


class _Sentence:
    def __init__(self, fields: Fields) -> None:
        self.fields = fields

    def of(self, node: Any) -> str:  # noqa: C901 - one line for each form there is
        match node:
            case n.Both(items):
                return ", and ".join(self._part(item) for item in items)
            case n.Either(items):
                return ", or ".join(self._part(item) for item in items)
            case n.Not(item):
                return self._not(item)
            case n.Compare(op, left, right):
                does = (_DATES if left.kind == "date" else _WORDS)[op]
                return f"{self._value(left)} {does} {self._value(right)}"
            case n.Same(left, right):
                return f"{self._value(left)} is the same as {self._value(right)}, empty counting as a value"
            case n.OneOf(item, values):
                return f"{self._value(item)} is {self._list(values)}"
            case n.Between(item, low, high):
                return f"{self._value(item)} is from {self._value(low)} to {self._value(high)}"
            case n.Like():
                return self._like(node, "")
            case n.InPeriod(item, op, period):
                return f"{self._value(item)} {_PERIODS[op]} {period}"
            case n.Empty(item):
                asks = _is_condition(item)
                return f"it is unknown whether {self.of(item)}" if asks else f"{self._value(item)} is empty"
            case n.Is(item, value):
                return f"it is {'certain' if value else 'certainly not so'} that {self.of(item)}"
            case n.Truth(value):
                return "every row" if value else "no row"
            case n.Call(name, args, "boolean") if name != "coalesce":
                words = {"contains": "contains", "starts_with": "starts with", "ends_with": "ends with"}[name]
                return f"{self._value(args[0])} {words} {self._value(args[1])}"
            case n.Ref(_, "boolean") | n.Call(_, _, "boolean"):
                return f"{self._value(node)} is yes"
        return self._value(node)

    def _value(self, node: Any) -> str:  # noqa: C901 - one line for each form there is
        match node:
            case n.Ref():
                return self._field(node)
            case n.Num(value, kind):
                return f"{_number(value)} days" if kind == "days" else _number(value)
            case n.Str(value):
                return f"\N{LEFT DOUBLE QUOTATION MARK}{value}\N{RIGHT DOUBLE QUOTATION MARK}"
            case n.Day(value):
                return value.isoformat()
            case n.Today():
                return "today"
            case n.Truth(value):
                return "yes" if value else "no"
            case n.Shift(day, count, unit):
                words = unit if abs(count) != 1 else unit[:-1]
                return f"{abs(count)} {words} {'after' if count > 0 else 'before'} {self._value(day)}"
            case n.Minus(item, _):
                return f"minus {self._value(item) if isinstance(item, n.Call) else self._operand(item)}"
            case n.Arith(op, left, right, _):
                word = {"+": "plus", "-": "minus", "*": "times"}[op]
                return f"{self._operand(left)} {word} {self._operand(right)}"
            case n.Call("days_between", (start, end), _):
                return f"the time from {self._value(start)} to {self._value(end)}"
            case n.Call("coalesce", (first, *others), _):
                instead = ", or ".join(self._value(other) for other in others)
                return f"{self._operand(first)} (or {instead} where it is empty)"
            case n.Call(_, _, "boolean"):
                return f"whether {self.of(node)}"
            case n.Call(name, args, _):
                way = {
                    "lower": "in small letters", "upper": "in capitals", "trim": "without blanks around it"
                }.get(name)  # fmt: skip
                if way:
                    return f"{self._value(args[0])} {way}"
                return f"the {'length' if name == 'length' else 'size'} of {self._operand(args[0])}"
        raise AssertionError(node)

    def _field(self, node: n.Ref) -> str:
        return self.fields.get(node.name).words if node.name in self.fields else node.name

    def _operand(self, node: Any) -> str:
        return f"({self._value(node)})" if isinstance(node, n.Arith | n.Call) else self._value(node)

    def _part(self, node: Any) -> str:
        return f"({self.of(node)})" if isinstance(node, n.Both | n.Either) else self.of(node)

    def _list(self, values: tuple[Any, ...]) -> str:
        words = [self._value(value) for value in values[:12]]
        if len(values) > 12:
            words.append(f"{len(values) - 12} more")
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"

    def _like(self, node: n.Like, no: str) -> str:
        item, case = self._value(node.item), ", whatever the case" if node.ignore_case else ""
        shape = node.shape
        if literals.is_simple(shape):
            words = next((part for part in shape if isinstance(part, str)), "")
            text = f"\N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK}"
            kind = (bool(shape) and shape[0] is None, bool(shape) and shape[-1] is None)
            does = {(False, False): "is", (False, True): "starts with", (True, False): "ends with"}.get(
                kind, "contains"
            )
            does = _OPPOSITES[does] if no else does
            return f"{item} {does} {text}{case}"
        pattern = literals.pattern_of(shape)[0]
        return f"{item} {'has not' if no else 'has'} the shape {pattern}{case}"

    def _not(self, item: Any) -> str:
        match item:
            case n.OneOf(inner, values):
                return f"{self._value(inner)} is not {self._list(values)}"
            case n.Empty(inner) if not _is_condition(inner):
                return f"{self._value(inner)} is filled"
            case n.Same(left, right):
                return f"{self._value(left)} differs from {self._value(right)}, empty counting as a value"
            case n.Like():
                return self._like(item, "not ")
            case n.InPeriod(inner, "in", period):
                return f"{self._value(inner)} is not in {period}"
            case n.Ref() | n.Call("coalesce"):
                return f"{self._value(item)} is no"
            case n.Between(inner, low, high):
                return f"{self._value(inner)} is not from {self._value(low)} to {self._value(high)}"
        return f"not ({self.of(item)})"


_CONDITIONS = (
    n.Compare,
    n.Same,
    n.OneOf,
    n.Between,
    n.Like,
    n.InPeriod,
    n.Empty,
    n.Is,
    n.Both,
    n.Either,
    n.Not,
)


def _is_condition(node: Any) -> bool:
    """Whether what is asked of is a condition, and not a value that may be yes or no."""
    test = isinstance(node, n.Call) and node.kind == "boolean" and node.name != "coalesce"
    return test or isinstance(node, _CONDITIONS)


def _number(value: Decimal) -> str:
    text = literals.plain(abs(value))
    whole, point, places = text.partition(".")
    return f"{'-' if value < 0 else ''}{int(whole):,}{point}{places}"
