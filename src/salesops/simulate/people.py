"""The people: a hierarchy of VP, directors, managers and reps, with joiners and leavers.

A *seat* is a position a firm keeps filled (one AE position in one team); the people who hold it
follow each other, and the manager covers the gap between two. Seats, not people, own accounts:
who owns a record at a moment is whoever holds its seat then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate.calendar_days import DAY, FAR, Bools, Floats, Ints, day_number
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.streams import stream

ROLES = ("SDR", "AE", "AM", "Manager", "Director", "VP")
SDR, AE, AM, MANAGER, DIRECTOR, VP = range(6)
HANDOVER_SECOND = 9 * 3600
"""A seat changes hands at 09:00."""


@dataclass(frozen=True)
class People:
    """Users (one row a person) and seats (one row a position that sells).

    ``seat_from[s, k]`` is the moment from which ``seat_user[s, k]`` holds seat ``s``; column 0
    holds the manager until the seat opens. ``seat_joined[s, k]`` is the day that person's ramp
    counts from, FAR where the manager only covers.
    """

    role: Ints
    manager: Ints
    team: Ints
    region: Ints
    hired: Ints
    left: Ints
    seat_role: Ints
    seat_team: Ints
    seat_region: Ints
    seat_skill: Floats
    seat_from: Ints
    seat_user: Ints
    seat_joined: Ints
    regions: tuple[str, ...]
    teams: tuple[str, ...]
    ramp_days: int

    def holder(self, seat: Ints, moment: Ints) -> Ints:
        """The user who holds each seat at each moment."""
        return self.seat_user[seat, self._place(seat, moment)]

    def readiness(self, seat: Ints, moment: Ints) -> Floats:
        """How much a seat sells at a moment: 0.05 while covered, 0.25 to 1 over the ramp."""
        joined = self.seat_joined[seat, self._place(seat, moment)]
        ramped = (moment // DAY - np.where(joined >= FAR, 0, joined)) / self.ramp_days
        return np.where(joined >= FAR, 0.05, np.clip(ramped, 0.25, 1.0))

    def deal_seats(self) -> Ints:
        """Seats that carry deals: AEs and AMs."""
        return np.flatnonzero(self.seat_role != SDR)

    def sdr_seats(self) -> Ints:
        """Seats that work leads; where the firm is too small for SDRs, all of them."""
        sdr = np.flatnonzero(self.seat_role == SDR)
        return sdr if len(sdr) else np.arange(len(self.seat_role))

    def is_active(self, day: int) -> Bools:
        """Who still works here at the end of a day."""
        return self.left > day

    def _place(self, seat: Ints, moment: Ints) -> Ints:
        return np.maximum((self.seat_from[seat] <= moment[:, None]).sum(axis=1) - 1, 0)


class _Staff:
    """Users as they are hired, in lists."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int, int]] = []
        self.left: list[int] = []

    def hire(self, role: int, manager: int, team: int, region: int, hired: int) -> int:
        self.rows.append((role, manager, team, region, hired))
        self.left.append(FAR)
        return len(self.rows) - 1


def make_people(p: FirmParameters, seed: int) -> People:
    """Build the hierarchy and the succession of every seat."""
    rng = stream(seed, "people")
    first, last = day_number(p.first_day), day_number(p.last_day)
    used = p.regions[: max(1, min(len(p.regions), p.reps // 5))]
    staff = _Staff()
    founded = first - 1_500
    top = staff.hire(VP, -1, 0, 0, founded)
    teams = ["Sales leadership"]
    sizes = _split(p.reps, [r.share for r in used])
    seats: list[tuple[int, int, int, int]] = []  # role, team, region, manager
    for region, size in enumerate(sizes):
        managers_needed = max(1, -(-size // p.span_of_control))
        directors: list[int] = []
        for d in range(-(-managers_needed // 6)):
            teams.append(f"{used[region].name} leadership" + (f" {d + 1}" if d else ""))
            directors.append(staff.hire(DIRECTOR, top, len(teams) - 1, region, founded + 200))
        roles = _roles(p, size)
        for m in range(managers_needed):
            teams.append(f"{used[region].name} {m + 1}")
            manager = staff.hire(MANAGER, directors[m // 6], len(teams) - 1, region, founded + 400)
            seats += [(role, len(teams) - 1, region, manager) for role in roles[m::managers_needed]]
    holders = [_succession(p, rng, staff, seat, first, last) for seat in seats]
    width = max(len(h) for h in holders)
    seat_from = np.full((len(seats), width), FAR, np.int64)
    seat_user = np.zeros((len(seats), width), np.int64)
    seat_joined = np.full((len(seats), width), FAR, np.int64)
    for s, intervals in enumerate(holders):
        for k, (start, user, joined) in enumerate(intervals):
            seat_from[s, k], seat_user[s, k], seat_joined[s, k] = start, user, joined
        seat_user[s, len(intervals) :] = intervals[-1][1]
    rows = np.array(staff.rows, np.int64)
    table = np.array(seats, np.int64)
    return People(
        role=rows[:, 0], manager=rows[:, 1], team=rows[:, 2], region=rows[:, 3], hired=rows[:, 4],
        left=np.array(staff.left, np.int64),
        seat_role=table[:, 0], seat_team=table[:, 1], seat_region=table[:, 2],
        seat_skill=np.clip(rng.normal(1.0, 0.18, len(seats)), 0.6, 1.5),
        seat_from=seat_from, seat_user=seat_user, seat_joined=seat_joined,
        regions=tuple(r.name for r in used), teams=tuple(teams), ramp_days=p.ramp_days,
    )  # fmt: skip


def _succession(
    p: FirmParameters,
    rng: np.random.Generator,
    staff: _Staff,
    seat: tuple[int, int, int, int],
    first: int,
    last: int,
) -> list[tuple[int, int, int]]:
    """Who holds one seat from when: (moment, user, day the ramp counts from)."""
    role, team, region, manager = seat
    held: list[tuple[int, int, int]] = [(-FAR, manager, FAR)]
    there_at_start = rng.random() < (1 + p.growth) ** -p.years
    start = first - int(rng.integers(30, 1_000)) if there_at_start else int(rng.integers(first, last - 30))
    while start <= last:
        user = staff.hire(role, manager, team, region, start)
        held.append((start * DAY + HANDOVER_SECOND, user, start))
        stay = int(rng.exponential(365.25 / p.attrition)) if p.attrition > 0 else FAR
        leaves = max(start, first) + max(stay, 60)
        if leaves >= last:
            break
        staff.left[user] = leaves
        held.append(((leaves + 1) * DAY + HANDOVER_SECOND, manager, FAR))
        start = leaves + int(rng.integers(15, 75))
    return held


def _split(total: int, shares: list[float]) -> list[int]:
    """Whole numbers in proportion to the shares, at least one each, that sum to the total."""
    whole = sum(shares)
    sizes = [max(1, int(total * s / whole)) for s in shares]
    for i in range(total - sum(sizes)):
        sizes[i % len(sizes)] += 1
    while sum(sizes) > total:
        sizes[sizes.index(max(sizes))] -= 1
    return sizes


def _roles(p: FirmParameters, size: int) -> list[int]:
    """The roles of one region's seats; there is always an AE."""
    sdr = int(size * p.sdr_share)
    am = int(size * p.am_share)
    return [AE] * (size - sdr - am) + [AM] * am + [SDR] * sdr
