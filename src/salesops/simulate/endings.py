"""How and when deals end: won, lost, never; pulled to a quarter's end; opened again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate.calendar_days import (
    DAY,
    FAR,
    Bools,
    FirmCalendar,
    Floats,
    Ints,
    day_number,
    office_second,
    working_day,
)
from salesops.simulate.parameters import FirmParameters

TYPES = ("New Business", "Expansion", "Renewal")
NEW, EXPANSION, RENEWAL = range(3)
_TYPE_WIN = np.array([1.0, 1.5, 2.9])
_TYPE_CYCLE = np.array([1.0, 0.7, 0.6])


@dataclass(frozen=True)
class Ending:
    """How each deal ends: ``close`` is a moment (FAR: never), ``won`` holds where it is closed.

    ``reopened`` and ``second_close`` are FAR where a closed deal stays closed; ``quiet`` is the
    moment after which nobody works a ghost.
    """

    close: Ints
    won: Bools
    ghost: Bools
    quiet: Ints
    reopened: Ints
    second_close: Ints
    second_won: Bools

    @property
    def final_close(self) -> Ints:
        """The last moment the deal closes, FAR where it stays open."""
        return np.where(self.reopened < FAR, self.second_close, self.close)


def median_cycle(p: FirmParameters, segment: Ints, kind: Ints) -> Floats:
    """The median days from creation to decision, by segment and type of deal."""
    return np.array([s.cycle_days for s in p.segments])[segment] * _TYPE_CYCLE[kind]


def make_endings(
    p: FirmParameters,
    calendar: FirmCalendar,
    rng: np.random.Generator,
    created: Ints,
    segment: Ints,
    kind: Ints,
    skill: Floats,
) -> Ending:
    """Decide how every deal ends and when."""
    n = len(created)
    day = created // DAY
    spread = np.array([s.cycle_spread for s in p.segments])[segment]
    cycle = median_cycle(p, segment, kind) * np.exp(rng.normal(0, 1, n) * spread)
    decided = day + np.maximum(np.rint(cycle), 1).astype(np.int64)
    chance = np.array([s.win_rate for s in p.segments])[segment] * _TYPE_WIN[kind] * skill
    if p.win_rate_shift is not None:
        chance = np.where(
            decided >= day_number(p.win_rate_shift.starts), chance * p.win_rate_shift.factor, chance
        )
    ghost = rng.random(n) < p.ghost_share * np.where(kind == RENEWAL, 0.2, 1.15)
    won = (rng.random(n) < np.clip(chance, 0.02, 0.95)) & ~ghost
    # Buyers who say no say it sooner, or much later.
    slow_no = rng.random(n) < 0.2
    factor = np.where(won, 1.0, np.where(slow_no, 1.9, 0.65))
    decided = day + np.maximum(np.rint(cycle * factor), 1).astype(np.int64)
    decided = np.where(
        won & (rng.random(n) < p.quarter_end_pull), _pull(calendar, rng, day, decided), decided
    )
    decided = np.maximum(working_day(decided), day)
    close = np.maximum(decided * DAY + office_second(rng, n), created + 1_800)
    close = np.where(close // DAY > decided, decided * DAY + 86_000, close)
    quiet = np.where(ghost, np.minimum(close, created + 400 * DAY), FAR)
    again = ~won & ~ghost & (rng.random(n) < p.reopen_share)
    reopened = working_day(decided + rng.integers(14, 121, n)) * DAY + office_second(rng, n)
    reopened = np.where(again, reopened, FAR)
    second = working_day(reopened // DAY + np.maximum(np.rint(cycle * 0.6), 3).astype(np.int64))
    second = np.where(again, second * DAY + office_second(rng, n), FAR)
    second = np.where(again, np.maximum(second, reopened + 1_800), FAR)
    return Ending(
        close=np.where(ghost, FAR, close),
        won=won,
        ghost=ghost,
        quiet=quiet,
        reopened=reopened,
        second_close=second,
        second_won=rng.random(n) < 0.3,
    )


def _pull(calendar: FirmCalendar, rng: np.random.Generator, day: Ints, decided: Ints) -> Ints:
    """Move a won deal to its quarter's end: from the month before it, or back from the fortnight after it."""
    quarter = calendar.quarter(decided)
    before_end = rng.geometric(0.22, len(day)) - 1
    this_end = calendar.quarter_end(quarter) - before_end
    last_end = calendar.quarter_start(quarter) - 1 - before_end
    late = calendar.quarter_end(quarter) - decided <= 30
    early = (decided - calendar.quarter_start(quarter) <= 14) & (last_end > day)
    return np.maximum(np.where(late, this_end, np.where(early, last_end, decided)), day)
