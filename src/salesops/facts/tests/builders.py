"""Small typed files for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from salesops.facts import FactStore, Incoming, MemoryManifests, MergeReport, Scope
from salesops.facts.columntypes import ARROW
from salesops.facts.merge import merge
from salesops.facts.tables import TABLES

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
EVERYTHING = Scope.all()


def day(number: int) -> date:
    return date(2017, 1, 1) + timedelta(days=number - 1)


def end_of(number: int) -> datetime:
    return datetime.combine(day(number), time(23, 59, 59), tzinfo=UTC)


def arrow(table: str, rows: Sequence[Mapping[str, Any]], extras: Mapping[str, Any] | None = None) -> pa.Table:
    """Rows with the canonical types of their columns; ``extras`` gives the column types of x_ columns."""
    names: list[str] = list(dict.fromkeys(name for row in rows for name in row))
    kinds = {n: ARROW[c.type] for n, c in TABLES[table].by_name.items()}
    kinds |= {"source_row": pa.int64(), "implied": pa.bool_()}
    kinds |= {n: ARROW[k] for n, k in (extras or {}).items()}
    return pa.table(
        {n: pa.array([row.get(n) for row in rows], kinds.get(n, pa.string())) for n in names or ["id"]}
    )


class Shop:
    """A store and a counter of imports."""

    def __init__(self, folder: Path) -> None:
        self.store = FactStore(folder, MemoryManifests())
        self.imports = 0
        self.clock = 0

    def take(
        self,
        on: int,
        rows: Sequence[Mapping[str, Any]],
        *,
        table: str = "opportunities",
        extras: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> MergeReport:
        """Merge one file of the day of that number."""
        self.imports += 1
        incoming = Incoming(
            table, arrow(table, rows, extras), ("id",), day(on), "crm", f"import-{self.imports}", **more
        )
        return self.merge([incoming])

    def merge(self, incoming: Sequence[Incoming], **more: Any) -> MergeReport:
        self.clock += 1
        return merge(self.store, incoming, recorded_at=EPOCH + timedelta(hours=self.clock), **more)

    def rows(
        self, columns: Iterable[str], *, table: str = "opportunities", scope: Scope = EVERYTHING, **at: Any
    ) -> list[tuple[Any, ...]]:
        """Selected columns of a table, ordered by id."""
        with self.store.at(**at) as facts:
            read = facts.read(table, scope)
            found = facts.execute(read.order_by("id").select(*columns))
        return [tuple(row.values()) for row in found.to_pylist()]

    def log(self, *, scope: Scope = EVERYTHING, **at: Any) -> list[tuple[Any, ...]]:
        """(object_id, field, old, new, valid_at) in order."""
        with self.store.at(**at) as facts:
            changes = facts.changes(scope).order_by("object_id", "field", "valid_at")
            found = facts.execute(changes.select("object_id", "field", "old", "new", "valid_at"))
        return [tuple(row.values()) for row in found.to_pylist()]


def midnight(number: int) -> datetime:
    return datetime.combine(day(number), time(), tzinfo=UTC)
