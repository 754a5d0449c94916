"""A small firm for the tests of pages: two teams, deals around a quarter's edge, and accounts that sign in."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path

from django.test import Client

from salesops.crm import services as crm
from salesops.platform import signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.roles import Role

DATA_ON = date(2026, 9, 20)

DEALS = """\
Opportunity ID,Opportunity Name,Account Name,Opportunity Owner,Stage,Amount,Created Date,Close Date,Partner Tier
006A00000000001,Alder,Alder Ltd,Ada North,Closed Won,1000.00,2026-06-01,2026-07-01,Gold
006A00000000002,Birch,Birch Ltd,Ada North,Closed Won,2500.50,2026-06-10,2026-09-05,Gold
006A00000000003,Cedar,Cedar Ltd,Bo South,Closed Won,4000.00,2026-05-02,2026-08-11,Silver
006A00000000004,Dogwood,Dogwood Ltd,Bo South,Closed Lost,700.00,2026-05-20,2026-08-12,Silver
006A00000000005,Elm,Elm Ltd,Ada North,Closed Lost,900.00,2026-06-20,2026-09-10,Gold
006A00000000006,Spruce,Spruce Ltd,Ada North,Negotiation,5000.00,2026-08-01,2026-09-25,Gold
006A00000000007,Ginkgo,Ginkgo Ltd,Bo South,Prospecting,6000.00,2026-08-15,2026-08-30,Silver
006A00000000008,Hazel,Hazel Ltd,Bo South,Prospecting,,2026-09-01,2026-12-01,Silver
006A00000000009,Ivy,Ivy Ltd,Ada North,Closed Won,300.00,2026-04-01,2026-06-30,Gold
006A00000000010,Juniper,Juniper Ltd,Bo South,Closed Won,800.00,2026-03-01,2026-05-15,Silver
"""


def import_deals(
    folder: Path, text: str = DEALS, name: str = "opportunities.csv", data_on: date = DATA_ON
) -> None:
    """Bring the deals in by the command line's way."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    crm.import_now(actor=LOCAL_ADMINISTRATOR, paths=[path], data_on=data_on)


def signed_in(role: str = Role.OPS_ANALYST, person: str = "", name: str = "") -> Client:
    """A browser with an account of a role, standing for a person."""
    username = name or f"{role}-{person}".replace(" ", "-").lower()
    user = signin.account_save(
        actor=LOCAL_ADMINISTRATOR, username=username, role=role, person_id=person, name=person
    )
    client = Client()
    client.force_login(user)
    return client


PAGES = (
    "/",
    "/changes/",
    "/numbers/",
    "/numbers/won_value/",
    "/numbers/won_value/rows/",
    "/numbers/open_deals/rows/",
)


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.content[:2000]
    return unescape(answer.content.decode())


def exported(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


def sums(rows: list[dict[str, str]]) -> Decimal:
    column = next(name for name in rows[0] if name.startswith("Adds"))
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))
