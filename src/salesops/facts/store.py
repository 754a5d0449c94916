"""The fact store: open it, read one consistent state of it.

``FactStore`` stands on a folder of Delta tables and a manifest log. ``store.at(...)`` gives a
:class:`Facts`: one manifest, one instant if asked, one cursor. Reading is lazy: ``read``
returns an Ibis table that carries row security; ``execute`` runs what was built on it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from salesops.core.lately import Lately
from salesops.facts import rewind, sightings, visibility
from salesops.facts.backends import Engine, Session
from salesops.facts.backends.duckdb import relation_sql
from salesops.facts.copies import Kind
from salesops.facts.derived_views import Build, DerivedViews, Held
from salesops.facts.errors import DataMissing, FactsError, UnknownTable
from salesops.facts.file_index import FileIndex, Holding
from salesops.facts.guards import Guard, Guards, Made
from salesops.facts.lake import MONTH_PART, Snapshot, open_snapshot
from salesops.facts.locks import FileLock
from salesops.facts.manifests import Manifest, ManifestLog
from salesops.facts.newest import Newest
from salesops.facts.scope import Scope
from salesops.facts.sightings import SEEN, SIGHTINGS_TABLE, Seen
from salesops.facts.tables import EXTRA_PREFIX, SYSTEM_COLUMNS, TABLES, ColumnType

CHANGES = "changes"
_KEPT_VIEWS = 64


def canonical_columns(table: str) -> dict[str, ColumnType]:
    """Columns of a canonical table as readers see them, without a company's extras."""
    if table not in TABLES:
        raise UnknownTable(f"There is no fact table {table!r}. Known: {', '.join(TABLES)}.")
    columns = {c.name: c.type for c in TABLES[table].columns}
    if table != CHANGES:
        columns |= {c.name: c.type for c in SYSTEM_COLUMNS}
    return columns


class FactStore:
    """The fact tables of one organisation.

    Args:
        address: folder of the store; created by the first merge.
        manifests: the log that names consistent versions.
        memory_limit: for readers of this process, such as ``"2GB"``; the engine's default when empty.
        merge_memory: memory of one merge's workbench; what does not fit is spilled to disk.

    Attributes:
        keeps_copies: whether derived relations that many ask for are copied into the engine's own
            format: for processes that serve many questions. Set before the first reader.
    """

    def __init__(
        self,
        address: str | Path,
        manifests: ManifestLog,
        *,
        memory_limit: str = "",
        merge_memory: str = "900MB",
    ) -> None:
        self.address = Path(address).expanduser().absolute()
        self.manifests = manifests
        self.memory_limit = memory_limit
        self.merge_memory = merge_memory
        self.keeps_copies = False
        self.newest = Newest()
        self._engine: Engine | None = None
        self._lock = threading.RLock()
        self._snapshots: dict[tuple[str, int | None], Snapshot] = {}
        self._seen: dict[int, dict[str, Seen]] = {}
        self._changed: Lately[int, dict[str, list[str]]] = Lately(8)
        self._views: dict[str, int] = {}
        self._derived = DerivedViews()
        self._lists = DerivedViews()
        self._guards = Guards()
        self._index = FileIndex()

    def folder(self, table: str) -> Path:
        """The folder of one table."""
        return self.address / table

    def lock(self, name: str, *, timeout: float = 600.0) -> FileLock:
        """The writers' lock of that name (a table's, or ``commit``)."""
        return FileLock(self.address / "_locks" / f"{name}.lock", timeout=timeout)

    def snapshot(self, table: str, version: int | None) -> Snapshot:
        """Files and columns of a table's version; remembered, since versions never change."""
        with self._lock:
            known = self._snapshots.get((table, version))
            if known is None:
                partitioned = table in TABLES and bool(TABLES[table].month)
                known = open_snapshot(self.folder(table), version, partitioned=partitioned)
                self._snapshots[table, version] = known
                while len(self._snapshots) > 4 * len(TABLES):
                    self._snapshots.pop(next(iter(self._snapshots)))
            return known

    def seen(self, version: int | None) -> dict[str, Seen]:
        """Sightings of every table at a version of the internal table."""
        if version is None:
            return {}
        with self._lock:
            if version not in self._seen:
                snapshot = self.snapshot(SIGHTINGS_TABLE, version)
                parts = [pq.read_table(path, schema=sightings.SCHEMA) for path in snapshot.paths]
                self._seen[version] = sightings.load(
                    pa.concat_tables(parts) if parts else sightings.SCHEMA.empty_table()
                )
                while len(self._seen) > 8:
                    self._seen.pop(next(iter(self._seen)))
            return self._seen[version]

    @contextmanager
    def at(
        self,
        manifest_id: str | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Iterator[Facts]:
        """Open the facts, with a cursor of their own, for one thread.

        Args:
            manifest_id: the state a run was pinned to; the latest when None.
            as_of: records and values as they stood in the source at this aware instant.
            known_at: the newest manifest recorded by this instant: what a screen said then.

        Raises:
            ManifestMissing: no such manifest.
        """
        if as_of is not None and as_of.tzinfo is None:
            raise FactsError("as_of needs a time zone: a day alone does not say when it ends.")
        if manifest_id is not None:
            manifest: Manifest | None = self.manifests.get(manifest_id)
        elif known_at is not None:
            manifest = self.manifests.at(known_at)
        else:
            manifest = self.manifests.latest()
        facts = Facts(self, manifest, as_of, self._open_engine().session())
        try:
            yield facts
        finally:
            facts.close()

    def holds(self, manifest: Manifest) -> bool:
        """Whether every file of a manifest is still there: clean-up removes those that nothing holds on to."""
        for table, version in manifest.versions.items():
            try:
                open_snapshot(
                    self.folder(table), version, partitioned=table in TABLES and bool(TABLES[table].month)
                )
            except DataMissing:
                return False
        return True

    def close(self) -> None:
        """Close the process's reader; the store can be opened again afterwards."""
        self.newest.forget()
        self._derived.clear()
        self._lists.clear()
        self._guards.clear()
        self._index.clear()
        with self._lock:
            if self._engine is not None:
                self._engine.close()
            self._engine = None
            self._views.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def free_bytes(self) -> int:
        """Free space on the disk that holds the store."""
        folder = self.address
        while not folder.exists():
            folder = folder.parent
        return shutil.disk_usage(folder).free

    def _open_engine(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = Engine(self.address, memory_limit=self.memory_limit, copies=self.keeps_copies)
            return self._engine

    def use_view(self, table: str, manifest: Manifest | None) -> _View:
        """The engine's view over a table at a manifest, defined when new and held until released."""
        versions: Mapping[str, int] = manifest.versions if manifest else {}
        snapshot = self.snapshot(table, versions.get(table))
        marks = _marks(snapshot, versions)
        name = f"{table} {snapshot.version} {marks}"
        columns = reader_columns(table, snapshot)
        hidden = _hidden(table, snapshot)
        with self._lock:
            if name not in self._views:
                self._open_engine().define(name, self._select(table, snapshot, marks))
            self._views[name] = self._views.pop(name, 0) + 1
        return _View(name, columns, hidden)

    def _select(
        self, table: str, snapshot: Snapshot, marks: int | None, holding: Holding | None = None
    ) -> str:
        """SQL of what a table's view gives, over all its files or over some."""
        hidden = _hidden(table, snapshot)
        columns, paths = dict(snapshot.columns), snapshot.paths
        if holding is not None:
            columns = {name: kind for name, kind in columns.items() if name in holding.columns}
            paths = list(holding.paths)
        derived = _derived(table, self.seen(marks)) if SEEN in columns else {}
        physical = columns | hidden
        wanted = reader_columns(table, snapshot) | hidden
        return relation_sql(paths, physical, wanted, partitioned=snapshot.partitioned, derived=derived)

    def index_files(self, table: str, column: str, manifest: Manifest, session: Session) -> None:
        """Remember which files hold which values of a column, where this process keeps copies."""
        version = manifest.versions.get(table)
        if self.keeps_copies and version is not None:
            self._index.prepare(session, table, column, self.snapshot(table, version))

    def select_holding(
        self, table: str, column: str, values: Sequence[str], manifest: Manifest, session: Session
    ) -> str | None:
        """SQL of a table's view over those files alone that can hold some values; None where that is not known."""
        snapshot = self.snapshot(table, manifest.versions.get(table))
        holding = self._index.holding(session, table, column, values, snapshot)
        if holding is None:
            return None
        return self._select(table, snapshot, _marks(snapshot, manifest.versions), holding)

    def release_view(self, name: str) -> None:
        """One reader less; views nobody holds are dropped, oldest first, beyond a number."""
        with self._lock:
            if name in self._views:
                self._views[name] -= 1
            idle = [n for n, users in self._views.items() if users <= 0]
            for old in idle[: max(0, len(self._views) - _KEPT_VIEWS)]:
                del self._views[old]
                if self._engine is not None:
                    self._engine.drop(old)

    def derived_relation(
        self, name: str, build: Build, session: Session, held: Held, copied: Kind | None, wait: float
    ) -> ir.Table:
        """A derived relation, defined when first asked for and held until released; ``copied``: see ``copies``."""
        engine = self._open_engine()
        relation = self._derived.use(engine, session, name, build, lambda: self._hold(held()))
        if copied is None or not self.keeps_copies:
            return relation
        return self._derived.copy(engine, session, name, copied, self.release_derived, wait)

    def copied(self) -> list[str]:
        """Derived relations that are read from native copies, oldest first."""
        return self._derived.copied()

    def _hold(self, names: Sequence[str]) -> tuple[str, ...]:
        """Keep views for a derived relation that is made of them."""
        with self._lock:
            for name in names:
                self._views[name] += 1
        return tuple(names)

    def release_derived(self, name: str) -> None:
        """One reader of a derived relation less."""
        for view in self._derived.release(self._engine, name):
            self.release_view(view)

    def use_guard(self, name: str, session: Session, build: Callable[[], Made]) -> Guard:
        """A guarded relation, defined when first asked for and held until released."""
        return self._guards.use(self._open_engine(), session, name, build)

    def read_guard(self, name: str, session: Session, *, copied: str) -> ir.Table:
        """A guarded relation that the caller holds; ``copied`` as in :meth:`Facts.use_guarded`."""
        return self._guards.read(self._open_engine(), session, name, copied=copied)

    def release_guard(self, name: str) -> None:
        """One reader of a guarded relation less."""
        self._guards.release(self._engine, name)

    def listed(self, name: str, ids: frozenset[str], session: Session) -> ir.Table:
        """A list of ids as a relation, kept until released; apart from derived relations, which cost more."""

        def build(constant: Callable[[str, pa.Table], ir.Table]) -> ir.Table:
            return constant("list", pa.table({"listed": pa.array(sorted(ids), pa.string())}))

        return self._lists.use(self._open_engine(), session, name, build, lambda: ())

    def release_list(self, name: str) -> None:
        """One reader of a list less."""
        self._lists.release(self._engine, name)

    def changed_fields(self, facts: Facts) -> dict[str, list[str]]:
        """Object -> fields that occur in its change log, at the facts' manifest."""
        version = facts.version(CHANGES)
        if version is None:
            return {}
        known = self._changed.get(version, None)
        if known is not None:
            return known
        log = facts.relation(CHANGES)
        pairs = facts.execute(log.select("object", "field").distinct()).to_pylist()
        found: dict[str, list[str]] = {}
        for pair in pairs:
            found.setdefault(pair["object"], []).append(pair["field"])
        return self._changed.keep(version, {name: sorted(fields) for name, fields in sorted(found.items())})


@dataclass(frozen=True)
class _View:
    name: str
    columns: dict[str, ColumnType]
    hidden: dict[str, ColumnType]


def reader_columns(table: str, snapshot: Snapshot) -> dict[str, ColumnType]:
    """Canonical and system columns, then the company's extras at that version."""
    columns = canonical_columns(table)
    extras = {n: k for n, k in snapshot.columns.items() if n.startswith(EXTRA_PREFIX) and n not in columns}
    return columns | extras


def _marks(snapshot: Snapshot, versions: Mapping[str, int]) -> int | None:
    """Version of the sightings that a table's view rests on."""
    return versions.get(SIGHTINGS_TABLE) if SEEN in snapshot.columns else None


def _hidden(table: str, snapshot: Snapshot) -> dict[str, ColumnType]:
    """Columns of a table's view that readers do not see."""
    hidden: dict[str, ColumnType] = {}
    if snapshot.partitioned:
        hidden[MONTH_PART] = "text"
    if rewind.DATA_ON in snapshot.columns or table == CHANGES:
        hidden[rewind.DATA_ON] = "date"
    return hidden


def _derived(table: str, seen: Mapping[str, Seen]) -> dict[str, str]:
    """SQL of the columns that are worked out from a row's set of sightings."""
    own = seen.get(table, Seen())
    return {
        "first_seen_on": sightings.day_list_sql(own, last=False),
        "last_seen_on": sightings.day_list_sql(own, last=True),
    }


class Facts:
    """One consistent state of the facts, read by one thread.

    Attributes:
        manifest: the state, None while nothing was ever merged.
        as_of: the instant records are shown as of, None for as last known.
        where: names the engine and copy that is read, "" for the Delta store: a part of every key of kept answers.
    """

    where = ""

    def __init__(
        self, store: FactStore, manifest: Manifest | None, as_of: datetime | None, session: Session
    ) -> None:
        self.manifest = manifest
        self.as_of = as_of
        self._store = store
        self._session = session
        self._held: dict[str, _View] = {}
        self._held_derived: set[str] = set()
        self._held_lists: dict[frozenset[str], ir.Table] = {}
        self._list_names: set[str] = set()
        self._held_guards: set[str] = set()
        self._noted: tuple[set[str], set[frozenset[str]]] | None = None

    def version(self, table: str) -> int | None:
        """The table's Delta version in this manifest, None if it was never written."""
        return self.manifest.versions.get(table) if self.manifest else None

    def stores(self, table: str, column: str) -> bool:
        """Whether any file of the table, in this manifest, carried a column."""
        version = self.version(table)
        return version is not None and column in self._store.snapshot(table, version).columns

    def tables(self) -> list[str]:
        """Canonical tables that hold something, in the order of their declaration."""
        return [name for name in TABLES if self.version(name) is not None]

    def columns(self, table: str) -> dict[str, ColumnType]:
        """Column -> type, canonical and system columns first, then the company's own."""
        return dict(self._view(table).columns)

    def read(self, table: str, scope: Scope, *, deleted: bool = False, later: bool = False) -> ir.Table:
        """The rows of a table a reader may see: every canonical, system and extra column, typed.

        Args:
            table: canonical table name.
            scope: what the reader may see; masked columns come back null.
            deleted: include records that a complete file no longer held.
            later: with ``as_of``, include records that were first known after it, as they were then:
                what a record refers to is looked up whether or not its own file came later.
        """
        if table == CHANGES:
            return self.changes(scope)
        rows = visibility.visible(self, table, scope, deleted=deleted, later=later)
        return visibility.masked(table, rows, scope)

    def changes(self, scope: Scope, object: str | None = None) -> ir.Table:  # noqa: A002 - the column's name
        """The change log of records the reader may see, of one table when ``object`` is given.

        With ``as_of`` set, changes after that instant are left out.
        """
        return visibility.visible_changes(self, scope, object)

    def execute(self, expr: ir.Expr) -> pa.Table:
        """Run an expression built on :meth:`read`; raises :class:`QueryFailed`."""
        return self._session.execute(expr)

    def execute_known(
        self,
        key: Hashable,
        build: Callable[[], ir.Table],
        *,
        values: Mapping[str, Any] | None = None,
        over: ir.Table | None = None,
        order: Sequence[tuple[str, bool]] = (),
        only: Sequence[str] = (),
        rows: tuple[int, int] | None = None,
        holding: tuple[str, str, Sequence[str]] | None = None,
    ) -> pa.Table:
        """Run an expression that a key stands for: it is built and compiled only where the key is new.

        Args:
            key: names everything the expression is made of: above all the relations it reads (as
                ``relation.op()``), which hold the reader's scope. No value of a reader may stand in the
                expression as a literal unless the key holds it too.
            build: gives the expression.
            values: what its values made by :func:`salesops.facts.bound.bound` are this time.
            over: a relation that need not be in the key: the query is kept for all with the same columns.
            order: columns to order by and whether each descends, nulls last: need not be in the key either.
            only: the columns wanted, where not all are: need not be in the key either.
            rows: how many rows, after how many, of an expression in order; all of them where it is None.
            holding: (table, column, values): of that table the expression takes rows with these values alone,
                so files that hold none need not be read.
        """
        instead: dict[str, str] = {}
        if holding is not None and self.manifest is not None:
            select = self._store.select_holding(*holding, self.manifest, self._session)
            if select is not None:
                instead[self._view(holding[0]).name] = select
        return self._session.execute_known(
            key, build, values=values, over=over, order=order, only=only, rows=rows, instead=instead
        )

    def index_files(self, table: str, column: str) -> None:
        """Have ``execute_known`` know what files hold a value of a column, in a process that serves many questions."""
        if self.manifest is not None:
            self._store.index_files(table, column, self.manifest, self._session)

    def sql(self, expr: ir.Expr) -> str:
        """The query an expression compiles to, for a reader who wants to check it."""
        return self._session.sql(expr)

    def batches(self, expr: ir.Expr, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """Stream an expression's rows."""
        return self._session.batches(expr, rows)

    def interrupt(self) -> None:
        """Stop the running query, from another thread (a time limit, a reader who left)."""
        self._session.interrupt()

    def close(self) -> None:
        """Release cursor and views; ``store.at`` does it."""
        self._session.close()
        for view in self._held.values():
            self._store.release_view(view.name)
        self._held.clear()
        for name in self._held_derived:
            self._store.release_derived(name)
        self._held_derived.clear()
        for name in self._list_names:
            self._store.release_list(name)
        for name in self._held_guards:
            self._store.release_guard(name)
        self._held_lists.clear()
        self._list_names.clear()
        self._held_guards.clear()

    def id_list(self, ids: frozenset[str]) -> ir.Table:
        """Ids as a relation of one column ``listed``, to join to: a long list of literals compiles slowly."""
        if self._noted is not None:
            self._noted[1].add(ids)
        if ids not in self._held_lists:
            name = f"ids {hashlib.sha256(json.dumps(sorted(ids)).encode()).hexdigest()}"
            self._held_lists[ids] = self._store.listed(name, ids, self._session)
            self._list_names.add(name)
        return self._held_lists[ids]

    def use_derived(
        self, name: str, build: Build, *, copied: Kind | None = None, wait: float = 0.0
    ) -> ir.Table:
        """A derived relation over all rows, unguarded: for :func:`salesops.facts.derived.derived` alone."""
        relation = self._store.derived_relation(
            name, build, self._session, lambda: [view.name for view in self._held.values()], copied, wait
        )
        if name in self._held_derived:
            self._store.release_derived(name)
        self._held_derived.add(name)
        return relation

    def use_guarded(self, name: str, build: Callable[[], ir.Table], *, copied: str) -> ir.Table:
        """A guarded relation, its guard compiled once: for :func:`salesops.facts.derived.derived` alone.

        Args:
            name: stands for the relation that is guarded and for the whole scope.
            build: gives the guarded expression.
            copied: column in whose order the relation's copy stands, where a reader's few rows are worth one; or "".
        """

        def made() -> Made:
            self._noted = (set(), set())
            try:
                expr = build()
                return expr, tuple(sorted(self._noted[0])), tuple(self._noted[1])
            finally:
                self._noted = None

        if name in self._held_guards:
            return self._store.read_guard(name, self._session, copied=copied)
        guard = self._store.use_guard(name, self._session, made)
        self._held_guards.add(name)
        for table in guard.tables:
            self._view(table)
        for ids in guard.lists:
            self.id_list(ids)
        return self._store.read_guard(name, self._session, copied=copied)

    def chosen(self, ids: Sequence[str]) -> ir.Table:
        """Some ids as a relation of one column ``chosen``, to join to: the query is the same for any of them."""
        return self._session.chosen(ids)

    def compile(self, expr: ir.Table) -> str:
        """The engine's SQL of an expression, for people to read."""
        return self._session.compile(expr)

    def state(self, table: str, columns: set[str] | None = None, *, later: bool = False) -> ir.Table:
        """Every record with its values at ``as_of``, deleted ones included, no row security.

        For this room and its tests; everybody else goes through :meth:`read`.
        """
        current = self.relation(table)
        if self.as_of is None or table == CHANGES:
            return current
        fields = self.changed_fields(table)
        kinds = self.columns(table)
        wanted = {f: kinds[f] for f in fields if f in kinds and (columns is None or f in columns)}
        known = current if later else rewind.known_by(current, self.as_of)
        if not wanted:
            return known
        return rewind.rewound(table, known, self.relation(CHANGES, hidden=True), wanted, self.as_of)

    def changed_fields(self, table: str) -> list[str]:
        """Columns of a table that have change rows."""
        return self._store.changed_fields(self).get(table, [])

    def changed_objects(self) -> list[str]:
        """Tables that have change rows."""
        return list(self._store.changed_fields(self))

    def relation(self, table: str, *, hidden: bool = False) -> ir.Table:
        """A table as last known, no row security; with the month partition when ``hidden``."""
        view = self._view(table)
        relation = self._session.view(view.name, view.columns | view.hidden)
        return relation if hidden else relation.select(*view.columns)

    def _view(self, table: str) -> _View:
        if self._noted is not None:
            self._noted[0].add(table)
        if table not in self._held:
            canonical_columns(table)  # raises UnknownTable with the list of tables
            self._held[table] = self._store.use_view(table, self.manifest)
        return self._held[table]
