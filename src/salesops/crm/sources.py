"""Two systems in one house: an id belongs to the system that brought its record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from django.core.exceptions import ValidationError

from salesops.crm.engine.assemble import SOURCE_ROW, Refused
from salesops.crm.files import RawTable
from salesops.crm.landing import Landed, Owners
from salesops.crm.plans import FilePlan
from salesops.facts.scope import Scope
from salesops.facts.store import Facts
from salesops.platform.store import fact_store

IMPLIED = "implied"
"""Source of records that only a name stands for: whoever describes them takes them over."""

MOST_FOREIGN = 1_000
"""Rows with another system's ids that go to quarantine; with more of them the whole import is at fault."""


def foreign_owners() -> Owners:
    """Whose records the ids of other systems are, as stored now; each table and source is asked once."""
    found: dict[tuple[str, str], Mapping[str, str]] = {}

    def owners(plan: FilePlan) -> Mapping[str, str]:
        asked = (plan.table, plan.source)
        if asked not in found:
            with fact_store().at() as facts:
                stored = facts.version(plan.table) is not None
                found[asked] = _others(facts, *asked) if stored else {}
        return found[asked]

    return owners


def _others(facts: Facts, table: str, source: str) -> dict[str, str]:
    """Id -> source of a table's records that other systems brought."""
    rows = facts.read(table, Scope.all(), deleted=True).select("id", "source", "implied")
    rows = rows.filter(~rows.source.isin([source, IMPLIED]) & ~rows.implied.fill_null(False))
    found = facts.execute(rows.select("id", "source"))
    return dict(zip(found["id"].to_pylist(), found["source"].to_pylist(), strict=True))


def refuse_foreign(landed: Sequence[Landed], tables: Mapping[str, RawTable]) -> None:
    """Refuse the rows that landing left out because their id belongs to a record of another source.

    Two systems number their records alike. Rows of the one must not be written over the other's.

    Raises:
        ValidationError: so many rows are concerned that the source was most likely misnamed.
    """
    for item in landed:
        if item.foreign:
            _refuse(item, tables[item.plan.name])


def _refuse(item: Landed, table: RawTable) -> None:
    plan, owners = item.plan, item.owners
    if len(item.foreign) > MOST_FOREIGN:
        owner = owners[next(iter(item.foreign.values()))]
        raise ValidationError(
            f"{plan.name}: {len(item.foreign):,} of {item.read:,} rows have ids of records that came from "
            f"{owner!r}, and this import says {plan.source!r}. If they are the same records, name the source "
            f"{owner!r}; if not, compose the key of columns that tell the two systems apart."
        )
    header = ", ".join(plan.key) or next((c.header for c in plan.columns if c.to == "id"), "")
    for number, cells in cells_of(table, item.foreign):
        key = item.foreign[number]
        owner = owners[key]
        item.refused.append(
            Refused(
                number,
                header,
                f"the id belongs to a record that came from {owner!r}, not from {plan.source!r}",
                f"If it is the same record, import the file with the source {owner!r}; else give it a key of its own.",
                cells,
                key,
            )
        )


def cells_of(table: RawTable, wanted: Collection[int]) -> list[tuple[int, dict[str, str]]]:
    """Cells as text of some rows of a file, by row number."""
    found = []
    for batch in table.encoded():
        rows = batch.filter(
            pc.is_in(batch.column(SOURCE_ROW), value_set=pa.array(sorted(wanted), pa.int64()))
        )
        for row in rows.to_pylist():
            found.append((row[SOURCE_ROW], {h: row[h] or "" for h in table.columns}))
    return found
