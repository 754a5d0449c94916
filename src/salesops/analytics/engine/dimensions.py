"""What a number may be split by: any column, the fiscal period of a date, bands of an amount."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.core.calendars import FiscalCalendar, PeriodKind


@dataclass(frozen=True)
class Dimension:
    """A derived column to split by.

    Attributes:
        name: name of the column added.
        title: what people call it.
        needs: columns of the frame it is computed from.
        attach: frame -> the same rows with the column added.
        key: what it depends on beside its name: two of one name and key say the same of every row.
        looked_up: rows in memory that it is looked up in.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    attach: Callable[[ir.Table], ir.Table]
    key: str = ""
    looked_up: int = 0


def period_dimension(
    calendar: FiscalCalendar, kind: PeriodKind, column: str, first: date, last: date
) -> Dimension:
    """The fiscal period a date falls in, as its label (``2017-Q3``).

    Every day from ``first`` to ``last`` is looked up in the calendar once and joined by equality,
    which is the same on every backend and fits 4-4-5 years as well as months. Rows without a date
    have no label; a date outside the range reads ``before`` or ``after``, so no row is hidden.

    Args:
        calendar: the fiscal calendar.
        kind: year, half, quarter, month or week.
        column: date column of the frame.
        first: first day looked up.
        last: last day looked up.
    """
    name = f"{column.removesuffix('_on')}_{kind}"
    days: list[date] = []
    labels: list[str] = []
    at = first
    while at <= last:
        period = calendar.period(kind, at)
        until = min(period.last, last)
        span = (until - at).days + 1
        days.extend(at + timedelta(days=i) for i in range(span))
        labels.extend([period.label] * span)
        at = until + timedelta(days=1)
    lookup = ibis.memtable(
        pa.table({"period_day": pa.array(days, pa.date32()), "period_label": pa.array(labels, pa.string())})
    )

    def attach(frame: ir.Table) -> ir.Table:
        joined = frame.left_join(lookup, frame[column] == lookup["period_day"])
        label = ibis.cases(
            (joined[column] < ibis.literal(first, type="date"), "before"),
            (joined[column] > ibis.literal(last, type="date"), "after"),
            else_=joined["period_label"],
        )
        return joined.mutate(**{name: label}).drop("period_day", "period_label")

    return Dimension(
        name,
        f"{column.removesuffix('_on').replace('_', ' ').capitalize()} {kind}",
        (column,),
        attach,
        f"{first} {last} {calendar!r}",
        len(days),
    )


def band_dimension(name: str, title: str, column: str, bounds: Sequence[Decimal]) -> Dimension:
    """Bands of a money column: under the first bound, from bound to bound, from the last one on.

    Args:
        name: name of the column added.
        title: what people call it.
        column: money column.
        bounds: ascending lower bounds; an amount equal to a bound belongs to the band above it.

    Raises:
        ValueError: where the bounds are empty or not ascending.
    """
    if not bounds or list(bounds) != sorted(set(bounds)):
        raise ValueError("bands need ascending bounds")
    width = len(str(len(bounds)))

    def attach(frame: ir.Table) -> ir.Table:
        amount = frame[column]
        literals = [ibis.literal(b, type=amount.type()) for b in bounds]
        # The leading number keeps the bands in order wherever they are sorted as text.
        cases = [(amount < literals[0], f"{0:0{width}d}: under {bounds[0]}")]
        for i in range(1, len(bounds)):
            cases.append((amount < literals[i], f"{i:0{width}d}: {bounds[i - 1]} to under {bounds[i]}"))
        cases.append((amount >= literals[-1], f"{len(bounds)}: {bounds[-1]} and more"))
        return frame.mutate(**{name: ibis.cases(*cases, else_=None)})

    return Dimension(name, title, (column,), attach, f"{column} {[str(b) for b in bounds]}")
