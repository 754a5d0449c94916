"""What the simulator knows it planted, added up from its own events chunk by chunk.

Nothing here reads a file back. Every figure is exact: counts, integer cents, and quotients of
them rounded half up to twelve decimals.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from salesops.simulate import words
from salesops.simulate.activities import KINDS, Activities
from salesops.simulate.calendar_days import DAY, Ints, end_of, to_date
from salesops.simulate.columns import decimal_text
from salesops.simulate.deals import Deals
from salesops.simulate.endings import TYPES
from salesops.simulate.ids import one_id
from salesops.simulate.leads import Leads
from salesops.simulate.orders import Orders
from salesops.simulate.quotas import Quotas
from salesops.simulate.stages import STAGES
from salesops.simulate.state import DealState, state_at
from salesops.simulate.tallies import DayCounts, Durations, Outcomes, median_cents, quotient
from salesops.simulate.tracks import NONE
from salesops.simulate.world import World

SCHEMA = 1
TOTALS = (
    "total",
    "won",
    "lost",
    "open",
    "won_value",
    "lost_value",
    "open_value",
    "won_without_amount",
    "lost_without_amount",
    "open_without_amount",
    "reopened",
    "ghosts",
    "ghosts_open",
    "owner_changes",
    "stage_changes",
    "amount_changes",
    "close_date_changes",
)
"""What ``opportunities`` in the truth holds; names ending in ``_value`` are money."""


@dataclass(frozen=True)
class Truth:
    """The simulated firm's true figures; ``path`` is the ``truth.json`` they were written to."""

    values: dict[str, Any]
    path: Path

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


class TruthLedger:
    """Adds up one firm's truth as its chunks go by."""

    def __init__(self, world: World, quotas: Quotas, days: list[int]) -> None:
        p, people, calendar = world.parameters, world.people, world.calendar
        self.world, self.quotas, self.days = world, quotas, days
        self.base = calendar.quarter_of(world.first)
        self.quarters = len(calendar.quarters())
        name_user = {"owner": lambda i: one_id("User", i), "manager": lambda i: one_id("User", i)}
        self.by = {
            "close_quarter": Outcomes(self.quarters, lambda i: calendar.label(i + self.base)),
            "region": Outcomes(len(people.regions), lambda i: people.regions[i]),
            "team": Outcomes(len(people.teams), lambda i: people.teams[i]),
            "owner": Outcomes(len(people.role), name_user["owner"]),
            "manager": Outcomes(len(people.role), name_user["manager"]),
            "segment": Outcomes(len(p.segments), lambda i: p.segments[i].name),
            "type": Outcomes(len(TYPES), lambda i: TYPES[i]),
            "lead_source": Outcomes(len(words.LEAD_SOURCES), lambda i: words.LEAD_SOURCES[i]),
            "product": Outcomes(len(p.products), lambda i: p.products[i].name),
        }
        self.totals = dict.fromkeys(TOTALS, 0)
        self.cycles = {
            f"{outcome}{since}": DayCounts()
            for outcome in ("won", "lost")
            for since in ("", "_from_first_interaction")
        }
        self.won_amounts: list[Ints] = []
        self.reached = np.zeros(len(STAGES), np.int64)
        self.cohort = np.zeros((self.quarters, 4), np.int64)
        self.generation = np.zeros(self.quarters, np.int64)
        self.generation_blank = np.zeros(self.quarters, np.int64)
        self.moves = np.zeros((self.quarters, 4), np.int64)
        self.as_of = np.zeros((len(days), 8), np.int64)
        self.as_of_won_value = [0] * len(days)
        self.person_won = np.zeros((len(people.role), self.quarters), np.int64)
        self.other = dict.fromkeys(
            ("leads", "converted_leads", "touched_leads", "orders", "order_value", "invoices", "invoiced",
             "payments", "paid"), 0,
        )  # fmt: skip
        self.response = Durations()
        self.activities = np.zeros(len(KINDS), np.int64)

    def add(self, deals: Deals, now: DealState, done: Activities, leads: Leads, orders: Orders) -> None:
        """Add one chunk as it stands at the data date."""
        self._add_outcomes(deals, now)
        self._add_creation(deals, now)
        self._add_changes(deals, now)
        for place, day in enumerate(self.days):
            self._add_as_of(place, deals, now if day == now.day else state_at(deals, day))
        self._add_around(now.day, done, leads, orders)

    def _add_outcomes(self, deals: Deals, now: DealState) -> None:
        world, people = self.world, self.world.people
        won, lost, blank = now.won, now.lost, now.amount == NONE
        cents = np.where(blank, 0, now.amount)
        t = self.totals
        t["total"] += int(now.known.sum())
        for name, mask in (("won", won), ("lost", lost), ("open", now.open)):
            t[name] += int(mask.sum())
            t[f"{name}_value"] += int(cents[mask].sum())
            t[f"{name}_without_amount"] += int((mask & blank).sum())
        quarter = np.clip(world.calendar.quarter(now.close_day) - self.base, 0, self.quarters - 1)
        owner = now.owner
        groups = {
            "close_quarter": quarter,
            "region": people.region[owner],
            "team": people.team[owner],
            "owner": owner,
            "manager": np.maximum(people.manager[owner], 0),
            "segment": world.accounts.segment[deals.account],
            "type": deals.kind,
            "lead_source": deals.source,
            "product": deals.lines.product,
        }
        for name, group in groups.items():
            counted = ~deals.lines.unknown if name == "product" else np.ones(len(deals), bool)
            self.by[name].add(group, won & counted, lost & counted, cents)
        created = deals.created // DAY
        for name, mask in (("won", won), ("lost", lost)):
            self.cycles[name].add((now.close_day - created)[mask])
            self.cycles[f"{name}_from_first_interaction"].add((now.close_day - deals.first_interaction)[mask])
        self.won_amounts.append(cents[won & ~blank])
        np.add.at(self.person_won, (owner[won], quarter[won]), cents[won])

    def _add_creation(self, deals: Deals, now: DealState) -> None:
        day = deals.created // DAY
        quarter = self.world.calendar.quarter(day) - self.base
        for column, mask in enumerate((now.known, now.won, now.lost, now.open)):
            np.add.at(self.cohort[:, column], quarter[mask], 1)
        first = deals.amount.at(day * DAY + DAY - 1)
        np.add.at(self.generation, quarter, np.where(first == NONE, 0, first))
        np.add.at(self.generation_blank, quarter, first == NONE)

    def _add_changes(self, deals: Deals, now: DealState) -> None:
        limit, t, ending = end_of(now.day), self.totals, deals.ending
        t["ghosts"] += int(ending.ghost.sum())
        t["ghosts_open"] += int((ending.ghost & now.open).sum())
        t["reopened"] += int((ending.reopened <= limit).sum())
        stage = deals.stage.changes(limit)
        t["stage_changes"] += len(stage.row)
        t["amount_changes"] += len(deals.amount.changes(limit).row)
        t["owner_changes"] += len(deals.owner.changes(limit).row)
        ever = (deals.stage.times <= limit)[:, :, None] & (
            deals.stage.values[:, :, None] == np.arange(len(STAGES))
        )
        self.reached += ever.any(axis=1).sum(axis=0)
        close = deals.close_date.changes(limit)
        t["close_date_changes"] += len(close.row)
        # What is set by closing or reopening is no push.
        by_hand = (
            (close.time != ending.close[close.row])
            & (close.time != ending.reopened[close.row])
            & (close.time != ending.second_close[close.row])
        )
        calendar = self.world.calendar
        old, new = calendar.quarter(close.old), calendar.quarter(close.new)
        when = calendar.quarter(close.time // DAY) - self.base
        kinds = (
            new > old,
            (new == old) & (close.new > close.old),
            new < old,
            (new == old) & (close.new < close.old),
        )
        for column, kind in enumerate(kinds):
            np.add.at(self.moves[:, column], when[by_hand & kind], 1)

    def _add_as_of(self, place: int, deals: Deals, then: DealState) -> None:
        blank = then.amount == NONE
        cents = np.where(blank, 0, then.amount)
        calendar = self.world.calendar
        quarter = calendar.quarter(np.full(len(deals), then.day))
        due = then.open & (then.close_day <= calendar.quarter_end(quarter))
        due &= then.close_day >= calendar.quarter_start(quarter)
        row = self.as_of[place]
        row += [
            int(then.known.sum()), int(then.open.sum()), int(cents[then.open].sum()),
            int((then.open & blank).sum()), int(due.sum()), int(cents[due].sum()),
            int(then.won.sum()), int(then.lost.sum()),
        ]  # fmt: skip
        self.as_of_won_value[place] += int(cents[then.won].sum())

    def _add_around(self, day: int, done: Activities, leads: Leads, orders: Orders) -> None:
        limit, o = end_of(day), self.other
        o["leads"] += int((leads.created <= limit).sum())
        o["converted_leads"] += int((leads.converted <= limit).sum())
        touched = leads.touched <= limit
        o["touched_leads"] += int(touched.sum())
        self.response.add(
            self.world.calendar.utc(leads.touched[touched]) - self.world.calendar.utc(leads.created[touched])
        )
        np.add.at(self.activities, done.kind[done.known(day)], 1)
        for name, value, amounts, mask in (
            ("orders", "order_value", orders.amount, orders.ordered <= day),
            ("invoices", "invoiced", orders.invoice_amount, orders.issued <= day),
            ("payments", "paid", orders.invoice_amount, orders.paid <= day),
        ):
            o[name] += int(mask.sum())
            o[value] += int(amounts[mask].sum())

    def to_dict(self, faults: dict[str, int], report: dict[str, Any] | None) -> dict[str, Any]:
        """The whole truth as plain values, ready for JSON."""
        world, t = self.world, self.totals
        p = world.parameters
        won, lost, value, gone = t["won"], t["lost"], t["won_value"], t["lost_value"]
        with_amount = won - t["won_without_amount"]
        money = {k: decimal_text(v) if k.endswith("_value") else v for k, v in t.items()}
        other = {
            k: decimal_text(v) if k in ("order_value", "invoiced", "paid") else v
            for k, v in self.other.items()
        }
        return {
            "schema": SCHEMA,
            "firm": p.name,
            "seed": world.seed,
            "currency": p.currency,
            "zone": p.zone,
            "fiscal_start_month": p.fiscal_start_month,
            "first_day": p.first_day.isoformat(),
            "data_date": p.last_day.isoformat(),
            "users": {
                "total": int((world.people.hired <= world.last).sum()),
                "active": int(((world.people.hired <= world.last) & (world.people.left > world.last)).sum()),
            },
            "accounts": len(world.accounts),
            "opportunities": money,
            "win_rate_count": {"won": won, "decided": won + lost, "value": quotient(won, won + lost)},
            "win_rate_value": {
                "won": decimal_text(value),
                "decided": decimal_text(value + gone),
                "value": quotient(value, value + gone),
            },
            "average_deal_size": {
                "sum": decimal_text(value),
                "deals": with_amount,
                "value": quotient(value, 100 * with_amount),
            },
            "median_deal_size": median_cents(self.won_amounts),
            "sales_cycle": {name: counts.to_dict() for name, counts in self.cycles.items()},
            "stage_reached": {STAGES[i]: int(n) for i, n in enumerate(self.reached)},
            "by": {name: outcomes.rows() for name, outcomes in self.by.items()},
            "created": self._created(),
            "as_of": self._as_of(),
            "close_date_moves": self._moves(),
            "activities": {KINDS[i].lower(): int(n) for i, n in enumerate(self.activities)},
            "lead_response_seconds": self.response.to_dict(),
            **other,
            "quotas": self._quotas(),
            "faults": faults,
            "report": report,
            "parameters": p.to_dict(),
        }

    def _label(self, place: int) -> str:
        return self.world.calendar.label(place + self.base)

    def _created(self) -> list[dict[str, Any]]:
        return [
            {
                "quarter": self._label(q),
                "deals": int(self.cohort[q, 0]),
                "won": int(self.cohort[q, 1]),
                "lost": int(self.cohort[q, 2]),
                "open": int(self.cohort[q, 3]),
                "close_rate": quotient(int(self.cohort[q, 1]), int(self.cohort[q, 0])),
                "pipeline_generation": decimal_text(int(self.generation[q])),
                "without_amount": int(self.generation_blank[q]),
            }
            for q in range(self.quarters)
        ]

    def _as_of(self) -> list[dict[str, Any]]:
        return [
            {
                "on": to_date(day).isoformat(),
                "known": int(row[0]),
                "open": int(row[1]),
                "open_value": decimal_text(int(row[2])),
                "open_without_amount": int(row[3]),
                "closing_this_quarter": int(row[4]),
                "closing_this_quarter_value": decimal_text(int(row[5])),
                "won": int(row[6]),
                "lost": int(row[7]),
                "won_value": decimal_text(won_value),
            }
            for day, row, won_value in zip(self.days, self.as_of, self.as_of_won_value, strict=True)
        ]

    def _moves(self) -> list[dict[str, Any]]:
        names = ("pushes", "delays", "pull_ins", "earlier_same_quarter")
        return [
            {"quarter": self._label(q)} | {name: int(self.moves[q, i]) for i, name in enumerate(names)}
            for q in range(self.quarters)
        ]

    def _quotas(self) -> list[dict[str, Any]]:
        out = []
        for q in range(self.quarters):
            mine = np.flatnonzero(self.quotas.quarter == q + self.base)
            people = []
            for i in mine:
                user, quota = int(self.quotas.user[i]), int(self.quotas.amount[i])
                won = int(self.person_won[user, q])
                people.append(
                    {
                        "person": one_id("User", user),
                        "quota": decimal_text(quota),
                        "won": decimal_text(won),
                        "attainment": quotient(won, quota),
                    }
                )
            quota = int(self.quotas.amount[mine].sum())
            won = int(self.person_won[self.quotas.user[mine], q].sum())
            made = int((self.person_won[self.quotas.user[mine], q] >= self.quotas.amount[mine]).sum())
            out.append(
                {
                    "quarter": self._label(q),
                    "quota": decimal_text(quota),
                    "won_by_people_with_quota": decimal_text(won),
                    "won": decimal_text(int(self.person_won[:, q].sum())),
                    "attainment": quotient(won, quota),
                    "made_quota": made,
                    "people": people,
                }
            )
        return out


def write_truth(values: dict[str, Any], path: Path) -> Truth:
    """Write ``truth.json`` and return it."""
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return Truth(values, path)
