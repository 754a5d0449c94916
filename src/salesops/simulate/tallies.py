"""Exact sums the truth is made of: integers of cents and counts, per group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from salesops.simulate.calendar_days import Bools, Ints
from salesops.simulate.columns import decimal_text


def quotient(top: int, bottom: int, places: int = 12) -> str | None:
    """``top / bottom`` as decimal text rounded half up; None where the bottom is 0."""
    if bottom == 0:
        return None
    return str((Decimal(top) / Decimal(bottom)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


@dataclass
class Outcomes:
    """Won and lost deals per group of one dimension."""

    size: int
    label: Callable[[int], str]
    won: Ints = field(init=False)
    lost: Ints = field(init=False)
    won_value: Ints = field(init=False)
    lost_value: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.won, self.lost, self.won_value, self.lost_value = (
            np.zeros(self.size, np.int64) for _ in range(4)
        )

    def add(self, group: Ints, won: Bools, lost: Bools, cents: Ints) -> None:
        """Count deals; ``cents`` is 0 where a deal has no amount."""
        np.add.at(self.won, group[won], 1)
        np.add.at(self.lost, group[lost], 1)
        np.add.at(self.won_value, group[won], cents[won])
        np.add.at(self.lost_value, group[lost], cents[lost])

    def rows(self) -> list[dict[str, Any]]:
        """One entry per group with at least one decided deal."""
        out = []
        for i in np.flatnonzero(self.won + self.lost):
            won, lost = int(self.won[i]), int(self.lost[i])
            value, gone = int(self.won_value[i]), int(self.lost_value[i])
            out.append(
                {
                    "key": self.label(int(i)),
                    "won": won,
                    "lost": lost,
                    "won_value": decimal_text(value),
                    "lost_value": decimal_text(gone),
                    "win_rate_count": quotient(won, won + lost),
                    "win_rate_value": quotient(value, value + gone),
                }
            )
        return out


@dataclass
class DayCounts:
    """How many deals took how many days; gives exact mean and median without keeping the deals."""

    counts: Ints = field(default_factory=lambda: np.zeros(16_384, np.int64))

    def add(self, days: Ints) -> None:
        """Count durations (0 to 16,383 days)."""
        np.add.at(self.counts, days, 1)

    def to_dict(self) -> dict[str, Any]:
        """Deals, sum of days, mean and median as text; null where there are none."""
        deals = int(self.counts.sum())
        total = int((self.counts * np.arange(len(self.counts))).sum())
        if not deals:
            return {"deals": 0, "days": 0, "mean": None, "median": None}
        upto = np.cumsum(self.counts)
        low = int(np.searchsorted(upto, (deals - 1) // 2 + 1))
        high = int(np.searchsorted(upto, deals // 2 + 1))
        return {
            "deals": deals,
            "days": total,
            "mean": quotient(total, deals),
            "median": quotient(low + high, 2, 1),
        }


def median_cents(parts: list[Ints]) -> str | None:
    """Median of amounts in cents, exact to half a cent, as text; None where there are none."""
    values = np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)
    if not len(values):
        return None
    low, high = int(values[(len(values) - 1) // 2]), int(values[len(values) // 2])
    return quotient(low + high, 200, 3)


class Durations:
    """Response times in seconds: sum and exact median."""

    def __init__(self) -> None:
        self.parts: list[Ints] = []

    def add(self, seconds: Ints) -> None:
        """Keep the durations (eight bytes a lead)."""
        self.parts.append(seconds.astype(np.int64))

    def to_dict(self) -> dict[str, Any]:
        """Leads, sum, mean and median in seconds."""
        values = np.sort(np.concatenate(self.parts)) if self.parts else np.zeros(0, np.int64)
        n = len(values)
        if not n:
            return {"leads": 0, "seconds": 0, "mean": None, "median": None}
        middle = int(values[(n - 1) // 2]) + int(values[n // 2])
        return {
            "leads": n,
            "seconds": int(values.sum()),
            "mean": quotient(int(values.sum()), n),
            "median": quotient(middle, 2, 1),
        }
