"""A firm whose every record carries marks of its owner that nobody can guess, and the accounts that look at it."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from itertools import chain, combinations
from typing import Any

from salesops.facts.incoming import Incoming
from salesops.facts.merge import merge
from salesops.facts.tables import TABLES, Column
from salesops.facts.tests.builders import arrow
from salesops.org.services import positions_decide
from salesops.permissions import services as permissions
from salesops.platform import signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import actor_of
from salesops.platform.models import User
from salesops.platform.store import fact_store
from tests.doors.left_behind import leave

FIRST, LAST = date(2026, 8, 31), date(2026, 9, 30)
CLASSES = ("Proposal", "Closed Won", "Closed Lost")
COMMON = "Zebra"
"""First word of every deal's, account's and lead's name: what one searches by without naming a mark."""


@dataclass(frozen=True)
class Owner:
    """One person's records: their marks.

    Attributes:
        person: id of the person.
        tag: word in every text of their records.
        ident: beginning of every id of their records.
        amounts: of the open, the won and the lost deal.
        before: the open deal's amount before it was changed.
        phone: digits in their contacts' and leads' phone numbers.
    """

    person: str
    tag: str
    ident: str
    amounts: tuple[int, int, int]
    before: int
    phone: str

    @property
    def mail(self) -> str:
        """The mark of their contacts' addresses."""
        return f"{self.tag}-post@mail.example"


OWNERS: Mapping[str, Owner] = {
    "R1": Owner("U1", "qzvkora", "KQ7R1X", (7130771, 7130519, 7130287), 6604411, "0309715501"),
    "R2": Owner("U2", "wxjbelt", "KQ7R2X", (5826041, 5826913, 5826377), 5511909, "0309825502"),
    "SD": Owner("U3", "pqyfinch", "KQ7SDX", (3917053, 3917611, 3917299), 3306007, "0309935503"),
}
PEOPLE = [
    {"id": "U1", "name": "Rona One", "manager_id": "U4", "team": "North", "email": "u1@firm.example"},
    {"id": "U2", "name": "Rudi Two", "manager_id": "U5", "team": "South", "email": "u2@firm.example"},
    {"id": "U3", "name": "Sita Three", "manager_id": "U4", "team": "North", "email": "u3@firm.example"},
    {"id": "U4", "name": "Mara Four", "team": "North", "email": "u4@firm.example"},
    {"id": "U5", "name": "Milo Five", "team": "South", "email": "u5@firm.example"},
]


@dataclass(frozen=True)
class Persona:
    """One account that looks.

    Attributes:
        name: user name, and the row of the matrix.
        role: of the account.
        person: whom it stands for.
        sees: owners whose records it may see.
        amounts, details: whether amounts, and contacts' addresses and phones, are shown to it.
        areas: of a sub-administrator.
    """

    name: str
    role: str
    person: str = ""
    sees: frozenset[str] = frozenset(OWNERS)
    amounts: bool = True
    details: bool = True
    areas: tuple[str, ...] = ()


PERSONAS: Mapping[str, Persona] = {
    p.name: p
    for p in (
        Persona("rep", "rep", "U1", frozenset({"R1"})),
        Persona("other_rep", "rep", "U2", frozenset({"R2"})),
        Persona("sdr", "rep", "U3", frozenset({"SD"}), amounts=False),
        Persona("sales_manager", "sales_manager", "U4", frozenset({"R1", "SD"})),
        Persona("sub_administrator", "rep", "", frozenset(), areas=("people", "pipelines")),
        Persona("ops_representative", "ops_representative"),
        Persona("ops_analyst", "ops_analyst", details=False),
        Persona("ops_manager", "ops_manager"),
        Persona("ops_vp", "ops_vp"),
        Persona("administrator", "administrator"),
        Persona("auditor", "auditor"),
    )
}
ANONYMOUS = Persona("anonymous", "", "", frozenset(), amounts=False, details=False)


# --- The records ---------------------------------------------------------------------------------

_OF_DEALS: Mapping[str, Any] = {
    "pipeline": None,
    "status": None,
    "type": "New Business",
    "forecast_category": None,
    "currency": "EUR",
    "probability": None,
    "quantity": None,
    "campaign_id": None,
    "collaborators": None,
    "created_on": date(2026, 7, 1),
    "created_at": None,
    "first_interaction_on": date(2026, 7, 1),
    "expected_close_on": None,
}


def _value(column: Column, owner: Owner, number: int) -> Any:
    """A marked value of a column."""
    if column.name == "email":
        return owner.mail
    if column.name == "phone":
        return owner.phone
    if column.name == "annual_revenue":
        return None  # the customer's own, no amount of a deal
    if column.type == "money":
        return Decimal(owner.amounts[number])
    if column.type == "text":
        return f"{owner.tag} {column.name} {number}"
    if column.type == "date":
        return date(2026, 8, 15)
    if column.type == "instant":
        return datetime(2026, 8, 15, 9, tzinfo=UTC)
    return {"integer": 3, "rate": Decimal("0.5"), "boolean": False}[column.type]


def _row(table: str, owner: Owner, number: int) -> dict[str, Any]:
    """One record of one owner: every column filled, references to the owner's own records."""
    deal, account = f"{owner.ident}0", f"{owner.ident}A"
    fixed: dict[str, Any] = {
        "opportunity_id": deal, "account_id": account, "contact_id": f"{owner.ident}C", "lead_id": f"{owner.ident}L",
        "user_id": owner.person, "order_id": f"{owner.ident}-orders-0", "invoice_id": f"{owner.ident}-invoices-0",
        "converted_opportunity_id": deal, "product_id": "P1", "currency": "EUR", "parent_id": None, "campaign_id": None,
        "principal_id": owner.person, "object": "Opportunity", "record_id": deal,
    }  # fmt: skip
    row: dict[str, Any] = {}
    for column in TABLES[table].columns:
        if column.name == TABLES[table].owner:
            row[column.name] = owner.person
        elif column.name in fixed:
            row[column.name] = fixed[column.name]
        elif not column.label_of:
            row[column.name] = _value(column, owner, number)
    keys = {"accounts": account, "contacts": f"{owner.ident}C", "leads": f"{owner.ident}L"}
    row["id"] = keys.get(table, f"{owner.ident}-{table}-{number}")
    if table == "accounts":
        row["phone"] = None  # the company's switchboard, nobody's contact detail
    if table in ("accounts", "leads", "contacts"):
        row["name"] = f"{COMMON} {owner.tag} {table}"
    return row


def _deals(owner: Owner, *, first: bool) -> list[dict[str, Any]]:
    rows = []
    for number, stage in enumerate(CLASSES):
        row = _row("opportunities", owner, number) | _OF_DEALS
        closed = number > 0
        amount = owner.before if first and not closed else owner.amounts[number]
        row |= {
            "id": f"{owner.ident}{number}", "name": f"{COMMON} {owner.tag} deal {number}", "stage": stage,
            "is_closed": closed, "is_won": number == 1, "amount": Decimal(amount), "list_price": Decimal(amount),
            "close_on": date(2026, 8, 20) if closed else date(2026, 11, 30 if first else 29),
        }  # fmt: skip
        rows.append(row)
    return rows


def load() -> None:
    """Two imports: everything as of FIRST, the deals once more as of LAST with changed amounts and days."""
    tables: dict[str, list[dict[str, Any]]] = {
        "users": PEOPLE,
        "products": [{"id": "P1", "name": "Anvil", "family": "Iron", "list_price": Decimal(10)}],
    }
    for name, table in TABLES.items():
        guarded = table.owner or table.parent or table.restricted
        if guarded and name != "opportunities":
            tables[name] = [_row(name, owner, 0) for owner in OWNERS.values()]
    for first, on in ((True, FIRST), (False, LAST)):
        tables["opportunities"] = [d for owner in OWNERS.values() for d in _deals(owner, first=first)]
        incoming = [
            Incoming(name, arrow(name, rows), ("id",), on, "crm", f"import of {on}")
            for name, rows in tables.items()
            if first or name == "opportunities"
        ]
        merge(fact_store(), incoming, recorded_at=datetime(on.year, on.month, on.day, 12, tzinfo=UTC))


# --- What people left behind ---------------------------------------------------------------------

_BAD = """Opportunity ID,Opportunity Name,Account Name,Stage,Amount,Created Date,Close Date
KQ7R2X8,Zebra wxjbelt rejected,wxjbelt accounts,Proposal,5826041.00,2026-01-05,2026-13-45
"""
_WAITING = """Deal name,Deal owner,Phase,Value,Expected close
Zebra wxjbelt waiting,Rudi Two,Proposal,5826041.00,2026-03-31
"""


def settle() -> dict[str, Any]:
    """Masks, accounts, imports, comparisons, runs, jobs and the like; what their addresses are."""
    positions_decide(actor=ADMIN, rows=[{"person": "U3", "role": "SDR"}])
    permissions.mask_decide(
        actor=ADMIN, name="No amounts for SDRs", columns=["amounts"], roles=["SDR"], reason="test"
    )
    permissions.mask_decide(
        actor=ADMIN, name="No addresses", columns=["contact_details"], roles=["ops_analyst"], reason="test"
    )
    users = {}
    for persona in PERSONAS.values():
        users[persona.name] = signin.account_save(
            actor=ADMIN, username=persona.name, role=persona.role, person_id=persona.person, areas=persona.areas
        )  # fmt: skip
    admin = actor_of(users["administrator"])
    left = leave(
        actor=admin,
        user=users["administrator"],
        rejected=_BAD.encode(),
        waiting=_WAITING.encode(),
        kpi="won_value",
        figure=1_000_000,
        by=("account_name",),
    )
    return left | {
        "users": users,
        "job": left["import_job"],
        "user": users["administrator"].pk,
        "deal": f"{OWNERS['R1'].ident}0",
        "account": f"{OWNERS['R1'].ident}A",
    }


def tokens(users: Mapping[str, User]) -> dict[str, str]:
    """A token that may write, for every persona."""
    return {
        name: signin.token_create(actor=actor_of(user), user=user, name="matrix", can_write=True)[1]
        for name, user in users.items()
    }


# --- The oracle ----------------------------------------------------------------------------------


@dataclass
class Count:
    """What was looked at, for the summary.

    Attributes:
        answers: that came back.
        opened: of them, those that were no refusal.
        checks: marks that were looked for in answers that were no refusal; none for whom nothing is hidden from.
        doors, routes: that were tried, and how often.
        leaks: marks that were found.
    """

    answers: int = 0
    opened: int = 0
    checks: int = 0
    doors: dict[str, int] = field(default_factory=dict)
    routes: set[str] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)


def _compact(value: int) -> set[str]:
    return {f"{value / 1e6:.1f}M", f"{value / 1e6:.2f}M", f"{value / 1e3:.0f}K", f"{value / 1e3:.1f}K"}


def _sums(owners: Iterable[str]) -> set[int]:
    """Every total of won, open, lost or all deals over some of the owners."""
    owners = list(owners)
    found: set[int] = set()
    for group in chain.from_iterable(combinations(owners, n) for n in range(1, len(owners) + 1)):
        for classes in chain.from_iterable(combinations(range(3), n) for n in (1, 2, 3)):
            found.add(sum(OWNERS[o].amounts[c] for o in group for c in classes))
    return found


@cache
def forbidden(persona: Persona) -> frozenset[str]:
    """Texts that may appear in nothing this persona gets: of others' records, of totals over them, of hidden fields."""
    found: set[str] = set()
    mine = {o for o in OWNERS if o in persona.sees}
    for name, owner in OWNERS.items():
        if name not in mine:
            found |= {owner.tag, owner.ident, owner.mail, owner.phone, str(owner.before)}
        if not persona.details:
            found |= {owner.mail, owner.phone}
    shown = _sums(mine) | {OWNERS[o].before for o in mine} if persona.amounts else set()
    hidden = (_sums(OWNERS) | {o.before for o in OWNERS.values()}) - shown
    allowed = {text for value in shown for text in _compact(value)}
    found |= {str(value) for value in hidden} | {
        text for value in hidden for text in _compact(value) if text not in allowed
    }
    return frozenset(found)


_THOUSANDS = re.compile("(?<=\\d)[,\u202f\u00a0\u2009' ](?=\\d{3})")


def text_of(body: bytes) -> str:
    """Everything an answer says: workbooks unpacked, entities resolved, thousands marks left out."""
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            body = b"\n".join(archive.read(name) for name in archive.namelist())
    return _THOUSANDS.sub("", html.unescape(body.decode("utf-8", errors="replace")))


def leaks(persona: Persona, body: bytes, asked: str = "") -> list[str]:
    """Forbidden texts in an answer; what the address itself says may be said back."""
    marks = forbidden(persona)
    said = text_of(body) if marks else ""
    return sorted(mark for mark in marks if mark in said and mark not in asked)
