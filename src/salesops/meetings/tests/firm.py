"""A firm for the tests of meetings: two teams, three quarters of closings, open deals that decide, a change log."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from salesops.org import selectors as org
from salesops.org.services import organisation_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.tests.roles import load_facts
from salesops.quotas.services import quotas_decide

NORA, NICK, SUE, NORTH, SOUTH = "U1", "U2", "U3", "M1", "M2"
FIRST, LATER = date(2026, 8, 8), date(2026, 8, 15)
SECRET = "Sealed"
"""Stands in the name of every deal of the other team."""

PEOPLE = [
    {"id": NORTH, "name": "Mia North", "manager_id": None, "email": "mia@firm.example"},
    {"id": SOUTH, "name": "Max South", "manager_id": None, "email": "max@firm.example"},
    {"id": NORA, "name": "Nora Ash", "manager_id": NORTH, "email": "nora@firm.example"},
    {"id": NICK, "name": "Nick Oak", "manager_id": NORTH, "email": None},
    {"id": SUE, "name": "Sue Elm", "manager_id": SOUTH, "email": "sue@firm.example"},
]

QUARTERS = {
    date(2025, 10, 1): (10, 90),
    date(2026, 1, 1): (30, 70),
    date(2026, 4, 1): (40, 160),
}
"""First day of a quarter -> thousands won by its 20th day, and after it."""


def closed() -> list[dict[str, Any]]:
    """Won deals of the north, a third of them Nick's; of the south one a quarter."""
    made = []
    for first, (early, late) in QUARTERS.items():
        for place, (day, thousands) in enumerate(((first, early), (first + timedelta(days=60), late))):
            made.append(_won(f"W{first:%y%m}{place}", NICK if place else NORA, day, thousands * 1000))
        made.append(
            _won(f"S{first:%y%m}", SUE, first + timedelta(days=30), 500_000, f"{SECRET} {first:%y%m}")
        )
    return [*made, _won("W26070", NORA, date(2026, 7, 10), 50_000)]


def _won(key: str, owner: str, day: date, amount: int, name: str = "") -> dict[str, Any]:
    return {
        "id": key, "name": name or f"Won {key}", "owner_id": owner, "stage": "Closed Won", "amount": Decimal(amount),
        "created_on": day - timedelta(days=30), "close_on": day, "next_step": None, "forecast_category": None,
    }  # fmt: skip


def _open(key: str, owner: str, amount: int | None, due: date, **more: Any) -> dict[str, Any]:
    return {
        "id": key, "name": f"Open {key}", "owner_id": owner, "stage": "Proposal",
        "amount": None if amount is None else Decimal(amount), "created_on": date(2026, 7, 25), "close_on": due,
        "next_step": "call", "forecast_category": "pipeline", **more,
    }  # fmt: skip


def open_deals(later: bool = False) -> list[dict[str, Any]]:
    """What is open on the first day, or a week later."""
    deals = [
        _open("O1", NORA, 60_000, date(2026, 9, 10), forecast_category="commit"),
        _open("O2", NORA, 40_000, date(2026, 8, 1)),
        _open("O3", NICK, 30_000, date(2026, 9, 20), next_step=None),
        _open("O4", NICK, None, date(2026, 9, 25)),
        _open("O5", NORA, 20_000, date(2026, 12, 1)),
        _open("O6", NICK, 90_000, date(2026, 9, 1), created_on=date(2025, 1, 5)),
        _open("O7", SUE, 70_000, date(2026, 9, 15), name=f"{SECRET} open"),
        _open("O8", NICK, 25_000, date(2026, 9, 5), forecast_category="omitted"),
    ]
    if later:
        changed = {d["id"]: d for d in deals}
        changed["O3"] |= {"close_on": date(2026, 9, 28), "amount": Decimal(35_000)}
        changed["O5"] |= {"close_on": date(2026, 9, 30)}
        changed["O1"] |= {"stage": "Closed Won", "close_on": date(2026, 8, 12)}
        changed["O7"] |= {"amount": Decimal(75_000)}
        deals = [*changed.values(), _open("O9", NORA, 15_000, date(2026, 9, 9), created_on=date(2026, 8, 11))]
    return deals


def load(later: bool = False) -> None:
    """Bring the firm in, as of the first day; and, with ``later``, what changed in the week after."""
    org._people_in_facts.cache_clear()
    load_facts({"users": PEOPLE, "opportunities": [*closed(), *open_deals()]}, FIRST)
    if later:
        next_week()


def next_week() -> None:
    """The files of a week later."""
    load_facts({"users": PEOPLE, "opportunities": [*closed(), *open_deals(later=True)]}, LATER)


def decide(quota: int = 200_000) -> None:
    """Currency and quotas of the running quarter: the given one in the north, a million in the south."""
    organisation_decide(actor=ADMIN, values={"currency": "USD"})
    rows = [
        {"person": NORA, "period": "2026-Q3", "amount": str(quota // 2)},
        {"person": NICK, "period": "2026-Q3", "amount": str(quota // 2)},
        {"person": SUE, "period": "2026-Q3", "amount": "1000000"},
    ]
    quotas_decide(actor=ADMIN, rows=rows, starts_on=None, reason="test")
