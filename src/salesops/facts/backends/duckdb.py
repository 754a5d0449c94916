# ruff: noqa: S608 - statements are composed of quoted names, typed literals and numbers of our own
"""DuckDB as reader of the fact tables.

An :class:`Engine` per process reads published files inside a sandbox and hands out one cursor per
:class:`Session` (a shared connection returns wrong results in silence). The workbench of a merge
(``workbench.py``) is another database, that never mixes with it.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import uuid
from array import array
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.duckdb import Backend
from ibis.backends.duckdb.converter import DuckDBPyArrowData
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler

from salesops.facts.backends.compiled import MARK, Compiled, Known
from salesops.facts.bound import carried
from salesops.facts.columntypes import SQL, ibis_schema
from salesops.facts.errors import MemorySpent, QueryFailed
from salesops.facts.locks import process_alive
from salesops.facts.tables import ColumnType

_log = logging.getLogger(__name__)
VIEWS = "facts"
"""Schema that holds the views over published files."""

COPIES = "copies"
"""Database of native copies, private to one engine and removed with it."""


class _Compiler(DuckDBCompiler):
    """Ibis's compiler, which also knows values that are bound when the query runs."""

    __slots__ = ()

    def visit_Bound(self, op: Any, *, dtype: dt.DataType, called: str) -> Any:  # noqa: N802 - Ibis's naming
        """A named place in the query."""
        return self.cast(sge.Placeholder(this=called), dtype)


class _SessionBackend(Backend):  # type: ignore[misc,unused-ignore]  # ibis ships no types
    """Ibis over a cursor of a locked database: the settings were made before the lock."""

    compiler = _Compiler()
    engine = ""
    """Names the engine: expressions of two sessions of one engine that say the same are equal."""

    @property
    def db_identity(self) -> str:
        return self.engine

    def _post_connect(self, extensions: Sequence[str] | None = None) -> None:
        self._record_batch_readers_consumed: dict[str, bool] = {}


class Session:
    """One reader's own cursor. Not for use by two threads at once, except :meth:`interrupt`."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, compiled: Compiled) -> None:
        self._cursor = cursor
        self._compiled = compiled
        self._given = 0
        self.ibis = _SessionBackend.from_connection(cursor)
        self.ibis.engine = compiled.engine

    def view(self, name: str, columns: Mapping[str, ColumnType]) -> ir.Table:
        """A published view as an Ibis table, without asking the engine for its schema."""
        where = ops.Namespace(catalog="memory", database=VIEWS)
        return ops.DatabaseTable(name, ibis_schema(dict(columns)), self.ibis, where).to_expr()

    def relation(self, name: str, schema: sch.Schema) -> ir.Table:
        """A view or kept table of the engine as an Ibis table of a known schema."""
        where = ops.Namespace(catalog="memory", database=VIEWS)
        return ops.DatabaseTable(name, schema, self.ibis, where).to_expr()

    def copy(self, name: str, schema: sch.Schema) -> ir.Table:
        """A native copy as an Ibis table of a known schema."""
        where = ops.Namespace(catalog=COPIES, database="main")
        return ops.DatabaseTable(name, schema, self.ibis, where).to_expr()

    def compile(self, expr: ir.Table) -> str:
        """The engine's SQL of an expression."""
        op = expr.op()
        return str(self.ibis.compile(expr)) if op.find(ops.InMemoryTable) else self._query(op)

    def compile_guard(self, expr: ir.Table) -> str:
        """The engine's SQL of an expression that many readers have with other ids in it; none of its tables is rows
        in memory.
        """
        return self._compiled.guard(expr.op(), lambda plain: str(self.ibis.compile(plain.to_expr())))

    def _query(self, op: ops.Node) -> str:
        """The SQL of an expression, none of whose tables is rows in memory."""
        query = self._compiled.get(op)
        if query is None:
            query = self._compiled.query(op, lambda plain: str(self.ibis.compile(plain.to_expr())))
        return query

    def _give(self, kind: str, rows: pa.Table) -> str:
        """The name under which rows in memory can be read in this session."""
        self._given += 1
        name = f"{kind} {self._given}"
        self._cursor.register(name, rows)
        return name

    @contextmanager
    def _placed(self, table: ir.Table) -> Iterator[str]:
        """The SQL of an expression whose rows in memory can be read under names meanwhile.

        Like any relation these are told apart by number alone: the same question over other rows is compiled once.
        """
        op = table.op()
        held: dict[ops.Node, ops.Node] = {}
        try:
            for rows in op.find(ops.InMemoryTable):
                name = self._give("rows", rows.data.to_pyarrow(rows.schema))
                held[rows] = ops.DatabaseTable(name, rows.schema, self.ibis)
            yield self._query(op.replace(held) if held else op)
        finally:
            for place in held.values():
                with suppress(duckdb.Error):  # the session was closed before its stream was read
                    self._cursor.unregister(place.name)

    def _named(self, op: ops.Node) -> tuple[ops.Node, tuple[tuple[str, pa.Table], ...]]:
        """An expression that reads its rows in memory as relations of names that nothing else has, and these rows."""
        held: dict[ops.Node, ops.Node] = {}
        given = []
        for rows in op.find(ops.InMemoryTable):
            name = f"rows {uuid.uuid4().hex}"
            held[rows] = ops.DatabaseTable(name, rows.schema, self.ibis)
            given.append((name, rows.data.to_pyarrow(rows.schema)))
        return (op.replace(held) if held else op), tuple(given)

    def execute(self, expr: ir.Expr) -> pa.Table:
        """Run an expression; a scalar or column comes back as a table of one column."""
        table = expr.as_table()
        try:
            with self._placed(table) as query:
                found = self._cursor.sql(query).to_arrow_table()
            return table.__pyarrow_result__(found, data_mapper=DuckDBPyArrowData)
        except duckdb.Error as error:
            raise failed(error) from error

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
        instead: Mapping[str, str] | None = None,
    ) -> pa.Table:
        """Run an expression that a key stands for; it is built where the key's query is not known.

        Args:
            key: names everything that the expression is made of, but for ``values``, ``over`` and ``rows``.
            build: gives the expression.
            values: what its bound values (``facts.bound``) are this time.
            over: a relation that it reads: the query is kept for any relation with the same columns.
            order: columns to order by and whether each descends, nulls last, neither of which is in the key.
            only: the columns wanted, as the engine gives them: it reads no others than those it needs for them.
            rows: how many rows, after how many; all of them where it is None.
            instead: name of a view -> SQL of a relation with the same columns, read in its place this time.
        """
        at = _address(over) if over is not None else ""
        if over is not None:
            key = (key, over.schema())
        known = self._compiled.known(key)
        if known is None:
            expr = build()
            op, given_rows = self._named(expr.op())
            query = self._query(op)
            # No value stands in the text, so the only thing that reads like the relation is the relation.
            known = self._compiled.know(
                key, Known(query.replace(at, _ANY) if at else query, expr, given_rows)
            )
        query, expr = known.query, known.expr
        if at:
            query = query.replace(_ANY, at)
        for view, select in (instead or {}).items():
            query = query.replace(_view_address(view), f"({select})")
        if order or only:
            query = f"SELECT {', '.join(map(quoted, only)) or '*'} FROM ({query})"
        if order:
            keys = (f"{quoted(name)} {'DESC' if down else 'ASC'} NULLS LAST" for name, down in order)
            query += f" ORDER BY {', '.join(keys)}"
        if rows is not None:
            query += f" LIMIT {int(rows[0])} OFFSET {int(rows[1])}"
        try:
            given = {name: carried(value) for name, value in (values or {}).items()}
            for name, table in known.rows:
                self._cursor.register(name, table)
            found = self._cursor.execute(query, given or None).to_arrow_table()
        except duckdb.Error as error:
            raise failed(error) from error
        finally:
            for name, _ in known.rows:
                with suppress(duckdb.Error):
                    self._cursor.unregister(name)
        return found if only else expr.__pyarrow_result__(found, data_mapper=DuckDBPyArrowData)

    def chosen(self, ids: Sequence[str]) -> ir.Table:
        """Some ids as a relation of one column ``chosen``, for this session alone.

        An expression over it says the same whatever the ids are, so it is compiled once.
        """
        name = self._give("chosen", pa.table({"chosen": pa.array(list(ids), pa.string())}))
        return ops.DatabaseTable(name, sch.Schema({"chosen": dt.string}), self.ibis).to_expr()

    def digests_of(self, values: Sequence[str]) -> list[int]:
        """32 bits that stand for each text, the same in :meth:`digests`; they hold in this process only."""
        query = f"SELECT {_digest_sql('value')} FROM (SELECT unnest(CAST($texts AS VARCHAR[])) AS value)"
        return [int(row[0]) for row in self._cursor.execute(query, {"texts": list(values)}).fetchall()]

    def digests(self, path: str, column: str) -> memoryview:
        """Digests of the values that a column of a Parquet file holds, each once, ascending."""
        rows = (
            f"SELECT DISTINCT {_digest_sql(quoted(column))} AS digest "
            f"FROM {parquet_sql([path], partitioned=False)} WHERE {quoted(column)} IS NOT NULL ORDER BY digest"
        )
        try:
            found = self._cursor.execute(rows).to_arrow_table()
        except duckdb.Error as error:
            raise failed(error) from error
        digests = array("I")
        for chunk in found.column("digest").chunks:
            # Chunks may start within a buffer; an id is never null here, so the buffer is all there is.
            whole = memoryview(chunk.buffers()[1]).cast("B").cast("I")
            digests.extend(whole[chunk.offset : chunk.offset + len(chunk)])
        return memoryview(digests)

    def run(self, statement: str) -> None:
        """Run a statement for its effect."""
        try:
            self._cursor.execute(statement)
        except duckdb.Error as error:
            raise failed(error) from error

    def sql(self, expr: ir.Expr) -> str:
        """The query an expression compiles to, laid out over lines."""
        return str(self.ibis.compile(expr.as_table(), pretty=True))

    def batches(self, expr: ir.Expr, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream an expression's rows in record batches of about ``rows``."""
        table = expr.as_table()
        try:
            with self._placed(table) as query:
                yield from pa.RecordBatchReader.from_batches(
                    table.schema().to_pyarrow(), self._cursor.execute(query).to_arrow_reader(rows)
                )
        except duckdb.Error as error:
            raise failed(error) from error

    def interrupt(self) -> None:
        """Stop the running query, if any; callable from another thread."""
        with suppress(duckdb.ConnectionException):  # it was closed meanwhile: there is nothing to stop
            self._cursor.interrupt()

    def close(self) -> None:
        """End the session; its expressions can no longer be executed."""
        self._cursor.close()


class Engine:
    """The process's reader: files under ``folder`` only, settings locked.

    Args:
        folder: the only folder whose files queries can open.
        memory_limit: such as ``"1GB"``; the engine's default (80 % of memory) when empty.
        threads: worker threads; all cores when 0.
        copies: whether native copies can be made: in a file of the private temporary folder that also
            takes what does not fit in memory, opened before the sandbox shuts.
    """

    def __init__(
        self,
        folder: Path,
        *,
        memory_limit: str = "",
        threads: int = 0,
        copies: bool = False,
    ) -> None:
        clear_left()
        self._spill = tempfile.TemporaryDirectory(prefix=f"{SPILL}{os.getpid()}-", ignore_cleanup_errors=True)
        _own.add(Path(self._spill.name).name)
        self._root = duckdb.connect(":memory:")
        self._lock = threading.RLock()
        self._compiled = Compiled()
        root = self._root
        root.execute("SET GLOBAL TimeZone = 'UTC'")
        root.execute("SET GLOBAL python_enable_replacements = false")
        root.execute("SET GLOBAL preserve_insertion_order = false")
        root.execute(f"SET GLOBAL temp_directory = {text_literal(self._spill.name)}")
        if memory_limit:
            root.execute(f"SET GLOBAL memory_limit = {text_literal(memory_limit)}")
        if threads:
            root.execute(f"SET GLOBAL threads = {int(threads)}")
        root.execute(f"CREATE SCHEMA {VIEWS}")
        if copies:
            # A page's rows lie scattered: to read one, these methods unpack all that stand before it.
            root.execute("SET GLOBAL disabled_compression_methods = 'fsst,bitpacking'")
            path = Path(self._spill.name) / "copies.duckdb"
            root.execute(f"ATTACH {text_literal(str(path))} AS {COPIES}")
        root.execute(f"SET GLOBAL allowed_directories = [{text_literal(str(folder))}]")
        root.execute("SET GLOBAL enable_external_access = false")
        root.execute("SET GLOBAL lock_configuration = true")

    def session(self) -> Session:
        """A new session with its own cursor."""
        with self._lock:
            return Session(self._root.cursor(), self._compiled)

    def define(self, name: str, select: str) -> None:
        """Create a view; one that exists is kept, since a name stands for fixed content."""
        with self._lock:
            try:
                self._root.execute(f"CREATE VIEW IF NOT EXISTS {VIEWS}.{quoted(name)} AS {select}")
            except duckdb.Error as error:
                raise failed(error) from error

    def drop(self, name: str) -> None:
        """Forget a view."""
        self._forget(f"DROP VIEW IF EXISTS {VIEWS}.{quoted(name)}")

    def store(self, name: str, rows: pa.Table) -> None:
        """Keep a small Arrow table in memory under a name; one that exists is kept."""
        with self._lock:
            cursor = self._root.cursor()
            try:
                cursor.register("incoming", rows)
                cursor.execute(f"CREATE TABLE IF NOT EXISTS {VIEWS}.{quoted(name)} AS SELECT * FROM incoming")
            except duckdb.Error as error:
                raise failed(error) from error
            finally:
                cursor.close()

    def discard(self, name: str) -> None:
        """Forget a kept table."""
        self._forget(f"DROP TABLE IF EXISTS {VIEWS}.{quoted(name)}")

    def copy(
        self,
        name: str,
        *,
        running: Callable[[Session], None],
        key: str = "",
        order: str = "",
        within: tuple[str, str, str] | None = None,
    ) -> None:
        """Make a native copy of a view or kept table, under the same name.

        Runs on a cursor of its own, so readers go on meanwhile.

        Args:
            name: the view's or table's, and the copy's.
            running: handed a session to interrupt it by.
            key: a column by whose values single rows will be asked for.
            order: a column whose equal values are to stand together.
            within: (column, least, greatest) of all its rows, where they are known: others need not be looked at.
        """
        narrowed = ""
        if within is not None:
            column, least, greatest = within
            narrowed = f" WHERE {quoted(column)} BETWEEN {text_literal(least)} AND {text_literal(greatest)}"
        ordered = f" ORDER BY {quoted(order)}" if order else ""
        session = self.session()
        try:
            running(session)
            session.run(
                f"CREATE OR REPLACE TABLE {COPIES}.main.{quoted(name)} AS "
                f"SELECT * FROM {VIEWS}.{quoted(name)}{narrowed}{ordered}"
            )
            if key:
                session.run(
                    f"CREATE INDEX {quoted(f'{key} of {name}')} ON {COPIES}.main.{quoted(name)} ({quoted(key)})"
                )
        finally:
            session.close()

    def drop_copy(self, name: str) -> None:
        """Forget a native copy; its space in the file is used again."""
        self._forget(f"DROP TABLE IF EXISTS {COPIES}.main.{quoted(name)}")

    def _forget(self, statement: str) -> None:
        """Whoever lets go of something lets go of more: what can't be dropped (no memory, a full disk) stays."""
        with self._lock:
            try:
                self._root.execute(statement)
            except duckdb.Error:
                _log.warning("what nobody reads any more could not be dropped", exc_info=True)

    def close(self) -> None:
        """Close the database and remove its spill folder."""
        with self._lock:
            self._root.close()
            self._spill.cleanup()


SPILL = "salesops-reader-"
"""Start of the names of engines' temporary folders; the process id follows."""

_own: set[str] = set()


def clear_left() -> None:
    """Remove the temporary folders of engines whose process was killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{SPILL}*"):
        number = left.name.removeprefix(SPILL).partition("-")[0]
        # A process id may come again (in a container it is always the same): what is not ours was left behind.
        gone = not process_alive(int(number)) if number.isdigit() else False
        if gone or (number == str(os.getpid()) and left.name not in _own):
            shutil.rmtree(left, ignore_errors=True)


def parquet_sql(files: Sequence[str], *, partitioned: bool, with_file: bool = False) -> str:
    """SQL that reads a list of Parquet files as one relation with the union of their columns."""
    listed = ", ".join(text_literal(f) for f in files)
    options = "union_by_name = true"
    if partitioned:
        options += ", hive_partitioning = true, hive_types = {'month_part': VARCHAR}"
    else:
        options += ", hive_partitioning = false"
    options += ", filename = true, file_row_number = true" if with_file else ""
    return f"read_parquet([{listed}], {options})"


def relation_sql(
    files: Sequence[str],
    physical: Mapping[str, ColumnType],
    wanted: Mapping[str, ColumnType],
    *,
    partitioned: bool,
    derived: Mapping[str, str] | None = None,
    with_file: bool = False,
) -> str:
    """SQL of a relation with exactly the ``wanted`` typed columns over a table's files.

    Columns the files lack come back null; no files give an empty relation. ``derived`` names
    columns computed from SQL expressions over the physical ones. ``with_file`` adds ``filename`` and
    ``file_row_number``: where a row lies.
    """
    parts = []
    for name, kind in wanted.items():
        if not files:
            parts.append(f"CAST(NULL AS {SQL[kind]}) AS {quoted(name)}")
        elif derived and name in derived:
            parts.append(f"CAST({derived[name]} AS {SQL[kind]}) AS {quoted(name)}")
        elif name not in physical:
            parts.append(f"CAST(NULL AS {SQL[kind]}) AS {quoted(name)}")
        else:  # files of different ages may hold different types; where they agree the cast is free
            parts.append(f"CAST({quoted(name)} AS {SQL[kind]}) AS {quoted(name)}")
    if with_file:
        none = "CAST(NULL AS VARCHAR) AS filename, CAST(NULL AS BIGINT) AS file_row_number"
        parts.append("filename, file_row_number" if files else none)
    if not files:
        return f"SELECT {', '.join(parts)} WHERE false"
    return (
        f"SELECT {', '.join(parts)} FROM {parquet_sql(files, partitioned=partitioned, with_file=with_file)}"
    )


def quoted(name: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """An SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


_ANY = f'"{MARK} any "'
"""What stands for a relation in a query that is kept for all with the same columns."""


def _digest_sql(text: str) -> str:
    return f"CAST(hash({text}) >> 32 AS UINTEGER)"


def _view_address(name: str) -> str:
    """A published view as it stands in a compiled query."""
    return ".".join(quoted(part) for part in ("memory", VIEWS, name))


def _address(relation: ir.Table) -> str:
    """A relation as it stands in a compiled query."""
    op = relation.op()
    return ".".join(quoted(part) for part in (op.namespace.catalog, op.namespace.database, op.name) if part)


def _never_called(zone: str, instant: object) -> object:
    raise NotImplementedError("runs in the engine")  # the body of a builtin is a signature only


_timezone = ibis.udf.scalar.builtin(
    _never_called, name="timezone", signature=((dt.string, dt.Timestamp("UTC")), dt.timestamp)
)


def local_date(instant: ir.Value, zone: str) -> ir.DateValue:
    """The calendar day of an instant in a time zone (IANA name).

    DuckDB and PostgreSQL have ``timezone(zone, timestamptz)`` under the same name.
    """
    utc = instant.cast("timestamp('UTC')")
    return _timezone(zone, utc).cast("date")


def failed(error: duckdb.Error) -> QueryFailed:
    """What a reader is told of what the engine found wrong."""
    if isinstance(error, duckdb.OutOfMemoryException):
        advice = "Narrow the question, or have an administrator raise SALESOPS_MEMORY_LIMIT."
        return MemorySpent(f"{explained(error)} {advice}")
    return QueryFailed(explained(error))


def explained(error: duckdb.Error) -> str:
    """What the engine found wrong, in words for who asked."""
    text = str(error).strip().splitlines()[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"This takes more memory than the server may use: {text}."
    if isinstance(error, duckdb.InterruptException):
        return "The query was interrupted."
    if "No files found" in text or "Cannot open file" in text:
        return (
            f"A data file of the fact store is missing: {text}. Restore the store's folder from a backup, "
            "or read an older manifest."
        )
    return text
