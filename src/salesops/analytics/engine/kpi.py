"""What a KPI is: one declaration that every surface compiles.

A KPI is made of sides. A side is a set of rows and one exact measure of them (how many, the sum of an
amount, of days ...); ``combine`` turns the sides into the value or into the reason there is none.
The side's rows are what a reader sees when the number is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import ibis.expr.types as ir

from salesops.analytics.engine.figure import Figure
from salesops.analytics.engine.statistics import Interval
from salesops.core.calendars import Period

Unit = Literal["ratio", "money", "days", "count", "money_per_day", "minutes", "months", "number"]
Direction = Literal["up", "down", "none"]
MeasureKind = Literal[
    "count", "sum", "days", "median", "median_days", "upper_days", "total", "middle", "ratios", "survival"
]
MIDDLES = frozenset({"median", "median_days", "upper_days", "middle", "survival"})
"""Measures that are one place in the order of the rows, not their sum."""

MONEY = "decimal(19,4)"
"""Type of an amount in every frame."""


@dataclass(frozen=True)
class Context:
    """What a number is asked for.

    Attributes:
        period: first and last day, both inclusive; None for all the data.
        as_of: day the rows describe; the frames handed in are already as of this day.
        today: the data's own date; nothing reads a clock.
        options: settings by name. ``small_sample`` (default 30): below so many rows a share is
            marked as indicative.
    """

    period: Period | None
    as_of: date
    today: date
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def small_sample(self) -> int:
        """Number of rows under which a share is marked as indicative."""
        return int(self.options.get("small_sample", 30))

    @property
    def running(self) -> bool:
        """Whether days of the period are still to come: what falls into it is not all known."""
        return self.period is not None and self.as_of < self.period.last

    @property
    def stock_day(self) -> date:
        """Day a stock (open pipeline) is read at: the end of the period, or ``as_of`` if earlier."""
        return self.as_of if self.period is None else min(self.period.last, self.as_of)


Condition = Callable[[ir.Table, Context], ir.BooleanValue]
"""Which rows of a frame: (frame, context) -> boolean expression. Null counts as false."""


@dataclass(frozen=True)
class Measure:
    """What is taken of a side's rows.

    Attributes:
        kind: ``count`` rows; ``sum`` of a money column; ``days`` = sum of whole days from ``start``
            to ``end``; ``median`` of a money column; ``median_days``; ``upper_days`` = 75th percentile of
            those days, linear between rows; ``total`` and ``middle`` = sum and median of a column of
            whole numbers; ``ratios`` = sum over the rows of ``column / divisor``, each a plain share
            (floating point, never money); ``survival`` = Kaplan-Meier median of a column of whole numbers, the
            time until ``event`` came or, where that column is false, how long it was watched for.
        column: money column of ``sum`` and ``median``, numerator of ``ratios``.
        start: first date column of the day measures.
        end: last date column of the day measures.
        divisor: column the rows' own ratio divides by.
        event: column of ``survival`` that says whether the time ended with the event.
        estimate: column that stands in, labelled as an estimate, where ``column`` is null.
        value: what a row contributes, where that is no single column; ``reads`` names the columns it is
            made of, ``plain`` says that it is a number and no money.

    ``median`` is the backend's exact middle value. Of an even number of amounts it is the mean of the
    two middle ones, exact on DuckDB for single amounts up to 90 billion and right to 15 digits beyond; of
    plain numbers, and of days with decimal places, always exact.
    """

    kind: MeasureKind
    column: str = ""
    start: str = ""
    end: str = ""
    divisor: str = ""
    event: str = ""
    estimate: str = ""
    value: Callable[[ir.Table], ir.Column] | None = None
    reads: tuple[str, ...] = ()
    plain: bool = False


COUNT = Measure("count")

LocalDate = Callable[[ir.TimestampValue], ir.DateValue]
"""An instant -> its day in the firm's zone."""


@dataclass(frozen=True)
class Side:
    """One set of rows and its measure.

    Attributes:
        name: snake_case name, unique in the KPI.
        title: what it is, for the drill-down's heading.
        where: which rows.
        measure: what is taken of them.
        frame: frame the rows come from.
        rows: whether the rows can be listed.
    """

    name: str
    title: str
    where: Condition
    measure: Measure = COUNT
    frame: str = "deals"
    rows: bool = True


@dataclass(frozen=True)
class SideValue:
    """A side's measured value.

    Attributes:
        value: exact value; None where no row has one.
        n: rows in the side.
        known: rows whose measured column is filled.
        estimated: the value with the estimate column standing in for unknown amounts; None where
            the measure has none.
    """

    value: int | Decimal | Fraction | None
    n: int
    known: int
    estimated: Decimal | None = None

    @property
    def missing(self) -> int:
        """Rows without a value: counted in ``n``, nothing in ``value``."""
        return self.n - self.known


@dataclass(frozen=True)
class Flag:
    """A count worth telling beside the number.

    Attributes:
        name: snake_case name, unique in the KPI.
        where: rows counted.
        sentence: note with ``{n}``; shown only where the count is not 0.
        frame: frame counted.
    """

    name: str
    where: Condition
    sentence: str
    frame: str = "deals"


@dataclass(frozen=True)
class Requirement:
    """What the data must hold for the number to exist.

    Attributes:
        column: column that must be filled.
        where: rows that should have it filled.
        sentence: what is missing and what to do about it, in plain words.
        frame: frame the column belongs to.
        decision: True where a decision, not a column of a file, fills it.
        essential: True where the number means nothing without it, not even 0.
    """

    column: str
    where: Condition
    sentence: str
    frame: str = "deals"
    decision: bool = False
    essential: bool = False


Combine = Callable[[Mapping[str, SideValue]], Figure]


@dataclass(frozen=True)
class Kpi:
    """One number, defined once.

    Attributes:
        name: snake_case name, as asked for by every surface.
        title: short label of a tile or column.
        sentence: what it says, in one sentence.
        formula: how it is computed, in words and signs.
        unit: ratio (0.25 = 25 %), money (organisation currency), days, count, money_per_day, minutes,
            months, number (a plain quotient: activities per deal, 3.2 times).
        direction: whether more is better; ``none`` where it depends.
        owner: role that answers for the definition.
        convention: the choice made where the field is ambiguous.
        sides: what is counted.
        combine: sides to value, or to the reason there is none.
        grain: what one counted row is.
        frame: main frame.
        sample: side whose rows are the sample size ``n``.
        dated_by: date column the period acts on; "" for a stock, read at one day.
        placed: whether that one date places every row of every side in a period.
        ripens: whether a period's value still grows long after the period is over (won since, reached since).
        dimensions: columns it may be split by; empty = any column of the frame.
        requires: what the data must hold.
        flags: counts told beside the number.
        wilson: sides (successes, trials) of the confidence interval of a share of rows.
        joins: optional frames that make the number better where they are given.
        notes: notes that depend on the sides.
        unfit: why the number can't be told of a period; "" where it can.
    """

    name: str
    title: str
    sentence: str
    formula: str
    unit: Unit
    direction: Direction
    owner: str
    convention: str
    sides: tuple[Side, ...]
    combine: Combine
    grain: str = "opportunity"
    frame: str = "deals"
    sample: str = ""
    dated_by: str = "closed_on"
    placed: bool = True
    ripens: bool = False
    dimensions: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] = ()
    flags: tuple[Flag, ...] = ()
    wilson: tuple[str, str] | None = None
    joins: tuple[str, ...] = ()
    notes: Callable[[Mapping[str, SideValue]], tuple[str, ...]] | None = None
    unfit: Callable[[Context], str] | None = None

    def __post_init__(self) -> None:
        names = [side.name for side in self.sides]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: two sides share a name")
        named = {*((self.sample,) if self.sample else ()), *(self.wilson or ())}
        if not named <= set(names):
            raise ValueError(f"{self.name}: no side named {sorted(named - set(names))}")

    @property
    def adds_up(self) -> bool:
        """Whether the values of parts make up that of the whole: one side is counted or summed, and left as it is."""
        only = self.sides[0]
        if len(self.sides) != 1 or only.measure.kind not in ("count", "sum", "days", "total"):
            return False
        # A mean divides by the rows, known or all: here 2 and 3.
        return self.combine({only.name: SideValue(Decimal(3), 3, 2)}).value == 3

    def side(self, name: str) -> Side:
        """The side called ``name``.

        Raises:
            KeyError: where the KPI has none.
        """
        for side in self.sides:
            if side.name == name:
                return side
        raise KeyError(f"{self.name} has no side {name!r}; it has {', '.join(s.name for s in self.sides)}")


@dataclass(frozen=True)
class KpiValue:
    """A KPI's value for one group.

    Attributes:
        name: the KPI's name.
        group: dimension values; empty for the total.
        value: exact value; None where undefined.
        reason: why there is no value; empty where there is one.
        sides: the exact side values, in the KPI's order.
        n: rows the value rests on.
        notes: sentences to read beside the number.
        interval: confidence interval of a share of rows.
        estimate: the value with labelled estimates (list price of an open deal) standing in for
            unknown amounts; None where nothing is estimated.
    """

    name: str
    group: Mapping[str, Any]
    value: int | Decimal | None
    reason: str
    sides: Mapping[str, int | Decimal | None]
    n: int
    notes: tuple[str, ...] = ()
    interval: Interval | None = None
    estimate: int | Decimal | None = None
