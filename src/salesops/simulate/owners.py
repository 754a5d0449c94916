"""Who owns a deal when: the holder of its seat, after a transfer the holder of another."""

from __future__ import annotations

import numpy as np

from salesops.simulate.calendar_days import DAY, FAR, Bools, Ints, at_office
from salesops.simulate.endings import Ending
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.people import People
from salesops.simulate.tracks import Track


def make_owners(
    p: FirmParameters, people: People, rng: np.random.Generator, created: Ints, seat: Ints, ending: Ending
) -> tuple[Track, Bools]:
    """The owner track (values are users) and the deals nobody handed over when their owner left."""
    n = len(created)
    end = ending.final_close
    # A transfer goes to another seat of the same region and role, if there is one.
    other = _other_seat(people, rng, seat)
    days = np.where(ending.ghost, ending.quiet, np.minimum(end, created + 2_000 * DAY)) - created
    at = at_office(rng, created + (rng.uniform(0.1, 0.9, n) * days).astype(np.int64))
    moves = (rng.random(n) < p.transfer_share) & (other != seat) & (at > created) & (at < end)
    at = np.where(moves, at, FAR)
    kept = (rng.random(n) < p.faults.inactive_owners) & ~moves
    first = people.holder(seat, created)
    times, values = [created], [first]
    width = people.seat_from.shape[1]
    for k in range(1, width):
        change = people.seat_from[seat, k]
        times.append(np.where((change > created) & (change < end) & (change < at) & ~kept, change, FAR))
        values.append(people.seat_user[seat, k])
    times.append(at)
    values.append(people.holder(other, np.where(moves, at, created)))
    for k in range(1, width):
        change = people.seat_from[other, k]
        times.append(np.where(moves & (change > at) & (change < end), change, FAR))
        values.append(people.seat_user[other, k])
    return Track.build(np.stack(times, axis=1), np.stack(values, axis=1)), kept


def _other_seat(people: People, rng: np.random.Generator, seat: Ints) -> Ints:
    other = seat.copy()
    for region in range(len(people.regions)):
        for role in np.unique(people.seat_role):
            pool = np.flatnonzero((people.seat_region == region) & (people.seat_role == role))
            here = np.flatnonzero((people.seat_region[seat] == region) & (people.seat_role[seat] == role))
            if len(pool) and len(here):
                other[here] = pool[rng.integers(0, len(pool), len(here))]
    return other
