"""Pace against the firm's own curve: what share of a period's won value stands on this day of it, in past periods.

Inside a quarter most firms win late, so won divided by days elapsed is far off (on the Maven data -15.6 % on
average); the curve of the firm's own past is not. It is a pace, not a forecast: it knows nothing of the
pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

LEAST = 2
"""Whole past periods below which no curve is drawn."""


@dataclass(frozen=True)
class Whole:
    """A past period that lies whole in the data.

    Attributes:
        label: of the period.
        so_far: won value up to each asked day of it, rising; the last entry may be short of the total.
        total: won value of the whole period.
    """

    label: str
    so_far: tuple[Decimal, ...]
    total: Decimal


@dataclass(frozen=True)
class Pace:
    """Where a period would end at the firm's own pace.

    Attributes:
        share: median share of past totals that stood on this day; None where there is no curve.
        lowest, highest: smallest and largest share seen.
        expected: won so far / share; None with ``reason``.
        least, most: won so far / highest, and / lowest; ``most`` is None where the lowest share is 0.
        periods: labels of the periods it rests on, oldest first.
        reason: why there is no expectation, "" where there is.
    """

    share: Fraction | None = None
    lowest: Fraction | None = None
    highest: Fraction | None = None
    expected: Fraction | None = None
    least: Fraction | None = None
    most: Fraction | None = None
    periods: tuple[str, ...] = ()
    reason: str = ""


def counted(past: Sequence[Whole]) -> list[Whole]:
    """Periods with anything won: one without has no shares."""
    return [one for one in past if one.total > 0]


def pace(won: Decimal | None, past: Sequence[Whole], at: int) -> Pace:
    """Where the period would end if the rest of it went as past periods did.

    Args:
        won: won value of the running period so far.
        past: whole past periods, oldest first.
        at: which of the asked days is today.

    Returns:
        The expectation and its range, or the reason why there is none.
    """
    used = counted(past)
    labels = tuple(one.label for one in used)
    if len(used) < LEAST:
        found = f"{len(used)} past period{'' if len(used) == 1 else 's'}"
        return Pace(
            periods=labels, reason=f"a pace needs {LEAST} past periods whole in the data; there is {found}"
        )
    shares = sorted(share_of(one, at) for one in used)
    share, lowest, highest = median(shares), shares[0], shares[-1]
    if not won or won <= 0:
        return Pace(share, lowest, highest, periods=labels, reason="nothing is won yet in this period")
    if not share:
        why = "in past periods nothing was won by this day"
        return Pace(share, lowest, highest, periods=labels, reason=why)
    so_far = Fraction(won)
    return Pace(
        share,
        lowest,
        highest,
        expected=so_far / share,
        least=so_far / highest,
        most=so_far / lowest if lowest else None,
        periods=labels,
    )


def share_of(one: Whole, at: int) -> Fraction:
    """Share of a period's total that stood on a day."""
    return Fraction(one.so_far[at]) / Fraction(one.total)


def curve(past: Sequence[Whole]) -> list[Fraction | None]:
    """Median share at every asked day; None throughout without enough periods.

    It never falls: every period's share rises, so the median of the shares does.
    """
    used = counted(past)
    days = len(past[0].so_far) if past else 0
    if len(used) < LEAST:
        return [None] * days
    return [median(sorted(share_of(one, at) for one in used)) for at in range(days)]


def median(ordered: Sequence[Fraction]) -> Fraction:
    """The middle of sorted values; of two in the middle their mean."""
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
