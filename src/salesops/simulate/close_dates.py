"""Expected close dates: set at creation, pushed when they come due, pulled in, set on closing."""

from __future__ import annotations

import numpy as np

from salesops.simulate.calendar_days import DAY, FAR, Bools, FirmCalendar, Floats, Ints, at_office, end_of
from salesops.simulate.endings import Ending
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.tracks import Track

PUSHES = 12


def make_close_dates(
    p: FirmParameters,
    calendar: FirmCalendar,
    rng: np.random.Generator,
    created: Ints,
    ending: Ending,
    median_cycle: Floats,
    last_day: int,
) -> tuple[Track, Bools]:
    """The close-date track (values are days) and which deals nobody keeps up to date."""
    n = len(created)
    day = created // DAY
    guess = day + np.maximum(np.rint(median_cycle * np.exp(rng.normal(0, 0.4, n))), 3).astype(np.int64)
    current = _snap(calendar, rng, guess, p.push_to_quarter_end)
    draw = rng.random(n)
    neglected = np.where(ending.ghost, draw < 0.5, draw < p.faults.neglected_close_dates)
    end = ending.close
    times = [created]
    values = [current]
    moment = created
    for k in range(PUSHES):
        late = rng.random(n) < 0.25
        wanted = np.where(late, current + rng.integers(1, 15, n), current - rng.integers(0, 9, n))
        push_at = at_office(rng, np.maximum(wanted * DAY, moment + DAY))
        stopped = neglected & (push_at > np.where(ending.ghost, ending.quiet, created + 20 * DAY))
        happens = (current * DAY < end) & (push_at < end) & (push_at <= end_of(last_day)) & ~stopped
        step = rng.choice(np.array([14, 21, 30, 30, 45, 61, 91]), n) * (1 + k // 3)
        pushed = _snap(calendar, rng, np.maximum(current, push_at // DAY) + step, p.push_to_quarter_end)
        times.append(np.where(happens, push_at, FAR))
        values.append(np.where(happens, pushed, current))
        current = np.where(happens, pushed, current)
        moment = np.where(happens, push_at, moment)
    # A deal that will close well before its date is often pulled in shortly before.
    close_day = np.where(end < FAR, end // DAY, FAR)
    room = (end < FAR) & (current > close_day + 15) & (moment < end - 12 * DAY)
    pulled = room & (rng.random(n) < p.pull_in_share)
    pull_at = at_office(rng, np.where(pulled, end - rng.integers(3, 11, n) * DAY, FAR))
    times.append(np.where(pulled & (pull_at > moment) & (pull_at < end), pull_at, FAR))
    values.append(np.where(pulled, close_day + rng.integers(0, 9, n), current))
    times += [end, ending.reopened, ending.second_close]
    again = ending.reopened < FAR
    hope = np.where(again, ending.reopened // DAY, day) + np.rint(median_cycle * 0.6).astype(np.int64) + 7
    values += [np.where(end < FAR, close_day, 0), hope, np.where(again, ending.second_close // DAY, 0)]
    return Track.build(np.stack(times, axis=1), np.stack(values, axis=1)), neglected


def _snap(calendar: FirmCalendar, rng: np.random.Generator, day: Ints, to_quarter_end: float) -> Ints:
    """Reps like round dates: some go to the quarter's end, some to the month's."""
    month = day.astype("datetime64[D]").astype("datetime64[M]") + np.timedelta64(1, "M")
    month_end = month.astype("datetime64[D]").astype(np.int64) - 1
    draw = rng.random(len(day))
    quarter_end = calendar.quarter_end(calendar.quarter(day))
    return np.where(draw < to_quarter_end, quarter_end, np.where(draw < to_quarter_end + 0.2, month_end, day))
