"""What people did, as units to compare: deals they closed, or whole months they sold in.

Rows are already added up by owner, month and territory; this turns them into cells with the tenure that the
person had in that month.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from salesops.performance.engine.standardise import Cell

Measure = Literal["win_rate", "value_per_deal", "value_per_month"]
BANDS: tuple[tuple[int, str], ...] = (
    (6, "under 6 months"),
    (12, "6 to 11 months"),
    (24, "1 to 2 years"),
    (10**6, "2 years and more"),
)
"""Months in the firm below which a band ends, and its name."""
UNKNOWN = "not known"


@dataclass(frozen=True)
class Stay:
    """From when to when somebody has been in the firm, as far as that is known.

    Attributes:
        since: first day; None where neither a date of hire nor any deal tells.
        until: last day; None for those who are still here.
        stands_in: whether ``since`` is the day of the first deal, for want of a date of hire.
    """

    since: date | None
    until: date | None = None
    stands_in: bool = False


@dataclass(frozen=True)
class Closed:
    """Deals that one person closed in one month and one territory.

    Attributes:
        closed: won and lost ones.
        won: of those, won.
        unknown: won ones without an amount.
        value: amounts of the won ones.
        squares, cubes: sums of the squares and cubes of those amounts, for spread and skewness alone.
    """

    person: str
    month: date
    territory: tuple[str, ...]
    closed: int
    won: int
    unknown: int
    value: Decimal
    squares: float
    cubes: float


def tenure(stay: Stay | None, month: date) -> str:
    """The band of the time that somebody had been here in a month."""
    if stay is None or stay.since is None:
        return UNKNOWN
    months = (month.year - stay.since.year) * 12 + month.month - stay.since.month
    return next(name for below, name in BANDS if months < below)


def deals(
    rows: Iterable[Closed], stays: Mapping[str, Stay], roles: Mapping[str, str], measure: Measure
) -> list[Cell]:
    """Closed deals as units: each yields a win, or its amount where it was won."""
    found: dict[tuple[str, tuple[str, ...], str], Cell] = {}
    for row in rows:
        band = tenure(stays.get(row.person), row.month)
        if measure == "win_rate":
            ones = float(row.won)
            units, total, squares, cubes = row.closed, Fraction(row.won), ones, ones
        else:
            units, total = row.closed - row.unknown, Fraction(row.value)
            squares, cubes = row.squares, row.cubes
        key = (row.person, row.territory, band)
        one = found.get(key) or Cell(*key, 0, Fraction(0), 0.0, 0.0, roles.get(row.person, ""))
        found[key] = replace(
            one,
            units=one.units + units,
            total=one.total + total,
            squares=one.squares + squares,
            cubes=one.cubes + cubes,
        )
    return [cell for _, cell in sorted(found.items()) if cell.units]


def months(
    rows: Iterable[Closed],
    stays: Mapping[str, Stay],
    roles: Mapping[str, str],
    regions: Mapping[str, str],
    first: date,
    last: date,
) -> list[Cell]:
    """Whole months as units: each yields the value that the person won in it.

    Args:
        rows: closed deals.
        stays: person -> stay; who has none is left out.
        roles, regions: person -> role, and region: the territory.
        first, last: the period; months that it cuts are left out, and so are those that a stay cuts.
    """
    won: dict[tuple[str, date], Fraction] = defaultdict(Fraction)
    for row in rows:
        won[row.person, row.month] += Fraction(row.value)
    found: dict[tuple[str, str], list[Fraction]] = defaultdict(list)
    whole = whole_months(first, last)
    for person, stay in stays.items():
        if stay.since is None:
            continue
        for month in whole:
            if stay.since <= month and (
                stay.until is None or month_after(month).toordinal() - 1 <= stay.until.toordinal()
            ):
                found[person, tenure(stay, month)].append(won[person, month])
    return [
        Cell(
            person,
            (regions.get(person) or UNKNOWN,),
            band,
            len(values),
            sum(values, Fraction(0)),
            sum(float(v) ** 2 for v in values),
            sum(float(v) ** 3 for v in values),
            roles.get(person, ""),
        )
        for (person, band), values in sorted(found.items())
    ]


def whole_months(first: date, last: date) -> list[date]:
    """First days of the calendar months that lie whole between two days, both included."""
    month = first if first.day == 1 else month_after(first)
    found = []
    while month_after(month).toordinal() - 1 <= last.toordinal():
        found.append(month)
        month = month_after(month)
    return found


def month_after(day: date) -> date:
    """First day of the month after a day's."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
