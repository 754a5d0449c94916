"""Why a number is what it is: a tree of named steps that a person can read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from salesops.core.money import Money

TraceValue: TypeAlias = Money | Decimal | Fraction | int | float | str | date | datetime | None
"""What a step may hold. None = undefined or nothing to show."""


@dataclass(frozen=True)
class Trace:
    """One step of a computation and the steps it rests on.

    Attributes:
        label: what this is, for people (``Won value``).
        value: the figure, or None.
        unit: unit of a bare number (``deals``, ``days``, ``USD``); money carries its own.
        note: rule, convention or reason, in a sentence.
        children: the steps it was computed from, in order.

    Raises:
        ValueError: ``value`` is NaN or infinite (undefined is None, with a note).
    """

    label: str
    value: TraceValue = None
    unit: str = ""
    note: str = ""
    children: tuple[Trace, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "children", tuple(self.children))
        if isinstance(self.value, (float, Decimal)) and not math.isfinite(self.value):
            raise ValueError(f"{self.label}: {self.value} is no figure; undefined is None, with a note")

    def to_dict(self) -> dict[str, object]:
        """The tree as plain JSON values, always with the same five keys.

        Exact numbers become text (``"0.25"``, ``"1/3"``, ``"12.50 USD"``), days and instants
        ISO text; integers, floats and booleans stay.
        """
        return {
            "label": self.label,
            "value": _plain(self.value),
            "unit": self.unit,
            "note": self.note,
            "children": [child.to_dict() for child in self.children],
        }

    def lines(self) -> list[str]:
        """The tree as text, one step a line, children indented by two blanks.

        ``Win rate: 0.6315 (won / closed)``
        """
        return list(_lines(self, 0))


def _lines(step: Trace, depth: int) -> Iterator[str]:
    text = "  " * depth + step.label
    if step.value is not None:
        text += f": {_plain(step.value)}" + (f" {step.unit}" if step.unit else "")
    yield text + (f" ({step.note})" if step.note else "")
    for child in step.children:
        yield from _lines(child, depth + 1)


def _plain(value: TraceValue) -> str | int | float | None:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (Money, Fraction)):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
