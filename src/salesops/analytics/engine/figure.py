"""Exact numbers: one value or the reason there is none.

Ratios and means are computed as :class:`fractions.Fraction` and turned into a Decimal once, at the
end, so neither money nor a share of it ever passes through a float.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

Number = int | Decimal | Fraction
"""Exact input of a formula. A float is refused: write it as text and make a Decimal of it."""

PLACES = 12
"""Decimal places kept of a quotient that does not come out even."""


@dataclass(frozen=True)
class Figure:
    """A value, or None and the sentence that says why there is none.

    Attributes:
        value: exact count, amount or quotient; None where undefined.
        reason: one plain sentence; empty exactly where a value is present.
    """

    value: int | Decimal | None
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.reason):
            raise ValueError("a figure has either a value or a reason")


def undefined(reason: str) -> Figure:
    """A figure without a value, for the reason given."""
    return Figure(None, reason)


def exact(value: Number) -> Fraction:
    """``value`` as a fraction.

    Raises:
        TypeError: for a float or a boolean.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | Fraction):
        raise TypeError(f"exact numbers only (int, Decimal, Fraction), not {type(value).__name__}")
    return Fraction(value)


def to_decimal(value: Number) -> Decimal:
    """``value`` as a Decimal: unchanged where it is one, else with at most 12 decimal places.

    The last place is rounded half to even. Whole numbers and short decimals stay exact.
    """
    if isinstance(value, Decimal):
        return value
    scaled = round(exact(value) * 10**PLACES)
    digits, exponent = abs(scaled), -PLACES
    while exponent < 0 and digits % 10 == 0:
        digits, exponent = digits // 10, exponent + 1
    return Decimal((int(scaled < 0), tuple(int(d) for d in str(digits)), exponent))


def quotient(numerator: Number | None, denominator: Number | None, *, unknown: str, zero: str) -> Figure:
    """``numerator / denominator`` exactly.

    Args:
        numerator: exact number or None.
        denominator: exact number or None.
        unknown: reason given where either is None.
        zero: reason given where the denominator is 0.
    """
    if numerator is None or denominator is None:
        return undefined(unknown)
    if exact(denominator) == 0:
        return undefined(zero)
    return Figure(to_decimal(exact(numerator) / exact(denominator)))


def median(values: Iterable[Number]) -> Fraction | None:
    """Exact median: the middle value, or the mean of the two middle ones; None of nothing."""
    ordered = sorted(exact(v) for v in values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
