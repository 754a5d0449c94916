"""Deals: who, when, how much, and how each ends.

A deal's whole life is drawn when it is created, as tracks of moments and values that may lie
after the data date; an export shows what had happened by its day. So the truth of any day is
known without reading a file back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate import words
from salesops.simulate.accounts import is_customer_seat
from salesops.simulate.amounts import Lines, make_amounts
from salesops.simulate.calendar_days import (
    DAY,
    Bools,
    Ints,
    day_number,
    office_second,
)
from salesops.simulate.close_dates import make_close_dates
from salesops.simulate.endings import EXPANSION, NEW, RENEWAL, Ending, make_endings, median_cycle
from salesops.simulate.owners import make_owners
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.stages import LOST, WON, make_stages
from salesops.simulate.streams import stream
from salesops.simulate.tracks import Track
from salesops.simulate.world import World

_TYPE_AMOUNT = np.array([1.0, 0.6, 1.1])
CHUNK = 50_000
"""Deals simulated at a time; part of the seed: another chunk size is another firm."""


@dataclass(frozen=True)
class Deals:
    """One chunk of deals, numbered from ``start``."""

    start: int
    number: Ints
    created: Ints
    account: Ints
    seat: Ints
    kind: Ints
    source: Ints
    first_interaction: Ints
    ending: Ending
    stage: Track
    amount: Track
    close_date: Track
    owner: Track
    lines: Lines
    neglected: Bools
    kept_by_leaver: Bools
    product_variant: Bools
    no_loss_reason: Bools
    no_next_step: Bools
    loss_reason: Ints
    competitor: Ints
    next_step: Ints
    contact: Ints

    def __len__(self) -> int:
        return len(self.number)

    def known(self, day: int) -> Bools:
        """Deals that exist at the end of a day."""
        return self.created <= day * DAY + DAY - 1


def creation_days(world: World) -> Ints:
    """How many deals each day of the window brings (growth, season, week, shock)."""
    p = world.parameters
    days = np.arange(world.first, world.last + 1)
    weight = (1 + p.growth) ** ((days - world.first) / 365.25)
    start = world.calendar.quarter_start(world.calendar.quarter(days))
    month = np.minimum((days - start) // 31, 2)
    weight = weight * np.array(p.month_in_quarter)[month]
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    weight = np.where((months == 6) | (months == 7), weight * p.summer_dip, weight)
    weight = np.where(months == 11, weight * (1 + p.summer_dip) / 2, weight)
    weight = np.where((days + 3) % 7 > 4, 0.0, weight)
    if p.demand_shock is not None:
        weight = np.where(days >= day_number(p.demand_shock.starts), weight * p.demand_shock.factor, weight)
    rng = stream(world.seed, "creation")
    return rng.multinomial(p.opportunities, weight / weight.sum()).astype(np.int64)


def make_deals(world: World, start: int, day: Ints) -> Deals:
    """Simulate the deals created on the given days, numbered from ``start``."""
    p, people = world.parameters, world.people
    chunk = start // CHUNK
    rng = stream(world.seed, "deals", chunk)
    n = len(day)
    created = day * DAY + office_second(rng, n)
    account = _accounts(world, rng, created)
    seat = world.accounts.seat[account]
    kind = np.where(
        is_customer_seat(people, seat),
        np.where(rng.random(n) < 0.5, RENEWAL, EXPANSION),
        np.where(rng.random(n) < 0.85, NEW, EXPANSION),
    )
    segment = world.accounts.segment[account]
    ending = make_endings(p, world.calendar, rng, created, segment, kind, people.seat_skill[seat])
    target = _target(p, rng, segment, kind)
    lines, amount = make_amounts(
        world.parameters, stream(world.seed, "amounts", chunk), created, ending, target
    )
    stage = make_stages(p, stream(world.seed, "stages", chunk), created, ending)
    close_date, neglected = make_close_dates(
        world.parameters,
        world.calendar,
        stream(world.seed, "close dates", chunk),
        created,
        ending,
        median_cycle(p, segment, kind),
        world.last,
    )
    owner, kept = make_owners(
        world.parameters, people, stream(world.seed, "owners", chunk), created, seat, ending
    )
    source = np.where(
        kind == NEW, rng.integers(0, len(words.LEAD_SOURCES) - 1, n), len(words.LEAD_SOURCES) - 1
    )
    return Deals(
        start=start,
        number=start + np.arange(n, dtype=np.int64),
        created=created,
        account=account,
        seat=seat,
        kind=kind,
        source=source,
        first_interaction=created // DAY
        - np.where(kind == NEW, rng.geometric(0.09, n), rng.geometric(0.3, n))
        + 1,
        ending=ending,
        stage=stage,
        amount=amount,
        close_date=close_date,
        owner=owner,
        lines=lines,
        neglected=neglected,
        kept_by_leaver=kept,
        product_variant=rng.random(n) < p.faults.product_variants,
        no_loss_reason=rng.random(n) < p.faults.missing_loss_reasons,
        no_next_step=rng.random(n) < p.faults.missing_next_steps,
        loss_reason=rng.integers(0, len(words.LOSS_REASONS), n),
        competitor=np.where(rng.random(n) < 0.4, rng.integers(0, len(words.COMPETITORS), n), -1),
        next_step=rng.integers(0, len(words.NEXT_STEPS), n),
        contact=rng.integers(0, 1 << 30, n) % world.accounts.contacts[account],
    )


def _accounts(world: World, rng: np.random.Generator, created: Ints) -> Ints:
    """The account of each deal: it exists by then, and its seat is more likely the readier it is."""
    existing = np.maximum(np.searchsorted(world.accounts.created, created, side="right"), 1)
    account = np.zeros(len(created), np.int64)
    open_rows = np.arange(len(created))
    for attempt in range(5):
        size = len(open_rows)
        draw = (rng.random(size) ** 1.15 * existing[open_rows]).astype(np.int64)
        account[open_rows] = draw
        ready = world.people.readiness(world.accounts.seat[draw], created[open_rows])
        open_rows = open_rows[rng.random(size) >= ready]
        if attempt == 4 or not len(open_rows):
            break
    return account


def _target(p: FirmParameters, rng: np.random.Generator, segment: Ints, kind: Ints) -> Ints:
    """The amount a deal aims at, in cents, before it is made of products."""
    middle = np.array([s.amount for s in p.segments])[segment] * _TYPE_AMOUNT[kind]
    spread = np.array([s.amount_spread for s in p.segments])[segment]
    return np.maximum(np.rint(100 * middle * np.exp(rng.normal(0, 1, len(segment)) * spread)), 10_000).astype(
        np.int64
    )


def is_won(stage: Ints) -> Bools:
    """Whether a stage is the won one."""
    return stage == WON


def is_lost(stage: Ints) -> Bools:
    """Whether a stage is the lost one."""
    return stage == LOST
