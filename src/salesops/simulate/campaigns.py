"""Marketing campaigns: one of each type a fiscal quarter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate.calendar_days import FirmCalendar, Ints
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.streams import stream

TYPES = ("Webinar", "Trade show", "Paid search")


@dataclass(frozen=True)
class Campaigns:
    """Campaign ``quarter * 3 + type``, counted from the first quarter of the window. Costs in cents."""

    quarter: Ints
    type: Ints
    starts: Ints
    ends: Ints
    budget: Ints
    cost: Ints


def make_campaigns(p: FirmParameters, calendar: FirmCalendar, seed: int) -> Campaigns:
    """Campaigns of every quarter the window touches; cost follows the number of deals."""
    rng = stream(seed, "campaigns")
    quarters = np.array(list(calendar.quarters()), np.int64)
    quarter = np.repeat(quarters, len(TYPES))
    kind = np.tile(np.arange(len(TYPES), dtype=np.int64), len(quarters))
    starts = calendar.quarter_start(quarter) + rng.integers(0, 20, len(quarter))
    deals = p.opportunities / max(1, len(quarters))
    budget = np.maximum(np.rint(deals * rng.uniform(18, 40, len(quarter))), 500).astype(np.int64) * 100
    return Campaigns(
        quarter=quarter,
        type=kind,
        starts=starts,
        ends=np.minimum(starts + rng.integers(10, 65, len(quarter)), calendar.quarter_end(quarter)),
        budget=budget,
        cost=budget * rng.integers(80, 121, len(quarter)) // 100,
    )
