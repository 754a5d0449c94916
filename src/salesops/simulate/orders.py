"""Orders, invoices and payments of won deals. An order equals its deal, its invoices sum to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate.calendar_days import DAY, FAR, Ints
from salesops.simulate.deals import CHUNK, Deals, is_won
from salesops.simulate.streams import stream
from salesops.simulate.tracks import NONE
from salesops.simulate.world import World

INSTALMENTS = 4


@dataclass(frozen=True)
class Orders:
    """One row an order (deal row, day, cents) and one row an invoice (order place, amounts, days)."""

    deal: Ints
    ordered: Ints
    amount: Ints
    invoice_order: Ints
    invoice_number: Ints
    invoice_amount: Ints
    issued: Ints
    due: Ints
    paid: Ints
    """Day of payment, FAR where it is never paid."""


def make_orders(world: World, deals: Deals) -> Orders:
    """Orders of every deal that is ever won and has an amount; later days are cut when exporting."""
    rng = stream(world.seed, "orders", deals.start // CHUNK)
    n = len(deals)
    plan = rng.choice(np.array([1, 2, 4]), n, p=[0.7, 0.1, 0.2])
    late = np.rint(rng.normal(-2, 11, (n, INSTALMENTS))).astype(np.int64)
    unpaid = rng.random((n, INSTALMENTS)) < 0.03
    final = deals.ending.final_close
    amount = deals.amount.at(final)
    won = (final < FAR) & is_won(deals.stage.at(final)) & (amount != NONE)
    row = np.flatnonzero(won)
    total, count = amount[row], plan[row]
    ordered = final[row] // DAY
    step = np.arange(INSTALMENTS)[None, :]
    part = total[:, None] // count[:, None] + (step < (total % count)[:, None])
    issued = ordered[:, None] + 1 + step * 91
    due = issued + 30
    paid = np.where(unpaid[row], FAR, np.maximum(due + late[row], issued))
    billed = step < count[:, None]
    place = np.broadcast_to(np.arange(len(row))[:, None], billed.shape)
    return Orders(
        deal=row,
        ordered=ordered,
        amount=total,
        invoice_order=place[billed].astype(np.int64),
        invoice_number=(deals.number[row][:, None] * INSTALMENTS + step)[billed],
        invoice_amount=part[billed],
        issued=issued[billed],
        due=due[billed],
        paid=paid[billed],
    )
