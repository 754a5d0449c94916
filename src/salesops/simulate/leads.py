"""Leads: those that became deals, those that did not, and how soon anybody answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate import words
from salesops.simulate.calendar_days import DAY, FAR, Ints, end_of, office_second, working_day
from salesops.simulate.campaigns import TYPES
from salesops.simulate.deals import CHUNK, Deals
from salesops.simulate.endings import NEW
from salesops.simulate.streams import stream
from salesops.simulate.world import World

STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
NUMBERS_PER_DEAL = 8
"""Lead numbers reserved per deal, so that a chunk's leads need no counter."""


@dataclass(frozen=True)
class Leads:
    """One row a lead. ``deal`` is the row of the deal it became, or -1; ``campaign`` may be -1."""

    number: Ints
    created: Ints
    deal: Ints
    converted: Ints
    touched: Ints
    closed: Ints
    seat: Ints
    user: Ints
    source: Ints
    industry: Ints
    country: Ints
    campaign: Ints

    def status(self, day: int) -> Ints:
        """Index in :data:`STATUSES` at the end of a day."""
        end = end_of(day)
        return np.where(
            self.converted <= end, 2, np.where(self.closed <= end, 3, np.where(self.touched <= end, 1, 0))
        )


def make_leads(world: World, deals: Deals) -> Leads:
    """The leads around one chunk of deals."""
    p = world.parameters
    rng = stream(world.seed, "leads", deals.start // CHUNK)
    n = len(deals)
    became = np.flatnonzero((deals.kind == NEW) & (rng.random(n) < p.lead_deal_share))
    others = min(max(0, round(n * p.leads_per_opportunity) - len(became)), n * (NUMBERS_PER_DEAL - 1))
    deal = np.concatenate([became, np.full(others, -1)])
    near = np.concatenate([became, rng.integers(0, n, others)])
    size = len(deal)
    # The first interaction with the buyer of a deal that came from a lead is the lead itself.
    day = np.where(deal >= 0, deals.first_interaction[near], working_day(deals.created[near] // DAY))
    created = day * DAY + office_second(rng, size)
    created = np.where(deal >= 0, np.minimum(created, deals.created[near] - 3_600), created)
    wait = np.rint(np.exp(rng.normal(np.log(p.lead_response_minutes), 1.3, size)) * 60).astype(np.int64)
    touched = created + np.maximum(wait, 60)
    night = (touched % DAY > 22 * 3_600) | (touched % DAY < 7 * 3_600)
    next_morning = (touched // DAY + 1) * DAY + 8 * 3_600 + rng.integers(0, 7_200, size)
    touched = np.where(night, next_morning, touched)
    converted = np.where(deal >= 0, deals.created[near], FAR)
    touched = np.where(deal >= 0, np.minimum(touched, converted - 60), touched)
    ignored = (deal < 0) & (rng.random(size) < p.lead_untouched)
    touched = np.where(ignored, FAR, touched)
    closed = touched + rng.integers(2, 60, size) * DAY
    closed = np.where((deal >= 0) | ignored | (rng.random(size) < 0.25), FAR, closed)
    pool = world.people.sdr_seats()
    seat = pool[rng.integers(0, len(pool), size)]
    source = np.where(deal >= 0, deals.source[near], rng.integers(0, len(words.LEAD_SOURCES) - 1, size))
    quarter = world.calendar.quarter(created // DAY) - world.calendar.quarter_of(world.first)
    campaign = np.maximum(quarter, 0) * len(TYPES) + rng.integers(0, len(TYPES), size)
    return Leads(
        number=deals.start * NUMBERS_PER_DEAL + np.arange(size, dtype=np.int64),
        created=created,
        deal=deal,
        converted=converted,
        touched=touched,
        closed=closed,
        seat=seat,
        user=world.people.holder(seat, created),
        source=source,
        industry=rng.integers(0, len(words.INDUSTRIES), size),
        country=world.accounts.country[deals.account[near]],
        campaign=np.where((source < 3) & (rng.random(size) < 0.6), campaign, -1),
    )
