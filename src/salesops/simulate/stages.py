"""The stage path of every deal: forward with skips, sometimes back, closed, sometimes reopened."""

from __future__ import annotations

import numpy as np

from salesops.simulate.calendar_days import FAR, Ints, at_office
from salesops.simulate.endings import Ending
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.tracks import Track, in_order

STAGES = ("Prospecting", "Qualification", "Discovery", "Proposal", "Negotiation", "Closed Won", "Closed Lost")
PROSPECTING, QUALIFICATION, DISCOVERY, PROPOSAL, NEGOTIATION, WON, LOST = range(7)
STAGE_CLASS = ("open", "open", "open", "open", "open", "won", "lost")
PROBABILITY = (5, 15, 30, 50, 75, 100, 0)
"""Percent the CRM shows per stage."""
CATEGORY = ("Pipeline", "Pipeline", "Pipeline", "Best Case", "Commit", "Closed", "Omitted")
CATEGORY_CODE = ("Pipeline", "Pipeline", "Pipeline", "BestCase", "Forecast", "Closed", "Omitted")
_LOST_FROM = np.cumsum([0.14, 0.3, 0.26, 0.19, 0.11])
_GHOST_AT = np.cumsum([0.22, 0.33, 0.25, 0.15, 0.05])


def make_stages(p: FirmParameters, rng: np.random.Generator, created: Ints, ending: Ending) -> Track:
    """Stage moments and values.

    Columns: creation, then entries of Qualification to Negotiation with a step back from Proposal
    between, close, reopening, a Proposal after it, second close.
    """
    n = len(created)
    draw = rng.random(n)
    deepest = np.where(
        ending.won,
        NEGOTIATION,
        np.where(ending.ghost, np.searchsorted(_GHOST_AT, draw), np.searchsorted(_LOST_FROM, draw)),
    )
    deepest = np.minimum(deepest, NEGOTIATION)
    weights = rng.gamma(1.6, 1.0, (n, 5))
    reached = np.arange(5)[None, :] <= deepest[:, None]
    weights = np.where(reached, weights, 0.0)
    part = np.cumsum(weights, axis=1) / weights.sum(axis=1)[:, None]
    life = np.where(ending.ghost, ending.quiet, ending.close) - created
    entry = np.full((n, 5), FAR, np.int64)
    for stage in range(1, 5):
        skip = (rng.random(n) < p.stage_skip) & (stage != deepest)
        entry[:, stage] = np.where(
            reached[:, stage] & ~skip, created + (part[:, stage - 1] * life).astype(np.int64), FAR
        )
    late_start = (rng.random(n) < 0.12) & (deepest >= QUALIFICATION)
    entry[:, QUALIFICATION] = np.where(late_start, FAR, entry[:, QUALIFICATION])
    after = np.where(entry[:, NEGOTIATION] < FAR, entry[:, NEGOTIATION], created + life)
    proposal = entry[:, PROPOSAL]
    back = (proposal < FAR) & (rng.random(n) < p.stage_back)
    gap = np.where(back, after - proposal, 0)
    step_back = np.where(back, proposal + (gap * 0.35).astype(np.int64), FAR)
    step_again = np.where(back, proposal + (gap * 0.7).astype(np.int64), FAR)
    work = np.stack([created, entry[:, 1], entry[:, 2], proposal, step_back, step_again, entry[:, 4]], axis=1)
    work[:, 1:] = at_office(rng, work[:, 1:])
    work = in_order(work)
    close = ending.close
    # What would fall after the close did not happen.
    work[:, 1:] = np.where(work[:, 1:] >= close[:, None], FAR, work[:, 1:])
    middle = ending.reopened + np.where(
        ending.reopened < FAR, (ending.second_close - ending.reopened) // 2, 0
    )
    middle = at_office(rng, np.where(ending.reopened < FAR, middle, FAR))
    middle = np.where((middle > ending.reopened) & (middle < ending.second_close), middle, FAR)
    times = np.column_stack([work, close, ending.reopened, middle, ending.second_close])
    values = np.empty_like(times)
    values[:, 0] = np.where(late_start, QUALIFICATION, PROSPECTING)
    values[:, 1:7] = [QUALIFICATION, DISCOVERY, PROPOSAL, DISCOVERY, PROPOSAL, NEGOTIATION]
    values[:, 7] = np.where(ending.won, WON, LOST)
    values[:, 8] = QUALIFICATION
    values[:, 9] = PROPOSAL
    values[:, 10] = np.where(ending.second_won, WON, LOST)
    return Track.build(times, values)
