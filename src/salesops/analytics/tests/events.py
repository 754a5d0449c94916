"""A random firm beside its deals (history, activities, leads, spend, bills), and its numbers by plain loops.

Nothing here comes from the engine: each number is counted from the raw rows as its definition reads.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa

from salesops.analytics.engine import paces, work
from salesops.analytics.engine.case_inputs import frame
from salesops.analytics.engine.frames import DEALS
from salesops.analytics.engine.journeys import Journeys, StageMap, StageStep
from salesops.analytics.engine.kpi import Context
from salesops.core.calendars import FiscalCalendar

START, AS_OF = date(2024, 1, 1), date(2024, 12, 1)
LOG_FROM = date(2024, 2, 1)
CALENDAR = FiscalCalendar()
QUARTER = CALENDAR.parse("2024-Q3")
IN_QUARTER, ALL_TIME = Context(QUARTER, AS_OF, AS_OF), Context(None, AS_OF, AS_OF)
STAGES = ("Qualify", "Demo", "Offer", "Contract")
WON, LOST = "Signed", "Gone"
PEOPLE = {
    "ada": ("Ada", "north", "red"),
    "bo": ("Bo", "north", "blue"),
    "cy": ("Cy", "south", "blue"),
}
ACTIVITY_KINDS = {
    "Call": "call",
    "Phone call": "call",
    "Email": "email",
    "Meeting": "meeting",
    "Demo": "meeting",
    "Task": "other",
    None: "other",
}


@dataclass
class Firm:
    """Raw rows by table."""

    deals: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    activities: list[dict[str, Any]] = field(default_factory=list)
    leads: list[dict[str, Any]] = field(default_factory=list)
    spend: list[dict[str, Any]] = field(default_factory=list)
    bills: list[dict[str, Any]] = field(default_factory=list)
    absences: dict[str, tuple[date | None, date | None]] = field(default_factory=dict)


def at(day: date, minute: int) -> datetime:
    """An instant of a day (UTC)."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)


def make(seed: int, count: int = 60) -> Firm:
    """A firm, the same for the same seed."""
    dice = random.Random(seed)
    firm = Firm()
    for i in range(count):
        _deal(firm, dice, f"d{i}")
    for i in range(count * 3):
        _activity(firm, dice, f"a{i}")
    for i in range(count):
        _lead(firm, dice, f"l{i}")
        if firm.leads[-1]["created_at"] and dice.random() < 0.5:
            _activity(firm, dice, f"b{i}")
            soon = firm.leads[-1]["created_at"] + timedelta(minutes=dice.choice([-5, 0, 10, 60, 61, 500]))
            firm.activities[-1] |= {"lead_id": f"l{i}", "starts_at": soon, "happened_on": None}
    for month in range(1, 12):
        for function in ("sales", "marketing", "Sales ", None):
            if dice.random() < 0.7:
                firm.spend.append(
                    {
                        "id": f"s{len(firm.spend)}",
                        "month_on": date(2024, month, 1),
                        "function": function,
                        "category": "tools",
                        "segment": None,
                        "amount": None if dice.random() < 0.1 else Decimal(dice.randrange(10**7)) / 100,
                    }
                )
    for _ in range(count * 2):
        firm.bills.append(
            {
                "account_id": dice.choice(
                    ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", None]
                ),
                "on": START + timedelta(days=dice.randrange(330)),
                "amount": Decimal(dice.randrange(-200_000, 10**6)) / 100,
            }
        )
    firm.absences = {"ada": (date(2024, 8, 5), None), "bo": (None, date(2024, 9, 10))}
    return firm


def _deal(firm: Firm, dice: random.Random, key: str) -> None:
    created = START + timedelta(days=dice.randrange(300))
    pace = dice.choice([3, 20, 40])
    day, place = created, dice.choice([0, 0, 0, 1])
    steps: list[tuple[date, int, str, str]] = []
    stage, stage_class, closed = STAGES[place], "open", None
    for minute in range(1, 1 + dice.randrange(7)):
        day = day + timedelta(days=dice.randrange(pace))
        if day > AS_OF:
            break
        if dice.random() < 0.25:
            stage_class = dice.choice(["won", "lost"])
            after = WON if stage_class == "won" else LOST
            steps.append((day, minute, stage, after))
            stage, closed = after, day
            break
        place = min(max(place + dice.choice([1, 1, 1, 2, -1]), 0), len(STAGES) - 1)
        if STAGES[place] != stage:
            steps.append((day, minute, stage, STAGES[place]))
            stage = STAGES[place]
    for on, minute, old, new in steps:
        if on >= LOG_FROM:
            firm.changes.append(_change(key, "stage", old, new, at(on, minute)))
    owner = dice.choice(list(PEOPLE))
    close = created + timedelta(days=dice.randrange(200))
    amount = Decimal(dice.randrange(10**6)) / 100 if dice.random() < 0.9 else None
    category = dice.choice(
        ["commit", "commit", "commit", "best_case", "pipeline", "omitted", "most_likely", None]
    )
    close, amount, category = _moves(firm, dice, key, (created, closed or AS_OF), (close, amount, category))
    firm.deals.append(
        {
            "id": key,
            "name": key.upper(),
            "account_id": dice.choice(
                ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", None]
            ),
            "owner_id": owner,
            "owner_name": PEOPLE[owner][0],
            "region": PEOPLE[owner][1],
            "team": PEOPLE[owner][2],
            "stage": stage,
            "stage_class": stage_class,
            "amount": amount,
            "created_on": created,
            "closed_on": closed,
            "expected_close_on": close if closed is None else None,
            "forecast_category": category
            if closed is None
            else "closed"
            if stage_class == "won"
            else "omitted",
            "loss_reason": dice.choice(["Price", "No decision", "no budget", None])
            if stage_class == "lost"
            else None,
        }
    )


def _change(key: str, name: str, old: Any, new: Any, when: datetime) -> dict[str, Any]:
    return {"object_id": key, "field": name, "old": old, "new": new, "valid_at": when, "source": "history"}


def _moves(
    firm: Firm, dice: random.Random, key: str, life: tuple[date, date], now: tuple[date, Any, Any]
) -> tuple[date, Any, Any]:
    """Changes of close date, amount and category before they were what they are."""
    begin, end = life
    close, amount, category = now
    older_close, older_category = close, category
    for n in range(dice.randrange(4)):
        day = begin + timedelta(days=dice.randrange(max((end - begin).days, 1)))
        new = older_close + timedelta(days=dice.choice([-95, -20, 0, 15, 40, 100]))
        firm.changes.append(
            _change(key, "close_on", older_close.isoformat(), new.isoformat(), at(day, 60 * n + 7))
        )
        older_close = new
    # What was written last in time is what stands now, whatever order they were drawn in.
    mine = sorted(
        (c for c in firm.changes if c["object_id"] == key and c["field"] == "close_on"),
        key=lambda c: c["valid_at"],
    )
    for before, after in itertools.pairwise(mine):
        after["old"] = before["new"]
    if mine:
        close = date.fromisoformat(mine[-1]["new"])
    if dice.random() < 0.9:
        day = begin + timedelta(days=dice.randrange(max((end - begin).days, 1)))
        was = dice.choice(["Commit", "Commit", "Best Case", None])
        firm.changes.append(_change(key, "forecast_category", was, older_category, at(day, 501)))
    return close, amount, category


def _activity(firm: Firm, dice: random.Random, key: str) -> None:
    # Some lie in the days after the as-of day: those are only planned.
    day = START + timedelta(days=dice.randrange(360))
    timed = dice.random() < 0.8
    deal = dice.choice(firm.deals)["id"] if dice.random() < 0.6 else None
    firm.activities.append(
        {
            "id": key,
            "type": dice.choice(list(ACTIVITY_KINDS)),
            "subject": f"about {key}",
            "owner_id": dice.choice(list(PEOPLE)),
            "owner_name": None,
            "account_id": dice.choice(["A", None]),
            "account_name": None,
            "opportunity_id": deal,
            "contact_id": None,
            "lead_id": f"l{dice.randrange(20)}" if dice.random() < 0.3 else None,
            "direction": dice.choice(["inbound", "Outbound", None]),
            "is_automatic": dice.choice([True, False, None]),
            "status": dice.choice(["Completed", "Not Started", " CANCELED", "in progress", None, None, None]),
            "starts_at": at(day, dice.randrange(480, 1080)) if timed else None,
            "happened_on": None if timed else (day if dice.random() < 0.9 else None),
            "minutes": dice.choice([None, 0, 15, 30, 60, 240]),
        }
    )


def _lead(firm: Firm, dice: random.Random, key: str) -> None:
    day = START + timedelta(days=dice.randrange(320))
    timed = dice.random() < 0.8
    converted = dice.random() < 0.3
    firm.leads.append(
        {
            "id": key,
            "name": f"Lead {key}",
            "owner_id": dice.choice(list(PEOPLE)),
            "owner_name": None,
            "status": dice.choice(["New", "MQL", "Marketing Qualified Lead", "SQL", "sales qualified", None]),
            "lead_source": "Web",
            "industry": None,
            "country": None,
            "created_at": at(day, dice.randrange(400, 900)) if timed else None,
            "created_on": None if timed else day,
            "is_converted": converted or None,
            "converted_opportunity_id": dice.choice(firm.deals)["id"]
            if converted and dice.random() < 0.8
            else None,
        }
    )


_TYPES = {
    "at": pa.timestamp("us", "UTC"),
    "on": pa.date32(),
    "is": pa.bool_(),
    "minutes": pa.int64(),
    "amount": pa.decimal128(19, 4),
}


def _table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Any:
    """Rows as a frame, types by the ending of the name."""

    def type_of(name: str) -> pa.DataType:
        ending = name.rpartition("_")[2]
        return _TYPES.get(name) or (
            _TYPES["is"] if name.startswith("is_") else _TYPES.get(ending, pa.string())
        )

    return ibis.memtable(pa.table({n: pa.array([r.get(n) for r in rows], type_of(n)) for n in names}))


def people_table() -> Any:
    """The three people."""
    return _table(
        [
            {"person_id": k, "person_name": n, "person_region": r, "team": t, "role": "AE"}
            for k, (n, r, t) in PEOPLE.items()
        ],
        ("person_id", "person_name", "manager_id", "manager_name", "team", "person_region", "role"),
    )


def steps() -> StageMap:
    """The stages of the one pipeline; positions with gaps, as decisions may leave them."""
    return StageMap.of(
        [
            *(StageStep("", name, "open", 10 * (i + 1)) for i, name in enumerate(STAGES)),
            StageStep("", WON, "won", 90),
            StageStep("", LOST, "lost", 91),
        ]
    )


FLOOR = 4
"""Stays that these small firms must have for a stage to have a limit; the product asks for more."""


def log_start(firm: Firm) -> date:
    """Day of the firm's first change of a stage."""
    return min(c["valid_at"].date() for c in firm.changes if c["field"] == "stage")


def journeys(firm: Firm, deals: Any, as_of: date = AS_OF, whole: Firm | None = None) -> Journeys:
    """A firm's deals over time; where it is a part, the log begins with that of the whole."""
    changes = _table(firm.changes, ("object_id", "field", "old", "new", "valid_at", "source"))
    return Journeys(deals, changes, steps(), lambda instant: instant.date(), as_of, log_start(whole or firm))


def usually(firm: Firm, context: Context) -> dict[paces.Place, paces.Usual]:
    """Paces of the stages, of the deals that the firm had won by the stock day."""
    over, day = journeys(firm, frame(firm.deals, DEALS), context.as_of), context.stock_day
    stays = ibis.duckdb.connect().to_pyarrow(paces.won_stays(over.visits(), ibis.literal(day, type="date")))
    return paces.usual(stays.to_pylist(), FLOOR)


def frames(firm: Firm, context: Context, whole: Firm | None = None) -> dict[str, Any]:
    """The firm, or a part of the whole one, as the frames KPIs read."""

    def local(instant: Any) -> Any:
        return instant.date()

    deals = frame(firm.deals, DEALS)
    over = journeys(firm, deals, context.as_of, whole)
    period = context.period
    logged = _table(firm.activities, tuple(firm.activities[0]))
    acts = work.activities(logged, people_table(), deals, local, context.as_of)
    found = {
        "deals": deals,
        "stage_visits": over.visits(),
        "stage_entries": over.entries(),
        "stage_presence": over.presence(period),
        "standing": over.standing(period, usually(whole or firm, context)),
        "close_moves": over.close_moves(CALENDAR),
        "activities": acts,
        "selling_time": work.selling_time(acts),
        "leads": work.leads(_table(firm.leads, tuple(firm.leads[0])), acts, people_table(), deals, local),
        "customers": work.customers(deals),
    }
    if period is not None:
        last = min(period.last, context.as_of)
        before = CALENDAR.shift(period, -1)
        found["opening"] = over.opening(period.first, None)
        found["calendar"] = ibis.memtable(work.calendar_days(period.first, last))
        present = {k: work.Presence(*v) for k, v in firm.absences.items()}
        known = [{"owner_id": k, "owner_name": n, "region": r, "team": t} for k, (n, r, t) in PEOPLE.items()]
        found["people"] = ibis.memtable(work.working_people(known, present, period.first, last))
        found["spend"] = work.spend(_table(firm.spend, tuple(firm.spend[0])), period, before)
        accounts = _table(
            [{"id": key, "name": key, "owner_id": "ada"} for key in "ABCDEFGHIJKLM"],
            ("id", "name", "owner_id", "owner_name", "segment", "industry", "country"),
        )
        bills = _table(firm.bills, ("account_id", "on", "amount"))
        found["revenue"] = work.revenue(bills, accounts, people_table(), period, before)
    return found
