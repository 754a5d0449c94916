"""Monthly sales and marketing spend per category and segment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from salesops.simulate.calendar_days import Ints, day_number
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.streams import stream

CATEGORIES = (
    ("Sales", "Salaries"),
    ("Sales", "Commissions"),
    ("Sales", "Tools"),
    ("Sales", "Travel"),
    ("Marketing", "Salaries"),
    ("Marketing", "Advertising"),
    ("Marketing", "Events"),
)
_COST_PER_REP = (7_200, 2_100, 350, 420, 900, 1_300, 600)
"""Whole units of currency a month for each rep's seat."""


@dataclass(frozen=True)
class Spend:
    """One row a month, category and segment; ``month`` is the month's first day, ``amount`` cents."""

    month: Ints
    category: Ints
    segment: Ints
    amount: Ints


def make_spend(p: FirmParameters, seed: int) -> Spend:
    """Spend of every full month of the window."""
    rng = stream(seed, "spend")
    months = []
    year, month = p.first_day.year, p.first_day.month
    while date(year, month, 1) <= p.last_day:
        months.append(day_number(date(year, month, 1)))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    shares = np.array([s.share * s.amount**0.5 for s in p.segments])
    shares = shares / shares.sum()
    grid = np.array(np.meshgrid(months, range(len(CATEGORIES)), range(len(shares)), indexing="ij"), np.int64)
    month_of, category, segment = (axis.ravel() for axis in grid)
    level = (1 + p.growth) ** ((month_of - months[-1]) / 365.25)
    base = np.array(_COST_PER_REP)[category] * p.reps * shares[segment] * level
    return Spend(
        month_of, category, segment, np.rint(100 * base * rng.uniform(0.9, 1.1, len(base))).astype(np.int64)
    )
