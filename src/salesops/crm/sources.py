"""Two systems in one house: an id belongs to the system that brought its record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.core.exceptions import ValidationError

from salesops.crm.engine.assemble import SOURCE_ROW, Refused
from salesops.crm.files import RawTable
from salesops.crm.landing import GROUP_ROWS, Landed
from salesops.crm.plans import RECORDS
from salesops.facts.scope import Scope
from salesops.facts.store import Facts
from salesops.platform.store import fact_store

IMPLIED = "implied"
"""Source of records that only a name stands for: whoever describes them takes them over."""

MOST_FOREIGN = 1_000
"""Rows with another system's ids that go to quarantine; with more of them the whole import is at fault."""


def refuse_foreign(landed: Sequence[Landed], tables: Mapping[str, RawTable]) -> None:
    """Take rows out of landed files whose id belongs to a record of another source; they are refused.

    Two systems number their records alike. Rows of the one must not be written over the other's.

    Raises:
        ValidationError: so many rows are concerned that the source was most likely misnamed.
    """
    with fact_store().at() as facts:
        for item in landed:
            if item.plan.kind != RECORDS or item.path is None or facts.version(item.plan.table) is None:
                continue
            owners = _others(facts, item.plan.table, item.plan.source)
            if owners:
                _refuse(item, owners, tables[item.plan.name])


def _others(facts: Facts, table: str, source: str) -> dict[str, str]:
    """Id -> source of a table's records that other systems brought."""
    rows = facts.read(table, Scope.all(), deleted=True).select("id", "source", "implied")
    rows = rows.filter(~rows.source.isin([source, IMPLIED]) & ~rows.implied.fill_null(False))
    found = facts.execute(rows.select("id", "source"))
    return dict(zip(found["id"].to_pylist(), found["source"].to_pylist(), strict=True))


def _refuse(item: Landed, owners: Mapping[str, str], table: RawTable) -> None:
    path = item.path
    assert path is not None  # the caller saw to it
    keys = pq.read_table(path, columns=["id", SOURCE_ROW])
    foreign = keys.filter(pc.is_in(keys["id"], value_set=pa.array(list(owners), pa.string())))
    if not foreign.num_rows:
        return
    plan = item.plan
    if foreign.num_rows > MOST_FOREIGN:
        owner = owners[foreign["id"][0].as_py()]
        raise ValidationError(
            f"{plan.name}: {foreign.num_rows:,} of {keys.num_rows:,} rows have ids of records that came from "
            f"{owner!r}, and this import says {plan.source!r}. If they are the same records, name the source "
            f"{owner!r}; if not, compose the key of columns that tell the two systems apart."
        )
    header = ", ".join(plan.key) or next((c.header for c in plan.columns if c.to == "id"), "")
    numbers = dict(zip(foreign[SOURCE_ROW].to_pylist(), foreign["id"].to_pylist(), strict=True))
    for number, cells in cells_of(table, numbers):
        owner = owners[numbers[number]]
        item.refused.append(
            Refused(
                number,
                header,
                f"the id belongs to a record that came from {owner!r}, not from {plan.source!r}",
                f"If it is the same record, import the file with the source {owner!r}; else give it a key of its own.",
                cells,
                numbers[number],
            )
        )
    item.path = _without(path, set(foreign["id"].to_pylist()))


def cells_of(table: RawTable, wanted: Collection[int]) -> list[tuple[int, dict[str, str]]]:
    """Cells as text of some rows of a file, by row number."""
    found = []
    for batch in table.batches():
        rows = batch.filter(
            pc.is_in(batch.column(SOURCE_ROW), value_set=pa.array(sorted(wanted), pa.int64()))
        )
        for row in rows.to_pylist():
            found.append((row[SOURCE_ROW], {h: row[h] or "" for h in table.columns}))
    return found


def _without(path: Path, ids: set[str]) -> Path:
    source = pq.ParquetFile(path)
    target = path.with_suffix(".own.parquet")
    gone = pa.array(sorted(ids), pa.string())
    with pq.ParquetWriter(target, source.schema_arrow, compression="lz4") as writer:
        for batch in source.iter_batches(batch_size=GROUP_ROWS):
            own = batch.filter(pc.invert(pc.is_in(batch.column("id"), value_set=gone)))
            if own.num_rows:
                writer.write_table(pa.Table.from_batches([own]), row_group_size=GROUP_ROWS)
    return target
