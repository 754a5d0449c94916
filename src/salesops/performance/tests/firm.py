"""A firm for the tests of performance: six account executives in unequal territories, and one manager of renewals."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from salesops.org import selectors as org
from salesops.org.services import organisation_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.tests.roles import load_facts

NORTH, SOUTH, NORA, SUE = "M1", "M2", "U1", "U4"
REPS = ("U1", "U2", "U3", "U4", "U5", "U6")
HIRED = {
    "U1": date(2026, 1, 10),
    "U2": date(2023, 3, 1),
    "U3": None,
    "U4": date(2021, 1, 1),
    "U5": date(2022, 1, 1),
}
SECRET = "Sealed"

PEOPLE: list[dict[str, Any]] = [
    *(
        {
            "id": rep,
            "name": f"Rep {rep}" if n < 3 else f"{SECRET} {rep}",
            "manager_id": NORTH if n < 3 else SOUTH,
            "team": "North" if n < 3 else "South",
            "region": "East" if n % 2 else "West",
            "role": "Account executive",
            "hired_on": HIRED.get(rep),
        }
        for n, rep in enumerate(REPS)
    ),
    {"id": NORTH, "name": "Mia North", "manager_id": None, "role": "Manager"},
    {"id": SOUTH, "name": "Max South", "manager_id": None, "role": "Manager"},
    {"id": "R1", "name": "Ren One", "manager_id": SOUTH, "role": "Renewals"},
]


def deals() -> list[dict[str, Any]]:
    """30 closed deals a rep over two thirds of a year; the lower the rep's number, the larger the accounts."""
    made = []
    for n, rep in enumerate((*REPS, "R1")):
        for k in range(30):
            large = (k * 7 + n) % 6 >= n
            won = (k * 11 + n * 5) % 10 < (3 if large else 6)
            day = date(2026, 1, 5) + timedelta(days=(k * 8) % 230)
            made.append(
                {
                    "id": f"{rep}-{k:02}",
                    "name": f"{SECRET} deal" if n > 2 else f"Deal {k}",
                    "account_id": "BIG" if large else "SMALL",
                    "owner_id": rep,
                    "stage": "Closed Won" if won else "Closed Lost",
                    "amount": None if k == 20 else Decimal((40_000 if large else 5_000) + k * 100),
                    "created_on": day - timedelta(days=40),
                    "close_on": day,
                }
            )
    return made


def load() -> None:
    """Bring the firm in."""
    org._people_in_facts.cache_clear()
    load_facts(
        {
            "users": PEOPLE,
            "accounts": [
                {"id": "BIG", "name": "Big", "owner_id": NORA, "segment": "Enterprise"},
                {"id": "SMALL", "name": "Small", "owner_id": NORA, "segment": "SMB"},
            ],
            "opportunities": deals(),
        }
    )
    organisation_decide(actor=ADMIN, values={"currency": "USD"})
