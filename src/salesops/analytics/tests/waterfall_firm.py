"""A firm whose pipeline changed between two complete files in every way a waterfall tells apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from salesops.facts.incoming import Incoming
from salesops.facts.merge import merge
from salesops.org import selectors as org
from salesops.org.services import organisation_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.store import fact_store
from salesops.process.services import stages_decide

MARCH, JUNE = date(2026, 3, 31), date(2026, 6, 30)
USERS = [
    {"id": "u1", "name": "Ada Ash", "manager_id": "m1", "team": "North"},
    {"id": "u2", "name": "Bo Beech", "manager_id": "m2", "team": "South"},
    {"id": "m1", "name": "Mia Moor", "manager_id": None, "team": "North"},
    {"id": "m2", "name": "Max Marsh", "manager_id": None, "team": "South"},
]
RATES = [
    {
        "id": f"EUR {day}", "from_currency": "EUR", "to_currency": "USD", "valid_on": date.fromisoformat(day),
        "rate": Decimal(rate),
    }
    for day, rate in (("2026-01-01", "1.10"), ("2026-06-01", "1.20"))
]  # fmt: skip

_HEADS = ("id", "name", "owner_id", "stage", "amount", "currency", "created_on", "close_on")
_MARCH = """
D01 Alder    u1 Talks  1000 USD 2026-01-05 2026-06-15
D02 Birch    u1 Talks   500 USD 2026-01-06 2026-06-20
D03 Cedar    u1 Talks   800 USD 2026-01-07 2026-05-01
D04 Dogwood  u1 Lost    300 USD 2026-01-08 2026-02-01
D05 Elm      u2 Talks   700 USD 2026-01-09 2026-06-01
D06 Fir      u1 Talks   600 USD 2026-01-10 2026-06-02
D07 Ginkgo   u1 Talks  1000 EUR 2026-01-11 2026-06-03
D08 Hazel    u1 Talks   400 USD 2026-01-12 2026-06-04
D11 Kapok    u1 Talks   500 USD 2026-01-13 2026-09-10
D12 Larch    u1 Talks     - USD 2026-01-14 2026-06-05
D13 Maple    u1 Talks   220 USD 2026-01-15 2026-06-06
D15 Oak      u2 Won     900 USD 2026-01-16 2026-03-01
"""
_JUNE = """
D01 Alder    u1 Talks  1200 USD 2026-01-05 2026-08-10
D02 Birch    u1 Won     450 USD 2026-01-06 2026-06-10
D03 Cedar    u1 Lost    800 USD 2026-01-07 2026-05-05
D04 Dogwood  u1 Talks   350 USD 2026-01-08 2026-06-29
D05 Elm      u1 Talks   700 USD 2026-01-09 2026-06-30
D06 Fir      u2 Won     900 USD 2026-01-10 2026-06-12
D07 Ginkgo   u1 Talks  1000 EUR 2026-01-11 2026-06-30
D09 Ivy      u1 Talks   250 USD 2026-05-02 2026-06-30
D10 Juniper  u1 Lost    150 USD 2026-04-10 2026-05-20
D11 Kapok    u1 Talks   500 USD 2026-01-13 2026-06-28
D12 Larch    u1 Talks   330 USD 2026-01-14 2026-06-30
D13 Maple    u1 Talks     - USD 2026-01-15 2026-06-30
D14 Nutmeg   u1 Won     640 USD 2026-04-20 2026-06-05
D15 Oak      u2 Won     900 USD 2026-01-16 2026-03-01
"""


def rows(text: str) -> list[dict[str, Any]]:
    """A table of deals as records."""
    made = []
    for line in text.strip().splitlines():
        row: dict[str, Any] = dict(zip(_HEADS, line.split(), strict=True))
        row["amount"] = None if row["amount"] == "-" else Decimal(row["amount"])
        row |= {name: date.fromisoformat(row[name]) for name in ("created_on", "close_on")}
        made.append(row)
    return made


def bring(day: date, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Import complete files of a day."""
    incoming = [
        Incoming(
            table=table,
            rows=pa.Table.from_pylist([{"source_row": i, **row} for i, row in enumerate(records)]),
            key_columns=["id"],
            data_on=day,
            source="crm",
            import_id="1",
            complete=True,
        )
        for table, records in tables.items()
    ]
    merge(
        fact_store(),
        incoming,
        recorded_at=datetime(day.year, day.month, day.day, 20, tzinfo=UTC),
        note="file",
    )


def load() -> None:
    """The firm: currency, stages, and both files."""
    org._people_in_facts.cache_clear()
    organisation_decide(actor=ADMIN, values={"currency": "USD"})
    bring(MARCH, {"users": USERS, "exchange_rates": RATES, "opportunities": rows(_MARCH)})
    bring(JUNE, {"users": USERS, "exchange_rates": RATES, "opportunities": rows(_JUNE)})
    decide_stages()


def decide_stages() -> None:
    """What the stages mean."""
    meant = (("Talks", "open"), ("Won", "won"), ("Lost", "lost"))
    stages_decide(actor=ADMIN, rows=[{"stage": s, "stage_class": c, "position": "1"} for s, c in meant])
