"""A value beside others: the median, the middle half and the value's place among them.

Quartiles are those of Hyndman and Fan's type 7 (the default of R and NumPy), over exact fractions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from salesops.analytics.engine.figure import Number, exact

FEWEST = 3
"""Others that are needed before their spread says anything."""


@dataclass(frozen=True)
class Benchmark:
    """Others that a value is compared with.

    Attributes:
        n: how many have a value.
        median, low, high: their middle, and the ends of the middle half; None where there are too few.
        below, equal: how many are smaller than the value, and how many equal it; 0 where it is undefined.
        reason: why nothing is said; "" where something is.
    """

    n: int
    median: Fraction | None = None
    low: Fraction | None = None
    high: Fraction | None = None
    below: int = 0
    equal: int = 0
    reason: str = ""


def benchmark(value: Number | None, others: Iterable[Number | None], noun: str) -> Benchmark:
    """Compare a value with others.

    Args:
        value: the one to place; None where it is undefined.
        others: values of the same number; undefined ones are left out.
        noun: what the others are, in the plural, for the reason.
    """
    known = sorted(exact(v) for v in others if v is not None)
    if len(known) < FEWEST:
        return Benchmark(len(known), reason=f"only {len(known)} {noun} have a value: {FEWEST} are needed")
    own = None if value is None else exact(value)
    return Benchmark(
        len(known),
        quantile(known, Fraction(1, 2)),
        quantile(known, Fraction(1, 4)),
        quantile(known, Fraction(3, 4)),
        sum(v < own for v in known) if own is not None else 0,
        known.count(own) if own is not None else 0,
    )


def quantile(ordered: list[Fraction], share: Fraction) -> Fraction:
    """The value below which a share of some ordered values lies, between two of them in proportion."""
    place = share * (len(ordered) - 1)
    left = place.numerator // place.denominator
    right = min(left + 1, len(ordered) - 1)
    return ordered[left] + (place - left) * (ordered[right] - ordered[left])
