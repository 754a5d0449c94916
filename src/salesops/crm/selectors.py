"""Decisions about imports in force at an instant."""

from __future__ import annotations

from datetime import date, datetime

from salesops.crm.models import AmountRule, Mapping, RecordLink, ValueRepair
from salesops.platform import decisions


def repairs(on: date, known_at: datetime | None = None) -> dict[tuple[str, str], dict[str, str]]:
    """Value repairs by (table, column): value -> replacement."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in decisions.in_force(ValueRepair, on, known_at=known_at).values():
        found.setdefault((row.table, row.column), {})[row.value] = row.replacement
    return found


def amount_rules(on: date, known_at: datetime | None = None) -> dict[str, AmountRule]:
    """Which amount column counts, by kind of deal; ``all`` where one serves every kind."""

    def read() -> dict[str, AmountRule]:
        return {row.deal_kind: row for row in decisions.in_force(AmountRule, on, known_at=known_at).values()}

    return dict(decisions.kept(("amount rules", on, known_at), read))


def record_links(on: date, known_at: datetime | None = None) -> dict[tuple[str, str], str]:
    """Address patterns of records in their source, by (source, table)."""
    links = decisions.in_force(RecordLink, on, known_at=known_at).values()
    return {(r.source, r.table): r.pattern for r in links}


def mappings(on: date) -> dict[str, Mapping]:
    """Confirmed mappings by subject."""
    return decisions.in_force(Mapping, on)
