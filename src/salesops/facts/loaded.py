"""A manifest's tables loaded into PostgreSQL, read through the same :class:`Facts` as the Delta store.

For firms whose analysts live in PostgreSQL, and for the proof that one expression gives one
answer on every engine. The copy is of one manifest: loading again replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.facts.backends.postgresql import PostgresSession, load
from salesops.facts.bound import Bound
from salesops.facts.derived_views import Build
from salesops.facts.errors import ManifestMissing
from salesops.facts.lake import MONTH_PART
from salesops.facts.manifests import Manifest
from salesops.facts.rewind import DATA_ON
from salesops.facts.store import CHANGES, Facts, FactStore
from salesops.facts.tables import TABLES, ColumnType

HIDDEN: dict[str, ColumnType] = {MONTH_PART: "text", DATA_ON: "date"}
"""Columns of the change log that readers do not see and rewinding needs."""


def load_manifest(
    store: FactStore, address: str, schema: str, *, manifest_id: str | None = None
) -> LoadedStore:
    """Copy every canonical table of one manifest into a PostgreSQL schema.

    Args:
        store: the Delta store.
        address: ``postgresql://user@host:port/database``.
        schema: schema to fill; what it held is replaced in one transaction.
        manifest_id: facts version; the newest where None.

    Raises:
        ManifestMissing: nothing was imported.
        FactsError: a name or value that PostgreSQL cannot hold.
    """
    with store.at(manifest_id=manifest_id) as facts:
        if facts.manifest is None:
            raise ManifestMissing("Nothing has been imported yet.")
        columns = {table: _columns(facts, table) for table in TABLES}
        load(address, schema, {table: (columns[table], _rows(facts, table)) for table in TABLES})
        return LoadedStore(store, facts.manifest, address, schema, columns)


def _columns(facts: Facts, table: str) -> dict[str, ColumnType]:
    return facts.columns(table) | (HIDDEN if table == CHANGES else {})


def _rows(facts: Facts, table: str) -> Iterator[pa.RecordBatch]:
    return facts.batches(facts.relation(table, hidden=table == CHANGES).select(*_columns(facts, table)))


class LoadedStore:
    """The facts of one manifest in PostgreSQL, opened as a :class:`FactStore` is.

    Attributes:
        manifest: what was loaded.
        address: the database.
        keeps_copies: as of a :class:`FactStore`; a loaded manifest never changes and needs none.
    """

    keeps_copies = False

    def __init__(
        self,
        store: FactStore,
        manifest: Manifest,
        address: str,
        schema: str,
        columns: Mapping[str, Mapping[str, ColumnType]],
    ) -> None:
        self.manifest = manifest
        self.manifests = store.manifests
        self.address = address
        self.schema = schema
        self._store = store
        self._columns = columns

    @contextmanager
    def at(
        self, manifest_id: str | None = None, as_of: datetime | None = None, known_at: datetime | None = None
    ) -> Iterator[Facts]:
        """Open the loaded facts, as :meth:`FactStore.at` does.

        Raises:
            ManifestMissing: another manifest than the loaded one is asked for.
        """
        asked = manifest_id
        if asked is None and known_at is not None:
            found = self.manifests.at(known_at)
            asked = found.id if found else None
        if asked is not None and str(asked) != str(self.manifest.id):
            message = f"PostgreSQL holds facts version {self.manifest.id}, not {asked}."
            raise ManifestMissing(message)
        facts = _LoadedFacts(self, as_of, PostgresSession(self.address, self.schema))
        try:
            yield facts
        finally:
            facts.close()

    def changed_fields(self, facts: Facts) -> dict[str, list[str]]:
        """As :meth:`FactStore.changed_fields`: the loaded log is the manifest's."""
        return self._store.changed_fields(facts)

    def columns_of(self, table: str) -> Mapping[str, ColumnType]:
        """Every loaded column of a table, hidden ones included."""
        return self._columns[table]

    def close(self) -> None:
        """Nothing is held between readings."""


class _LoadedFacts(Facts):
    """Facts over loaded tables: only how a table is found differs."""

    def __init__(self, store: LoadedStore, as_of: datetime | None, session: PostgresSession) -> None:
        super().__init__(store, store.manifest, as_of, session)  # type: ignore[arg-type]  # the same methods
        self._loaded = store
        self._postgres = session

    def columns(self, table: str) -> dict[str, ColumnType]:
        hidden = HIDDEN if table == CHANGES else {}
        return {n: k for n, k in self._loaded.columns_of(table).items() if n not in hidden}

    def relation(self, table: str, *, hidden: bool = False) -> ir.Table:
        rows = self._postgres.view(table, self._loaded.columns_of(table))
        return rows if hidden else rows.select(*self.columns(table))

    def use_derived(self, name: str, build: Build, **_: Any) -> ir.Table:
        return build(lambda label, rows: self._postgres.constant(f"{label} of {name}", rows))

    def use_guarded(self, name: str, build: Callable[[], ir.Table], *, copied: bool) -> ir.Table:
        """No view is made of it here: the guarded expression itself is read."""
        return build()

    def execute_known(
        self,
        key: Hashable,
        build: Callable[[], ir.Table],
        *,
        values: Mapping[str, Any] | None = None,
        over: ir.Table | None = None,
        rows: tuple[int, int] | None = None,
        holding: tuple[str, str, str] | None = None,
    ) -> pa.Table:
        """No query is kept here: bound values become literals of their type."""
        given = values or {}
        node = build().op()
        literals = {one: ibis.literal(given[one.called], one.dtype).op() for one in node.find(Bound)}
        expr = node.replace(literals).to_expr() if literals else node.to_expr()
        return self.execute(expr if rows is None else expr.limit(rows[0], offset=rows[1]))

    def chosen(self, ids: Sequence[str]) -> ir.Table:
        return self.id_list(frozenset(ids)).rename(chosen="listed")

    def stores(self, table: str, column: str) -> bool:
        return self.version(table) is not None and column in self._loaded.columns_of(table)

    def id_list(self, ids: frozenset[str]) -> ir.Table:
        rows = pa.table({"listed": pa.array(sorted(ids), pa.string())})
        return self._postgres.constant(f"ids {sorted(ids)}", rows)
