"""What a rule is made of, once it is read: values and conditions, nothing else.

Equal rules are equal nodes: ``rule(rule(text).text)`` gives the same nodes again. Every node is frozen and can be
compared and kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from salesops.rules.fields import Kind

Operator = Literal["=", "<>", "<", "<=", ">", ">="]
Unit = Literal["days", "weeks", "months", "years"]


@dataclass(frozen=True)
class Ref:
    """A field of the row."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Num:
    """An exact number."""

    value: Decimal
    kind: Kind = "number"


@dataclass(frozen=True)
class Str:
    """A text."""

    value: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Day:
    """A day."""

    value: date
    kind: Kind = "date"


@dataclass(frozen=True)
class Today:
    """The day the rows describe; the caller says which."""

    kind: Kind = "date"


@dataclass(frozen=True)
class Truth:
    """Yes or no; as a condition, every row or none."""

    value: bool
    kind: Kind = "boolean"


@dataclass(frozen=True)
class Shift:
    """A day moved by a span; ``n`` may be negative. A field is moved by days only."""

    day: Value
    n: int
    unit: Unit
    kind: Kind = "date"


@dataclass(frozen=True)
class Minus:
    """The opposite of a number."""

    item: Value
    kind: Kind


@dataclass(frozen=True)
class Arith:
    """Two numbers, added, subtracted or multiplied. Unknown where either is."""

    op: Literal["+", "-", "*"]
    left: Value
    right: Value
    kind: Kind


@dataclass(frozen=True)
class Call:
    """A function of the list in :mod:`salesops.rules.functions`."""

    name: str
    args: tuple[Value, ...]
    kind: Kind


@dataclass(frozen=True)
class Compare:
    """Two values compared; unknown where either is."""

    op: Operator
    left: Value
    right: Value


@dataclass(frozen=True)
class Same:
    """Whether two values are the same; two unknown ones are, so the answer is never unknown."""

    left: Value
    right: Value


@dataclass(frozen=True)
class OneOf:
    """Whether a value is in a list; unknown where it is unknown."""

    item: Value
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Between:
    """Whether a value lies between two, both included."""

    item: Value
    low: Value
    high: Value


@dataclass(frozen=True)
class Like:
    """Whether a text has a shape: texts as they stand, ``None`` for any run of characters, ``1`` for one."""

    item: Value
    shape: tuple[str | int | None, ...]
    ignore_case: bool


@dataclass(frozen=True)
class InPeriod:
    """How a day lies to a named period: in it, before it (<), up to its end (<=), after it (>), from its start (>=)."""

    item: Value
    op: Literal["in", "<", "<=", ">", ">="]
    period: str


@dataclass(frozen=True)
class Empty:
    """Whether a value, or the answer of a condition, is unknown; itself never unknown."""

    item: Value | Condition


@dataclass(frozen=True)
class Is:
    """Whether a condition is plainly true (or false); itself never unknown."""

    item: Condition
    value: bool


@dataclass(frozen=True)
class Both:
    """Every one of several conditions."""

    items: tuple[Condition, ...]


@dataclass(frozen=True)
class Either:
    """At least one of several conditions."""

    items: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """The opposite of a condition; unknown stays unknown."""

    item: Condition


Value = Ref | Num | Str | Day | Today | Truth | Shift | Minus | Arith | Call
Condition = (
    Compare
    | Same
    | OneOf
    | Between
    | Like
    | InPeriod
    | Empty
    | Is
    | Both
    | Either
    | Not
    | Ref  # a field that is yes or no
    | Truth
    | Call  # contains(...), or coalesce(...) of fields that are yes or no
)
Node = Value | Condition


def parts(node: Any) -> Iterator[Any]:
    """The nodes right below a node."""
    for one in fields(node):
        value = getattr(node, one.name)
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "__dataclass_fields__"):
                yield item


def walk(node: Any) -> Iterator[Any]:
    """A node and everything below it."""
    yield node
    for part in parts(node):
        yield from walk(part)


def fields_in(node: Any) -> tuple[str, ...]:
    """Names of the fields a rule looks at, in the order they are first named."""
    return tuple(dict.fromkeys(one.name for one in walk(node) if isinstance(one, Ref)))
