"""What the declarations share: owner, common sides, requirements and flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.figure import Figure, Number, quotient, undefined
from salesops.analytics.engine.kpi import Condition, Flag, Measure, Requirement, Side, SideValue

OWNER = "Sales operations analyst"

AMOUNT = Measure("sum", column="amount")
AMOUNT_OR_ESTIMATE = Measure("sum", column="amount", estimate="amount_estimate")

Sides = Mapping[str, SideValue]

WON = Side("won", "Won deals", c.won)
DECIDED = Side("decided", "Won and lost deals", c.decided)
WON_AMOUNT = Side("won_amount", "Won deals", c.won, AMOUNT)

NEEDS_OUTCOME = Requirement(
    "closed_on",
    c.closed_class,
    "no won or lost deal has a close date: export the close date with the opportunities",
)
NEEDS_CREATED = Requirement(
    "created_on",
    c.counted,
    "no deal has a creation date: export the created date with the opportunities",
)
NEEDS_WON_AMOUNT = Requirement(
    "amount",
    c.closed_class,
    "no closed deal has an amount: export an amount column, or decide which one counts",
)

UNDATED_CLOSED = Flag(
    "undated_closed",
    lambda t, context: c.closed_class(t, context) & t["closed_on"].isnull() & _has_period(context.period),
    "Won or lost deals without a close date, outside every period: {n}.",
)
UNDATED_CREATED = Flag(
    "undated_created",
    lambda t, context: c.counted(t, context) & t["created_on"].isnull() & _has_period(context.period),
    "Deals without a creation date, outside every period: {n}.",
)
UNMAPPED = Flag(
    "unmapped",
    c.unmapped,
    "Deals in a stage nobody has marked as open, won or lost, left out of both: {n}.",
)


def _has_period(period: object) -> bool:
    return period is not None


def amount(side: SideValue) -> Decimal | int:
    """A side's amount where unknown amounts add nothing (convention: in ``n``, 0 in value)."""
    if side.value is None:
        return 0
    if isinstance(side.value, Decimal | int):
        return side.value
    raise TypeError("an amount is a Decimal")


def count_of(name: str) -> Callable[[Sides], Figure]:
    """The number of rows of one side."""
    return lambda sides: Figure(sides[name].n)


def sum_of(name: str, unknown: str) -> Callable[[Sides], Figure]:
    """The sum of one side; undefined where it has rows and not one has an amount."""

    def combine(sides: Sides) -> Figure:
        value = sides[name].value
        return undefined(unknown) if value is None else Figure(amount(sides[name]))

    return combine


def ratio_of_counts(numerator: str, denominator: str, nothing: str) -> Callable[[Sides], Figure]:
    """Rows of one side per row of another."""
    return lambda sides: quotient(sides[numerator].n, sides[denominator].n, unknown=nothing, zero=nothing)


def mean_of(name: str, nothing: str) -> Callable[[Sides], Figure]:
    """Sum of a side over those of its rows that have a value."""

    def combine(sides: Sides) -> Figure:
        side = sides[name]
        return quotient(side.value, side.known, unknown=nothing, zero=nothing)

    return combine


def value_of(name: str, nothing: str) -> Callable[[Sides], Figure]:
    """The measured value of one side, such as a median."""

    def combine(sides: Sides) -> Figure:
        value: Number | None = sides[name].value
        return quotient(value, 1, unknown=nothing, zero=nothing)

    return combine


def with_dates(condition: Condition, *columns: str) -> Condition:
    """The rows of a condition that have every date named."""
    return c.all_of(condition, c.filled(*columns))
