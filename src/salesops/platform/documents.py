"""Plain documents for doors: JSON and YAML with exact numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any


def number(value: Decimal | Fraction) -> int | float | str:
    """A number as JSON can carry it without a change of value.

    An integral value becomes an integer, a value that a double holds exactly as written becomes
    a number, and anything longer a string of its digits. A fraction (a ratio of two exact
    numbers) becomes the nearest double.
    """
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else float(value)
    if value == value.to_integral_value():
        return int(value)
    nearest = float(value)
    return nearest if Decimal(repr(nearest)) == value.normalize() else str(value)


def plain(value: Any) -> Any:
    """Any result, turned into what JSON knows: dataclasses become objects, dates ISO strings."""
    if isinstance(value, Decimal | Fraction):
        return number(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    return value


def to_json(value: Any) -> str:
    """Indented JSON of any result."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)
