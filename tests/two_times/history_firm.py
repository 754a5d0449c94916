"""A firm with a history: imports and decisions at instants of a clock that the test sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from salesops.crm.decision_services import amount_rule_decide, repair_decide
from salesops.facts.incoming import Incoming
from salesops.facts.merge import merge
from salesops.org.services import organisation_decide, positions_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.store import fact_store
from salesops.process.services import stages_decide
from salesops.quotas.services import quotas_decide

ZONE = "America/New_York"


class Clock:
    """The clock of a test: it stands until it is moved."""

    def __init__(self, monkeypatch: Any, start: datetime) -> None:
        self.now = start
        monkeypatch.setattr("django.utils.timezone.now", lambda: self.now)

    def on(self, hours: float = 1) -> datetime:
        """Move on, and say the instant before."""
        before = self.now
        self.now += timedelta(hours=hours)
        return before

    def to(self, when: datetime) -> None:
        """Set the clock."""
        self.now = when


def bring(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], data_on: date, *, at: datetime, complete: bool = False
) -> None:
    """Import records as one file a table."""
    incoming = [
        Incoming(
            table=table,
            rows=pa.Table.from_pylist([{"source_row": i, **row} for i, row in enumerate(rows)]),
            key_columns=("id",),
            data_on=data_on,
            source="crm",
            import_id="1",
            complete=complete and table == "opportunities",
        )
        for table, rows in tables.items()
    ]
    merge(fact_store(), incoming, recorded_at=at, note="export")


USERS = [
    {"id": "u1", "name": "Ada", "manager_id": "m1", "team": "North", "region": "East", "hired_on": None},
    {"id": "u2", "name": "Bo", "manager_id": "m1", "team": "South", "region": "West", "hired_on": None},
    {"id": "m1", "name": "Mia", "manager_id": None, "team": "North", "region": "East", "hired_on": None},
]
ACCOUNTS = [
    {"id": "a1", "name": "Alder", "industry": "Retail", "owner_id": "u1"},
    {"id": "a2", "name": "Birch", "industry": "Mining", "owner_id": "u2"},
]
RATES = [
    {
        "id": "EUR|USD|2026-01-01", "from_currency": "EUR", "to_currency": "USD",
        "valid_on": date(2026, 1, 1), "rate": Decimal("1.10"),
    }
]  # fmt: skip


def deal(number: int, **changes: Any) -> dict[str, Any]:
    """One deal; every third is in euros, every fourth of them open."""
    stage = ("Won", "Lost", "Won", "Talks")[number % 4]
    return {
        "id": f"D{number:02d}",
        "name": f"Deal {number}",
        "owner_id": "u1" if number % 2 else "u2",
        "account_id": "a1" if number % 3 else "a2",
        "stage": stage,
        "amount": Decimal(1000 + 137 * number),
        "x_net": Decimal(900 + 100 * number),
        "currency": "EUR" if number % 3 == 0 else "USD",
        "created_on": date(2026, 1, 2) + timedelta(days=number),
        "close_on": date(2026, 3, 1) + timedelta(days=number * 2),
        "product_name": "Produkt" if number % 5 == 0 else "Product",
    } | changes


def deals(count: int = 12, **by_id: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Deals 0 to ``count - 1`` with changes by id."""
    return [deal(n, **by_id.get(f"D{n:02d}", {})) for n in range(count)]


def decide_firm() -> None:
    """Currency, zone, stages and quotas."""
    organisation_decide(actor=ADMIN, values={"currency": "USD", "zone": ZONE})
    decide_stage("Won", "won")
    decide_stage("Lost", "lost")
    decide_stage("Talks", "open")
    decide_quota("Ada", "5000")


def decide_stage(stage: str, stage_class: str) -> None:
    """Say what a stage means."""
    stages_decide(actor=ADMIN, rows=[{"stage": stage, "stage_class": stage_class, "position": "1"}])


def decide_quota(person: str, amount: str) -> None:
    """Give a person a quota for the first quarter."""
    quotas_decide(
        actor=ADMIN,
        rows=[{"person": person, "period": "2026-Q1", "amount": amount, "currency": "USD"}],
        reason="set",
    )


def decide_repair(replacement: str) -> None:
    """Read a misspelt product as another one."""
    repair_decide(
        actor=ADMIN, table="opportunities", column="product_name", value="Produkt", replacement=replacement
    )


def decide_position(team: str) -> None:
    """Move a person to another team."""
    positions_decide(actor=ADMIN, rows=[{"person": "Ada", "team": team, "region": "West"}], starts_on=None)


def decide_amount(column: str) -> None:
    """Say which amount counts."""
    amount_rule_decide(actor=ADMIN, deal_kind="all", column=column, type_values=[], reason="net counts")


def first_import(clock: Clock) -> None:
    """What the first export held, on a clock that moves on."""
    bring(
        {"users": USERS, "accounts": ACCOUNTS, "exchange_rates": RATES, "opportunities": deals()},
        date(2026, 3, 20),
        at=clock.now,
    )
    clock.on()


START = datetime(2026, 3, 20, 15, tzinfo=UTC)
