"""A version of the facts loaded into another engine, read through the same :class:`Facts` as the Delta store.

For firms whose analysts live in PostgreSQL or Spark, and for the proof that one expression gives one
answer on every engine. A copy is of one manifest: another one is loaded beside it and takes its place.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.facts.backends.loading import Copy, LoadedSession, Target, shown, target
from salesops.facts.bound import Bound
from salesops.facts.derived_views import Build
from salesops.facts.errors import ManifestMissing
from salesops.facts.lake import MONTH_PART
from salesops.facts.manifests import Manifest
from salesops.facts.rewind import DATA_ON
from salesops.facts.store import CHANGES, Facts, FactStore, canonical_columns
from salesops.facts.tables import TABLES, ColumnType

HIDDEN: dict[str, ColumnType] = {MONTH_PART: "text", DATA_ON: "date"}
"""Columns of the change log that readers do not see and rewinding needs."""

_MARK = "_home"
"""File of a store that tells it from every other one; made with its first copy."""


def load_manifest(store: FactStore, address: str, *, manifest_id: str | None = None) -> LoadedStore:
    """Copy every canonical table of one manifest to an engine.

    Args:
        store: the Delta store.
        address: ``postgresql://user@host:port/database``, or ``spark:///folder?master=...``.
        manifest_id: facts version; the newest where None.

    Raises:
        ManifestMissing: nothing was imported, or there is no such manifest.
        FactsError: a name or value that the engine cannot hold, or an address that is none.
    """
    engine = target(address)
    with store.at(manifest_id=manifest_id) as facts:
        if facts.manifest is None:
            raise ManifestMissing("Nothing has been imported yet.")
        columns = {table: _columns(facts, table) for table in TABLES}
        copy = Copy(
            home=_home(store, make=True),
            manifest_id=facts.manifest.id,
            recorded_at=_recorded(facts.manifest),
            columns=columns,
            stored={t: [c for c in columns[t] if facts.stores(t, c)] for t in TABLES},
            changed=store.changed_fields(facts),
        )
        engine.load(copy, {table: _rows(facts, table) for table in TABLES})
    return LoadedStore(store, engine, address)


def open_loaded(store: FactStore, address: str) -> LoadedStore:
    """The copy at an address, whatever version it is of; raises :class:`FactsError` for an address that is none."""
    return LoadedStore(store, target(address), address)


def _home(store: FactStore, *, make: bool = False) -> str:
    """Name of a store that no other one has: what lies at its place, and the place, since folders are copied whole.

    "" where nothing was ever loaded from it and none is to be made.
    """
    path = store.address / _MARK
    if make and not path.exists():
        with store.lock("home"):
            if not path.exists():
                beside = path.with_name(f"{_MARK}.{uuid.uuid4().hex}.part")
                beside.write_text(uuid.uuid4().hex, encoding="utf-8")
                beside.replace(path)
    try:
        mark = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    return hashlib.sha256(f"{mark} {path.resolve()}".encode()).hexdigest()[:20]


def _recorded(manifest: Manifest) -> str:
    return manifest.recorded_at.astimezone(UTC).isoformat()


def _columns(facts: Facts, table: str) -> dict[str, ColumnType]:
    return facts.columns(table) | (HIDDEN if table == CHANGES else {})


def _rows(facts: Facts, table: str) -> Iterator[pa.RecordBatch]:
    return facts.batches(facts.relation(table, hidden=table == CHANGES).select(*_columns(facts, table)))


class LoadedStore:
    """The facts of one manifest on another engine, opened as a :class:`FactStore` is.

    Args:
        store: the Delta store that it was loaded from: its log of manifests and its address are this one's.
        engine: where the copy is.
        address: of the engine, for messages.

    Attributes:
        keeps_copies: as of a :class:`FactStore`; a loaded manifest never changes and needs none.
    """

    keeps_copies = False

    def __init__(self, store: FactStore, engine: Target, address: str) -> None:
        self.engine = engine.engine
        self.address = store.address
        self.shown = shown(address)
        self.manifests = store.manifests
        self._store = store
        self._target = engine

    @property
    def manifest(self) -> Manifest:
        """What is loaded now; raises as :meth:`newest`."""
        return self.newest()[0]

    def newest(self) -> tuple[Manifest, Copy]:
        """The version that was loaded last, and its copy: to be opened by :meth:`at`.

        Raises:
            ManifestMissing: nothing of this home is loaded, or nothing that this program can read.
            FactsError: the engine can't be reached.
        """
        home = _home(self._store)
        copy = self._target.loaded(home) if home else None
        manifest = self._manifest(copy) if copy is not None else None
        if copy is None or manifest is None:
            raise ManifestMissing(
                f"No facts of this home are loaded at {self.shown}: run `salesops facts load`."
            )
        for table in TABLES:
            if canonical_columns(table).keys() - copy.columns.get(table, {}).keys():
                raise ManifestMissing(
                    f"The facts at {self.shown} were loaded by an earlier program: run `salesops facts load`."
                )
        return manifest, copy

    def _manifest(self, copy: Copy) -> Manifest | None:
        """The version that a copy is of; None where the number is another version's here."""
        try:
            manifest = self.manifests.get(copy.manifest_id)
        except ManifestMissing:
            return None
        return manifest if _recorded(manifest) == copy.recorded_at else None

    @contextmanager
    def at(
        self,
        manifest_id: str | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        *,
        found: tuple[Manifest, Copy] | None = None,
    ) -> Iterator[Facts]:
        """Open the loaded facts, as :meth:`FactStore.at` does.

        Args:
            manifest_id: as there.
            as_of: as there.
            known_at: as there.
            found: what :meth:`newest` gave: the engine is not asked again what it holds, and keeps that copy
                though another one was loaded since.

        Raises:
            ManifestMissing: another manifest than the loaded one is asked for, or none is loaded.
            FactsError: the engine can't be reached.
        """
        manifest, copy = found or self.newest()
        asked = manifest_id
        if asked is None and known_at is not None:
            then = self.manifests.at(known_at)
            asked = then.id if then else None
        if asked is not None and str(asked) != manifest.id:
            raise ManifestMissing(f"{self.engine} holds facts version {manifest.id}, not {asked}.")
        facts = _LoadedFacts(self, manifest, as_of, self._target.session(copy), copy)
        try:
            yield facts
        finally:
            facts.close()

    def changed_fields(self, facts: Facts) -> dict[str, list[str]]:
        """As :meth:`FactStore.changed_fields`: noted at loading, and kept under no number of a Delta version."""
        assert isinstance(facts, _LoadedFacts)
        return {table: list(columns) for table, columns in facts.copy.changed.items()}

    def holds(self, manifest: Manifest) -> bool:
        """Whether a version can be read here."""
        try:
            return self.newest()[0] == manifest
        except ManifestMissing:
            return False

    def close(self) -> None:
        """Nothing is held between readings."""


class _LoadedFacts(Facts):
    """Facts over loaded tables: only how a table is found differs."""

    def __init__(
        self,
        store: LoadedStore,
        manifest: Manifest,
        as_of: datetime | None,
        session: LoadedSession,
        copy: Copy,
    ) -> None:
        super().__init__(store, manifest, as_of, session)  # type: ignore[arg-type]  # the same methods
        self.copy = copy
        self.where = f"{store.engine} {copy.place}"
        self._loaded = session
        self._columns: Mapping[str, Mapping[str, ColumnType]] = copy.columns

    def columns(self, table: str) -> dict[str, ColumnType]:
        hidden = HIDDEN if table == CHANGES else {}
        return {n: k for n, k in self._columns[table].items() if n not in hidden}

    def relation(self, table: str, *, hidden: bool = False) -> ir.Table:
        rows = self._loaded.view(table, self._columns[table])
        return rows if hidden else rows.select(*self.columns(table))

    def use_derived(self, name: str, build: Build, **_: Any) -> ir.Table:
        expr = build(lambda label, rows: self._loaded.constant(f"{label} of {name}", rows))
        return self._loaded.keep(name, expr)

    def use_guarded(self, name: str, build: Callable[[], ir.Table], *, copied: str) -> ir.Table:
        """No view is made of it here: the guarded expression itself is read."""
        return build()

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
        """No query is kept here: bound values become literals of their type."""
        given = values or {}
        node = build().op()
        literals = {one: ibis.literal(given[one.called], one.dtype).op() for one in node.find(Bound)}
        expr = node.replace(literals).to_expr() if literals else node.to_expr()
        if order:
            expr = expr.order_by(
                [(ibis.desc if down else ibis.asc)(name, nulls_first=False) for name, down in order]
            )
        expr = expr if rows is None else expr.limit(rows[0], offset=rows[1])
        return self.execute(expr.select(*only) if only else expr)

    def index_files(self, table: str, column: str) -> None:
        """An engine of its own finds rows its own way."""

    def chosen(self, ids: Sequence[str]) -> ir.Table:
        rows = pa.table({"chosen": pa.array(sorted(ids), pa.string())})
        return self._loaded.constant(f"chosen {sorted(ids)}", rows)

    def stores(self, table: str, column: str) -> bool:
        return self.version(table) is not None and column in self.copy.stored.get(table, ())

    def id_list(self, ids: frozenset[str]) -> ir.Table:
        rows = pa.table({"listed": pa.array(sorted(ids), pa.string())})
        return self._loaded.constant(f"ids {sorted(ids)}", rows)


__all__ = ["Copy", "LoadedStore", "load_manifest", "open_loaded", "shown"]
