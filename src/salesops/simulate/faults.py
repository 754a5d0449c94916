"""The ledger of every fault the simulator planted, as it stands at the data date."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.simulate.calendar_days import Ints
from salesops.simulate.columns import constant, days
from salesops.simulate.columns import words as chosen
from salesops.simulate.deals import Deals
from salesops.simulate.export_deals import variant_of
from salesops.simulate.ids import ids
from salesops.simulate.people import People
from salesops.simulate.state import DealState
from salesops.simulate.world import World

KINDS = (
    "duplicate_account",
    "country_variant",
    "missing_amount",
    "product_spelling_variant",
    "past_close_date",
    "inactive_owner",
    "missing_loss_reason",
    "missing_next_step",
    "ghost",
)
"""``ghost`` is no fault of a field: the deal is open and will never close."""


class FaultLedger:
    """Collects faults chunk by chunk; each row names kind, table, record id and what is wrong."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(KINDS, 0))

    def account_faults(self, world: World, known: Ints) -> pa.Table:
        """Duplicates and country spellings among the given accounts."""
        a = world.accounts
        copies = known[a.copy_of[known] >= 0]
        variants = known[a.country_variant[known] >= 0]
        return pa.concat_tables(
            [
                self._rows("duplicate_account", "Account", copies, ids("Account", a.copy_of[copies])),
                self._rows("country_variant", "Account", variants, a.countries(variants)),
            ]
        )

    def deal_faults(self, world: World, deals: Deals, now: DealState) -> pa.Table:
        """Faults of one chunk of deals."""
        people, lines = world.people, deals.lines
        blank = np.flatnonzero(now.known & lines.unknown)
        spelt = np.flatnonzero(now.known & ~lines.unknown & deals.product_variant)
        past = np.flatnonzero(now.open & (now.close_day < now.day))
        gone = np.flatnonzero(now.open & ~_works_here(people, now.owner, now.day))
        reason = np.flatnonzero(now.lost & deals.no_loss_reason)
        step = np.flatnonzero(now.open & deals.no_next_step)
        ghost = np.flatnonzero(now.open & deals.ending.ghost)
        catalogue = [x.name for x in world.parameters.products]
        number = deals.number
        return pa.concat_tables(
            [
                self._rows("missing_amount", "Opportunity", number[blank], None),
                self._rows(
                    "product_spelling_variant",
                    "Opportunity",
                    number[spelt],
                    chosen([variant_of(x) for x in catalogue], lines.product[spelt]),
                ),
                self._rows(
                    "past_close_date",
                    "Opportunity",
                    number[past],
                    days(now.close_day[past]).cast(pa.string()),
                ),
                self._rows("inactive_owner", "Opportunity", number[gone], ids("User", now.owner[gone])),
                self._rows("missing_loss_reason", "Opportunity", number[reason], None),
                self._rows("missing_next_step", "Opportunity", number[step], None),
                self._rows("ghost", "Opportunity", number[ghost], None),
            ]
        )

    def _rows(self, kind: str, table: str, number: Ints, detail: pa.Array | None) -> pa.Table:
        n = len(number)
        self.counts[kind] += n
        if detail is None:
            detail = constant("", n)
        return pa.table(
            {
                "kind": constant(kind, n),
                "table": constant(table, n),
                "id": ids(table, number),
                "detail": pc.cast(detail, pa.string()),
            }
        )


def _works_here(people: People, user: Ints, day: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return people.is_active(day)[user]
