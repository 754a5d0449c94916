"""What the pages of value repairs, amount rules and record links show beside the decisions in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from salesops.crm.models import AmountRule, RecordLink, ValueRepair
from salesops.facts.scope import Scope
from salesops.facts.tables import TABLES
from salesops.platform.decisions import in_force
from salesops.platform.store import fact_store


@dataclass(frozen=True)
class RepairRow:
    """A repair in force and how many records it touches now; None where its column isn't in the data."""

    subject: str
    table: str
    column: str
    value: str
    replacement: str
    starts_on: date | None
    author_name: str
    records: int | None


def repair_rows(
    on: date, *, manifest_id: str | None = None, known_at: datetime | None = None
) -> list[RepairRow]:
    """Repairs in force on a day, by table, column and value, with the records each touches, as known then."""
    found = in_force(ValueRepair, on, known_at=known_at).values()
    rows = sorted(found, key=lambda r: (r.table, r.column, r.value))
    counts: dict[tuple[str, str], dict[str, int]] = {}
    with fact_store().at(manifest_id=manifest_id, known_at=known_at) as facts:
        for table, column in {(r.table, r.column) for r in rows}:
            if table not in TABLES or column not in facts.columns(table):
                continue
            values = [r.value for r in rows if (r.table, r.column) == (table, column)]
            records = facts.read(table, Scope.all())
            touched = records.filter(records[column].isin(values))
            counted = touched.group_by(column).agg(n=touched.count())
            counts[table, column] = {row[column]: row["n"] for row in facts.execute(counted).to_pylist()}
    return [
        RepairRow(
            r.subject,
            r.table,
            r.column,
            r.value,
            r.replacement,
            r.starts_on,
            r.author_name,
            counts[r.table, r.column].get(r.value, 0) if (r.table, r.column) in counts else None,
        )
        for r in rows
    ]


def text_columns() -> list[str]:
    """Text columns of any table, a company's own included: what a repair may name."""
    with fact_store().at() as facts:
        names = {name for table in TABLES for name, kind in facts.columns(table).items() if kind == "text"}
    return sorted(name for name in names if not name.startswith("_"))


def amount_columns() -> list[str]:
    """Money columns of deals, a company's own included, ``amount`` first."""
    with fact_store().at() as facts:
        kinds = facts.columns("opportunities")
    names = [name for name, kind in kinds.items() if kind == "money"]
    return sorted(names, key=lambda name: (name != "amount", name))


def amount_rows(on: date) -> list[AmountRule]:
    """Amount rules in force on a day."""
    return sorted(in_force(AmountRule, on).values(), key=lambda r: r.deal_kind)


def link_rows(on: date) -> list[RecordLink]:
    """Record links in force on a day."""
    return sorted(in_force(RecordLink, on).values(), key=lambda r: (r.source, r.table))
