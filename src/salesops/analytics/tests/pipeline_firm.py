"""A small firm for the tests of Pipeline: two teams, hostile ids and names, missing amounts, own columns."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from salesops.facts.newest import Newest
from salesops.org import selectors as org
from salesops.org.services import organisation_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.signin import account_save
from salesops.platform.store import fact_store
from salesops.platform.tests.roles import DATA_DAY, load_facts

OURS, THEIRS, LEAD = "u1", "u2", "m1"
HOSTILE = (
    "a/b", "..", ".", "a//b", "../../etc/passwd", "with space", " edge ", "~tilde", "名前 ü ß", "50%", "a?b#c", "a;b",
    'quote"\'<b>', "back\\slash", "tab\there", "line\nbreak", "login", "trailing/", "Acme | 2026-01-05 | Ann",
    "x" * 1500, "=1+1",
)  # fmt: skip
"""Ids that a CRM, a spreadsheet or a composed key may bring."""

FORMULA = '=HYPERLINK("http://evil.example","x")'
SECRET = "Theirs secret"


def deals() -> list[dict[str, Any]]:
    """Deals of both teams: 40 ours, 20 theirs, and one per hostile id, ours."""
    made = []
    stages = ("Discovery", "Proposal", "Closed Won", "Closed Lost")
    for n in range(60):
        mine = n < 40
        made.append(
            {
                "id": f"D{n:03d}",
                "name": f"Ours {n}" if mine else f"{SECRET} {n}",
                "account_id": "A3" if n % 7 == 0 else ("A1" if mine else "A2"),
                "owner_id": OURS if mine else THEIRS,
                "stage": stages[n % 4],
                "amount": None if n % 5 == 0 else Decimal(1000 + (n * 37) % 11 * 250),
                "created_on": date(2026, 1, 1) + timedelta(days=n),
                "close_on": date(2026, 5, 1) + timedelta(days=n * 4),
                "next_step": None if n % 3 else "call",
                "product_id": "P1",
                "x_office": f"Office {n % 3}",
            }
        )
    for n, key in enumerate(HOSTILE):
        made.append(made[1] | {"id": key, "name": f"Hostile {n}", "stage": "Proposal", "account_id": "A1"})
    made[1] |= {"name": FORMULA}
    return made


def serve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring the firm into a process that keeps copies and prepares versions, in the test's own thread."""
    store = fact_store()
    store.keeps_copies = True
    monkeypatch.setattr(store, "newest", Newest(start=lambda work: work()))
    load()


def load() -> None:
    """Bring the firm in."""
    org._people_in_facts.cache_clear()
    load_facts(
        {
            "users": [
                {"id": OURS, "name": "Ann Ours", "manager_id": LEAD, "team": "North"},
                {"id": THEIRS, "name": "Theo Theirs", "manager_id": "m2", "team": "South"},
                {"id": LEAD, "name": "Max Lead", "manager_id": None, "team": "North"},
            ],
            "accounts": [
                {"id": "A1", "name": "Our account", "owner_id": OURS, "industry": "Retail"},
                {"id": "A2", "name": "Their account", "owner_id": THEIRS, "industry": "Mining"},
                {"id": "A3", "name": "Shared account", "owner_id": THEIRS, "industry": "Energy"},
                {"id": "a/../x", "name": "login", "owner_id": OURS, "industry": None},
            ],
            "products": [{"id": "P1", "name": "Product one", "list_price": Decimal(700)}],
            "opportunities": deals(),
        }
    )
    organisation_decide(actor=ADMIN, values={"currency": "USD"})


def client(role: str = "ops_analyst", person_id: str = "", username: str = "") -> Client:
    """A signed-in browser."""
    user = account_save(
        actor=ADMIN, username=username or f"{role}-{person_id}", role=role, person_id=person_id
    )
    made = Client()
    made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return made


def body(answer: Any) -> bytes:
    """The bytes of an answer, streamed or not."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


__all__ = [
    "DATA_DAY",
    "FORMULA",
    "HOSTILE",
    "LEAD",
    "OURS",
    "SECRET",
    "THEIRS",
    "body",
    "client",
    "deals",
    "load",
]
